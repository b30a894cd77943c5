//! What the cluster says of an incident, taken over without a console: the same App looks once and writes what it would have
//! noticed.

use super::super::console::runtime;
use super::super::session::{Session, Start};
use crate::app::kind::Kind;
use crate::app::screen::Screen;
use crate::domain::incident::{Event, Incident, IncidentId};
use crate::domain::target::Scope;
use crate::engine::incidents::{Hand, Ledger};
use std::sync::Arc;
use std::time::Duration;

/// How long the sources may take to answer once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the incident's place and writes what its file does not have; how much that was.
pub fn gather(
    start: &Start,
    ledger: &Ledger,
    id: IncidentId,
    hand: &Hand,
) -> Result<usize, String> {
    let read = ledger.files().read(id).map_err(|error| error.to_string())?;
    if let Some(why) = read.read_only() {
        return Err(why);
    }
    let runtime = runtime().map_err(|failed| failed.sentence)?;
    let seen = runtime.block_on(look(start, &read.incident))?;
    let written = ledger.write(id, hand, |incident| Ok(incident.news(seen)));
    let written = written.map_err(|error| error.to_string())?;
    Ok(written.records.len())
}

async fn look(start: &Start, incident: &Incident) -> Result<Vec<Event>, String> {
    let mut place = start.place();
    let named = Some(incident.place.context.clone()).filter(|context| !context.is_empty());
    place.options.context = place.options.context.or(named);
    let scope = incident.place.namespace.as_deref();
    place.scope = Some(scope.map_or(Scope::All, |name| Scope::Namespace(name.into())));
    let session = start.session(place, Screen::Timeline).await;
    let mut session = session.map_err(|failed| failed.sentence)?;
    session.app.incidents.all = vec![Arc::new(incident.clone())];
    session.app.incidents.known = true;
    let settled = tokio::time::timeout(PATIENCE, settle(&mut session)).await;
    let app = &session.app;
    let here = app.place().is_some_and(|here| incident.place.holds(&here));
    match (settled.is_ok(), app.place()) {
        (_, None) => Err("it did not answer".to_owned()),
        (_, Some(_)) if !here => Err("another cluster answers under that name".to_owned()),
        (false, Some(_)) if app.cluster.all_workloads().next().is_none() => {
            Err("it did not answer in time".to_owned())
        }
        _ => Ok(app.unwritten(incident)),
    }
}

/// Until everything that is looked at was heard once.
async fn settle(session: &mut Session) {
    loop {
        session.engine.reconcile(session.app.wants());
        let app = &session.app;
        let events = app.cluster.events.listed() || app.cluster.denied(Kind::Events);
        let revisions = app.cluster.revisions.listed() || app.cluster.denied(Kind::ReplicaSets);
        if app.settled() && events && revisions && app.place().is_some() {
            return;
        }
        let Some(fact) = session.facts.recv().await else {
            return;
        };
        session.take(fact);
    }
}
