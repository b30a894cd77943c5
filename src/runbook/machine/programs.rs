//! Steps that start a program of this machine. No look at the world shows afterwards whether one did its work: what broke
//! off is put to a person, whose word is recorded, and nothing is started a second time without it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::runbook::machine::fact::{Fact, Found, Outcome, Probe, Reason, Status};
use crate::runbook::machine::io::{Answer, Ask, AskKind, Effect, Event, ObjectState, Question};
use crate::runbook::machine::ledger::{Mutation, StepState};
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::machine::theirs::Unplanned;
use crate::runbook::model::{Step, StepKind, Undo, gives_away, spoken};
use crate::runbook::patch::{FieldChange, ObjectRef, Planned};
use crate::runbook::prose::bounded;
use crate::runbook::template::{Scope, Text};

/// How long a program may take that names no timeout.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// The most that a filled-in command line holds.
const LONGEST: usize = 32 * 1024;
/// The longest command line a person reads.
const SHOWN: usize = 500;
/// Where the order stands among a plan's changes.
const ORDER: &str = "/exec";

/// What a planned program is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The program's absolute path, then its arguments.
    pub argv: Vec<String>,
    /// After so long it is killed with its group.
    pub limit: Duration,
    /// What it prints is not kept.
    pub hidden: bool,
}

/// The order of a plan that starts a program.
pub fn order(planned: &Planned) -> Option<Order> {
    let change = planned.changes.iter().find(|one| one.path == ORDER)?;
    let said = change.after.as_ref()?;
    let argv: Vec<String> = serde_json::from_value(said["argv"].clone()).ok()?;
    (!argv.is_empty()).then(|| Order {
        argv,
        limit: Duration::from_millis(said["limit_ms"].as_u64().unwrap_or_default()),
        hidden: said["hidden"] == true,
    })
}

/// What a person said of a program whose end nobody saw.
pub fn read_word(text: &str) -> Option<(bool, &str)> {
    let (head, why) = text.split_once(':')?;
    let why = why.trim();
    let happened = match head.trim() {
        "done" => true,
        "not-done" => false,
        _ => return None,
    };
    (!why.is_empty()).then_some((happened, why))
}

/// The program a command line names.
fn program(argv: &[Text]) -> &str {
    argv.first().map_or("", Text::source)
}

/// The command line as it is known now, for people.
pub(super) fn line(argv: &[Text], scope: &Scope<'_>) -> String {
    let filled = argv.iter().map(|word| {
        let known = word.fill(scope);
        known.unwrap_or_else(|_| word.source().to_owned())
    });
    bounded(&spoken(&filled.collect::<Vec<_>>()), SHOWN)
}

impl Run {
    /// The program a step starts, as its file names it.
    pub(super) fn program_of(&self, argv: &[Text]) -> ObjectRef {
        ObjectRef::program(&self.namespace(), program(argv))
    }

    /// The programs that steps ahead and their ways back start.
    pub(super) fn programs_ahead(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (step, _) in self.remaining() {
            let undo = match &step.undo {
                Some(Undo::Act(kind, _)) => Some(&**kind),
                _ => None,
            };
            for kind in [Some(&step.kind), undo].into_iter().flatten() {
                if let StepKind::Exec { argv } = kind {
                    names.push(program(argv).to_owned());
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The start of a program as it is confirmed.
    pub(super) fn plan_program(
        &self,
        step: &Step,
        argv: &[Text],
        state: &ObjectState,
    ) -> Result<Planned, Unplanned> {
        let scope = self.scope_of(step, None);
        let mut words = vec![state.object.name.clone()];
        for (index, word) in argv.iter().enumerate().skip(1) {
            let word = word.fill(&scope)?;
            if word.contains('\0') || gives_away(&word) {
                let why = if word.contains('\0') {
                    "cannot stand on a command line"
                } else {
                    "looks like a secret: it is put on no command line"
                };
                return Err(format!("word {} of `argv` {why}", index + 1).into());
            }
            words.push(word);
        }
        if words.iter().map(String::len).sum::<usize>() > LONGEST {
            let why = format!("the command line is longer than {} KiB", LONGEST / 1024);
            return Err(why.into());
        }
        let limit = step.timeout.as_ref();
        let limit = limit.map_or(Ok(PATIENCE), |timeout| timeout.after.duration(&scope))?;
        let line = bounded(&spoken(&words), SHOWN);
        let order = json!({
            "argv": words,
            "limit_ms": u64::try_from(limit.as_millis()).unwrap_or_default(),
            "hidden": step.sensitive_output,
        });
        Ok(Planned {
            kind: "exec".to_owned(),
            object: state.object.clone(),
            changes: vec![FieldChange::plain(ORDER, None, Some(order))],
            lines: vec![line],
        })
    }

    /// A program was about to be started, or was, and nobody saw its end: a person says what became of it. An answer
    /// counts that was given after it broke off, and once.
    pub(super) fn ask_whether(
        &mut self,
        now: Timestamp,
        (index, undo): (usize, bool),
        mutation: &Mutation,
        out: &mut Vec<Effect>,
    ) {
        let step = self.ledger.steps[index].path.clone();
        let command = mutation.action.planned.lines.join(" ");
        let given = self.live.extra.step.remove(&step);
        if let Some((happened, why)) = given.as_deref().and_then(read_word) {
            let by = self.person().to_owned();
            let facts = word_facts(&step, undo, mutation, &by, (happened, why));
            return self.record(now, facts, out);
        }
        let how = if mutation.message.is_empty() {
            "its end was not seen, and it may still be at work"
        } else {
            mutation.message.as_str()
        };
        let message = format!("{command}: {how}");
        let fact = Fact::NeedsHuman {
            reason: Reason::Unknown,
            message,
            step: Some(step),
            ways: Vec::new(),
        };
        self.record(now, vec![fact], out);
    }

    /// The question whether a program did its work, where that is what is open.
    pub(super) fn question_whether(&self, index: usize) -> Option<AskKind> {
        let (open, undo) = self.unresolved()?;
        let planned = &self.mutation(open, undo)?.action.planned;
        (open == index && planned.object.is_program()).then(|| AskKind::Happened {
            command: planned.lines.join(" "),
            undo,
        })
    }

    /// A person said what became of a program.
    pub(super) fn heard_whether(
        &mut self,
        now: Timestamp,
        (index, undo): (usize, bool),
        (by, text): (&str, &str),
        ask: Ask,
        out: &mut Vec<Effect>,
    ) {
        let mutation = self.mutation(index, undo).cloned();
        match (read_word(text), mutation) {
            (Some(word), Some(mutation)) => {
                let step = self.ledger.steps[index].path.clone();
                let facts = word_facts(&step, undo, &mutation, by, word);
                self.record(now, facts, out);
            }
            _ => self.ask_again(ask, out),
        }
    }

    /// The program that takes a step's work back is looked up first.
    pub(super) fn look_before_program(&mut self, index: usize, out: &mut Vec<Effect>) {
        if let Some(Undo::Act(kind, _)) = &self.plan[index].undo
            && let StepKind::Exec { argv } = &**kind
        {
            let question = Question::Program(self.program_of(argv));
            self.read(Purpose::BeforeUndo(index), question, out);
        }
    }

    /// The program that takes a step's work back was found: it is started next.
    pub(super) fn before_program(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let step = &self.plan[index];
        let path = self.ledger.steps[index].path.clone();
        let planned = match (&step.undo, answer) {
            (Some(Undo::Act(kind, _)), Answer::Object(state)) => {
                let planned = self.plan_for(step, kind, &state, now);
                planned.map_err(|why| why.told().1)
            }
            _ => Err("the program is not there".to_owned()),
        };
        let fact = match planned {
            Ok(planned) => {
                let undo = self.ledger.steps[index].undo.as_ref();
                let attempts = undo.map_or(0, |undo| undo.attempt);
                Fact::UndoIntent(self.intent_of(index, true, attempts + 1, planned, String::new()))
            }
            Err(message) => Fact::UndoFailed {
                step: path,
                message,
                command: None,
            },
        };
        self.record(now, vec![fact], out);
    }

    /// A program ended by itself.
    pub(super) fn exited(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        let Event::Exited {
            effect,
            attempt,
            code,
            message,
            said,
        } = event
        else {
            return;
        };
        let status = if code == 0 {
            Status::Applied
        } else {
            Status::Failed
        };
        let ended = Outcome {
            step: String::new(),
            effect: effect.clone(),
            attempt,
            status,
            http: None,
            resource_version: None,
            generation: None,
            message: bounded(&message, 1000),
            said,
        };
        self.settled(now, &effect, attempt, Ok(ended), out);
    }

    /// A program ended with another code than zero.
    pub(super) fn program_failed(
        &mut self,
        now: Timestamp,
        index: usize,
        mutation: &Mutation,
        out: &mut Vec<Effect>,
    ) {
        let why = format!(
            "{}; it may have done a part of its work",
            bounded(&mutation.message, 1000)
        );
        let then = self.on_failure(index);
        self.fail(now, index, Reason::Input, why, then, out);
    }

    /// Whether a step's way forward or back starts a program, and it failed there.
    pub fn program_has_failed(&self, step: &str) -> bool {
        let mut records = self.ledger.steps.iter();
        let record = records.find(|record| record.path == step);
        record.is_some_and(|record| {
            let effect = record.effect.as_ref();
            effect.is_some_and(|effect| {
                effect.action.planned.object.is_program() && effect.state == StepState::Rejected
            })
        })
    }
}

/// What a program left behind for checks and captures: its output goes no further than these.
pub(super) fn left_behind(mutation: &Mutation, found: &mut Value) {
    if mutation.action.planned.object.is_program() {
        found["exit"] = mutation.said.as_ref().map_or(Value::Null, |_| json!(0));
        found["stdout"] = json!(mutation.said);
    }
}

/// What a program printed stays where it was recorded first, once; what is captured of it goes on.
pub(super) fn drop_output(step: &Step, kept: &mut Value) {
    if matches!(step.kind, StepKind::Exec { .. })
        && !step.capture.contains_key("stdout")
        && let Some(kept) = kept.as_object_mut()
    {
        kept.remove("stdout");
    }
}

/// A person's word, for the record.
fn word_facts(
    step: &str,
    undo: bool,
    mutation: &Mutation,
    by: &str,
    (happened, why): (bool, &str),
) -> Vec<Fact> {
    let why = bounded(why, 400);
    let (word, found, says) = if happened {
        ("done", Found::Present, "it did its work")
    } else {
        ("not-done", Found::Absent, "it did not do its work")
    };
    let probe = Probe {
        step: step.to_owned(),
        effect: mutation.effect.clone(),
        found,
        detail: vec![format!("{by} says {says}: {why}")],
        generation: None,
        version: None,
    };
    vec![
        Fact::Decision {
            step: Some(step.to_owned()),
            by: by.to_owned(),
            answer: format!("{word}: {why}"),
            accepted: true,
        },
        if undo {
            Fact::UndoProbed(probe)
        } else {
            Fact::Probed(probe)
        },
    ]
}
