//! What the present screen and the verdicts need from outside.

use super::screen::Screen;
use super::state::App;
use super::wants::{RangeWant, SplitBy, Wants};

/// The overview's charts reach back at least this far.
const CHART_SPAN_S: u32 = 900;
/// And this long before the trouble.
const BEFORE_ONSET_S: i64 = 600;

impl App {
    /// The span of charts: as chosen, else from ten minutes before the worst trouble began, a quarter of an hour at least.
    pub fn span_s(&self) -> u32 {
        self.range_s.unwrap_or_else(|| {
            let onset = self.services.tally().onset;
            let back = onset.map_or(0, |onset| {
                self.now.duration_since(onset).as_secs() + BEFORE_ONSET_S
            });
            // In whole steps, so that a growing span does not ask a new question every second.
            [CHART_SPAN_S, 1800, 3600, 3 * 3600, 6 * 3600, 24 * 3600]
                .into_iter()
                .find(|span| i64::from(*span) >= back)
                .unwrap_or(24 * 3600)
        })
    }

    /// The range questions behind the overview's charts, which the verdicts rest on too.
    pub fn overview_ranges(&self) -> [RangeWant; 2] {
        use crate::domain::signal::SignalName::{ErrorRatio, P99};
        [ErrorRatio, P99].map(|signal| RangeWant::of(None, signal, SplitBy::Whole, self.span_s()))
    }

    /// Whether nothing is wrong and nothing moves, as far as is known.
    fn calm(&self) -> bool {
        let tally = self.services.tally();
        tally.unwell == 0 && tally.rolling.is_none() && self.runs.active().is_none()
    }

    /// What is needed from outside now.
    pub fn wants(&self) -> Wants {
        use super::kind::Kind::{DaemonSets, Deployments, Events, Pods, ReplicaSets, StatefulSets};
        let mut wants = Wants {
            subjects: self.cluster.subjects(),
            pods: self.roster.names(),
            pages: self.roster.pages(),
            watches: [Pods, Deployments, ReplicaSets, StatefulSets, DaemonSets].into(),
            signals: true,
            ranges: self.overview_ranges().into(),
            calm: self.calm(),
            alerts: true,
            ..Wants::default()
        };
        self.add_screen_wants(&mut wants);
        if self.here().screen == Screen::Timeline || self.incident().is_some() {
            wants.watches.insert(Events);
        }
        self.reading_wants(&mut wants);
        wants
    }
}
