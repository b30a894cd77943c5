//! Polled sources: Prometheus and Alertmanager, asked at an interval for what is wanted at that moment, and at once when told to.

use super::clock::Clock;
use crate::app::message::{Fact, SourceNews};
use crate::app::wants::{RangeWant, Subject, Wants};
use crate::domain::link::Source;
use crate::domain::signal::SignalSeries;
use crate::domain::target::Scope;
use crate::platform::alertmanager::Alertmanager;
use crate::platform::prometheus::families::Scope as Where;
use crate::platform::prometheus::subjects::Subject as Asked;
use crate::platform::prometheus::wire::QueryFailure;
use crate::platform::prometheus::{Ask, AskRange, Prometheus};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch::Receiver;

/// What is to be polled: the wants of the moment, and how often it was told to ask at once.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// What is wanted.
    pub wants: Arc<Wants>,
    /// Counts up when somebody wants an answer at once.
    pub hurry: u64,
}

/// How a source is polled.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// How often.
    pub interval: Duration,
    /// The window of rates.
    pub window: SignedDuration,
    /// Where.
    pub scope: Scope,
    /// The present.
    pub clock: Clock,
}

/// Asks Prometheus for as long as somebody listens.
pub async fn prometheus(
    source: Arc<Prometheus>,
    rhythm: Rhythm,
    mut orders: Receiver<Orders>,
    facts: Sender<Fact>,
) {
    loop {
        let wants = orders.borrow_and_update().wants.clone();
        let news = if wants.signals && !wants.subjects.is_empty() {
            ask(&source, &rhythm, &wants, &facts).await
        } else {
            None
        };
        if let Some(news) = news
            && facts
                .send(Fact::Source(Source::Prometheus, news))
                .await
                .is_err()
        {
            return;
        }
        if !pause(&rhythm, &mut orders, &wants).await {
            return;
        }
    }
}

/// Waits for the next turn: the interval, a hurry, or a new question. False when nobody listens any more.
async fn pause(rhythm: &Rhythm, orders: &mut Receiver<Orders>, before: &Wants) -> bool {
    let hurry = orders.borrow().hurry;
    let turn = tokio::time::sleep(rhythm.interval);
    tokio::pin!(turn);
    loop {
        tokio::select! {
            () = &mut turn => return true,
            changed = orders.changed() => {
                if changed.is_err() {
                    return false;
                }
                let now = orders.borrow_and_update();
                let new_range = now.wants.ranges.iter().any(|range| !before.ranges.contains(range));
                let subjects = now.wants.subjects != before.subjects;
                if now.hurry != hurry || new_range || subjects {
                    return true;
                }
            }
        }
    }
}

async fn ask(
    source: &Prometheus,
    rhythm: &Rhythm,
    wants: &Wants,
    facts: &Sender<Fact>,
) -> Option<SourceNews> {
    let now = rhythm.clock.now();
    let subjects: Vec<Asked> = wants.subjects.iter().map(asked).collect();
    let scope = scope(&rhythm.scope);
    let question = Ask {
        now,
        scope: &scope,
        subjects: &subjects,
        window: rhythm.window,
    };
    let trouble = |failure: &QueryFailure| Some(SourceNews::Troubled(failure.short().into()));
    // The range first: a verdict that knows the figure should know since when.
    for want in &wants.ranges {
        match range(source, question, want).await {
            Ok(series) => facts.send(Fact::Range(want.clone(), series)).await.ok()?,
            Err(failure) => return trouble(&failure),
        }
    }
    match source.read(&question).await {
        Ok(answer) => facts.send(Fact::Signals(answer.result)).await.ok()?,
        Err(failure) => return trouble(&failure),
    }
    Some(SourceNews::Heard)
}

async fn range(
    source: &Prometheus,
    ask: Ask<'_>,
    want: &RangeWant,
) -> Result<Vec<SignalSeries>, QueryFailure> {
    let seconds = |s: u32| SignedDuration::from_secs(i64::from(s));
    let end = ask.now - seconds(want.ago_s);
    let one: Vec<Asked>;
    let subjects = match &want.service {
        None => ask.subjects,
        Some((namespace, name)) => {
            one = ask
                .subjects
                .iter()
                .filter(|s| s.namespace == *namespace && s.workload == *name)
                .cloned()
                .collect();
            &one
        }
    };
    let (start, step) = (end - seconds(want.span_s), seconds(want.step_s));
    let question = AskRange {
        ask: Ask { subjects, ..ask },
        start,
        end,
        step,
        signal: want.signal,
        split: want.split.into(),
    };
    source.range(&question).await.map(|answer| answer.result)
}

fn scope(scope: &Scope) -> Where {
    scope
        .namespace()
        .map_or(Where::All, |name| Where::Namespace(name.clone()))
}

fn asked(subject: &Subject) -> Asked {
    let mut asked = Asked::new(&subject.namespace, &subject.name, subject.kind.into());
    asked.versions = subject.versions.clone();
    asked
}

/// Asks Alertmanager for as long as somebody listens.
pub async fn alertmanager(
    source: Arc<Alertmanager>,
    rhythm: Rhythm,
    mut orders: Receiver<Orders>,
    facts: Sender<Fact>,
) {
    loop {
        let wants = orders.borrow_and_update().wants.clone();
        if wants.alerts {
            let (alerts, news) = match source.alerts().await {
                Ok(found) => (Some(found.alerts), SourceNews::Heard),
                Err(failure) => (None, SourceNews::Troubled(failure.short().into())),
            };
            for fact in alerts
                .map(Fact::Alerts)
                .into_iter()
                .chain([Fact::Source(Source::Alertmanager, news)])
            {
                if facts.send(fact).await.is_err() {
                    return;
                }
            }
        }
        if !pause(&rhythm, &mut orders, &wants).await {
            return;
        }
    }
}
