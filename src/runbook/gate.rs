//! Judges signals over time, purely: readings and the present moment in, a verdict out. Absence of evidence is
//! never a pass, and a gap in watching voids what was seen.

mod reading;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::runbook::quantity::{Unit, show_duration, show_figure};
pub use reading::{Mark, Missing, Reading, Sample};
pub use spec::{GateSpec, MetricSpec};

/// Most evaluations kept for judging and drawing.
const MAX_SAMPLES: usize = 4096;

/// How far a gate is, for drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The longest unbroken good stretch that ends now.
    pub held: SignedDuration,
    /// What passes.
    pub hold: SignedDuration,
    /// When it ends whatever happens.
    pub deadline: Timestamp,
    /// When the next evaluation is due.
    pub next: Timestamp,
    /// Evaluations so far.
    pub evaluations: usize,
    /// Requests the last evaluation rests on, the fewest of its metrics'; unknown where none was counted.
    pub requests: Option<u64>,
    /// Requests that are missing.
    pub missing: Option<Missing>,
}

/// What a gate says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Not yet.
    Pending(Progress),
    /// Every metric good for the whole hold.
    Pass,
    /// Judged bad.
    Fail {
        /// The deciding fact.
        why: String,
    },
    /// Not judged.
    Inconclusive {
        /// What was missing.
        why: String,
        /// Watching was interrupted.
        lost: bool,
    },
}

/// A gate being held.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    spec: GateSpec,
    started: Timestamp,
    last: Option<Timestamp>,
    marks: Vec<(Timestamp, Mark)>,
    tracks: Vec<Vec<Sample>>,
    bad: BTreeMap<String, u32>,
    requests: Option<u64>,
    missing: Option<Missing>,
}

impl Gate {
    /// Begins at `now`; `bad` carries over counts of the same gate earlier in the run.
    pub fn new(spec: GateSpec, now: Timestamp, bad: BTreeMap<String, u32>) -> Self {
        let tracks = spec.metrics.iter().map(|_| Vec::new()).collect();
        let bad = if spec.fail_scope_run {
            bad
        } else {
            BTreeMap::new()
        };
        Self {
            spec,
            started: now,
            last: None,
            marks: Vec::new(),
            tracks,
            bad,
            requests: None,
            missing: None,
        }
    }

    /// What is judged.
    pub fn spec(&self) -> &GateSpec {
        &self.spec
    }

    /// The samples of each metric, oldest first, in the order of the metrics.
    pub fn tracks(&self) -> &[Vec<Sample>] {
        &self.tracks
    }

    /// Bad evaluations by metric.
    pub fn bad(&self) -> &BTreeMap<String, u32> {
        &self.bad
    }

    /// When the next evaluation is due.
    pub fn next(&self) -> Timestamp {
        self.last
            .map_or(self.started + self.spec.initial_delay, |last| {
                last + self.spec.interval
            })
    }

    /// When it began.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When it ends whatever happens.
    pub fn ends(&self) -> Timestamp {
        self.started + self.spec.deadline
    }

    /// Time passed without readings: a gap over two intervals, or the deadline.
    pub fn tick(&self, now: Timestamp) -> Verdict {
        if let Some(lost) = self.gap(now) {
            return lost;
        }
        if now >= self.ends() {
            self.at_deadline()
        } else {
            Verdict::Pending(self.progress(now))
        }
    }

    /// One evaluation: a reading for each metric, in order; missing ones are void.
    pub fn observe(&mut self, now: Timestamp, readings: Vec<Reading>) -> Verdict {
        if let Some(lost) = self.gap(now) {
            return lost;
        }
        self.last = Some(now);
        self.missing = None;
        let counted = readings.iter().filter_map(|reading| reading.requests);
        self.requests = counted
            .reduce(f64::min)
            .map(|requests| requests.max(0.0) as u64);
        let mut marks = Vec::new();
        let mut readings = readings.into_iter();
        for index in 0..self.spec.metrics.len() {
            let reading = readings
                .next()
                .unwrap_or_else(|| Reading::unknown("not asked"));
            let sample = self.judge(index, now, &reading);
            marks.push(sample.mark);
            if sample.mark == Mark::Bad {
                *self.bad.entry(self.key(index)).or_default() += 1;
            }
            if let Some(track) = self.tracks.get_mut(index) {
                track.push(sample);
                if track.len() > MAX_SAMPLES {
                    track.remove(0);
                }
            }
        }
        let mark = combine(self.spec.any, &marks);
        self.marks.push((now, mark));
        if self.marks.len() > MAX_SAMPLES {
            self.marks.remove(0);
        }
        self.decide(now, mark)
    }

    fn key(&self, index: usize) -> String {
        self.spec
            .metrics
            .get(index)
            .map_or_else(String::new, |metric| format!("{index}:{}", metric.signal))
    }

    fn gap(&self, now: Timestamp) -> Option<Verdict> {
        let since = self.last.unwrap_or(self.started + self.spec.initial_delay);
        let gap = now.duration_since(since);
        (gap > self.spec.interval * 2).then(|| Verdict::Inconclusive {
            why: format!(
                "observation gap of {}: what was seen before does not count",
                show_duration(SignedDuration::from_secs(gap.as_secs()))
            ),
            lost: true,
        })
    }

    fn judge(&mut self, index: usize, now: Timestamp, reading: &Reading) -> Sample {
        let void = |why: String| Sample {
            at: now,
            value: reading
                .value
                .as_ref()
                .ok()
                .copied()
                .filter(|value| value.is_finite()),
            mark: Mark::Void,
            why: Some(why),
        };
        let Some(metric) = self.spec.metrics.get(index) else {
            return void("not a metric".to_owned());
        };
        if let Some(requests) = reading.requests
            && requests < self.spec.min_requests as f64
        {
            let takes = reading
                .rate
                .filter(|rate| *rate > 0.0 && rate.is_finite())
                .map(|rate| {
                    SignedDuration::from_secs_f64((self.spec.min_requests as f64 / rate).min(1e9))
                });
            let missing = Missing {
                have: requests.max(0.0) as u64,
                need: self.spec.min_requests,
                takes,
            };
            let why = missing.sentence();
            self.missing = Some(missing);
            return void(why);
        }
        let value = match &reading.value {
            Ok(value) if value.is_finite() => *value,
            Ok(_) => return void("the figure is not a number".to_owned()),
            Err(why) => return void(why.clone()),
        };
        let mark = if metric
            .abort
            .as_ref()
            .is_some_and(|abort| abort.holds(value))
        {
            Mark::Fatal
        } else if let Some(relative) = &metric.relative {
            match &reading.baseline {
                Some(Ok(old)) if old.is_finite() && !metric.ok.holds(*old) => {
                    return void(format!(
                        "the old version is bad already: {}",
                        show_figure(*old, metric.ok.unit())
                    ));
                }
                Some(Ok(old)) if old.is_finite() => {
                    good_if(metric.ok.holds(value) && relative.holds(value - old))
                }
                Some(Err(why)) => return void(format!("the old version: {why}")),
                _ => return void("no figure of the old version to compare with".to_owned()),
            }
        } else {
            good_if(metric.ok.holds(value))
        };
        Sample {
            at: now,
            value: Some(value),
            mark,
            why: None,
        }
    }

    fn decide(&self, now: Timestamp, mark: Mark) -> Verdict {
        if mark == Mark::Fatal {
            return Verdict::Fail {
                why: self
                    .describe(Mark::Fatal)
                    .unwrap_or_else(|| "a limit that ends it at once".to_owned()),
            };
        }
        for (index, metric) in self.spec.metrics.iter().enumerate() {
            let bad = self.bad.get(&self.key(index)).copied().unwrap_or_default();
            if !self.spec.any && metric.fail_at.is_some_and(|fail_at| bad >= fail_at) {
                return Verdict::Fail {
                    why: format!(
                        "{} was not {} in {bad} evaluations",
                        metric.signal, metric.ok
                    ),
                };
            }
        }
        let progress = self.progress(now);
        let last_two_good = self.marks.len() >= 2
            && self
                .marks
                .iter()
                .rev()
                .take(2)
                .all(|(_, mark)| *mark == Mark::Good);
        if progress.held >= self.spec.hold && last_two_good {
            return Verdict::Pass;
        }
        if now >= self.ends() {
            self.at_deadline()
        } else {
            Verdict::Pending(progress)
        }
    }

    fn at_deadline(&self) -> Verdict {
        let after = show_duration(self.spec.deadline);
        if self
            .marks
            .last()
            .is_some_and(|(_, mark)| matches!(mark, Mark::Bad | Mark::Fatal))
        {
            let why = self
                .describe(Mark::Bad)
                .unwrap_or_else(|| "still bad".to_owned());
            return Verdict::Fail {
                why: format!("{why} at the deadline of {after}"),
            };
        }
        let voids = self
            .marks
            .iter()
            .filter(|(_, mark)| *mark == Mark::Void)
            .count();
        let last_why = self
            .tracks
            .iter()
            .flatten()
            .filter(|sample| sample.mark == Mark::Void)
            .max_by_key(|sample| sample.at)
            .and_then(|sample| sample.why.clone());
        let why = match last_why {
            Some(why) => format!(
                "not judged within {after}: {voids} of {} evaluations without a usable figure; the last: {why}",
                self.marks.len()
            ),
            None => format!(
                "not well for {} in a row within {after}",
                show_duration(self.spec.hold)
            ),
        };
        Verdict::Inconclusive { why, lost: false }
    }

    /// The first metric whose last sample has this mark, in words.
    fn describe(&self, wanted: Mark) -> Option<String> {
        self.spec
            .metrics
            .iter()
            .zip(&self.tracks)
            .find_map(|(metric, track)| {
                let sample = track.last().filter(|sample| sample.mark == wanted)?;
                let figure = show_figure(sample.value?, unit_of(metric));
                let limit = if wanted == Mark::Fatal {
                    metric.abort.as_ref()?
                } else {
                    &metric.ok
                };
                Some(if wanted == Mark::Fatal {
                    format!("{} is {figure} ({limit})", metric.signal)
                } else {
                    format!("{} is {figure}, not {limit}", metric.signal)
                })
            })
    }

    /// How far it is.
    pub fn progress(&self, now: Timestamp) -> Progress {
        Progress {
            held: self.held(now),
            hold: self.spec.hold,
            deadline: self.ends(),
            next: self.next(),
            evaluations: self.marks.len(),
            requests: self.requests,
            missing: self.missing.clone(),
        }
    }

    /// The longest stretch that ends with the last evaluation, begins with a good one, holds no bad one, and has
    /// at most one void in five.
    fn held(&self, now: Timestamp) -> SignedDuration {
        let (mut voids, mut count, mut best) = (0_usize, 0_usize, SignedDuration::ZERO);
        for (at, mark) in self.marks.iter().rev() {
            match mark {
                Mark::Bad | Mark::Fatal => break,
                Mark::Void => voids += 1,
                Mark::Good => {}
            }
            count += 1;
            if *mark == Mark::Good && voids * 5 <= count {
                best = best.max(self.last.unwrap_or(now).duration_since(*at));
            }
        }
        best
    }

    /// One line for the journal: each metric's last figure and mark.
    pub fn summary(&self) -> Vec<String> {
        let line = |(metric, track): (&MetricSpec, &Vec<Sample>)| {
            let last = track.last().and_then(|sample| sample.value).map_or_else(
                || "unknown".to_owned(),
                |value| show_figure(value, unit_of(metric)),
            );
            let count = |mark| track.iter().filter(|sample| sample.mark == mark).count();
            format!(
                "{} {} last {last}, {} good {} bad {} void",
                metric.signal,
                metric.ok,
                count(Mark::Good),
                count(Mark::Bad) + count(Mark::Fatal),
                count(Mark::Void)
            )
        };
        self.spec
            .metrics
            .iter()
            .zip(&self.tracks)
            .map(line)
            .collect()
    }
}

fn unit_of(metric: &MetricSpec) -> Unit {
    metric.ok.unit()
}

fn good_if(good: bool) -> Mark {
    if good { Mark::Good } else { Mark::Bad }
}

fn combine(any: bool, marks: &[Mark]) -> Mark {
    let has = |mark| marks.contains(&mark);
    let order = if any {
        [Mark::Good, Mark::Fatal, Mark::Void, Mark::Bad]
    } else {
        [Mark::Fatal, Mark::Bad, Mark::Void, Mark::Good]
    };
    order
        .into_iter()
        .find(|mark| has(*mark))
        .unwrap_or(Mark::Void)
}
