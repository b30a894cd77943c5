//! What a step does, in a few words, and a change in the words of its request.

use crate::runbook::model::{LookStep, ObjectStep, SecretStep, Step, StepKind, Undo};
use crate::runbook::patch::Planned;
use crate::runbook::verb::Verb;

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
        StepKind::Notify { .. } => "sends a message".into(),
        StepKind::IncidentSet { .. } => "writes it into the incident".into(),
        StepKind::Pause { .. } => "pauses the rollout".into(),
        StepKind::Resume { .. } => "lets the rollout go on".into(),
        StepKind::SetImage { .. } => "sets the image".into(),
        StepKind::Annotate { .. } => "sets annotations".into(),
        StepKind::Use { .. } => "goes through a block of steps, written out below".into(),
        StepKind::Call { runbook, .. } => format!("goes through the runbook {runbook}"),
        StepKind::Each { .. } => "does its steps for every item".into(),
        StepKind::Exec { .. } => "starts a program of this machine".into(),
        StepKind::Secret(secret) => secret_words(secret).into(),
        other => other.name().to_owned(),
    };
    let undo = match (step.kind.mutates(), &step.undo) {
        (false, _) => "",
        (true, Some(Undo::Restore | Undo::Act(..))) => "; can be undone",
        (true, _) => "; cannot be undone",
    };
    format!("{what}{undo}")
}

fn secret_words(secret: &SecretStep) -> &'static str {
    match secret {
        SecretStep::Consumers { .. } => "finds the Secret, its owner and who reads it",
        SecretStep::Proof { .. } => "shows for every pod which key it runs",
        SecretStep::Read { .. } => "looks at the path in Vault: names and versions, no values",
        SecretStep::Patch { .. } => "one patch of single keys in Vault, with check-and-set",
        SecretStep::Restore { .. } => "puts an older version of the path back, as a new one",
        SecretStep::Destroy { .. } => "destroys older versions in Vault for good",
        SecretStep::Set { .. } => "one patch of single keys of the Secret",
        SecretStep::Sync { .. } => "lets External Secrets copy now, and waits until it has",
    }
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
    if verb.removes() || verb.creates() || matches!(verb, Verb::Apply | Verb::Run) {
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
