//! Old against new: the two sides of a rollout, their figures, and whether a difference is more than chance.
//!
//! Only what was counted is compared: requests and failures of each version over the stretch both are known in. A
//! quantile lies certainly within its histogram's bucket: that is its margin where the bucket is known, else what its
//! points swing by themselves.

use super::chart::question;
use super::services::current;
use super::state::App;
use super::wants::SplitBy;
use crate::domain::object::ObjectRef;
use crate::domain::pod::Pod;
use crate::domain::rollout::Revision;
use crate::domain::signal::{Part, Series, SignalName};
use crate::domain::workload::{Image, Workload};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// The old side is judged by its last so many seconds.
const LAST_SERVED_S: i64 = 600;
/// The rates behind a point look back so far; points closer together are not independent.
const INDEPENDENT_S: f64 = 60.0;
/// Fewer requests say nothing.
pub const FEWEST: f64 = 20.0;
/// Two sides differ by chance within this many standard errors nineteen times in twenty.
const SIGMAS: f64 = 1.96;

/// One figure of a side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figure {
    /// The value, where there is one.
    pub value: Option<f64>,
    /// Whether it is of the time when this side last served.
    pub past: bool,
    /// Between what the truth certainly lies, where the value is read off a histogram.
    pub between: Option<(f64, f64)>,
}

/// One side of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// `43 (v1.1.0)`.
    pub title: String,
    /// The version by which signals tell it apart.
    pub version: Option<Arc<str>>,
    /// Its images.
    pub images: Vec<Image>,
    /// Pods ready and pods wanted.
    pub pods: (u32, u32),
    /// Restarts of its pods; unknown where it has none.
    pub restarts: Option<u32>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Requests a second, error ratio, p99.
    pub figures: [Figure; 3],
}

/// How far the new side is from the old one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// New minus old.
    pub by: f64,
    /// What chance alone may make of it.
    pub margin: Option<f64>,
}

impl Difference {
    /// Whether it is more than chance; unknown with too little to go by.
    pub fn real(&self) -> Option<bool> {
        self.margin.map(|margin| self.by.abs() > margin)
    }
}

/// Old against new.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What is being replaced, or was last.
    pub old: Option<Side>,
    /// What the template asks for.
    pub new: Side,
    /// By how much the error ratio differs.
    pub errors: Option<Difference>,
    /// By how much the p99 differs, in milliseconds.
    pub p99: Option<Difference>,
    /// Requests of the new side that were judged.
    pub judged: Option<f64>,
}

/// The revision that is being replaced: another with pods, else the one before in number.
pub fn replaced<'a>(workload: &Workload, revisions: &[&'a Revision]) -> Option<&'a Revision> {
    let new = current(workload, revisions)?;
    let others = || revisions.iter().copied().filter(|r| r.uid != new.uid);
    others().find(|r| r.current > 0).or_else(|| others().next())
}

/// Compares the two sides of a Deployment.
pub fn compare(app: &App, workload: &Workload) -> Option<Comparison> {
    let revisions = app.cluster.revisions_of(workload);
    let new = current(workload, &revisions)?;
    let old = replaced(workload, &revisions);
    let object = workload.object();
    let taken_over = app
        .services
        .get(&workload.uid)
        .and_then(|row| row.taken_over);
    let evidence = Evidence {
        app,
        object: &object,
        taken_over,
        apart: old.is_none_or(|old| old.version_name() != new.version_name()),
    };
    let alone = old.is_none_or(|old| old.current == 0) && new.ready > 0;
    let new_side = side(app, new, evidence.figures(new, alone, true));
    let old_side = old.map(|old| side(app, old, evidence.figures(old, false, false)));
    let (errors, p99, judged) = match old {
        Some(revision) => evidence.differences((revision, old_side.as_ref()), (new, &new_side)),
        None => (None, None, None),
    };
    Some(Comparison {
        old: old_side,
        new: new_side,
        errors,
        p99,
        judged,
    })
}

fn side(app: &App, revision: &Revision, figures: [Figure; 3]) -> Side {
    let pods: Vec<&Pod> = app.cluster.pods_owned_by(&revision.uid).collect();
    Side {
        title: revision.title(),
        version: revision.version_name().map(Arc::from),
        images: revision.images.clone(),
        pods: (revision.ready, revision.desired),
        restarts: (!pods.is_empty()).then(|| pods.iter().map(|pod| pod.restarts).sum()),
        created: revision.created,
        figures,
    }
}

struct Evidence<'a> {
    app: &'a App,
    object: &'a ObjectRef,
    taken_over: Option<Timestamp>,
    /// Whether signals by version tell the sides apart: another image under the same label and a restart have no version of their own.
    apart: bool,
}

impl Evidence<'_> {
    fn series(&self, signal: SignalName, revision: &Revision) -> Option<&Series> {
        let version = revision.version_name().filter(|_| self.apart)?;
        let want = question(self.app, self.object, signal, SplitBy::Version);
        let found = self.app.signals.range(&want).iter();
        found
            .filter(|series| series.signal == signal)
            .find(|series| matches!(&series.part, Part::Version(name) if **name == *version))
            .map(|series| &series.series)
    }

    /// The readings of a side now, else of when it last served.
    fn figures(&self, revision: &Revision, alone: bool, newest: bool) -> [Figure; 3] {
        let ObjectRef {
            namespace, name, ..
        } = self.object;
        let parts = self.app.signals.parts(namespace, name);
        let own = parts.iter().filter(|_| self.apart).find(|part| {
            matches!(&part.part, Part::Version(name) if Some(&**name) == revision.version_name())
        });
        let whole = self
            .app
            .signals
            .reading(namespace, name)
            .filter(|_| alone && newest);
        super::chart::COMPARED.map(|signal| {
            let reading = own.or(whole);
            let now = reading.and_then(|reading| reading.get(signal).value());
            if now.is_some() {
                let between = reading.and_then(|reading| reading.detail.p99_between);
                return Figure {
                    value: now,
                    past: false,
                    between: between.filter(|_| signal == SignalName::P99),
                };
            }
            let value = if newest {
                None
            } else {
                self.last_served(signal, revision)
            };
            Figure {
                value,
                past: value.is_some(),
                between: None,
            }
        })
    }

    /// The mean of an old side's last minutes; without a split, of the whole service before the takeover.
    fn last_served(&self, signal: SignalName, revision: &Revision) -> Option<f64> {
        let ObjectRef {
            namespace, name, ..
        } = self.object;
        let whole = match signal {
            SignalName::ErrorRatio => self.app.signals.errors(namespace, name),
            SignalName::P99 => self.app.signals.p99(namespace, name),
            _ => None,
        };
        let own = self.series(signal, revision).map(last_minutes);
        let before = || {
            let at = self.taken_over?;
            let points: Vec<f64> = known(whole?)
                .filter(|(when, _)| *when < at)
                .map(|p| p.1)
                .collect();
            Some(points[points.len().saturating_sub(24)..].to_vec())
        };
        mean(&own.filter(|points| !points.is_empty()).or_else(before)?)
    }

    /// New minus old, of the very figures that are shown.
    fn differences(
        &self,
        (old, old_side): (&Revision, Option<&Side>),
        (new, new_side): (&Revision, &Side),
    ) -> (Option<Difference>, Option<Difference>, Option<f64>) {
        let counted = |revision| {
            let requests = self.series(SignalName::Requests, revision)?;
            Some(count(
                requests,
                self.series(SignalName::ErrorRatio, revision)?,
            ))
        };
        let judged = counted(new).map(|(all, _)| all);
        let Some(old_side) = old_side else {
            return (None, None, judged);
        };
        let shares = |side: &Side, revision| {
            let [requests, errors, _] = side.figures;
            let all = if errors.past {
                counted(revision).map(|(all, _)| all)
            } else {
                requests.value.map(|rate| rate * INDEPENDENT_S)
            };
            let all = all.unwrap_or(0.0);
            errors.value.map(|share| (all, share))
        };
        let errors = shares(old_side, old)
            .zip(shares(new_side, new))
            .map(|(before, after)| share_difference(before, after));
        let sure = |revision, figure: Figure| {
            let series = self.series(SignalName::P99, revision);
            Some(Quantile {
                value: figure.value?,
                between: figure.between,
                swing: series.and_then(|series| swing(series, figure.past)),
            })
        };
        let p99 = sure(old, old_side.figures[2])
            .zip(sure(new, new_side.figures[2]))
            .map(|(before, after)| quantile_difference(before, after));
        (errors, p99, judged)
    }
}

fn known(series: &Series) -> impl Iterator<Item = (Timestamp, f64)> + '_ {
    series
        .values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| Some((series.at(index), (*value)?)))
}

/// The known values of a side's last minutes.
fn last_minutes(series: &Series) -> Vec<f64> {
    let Some(last) = series.values.iter().rposition(Option::is_some) else {
        return Vec::new();
    };
    let from = series.at(last) - SignedDuration::from_secs(LAST_SERVED_S);
    known(series)
        .filter(|(at, _)| *at >= from)
        .map(|point| point.1)
        .collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Requests and failures of a side's last minutes.
fn count(requests: &Series, errors: &Series) -> (f64, f64) {
    let step = requests.step.as_secs_f64();
    let from = requests
        .values
        .iter()
        .rposition(Option::is_some)
        .map(|last| requests.at(last) - SignedDuration::from_secs(LAST_SERVED_S));
    let pairs = requests.values.iter().zip(&errors.values).enumerate();
    pairs
        .filter(|(index, _)| from.is_some_and(|from| requests.at(*index) >= from))
        .filter_map(|(_, (rate, share))| Some(((*rate)? * step, (*share)?)))
        .fold((0.0, 0.0), |(all, failed), (more, share)| {
            (all + more, failed + more * share)
        })
}

/// Two shares, each of so many requests, with the uncertainty of having been counted. One imagined failure on either side
/// keeps a share of none from being certain.
fn share_difference(before: (f64, f64), after: (f64, f64)) -> Difference {
    let variance = |(all, share): (f64, f64)| {
        let share = (share * all + 1.0) / (all + 2.0);
        share * (1.0 - share) / all
    };
    let enough = before.0 >= FEWEST && after.0 >= FEWEST;
    Difference {
        by: after.1 - before.1,
        margin: enough.then(|| SIGMAS * (variance(before) + variance(after)).sqrt()),
    }
}

/// How much a figure of a series varies by itself: the usual step between points that do not share their window, so that one
/// climb from good to bad is no swing. `mean` where the figure is the mean of the stretch.
fn swing(series: &Series, mean: bool) -> Option<f64> {
    /// The median size of the difference of two, in standard deviations of one.
    const MEDIAN_STEP: f64 = 0.954;
    let values = last_minutes(series);
    let step = series.step.as_secs_f64().max(1.0);
    let lag = (INDEPENDENT_S / step).ceil().max(1.0) as usize;
    let mut steps: Vec<f64> = values
        .iter()
        .zip(values.iter().skip(lag))
        .map(|(a, b)| (b - a).abs())
        .collect();
    if steps.len() < 3 {
        return None;
    }
    steps.sort_by(f64::total_cmp);
    let usual = steps.get(steps.len() / 2)? / MEDIAN_STEP;
    let apart = if mean {
        (values.len() as f64 * step / INDEPENDENT_S).max(1.0)
    } else {
        1.0
    };
    Some(usual.powi(2) / apart)
}

/// A quantile of one side and how sure it is.
#[derive(Clone, Copy)]
struct Quantile {
    value: f64,
    between: Option<(f64, f64)>,
    /// Its variance by itself.
    swing: Option<f64>,
}

impl Quantile {
    /// How far the truth may be on the side where the other one stands; nothing where its bucket has no end there.
    fn towards(&self, other: f64) -> Option<f64> {
        let (lower, upper) = self.between?;
        let reach = if other < self.value {
            self.value - lower
        } else {
            upper - self.value
        };
        (reach.is_finite() && reach >= 0.0).then_some(reach)
    }
}

/// Two quantiles: what their buckets leave open between them, and by how much the others swing.
fn quantile_difference(before: Quantile, after: Quantile) -> Difference {
    let sides = [(before, after.value), (after, before.value)];
    let mut open = 0.0;
    let mut variance = Some(0.0);
    for (side, other) in sides {
        match side.towards(other) {
            Some(reach) => open += reach,
            None => variance = variance.zip(side.swing).map(|(sum, own)| sum + own),
        }
    }
    Difference {
        by: after.value - before.value,
        margin: variance.map(|variance| open + SIGMAS * variance.sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        Series {
            start: Timestamp::UNIX_EPOCH,
            step: SignedDuration::from_secs(30),
            values: values.iter().map(|v| v.is_finite().then_some(*v)).collect(),
        }
    }

    fn quantile(value: f64, series: &Series, mean: bool) -> Quantile {
        Quantile {
            value,
            between: None,
            swing: swing(series, mean),
        }
    }

    #[test]
    fn a_bucket_that_leaves_the_other_side_out_makes_a_difference_certain() {
        let old = quantile(250.0, &series(&[250.0; 20]), true);
        // Seen in its first minute every step is part of the climb.
        let climb = series(&[250.0, 250.0, 980.0, 980.0, 250.0, 250.0, 981.0]);
        let alone = quantile(981.0, &climb, false);
        assert_eq!(quantile_difference(old, alone).real(), Some(false));
        let within = |between| Quantile {
            between: Some(between),
            ..alone
        };
        let certain = quantile_difference(old, within((500.0, 1000.0)));
        assert_eq!(certain.real(), Some(true), "{certain:?}");
        assert!((certain.margin.unwrap() - 481.0).abs() < 1.0, "{certain:?}");
        let open = quantile_difference(old, within((100.0, 1000.0)));
        assert_eq!(open.real(), Some(false), "one bucket may hold both");
        let beyond = quantile_difference(old, within((981.0, f64::INFINITY)));
        assert_eq!(beyond.real(), Some(true), "at least the last bound");
    }

    #[test]
    fn a_share_differs_for_real_only_beyond_chance() {
        let clear = share_difference((1200.0, 0.001), (1200.0, 0.216));
        assert_eq!(clear.real(), Some(true));
        assert!((clear.by - 0.215).abs() < 1e-9, "new minus old as shown");
        let close = share_difference((1200.0, 0.0017), (1200.0, 0.0025));
        assert_eq!(close.real(), Some(false));
        let few = share_difference((1200.0, 0.0017), (5.0, 0.2));
        assert_eq!(few.real(), None, "five requests say nothing");
    }

    #[test]
    fn a_quantile_differs_for_real_only_beyond_its_own_swing() {
        let calm = series(&[90.0, 92.0, 91.0, 90.0, 89.0, 91.0]);
        let slow = series(&[890.0, 902.0, 911.0, 890.0, 889.0, 891.0]);
        let wild = series(&[20.0, 400.0, 10.0, 300.0, 5.0, 90.0]);
        let differs = |a: (f64, &Series), b: (f64, &Series)| {
            quantile_difference(quantile(a.0, a.1, false), quantile(b.0, b.1, false))
        };
        assert_eq!(differs((91.0, &calm), (891.0, &slow)).real(), Some(true));
        assert_eq!(differs((91.0, &calm), (150.0, &wild)).real(), Some(false));
        let one = series(&[100.0]);
        let alone = differs((91.0, &calm), (100.0, &one));
        assert_eq!(alone.real(), None, "one point has no swing");
    }

    #[test]
    fn one_climb_from_good_to_bad_is_no_swing() {
        let old = series(&[249.0; 20]);
        let climb = [250.0, 400.0, 650.0, 900.0].into_iter();
        let plateau = (0..14).map(|i| 983.0 + f64::from(i % 3) * 4.0);
        let new = series(&climb.chain(plateau).collect::<Vec<_>>());
        let (old, new) = (quantile(249.0, &old, true), quantile(983.0, &new, false));
        let difference = quantile_difference(old, new);
        assert_eq!((difference.by, difference.real()), (734.0, Some(true)));
        assert!(difference.margin.unwrap() < 100.0, "{difference:?}");
    }

    #[test]
    fn requests_are_counted_only_where_both_are_known() {
        let (all, failed) = count(&series(&[2.0, f64::NAN, 2.0]), &series(&[0.5, 0.5, 0.0]));
        assert_eq!((all, failed), (120.0, 30.0));
    }
}
