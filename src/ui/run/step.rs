//! The right pane of a run: the question where there is one, else what the present step does and how far it is, or how
//! the run ended and what it left behind.

use super::{gate, plan};
use crate::domain::object::ObjectRef as Named;
use crate::domain::verdict::Level;
use crate::runbook::machine::{Mutation, Rollout, Run, StepRecord, StepState};
use crate::runbook::model::{LookStep, ObjectStep, Step, StepKind, Undo};
use crate::runbook::patch::{ObjectRef, Planned};
use crate::runbook::template::Slot;
use crate::runbook::verb::Verb;
use crate::ui::lines::clock;
use crate::ui::paper::{Paper, cut, plain};
use crate::ui::theme::Tone;
use crate::ui::view::View;
use jiff::SignedDuration;

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
    let at = plan::focus(run);
    let (Some(record), Some(step)) = (run.ledger().steps.get(at), run.plan().get(at)) else {
        return;
    };
    if step.kind.mutates() {
        mutating(view, run, at, paper);
    } else {
        let words = looking(&step.kind, record);
        paper.judged(tone(record.state), &words, theme.text());
        findings(run, paper);
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
    let theme = paper.theme;
    for finding in run.findings() {
        let tone = if finding.holds {
            Tone::Healthy
        } else {
            Tone::Failing
        };
        let trap = finding
            .trap
            .as_ref()
            .map_or_else(String::new, |trap| format!(" ({trap})"));
        paper.judged(tone, &format!("{}{trap}", finding.fact), theme.text());
    }
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

/// What a step of a plan does, in a few words.
pub fn sends_what(step: &Step) -> String {
    let what = match &step.kind {
        StepKind::Input { param } => format!("settles {param}"),
        StepKind::Choose { .. } => "asks which way".into(),
        StepKind::Confirm { .. } => "asks for the go-ahead".into(),
        StepKind::Check { .. } => "looks, and checks".into(),
        StepKind::Diff { .. } => "rehearses the change on the server and shows it".into(),
        StepKind::Gate { .. } => "judges the signals over time".into(),
        StepKind::Wait { .. } => "lets time pass".into(),
        StepKind::Audit { .. } => "writes it into the audit log".into(),
        StepKind::Checklist { .. } => "goes through the items, each with its evidence".into(),
        StepKind::Note => "to read".into(),
        StepKind::Approve => "asks for somebody else's word".into(),
        StepKind::Look(LookStep::Http { .. }) => "asks a service, and judges the answer".into(),
        StepKind::Look(LookStep::Scan { .. }) => "searches what pods write".into(),
        StepKind::Object(object) => does(object).into(),
        StepKind::Rollback { .. } => "one patch back to the chosen revision".into(),
        StepKind::RolloutRestart { .. } => "restarts the pods step by step".into(),
        StepKind::Scale { .. } => "sets the number of pods".into(),
        StepKind::Delete { .. } => "deletes the pod".into(),
        StepKind::Evict { .. } => "evicts the pod, if its budget allows".into(),
        other => other.name().to_owned(),
    };
    let undo = match (step.kind.mutates(), &step.undo) {
        (false, _) => "",
        (true, Some(Undo::Restore | Undo::Act(..))) => "; can be undone",
        (true, _) => "; cannot be undone",
    };
    format!("{what}{undo}")
}

/// What a step does to an object.
fn does(object: &ObjectStep) -> &'static str {
    match object {
        ObjectStep::Patch { .. } => "sets the named fields",
        ObjectStep::Selector { .. } => "switches where the Service sends its traffic",
        ObjectStep::Suspend { .. } => "keeps Argo CD from syncing until the run is over",
        ObjectStep::Resume { .. } => "lets Argo CD sync as before",
        ObjectStep::JobRun { .. } => "makes a Job and waits for it",
        ObjectStep::Apply { .. } => "applies what the file holds, never by force",
    }
}

/// The change in the words of the request.
pub fn sends(planned: &Planned) -> String {
    let verb = planned.verb();
    if verb.removes() || verb.creates() || verb == Verb::Apply {
        return format!("{}: {}", verb.request(), planned.lines.join(", "));
    }
    let all = |path: &str| {
        planned
            .changes
            .iter()
            .all(|change| change.path.starts_with(path))
    };
    let place = match () {
        () if all("/spec/template") => "spec.template",
        () if verb == Verb::Scale => "scale",
        () if planned.kind == "k8s.rollback" => "spec.template and annotations",
        () if all("/spec") => "spec",
        () if all("/metadata/annotations") => "metadata.annotations",
        () => "several fields",
    };
    format!("PATCH {place}: {}", planned.lines.join(", "))
}

/// What was changed, without the command that takes it back: that is for when the program cannot.
pub fn without_command(left: &str) -> &str {
    left.split("; by hand back").next().unwrap_or(left)
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
    paper.fact("object", &planned.object.short(), theme.strong());
    paper.fact(
        if back { "undoes" } else { "sends" },
        &sends(planned),
        theme.text(),
    );
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
    for record in &ledger.steps {
        let effect = record.effect.as_ref().filter(|_| record.effective());
        if let Some(effect) = effect {
            let planned = &effect.action.planned;
            let words = format!("{}: {}", planned.object.short(), planned.lines.join(", "));
            paper.fact("changed", &words, theme.text());
        }
    }
    for (record, step) in ledger.steps.iter().zip(run.plan()) {
        if matches!(step.kind, StepKind::Gate { .. }) && !record.message.is_empty() {
            paper.fact("judged", &record.message, theme.text());
        }
    }
    super::checklist::settled(run, paper);
    let took = ledger.last_at.duration_since(ledger.started_at);
    let took = crate::runbook::quantity::show_duration(SignedDuration::from_secs(took.as_secs()));
    let from = clock(ledger.started_at);
    paper.fact("took", &format!("{took}, from {from}"), theme.text());
    if let Some(reason) = &ledger.reason {
        paper.fact("reason", reason, theme.text());
    }
    if end.leftovers.is_empty() {
        return;
    }
    paper.gap();
    paper.words("left in the world", theme.strong());
    for left in &end.leftovers {
        paper.judged(Tone::Watch, left, theme.text());
    }
}
