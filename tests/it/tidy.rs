//! The rules of the house, read off the sources: floors, doors, cycles, headers, lengths, and what is never left lying about.
//!
//! [`source`] turns a file into the paths it refers to, [`rules`] judges a whole tree by the [`map`]. The last test here holds our own
//! tree against every rule; the others feed each rule a small tree that breaks it, so that none is there for show.

mod circles;
mod map;
mod rules;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use map::Map;
use rules::Tree;

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name ends so, as (path relative to the folder, text).
fn files(folder: &Path, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if endings
                .iter()
                .any(|end| path.to_string_lossy().ends_with(end))
            {
                let name = path.strip_prefix(folder).unwrap_or(&path);
                found.push((
                    name.to_string_lossy().into_owned(),
                    fs::read_to_string(&path).unwrap_or_default(),
                ));
            }
        }
    }
    found.sort();
    found
}

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::new(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
    )
}

/// The map as our own `lib.rs` states it.
fn map() -> Map {
    Map::read(&fs::read_to_string(root().join("src/lib.rs")).unwrap()).unwrap()
}

#[test]
fn our_own_sources_keep_every_rule() {
    let sources = Tree::new(files(&root().join("src"), &[".rs"]));
    let mut broken = sources.broken(&map());
    for folder in ["tests/it", "benches"] {
        let others = Tree::new(files(&root().join(folder), &[".rs"]));
        broken.extend(
            others
                .broken_anywhere()
                .into_iter()
                .map(|line| format!("{folder}/{line}")),
        );
    }
    for folder in ["src", "tests", "benches", "runbooks", "themes", ".ci"] {
        for (path, text) in files(
            &root().join(folder),
            &[
                ".rs", ".md", ".toml", ".yaml", ".py", "run", "up", "down", "build",
            ],
        ) {
            broken.extend(rules::somebodys_home(&format!("{folder}/{path}"), &text));
        }
    }
    assert!(
        broken.is_empty(),
        "the house rules are broken:\n{}",
        broken.join("\n")
    );
}

#[test]
fn the_map_in_lib_rs_agrees_with_the_rules_kept_here() {
    assert_eq!(map().disagreements(), Vec::<String>::new());
}

#[test]
fn every_file_the_map_points_at_is_there() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let header = lib.lines().filter(|line| line.starts_with("//!"));
    let named: Vec<&str> = header
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| word.ends_with(".rs"))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for path in named {
        let place = if path.starts_with("tests/") {
            ""
        } else {
            "src"
        };
        let file = root().join(place).join(path);
        assert!(
            file.is_file(),
            "lib.rs points at {path}, which is not there"
        );
    }
}

#[test]
fn a_map_that_allows_more_or_less_than_the_rules_is_noticed() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let looser = lib.replace("| nothing of ours |", "| `platform` |");
    assert!(!Map::read(&looser).unwrap().disagreements().is_empty());
    let upward = lib.replace("| 1 | [`runbook`]", "| 9 | [`runbook`]");
    assert!(!Map::read(&upward).unwrap().disagreements().is_empty());
}

#[test]
fn an_import_from_a_floor_above_is_broken() {
    for text in [
        "use crate::app::App;",
        "use crate::{app::App};",
        "fn f() { crate::app::update(); }",
        "mod inner { use super::super::super::app::App; }",
        "#[cfg(test)] mod tests { use crate::app::App; }",
    ] {
        let broken = tree(&[("domain/pod.rs", text), ("app.rs", "")]).floors(&map());
        assert_eq!(broken.len(), 1, "{text}: {broken:?}");
        assert!(
            broken[0].contains("domain/pod.rs:1") && broken[0].contains("`app`"),
            "{broken:?}"
        );
    }
}

#[test]
fn an_import_from_a_floor_below_is_fine_and_words_in_comments_and_strings_are_not_imports() {
    let text = "// use crate::cli::x\n/* crate::tui::y */ use crate::domain::Pod; const A: &str = \"crate::cli::x\"; const B: char = '\"'; fn f<'a>(x: &'a str) {}";
    assert_eq!(
        tree(&[("app/screen.rs", text), ("domain.rs", "")]).floors(&map()),
        Vec::<String>::new()
    );
}

#[test]
fn only_cli_may_import_sim() {
    for (path, many) in [
        ("tui.rs", 1),
        ("platform/prometheus.rs", 1),
        ("cli/demo.rs", 0),
    ] {
        let broken = tree(&[(path, "use crate::sim::world;"), ("sim.rs", "")]).floors(&map());
        assert_eq!(broken.len(), many, "{path}: {broken:?}");
    }
}

#[test]
fn each_door_is_kept() {
    for (text, inside, outside) in [
        ("use kube::Client;", "platform/kubernetes.rs", "engine.rs"),
        (
            "fn f() { reqwest::get(\"x\"); }",
            "platform.rs",
            "app/effect.rs",
        ),
        (
            "use prometheus_parse::Scrape;",
            "platform/scrape.rs",
            "domain/signal.rs",
        ),
        ("use ratatui::Frame;", "ui/chart.rs", "app.rs"),
        ("use ::ratatui::style::Color;", "terminal.rs", "config.rs"),
        ("use crossterm::event::KeyEvent;", "keymap.rs", "ui.rs"),
        ("use ratatui::crossterm::event;", "tui.rs", "ui/help.rs"),
        ("use axum::Router;", "sim/kubernetes.rs", "platform.rs"),
        ("use std::{fs, io};", "journal.rs", "runbook/format.rs"),
        ("fn f() { std::fs::read(\"x\"); }", "config.rs", "sim.rs"),
        ("use tokio::fs;", "cli.rs", "engine.rs"),
        (
            "fn f() { let t = Timestamp::now(); }",
            "engine.rs",
            "domain/pod.rs",
        ),
        (
            "fn f() { std::time::SystemTime::now(); }",
            "sim.rs",
            "journal.rs",
        ),
        ("fn f() { Instant::now(); }", "tui.rs", "ui.rs"),
        ("use tokio::time::sleep;", "platform.rs", "app.rs"),
        ("use tokio::signal;", "terminal/signals.rs", "cli.rs"),
    ] {
        assert_eq!(
            tree(&[(inside, text)]).doors(),
            Vec::<String>::new(),
            "{text} in {inside}"
        );
        assert_eq!(
            tree(&[(outside, text)]).doors().len(),
            1,
            "{text} in {outside}"
        );
    }
}

#[test]
fn tokios_instant_is_for_waiting_and_the_standard_one_is_a_clock() {
    let waiting =
        "use tokio::time::Instant; fn f() { Instant::now(); tokio::time::Instant::now(); }";
    assert_eq!(
        tree(&[("platform/http.rs", waiting)]).doors(),
        Vec::<String>::new()
    );
    assert_eq!(tree(&[("domain.rs", waiting)]).doors().len(), 3);
    let clock = "use std::time::Instant; fn f() { Instant::now(); }";
    assert_eq!(tree(&[("platform/http.rs", clock)]).doors().len(), 1);
}

#[test]
fn tests_inside_a_room_may_use_any_door() {
    let text = "#[cfg(test)]\nmod tests { fn f() { std::fs::read(\"x\"); } }\nfn g() {}";
    assert_eq!(tree(&[("app.rs", text)]).doors(), Vec::<String>::new());
    let after = "#[cfg(test)]\nmod tests {}\nfn g() { std::fs::read(\"x\"); }";
    assert_eq!(tree(&[("app.rs", after)]).doors().len(), 1);
}

#[test]
fn what_would_hide_an_import_is_noticed() {
    for text in [
        "use crate as house;",
        "use crate::{self as house};",
        "use crate::*;",
        "use std as s;",
        "use std::{self as s, io};",
        "use tokio::*;",
        "use std::time::{Instant as Moment};",
        "use jiff::Timestamp as Moment;",
        "pub use kube::Client;",
        "pub(crate) use reqwest as http;",
        "pub use std::fs;",
        "extern crate kube as k;",
        "#[path = \"../app/state.rs\"] mod state;",
        "include!(\"../app/state.rs\");",
        "#[macro_export] macro_rules! m { () => {} }",
    ] {
        let broken = tree(&[("platform/http.rs", text)]).disguises();
        assert_eq!(broken.len(), 1, "{text}: {broken:?}");
    }
    let plain = "use std::{io, fmt::{self, Write as _}}; use super::Body as Sent; pub use crate::domain::Pod; use kube::Client as Api; const A: &str = include_str!(\"a\");";
    assert_eq!(
        tree(&[("platform/http.rs", plain)]).disguises(),
        Vec::<String>::new()
    );
}

#[test]
fn no_way_of_writing_hides_a_path() {
    for text in [
        "struct A { #[cfg(test)] x: u8, y: kube::Client }",
        "enum A { #[cfg(test)] X(u8, u8), Y(kube::Client) }",
        "fn f() -> impl Iterator + use<> { kube::g(); one() }",
        "fn f() { return ::kube::g(); }",
        "fn f() { for x in ::kube::g() {} }",
        "fn f(x: &dyn ::kube::T) {}",
        "fn f() { r#kube::g(); }",
        "macro_rules! m { () => { kube::g() } }",
        "fn f() { a::<kube::X>::b(); }",
        "fn f() { <kube::X as T>::b(); }",
        "#[derive(kube::Resource)] struct A;",
    ] {
        let broken = tree(&[("app.rs", text)]).doors();
        assert_eq!(broken.len(), 1, "{text}: {broken:?}");
    }
    let test_only = "struct A { #[cfg(test)] x: kube::Client, y: u8 } #[cfg(test)] fn f(a: u8, b: u8) { kube::g(); }";
    assert_eq!(tree(&[("app.rs", test_only)]).doors(), Vec::<String>::new());
    let raw = tree(&[("domain.rs", "use crate::r#app::App;"), ("app.rs", "")]).floors(&map());
    assert_eq!(raw.len(), 1, "{raw:?}");
}

#[test]
fn a_cycle_inside_a_room_is_broken_however_it_is_written() {
    for (one, two) in [
        ("use crate::app::two::B;", "use crate::app::one::A;"),
        ("use super::two::B;", "use super::{one::A};"),
        ("fn f() { super::two::g(); }", "use crate::app::{one};"),
    ] {
        let broken = tree(&[
            ("app.rs", "mod one; mod two;"),
            ("app/one.rs", one),
            ("app/two.rs", two),
        ])
        .cycles();
        assert_eq!(broken.len(), 1, "{one} {two}: {broken:?}");
        assert!(
            broken[0].contains("app/one.rs") && broken[0].contains("app/two.rs"),
            "{broken:?}"
        );
    }
    let three = [
        ("ui/a.rs", "use super::b::X;"),
        ("ui/b.rs", "use super::c::X;"),
        ("ui/c.rs", "use super::a::X;"),
        ("ui.rs", "mod a; mod b; mod c;"),
    ];
    assert_eq!(tree(&three).cycles().len(), 1);
}

#[test]
fn a_room_that_uses_its_own_child_may_not_be_used_by_it_but_may_re_export_it() {
    let child = ("app/update.rs", "use super::App;");
    let uses = tree(&[
        (
            "app.rs",
            "mod update; pub struct App; fn f() { update::update(); }",
        ),
        child,
    ])
    .cycles();
    assert_eq!(uses.len(), 1, "{uses:?}");
    let re_exports = tree(&[
        (
            "app.rs",
            "mod update; pub use update::update; pub struct App;",
        ),
        child,
    ])
    .cycles();
    assert_eq!(re_exports, Vec::<String>::new());
}

#[test]
fn a_re_export_does_not_hide_a_cycle() {
    let files = [
        (
            "app.rs",
            "mod one; mod two; pub use one::A; pub use two::B;",
        ),
        ("app/one.rs", "use super::B;"),
        ("app/two.rs", "use crate::app::A;"),
    ];
    assert_eq!(tree(&files).cycles().len(), 1);
}

#[test]
fn a_cycle_between_rooms_is_broken() {
    let files = [
        ("app.rs", "use crate::ui::x;"),
        ("ui.rs", "use crate::app::x;"),
    ];
    assert!(!tree(&files).cycles().is_empty());
}

#[test]
fn a_long_file_must_say_why() {
    let long = "//! Header.\n".to_owned() + &"fn f() {}\n".repeat(500);
    assert_eq!(tree(&[("app.rs", &long)]).broken_anywhere().len(), 1);
    let stated = "//! Header.\n//! Length: one table.\n".to_owned() + &"fn f() {}\n".repeat(500);
    assert_eq!(
        tree(&[("app.rs", &stated)]).broken_anywhere(),
        Vec::<String>::new()
    );
}

#[test]
fn headers_mod_rs_and_leftovers_are_noticed() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    for word in words {
        let text = format!("//! Header.\n// {word}: later\n");
        assert_eq!(
            tree(&[("app.rs", &text)]).broken_anywhere().len(),
            1,
            "{word}"
        );
    }
    for text in [
        "//! Header.\nfn f() { dbg!(1); }\n",
        "//! Header.\nfn f() { todo!() }\n",
        "fn f() {}\n",
        "\n//! Late.\n",
    ] {
        assert_eq!(
            tree(&[("app.rs", text)]).broken_anywhere().len(),
            1,
            "{text}"
        );
    }
    assert_eq!(
        tree(&[("app/mod.rs", "//! Header.\n")])
            .broken_anywhere()
            .len(),
        1
    );
}

#[test]
fn a_path_into_somebodys_home_is_noticed() {
    for folder in [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/ada/"),
        concat!("/Us", "ers/ada/"),
    ] {
        assert_eq!(
            rules::somebodys_home("README.md", &format!("see {folder}notes")).len(),
            1,
            "{folder}"
        );
    }
    assert_eq!(
        rules::somebodys_home("README.md", "see ~/.config and /chroot/"),
        Vec::<String>::new()
    );
}
