//! The right pane of a run: the question where there is one, else what the present step does and how far it is, or how
//! the run ended and what it left behind.

use super::words::sends;
use super::{gate, plan};
use crate::domain::object::ObjectRef as Named;
use crate::domain::verdict::Level;
use crate::runbook::check::Finding;
use crate::runbook::machine::{Mutation, Rollout, Run, StepRecord, StepState};
use crate::runbook::model::{LookStep, SecretStep, StepKind};
use crate::runbook::patch::ObjectRef;
use crate::runbook::quantity::say_duration;
use crate::runbook::template::Slot;
use crate::runbook::verb::Verb;
use crate::ui::lines::clock;
use crate::ui::paper::{Paper, cut, plain};
use crate::ui::theme::Tone;
use crate::ui::view::View;
use jiff::{SignedDuration, Timestamp};

/// Pods named beside a step that waits for them.
const PODS: usize = 5;

/// Writes what the right pane shows of a run.
pub fn write(view: &View<'_>, run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    if let Some(why) = run.halted() {
        let words = format!("The journal cannot be written ({why}). Nothing more is sent.");
        paper.judged(Tone::Failing, &words, theme.strong());
        paper.gap();
    }
    if run.ledger().end.is_some() {
        return ended(run, paper);
    }
    if run.stopping() {
        let words = "Stopping after this step. ctrl-c again leaves at once; the run is kept.";
        paper.judged(Tone::Watch, words, theme.strong());
        paper.gap();
    }
    if run.undoing().is_some() {
        return going_back(view, run, paper);
    }
    if let Some((_, gate)) = run.gate() {
        // The figures come first where room is short: one sentence above them, the rest below.
        let prose = prose(run);
        let (first, rest) = prose.split_once(". ").unwrap_or((&prose, ""));
        paper.words(&format!("{first}. {}", gate::asked(gate)), theme.text());
        paper.gap();
        gate::write(gate, view.app.now, paper);
        paper.gap();
        return paper.words(rest, theme.dim());
    }
    paper.words(&prose(run), theme.text());
    paper.gap();
    if run.is_checking() {
        let words = "Rights and facts are looked at, and whether anybody else runs this: a lock that is silent is watched for 30 s before it counts as left.";
        return paper.judged(Tone::Moving, words, theme.text());
    }
    let at = plan::focus(run);
    let (Some(record), Some(step)) = (run.ledger().steps.get(at), run.plan().get(at)) else {
        return;
    };
    if step.kind.mutates() {
        mutating(view, run, at, paper);
    } else if let Some(until) = run.waits_until() {
        waiting(view, run, record, until, paper);
    } else {
        let words = looking(&step.kind, record);
        paper.judged(tone(record.state), &words, theme.text());
        // What an earlier step found is no part of this one.
        if !step.checks.is_empty() {
            findings(run, paper);
        }
    }
}

/// The prose of the present heading.
pub fn prose(run: &Run) -> String {
    let section = run.plan().get(plan::focus(run)).map(|step| step.section);
    section
        .and_then(|section| run.runbook().sections.get(section))
        .map(|section| plain(&section.prose))
        .unwrap_or_default()
}

fn looking(kind: &StepKind, record: &StepRecord) -> String {
    let what = match kind {
        StepKind::Input { param } => format!("settling {param}"),
        StepKind::Check { .. } => "looking".into(),
        StepKind::Diff { .. } => "rehearsing the change on the server".into(),
        StepKind::Confirm { .. } => "waiting for the go-ahead".into(),
        StepKind::Wait { .. } => "letting time pass".into(),
        StepKind::Gate { .. } => "about to judge".into(),
        StepKind::Audit { .. } => "writing it down".into(),
        StepKind::Checklist { .. } => "looking at the items".into(),
        StepKind::Secret(SecretStep::Consumers { .. }) => "looking who reads the key".into(),
        StepKind::Secret(SecretStep::Read { .. }) => "looking at the path in Vault".into(),
        StepKind::Secret(SecretStep::Proof { .. }) => "looking at every pod".into(),
        StepKind::Approve => "waiting for somebody else's word".into(),
        StepKind::Look(LookStep::Http { .. }) => "asking a service".into(),
        StepKind::Look(LookStep::Scan { .. }) => "searching what pods write".into(),
        other => other.name().to_owned(),
    };
    match (record.state, record.message.is_empty()) {
        (StepState::Pending, _) => format!("next: {what}"),
        (_, true) => format!("{what} …"),
        (_, false) => format!("{what}: {}", record.message),
    }
}

/// What the last check found.
pub fn findings(run: &Run, paper: &mut Paper<'_>) {
    for found in run.findings() {
        finding(found, "", paper);
    }
}

/// One thing a check found, unless that was said above already.
pub fn finding(finding: &Finding, said: &str, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    if !said.is_empty() && said.contains(&finding.fact) {
        return;
    }
    let tone = if finding.holds {
        Tone::Healthy
    } else {
        Tone::Failing
    };
    let trap = finding.trap.as_ref();
    let trap = trap.map_or_else(String::new, |trap| format!(" ({trap})"));
    paper.judged(tone, &format!("{}{trap}", finding.fact), theme.text());
}

/// Somebody else has the lock: who, and what that means here.
pub fn not_carried_here(run: &Run, why: &str, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    paper.judged(
        Tone::Failing,
        "READ-ONLY: this run is not carried here any more.",
        theme.strong(),
    );
    paper.words(why, theme.text());
    let words = format!(
        "What stands below is how far it came from here. When the other has ended: K, then p, then enter takes …{} up again; it looks before it changes anything.",
        tail(run)
    );
    paper.words(&words, theme.dim());
    paper.gap();
}

/// The end of a run's id: enough to name it, and short to type.
fn tail(run: &Run) -> &str {
    const ENOUGH: usize = 6;
    let id = run.start().run.as_str();
    id.get(id.len().saturating_sub(ENOUGH)..).unwrap_or(id)
}

/// A time that has to pass: until when, how much is left, and that nobody is needed for it.
fn waiting(
    view: &View<'_>,
    run: &Run,
    record: &StepRecord,
    until: Timestamp,
    paper: &mut Paper<'_>,
) {
    let theme = paper.theme;
    let now = view.app.now;
    let from = record.started_at.unwrap_or(now);
    let left = until.duration_since(now).max(SignedDuration::ZERO);
    let words = format!(
        "until {} UTC, {} more",
        until.strftime("%F %H:%M:%S"),
        crate::domain::pod::short(left)
    );
    paper.judged(Tone::Moving, &words, theme.strong());
    let whole = until.duration_since(from);
    // Of days a bar says nothing that the date does not.
    if whole <= SignedDuration::from_hours(1) {
        let passed = now.duration_since(from).as_secs_f64().max(0.0);
        let whole = whole.as_secs_f64().max(0.0);
        paper.gauge(passed.min(whole), whole, Tone::Moving, "");
    }
    paper.gap();
    let words = format!(
        "This console may be closed: the run stays where it is. Taken up again later, with K, then p, or with vigie resume {}, it goes on when the time has passed.",
        tail(run)
    );
    paper.words(&words, theme.text());
    let next = run.plan().iter().enumerate().skip(plan::focus(run) + 1);
    let mut next = next.filter(|(index, _)| !run.is_left_out(*index));
    if let Some((index, _)) = next.next() {
        paper.gap();
        paper.fact("then", &super::ahead::heading(run, index), theme.text());
    }
}

/// The way back: how far it is, and the change that is undone now.
fn going_back(view: &View<'_>, run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let records = run.ledger().steps.iter();
    let sent = records.filter(|record| record.effect.as_ref().is_some_and(was_applied));
    let (mut undone, mut all) = (0, 0);
    for record in sent {
        all += 1;
        undone += usize::from(record.state == StepState::Undone);
    }
    let words = format!("Going back: {undone} of {all} changes are undone.");
    paper.judged(Tone::Watch, &words, theme.strong());
    paper.gap();
    mutating(view, run, plan::focus(run), paper);
    let failed = run.ledger().steps.iter();
    for record in failed.filter(|record| record.state == StepState::UndoFailed) {
        let words = format!("{}: not undone: {}", record.path, record.message);
        paper.judged(Tone::Failing, &words, theme.text());
    }
}

fn was_applied(mutation: &Mutation) -> bool {
    mutation.state == StepState::Applied
}

fn tone(state: StepState) -> Tone {
    match state {
        StepState::Pending | StepState::Skipped | StepState::Undone => Tone::Idle,
        StepState::Authorising => Tone::Watch,
        StepState::Succeeded => Tone::Healthy,
        StepState::Unknown => Tone::Unknown,
        StepState::Failed | StepState::Diverged | StepState::UndoFailed | StepState::Rejected => {
            Tone::Failing
        }
        StepState::Running | StepState::Intent | StepState::Applied => Tone::Moving,
    }
}

fn mutating(view: &View<'_>, run: &Run, at: usize, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let Some(record) = run.ledger().steps.get(at) else {
        return;
    };
    let back = run.ledger().rolling_back;
    let mutation = if back {
        record.undo.as_ref().or(record.effect.as_ref())
    } else {
        record.effect.as_ref()
    };
    let planned = mutation
        .map(|mutation| &mutation.action.planned)
        .or(record.plan.as_ref());
    let Some(planned) = planned else {
        return paper.judged(Tone::Moving, "working the change out …", theme.text());
    };
    if let Some(part) = part(run, at).filter(|_| !back) {
        paper.fact("part", &part, theme.dim());
    }
    paper.fact("object", &planned.object.short(), theme.strong());
    paper.fact(
        if back { "undoes" } else { "sends" },
        &sends(planned),
        theme.text(),
    );
    if back && record.undo.is_none() {
        let words = "the object is looked at, and the undo planned against what is there now";
        return paper.fact("stands", words, theme.strong());
    }
    paper.fact("stands", &standing(run, record, mutation), theme.strong());
    if let Some(mutation) = mutation.filter(|_| view.app.desk.identifiers) {
        let id = mutation.effect.audit_id(mutation.attempt);
        paper.fact("audit id", &id, theme.dim());
        paper.fact("uid", &planned.object.uid, theme.dim());
    }
    if let Some(rollout) = run.rollout() {
        let (tone, words) = rolling(rollout);
        let label = if planned.verb() == Verb::Patch {
            "rollout"
        } else {
            "waits for"
        };
        paper.fact(label, words, theme.tone(tone));
    }
    if let Some(deadline) = deadline(run, at, mutation) {
        paper.fact("deadline", &deadline, theme.text());
    }
    unwell(view, &planned.object, paper);
    if matches!(run.rollout(), Some(Rollout::Moving(_) | Rollout::Stuck(_))) {
        last_lines(view, paper);
    }
}

/// Which part of its heading a step is, where there are several.
fn part(run: &Run, at: usize) -> Option<String> {
    let section = run.plan().get(at)?.section;
    let kept = |index: &usize| {
        let step = run.plan().get(*index);
        step.is_some_and(|step| step.section == section) && !run.is_left_out(*index)
    };
    let parts: Vec<usize> = (0..run.plan().len()).filter(kept).collect();
    let number = parts.iter().position(|index| *index == at)? + 1;
    let id = &run.plan().get(at)?.id;
    (parts.len() > 1).then(|| format!("{number} of {}: {id}", parts.len()))
}

fn standing(run: &Run, record: &StepRecord, mutation: Option<&Mutation>) -> String {
    let Some(mutation) = mutation else {
        return "about to be written down, then sent".into();
    };
    let at = mutation
        .settled_at
        .map_or_else(String::new, |at| format!(" at {}", clock(at)));
    match mutation.state {
        StepState::Intent if run.in_flight() => "written down and sent; no answer yet".into(),
        StepState::Intent => "written down, not sent yet".into(),
        StepState::Applied => format!("applied{at}"),
        StepState::Rejected => format!("not done{at}: {}", mutation.message),
        StepState::Unknown => format!(
            "not known: {}; the world is looked at before anything is repeated",
            mutation.message
        ),
        StepState::Diverged => format!("somebody else changed it: {}", mutation.message),
        _ => record.message.clone(),
    }
}

fn rolling(rollout: &Rollout) -> (Tone, &str) {
    match rollout {
        Rollout::Moving(words) => (Tone::Moving, words),
        Rollout::Complete(words) => (Tone::Healthy, words),
        Rollout::Stuck(words) => (Tone::Failing, words),
        Rollout::Paused => (Tone::Watch, "somebody paused it"),
        Rollout::Superseded(words) => (Tone::Failing, words),
        Rollout::Gone => (Tone::Failing, "the object is gone, or another one"),
    }
}

fn deadline(run: &Run, at: usize, mutation: Option<&Mutation>) -> Option<String> {
    let step = run.plan().get(at)?;
    let Slot::Fixed(after) = step.timeout.as_ref()?.after else {
        return None;
    };
    let from = mutation?.settled_at?;
    let end = from.checked_add(after).ok()?;
    Some(format!("{}, then a person is asked", clock(end)))
}

/// The pods of the object that are not well, with the reason of each.
fn unwell(view: &View<'_>, object: &ObjectRef, paper: &mut Paper<'_>) {
    let (app, theme) = (view.app, paper.theme);
    let named = Named::new(&object.kind, &object.namespace, &object.name);
    let mut pods: Vec<_> = app
        .pods_of(&named)
        .map(|pod| (app.cluster.pod_level(pod), pod))
        .filter(|(level, _)| *level != Level::Healthy)
        .collect();
    if pods.is_empty() {
        return;
    }
    pods.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    paper.gap();
    paper.words("pods that are not well", theme.dim());
    for (level, pod) in pods.iter().take(PODS) {
        let why = pod
            .reason(app.now)
            .unwrap_or_else(|| pod.status.to_string());
        let words = format!("{}  {}/{}  {why}", pod.name, pod.ready, pod.containers);
        paper.judged(crate::ui::lines::level_tone(*level), &words, theme.text());
    }
    if pods.len() > PODS {
        paper.words(&format!("  and {} more", pods.len() - PODS), theme.dim());
    }
}

/// The last lines of pods that fail while the run waits for them.
pub fn last_lines(view: &View<'_>, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    for one in &view.app.runs.lines {
        let before = if one.previous {
            " before its last restart"
        } else {
            ""
        };
        paper.gap();
        let words = format!("last lines of {} ({}){before}", one.pod, one.container);
        paper.words(&words, theme.dim());
        for line in &one.lines {
            let room = paper.width.saturating_sub(2);
            paper.row(vec![(format!("  {}", cut(line, room)), theme.text())]);
        }
    }
}

fn ended(run: &Run, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let ledger = run.ledger();
    let Some(end) = &ledger.end else { return };
    let message = if end.message.is_empty() {
        plan::word(end.state)
    } else {
        &end.message
    };
    paper.judged(plan::meaning(end.state), message, theme.strong());
    paper.gap();
    super::changes::changed(run).write("changed", paper);
    super::changes::taken_back(run).write("taken back", paper);
    if let Some(why) = &ledger.back {
        paper.fact("because", why, theme.text());
    }
    let steps = ledger.steps.iter().zip(run.plan());
    for (record, step) in steps.filter(|(record, _)| record.state != StepState::Skipped) {
        if matches!(step.kind, StepKind::Gate { .. }) && !record.message.is_empty() {
            paper.fact("judged", &record.message, theme.text());
        }
    }
    super::proof::write(run, paper);
    super::checklist::settled(run, paper);
    let took = ledger.last_at.duration_since(ledger.started_at);
    let took = say_duration(SignedDuration::from_secs(took.as_secs()));
    let from = clock(ledger.started_at);
    paper.fact("took", &format!("{took}, from {from}"), theme.text());
    if let Some(reason) = &ledger.reason {
        paper.fact("reason", reason, theme.text());
    }
    if end.leftovers.is_empty() {
        return;
    }
    paper.gap();
    // The last change is the one to look at first; what stands since longer was good before it.
    paper.words("left in the world, the last change first", theme.strong());
    for left in end.leftovers.iter().rev() {
        paper.judged(Tone::Watch, left, theme.text());
    }
}
