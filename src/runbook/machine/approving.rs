//! Four eyes: which step wants somebody else's agreement, what is asked of them, and what their answer does. Whether a
//! text approves is judged in [`crate::runbook::approval`]; here it is only asked for, once per plan, and used once.

use jiff::{SignedDuration, Timestamp};

use crate::runbook::approval::{self, Granted, Request, TTL};
use crate::runbook::machine::fact::{Fact, Reason};
use crate::runbook::machine::io::{Ask, AskKind, Effect, Offered, Question, ReadId};
use crate::runbook::machine::ledger::StepState;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::Risk;
use crate::runbook::prose::bounded;
use crate::runbook::quantity::show_duration;

/// How an answer begins that goes past the second pair of eyes.
pub const BREAKS_GLASS: &str = "break-glass: ";
/// How an answer given beforehand begins that carries an approval.
const GIVEN: &str = "approval:";
/// A reason for going past it has so many characters at least.
const LEAST_REASON: usize = 20;

impl Run {
    /// From now on so many others must agree before a run of critical risk changes anything.
    pub fn demand_approvals(&mut self, count: i64) {
        self.live.demanded = count;
    }

    /// Those who carried the run and may not approve it, beside whom the runbook names.
    pub fn keep_from_approving(&mut self, who: impl IntoIterator<Item = String>) {
        self.live.not_approving.extend(who);
    }

    /// How many must agree with a step, and for how long that holds.
    fn approvals_wanted(&self, index: usize) -> Option<(i64, SignedDuration)> {
        let step = self.plan.get(index)?;
        let environment = match self.start.target.environment.as_str() {
            "unknown" => "production",
            known => known,
        };
        let own = step.approve.as_ref().filter(|approve| {
            let only = approve.when_env.as_deref();
            only.is_none_or(|only| only == environment)
        });
        let mut steps = self.plan.iter().zip(&self.ledger.steps);
        let first = steps
            .position(|(step, record)| step.kind.mutates() && record.state != StepState::Skipped);
        let demanded = if self.book.risk == Risk::Critical && first == Some(index) {
            self.live.demanded
        } else {
            0
        };
        let count = own.map_or(0, |approve| approve.count).max(demanded);
        let ttl = own
            .and_then(|approve| approve.ttl.as_ref())
            .map_or(TTL, |ttl| ttl.0);
        (count > 0).then_some((count, ttl.min(TTL)))
    }

    /// Whether a step may go on as far as others must agree; pure.
    pub(super) fn approval_stands(&self, now: Timestamp, index: usize) -> bool {
        let glass = self.start.answers.break_glass.is_some();
        let Some((count, _)) = self
            .approvals_wanted(index)
            .filter(|_| !glass && !self.start.dry_run)
        else {
            return true;
        };
        let record = &self.ledger.steps[index];
        if record.glass {
            return true;
        }
        // By the server's time: until that was looked at, nothing holds.
        let Some(ahead) = self.live.server_ahead else {
            return false;
        };
        let digest = self.request_of(index).digest();
        let good = record.approvals.iter().filter(|one| {
            one.digest == digest && now + ahead < one.expires && !record.spent.contains(&one.id)
        });
        let mut by: Vec<&str> = good.map(|one| one.by.as_str()).collect();
        by.sort_unstable();
        by.dedup();
        by.len() as i64 >= count
    }

    /// The same, and asks where it does not.
    pub(super) fn approved(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) -> bool {
        if self.approval_stands(now, index) {
            return true;
        }
        let given = self.answered_beforehand(&self.plan[index].id);
        let given = given.and_then(|text| text.strip_prefix(GIVEN).map(str::to_owned));
        let question = self.question(index, given, false);
        self.read(Purpose::Approval(index), question, out);
        false
    }

    fn question(&self, index: usize, given: Option<String>, wait: bool) -> Question {
        Question::Approval {
            request: Box::new(self.request_of(index)),
            given,
            known: self.live.judged.clone(),
            wait,
        }
    }

    /// What somebody is asked to approve.
    fn request_of(&self, index: usize) -> Request {
        let records = self.ledger.steps.iter();
        let plans =
            records.filter(|record| record.effect.is_none() || record.path == self.plan[index].id);
        let ttl = self.approvals_wanted(index).map_or(TTL, |(_, ttl)| ttl);
        let start = &self.start;
        let named = self.plan[index]
            .approve
            .as_ref()
            .and_then(|approve| approve.not.clone());
        let mut not = vec![start.actor.clone(), self.person().to_owned()];
        not.extend(named.filter(|word| word != "initiator"));
        not.extend(self.live.not_approving.iter().cloned());
        not.sort();
        not.dedup();
        Request {
            run: start.run.to_string(),
            step: self.plan[index].id.clone(),
            runbook: start.runbook.clone(),
            version: start.version.clone(),
            model: start.model.clone(),
            title: self.book.title.clone(),
            target: start.target.clone(),
            actor: start.actor.clone(),
            reason: self.ledger.reason.clone(),
            params: self.ledger.params.clone(),
            plans: plans.filter_map(|record| record.plan.clone()).collect(),
            ttl_s: ttl.as_secs(),
            not,
        }
    }

    /// The engine looked for approvals: those that are good count, the others are refused with a sentence each.
    pub(super) fn offered(
        &mut self,
        now: Timestamp,
        index: usize,
        offered: &Offered,
        out: &mut Vec<Effect>,
    ) {
        self.live.server_ahead = Some(offered.now.duration_since(now));
        let request = self.request_of(index);
        let step = self.plan[index].id.clone();
        let signers = offered
            .signers
            .as_ref()
            .map(String::as_str)
            .map_err(String::as_str);
        let mut used: Vec<String> = self
            .ledger
            .steps
            .iter()
            .flat_map(|record| record.approvals.iter().map(|one| one.id.clone()))
            .collect();
        let (mut facts, mut last) = (Vec::new(), None);
        let mut good: Vec<Granted> = Vec::new();
        for text in &offered.texts {
            self.live.judged.push(text.clone());
            match approval::judge(&request, text, signers, offered.now, &used) {
                Ok(granted) => {
                    used.push(granted.id.clone());
                    good.push(granted.clone());
                    facts.push(Fact::Approval {
                        step: step.clone(),
                        code: request.code(),
                        granted,
                        text: bounded(text, 8192),
                    });
                }
                Err(why) => {
                    last = Some(why.clone());
                    let step = step.clone();
                    facts.push(Fact::ApprovalRefused { step, why });
                }
            }
        }
        if !self.enough(index, &good, offered.now) {
            let message = self.asks_for(index, &request, offered, last);
            facts.push(Fact::Awaiting {
                step,
                reason: Reason::Approval,
                message,
            });
        }
        self.record(now, facts, out);
    }

    /// Whether with these the step would have what it wants.
    fn enough(&self, index: usize, more: &[Granted], server: Timestamp) -> bool {
        let (count, _) = self.approvals_wanted(index).unwrap_or((0, TTL));
        let record = &self.ledger.steps[index];
        let digest = self.request_of(index).digest();
        let before = record
            .approvals
            .iter()
            .filter(|one| !record.spent.contains(&one.id));
        let good = before
            .chain(more)
            .filter(|one| one.digest == digest && server < one.expires);
        let mut by: Vec<&str> = good.map(|one| one.by.as_str()).collect();
        by.sort_unstable();
        by.dedup();
        by.len() as i64 >= count
    }

    /// The sentence by which somebody else is asked.
    fn asks_for(
        &self,
        index: usize,
        request: &Request,
        offered: &Offered,
        refused: Option<String>,
    ) -> String {
        let (count, ttl) = self.approvals_wanted(index).unwrap_or((1, TTL));
        let who = if count == 1 {
            "somebody else must approve it".to_owned()
        } else {
            format!("{count} others must approve it")
        };
        let how = match (&offered.signers, &offered.place) {
            (Err(why), _) => why.clone(),
            (Ok(_), Ok(place)) => format!(
                "they type: vigie approve {} -n {} ({place})",
                request.code(),
                request.target.namespace
            ),
            (Ok(_), Err(why)) => format!(
                "{why}; the request is carried by hand: vigie approve '{}'",
                request.text()
            ),
        };
        let refused = refused.map_or_else(String::new, |why| format!("{why}. "));
        format!("{refused}{who}, within {}: {how}", show_duration(ttl))
    }

    /// What the person at the screen is asked meanwhile, and the look that goes on for them.
    pub(super) fn approval_ask(&mut self, index: usize, out: &mut Vec<Effect>) -> AskKind {
        let request = self.request_of(index);
        // What was typed here is looked at first.
        if self.start.attended && self.live.approving.is_none() {
            let question = self.question(index, None, true);
            self.ask_for_approval(question, out);
        }
        AskKind::Approval {
            code: request.code(),
            request: request.text(),
            plans: request.plans,
            glass: self.live.glass.clone(),
        }
    }

    fn ask_for_approval(&mut self, question: Question, out: &mut Vec<Effect>) {
        self.leave_approval(out);
        self.live.next_read += 1;
        self.live.approving = Some(self.live.next_read);
        out.push(Effect::Read(self.live.next_read, Box::new(question)));
    }

    /// Nobody is asked any more.
    pub(super) fn leave_approval(&mut self, out: &mut Vec<Effect>) {
        out.extend(self.live.approving.take().map(Effect::Forget));
    }

    /// An answer to the look that goes on while the person is asked; whether it was one.
    pub(super) fn approval_heard(
        &mut self,
        now: Timestamp,
        id: ReadId,
        offered: Option<&Offered>,
        out: &mut Vec<Effect>,
    ) -> bool {
        if self.live.approving.take_if(|open| *open == id).is_none() {
            return false;
        }
        let waiting = self.ledger.human.as_ref();
        let waiting = waiting.filter(|human| human.reason == Reason::Approval);
        let index = waiting
            .and_then(|human| human.step.as_ref())
            .and_then(|path| self.plan.iter().position(|step| step.id == *path));
        self.live.asked = None;
        match (index, offered) {
            (Some(index), Some(offered)) => self.offered(now, index, offered, out),
            // It could not be looked: the question stands, and with it the next look.
            _ => self.advance(now, out),
        }
        true
    }

    /// What the person at the screen types at the question: an approval that was carried here by hand, or the way past it.
    pub(super) fn approval_typed(
        &mut self,
        now: Timestamp,
        index: usize,
        by: &str,
        text: &str,
        out: &mut Vec<Effect>,
    ) {
        let text = text.trim();
        if let Some(why) = self.live.glass.take() {
            let namespace = self.start.target.namespace.clone();
            let accepted = text == namespace;
            self.leave_approval(out);
            let decision = Fact::Decision {
                step: Some(self.plan[index].id.clone()),
                by: by.to_owned(),
                answer: format!("{BREAKS_GLASS}{}", bounded(&why, 500)),
                accepted,
            };
            if accepted {
                out.push(Effect::Audit {
                    event: "break-glass".to_owned(),
                    fields: [("passed", "a second person"), ("reason", why.as_str())]
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .into(),
                });
            }
            return self.record(now, vec![decision], out);
        }
        if let Some(why) = text.strip_prefix(BREAKS_GLASS.trim_end()) {
            let why = why.trim();
            let long = why.chars().count();
            if long >= LEAST_REASON {
                self.live.glass = Some(why.to_owned());
                return self.put_question(out);
            }
            // The question as it stood, with what was missing.
            let Some(human) = self.ledger.human.clone() else {
                return;
            };
            let kind = self.approval_ask(index, out);
            let message = format!(
                "A reason of twenty characters is wanted; this one has {long}. {}",
                human.message
            );
            let (step, reason) = (human.step, human.reason);
            let ask = Ask {
                step,
                reason,
                message,
                kind,
            };
            return self.ask_again(ask, out);
        }
        let question = self.question(index, Some(text.to_owned()), false);
        self.ask_for_approval(question, out);
    }
}
