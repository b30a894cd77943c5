//! Steps that change fields of objects, against a shelf of objects whose answers can get lost: one write for each
//! effect, nobody else's change written over, every field back where it was.
//!
//! Length: the shelf and what every such kind must keep to on it.

use super::*;
use crate::runbook::patch::Action;

/// What happens to the next writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lost {
    Never,
    Before,
    After,
    /// Something else changed the object's version.
    Moved,
}

/// Objects by `Kind/name`, with the pods that are ready.
pub struct Shelf {
    pub book: Arc<Runbook>,
    pub objects: BTreeMap<String, Value>,
    pub version: u64,
    pub lost: Vec<Lost>,
    pub writes: Vec<(String, Value)>,
    pub disk: Vec<Entry>,
    pub ready: u64,
    /// Whether the secret was typed.
    pub typed: bool,
    pub asked: Vec<String>,
    pub now: Timestamp,
}

pub const HEAD: &str = "+++\nschema = 1\nid = \"t\"\nversion = \"1\"\ntitle = \"T\"\n+++\n\n## A\n\n```toml step\nid = \"go\"\nkind = \"confirm\"\ntype = \"prod\"\n```\n\n";

/// A file of a confirmation and these fences.
pub fn text(fences: &[&str]) -> String {
    let fences = fences
        .iter()
        .map(|fence| format!("```toml step\n{fence}\n```\n\n"));
    format!("{HEAD}{}", fences.collect::<String>())
}

/// The mistakes of a file with this step, as sentences.
pub fn mistakes(fence: &str) -> Vec<String> {
    let problems = format::parse("t", &text(&[fence]))
        .err()
        .unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

impl Shelf {
    pub fn new(fences: &[&str], objects: &[(&str, Value)]) -> Self {
        Self {
            book: Arc::new(format::parse("t", &text(fences)).unwrap()),
            objects: objects
                .iter()
                .map(|(name, body)| ((*name).to_owned(), body.clone()))
                .collect(),
            version: 7,
            lost: Vec::new(),
            writes: Vec::new(),
            disk: Vec::new(),
            ready: 2,
            typed: false,
            asked: Vec::new(),
            now: Timestamp::from_second(1_772_000_000).unwrap(),
        }
    }

    fn state(&self, object: &ObjectRef) -> Answer {
        let Some(body) = self.objects.get(&object.short()) else {
            return Answer::Gone;
        };
        Answer::Object(ObjectState {
            object: ObjectRef {
                uid: "u1".into(),
                ..object.clone()
            },
            resource_version: self.version.to_string(),
            generation: 1,
            body: body.clone(),
            facts: ObjectFacts::default(),
        })
    }

    fn answer(&mut self, question: &Question) -> Answer {
        match question {
            Question::Object { object } | Question::Probe { object, .. } => self.state(object),
            Question::Made { object, from } => match (self.state(object), from) {
                (Answer::Object(state), _) => Answer::Object(state),
                (_, from) => {
                    let template = from
                        .as_ref()
                        .and_then(|from| self.objects.get(&from.short()));
                    let template = template.map(|one| one["spec"]["jobTemplate"].clone());
                    Answer::Object(ObjectState {
                        object: object.clone(),
                        resource_version: String::new(),
                        generation: 0,
                        body: json!({"template": template, "from": from.as_ref().map(ObjectRef::short)}),
                        facts: ObjectFacts::default(),
                    })
                }
            },
            Question::Secret(asked) => {
                let mut answer = self.state(&asked.object);
                if let Answer::Object(state) = &mut answer {
                    let made = asked
                        .made
                        .iter()
                        .filter(|one| self.typed || !one.is_typed());
                    let made: BTreeMap<&str, &str> =
                        made.map(|one| (&*one.name, "hmac:new")).collect();
                    state.body["made"] = json!(made);
                }
                answer
            }
            Question::Service { object, set } => {
                self.asked.push(format!("{set:?}"));
                let mut answer = self.state(object);
                if let Answer::Object(state) = &mut answer {
                    state.facts.ready_pods = Some(self.ready);
                }
                answer
            }
            Question::Preflight { requirements, .. } => {
                self.asked.extend(
                    requirements
                        .iter()
                        .map(crate::runbook::preflight::Requirement::words),
                );
                Answer::Preflight {
                    access: Vec::new(),
                    facts: Some(ObjectFacts::default()),
                    more: Vec::new(),
                }
            }
            Question::DryRun { action } => {
                let mut body = self.objects[&action.planned.object.short()].clone();
                apply_merge(&mut body, &action.body());
                Answer::DryRun(body)
            }
            Question::Rollout { .. } => Answer::Rollout(Rollout::Complete("done".into())),
            other => unreachable!("{other:?}"),
        }
    }

    fn write(&mut self, action: &Action) -> Result<(), Option<Status>> {
        let lost = if self.lost.is_empty() {
            Lost::Never
        } else {
            self.lost.remove(0)
        };
        match lost {
            Lost::Before => return Err(None),
            Lost::Moved => {
                self.version += 1;
                return Err(Some(Status::Conflict));
            }
            Lost::Never | Lost::After => {}
        }
        let body = action.body();
        let name = action.planned.object.short();
        if action.planned.verb().creates() {
            if self.objects.contains_key(&name) {
                return Err(Some(Status::Conflict));
            }
            self.objects.insert(name.clone(), body.clone());
            self.writes.push((name, body));
            return if lost == Lost::After {
                Err(None)
            } else {
                Ok(())
            };
        }
        if action.planned.verb().removes() {
            let found = self.objects.remove(&name).is_some();
            self.writes.push((name, body));
            return if found {
                Ok(())
            } else {
                Err(Some(Status::Gone))
            };
        }
        let stale = body["metadata"]["resourceVersion"] != json!(self.version.to_string());
        if stale || body["metadata"]["uid"] != "u1" {
            return Err(Some(Status::Conflict));
        }
        apply_merge(
            self.objects.get_mut(&name).unwrap(),
            &action.planned.patch(),
        );
        self.version += 1;
        self.writes.push((name, action.planned.patch()));
        if lost == Lost::After {
            Err(None)
        } else {
            Ok(())
        }
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
                let intent = |entry: &Entry| matches!(&entry.fact, Fact::Intent(one) | Fact::UndoIntent(one) if one.effect == effect && one.attempt == attempt);
                assert!(self.disk.iter().any(intent), "sent without an intent");
                Some(match self.write(&action) {
                    Ok(()) => Event::Performed {
                        effect,
                        attempt,
                        http: 200,
                        resource_version: self.version.to_string(),
                        generation: 1,
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

    /// Goes on for so many effects, or until nothing moves; the ledger always equals the replay.
    pub fn drive(&mut self, mut run: Run, effects: Vec<Effect>, limit: usize) -> Run {
        let mut queue = std::collections::VecDeque::from(effects);
        for _ in 0..limit {
            let Some(effect) = queue.pop_front() else {
                break;
            };
            if let Some(event) = self.perform(effect) {
                let (next, more) = step(run, self.now, event);
                run = next;
                queue.extend(more);
            }
            if run.live.recording.is_none() {
                let again = replay(self.book.clone(), &self.disk).unwrap();
                assert_eq!(run.ledger(), again.ledger(), "replay differs");
            }
        }
        run
    }

    pub fn start(&self) -> Start {
        Start {
            runbook: self.book.id.clone(),
            model: self.book.model_digest(),
            params: BTreeMap::new(),
            ..start()
        }
    }

    pub fn run(&mut self, limit: usize) -> Run {
        let run = Run::new(self.book.clone(), self.start(), self.now).unwrap();
        let (run, effects) = begin(run, self.now);
        self.drive(run, effects, limit)
    }

    pub fn resume(&mut self) -> Run {
        let run = replay(self.book.clone(), &self.disk).unwrap();
        let event = Event::Resume {
            by: "oncall".into(),
            hand_over: None,
            confirm: Some("prod".into()),
        };
        let (run, effects) = step(run, self.now, event);
        self.drive(run, effects, 2000)
    }

    pub fn back(&mut self, run: Run) -> Run {
        let event = Event::RollBack {
            by: "oncall".into(),
            reason: "no".into(),
        };
        let (run, effects) = step(run, self.now, event);
        self.drive(run, effects, 2000)
    }
}

const PATCH: &str = "id = \"p\"\nkind = \"k8s.patch\"\nns = \"prod\"\ntarget = \"Deployment/api\"\npatch = { spec = { minReadySeconds = 10 }, metadata = { annotations = { \"a/b\" = \"{{run.id}}\" } } }\nremove = [\"/spec/paused\"]\nundo = \"previous-values\"";
const SWITCH: &str = "id = \"s\"\nkind = \"k8s.service-selector\"\nns = \"prod\"\nname = \"api\"\nset = { version = \"green\" }\nundo = \"previous-values\"";
/// Stops the run after the change, so that it can still be undone.
const LAST: &str = "id = \"last\"\nkind = \"confirm\"\ntype = \"other\"";

fn deployment() -> Value {
    json!({"metadata": {"labels": {"app": "api"}}, "spec": {"replicas": 3, "paused": true}})
}

fn service() -> Value {
    json!({"spec": {"selector": {"app": "api", "version": "blue"}}})
}

fn both(fences: &[&str]) -> Shelf {
    Shelf::new(
        fences,
        &[("Deployment/api", deployment()), ("Service/api", service())],
    )
}

#[test]
fn each_change_of_fields_is_one_write_whatever_happens_to_its_answer() {
    for fence in [PATCH, SWITCH] {
        for lost in [Lost::Never, Lost::Before, Lost::After, Lost::Moved] {
            let mut shelf = both(&[fence]);
            shelf.lost = vec![lost];
            let run = shelf.run(2000);
            let found = (run.ledger().state, shelf.writes.len());
            assert_eq!(
                found,
                (RunState::Succeeded, 1),
                "{fence} {lost:?} {:?}",
                run.ledger().human
            );
        }
    }
}

#[test]
fn a_patch_sends_its_fields_and_nothing_else() {
    let mut shelf = both(&[PATCH]);
    let run = shelf.run(2000);
    let id = run.start().run.to_string();
    let sent = json!({"spec": {"minReadySeconds": 10, "paused": null}, "metadata": {"annotations": {"a/b": id}}});
    assert_eq!(shelf.writes, [("Deployment/api".to_owned(), sent)]);
    let rights: Vec<&String> = shelf
        .asked
        .iter()
        .filter(|one| one.starts_with("patch"))
        .collect();
    assert_eq!(
        rights,
        [
            "patch deployments.apps/api in prod",
            "patch deployments.apps/api in prod"
        ]
    );
}

#[test]
fn every_field_goes_back_to_what_it_was() {
    let mut shelf = both(&[PATCH, SWITCH, LAST]);
    let run = shelf.run(2000);
    assert_eq!(shelf.writes.len(), 2, "{:?}", run.ledger().human);
    let run = shelf.back(run);
    assert_eq!(
        (run.ledger().state, shelf.writes.len()),
        (RunState::RolledBack, 4),
        "{:?}",
        run.ledger().end
    );
    let mut before = deployment();
    before["metadata"]["annotations"] = json!({});
    assert_eq!(shelf.objects["Deployment/api"], before);
    assert_eq!(shelf.objects["Service/api"], service());
}

#[test]
fn somebody_elses_value_in_a_field_is_left_and_told() {
    for (path, value) in [("minReadySeconds", json!(3)), ("paused", json!(false))] {
        let mut shelf = both(&[PATCH]);
        shelf.lost = vec![Lost::Before];
        let mut limit = 1;
        // Up to the first attempt, which is lost; then somebody else is faster.
        while !shelf
            .disk
            .iter()
            .any(|entry| matches!(entry.fact, Fact::Unknown { .. }))
        {
            limit += 1;
            shelf.disk.clear();
            shelf.lost = vec![Lost::Before];
            shelf.run(limit);
        }
        shelf.objects.get_mut("Deployment/api").unwrap()["spec"][path] = value;
        let run = shelf.resume();
        assert_eq!(state_of(&run).1, Some(Reason::Conflict), "{path}");
        assert!(shelf.writes.is_empty());
    }
    let mut shelf = both(&[PATCH]);
    shelf.objects.get_mut("Deployment/api").unwrap()["spec"]["replicas"] = json!(9);
    assert_eq!(shelf.run(2000).ledger().state, RunState::Succeeded);
    assert_eq!(shelf.objects["Deployment/api"]["spec"]["replicas"], 9);
}

#[test]
fn a_crash_anywhere_and_a_resume_repeat_no_change() {
    for lost in [Lost::Never, Lost::After] {
        let mut points = 0;
        for limit in 1..200 {
            let mut shelf = both(&[PATCH, SWITCH]);
            shelf.lost = vec![lost];
            let ended = shelf.run(limit).ledger().end.is_some();
            if shelf.disk.is_empty() {
                continue;
            }
            points += 1;
            let run = shelf.resume();
            let found = (run.ledger().state, shelf.writes.len());
            assert_eq!(
                found,
                (RunState::Succeeded, 2),
                "{lost:?} killed after {limit}: {:?}",
                run.ledger().human
            );
            if ended {
                break;
            }
        }
        assert!(points > 20, "only {points} points");
    }
}

#[test]
fn a_service_is_not_switched_to_nobody() {
    let mut shelf = both(&[SWITCH]);
    shelf.ready = 0;
    let run = shelf.run(2000);
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.refused && end.message.contains("no ready pod has the labels"),
        "{end:?}"
    );
    assert!(shelf.writes.is_empty());
    assert!(
        shelf.asked.iter().any(|asked| asked == "list pods in prod"),
        "{:?}",
        shelf.asked
    );
    // Nor back to nobody: that is left to a person, with the command.
    let mut shelf = both(&[SWITCH, LAST]);
    let run = shelf.run(2000);
    assert!(
        shelf.asked.last().is_some_and(|set| set.contains("green")),
        "{:?}",
        shelf.asked
    );
    shelf.ready = 0;
    let run = shelf.back(run);
    assert_eq!(run.ledger().state, RunState::RollbackIncomplete);
    assert!(
        shelf.asked.last().is_some_and(|set| set.contains("blue")),
        "{:?}",
        shelf.asked
    );
    let left = run.ledger().end.clone().unwrap().leftovers.join("");
    assert!(
        left.contains("kubectl -n prod patch service api") && left.contains("blue"),
        "{left}"
    );
}

#[test]
fn a_value_that_is_no_label_cannot_widen_a_selector() {
    let fence = SWITCH.replace("green", "green,x!=y");
    let mut shelf = both(&[&fence]);
    let run = shelf.run(2000);
    assert!(
        run.ledger()
            .end
            .clone()
            .unwrap()
            .message
            .contains("is no value of a label")
    );
    assert!(shelf.writes.is_empty());
}

#[test]
fn what_may_not_be_patched_is_a_mistake_of_the_file() {
    let patch = |target: &str, more: &str| {
        mistakes(&format!(
            "id = \"p\"\nkind = \"k8s.patch\"\nns = \"n\"\ntarget = \"{target}\"\nundo = \"previous-values\"\n{more}"
        ))
    };
    for (target, more, wanted) in [
        (
            "Secret/x",
            "patch = { data = { a = \"b\" } }",
            "a Secret is not patched",
        ),
        (
            "secrets/x",
            "patch = { data = { a = \"b\" } }",
            "a Secret is not patched",
        ),
        (
            "Deployment/x",
            "patch = { status = { a = 1 } }",
            "`/status/a` is not to be patched",
        ),
        (
            "Deployment/x",
            "patch = { metadata = { name = \"y\" } }",
            "`/metadata/name` is not to be patched",
        ),
        (
            "Deployment/x",
            "patch = { metadata = { ownerReferences = [] } }",
            "is not to be patched",
        ),
        (
            "Deployment/x",
            "patch = { spec = 1 }",
            "is not to be patched",
        ),
        ("Deployment/x", "patch = {}", "names no field"),
        (
            "Deployment/x",
            "patch = { spec = { c = [{ name = \"a\" }] } }",
            "would be replaced as a whole",
        ),
        (
            "Deployment/x",
            "remove = [\"/metadata/uid\"]",
            "`/metadata/uid` is not to be patched",
        ),
    ] {
        let found = patch(target, more);
        assert!(
            found.iter().any(|one| one.contains(wanted)),
            "{more}: {found:?}"
        );
    }
    assert!(patch("Deployment/x", "patch = { spec = { a = 1 } }").is_empty());
    let empty = mistakes(
        "id = \"s\"\nkind = \"k8s.service-selector\"\nns = \"n\"\nname = \"x\"\nset = {}\nundo = \"previous-values\"",
    );
    assert!(
        empty.iter().any(|one| one.contains("names no label")),
        "{empty:?}"
    );
}

#[test]
fn a_secret_named_by_a_parameter_is_not_patched_either() {
    let fence = PATCH.replace("Deployment/api", "Secret/api");
    let named = fence.replace("\"Secret/api\"", "\"{{params.w}}\"");
    let text = text(&[&named]).replace(
        "+++\n\n## A",
        "[params.w]\ntype = \"string\"\nrequired = true\n+++\n\n## A",
    );
    let mut shelf = both(&[PATCH]);
    shelf.book = Arc::new(format::parse("t", &text).unwrap());
    shelf
        .objects
        .insert("Secret/api".into(), json!({"spec": {}}));
    let start = Start {
        params: BTreeMap::from([("w".to_owned(), json!("Secret/api"))]),
        ..shelf.start()
    };
    let run = Run::new(shelf.book.clone(), start, shelf.now).unwrap();
    let (run, effects) = begin(run, shelf.now);
    let run = shelf.drive(run, effects, 2000);
    assert!(
        run.ledger()
            .end
            .clone()
            .unwrap()
            .message
            .contains("a Secret is not patched")
    );
    assert!(shelf.writes.is_empty());
}
