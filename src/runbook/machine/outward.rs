//! Steps that look outside of objects: what is asked, and what an answer means beside what the file expects. A source
//! that does not answer proves nothing; it never counts as clean.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::io::{Answer, Effect, Question, ScanQuestion};
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{Expect, LookStep, Step, StepKind, Texts, Then, Via};
use crate::runbook::preflight::Requirement;
use crate::runbook::prose::bounded;
use crate::runbook::request::{Address, Request};
use crate::runbook::template::{Scope, fill_data, plain};

impl Run {
    /// A step that looks, begun.
    pub(super) fn look_outward(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        match self.outward_question(&self.plan[index], now) {
            Ok(question) => self.read(Purpose::Outward(index), question, out),
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }

    fn outward_question(&self, step: &Step, now: Timestamp) -> Result<Question, String> {
        let scope = self.scope_of(step, None);
        match &step.kind {
            StepKind::Look(LookStep::Scan {
                ns,
                target,
                selector,
                texts,
                pattern,
                sample,
                since,
            }) => {
                let filled = |text: &Option<crate::runbook::template::Text>| {
                    text.as_ref().map(|text| text.fill(&scope)).transpose()
                };
                let (target, selector) = (filled(target)?, filled(selector)?);
                let named = target.as_ref().or(selector.as_ref());
                if named.is_none_or(|named| named.trim().is_empty()) {
                    return Err("the scan names no pods: none are never all".to_owned());
                }
                let since = since
                    .as_ref()
                    .map(|since| since.duration(&scope))
                    .transpose()?;
                Ok(Question::Scan(Box::new(ScanQuestion {
                    namespace: ns.fill(&scope)?,
                    target,
                    selector,
                    texts: *texts,
                    pattern: filled(pattern)?,
                    sample: *sample as u32,
                    since: since.map(|since| now - since),
                })))
            }
            StepKind::Look(LookStep::Http { .. }) => {
                Ok(Question::Http(Box::new(self.request_for(step)?)))
            }
            _ => Err("the step asks nobody".to_owned()),
        }
    }

    fn request_for(&self, step: &Step) -> Result<Request, String> {
        let StepKind::Look(LookStep::Http {
            url, via, method, ..
        }) = &step.kind
        else {
            return Err("the step asks nobody".to_owned());
        };
        Ok(Request {
            via: *via,
            method: *method,
            address: Address::parse(&url.fill(&self.scope_of(step, None))?)?,
            home: self.namespace(),
        })
    }

    /// The rights that looks still ahead need, as far as it is known where they look.
    pub(super) fn looking_rights(&self) -> Vec<Requirement> {
        let steps = self.plan.iter().zip(&self.ledger.steps);
        let ahead = steps.filter(|(step, record)| !record.is_over() && !self.unwanted(step));
        let right = |verb: &str, resource: &str, namespace: String, name: String| Requirement {
            verb: verb.to_owned(),
            group: String::new(),
            resource: resource.to_owned(),
            namespace,
            name,
            undo: false,
        };
        let mut needed = Vec::new();
        for (step, _) in ahead {
            let StepKind::Look(look) = &step.kind else {
                continue;
            };
            match look {
                LookStep::Scan { ns, texts, .. } => {
                    let Ok(ns) = ns.fill(&self.scope_of(step, None)) else {
                        continue;
                    };
                    let part = match texts {
                        Texts::Logs => "pods/log",
                        Texts::Metrics => "pods/proxy",
                    };
                    needed.push(right("list", "pods", ns.clone(), String::new()));
                    needed.push(right("get", part, ns, String::new()));
                }
                LookStep::Http { via, .. } => {
                    let place = self.request_for(step).and_then(|asked| {
                        let (name, namespace) = asked.address.place(&asked.home)?;
                        Ok((
                            asked
                                .address
                                .proxied(&name, Some(asked.address.usual_port())),
                            namespace,
                        ))
                    });
                    match (via, place) {
                        (Via::ServiceProxy, Ok((name, namespace))) => {
                            needed.push(right("get", "services/proxy", namespace, name));
                        }
                        (Via::PodProxy, Ok((_, namespace))) => {
                            needed.push(right("get", "pods/proxy", namespace, String::new()));
                        }
                        _ => {}
                    }
                }
            }
        }
        needed
    }

    /// What was seen.
    pub(super) fn saw_outward(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let Answer::Found(found) = answer else {
            let why = "there is nothing to ask".to_owned();
            return self.fail(now, index, Reason::Drift, why, Then::Pause, out);
        };
        let then = self.on_failure(index);
        let step = &self.plan[index];
        match &step.kind {
            StepKind::Look(LookStep::Http { expect, .. }) => {
                let scope = self.scope_of(step, None);
                match judged(expect, &found, &scope) {
                    Ok(()) => {
                        let kept = json!({"status": found["status"], "bytes": found["bytes"]});
                        self.finish(now, index, kept, out);
                    }
                    Err(why) => self.fail(now, index, Reason::Drift, why, then, out),
                }
            }
            _ => match found["verdict"].as_str() {
                Some("clean") => self.finish(now, index, found, out),
                Some("found") => {
                    let why = format!("found: {}", bounded(&plain(&found["findings"]), 800));
                    self.fail(now, index, Reason::Drift, why, then, out);
                }
                _ => {
                    let why = bounded(&plain(&found["why"]), 400);
                    let why = format!("inconclusive, not clean: {why}");
                    // What was not looked at is not gone on from.
                    let then = if then == Then::Continue {
                        Then::Pause
                    } else {
                        then
                    };
                    self.fail(now, index, Reason::Gate, why, then, out);
                }
            },
        }
    }
}

/// Whether an answer is what was expected, or how it differs.
fn judged(expect: &Expect, found: &Value, scope: &Scope<'_>) -> Result<(), String> {
    if let Some(why) = found["unanswered"].as_str() {
        return Err(format!("no answer: {}", bounded(why, 300)));
    }
    let status = found["status"].as_i64().unwrap_or_default();
    let body = found["body"].as_str().unwrap_or_default();
    let excerpt = found["excerpt"].as_str().unwrap_or_default();
    let begins = if excerpt.is_empty() {
        String::new()
    } else {
        format!("; it begins {:?}", bounded(excerpt, 120))
    };
    let cut = if found["cut"] == true {
        " in what was read of it"
    } else {
        ""
    };
    match expect.status {
        Some(wanted) if status != wanted => {
            return Err(format!("the status is {status}, not {wanted}{begins}"));
        }
        None if !(200..300).contains(&status) => {
            return Err(format!("the status is {status}, no success{begins}"));
        }
        _ => {}
    }
    if let Some(text) = &expect.body_contains {
        let text = text.fill(scope)?;
        if !body.contains(&text) {
            return Err(format!(
                "the body does not hold {:?}{cut}{begins}",
                bounded(&text, 80)
            ));
        }
    }
    if expect.json.is_empty() {
        return Ok(());
    }
    let read: Value =
        serde_json::from_str(body).map_err(|_| format!("the body is no JSON{cut}{begins}"))?;
    for (field, wanted) in &expect.json {
        let wanted = fill_data(wanted, scope)?;
        let is = descend(&read, field);
        // The file has no numbers with a fraction but as texts.
        if is.is_none_or(|is| *is != wanted && plain(is) != plain(&wanted)) {
            let is = is.map_or_else(|| "absent".to_owned(), |is| bounded(&plain(is), 80));
            return Err(format!(
                "the field {} is {is}, not {}",
                bounded(field, 80),
                bounded(&plain(&wanted), 80)
            ));
        }
    }
    Ok(())
}

/// A field by its dotted name.
fn descend<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    field.split('.').try_fold(value, |at, part| match at {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::template::Text;
    use std::collections::BTreeMap;

    #[test]
    fn an_answer_is_held_against_everything_that_is_expected() {
        let of = |expect: &Expect, found: Value| judged(expect, &found, &Scope::default());
        let answer =
            |status: i64, body: &str| json!({"status": status, "body": body, "excerpt": body});
        let any = Expect::default();
        assert!(of(&any, answer(204, "")).is_ok());
        for status in [301, 404, 500] {
            assert!(
                of(&any, answer(status, ""))
                    .unwrap_err()
                    .contains("no success")
            );
        }
        assert!(
            of(&any, json!({"unanswered": "refused"}))
                .unwrap_err()
                .contains("no answer: refused")
        );
        let text = Expect {
            status: Some(200),
            body_contains: Some(Text::literal("ok")),
            json: BTreeMap::new(),
        };
        assert!(of(&text, answer(200, "all ok")).is_ok());
        assert!(
            of(&text, answer(200, "\u{1b}[31mno"))
                .unwrap_err()
                .contains("does not hold")
        );
        assert!(
            !of(&text, answer(200, "\u{1b}[31mno"))
                .unwrap_err()
                .contains('\u{1b}')
        );
        assert!(
            of(&text, answer(201, "ok"))
                .unwrap_err()
                .contains("201, not 200")
        );
        let fields = Expect {
            json: BTreeMap::from([
                ("a.0.b".to_owned(), json!(3)),
                ("s".to_owned(), json!("1.5")),
            ]),
            ..Expect::default()
        };
        assert!(of(&fields, answer(200, r#"{"a": [{"b": 3}], "s": 1.5}"#)).is_ok());
        assert!(
            of(&fields, answer(200, r#"{"a": [{"b": 4}], "s": 1.5}"#))
                .unwrap_err()
                .contains("is 4, not 3")
        );
        assert!(
            of(&fields, answer(200, r#"{"s": 1.5}"#))
                .unwrap_err()
                .contains("a.0.b is absent")
        );
        assert!(
            of(&fields, answer(200, "{{run.id}}"))
                .unwrap_err()
                .contains("no JSON")
        );
    }
}
