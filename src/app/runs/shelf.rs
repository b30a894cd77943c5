//! Runbooks on the shelf and runs of before, as they are listed.

use crate::runbook::machine::{RunState, RunTarget};
use crate::runbook::place::Problem;
use crate::runbook::{Runbook, SHIPPED, format};
use jiff::Timestamp;
use std::sync::Arc;

/// Where a runbook comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// With the program.
    Shipped,
    /// A file of the operator's.
    File(Arc<str>),
}

/// A runbook on the shelf, readable or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// Its id, or the file's name where it cannot be read.
    pub id: Arc<str>,
    /// Where it comes from.
    pub origin: Origin,
    /// Its text.
    pub text: Arc<str>,
    /// The runbook, or what is wrong with the file.
    pub book: Result<Arc<Runbook>, Vec<Problem>>,
    /// The operator's own file stands in the place of a shipped one.
    pub replaces: bool,
}

impl Book {
    /// Reads a runbook; `file` is how problems name it.
    pub fn read(origin: Origin, file: &str, text: &str) -> Self {
        let book = format::parse(file, text).map(Arc::new);
        let stem = file.rsplit('/').next().unwrap_or(file);
        let stem = stem.strip_suffix(".runbook.md").unwrap_or(stem);
        Self {
            id: book.as_ref().map_or(stem, |book| book.id.as_str()).into(),
            origin,
            text: text.into(),
            book,
            replaces: false,
        }
    }

    /// Where it comes from, in words: shipped, or the operator's own with its folder.
    pub fn origin(&self) -> String {
        match &self.origin {
            Origin::Shipped => "shipped".to_owned(),
            Origin::File(path) => {
                let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
                let instead = if self.replaces {
                    ", in the place of the shipped one"
                } else {
                    ""
                };
                format!("own, {folder}{instead}")
            }
        }
    }

    /// Those the program ships.
    pub fn shipped() -> Vec<Self> {
        SHIPPED
            .iter()
            .map(|shipped| Self::read(Origin::Shipped, shipped.file, shipped.text))
            .collect()
    }
}

/// A run of before, or one another process carries out.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// Its id.
    pub run: Arc<str>,
    /// Its runbook's id.
    pub runbook: Arc<str>,
    /// Where it stands.
    pub state: RunState,
    /// Why it stands there, as far as it is known.
    pub reason: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where it runs.
    pub target: RunTarget,
    /// Who began it.
    pub actor: String,
    /// Its journal's file.
    pub journal: String,
    /// Why it can only be read, if so.
    pub read_only: Option<String>,
    /// Whether a process of this machine carries it out now.
    pub carried: bool,
}
