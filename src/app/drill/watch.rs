//! What the App shows of the trainee: the looks, the run and the verdicts a drill is scored by, the opening and the last
//! page as a screen, and the way out that leads over it. Called from `update` after every batch.

use super::{Drill, Look, RunSeen, Seen};
use crate::app::command::{Command, Motion};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::motion::scroll;
use crate::app::screen::{History, Screen};
use crate::app::state::App;
use crate::domain::object::ObjectRef;
use crate::runbook::machine::{Run, StepState};
use serde_json::Value;
use std::collections::BTreeMap;

impl App {
    /// Opens on a drill's first page.
    pub fn open_drill(&mut self, drill: Drill) {
        self.drill = Some(Box::new(drill));
        self.history = History::new(Screen::Drill);
    }

    /// Somebody said here that they have the incident.
    pub fn acknowledged_in_drill(&mut self) {
        let now = self.now;
        if let Some(drill) = &mut self.drill {
            drill.acknowledge(now);
        }
    }

    /// Looks over the trainee's shoulder, and turns to the last page when there is nothing left to do.
    pub(in crate::app) fn watch_drill(&mut self) -> Vec<Effect> {
        let Some(mut drill) = self.drill.take() else {
            return Vec::new();
        };
        let seen = self.seen();
        let mut cues = drill.see(&seen, self.now);
        if self.layers.is_empty() && drill.is_done(&seen) {
            drill.end(self.now);
            self.history.open(Screen::Drill);
            cues.extend(drill.see(&seen, self.now));
        }
        self.drill = Some(drill);
        cues.into_iter().map(Effect::Stage).collect()
    }

    /// Obeys what is asked on a drill's own page; `None` for everything else.
    pub(in crate::app) fn obey_drill(&mut self, command: &Command) -> Option<Vec<Effect>> {
        if self.here().screen != Screen::Drill {
            return None;
        }
        let (now, height) = (self.now, self.height);
        let drill = self.drill.as_mut()?;
        match command {
            Command::Move(motion) if !matches!(motion, Motion::Left | Motion::Right) => {
                let place = &mut self.history.here_mut().place;
                place.top = scroll(place.top, *motion, height);
            }
            Command::Enter if drill.ended.is_some() => {
                drill.again = true;
                self.leaving = true;
            }
            Command::Enter => {
                drill.begin(now);
                self.history = History::new(Screen::Overview);
            }
            // There is nothing behind the last page: what is left is the drill.
            Command::Back | Command::Escape if drill.ended.is_some() => self.leaving = true,
            Command::Back | Command::Quit | Command::Interrupt | Command::Help => return None,
            // Nothing else is to be seen before it begins, and nothing is done after it ended.
            _ => {}
        }
        Some(Vec::new())
    }

    /// Leaving a drill that goes on leads to its last page; says whether it did.
    pub(in crate::app) fn leave_drill(&mut self) -> bool {
        let now = self.now;
        let Some(drill) = self.drill.as_mut().filter(|drill| drill.goes_on()) else {
            return false;
        };
        drill.end(now);
        self.history.open(Screen::Drill);
        true
    }

    fn seen(&self) -> Seen {
        let levels = self.services.in_order();
        Seen {
            look: self.look(),
            levels: levels
                .map(|row| (row.object.name.to_string(), row.level()))
                .collect(),
            run: self.runs.present.as_deref().map(|run| self.run_seen(run)),
        }
    }

    fn look(&self) -> Option<(Look, Option<String>, String)> {
        let workload = |object: &ObjectRef| {
            let behind = self.workload_behind(object);
            behind.map(|object| object.name.to_string())
        };
        if let Some(Layer::Explain { .. }) = self.layers.last() {
            let object = self.workload_here().map(|object| object.name.to_string());
            let of = object.clone().unwrap_or_else(|| "nothing".into());
            return Some((Look::Evidence, object, format!("why {of} is judged so")));
        }
        let screen = &self.here().screen;
        let of = |look, object: &ObjectRef| {
            let words = format!("{} of {}", screen.name(), object.name);
            Some((look, workload(object), words))
        };
        match screen {
            Screen::Drill | Screen::Run(_) => None,
            Screen::Rollout(object) | Screen::Signals(object) => of(Look::Evidence, object),
            Screen::Logs(object) | Screen::Describe(object) | Screen::Yaml(object) => {
                of(Look::Closely, object)
            }
            Screen::Alerts => Some((Look::Alerts, None, "the alerts".into())),
            Screen::Runbook(id) => Some((Look::List, None, format!("read {id}"))),
            other => Some((Look::List, None, other.name().to_owned())),
        }
    }

    fn run_seen(&self, run: &Run) -> RunSeen {
        let ledger = run.ledger();
        let params = ledger.params.iter();
        let subject = params.clone().find_map(|(name, value)| match &**name {
            "workload" => Some(named(value)),
            "pod" => Some(self.owner_of(&named(value))),
            _ => None,
        });
        let wanted = |name: &str| run.runbook().param(name).is_some();
        let past = ledger.steps.iter().find_map(|step| {
            let mut items = step.items.iter();
            let item = items.find(|(_, item)| item.is_overridden());
            let item = item.map(|(id, _)| id.clone());
            item.or_else(|| step.glass.then(|| step.path.clone()))
        });
        RunSeen {
            id: run.start().run.as_str().to_owned(),
            runbook: run.start().runbook.clone(),
            // One that is still to be named is nobody's yet.
            subject: subject.or_else(|| (wanted("workload") || wanted("pod")).then(String::new)),
            params: params
                .map(|(name, value)| (name.clone(), shown(value)))
                .collect(),
            calls: called(run),
            changes: run.plan().iter().any(|step| step.kind.mutates()),
            effects: ledger.steps.iter().any(|step| {
                let sent = step.effect.as_ref();
                sent.is_some_and(|effect| effect.state == StepState::Applied)
            }),
            past_red: past,
            asks: run.ask().is_some(),
            waits_until: run.waits_until(),
            ended: ledger.end.as_ref().map(|end| end.state),
        }
    }

    /// The workload of a pod; of one that is gone, by its name.
    fn owner_of(&self, pod: &str) -> String {
        let mut pods = self.cluster.pods.iter();
        let known = pods.find(|known| &*known.name == pod);
        let owner = known.and_then(|pod| self.cluster.workload_of(pod));
        owner.map_or_else(
            || pod.rsplitn(3, '-').last().unwrap_or(pod).to_owned(),
            |workload| workload.object().name.to_string(),
        )
    }
}

/// The runbooks that a run has called and come into, with what they were given.
fn called(run: &Run) -> Vec<(String, BTreeMap<String, String>)> {
    let mut calls: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    for (step, record) in run.plan().iter().zip(&run.ledger().steps) {
        let begun = !matches!(record.state, StepState::Pending | StepState::Skipped);
        let Some(call) = step.within.last().filter(|_| begun) else {
            continue;
        };
        let id = &call.book.id;
        if calls.iter().all(|(known, _)| known != id) {
            // Theirs stand in the run behind the call's path.
            let params = run.ledger().params.iter();
            let given = params.filter_map(|(name, value)| {
                let name = name.strip_prefix(&call.prefix)?;
                Some((name.to_owned(), shown(value)))
            });
            calls.push((id.clone(), given.collect()));
        }
    }
    calls
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The name in a reference: `Kind/name`, a name, or the object itself.
fn named(value: &Value) -> String {
    let text = value["name"]
        .as_str()
        .map_or_else(|| shown(value), str::to_owned);
    text.rsplit('/').next().unwrap_or(&text).to_owned()
}
