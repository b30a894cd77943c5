//! Telling people, and the incident: a message is recorded before it is sent. What broke off may have arrived; that is
//! said, and it is sent again only if a person says so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::ids::EffectKey;
use crate::runbook::machine::fact::{Fact, Reason};
use crate::runbook::machine::io::{Answer, Effect, Question};
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{StepKind, Then};

/// What a step says of itself while its message is on its way.
pub(super) const SENDING: &str = "a message is being sent";

impl Run {
    /// A step that tells somebody, begun or taken up again.
    pub(super) fn notify(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let step = self.plan[index].clone();
        let StepKind::Notify { channel, text } = &step.kind else {
            return;
        };
        let scope = self.scope_of(&step, None);
        let filled = crate::runbook::template::Text::parse(channel)
            .and_then(|channel| Ok((channel.fill(&scope)?, text.fill(&scope)?)));
        let (channel, text) = match filled {
            Ok(filled) => filled,
            Err(why) => return self.fail(now, index, Reason::Input, why, Then::Pause, out),
        };
        if self.start.dry_run {
            return self.finish(now, index, json!({"sent": false}), out);
        }
        let record = &self.ledger.steps[index];
        let begun = record.message == SENDING;
        if self.live.telling.take_if(|one| *one == index).is_some() && begun {
            let id = EffectKey::new(&self.start.run, &step.id, false, 0).to_string();
            let question = Question::Tell { channel, text, id };
            return self.read(Purpose::Tell(index), question, out);
        }
        if begun && !record.authorised {
            let why = format!(
                "the message to {channel} was being sent when this was interrupted: it may have arrived. Send it again?"
            );
            return self.await_person(now, index, Reason::Unknown, why, out);
        }
        self.live.telling = Some(index);
        let step = step.id;
        self.record(now, vec![Fact::Sending { step, channel }], out);
    }

    /// What became of a message, or of what was to be settled.
    pub(super) fn told(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let Answer::Found(found) = answer else {
            return;
        };
        let why = || found["why"].as_str().unwrap_or_default().to_owned();
        match found["sent"].as_str() {
            Some("maybe") => {
                let why = format!("maybe sent: {}; nothing sends it again by itself", why());
                self.fail(now, index, Reason::Unknown, why, Then::Pause, out);
            }
            Some("no") => {
                let then = self.on_failure(index);
                self.fail(
                    now,
                    index,
                    Reason::Input,
                    format!("not sent: {}", why()),
                    then,
                    out,
                );
            }
            _ => self.finish(now, index, found, out),
        }
    }

    /// A step that settles something of the incident.
    pub(super) fn set_incident(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let step = &self.plan[index];
        let StepKind::IncidentSet { severity, set } = &step.kind else {
            return;
        };
        let scope = self.scope_of(step, None);
        let named = severity.iter().map(|text| ("severity", text));
        let all = named.chain(set.iter().map(|(key, text)| (key.as_str(), text)));
        let filled: Result<BTreeMap<String, String>, String> = all
            .map(|(key, text)| Ok((key.to_owned(), text.fill(&scope)?)))
            .collect();
        match filled {
            Ok(_) if self.start.dry_run => self.finish(now, index, Value::Null, out),
            Ok(keys) => self.read(Purpose::Tell(index), Question::Incident(keys), out),
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }
}
