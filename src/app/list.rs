//! What a table screen lists and where its cursor stands: identities in order, filtered.

use super::changes::Change;
use super::lines::Lines;
use super::moments::{self, Moment};
use super::panes;
use super::places::ContextPlace;
use super::screen::{Place, Screen};
use super::services::ServiceRow;
use super::state::App;
use crate::domain::alert::{Alert, Severity};
use crate::domain::object::ObjectRef;
use crate::domain::pod::Pod;
use crate::domain::rollout::Revision;
use crate::domain::table::TableRow;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use std::rc::Rc;
use std::sync::Arc;

/// One line of a table: what it is and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its identity; the cursor holds on to it.
    pub id: Uid,
    /// The object it stands for.
    pub object: ObjectRef,
}

/// Whether a line passes a filter: every word of it appears, in whatever case.
pub fn passes(filter: &str, fields: &[&str]) -> bool {
    let mut words = filter.split_whitespace();
    words.all(|word| fields.iter().any(|field| holds(field, word)))
}

/// Whether a word appears in a field, in whatever case.
fn holds(field: &str, word: &str) -> bool {
    if field.is_ascii() && word.is_ascii() {
        let mut places = field.as_bytes().windows(word.len());
        return places.any(|place| place.eq_ignore_ascii_case(word.as_bytes()));
    }
    field.to_lowercase().contains(&word.to_lowercase())
}

/// The lines of the present screen in order, with its filter applied.
pub fn items(app: &App) -> Vec<Item> {
    match &app.here().screen {
        Screen::Overview => match app.here().place.pane {
            panes::CHANGES => changes(app).map(change_item).collect(),
            panes::PODS => pod_items(&overview_pods(app)),
            _ => services(app).map(service_item).collect(),
        },
        Screen::Workloads => services(app).map(service_item).collect(),
        Screen::Rollout(object) if app.here().place.pane == panes::PODS => {
            let pods = new_and_failing(app, object);
            pods.into_iter().map(|(pod, _)| pod_item(pod)).collect()
        }
        Screen::Rollout(object) => revisions(app, object).map(revision_item).collect(),
        Screen::Pods => pod_items(&pod_lines(app)),
        Screen::Alerts => alerts(app).map(alert_item).collect(),
        Screen::Timeline => moments(app).iter().map(moment_item).collect(),
        Screen::Runbooks => app
            .books()
            .iter()
            .map(|book| named_item("Runbook", &book.id))
            .collect(),
        Screen::Runs => app
            .past_runs()
            .iter()
            .map(|run| named_item("Run", &run.run))
            .collect(),
        Screen::Kind(_) => table_rows(app).map(|row| table_item(app, row)).collect(),
        Screen::Contexts => contexts(app)
            .iter()
            .map(|place| place_item("Context", &place.name))
            .collect(),
        Screen::Namespaces => namespaces(app)
            .iter()
            .map(|name| place_item("Namespace", name))
            .collect(),
        _ => Vec::new(),
    }
}

/// The services that pass the present filter.
pub fn services(app: &App) -> impl Iterator<Item = &ServiceRow> {
    let Place {
        filter,
        faults_only,
        ..
    } = &app.here().place;
    app.services.in_order().filter(move |row| {
        let object = &row.object;
        (!faults_only || row.level() != Level::Healthy)
            && passes(
                filter,
                &[
                    &object.name,
                    &object.namespace,
                    &object.kind,
                    &row.judgement.why,
                ],
            )
    })
}

/// The pods that pass the present filter, worst first.
pub fn pods(app: &App) -> impl Iterator<Item = (&Pod, Level)> {
    let Place {
        filter,
        faults_only,
        ..
    } = &app.here().place;
    app.cluster.pods_in_order().filter(move |(pod, level)| {
        let node = pod.node.as_deref().unwrap_or("");
        (!faults_only || *level != Level::Healthy)
            && passes(filter, &[&pod.name, &pod.namespace, &pod.status, node])
    })
}

/// The services that pass the present filter, of which only those in view are looked at where there is none.
pub fn service_lines(app: &App) -> Lines<'_, &ServiceRow> {
    let place = &app.here().place;
    if place.faults_only || !place.filter.is_empty() {
        return Lines::of(services(app).collect(), |row| &row.uid);
    }
    Lines::new(
        app.services.len(),
        |uid| app.services.position(uid),
        |from, count| app.services.from(from, count),
    )
}

/// The pods that pass the present filter, of which only those in view are looked at where there is none.
pub fn pod_lines(app: &App) -> Lines<'_, (&Pod, Level)> {
    let place = &app.here().place;
    if place.faults_only || !place.filter.is_empty() {
        return Lines::of(pods(app).collect(), |(pod, _)| &pod.uid);
    }
    Lines::new(
        app.cluster.pods.len(),
        |uid| app.cluster.pod_position(uid),
        |from, count| app.cluster.pods_from(from, count),
    )
}

/// How many of the pods on the overview are not well.
pub fn overview_unwell(app: &App) -> usize {
    let place = &app.here().place;
    if place.filter.is_empty() {
        return app.cluster.pods_unwell();
    }
    let unwell = |(_, level): &(&Pod, Level)| *level != Level::Healthy;
    pods(app).take_while(unwell).count()
}

/// The alerts that pass the present filter.
pub fn alerts(app: &App) -> impl Iterator<Item = &Alert> {
    let filter = &app.here().place.filter;
    app.alerts.iter().filter(move |alert| {
        let service = alert.service().map_or("", |service| service);
        passes(
            filter,
            &[&alert.name, alert.severity.word(), alert.summary(), service],
        )
    })
}

/// The changes that pass the present filter.
pub fn changes(app: &App) -> impl Iterator<Item = &Change> {
    let filter = &app.here().place.filter;
    app.changes.iter().filter(move |change| {
        passes(
            filter,
            &[change.kind.word(), &change.object.name, &change.text],
        )
    })
}

/// The changes that pass the present filter; identities are made only where a cursor is looked for.
pub fn change_lines(app: &App) -> Lines<'_, &Change> {
    let all: Rc<Vec<&Change>> = Rc::new(changes(app).collect());
    let rows = all.clone();
    Lines::new(
        rows.len(),
        move |id| all.iter().position(|change| change_id(change) == *id),
        move |from, count| rows.iter().skip(from).take(count).copied().collect(),
    )
}

/// The most pods that the overview lists; the pods screen lists all.
const OVERVIEW_PODS: usize = 500;
/// The overview has room for pods from this height on.
const POD_ROOM: u16 = 30;

/// The pods of the overview, worst first; none where it has no room for them.
pub fn overview_pods(app: &App) -> Lines<'_, (&Pod, Level)> {
    let most = if app.height < POD_ROOM {
        0
    } else {
        OVERVIEW_PODS
    };
    pod_lines(app).first(most)
}

/// What happened and passes the present filter, newest first.
pub fn moments(app: &App) -> Vec<Moment> {
    let place = &app.here().place;
    let mut all = moments::moments(app);
    all.retain(|moment| {
        let object = &moment.object;
        (!place.faults_only || moment.level != Level::Healthy)
            && passes(
                &place.filter,
                &[&moment.what, &object.kind, &object.name, &moment.text],
            )
    });
    all
}

/// The revisions of a workload that pass the present filter, newest first.
pub fn revisions<'a>(
    app: &'a App,
    object: &ObjectRef,
) -> impl Iterator<Item = &'a Revision> + use<'a> {
    let filter = &app.here().place.filter;
    let workload = app.workload_named(object);
    let all = workload.map_or_else(Vec::new, |workload| app.cluster.revisions_of(workload));
    all.into_iter().filter(move |revision| {
        let image = revision.images.first().map_or("", |image| &image.image);
        passes(filter, &[&revision.name, &revision.title(), image])
    })
}

/// The pods of a workload that are not well, those of its newest revision first.
pub fn new_and_failing<'a>(app: &'a App, object: &ObjectRef) -> Vec<(&'a Pod, Level)> {
    let Some(workload) = app.workload_named(object) else {
        return Vec::new();
    };
    let revisions = app.cluster.revisions_of(workload);
    let newest = super::services::current(workload, &revisions).map(|revision| &revision.uid);
    let old = |pod: &Pod| pod.owner.as_ref().map(|owner| &owner.uid) != newest;
    let mut pods: Vec<(&Pod, Level)> = app
        .cluster
        .pods_of(workload)
        .map(|pod| (pod, app.cluster.pod_level(pod)))
        .filter(|(_, level)| *level != Level::Healthy)
        .collect();
    pods.sort_by_key(|(pod, level)| (old(pod), std::cmp::Reverse(*level), pod.name.clone()));
    pods
}

fn revision_item(revision: &Revision) -> Item {
    Item {
        id: revision.uid.clone(),
        object: ObjectRef::new("ReplicaSet", &revision.namespace, &revision.name),
    }
}

fn moment_item(moment: &Moment) -> Item {
    Item {
        id: moment.id(),
        object: moment.object.clone(),
    }
}

/// The line of a list on which a pane's cursor stands, whether that pane has the focus or not.
pub fn line_of(app: &App, pane: usize, ids: &[&Uid]) -> Option<usize> {
    let (cursor, index) = panes::cursor(&app.here().place, pane);
    let held = cursor.and_then(|cursor| ids.iter().position(|id| *id == cursor));
    (!ids.is_empty()).then(|| held.unwrap_or(index.min(ids.len() - 1)))
}

/// The line of a long list on which a pane's cursor stands.
pub fn line_in<'a, R: Copy + 'a>(app: &App, pane: usize, lines: &Lines<'a, R>) -> Option<usize> {
    let (cursor, index) = panes::cursor(&app.here().place, pane);
    let held = cursor.and_then(|cursor| lines.find(cursor));
    (!lines.is_empty()).then(|| held.unwrap_or(index.min(lines.len() - 1)))
}

/// The rows of the server's table that pass the present filter.
pub fn table_rows(app: &App) -> impl Iterator<Item = &TableRow> {
    let filter = &app.here().place.filter;
    app.reading.table.rows().filter(move |row| {
        let cells = row.cells.iter().map(|cell| &**cell);
        let fields: Vec<&str> = cells.chain([&*row.namespace, &*row.name]).collect();
        passes(filter, &fields)
    })
}

/// The contexts that pass the present filter; this one is always among them.
pub fn contexts(app: &App) -> Vec<ContextPlace> {
    let filter = &app.here().place.filter;
    let found = app.reading.places.contexts.as_ref();
    let found = found.and_then(|found| found.as_ref().ok());
    let mut all = found.cloned().unwrap_or_default();
    if !all.iter().any(|place| place.name == app.target.context) {
        let own = ContextPlace {
            name: app.target.context.clone(),
            server: app.target.server.clone(),
            namespace: app.target.scope.namespace().cloned(),
            plugin: None,
        };
        all.insert(0, own);
    }
    all.retain(|place| passes(filter, &[&place.name, &place.server]));
    all
}

/// The namespaces that pass the present filter, those with critical alerts first. Where they may not be listed: those we know of.
pub fn namespaces(app: &App) -> Vec<Arc<str>> {
    let filter = &app.here().place.filter;
    let listed = app.reading.places.namespaces.as_ref();
    let listed = listed
        .and_then(|found| found.as_ref().ok())
        .into_iter()
        .flatten();
    let told = app.alerts.iter().filter_map(Alert::namespace);
    let mut all: Vec<Arc<str>> = listed
        .map(|place| &place.name)
        .chain(told)
        .chain(app.target.scope.namespace())
        .cloned()
        .collect();
    all.sort();
    all.dedup();
    let critical = |name: &Arc<str>| {
        app.alerts
            .iter()
            .filter(|alert| alert.heard() && alert.severity == Severity::Critical)
            .any(|alert| alert.namespace() == Some(name))
    };
    all.sort_by_key(|name| !critical(name));
    all.retain(|name| passes(filter, &[name]));
    all
}

fn place_item(kind: &str, name: &Arc<str>) -> Item {
    Item {
        id: Uid::from(&**name),
        object: ObjectRef::new(kind, "", name),
    }
}

fn table_item(app: &App, row: &TableRow) -> Item {
    Item {
        id: row.uid.clone(),
        object: app.reading.table.object(row),
    }
}

fn service_item(row: &ServiceRow) -> Item {
    Item {
        id: row.uid.clone(),
        object: row.object.clone(),
    }
}

fn pod_item(pod: &Pod) -> Item {
    let (namespace, name) = (pod.namespace.clone(), pod.name.clone());
    Item {
        id: pod.uid.clone(),
        object: ObjectRef {
            kind: "Pod".into(),
            namespace,
            name,
        },
    }
}

fn pod_items(lines: &Lines<'_, (&Pod, Level)>) -> Vec<Item> {
    let pods = lines.stretch(0, lines.len()).into_iter();
    pods.map(|(pod, _)| pod_item(pod)).collect()
}

fn alert_item(alert: &Alert) -> Item {
    let namespace = alert.namespace().map_or("", |namespace| namespace);
    let name = alert.service().unwrap_or(&alert.name);
    Item {
        id: alert.fingerprint.clone(),
        object: ObjectRef::new("Alert", namespace, name),
    }
}

fn named_item(kind: &str, id: &Arc<str>) -> Item {
    Item {
        id: Uid::from(&**id),
        object: ObjectRef::new(kind, "", id),
    }
}

/// The identity of a change in a list.
pub fn change_id(change: &Change) -> Uid {
    format!("{} {} {}", change.at, change.kind.word(), change.object).into()
}

fn change_item(change: &Change) -> Item {
    Item {
        id: change_id(change),
        object: change.object.clone(),
    }
}

/// Where the cursor stands in a list: on its object if it is still there, else on the line it was on.
pub fn position(place: &Place, items: &[Item]) -> Option<usize> {
    if items.is_empty() {
        return None;
    }
    let held = place
        .cursor
        .as_ref()
        .and_then(|id| items.iter().position(|item| item.id == *id));
    Some(held.unwrap_or(place.index.min(items.len() - 1)))
}

/// Where a step from the cursor leads: the line's identity and its place. None where there are no lines.
pub fn stepped(app: &App, step: impl Fn(usize, usize) -> usize) -> Option<(Uid, usize)> {
    if app.here().screen == Screen::Pods {
        let lines = pod_lines(app);
        let at = line_in(app, app.here().place.pane, &lines)?;
        let to = step(at, lines.len());
        return Some((lines.get(to)?.0.uid.clone(), to));
    }
    let items = items(app);
    let at = position(&app.here().place, &items)?;
    let to = step(at, items.len());
    Some((items.get(to)?.id.clone(), to))
}

/// The line the cursor stands on, in a list short enough to be looked at whole.
pub fn at(app: &App) -> Option<usize> {
    position(&app.here().place, &items(app))
}

/// The line under the cursor.
pub fn selected(app: &App) -> Option<Item> {
    if app.here().screen == Screen::Pods {
        let lines = pod_lines(app);
        let (pod, _) = lines.get(line_in(app, app.here().place.pane, &lines)?)?;
        return Some(pod_item(pod));
    }
    let mut items = items(app);
    let position = position(&app.here().place, &items)?;
    Some(items.swap_remove(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_filter_must_appear() {
        assert!(passes("", &["x"]));
        assert!(passes(
            "veza crash",
            &["veza-backend-1", "CrashLoopBackOff"]
        ));
        assert!(!passes("veza oom", &["veza-backend-1", "CrashLoopBackOff"]));
    }

    #[test]
    fn the_cursor_sticks_to_its_object_and_then_to_its_line() {
        let item = |id: &str| Item {
            id: id.into(),
            object: ObjectRef::new("Pod", "n", id),
        };
        let place = Place {
            cursor: Some("b".into()),
            index: 1,
            ..Place::default()
        };
        assert_eq!(
            position(&place, &[item("x"), item("a"), item("b")]),
            Some(2)
        );
        assert_eq!(position(&place, &[item("x"), item("a")]), Some(1));
        assert_eq!(position(&place, &[item("x")]), Some(0));
        assert_eq!(position(&place, &[]), None);
    }
}
