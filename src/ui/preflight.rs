//! The preflight's page, one line a check with the fact that decided, failures first, the missing rule ready to copy;
//! and the change itself, field by field, as it was rehearsed.

use super::paper::Paper;
use super::theme::Tone;
use super::widget::diff::{DiffLine, diff};
use crate::runbook::machine::{AskKind, Run};
use crate::runbook::patch::Planned;
use crate::runbook::preflight::{Level, Line};
use serde_json::Value;

/// Writes the checks of a run.
pub fn write(run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let Some((_, lines)) = &run.ledger().preflight else {
        paper.words(
            "Nothing was asked yet: rights and facts are looked at before the first change, and again after a break.",
            theme.dim(),
        );
        return;
    };
    let mut lines: Vec<&Line> = lines.iter().collect();
    lines.sort_by_key(|line| line.level);
    let (tone, words) = sum(&lines);
    paper.judged(tone, &words, theme.strong());
    paper.gap();
    for line in folded(&lines) {
        paper.check(&line);
    }
    if lines.iter().any(|line| line.fix.is_some()) {
        paper.gap();
        paper.words("c copies what would mend it", theme.dim());
    }
}

/// Rights that are there, one line for each object and the fact that decided; everything else as it is.
fn folded(lines: &[&Line]) -> Vec<Line> {
    let mut folded: Vec<Line> = Vec::new();
    let mut rights: Vec<Right<'_>> = Vec::new();
    for line in lines {
        let Some((verb, object)) = right(line) else {
            folded.push((*line).clone());
            continue;
        };
        let same = |known: &&mut Right<'_>| known.object == object && known.fact == line.fact;
        match rights.iter_mut().find(same) {
            Some(known) => known.verbs.push(verb),
            None => rights.push(Right {
                object,
                fact: &line.fact,
                verbs: vec![verb],
            }),
        }
    }
    folded.extend(rights.into_iter().map(|right| {
        let mut verbs = right.verbs;
        verbs.dedup();
        let words = format!("may {} {}", verbs.join(", "), right.object);
        Line::new(Level::Passed, &words, right.fact)
    }));
    folded
}

/// Rights to one object that one fact decided.
struct Right<'a> {
    object: &'a str,
    fact: &'a str,
    verbs: Vec<String>,
}

/// The verb and the object of a right that is there.
fn right(line: &Line) -> Option<(String, &str)> {
    const BACK: &str = " (for the way back)";
    let asked = (line.level == Level::Passed).then(|| line.text.strip_prefix("may "))??;
    if line.text.ends_with('?') {
        return None;
    }
    let (verb, object) = asked.split_once(' ')?;
    match object.strip_suffix(BACK) {
        Some(object) => Some((format!("{verb} back"), object)),
        None => Some((verb.to_owned(), object)),
    }
}

fn sum(lines: &[&Line]) -> (Tone, String) {
    let count = |level| lines.iter().filter(|line| line.level == level).count();
    let (red, amber, unknown) = (
        count(Level::Red),
        count(Level::Amber),
        count(Level::Unknown),
    );
    let passed = count(Level::Passed) + count(Level::Noted);
    match (red, amber + unknown) {
        (0, 0) => (Tone::Healthy, format!("all {passed} checks passed")),
        (0, open) => (
            if unknown > 0 {
                Tone::Unknown
            } else {
                Tone::Watch
            },
            format!("may go on with a reason: {open} open, {passed} passed"),
        ),
        (red, _) => (
            Tone::Failing,
            format!("cannot start: {red} failed, {passed} passed"),
        ),
    }
}

/// Writes the changes a run makes or has made.
pub fn change(run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let mut any = false;
    for planned in run
        .ledger()
        .steps
        .iter()
        .filter_map(|step| step.plan.as_ref())
    {
        any = true;
        let object = &planned.object;
        let words = if object.namespace.is_empty() {
            object.short()
        } else {
            format!("{} in {}", object.short(), object.namespace)
        };
        paper.words(&words, theme.strong());
        for line in &planned.lines {
            paper.judged(Tone::Idle, line, theme.text());
        }
        paper.gap();
        let (old, new) = texts(planned);
        for line in diff(&old, &new) {
            write_line(&line, paper);
        }
        paper.gap();
    }
    let ahead = match run.ask().map(|ask| &ask.kind) {
        Some(AskKind::Confirm { ahead, .. }) => ahead.as_slice(),
        _ => &[],
    };
    for (index, group) in super::run::groups(run, ahead).iter().enumerate() {
        if index == 0 {
            let words = "what later steps will send; field by field when their turn has come";
            paper.words(words, theme.dim());
        }
        paper.gap();
        paper.words(&group.title, theme.strong());
        for step in &group.steps {
            paper.judged(Tone::Idle, &step.sentence(), theme.text());
        }
    }
    if !any && ahead.is_empty() {
        paper.words("No change has been worked out yet.", theme.dim());
    }
}

fn write_line(line: &DiffLine, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let (sign, words, style) = match line {
        DiffLine::Same(words) => ("  ", words.clone(), theme.text()),
        DiffLine::Added(words) => ("+ ", words.clone(), theme.added()),
        DiffLine::Removed(words) => ("- ", words.clone(), theme.removed()),
        DiffLine::Skipped(1) => ("  ", "(1 line as before)".to_owned(), theme.dim()),
        DiffLine::Skipped(many) => ("  ", format!("({many} lines as before)"), theme.dim()),
    };
    let blanks = words.len() - words.trim_start().len();
    let before = (format!("{sign}{}", " ".repeat(blanks)), style);
    paper.hanging(&[before], 0, words.trim_start(), style);
}

/// The touched fields before and after, as two texts.
fn texts(planned: &Planned) -> (String, String) {
    let side = |value: &Option<Value>| match value {
        None => "(absent)".to_owned(),
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    let mut texts = (String::new(), String::new());
    for change in &planned.changes {
        let head = change.path.trim_start_matches('/').replace('/', ".");
        for (text, value) in [
            (&mut texts.0, &change.before),
            (&mut texts.1, &change.after),
        ] {
            text.extend([head.as_str(), ":\n", &side(value), "\n"]);
        }
    }
    texts
}
