//! Prometheus, and what speaks its API: signals of workloads at a moment and over a range, by known metric families or
//! configured templates. One query a metric serves all services at once. The clock is not read here: `now` is an argument.

mod alone;
mod discover;
pub mod families;
mod gather;
pub mod histogram;
pub(crate) mod plan;
pub mod promql;
mod range;
pub(crate) mod read;
pub mod rules;
pub mod saturation;
pub mod subjects;
mod templates;
pub mod wire;

use self::families::{Catalogue, Metric};
use self::gather::Outcome;
use self::histogram::Buckets;
use self::plan::{Keep, Owner, Plan, RESOURCE};
use self::range::{Grid, Stretch};
use self::read::{Moment, QUANTILES};
use self::saturation::{Resource, Use};
use self::subjects::{Crowd, Subject};
use self::wire::{Answered, Points, QueryFailure, Sample};
use crate::domain::signal::{Part, ServiceSignals, SignalName, SignalSeries, Split};
use crate::domain::target::Scope;
use crate::platform::http::{Body, Method, Transport, form};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The window of rates where nobody says another; a window must hold at least four scrapes.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Longer questions are posted.
const QUERY_IN_PATH: usize = 3_000;
/// How many subjects go into one query.
const BATCH: usize = 400;

/// A query of the configuration for a signal, which wins over the known families. Latencies are milliseconds, ratios 0 to 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The service it is for, or every one; `*` in the name stands for anything.
    pub service: Option<Arc<str>>,
    /// The signal.
    pub signal: SignalName,
    /// The query, with `{namespace}`, `{service}` (or `{workload}`), `{version}`, `{pod}` and `{window}`.
    pub promql: Arc<str>,
    /// The query for one version, where another one tells them apart.
    pub by_version: Option<Arc<str>>,
}

/// A question about a moment.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The moment.
    pub now: Timestamp,
    /// Where.
    pub scope: &'a Scope,
    /// Whose signals.
    pub subjects: &'a [Subject],
    /// The window of rates.
    pub window: SignedDuration,
}

/// A question about a range.
#[derive(Debug, Clone, Copy)]
pub struct AskRange<'a> {
    /// The present, the scope, the subjects, the window.
    pub ask: Ask<'a>,
    /// From here; moved down to a multiple of the step.
    pub start: Timestamp,
    /// Up to here, and never beyond the present.
    pub end: Timestamp,
    /// The distance of points.
    pub step: SignedDuration,
    /// Which signal.
    pub signal: SignalName,
    /// How it is split; series that do not tell the part come as the whole.
    pub split: Split,
}

/// The histogram of one part of a service, in milliseconds and requests a second.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyBuckets {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The workload.
    pub service: Arc<str>,
    /// Which part of it.
    pub part: Part,
    /// Its buckets.
    pub buckets: Buckets,
}

/// A client of one Prometheus. It remembers which metrics the source holds.
#[derive(Debug)]
pub struct Prometheus {
    transport: Transport,
    templates: Vec<Template>,
    known: Mutex<HashMap<String, Arc<Catalogue>>>,
}

impl Prometheus {
    /// A client; nothing is asked yet.
    pub fn new(transport: Transport, templates: Vec<Template>) -> Self {
        Self {
            transport,
            templates,
            known: Mutex::default(),
        }
    }

    /// Where answers come from, without credentials.
    pub fn address(&self) -> String {
        self.transport.address()
    }

    async fn call(
        &self,
        path: &str,
        pairs: &[(&str, &str)],
    ) -> Result<(u16, bytes::Bytes), QueryFailure> {
        let form = form(pairs.iter().copied());
        let in_path = format!("{path}?{form}");
        if form.len() < QUERY_IN_PATH {
            return Ok(self
                .transport
                .ask(Method::GET, &in_path, Body::Empty)
                .await?);
        }
        let posted = Body::Form(form.into());
        let answer = self.transport.ask(Method::POST, path, posted).await?;
        if answer.0 == 405 {
            return Ok(self
                .transport
                .ask(Method::GET, &in_path, Body::Empty)
                .await?);
        }
        Ok(answer)
    }

    /// An instant query.
    pub async fn query(
        &self,
        now: Timestamp,
        promql: &str,
    ) -> Result<Answered<Vec<Sample>>, QueryFailure> {
        let time = seconds(now);
        let pairs = [("query", promql), ("time", time.as_str())];
        let (status, body) = self.call("/api/v1/query", &pairs).await?;
        wire::vector(status, &body)
    }

    async fn query_range(
        &self,
        grid: &Grid,
        promql: &str,
    ) -> Result<Answered<Vec<Points>>, QueryFailure> {
        let (start, end) = (seconds(grid.start), seconds(grid.end));
        let step = grid.step.as_secs().to_string();
        let pairs = [
            ("query", promql),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("step", step.as_str()),
        ];
        let (status, body) = self.call("/api/v1/query_range", &pairs).await?;
        wire::matrix(status, &body)
    }

    /// Every subject's signals at a moment, as a whole and by version. Fails only when nothing could be asked at all.
    pub async fn read(&self, ask: &Ask<'_>) -> Result<Answered<Vec<ServiceSignals>>, QueryFailure> {
        let catalogue = self.discover(ask.scope, ask.now).await?;
        let mut all = Answered {
            result: Vec::new(),
            warnings: Vec::new(),
        };
        for subjects in ask.subjects.chunks(BATCH) {
            let part = self
                .read_batch(&Ask { subjects, ..*ask }, &catalogue)
                .await?;
            all.result.extend(part.result);
            all.warnings.extend(part.warnings);
        }
        self.read_templates(ask, &mut all.result).await;
        all.warnings.dedup();
        Ok(all)
    }

    async fn read_batch(
        &self,
        ask: &Ask<'_>,
        catalogue: &Catalogue,
    ) -> Result<Answered<Vec<ServiceSignals>>, QueryFailure> {
        let crowd = Crowd::new(ask.subjects);
        let place = (ask.scope, Split::Version);
        let saturation = saturation::query(catalogue, &crowd, place, ask.window, true);
        let (traffic, latency, saturation) = futures::join!(
            self.sample(ask, &crowd, &catalogue.traffic, Keep::Class),
            self.sample(ask, &crowd, &catalogue.latency, Keep::Bounds),
            self.saturation(ask, &crowd, saturation),
        );
        let mut outcomes = traffic.iter().chain(&latency);
        let some = outcomes.any(|(_, outcome)| outcome.is_ok());
        let first = traffic.iter().chain(&latency).map(|(_, outcome)| outcome);
        if let (false, Some(Err(failure))) = (some, first.clone().next()) {
            return Err(failure.clone());
        }
        let answered = first.filter_map(|outcome| outcome.as_ref().ok());
        let warnings = answered.flat_map(|a| a.warnings.clone()).collect();
        let no_traffic = if catalogue.is_empty() {
            "no request metrics of this namespace are known there"
        } else {
            "no traffic series"
        };
        let moment = Moment {
            now: ask.now,
            window: ask.window,
            crowd: &crowd,
            traffic: &traffic,
            latency: &latency,
            saturation,
            no_traffic,
        };
        Ok(Answered {
            result: moment.signals(),
            warnings,
        })
    }

    async fn sample<'a>(
        &self,
        ask: &Ask<'a>,
        crowd: &'a Crowd<'a>,
        metrics: &'a [Metric],
        keep: Keep,
    ) -> Vec<Outcome<'a, Sample>> {
        let plans = metrics.iter().filter_map(|metric| {
            let plan = Plan {
                metric,
                crowd,
                scope: ask.scope,
                window: ask.window,
                split: Split::Version,
            };
            Some((plan, plan.query(keep)?))
        });
        let asked =
            plans.map(|(plan, query)| async move { (plan, self.query(ask.now, &query).await) });
        futures::future::join_all(asked).await
    }

    async fn saturation(
        &self,
        ask: &Ask<'_>,
        crowd: &Crowd<'_>,
        query: Option<String>,
    ) -> Result<Vec<Use>, String> {
        let query = query.ok_or("no limit known")?;
        let answered = self.query(ask.now, &query).await;
        let answered = answered.map_err(|failure| failure.short())?;
        let mut used = Vec::new();
        for sample in answered.result {
            let owner = plan::owner(&sample.labels, Some("namespace"), crowd, ask.scope);
            let resource = sample.labels.get(RESOURCE);
            let resource = resource.and_then(|name| Resource::named(name));
            if let (Owner::One(index, _), Some(resource)) = (owner, resource) {
                let subject = &crowd.subjects[index];
                used.push(Use {
                    subject: index,
                    part: plan::part(&sample.labels, Split::Version, subject),
                    resource,
                    share: sample.value,
                });
            }
        }
        Ok(used)
    }

    /// The histograms behind the latencies, for judging how sure a quantile is.
    pub async fn histograms(&self, ask: &Ask<'_>) -> Result<Vec<LatencyBuckets>, QueryFailure> {
        let catalogue = self.discover(ask.scope, ask.now).await?;
        let mut all = Vec::new();
        for subjects in ask.subjects.chunks(BATCH) {
            let crowd = Crowd::new(subjects);
            let outcomes = self
                .sample(ask, &crowd, &catalogue.latency, Keep::Bounds)
                .await;
            if let Some((_, Err(failure))) = outcomes.iter().find(|(_, o)| o.is_err()) {
                return Err(failure.clone());
            }
            let gathered = gather::gather(&crowd, &outcomes);
            for (index, subject) in subjects.iter().enumerate() {
                let Some(found) = gathered.of(index) else {
                    continue;
                };
                let to_ms = outcomes[found.metric].0.metric.to_ms;
                for (part, buckets) in read::bucket_parts(found, subject, to_ms) {
                    all.extend(buckets.map(|buckets| LatencyBuckets {
                        namespace: subject.namespace.clone(),
                        service: subject.workload.clone(),
                        part,
                        buckets,
                    }));
                }
            }
        }
        Ok(all)
    }

    /// One signal over a range. A subject about which nothing is known has no series.
    pub async fn range(
        &self,
        wanted: &AskRange<'_>,
    ) -> Result<Answered<Vec<SignalSeries>>, QueryFailure> {
        let AskRange { ask, .. } = wanted;
        let grid = Grid::new(wanted.start, wanted.end, wanted.step, ask.now)?;
        let catalogue = self.discover(ask.scope, ask.now).await?;
        let mut all = Answered {
            result: Vec::new(),
            warnings: Vec::new(),
        };
        let templated = |subject: &Subject| self.template(subject, wanted.signal).is_some();
        let (own, known): (Vec<_>, Vec<_>) = ask.subjects.iter().cloned().partition(templated);
        for subjects in known.chunks(BATCH) {
            let crowd = Crowd::new(subjects);
            let stretch = Stretch {
                grid,
                crowd: &crowd,
                signal: wanted.signal,
                split: wanted.split,
                catalogue: &catalogue,
            };
            let outcomes = self.stretch(ask, &stretch).await;
            let failed = outcomes
                .iter()
                .find_map(|(_, outcome)| outcome.as_ref().err());
            if let Some(failure) = failed {
                return Err(failure.clone());
            }
            let told = outcomes
                .iter()
                .filter_map(|(_, outcome)| outcome.as_ref().ok());
            all.warnings.extend(told.flat_map(|a| a.warnings.clone()));
            all.result.extend(match wanted.signal {
                SignalName::Requests | SignalName::ErrorRatio | SignalName::UnauthorizedRatio => {
                    stretch.traffic(&outcomes)
                }
                _ => stretch.ready(&outcomes),
            });
        }
        let crowd = Crowd::new(&own);
        let stretch = Stretch {
            grid,
            crowd: &crowd,
            signal: wanted.signal,
            split: wanted.split,
            catalogue: &catalogue,
        };
        self.range_templates(ask, &stretch, &mut all).await?;
        Ok(all)
    }

    async fn stretch<'a>(&self, ask: &Ask<'a>, stretch: &Stretch<'a>) -> Vec<Outcome<'a, Points>> {
        let catalogue = stretch.catalogue;
        let quantile = QUANTILES.iter().find(|(name, _)| *name == stretch.signal);
        let metrics = match stretch.signal {
            SignalName::Saturation => &catalogue.usage,
            _ if quantile.is_some() => &catalogue.latency,
            _ => &catalogue.traffic,
        };
        let plans = metrics.iter().filter_map(|metric| {
            let plan = Plan {
                metric,
                crowd: stretch.crowd,
                scope: ask.scope,
                window: ask.window,
                split: stretch.split,
            };
            let query = match (stretch.signal, quantile) {
                (SignalName::Saturation, _) => {
                    let place = (ask.scope, stretch.split);
                    // Only the whole is shown by what is used: parts times things would be a tangle.
                    let apart = stretch.split == Split::Whole;
                    saturation::query(catalogue, stretch.crowd, place, ask.window, apart)?
                }
                (_, Some((_, share))) => {
                    let buckets = plan.query(Keep::Bounds)?;
                    format!("histogram_quantile({share}, {buckets}) * {}", metric.to_ms)
                }
                _ => plan.query(Keep::Class)?,
            };
            Some((plan, query))
        });
        let asked = plans.map(|(plan, query)| async move {
            let outcome = self.query_range(&stretch.grid, &query).await;
            (plan, outcome)
        });
        futures::future::join_all(asked).await
    }
}

/// A moment as Prometheus takes it.
fn seconds(at: Timestamp) -> String {
    format!("{}.{:03}", at.as_second(), at.subsec_millisecond().max(0))
}
