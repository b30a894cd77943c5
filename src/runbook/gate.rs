//! Judges signals over time, purely: readings and the present moment in, a verdict out. Absence of evidence is
//! never a pass, and a gap in watching voids what was seen.
//!
//! Length: the rules, their progress report and the truth table that proves them belong together.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::runbook::model::{GateDecl, Side};
use crate::runbook::quantity::{Limit, Unit, show_duration, show_figure};
use crate::runbook::template::Scope;

/// Most evaluations kept for judging and drawing.
const MAX_SAMPLES: usize = 4096;

/// A gate with every reference filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSpec {
    /// Between evaluations.
    pub interval: SignedDuration,
    /// Before the first one.
    pub initial_delay: SignedDuration,
    /// Unbroken good time that passes.
    pub hold: SignedDuration,
    /// From the start to the end.
    pub deadline: SignedDuration,
    /// Requests below which an evaluation is void.
    pub min_requests: u64,
    /// Bad evaluations add up over the run.
    pub fail_scope_run: bool,
    /// One good metric is enough.
    pub any: bool,
    /// Which side of a split.
    pub side: Side,
    /// What is judged.
    pub metrics: Vec<MetricSpec>,
}

/// One judged metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSpec {
    /// A named signal.
    pub signal: String,
    /// A raw query instead.
    pub query: Option<String>,
    /// Good means within this.
    pub ok: Limit,
    /// Within this means failed at once.
    pub abort: Option<Limit>,
    /// Good also means: the difference to the old side is within this.
    pub relative: Option<Limit>,
    /// So many bad evaluations fail the gate.
    pub fail_at: Option<u32>,
}

impl GateSpec {
    /// Fills a declaration in; `hold` overrides the declared one, `keep` drops metrics whose condition fails.
    pub fn fill(
        decl: &GateDecl,
        hold: Option<SignedDuration>,
        side: Side,
        scope: &Scope<'_>,
        keep: impl Fn(usize) -> bool,
    ) -> Result<Self, String> {
        let metrics = decl
            .metrics
            .iter()
            .enumerate()
            .filter(|(index, _)| keep(*index));
        let spec = Self {
            interval: decl.interval.duration(scope)?,
            initial_delay: decl
                .initial_delay
                .as_ref()
                .map_or(Ok(SignedDuration::ZERO), |delay| delay.duration(scope))?,
            hold: hold.map_or_else(|| decl.hold.duration(scope), Ok)?,
            deadline: decl.deadline.duration(scope)?,
            min_requests: decl.min_requests.max(0) as u64,
            fail_scope_run: decl.fail_scope_run,
            any: decl.any,
            side,
            metrics: metrics
                .map(|(_, metric)| {
                    Ok(MetricSpec {
                        signal: metric.signal.clone(),
                        query: metric
                            .query
                            .as_ref()
                            .map(|query| query.fill(scope))
                            .transpose()?,
                        ok: metric.ok.clone(),
                        abort: metric.abort.clone(),
                        relative: metric.relative.clone(),
                        fail_at: metric
                            .fail_at
                            .map(|at| at.clamp(1, i64::from(u32::MAX)) as u32),
                    })
                })
                .collect::<Result<_, String>>()?,
        };
        if spec.metrics.is_empty() {
            return Err(
                "the gate judges nothing here: every metric's condition is false".to_owned(),
            );
        }
        if spec.interval < SignedDuration::from_secs(1) {
            return Err(format!(
                "the gate's interval {} is under 1s",
                show_duration(spec.interval)
            ));
        }
        if spec.hold + spec.initial_delay >= spec.deadline {
            return Err(format!(
                "the gate can never pass: it holds {} and its deadline is {}",
                show_duration(spec.hold),
                show_duration(spec.deadline)
            ));
        }
        Ok(spec)
    }
}

/// What one look at one signal gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The figure in base units (a share, seconds, a count), or why there is none.
    pub value: Result<f64, String>,
    /// The old side's figure, for relative limits.
    pub baseline: Option<Result<f64, String>>,
    /// Requests in the window judged; `None` where the signal does not depend on traffic.
    pub requests: Option<f64>,
    /// Requests a second at present, for saying how long enough would take.
    pub rate: Option<f64>,
}

impl Reading {
    /// A figure with so many requests behind it.
    pub fn of(value: f64, requests: f64) -> Self {
        Self {
            value: Ok(value),
            baseline: None,
            requests: Some(requests),
            rate: None,
        }
    }

    /// No figure, and why.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            value: Err(why.into()),
            baseline: None,
            requests: None,
            rate: None,
        }
    }
}

/// How an evaluation came out, for one metric or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Within.
    Good,
    /// Not within.
    Bad,
    /// Not to be borne.
    Fatal,
    /// Not known.
    Void,
}

/// One evaluation of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// The figure, if there was one.
    pub value: Option<f64>,
    /// How it was judged.
    pub mark: Mark,
    /// Why, when void.
    pub why: Option<String>,
}

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
    /// Requests that are missing.
    pub missing: Option<Missing>,
}

/// Too little traffic to judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Requests in the window.
    pub have: u64,
    /// Requests needed.
    pub need: u64,
    /// How long the present rate takes for as many as are needed; `None` without traffic.
    pub takes: Option<SignedDuration>,
}

impl Missing {
    /// The sentence.
    pub fn sentence(&self) -> String {
        match self.takes {
            Some(takes) => format!(
                "{} of {} requests; at this rate {} bring enough",
                self.have,
                self.need,
                show_duration(SignedDuration::from_secs(takes.as_secs().max(1)))
            ),
            None => format!(
                "{} of {} requests, and no traffic to bring more",
                self.have, self.need
            ),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(signal: &str, ok: &str, abort: Option<&str>, fail_at: Option<u32>) -> MetricSpec {
        MetricSpec {
            signal: signal.into(),
            query: None,
            ok: Limit::parse(ok).unwrap(),
            abort: abort.map(|abort| Limit::parse(abort).unwrap()),
            relative: None,
            fail_at,
        }
    }

    fn spec() -> GateSpec {
        GateSpec {
            interval: SignedDuration::from_secs(15),
            initial_delay: SignedDuration::ZERO,
            hold: SignedDuration::from_secs(180),
            deadline: SignedDuration::from_secs(1800),
            min_requests: 20,
            fail_scope_run: false,
            any: false,
            side: Side::All,
            metrics: vec![
                metric("success_ratio", ">= 99 %", Some("< 95 %"), Some(5)),
                metric("p99", "<= 500 ms", None, Some(5)),
            ],
        }
    }

    /// Runs a gate with one reading list per tick until it decides; returns the verdict and the seconds it took.
    fn run(spec: GateSpec, mut readings: impl FnMut(usize) -> Vec<Reading>) -> (Verdict, i64) {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let interval = spec.interval;
        let mut gate = Gate::new(spec, start, BTreeMap::new());
        for tick in 0..1000 {
            let now = start + interval * tick;
            let verdict = gate.observe(now, readings(tick as usize));
            if !matches!(verdict, Verdict::Pending(_)) {
                return (verdict, now.duration_since(start).as_secs());
            }
        }
        panic!("never decided");
    }

    fn both(success: f64, p99: f64) -> Vec<Reading> {
        vec![Reading::of(success, 100.0), Reading::of(p99, 100.0)]
    }

    fn kind(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Pending(_) => "pending",
            Verdict::Pass => "pass",
            Verdict::Fail { .. } => "fail",
            Verdict::Inconclusive { .. } => "inconclusive",
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table with its cases")]
    fn the_truth_table_holds() {
        type Row = (
            &'static str,
            Box<dyn FnMut(usize) -> Vec<Reading>>,
            &'static str,
            i64,
        );
        let table: Vec<Row> = vec![
            (
                "100 % and 240 ms throughout",
                Box::new(|_| both(1.0, 0.24)),
                "pass",
                180,
            ),
            (
                "exactly 99 % and 500 ms",
                Box::new(|_| both(0.99, 0.5)),
                "pass",
                180,
            ),
            (
                "100 then 94 %",
                Box::new(|tick| both(if tick < 4 { 1.0 } else { 0.94 }, 0.24)),
                "fail",
                60,
            ),
            (
                "98.9 flapping with 99.5",
                Box::new(|tick| both(if tick % 2 == 0 { 0.989 } else { 0.995 }, 0.24)),
                "fail",
                120,
            ),
            (
                "NaN",
                Box::new(|_| both(f64::NAN, 0.24)),
                "inconclusive",
                1800,
            ),
            (
                "infinite",
                Box::new(|_| both(1.0, f64::INFINITY)),
                "inconclusive",
                1800,
            ),
            (
                "two series",
                Box::new(|_| {
                    vec![
                        Reading::unknown("2 series where 1 was asked for"),
                        Reading::of(0.2, 100.0),
                    ]
                }),
                "inconclusive",
                1800,
            ),
            (
                "no reading at all",
                Box::new(|_| Vec::new()),
                "inconclusive",
                1800,
            ),
            (
                "500s in two of five",
                Box::new(|tick| {
                    if tick % 5 < 2 {
                        vec![Reading::unknown("HTTP 500"), Reading::unknown("HTTP 500")]
                    } else {
                        both(1.0, 0.2)
                    }
                }),
                "inconclusive",
                1800,
            ),
            (
                "one void in six",
                Box::new(|tick| {
                    if tick % 6 == 3 {
                        vec![Reading::unknown("timeout"), Reading::unknown("timeout")]
                    } else {
                        both(1.0, 0.2)
                    }
                }),
                "pass",
                180,
            ),
            (
                "no traffic",
                Box::new(|_| {
                    vec![
                        Reading {
                            rate: Some(0.0),
                            ..Reading::of(1.0, 0.0)
                        },
                        Reading::of(0.2, 0.0),
                    ]
                }),
                "inconclusive",
                1800,
            ),
            (
                "19 of 20 requests",
                Box::new(|_| vec![Reading::of(1.0, 19.0), Reading::of(0.2, 19.0)]),
                "inconclusive",
                1800,
            ),
            (
                "20 of 20 requests",
                Box::new(|_| vec![Reading::of(1.0, 20.0), Reading::of(0.2, 20.0)]),
                "pass",
                180,
            ),
            (
                "bad, then good from minute two on",
                Box::new(|tick| both(if (1..5).contains(&tick) { 0.97 } else { 1.0 }, 0.2)),
                "pass",
                255,
            ),
        ];
        for (name, readings, wanted, seconds) in table {
            let (verdict, took) = run(spec(), readings);
            assert_eq!(
                (kind(&verdict), took),
                (wanted, seconds),
                "{name}: {verdict:?}"
            );
        }
    }

    #[test]
    fn too_little_traffic_says_how_long_it_would_take() {
        let slow = || {
            vec![
                Reading {
                    rate: Some(0.1),
                    ..Reading::of(1.0, 6.0)
                },
                Reading {
                    rate: Some(0.1),
                    ..Reading::of(0.2, 6.0)
                },
            ]
        };
        let (verdict, _) = run(spec(), |_| slow());
        let Verdict::Inconclusive { why, lost: false } = verdict else {
            panic!("{verdict:?}")
        };
        assert!(
            why.contains("6 of 20 requests; at this rate 3m20s bring enough"),
            "{why}"
        );
        let mut gate = Gate::new(spec(), Timestamp::UNIX_EPOCH, BTreeMap::new());
        let Verdict::Pending(progress) = gate.observe(Timestamp::UNIX_EPOCH, slow()) else {
            panic!()
        };
        assert_eq!(progress.missing.unwrap().need, 20);
    }

    #[test]
    fn an_old_version_that_is_bad_already_makes_a_relative_gate_inconclusive_and_says_so() {
        let mut spec = spec();
        spec.metrics = vec![MetricSpec {
            relative: Some(Limit::parse("<= 50 ms").unwrap()),
            ..metric("p99", "<= 500 ms", None, Some(2))
        }];
        let reading = |new: f64, old: f64| {
            vec![Reading {
                baseline: Some(Ok(old)),
                ..Reading::of(new, 100.0)
            }]
        };
        let (verdict, _) = run(spec.clone(), |_| reading(0.7, 0.8));
        let Verdict::Inconclusive { why, .. } = verdict else {
            panic!("{verdict:?}")
        };
        assert!(why.contains("old version is bad already"), "{why}");
        assert_eq!(kind(&run(spec.clone(), |_| reading(0.3, 0.25)).0), "pass");
        assert_eq!(kind(&run(spec, |_| reading(0.4, 0.25)).0), "fail");
    }

    #[test]
    fn a_console_asleep_for_four_minutes_voids_the_gate_at_once() {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let mut gate = Gate::new(spec(), start, BTreeMap::new());
        assert_eq!(kind(&gate.observe(start, both(1.0, 0.2))), "pending");
        assert_eq!(
            kind(&gate.observe(start + SignedDuration::from_secs(45 - 15), both(1.0, 0.2))),
            "pending",
            "exactly two intervals are no gap"
        );
        let verdict = gate.observe(start + SignedDuration::from_secs(270), both(1.0, 0.2));
        assert!(
            matches!(&verdict, Verdict::Inconclusive { lost: true, why } if why.contains("gap of 4m")),
            "{verdict:?}"
        );
        assert!(matches!(
            gate.tick(start + SignedDuration::from_secs(270)),
            Verdict::Inconclusive { lost: true, .. }
        ));
    }

    #[test]
    fn still_bad_at_the_deadline_is_a_failure_even_without_fail_at() {
        let mut spec = spec();
        spec.metrics
            .iter_mut()
            .for_each(|metric| metric.fail_at = None);
        let (verdict, took) = run(spec, |_| both(0.97, 0.2));
        assert_eq!((kind(&verdict), took), ("fail", 1800));
    }

    #[test]
    fn bad_evaluations_add_up_over_the_run_only_when_the_gate_says_so() {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let earlier = BTreeMap::from([("0:success_ratio".to_owned(), 4)]);
        let mut over_run = Gate::new(
            GateSpec {
                fail_scope_run: true,
                ..spec()
            },
            start,
            earlier.clone(),
        );
        assert_eq!(kind(&over_run.observe(start, both(0.98, 0.2))), "fail");
        let mut own = Gate::new(spec(), start, earlier);
        assert_eq!(kind(&own.observe(start, both(0.98, 0.2))), "pending");
    }

    #[test]
    fn any_needs_one_good_metric_and_all_needs_each() {
        let marks = [Mark::Good, Mark::Bad, Mark::Void];
        assert_eq!(
            (combine(true, &marks), combine(false, &marks)),
            (Mark::Good, Mark::Bad)
        );
        assert_eq!(
            (
                combine(true, &marks[1..]),
                combine(false, &[Mark::Good, Mark::Void])
            ),
            (Mark::Void, Mark::Void)
        );
        assert_eq!(combine(false, &[Mark::Good, Mark::Fatal]), Mark::Fatal);
    }
}
