//! Translations: prose laid over a runbook. They may name only steps and parameters that exist, and hold no step of
//! their own.

use std::collections::BTreeMap;

use crate::runbook::format::reader::Reader;
use crate::runbook::format::sink::{Sink, document};
use crate::runbook::format::split::{self, Piece};
use crate::runbook::model::{ChecklistItem, Runbook, Section, StepKind};
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
    /// Text and help of what a step lists, by step and id: items of a checklist, branches of a choice.
    pub lists: BTreeMap<(String, String), Words>,
}

/// What one entry of a list says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// An item's text, or a branch's label.
    pub text: Option<String>,
    /// How to find out, or what it does.
    pub help: Option<String>,
}

/// The name under which a translation lists the front matter's own checklist.
const FRONT: &str = "checklist";

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
    let mut current: Option<String> = None;
    for piece in &split.pieces {
        match piece {
            Piece::Heading(title, at) => {
                current = section(&sink, *at, title, runbook, &mut overlay);
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
    lists(table, "items", "text", runbook, overlay);
    lists(table, "options", "label", runbook, overlay);
    let known = ["of", "lang", "title", "params", "items", "options"];
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

/// Reads `[items.STEP.ITEM]` or `[options.STEP.BRANCH]`.
fn lists(
    table: &Reader<'_, '_, '_>,
    key: &'static str,
    text: &'static str,
    runbook: &Runbook,
    overlay: &mut Overlay,
) {
    let Some(steps) = table.table(key) else {
        return;
    };
    for (step, value, at) in steps.free() {
        let known = listed(runbook, &step);
        let Some(inner) = steps.as_table(value.get_ref(), at, &step) else {
            continue;
        };
        for (id, value, at) in inner.free() {
            if !known.contains(&id.as_str()) {
                let near = nearest(&id, known.iter().copied());
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("nothing of {} is `{step}.{id}`", runbook.id);
                table.sink().error(at, message, help);
            }
            let Some(words) = inner.as_table(value.get_ref(), at, &id) else {
                continue;
            };
            let said = Words {
                text: words.string(text),
                help: words.string("help"),
            };
            words.finish();
            overlay.lists.insert((step.clone(), id), said);
        }
    }
}

/// The ids of what a step lists.
fn listed<'r>(runbook: &'r Runbook, step: &str) -> Vec<&'r str> {
    let items = |items: &'r [ChecklistItem]| items.iter().map(|item| item.id.as_str()).collect();
    if step == FRONT {
        return items(&runbook.checklist);
    }
    match runbook.step(step).map(|step| &step.kind) {
        Some(StepKind::Checklist { items: own }) => items(own),
        Some(StepKind::Choose { options }) => {
            options.iter().map(|option| option.id.as_str()).collect()
        }
        _ => Vec::new(),
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
    if overlay.sections.contains_key(&id) {
        sink.error(
            at,
            format!("`{id}` has two sections"),
            Some("join them".to_owned()),
        );
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
        if let Some(title) = &self.title {
            translated.title.clone_from(title);
        }
        for param in &mut translated.params {
            if let Some(help) = self.help.get(&param.name) {
                param.help = Some(help.clone());
            }
        }
        for (index, section) in translated.sections.iter_mut().enumerate() {
            let mut of_section = runbook.steps.iter().filter(|step| step.section == index);
            if let Some(text) = of_section.find_map(|step| self.sections.get(&step.id)) {
                section.clone_from(text);
            }
        }
        self.apply_items(FRONT, &mut translated.checklist);
        for step in &mut translated.steps {
            if let Some(text) = self.sections.get(&step.id) {
                step.prose.clone_from(&text.prose);
            }
            match &mut step.kind {
                StepKind::Checklist { items } => self.apply_items(&step.id, items),
                StepKind::Choose { options } => {
                    for option in options {
                        let key = (step.id.clone(), option.id.clone());
                        let Some(words) = self.lists.get(&key) else {
                            continue;
                        };
                        if let Some(text) = &words.text {
                            option.label.clone_from(text);
                        }
                        option.help = words.help.clone().or(option.help.take());
                    }
                }
                _ => {}
            }
        }
        (translated, self.missing(runbook).len())
    }

    fn apply_items(&self, step: &str, items: &mut [ChecklistItem]) {
        for item in items {
            let key = (step.to_owned(), item.id.clone());
            if let Some(words) = self.lists.get(&key) {
                if let Some(text) = &words.text {
                    item.text.clone_from(text);
                }
                item.help = words.help.clone().or(item.help.take());
            }
        }
    }

    /// What of the runbook has no words in this language, each as the translation would name it.
    pub fn missing(&self, runbook: &Runbook) -> Vec<String> {
        let mut missing = Vec::new();
        if self.title.is_none() {
            missing.push("title".to_owned());
        }
        let helped = runbook.params.iter().filter(|param| param.help.is_some());
        let open = helped.filter(|param| !self.help.contains_key(&param.name));
        missing.extend(open.map(|param| format!("[params.{}] help", param.name)));
        for index in 0..runbook.sections.len() {
            let mut of_section = runbook.steps.iter().filter(|step| step.section == index);
            let first = of_section.clone().next();
            if let Some(first) = first
                && !of_section.any(|step| self.sections.contains_key(&step.id))
            {
                missing.push(format!("## [{}]", first.id));
            }
        }
        self.missing_items(FRONT, &runbook.checklist, &mut missing);
        for step in &runbook.steps {
            match &step.kind {
                StepKind::Checklist { items } => self.missing_items(&step.id, items, &mut missing),
                StepKind::Choose { options } => {
                    for option in options {
                        let has_help = option.help.is_some();
                        let at = (step.id.as_str(), option.id.as_str());
                        self.missing_words(("options", "label"), at, has_help, &mut missing);
                    }
                }
                _ => {}
            }
        }
        missing
    }

    fn missing_items(&self, step: &str, items: &[ChecklistItem], missing: &mut Vec<String>) {
        for item in items {
            let has_help = item.help.is_some();
            self.missing_words(("items", "text"), (step, &item.id), has_help, missing);
        }
    }

    fn missing_words(
        &self,
        (table, text): (&str, &str),
        (step, id): (&str, &str),
        has_help: bool,
        missing: &mut Vec<String>,
    ) {
        let words = self.lists.get(&(step.to_owned(), id.to_owned()));
        if words.is_none_or(|words| words.text.is_none()) {
            missing.push(format!("[{table}.{step}.{id}] {text}"));
        }
        if has_help && words.is_none_or(|words| words.help.is_none()) {
            missing.push(format!("[{table}.{step}.{id}] help"));
        }
    }
}
