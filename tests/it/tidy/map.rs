//! The map of the house: which floor a room stands on and whom it may import, as the rules keep it and as `lib.rs`
//! draws it.

use std::collections::BTreeSet;

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

    /// The floor a room stands on.
    pub fn floor(&self, room: &str) -> Option<u32> {
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

/// Whom a room may import.
pub fn imports_of(room: &str) -> &'static [&'static str] {
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
