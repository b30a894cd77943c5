//! What a run will still send, folded by the headings of its plan: how many of what, which Vault, about how long it takes
//! and what of it cannot be taken back. The page and the dialog say it in the same words.

use super::plan;
use crate::app::App;
use crate::domain::object::ObjectRef as Named;
use crate::runbook::machine::{Ahead, Run};
use crate::runbook::patch::{ObjectRef, Planned};
use crate::runbook::preflight::Line;
use crate::runbook::quantity::{say_about, say_duration};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// How long a pod is taken to need until it is replaced: nobody knows before, and something must be said.
const POD: SignedDuration = SignedDuration::from_secs(15);
/// Which line of the preflight names the Vault.
const VAULT: &str = "which Vault?";

/// What one heading sends.
pub struct Group<'a> {
    /// Its number and title.
    pub title: String,
    /// Its steps.
    pub steps: Vec<&'a Ahead>,
}

/// What lies ahead, by headings.
pub fn groups<'a>(run: &Run, ahead: &'a [Ahead]) -> Vec<Group<'a>> {
    let sections = run.sections();
    let mut groups: Vec<(usize, Group<'a>)> = Vec::new();
    for step in ahead {
        match groups.last_mut() {
            Some((section, group)) if *section == step.section => group.steps.push(step),
            _ => {
                let at = sections.iter().position(|one| *one == step.section);
                let number = at.map_or(0, |at| at + 1);
                let title = format!("{number} {}", run.title(step.section));
                let steps = vec![step];
                groups.push((step.section, Group { title, steps }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

impl Group<'_> {
    /// How much of what: `1 Vault path, 1 Secret, 4 restarts`.
    pub fn counts(&self) -> String {
        let mut counts = Counts::default();
        let mut restarts = 0;
        for step in &self.steps {
            if step.restart {
                restarts += 1;
            } else {
                counts.add(step.object.as_ref());
            }
        }
        let mut said = counts.words();
        if restarts > 0 {
            said.push(many(restarts, "restart"));
        }
        said.join(", ")
    }
}

/// Objects by kind, each counted once.
#[derive(Default)]
struct Counts {
    seen: BTreeSet<(String, String, String)>,
    later: usize,
}

impl Counts {
    fn add(&mut self, object: Option<&ObjectRef>) {
        match object {
            Some(object) => {
                let (kind, place) = (object.kind.clone(), object.namespace.clone());
                self.seen.insert((kind, place, object.name.clone()));
            }
            None => self.later += 1,
        }
    }

    fn words(&self) -> Vec<String> {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let seen = self.seen.iter();
            seen.filter(|(kind, _, _)| wanted(kind)).count()
        };
        let workload = |kind: &str| matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet");
        let named = |kind: &str| workload(kind) || matches!(kind, "Vault" | "Secret" | "Pod");
        let mut said = Vec::new();
        for (count, word) in [
            (of(&workload), "workload"),
            (of(&|kind| kind == "Pod"), "pod"),
            (of(&|kind| kind == "Vault"), "Vault path"),
            (of(&|kind| kind == "Secret"), "Secret"),
            (of(&|kind| !named(kind)), "other object"),
            (self.later, "object known later"),
        ] {
            if count > 0 {
                said.push(many(count, word));
            }
        }
        said
    }
}

/// So many of something.
pub fn many(count: usize, word: &str) -> String {
    if count == 1 {
        return format!("1 {word}");
    }
    match word.split_once(' ') {
        Some(("object", rest)) => format!("{count} objects {rest}"),
        _ => format!("{count} {word}s"),
    }
}

/// Everything that is touched, counted: `4 workloads, 9 pods, 1 Secret, 1 Vault path`.
pub fn touched(app: &App, plans: &[Planned], ahead: &[Ahead]) -> String {
    let mut counts = Counts::default();
    let planned = plans.iter().map(|plan| Some(&plan.object));
    for object in planned.chain(ahead.iter().map(|step| step.object.as_ref())) {
        counts.add(object);
    }
    let workloads: BTreeSet<Named> = counts
        .seen
        .iter()
        .filter(|(kind, _, _)| kind != "Pod")
        .map(|(kind, place, name)| Named::new(kind, place, name))
        .collect();
    let pods: usize = workloads.iter().map(|named| pods(app, named)).sum();
    let mut said = counts.words();
    if pods > 0 {
        let at = usize::from(said.first().is_some_and(|said| said.contains("workload")));
        said.insert(at, many(pods, "pod"));
    }
    said.join(", ")
}

/// How many pods a workload is to have.
fn pods(app: &App, named: &Named) -> usize {
    let workload = app
        .cluster
        .all_workloads()
        .find(|workload| workload.object() == *named);
    workload.map_or(0, |workload| usize::try_from(workload.desired).unwrap_or(0))
}

/// About how long the rest takes, where its plan says anything of time.
pub fn takes(app: &App, run: &Run) -> Option<String> {
    let forecast = run.forecast();
    let each = forecast.restarts.iter().map(|object| {
        let named = Named::new(&object.kind, &object.namespace, &object.name);
        pods(app, &named)
    });
    let pods: usize = each.sum();
    let moving = POD * i32::try_from(pods).unwrap_or(i32::MAX);
    let work = forecast.holds + moving;
    let mut parts = Vec::new();
    if !forecast.holds.is_zero() {
        let holds = say_duration(forecast.holds);
        parts.push(format!("gates must hold for {holds}"));
    }
    if pods > 0 {
        let restarts = many(pods, "pod");
        parts.push(format!("{restarts} to replace, some 15 s each"));
    }
    let waits = (!forecast.waits.is_zero()).then(|| say_about(forecast.waits));
    match (work.is_zero(), waits) {
        (true, None) => None,
        (true, Some(waits)) => Some(format!("a wait of {waits}")),
        (false, None) => Some(format!("about {}: {}", say_about(work), parts.join(", "))),
        (false, Some(waits)) => Some(format!(
            "about {} of work: {}; and a wait of {waits}, which no console is needed for",
            say_about(work),
            parts.join(", ")
        )),
    }
}

/// The Vault a run changes something in: its address and version as the preflight found them, the path and its version.
pub fn vault(run: &Run, lines: &[Line], plans: &[Planned], ahead: &[Ahead]) -> Option<String> {
    let planned = plans.iter().map(|plan| &plan.object);
    let mut objects = planned.chain(ahead.iter().filter_map(|step| step.object.as_ref()));
    let path = &objects.find(|object| object.kind == "Vault")?.name;
    // What was read before the run wrote there is the version of then.
    let mut records = run.ledger().steps.iter();
    let written = records.any(|record| {
        let effect = record.effect.as_ref();
        effect.is_some_and(|effect| effect.action.planned.object.name == *path)
    });
    let when = if written { "before this run" } else { "now" };
    let mut outs = run.ledger().outs.values();
    let read = outs.find(|out| out["path"].as_str() == Some(path.as_str()));
    let version = read.and_then(|out| out["version"].as_str());
    let version = version.map_or_else(String::new, |version| format!(", {when} version {version}"));
    let line = lines.iter().find(|line| line.text == VAULT);
    let address = line.and_then(|line| line.fact.split_whitespace().next());
    let address = address.unwrap_or("address not known");
    Some(format!("{address}  {path}{version}"))
}

/// What cannot be taken back, by heading; empty where everything can.
pub fn final_steps(run: &Run, ahead: &[Ahead]) -> Vec<String> {
    let stays = |group: &Group<'_>| group.steps.iter().any(|step| !step.undo);
    let groups = groups(run, ahead).into_iter();
    groups.filter(stays).map(|group| group.title).collect()
}

/// The number and title of a step's heading.
pub fn heading(run: &Run, index: usize) -> String {
    let section = run.plan().get(index).map_or(0, |step| step.section);
    let number = plan::number_of(run, index).unwrap_or(index + 1);
    format!("{number} {}", run.title(section))
}
