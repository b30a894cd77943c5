//! `vigie --alert TEXT`: the text of a page, pasted as it came, leads to the namespace and the service it names. Alertmanager and
//! the cluster are asked what exists; nothing is guessed that is not there. [`find`] is pure, [`session`] asks and opens.

use super::exit::Failed;
use super::print;
use super::session::{Place, Session, Start};
use crate::app::message::Notice;
use crate::app::screen::Screen;
use crate::app::wants::Wants;
use crate::domain::alert::Alert;
use crate::domain::link::{LinkState, Source};
use crate::domain::object::ObjectRef;
use crate::domain::target::Scope;
use crate::domain::uid::Uid;
use crate::domain::workload::WorkloadKind;
use crate::platform::kubernetes::{Cluster, Known};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long each source may take to say what it knows.
const PATIENCE: Duration = Duration::from_secs(3);
/// A page is short; more than this of it is not read.
const LONGEST: usize = 16 * 1024;
/// How long the sentence stands that says where we are.
const SAID_FOR: SignedDuration = SignedDuration::from_secs(15);

/// Where a text leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The alert it names.
    pub alert: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The service.
    pub service: Option<String>,
}

/// The words of a text: what could be a name.
fn words(text: &str) -> BTreeSet<&str> {
    let text = &text[..text.floor_char_boundary(LONGEST)];
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .map(|word| word.trim_matches(|c| c == '.' || c == '-'))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The value beside one of these labels: `namespace=x`, `namespace: "x"`, `"namespace":"x"`.
fn beside(text: &str, labels: &[&str]) -> Option<String> {
    let name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    labels.iter().find_map(|label| {
        text.match_indices(label).find_map(|(at, _)| {
            let whole = !text[..at].ends_with(name);
            let rest = text[at + label.len()..].trim_start_matches(['"', '\'', '`', ' ']);
            let rest = rest.strip_prefix(['=', ':'])?;
            let rest = rest.trim_start_matches(['"', '\'', '`', ' ', '~']);
            let value: String = rest.chars().take_while(|c| name(*c)).collect();
            (whole && !value.is_empty()).then(|| value.trim_end_matches(['.', '-']).to_owned())
        })
    })
}

const NAMESPACE_LABELS: [&str; 3] = ["kubernetes_namespace", "exported_namespace", "namespace"];
const SERVICE_LABELS: [&str; 6] = [
    "service",
    "deployment",
    "app",
    "workload",
    "statefulset",
    "daemonset",
];

/// How much of an alert a text names. Without its name, namespace and service together will do.
fn score(alert: &Alert, words: &BTreeSet<&str>) -> u32 {
    let has = |value: Option<&Arc<str>>| value.is_some_and(|value| words.contains(&**value));
    let (named, placed, served) = (
        words.contains(&*alert.name),
        has(alert.namespace()),
        has(alert.service()),
    );
    if !(named || placed && served) {
        return 0;
    }
    let others = alert
        .labels
        .values()
        .filter(|value| words.contains(&***value));
    8 * u32::from(named) + 4 * u32::from(served) + 4 * u32::from(placed) + others.count() as u32
}

/// What a text names, among the alerts that fire and the namespaces there are. Alerts come worst first; of equals the first wins.
pub fn find(text: &str, alerts: &[Alert], namespaces: &[Arc<str>]) -> Found {
    let words = words(text);
    let mut best: Option<(u32, &Alert)> = None;
    for alert in alerts {
        let score = score(alert, &words);
        if score > best.map_or(0, |(best, _)| best) {
            best = Some((score, alert));
        }
    }
    let alert = best.map(|(_, alert)| alert);
    let exists =
        |name: &String| namespaces.is_empty() || namespaces.iter().any(|one| **one == **name);
    let named = beside(text, &NAMESPACE_LABELS).filter(exists);
    let own = |value: Option<&Arc<str>>| value.map(ToString::to_string);
    let longest = || {
        let known = namespaces.iter().filter(|name| words.contains(&***name));
        known.max_by_key(|name| name.len()).map(ToString::to_string)
    };
    Found {
        alert: alert.map(|alert| alert.name.to_string()),
        namespace: named
            .or_else(|| own(alert.and_then(Alert::namespace)))
            .or_else(longest),
        service: beside(text, &SERVICE_LABELS).or_else(|| own(alert.and_then(Alert::service))),
    }
}

/// Opens a session where the text leads: in the namespace, on the service.
pub async fn session(start: &Start, text: &str) -> Result<Session, Failed> {
    let place = start.place();
    let cluster = Cluster::connect(&place.options)
        .await
        .map_err(|failure| Failed::unconnected(&failure))?;
    // The screen is taken when it is known what to show; until then somebody waits.
    print::note("asking what this text names…");
    let (alerts, namespaces) = tokio::join!(alerts(start, &cluster), namespaces(&cluster));
    let mut found = find(text, alerts.as_deref().unwrap_or_default(), &namespaces);
    let configured = start.loaded.config().start.namespace.clone();
    found.namespace = found.namespace.or(configured);
    let words = words(text);
    let meant = |name: &str| {
        found
            .service
            .as_deref()
            .map_or(words.contains(name), |one| one == name)
    };
    let workloads = match &found.namespace {
        Some(namespace) => workloads(&cluster, namespace).await,
        None => everywhere(&cluster).await,
    };
    let mut chosen: Vec<&(ObjectRef, Uid)> = workloads
        .iter()
        .filter(|(object, _)| meant(&object.name))
        .collect();
    // Where a name is in several namespaces, the one of the context is the likelier.
    chosen.sort_by_key(|(object, _)| *object.namespace != **cluster.namespace());
    let chosen = chosen.first().map(|(object, uid)| (object, uid));
    let namespace = found
        .namespace
        .clone()
        .or_else(|| chosen.map(|(object, _)| object.namespace.to_string()));
    let Some(namespace) = namespace else {
        return Err(Failed::usage(format!(
            "nothing in this text names an alert that fires, a workload or a namespace of {}\nPaste the alert's name and labels, or name the namespace with -n.",
            cluster.context()
        )));
    };
    let place = Place {
        scope: Some(Scope::Namespace(namespace.as_str().into())),
        ..place
    };
    let mut session = start.session_on(cluster, &place, Screen::Overview)?;
    if let Some((_, uid)) = chosen {
        session.app.history.here_mut().place.cursor = Some(uid.clone());
    }
    let text = sentence(
        &found,
        alerts.is_some(),
        &namespace,
        chosen.map(|(object, _)| &*object.name),
    );
    let until = session.app.now + SAID_FOR;
    session.app.notice = Some((Notice { text, error: false }, until));
    Ok(session)
}

/// What is said where it opens: the alert, or that none fires, or that nobody knows; and the place.
fn sentence(found: &Found, heard: bool, namespace: &str, workload: Option<&str>) -> String {
    let subject = match (&found.alert, heard) {
        (Some(alert), _) => alert.clone(),
        (None, true) => "No alert that this names fires now".to_owned(),
        (None, false) => "Alertmanager did not say what fires".to_owned(),
    };
    match workload {
        Some(workload) => format!("{subject}: {workload} in {namespace}"),
        None => format!("{subject}: {namespace}; no workload in it is named"),
    }
}

/// The alerts that fire anywhere; none where Alertmanager does not say in time.
async fn alerts(start: &Start, cluster: &Cluster) -> Option<Vec<Alert>> {
    let place = Place {
        scope: Some(Scope::All),
        ..start.place()
    };
    let mut wide = start
        .session_on(cluster.clone(), &place, Screen::Overview)
        .ok()?;
    // Nothing else of all namespaces is wanted here.
    let wants = Wants {
        alerts: true,
        ..Wants::default()
    };
    wide.engine.reconcile(wants);
    let heard = async {
        loop {
            match wide.app.link(Source::Alertmanager) {
                LinkState::Live(_) | LinkState::Quiet(_) => return true,
                LinkState::Stale { .. } | LinkState::Absent(_) => return false,
                LinkState::Connecting => {}
            }
            let Some(fact) = wide.facts.recv().await else {
                return false;
            };
            wide.take(fact);
        }
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await;
    heard.unwrap_or(false).then_some(wide.app.alerts)
}

/// The workloads of all namespaces; where these may not be seen, of the context's own.
async fn everywhere(cluster: &Cluster) -> Vec<(ObjectRef, Uid)> {
    let all = workloads(cluster, "").await;
    if all.is_empty() {
        return workloads(cluster, cluster.namespace()).await;
    }
    all
}

async fn namespaces(cluster: &Cluster) -> Vec<Arc<str>> {
    let asked = tokio::time::timeout(PATIENCE, cluster.namespaces()).await;
    let found = asked.ok().and_then(Result::ok).unwrap_or_default();
    found.into_iter().map(|one| one.name).collect()
}

/// The workloads of a namespace, or of all of them, with their uids.
async fn workloads(cluster: &Cluster, namespace: &str) -> Vec<(ObjectRef, Uid)> {
    let mut all = Vec::new();
    for kind in WorkloadKind::ALL {
        let Some(known) = Known::everyday(kind.name()) else {
            continue;
        };
        let asked = tokio::time::timeout(PATIENCE, cluster.objects_of(&known, namespace, "")).await;
        for object in asked.ok().and_then(Result::ok).unwrap_or_default() {
            let meta = &object["metadata"];
            let own = meta["namespace"].as_str().unwrap_or(namespace);
            if let (Some(name), Some(uid)) = (meta["name"].as_str(), meta["uid"].as_str()) {
                all.push((ObjectRef::new(kind.name(), own, name), uid.into()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{AlertState, Severity};

    fn alert(name: &str, labels: &[(&str, &str)]) -> Alert {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Alert {
            fingerprint: name.into(),
            name: name.into(),
            severity: Severity::parse(Some("critical")),
            state: AlertState::Active,
            since: None,
            labels: labels.collect(),
            annotations: std::collections::BTreeMap::new(),
            generator: None,
        }
    }

    fn world() -> (Vec<Alert>, Vec<Arc<str>>) {
        let alerts = vec![
            alert(
                "HighErrorRate",
                &[
                    ("namespace", "veza-production"),
                    ("service", "veza-backend"),
                ],
            ),
            alert(
                "HighErrorRate",
                &[("namespace", "veza-staging"), ("service", "chat-server")],
            ),
            alert(
                "HighLatency",
                &[("namespace", "veza-production"), ("service", "chat-server")],
            ),
        ];
        let namespaces = ["default", "veza-production", "veza-staging", "veza"];
        (alerts, namespaces.map(Into::into).to_vec())
    }

    #[test]
    fn a_pasted_page_leads_to_its_namespace_and_service() {
        let (alerts, namespaces) = world();
        for (text, expected) in [
            (
                "[FIRING:1] HighErrorRate veza-backend (critical)",
                (
                    Some("HighErrorRate"),
                    Some("veza-production"),
                    Some("veza-backend"),
                ),
            ),
            (
                "HighErrorRate for chat-server",
                (
                    Some("HighErrorRate"),
                    Some("veza-staging"),
                    Some("chat-server"),
                ),
            ),
            (
                "Labels:\n - alertname = HighLatency\n - namespace = veza-production",
                (
                    Some("HighLatency"),
                    Some("veza-production"),
                    Some("chat-server"),
                ),
            ),
            (
                "{\"labels\":{\"alertname\":\"Gone\",\"namespace\":\"veza-staging\",\"service\":\"web\"}}",
                (None, Some("veza-staging"), Some("web")),
            ),
            (
                "namespace=nowhere HighLatency",
                (
                    Some("HighLatency"),
                    Some("veza-production"),
                    Some("chat-server"),
                ),
            ),
            (
                "something in veza-production.",
                (None, Some("veza-production"), None),
            ),
            ("nothing at all", (None, None, None)),
            ("", (None, None, None)),
        ] {
            let found = find(text, &alerts, &namespaces);
            let said = (
                found.alert.as_deref(),
                found.namespace.as_deref(),
                found.service.as_deref(),
            );
            assert_eq!(said, expected, "{text}");
        }
    }

    #[test]
    fn any_text_can_be_pasted() {
        let (alerts, namespaces) = world();
        for text in [
            "é".repeat(LONGEST),
            "namespace=".repeat(4000),
            "\u{202e}\x1b[31m=:\"".into(),
            "namespace:".into(),
        ] {
            assert_eq!(find(&text, &alerts, &namespaces).alert, None);
        }
    }
}
