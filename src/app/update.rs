//! The only place the App changes: one message in, effects out. Each family of commands has a file of its own; this one
//! hands them on.

use super::command::Command;
use super::effect::Effect;
use super::incidents::sheet::Aim;
use super::kind::Kind;
use super::layer::{Layer, Line};
use super::message::{ClusterFact, Fact, Message, Notice, SourceNews, WatchNews};
use super::motion::scroll;
use super::screen::Screen;
use super::services::Grounds;
use super::signals::hear;
use super::state::{App, HORIZON, seconds_of};
use super::{headline, list};
use crate::domain::link::Source;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use jiff::{SignedDuration, Timestamp};

/// A message of ours stays this long in the last row; an error until a key.
const NOTICE: SignedDuration = SignedDuration::from_secs(4);
/// A second interrupt within this time leaves.
const TWICE: SignedDuration = SignedDuration::from_secs(2);

impl App {
    /// Takes in what happened by now. Call [`App::refresh`] after the last of a batch.
    pub fn update(&mut self, message: Message, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        match message {
            Message::Fact(fact) => self.learn(fact),
            Message::Command(command) => {
                let before = self.here().screen.clone();
                let mut effects = self.obey(command);
                effects.extend(self.reread_runs(&before));
                effects
            }
            Message::Tick => {
                self.cluster.tick(now);
                self.signals.forget_ranges(&self.wants().ranges);
                let restless = self.services.restless();
                self.judge(&restless);
                // A source may fall silent without a word.
                self.judge_all |= self.was_blind != self.signals.blind(now).is_some();
                let oldest = self.changes.last().map(|change| change.at);
                self.changes_stale |= oldest.is_some_and(|at| at < now - HORIZON);
                if self
                    .notice
                    .as_ref()
                    .is_some_and(|(notice, until)| !notice.error && *until <= now)
                {
                    self.notice = None;
                }
                self.tick_run()
            }
        }
    }

    /// Whether what a fact says may wait for the clock's next tick: figures that are asked for every few seconds, once there are
    /// some.
    pub fn can_wait(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Signals(..) | Fact::Source(Source::Prometheus, SourceNews::Heard) => {
                self.signals.answered()
            }
            Fact::Range(want, _) => !self.signals.range(want).is_empty(),
            Fact::Alerts(_) | Fact::Source(Source::Alertmanager, SourceNews::Heard) => {
                self.alerts_link.trusted(self.now)
            }
            _ => false,
        }
    }

    /// Judges what the last messages touched; once a batch, however many they were.
    pub fn refresh(&mut self) -> Vec<Effect> {
        self.cluster.refresh_subjects();
        self.roster.follow(&self.cluster, self.signals.pages());
        let dirty = self.cluster.take_dirty();
        if std::mem::take(&mut self.judge_all) {
            self.was_blind = self.signals.blind(self.now).is_some();
            let all = self.cluster.all_workloads();
            let all: Vec<Uid> = all.map(|workload| workload.uid.clone()).collect();
            self.judge(all.iter().chain(&dirty));
        } else {
            self.judge(&dirty);
        }
        self.services.arrange(self.now, self.last_move);
        let told = self.cluster.revised() + self.services.told();
        self.changes_stale |= std::mem::replace(&mut self.told_of, told) != told;
        if std::mem::take(&mut self.changes_stale) {
            self.retell();
        }
        self.raise_question();
        self.headline = headline::headline(self);
        let mut effects = self.watch_drill();
        self.turn_to_screen();
        effects.extend(self.announce());
        effects.extend(self.noticed());
        effects
    }

    /// Calls for attention when the level changes to or from trouble; once for each change, and not for what was found at the start.
    fn announce(&mut self) -> Vec<Effect> {
        if !self.settled() {
            return Vec::new();
        }
        let level = self.headline.level;
        let Some(before) = self.announced.replace(level) else {
            return Vec::new();
        };
        let loud = |level: Level| matches!(level, Level::Failing | Level::Unknown);
        if before == level || !(loud(before) || loud(level)) {
            return Vec::new();
        }
        vec![Effect::Attention(format!(
            "{}: {}",
            level.word(),
            self.headline.text
        ))]
    }

    fn judge<'a>(&mut self, uids: impl IntoIterator<Item = &'a Uid>) {
        let Self {
            services,
            cluster,
            signals,
            alerts,
            settings,
            now,
            ..
        } = self;
        services.refresh(
            uids,
            &Grounds {
                cluster,
                signals,
                alerts,
                limits: &settings.limits,
                now: *now,
            },
        );
    }

    fn learn(&mut self, fact: Fact) -> Vec<Effect> {
        let now = self.now;
        match fact {
            Fact::Cluster(ClusterFact::Watch(kind, news)) => self.hear_watch(kind, news),
            Fact::Cluster(fact) => self.cluster.learn(fact, now),
            Fact::Identity {
                user,
                cluster_uid,
                environment,
            } => {
                self.target.user = user;
                self.target.cluster_uid = cluster_uid;
                self.target.environment = environment;
            }
            Fact::Source(Source::Prometheus, news) => {
                self.judge_all |= self.signals.hear(news, now);
            }
            Fact::Source(Source::Alertmanager, news) => hear(&mut self.alerts_link, news, now),
            Fact::Source(Source::Kubernetes, _) => {}
            Fact::Signals(readings, resting) => {
                let changed = self.signals.learn(readings, &resting);
                let wanted = self.wants().ranges;
                let trailed = self.signals.follow_trail(&wanted, now);
                self.cluster.touch(changed.iter().chain(&trailed));
            }
            Fact::Range(want, series) => {
                let changed = self.signals.learn_range(want, series);
                self.cluster.touch(&changed);
            }
            Fact::Alerts(mut alerts) => {
                alerts.sort_by(|a, b| {
                    (a.severity, a.since, &a.name, &a.fingerprint).cmp(&(
                        b.severity,
                        b.since,
                        &b.name,
                        &b.fingerprint,
                    ))
                });
                if self.alerts != alerts {
                    self.alerts = alerts;
                    self.judge_all = true;
                    self.changes_stale = true;
                }
            }
            Fact::Run(news) => return self.learn_run(news),
            Fact::Incident(news) => self.learn_incident(news),
            Fact::Reading(news) => self.reading.learn(news, now),
            Fact::Notice(notice) => self.say(notice),
        }
        Vec::new()
    }

    /// What a watch says of itself; that less can be seen than was wanted is said in words, once.
    fn hear_watch(&mut self, kind: Kind, news: WatchNews) {
        let before = self.cluster.restriction(kind);
        self.cluster.learn(ClusterFact::Watch(kind, news), self.now);
        let after = self.cluster.restriction(kind);
        if let Some(text) = after.clone().filter(|_| after != before) {
            self.say(Notice { text, error: true });
        }
    }

    fn say(&mut self, notice: Notice) {
        self.notice = Some((notice, self.now + NOTICE));
    }

    /// A sentence for the last row.
    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.say(Notice {
            text: text.into(),
            error: false,
        });
    }

    fn obey(&mut self, command: Command) -> Vec<Effect> {
        if self.notice.as_ref().is_some_and(|(notice, _)| notice.error) {
            self.notice = None;
        }
        if command.is_about_runs() {
            return self.obey_run(command);
        }
        if let Some(layer) = self.layers.pop() {
            return self.obey_in_layer(layer, command);
        }
        let taken = self
            .obey_drill(&command)
            .or_else(|| self.obey_desk(&command))
            .or_else(|| self.obey_incident(&command))
            .or_else(|| self.browse(&command));
        if let Some(effects) = taken {
            return effects;
        }
        match command {
            Command::Move(motion) => self.move_cursor(motion),
            Command::Enter => self.enter(),
            Command::Escape if self.here().place.at.is_some() => {
                self.history.here_mut().place.at = None;
            }
            Command::Escape if !self.here().place.filter.is_empty() => {
                self.history.here_mut().place.filter.clear();
            }
            Command::Escape => drop(self.history.back()),
            Command::Back if !self.history.back() => self.leave(),
            Command::Back => {}
            Command::Quit => self.leave(),
            Command::Interrupt => return self.interrupt(),
            Command::NextPane => self.next_pane(),
            Command::Older => drop(self.history.back()),
            Command::Newer => drop(self.history.forward()),
            Command::LastView => self.history.last_view(),
            Command::Open(screen) => self.history.open(screen),
            Command::Timeline => self.open_timeline(),
            Command::Help => self.layers.push(Layer::Help { top: 0 }),
            Command::Palette => self.layers.push(Layer::Palette {
                line: Line::default(),
                chosen: 0,
            }),
            Command::Filter => {
                let text = self.here().place.filter.clone();
                self.layers.push(Layer::Filter {
                    line: Line { text },
                });
            }
            Command::FaultsOnly => {
                let place = &mut self.history.here_mut().place;
                place.faults_only = !place.faults_only;
            }
            Command::Range(digit) => self.choose_range(digit),
            Command::Refresh => {
                self.tell("Asking every source again.");
                return vec![Effect::AskNow];
            }
            Command::Copy => return self.copy(),
            Command::Act(wish) => return self.act(&wish),
            command => self.obey_on_screen(&command),
        }
        Vec::new()
    }

    fn interrupt(&mut self) -> Vec<Effect> {
        if let Some(effects) = self.interrupt_run() {
            self.tell("Stopping after this step. Press ctrl-c again to leave.");
            return effects;
        }
        if self.notice.as_ref().is_some_and(|(notice, until)| {
            let asked = ["Nothing is running", "The run waits", "Stopping after"];
            asked.iter().any(|text| notice.text.starts_with(text))
                && *until - NOTICE + TWICE > self.now
        }) {
            self.leaving = true;
        } else if self.runs.active().is_some() {
            self.tell("The run waits and can be taken up again. Press ctrl-c again to leave.");
        } else {
            self.tell("Nothing is running. Press ctrl-c again to leave.");
        }
        Vec::new()
    }

    fn obey_in_layer(&mut self, mut layer: Layer, command: Command) -> Vec<Effect> {
        if let Layer::Form(form) = layer {
            return self.obey_form(form, command);
        }
        if let Layer::Sheet(sheet) = &layer
            && let Aim::Start(id) = &sheet.aim
        {
            return self.obey_start(&id.clone(), (**sheet).clone(), &command);
        }
        if let Layer::Sheet(sheet) = layer {
            return self.obey_sheet(*sheet, &command);
        }
        match (&mut layer, command) {
            (_, Command::Escape) => return Vec::new(),
            (Layer::Help { .. }, Command::Back | Command::Help | Command::Quit) => {
                return Vec::new();
            }
            (Layer::Help { top }, Command::Move(motion)) => {
                *top = scroll(*top, motion, self.height);
            }
            (Layer::Filter { line }, Command::Enter) => {
                self.history.here_mut().place.filter = line.text.clone();
                self.seek();
                return Vec::new();
            }
            (Layer::Palette { line, chosen }, command) => {
                let said = self.obey_in_palette(std::mem::take(line), *chosen, command);
                return said.map_or_else(|effects| effects, |command| self.obey(command));
            }
            (Layer::Links { chosen }, command) => return self.obey_in_links(*chosen, &command),
            (Layer::Explain { .. }, Command::Back | Command::Explain | Command::Quit) => {
                return Vec::new();
            }
            (Layer::Explain { .. }, Command::Links) => return self.obey(Command::Links),
            (Layer::Explain { top }, Command::Move(motion)) => {
                *top = scroll(*top, motion, self.height);
            }
            (Layer::Narrow { .. }, Command::Enter) => return Vec::new(),
            (Layer::Narrow { line }, command) => {
                type_into(line, command);
            }
            (layer, command) => {
                if let Some(line) = layer.line_mut() {
                    type_into(line, command);
                }
            }
        }
        if let Layer::Filter { line } = &layer {
            self.history.here_mut().place.filter = line.text.clone();
        }
        if let Layer::Narrow { line } = &layer {
            self.reading.logs.narrow(&line.text);
        }
        self.layers.push(layer);
        Vec::new()
    }

    fn enter(&mut self) {
        let Some(item) = list::selected(self) else {
            return;
        };
        self.enter_row(item);
    }

    fn choose_range(&mut self, digit: u8) {
        self.range_s = seconds_of(digit);
        self.history.here_mut().place.at = None;
    }

    fn copy(&mut self) -> Vec<Effect> {
        let text = match list::selected(self) {
            Some(item) if self.here().screen != Screen::Overview => item.object.name.to_string(),
            _ => super::links::update_to_paste(self),
        };
        self.tell(super::links::COPIED);
        vec![Effect::Copy(text)]
    }
}

fn type_into(line: &mut Line, command: Command) {
    match command {
        Command::Type(c) => line.push(c),
        Command::Paste(text) => text.chars().for_each(|c| line.push(c)),
        Command::Erase => drop(line.text.pop()),
        Command::EraseAll => line.text.clear(),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
