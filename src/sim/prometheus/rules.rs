//! The alerting rules of the simulated platform and the state of their alerts: a pure function of the ledger and
//! time, computed on the evaluation grid, from far enough back once and from there on step by step.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::query::select;
use crate::sim::promql::ast::Expr;
use crate::sim::promql::eval::evaluate;
use crate::sim::promql::labels::Labels;
use crate::sim::promql::parse::parse;
use crate::sim::promql::value::{Column, Value, Window};
use crate::sim::series::Source;

/// The distance between two evaluations, in milliseconds.
pub const INTERVAL: i64 = 2000;
/// How far back the beginning of an alert is looked for.
const FARTHEST: i64 = 6 * 3_600_000;
/// How much is evaluated at once.
const CHUNK: i64 = 600_000;

/// An alerting rule.
#[derive(Debug)]
pub struct Rule {
    /// The alert's name.
    pub name: &'static str,
    /// The query; what it yields is alerting.
    pub query: &'static str,
    /// How long it must yield before the alert fires, in milliseconds.
    pub hold: i64,
    /// The severity label.
    pub severity: &'static str,
    /// The annotations, in which `{{ $labels.X }}` is replaced.
    pub annotations: &'static [(&'static str, &'static str)],
}

/// All rules.
pub const RULES: [Rule; 3] = [
    Rule {
        name: "HighErrorRate",
        query: "sum by (namespace, service) (rate(http_requests_total{status=~\"5..\"}[30s])) / sum by (namespace, service) (rate(http_requests_total[30s])) > 0.05",
        hold: 6000,
        severity: "critical",
        annotations: &[
            (
                "dashboard",
                "https://grafana.example/d/service?var-namespace={{ $labels.namespace }}&var-service={{ $labels.service }}",
            ),
            ("runbook", "rollback"),
            ("runbook_url", "https://runbooks.example/high-error-rate"),
            (
                "summary",
                "More than 5 % of requests to {{ $labels.service }} fail",
            ),
        ],
    },
    Rule {
        name: "HighLatency",
        query: "histogram_quantile(0.99, sum by (namespace, service, le) (rate(http_request_duration_seconds_bucket[30s]))) > 0.5",
        hold: 6000,
        severity: "warning",
        annotations: &[
            (
                "dashboard",
                "https://grafana.example/d/service?var-namespace={{ $labels.namespace }}&var-service={{ $labels.service }}",
            ),
            ("runbook_url", "https://runbooks.example/high-latency"),
            ("summary", "p99 of {{ $labels.service }} is above 500 ms"),
        ],
    },
    Rule {
        name: "TargetDown",
        query: "up == 0",
        hold: 60_000,
        severity: "warning",
        annotations: &[
            ("runbook_url", "https://runbooks.example/target-down"),
            (
                "summary",
                "{{ $labels.pod }} has not answered a scrape for a minute",
            ),
        ],
    },
];

/// An alert that is pending or firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its labels, `alertname` and `severity` among them.
    pub labels: Labels,
    /// Its annotations, filled in.
    pub annotations: Vec<(&'static str, String)>,
    /// Which rule it comes from.
    pub rule: usize,
    /// Since when its rule yields it, in milliseconds.
    pub active_at: i64,
    /// Since when it fires, if it does.
    pub fired_at: Option<i64>,
    /// The latest value.
    pub value: f64,
}

#[derive(Debug, Default)]
struct State {
    at: i64,
    alerts: BTreeMap<(usize, Labels), Alert>,
}

/// Follows the rules over a source.
pub struct Alarms {
    source: Source,
    rules: Vec<Option<Expr>>,
    state: Mutex<Option<State>>,
}

impl Alarms {
    /// The alarms of a source; nothing is evaluated before it is asked for.
    pub fn new(source: Source) -> Self {
        // The rules are constants that a test reads; one that could not be read would yield nothing.
        let rules = RULES.iter().map(|rule| parse(rule.query).ok()).collect();
        Self {
            source,
            rules,
            state: Mutex::new(None),
        }
    }

    /// The platform behind it.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The alerts at the latest evaluation, in order of rule and labels.
    pub fn alerts(&self) -> Vec<Alert> {
        let grid = last_evaluation(self.source.now_ms());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let reached = state
            .take()
            .filter(|state| state.at <= grid && grid - state.at < FARTHEST);
        let mut reached = reached.unwrap_or_else(|| State {
            at: self.quiet_before(grid),
            alerts: BTreeMap::new(),
        });
        while reached.at < grid {
            let until = grid.min(reached.at + CHUNK);
            self.advance(&mut reached, until);
        }
        let alerts = reached.alerts.values().cloned().collect();
        *state = Some(reached);
        alerts
    }

    /// A moment before which no present alert can have begun: one at which no rule yields anything.
    fn quiet_before(&self, grid: i64) -> i64 {
        let mut back = INTERVAL;
        while back < FARTHEST {
            let at = last_evaluation(grid - back);
            let window = Window::instant(at);
            if (0..RULES.len()).all(|rule| self.columns(rule, window).is_empty()) {
                return at;
            }
            back *= 2;
        }
        last_evaluation(grid - FARTHEST)
    }

    fn columns(&self, rule: usize, window: Window) -> Vec<Column> {
        let Some(expr) = &self.rules[rule] else {
            return Vec::new();
        };
        let selected = select(&self.source, expr, window);
        let value = selected.and_then(|selected| evaluate(expr, &selected, window).ok());
        match value {
            Some(Value::Vector(columns)) => columns,
            _ => Vec::new(),
        }
    }

    /// Evaluates all rules from the state's moment to another.
    fn advance(&self, state: &mut State, until: i64) {
        let window = Window {
            start: state.at + INTERVAL,
            end: until,
            step: INTERVAL,
        };
        let times = window.times();
        for (number, rule) in RULES.iter().enumerate() {
            let columns = self.columns(number, window);
            let mut seen: BTreeMap<(usize, Labels), Column> = BTreeMap::new();
            for column in columns {
                seen.insert((number, alert_labels(rule, &column.labels)), column);
            }
            state
                .alerts
                .retain(|key, _| key.0 != number || seen.contains_key(key));
            for (key, column) in seen {
                let alert = followed(state.alerts.remove(&key), &key, &times, &column);
                state.alerts.extend(alert.map(|alert| (key, alert)));
            }
        }
        state.at = until;
    }
}

/// The newest moment of the evaluation grid at or before another.
pub fn last_evaluation(at: i64) -> i64 {
    at.div_euclid(INTERVAL) * INTERVAL
}

/// What becomes of one alert over some evaluations.
fn followed(
    mut alert: Option<Alert>,
    key: &(usize, Labels),
    times: &[i64],
    column: &Column,
) -> Option<Alert> {
    let rule = &RULES[key.0];
    for (&at, value) in times.iter().zip(&column.values) {
        let Some(value) = *value else {
            alert = None;
            continue;
        };
        let own = alert.get_or_insert_with(|| Alert {
            labels: key.1.clone(),
            annotations: filled(rule, &column.labels),
            rule: key.0,
            active_at: at,
            fired_at: None,
            value,
        });
        own.value = value;
        if own.fired_at.is_none() && at - own.active_at >= rule.hold {
            own.fired_at = Some(at);
        }
    }
    alert
}

fn alert_labels(rule: &Rule, labels: &Labels) -> Labels {
    let mut labels = labels.without(&[]);
    labels.set("alertname".into(), rule.name.into());
    labels.set("severity".into(), rule.severity.into());
    labels
}

fn filled(rule: &Rule, labels: &Labels) -> Vec<(&'static str, String)> {
    let fill = |template: &str| {
        let mut parts = template.split("{{ $labels.");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once(" }}").unwrap_or((part, ""));
            text.push_str(labels.get(name));
            text.push_str(rest);
        }
        text
    };
    rule.annotations
        .iter()
        .map(|(name, template)| (*name, fill(template)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read() {
        for rule in &RULES {
            assert!(parse(rule.query).is_ok(), "{}", rule.name);
        }
    }

    #[test]
    fn an_alert_is_pending_first_fires_after_its_hold_and_begins_anew_after_a_gap() {
        let key = (0, Labels::new([("service", "cart")]));
        let times: Vec<i64> = (0..8).map(|n| n * INTERVAL).collect();
        let column = |values: [Option<f64>; 8]| Column {
            labels: key.1.clone(),
            values: values.to_vec(),
        };
        let y = Some(0.2);
        let after = |values| {
            followed(None, &key, &times, &column(values)).map(|a| (a.active_at, a.fired_at))
        };
        assert_eq!(after([None, y, y, y, None, None, None, None]), None);
        assert_eq!(
            after([None, None, None, None, None, y, y, y]),
            Some((10_000, None))
        );
        assert_eq!(after([None, y, y, y, y, y, y, y]), Some((2000, Some(8000))));
        assert_eq!(after([y, y, y, y, None, y, y, y]), Some((10_000, None)));
    }
}
