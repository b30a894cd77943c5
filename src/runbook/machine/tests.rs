//! The machine against a small world: one Deployment with revisions, an API that can fail before or after the
//! change, and a journal that remembers what was recorded. The oracle looks at what was sent and what was on disk.
//!
//! Length: one world, its faults, and the tables over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
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
            template_hash: version.into(),
            change_cause: None,
            evidence,
            rolled_back_from: false,
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
            Question::DryRun { action } => {
                let mut body = json!({"spec": {"replicas": 3, "template": self.template}});
                apply_merge(&mut body, &action.body());
                Answer::DryRun(body)
            }
            Question::Rollout { .. } => Answer::Rollout(self.rollout.clone()),
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
                    replay(book(), &self.disk).unwrap().ledger(),
                    "replay differs"
                );
            }
        }
        (run, queue.into())
    }

    fn run(&mut self, start: Start) -> Run {
        let (run, effects) = begin(Run::new(book(), start, self.now).unwrap(), self.now);
        self.drive(run, effects, 5000).0
    }

    /// What a new process does: replay, resume with the confirmation.
    fn resume(&mut self, confirm: Option<&str>) -> Run {
        self.now += SignedDuration::from_mins(3);
        let run = replay(book(), &self.disk).unwrap();
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

#[test]
fn a_rollback_goes_to_the_last_good_revision_with_one_write() {
    let mut world = World::new();
    let run = world.run(start());
    assert_eq!(
        state_of(&run),
        (RunState::Succeeded, None),
        "{:?}",
        run.ledger().end
    );
    assert_eq!(
        (world.writes, world.template.clone()),
        (1, template("v1.0.0"))
    );
    let (audit_id, body) = &world.bodies[0];
    assert!(audit_id.ends_with("-1") && audit_id.len() <= 64);
    assert_eq!(
        body["metadata"],
        json!({"uid": "u1", "resourceVersion": "100"})
    );
    assert_eq!(run.title(3), "Go back to revision 42");
    assert_eq!(world.count("gate.verdict"), 1);
}

#[test]
fn faults_of_the_write_as_a_table() {
    let many = |fault, times| std::iter::repeat_n(fault, times).collect::<Vec<_>>();
    let table = [
        (
            "commit then reset",
            vec![Fault::DropAfter],
            RunState::Succeeded,
            None,
            1,
            1,
        ),
        (
            "drop before commit",
            vec![Fault::DropBefore],
            RunState::Succeeded,
            None,
            1,
            2,
        ),
        (
            "benign conflict",
            vec![Fault::Conflict],
            RunState::Succeeded,
            None,
            1,
            2,
        ),
        (
            "five benign conflicts",
            many(Fault::Conflict, 5),
            RunState::Succeeded,
            None,
            1,
            6,
        ),
        (
            "six benign conflicts",
            many(Fault::Conflict, 6),
            RunState::NeedsHuman,
            Some(Reason::Conflict),
            0,
            6,
        ),
        (
            "hostile conflict",
            vec![Fault::ConflictHostile],
            RunState::NeedsHuman,
            Some(Reason::Conflict),
            0,
            1,
        ),
        (
            "denied",
            vec![Fault::Denied],
            RunState::NeedsHuman,
            Some(Reason::Denied),
            0,
            1,
        ),
        (
            "deleted and made again",
            vec![Fault::Recreated],
            RunState::NeedsHuman,
            Some(Reason::Conflict),
            0,
            1,
        ),
    ];
    for (name, faults, state, reason, writes, sent) in table {
        let mut world = World {
            faults,
            ..World::new()
        };
        let run = world.run(start());
        assert_eq!(
            (state_of(&run), world.writes, world.sent),
            ((state, reason), writes, sent),
            "{name}: {:?}",
            run.ledger().end
        );
    }
}

#[test]
fn what_stops_a_run_before_the_first_effect_is_a_refusal_with_its_reason() {
    let facts = |facts: ObjectFacts| ObjectFacts {
        revision_uid: Some("r43".into()),
        ..facts
    };
    let heals = Manager {
        tool: "Argo CD".into(),
        name: "veza".into(),
        self_heals: Some(true),
    };
    let table = [
        (
            "no right",
            World {
                allowed: false,
                ..World::new()
            },
            "may patch deployments.apps/api in prod",
        ),
        (
            "paused",
            World {
                facts: facts(ObjectFacts {
                    paused: true,
                    ..ObjectFacts::default()
                }),
                ..World::new()
            },
            "paused",
        ),
        (
            "foreign rollout",
            World {
                facts: ObjectFacts {
                    rolling: true,
                    revision_uid: Some("r44".into()),
                    ..ObjectFacts::default()
                },
                ..World::new()
            },
            "Another rollout",
        ),
        (
            "Argo CD heals",
            World {
                facts: facts(ObjectFacts {
                    managers: vec![heals],
                    ..ObjectFacts::default()
                }),
                ..World::new()
            },
            "T22",
        ),
    ];
    for (name, mut world, words) in table {
        let run = world.run(start());
        let end = run
            .ledger()
            .end
            .clone()
            .unwrap_or_else(|| panic!("{name}: {:?}", run.ledger()));
        assert!(
            end.refused && end.state == RunState::Aborted && end.message.contains(words),
            "{name}: {end:?}"
        );
        assert_eq!((world.sent, world.count("step.intent")), (0, 0), "{name}");
    }
    let mut own = World {
        facts: facts(ObjectFacts {
            rolling: true,
            ..ObjectFacts::default()
        }),
        ..World::new()
    };
    assert_eq!(
        own.run(start()).ledger().state,
        RunState::Succeeded,
        "a rollout of the revision being left is no obstacle"
    );
}

#[test]
fn nothing_is_sent_without_the_typed_namespace() {
    for confirm in [vec![], vec!["staging".to_owned()]] {
        let mut world = World::new();
        let run = world.run(Start {
            answers: Answers {
                confirm,
                yes: true,
                reason: Some("x".into()),
                ..Answers::default()
            },
            ..start()
        });
        assert_eq!(
            (state_of(&run), world.sent),
            ((RunState::NeedsHuman, Some(Reason::Confirm)), 0)
        );
        assert_eq!(world.done, [RunState::NeedsHuman]);
    }
}

#[test]
fn a_dry_run_rehearses_and_sends_nothing() {
    let mut world = World::new();
    let run = world.run(Start {
        dry_run: true,
        answers: Answers::default(),
        ..start()
    });
    assert_eq!((run.ledger().state, world.sent), (RunState::Succeeded, 0));
    assert!(
        run.ledger()
            .end
            .as_ref()
            .unwrap()
            .message
            .contains("dry run")
    );
}

#[test]
fn gates_and_waits_end_in_the_documented_state() {
    type Row = (
        &'static str,
        fn() -> Vec<Reading>,
        Rollout,
        Reason,
        &'static str,
    );
    let table: [Row; 4] = [
        (
            "bad",
            bad,
            Rollout::Complete(String::new()),
            Reason::Gate,
            "fail",
        ),
        (
            "silent",
            silent,
            Rollout::Complete(String::new()),
            Reason::Gate,
            "inconclusive",
        ),
        (
            "stuck",
            good,
            Rollout::Stuck("ProgressDeadlineExceeded".into()),
            Reason::Timeout,
            "ProgressDeadline",
        ),
        (
            "never ready",
            good,
            Rollout::Moving("1 of 3".into()),
            Reason::Timeout,
            "1 of 3",
        ),
    ];
    for (name, reading, rollout, reason, words) in table {
        let mut world = World {
            reading,
            rollout,
            ..World::new()
        };
        let run = world.run(start());
        let human = run
            .ledger()
            .human
            .clone()
            .unwrap_or_else(|| panic!("{name}: {:?}", run.ledger().end));
        assert!(
            human.reason == reason && human.message.contains(words),
            "{name}: {human:?}"
        );
        assert!(human.ways.contains(&Way::RollBack), "{name}");
    }
}

#[test]
fn a_person_may_go_back_and_the_world_is_as_before() {
    let mut world = World {
        reading: bad,
        ..World::new()
    };
    let run = world.run(start());
    let (run, effects) = step(
        run,
        world.now,
        Event::Decided {
            by: "oncall".into(),
            decision: Decision::Way(Way::RollBack),
        },
    );
    let (run, _) = world.drive(run, effects, 1000);
    assert_eq!(
        (run.ledger().state, world.template.clone(), world.writes),
        (RunState::RolledBack, template("v1.1.0"), 2)
    );
}

#[test]
fn an_undo_never_overwrites_somebody_else_and_prints_the_command() {
    let mut world = World {
        reading: bad,
        ..World::new()
    };
    let run = world.run(start());
    world.template = template("v7.7.7");
    world.version += 1;
    let (run, effects) = step(
        run,
        world.now,
        Event::RollBack {
            by: "oncall".into(),
            reason: "worse".into(),
        },
    );
    let (run, _) = world.drive(run, effects, 1000);
    let end = run.ledger().end.clone().unwrap();
    assert_eq!(
        (end.state, world.template.clone()),
        (RunState::RollbackIncomplete, template("v7.7.7"))
    );
    assert!(
        end.leftovers[0].contains("kubectl -n prod patch deployment api"),
        "{:?}",
        end.leftovers
    );
}

#[test]
fn offline_before_and_after_the_request_never_guesses() {
    let mut world = World {
        offline: true,
        ..World::new()
    };
    let run = world.run(start());
    assert_eq!(
        (state_of(&run), world.sent),
        ((RunState::NeedsHuman, Some(Reason::Offline)), 0)
    );
    world.offline = false;
    let run = world.resume(Some("prod"));
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
}

#[test]
fn resume_without_the_confirmation_probes_reports_and_stops() {
    let mut world = World {
        faults: vec![Fault::DropAfter],
        ..World::new()
    };
    crash_after(&mut world, |fact| matches!(fact, Fact::Unknown { .. }));
    let run = world.resume(None);
    assert_eq!(
        (state_of(&run), world.count("step.probe"), world.writes),
        ((RunState::NeedsHuman, Some(Reason::Confirm)), 1, 1)
    );
    assert!(
        matches!(world.asks.last().map(|ask| &ask.kind), Some(AskKind::Resume { typed: Some(text) }) if text == "prod")
    );
    let run = world.resume(Some("prod"));
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
}

/// Runs until a fact is on disk, then forgets everything but the disk and the world.
fn crash_after(world: &mut World, stop: impl Fn(&Fact) -> bool) {
    let (mut run, mut queue) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
    for _ in 0..5000 {
        if world.disk.iter().any(|entry| stop(&entry.fact)) {
            return;
        }
        (run, queue) = world.drive(run, queue, 1);
    }
    panic!("the fact never came");
}

#[test]
fn a_crash_at_every_record_and_every_boundary_leaves_exactly_one_write_after_resume() {
    let mut points = 0;
    for steps in 0..600 {
        let mut world = World::new();
        let (run, effects) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
        let (run, _) = world.drive(run, effects, steps);
        let ended = run.ledger().end.is_some();
        drop(run);
        if world.disk.is_empty() {
            continue;
        }
        points += 1;
        let run = world.resume(Some("prod"));
        assert_eq!(
            (run.ledger().state, world.writes, world.template.clone()),
            (RunState::Succeeded, 1, template("v1.0.0")),
            "killed after {steps} effects: {:?}",
            run.ledger().human
        );
        if ended {
            break;
        }
    }
    assert!(points > 40, "only {points} points");
}

#[test]
fn a_journal_that_cannot_be_written_stops_every_act() {
    let (run, _) = begin(
        Run::new(book(), start(), Timestamp::UNIX_EPOCH).unwrap(),
        Timestamp::UNIX_EPOCH,
    );
    let (run, effects) = step(
        run,
        Timestamp::UNIX_EPOCH,
        Event::RecordFailed("no space left".into()),
    );
    assert_eq!(
        (run.halted(), effects),
        (
            Some("no space left"),
            vec![Effect::Done(RunState::NeedsHuman)]
        )
    );
    let (_, effects) = step(run, Timestamp::UNIX_EPOCH, Event::Recorded);
    assert!(effects.is_empty(), "nothing follows: {effects:?}");
}

#[test]
fn ctrl_c_once_stops_after_the_step_and_interruption_never_rolls_back() {
    let mut world = World {
        rollout: Rollout::Moving("0 of 3".into()),
        ..World::new()
    };
    crash_after(&mut world, |fact| matches!(fact, Fact::Outcome(_)));
    let run = world.resume(Some("prod"));
    assert_eq!(
        run.ledger().human.as_ref().map(|human| human.reason),
        Some(Reason::Timeout)
    );
    let (run, effects) = step(run, world.now, Event::Interrupted("SIGHUP".into()));
    let (run, _) = world.drive(run, effects, 50);
    assert_eq!(
        (
            world.count("run.interrupted"),
            world.count("run.rolling-back"),
            run.ledger().end.is_none()
        ),
        (1, 0, true)
    );

    let mut world = World::new();
    let (run, effects) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
    let (run, queue) = world.drive(run, effects, 5);
    let (run, more) = step(run, world.now, Event::StopRequested);
    let (run, _) = world.drive(run, queue.into_iter().chain(more).collect(), 5000);
    assert_eq!(
        (state_of(&run), world.sent),
        ((RunState::NeedsHuman, Some(Reason::Input)), 0)
    );
}

#[test]
fn an_attended_run_asks_and_takes_the_answers() {
    let mut world = World::new();
    let mut run = world.run(Start {
        attended: true,
        answers: Answers::default(),
        ..start()
    });
    let mut kinds = Vec::new();
    for _ in 0..20 {
        let Some(ask) = run.ask().cloned() else { break };
        let decision = match &ask.kind {
            AskKind::Revision { suggested, .. } => {
                assert!(matches!(
                    suggested,
                    crate::runbook::revision::Choice::Take { number: 42, .. }
                ));
                kinds.push("revision");
                Decision::Value("41".into())
            }
            AskKind::Confirm { typed, plans, .. } if kinds.last() == Some(&"wrong") => {
                assert!(
                    plans[0].lines.contains(&"image v1.1.0 → v0.9.0".to_owned()),
                    "{plans:?}"
                );
                kinds.push("confirm");
                Decision::Yes(typed.clone())
            }
            AskKind::Confirm { .. } => {
                kinds.push("wrong");
                Decision::Yes(Some("pord".into()))
            }
            other => panic!("{other:?}"),
        };
        let (next, effects) = step(
            run,
            world.now,
            Event::Decided {
                by: "alice".into(),
                decision,
            },
        );
        run = world.drive(next, effects, 5000).0;
    }
    assert_eq!(
        (kinds, run.ledger().state, world.template.clone()),
        (
            vec!["revision", "wrong", "confirm"],
            RunState::Succeeded,
            template("v0.9.0")
        )
    );
}

#[test]
fn a_no_before_the_first_effect_ends_the_run_untouched() {
    let mut world = World::new();
    let run = world.run(Start {
        attended: true,
        answers: Answers::default(),
        params: start()
            .params
            .into_iter()
            .chain([("revision".to_owned(), json!(42))])
            .collect(),
        ..start()
    });
    let (run, effects) = step(
        run,
        world.now,
        Event::Decided {
            by: "alice".into(),
            decision: Decision::No,
        },
    );
    let (run, _) = world.drive(run, effects, 50);
    assert_eq!((run.ledger().state, world.sent), (RunState::Aborted, 0));
}

#[test]
fn steps_this_version_cannot_carry_out_are_refused_at_the_start() {
    let text = SHIPPED[0].text.replace(
        "kind = \"diff\"\nof   = \"go-back\"",
        "kind = \"rbac.review\"\nns = \"{{params.namespace}}\"",
    );
    let book = Arc::new(format::parse("t", &text).unwrap());
    let start = Start {
        model: book.model_digest(),
        ..start()
    };
    assert!(matches!(
        Run::new(book, start.clone(), Timestamp::UNIX_EPOCH),
        Err(RunError::Unsupported { .. })
    ));
    assert!(matches!(
        Run::new(super::tests::book(), start, Timestamp::UNIX_EPOCH),
        Err(RunError::OtherModel(_))
    ));
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        Just(Fault::DropBefore),
        Just(Fault::DropAfter),
        Just(Fault::Conflict),
        Just(Fault::ConflictHostile),
        Just(Fault::Denied),
        Just(Fault::Recreated)
    ]
}

/// An event out of order.
fn stray(kind: u8, run: &Run) -> Event {
    let effect = crate::runbook::ids::EffectKey::new(&run.start().run, "go-back", false, 0);
    match kind % 14 {
        0 => Event::Recorded,
        1 => Event::Tick,
        2 => Event::Performed {
            effect,
            attempt: 1,
            http: 200,
            resource_version: "1".into(),
            generation: 1,
        },
        3 => Event::Refused {
            effect,
            attempt: 1,
            status: Status::Conflict,
            http: 409,
            message: String::new(),
        },
        4 => Event::Unknown {
            effect,
            attempt: 1,
            why: String::new(),
        },
        5 => Event::Decided {
            by: "x".into(),
            decision: Decision::Yes(Some("prod".into())),
        },
        6 => Event::Decided {
            by: "x".into(),
            decision: Decision::Way(Way::RollBack),
        },
        7 => Event::StopRequested,
        8 => Event::RollBack {
            by: "x".into(),
            reason: String::new(),
        },
        9 => Event::Interrupted("x".into()),
        10 => Event::Resume {
            by: "x".into(),
            hand_over: None,
            confirm: Some("prod".into()),
        },
        11 => Event::Answered(u64::from(kind), Box::new(Answer::Gone)),
        12 => Event::Measured(u64::from(kind), Vec::new()),
        _ => Event::Decided {
            by: "x".into(),
            decision: Decision::Way(Way::Again),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Strays in any order, faults in any order, crashes at any point: `World::perform` asserts the recorded intent,
    /// `World::drive` that the ledger is the replay; here: the world is before, after or undone, never else.
    #[test]
    fn no_order_of_events_acts_without_an_intent_or_twice(faults in proptest::collection::vec(fault(), 0..4), strays in proptest::collection::vec((0_usize..40, any::<u8>()), 0..12), crashes in proptest::collection::vec(1_usize..80, 0..3)) {
        let hostile = faults.contains(&Fault::ConflictHostile) || faults.contains(&Fault::Recreated);
        let mut world = World { faults, ..World::new() };
        let (mut run, mut queue) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
        for (after, kind) in strays {
            (run, queue) = world.drive(run, queue, after);
            // `Recorded` is the engine's promise about the disk: a false one is not an order of events.
            if kind % 14 != 0 || run.live.recording.is_none() {
                let event = stray(kind, &run);
                let (next, more) = step(run, world.now, event);
                run = next;
                queue.extend(more);
            }
        }
        (run, _) = world.drive(run, queue, 400);
        for after in crashes {
            drop(run);
            world.now += SignedDuration::from_secs(60);
            let resumed = replay(book(), &world.disk).unwrap();
            let (next, effects) = step(resumed, world.now, Event::Resume { by: "x".into(), hand_over: None, confirm: Some("prod".into()) });
            run = world.drive(next, effects, after).0;
        }
        prop_assert!(world.writes <= 2, "one change and its undo at most, there were {}", world.writes);
        let known = [template("v1.1.0"), template("v1.0.0")];
        prop_assert!(hostile || known.contains(&world.template), "{}", world.template);
    }
}
