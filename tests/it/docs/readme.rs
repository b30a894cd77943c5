//! The README is what the program says: its picture, its keys, its commands.
//! `VIGIE_REFRESH_README=1 cargo test --test it docs::` writes picture and keys anew.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use vigie::cli::args::Cli;
use vigie::keymap::table::{Where, table};

use crate::command::Home;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    std::fs::read_to_string(path()).unwrap()
}

/// What stands between two marks.
fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = text.find(&begin).expect("the README has the mark") + begin.len();
    let to = text[from..].find(&end).expect("the mark is closed");
    &text[from..from + to]
}

/// The README says this between the marks, or is made to.
fn says(name: &str, wanted: &str) {
    let text = readme();
    let found = between(&text, name);
    if std::env::var_os("VIGIE_REFRESH_README").is_some() {
        let whole = text.replace(
            &format!("<!-- {name} -->\n{found}<!-- /{name} -->"),
            &format!("<!-- {name} -->\n{wanted}<!-- /{name} -->"),
        );
        std::fs::write(path(), whole).unwrap();
        return;
    }
    assert_eq!(
        found, wanted,
        "VIGIE_REFRESH_README=1 cargo test --test it docs:: writes it anew"
    );
}

/// The keys of every day: what leads from the overview to everything else.
const EVERY_DAY: [&str; 14] = [
    "open",
    "rollout",
    "signals",
    "logs",
    "previous-logs",
    "describe",
    "yaml",
    "owner",
    "restart",
    "back",
    "filter",
    "palette",
    "help",
    "refresh",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_and_the_keys_of_the_readme_are_what_the_program_shows() {
    let home = Home::new();
    let frame = home.run(&["demo", "--frame", "120x40"]).await;
    assert_eq!(frame.code, Some(0), "{frame:?}");
    let lines = frame
        .out
        .lines()
        .map(|line| format!("{}\n", line.trim_end()));
    says(
        "picture",
        &format!("```text\n{}```\n", lines.collect::<String>()),
    );
    says("keys", &keys());
}

fn keys() -> String {
    let rows = table()
        .into_iter()
        .filter(|entry| EVERY_DAY.contains(&entry.id));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|entry| EVERY_DAY.iter().position(|id| *id == entry.id));
    let rows = rows.iter().map(|entry| {
        let keys = entry.keys.iter().map(|key| format!("`{key}`"));
        let place = if entry.place == Where::Everywhere {
            ""
        } else {
            entry.place.heading()
        };
        format!(
            "| {} | {} | {place} |\n",
            keys.collect::<Vec<_>>().join(" "),
            entry.words
        )
    });
    format!(
        "| key | what it does | where |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

/// A line of a shell, cut as a shell would: quotes hold together, a comment or a pipe ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            '#' | '|' | '>' if !quoted => break,
            ' ' if !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// The commands of the README: lines of code, and what stands in backquotes.
fn commands(text: &str) -> Vec<Vec<String>> {
    // Only a plain fence holds commands; the picture's has a word behind it.
    let (mut fence, mut found) = (None, Vec::new());
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(kind), None) => fence = Some(kind),
            (Some(_), Some(_)) => fence = None,
            (None, Some("")) => found.push(words(line)),
            (None, Some(_)) => {}
            (None, None) => found.extend(line.split('`').skip(1).step_by(2).map(words)),
        }
    }
    let starts = |words: &Vec<String>| words.first().is_some_and(|word| word == "vigie");
    let cargo = |words: &Vec<String>| words.iter().position(|word| word == "--");
    found
        .into_iter()
        .filter_map(|words| match cargo(&words) {
            Some(at) if words[0] == "cargo" => {
                Some([vec!["vigie".into()], words[at + 1..].to_vec()].concat())
            }
            _ => starts(&words).then_some(words),
        })
        .collect()
}

#[test]
fn every_command_of_the_readme_can_be_typed() {
    let all = commands(&readme());
    assert!(all.len() > 20, "{all:?}");
    for words in all {
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{words:?}: {error}");
        }
    }
}

#[test]
fn a_command_that_is_none_would_be_noticed() {
    let wrong = commands("`vigie nothing --at=all` and `cargo run --release -- demo`");
    assert_eq!(wrong.len(), 2);
    assert!(Cli::try_parse_from(&wrong[0]).is_err() && Cli::try_parse_from(&wrong[1]).is_ok());
}

#[test]
fn every_file_the_readme_names_is_there() {
    let text = readme();
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://")) {
        assert!(path().with_file_name(link).exists(), "{link}");
    }
}
