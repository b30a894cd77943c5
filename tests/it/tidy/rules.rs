//! The rules themselves, over any tree of sources: who may import whom, which room holds which door, no cycles, and the
//! manners of every file. Each returns sentences that begin with `file:line`.

use std::collections::{BTreeMap, BTreeSet};

use super::circles::find_cycles;
use super::map::{Map, imports_of};
use super::source::{self, Outline};

/// What may be named only in some rooms. The last two words of a path count for the clock, the first ones otherwise.
const DOORS: &[(&str, &[&str])] = &[
    ("kube", &["platform"]),
    ("k8s_openapi", &["platform"]),
    ("reqwest", &["platform"]),
    ("prometheus_parse", &["platform"]),
    ("prost", &["platform"]),
    ("ratatui::crossterm", &["tui", "terminal"]),
    ("ratatui", &["ui", "tui", "terminal"]),
    ("crossterm", &["keymap", "tui", "terminal"]),
    ("axum", &["sim"]),
    ("clap", &["cli"]),
    ("std::fs", &["config", "journal", "cli", "terminal"]),
    // A source's token file changes while the console runs: the platform reads it anew.
    (
        "tokio::fs",
        &["config", "journal", "cli", "terminal", "platform"],
    ),
    ("tokio::signal", &["terminal"]),
    // Waiting is not knowing what time it is: the platform's deadlines need no clock of ours.
    ("tokio::time", &["engine", "tui", "sim", "platform", "cli"]),
];

/// What asks the machine for the present moment.
const CLOCKS: &[&str] = &[
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "std::time::UNIX_EPOCH",
    "SystemTime::UNIX_EPOCH",
];
/// The types that have one: under another name they would not be recognised.
const CLOCK_TYPES: &[&str] = &["SystemTime", "Instant", "Timestamp", "Zoned"];
const CLOCK_ROOMS: &[&str] = &["engine", "tui", "sim"];

/// One file with what it mentions.
#[derive(Debug, Clone)]
struct File {
    path: String,
    text: String,
    module: Vec<String>,
    outline: Outline,
    test: bool,
}

impl File {
    /// A bare `Instant` is tokio's where the file says so: that one only waits, and stands still in tests that pause it.
    fn full(&self, path: &[String]) -> Vec<String> {
        let waits = ["tokio", "time", "Instant"];
        if path[0] == "Instant" && self.outline.references.iter().any(|one| one.path == waits) {
            return [&["tokio".to_owned(), "time".to_owned()], path].concat();
        }
        path.to_vec()
    }

    fn room(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }
}

/// A folder of sources.
#[derive(Debug, Clone)]
pub struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// From (path relative to the folder, text).
    pub fn new(sources: Vec<(String, String)>) -> Self {
        let modules: Vec<Vec<String>> = sources.iter().map(|(path, _)| module_of(path)).collect();
        let mut files: Vec<File> = Vec::new();
        for ((path, text), module) in sources.into_iter().zip(&modules) {
            let children: Vec<String> = modules
                .iter()
                .filter(|other| other.len() == module.len() + 1 && other.starts_with(module))
                .filter_map(|other| other.last().cloned())
                .collect();
            let outline = source::outline(&text, module, &children);
            files.push(File {
                path,
                text,
                module: module.clone(),
                outline,
                test: false,
            });
        }
        let for_tests: Vec<Vec<String>> = files
            .iter()
            .flat_map(|file| {
                file.outline
                    .test_children
                    .iter()
                    .map(|child| [file.module.clone(), vec![child.clone()]].concat())
            })
            .collect();
        for file in &mut files {
            file.test = for_tests
                .iter()
                .any(|module| file.module.starts_with(module));
        }
        Self { files }
    }

    /// Every rule for our own sources.
    pub fn broken(&self, map: &Map) -> Vec<String> {
        [
            self.floors(map),
            self.doors(),
            self.cycles(),
            self.disguises(),
            self.broken_anywhere(),
        ]
        .concat()
    }

    /// Imports that do not go down.
    pub fn floors(&self, map: &Map) -> Vec<String> {
        let mut broken = Vec::new();
        for file in self.files.iter().filter(|file| !file.room().is_empty()) {
            let room = file.room();
            if map.floor(room).is_none() {
                broken.push(format!(
                    "{}:1: the map in lib.rs has no room `{room}`",
                    file.path
                ));
            }
            for one in file
                .outline
                .references
                .iter()
                .filter(|one| one.path[0] == "crate")
            {
                let Some(other) = one.path.get(1).filter(|other| map.floor(other).is_some()) else {
                    continue;
                };
                if other != room && !imports_of(room).contains(&other.as_str()) {
                    broken.push(format!(
                        "{}:{}: `{room}` may not import `{other}`",
                        file.path, one.line
                    ));
                }
            }
        }
        broken
    }

    /// Packages and clocks named outside their rooms. Code compiled only for tests may name anything.
    pub fn doors(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for file in self
            .files
            .iter()
            .filter(|file| !file.test && !file.room().is_empty())
        {
            for one in file.outline.references.iter().filter(|one| !one.test) {
                let Some((what, rooms)) = door(&file.full(&one.path)) else {
                    continue;
                };
                if !rooms.contains(&file.room()) {
                    broken.push(format!(
                        "{}:{}: `{what}` only in {}",
                        file.path,
                        one.line,
                        rooms.join(", ")
                    ));
                }
            }
        }
        broken
    }

    /// What would let an import pass the other rules unseen: names for the root or for a clock, doors handed on, code
    /// brought in past the module tree.
    pub fn disguises(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for file in &self.files {
            let mut say = |line: usize, what: String| {
                broken.push(format!("{}:{line}: {what}", file.path));
            };
            for (what, line) in &file.outline.detours {
                say(
                    *line,
                    format!("{what} brings code past the map of the house"),
                );
            }
            for one in &file.outline.references {
                let words: Vec<&str> = one.path.iter().map(String::as_str).collect();
                match words[..] {
                    ["crate"] => say(one.line, "the root gets no name of its own".into()),
                    ["crate", "*"] => say(one.line, "the root is not imported whole".into()),
                    ["std" | "tokio", "*"] | ["std" | "tokio"] => {
                        say(one.line, format!("name what is used of `{}`", words[0]));
                    }
                    _ => {}
                }
                let last = words.last().copied().unwrap_or_default();
                let renamed = one.renamed.as_deref().filter(|name| *name != "_");
                if renamed.is_some() && CLOCK_TYPES.contains(&last) {
                    say(one.line, format!("`{last}` keeps its name: it has a clock"));
                }
                if let Some((what, _)) = door(&one.path).filter(|_| one.handed_on) {
                    say(
                        one.line,
                        format!("`{what}` is not handed on to other rooms"),
                    );
                }
            }
        }
        broken
    }

    /// Rooms that import each other, and files of one room that do.
    pub fn cycles(&self) -> Vec<String> {
        let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in self
            .files
            .iter()
            .filter(|file| !file.test && !file.room().is_empty())
        {
            for one in file
                .outline
                .references
                .iter()
                .filter(|one| !one.test && !one.handed_on)
            {
                let Some(target) = self.defining_file(&one.path) else {
                    continue;
                };
                if target.room() != file.room() {
                    rooms
                        .entry(file.room().into())
                        .or_default()
                        .insert(target.room().into());
                } else if target.path != file.path {
                    files
                        .entry(file.path.clone())
                        .or_default()
                        .insert(target.path.clone());
                }
            }
        }
        let said = |cycle: Vec<String>| {
            format!("{}: imports in a circle: {}", cycle[0], cycle.join(" -> "))
        };
        find_cycles(&rooms)
            .into_iter()
            .chain(find_cycles(&files))
            .map(said)
            .collect()
    }

    /// The file in which a path of ours is defined, looking through names handed on.
    fn defining_file(&self, path: &[String]) -> Option<&File> {
        let mut path = path.to_vec();
        for _ in 0..8 {
            if path.first().map(String::as_str) != Some("crate") {
                return None;
            }
            let file = self
                .files
                .iter()
                .filter(|file| !file.module.is_empty() && path[1..].starts_with(&file.module))
                .max_by_key(|file| file.module.len())?;
            let name = path.get(file.module.len() + 1);
            let through = file.outline.references.iter().find(|one| {
                one.handed_on && name.is_some() && one.path.last() == name && one.path != path
            });
            match through {
                Some(one) => path.clone_from(&one.path),
                None => return Some(file),
            }
        }
        None
    }

    /// What holds for every Rust file, tests and benches too.
    pub fn broken_anywhere(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for file in &self.files {
            let path = &file.path;
            if !file.text.starts_with("//!") {
                broken.push(format!(
                    "{path}:1: a file begins with `//!` and says what lives in it"
                ));
            }
            if path.ends_with("/mod.rs") || path == "mod.rs" {
                broken.push(format!("{path}:1: no mod.rs; put `foo.rs` beside `foo/`"));
            }
            let lines = file.text.lines().count();
            if lines > 500
                && !file
                    .text
                    .lines()
                    .any(|line| line.starts_with("//! Length: "))
            {
                broken.push(format!(
                    "{path}:1: {lines} lines, and no `//! Length:` line that says why"
                ));
            }
            let words = [
                concat!("TO", "DO"),
                concat!("FIX", "ME"),
                concat!("XX", "X"),
            ];
            for (at, line) in file.text.lines().enumerate() {
                if let Some(word) = words.iter().find(|word| {
                    line.split(|c: char| !c.is_alphanumeric())
                        .any(|part| part == **word)
                }) {
                    broken.push(format!("{path}:{}: {word} is not left behind", at + 1));
                }
            }
            let left = file
                .outline
                .macros
                .iter()
                .filter(|(name, _)| ["dbg", "todo"].contains(&name.as_str()));
            broken.extend(
                left.map(|(name, line)| format!("{path}:{line}: {name}! is not left behind")),
            );
        }
        broken
    }
}

/// The rule that a path touches, if any.
fn door(path: &[String]) -> Option<(&'static str, &'static [&'static str])> {
    let joined = path.join("::");
    let waiting = joined.starts_with("tokio::time::");
    if let Some(clock) = CLOCKS
        .iter()
        .find(|clock| joined == **clock || joined.ends_with(&format!("::{clock}")))
        .filter(|_| !waiting)
    {
        return Some((clock, CLOCK_ROOMS));
    }
    DOORS
        .iter()
        .find(|(what, _)| {
            joined == *what
                || joined
                    .strip_prefix(what)
                    .is_some_and(|rest| rest.starts_with("::"))
        })
        .map(|(what, rooms)| (*what, *rooms))
}

/// `app/update.rs` is `["app", "update"]`; `lib.rs` is the root.
fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if stem == "lib" {
        return Vec::new();
    }
    stem.split('/').map(str::to_owned).collect()
}

/// Absolute paths into a person's home, which mean nothing on another machine.
pub fn somebodys_home(path: &str, text: &str) -> Vec<String> {
    let folders = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ];
    let begins = |line: &str, folder: &str| {
        line.match_indices(folder).any(|(at, _)| {
            !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '}' | '.' | '_'))
        })
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| folders.iter().any(|folder| begins(line, folder)))
        .map(|(at, _)| format!("{path}:{}: a path into somebody's home", at + 1))
        .collect()
}
