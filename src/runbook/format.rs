//! Reads a runbook file: Markdown with TOML fences becomes a [`Runbook`], or every mistake in it at
//! file:line:column in one pass. Nothing is run, opened or guessed here; files are read by the caller.

use crate::runbook::lint;
use crate::runbook::model::{Runbook, Section, StepKind};
use crate::runbook::place::{Place, Problem, Severity};
use crate::runbook::template::Path;

mod actions;
mod checklist;
mod front;
mod gates;
mod guards;
mod known;
mod looks;
mod objects;
mod overlay;
mod programs;
mod reader;
mod schema;
mod secrets;
mod sink;
mod split;
mod steps;

pub use gates::SIGNALS;
pub use overlay::{Overlay, parse_overlay};
pub use schema::schema;
pub use split::MAX_BYTES;

use known::Known;
use reader::Reader;
use sink::{Sink, document};
use split::{FenceKind, Piece, Split};
use steps::Standing;

/// Most steps a file may hold.
const MAX_STEPS: usize = 500;

/// Reads a file. Errors of form and of meaning come together, in file order.
pub fn parse(file: &str, text: &str) -> Result<Runbook, Vec<Problem>> {
    let (runbook, mut problems) = read(file, text);
    let Some(runbook) = runbook else {
        return Err(problems);
    };
    problems.extend(lint::errors(file, &runbook));
    problems.retain(|problem| problem.severity == Severity::Error);
    problems.sort_by_key(|problem| problem.place);
    if problems.is_empty() {
        Ok(runbook)
    } else {
        Err(problems)
    }
}

/// Reads a file that came as bytes: size and encoding are checked first.
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Result<Runbook, Vec<Problem>> {
    let flaw = |message: String, help: &str| {
        vec![Problem {
            file: file.to_owned(),
            place: Place { line: 1, column: 1 },
            severity: Severity::Error,
            message,
            help: Some(help.to_owned()),
        }]
    };
    if bytes.len() > MAX_BYTES {
        return Err(flaw(
            format!(
                "the file has {} bytes, at most {MAX_BYTES} are read",
                bytes.len()
            ),
            "split it, or move prose to a page it links to",
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(file, text),
        Err(error) => Err(flaw(
            format!("byte {} is not UTF-8", error.valid_up_to()),
            "save the file as UTF-8",
        )),
    }
}

/// Form only; the runbook is absent when its front matter could not be read at all.
fn read(file: &str, text: &str) -> (Option<Runbook>, Vec<Problem>) {
    let sink = Sink::new(file, text);
    let Some(split) = split::cut(&sink, text, false) else {
        return (None, sink.into_problems());
    };
    // Without a front matter nothing else can be told: what is missing in it is no mistake of its own.
    if split.front.is_empty() && !split.flaws.is_empty() {
        return (None, sink.into_problems());
    }
    let front = document(&sink, text, split.front.clone());
    let runbook = front.map(|table| {
        let mut runbook = front::front(Reader::new(
            &sink,
            &table,
            split.front.start,
            "front matter",
        ));
        let params: Vec<(Path, usize)> = sink.take_refs();
        let mut known = Known::new(&runbook);
        known.resolve(&sink, params);
        body(&sink, text, &split, &mut runbook, &mut known);
        runbook
    });
    let problems = sink.into_problems();
    (if problems.is_empty() { runbook } else { None }, problems)
}

/// Reads headings, prose and fences in document order.
fn body(sink: &Sink<'_>, text: &str, split: &Split, runbook: &mut Runbook, known: &mut Known) {
    let mut standing = Standing::default();
    let mut headings = Vec::new();
    for piece in &split.pieces {
        match piece {
            Piece::Heading(title, at) => {
                headings.push((title.clone(), *at));
                runbook.sections.push(Section {
                    title: title.clone(),
                    prose: String::new(),
                });
                standing = Standing {
                    section: runbook.sections.len() - 1,
                    prose: String::new(),
                };
            }
            Piece::Prose(prose) => {
                standing.prose.clone_from(prose);
                match runbook.sections.last_mut() {
                    Some(section) if section.prose.is_empty() => section.prose.clone_from(prose),
                    Some(section) => section.prose = format!("{}\n\n{prose}", section.prose),
                    None => {
                        runbook.intro = if runbook.intro.is_empty() {
                            prose.clone()
                        } else {
                            format!("{}\n\n{prose}", runbook.intro)
                        }
                    }
                }
            }
            Piece::Fence(kind, range) => {
                if runbook.sections.is_empty() {
                    sink.error(
                        range.start,
                        "a step without a heading above it",
                        Some("put a line `## Title` before the fence".to_owned()),
                    );
                    runbook.sections.push(Section::default());
                }
                let Some(table) = document(sink, text, range.clone()) else {
                    continue;
                };
                let reader = Reader::new(
                    sink,
                    &table,
                    range.start,
                    if *kind == FenceKind::Step {
                        "step"
                    } else {
                        "block"
                    },
                );
                match kind {
                    FenceKind::Step => top_step(sink, reader, &standing, runbook, known),
                    FenceKind::Block => block(sink, reader, &standing, runbook, known),
                }
                standing.prose.clear();
            }
        }
    }
    for (title, at) in headings {
        known.title(sink, &title, at);
    }
}

fn top_step(
    sink: &Sink<'_>,
    reader: Reader<'_, '_, '_>,
    standing: &Standing,
    runbook: &mut Runbook,
    known: &mut Known,
) {
    let at = reader.at();
    let step = steps::step(reader, standing);
    let refs = sink.take_refs();
    if runbook.steps.len() >= MAX_STEPS {
        sink.error(at, format!("more than {MAX_STEPS} steps"), None);
        return;
    }
    let Some(step) = step else {
        return;
    };
    known.take_id(sink, &step.id, at);
    known.scoped(sink, &step, refs);
    known.add(&step);
    runbook.steps.push(step);
}

fn block(
    sink: &Sink<'_>,
    reader: Reader<'_, '_, '_>,
    standing: &Standing,
    runbook: &mut Runbook,
    known: &mut Known,
) {
    let at = reader.at();
    let id = reader.need("id");
    let mut inner = Vec::new();
    let mut scope = known.clone();
    let bodies = reader.tables("do");
    if bodies.is_empty() {
        reader.error("a block without [[do]] does nothing", None);
    }
    for body in bodies {
        let at = body.at();
        let step = steps::step(body, standing);
        let refs = sink.take_refs();
        if let Some(step) = step {
            scope.take_id(sink, &step.id, at);
            scope.scoped(sink, &step, refs);
            scope.add(&step);
            inner.push(step);
        }
    }
    reader.finish();
    known.take_id(sink, &id, at);
    if inner
        .iter()
        .any(|step| matches!(step.kind, StepKind::Use { .. }))
    {
        sink.error(
            at,
            format!("block `{id}` uses a block"),
            Some("blocks are one level deep; write the steps out".to_owned()),
        );
    }
    runbook.blocks.insert(id, inner);
}
