//! Reads a runbook file: Markdown with TOML fences becomes a [`Runbook`], or every mistake in it at
//! file:line:column in one pass. Nothing is run, opened or guessed here; files are read by the caller.
//!
//! Length: the file, its references and its translations are resolved in one pass.

use std::collections::{BTreeMap, BTreeSet};

use crate::runbook::lint;
use crate::runbook::model::{Runbook, Section, Step, StepKind};
use crate::runbook::place::{Problem, Severity, nearest};
use crate::runbook::prose::bounded;
use crate::runbook::template::Path;

mod front;
mod reader;
mod schema;
mod split;
mod steps;

pub use schema::schema;
pub use split::MAX_BYTES;
pub use steps::SIGNALS;

use reader::{Reader, Sink};
use split::{FenceKind, Piece, Split};
use steps::Standing;

/// Values every step leaves behind besides what it captures.
const BUILT_IN_OUTS: &[&str] = &[
    "after",
    "before",
    "choice",
    "finished_at",
    "image",
    "name",
    "revision",
    "started_at",
    "value",
    "verdict",
    "version",
];
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
            place: crate::runbook::place::Place { line: 1, column: 1 },
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
    if text.len() > MAX_BYTES {
        sink.error(
            0,
            format!(
                "the file has {} bytes, at most {MAX_BYTES} are read",
                text.len()
            ),
            None,
        );
        return (None, sink.into_problems());
    }
    let split = split::split(text, false);
    for (at, message, help) in &split.flaws {
        sink.error(*at, message.clone(), help.clone());
    }
    let front = reader::document(&sink, text, split.front.clone());
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
    for piece in &split.pieces {
        match piece {
            Piece::Heading(title) => {
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
                let Some(table) = reader::document(sink, text, range.clone()) else {
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

/// What may be referred to at a point of the file.
#[derive(Clone, Debug)]
struct Known {
    params: BTreeSet<String>,
    ids: BTreeSet<String>,
    outs: BTreeMap<String, BTreeSet<String>>,
    vars: BTreeSet<String>,
}

impl Known {
    fn new(runbook: &Runbook) -> Self {
        Self {
            params: runbook
                .params
                .iter()
                .map(|param| param.name.clone())
                .collect(),
            ids: BTreeSet::new(),
            outs: BTreeMap::new(),
            vars: BTreeSet::new(),
        }
    }

    fn take_id(&mut self, sink: &Sink<'_>, id: &str, at: usize) {
        if !id.is_empty() && !self.ids.insert(id.to_owned()) {
            sink.error(
                at,
                format!("the id `{}` is taken", bounded(id, 70)),
                Some("ids are unique in a file; journals name steps by them".to_owned()),
            );
        }
    }

    fn add(&mut self, step: &Step) {
        self.outs
            .insert(step.id.clone(), step.capture.keys().cloned().collect());
    }

    /// Resolves a step's references, with its loop variable and the steps of its body in sight.
    fn scoped(&self, sink: &Sink<'_>, step: &Step, refs: Vec<(Path, usize)>) {
        let mut scope = self.clone();
        scope
            .outs
            .insert(step.id.clone(), step.capture.keys().cloned().collect());
        let each = step.each.as_ref().into_iter().chain(match &step.kind {
            StepKind::Each { over, .. } => Some(over),
            _ => None,
        });
        scope.vars.extend(each.filter_map(|each| each.var.clone()));
        if let StepKind::Each { body, .. } = &step.kind {
            for inner in body {
                if !scope.ids.insert(inner.id.clone()) && !inner.id.is_empty() {
                    sink.error(
                        0,
                        format!("the id `{}` is taken", bounded(&inner.id, 70)),
                        Some(format!("rename the step inside `{}`", step.id)),
                    );
                }
                scope.add(inner);
            }
        }
        scope.resolve(sink, refs);
    }

    fn resolve(&self, sink: &Sink<'_>, refs: Vec<(Path, usize)>) {
        let suggest = |word: &str, set: &BTreeSet<String>| {
            nearest(word, set.iter().map(String::as_str))
                .map(|near| format!("did you mean `{near}`?"))
        };
        for (path, at) in refs {
            match &path {
                Path::Param(name, _) if !self.params.contains(name) => sink.error(
                    at,
                    format!("`{path}`: no such parameter"),
                    suggest(name, &self.params),
                ),
                Path::Step(id, tail) => match self.outs.get(id) {
                    None => {
                        let steps = self.outs.keys().cloned().collect();
                        sink.error(
                            at,
                            format!("`{path}`: no step `{id}` before this one"),
                            suggest(id, &steps).or_else(|| {
                                Some("only earlier steps can be referred to".to_owned())
                            }),
                        );
                    }
                    Some(outs) => {
                        let name = tail.first().map_or("", String::as_str);
                        if !outs.contains(name) && !BUILT_IN_OUTS.contains(&name) {
                            sink.error(at, format!("`{path}`: step `{id}` captures no `{name}`"), suggest(name, outs).or_else(|| Some(format!("add it to the step's `capture`, as {{ {name} = \"out.{name}\" }}"))));
                        }
                    }
                },
                Path::Var(name) if !self.vars.contains(name) => {
                    sink.error(at, format!("`{path}` refers to nothing"), Some("write params.NAME, steps.ID.NAME or run.id; loop variables exist only inside their `each`".to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// Translated prose laid over a runbook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    /// The language.
    pub lang: String,
    /// The translated title.
    pub title: Option<String>,
    /// Step or section text by step id.
    pub sections: BTreeMap<String, Section>,
    /// Help of parameters.
    pub help: BTreeMap<String, String>,
}

/// Reads a translation of `runbook`; steps in it, and sections for steps that do not exist, are mistakes.
pub fn parse_overlay(file: &str, text: &str, runbook: &Runbook) -> Result<Overlay, Vec<Problem>> {
    let sink = Sink::new(file, text);
    if text.len() > MAX_BYTES {
        sink.error(
            0,
            format!(
                "the file has {} bytes, at most {MAX_BYTES} are read",
                text.len()
            ),
            None,
        );
        return Err(sink.into_problems());
    }
    let split = split::split(text, true);
    for (at, message, help) in &split.flaws {
        sink.error(*at, message.clone(), help.clone());
    }
    let mut overlay = Overlay::default();
    if let Some(table) = reader::document(&sink, text, split.front.clone()) {
        overlay_front(
            &Reader::new(&sink, &table, split.front.start, "front matter"),
            runbook,
            &mut overlay,
        );
    }
    let mut at = split.front.end;
    let mut current: Option<String> = None;
    for piece in &split.pieces {
        match piece {
            Piece::Heading(title) => {
                at = text
                    .get(at..)
                    .and_then(|rest| rest.find("\n## "))
                    .map_or(at, |found| at + found + 1);
                current = heading_id(title).map(|(id, title)| {
                    if runbook.step(&id).is_none() {
                        let help = nearest(&id, runbook.steps.iter().map(|step| step.id.as_str()))
                            .map(|near| format!("did you mean `{near}`?"));
                        sink.error(at, format!("no step `{id}` in {}", runbook.id), help);
                    }
                    overlay.sections.insert(
                        id.clone(),
                        Section {
                            title,
                            prose: String::new(),
                        },
                    );
                    id
                });
                if current.is_none() {
                    sink.error(
                        at,
                        "a heading without a step's id",
                        Some("write `## [step-id] Title`".to_owned()),
                    );
                }
            }
            Piece::Prose(prose) => {
                if let Some(section) = current.as_ref().and_then(|id| overlay.sections.get_mut(id))
                {
                    section.prose.clone_from(prose);
                }
            }
            Piece::Fence(..) => {}
        }
    }
    let problems = sink.into_problems();
    if problems.is_empty() {
        Ok(overlay)
    } else {
        Err(problems)
    }
}

fn overlay_front(table: &Reader<'_, '_, '_>, runbook: &Runbook, overlay: &mut Overlay) {
    let of = table.need("of");
    if of != runbook.id {
        table.error(
            format!(
                "`of` names `{}`, the runbook is `{}`",
                bounded(&of, 60),
                runbook.id
            ),
            None,
        );
    }
    overlay.lang = table.need("lang");
    overlay.title = table.string("title");
    if let Some(params) = table.table("params") {
        for (name, value, at) in params.free() {
            if runbook.param(&name).is_none() {
                table
                    .sink()
                    .error(at, format!("no parameter `{name}` in {}", runbook.id), None);
            }
            if let Some(inner) = params.as_table(value.get_ref(), at, &name) {
                overlay
                    .help
                    .extend(inner.string("help").map(|help| (name.clone(), help)));
                inner.finish();
            }
        }
    }
    let known = ["of", "lang", "title", "params"];
    for (name, _, at) in table.free() {
        if !known.contains(&name.as_str()) {
            table.sink().error(
                at,
                format!("front matter: unknown key `{name}`"),
                nearest(&name, known).map(|near| format!("did you mean `{near}`?")),
            );
        }
    }
}

/// `[step-id] Title` in two.
fn heading_id(title: &str) -> Option<(String, String)> {
    let (id, title) = title.strip_prefix('[')?.split_once(']')?;
    Some((id.trim().to_owned(), title.trim().to_owned()))
}

impl Overlay {
    /// The runbook in this language; what is not translated stays. The second value counts what is missing.
    pub fn apply(&self, runbook: &Runbook) -> (Runbook, usize) {
        let mut translated = runbook.clone();
        let mut missing = 0;
        if let Some(title) = &self.title {
            translated.title.clone_from(title);
        }
        for param in &mut translated.params {
            match self.help.get(&param.name) {
                Some(help) => param.help = Some(help.clone()),
                None => missing += usize::from(param.help.is_some()),
            }
        }
        for (index, section) in translated.sections.iter_mut().enumerate() {
            let mut of_section = runbook
                .steps
                .iter()
                .filter(|step| step.section == index)
                .peekable();
            let has_steps = of_section.peek().is_some();
            match of_section.find_map(|step| self.sections.get(&step.id)) {
                Some(text) => section.clone_from(text),
                None => missing += usize::from(has_steps),
            }
        }
        for step in &mut translated.steps {
            if let Some(text) = self.sections.get(&step.id) {
                step.prose.clone_from(&text.prose);
            }
        }
        (translated, missing)
    }
}
