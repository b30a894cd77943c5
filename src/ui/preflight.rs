//! The preflight's page, one line a check with the fact that decided, failures first, the missing rule ready to copy;
//! and the change itself, field by field, as it was rehearsed.

use super::paper::Paper;
use super::theme::Tone;
use super::widget::diff::{DiffLine, diff};
use crate::runbook::machine::Run;
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
    for line in &lines {
        paper.check(line);
    }
    if lines.iter().any(|line| line.fix.is_some()) {
        paper.gap();
        paper.words("c copies what would mend it", theme.dim());
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
        let words = format!("{} in {}", planned.object.short(), planned.object.namespace);
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
    if !any {
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
