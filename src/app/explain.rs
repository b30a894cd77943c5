//! Why a verdict is what it is: the findings, the evidence, the limits and how far the sources can be believed, as lines.

use super::judge::evidence::{clock, millis, percent};
use super::links;
use super::next::suggestion;
use super::services::ServiceRow;
use super::state::App;
use crate::domain::link::{LinkState, Source};
use crate::domain::object::ObjectRef;
use crate::domain::pod::short;
use crate::domain::signal::{Part, Reading, ServiceSignals, SignalName, SignalSeries};
use crate::domain::verdict::Level;

/// The most pods that are named.
const PODS: usize = 6;

/// One line: what it is about, what is known, how bad it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about; empty where it goes on.
    pub label: &'static str,
    /// What is known. May hold text of the cluster: escape before drawing.
    pub text: String,
    /// How bad, where that is judged.
    pub level: Option<Level>,
}

fn line(label: &'static str, text: impl Into<String>, level: Option<Level>) -> Line {
    Line {
        label,
        text: text.into(),
        level,
    }
}

/// The subject and its explanation: of the workload under the cursor or on the screen.
pub fn explain(app: &App) -> (String, Vec<Line>) {
    let object = app.workload_here();
    let row = object.as_ref().and_then(|object| app.services.find(object));
    let Some(row) = row else {
        let text =
            "Nothing under the cursor is judged: only workloads are, and pods through theirs.";
        return ("why".into(), vec![line("", text, None)]);
    };
    let title = format!("why {} is {}", row.object.name, row.level().word());
    let mut lines = vec![line(
        "verdict",
        row.judgement.verdict.reason.clone(),
        Some(row.level()),
    )];
    lines.extend(findings(row));
    lines.extend(measured(app, row));
    lines.extend(cluster(app, row));
    lines.extend(released(app, row));
    lines.extend(alerts(app, &row.object));
    lines.extend(sources(app));
    lines.extend(asked(app, &row.object));
    (title, lines)
}

fn findings(row: &ServiceRow) -> Vec<Line> {
    let found = row.judgement.findings.iter().enumerate();
    found
        .map(|(index, finding)| {
            let since = finding
                .since
                .map_or_else(String::new, |at| format!(", since {}", clock(at)));
            let how = if finding.measured { " (measured)" } else { "" };
            line(
                if index == 0 { "findings" } else { "" },
                format!("{}: {}{since}{how}", finding.clause, finding.sentence),
                Some(finding.level),
            )
        })
        .collect()
}

/// A signal, its limit, and how its figure is written.
type Asked = (SignalName, Option<f64>, fn(f64) -> String);

fn measured(app: &App, row: &ServiceRow) -> Vec<Line> {
    let limits = app.settings.limits.of(&row.object.name);
    let Some(signals) = &row.signals else {
        let text = "never measured: judged by its pods and its rollout alone";
        return vec![line("signals", text, None)];
    };
    let figures: [Asked; 4] = [
        (SignalName::Requests, None, |rate| format!("{rate:.1}/s")),
        (SignalName::ErrorRatio, Some(limits.error_ratio), percent),
        (SignalName::P99, Some(limits.p99_ms), millis),
        (SignalName::Saturation, Some(limits.saturation), percent),
    ];
    let lines = figures.into_iter().enumerate();
    lines
        .map(|(index, (name, limit, unit))| {
            let limit_words = limit.map_or_else(String::new, |limit| {
                format!(" (limit {}; exactly at it counts as within)", unit(limit))
            });
            let (value, level) = match signals.get(name) {
                Reading::Known(value) => {
                    let over = limit.is_some_and(|limit| *value > limit);
                    (
                        unit(*value),
                        Some(if over { Level::Failing } else { Level::Healthy }),
                    )
                }
                Reading::Unknown(why) => (format!("unknown: {why}"), Some(Level::Unknown)),
            };
            let more = behind(signals, name);
            line(
                if index == 0 { "signals" } else { "" },
                format!("{name} {value}{more}{limit_words}"),
                level.filter(|_| limit.is_some()),
            )
        })
        .chain(versions(app, row))
        .collect()
}

/// What stands behind a figure: how much was judged, how sure it is, of what it is the worst.
fn behind(signals: &ServiceSignals, name: SignalName) -> String {
    let detail = &signals.detail;
    let share = |what: &str, value: Option<f64>| Some(format!("{what} {}", percent(value?)));
    let said: Vec<String> = match name {
        SignalName::Requests => {
            let count = signals
                .requests()
                .filter(|_| signals.get(name).value().is_some());
            let window = detail.window.as_secs();
            count
                .map(|count| format!("{count:.0} requests in {window} s"))
                .into_iter()
                .collect()
        }
        SignalName::P99 => match detail.p99_between {
            Some((lower, upper)) if upper.is_finite() => {
                vec![format!(
                    "between {} and {} by its buckets",
                    millis(lower),
                    millis(upper)
                )]
            }
            Some((lower, _)) => vec![format!(
                "or more: beyond the last bucket, {}",
                millis(lower)
            )],
            None => Vec::new(),
        },
        SignalName::Saturation => [
            share("memory", detail.memory),
            share("CPU", detail.cpu),
            share("throttled", detail.throttled),
        ]
        .into_iter()
        .flatten()
        .collect(),
        _ => Vec::new(),
    };
    if said.is_empty() {
        String::new()
    } else {
        format!(", {}", said.join(", "))
    }
}

/// The versions that serve, each by itself, where there are several.
fn versions(app: &App, row: &ServiceRow) -> Vec<Line> {
    let parts = app.signals.parts(&row.object.namespace, &row.object.name);
    let served = |part: &&ServiceSignals| {
        matches!(part.part, Part::Version(_))
            && part
                .get(SignalName::Requests)
                .value()
                .is_some_and(|rate| rate > 0.0)
    };
    let parts: Vec<_> = parts.iter().filter(served).collect();
    if parts.len() < 2 {
        return Vec::new();
    }
    let value = |part: &ServiceSignals, name, unit: fn(f64) -> String| {
        part.get(name)
            .value()
            .map_or_else(|| "unknown".to_owned(), unit)
    };
    let lines = parts.into_iter().map(|part| {
        let text = format!(
            "version {}: {}, errors {}, p99 {}",
            part.part.name(),
            value(part, SignalName::Requests, |rate| format!("{rate:.1}/s")),
            value(part, SignalName::ErrorRatio, percent),
            value(part, SignalName::P99, millis),
        );
        line("", text, None)
    });
    lines.collect()
}

/// The queries behind the two figures that decide, to be pasted elsewhere.
fn asked(app: &App, object: &ObjectRef) -> Vec<Line> {
    let mine = |series: &&SignalSeries| {
        series.namespace == object.namespace
            && series.service == object.name
            && !series.query.is_empty()
    };
    let wants = app.overview_ranges();
    let found = wants.iter().filter_map(|want| {
        let series = app.signals.range(want).iter().find(mine)?;
        Some(format!("{}: {}", want.signal, series.query))
    });
    let found: Vec<String> = found.collect();
    let lines = found.into_iter().enumerate();
    lines
        .map(|(index, text)| line(if index == 0 { "PromQL" } else { "" }, text, None))
        .collect()
}

fn cluster(app: &App, row: &ServiceRow) -> Vec<Line> {
    let mut lines = vec![line(
        "rollout",
        format!("{}: {}", row.rollout.state.word(), row.rollout.reason),
        None,
    )];
    let mut unwell: Vec<_> = app
        .pods_of(&row.object)
        .map(|pod| (app.cluster.pod_level(pod), pod))
        .filter(|(level, _)| *level != Level::Healthy)
        .collect();
    unwell.sort_by(|a, b| (b.0, &a.1.name).cmp(&(a.0, &b.1.name)));
    let bad = match unwell.len() {
        0 => String::new(),
        n => format!(
            ", {n} of {} pods not well",
            app.pods_of(&row.object).count()
        ),
    };
    let ready = format!("{} of {} ready{bad}", row.ready, row.desired);
    lines.push(line("pods", ready, None));
    let more = unwell.len().saturating_sub(PODS);
    lines.extend(unwell.into_iter().take(PODS).map(|(level, pod)| {
        let reason = pod
            .reason(app.now)
            .unwrap_or_else(|| pod.status.to_string());
        line("", format!("{}: {reason}", pod.name), Some(level))
    }));
    if more > 0 {
        lines.push(line("", format!("and {more} more"), None));
    }
    lines
}

fn released(app: &App, row: &ServiceRow) -> Vec<Line> {
    let text = match (&row.judgement.cause, row.taken_over) {
        (Some(cause), _) => format!(
            "revision {} took over at {}, {} before the trouble",
            cause.revision,
            clock(cause.at),
            short(cause.before)
        ),
        (None, Some(at)) if row.level() == Level::Healthy => format!(
            "the last revision took over {} ago",
            short(app.now.duration_since(at))
        ),
        (None, Some(at)) if row.judgement.verdict.since.is_some_and(|since| at > since) => format!(
            "the last revision took over {} ago, after this began",
            short(app.now.duration_since(at))
        ),
        (None, Some(at)) => format!(
            "the last revision took over {} ago, too long before any trouble to be its cause",
            short(app.now.duration_since(at))
        ),
        (None, None) => "when its revision took over is not known".into(),
    };
    let mut lines = vec![line("released", text, None)];
    lines.extend(suggestion(row).map(|text| line("", text, None)));
    lines
}

fn alerts(app: &App, object: &ObjectRef) -> Vec<Line> {
    let found = links::alerts_of(app, object).enumerate();
    found
        .map(|(index, alert)| {
            let since = alert
                .since
                .map_or_else(String::new, |at| format!(" since {}", clock(at)));
            let label = if index == 0 { "alerts" } else { "" };
            let text = format!("{} {}{since}", alert.name, alert.severity.word());
            line(label, text, None)
        })
        .collect()
}

fn sources(app: &App) -> Vec<Line> {
    let all = [Source::Kubernetes, Source::Prometheus, Source::Alertmanager];
    let lines = all.into_iter().enumerate();
    lines
        .map(|(index, source)| {
            let (words, level) = match app.link(source) {
                LinkState::Connecting => ("not heard yet".into(), Some(Level::Unknown)),
                LinkState::Live(age) => (format!("live, heard {} ago", short(age)), None),
                LinkState::Quiet(age) => (format!("silent for {}", short(age)), Some(Level::Watch)),
                LinkState::Stale { why, .. } if why.starts_with("it answers") => {
                    (why.to_string(), Some(Level::Unknown))
                }
                LinkState::Stale { why, since, .. } => (
                    format!("has not answered since {} ({why})", clock(since)),
                    Some(Level::Unknown),
                ),
                LinkState::Absent(why) => (format!("none here: {why}"), None),
            };
            let label = if index == 0 { "sources" } else { "" };
            line(label, format!("{source}: {words}"), level)
        })
        .collect()
}
