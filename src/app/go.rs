//! Where commands on a row lead: into what is under the cursor, to its rollout, its signals, its owner, its links.

use super::chart;
use super::command::Command;
use super::effect::Effect;
use super::kind::Kind;
use super::layer::Layer;
use super::links;
use super::list::{self, Item};
use super::message::Notice;
use super::panes;
use super::screen::Screen;
use super::state::App;
use super::wants::Wants;
use crate::domain::object::ObjectRef;
use crate::domain::pod::Trouble;
use crate::domain::workload::Workload;
use jiff::SignedDuration;
use std::sync::Arc;

/// How long a sentence of ours stays.
const SHOWN: SignedDuration = SignedDuration::from_secs(4);

impl App {
    /// A workload by its reference; one named without its namespace, as on a command line, is looked up by name.
    pub fn workload_named(&self, object: &ObjectRef) -> Option<&Workload> {
        let fits = |workload: &&Workload| {
            workload.name == object.name
                && workload.kind.name() == &*object.kind
                && (object.namespace.is_empty() || workload.namespace == object.namespace)
        };
        self.cluster.all_workloads().find(fits)
    }

    /// The workload an object stands for or belongs to: itself, a pod's, a ReplicaSet's, the service an alert names.
    pub fn workload_behind(&self, object: &ObjectRef) -> Option<ObjectRef> {
        let here =
            |namespace: &Arc<str>| object.namespace.is_empty() || *namespace == object.namespace;
        match &*object.kind {
            "Pod" => {
                let mut pods = self.cluster.pods.iter();
                let pod = pods.find(|pod| pod.name == object.name && here(&pod.namespace))?;
                Some(self.cluster.workload_of(pod)?.object())
            }
            "ReplicaSet" => {
                let mut sets = self.cluster.revisions.iter();
                let set = sets.find(|set| set.name == object.name && here(&set.namespace))?;
                Some(self.cluster.workload(set.owner.as_ref()?)?.object())
            }
            "Alert" => self
                .services
                .in_order()
                .find(|row| row.object.name == object.name && here(&row.object.namespace))
                .map(|row| row.object.clone()),
            _ => self.workload_named(object).map(Workload::object),
        }
    }

    /// The workload this is about: of the row under the cursor, or of the whole screen.
    pub fn workload_here(&self) -> Option<ObjectRef> {
        match &self.here().screen {
            Screen::Rollout(object)
            | Screen::Signals(object)
            | Screen::Logs(object)
            | Screen::Describe(object)
            | Screen::Yaml(object) => self.workload_behind(object),
            _ => self.workload_behind(&list::selected(self)?.object),
        }
    }

    /// What the screens over known facts need beside what every screen needs.
    pub(super) fn add_screen_wants(&self, wants: &mut Wants) {
        match &self.here().screen {
            Screen::Overview if chart::roomy(self) => {
                let (cursor, _) = panes::cursor(&self.here().place, panes::FIRST);
                let held = cursor.and_then(|uid| self.services.get(uid));
                // Without a cursor the first stands there; no other row is looked at.
                let row = held.or_else(|| self.services.in_order().next());
                let more = row.map(|row| chart::overview_more(self, &row.object));
                wants.ranges.extend(more.unwrap_or_default());
            }
            Screen::Workloads => drop(wants.watches.insert(Kind::Autoscalers)),
            Screen::Rollout(object) => wants.ranges.extend(chart::rollout_ranges(self, object)),
            Screen::Signals(object) => wants.ranges.extend(chart::signals_ranges(self, object)),
            _ => {}
        }
    }

    /// To the next pane that is there.
    pub(super) fn next_pane(&mut self) {
        let there: Vec<usize> = match &self.here().screen {
            Screen::Overview => {
                let mut there = vec![panes::FIRST, panes::CHARTS, panes::CHANGES];
                there.retain(|pane| *pane != panes::CHARTS || !self.compact);
                there.extend((!list::overview_pods(self).is_empty()).then_some(panes::PODS));
                there
            }
            Screen::Rollout(object) => {
                let mut there = vec![panes::FIRST, panes::CHARTS];
                there.extend(
                    list::new_and_failing(self, object)
                        .first()
                        .map(|_| panes::PODS),
                );
                there
            }
            Screen::Signals(_) => (0..chart::Panel::ALL.len()).collect(),
            _ => return,
        };
        let place = &mut self.history.here_mut().place;
        let to = panes::after(place.pane, &there);
        panes::focus(place, to);
    }

    /// Goes into a row.
    pub(super) fn enter_row(&mut self, item: Item) {
        let charts = self.here().place.pane == panes::CHARTS;
        let screen = match &self.here().screen {
            Screen::Overview if charts => Screen::Signals(item.object),
            Screen::Rollout(object) if charts => Screen::Signals(object.clone()),
            Screen::Alerts => return self.enter_alert(&item),
            _ => match self.inside(item.object) {
                Some(screen) => screen,
                None => return,
            },
        };
        self.history.open(screen);
    }

    /// The screen that shows an object best.
    fn inside(&self, object: ObjectRef) -> Option<Screen> {
        match &*object.kind {
            "Pod" => {
                let mut pods = self.cluster.pods.iter();
                let pod = pods.find(|p| p.name == object.name && p.namespace == object.namespace);
                let mute = pod.is_none_or(|pod| {
                    matches!(
                        pod.trouble,
                        Some(
                            Trouble::Image { .. }
                                | Trouble::Create { .. }
                                | Trouble::Unschedulable { .. }
                        )
                    )
                });
                // What never ran has no logs.
                Some(if mute {
                    Screen::Describe(object)
                } else {
                    Screen::Logs(object)
                })
            }
            "Deployment" | "StatefulSet" | "DaemonSet" => Some(Screen::Rollout(object)),
            "Alert" => Some(match self.workload_behind(&object) {
                Some(workload) => Screen::Rollout(workload),
                None => Screen::Alerts,
            }),
            "" => None,
            _ => Some(Screen::Describe(object)),
        }
    }

    /// To the service an alert names; else to its pod, else to its namespace.
    fn enter_alert(&mut self, item: &Item) {
        let Some(alert) = self.alerts.iter().find(|a| a.fingerprint == item.id) else {
            return;
        };
        let namespace = alert.namespace().cloned();
        let pod = alert.labels.get("pod").zip(namespace.as_ref());
        let pod = pod.map(|(pod, namespace)| ObjectRef::new("Pod", namespace, pod));
        let workload = self
            .workload_behind(&item.object)
            .or_else(|| self.workload_behind(pod.as_ref()?));
        let elsewhere = namespace.filter(|namespace| !self.target.scope.holds(namespace));
        match (workload, elsewhere) {
            (Some(workload), _) => self.history.open(Screen::Rollout(workload)),
            (None, Some(namespace)) => {
                self.history.open(Screen::Namespaces);
                self.history.here_mut().place.cursor = Some((&*namespace).into());
            }
            (None, None) => {
                let text = "This alert names no workload that is here; X and the lines below say what it knows.";
                self.mention(text);
            }
        }
    }

    /// The timeline; from a row, of what the row is about.
    pub(super) fn open_timeline(&mut self) {
        let about = match self.here().screen {
            Screen::Alerts | Screen::Timeline | Screen::Runbooks | Screen::Runs => None,
            _ => self.workload_here(),
        };
        self.history.open(Screen::Timeline);
        if let Some(object) = about {
            self.history.here_mut().place.filter = object.name.to_string();
        }
    }

    /// Obeys what is asked of a row or a chart.
    pub(super) fn obey_on_screen(&mut self, command: &Command) {
        match command {
            Command::Rollout => self.open_workload(Screen::Rollout),
            Command::Signals => self.open_workload(Screen::Signals),
            Command::Owner => self.open_owner(),
            Command::Links if links::links(self).is_empty() => {
                self.mention("No links: no alert, revision or annotation of this names one.");
            }
            Command::Links => self.layers.push(Layer::Links { chosen: 0 }),
            Command::Explain => self.layers.push(Layer::Explain { top: 0 }),
            Command::Split => self.split_next(),
            Command::Baseline => self.baseline = !self.baseline,
            Command::Earlier => self.move_in_charts(-1),
            Command::Later => self.move_in_charts(1),
            Command::Mark => self.mark(),
            _ => {}
        }
    }

    /// Copies the chosen link; what is not about the links closes nothing.
    pub(super) fn obey_in_links(&mut self, mut chosen: usize, command: &Command) -> Vec<Effect> {
        use super::command::Motion;
        let links = links::links(self);
        match command {
            Command::Enter | Command::Copy => {
                let Some(link) = links.get(chosen.min(links.len().saturating_sub(1))) else {
                    return Vec::new();
                };
                self.mention(super::links::COPIED);
                return vec![Effect::Copy(link.text.clone())];
            }
            Command::Back | Command::Links | Command::Quit => return Vec::new(),
            Command::Move(Motion::Up) => chosen = chosen.saturating_sub(1),
            Command::Move(Motion::Down) => chosen = (chosen + 1).min(links.len().saturating_sub(1)),
            Command::Move(Motion::First) => chosen = 0,
            Command::Move(Motion::Last) => chosen = links.len().saturating_sub(1),
            _ => {}
        }
        self.layers.push(Layer::Links { chosen });
        Vec::new()
    }

    fn open_workload(&mut self, screen: fn(ObjectRef) -> Screen) {
        match self.workload_here() {
            Some(object) => self.history.open(screen(object)),
            None => self.mention("No workload is behind this."),
        }
    }

    fn open_owner(&mut self) {
        let Some(item) = list::selected(self) else {
            return;
        };
        let owner = self.workload_behind(&item.object);
        match owner {
            Some(owner) if owner != item.object => self.history.open(Screen::Rollout(owner)),
            Some(owner) => {
                let manager = self.workload_named(&owner).and_then(|w| w.manager.clone());
                let text = match manager {
                    Some(manager) => format!("{owner} is managed by {manager}."),
                    None => format!("Nothing owns {owner}, as far as its labels say."),
                };
                self.mention(&text);
            }
            None => self.mention("Its owner is not among the workloads watched here."),
        }
    }

    fn mark(&mut self) {
        let Some(item) = list::selected(self) else {
            return;
        };
        let marked = &mut self.history.here_mut().place.marked;
        match marked.iter().position(|id| *id == item.id) {
            Some(index) => drop(marked.remove(index)),
            None => marked.push(item.id),
        }
    }

    /// Says something in the last row for a moment.
    fn mention(&mut self, text: &str) {
        let text = text.to_owned();
        self.notice = Some((Notice { text, error: false }, self.now + SHOWN));
    }
}
