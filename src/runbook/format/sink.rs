//! Gathers the mistakes of one file at their places, and the references that still have to be resolved. Every reader
//! of the format writes here and goes on reading.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::runbook::place::{Lines, Place, Problem, Severity};
use crate::runbook::prose::bounded;
use crate::runbook::template::Path;

/// Most mistakes told of one file.
const MOST: usize = 500;

/// Gathers the mistakes of one file, and the references that still have to be resolved.
pub struct Sink<'t> {
    file: &'t str,
    lines: Lines<'t>,
    problems: RefCell<Vec<Problem>>,
    refs: RefCell<Vec<(Path, usize)>>,
}

impl<'t> Sink<'t> {
    /// A sink for one file.
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            lines: Lines::new(text),
            problems: RefCell::default(),
            refs: RefCell::default(),
        }
    }

    /// Notes an error at a byte offset of the file.
    pub fn error(&self, at: usize, message: impl Into<String>, help: Option<String>) {
        self.error_at(self.lines.place(at), message, help);
    }

    /// Notes an error at a place that was worked out before.
    pub fn error_at(&self, place: Place, message: impl Into<String>, help: Option<String>) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST {
            problems.push(Problem {
                file: self.file.to_owned(),
                place,
                severity: Severity::Error,
                message: message.into(),
                help,
            });
        }
    }

    /// The place of a byte offset.
    pub fn place(&self, at: usize) -> Place {
        self.lines.place(at)
    }

    /// Remembers a reference.
    pub fn refer(&self, path: Path, at: usize) {
        self.refs.borrow_mut().push((path, at));
    }

    /// Hands over the references since the last call.
    pub fn take_refs(&self) -> Vec<(Path, usize)> {
        self.refs.take()
    }

    /// Everything wrong so far, in file order.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|a, b| (a.place, &a.message).cmp(&(b.place, &b.message)));
        problems.dedup();
        problems
    }
}

/// Parses a slice of the file as a TOML document, reporting every mistake at its place in the file.
pub fn document<'t>(
    sink: &Sink<'_>,
    text: &'t str,
    range: Range<usize>,
) -> Option<Spanned<DeTable<'t>>> {
    let slice = text.get(range.clone())?;
    let (table, errors) = DeTable::parse_recoverable(slice);
    for error in &errors {
        let at = range.start + error.span().map_or(0, |span| span.start);
        sink.error(
            at,
            bounded(error.message().lines().next().unwrap_or("not TOML"), 200),
            None,
        );
    }
    errors.is_empty().then_some(table)
}
