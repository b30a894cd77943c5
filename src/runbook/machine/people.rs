//! Questions to the person, and what their answers do.
//!
//! Length: every question to a person beside what its answer does.

use jiff::Timestamp;

use crate::runbook::machine::fact::Entry;
use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::fact::RunState;
use crate::runbook::machine::fact::Way;
use crate::runbook::machine::fact::{Fact, TAKES_OVER};
use crate::runbook::machine::io::Ask;
use crate::runbook::machine::io::AskKind;
use crate::runbook::machine::io::Decision;
use crate::runbook::machine::io::Effect;
use crate::runbook::machine::ledger::{Mutation, StepState};
use crate::runbook::machine::prompting::GAVE;
use crate::runbook::machine::run::Run;
use crate::runbook::model::Confirm;
use crate::runbook::model::Step;
use crate::runbook::model::StepKind;
use crate::runbook::prose::bounded;
use crate::runbook::revision::choose;

impl Run {
    /// The text a confirmation wants typed here, if any.
    pub(super) fn typed(&self, step: &Step) -> Option<String> {
        match &step.confirm {
            Confirm::Type(text) if self.start.typed => text.fill(&self.scope_of(step, None)).ok(),
            _ => None,
        }
    }

    /// Whether a step's guard is met; asks if it is not.
    pub(super) fn authorised(
        &mut self,
        now: Timestamp,
        index: usize,
        out: &mut Vec<Effect>,
    ) -> bool {
        let step = self.plan[index].clone();
        let guarded = step.confirm != Confirm::No || matches!(step.kind, StepKind::Confirm { .. });
        if !guarded || self.ledger.steps[index].authorised {
            return true;
        }
        let answers = &self.start.answers;
        let given = |text: &String| {
            answers.confirm.contains(text) || self.live.extra.confirm.contains(text)
        };
        let by = match self.typed(&step) {
            Some(text) => given(&text).then_some("--confirm"),
            None if answers.yes
                || self.live.extra.yes
                || matches!(&step.confirm, Confirm::Type(text) if text.fill(&self.scope_of(&step, None)).is_ok_and(|text| given(&text))) =>
            {
                Some("an answer given beforehand")
            }
            None => None,
        };
        match by {
            Some(by) => {
                let decision = Fact::Decision {
                    step: Some(step.id),
                    by: format!("{} by {by}", self.person()),
                    answer: "yes".to_owned(),
                    accepted: true,
                };
                self.record(now, vec![decision], out);
            }
            None => self.await_person(
                now,
                index,
                Reason::Confirm,
                "waits for a confirmation".to_owned(),
                out,
            ),
        }
        false
    }

    pub(super) fn await_person(
        &mut self,
        now: Timestamp,
        index: usize,
        reason: Reason,
        message: String,
        out: &mut Vec<Effect>,
    ) {
        self.record(
            now,
            vec![Fact::Awaiting {
                step: self.plan[index].id.clone(),
                reason,
                message,
            }],
            out,
        );
    }

    /// Puts the open question to the person, once.
    pub(super) fn put_question(&mut self, out: &mut Vec<Effect>) {
        if self.live.asked.is_some() {
            return;
        }
        let Some(human) = self.ledger.human.clone() else {
            return;
        };
        let index = human
            .step
            .as_ref()
            .and_then(|path| self.plan.iter().position(|step| step.id == *path));
        let kind = match (index, human.ways.is_empty()) {
            (_, false) => AskKind::Trouble(human.ways.clone()),
            (None, true) if human.reason == Reason::Confirm => AskKind::Resume {
                typed: self.resume_text(),
            },
            (None, true) => AskKind::Reason(
                self.ledger
                    .preflight
                    .clone()
                    .map(|(_, lines)| lines)
                    .unwrap_or_default(),
            ),
            (Some(index), true) if human.reason == Reason::Approval => {
                self.approval_ask(index, out)
            }
            (Some(index), true) => self.question_of(index),
        };
        let ask = Ask {
            step: human.step,
            reason: human.reason,
            message: human.message,
            kind,
        };
        self.live.asked = Some(ask.clone());
        out.push(Effect::Ask(Box::new(ask)));
        if !self.start.attended {
            out.push(Effect::Done(RunState::NeedsHuman));
        }
    }

    pub(super) fn question_of(&self, index: usize) -> AskKind {
        if let Some(name) = &self.live.secret {
            return AskKind::Secret(name.clone());
        }
        if let Some(whether) = self.question_whether(index) {
            return whether;
        }
        let step = &self.plan[index];
        match &step.kind {
            StepKind::Choose { options } => AskKind::Branch(options.clone()),
            StepKind::Checklist { .. } => self.checklist_question(index),
            StepKind::Input { .. } if !self.live.revisions.is_empty() => AskKind::Revision {
                revisions: self.live.revisions.clone(),
                suggested: choose(&self.live.revisions),
            },
            StepKind::Input { .. } if !self.live.candidates.is_empty() => {
                AskKind::Workload(self.live.candidates.clone())
            }
            StepKind::Input { param } => AskKind::Param(param.clone()),
            _ => AskKind::Confirm {
                typed: self.typed(step),
                plans: self
                    .ledger
                    .steps
                    .iter()
                    .filter(|record| record.effect.is_none())
                    .filter_map(|record| record.plan.clone())
                    .collect(),
                ahead: self.ahead(),
                lines: self
                    .ledger
                    .preflight
                    .clone()
                    .map(|(_, lines)| lines)
                    .unwrap_or_default(),
                undo: self.all_can_be_undone(),
            },
        }
    }

    /// What was answered for a step before it was reached, at the start or when the run was taken up again.
    pub(super) fn answered_beforehand(&self, step: &str) -> Option<String> {
        let (again, start) = (&self.live.extra.step, &self.start.answers.step);
        again.get(step).or_else(|| start.get(step)).cloned()
    }

    pub(super) fn resume_text(&self) -> Option<String> {
        self.plan.iter().find_map(|step| self.typed(step))
    }

    pub(super) fn resume(
        &mut self,
        now: Timestamp,
        by: String,
        hand_over: Option<String>,
        confirm: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        if self.ledger.end.is_some() {
            return self.advance(now, out);
        }
        self.live.down = false;
        self.live.asked = None;
        self.live.taken_up = Some(now);
        self.live.by = Some(by.clone());
        self.live.extra.confirm.extend(confirm);
        let extra = &self.live.extra;
        self.live.confirm_resume = match self.resume_text() {
            Some(wanted) => !extra.confirm.contains(&wanted),
            None => extra.confirm.is_empty() && !extra.yes,
        };
        let given = extra.reason.clone().filter(|why| !why.trim().is_empty());
        let reason = given.filter(|_| hand_over.is_some());
        self.live.takes_over = hand_over.clone().filter(|_| reason.is_none());
        let resumed = Fact::Resumed {
            by,
            hand_over,
            reason,
        };
        self.record(now, vec![resumed], out);
    }

    /// What stands there after an interruption, as far as looking showed, and what comes next.
    pub(super) fn found_again(&self) -> String {
        let sent = self.ledger.steps.iter().rev().find_map(|record| {
            let undo = record.undo.as_ref().map(|sent| (record, sent, true));
            undo.or_else(|| record.effect.as_ref().map(|sent| (record, sent, false)))
        });
        let found = sent.map_or_else(
            || "nothing had been sent".to_owned(),
            |(record, sent, undo)| self.stands(&record.path, sent, undo),
        );
        let next = self.current().map_or_else(String::new, |index| {
            format!("; next: {}", self.plan[index].id)
        });
        format!("found: {found}{next}")
    }

    /// How the last thing that was sent stands: looked up now, or known from the server's own answer.
    fn stands(&self, path: &str, sent: &Mutation, undo: bool) -> String {
        let object = sent.action.planned.object.short();
        let what = if undo { "the undo" } else { "the change" };
        let state = match sent.state {
            StepState::Applied => format!("{object} has {what} of step {path}"),
            StepState::Diverged => {
                format!("{object} was changed by somebody else after step {path}")
            }
            StepState::Rejected => format!("{object} does not have {what} of step {path}"),
            _ => format!("what became of {what} of step {path} is not known"),
        };
        let now = self.live.taken_up.zip(sent.settled_at);
        let how = if now.is_some_and(|(taken, settled)| settled >= taken) {
            "looked at now"
        } else {
            "the server had said so"
        };
        if sent.message.is_empty() || sent.message == "applied" {
            return format!("{state} ({how})");
        }
        format!("{state} ({how}: {})", bounded(&sent.message, 200))
    }

    /// Whoever takes a run over from somebody else says why before it goes on.
    pub(super) fn ask_why(&mut self, now: Timestamp, who: &str, out: &mut Vec<Effect>) {
        let fact = Fact::NeedsHuman {
            reason: Reason::Input,
            message: format!("{who}: why? A headless resume says it with --reason TEXT"),
            step: None,
            ways: Vec::new(),
        };
        self.record(now, vec![fact], out);
    }

    /// Who carries the run in this process.
    pub(super) fn person(&self) -> &str {
        self.live.by.as_deref().unwrap_or(&self.start.actor)
    }

    pub(super) fn decide(
        &mut self,
        now: Timestamp,
        by: &str,
        decision: Decision,
        out: &mut Vec<Effect>,
    ) {
        let Some(ask) = self.live.asked.take() else {
            return;
        };
        let index = ask
            .step
            .as_ref()
            .and_then(|path| self.plan.iter().position(|step| step.id == *path));
        match (&ask.kind, decision, index) {
            (AskKind::Trouble(ways), Decision::Way(way), _) if ways.contains(&way) => {
                self.way(
                    now,
                    by,
                    way,
                    |answer, good| said(&ask, by, answer, good),
                    out,
                );
            }
            (AskKind::Confirm { typed, .. }, Decision::Yes(given), Some(_)) => {
                let fact = typed_fact(&ask, by, "yes", *typed == given || typed.is_none());
                self.record(now, vec![fact], out);
            }
            (AskKind::Resume { typed }, Decision::Yes(given), _) => {
                let accepted = typed.is_none() || *typed == given;
                self.live.confirm_resume = !accepted;
                let fact = typed_fact(&ask, by, "resume", accepted);
                self.record(now, vec![fact], out);
            }
            (AskKind::Reason(_), Decision::Value(text), _) if !text.trim().is_empty() => {
                let taken = self.live.takes_over.take().is_some();
                let what = if taken { TAKES_OVER } else { "reason: " };
                let fact = said(&ask, by, &format!("{what}{}", text.trim()), true);
                self.record(now, vec![fact], out);
            }
            (AskKind::Secret(name), Decision::Given, Some(_)) => {
                self.live.secret = None;
                self.live.given.insert(name.clone());
                let fact = said(&ask, by, &format!("{GAVE}{name}"), true);
                self.record(now, vec![fact], out);
            }
            (AskKind::Checklist(_), Decision::Item(item, text), Some(index)) => {
                self.tick_item(now, index, by, (&item, &text), ask, out);
            }
            (AskKind::Checklist(_), Decision::Again, Some(_)) => {
                self.look_again(now, by, &ask, out);
            }
            (AskKind::Branch(_), Decision::Value(id), Some(index)) => {
                self.branch(now, index, by, &id, out);
            }
            (AskKind::Revision { .. }, Decision::Value(number), Some(index)) => {
                let Ok(number) = number.trim().parse::<i64>() else {
                    return self.ask_again(ask, out);
                };
                self.take_revision(now, index, number, None, out);
                self.first(said(&ask, by, &number.to_string(), true), out);
            }
            (AskKind::Happened { undo, .. }, Decision::Value(text), Some(index)) => {
                let at = (index, *undo);
                self.heard_whether(now, at, (by, &text), ask, out);
            }
            (AskKind::Approval { .. }, Decision::Value(text), Some(index)) => {
                self.approval_typed(now, index, by, &text, out);
            }
            (AskKind::Workload(_) | AskKind::Param(_), Decision::Value(text), Some(index)) => {
                let fact = said(&ask, by, &text, true);
                self.settle_param(now, index, &text, ask.clone(), fact, out);
            }
            (_, Decision::No, _) => self.no(now, by, said(&ask, by, "no", false), out),
            _ => self.ask_again(ask, out),
        }
    }

    /// A no ends a run that changed nothing; of another it is only written down.
    fn no(&mut self, now: Timestamp, by: &str, said: Fact, out: &mut Vec<Effect>) {
        let mut facts = vec![said];
        if !self.has_effects() && self.unresolved().is_none() {
            facts.push(Fact::End {
                state: RunState::Aborted,
                refused: false,
                message: format!("{by} said no; nothing was changed"),
                leftovers: Vec::new(),
            });
        }
        self.record(now, facts, out);
    }

    pub(super) fn ask_again(&mut self, ask: Ask, out: &mut Vec<Effect>) {
        out.push(Effect::Ask(Box::new(ask.clone())));
        self.live.asked = Some(ask);
    }

    /// Puts a fact before those just queued, into the same batch.
    pub(super) fn first(&mut self, fact: Fact, out: &mut [Effect]) {
        if let (Some(recording), Some(Effect::Record(entries))) =
            (&mut self.live.recording, out.last_mut())
            && let Some(ts) = entries.first().map(|entry| entry.ts)
        {
            recording.insert(
                0,
                Entry {
                    ts,
                    fact: fact.clone(),
                },
            );
            entries.insert(0, Entry { ts, fact });
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a moment, a step, what is known of it, and where effects go"
    )]
    pub(super) fn settle_param(
        &mut self,
        now: Timestamp,
        index: usize,
        text: &str,
        ask: Ask,
        decision: Fact,
        out: &mut Vec<Effect>,
    ) {
        let StepKind::Input { param } = self.plan[index].kind.clone() else {
            return;
        };
        let step = &self.plan[index];
        let name = Self::param_name(step, &param);
        match self
            .book_of(step)
            .param(&param)
            .map(|param| param.read(text))
        {
            Some(Ok(value)) => {
                self.live.candidates.clear();
                self.record(now, vec![decision, Fact::Param { name, value }], out);
            }
            Some(Err(why)) => self.ask_again(
                Ask {
                    message: why,
                    ..ask
                },
                out,
            ),
            None => self.ask_again(ask, out),
        }
    }

    /// What the last gate said, for whoever stops because of it.
    fn judged(&self) -> String {
        let steps = self.ledger.steps.iter().zip(&self.plan);
        let gates = steps.filter(|(record, step)| {
            matches!(step.kind, StepKind::Gate { .. }) && !record.message.is_empty()
        });
        let Some(said) = gates.map(|(record, _)| &record.message).next_back() else {
            return String::new();
        };
        let helped = match said.split(':').next() {
            Some("pass") => return String::new(),
            Some("fail") => "the change did not help",
            _ => "whether the change helped is not known",
        };
        format!("; {helped} ({})", bounded(said, 300))
    }

    pub(super) fn way(
        &mut self,
        now: Timestamp,
        by: &str,
        way: Way,
        fact: impl Fn(&str, bool) -> Fact,
        out: &mut Vec<Effect>,
    ) {
        match way {
            Way::Again => {
                self.live.again_at = Some(now);
                self.record(now, vec![fact("again", true)], out);
            }
            Way::RollBack => self.record(
                now,
                vec![
                    fact("roll back", true),
                    Fact::RollingBack {
                        by: by.to_owned(),
                        reason: "decided by hand".to_owned(),
                    },
                ],
                out,
            ),
            Way::Stop => {
                let leftovers = self.leftovers();
                let state = if leftovers.is_empty() {
                    RunState::Aborted
                } else {
                    RunState::Failed
                };
                self.record(
                    now,
                    vec![
                        fact("stop", true),
                        Fact::End {
                            state,
                            refused: false,
                            message: format!("stopped by {by}{}", self.judged()),
                            leftovers,
                        },
                    ],
                    out,
                );
            }
        }
    }
}

/// What somebody answered, for the record.
fn said(ask: &Ask, by: &str, answer: &str, accepted: bool) -> Fact {
    Fact::Decision {
        step: ask.step.clone(),
        by: by.to_owned(),
        answer: bounded(answer, 500),
        accepted,
    }
}

/// The same of a text that was to be typed.
fn typed_fact(ask: &Ask, by: &str, answer: &str, accepted: bool) -> Fact {
    let answer = if accepted {
        answer
    } else {
        "a text that does not match"
    };
    said(ask, by, answer, accepted)
}
