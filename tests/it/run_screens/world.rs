//! A run carried as far as a test wants, against one Deployment with hand-made answers: no server, no disk, no clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use vigie::runbook::gate::Reading;
use vigie::runbook::ids::RunId;
use vigie::runbook::machine::item::{Look, Seen};
use vigie::runbook::machine::{
    Answer, Answers, Effect, Entry, Event, ObjectState, Question, Rollout, Run, RunTarget, Start,
    begin, replay, step,
};
use vigie::runbook::patch::{ObjectRef, apply_merge};
use vigie::runbook::preflight::{Access, Manager, ObjectFacts};
use vigie::runbook::revision::{Evidence, Revision};
use vigie::runbook::{Runbook, SHIPPED, format, param};

/// What answers a run.
pub struct World {
    pub template: Value,
    pub allowed: bool,
    pub facts: ObjectFacts,
    pub readings: fn() -> Vec<Reading>,
    pub rollout: Rollout,
    pub lost: bool,
    pub several: bool,
    pub evidence: bool,
    pub disk: Vec<Entry>,
    pub now: Timestamp,
    pub version: i64,
}

pub fn book() -> Arc<Runbook> {
    Arc::new(format::parse("rollback", SHIPPED[0].text).unwrap())
}

pub fn template(version: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "veza-backend", "version": version}},
        "spec": {"containers": [{"name": "api", "image": format!("registry.veza.app/veza-backend:{version}")}]}
    })
}

/// A run of this runbook with a person at the screen and nothing answered beforehand.
pub fn start(book: &Runbook, params: &[(&str, &str)], typed: bool) -> Start {
    let given: BTreeMap<String, String> = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Start {
        run: RunId::new(Timestamp::from_second(1_772_000_000).unwrap(), [7; 10]),
        runbook: book.id.clone(),
        version: book.version.clone(),
        model: book.model_digest(),
        params: param::settle(book, &given).unwrap(),
        target: RunTarget {
            cluster_uid: "5f1c2d3e-0000-4000-8000-000000000001".into(),
            context: "veza-prod".into(),
            server: "https://10.2.0.1:6443".into(),
            namespace: "veza-production".into(),
            environment: "production".into(),
        },
        actor: "oncall".into(),
        typed,
        attended: true,
        dry_run: false,
        reads_only: false,
        answers: Answers::default(),
    }
}

/// The shipped rollback of the backend, in production.
pub fn rollback(answers: Answers) -> Start {
    let params = [
        ("workload", "veza-backend"),
        ("namespace", "veza-production"),
    ];
    Start {
        answers,
        ..start(&book(), &params, true)
    }
}

/// Everything answered: it runs without a question until something goes wrong.
pub fn settled() -> Start {
    let params = [
        ("workload", "veza-backend"),
        ("namespace", "veza-production"),
        ("revision", "42"),
    ];
    Start {
        answers: Answers {
            confirm: vec!["veza-production".into()],
            reason: Some("INC-14".into()),
            ..Answers::default()
        },
        ..start(&book(), &params, true)
    }
}

fn restarts() -> Reading {
    Reading {
        requests: None,
        ..Reading::of(0.0, 0.0)
    }
}

pub fn good() -> Vec<Reading> {
    vec![
        Reading::of(0.003, 34.0),
        Reading::of(0.24, 34.0),
        restarts(),
    ]
}

pub fn bad() -> Vec<Reading> {
    vec![
        Reading::of(0.214, 500.0),
        Reading::of(0.93, 500.0),
        restarts(),
    ]
}

pub fn silent() -> Vec<Reading> {
    let why = "connection refused by prometheus.monitoring:9090 after three attempts";
    vec![Reading::unknown(why), Reading::unknown(why), restarts()]
}

pub fn scarce() -> Vec<Reading> {
    let few = |value| Reading {
        rate: Some(0.1),
        ..Reading::of(value, 6.0)
    };
    vec![few(0.0), few(0.2), restarts()]
}

impl World {
    pub fn new() -> Self {
        Self {
            template: template("v1.1.0"),
            allowed: true,
            facts: ObjectFacts {
                replicas: 3,
                revision_uid: Some("r43".into()),
                ..ObjectFacts::default()
            },
            readings: good,
            rollout: Rollout::Complete("3 of 3 new pods available".into()),
            lost: false,
            several: false,
            evidence: true,
            disk: Vec::new(),
            now: Timestamp::from_second(1_772_000_000).unwrap(),
            version: 100,
        }
    }

    pub fn managed(mut self) -> Self {
        self.facts.managers = vec![Manager {
            tool: "Argo CD".into(),
            name: "veza".into(),
            namespace: None,
            self_heals: Some(false),
            fact: None,
        }];
        self
    }

    fn object(&self) -> ObjectRef {
        ObjectRef {
            kind: "Deployment".into(),
            namespace: "veza-production".into(),
            name: "veza-backend".into(),
            uid: "0c9d2f4e-7a43-4b57-9d1c-2f1b8f6f0e11".into(),
        }
    }

    fn revisions(&self) -> Vec<Revision> {
        let revision = |number: i64, version: &str, known: Evidence| Revision {
            number,
            uid: format!("r{number}"),
            name: format!("veza-backend-{number}"),
            image: format!("registry.veza.app/veza-backend:{version}"),
            images: vec![],
            created_at: Timestamp::from_second(1_771_900_000 + number * 2_000).unwrap(),
            available_s: (number != 41).then_some(7_500),
            served: vigie::domain::served::Served::default(),
            template_hash: version.into(),
            change_cause: (number == 43).then(|| "ci-deployer 4f1c2ab".into()),
            evidence: if self.evidence {
                known
            } else {
                Evidence::Unknown("Prometheus does not reach back so far".into())
            },
            rolled_back_from: false,
            restored_by: None,
            annotations: None,
            current: template(version) == self.template,
            template: template(version),
        };
        let good = || Evidence::Good("errors 0.1 %, p99 212 ms".into());
        vec![
            revision(41, "v0.9.0", good()),
            revision(42, "v1.0.0", good()),
            revision(
                43,
                "v1.1.0",
                Evidence::Bad("errors 21 %, p99 930 ms".into()),
            ),
        ]
    }

    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Workload { .. } if self.several => Answer::Workloads(vec![
                self.object(),
                ObjectRef {
                    name: "chat-server".into(),
                    ..self.object()
                },
            ]),
            Question::Workload { .. } => Answer::Workload(self.object()),
            Question::Revisions { .. } => Answer::Revisions(self.revisions()),
            Question::Object { .. } | Question::Probe { .. } => Answer::Object(ObjectState {
                object: self.object(),
                resource_version: self.version.to_string(),
                generation: self.version,
                body: json!({"spec": {"replicas": 3, "template": self.template}}),
                facts: self.facts.clone(),
            }),
            Question::Preflight { requirements, .. } => Answer::Preflight {
                access: requirements
                    .iter()
                    .map(|requirement| Access {
                        requirement: requirement.clone(),
                        allowed: Some(self.allowed || requirement.verb == "get"),
                        reason: "by RoleBinding/oncall".into(),
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
            // One item is false, one cannot be seen, the rest hold.
            Question::Checklist { looks } => {
                let seen = |look: &Look| Seen {
                    item: look.item.clone(),
                    holds: match &*look.item {
                        "hardened" => Some(false),
                        "dashboards" => None,
                        _ => Some(true),
                    },
                    said: format!("{} was looked at", look.item),
                };
                Answer::Checklist(looks.iter().map(seen).collect())
            }
            Question::Approval { .. } => Answer::Offered(vigie::runbook::machine::Offered {
                texts: Vec::new(),
                signers: Ok(String::new()),
                now: self.now,
                place: Ok("nowhere".into()),
            }),
            Question::Rollout { .. } => Answer::Rollout(self.rollout.clone()),
            Question::Program(object) => Answer::Object(ObjectState {
                object: ObjectRef {
                    name: "/usr/bin/gh".into(),
                    uid: "1".into(),
                    ..object.clone()
                },
                resource_version: String::new(),
                generation: 0,
                body: json!({}),
                facts: ObjectFacts::default(),
            }),
            other => unreachable!("a rollback asks nothing of secrets: {other:?}"),
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Record(entries) => {
                self.disk.extend(entries);
                Some(Event::Recorded)
            }
            Effect::Perform {
                effect,
                attempt,
                action,
                ..
            } => {
                if self.lost {
                    let why = "connection reset by peer".into();
                    return Some(Event::Unknown {
                        effect,
                        attempt,
                        why,
                    });
                }
                let mut object = json!({"spec": {"replicas": 3, "template": self.template}});
                apply_merge(&mut object, &action.body());
                self.template = object["spec"]["template"].clone();
                self.version += 1;
                Some(Event::Performed {
                    effect,
                    attempt,
                    http: 200,
                    resource_version: self.version.to_string(),
                    generation: self.version,
                })
            }
            // Nobody else is there: the look for their approval goes on.
            Effect::Read(_, question)
                if matches!(*question, Question::Approval { wait: true, .. }) =>
            {
                None
            }
            Effect::Read(id, question) => {
                Some(Event::Answered(id, Box::new(self.answer(&question))))
            }
            Effect::Measure { id, .. } => Some(Event::Measured(id, (self.readings)())),
            _ => None,
        }
    }

    /// Runs until it stands as asked, a person is needed, or it is over.
    pub fn drive(&mut self, run: Run, effects: Vec<Effect>, until: impl Fn(&Run) -> bool) -> Run {
        let (mut run, mut queue) = (run, VecDeque::from(effects));
        for _ in 0..6000 {
            let quiet = queue.is_empty();
            if until(&run) || quiet && (run.ask().is_some() || run.ledger().end.is_some()) {
                return run;
            }
            let event = match queue.pop_front() {
                Some(effect) => self.perform(effect),
                None => {
                    self.now += SignedDuration::from_secs(5);
                    Some(Event::Tick)
                }
            };
            if let Some(event) = event {
                let (next, effects) = step(run, self.now, event);
                run = next;
                queue.extend(effects);
            }
        }
        panic!("it never stands as asked: {:?}", run.ledger().state);
    }

    pub fn begin(&mut self, start: Start, until: impl Fn(&Run) -> bool) -> Run {
        self.begin_with(book(), start, until)
    }

    pub fn begin_with(
        &mut self,
        book: Arc<Runbook>,
        start: Start,
        until: impl Fn(&Run) -> bool,
    ) -> Run {
        let (run, effects) = begin(Run::new(book, start, self.now).unwrap(), self.now);
        self.drive(run, effects, until)
    }

    pub fn tell(&mut self, run: Run, event: Event, until: impl Fn(&Run) -> bool) -> Run {
        let (run, effects) = step(run, self.now, event);
        self.drive(run, effects, until)
    }

    /// The run as a new process finds it.
    pub fn resumed(&mut self) -> Run {
        let run = replay(book(), &self.disk).unwrap();
        self.now += SignedDuration::from_mins(3);
        let event = Event::Resume {
            by: "oncall".into(),
            hand_over: None,
            confirm: None,
        };
        self.tell(run, event, |_| false)
    }
}
