//! The machine's motion: an event in, the next effects out. One record, one question or one request is open at a
//! time; what arrives meanwhile waits its turn.

use jiff::Timestamp;

use crate::runbook::machine::fact::{Entry, Fact, Reason, RunState};
use crate::runbook::machine::io::{Answer, Effect, Event, Question, ReadId};
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::prose::bounded;

/// One step of the machine: pure, total, and the only way a run moves.
pub fn step(mut run: Run, now: Timestamp, event: Event) -> (Run, Vec<Effect>) {
    let mut out = Vec::new();
    run.handle(now, event, &mut out);
    (run, out)
}

/// The first effect of a new run: its start, to be recorded.
pub fn begin(mut run: Run, now: Timestamp) -> (Run, Vec<Effect>) {
    let mut out = Vec::new();
    let start = Fact::Start(Box::new(run.start.clone()));
    run.record(now, vec![start], &mut out);
    (run, out)
}

impl Run {
    pub(super) fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        if self.live.halted.is_some() {
            return;
        }
        match event {
            Event::Recorded => self.recorded(now, out),
            Event::RecordFailed(why) => {
                self.live.recording = None;
                self.live.halted = Some(why);
                out.push(Effect::Done(RunState::NeedsHuman));
            }
            Event::StopRequested => {
                self.live.stop = true;
                self.advance(now, out);
            }
            Event::Interrupted(why) => {
                self.live.down = true;
                let event = Event::Interrupted(why);
                if self.live.recording.is_some() {
                    self.live.inbox.push_back(event);
                } else {
                    self.on(now, event, out);
                }
            }
            Event::Tick if self.live.recording.is_some() => {}
            event if self.live.recording.is_some() => self.live.inbox.push_back(event),
            event => self.on(now, event, out),
        }
    }

    /// The batch is on disk: only now does the ledger change, and only now does anything follow from it.
    pub(super) fn recorded(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        for entry in self.live.recording.take().unwrap_or_default() {
            self.apply(&entry);
            match &entry.fact {
                Fact::Intent(intent) | Fact::UndoIntent(intent) => {
                    self.live.fresh = Some((intent.effect.clone(), intent.attempt));
                }
                Fact::Done { step, out: fields } => self.audit(step, fields, out),
                Fact::Verdict { .. } => self.live.gate = None,
                _ => {}
            }
        }
        self.advance(now, out);
        while self.live.recording.is_none() {
            let Some(event) = self.live.inbox.pop_front() else {
                break;
            };
            self.on(now, event, out);
        }
    }

    pub(super) fn record(&mut self, now: Timestamp, facts: Vec<Fact>, out: &mut Vec<Effect>) {
        let facts = facts.into_iter().map(|fact| self.not_yet(fact));
        let entries: Vec<Entry> = facts.map(|fact| Entry { ts: now, fact }).collect();
        self.live.recording = Some(entries.clone());
        out.push(Effect::Record(entries));
    }

    pub(super) fn read(&mut self, purpose: Purpose, question: Question, out: &mut Vec<Effect>) {
        self.live.next_read += 1;
        self.live.pending = Some((self.live.next_read, purpose));
        out.push(Effect::Read(self.live.next_read, Box::new(question)));
    }

    pub(super) fn forget(&mut self, out: &mut Vec<Effect>) {
        out.extend(self.live.pending.take().map(|(id, _)| Effect::Forget(id)));
        self.live.deadline = None;
    }

    pub(super) fn on(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Answered(id, answer) => {
                let offered = match &*answer {
                    Answer::Offered(offered) => Some(offered),
                    _ => None,
                };
                if !self.approval_heard(now, id, offered, out) {
                    self.heard(now, id, *answer, out);
                }
            }
            Event::Unanswered(id, failure) => {
                if self.approval_heard(now, id, None, out) {
                    return;
                }
                if let Some((_, purpose)) = self.live.pending.take_if(|(open, _)| *open == id) {
                    self.unanswered(now, purpose, failure, out);
                }
            }
            Event::Performed { .. }
            | Event::Refused { .. }
            | Event::Exited { .. }
            | Event::Unknown { .. } => {
                self.came_back(now, event, out);
            }
            Event::Decided { by, decision } => self.decide(now, &by, decision, out),
            Event::Measured(id, readings) => {
                let measuring = &mut self.live.measuring;
                if measuring.take_if(|(open, _)| *open == id).is_some() {
                    self.evaluate(now, readings, out);
                }
            }
            Event::Tick => self.tick(now, out),
            Event::Interrupted(why) => self.record(now, vec![Fact::Interrupted { why }], out),
            Event::Prepared(answers) => self.live.extra = answers,
            Event::Resume {
                by,
                hand_over,
                confirm,
            } => self.resume(now, by, hand_over, confirm, out),
            Event::RollBack { by, reason } => {
                if self.has_effects() && self.ledger.end.is_none() && !self.ledger.rolling_back {
                    self.live.back = Some((by, reason));
                    if !self.live.in_flight {
                        self.forget(out);
                    }
                    self.advance(now, out);
                }
            }
            Event::Abandon { by, reason } => {
                if self.ledger.end.is_none() && !self.live.in_flight {
                    let message = format!("closed by {by}: {reason}");
                    let leftovers = self.leftovers();
                    self.end(now, RunState::Abandoned, message, leftovers, out);
                }
            }
            Event::Note { by, text } => {
                let text = bounded(&text, 2000);
                self.record(now, vec![Fact::Note { by, text }], out);
            }
            Event::Recorded | Event::RecordFailed(_) | Event::StopRequested => {}
        }
    }

    /// A question was answered; an answer to another one than the open is late.
    fn heard(&mut self, now: Timestamp, id: ReadId, answer: Answer, out: &mut Vec<Effect>) {
        let open = self.live.pending.clone().filter(|(open, _)| *open == id);
        let Some((_, purpose)) = open else { return };
        self.live.offline_since = None;
        let sends = matches!(purpose, Purpose::BeforeIntent(_) | Purpose::BeforeUndo(_));
        if sends && self.over_time(now) {
            return self.call_time(now, out);
        }
        if !matches!(purpose, Purpose::Rollout(..)) {
            self.live.pending = None;
        }
        self.answered(now, purpose, answer, out);
    }

    /// The run is over.
    pub(super) fn end(
        &mut self,
        now: Timestamp,
        state: RunState,
        message: impl Into<String>,
        leftovers: Vec<String>,
        out: &mut Vec<Effect>,
    ) {
        let fact = Fact::End {
            state,
            refused: false,
            message: message.into(),
            leftovers,
        };
        self.record(now, vec![fact], out);
    }

    /// What follows from the ledger when nothing is open.
    pub(super) fn advance(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if self.live.recording.is_some() || self.live.halted.is_some() {
            return;
        }
        if self.ledger.end.is_some() || self.live.down {
            if !std::mem::replace(&mut self.live.stopped, true) {
                out.push(Effect::Done(self.ledger.state));
            }
            return;
        }
        if self.live.pending.is_some() || self.live.in_flight {
            return;
        }
        if let Some(at) = self.live.retry_at {
            if now < at {
                return out.push(Effect::Wake(at));
            }
            self.live.retry_at = None;
        }
        if let Some((by, reason)) = self.live.back.take_if(|_| self.ledger.human.is_some()) {
            self.live.asked = None;
            self.leave_gate(out);
            return self.record(now, vec![Fact::RollingBack { by, reason }], out);
        }
        if self.ledger.human.is_some() {
            return self.put_question(out);
        }
        if let Some((index, undo)) = self.unresolved() {
            return self.resolve(now, index, undo, out);
        }
        if self.over_time(now) {
            return self.call_time(now, out);
        }
        if let Some(who) = self.live.takes_over.clone() {
            return self.ask_why(now, &who, out);
        }
        if self.live.confirm_resume {
            let message = self.found_again();
            return self.record(
                now,
                vec![Fact::NeedsHuman {
                    reason: Reason::Confirm,
                    message,
                    step: None,
                    ways: Vec::new(),
                }],
                out,
            );
        }
        if let Some((by, reason)) = self.live.back.take() {
            self.leave_gate(out);
            return self.record(now, vec![Fact::RollingBack { by, reason }], out);
        }
        if self.live.stop {
            self.live.stop = false;
            let before = self.current().map_or_else(String::new, |index| {
                let record = &self.ledger.steps[index];
                let where_to = if record.started_at.is_some() {
                    "in"
                } else {
                    "before"
                };
                format!(" {where_to} step {}", record.path)
            });
            return self.record(
                now,
                vec![Fact::NeedsHuman {
                    reason: Reason::Input,
                    message: format!("stopped{before} as asked"),
                    step: None,
                    ways: self.ways(),
                }],
                out,
            );
        }
        if self.ledger.rolling_back {
            self.undo_next(now, out);
        } else {
            self.next(now, out);
        }
    }
}
