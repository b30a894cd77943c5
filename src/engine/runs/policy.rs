//! What the policy of an environment demands of a run: asked before the first effect, and again of every change. What it
//! refuses, `--break-glass` can pass; that is written down with what was passed. The policy itself is the configuration's.

use super::allowed::Programs;
use super::rehearsals::{self, Rehearsal};
use crate::app::runs::order::Opening;
use crate::domain::policy::{ImageRule, Policy};
use crate::engine::incidents::tell::Channels;
use crate::journal::AuditEvent;
use crate::runbook::Runbook;
use crate::runbook::machine::Start;
use crate::runbook::model::{GateDecl, Risk, StepKind};
use crate::runbook::patch::Action;
use crate::runbook::quantity::{parse_duration, show_duration};
use crate::runbook::template::{Path, Slot};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path as File;
use std::sync::Arc;

/// A reason for going past the policy has so many characters at least.
pub const LEAST_REASON: usize = 20;

/// What is said where nobody may approve.
pub const NO_SIGNERS: &str = "nobody may approve here: name a file of allowed signers, [approvals] allowed_signers = \"PATH\"";

/// Where in Vault the secrets of an environment lie.
pub type Placed = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What holds for runs from here, whatever they do.
#[derive(Clone)]
pub struct Rules {
    /// The policy of an environment.
    pub policy: Arc<dyn Fn(&str) -> Policy + Send + Sync>,
    /// Nothing is changed from here, and nothing arms it.
    pub locked: bool,
    /// The name of the context, where the connection does not know it.
    pub context: Option<String>,
    /// The workloads that sign tokens: they are restarted after those that only verify them.
    pub issuers: Arc<BTreeSet<String>>,
    /// Where in Vault an environment's secrets lie.
    pub vault_path: Placed,
    /// The file of those who may approve, as it is now, or why there is none.
    pub signers: Arc<dyn Fn() -> Result<String, String> + Send + Sync>,
    /// Takes secrets and addresses of people out of a text before it goes into an incident's file.
    pub cleaner: fn(&str) -> String,
    /// Who is told of what.
    pub channels: Channels,
    /// Hosts outside of the cluster that a runbook may ask from here.
    pub hosts: Arc<BTreeSet<String>>,
    /// Programs of this machine that a runbook may start from here.
    pub programs: Arc<Programs>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            policy: Arc::new(|_| Policy::production()),
            locked: false,
            context: None,
            issuers: Arc::default(),
            vault_path: Arc::new(|_| None),
            signers: Arc::new(|| Err(NO_SIGNERS.to_owned())),
            cleaner: str::to_owned,
            channels: Channels::default(),
            hosts: Arc::default(),
            programs: Arc::default(),
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Rules(locked: {}, context: {:?})",
            self.locked, self.context
        )
    }
}

/// Everything the policy of an environment has against a run. Looks at the runs of before, so it may block.
pub fn refusals(
    policy: &Policy,
    environment: &str,
    opening: &Opening,
    state: &File,
    grounds: &Grounds,
    now: Timestamp,
) -> Vec<String> {
    let book = &opening.book;
    let mut found = Vec::new();
    if seconded(policy, environment, book)
        && let Err(why) = &grounds.signers
    {
        found.push(format!(
            "{environment} wants a second person for this run, and {why}"
        ));
    }
    if let Some(age) = wants_rehearsal(policy, book) {
        let place = rehearsals::place(book);
        let mut known = rehearsals::here(state, place);
        known.extend(grounds.rehearsals.0.iter().cloned());
        if let Err(why) = rehearsals::judge(&known, book, age, now) {
            found.push(format!(
                "{environment} wants a successful run of this very runbook in {place}, not older than {}; {why}; looked on this machine and {}",
                show_duration(age), grounds.rehearsals.1
            ));
        }
    }
    let least = SignedDuration::try_from(policy.minimum_hold).unwrap_or_default();
    if let Some(hold) = holds(opening).filter(|hold| *hold < least) {
        let (hold, least) = (show_duration(hold), show_duration(least));
        found.push(format!(
            "a gate of it holds {hold}; {environment} wants {least} at least: --set hold={least}"
        ));
    }
    found
}

/// Whether somebody else must agree with something in a run: by the policy, or by the runbook itself.
pub fn seconded(policy: &Policy, environment: &str, book: &Runbook) -> bool {
    let place = if environment == "unknown" {
        "production"
    } else {
        environment
    };
    let blocks = book.blocks.values().flatten();
    let mut steps = book.steps.iter().chain(blocks);
    let asks = steps.any(|step| {
        let approve = step.approve.as_ref().filter(|approve| approve.count > 0);
        approve.is_some_and(|approve| approve.when_env.as_deref().is_none_or(|only| only == place))
    });
    asks || (book.risk == Risk::Critical && policy.approvals > 0)
}

/// The shortest time that a gate of this run holds.
fn holds(opening: &Opening) -> Option<SignedDuration> {
    let book = &opening.book;
    let blocks = book.blocks.values().flatten();
    let gates = book
        .steps
        .iter()
        .chain(blocks)
        .filter_map(|step| match &step.kind {
            StepKind::Gate {
                named, gate, hold, ..
            } => {
                let declared: Option<&GateDecl> = match named {
                    Some(name) => book.gates.get(name),
                    None => gate.as_deref(),
                };
                hold.as_ref().or(declared.map(|gate| &gate.hold))
            }
            _ => None,
        });
    let spans = gates.filter_map(|slot| match slot {
        Slot::Fixed(span) => Some(*span),
        Slot::Fill(Path::Param(name, _)) => parse_duration(opening.params.get(name)?.as_str()?),
        Slot::Fill(_) => None,
    });
    spans.min()
}

/// How old a rehearsal may be that a runbook wants here, where one is wanted.
pub fn wants_rehearsal(policy: &Policy, book: &Runbook) -> Option<SignedDuration> {
    let age = policy.rehearsal.filter(|_| book.risk == Risk::Critical)?;
    SignedDuration::try_from(age).ok()
}

/// What is known beside the policy when a run is judged by it.
pub struct Grounds {
    /// The file of those who may approve, or why there is none.
    pub signers: Result<String, String>,
    /// Rehearsals that the cluster knows of, and where it was asked.
    pub rehearsals: (Vec<Rehearsal>, String),
}

/// Puts into the audit log that a run goes past the policy: what was refused, and why it goes on.
pub fn write_down(
    state: &File,
    start: &Start,
    passed: &[String],
    at: Timestamp,
) -> Result<(), String> {
    let who = super::records::Who::Cluster(start.actor.clone());
    let mut fields = super::records::about(start, &who);
    fields.insert("passed".to_owned(), Value::from(passed.to_vec()));
    fields.insert(
        "reason".to_owned(),
        Value::from(start.answers.break_glass.clone()),
    );
    let event = AuditEvent {
        ts: at,
        event: "break-glass".to_owned(),
        fields,
    };
    super::records::append(state, &[event])
}

/// Why the policy refuses a change: an image without a digest where one is demanded.
pub fn unpinned(policy: &Policy, environment: &str, action: &Action) -> Option<String> {
    if policy.image == ImageRule::Tag {
        return None;
    }
    let mut images = Vec::new();
    for change in &action.planned.changes {
        match &change.after {
            Some(Value::String(image)) if change.path.ends_with("/image") => {
                images.push(image.clone());
            }
            Some(value) => gather(value, &mut images),
            None => {}
        }
    }
    let loose = images
        .into_iter()
        .find(|image| !image.contains("@sha256:"))?;
    Some(format!(
        "{environment} takes only images with a digest, and {loose} has none; --break-glass REASON goes past that"
    ))
}

fn gather(value: &Value, images: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                match inner {
                    Value::String(image) if key == "image" => images.push(image.clone()),
                    _ => gather(inner, images),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, images)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::runs::shelf::Book;
    use crate::runbook::patch::{FieldChange, ObjectRef, Planned};
    use serde_json::json;
    use std::time::Duration;

    fn opening(risk: &str, hold: &str) -> Opening {
        let text = Book::shipped()[0]
            .text
            .replace("= \"high\"", &format!("= {risk:?}"));
        let book = Book::read(crate::app::runs::shelf::Origin::Shipped, "t", &text);
        Opening {
            called: Vec::new(),
            book: book.book.unwrap(),
            text: text.as_str().into(),
            params: [("hold".to_owned(), json!(hold))].into(),
            namespace: "n".into(),
            attended: false,
            dry_run: false,
            unrecorded: false,
            answers: crate::runbook::machine::Answers::default(),
        }
    }

    #[test]
    fn a_policy_refuses_what_it_is_about_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let strict = Policy {
            approvals: 1,
            rehearsal: Some(Duration::from_hours(24)),
            minimum_hold: Duration::from_mins(2),
            ..Policy::production()
        };
        for (policy, risk, hold, wanted) in [
            (&Policy::production(), "critical", "1s", 0),
            (&strict, "high", "2m", 0),
            (&strict, "high", "1m59s", 1),
            (&strict, "critical", "3m", 2),
        ] {
            let found = refusals(
                policy,
                "production",
                &opening(risk, hold),
                folder.path(),
                &Grounds {
                    signers: Err(NO_SIGNERS.to_owned()),
                    rehearsals: (Vec::new(), "nowhere else".to_owned()),
                },
                Timestamp::UNIX_EPOCH,
            );
            assert_eq!(found.len(), wanted, "{risk} {hold}: {found:?}");
        }
    }

    #[test]
    fn an_image_without_a_digest_is_refused_where_one_is_demanded_wherever_it_stands() {
        let action = |path: &str, after: Value| Action {
            planned: Planned {
                kind: "k8s.rollback".into(),
                object: ObjectRef {
                    kind: "Deployment".into(),
                    namespace: "n".into(),
                    name: "a".into(),
                    uid: "u".into(),
                },
                changes: vec![FieldChange {
                    path: path.into(),
                    before: None,
                    after: Some(after),
                    from: None,
                }],
                lines: Vec::new(),
            },
            resource_version: "1".into(),
        };
        let strict = Policy {
            image: ImageRule::Digest,
            ..Policy::production()
        };
        let loose = json!({"spec": {"containers": [{"image": "r/a:v1"}]}});
        let pinned = json!({"spec": {"containers": [{"image": "r/a@sha256:00"}]}});
        assert!(
            unpinned(
                &strict,
                "production",
                &action("/spec/template", loose.clone())
            )
            .is_some()
        );
        assert!(
            unpinned(
                &strict,
                "production",
                &action("/spec/template/spec/containers/0/image", json!("r/a:v1"))
            )
            .is_some()
        );
        assert_eq!(
            unpinned(&strict, "production", &action("/spec/template", pinned)),
            None
        );
        assert_eq!(
            unpinned(
                &strict,
                "production",
                &action("/metadata/annotations/a", json!("r/a:v1"))
            ),
            None
        );
        assert_eq!(
            unpinned(
                &Policy::production(),
                "production",
                &action("/spec/template", loose)
            ),
            None
        );
    }
}
