//! The state of the console, and the questions every screen asks of it.

use super::changes::Change;
use super::cluster::Cluster;
use super::layer::Layer;
use super::message::Notice;
use super::own_links::OwnLink;
use super::palette::Offer;
use super::reading::Reading;
use super::roster::Roster;
use super::runs::Runs;
use super::screen::{History, Screen, Visit};
use super::services::{Limits, Services};
use super::signals::Signals;
use super::wants::SplitBy;
use crate::domain::alert::Alert;
use crate::domain::link::{Link, LinkState, Rhythm, Source};
use crate::domain::rollout::Revision;
use crate::domain::target::Target;
use crate::domain::verdict::Level;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What the configuration settles for the App.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What counts as too much.
    pub limits: Limits,
    /// How often Prometheus is asked.
    pub interval: SignedDuration,
    /// How often Alertmanager is asked.
    pub alerts_interval: SignedDuration,
    /// Links of one's own.
    pub links: Vec<OwnLink>,
    /// Who answers for a service.
    pub owners: BTreeMap<String, Vec<String>>,
    /// Whether nothing may be changed from here, whatever the environment says: it cannot be armed away.
    pub read_only: bool,
    /// Whether this is the simulated platform.
    pub simulated: bool,
    /// Which columns a table shows, by its name, in this order; the shipped ones where it is not named.
    pub columns: std::collections::BTreeMap<String, Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            interval: SignedDuration::from_secs(5),
            read_only: false,
            alerts_interval: SignedDuration::from_secs(5),
            links: Vec::new(),
            owners: BTreeMap::new(),
            simulated: false,
            columns: std::collections::BTreeMap::new(),
        }
    }
}

/// Row 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// How well the target is.
    pub level: Level,
    /// Whether something is being rolled out and nothing is worse.
    pub moving: bool,
    /// The sentence.
    pub text: String,
    /// The same in fewer words, for narrow terminals.
    pub brief: String,
    /// And in the fewest.
    pub least: String,
}

impl Headline {
    /// One sentence, however wide the terminal.
    pub fn of(level: Level, text: String) -> Self {
        Self {
            level,
            moving: false,
            brief: text.clone(),
            least: text.clone(),
            text,
        }
    }
}

impl Default for Headline {
    fn default() -> Self {
        Self::of(Level::Unknown, "nothing heard yet".into())
    }
}

/// The state of the console.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of one thing whether it is to be done again"
)]
#[derive(Debug)]
pub struct App {
    /// Where it looks.
    pub target: Target,
    /// What the configuration settled.
    pub settings: Settings,
    /// What the API server said.
    pub cluster: Cluster,
    /// The pods that are spoken of to signal sources.
    pub roster: Roster,
    /// What the signal source said.
    pub signals: Signals,
    /// What Alertmanager said.
    pub alerts: Vec<Alert>,
    /// The link to Alertmanager.
    pub alerts_link: Link,
    /// The judged workloads.
    pub services: Services,
    /// What changed, newest first.
    pub changes: Vec<Change>,
    /// Row 2.
    pub headline: Headline,
    /// Runbooks and runs.
    pub runs: Runs,
    /// Where the operator is with them.
    pub desk: super::desk::Desk,
    /// Incidents.
    pub incidents: super::incidents::Incidents,
    /// The drill, where this is one.
    pub drill: Option<Box<super::drill::Drill>>,
    /// The screens visited.
    pub history: History,
    /// What lies over the screen, the top last.
    pub layers: Vec<Layer>,
    /// The sentence in the last row, and until when.
    pub notice: Option<(Notice, Timestamp)>,
    /// The chosen time range in seconds; `None` opens on the trouble.
    pub range_s: Option<u32>,
    /// How charts are split.
    pub split: SplitBy,
    /// Whether last week's line is drawn.
    pub baseline: bool,
    /// The present, as of the last message.
    pub now: Timestamp,
    /// Whether the operator wants to leave.
    pub leaving: bool,
    /// Until when changes are allowed, where they are.
    pub armed_until: Option<Timestamp>,
    /// The height of the screen, for pages.
    pub height: u16,
    /// The width of the screen, for what is in view.
    pub width: u16,
    /// Whether charts make room for tables.
    pub compact: bool,
    /// Whether tables show the columns that are dropped first when room is short.
    pub wide: bool,
    /// What the palette offers because a key does it.
    pub keyed_offers: Vec<Offer>,
    /// What is read one thing at a time.
    pub reading: Reading,
    pub(super) last_move: Option<Timestamp>,
    /// What was told of changes before.
    pub(super) told: super::told::Told,
    pub(super) changes_stale: bool,
    /// Whether every workload is to be judged anew.
    pub(super) judge_all: bool,
    /// Whether signals could not be believed when workloads were last judged.
    pub(super) was_blind: bool,
    /// The state of releases and judgements that the changes were told from.
    pub(super) told_of: u64,
    /// The level attention was last called for.
    pub(super) announced: Option<Level>,
}

/// Changes older than this are not on the overview.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(24);

/// The time range of a digit, the same everywhere, in seconds; none for now.
pub fn seconds_of(digit: u8) -> Option<u32> {
    let minutes = match digit {
        1 => 5,
        2 => 15,
        3 => 30,
        4 => 60,
        5 => 6 * 60,
        6 => 24 * 60,
        _ => return None,
    };
    Some(minutes * 60)
}

impl App {
    /// A console that has heard nothing yet.
    pub fn new(target: Target, settings: Settings, open: Screen, now: Timestamp) -> Self {
        let (interval, alerts) = (settings.interval, settings.alerts_interval);
        Self {
            target,
            settings,
            cluster: Cluster::default(),
            roster: Roster::default(),
            signals: Signals::new(interval),
            alerts: Vec::new(),
            alerts_link: Link::new(Rhythm::Poll(alerts)),
            services: Services::default(),
            changes: Vec::new(),
            headline: Headline::default(),
            runs: Runs::default(),
            desk: super::desk::Desk::default(),
            incidents: super::incidents::Incidents::default(),
            drill: None,
            history: History::new(open),
            layers: Vec::new(),
            notice: None,
            range_s: None,
            split: SplitBy::Whole,
            baseline: false,
            now,
            leaving: false,
            armed_until: None,
            height: 40,
            width: 120,
            compact: false,
            wide: false,
            keyed_offers: Vec::new(),
            reading: Reading::default(),
            last_move: None,
            told: super::told::Told::default(),
            changes_stale: false,
            judge_all: false,
            was_blind: false,
            told_of: 0,
            announced: None,
        }
    }

    /// The screen shown and where its cursor stands.
    pub fn here(&self) -> &Visit {
        self.history.here()
    }

    /// The state of a source's link.
    pub fn link(&self, source: Source) -> LinkState {
        match source {
            Source::Kubernetes => self.cluster.link(self.now),
            Source::Prometheus => self.signals.link.state(self.now),
            Source::Alertmanager => self.alerts_link.state(self.now),
        }
    }

    /// What a source is called in the header: the pods' own pages are not Prometheus.
    pub fn source_name(&self, source: Source) -> &'static str {
        match source {
            Source::Prometheus => self.signals.name(),
            other => other.short(),
        }
    }

    /// Why no figure of the signals can be believed now, where that is so; no gate passes meanwhile.
    pub fn disbelief(&self) -> Option<String> {
        self.signals.blind(self.now).or_else(|| {
            let absent = matches!(self.link(Source::Prometheus), LinkState::Absent(_));
            absent.then(|| "there is no Prometheus".to_owned())
        })
    }

    /// Whether every source has answered once or said that it will not: the moment from which a verdict may be read.
    pub fn settled(&self) -> bool {
        let polled = |state: LinkState, answered: bool| match state {
            LinkState::Connecting => false,
            LinkState::Live(_) | LinkState::Quiet(_) => answered,
            LinkState::Stale { .. } | LinkState::Absent(_) => true,
        };
        let cluster = match self.link(Source::Kubernetes) {
            LinkState::Connecting => false,
            LinkState::Live(_) | LinkState::Quiet(_) => self.cluster.listed(),
            LinkState::Stale { .. } | LinkState::Absent(_) => true,
        };
        // Where there is nothing to measure, nobody is asked for figures.
        let measured = self.cluster.subjects().is_empty()
            || polled(self.link(Source::Prometheus), self.signals.answered());
        cluster && measured && polled(self.link(Source::Alertmanager), true)
    }

    /// The pods behind an object: itself, or those of the workload it names.
    pub fn pods_of<'a>(
        &'a self,
        object: &'a crate::domain::object::ObjectRef,
    ) -> Box<dyn Iterator<Item = &'a crate::domain::pod::Pod> + 'a> {
        if &*object.kind == "Pod" {
            return Box::new(
                self.cluster
                    .pods
                    .iter()
                    .filter(|pod| pod.name == object.name && pod.namespace == object.namespace),
            );
        }
        if &*object.kind == "ReplicaSet" {
            let named =
                |set: &&Revision| set.name == object.name && set.namespace == object.namespace;
            let set = self.cluster.revisions.iter().find(named);
            return Box::new(
                set.into_iter()
                    .flat_map(|set| self.cluster.pods_owned_by(&set.uid)),
            );
        }
        match self
            .cluster
            .all_workloads()
            .find(|workload| workload.object() == *object)
        {
            Some(workload) => Box::new(self.cluster.pods_of(workload)),
            None => Box::new(std::iter::empty()),
        }
    }

    /// What the terminal's title says: level, subject, place.
    pub fn title(&self) -> String {
        let worst = self
            .services
            .in_order()
            .next()
            .filter(|row| row.level() != Level::Healthy);
        let subject = worst.map_or_else(
            || self.target.scope.to_string(),
            |row| row.object.name.to_string(),
        );
        format!(
            "{} {subject} · {}",
            self.headline.level.word(),
            self.target.context
        )
    }

    /// Whether changes are allowed now: nowhere where the configuration says so, in a guarded environment while armed.
    pub fn armed(&self) -> bool {
        let armed = self.armed_until.is_some_and(|until| self.now < until);
        !self.settings.read_only && (armed || !self.target.environment.guarded)
    }
}
