//! The doctor's checks of the target: the way to it, who we are, its clock, the namespace and its environment, our rights, the
//! sources and whether they know these pods, and what watching all this costs.

use super::check::{Check, silent};
use super::machine::failed;
use crate::app::screen::Screen;
use crate::cli::reach;
use crate::cli::session::{Session, Start};
use crate::domain::link::{LinkState, Source};
use crate::domain::target::Scope;
use crate::platform::kubernetes::{Cluster, Right};
use crate::platform::prometheus::wire::QueryFailure;
use futures::future::join_all;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;

/// How long the cluster may take to show itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// A clock further off than this makes ages and gates wrong.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// All of them; after the first that leaves nothing to ask, no more.
pub async fn checks(start: &Start) -> Vec<Check> {
    let mut session = match start.session(start.place(), Screen::Overview).await {
        Ok(session) => session,
        Err(failed) => {
            let (said, fix) = failed
                .sentence
                .split_once('\n')
                .unwrap_or((&failed.sentence, ""));
            return vec![Check::not_ok("cluster", said, fix)];
        }
    };
    let cluster = session.engine.outside().cluster.clone();
    let mut checks = match tokio::time::timeout(PATIENCE, way(&session, &cluster)).await {
        Ok(Ok(checks)) => checks,
        Ok(Err(failure)) => return vec![failed("cluster", &failure)],
        Err(_) => {
            let said = format!(
                "{} does not answer within {} s",
                cluster.server(),
                PATIENCE.as_secs()
            );
            let fix = "Check that it can be reached from here (VPN, proxy, address).";
            return vec![Check::not_ok("cluster", said, fix)];
        }
    };
    session.settle(PATIENCE).await;
    checks.push(place(&session));
    if let Some(failed) = reach::trouble(&session).await {
        let (said, fix) = failed
            .sentence
            .split_once('\n')
            .unwrap_or((&failed.sentence, ""));
        checks.push(Check::not_ok("namespace", said, fix));
    }
    checks.extend(rights(&cluster, &session.app.target.scope).await);
    checks.push(prometheus(&session).await);
    checks.push(alertmanager(&session).await);
    checks.extend(super::vault::checks(&session).await);
    checks.push(budget(&session));
    checks
}

/// The way there: version, clock, who we are.
async fn way(
    session: &Session,
    cluster: &Cluster,
) -> Result<Vec<Check>, crate::platform::failure::Failure> {
    let version = cluster.version().await?;
    let mut checks = vec![Check::ok(
        "cluster",
        format!("{} at {}", version.version, cluster.server()),
    )];
    if let Some(clock) = version.clock {
        checks.push(skew(clock.duration_since(session.engine.clock().now())));
    }
    let identity = cluster.identity().await;
    checks.push(match identity {
        Ok(who) if who.username == "system:anonymous" => Check::not_ok(
            "identity",
            "the cluster does not know who we are",
            "Give the kubeconfig's user a token, a certificate or a plugin.",
        ),
        Ok(who) if who.groups.is_empty() => Check::ok("identity", who.username),
        Ok(who) => Check::ok(
            "identity",
            format!("{} ({})", who.username, who.groups.join(", ")),
        ),
        Err(failure) => failed("identity", &failure),
    });
    Ok(checks)
}

/// The distance of the cluster's clock, which is read to the second.
fn skew(off: SignedDuration) -> Check {
    let far = off.abs();
    let said = format!(
        "{} s {} ours",
        far.as_secs(),
        if off.is_negative() {
            "behind"
        } else {
            "ahead of"
        }
    );
    if far <= SKEW {
        Check::ok(
            "clock",
            format!("the cluster's is within {} s of ours", SKEW.as_secs()),
        )
    } else {
        Check::not_ok(
            "clock",
            format!("the cluster's is {said}"),
            "Set this machine's clock (NTP): ages, windows and gates depend on it.",
        )
    }
}

fn place(session: &Session) -> Check {
    let (target, app) = (&session.app.target, &session.app);
    let uid = target.cluster_uid.as_deref().unwrap_or("unknown");
    let manner = if app.armed() {
        "changes are allowed"
    } else if app.settings.read_only {
        "read-only by configuration"
    } else {
        "read-only until armed"
    };
    Check::ok(
        "target",
        format!(
            "{} in {}, environment {}, {manner}; cluster {uid}",
            target.scope, target.context, target.environment.name
        ),
    )
}

/// What the console looks at, and what it does; the second is only noted where it is missing.
const LOOKS: [(&str, &str, &str, &str); 8] = [
    ("list,watch", "", "pods", ""),
    ("list,watch", "apps", "deployments", ""),
    ("list,watch", "apps", "replicasets", ""),
    ("list,watch", "apps", "statefulsets", ""),
    ("list,watch", "apps", "daemonsets", ""),
    ("list,watch", "", "events", ""),
    ("get", "", "pods", "log"),
    ("get", "", "services", "proxy"),
];
const DEEDS: [(&str, &str, &str, &str); 6] = [
    ("patch", "apps", "deployments", ""),
    ("patch", "apps", "deployments", "scale"),
    ("delete", "", "pods", ""),
    ("create", "", "pods", "exec"),
    ("create,update", "coordination.k8s.io", "leases", ""),
    ("create", "", "pods", "eviction"),
];

async fn rights(cluster: &Cluster, scope: &Scope) -> [Check; 2] {
    let namespace = scope.namespace().map_or("", |name| &**name);
    let (looks, deeds) = tokio::join!(
        missing(cluster, namespace, &LOOKS),
        missing(cluster, namespace, &DEEDS)
    );
    let place = if namespace.is_empty() {
        "in all namespaces"
    } else {
        "here"
    };
    let looking = match looks {
        Err(failure) => failed("rights to look", &failure),
        Ok(missing) if missing.is_empty() => Check::ok(
            "rights to look",
            format!("all that the screens need {place}"),
        ),
        // Without these two a screen is thinner; the verdict does not rest on them.
        Ok(missing)
            if missing.iter().all(|one| {
                one.contains("pods/log") || one.contains("services/proxy") || one.contains("events")
            }) =>
        {
            Check::note(
                "rights to look",
                format!("may not {}", missing.join("; ")),
                "Ask for them, or do without.",
            )
        }
        Ok(missing) => Check::not_ok(
            "rights to look",
            format!("may not {}", missing.join("; ")),
            "Ask for a Role or ClusterRole such as `view`.",
        ),
    };
    let doing = match deeds {
        Err(failure) => failed("rights to act", &failure),
        Ok(missing) if missing.is_empty() => {
            Check::ok("rights to act", format!("all that runbooks need {place}"))
        }
        Ok(missing) => Check::note(
            "rights to act",
            format!("may not {}", missing.join("; ")),
            "Looking works; a runbook that needs them is refused before its first effect.",
        ),
    };
    [looking, doing]
}

/// The rights of a list that we do not hold.
async fn missing(
    cluster: &Cluster,
    namespace: &str,
    wanted: &[(&str, &str, &str, &str)],
) -> Result<Vec<String>, crate::platform::failure::Failure> {
    let each = wanted
        .iter()
        .flat_map(|(verbs, group, resource, subresource)| {
            verbs.split(',').map(|verb| Right {
                verb: verb.into(),
                group: (*group).into(),
                resource: (*resource).into(),
                subresource: (*subresource).into(),
                namespace: namespace.into(),
                name: String::new(),
            })
        });
    let asked = join_all(each.map(|right| async move {
        let access = cluster.may(&right).await?;
        let sub = if right.subresource.is_empty() {
            String::new()
        } else {
            format!("/{}", right.subresource)
        };
        Ok((!access.allowed).then(|| format!("{} {}{sub}", right.verb, right.resource)))
    }));
    let answers: Result<Vec<Option<String>>, _> = asked.await.into_iter().collect();
    Ok(answers?.into_iter().flatten().collect())
}

async fn prometheus(session: &Session) -> Check {
    let name = "prometheus";
    let Some(source) = session.engine.prometheus().map(|found| found.prometheus) else {
        return absent(name, session, Source::Prometheus, "PROMETHEUS_URL");
    };
    let pods: Vec<Arc<str>> = session
        .app
        .cluster
        .pods
        .iter()
        .map(|pod| pod.name.clone())
        .collect();
    let now = session.engine.clock().now();
    if pods.is_empty() {
        return match source.query(now, "vector(1)").await {
            Ok(_) => Check::ok(
                name,
                format!(
                    "{} answers; there are no pods here to ask it about",
                    source.address()
                ),
            ),
            Err(failure) => unanswered(name, &source.address(), &failure),
        };
    }
    match source.knows_pods(&pods, now).await {
        Ok(true) => Check::ok(
            name,
            format!("{} answers and knows these pods", source.address()),
        ),
        Ok(false) => Check::not_ok(
            name,
            format!(
                "{} answers, but none of its series carries the name of a pod here",
                source.address()
            ),
            "It probably watches another cluster: name the right one in [context.NAME] prometheus. Until then signals are unknown and no gate passes.",
        ),
        Err(failure) => unanswered(name, &source.address(), &failure),
    }
}

async fn alertmanager(session: &Session) -> Check {
    let name = "alertmanager";
    let Some(source) = session.engine.alertmanager() else {
        return absent(name, session, Source::Alertmanager, "ALERTMANAGER_URL");
    };
    match source.status().await {
        Ok(status) => Check::ok(name, format!("{} {}", status.version, source.address())),
        Err(failure) => silent(name, &source.address(), &failure),
    }
}

fn absent(name: &'static str, session: &Session, source: Source, variable: &str) -> Check {
    let why = match session.app.link(source) {
        LinkState::Absent(why) | LinkState::Stale { why, .. } => why.to_string(),
        _ => "none was found".into(),
    };
    Check::note(
        name,
        why,
        format!("Name one in [context.NAME] {name}, or set {variable}. The rest works without."),
    )
}

fn unanswered(name: &'static str, address: &str, failure: &QueryFailure) -> Check {
    match failure {
        QueryFailure::Http(failure) => silent(name, address, failure),
        other => Check::not_ok(
            name,
            format!(
                "{address} does not answer a plain question: {}",
                other.short()
            ),
            "Check that the address is a Prometheus's.",
        ),
    }
}

/// What the console asks of others while it stands open, from what it wants on its first screen.
fn budget(session: &Session) -> Check {
    let wants = session.app.wants();
    let every = session.engine.outside().interval.as_secs().max(1);
    let reads = u32::from(wants.signals) + wants.ranges.len() as u32;
    Check::ok(
        "API budget",
        format!(
            "{} watches and no polling of the cluster; {reads} questions to Prometheus and 1 to Alertmanager every {every} s",
            wants.watches.len()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_its_direction() {
        for (seconds, state, said) in [
            (0, State::Ok, "within 5 s"),
            (-4, State::Ok, "within 5 s"),
            (90, State::NotOk, "90 s ahead of ours"),
            (-61, State::NotOk, "61 s behind ours"),
        ] {
            let check = skew(SignedDuration::from_secs(seconds));
            assert!(
                check.state == state && check.said.contains(said),
                "{check:?}"
            );
        }
    }
}
