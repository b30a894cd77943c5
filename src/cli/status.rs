//! `vigie status`: one look at the target, as lines or as a document; the exit code is the verdict.
//!
//! With `--watch` it looks again whenever something changed: a level, a link, a count, a pod's words, an alert. Figures that
//! merely move are no change.

use super::args::{Output, Status};
use super::console::runtime;
use super::document::{self, SOURCES};
use super::exit::{self, Failed};
use super::print;
use super::reach;
use super::session::{Session, Start};
use crate::app::App;
use crate::app::message::Message;
use crate::app::screen::Screen;
use crate::domain::link::LinkState;
use crate::domain::pod::short;
use crate::domain::verdict::Level;
use crate::terminal::Signals;
use crate::ui::widget::text::sanitize;
use std::fmt::Write as _;
use std::time::Duration;

/// How long the sources may take to answer once.
const PATIENCE: Duration = Duration::from_secs(15);

/// `vigie status`.
pub fn status(start: &Start, asked: &Status) -> Result<u8, Failed> {
    let json = start.global.output == Output::Json;
    runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        let mut session = start.session(start.place(), Screen::Overview).await?;
        tokio::select! {
            _ = session.settle(PATIENCE) => {}
            ended = signals.next() => return Ok(ended.exit_code()),
        }
        match reach::trouble(&session).await {
            Some(failed) if failed.code == exit::USAGE => return Err(failed),
            Some(failed) => print::note(&failed.sentence),
            None => {}
        }
        let mut printed = None;
        loop {
            let face = face(&session.app);
            if printed.as_ref() != Some(&face) {
                let gap = if printed.is_some() && !json { "\n" } else { "" };
                let heard = print::heard(&format!("{gap}{}", said(&session.app, json)))?;
                if !heard || !asked.watch {
                    return Ok(exit::of(session.app.headline.level));
                }
                printed = Some(face);
            }
            if let Some(code) = listen(&mut session, &mut signals).await {
                return Ok(code);
            }
        }
    })
}

/// Waits until something was heard or a second has passed; the exit code when it is over.
pub async fn listen(session: &mut Session, signals: &mut Signals) -> Option<u8> {
    let second = Duration::from_secs(1);
    tokio::select! {
        fact = session.facts.recv() => match fact {
            Some(fact) => session.take(fact),
            None => return Some(exit::of(session.app.headline.level)),
        },
        () = tokio::time::sleep(second) => {
            let now = session.engine.clock().now();
            session.app.update(Message::Tick, now);
            session.app.refresh();
        }
        ended = signals.next() => return Some(ended.exit_code()),
    }
    session.engine.reconcile(session.app.wants());
    None
}

fn said(app: &App, json: bool) -> String {
    if json {
        print::line(&document::status(app))
    } else {
        lines(app)
    }
}

/// What must differ for `--watch` to print again.
fn face(app: &App) -> Vec<String> {
    let links = SOURCES.map(|source| match app.link(source) {
        LinkState::Connecting => "connecting",
        LinkState::Live(_) => "live",
        LinkState::Quiet(_) => "quiet",
        LinkState::Stale { .. } => "stale",
        LinkState::Absent(_) => "absent",
    });
    let mut face = vec![format!("{} {links:?}", app.headline.level)];
    face.extend(app.services.in_order().map(|row| {
        let (rollout, level) = (row.rollout.state.word(), row.level());
        let counts = (row.ready, row.desired, row.revision);
        format!("{} {level} {rollout} {counts:?}", row.uid)
    }));
    face.extend(app.cluster.pods_in_order().map(|(pod, level)| {
        let counts = (pod.ready, pod.containers, pod.restarts);
        format!("{} {level} {} {counts:?}", pod.uid, pod.status)
    }));
    let alerts = app.alerts.iter();
    face.extend(alerts.map(|alert| format!("{} {}", alert.fingerprint, alert.state.word())));
    face
}

/// The same for people: the verdict, the links, what is not well.
fn lines(app: &App) -> String {
    let mut out = String::new();
    let target = &app.target;
    let level = app.headline.level.word().to_uppercase();
    let _ = writeln!(out, "{level}  {}", app.headline.text);
    let user = target
        .user
        .as_deref()
        .map_or(String::new(), |user| format!(", as {user}"));
    let _ = writeln!(
        out,
        "  target: {} in {}, {}{user}",
        target.scope, target.context, target.environment.name
    );
    for source in SOURCES {
        let said = match app.link(source) {
            LinkState::Connecting => "has not answered yet".to_owned(),
            LinkState::Live(age) => format!("live, {} old", short(age)),
            LinkState::Quiet(age) => format!("quiet for {}", short(age)),
            LinkState::Stale { why, .. } => format!("does not answer: {why}"),
            LinkState::Absent(why) => why.to_string(),
        };
        let _ = writeln!(out, "  {source}: {said}");
    }
    for row in app.services.in_order() {
        let why = if row.judgement.why.is_empty() {
            String::new()
        } else {
            format!("  {}", row.judgement.why)
        };
        let version = row.version.as_deref().unwrap_or("–");
        let _ = writeln!(
            out,
            "  {:8} {}  {}/{} ready, {version}{why}",
            row.level().word(),
            row.object,
            row.ready,
            row.desired
        );
    }
    for (pod, _) in app
        .cluster
        .pods_in_order()
        .take_while(|(_, level)| *level != Level::Healthy)
        .take(20)
    {
        let reason = pod.reason(app.now).unwrap_or_default();
        let _ = writeln!(
            out,
            "  pod {}  {}/{} {}  {reason}",
            pod.name, pod.ready, pod.containers, pod.status
        );
    }
    let lines = out.lines().map(|line| format!("{}\n", sanitize(line)));
    lines.collect()
}
