//! Settling what the plan needs: the workload, the revision, a branch.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::runbook::machine::fact::Fact;
use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::fact::RunState;
use crate::runbook::machine::io::Answer;
use crate::runbook::machine::io::Effect;
use crate::runbook::machine::io::Question;
use crate::runbook::machine::run::Purpose;
use crate::runbook::machine::run::Run;
use crate::runbook::model::ParamType;
use crate::runbook::model::StepKind;
use crate::runbook::model::Then;
use crate::runbook::prose::bounded;
use crate::runbook::revision::Choice;
use crate::runbook::revision::Revision;
use crate::runbook::revision::choose;
use crate::runbook::revision::remark;
use crate::runbook::template::plain;

impl Run {
    pub(super) fn input(
        &mut self,
        now: Timestamp,
        index: usize,
        param: &str,
        out: &mut Vec<Effect>,
    ) {
        use crate::runbook::model::LiveList;
        let step = &self.plan[index];
        let given = self.param_of(step, param).cloned().or_else(|| {
            let answer = self.answered_beforehand(&self.plan[index].id);
            answer.map(|text| json!(text))
        });
        match self.book_of(step).param(param).and_then(|param| param.from) {
            Some(LiveList::Workloads) => {
                let reference = given.map(|value| crate::runbook::template::plain(&value));
                let namespace = self.namespace();
                self.read(
                    Purpose::Resolve(index),
                    Question::Workload {
                        namespace,
                        reference,
                    },
                    out,
                );
            }
            Some(LiveList::Pods) => {
                let namespace = self.namespace();
                let reference = Some(super::acts::pod_reference(given.as_ref()));
                self.read(
                    Purpose::Resolve(index),
                    Question::Workload {
                        namespace,
                        reference,
                    },
                    out,
                );
            }
            Some(LiveList::Revisions) => match self.workload() {
                Some(object) => self.read(
                    Purpose::Revisions(index),
                    Question::Revisions { object },
                    out,
                ),
                None => self.fail(
                    now,
                    index,
                    Reason::Input,
                    "no workload was chosen before".to_owned(),
                    Then::Pause,
                    out,
                ),
            },
            None => match given {
                Some(value) => self.settled_input(now, index, param, &value, out),
                None => {
                    self.await_person(now, index, Reason::Input, format!("{param} is needed"), out);
                }
            },
        }
    }

    /// A parameter that was given, or answered beforehand: the latter is settled here, if it is one that may be.
    fn settled_input(
        &mut self,
        now: Timestamp,
        index: usize,
        param: &str,
        value: &Value,
        out: &mut Vec<Effect>,
    ) {
        let step = &self.plan[index];
        if self.param_of(step, param).is_some() {
            return self.finish(now, index, json!({"value": value}), out);
        }
        let declared = self.book_of(step).param(param);
        match declared.map(|declared| declared.read(&plain(value))) {
            Some(Ok(value)) => {
                let name = Self::param_name(step, param);
                let settled = Fact::Param {
                    name,
                    value: value.clone(),
                };
                self.finish_with(now, index, json!({"value": value}), vec![settled], out);
            }
            Some(Err(why)) => self.await_person(now, index, Reason::Input, why, out),
            None => self.finish(now, index, json!({"value": value}), out),
        }
    }

    pub(super) fn namespace(&self) -> String {
        self.ledger
            .params
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(&self.start.target.namespace)
            .to_owned()
    }

    /// The workload an earlier step settled.
    pub fn workload(&self) -> Option<crate::runbook::patch::ObjectRef> {
        self.ledger
            .outs
            .values()
            .find(|out| out.get("uid").is_some() && out.get("kind").is_some())
            .and_then(|out| serde_json::from_value(out.clone()).ok())
    }

    pub(super) fn take_workload(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        match answer {
            Answer::Workload(object) => {
                let StepKind::Input { param } = &self.plan[index].kind else {
                    return;
                };
                let settled = Fact::Param {
                    name: Self::param_name(&self.plan[index], param),
                    value: json!(object.short()),
                };
                let found = json!({"value": object.short(), "kind": object.kind, "name": object.name, "namespace": object.namespace, "uid": object.uid});
                self.finish_with(now, index, found, vec![settled], out);
            }
            Answer::Workloads(list) => {
                self.live.candidates = list;
                let pods = self.live.candidates.iter().all(|one| one.kind == "Pod");
                let which = if pods {
                    "which pod?"
                } else {
                    "which workload?"
                };
                self.await_person(now, index, Reason::Input, which.to_owned(), out);
            }
            _ => self.fail(
                now,
                index,
                Reason::Drift,
                self.missing(index),
                Then::Pause,
                out,
            ),
        }
    }

    /// What was named and is not there.
    fn missing(&self, index: usize) -> String {
        let named = match &self.plan[index].kind {
            StepKind::Input { param } => self.param_of(&self.plan[index], param).map(plain),
            _ => None,
        };
        let namespace = &self.start.target.namespace;
        match named {
            Some(name) => format!("there is no {} in {namespace}", bounded(&name, 100)),
            None => format!("there is nothing to choose from in {namespace}"),
        }
    }

    pub(super) fn take_revisions(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let Answer::Revisions(revisions) = answer else {
            return self.fail(
                now,
                index,
                Reason::Drift,
                "the workload does not exist any more".to_owned(),
                Then::Pause,
                out,
            );
        };
        let StepKind::Input { param } = self.plan[index].kind.clone() else {
            return;
        };
        self.live.revisions = revisions;
        let given = self.param_of(&self.plan[index], &param);
        if let Some(number) = given.and_then(Value::as_i64) {
            return self.take_revision(now, index, number, None, out);
        }
        match choose(&self.live.revisions) {
            Choice::Take {
                number,
                evidence,
                amber,
                ..
            } if !self.start.attended => {
                self.take_revision(now, index, number, Some((evidence, amber)), out);
            }
            Choice::Take {
                number, evidence, ..
            } => self.await_person(
                now,
                index,
                Reason::Input,
                format!("revision {number} is suggested: {evidence}"),
                out,
            ),
            Choice::Stay { number, evidence } => {
                let why = format!("{}: {evidence}", already(number));
                self.stay(now, index, why, out);
            }
            Choice::Ask(why) => self.await_person(now, index, Reason::Input, why, out),
        }
    }

    /// There is nothing to go back from: without a person that is the end, and a person may still choose.
    fn stay(&mut self, now: Timestamp, index: usize, why: String, out: &mut Vec<Effect>) {
        if self.start.attended || !self.untouched() {
            return self.await_person(now, index, Reason::Input, why, out);
        }
        let refused = Fact::End {
            state: RunState::Aborted,
            refused: true,
            message: format!("{why}; nothing was changed, --set revision=N goes to another one"),
            leftovers: Vec::new(),
        };
        self.record(now, vec![refused], out);
    }

    pub(super) fn take_revision(
        &mut self,
        now: Timestamp,
        index: usize,
        number: i64,
        evidence: Option<(String, bool)>,
        out: &mut Vec<Effect>,
    ) {
        let StepKind::Input { param } = self.plan[index].kind.clone() else {
            return;
        };
        let revisions = std::mem::take(&mut self.live.revisions);
        let known = revisions
            .iter()
            .map(|revision| revision.number.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let Some(revision) = revisions.iter().find(|revision| revision.number == number) else {
            return self.fail(
                now,
                index,
                Reason::Input,
                format!("there is no revision {number}; there are {known}"),
                Then::Pause,
                out,
            );
        };
        if revision.current {
            return self.fail(
                now,
                index,
                Reason::Input,
                format!("revision {number} runs already; there are {known}"),
                Then::Pause,
                out,
            );
        }
        let suggested = choose(&revisions);
        let (evidence, amber) = evidence.unwrap_or_else(|| match &suggested {
            Choice::Take {
                uid,
                evidence,
                amber,
                ..
            } if *uid == revision.uid => (evidence.clone(), *amber),
            _ => (format!("chosen by hand; {}", remark(revision)), false),
        });
        let found = revision_out(revision, &revisions, &evidence, amber);
        self.finish_with(
            now,
            index,
            found,
            vec![Fact::Param {
                name: Self::param_name(&self.plan[index], &param),
                value: json!(number),
            }],
            out,
        );
    }

    pub(super) fn branch(
        &mut self,
        now: Timestamp,
        index: usize,
        by: &str,
        answer: &str,
        out: &mut Vec<Effect>,
    ) {
        let StepKind::Choose { options } = &self.plan[index].kind else {
            return;
        };
        if !options.iter().any(|option| option.id == answer) {
            let known = options
                .iter()
                .map(|option| option.id.clone())
                .collect::<Vec<_>>()
                .join(", ");
            return self.fail(
                now,
                index,
                Reason::Input,
                format!(
                    "`{}` is not a choice; there are {known}",
                    bounded(answer, 60)
                ),
                Then::Pause,
                out,
            );
        }
        let decision = Fact::Decision {
            step: Some(self.plan[index].id.clone()),
            by: by.to_owned(),
            answer: answer.to_owned(),
            accepted: true,
        };
        self.finish_with(
            now,
            index,
            json!({"choice": answer, "value": answer}),
            vec![decision],
            out,
        );
    }

    /// The runs of before that parameters name: the run's own, and those of the runbooks it has called.
    pub(super) fn named_runs(&self) -> Vec<String> {
        let calls = self.plan.iter().flat_map(|step| &step.within);
        let calls = calls.map(|call| (&*call.book, call.prefix.as_str()));
        let mut named: Vec<String> = Vec::new();
        for (book, prefix) in std::iter::once((&*self.book, "")).chain(calls) {
            let runs = book.params.iter();
            let runs = runs.filter(|param| param.ty == ParamType::Run);
            for param in runs {
                let name = format!("{prefix}{}", param.name);
                let given = self.ledger.params.get(&name).and_then(Value::as_str);
                if let Some(run) = given.filter(|run| named.iter().all(|known| known != run)) {
                    named.push(run.to_owned());
                }
            }
        }
        named
    }
}

/// The sentence for a workload that runs its last good revision.
pub fn already(number: i64) -> String {
    format!("revision {number} is the last good one and runs already")
}

/// What the choice of a revision leaves behind: its template is part of the record.
fn revision_out(revision: &Revision, all: &[Revision], evidence: &str, amber: bool) -> Value {
    let leaving = all.iter().find(|other| other.current);
    let began = |revision: &Revision| revision.served.from.map(|at| at.to_string());
    json!({
        "value": revision.number, "number": revision.number, "uid": revision.uid, "name": revision.name, "image": revision.image,
        "evidence": evidence, "amber": amber, "template": revision.template, "annotations": revision.annotations, "began": began(revision), "leaving_began": leaving.and_then(began),
        "leaving": leaving.map(|leaving| leaving.number), "leaving_uid": leaving.map(|leaving| leaving.uid.clone()), "leaving_image": leaving.map(|leaving| leaving.image.clone()),
    })
}
