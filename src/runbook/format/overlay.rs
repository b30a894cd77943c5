//! Translations: prose laid over a runbook. They may name only steps and parameters that exist, and hold no step of
//! their own.

use std::collections::BTreeMap;

use crate::runbook::format::reader::Reader;
use crate::runbook::format::sink::{Sink, document};
use crate::runbook::format::split::{self, Piece};
use crate::runbook::model::{Runbook, Section};
use crate::runbook::place::{Problem, nearest};
use crate::runbook::prose::bounded;

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
    let Some(split) = split::cut(&sink, text, true) else {
        return Err(sink.into_problems());
    };
    let mut overlay = Overlay::default();
    if let Some(table) = document(&sink, text, split.front.clone()) {
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
                current = section(&sink, at, title, runbook, &mut overlay);
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

/// Begins the section of a step; gives the step's id.
fn section(
    sink: &Sink<'_>,
    at: usize,
    heading: &str,
    runbook: &Runbook,
    overlay: &mut Overlay,
) -> Option<String> {
    let Some((id, title)) = heading_id(heading) else {
        let help = "write `## [step-id] Title`".to_owned();
        sink.error(at, "a heading without a step's id", Some(help));
        return None;
    };
    if runbook.step(&id).is_none() {
        let help = nearest(&id, runbook.steps.iter().map(|step| step.id.as_str()))
            .map(|near| format!("did you mean `{near}`?"));
        sink.error(at, format!("no step `{id}` in {}", runbook.id), help);
    }
    let prose = String::new();
    overlay
        .sections
        .insert(id.clone(), Section { title, prose });
    Some(id)
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
