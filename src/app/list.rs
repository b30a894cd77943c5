//! What a table screen lists and where its cursor stands: identities in order, filtered.

use super::changes::Change;
use super::screen::{Place, Screen};
use super::services::ServiceRow;
use super::state::App;
use crate::domain::alert::Alert;
use crate::domain::object::ObjectRef;
use crate::domain::pod::Pod;
use crate::domain::verdict::Level;
use std::sync::Arc;

/// One line of a table: what it is and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its identity; the cursor holds on to it.
    pub id: Arc<str>,
    /// The object it stands for.
    pub object: ObjectRef,
}

/// Whether a line passes a filter: every word of it appears, in whatever case.
pub fn passes(filter: &str, fields: &[&str]) -> bool {
    filter.split_whitespace().all(|word| {
        let word = word.to_lowercase();
        fields
            .iter()
            .any(|field| field.to_lowercase().contains(&word))
    })
}

/// The lines of the present screen in order, with its filter applied.
pub fn items(app: &App) -> Vec<Item> {
    match &app.here().screen {
        Screen::Overview | Screen::Workloads => services(app).map(service_item).collect(),
        Screen::Pods => pods(app).map(|(pod, _)| pod_item(pod)).collect(),
        Screen::Alerts => alerts(app).map(alert_item).collect(),
        Screen::Timeline => changes(app).map(change_item).collect(),
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
        id: id.clone(),
        object: ObjectRef::new(kind, "", id),
    }
}

fn change_item(change: &Change) -> Item {
    let id = format!("{} {} {}", change.at, change.kind.word(), change.object);
    Item {
        id: id.into(),
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

/// The line under the cursor.
pub fn selected(app: &App) -> Option<Item> {
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
