//! `vigie rollout status|history|watch`: a rollout in kubectl's words and ours, once or until it ends. The exit code is the worst
//! of the service's verdict, as `vigie status` has it, and of a rollout that is not done, which is something to watch.

pub mod history;

use super::args::{Output, Rollout, Until};
use super::console::{notify, runtime};
use super::document;
use super::exit::{self, Failed};
use super::session::{Session, Start};
use super::{kubectl, print, reach, status};
use crate::app::App;
use crate::app::screen::Screen;
use crate::app::services::ServiceRow;
use crate::config::mistake::nearest;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::short;
use crate::domain::rollout::RolloutState;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use crate::domain::workload::Workload;
use crate::terminal::{self, Notify, Signals};
use crate::ui::widget::text::sanitize;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::io::IsTerminal as _;
use std::time::Duration;

/// How long the sources may take to answer once.
const PATIENCE: Duration = Duration::from_secs(15);

/// `vigie rollout`.
pub fn rollout(start: &Start, asked: &Rollout) -> Result<u8, Failed> {
    let json = start.global.output == Output::Json;
    let (Rollout::Status { name } | Rollout::History { name } | Rollout::Watch { name, .. }) =
        asked;
    runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        let mut session = start.session(start.place(), Screen::Overview).await?;
        tokio::select! {
            _ = session.settle(PATIENCE) => {}
            ended = signals.next() => return Ok(ended.exit_code()),
        }
        if let Some(failed) = reach::trouble(&session).await {
            return Err(failed);
        }
        let uid = find(&session.app, name)?.uid.clone();
        match asked {
            Rollout::Status { .. } => {
                let mut look = Look::at(&session.app, &uid).ok_or_else(gone)?;
                look.dated(&session, &uid).await;
                print::text(&look.said(&session.app, json))?;
                Ok(look.code)
            }
            Rollout::History { .. } => history::print(&session, &uid, json).await,
            Rollout::Watch { until, .. } => {
                let attention = Attention::new(notify(start.loaded.config().notify));
                let watch = Watch {
                    uid: &uid,
                    until: *until,
                    json,
                    attention,
                };
                watch.run(&mut session, &mut signals).await
            }
        }
    })
}

fn gone() -> Failed {
    Failed::new(exit::UNKNOWN, "the workload is gone")
}

/// The workload that was typed, or what it was probably meant to be.
fn find<'a>(app: &'a App, typed: &str) -> Result<&'a Workload, Failed> {
    let (kind, name) = kubectl::named(typed);
    let found: Vec<&Workload> = app
        .cluster
        .all_workloads()
        .filter(|workload| workload.kind == kind && *workload.name == *name)
        .collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let all: Vec<String> = app
                .cluster
                .all_workloads()
                .map(|workload| workload.object().to_string())
                .collect();
            let near = nearest(&format!("{kind}/{name}"), all.iter().map(String::as_str));
            let meant = near.map_or(
                "`vigie status` lists what there is; `sts/NAME` and `ds/NAME` name other kinds."
                    .into(),
                |near| format!("Did you mean {near}?"),
            );
            Err(Failed::usage(format!(
                "there is no {kind} {name} in {}\n{meant}",
                app.target.scope
            )))
        }
        several => {
            let namespaces = several.iter().map(|workload| &*workload.namespace);
            Err(Failed::usage(format!(
                "{kind} {name} is in several namespaces: {}\nName one with -n.",
                namespaces.collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

/// A rollout at a moment.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    state: RolloutState,
    level: Level,
    code: u8,
    kubectl: String,
    ours: String,
    revision: String,
    document: serde_json::Value,
}

impl Look {
    fn at(app: &App, uid: &Uid) -> Option<Self> {
        let (workload, row) = (app.cluster.workload(uid)?, app.services.get(uid)?);
        Some(Self {
            state: row.rollout.state,
            level: row.level(),
            code: code(app, row),
            kubectl: kubectl::words(workload),
            ours: row.rollout.reason.clone(),
            revision: revision(
                app.now,
                row.revision,
                row.version.as_deref(),
                (row.taken_over, row.rollout.state),
            ),
            document: document::workload(app, workload)?,
        })
    }

    /// With the revision that serves as the history has it, for kinds that carry no number themselves.
    async fn dated(&mut self, session: &Session, uid: &Uid) {
        let app = &session.app;
        let (Some(workload), Some(row)) = (app.cluster.workload(uid), app.services.get(uid)) else {
            return;
        };
        let Some((number, since)) = history::serving(session, workload).await else {
            return;
        };
        self.revision = revision(
            app.now,
            Some(number),
            row.version.as_deref(),
            (since, self.state),
        );
        self.document["revision"] = number.into();
        if self.state == RolloutState::Done {
            self.document["rollout"]["since"] = document::time(since);
        }
    }

    /// All of it, for one look.
    fn said(&self, app: &App, json: bool) -> String {
        if json {
            return print::line(&self.json(app, "rollout.status"));
        }
        let verdict = self.document["verdict"]["reason"]
            .as_str()
            .unwrap_or_default();
        let lines = [
            self.kubectl.clone(),
            format!("  {}", stated(self.state, &self.ours)),
            format!("  {}", self.revision),
            format!("  {}: {verdict}", self.level),
        ];
        lines.map(|line| format!("{}\n", sanitize(&line))).concat()
    }

    /// One line, for watching.
    fn line(&self, app: &App) -> String {
        let ours = format!("{} · {}", stated(self.state, &self.ours), self.level);
        let at = app.now.strftime("%H:%M:%SZ");
        format!("{at}  {}  {}\n", sanitize(&self.kubectl), sanitize(&ours))
    }

    fn json(&self, app: &App, event: &str) -> serde_json::Value {
        json!({
            "schema": 1, "event": event, "at": document::time(Some(app.now)), "target": document::target(app),
            "kubectl": self.kubectl, "workload": self.document,
        })
    }
}

/// A state and its reason, which may name the state itself.
fn stated(state: RolloutState, reason: &str) -> String {
    let word = state.word();
    match reason.strip_prefix(word) {
        Some(_) => reason.to_owned(),
        None => format!("{word}: {reason}"),
    }
}

/// The revision in a sentence: which, since when; with its date where that was not today.
fn revision(
    now: Timestamp,
    number: Option<u64>,
    version: Option<&str>,
    (since, state): (Option<Timestamp>, RolloutState),
) -> String {
    let number = number.map_or("revision unknown".to_owned(), |n| format!("revision {n}"));
    let version = version.map_or(String::new(), |v| format!(" ({v})"));
    let since = since.map_or(String::new(), |at| {
        let ago = short(now.duration_since(at));
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let form = if day(at) == day(now) {
            "%H:%M:%SZ"
        } else {
            "%Y-%m-%d %H:%M:%SZ"
        };
        // Until a rollout is complete its revision serves in part or not at all.
        let word = match state {
            RolloutState::Done => "serving",
            _ => "wanted",
        };
        format!(", {word} since {} ({ago})", at.strftime(form))
    });
    format!("{number}{version}{since}")
}

/// The worst of the rollout and the service.
fn code(app: &App, row: &ServiceRow) -> u8 {
    if !matches!(
        app.link(Source::Kubernetes),
        LinkState::Live(_) | LinkState::Quiet(_)
    ) {
        return exit::UNKNOWN;
    }
    let rollout = match row.rollout.state {
        RolloutState::Done => Level::Healthy,
        RolloutState::Moving
        | RolloutState::Paused
        | RolloutState::Stuck
        | RolloutState::Failed => Level::Watch,
    };
    exit::of(rollout.max(row.level()))
}

/// Whose attention was asked for what: never twice for one thing.
struct Attention {
    how: Notify,
    level: Option<Level>,
    lost: bool,
}

impl Attention {
    fn new(how: Notify) -> Self {
        Self {
            how,
            level: None,
            lost: false,
        }
    }

    /// What to call out now: a change of level, or that we no longer see.
    fn due(&mut self, level: Level, lost: bool) -> bool {
        let changed = self.level.is_some_and(|before| before != level);
        let lost_now = lost && !self.lost;
        self.level = Some(level);
        self.lost = lost;
        changed || lost_now
    }

    /// Sets the title and calls, where there is somebody at a terminal.
    fn call(&mut self, subject: &str, look: &Look, lost: bool) {
        let due = self.due(look.level, lost);
        if !std::io::stdout().is_terminal() {
            return;
        }
        let sentence = if lost {
            "the cluster does not answer"
        } else {
            &look.ours
        };
        let title = terminal::title(&format!("{} {subject}", look.level.word().to_uppercase()));
        let call = due.then(|| {
            terminal::level_changed(self.how, subject, sentence, |name| std::env::var(name).ok())
        });
        // A terminal that cannot be written to is noticed at the next line.
        let _ = terminal::write(&(title + &call.unwrap_or_default()));
    }
}

/// A rollout followed.
struct Watch<'a> {
    uid: &'a Uid,
    until: Option<Until>,
    json: bool,
    attention: Attention,
}

impl Watch<'_> {
    async fn run(mut self, session: &mut Session, signals: &mut Signals) -> Result<u8, Failed> {
        let mut printed = None;
        loop {
            let app = &session.app;
            let look = Look::at(app, self.uid).ok_or_else(gone)?;
            let lost = match app.link(Source::Kubernetes) {
                LinkState::Stale { why, .. } | LinkState::Absent(why) => Some(why),
                _ => None,
            };
            let face = (look.state, look.level, look.kubectl.clone(), lost.is_some());
            if printed.as_ref() != Some(&face) {
                if !print::heard(&self.said(app, &look, lost.as_deref()))? {
                    return Ok(look.code);
                }
                let subject = look.document["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                self.attention.call(&subject, &look, lost.is_some());
                printed = Some(face);
            }
            let over = matches!(look.state, RolloutState::Done | RolloutState::Failed);
            if self.until == Some(Until::Done) && over && lost.is_none() {
                return Ok(look.code);
            }
            if let Some(code) = status::listen(session, signals).await {
                return Ok(code);
            }
        }
    }

    fn said(&self, app: &App, look: &Look, lost: Option<&str>) -> String {
        if self.json {
            let mut document = look.json(app, "rollout.watch");
            document["lost"] = lost.into();
            return print::line(&document);
        }
        match lost {
            Some(why) => {
                let at = app.now.strftime("%H:%M:%SZ");
                format!(
                    "{at}  observation lost: {}; last known: {}\n",
                    sanitize(why),
                    sanitize(&look.ours)
                )
            }
            None => look.line(app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_another_day_has_its_date() {
        let now: Timestamp = "2026-03-04T03:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().ok();
        for (since, said) in [
            (
                "2026-03-04T02:00:00Z",
                "revision 2 (v1), serving since 02:00:00Z (60 m)",
            ),
            (
                "2026-01-01T02:00:00Z",
                "revision 2 (v1), serving since 2026-01-01 02:00:00Z (62 d)",
            ),
        ] {
            let done = (at(since), RolloutState::Done);
            assert_eq!(revision(now, Some(2), Some("v1"), done), said);
        }
        let stuck = (at("2026-03-04T02:59:50Z"), RolloutState::Stuck);
        assert_eq!(
            revision(now, Some(3), None, stuck),
            "revision 3, wanted since 02:59:50Z (10 s)"
        );
        assert_eq!(
            stated(RolloutState::Paused, "paused: 1 of 3"),
            "paused: 1 of 3"
        );
        assert_eq!(
            stated(RolloutState::Done, "3 of 3"),
            format!("{}: 3 of 3", RolloutState::Done.word())
        );
    }

    #[test]
    fn attention_is_asked_for_once_for_each_thing() {
        let mut attention = Attention::new(Notify::Bell);
        let heard: Vec<bool> = [
            (Level::Healthy, false),
            (Level::Healthy, false),
            (Level::Failing, false),
            (Level::Failing, false),
            (Level::Failing, true),
            (Level::Failing, true),
            (Level::Failing, false),
            (Level::Healthy, false),
        ]
        .into_iter()
        .map(|(level, lost)| attention.due(level, lost))
        .collect();
        assert_eq!(heard, [false, false, true, false, true, false, false, true]);
    }
}
