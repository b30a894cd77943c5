//! What the items of a checklist look like on the platform. What cannot be found out is not known, with its reason, and
//! never counts as true; an empty set is never everything. Values of Secrets are dropped where they are read.

use super::means::Means;
use super::rollout::by_itself;
use super::state::{known, reference, text};
use super::{measure, revisions, state, trust};
use crate::domain::alert::{AlertState, Severity};
use crate::platform::failure::{Failure as Failed, FailureKind};
use crate::runbook::machine::item::{Look, Seen};
use crate::runbook::machine::{Answer, Failure, Rollout, Start};
use crate::runbook::model::Glance;
use crate::runbook::patch::ObjectRef;
use crate::runbook::prose::bounded;
use crate::runbook::quantity::{Unit, show_figure};
use jiff::{SignedDuration, tz::TimeZone};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

mod shape;

pub use shape::port as port_of;

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests below which a ratio or a quantile says nothing.
const ENOUGH: f64 = 20.0;
/// How far back restarts count.
const CALM: SignedDuration = SignedDuration::from_mins(30);
/// The most pods that are asked one by one.
const ASKED: usize = 20;
/// The workloads that can be healthy.
const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// A look: whether it holds and what was seen, or why it is not known.
type Found = Result<(bool, String), String>;

/// Looks at every item, one after the other: nobody waits for a checklist in milliseconds, and the server is spared.
pub async fn look(means: &Means, start: &Start, looks: Vec<Look>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for one in looks {
        let found = match timeout(PATIENCE, at(means, start, &one)).await {
            Ok(found) => found,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let (holds, said) = match found {
            Ok((holds, said)) => (Some(holds), said),
            Err(why) => (None, format!("not known: {why}")),
        };
        seen.push(Seen {
            item: one.item,
            holds,
            said: bounded(&said, 400),
        });
    }
    seen
}

async fn at(means: &Means, start: &Start, look: &Look) -> Found {
    match look.ask {
        Glance::AllHealthy => all_healthy(means, look).await,
        Glance::NoCriticalAlert => no_critical_alert(means, look).await,
        Glance::KeysPresent => keys_present(means, look).await,
        Glance::OutsideWindows => Ok(outside_windows(means, look)),
        _ => of_workload(means, start, look).await,
    }
}

/// Looks at one workload.
async fn of_workload(means: &Means, start: &Start, look: &Look) -> Found {
    let named = look.target.as_deref().unwrap_or_default();
    let (kind, name) = named.split_once('/').unwrap_or(("Deployment", named));
    let Some(body) = read(means, kind, &look.namespace, name).await? else {
        return Ok((
            false,
            format!("there is no {kind}/{name} in {}", look.namespace),
        ));
    };
    let object = reference(kind, &body);
    match look.ask {
        Glance::RolloutComplete => Ok(complete(kind, &body)),
        Glance::Signal => signal(means, look, &object).await,
        Glance::SignalsRead => signals_read(means, &object).await,
        Glance::AlertRules => alert_rules(means, &object).await,
        Glance::NoRestarts => no_restarts(means, &object).await,
        Glance::ImageRuns => image_runs(means, look, &object).await,
        Glance::ImagePinned => Ok(shape::pinned(&body)),
        Glance::ResourcesSet => Ok(shape::resources(&body)),
        Glance::Hardened => Ok(shape::hardened(&body)),
        Glance::Replicas => replicas(look, kind, &body),
        Glance::Budget => budget(means, look, &body).await,
        Glance::Autoscaler => Ok(match state::autoscaler(means, &object).await {
            Some(name) => (true, format!("{name} drives it")),
            None => (false, "no autoscaler names it".to_owned()),
        }),
        Glance::EarlierRevision => earlier(means, start, &object).await,
        Glance::Answers => answers(means, look, &object).await,
        _ => Err("this is not asked of a workload".to_owned()),
    }
}

async fn read(
    means: &Means,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<Value>, String> {
    let known = known(kind)?;
    match means.cluster.object_of(&known, namespace, name).await {
        Ok(body) => Ok(Some(body)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(short(&failure)),
    }
}

fn short(failure: &Failed) -> String {
    failure.short().to_string()
}

/// Whether a workload's rollout is over and everything of it is there.
fn complete(kind: &str, body: &Value) -> (bool, String) {
    match by_itself(kind, body) {
        Rollout::Complete(words) => (true, words),
        Rollout::Moving(words) | Rollout::Stuck(words) | Rollout::Superseded(words) => {
            (false, words)
        }
        Rollout::Paused => (false, "its rollout is paused".to_owned()),
        Rollout::Gone => (false, "it is gone".to_owned()),
    }
}

async fn all_healthy(means: &Means, look: &Look) -> Found {
    let (mut all, mut wrong) = (0, Vec::new());
    for kind in WORKLOADS {
        let known = known(kind)?;
        let found = means.cluster.objects_of(&known, &look.namespace, "").await;
        for body in found.map_err(|failure| short(&failure))? {
            all += 1;
            let (good, words) = complete(kind, &body);
            if !good {
                let name = text(&body["metadata"]["name"]);
                wrong.push(format!("{kind}/{name}: {words}"));
            }
        }
    }
    Ok(match (all, wrong.as_slice()) {
        (0, _) => (false, format!("there is no workload in {}", look.namespace)),
        (_, []) => (
            true,
            format!("{all} of {all} workloads are complete and available"),
        ),
        (_, wrong) => (
            false,
            format!("{} of {all} are not: {}", wrong.len(), wrong.join("; ")),
        ),
    })
}

async fn no_critical_alert(means: &Means, look: &Look) -> Found {
    let source = means.alertmanager.borrow().clone();
    let source = source.ok_or("there is no Alertmanager")?;
    let found = source
        .alerts()
        .await
        .map_err(|failure| String::from(&*failure.short()))?;
    if found.left_out + found.unreadable > 0 {
        let unread = found.left_out + found.unreadable;
        return Err(format!("{unread} alerts could not be read"));
    }
    let here = found.alerts.iter().filter(|alert| {
        let namespace = alert.namespace();
        alert.severity == Severity::Critical
            && namespace.is_none_or(|namespace| **namespace == *look.namespace)
    });
    let (loud, quiet): (Vec<_>, Vec<_>) =
        here.partition(|alert| !matches!(alert.state, AlertState::Suppressed { .. }));
    let names: Vec<&str> = loud.iter().map(|alert| &*alert.name).collect();
    let silenced = match quiet.len() {
        0 => String::new(),
        many => format!("; {many} critical kept quiet by a silence"),
    };
    Ok(if names.is_empty() {
        (
            quiet.is_empty(),
            format!("no critical alert fires in {}{silenced}", look.namespace),
        )
    } else {
        (
            false,
            format!("{} critical: {}{silenced}", names.len(), names.join(", ")),
        )
    })
}

async fn signal(means: &Means, look: &Look, object: &ObjectRef) -> Found {
    let (Some(name), Some(limit)) = (&look.signal, &look.limit) else {
        return Err("no signal is named".to_owned());
    };
    let reading = measure::now(means, object, name, CALM).await;
    let value = reading.value?;
    let requests = reading.requests.unwrap_or(ENOUGH);
    if requests < ENOUGH {
        return Err(format!(
            "{requests:.0} requests in the window, {ENOUGH:.0} say something"
        ));
    }
    let figure = show_figure(value, limit.unit());
    Ok((
        limit.holds(value),
        format!("{name} is {figure}, wanted {limit}"),
    ))
}

async fn signals_read(means: &Means, object: &ObjectRef) -> Found {
    let mut said = Vec::new();
    for (name, unit) in [("error_ratio", Unit::Ratio), ("p99", Unit::Seconds)] {
        let reading = measure::now(means, object, name, CALM).await;
        match reading.value {
            Ok(value) => said.push(format!("{name} {}", show_figure(value, unit))),
            Err(why) => return Ok((false, format!("{name} cannot be read: {why}"))),
        }
    }
    Ok((true, said.join(", ")))
}

/// Whether somebody would be called. A rule that cannot be evaluated calls nobody.
async fn alert_rules(means: &Means, object: &ObjectRef) -> Found {
    let source = trust::prometheus(means, object).await?;
    let all = source.alert_rules().await;
    let all = all.map_err(|failure| String::from(&*failure.short()))?;
    let own = all.iter().filter(|rule| rule.names(&object.name));
    let general = all
        .iter()
        .filter(|rule| !rule.names(&object.name) && rule.is_general());
    let (own, general): (Vec<_>, Vec<_>) = (own.collect(), general.collect());
    let broken = own.iter().chain(&general).filter(|rule| !rule.well);
    let broken: Vec<&str> = broken.map(|rule| rule.name.as_str()).collect();
    if !broken.is_empty() {
        let names = broken.join(", ");
        return Ok((false, format!("rules that cannot be evaluated: {names}")));
    }
    let mut named: Vec<&str> = own.iter().chain(&general).map(|rule| &*rule.name).collect();
    named.sort_unstable();
    named.dedup();
    let counts = format!(
        "{} rules name {}, {} are about every service",
        own.len(),
        object.name,
        general.len()
    );
    Ok(if named.is_empty() {
        (false, format!("{counts}: nobody would be called"))
    } else {
        (true, format!("{counts}: {}", named.join(", ")))
    })
}

async fn no_restarts(means: &Means, object: &ObjectRef) -> Found {
    let restarts = measure::now(means, object, "restarts", CALM).await.value?;
    let words = match restarts as u64 {
        0 => "no container has restarted for 30 m".to_owned(),
        1 => "1 restart within 30 m".to_owned(),
        many => format!("{many} restarts within 30 m"),
    };
    Ok((restarts < 1.0, words))
}

/// Every pod that stays runs the image, not only the template.
async fn image_runs(means: &Means, look: &Look, object: &ObjectRef) -> Found {
    let wanted = look.image.as_deref().unwrap_or_default();
    if wanted.is_empty() {
        return Err("no image is named".to_owned());
    }
    let pods = measure::pods(means, object).await?;
    let staying = pods
        .iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let images: Vec<Vec<String>> = staying.map(shape::images).collect();
    let with = images
        .iter()
        .filter(|images| images.iter().any(|image| image == wanted))
        .count();
    let mut others: Vec<&str> = images
        .iter()
        .filter(|images| !images.iter().any(|image| image == wanted))
        .flatten()
        .map(String::as_str)
        .collect();
    others.sort_unstable();
    others.dedup();
    Ok(match (images.len(), with) {
        (0, _) => (false, "it has no pods".to_owned()),
        (all, with) if all == with => (true, format!("{with} of {all} pods run {wanted}")),
        (all, with) => {
            let others = others.join(", ");
            (
                false,
                format!("{with} of {all} pods run {wanted}, the others {others}"),
            )
        }
    })
}

/// Names and, of a ConfigMap, values that should be there. What a Secret holds is not looked at, only under which names.
async fn keys_present(means: &Means, look: &Look) -> Found {
    let named = look.target.as_deref().unwrap_or_default();
    let (kind, name) = named.split_once('/').unwrap_or(("ConfigMap", named));
    if !matches!(kind, "ConfigMap" | "Secret") {
        return Err(format!(
            "keys are asked of a ConfigMap or a Secret, not of {kind}"
        ));
    }
    let Some(body) = read(means, kind, &look.namespace, name).await? else {
        return Ok((
            false,
            format!("there is no {kind}/{name} in {}", look.namespace),
        ));
    };
    Ok(shape::keys(
        &body,
        &look.keys,
        &look.values,
        kind == "ConfigMap",
    ))
}

fn replicas(look: &Look, kind: &str, body: &Value) -> Found {
    let limit = look.limit.as_ref().ok_or("no limit is named")?;
    let count = if kind == "DaemonSet" {
        body["status"]["desiredNumberScheduled"].as_i64()
    } else {
        Some(body["spec"]["replicas"].as_i64().unwrap_or(1))
    };
    let count = count.ok_or("the number is not known")?;
    Ok((
        limit.holds(count as f64),
        format!("{count} wanted by it, {limit} asked for"),
    ))
}

async fn budget(means: &Means, look: &Look, body: &Value) -> Found {
    let kind = means.cluster.kind_named("poddisruptionbudgets").await;
    let kind = kind.map_err(|failure| short(&failure))?;
    let all = means.cluster.objects_of(&kind, &look.namespace, "").await;
    let labels = &body["spec"]["template"]["metadata"]["labels"];
    let all = all.map_err(|failure| short(&failure))?;
    let found = all
        .iter()
        .find(|one| shape::selects(&one["spec"]["selector"], labels));
    Ok(match found {
        Some(one) => {
            let allowed = one["status"]["disruptionsAllowed"].as_i64();
            let allowed = allowed.map_or_else(|| "?".to_owned(), |allowed| allowed.to_string());
            let name = text(&one["metadata"]["name"]);
            (
                true,
                format!("{name} protects its pods; {allowed} may go now"),
            )
        }
        None => (false, "no disruption budget selects its pods".to_owned()),
    })
}

async fn earlier(means: &Means, start: &Start, object: &ObjectRef) -> Found {
    match revisions::of(means, start, object).await {
        Ok(Answer::Revisions(all)) => {
            let earlier: Vec<String> = all
                .iter()
                .filter(|revision| !revision.current)
                .map(|revision| format!("{} ({})", revision.number, revision.image))
                .collect();
            Ok(if earlier.is_empty() {
                (
                    false,
                    "there is no earlier revision to go back to".to_owned(),
                )
            } else {
                (true, format!("kept: {}", earlier.join(", ")))
            })
        }
        Ok(_) => Err("its revisions cannot be read".to_owned()),
        Err(
            Failure::Offline(why)
            | Failure::Denied(why)
            | Failure::Gone(why)
            | Failure::Invalid(why),
        ) => Err(why),
    }
}

/// Every pod is asked, not one of them behind a Service that avoids those which do not answer.
async fn answers(means: &Means, look: &Look, object: &ObjectRef) -> Found {
    let path = look.path.as_deref().unwrap_or_default();
    if !shape::is_path(path) {
        return Err(format!("`{}` is not a path", bounded(path, 60)));
    }
    let pods = measure::pods(means, object).await?;
    let (mut asked, mut wrong) = (0, Vec::new());
    for pod in pods
        .iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .take(ASKED)
    {
        asked += 1;
        let name = text(&pod["metadata"]["name"]);
        let port = shape::port(pod);
        let proxy = means.cluster.pod_proxy(&object.namespace, &name, port);
        match proxy.get(path).await {
            Ok((200, _)) => {}
            Ok((status, _)) => wrong.push(format!("{name} {status}")),
            Err(failure) if matches!(failure.kind, FailureKind::Forbidden(_)) => {
                return Err(short(&failure));
            }
            Err(failure) => wrong.push(format!("{name}: {}", short(&failure))),
        }
    }
    let more = pods.len().saturating_sub(ASKED);
    let more = if more == 0 {
        String::new()
    } else {
        format!("; {more} more were not asked")
    };
    Ok(match (asked, wrong.as_slice()) {
        (0, _) => (false, "it has no pods".to_owned()),
        (_, []) => (
            true,
            format!("{asked} of {asked} pods answer 200 on {path}{more}"),
        ),
        (_, wrong) => (
            false,
            format!(
                "{} of {asked} do not: {}{more}",
                wrong.len(),
                wrong.join("; ")
            ),
        ),
    })
}

fn outside_windows(means: &Means, look: &Look) -> (bool, String) {
    let now = means.clock.now().to_zoned(TimeZone::UTC);
    let day = now.weekday().to_monday_zero_offset() as u8;
    let minute = (i64::from(now.hour()) * 60 + i64::from(now.minute())) as u16;
    let shown = now.strftime("%a %H:%MZ");
    let mut windows = look.windows.iter();
    if let Some(window) = windows.find(|window| window.holds(day, minute)) {
        return (false, format!("it is {shown}: inside of {window}"));
    }
    let all: Vec<String> = look.windows.iter().map(ToString::to_string).collect();
    (
        true,
        format!("it is {shown}: outside of {}", all.join(", ")),
    )
}
