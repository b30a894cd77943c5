//! The rules themselves, over any tree of sources: who may import whom, which room holds which door, no cycles, and the
//! manners of every file. Each returns sentences that begin with `file:line`.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{self, Outline};

/// Which rooms a room may import. `lib.rs` tells the same to people; [`Map::disagreements`] compares.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("sim", &[]),
    ("terminal", &[]),
    ("runbook", &["domain"]),
    ("platform", &["domain"]),
    ("config", &["domain"]),
    ("app", &["runbook", "domain"]),
    ("journal", &["runbook", "domain"]),
    ("keymap", &["app"]),
    (
        "engine",
        &["app", "platform", "journal", "runbook", "domain"],
    ),
    ("ui", &["keymap", "app", "runbook", "domain"]),
    (
        "tui",
        &["ui", "engine", "keymap", "app", "terminal", "domain"],
    ),
    (
        "cli",
        &[
            "tui", "ui", "keymap", "engine", "app", "journal", "runbook", "platform", "config",
            "domain", "sim", "terminal",
        ],
    ),
    ("main", &["cli"]),
];

/// What may be named only in some rooms. The last two words of a path count for the clock, the first ones otherwise.
const DOORS: &[(&str, &[&str])] = &[
    ("kube", &["platform"]),
    ("k8s_openapi", &["platform"]),
    ("reqwest", &["platform"]),
    ("prometheus_parse", &["platform"]),
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
];
const CLOCK_ROOMS: &[&str] = &["engine", "tui", "sim"];

/// The floors as `lib.rs` draws them.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Each row: floor, rooms, the third cell as written.
    rows: Vec<(u32, Vec<String>, String)>,
}

impl Map {
    /// Reads the table in the header of `lib.rs`.
    pub fn read(lib: &str) -> Option<Self> {
        let rows: Vec<_> = lib
            .lines()
            .filter_map(|line| {
                let cells: Vec<&str> = line
                    .strip_prefix("//! |")?
                    .split('|')
                    .map(str::trim)
                    .collect();
                let floor = cells.first()?.parse().ok()?;
                Some((floor, quoted(cells.get(1)?), (*cells.get(2)?).to_owned()))
            })
            .collect();
        (!rows.is_empty()).then_some(Self { rows })
    }

    fn floor(&self, room: &str) -> Option<u32> {
        self.rows
            .iter()
            .find(|row| row.1.iter().any(|name| name == room))
            .map(|row| row.0)
    }

    /// Where the map and [`MAY_IMPORT`] tell different stories, or an import would go upward.
    pub fn disagreements(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (room, imports) in MAY_IMPORT {
            let Some(floor) = self.floor(room) else {
                wrong.push(format!("lib.rs: the map has no room `{room}`"));
                continue;
            };
            for import in imports
                .iter()
                .filter(|import| self.floor(import).is_none_or(|below| below >= floor))
            {
                wrong.push(format!("lib.rs: `{room}` on floor {floor} may not import `{import}`, which is not below it"));
            }
        }
        for (floor, rooms, cell) in self
            .rows
            .iter()
            .filter(|row| !row.2.starts_with("everything below"))
        {
            let said: BTreeSet<String> = quoted(cell).into_iter().collect();
            let kept: BTreeSet<String> = rooms
                .iter()
                .flat_map(|room| imports_of(room))
                .map(|name| (*name).to_owned())
                .collect();
            if said != kept {
                wrong.push(format!(
                    "lib.rs: floor {floor} says {said:?}, the rules keep {kept:?}"
                ));
            }
        }
        wrong
    }
}

fn imports_of(room: &str) -> &'static [&'static str] {
    MAY_IMPORT
        .iter()
        .find(|(name, _)| *name == room)
        .map_or(&[], |(_, imports)| imports)
}

/// The words between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

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

/// One circle for every strongly connected group.
fn find_cycles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut told: BTreeSet<&String> = BTreeSet::new();
    for start in edges.keys() {
        if told.contains(start) {
            continue;
        }
        if let Some(circle) = way_back(edges, start) {
            told.extend(edges.keys().filter(|key| circle.contains(key)));
            found.push(circle);
        }
    }
    found
}

/// The shortest way from a node back to itself.
fn way_back(edges: &BTreeMap<String, BTreeSet<String>>, start: &String) -> Option<Vec<String>> {
    let mut ways: Vec<Vec<String>> = vec![vec![start.clone()]];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in edges.get(way.last()?).into_iter().flatten() {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        ways = longer;
    }
    None
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
