//! What a run changes of its target, and which of the facts about it matter for that: a restart is put back by nobody, a
//! number of replicas by whoever owns it, and a pod is not a workload.

use crate::runbook::model::{Step, StepKind};
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::{
    Access, Level, Line, NOBODY, ObjectFacts, fact_lines, owner_lines, right_line,
};
use crate::runbook::prose::bounded;

/// What a run changes of its target: which facts matter, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// What runs.
    Template,
    /// Only the stamp of a restart.
    Stamp,
    /// How many run.
    Replicas,
    /// One pod.
    Pod,
    /// Keys of a Secret or of Vault, and no workload.
    Keys,
    /// Fields of something that is no workload.
    Fields,
}

/// Whether an object runs pods of its own.
pub fn runs_pods(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet")
}

/// The kind a step's target names, as far as the file alone says it.
fn kind_in(step: &StepKind) -> &str {
    let target = step.target().map_or("", |target| target.target.source());
    match target.split_once('/') {
        _ if target.is_empty() => "",
        Some((kind, _)) => kind,
        None => "Deployment",
    }
}

impl Touch {
    /// What the first changing step of a plan touches.
    pub fn of(plan: &[Step]) -> Self {
        let kinds = plan.iter().map(|step| &step.kind);
        let mut fields = false;
        let first = kinds.filter(|kind| kind.mutates()).find(|kind| match kind {
            StepKind::Secret(_) | StepKind::Exec { .. } => false,
            StepKind::Object(_) => {
                fields |= !runs_pods(kind_in(kind));
                runs_pods(kind_in(kind))
            }
            _ => true,
        });
        match first {
            None if fields => Self::Fields,
            None => Self::Keys,
            Some(StepKind::RolloutRestart { .. }) => Self::Stamp,
            Some(StepKind::Scale { .. }) => Self::Replicas,
            Some(StepKind::Delete { .. } | StepKind::Evict { .. }) => Self::Pod,
            _ => Self::Template,
        }
    }

    /// What of it matters for an object of this kind.
    #[must_use]
    pub fn at(self, kind: &str) -> Self {
        if runs_pods(kind) || matches!(self, Self::Pod | Self::Keys) {
            self
        } else {
            Self::Fields
        }
    }
}

/// Judges rights and facts for what is touched; failures first.
pub fn judge(
    touch: Touch,
    access: &[Access],
    facts: Option<&ObjectFacts>,
    more: &[Line],
) -> Vec<Line> {
    let mut lines: Vec<Line> = access.iter().map(right_line).collect();
    match (touch, facts) {
        (Touch::Keys, None) => {}
        (_, None) => lines.push(Line::new(
            Level::Unknown,
            "the target",
            "its state could not be read",
        )),
        (Touch::Template, Some(facts)) => fact_lines(facts, &mut lines),
        (Touch::Stamp, Some(facts)) => stamp_lines(facts, &mut lines),
        (Touch::Replicas, Some(facts)) => number_lines(facts, &mut lines),
        (Touch::Fields, Some(facts)) => owner_lines(facts, &mut lines),
        (Touch::Pod | Touch::Keys, Some(_)) => {}
    }
    lines.extend(more.iter().cloned());
    lines.sort_by_key(|line| line.level);
    lines
}

/// The facts about one more object that is changed, each line with its name.
pub fn others(touch: Touch, object: &ObjectRef, facts: Option<&ObjectFacts>) -> Vec<Line> {
    let lines = judge(touch.at(&object.kind), &[], facts, &[]);
    let named = |line: Line| Line {
        text: format!("{}: {}", object.short(), line.text),
        ..line
    };
    lines.into_iter().map(named).collect()
}

/// The stamp of a restart is in no manifest: whoever owns the object leaves it where it is.
fn stamp_lines(facts: &ObjectFacts, lines: &mut Vec<Line>) {
    let unowned = ObjectFacts {
        managers: Vec::new(),
        ..facts.clone()
    };
    let mut found = Vec::new();
    fact_lines(&unowned, &mut found);
    if !facts.managers.is_empty() {
        found.retain(|line| line.text != NOBODY);
    }
    lines.extend(found);
    for manager in &facts.managers {
        let (tool, name) = (&manager.tool, bounded(&manager.name, 80));
        let fact = format!("{tool} owns it ({name}); a restart's stamp is not in what it applies");
        lines.push(Line::new(Level::Passed, NOBODY, fact));
    }
}

/// Who owns the number of replicas. A paused rollout scales all the same.
fn number_lines(facts: &ObjectFacts, lines: &mut Vec<Line>) {
    let text = "does the number stay as it is set?";
    for manager in &facts.managers {
        let name = bounded(&manager.name, 80);
        let fact = format!(
            "{} owns it ({name}): where its manifest has a number, that number comes back",
            manager.tool
        );
        lines.push(Line::new(Level::Amber, text, fact).fix("set the number in Git as well"));
    }
    match &facts.autoscaler {
        Some(autoscaler) => {
            let name = bounded(autoscaler, 80);
            let fact =
                format!("the autoscaler {name} owns the number and sets it again within seconds");
            let fix = format!("change its minimum and maximum: kubectl edit hpa {name}");
            lines.push(Line::new(Level::Amber, text, fact).fix(fix));
        }
        None if facts.managers.is_empty() => {
            lines.push(Line::new(
                Level::Passed,
                text,
                "no autoscaler, no marks of Argo CD, Flux or Helm",
            ));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::preflight::{Manager, Requirement, verdict};

    #[test]
    fn what_is_touched_decides_which_facts_matter() {
        let facts = ObjectFacts {
            paused: true,
            autoscaler: Some("api".into()),
            managers: vec![Manager {
                tool: "Flux".into(),
                name: "apps".into(),
                namespace: None,
                self_heals: Some(true),
                fact: None,
            }],
            ..ObjectFacts::default()
        };
        let calm = ObjectFacts::default();
        let unpaused = ObjectFacts {
            paused: false,
            ..facts.clone()
        };
        let well = Line::new(Level::Passed, "x", "y");
        for (touch, facts, wanted) in [
            (Touch::Template, &unpaused, Level::Red),
            (Touch::Stamp, &facts, Level::Red),
            (Touch::Stamp, &unpaused, Level::Passed),
            (Touch::Stamp, &calm, Level::Passed),
            (Touch::Replicas, &facts, Level::Amber),
            (Touch::Replicas, &calm, Level::Passed),
            (Touch::Pod, &facts, Level::Passed),
        ] {
            let lines = judge(touch, &[], Some(facts), std::slice::from_ref(&well));
            assert_eq!(verdict(&lines), wanted, "{touch:?}: {lines:#?}");
        }
        let lines = judge(Touch::Replicas, &[], Some(&facts), &[]);
        let owns = |line: &Line| line.fact.contains("the autoscaler api owns the number");
        assert!(lines.iter().any(owns), "{lines:#?}");
    }

    #[test]
    fn a_part_of_a_resource_is_named_as_a_rule_names_it() {
        let evict = Requirement {
            verb: "create".into(),
            group: String::new(),
            resource: "pods/eviction".into(),
            namespace: "prod".into(),
            name: "api-1".into(),
            undo: false,
        };
        assert_eq!(evict.words(), "create pods/api-1 (eviction) in prod");
        assert_eq!(evict.parts(), ("pods", "eviction"));
        assert!(evict.rule().contains("resources: [\"pods/eviction\"]"));
    }
}
