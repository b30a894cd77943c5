//! Programs that steps start: once for each intent, never a second time without a person's word, their words kept apart
//! and their output no further than it must go.

use std::collections::VecDeque;

use super::fields::{mistakes, text};
use super::*;

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Code(i32),
    Killed,
    /// The console dies first.
    Unseen,
}

struct Machine {
    book: Arc<Runbook>,
    ends: VecDeque<Ends>,
    started: Vec<Vec<String>>,
    asked: Vec<String>,
    mark: String,
    disk: Vec<Entry>,
    now: Timestamp,
}

const STEP: &str = "id = \"x\"\nkind = \"exec\"\nargv = [\"tool\", \"deploy\", \"for {{params.who}}\"]\ncapture = { said = \"out.stdout\" }\nundo = { kind = \"exec\", argv = [\"tool\", \"back\", \"{{steps.x.said}}\"] }";
const LAST: &str = "id = \"last\"\nkind = \"confirm\"\ntype = \"other\"";

impl Machine {
    fn new(fences: &[&str], ends: &[Ends]) -> Self {
        let text = text(fences).replace(
            "title = \"T\"\n",
            "title = \"T\"\n[params.who]\ntype = \"string\"\ndefault = \"a; reboot $(x)\"\n",
        );
        Self {
            book: Arc::new(format::parse("t", &text).unwrap()),
            ends: ends.iter().copied().collect(),
            started: Vec::new(),
            asked: Vec::new(),
            mark: "m1".into(),
            disk: Vec::new(),
            now: Timestamp::from_second(1_772_000_000).unwrap(),
        }
    }

    fn answer(&mut self, question: &Question) -> Answer {
        match question {
            Question::Program(object) => Answer::Object(ObjectState {
                object: ObjectRef {
                    name: format!("/opt/{}", object.name),
                    uid: self.mark.clone(),
                    ..object.clone()
                },
                resource_version: String::new(),
                generation: 0,
                body: json!({}),
                facts: ObjectFacts::default(),
            }),
            Question::Preflight {
                programs,
                requirements,
                ..
            } => {
                assert!(requirements.is_empty(), "the cluster is asked for nothing");
                self.asked.clone_from(programs);
                Answer::Preflight {
                    access: Vec::new(),
                    facts: None,
                    more: Vec::new(),
                }
            }
            other => unreachable!("{other:?}"),
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
                assert!(self.disk.iter().any(intent), "started without an intent");
                self.started.push(order(&action.planned).unwrap().argv);
                match self.ends.pop_front().unwrap_or(Ends::Code(0)) {
                    Ends::Unseen => None,
                    Ends::Killed => Some(Event::Unknown {
                        effect,
                        attempt,
                        why: "killed".into(),
                    }),
                    Ends::Code(code) => Some(Event::Exited {
                        effect,
                        attempt,
                        code,
                        message: format!("it ended with code {code}"),
                        said: Some("run 17".into()),
                    }),
                }
            }
            _ => None,
        }
    }

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
            if run.live.recording.is_none() {
                let again = replay(self.book.clone(), &self.disk).unwrap();
                assert_eq!(run.ledger(), again.ledger(), "replay differs");
            }
        }
        run
    }

    fn start(&self) -> Start {
        Start {
            runbook: self.book.id.clone(),
            model: self.book.model_digest(),
            params: crate::runbook::param::settle(&self.book, &BTreeMap::new()).unwrap(),
            ..start()
        }
    }

    fn run(&mut self, start: Start, limit: usize) -> Run {
        let run = Run::new(self.book.clone(), start, self.now).unwrap();
        let (run, effects) = begin(run, self.now);
        self.drive(run, effects, limit)
    }

    fn resume(&mut self, answer: Option<&str>) -> Run {
        let mut run = replay(self.book.clone(), &self.disk).unwrap();
        if let Some(answer) = answer {
            let answers = Answers {
                step: [("x".to_owned(), answer.to_owned())].into(),
                ..Answers::default()
            };
            run = step(run, self.now, Event::Prepared(answers)).0;
        }
        let event = Event::Resume {
            by: "oncall".into(),
            hand_over: None,
            confirm: Some("prod".into()),
        };
        let (run, effects) = step(run, self.now, event);
        self.drive(run, effects, 1000)
    }

    fn decide(&mut self, run: Run, decision: Decision) -> Run {
        let by = "oncall".into();
        let (run, effects) = step(run, self.now, Event::Decided { by, decision });
        self.drive(run, effects, 1000)
    }

    fn back(&mut self, run: Run) -> Run {
        let (by, reason) = ("oncall".into(), "a test".into());
        let (run, effects) = step(run, self.now, Event::RollBack { by, reason });
        self.drive(run, effects, 1000)
    }
}

#[test]
fn a_program_is_started_once_with_its_words_as_they_are() {
    let mut machine = Machine::new(&[STEP], &[]);
    let run = machine.run(machine.start(), 1000);
    assert_eq!(
        run.ledger().state,
        RunState::Succeeded,
        "{:?}",
        run.ledger().human
    );
    assert_eq!(
        machine.started,
        [["/opt/tool", "deploy", "for a; reboot $(x)"]]
    );
    assert_eq!(machine.asked, ["tool"]);
    let out = &run.ledger().outs["x"];
    assert_eq!((&out["said"], &out["exit"]), (&json!("run 17"), &json!(0)));
    assert!(out.get("stdout").is_none(), "the record has it once: {out}");
    let intents = machine.disk.iter().filter_map(|entry| match &entry.fact {
        Fact::Intent(intent) => Some(&intent.action.planned.lines),
        _ => None,
    });
    let lines: Vec<_> = intents.flatten().collect();
    assert_eq!(lines, ["/opt/tool deploy 'for a; reboot $(x)'"]);
}

#[test]
fn another_code_than_zero_is_a_failure_and_only_a_person_tries_again() {
    let mut machine = Machine::new(&[STEP], &[Ends::Code(3)]);
    let run = machine.run(machine.start(), 1000);
    let human = run.ledger().human.clone().unwrap();
    assert!(
        human.message.starts_with("it ended with code 3;"),
        "{human:?}"
    );
    assert_eq!((machine.started.len(), run.has_effects()), (1, false));
    assert!(run.program_has_failed("x"));
    let run = machine.decide(run, Decision::Way(Way::Again));
    assert_eq!(run.ledger().state, RunState::Succeeded);
    assert_eq!(machine.started.len(), 2);
    let gone_past = format!("{STEP}\non_failure = \"continue\"");
    let mut machine = Machine::new(&[&gone_past], &[Ends::Code(1)]);
    let run = machine.run(machine.start(), 1000);
    assert_eq!(run.ledger().state, RunState::Succeeded);
}

#[test]
fn what_nobody_saw_the_end_of_is_asked_and_never_started_again_by_itself() {
    for ends in [Ends::Unseen, Ends::Killed] {
        let mut machine = Machine::new(&[STEP], &[ends]);
        machine.run(machine.start(), 1000);
        let run = machine.resume(None);
        let ask = run.ask().cloned().unwrap();
        assert!(
            matches!(&ask.kind, AskKind::Happened { command, undo: false } if command.starts_with("/opt/tool deploy")),
            "{ask:?}"
        );
        assert_eq!(ask.reason, Reason::Unknown);
        assert_eq!(machine.started.len(), 1, "{ends:?}");
        for wrong in ["yes", "done:", "done", "not-done:  "] {
            let run = machine.decide(run.clone(), Decision::Value(wrong.into()));
            assert!(run.ask().is_some() && machine.started.len() == 1, "{wrong}");
        }
        let kept = machine.disk.clone();
        let done = machine.decide(run.clone(), Decision::Value("done: it is deployed".into()));
        assert_eq!(done.ledger().state, RunState::Succeeded);
        assert_eq!(machine.started.len(), 1);
        let told = machine.disk.iter().any(|entry| matches!(&entry.fact, Fact::Probed(probe) if probe.detail[0].contains("oncall says it did its work: it is deployed")));
        assert!(told, "{:?}", machine.disk.last());
        machine.disk = kept;
        let again = machine.decide(run, Decision::Value("not-done: nothing there".into()));
        assert_eq!(again.ledger().state, RunState::Succeeded);
        assert_eq!(machine.started.len(), 2, "a person said so");
    }
}

#[test]
fn without_a_screen_the_answer_comes_with_the_resume_and_counts_once() {
    let mut machine = Machine::new(&[STEP], &[Ends::Unseen, Ends::Unseen]);
    let start = Start {
        answers: Answers {
            step: [("x".to_owned(), "done: before it was asked".to_owned())].into(),
            ..machine.start().answers
        },
        ..machine.start()
    };
    machine.run(start, 1000);
    let run = machine.resume(None);
    assert!(run.ask().is_some(), "what was said before does not count");
    let run = machine.resume(Some("not-done: looked"));
    assert!(run.in_flight() && machine.started.len() == 2);
    let run = machine.resume(Some("done: looked again"));
    assert_eq!(run.ledger().state, RunState::Succeeded);
    assert_eq!(machine.started.len(), 2);
}

#[test]
fn killed_anywhere_it_is_started_once_and_asked_about_at_most() {
    let mut asked = 0;
    for limit in 1..200 {
        let mut machine = Machine::new(&[STEP], &[]);
        let ended = machine.run(machine.start(), limit).ledger().end.is_some();
        if machine.disk.is_empty() {
            continue;
        }
        let intent = |entry: &Entry| matches!(entry.fact, Fact::Intent(_));
        let outcome = |entry: &Entry| matches!(entry.fact, Fact::Outcome(_));
        let open = machine.disk.iter().any(intent) && !machine.disk.iter().any(outcome);
        let before = machine.started.len();
        let run = machine.resume(None);
        assert_eq!(run.ledger().end.is_none(), open, "after {limit}");
        assert_eq!(machine.started.len(), if open { before } else { 1 });
        asked += usize::from(open);
        if ended {
            break;
        }
    }
    assert!(asked > 0, "some crash is right between");
}

#[test]
fn the_way_back_is_the_authors_program_and_is_asked_about_as_well() {
    let mut machine = Machine::new(&[STEP, LAST], &[Ends::Code(0), Ends::Killed]);
    let run = machine.run(machine.start(), 1000);
    let run = machine.back(run);
    assert_eq!(machine.started[1], ["/opt/tool", "back", "run 17"]);
    assert!(
        matches!(
            run.ask().map(|ask| &ask.kind),
            Some(AskKind::Happened { undo: true, .. })
        ),
        "{:?}",
        run.ask()
    );
    let run = machine.decide(run, Decision::Value("not-done: looked".into()));
    assert_eq!(run.ledger().state, RunState::RolledBack);
    assert_eq!(machine.started.len(), 3);
    let mut machine = Machine::new(&[STEP, LAST], &[Ends::Code(0), Ends::Code(1)]);
    let run = machine.run(machine.start(), 1000);
    let run = machine.back(run);
    let end = run.ledger().end.clone().unwrap();
    assert_eq!(end.state, RunState::RollbackIncomplete, "{end:?}");
    assert!(
        end.leftovers[0].contains("/opt/tool deploy"),
        "{:?}",
        end.leftovers
    );
}

#[test]
fn another_file_than_was_confirmed_is_not_started() {
    let fence = format!("{STEP}\nconfirm = \"yes\"");
    let mut machine = Machine::new(&[&fence], &[]);
    let start = Start {
        attended: true,
        ..machine.start()
    };
    let run = machine.run(start, 1000);
    assert!(matches!(
        run.ask().map(|ask| &ask.kind),
        Some(AskKind::Confirm { .. })
    ));
    machine.mark = "m2".into();
    let run = machine.decide(run, Decision::Yes(None));
    let human = run.ledger().human.clone().unwrap();
    assert!(
        human.message.contains("is another file than the one"),
        "{human:?}"
    );
    assert!(machine.started.is_empty());
}

#[test]
fn a_dry_run_starts_nothing_and_says_so() {
    let mut machine = Machine::new(&[STEP], &[]);
    let start = Start {
        dry_run: true,
        ..machine.start()
    };
    let run = machine.run(start, 1000);
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.message
            .contains("x: a program cannot be rehearsed: it was not started"),
        "{end:?}"
    );
    assert!(machine.started.is_empty());
}

#[test]
fn what_looks_like_a_secret_is_put_on_no_command_line() {
    let mut machine = Machine::new(&[STEP], &[]);
    let mut start = machine.start();
    start
        .params
        .insert("who".into(), json!("Authorization: Bearer abc"));
    let run = machine.run(start, 1000);
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.message.contains("word 3 of `argv` looks like a secret"),
        "{end:?}"
    );
    assert!(!format!("{:?}", &machine.disk[1..]).contains("Bearer abc"));
    assert!(machine.started.is_empty());
}

#[test]
fn the_file_is_held_to_what_can_be_kept() {
    let exec = |argv: &str, more: &str| {
        format!(
            "id = \"x\"\nkind = \"exec\"\nargv = {argv}\nundo = \"none\"\nwhy = \"a test\"\n{more}"
        )
    };
    let said = "capture = { a = \"out.stdout\" }";
    for (fence, wanted) in [
        (exec("\"gh run\"", ""), "is a list of words"),
        (exec("[]", ""), "names no program"),
        (exec("[\"{{params.namespace}}\"]", ""), "never filled in"),
        (exec("[\"./x\"]", ""), "is a path from nowhere"),
        (exec("[\"x\", { secret = \"pw\" }]", ""), "a secret is never put"),
        (exec("[\"x\", \"{{secrets.pw}}\"]", ""), "a secret cannot be put"),
        (exec("[\"x\", \"--token=abc\"]", ""), "looks like a secret"),
        (exec("[\"x\"]", "retry = { max = 2, backoff = \"1s\", on = [\"transient\"] }"), "not repeated by itself"),
        (
            exec("[\"x\"]", "timeout = { after = \"1m\", then = \"continue\" }"),
            "a person says",
        ),
        (
            exec("[\"x\"]", &format!("sensitive_output = true\n{said}")),
            "its output is not kept",
        ),
        (
            "id = \"x\"\nkind = \"exec\"\nargv = [\"x\"]".to_owned(),
            "has no way back",
        ),
        (
            "id = \"x\"\nkind = \"exec\"\nargv = [\"x\"]\nundo = \"previous-values\"".to_owned(),
            "only another program takes back",
        ),
        (
            "id = \"x\"\nkind = \"k8s.scale\"\nns = \"prod\"\ntarget = \"api\"\nreplicas = 2\nundo = { kind = \"exec\", argv = [\"x\"] }".to_owned(),
            "cannot take back a change of an object",
        ),
    ] {
        let found = mistakes(&fence);
        assert!(
            found.iter().any(|one| one.contains(wanted)),
            "{fence}: {found:?}"
        );
    }
    assert_eq!(
        mistakes(&exec("[\"x\", \"a b\"]", said)),
        Vec::<String>::new()
    );
}
