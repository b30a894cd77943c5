//! What a gate judges, with every reference filled in.

use jiff::SignedDuration;

use crate::runbook::model::{GateDecl, Side};
use crate::runbook::quantity::{Limit, show_duration};
use crate::runbook::template::Scope;

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
