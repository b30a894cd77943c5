//! Rules of meaning a well-formed runbook must also keep: nothing mutating without a way back or a stated reason,
//! nothing that waits without an end, nothing that can never run, a confirmation before the first effect.

use jiff::SignedDuration;
use jiff::civil::Date;

use crate::runbook::model::{
    Confirm, GateDecl, OnFailure, ParamType, Runbook, Step, StepKind, Then, Undo,
};
use crate::runbook::place::{Place, Problem, Severity, nearest};
use crate::runbook::prose::bounded;
use crate::runbook::template::Slot;

mod lists;
mod programs;
pub mod shelf;
mod text;
mod values;

use lists::{before, lists_front, never_empty, twice};
pub use text::mojibake;
pub use values::SEVERITIES;

/// The rules whose breach makes a runbook unusable.
pub fn errors(file: &str, runbook: &Runbook) -> Vec<Problem> {
    let mut lint = Lint {
        file,
        problems: Vec::new(),
        ended_by: None,
        confirmed: false,
    };
    lint.front(runbook);
    for step in &runbook.steps {
        lint.step(runbook, step);
    }
    let others = lists::suspensions(runbook).into_iter();
    for (place, message, help) in others.chain(programs::wrong(runbook)) {
        lint.error(place, message, Some(help.to_owned()));
    }
    lint.problems
}

/// Errors and what a person should look at; `today` is for the review date.
pub fn lint(file: &str, runbook: &Runbook, today: Option<Date>) -> Vec<Problem> {
    let mut problems = errors(file, runbook);
    let mut warn = |place: Place, message: String, help: &str| {
        problems.push(Problem {
            file: file.to_owned(),
            place,
            severity: Severity::Warning,
            message,
            help: Some(help.to_owned()),
        });
    };
    let top = Place { line: 1, column: 1 };
    if let Some(due) = today.and_then(|today| runbook.overdue(today)) {
        warn(
            top,
            format!("review was due on {due}"),
            "read it against the platform as it is, then move `review_by`",
        );
    }
    if runbook.sources.is_empty() && runbook.deviations.is_empty() {
        warn(
            top,
            "no [[source]]: nobody can tell what it implements".to_owned(),
            "name the document and paragraph, or say it stands alone",
        );
    }
    let source = serde_json::to_string(runbook).unwrap_or_default();
    for param in runbook
        .params
        .iter()
        // A run that is named is looked up before the first effect.
        .filter(|param| param.ty != ParamType::Run && !uses_param(&source, &param.name))
    {
        warn(
            param.place,
            format!("parameter `{}` is never used", param.name),
            "remove it or refer to it",
        );
    }
    let blocks = runbook.blocks.values().flatten();
    let steps = runbook.steps.iter().chain(blocks);
    let used: Vec<String> = steps.flat_map(values::secrets_of).collect();
    for secret in &runbook.secrets {
        if !used.contains(&secret.name) {
            let message = format!("secret `{}` is never used", secret.name);
            warn(
                top,
                message,
                "remove it, or use it as { secret = \"NAME\" }",
            );
        }
    }
    for (place, message) in lists::not_carried_out(runbook) {
        let help = "do it by hand and record it in a checklist until a version carries it out";
        warn(place, message, help);
    }
    for (index, section) in runbook.sections.iter().enumerate() {
        let first = runbook.steps.iter().find(|step| step.section == index);
        if let Some(step) = first.filter(|_| section.prose.trim().is_empty()) {
            warn(
                step.place,
                format!("section `{}` does not say why it is here", section.title),
                "one sentence above the fence",
            );
        }
    }
    problems.sort_by_key(|problem| problem.place);
    problems
}

fn uses_param(source: &str, name: &str) -> bool {
    // `namespace` and `reason` are shared by every runbook and read by the program itself.
    let shared = ["namespace", "reason", "workload", "hold"].contains(&name);
    shared
        || source.contains(&format!("params.{name}"))
        || source.contains(&format!("\"param\":\"{name}\""))
}

/// Kinds that wait for somebody else's work besides those with a key `wait`.
const WAITING: &[&str] = &["eso.sync", "k8s.job-run", "velero.backup", "velero.restore"];

struct Lint<'f> {
    file: &'f str,
    problems: Vec<Problem>,
    ended_by: Option<String>,
    confirmed: bool,
}

impl Lint<'_> {
    fn error(&mut self, place: Place, message: String, help: impl Into<Option<String>>) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            place,
            severity: Severity::Error,
            message,
            help: help.into(),
        });
    }

    fn front(&mut self, runbook: &Runbook) {
        for param in &runbook.params {
            if let Some(why) = values::of_param(param) {
                self.error(param.place, why, None);
            }
        }
        if !runbook.checklist.is_empty() && !lists_front(runbook) {
            self.error(
                Place { line: 1, column: 1 },
                "the front matter's [[checklist]] is shown by no step".to_owned(),
                Some("add a step of kind checklist without items of its own".to_owned()),
            );
        }
        if runbook.steps.is_empty() {
            self.error(
                Place { line: 1, column: 1 },
                "no steps".to_owned(),
                Some("add a fence ```toml step under a heading".to_owned()),
            );
        }
        if runbook.on_failure == OnFailure::Continue {
            self.error(
                Place { line: 1, column: 1 },
                "a whole runbook cannot go on after any failure".to_owned(),
                Some("set on_failure = \"continue\" on the steps that may fail".to_owned()),
            );
        }
    }

    fn step(&mut self, runbook: &Runbook, step: &Step) {
        if let Some(by) = self.ended_by.clone() {
            self.error(
                step.place,
                format!(
                    "step `{}` can never run: `{by}` always ends the run",
                    step.id
                ),
                None,
            );
        }
        self.guard(step);
        self.way_back(step);
        self.deadline(step);
        self.reachable(runbook, step);
        self.named(runbook, step);
        self.inner(runbook, step);
    }

    fn guard(&mut self, step: &Step) {
        let guards = matches!(step.kind, StepKind::Confirm { .. }) || step.confirm != Confirm::No;
        if guards && step.when.is_none() {
            self.confirmed = true;
        }
        if step.kind.mutates() && !self.confirmed && !guards {
            self.error(
                step.place,
                format!(
                    "step `{}` changes things before anything was confirmed",
                    step.id
                ),
                Some("put a step of kind confirm before it".to_owned()),
            );
            self.confirmed = true;
        }
        if step.critical && step.on_failure == Some(OnFailure::Continue) {
            self.error(
                step.place,
                format!("step `{}` is critical and cannot be gone on from", step.id),
                None,
            );
        }
    }

    fn way_back(&mut self, step: &Step) {
        if step.kind.mutates() && step.undo.is_none() && !step.barrier {
            let help = "write `undo`, or `barrier = true`, or `undo = \"none\"` with `why`";
            self.error(
                step.place,
                format!("step `{}` changes things and has no way back", step.id),
                Some(help.to_owned()),
            );
        }
        if !step.kind.mutates() && step.undo.is_some() {
            self.error(
                step.place,
                format!(
                    "step `{}` changes nothing: there is nothing to undo",
                    step.id
                ),
                Some("remove `undo`".to_owned()),
            );
        }
    }

    fn deadline(&mut self, step: &Step) {
        let waits = step.wait.is_some()
            || matches!(step.kind, StepKind::Wait { .. } | StepKind::Look(_))
            || WAITING.contains(&step.kind.name());
        if waits && step.timeout.is_none() {
            self.error(
                step.place,
                format!("step `{}` waits and has no timeout", step.id),
                Some("add timeout = { after = \"5m\", then = \"pause\" }".to_owned()),
            );
        }
        if step
            .timeout
            .as_ref()
            .is_some_and(|timeout| matches!(timeout.then, Then::Next | Then::RestartGate))
        {
            self.error(
                step.place,
                format!("step `{}`: a timeout cannot count as success", step.id),
                Some(
                    "then = \"pause\", \"ask\", \"rollback\", \"abort\" or \"continue\"".to_owned(),
                ),
            );
        }
        if step
            .timeout
            .as_ref()
            .is_some_and(|timeout| matches!(timeout.after, Slot::Fixed(after) if after.is_zero()))
        {
            self.error(
                step.place,
                format!("step `{}`: a timeout of nothing", step.id),
                None,
            );
        }
    }

    /// Conditions that no value of their parameter or choice can meet, and gates that end the run either way.
    fn reachable(&mut self, runbook: &Runbook, step: &Step) {
        self.conditions(runbook, step);
        if let StepKind::Gate { on, .. } = &step.kind
            && step.when.is_none()
            && matches!(on.pass, Then::Abort | Then::Rollback)
        {
            self.ended_by = Some(step.id.clone());
        }
    }

    /// Conditions of the step and of what it lists.
    fn conditions(&mut self, runbook: &Runbook, step: &Step) {
        let items = match &step.kind {
            StepKind::Checklist { items } => items.as_slice(),
            _ => &[],
        };
        let undo = match &step.undo {
            Some(Undo::Act(_, when)) => when.as_ref(),
            _ => None,
        };
        let inside = items.iter().filter_map(|item| item.when.as_ref());
        for when in step.when.iter().chain(undo).chain(inside) {
            if let Some(why) = values::senseless(runbook, when) {
                self.error(
                    step.place,
                    format!("step `{}` asks for what can never be: {why}", step.id),
                    None,
                );
            }
        }
        for name in values::secrets_of(step) {
            if !runbook.secrets.iter().any(|declared| declared.name == name) {
                let declared = runbook.secrets.iter().map(|one| one.name.as_str());
                let help = nearest(&name, declared).map_or_else(
                    || "declare it under [secrets.NAME] with its `source`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!(
                    "step `{}`: no secret `{}` is declared",
                    step.id,
                    bounded(&name, 60)
                );
                self.error(step.place, message, Some(help));
            }
        }
        if let Some(open) = values::empty_target(runbook, step) {
            self.error(
                step.place,
                format!("step `{}`: its target may be empty, `{open}` has no value unless somebody gives one", step.id),
                Some("set `required = true` or a `default`, or ask `when = { param = …, is = \"set\" }`".to_owned()),
            );
        }
    }

    /// Names of gates, blocks, parameters and later steps.
    fn named(&mut self, runbook: &Runbook, step: &Step) {
        let missing = |kind: &str, name: &str, known: Vec<&str>| {
            let help =
                nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            (format!("step `{}`: no {kind} `{name}`", step.id), help)
        };
        let found = match &step.kind {
            StepKind::Gate {
                named: Some(name), ..
            } if !runbook.gates.contains_key(name) => Some(missing(
                "gate",
                name,
                runbook.gates.keys().map(String::as_str).collect(),
            )),
            StepKind::Use { block } if !runbook.blocks.contains_key(block) => Some(missing(
                "block",
                block,
                runbook.blocks.keys().map(String::as_str).collect(),
            )),
            StepKind::Input { param } if runbook.param(param).is_none() => Some(missing(
                "parameter",
                param,
                runbook
                    .params
                    .iter()
                    .map(|param| param.name.as_str())
                    .collect(),
            )),
            StepKind::Diff { of }
                if !runbook
                    .steps
                    .iter()
                    .any(|other| other.id == *of && other.kind.mutates()) =>
            {
                Some(missing(
                    "changing step",
                    of,
                    runbook.steps.iter().map(|step| step.id.as_str()).collect(),
                ))
            }
            StepKind::Choose { options } if options.len() < 2 => Some((
                format!("step `{}` leaves nothing to choose", step.id),
                Some("give at least two `options`".to_owned()),
            )),
            StepKind::Choose { options } => twice(options).map(|id| {
                (
                    format!("step `{}`: the option `{id}` is there twice", step.id),
                    Some("ids of options are unique in their step".to_owned()),
                )
            }),
            StepKind::Checklist { items } if items.is_empty() && runbook.checklist.is_empty() => {
                Some((
                    format!("step `{}` lists nothing", step.id),
                    Some("add [[items]], or [[checklist]] to the front matter".to_owned()),
                ))
            }
            StepKind::Diff { of } if before(runbook, of, &step.id) => Some((
                format!(
                    "step `{}` shows the change of `{of}`, which comes before it",
                    step.id
                ),
                Some("put the diff before the change".to_owned()),
            )),
            _ => None,
        };
        if let Some((message, help)) = found {
            self.error(step.place, message, help);
        }
    }

    fn inner(&mut self, runbook: &Runbook, step: &Step) {
        let over = step.each.as_ref().or(match &step.kind {
            StepKind::Each { over, .. } => Some(over),
            _ => None,
        });
        if let Some(each) = over
            && !never_empty(runbook, &each.over)
        {
            let help = format!(
                "check it first: [[check]] that = \"{}\" not = \"empty\"",
                each.over
            );
            self.error(
                step.place,
                format!(
                    "step `{}` repeats over `{}`, which may be empty",
                    step.id, each.over
                ),
                Some(help),
            );
        }
        match &step.kind {
            StepKind::Each { body, .. } => {
                if body.is_empty() {
                    self.error(
                        step.place,
                        format!("step `{}` repeats nothing", step.id),
                        Some("add [[do]] with the steps to repeat".to_owned()),
                    );
                }
                for inner in body {
                    if matches!(inner.kind, StepKind::Each { .. }) || inner.each.is_some() {
                        self.error(
                            inner.place,
                            format!("step `{}` repeats inside of a repetition", inner.id),
                            Some(
                                "one level is carried out; list the pairs, or call a runbook"
                                    .to_owned(),
                            ),
                        );
                    }
                    self.step(runbook, inner);
                }
            }
            StepKind::Use { block } => {
                runbook
                    .blocks
                    .get(block)
                    .into_iter()
                    .flatten()
                    .for_each(|inner| {
                        if !self
                            .problems
                            .iter()
                            .any(|problem| problem.place == inner.place)
                        {
                            self.step(runbook, inner);
                        }
                    });
            }
            StepKind::Gate {
                gate: Some(gate), ..
            } => self.gate(runbook, step.place, gate, None),
            StepKind::Gate {
                named: Some(name),
                hold,
                ..
            } => {
                if let Some(gate) = runbook.gates.get(name) {
                    self.gate(runbook, step.place, gate, hold.as_ref());
                }
            }
            _ => {}
        }
    }

    fn gate(
        &mut self,
        runbook: &Runbook,
        place: Place,
        gate: &GateDecl,
        hold: Option<&Slot<SignedDuration>>,
    ) {
        if let Some(why) = values::of_gate(runbook, gate, hold) {
            let help =
                "make `deadline` longer than the longest hold, or give the parameter a `max`";
            self.error(place, why, Some(help.to_owned()));
        }
        if gate.metrics.iter().all(|metric| metric.when.is_some()) {
            self.error(
                place,
                "every metric of the gate is conditional: it may judge nothing".to_owned(),
                Some("leave one metric without `when`".to_owned()),
            );
        }
    }
}
