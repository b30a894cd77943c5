//! What is particular to single acts: a pod that is to be gone, a number of replicas, a right that only they need. The
//! machine's own order (intent, effect, probe) is not here; it asks here where an object that is gone is good news.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::{Fact, Found, Probe};
use crate::runbook::machine::io::{Answer, Effect, ObjectState};
use crate::runbook::machine::ledger::StepRecord;
use crate::runbook::machine::run::Run;
use crate::runbook::model::StepKind;
use crate::runbook::patch::{Planned, plan_removal};
use crate::runbook::preflight::{Level, Line};
use crate::runbook::template::plain;

/// The pod an `input` step asks for; without a name, every pod there is.
pub(super) fn pod_reference(given: Option<&Value>) -> String {
    let name = given.map(plain).unwrap_or_default();
    match name.split_once('/') {
        Some(_) => name,
        None => format!("Pod/{name}"),
    }
}

/// A pod as it is to be gone.
pub(super) fn removal(kind: &str, state: &ObjectState) -> Result<Planned, String> {
    if state.object.kind != "Pod" {
        return Err(format!(
            "{} is not a pod: only pods are removed from here",
            state.object.short()
        ));
    }
    Ok(plan_removal(kind, state.object.clone(), &state.body))
}

/// Why an object has no number to set.
pub(super) fn unscalable(state: &ObjectState) -> String {
    format!(
        "{} has no number of replicas: it runs where its nodes are",
        state.object.short()
    )
}

/// Why a plan that changes nothing is no plan.
pub(super) fn nothing(planned: &Planned) -> String {
    match planned.kind.as_str() {
        "k8s.rollback" => {
            "nothing to change: the template is already that of the chosen revision".to_owned()
        }
        _ => format!("nothing to change: {}", planned.lines.join(", ")),
    }
}

/// How an answer shows that what was to be removed is gone already; `None` where it is still there, or another change
/// was meant.
pub(super) fn removed(planned: &Planned, answer: &Answer) -> Option<String> {
    if !planned.verb().removes() {
        return None;
    }
    match answer {
        Answer::Gone => Some("it is gone".to_owned()),
        Answer::Object(state) if state.object.uid != planned.object.uid => {
            Some("it is gone; another one has its name".to_owned())
        }
        _ => None,
    }
}

impl Run {
    /// What was to be removed is gone before it is sent (again): our own attempt landed, or somebody was first.
    pub(super) fn removed_already(
        &mut self,
        now: Timestamp,
        index: usize,
        record: &StepRecord,
        why: String,
        out: &mut Vec<Effect>,
    ) {
        let Some(effect) = &record.effect else {
            let found = json!({"unchanged": true, "by": "somebody else", "lines": [why]});
            return self.finish(now, index, found, out);
        };
        let probe = Probe {
            step: record.path.clone(),
            effect: effect.effect.clone(),
            found: Found::Present,
            detail: vec![why],
            generation: None,
            version: None,
        };
        self.record(now, vec![Fact::Probed(probe)], out);
    }

    /// The line that says that nothing would be left to serve.
    pub(super) fn emptied(&self) -> Option<Line> {
        let wanted = self.plan.iter().find_map(|step| match &step.kind {
            StepKind::Scale { replicas, .. } => replicas.number(&self.scope_of(step, None)).ok(),
            _ => None,
        })?;
        let text = "is something left to serve?";
        Some(if wanted == 0 {
            let fact = "0 replicas: nothing serves until somebody sets another number";
            Line::new(Level::Amber, text, fact)
        } else {
            Line::new(Level::Passed, text, format!("{wanted} replicas"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, VecDeque};
    use std::sync::Arc;

    use crate::runbook::ids::RunId;
    use crate::runbook::machine::{
        Answers, Entry, Event, Question, Reason, Rollout, RunState, RunTarget, Start, Status,
        begin, replay, step,
    };
    use crate::runbook::patch::{Action, ObjectRef, apply_merge};
    use crate::runbook::preflight::{Access, ObjectFacts};
    use crate::runbook::verb::Verb;
    use crate::runbook::{Runbook, SHIPPED, format, param};

    /// What happens to the first write.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fault {
        None,
        LostBefore,
        LostAfter,
        Conflict,
        Budget,
    }

    struct World {
        book: Arc<Runbook>,
        /// The object; none once it is gone.
        object: Option<Value>,
        version: u64,
        fault: Fault,
        writes: Vec<(Verb, Value)>,
        disk: Vec<Entry>,
        now: Timestamp,
    }

    const ACTS: [&str; 4] = ["restart", "scale", "delete-pod", "evict-pod"];

    impl World {
        fn new(id: &str, fault: Fault) -> Self {
            let text = SHIPPED.iter().find(|one| one.id == id).unwrap().text;
            Self {
                book: Arc::new(format::parse(id, text).unwrap()),
                object: Some(
                    json!({"metadata": {"uid": "u1"}, "spec": {"replicas": 3, "template": {"metadata": {"annotations": {"a": "b"}}}}}),
                ),
                version: 7,
                fault,
                writes: Vec::new(),
                disk: Vec::new(),
                now: Timestamp::from_second(1_772_000_000).unwrap(),
            }
        }

        fn start(&self, confirmed: bool) -> Start {
            let (kind, name) = if self.book.param("pod").is_some() {
                ("pod", "api-1")
            } else {
                ("workload", "api")
            };
            let mut given = BTreeMap::from([
                (kind.to_owned(), name.to_owned()),
                ("namespace".to_owned(), "prod".to_owned()),
            ]);
            if self.book.param("replicas").is_some() {
                given.insert("replicas".to_owned(), "5".to_owned());
            }
            Start {
                run: RunId::new(self.now, [3; 10]),
                runbook: self.book.id.clone(),
                version: self.book.version.clone(),
                model: self.book.model_digest(),
                params: param::settle(&self.book, &given).unwrap(),
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
                    confirm: confirmed.then(|| "prod".to_owned()).into_iter().collect(),
                    ..Answers::default()
                },
            }
        }

        fn named(&self) -> ObjectRef {
            let pod = self.book.param("pod").is_some();
            ObjectRef {
                kind: if pod { "Pod" } else { "Deployment" }.into(),
                namespace: "prod".into(),
                name: if pod { "api-1" } else { "api" }.into(),
                uid: "u1".into(),
            }
        }

        fn answer(&self, question: &Question) -> Answer {
            let facts = ObjectFacts::default;
            match question {
                Question::Workload { .. } => Answer::Workload(self.named()),
                Question::Revisions { .. } => Answer::Gone,
                Question::Object { .. } | Question::Probe { .. } => match &self.object {
                    None => Answer::Gone,
                    Some(body) => Answer::Object(ObjectState {
                        object: self.named(),
                        resource_version: self.version.to_string(),
                        generation: 1,
                        body: body.clone(),
                        facts: facts(),
                    }),
                },
                Question::Preflight { requirements, .. } => Answer::Preflight {
                    access: requirements
                        .iter()
                        .map(|requirement| Access {
                            requirement: requirement.clone(),
                            allowed: Some(true),
                            reason: String::new(),
                        })
                        .collect(),
                    facts: self.object.as_ref().map(|_| facts()),
                    more: Vec::new(),
                },
                Question::DryRun { action } => {
                    let mut body = self.object.clone().unwrap_or_default();
                    apply_merge(&mut body, &action.body());
                    Answer::DryRun(body)
                }
                Question::Checklist { .. } => Answer::Checklist(Vec::new()),
                Question::Approval { .. } => Answer::Gone,
                Question::Rollout { .. } => Answer::Rollout(Rollout::Complete("done".into())),
                other => unreachable!("{other:?}"),
            }
        }

        fn write(&mut self, action: &Action) -> Result<(), Option<Status>> {
            let body = action.body();
            match std::mem::replace(&mut self.fault, Fault::None) {
                Fault::LostBefore => return Err(None),
                Fault::Conflict => {
                    self.version += 1;
                    return Err(Some(Status::Conflict));
                }
                Fault::Budget => return Err(Some(Status::Denied)),
                fault => {
                    if self.object.is_none() {
                        return Err(Some(Status::Gone));
                    }
                    let verb = action.planned.verb();
                    if verb.removes() {
                        self.object = None;
                    } else if let Some(object) = &mut self.object {
                        apply_merge(object, &body);
                    }
                    self.version += 1;
                    self.writes.push((verb, body));
                    if fault == Fault::LostAfter {
                        return Err(None);
                    }
                }
            }
            Ok(())
        }

        fn perform(&mut self, effect: Effect) -> Option<Event> {
            match effect {
                Effect::Record(entries) => {
                    self.disk.extend(entries);
                    Some(Event::Recorded)
                }
                Effect::Read(id, question) => {
                    Some(Event::Answered(id, Box::new(self.answer(&question))))
                }
                Effect::Perform {
                    effect,
                    attempt,
                    action,
                    ..
                } => {
                    let intent = |entry: &Entry| matches!(&entry.fact, Fact::Intent(intent) if intent.effect == effect && intent.attempt == attempt);
                    assert!(self.disk.iter().any(intent), "sent without an intent");
                    Some(match self.write(&action) {
                        Ok(()) => Event::Performed {
                            effect,
                            attempt,
                            http: 200,
                            resource_version: String::new(),
                            generation: 0,
                        },
                        Err(Some(status)) => Event::Refused {
                            effect,
                            attempt,
                            status,
                            http: 400,
                            message: "no".into(),
                        },
                        Err(None) => Event::Unknown {
                            effect,
                            attempt,
                            why: "reset".into(),
                        },
                    })
                }
                _ => None,
            }
        }

        /// Goes on for so many effects, or until nothing moves.
        fn drive(&mut self, mut run: Run, effects: Vec<Effect>, limit: usize) -> Run {
            let mut queue = VecDeque::from(effects);
            for _ in 0..limit {
                let Some(effect) = queue.pop_front() else {
                    break;
                };
                if let Some(event) = self.perform(effect) {
                    let (next, more) = step(run, self.now, event);
                    run = next;
                    queue.extend(more);
                }
            }
            run
        }

        fn run(&mut self, confirmed: bool, limit: usize) -> Run {
            let run = Run::new(self.book.clone(), self.start(confirmed), self.now).unwrap();
            let (run, effects) = begin(run, self.now);
            self.drive(run, effects, limit)
        }

        fn resume(&mut self) -> Run {
            let run = replay(self.book.clone(), &self.disk).unwrap();
            let event = Event::Resume {
                by: "oncall".into(),
                hand_over: None,
                confirm: Some("prod".into()),
            };
            let (run, effects) = step(run, self.now, event);
            self.drive(run, effects, 1000)
        }
    }

    #[test]
    fn each_act_is_one_write_whatever_happens_to_its_answer() {
        for id in ACTS {
            for fault in [
                Fault::None,
                Fault::LostBefore,
                Fault::LostAfter,
                Fault::Conflict,
            ] {
                let mut world = World::new(id, fault);
                let run = world.run(true, 1000);
                let found = (run.ledger().state, world.writes.len());
                assert_eq!(
                    found,
                    (RunState::Succeeded, 1),
                    "{id} {fault:?}: {:?}",
                    run.ledger().human
                );
            }
        }
    }

    #[test]
    fn each_act_is_sent_as_what_it_is_with_its_precondition() {
        let sent = |id| {
            let mut world = World::new(id, Fault::None);
            world.run(true, 1000);
            world.writes.pop().unwrap()
        };
        let (verb, body) = sent("restart");
        let stamp = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
        let stamp = body.pointer(stamp).and_then(Value::as_str);
        assert!(verb == Verb::Patch && stamp.is_some_and(|at| at.ends_with('Z')));
        assert_eq!(
            body["metadata"],
            json!({"uid": "u1", "resourceVersion": "7"})
        );
        let scale =
            json!({"spec": {"replicas": 5}, "metadata": {"uid": "u1", "resourceVersion": "7"}});
        assert_eq!(sent("scale"), (Verb::Scale, scale));
        let uid = json!({"preconditions": {"uid": "u1"}});
        assert_eq!(sent("delete-pod"), (Verb::Delete, uid.clone()));
        assert_eq!(sent("evict-pod"), (Verb::Evict, uid));
    }

    #[test]
    fn nothing_is_sent_before_the_namespace_was_typed() {
        for id in ACTS {
            let mut world = World::new(id, Fault::None);
            let run = world.run(false, 1000);
            let reason = run.ledger().human.as_ref().map(|human| human.reason);
            assert_eq!(
                (reason, world.writes.len()),
                (Some(Reason::Confirm), 0),
                "{id}"
            );
        }
    }

    #[test]
    fn a_crash_anywhere_and_a_resume_repeat_nothing() {
        for id in ACTS {
            for fault in [Fault::None, Fault::LostAfter] {
                let mut points = 0;
                for limit in 1..200 {
                    let mut world = World::new(id, fault);
                    let ended = world.run(true, limit).ledger().end.is_some();
                    if world.disk.is_empty() {
                        continue;
                    }
                    points += 1;
                    let run = world.resume();
                    assert_eq!(
                        (run.ledger().state, world.writes.len()),
                        (RunState::Succeeded, 1),
                        "{id} {fault:?} killed after {limit}: {:?}",
                        run.ledger().human
                    );
                    if ended {
                        break;
                    }
                }
                assert!(points > 15, "{id}: only {points} points");
            }
        }
    }

    #[test]
    fn a_refusal_is_told_and_not_repeated() {
        let mut world = World::new("evict-pod", Fault::Budget);
        let run = world.run(true, 1000);
        let human = run.ledger().human.clone().unwrap();
        assert_eq!(human.reason, Reason::Denied);
        assert_eq!(human.message, "the server refused it: no");
        assert!(world.writes.is_empty());
    }

    #[test]
    fn a_pod_that_is_gone_before_it_is_sent_needs_no_request() {
        let mut world = World::new("delete-pod", Fault::None);
        world.run(false, 1000);
        world.object = None;
        let plan = plan_removal(
            "k8s.delete",
            world.named(),
            &json!({"metadata": {"uid": "u1"}}),
        );
        assert!(removed(&plan, &Answer::Gone).is_some());
        let mut other = world.named();
        other.uid = "u2".into();
        let namesake = Answer::Object(ObjectState {
            object: other,
            resource_version: "1".into(),
            generation: 1,
            body: json!({}),
            facts: ObjectFacts::default(),
        });
        assert!(removed(&plan, &namesake).is_some_and(|why| why.contains("another one")));
        assert_eq!(pod_reference(Some(&json!("api-1"))), "Pod/api-1");
        assert_eq!(pod_reference(Some(&json!("Pod/api-1"))), "Pod/api-1");
        assert_eq!(pod_reference(None), "Pod/");
    }
}
