//! Polled sources: Prometheus and Alertmanager, asked at an interval for what is wanted at that moment, and at once when told to.

use super::acquaintance::{self, Knows};
use super::quiet::{Answer, Quiet};
use super::setting::{Found, Orders, Rhythm, Setting};
use crate::app::message::{Fact, SourceNews};
use crate::app::wants::{RangeWant, Subject, Wants};
use crate::domain::link::Source;
use crate::domain::signal::SignalSeries;
use crate::platform::alertmanager::Alertmanager;
use crate::platform::prometheus::subjects::Subject as Asked;
use crate::platform::prometheus::wire::QueryFailure;
use crate::platform::prometheus::{Ask, AskRange, Prometheus};
use futures::future::BoxFuture;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::{self, Receiver};
use tokio::time::Instant;

/// Why a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nobody listens any more.
    Closed,
    /// A source that nobody named no longer answers: it may have moved.
    Lost,
}

/// After so many questions without an answer, a source that was searched for is searched for again.
const LOST: u32 = 12;
/// So often a source is asked again whether it knows these pods, once it did.
const ASK_AGAIN: Duration = Duration::from_mins(5);
/// And while it does not.
const ASK_SOON: Duration = Duration::from_secs(15);

/// Asks Prometheus for as long as somebody listens.
pub async fn prometheus(
    setting: &mut Setting,
    found: &watch::Sender<Option<Found>>,
    searched: bool,
) -> Ended {
    let mut failed = 0;
    let mut acquaintance = Acquaintance::default();
    let Some(Found { prometheus, .. }) = found.borrow().clone() else {
        return Ended::Lost;
    };
    let mut quiet = Quiet::default();
    let mut ranges = Ranges::default();
    loop {
        let Orders { wants, hurry } = setting.orders.borrow_and_update().clone();
        let (facts, news) = if wants.signals && !wants.subjects.is_empty() {
            let due = Due {
                subjects: quiet.due(&wants, hurry, Instant::now()),
                ranges: ranges.due(&wants, hurry),
            };
            // Boxed: what borrows this much is otherwise not seen to move between threads.
            let known: BoxFuture<'_, Knows> =
                Box::pin(acquaintance.ask(&prometheus, setting, &wants, found));
            let asked: BoxFuture<'_, Result<Answer, Arc<str>>> =
                Box::pin(ask(&prometheus, &setting.rhythm, &due, found));
            let (known, answer) = futures::join!(known, asked);
            match answer {
                Ok(mut answer) => {
                    quiet.hear(&mut answer, &wants, hurry, Instant::now());
                    match known {
                        Knows::These => (answer.facts(), Some(SourceNews::Heard)),
                        // Numbers of other pods are no numbers.
                        Knows::Others => (nothing(&wants), Some(SourceNews::Heard)),
                        Knows::Nobody => (Vec::new(), Some(SourceNews::Stranger)),
                    }
                }
                Err(why) => (Vec::new(), Some(SourceNews::Troubled(why))),
            }
        } else {
            (Vec::new(), None)
        };
        failed = match &news {
            Some(SourceNews::Troubled(_)) => failed + 1,
            Some(_) => 0,
            None => failed,
        };
        let news = news.map(|news| Fact::Source(Source::Prometheus, news));
        for fact in facts.into_iter().chain(news) {
            if setting.facts.send(fact).await.is_err() {
                return Ended::Closed;
            }
        }
        if searched && failed >= LOST {
            return Ended::Lost;
        }
        if !pause(&setting.rhythm, &mut setting.orders, &wants).await {
            return Ended::Closed;
        }
    }
}

/// That there are no figures for what is wanted.
fn nothing(wants: &Wants) -> Vec<Fact> {
    let ranges = wants.ranges.iter();
    let ranges = ranges.map(|want| Fact::Range(want.clone(), Vec::new()));
    ranges
        .chain([Fact::Signals(Vec::new(), Arc::default())])
        .collect()
}

fn again(known: Knows) -> Duration {
    if known == Knows::These {
        ASK_AGAIN
    } else {
        ASK_SOON
    }
}

/// Whether a source knows the pods of this cluster, and how dense its scrapes are; asked rarely.
#[derive(Debug, Default)]
struct Acquaintance {
    knows: Option<(Knows, Instant)>,
    scrapes: Option<Instant>,
}

impl Acquaintance {
    /// Asks where it is time to; where it could not be asked, what was known stands.
    async fn ask(
        &mut self,
        source: &Prometheus,
        setting: &Setting,
        wants: &Wants,
        found: &watch::Sender<Option<Found>>,
    ) -> Knows {
        let now = setting.rhythm.clock.now();
        let due = self
            .knows
            .is_none_or(|(known, at)| at.elapsed() >= again(known));
        if due {
            let (cluster, scope) = (&setting.cluster, &setting.rhythm.scope);
            let known = acquaintance::ask(source, cluster, scope, &wants.pods, now).await;
            self.knows = known.map(|known| (known, Instant::now())).or(self.knows);
        }
        if self.scrapes.is_none_or(|at| at.elapsed() >= ASK_AGAIN) {
            self.scrapes = Some(Instant::now());
            let asked = source.scrape_interval(&setting.rhythm.scope, now);
            // Where it cannot tell, the configured window stands.
            let apart = asked.await.ok().flatten().unwrap_or(SignedDuration::ZERO);
            let window = setting.rhythm.window.max(apart * SCRAPES_IN_A_WINDOW);
            found.send_if_modified(|found| {
                let changed = found.as_ref().is_some_and(|found| found.window != window);
                if let Some(found) = found {
                    found.window = window;
                }
                changed
            });
        }
        let answer = self.knows.map(|(answer, _)| answer);
        let knows = answer.map(|answer| answer == Knows::These);
        found.send_if_modified(|found| {
            let changed = found
                .as_ref()
                .is_some_and(|found| found.knows_pods != knows);
            if let Some(found) = found {
                found.knows_pods = knows;
            }
            changed
        });
        answer.unwrap_or(Knows::These)
    }
}

/// While all is well, ranges over all services are asked for at every so many turns.
const CALM_TURNS: u32 = 3;

/// Which ranges are asked for at a turn.
#[derive(Debug, Default)]
struct Ranges {
    /// Those that were asked for at the last turn that asked for all, and in what hurry.
    asked: BTreeSet<RangeWant>,
    hurry: u64,
    turns: u32,
}

impl Ranges {
    /// Those that are due: all of them, but that those over all services, known already, rest while all is well.
    fn due(&mut self, wants: &Wants, hurry: u64) -> Vec<RangeWant> {
        self.turns += 1;
        let rest = wants.calm && self.hurry == hurry && self.turns < CALM_TURNS;
        if !rest {
            (self.turns, self.hurry) = (0, hurry);
            self.asked.clone_from(&wants.ranges);
        }
        let rests = |want: &RangeWant| rest && want.service.is_none() && self.asked.contains(want);
        let due = wants.ranges.iter().filter(|want| !rests(want));
        due.cloned().collect()
    }
}

/// A window must hold so many scrapes, or rates come and go.
const SCRAPES_IN_A_WINDOW: i32 = 4;

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
                let alarm = before.calm && !now.wants.calm;
                if now.hurry != hurry || new_range || subjects || alarm {
                    return true;
                }
            }
        }
    }
}

/// What is asked at a turn.
struct Due {
    subjects: Vec<Subject>,
    ranges: Vec<RangeWant>,
}

/// Everything that is due, or why there is no answer.
async fn ask(
    source: &Prometheus,
    rhythm: &Rhythm,
    due: &Due,
    found: &watch::Sender<Option<Found>>,
) -> Result<Answer, Arc<str>> {
    let window = found.borrow().as_ref().map_or(rhythm.window, |f| f.window);
    let mut answer = Answer::default();
    for (window, subjects) in by_window(rhythm, window, &due.subjects) {
        let question = Ask {
            now: rhythm.clock.now(),
            scope: &rhythm.scope,
            subjects: &subjects,
            window,
        };
        for want in &due.ranges {
            let series = range(source, question, want).await;
            let series = series.map_err(|failure| failure.short())?;
            answer
                .ranges
                .entry(want.clone())
                .or_default()
                .extend(series);
        }
        let read = source.read(&question).await;
        answer
            .readings
            .extend(read.map_err(|failure| failure.short())?.result);
    }
    Ok(answer)
}

/// The subjects by the window that holds for them: most often all in one question.
fn by_window(
    rhythm: &Rhythm,
    general: SignedDuration,
    due: &[Subject],
) -> BTreeMap<SignedDuration, Vec<Asked>> {
    let least = if general > rhythm.window {
        general
    } else {
        SignedDuration::ZERO
    };
    let mut groups: BTreeMap<_, Vec<Asked>> = BTreeMap::new();
    for subject in due {
        let own = rhythm.windows.get(&*subject.name).copied();
        let window = own.unwrap_or(general).max(least);
        groups.entry(window).or_default().push(asked(subject));
    }
    groups
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
            if one.is_empty() {
                return Ok(Vec::new());
            }
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

fn asked(subject: &Subject) -> Asked {
    let mut asked = Asked::new(&subject.namespace, &subject.name, subject.kind.into());
    asked.versions = subject.versions.clone();
    asked
}

/// Asks Alertmanager for as long as somebody listens.
pub async fn alertmanager(
    source: Arc<Alertmanager>,
    setting: &mut Setting,
    searched: bool,
) -> Ended {
    let mut failed = 0;
    loop {
        let wants = setting.orders.borrow_and_update().wants.clone();
        if wants.alerts {
            let (alerts, news) = match source.alerts().await {
                Ok(found) => (Some(found.alerts), SourceNews::Heard),
                Err(failure) => (None, SourceNews::Troubled(failure.short().into())),
            };
            failed = if alerts.is_some() { 0 } else { failed + 1 };
            let news = Fact::Source(Source::Alertmanager, news);
            for fact in alerts.map(Fact::Alerts).into_iter().chain([news]) {
                if setting.facts.send(fact).await.is_err() {
                    return Ended::Closed;
                }
            }
        }
        if searched && failed >= LOST {
            return Ended::Lost;
        }
        if !pause(&setting.rhythm, &mut setting.orders, &wants).await {
            return Ended::Closed;
        }
    }
}
