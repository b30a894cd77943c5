//! What must be true before the first effect: the rights every step and its undo need, and the facts about the
//! target that would turn a good plan into damage. Questions and answers are data; the engine asks.
//!
//! Length: every line of the page beside the facts that decide it, and their table.

use serde::{Deserialize, Serialize};

use crate::runbook::model::{ObjectStep, Step, StepKind, Undo};
use crate::runbook::patch::ObjectRef;
use crate::runbook::verb::Verb;

/// Where a right is Vault's to give.
pub const VAULT: &str = "vault";

/// The question whether a tool undoes the change.
pub const NOBODY: &str = "does anything put it back?";

/// One right the run needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Requirement {
    /// As `patch`.
    pub verb: String,
    /// As `apps`.
    pub group: String,
    /// As `deployments`.
    pub resource: String,
    /// Where.
    pub namespace: String,
    /// Which object.
    pub name: String,
    /// Needed for the way back only.
    pub undo: bool,
}

impl Requirement {
    /// The right in words.
    pub fn words(&self) -> String {
        if self.in_vault() {
            return format!("{} {} of Vault", self.verb, self.resource);
        }
        let group = if self.group.is_empty() {
            String::new()
        } else {
            format!(".{}", self.group)
        };
        let (resource, part) = self.parts();
        let part = if part.is_empty() {
            String::new()
        } else {
            format!(" ({part})")
        };
        let slash = if self.name.is_empty() { "" } else { "/" };
        format!(
            "{} {resource}{group}{slash}{}{part} in {}",
            self.verb, self.name, self.namespace
        )
    }

    /// The resource, and its part where one is meant.
    pub fn parts(&self) -> (&str, &str) {
        self.resource
            .split_once('/')
            .unwrap_or((&self.resource, ""))
    }

    /// Whether Vault is asked, and not the cluster.
    pub fn in_vault(&self) -> bool {
        self.group == VAULT
    }

    /// The missing rule, ready to be put into a Role or a policy.
    pub fn rule(&self) -> String {
        if self.in_vault() {
            return format!(
                "path \"{}\" {{\n  capabilities = [\"{}\"]\n}}",
                self.resource, self.verb
            );
        }
        let only = if self.name.is_empty() {
            String::new()
        } else {
            format!("\n  resourceNames: [\"{}\"]", self.name)
        };
        format!(
            "- apiGroups: [\"{}\"]\n  resources: [\"{}\"]{only}\n  verbs: [\"{}\"]",
            self.group, self.resource, self.verb
        )
    }
}

/// What the server said about one right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The right asked about.
    pub requirement: Requirement,
    /// Allowed, or not known.
    pub allowed: Option<bool>,
    /// The server's reason.
    pub reason: String,
}

/// A tool that owns the object and may put it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// As `Argo CD`.
    pub tool: String,
    /// The application or release.
    pub name: String,
    /// Where its application or release lives, where its mark says so.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Whether it undoes changes by itself; `None` is not known.
    pub self_heals: Option<bool>,
    /// What its own object says, or why it could not be read.
    #[serde(default)]
    pub fact: Option<String>,
}

/// Facts about a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectFacts {
    /// `spec.paused`.
    pub paused: bool,
    /// A rollout is under way.
    pub rolling: bool,
    /// Uid of the revision its template asks for.
    pub revision_uid: Option<String>,
    /// Who owns it.
    pub managers: Vec<Manager>,
    /// Wanted replicas.
    pub replicas: i64,
    /// `progressDeadlineSeconds`.
    pub progress_deadline_s: Option<i64>,
    /// The autoscaler's name.
    pub autoscaler: Option<String>,
    /// Ready pods that a Service would select, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_pods: Option<u64>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Cannot start.
    Red,
    /// Could not be asked.
    Unknown,
    /// May go on with a reason.
    Amber,
    /// To be known; nothing is asked for it.
    Noted,
    /// Fine.
    Passed,
}

/// One line of the preflight page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How it came out.
    pub level: Level,
    /// What was asked: a question, or a subject; never a sentence that a fact could contradict.
    pub text: String,
    /// The fact that decided.
    pub fact: String,
    /// What would mend it.
    pub fix: Option<String>,
}

impl Line {
    /// A line.
    pub fn new(level: Level, text: impl Into<String>, fact: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
            fact: fact.into(),
            fix: None,
        }
    }

    /// What was asked and the fact that decided, as one clause.
    pub fn words(&self) -> String {
        let colon = if self.text.ends_with('?') { "" } else { ":" };
        format!("{}{colon} {}", self.text, self.fact)
    }

    /// The line with what would mend it.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }
}

/// The rights the steps need on the objects they change, the ways back included.
pub fn requirements<'s>(steps: impl Iterator<Item = (&'s Step, ObjectRef)>) -> Vec<Requirement> {
    let mut needed = Vec::new();
    for (step, object) in steps.filter(|(step, _)| step.kind.mutates()) {
        if object.is_program() {
            continue;
        }
        if object.in_vault() {
            needed.extend(vault_rights(step, &object));
            continue;
        }
        let (group, plural) = resource_of(&object.kind);
        let right = |verb: &str, part: &str, undo: bool| Requirement {
            verb: verb.to_owned(),
            group: group.clone(),
            resource: format!("{plural}{part}"),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            undo,
        };
        if let StepKind::Object(made @ (ObjectStep::JobRun { .. } | ObjectStep::Apply { .. })) =
            &step.kind
        {
            needed.extend(making_rights(step, made, &object));
            continue;
        }
        let (verb, part) = Verb::of(step.kind.name()).right();
        needed.push(right("get", "", false));
        needed.push(right(verb, part, false));
        if step.kind.name() == "k8s.service-selector" {
            needed.push(Requirement {
                verb: "list".to_owned(),
                group: String::new(),
                resource: "pods".to_owned(),
                namespace: object.namespace.clone(),
                name: String::new(),
                undo: false,
            });
        }
        match &step.undo {
            Some(Undo::Restore) => needed.push(right(verb, part, true)),
            Some(Undo::Act(kind, _)) => {
                let (verb, part) = Verb::of(kind.name()).right();
                needed.push(right(verb, part, true));
            }
            Some(Undo::None) | None => {}
        }
    }
    needed.sort();
    needed.dedup();
    needed
}

/// What a step needs that may make its object: to look, to make or apply it, and for its way back.
fn making_rights(step: &Step, made: &ObjectStep, object: &ObjectRef) -> Vec<Requirement> {
    let right = |verb: &str, kind: &str, name: &str, undo: bool| {
        let (group, resource) = resource_of(kind);
        Requirement {
            verb: verb.to_owned(),
            group,
            resource,
            namespace: object.namespace.clone(),
            name: name.to_owned(),
            undo,
        }
    };
    let (kind, name) = (object.kind.as_str(), object.name.as_str());
    let mut needed = vec![
        right("get", kind, name, false),
        right("create", kind, "", false),
    ];
    match made {
        ObjectStep::JobRun { from, .. } => {
            let from = from.source().split_once('/');
            needed.extend(from.map(|(kind, name)| {
                let name = if name.contains("{{") { "" } else { name };
                right("get", kind, name, false)
            }));
        }
        _ => needed.push(right("patch", kind, name, false)),
    }
    if matches!(step.undo, Some(Undo::Restore)) {
        needed.push(right("delete", kind, name, true));
    }
    needed
}

/// The group and the plural that rights on a kind are given for. A kind of somebody's own carries its group, as
/// `Canary.flagger.app`; one that begins small is a plural already.
pub fn resource_of(kind: &str) -> (String, String) {
    let (name, group) = kind.split_once('.').unwrap_or((kind, ""));
    let group = match (name, group) {
        (_, own) if !own.is_empty() => own,
        (
            "Pod"
            | "Secret"
            | "Service"
            | "ConfigMap"
            | "Namespace"
            | "Node"
            | "ServiceAccount"
            | "PersistentVolumeClaim",
            _,
        ) => "",
        ("ExternalSecret" | "SecretStore", _) => "external-secrets.io",
        ("Job" | "CronJob", _) => "batch",
        ("HorizontalPodAutoscaler", _) => "autoscaling",
        ("Ingress" | "NetworkPolicy", _) => "networking.k8s.io",
        ("PodDisruptionBudget", _) => "policy",
        ("Lease", _) => "coordination.k8s.io",
        _ => "apps",
    };
    let small = name.to_lowercase();
    let plural = match small.as_str() {
        _ if small == name => small,
        word if word.ends_with("ss") => format!("{word}es"),
        word if word.ends_with("cy") => format!("{}ies", &word[..word.len() - 1]),
        word => format!("{word}s"),
    };
    (group.to_owned(), plural)
}

/// What a step needs of Vault: to look, to patch or destroy, and the same for its way back.
fn vault_rights(step: &Step, object: &ObjectRef) -> Vec<Requirement> {
    let Some((mount, path)) = object.name.split_once('/') else {
        return Vec::new();
    };
    let right = |verb: &str, part: &str, undo: bool| Requirement {
        verb: verb.to_owned(),
        group: VAULT.to_owned(),
        resource: format!("{mount}/{part}/{path}"),
        namespace: String::new(),
        name: object.name.clone(),
        undo,
    };
    let mut needed = vec![right("read", "metadata", false)];
    if Verb::of(step.kind.name()) == Verb::Destroy {
        needed.push(right("update", "destroy", false));
    } else {
        needed.push(right("read", "data", false));
        needed.push(right("patch", "data", false));
    }
    if matches!(step.undo, Some(Undo::Restore | Undo::Act(..))) {
        needed.push(right("patch", "data", true));
    }
    needed
}

/// What was said about one right.
pub fn right_line(access: &Access) -> Line {
    let why = if access.requirement.undo {
        " (for the way back)"
    } else {
        ""
    };
    let text = format!("may {}{why}", access.requirement.words());
    let reason = if access.reason.is_empty() {
        "no reason given".to_owned()
    } else {
        crate::runbook::prose::bounded(&access.reason, 200)
    };
    match access.allowed {
        Some(true) => Line::new(Level::Passed, text, format!("yes: {reason}")),
        Some(false) => {
            Line::new(Level::Red, text, format!("no: {reason}")).fix(access.requirement.rule())
        }
        None => Line::new(
            Level::Unknown,
            text,
            format!("could not be asked: {reason}"),
        ),
    }
}

/// What the facts about a workload mean for a change of what runs.
pub fn fact_lines(facts: &ObjectFacts, lines: &mut Vec<Line>) {
    lines.push(if facts.paused {
        Line::new(
            Level::Red,
            "may the rollout move?",
            "it is paused: nothing would move",
        )
        .fix("kubectl rollout resume, after finding out who paused it")
    } else {
        Line::new(
            Level::Passed,
            "may the rollout move?",
            "spec.paused is not set",
        )
    });
    owner_lines(facts, lines);
    if let Some(autoscaler) = &facts.autoscaler {
        lines.push(Line::new(
            Level::Passed,
            "replicas stay with the autoscaler",
            format!(
                "{} decides; only the template is changed",
                crate::runbook::prose::bounded(autoscaler, 80)
            ),
        ));
    }
}

/// Who owns an object, and whether they put a change back.
pub fn owner_lines(facts: &ObjectFacts, lines: &mut Vec<Line>) {
    if facts.managers.is_empty() {
        lines.push(Line::new(
            Level::Passed,
            NOBODY,
            "no marks of Argo CD, Flux or Helm",
        ));
    }
    lines.extend(facts.managers.iter().map(manager_line));
}

fn manager_line(manager: &Manager) -> Line {
    let text = format!("will {} put it back?", manager.tool);
    let name = crate::runbook::prose::bounded(&manager.name, 80);
    let fact = manager.fact.as_ref().map_or_else(String::new, |fact| {
        format!(" ({})", crate::runbook::prose::bounded(fact, 160))
    });
    match manager.self_heals {
        Some(true) => Line::new(
            Level::Red,
            text,
            format!(
                "{name} heals itself{fact}: the bad version would be back within minutes (T22)"
            ),
        )
        .fix("revert in Git, or suspend its automatic sync first"),
        Some(false) => Line::new(
            Level::Amber,
            text,
            format!("{name} owns it{fact}: its next sync or upgrade brings the bad version back"),
        )
        .fix("revert in Git as well"),
        None => Line::new(
            Level::Amber,
            text,
            format!("{name} owns it; whether it heals itself is not known{fact} (T22)"),
        )
        .fix("revert in Git as well"),
    }
}

/// Whether a run may go on: no red line; amber and unknown need a reason.
pub fn verdict(lines: &[Line]) -> Level {
    lines
        .iter()
        .map(|line| line.level)
        .min()
        .unwrap_or(Level::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::touch::{self, Touch};

    fn judge(access: &[Access], facts: Option<&ObjectFacts>, more: &[Line]) -> Vec<Line> {
        touch::judge(Touch::Template, access, facts, more)
    }

    fn access(allowed: Option<bool>) -> Access {
        let requirement = Requirement {
            verb: "patch".into(),
            group: "apps".into(),
            resource: "deployments".into(),
            namespace: "prod".into(),
            name: "api".into(),
            undo: false,
        };
        Access {
            requirement,
            allowed,
            reason: "RoleBinding/oncall".into(),
        }
    }

    #[test]
    fn each_fact_has_its_level() {
        let heals = |self_heals| ObjectFacts {
            managers: vec![Manager {
                tool: "Argo CD".into(),
                name: "veza".into(),
                namespace: None,
                self_heals,
                fact: None,
            }],
            ..ObjectFacts::default()
        };
        let table = [
            (access(Some(true)), ObjectFacts::default(), Level::Passed),
            (access(Some(false)), ObjectFacts::default(), Level::Red),
            (access(None), ObjectFacts::default(), Level::Unknown),
            (
                access(Some(true)),
                ObjectFacts {
                    paused: true,
                    ..ObjectFacts::default()
                },
                Level::Red,
            ),
            (access(Some(true)), heals(Some(true)), Level::Red),
            (access(Some(true)), heals(Some(false)), Level::Amber),
            (access(Some(true)), heals(None), Level::Amber),
        ];
        for (access, facts, wanted) in table {
            let lines = judge(std::slice::from_ref(&access), Some(&facts), &[]);
            assert_eq!(verdict(&lines), wanted, "{lines:?}");
            assert_eq!(lines[0].level, wanted, "failures first");
        }
        assert_eq!(
            verdict(&judge(&[access(Some(true))], None, &[])),
            Level::Unknown
        );
    }

    #[test]
    fn rights_are_asked_for_every_target_and_its_way_back() {
        let book = crate::runbook::format::parse("rollback", crate::runbook::SHIPPED[0].text);
        let book = book.unwrap();
        let step = book.steps.iter().find(|step| step.kind.mutates()).unwrap();
        let object = |name: &str| ObjectRef {
            kind: "StatefulSet".into(),
            namespace: "prod".into(),
            name: name.into(),
            uid: String::new(),
        };
        let needed = requirements([(step, object("a")), (step, object("b"))].into_iter());
        let words: Vec<String> = needed
            .iter()
            .map(|right| {
                format!(
                    "{} {}{}",
                    right.verb,
                    right.name,
                    if right.undo { " back" } else { "" }
                )
            })
            .collect();
        assert_eq!(
            words,
            [
                "get a",
                "get b",
                "patch a",
                "patch a back",
                "patch b",
                "patch b back"
            ]
        );
        assert!(needed.iter().all(|right| right.resource == "statefulsets"));
    }

    #[test]
    fn a_check_that_did_not_hold_never_states_what_it_hoped_for() {
        let owned = |self_heals| ObjectFacts {
            paused: true,
            managers: vec![Manager {
                tool: "Helm".into(),
                name: "veza".into(),
                namespace: None,
                self_heals,
                fact: None,
            }],
            ..ObjectFacts::default()
        };
        for heals in [None, Some(false), Some(true)] {
            let lines = judge(&[access(Some(true))], Some(&owned(heals)), &[]);
            let open: Vec<&Line> = lines.iter().filter(|l| l.level < Level::Noted).collect();
            assert_eq!(open.len(), 2, "{lines:?}");
            assert!(open.iter().all(|line| line.text.ends_with('?')), "{open:?}");
        }
        let lines = judge(&[], Some(&owned(Some(false))), &[]);
        let said: Vec<String> = lines.iter().map(Line::words).collect();
        assert!(
            said[1].starts_with("will Helm put it back? veza owns it: its next sync"),
            "{said:?}"
        );
        assert_eq!(
            Line::new(Level::Red, "the target", "gone").words(),
            "the target: gone"
        );
    }

    #[test]
    fn a_missing_right_is_named_with_the_rule_that_grants_it() {
        let lines = judge(&[access(Some(false))], Some(&ObjectFacts::default()), &[]);
        assert!(
            lines[0].text.contains("patch deployments.apps/api in prod"),
            "{:?}",
            lines[0]
        );
        assert!(
            lines[0]
                .fix
                .as_ref()
                .unwrap()
                .contains("resourceNames: [\"api\"]")
        );
    }
}
