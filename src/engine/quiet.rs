//! Services without a series: where there are many services, those of which a source knows nothing are asked about once a
//! minute, and at every interval only the others. What was last read of them, all unknown, stands meanwhile.

use crate::app::message::Fact;
use crate::app::wants::{RangeWant, Subject, Wants};
use crate::domain::signal::{Name, Reading, ServiceSignals, SignalSeries};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Of so few services all are asked about every time.
const FEW: usize = 100;
/// All are asked about again after so long.
const ALL: Duration = Duration::from_mins(1);
/// One that had series, or came later than the rest, must be silent so long before it is asked about rarely.
const PATIENCE: Duration = Duration::from_mins(5);

/// What a source says of the moment.
#[derive(Debug, Default)]
pub struct Answer {
    /// Ranges.
    pub ranges: BTreeMap<RangeWant, Vec<SignalSeries>>,
    /// Readings.
    pub readings: Vec<ServiceSignals>,
    /// Services that were not asked about: what was last read of them stands.
    pub resting: Arc<HashSet<Name>>,
}

impl Answer {
    /// The ranges first: a verdict that knows the figure should know since when.
    pub fn facts(self) -> Vec<Fact> {
        let ranges = self.ranges.into_iter();
        let ranges = ranges.map(|(want, series)| Fact::Range(want, series));
        ranges
            .chain([Fact::Signals(self.readings, self.resting)])
            .collect()
    }
}

/// Which services of a source rest.
#[derive(Debug, Default)]
pub struct Quiet {
    /// When all were last asked about, and which hurry that obeyed.
    all: Option<(Instant, u64)>,
    /// Since when those that are asked about have had no series.
    silent: HashMap<Name, Instant>,
    /// Those that rest.
    resting: Arc<HashSet<Name>>,
    /// The services that were last wanted.
    known: Arc<Vec<Subject>>,
}

impl Quiet {
    /// The services to be asked about now. A hurry, and a chart of one of them, wakes those that rest.
    pub fn due(&mut self, wants: &Wants, hurry: u64, now: Instant) -> Vec<Subject> {
        let subjects = &wants.subjects;
        let rested = self
            .all
            .is_none_or(|(at, obeyed)| obeyed != hurry || now.duration_since(at) >= ALL);
        if subjects.len() <= FEW || rested {
            self.resting = Arc::default();
            return subjects.to_vec();
        }
        let charted: HashSet<&Name> = wants
            .ranges
            .iter()
            .filter_map(|want| want.service.as_ref())
            .collect();
        let awake = |subject: &&Subject| {
            let name = name(subject);
            !self.resting.contains(&name) || charted.contains(&name)
        };
        let mut due: Vec<Subject> = subjects.iter().filter(awake).cloned().collect();
        // Where all rest, one of them shows whether the source still answers.
        if due.is_empty() {
            due.extend(subjects.first().cloned());
        }
        for subject in &due {
            Arc::make_mut(&mut self.resting).remove(&name(subject));
        }
        due
    }

    /// Takes in what was answered: who has nothing rests, and what was last read of those that rest is added.
    pub fn hear(&mut self, answer: &mut Answer, wants: &Wants, hurry: u64, now: Instant) {
        if wants.subjects.len() <= FEW {
            *self = Self::default();
            return;
        }
        let first = self.all.is_none();
        let of = |reading: &ServiceSignals| (reading.namespace.clone(), reading.service.clone());
        let heard: HashSet<Name> = answer.readings.iter().map(of).collect();
        let series = answer.ranges.values().flatten();
        let drawn = series.filter(|series| series.series.points() > 0);
        let mut busy: HashSet<Name> = drawn
            .map(|series| (series.namespace.clone(), series.service.clone()))
            .collect();
        let read = answer.readings.iter().filter(|reading| measured(reading));
        busy.extend(read.map(of));
        if self.resting.is_empty() {
            self.all = Some((now, hurry));
        }
        answer.resting = self.resting.clone();
        for name in heard {
            if busy.contains(&name) {
                self.silent.remove(&name);
                continue;
            }
            let since = *self.silent.entry(name.clone()).or_insert(now);
            if first || now.duration_since(since) >= PATIENCE {
                // So that it rests again at once after all were asked about.
                self.silent
                    .insert(name.clone(), now.checked_sub(PATIENCE).unwrap_or(now));
                Arc::make_mut(&mut self.resting).insert(name);
            }
        }
        if !Arc::ptr_eq(&self.known, &wants.subjects) {
            self.known = wants.subjects.clone();
            let known: HashSet<Name> = self.known.iter().map(name).collect();
            self.silent.retain(|name, _| known.contains(name));
            Arc::make_mut(&mut self.resting).retain(|name| known.contains(name));
        }
    }
}

fn name(subject: &Subject) -> Name {
    (subject.namespace.clone(), subject.name.clone())
}

fn measured(signals: &ServiceSignals) -> bool {
    let known = |reading: &Reading| reading.value().is_some();
    signals.readings.iter().any(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::SignalName;
    use crate::domain::workload::WorkloadKind;
    use jiff::Timestamp;

    fn wants(count: usize) -> Wants {
        let subject = |number: usize| Subject {
            kind: WorkloadKind::Deployment,
            namespace: "crowd".into(),
            name: format!("service-{number}").into(),
            versions: Vec::new(),
        };
        Wants {
            subjects: Arc::new((0..count).map(subject).collect()),
            ..Wants::default()
        }
    }

    /// Asks, and answers that only these have traffic; gives how many were asked about and how many were told of.
    fn turn(
        quiet: &mut Quiet,
        wants: &Wants,
        busy: &[&str],
        hurry: u64,
        now: Instant,
    ) -> (usize, usize) {
        let due = quiet.due(wants, hurry, now);
        let reading = |subject: &Subject| {
            let mut signals = ServiceSignals::unknown(
                &subject.namespace,
                &subject.name,
                Timestamp::UNIX_EPOCH,
                "no series",
            );
            if busy.contains(&&*subject.name) {
                signals.set(SignalName::Requests, Reading::Known(1.0));
            }
            signals
        };
        let mut answer = Answer {
            readings: due.iter().map(reading).collect(),
            ..Answer::default()
        };
        quiet.hear(&mut answer, wants, hurry, now);
        (due.len(), answer.readings.len() + answer.resting.len())
    }

    #[test]
    fn of_many_services_only_those_with_series_are_asked_about_every_time() {
        let (mut quiet, wants, begun) = (Quiet::default(), wants(300), Instant::now());
        let busy = ["service-1", "service-2"];
        assert_eq!(turn(&mut quiet, &wants, &busy, 0, begun), (300, 300));
        let soon = begun + Duration::from_secs(5);
        assert_eq!(turn(&mut quiet, &wants, &busy, 0, soon), (2, 300));
        assert_eq!(
            turn(&mut quiet, &wants, &busy, 1, soon),
            (300, 300),
            "a hurry asks about all"
        );
        assert_eq!(
            turn(&mut quiet, &wants, &busy, 1, soon + ALL),
            (300, 300),
            "as does a minute"
        );
        assert_eq!(turn(&mut quiet, &wants, &busy, 1, soon + ALL), (2, 300));
    }

    #[test]
    fn a_service_that_had_series_is_not_given_up_at_once() {
        let (mut quiet, wants, begun) = (Quiet::default(), wants(300), Instant::now());
        turn(&mut quiet, &wants, &["service-1"], 0, begun);
        for seconds in [5, 10] {
            let now = begun + Duration::from_secs(seconds);
            assert_eq!(turn(&mut quiet, &wants, &[], 0, now), (1, 300));
        }
        let late = begun + Duration::from_secs(5) + PATIENCE;
        assert_eq!(turn(&mut quiet, &wants, &[], 0, late), (300, 300));
        let later = late + Duration::from_secs(5);
        assert_eq!(
            turn(&mut quiet, &wants, &[], 0, later),
            (1, 300),
            "one shows that the source answers"
        );
    }

    #[test]
    fn few_services_never_rest() {
        let (mut quiet, wants, now) = (Quiet::default(), wants(FEW), Instant::now());
        for _ in 0..3 {
            assert_eq!(turn(&mut quiet, &wants, &[], 0, now), (FEW, FEW));
        }
    }
}
