//! Row 2: the worst news of the whole target in one sentence.

use super::judge::{Finding, since, spoken};
use super::services::ServiceRow;
use super::state::{App, Headline};
use crate::domain::link::{LinkState, Source};
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use jiff::Timestamp;

/// Composes row 2.
pub fn headline(app: &App) -> Headline {
    let mut headline = verdict(app);
    if let Some(elsewhere) = elsewhere(app) {
        let stop = |text: &str| {
            if text.ends_with(['.', '…']) {
                ""
            } else {
                "."
            }
        };
        // It comes first only where nothing is wrong here: what fails, or cannot be seen, is said before what fails there.
        let nothing = blindness(app).is_none() && app.services.in_order().next().is_none();
        let own_first = headline.level != Level::Healthy && !nothing;
        for said in [&mut headline.text, &mut headline.brief, &mut headline.least] {
            *said = if own_first {
                format!("{said}{} {elsewhere}", stop(said))
            } else {
                format!("{elsewhere} {said}")
            };
        }
        // What is not known here does not become known by what is wrong there.
        if headline.level == Level::Healthy {
            headline.level = Level::Watch;
        }
    }
    headline
}

fn verdict(app: &App) -> Headline {
    if let Some(text) = blindness(app) {
        return Headline::of(Level::Unknown, text);
    }
    let alerts = alert_count(app);
    let Some(worst) = app.services.in_order().next() else {
        let text = format!("there are no workloads in {}.{alerts}", app.target.scope);
        let level = if alerts.is_empty() {
            Level::Unknown
        } else {
            Level::Watch
        };
        return Headline::of(level, text);
    };
    if worst.level() == Level::Healthy {
        return all_well(app, &alerts);
    }
    let blind = app.signals.blind(app.now);
    if let Some(why) = blind.as_ref().filter(|_| worst.level() == Level::Unknown) {
        return Headline::of(worst.level(), silence(app, why, &alerts));
    }
    let others = others(app, worst.level(), blind);
    let said = |what: &str| format!("{what}.{alerts}{others}");
    Headline {
        brief: said(&brief(worst, app.now, |worst| &worst.sentence)),
        least: said(&brief(worst, app.now, |worst| &worst.clause)),
        ..Headline::of(worst.level(), said(&worst.judgement.verdict.reason))
    }
}

/// What is wrong with a workload in few words: figure, since when, what changed just before.
fn brief(row: &ServiceRow, now: Timestamp, unmeasured: fn(&Finding) -> &String) -> String {
    let judgement = &row.judgement;
    let Some(worst) = judgement.findings.first() else {
        return judgement.verdict.reason.clone();
    };
    let said = if worst.measured {
        worst.sentence.replace(" of requests fail", " fail")
    } else {
        unmeasured(worst).clone()
    };
    let since = since(judgement.verdict.since, worst.beyond, now);
    let cause = judgement.cause.as_ref().filter(|_| worst.measured);
    let cause = cause.map_or(String::new(), |cause| {
        // The version is in the table; the number is what a rollback asks for.
        let number = cause.revision.split(' ').next().unwrap_or_default();
        format!(", {} after revision {number}", spoken(cause.before))
    });
    format!("{}: {said}{since}{cause}", row.object.name)
}

/// What is said where a source is silent and nothing is known to be wrong: it is about the source, not about a service.
fn silence(app: &App, why: &str, alerts: &str) -> String {
    let services = match app.services.tally().unknown {
        1 => "1 service is".to_owned(),
        n => format!("{n} services are"),
    };
    format!("{why}: errors and latency of {services} not known; their pods are well.{alerts}")
}

/// What else is not well, and what else is not known.
fn others(app: &App, worst: Level, blind: Option<String>) -> String {
    let tally = app.services.tally();
    let unwell = tally.unwell - usize::from(worst >= Level::Watch).min(tally.unwell);
    let unknown = tally.unknown - usize::from(worst == Level::Unknown).min(tally.unknown);
    let mut text = match unwell {
        0 => String::new(),
        1 => " 1 more service is not well.".into(),
        n => format!(" {n} more services are not well."),
    };
    let unjudged = match (unknown, blind) {
        (0, _) => String::new(),
        (_, Some(why)) => format!(" And {why}: errors and latency are not known."),
        (1, None) => " 1 more cannot be judged.".into(),
        (n, None) => format!(" {n} more cannot be judged."),
    };
    text.push_str(&unjudged);
    text
}

/// Why nothing can be said of the cluster, where that is so.
fn blindness(app: &App) -> Option<String> {
    let server = &app.target.server;
    match app.link(Source::Kubernetes) {
        LinkState::Connecting => Some(format!("connecting to {server}")),
        LinkState::Absent(why) => Some(format!("the cluster may not be seen: {why}")),
        LinkState::Stale { age: None, why, .. } => Some(format!("{server} does not answer: {why}")),
        LinkState::Stale {
            age: Some(age),
            why,
            ..
        } => {
            let worst = app
                .services
                .in_order()
                .next()
                .filter(|row| row.level() == Level::Failing);
            let before = worst.map_or(String::new(), |row| {
                format!(" Last known: {}.", row.judgement.verdict.reason)
            });
            let age = crate::domain::pod::short(age);
            Some(format!(
                "the API server has not answered for {age} ({why}).{before}"
            ))
        }
        _ if !app.cluster.listed() => Some("reading the cluster".into()),
        _ => None,
    }
}

fn all_well(app: &App, alerts: &str) -> Headline {
    let tally = app.services.tally();
    let count = tally.all;
    let rolling = tally.rolling.as_ref();
    let rolling = rolling.and_then(|uid| app.services.get(uid));
    let text = match rolling {
        Some(row) => format!(
            "{} rolls out: {}. Nothing is wrong in {}.{alerts}",
            row.object.name, row.rollout.reason, app.target.scope
        ),
        None => format!(
            "{} in {} {} well.{alerts}",
            if count == 1 {
                "1 workload".into()
            } else {
                format!("{count} workloads")
            },
            app.target.scope,
            if count == 1 { "is" } else { "are" }
        ),
    };
    let blind = app.signals.blind(app.now);
    let absent = matches!(app.link(Source::Prometheus), LinkState::Absent(_));
    let (level, text) = match blind {
        // Had it ever measured them, they would not stand here as well.
        Some(why) => (
            Level::Healthy,
            format!("{text} Judged by pods alone: none of them was measured, and {why}."),
        ),
        None if app.signals.answered() && tally.measured == 0 && !absent => (
            Level::Healthy,
            format!("{text} Judged by pods alone: there are no series for these pods."),
        ),
        None if absent => (
            Level::Healthy,
            format!("{text} Judged by pods alone: there is no Prometheus."),
        ),
        None if app.signals.answered() && tally.measured < count => {
            let alone = count - tally.measured;
            let are = if alone == 1 { "is" } else { "are" };
            (
                Level::Healthy,
                format!("{text} {alone} of them {are} judged by pods alone: no series."),
            )
        }
        None => (Level::Healthy, text),
    };
    Headline {
        moving: rolling.is_some(),
        ..Headline::of(level, text)
    }
}

fn alert_count(app: &App) -> String {
    let (mut here, mut taken) = (0, 0);
    for alert in app.alerts_here().filter(|alert| alert.heard()) {
        here += 1;
        taken += usize::from(app.taken_on(alert));
    }
    let incident = app.incident().map(|incident| incident.id.short());
    let id = incident.unwrap_or_default();
    match (here, here - taken) {
        (0, _) => String::new(),
        (1, 0) => format!(" 1 alert, acknowledged in {id}."),
        (n, 0) => format!(" {n} alerts, acknowledged in {id}."),
        (1, _) => " 1 alert, not acknowledged here.".into(),
        (n, open) if open == n => format!(" {n} alerts, not acknowledged here."),
        (n, open) => format!(" {n} alerts, {open} not acknowledged here."),
    }
}

/// The wrong place is said: critical alerts in a namespace that is not being looked at.
fn elsewhere(app: &App) -> Option<String> {
    let Scope::Namespace(here) = &app.target.scope else {
        return None;
    };
    let critical = |alert: &&crate::domain::alert::Alert| {
        alert.heard() && alert.severity == crate::domain::alert::Severity::Critical
    };
    let mut count = 0;
    let mut place = None;
    for namespace in app
        .alerts
        .iter()
        .filter(critical)
        .filter_map(|alert| alert.namespace())
        .filter(|ns| *ns != here)
    {
        if *place.get_or_insert(namespace) == namespace {
            count += 1;
        }
    }
    let s = if count == 1 { "" } else { "s" };
    place.map(|namespace| format!("{count} critical alert{s} in {namespace}; you are in {here}: :ns {namespace} goes there."))
}
