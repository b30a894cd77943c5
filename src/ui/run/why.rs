//! Why the present step is here: the runbook's own prose, what the step does and what undoes it, and where the runbook
//! departs from the document it was made from.

use super::{plan, words};
use crate::runbook::machine::Run;
use crate::ui::paper::{Paper, plain};
use crate::ui::theme::Tone;

/// Writes the page; returns its title.
pub fn write(run: &Run, paper: &mut Paper<'_>) -> String {
    let theme = paper.theme;
    let book = run.runbook();
    let section = run
        .plan()
        .get(plan::focus(run))
        .map_or(0, |step| step.section);
    let prose = book
        .sections
        .get(section)
        .map(|section| plain(&section.prose))
        .unwrap_or_default();
    paper.words(&prose, theme.text());
    paper.gap();
    let here = || run.plan().iter().filter(|step| step.section == section);
    for one in here() {
        paper.fact(&one.id, &words::sends_what(one), theme.text());
        for check in &one.checks {
            if let Some(say) = &check.say {
                paper.fact("", &format!("stops where: {say}"), theme.dim());
            }
        }
    }
    let traps: Vec<&str> = here()
        .flat_map(|step| &step.checks)
        .filter_map(|check| check.trap.as_deref())
        .collect();
    let (near, rest): (Vec<_>, Vec<_>) = book.deviations.iter().partition(|one| {
        one.trap
            .as_deref()
            .is_some_and(|trap| traps.contains(&trap))
    });
    if !book.deviations.is_empty() {
        paper.gap();
        paper.words("where this departs from the document, and why", theme.dim());
    }
    for one in near.into_iter().chain(rest) {
        let trap = one.trap.as_deref().unwrap_or("");
        let words = format!("{} {trap}: {}", one.reference, one.why);
        paper.judged(Tone::Idle, &words, theme.text());
    }
    format!("why: {}", run.title(section))
}
