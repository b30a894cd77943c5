//! The machine against a small world: one Deployment with revisions, an API that can fail before or after the
//! change, and a journal that remembers what was recorded. The oracle looks at what was sent and what was on disk.

mod ahead;
mod approving;
mod argo;
mod checklist;
mod crash;
mod fields;
mod flow;
mod limits;
mod made;
mod others;
mod programs;
mod prompting;
mod rotation;
mod stops;

use std::collections::BTreeMap;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use serde_json::{Value, json};

use super::*;

use crate::runbook::gate::Reading;

use crate::runbook::ids::RunId;

use crate::runbook::patch::{ObjectRef, apply_merge};

use crate::runbook::preflight::{Access, Manager, ObjectFacts};

use crate::runbook::revision::{Evidence, Revision};

use crate::runbook::{Runbook, SHIPPED, format};

fn book() -> Arc<Runbook> {
    Arc::new(format::parse("rollback", SHIPPED[0].text).unwrap())
}

fn start() -> Start {
    let book = book();
    Start {
        run: RunId::new(Timestamp::UNIX_EPOCH, [7; 10]),
        runbook: book.id.clone(),
        version: book.version.clone(),
        model: book.model_digest(),
        params: crate::runbook::param::settle(
            &book,
            &BTreeMap::from([
                ("workload".to_owned(), "api".to_owned()),
                ("namespace".to_owned(), "prod".to_owned()),
            ]),
        )
        .unwrap(),
        target: RunTarget {
            environment: "production".into(),
            namespace: "prod".into(),
            ..RunTarget::default()
        },
        actor: "oncall".into(),
        typed: true,
        attended: false,
        dry_run: false,
        reads_only: false,
        answers: Answers {
            confirm: vec!["prod".into()],
            reason: Some("INC-1".into()),
            ..Answers::default()
        },
    }
}

fn template(version: &str) -> Value {
    json!({"metadata": {"labels": {"app": "api", "version": version}}, "spec": {"containers": [{"name": "api", "image": format!("r/api:{version}")}]}})
}

/// What goes wrong with the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    DropBefore,
    DropAfter,
    Conflict,
    ConflictHostile,
    Denied,
    Recreated,
}

struct World {
    book: Arc<Runbook>,
    uid: String,
    version: u64,
    template: Value,
    allowed: bool,
    facts: ObjectFacts,
    reading: fn() -> Vec<Reading>,
    rollout: Rollout,
    faults: Vec<Fault>,
    writes: usize,
    sent: usize,
    disk: Vec<Entry>,
    asks: Vec<Ask>,
    done: Vec<RunState>,
    offline: bool,
    /// Why the server cannot rehearse, if so.
    unrehearsed: Option<&'static str>,
    bodies: Vec<(String, Value)>,
    now: Timestamp,
}

fn good() -> Vec<Reading> {
    vec![
        Reading::of(0.001, 500.0),
        Reading::of(0.24, 500.0),
        Reading {
            requests: None,
            ..Reading::of(0.0, 0.0)
        },
    ]
}

fn bad() -> Vec<Reading> {
    vec![
        Reading::of(0.21, 500.0),
        Reading::of(0.93, 500.0),
        Reading {
            requests: None,
            ..Reading::of(0.0, 0.0)
        },
    ]
}

fn silent() -> Vec<Reading> {
    vec![
        Reading::unknown("connection refused"),
        Reading::unknown("connection refused"),
        Reading {
            requests: None,
            ..Reading::of(0.0, 0.0)
        },
    ]
}

impl World {
    fn new() -> Self {
        Self {
            book: book(),
            uid: "u1".into(),
            version: 100,
            template: template("v1.1.0"),
            allowed: true,
            facts: ObjectFacts {
                replicas: 3,
                revision_uid: Some("r43".into()),
                ..ObjectFacts::default()
            },
            reading: good,
            rollout: Rollout::Complete("3 of 3 new pods available".into()),
            faults: Vec::new(),
            writes: 0,
            sent: 0,
            disk: Vec::new(),
            asks: Vec::new(),
            done: Vec::new(),
            offline: false,
            unrehearsed: None,
            bodies: Vec::new(),
            now: Timestamp::from_second(1_772_000_000).unwrap(),
        }
    }

    fn object(&self) -> ObjectRef {
        ObjectRef {
            kind: "Deployment".into(),
            namespace: "prod".into(),
            name: "api".into(),
            uid: self.uid.clone(),
        }
    }

    fn revisions(&self) -> Vec<Revision> {
        let revision = |number: i64, version: &str, evidence| Revision {
            number,
            uid: format!("r{number}"),
            name: format!("api-{number}"),
            image: format!("r/api:{version}"),
            images: vec![],
            created_at: Timestamp::from_second(1_700_000_000 + number * 10_000).unwrap(),
            available_s: None,
            served: crate::domain::served::Served::default(),
            template_hash: version.into(),
            change_cause: None,
            evidence,
            rolled_back_from: false,
            restored_by: None,
            annotations: None,
            current: template(version) == self.template,
            template: template(version),
        };
        vec![
            revision(41, "v0.9.0", Evidence::Good("errors 0.1 %".into())),
            revision(42, "v1.0.0", Evidence::Good("errors 0.1 %".into())),
            revision(43, "v1.1.0", Evidence::Bad("errors 21 %".into())),
        ]
    }

    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Workload { .. } => Answer::Workload(self.object()),
            Question::Revisions { .. } => Answer::Revisions(self.revisions()),
            Question::Object { .. } | Question::Probe { .. } => Answer::Object(ObjectState {
                object: self.object(),
                resource_version: self.version.to_string(),
                generation: self.version as i64,
                body: json!({"spec": {"replicas": 3, "template": self.template}}),
                facts: self.facts.clone(),
            }),
            Question::Preflight { requirements, .. } => Answer::Preflight {
                access: requirements
                    .iter()
                    .map(|requirement| Access {
                        requirement: requirement.clone(),
                        allowed: Some(self.allowed),
                        reason: "RBAC".into(),
                    })
                    .collect(),
                facts: Some(self.facts.clone()),
                more: Vec::new(),
            },
            Question::DryRun { .. } if self.unrehearsed.is_some() => {
                Answer::CannotRehearse(self.unrehearsed.unwrap().to_owned())
            }
            Question::DryRun { action } => {
                let mut body = json!({"spec": {"replicas": 3, "template": self.template}});
                apply_merge(&mut body, &action.body());
                Answer::DryRun(body)
            }
            Question::Checklist { .. } => Answer::Checklist(Vec::new()),
            Question::Approval { .. } => Answer::Offered(crate::runbook::machine::Offered {
                texts: Vec::new(),
                signers: Err("nobody may approve".into()),
                now: Timestamp::UNIX_EPOCH,
                place: Ok("nowhere".into()),
            }),
            Question::Rollout { .. } => Answer::Rollout(self.rollout.clone()),
            other => unreachable!("a rollback asks nothing of secrets: {other:?}"),
        }
    }

    fn write(
        &mut self,
        effect: crate::runbook::ids::EffectKey,
        attempt: u32,
        action: &crate::runbook::patch::Action,
    ) -> Event {
        self.sent += 1;
        let body = action.body();
        self.bodies.push((effect.audit_id(attempt), body.clone()));
        let fault = if self.faults.is_empty() {
            Fault::None
        } else {
            self.faults.remove(0)
        };
        let refuse = |status, http| Event::Refused {
            effect: effect.clone(),
            attempt,
            status,
            http,
            message: "no".into(),
        };
        match fault {
            Fault::DropBefore => {
                return Event::Unknown {
                    effect,
                    attempt,
                    why: "connection reset".into(),
                };
            }
            Fault::Denied => return refuse(Status::Denied, 403),
            Fault::Conflict => self.version += 1,
            Fault::ConflictHostile => {
                self.version += 1;
                self.template = template("v9.9.9");
            }
            Fault::Recreated => {
                self.uid = "u2".into();
                self.version += 1;
            }
            Fault::None | Fault::DropAfter => {}
        }
        if body["metadata"]["uid"] != json!(self.uid)
            || body["metadata"]["resourceVersion"] != json!(self.version.to_string())
        {
            return refuse(Status::Conflict, 409);
        }
        let mut object = json!({"spec": {"replicas": 3, "template": self.template}});
        apply_merge(&mut object, &body);
        self.template = object["spec"]["template"].clone();
        self.version += 1;
        self.writes += 1;
        if fault == Fault::DropAfter {
            return Event::Unknown {
                effect,
                attempt,
                why: "timeout".into(),
            };
        }
        Event::Performed {
            effect,
            attempt,
            http: 200,
            resource_version: self.version.to_string(),
            generation: self.version as i64,
        }
    }

    /// Carries one effect out; returns the event it leads to.
    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Record(entries) => {
                self.disk.extend(entries);
                Some(Event::Recorded)
            }
            Effect::Perform {
                effect,
                attempt,
                audit_id,
                action,
            } => {
                let recorded = self.disk.iter().any(|entry| matches!(&entry.fact, Fact::Intent(intent) | Fact::UndoIntent(intent) if intent.effect == effect && intent.attempt == attempt && intent.audit_id == audit_id));
                assert!(recorded, "I1: sent without an intent on disk");
                Some(self.write(effect, attempt, &action))
            }
            Effect::Read(id, _) if self.offline => Some(Event::Unanswered(
                id,
                Failure::Offline("connection refused".into()),
            )),
            Effect::Read(id, question) => {
                Some(Event::Answered(id, Box::new(self.answer(&question))))
            }
            Effect::Measure { id, .. } => Some(Event::Measured(id, (self.reading)())),
            Effect::Ask(ask) => {
                self.asks.push(*ask);
                None
            }
            Effect::Done(state) => {
                self.done.push(state);
                None
            }
            Effect::Wake(_) | Effect::Forget(_) | Effect::Audit { .. } => None,
        }
    }

    /// Runs until nothing moves but time, for at most so many effects; the ledger always equals the replay.
    fn drive(&mut self, run: Run, effects: Vec<Effect>, limit: usize) -> (Run, Vec<Effect>) {
        let (mut run, mut queue) = (run, std::collections::VecDeque::from(effects));
        for _ in 0..limit {
            let Some(effect) = queue.pop_front() else {
                if run.ledger().end.is_some()
                    || run.ledger().human.is_some()
                    || run.halted().is_some()
                {
                    break;
                }
                self.now += SignedDuration::from_secs(5);
                let (next, effects) = step(run, self.now, Event::Tick);
                run = next;
                queue.extend(effects);
                continue;
            };
            if let Some(event) = self.perform(effect) {
                let (next, effects) = step(run, self.now, event);
                run = next;
                queue.extend(effects);
            }
            if run.live.recording.is_none() {
                assert_eq!(
                    run.ledger(),
                    replay(self.book.clone(), &self.disk).unwrap().ledger(),
                    "replay differs"
                );
            }
        }
        (run, queue.into())
    }

    fn run(&mut self, start: Start) -> Run {
        let start = Start {
            model: self.book.model_digest(),
            ..start
        };
        let run = Run::new(self.book.clone(), start, self.now).unwrap();
        let (run, effects) = begin(run, self.now);
        self.drive(run, effects, 5000).0
    }

    /// What a new process does: replay, resume with the confirmation.
    fn resume(&mut self, confirm: Option<&str>) -> Run {
        self.now += SignedDuration::from_mins(3);
        let run = replay(self.book.clone(), &self.disk).unwrap();
        let (run, effects) = step(
            run,
            self.now,
            Event::Resume {
                by: "oncall".into(),
                hand_over: None,
                confirm: confirm.map(str::to_owned),
            },
        );
        self.drive(run, effects, 5000).0
    }

    /// A person decides.
    fn decide(&mut self, run: Run, by: &str, decision: Decision) -> Run {
        let by = by.to_owned();
        let (run, effects) = step(run, self.now, Event::Decided { by, decision });
        self.drive(run, effects, 20_000).0
    }

    fn count(&self, name: &str) -> usize {
        self.disk
            .iter()
            .filter(|entry| entry.fact.name() == name)
            .count()
    }
}

fn state_of(run: &Run) -> (RunState, Option<Reason>) {
    (
        run.ledger().state,
        run.ledger().human.as_ref().map(|human| human.reason),
    )
}
