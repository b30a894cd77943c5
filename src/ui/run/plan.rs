//! The plan of a run as its headings: what is done, what runs, what waits, and how far back an undo would reach.

use crate::runbook::machine::{Run, RunState, StepState};
use crate::ui::paper::{Paper, cut, sign};
use crate::ui::theme::{Theme, Tone};
use crate::ui::widget::text;
use crate::ui::widget::window::window;

/// One heading of the plan.
pub struct Heading {
    /// Its number, from one.
    pub number: usize,
    /// Index among the runbook's sections.
    pub section: usize,
    /// Its title with what is known filled in.
    pub title: String,
    /// How it stands.
    pub tone: Tone,
    /// Whether nothing under it is carried out in this run.
    pub left_out: bool,
}

/// The headings that have steps, in order.
pub fn headings(run: &Run) -> Vec<Heading> {
    let each = run.sections().into_iter().enumerate();
    each.map(|(at, section)| {
        let left_out = is_left_out(run, section);
        Heading {
            number: at + 1,
            section,
            title: run.title(section),
            tone: if left_out {
                Tone::Idle
            } else {
                standing(run, section)
            },
            left_out,
        }
    })
    .collect()
}

fn is_left_out(run: &Run, section: usize) -> bool {
    let mut steps = run.plan().iter().enumerate();
    steps.all(|(index, step)| step.section != section || run.is_left_out(index))
}

/// The number of the heading a step stands under.
pub fn number_of(run: &Run, index: usize) -> Option<usize> {
    run.place_of(index).map(|(number, _)| number)
}

/// The number of the heading of a step by its id.
pub fn number_of_id(run: &Run, id: &str) -> Option<usize> {
    let index = run.plan().iter().position(|step| step.id == id)?;
    number_of(run, index)
}

/// The step the eye should be on: the one asked about, the one carried out, or the last.
pub fn focus(run: &Run) -> usize {
    let asked = run
        .ask()
        .and_then(|ask| ask.step.as_ref())
        .and_then(|id| run.plan().iter().position(|step| step.id == *id));
    asked
        .or_else(|| run.unresolved().map(|(index, _)| index))
        .or_else(|| run.undoing())
        .or_else(|| run.current())
        .unwrap_or_else(|| run.plan().len().saturating_sub(1))
}

fn standing(run: &Run, section: usize) -> Tone {
    let steps = run.ledger().steps.iter().zip(run.plan());
    let states: Vec<StepState> = steps
        .filter(|(_, step)| step.section == section)
        .map(|(record, _)| record.state)
        .collect();
    let has = |wanted: &[StepState]| states.iter().any(|state| wanted.contains(state));
    let all = |wanted: &[StepState]| states.iter().all(|state| wanted.contains(state));
    let focus = run.plan().get(focus(run)).map(|step| step.section) == Some(section);
    let human = run.ledger().human.is_some() && focus;
    match () {
        () if has(&[
            StepState::Failed,
            StepState::UndoFailed,
            StepState::Diverged,
        ]) =>
        {
            Tone::Failing
        }
        () if has(&[StepState::Unknown]) => Tone::Unknown,
        () if human || has(&[StepState::Authorising]) => Tone::Watch,
        () if all(&[StepState::Undone, StepState::Skipped]) && has(&[StepState::Undone]) => {
            Tone::Idle
        }
        () if all(&[StepState::Succeeded, StepState::Skipped]) => Tone::Healthy,
        () if all(&[StepState::Pending]) && !(focus && run.ledger().end.is_none()) => Tone::Idle,
        () if run.ledger().end.is_some() => Tone::Idle,
        // What had begun when the way back was taken does not go on.
        () if !focus && run.undoing().is_some() && !has(&[StepState::Undone]) => Tone::Idle,
        () => Tone::Moving,
    }
}

/// Writes the plan into so many rows: where they are few, the headings around the present one, and always how it stands.
pub fn write(run: &Run, lost: bool, rows: usize, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let headings = headings(run);
    let mut below = Paper::new(theme, paper.width as u16);
    summary(run, lost, &headings, &mut below);
    let focus = run.plan().get(focus(run)).map(|step| step.section);
    let at = headings
        .iter()
        .position(|heading| Some(heading.section) == focus)
        .unwrap_or(0);
    let room = rows.saturating_sub(below.len()).max(1);
    let shown = room.min(headings.len());
    let first = window(at, at.saturating_sub(shown / 2), shown, headings.len());
    for heading in headings.iter().skip(first).take(shown) {
        heading_row(heading, Some(heading.section) == focus, paper);
    }
    if headings.len() < room {
        paper.gap();
    }
    paper.append(below);
}

fn heading_row(heading: &Heading, focus: bool, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let (mark, colour) = if heading.left_out {
        (theme.glyphs().none.to_owned(), theme.dim())
    } else {
        sign(theme, heading.tone)
    };
    let style = match heading.tone {
        Tone::Idle => theme.dim(),
        _ if focus => theme.strong(),
        _ => theme.text(),
    };
    let room = paper.width.saturating_sub(2);
    let title = cut(&format!("{} {}", heading.number, heading.title), room);
    paper.row(vec![(format!("{mark} "), colour), (title, style)]);
}

/// How the run stands, what it did, and how far it could go back.
fn summary(run: &Run, lost: bool, headings: &[Heading], paper: &mut Paper<'_>) {
    let theme = paper.theme;
    if lost {
        paper.words("READ-ONLY: not carried here", theme.tone(Tone::Failing));
    } else {
        paper.words(&state(run), state_style(run, theme));
    }
    let done = progress(run, headings);
    let effects = run
        .ledger()
        .steps
        .iter()
        .filter(|record| record.effective())
        .count();
    let effects = match effects {
        _ if run.unresolved().is_some() => "1 not known yet".to_owned(),
        0 => "nothing changed".to_owned(),
        1 => "1 effect".to_owned(),
        many => format!("{many} effects"),
    };
    let both = format!("{done} · {effects}");
    if text::width(&both) <= paper.width {
        paper.words(&both, theme.text());
    } else {
        paper.words(&done, theme.text());
        paper.words(&effects, theme.text());
    }
    if !lost {
        paper.words(&undo(run), theme.dim());
    }
}

/// How many of its headings are done; of a run that ended on the way also what was taken back.
fn progress(run: &Run, headings: &[Heading]) -> String {
    let wanted = headings.iter().filter(|heading| !heading.left_out);
    let all = wanted.clone().count();
    let done = wanted
        .filter(|heading| heading.tone == Tone::Healthy)
        .count();
    let undone = headings.iter().filter(|heading| {
        let mut steps = run.ledger().steps.iter().zip(run.plan());
        steps.any(|(record, step)| {
            step.section == heading.section && record.state == StepState::Undone
        })
    });
    let undone = undone.count();
    if run.ledger().end.is_some() && undone > 0 {
        // What would have come after is nobody's concern any more, nor how much of it there would have been.
        return format!("done {done}, taken back {undone}");
    }
    match headings.len() - all {
        0 => format!("done {done} of {all}"),
        left_out => format!("done {done} of {all}, {left_out} left out"),
    }
}

fn undo(run: &Run) -> String {
    if run.ledger().end.is_some() {
        return if run.has_effects() {
            "over: the way back is another run".into()
        } else {
            "over".into()
        };
    }
    match run.undo_reach() {
        Some(index) => format!(
            "undo back to step {}",
            number_of(run, index).unwrap_or(index + 1)
        ),
        None if run.has_effects() => "no undo from here".into(),
        None => "nothing to undo".into(),
    }
}

/// The state of a run in words.
pub fn word(state: RunState) -> &'static str {
    match state {
        RunState::Draft => "preparing",
        RunState::Preflight => "checking",
        RunState::Ready => "ready",
        RunState::Running => "running",
        RunState::Waiting => "waiting",
        RunState::NeedsHuman => "waits for you",
        RunState::RollingBack => "going back",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::RolledBack => "rolled back",
        RunState::RollbackIncomplete => "not wholly undone",
        RunState::Aborted => "ended, nothing changed",
        RunState::Abandoned => "closed by hand",
    }
}

/// What a state means.
pub fn meaning(state: RunState) -> Tone {
    match state {
        RunState::Succeeded => Tone::Healthy,
        RunState::NeedsHuman | RunState::RolledBack | RunState::Abandoned => Tone::Watch,
        RunState::Failed | RunState::RollbackIncomplete => Tone::Failing,
        RunState::Aborted => Tone::Idle,
        _ => Tone::Moving,
    }
}

fn state(run: &Run) -> String {
    match run.halted() {
        Some(_) => "stopped: the journal cannot be written".into(),
        None if run.stopping() => "stopping after this step".into(),
        None if run.waits_until().is_some() => word(RunState::Waiting).into(),
        None => word(run.ledger().state).into(),
    }
}

fn state_style(run: &Run, theme: &Theme) -> ratatui::style::Style {
    if run.halted().is_some() {
        theme.tone(Tone::Failing)
    } else if run.stopping() {
        theme.tone(Tone::Watch)
    } else {
        theme.tone(meaning(run.ledger().state))
    }
}

/// The run's name for a title: runbook and the ends of its id.
pub fn name(run: &Run) -> String {
    let id = run.start().run.short();
    text::sanitize(&format!("{} {id}", run.start().runbook)).into_owned()
}
