//! The proxies: a pod's metrics as text, and Services whose faces are served by the same program, reached in process.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::Method;

use super::super::access::{Act, Identity};
use super::super::kind::Kind;
use super::super::ledger::PodKey;
use super::super::refusal::Refusal;
use super::super::tree;
use super::answer;
use super::asked::Api;

/// A face behind the service proxy: only for those who may use it.
pub fn guarded(face: Router, namespace: &'static str, name: &'static str) -> Router {
    face.layer(from_fn(move |request: Request, next: Next| async move {
        let allowed = Identity::of(request.headers()).and_then(|who| {
            let verb = if request.method() == Method::GET {
                "get"
            } else {
                "create"
            };
            let act = Act {
                verb,
                group: "",
                resource: "services",
                part: "proxy",
                namespace,
                name,
            };
            if who.may(&act) {
                Ok(())
            } else {
                Err(who.forbidden(&act))
            }
        });
        match allowed {
            Ok(()) => next.run(request).await,
            Err(refusal) => answer::refused(&refusal),
        }
    }))
}

/// A path of the server behind a Service: that of its first ready pod.
pub fn service(api: &Api, namespace: &str, target: &str, path: &str) -> Result<Response, Refusal> {
    let mut parts = target
        .split(':')
        .filter(|part| !matches!(*part, "http" | "https"));
    let name = parts.next().unwrap_or_default();
    let wanted = parts.next().unwrap_or_default();
    let (service, pods) = api.shared.with(|world| {
        let service = world.read(Kind::Service, (namespace, name))?;
        let pods: Vec<serde_json::Value> =
            world.store().live(Kind::Pod, namespace).cloned().collect();
        Ok::<_, Refusal>((service, pods))
    })?;
    let unavailable = |why: String| Refusal::new(503, "ServiceUnavailable", why);
    let open = tree::list(&service, &["spec", "ports"]);
    let known = |port: &serde_json::Value| {
        wanted.is_empty()
            || port["name"] == wanted
            || wanted
                .parse::<u16>()
                .is_ok_and(|number| port["port"] == number)
    };
    if !open.iter().any(known) {
        return Err(unavailable(format!(
            "no service port {wanted:?} found for service {name:?}"
        )));
    }
    let selector = service["spec"]["selector"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let behind = |pod: &&serde_json::Value| {
        let labels = &pod["metadata"]["labels"];
        let ready = tree::list(pod, &["status", "conditions"])
            .iter()
            .any(|one| one["type"] == "Ready" && one["status"] == "True");
        !selector.is_empty() && ready && selector.iter().all(|(key, value)| &labels[key] == value)
    };
    let Some(found) = pods.iter().find(behind) else {
        return Err(unavailable(format!(
            "no endpoints available for service {name:?}"
        )));
    };
    pod(
        api,
        namespace,
        tree::text(found, &["metadata", "name"]),
        path,
    )
}

/// A path of a pod's own server: it has `/metrics`, `/health` and `/ready`.
pub fn pod(api: &Api, namespace: &str, target: &str, path: &str) -> Result<Response, Refusal> {
    let mut parts = target
        .split(':')
        .filter(|part| !matches!(*part, "http" | "https"));
    let name = parts.next().unwrap_or_default().to_owned();
    let pod = api
        .shared
        .with(|world| world.read(Kind::Pod, (namespace, &name)))?;
    let unavailable = |why: String| Refusal::new(503, "ServiceUnavailable", why);
    if tree::text(&pod, &["status", "podIP"]).is_empty() {
        return Err(unavailable(format!(
            "no endpoints available for pod \"{name}\""
        )));
    }
    let containers = tree::list(&pod, &["status", "containerStatuses"]);
    if !containers
        .iter()
        .any(|c| c["state"].get("running").is_some())
    {
        let ip = tree::text(&pod, &["status", "podIP"]);
        return Err(unavailable(format!(
            "error trying to reach service: dial tcp {ip}:8080: connect: connection refused"
        )));
    }
    let key = PodKey {
        namespace: namespace.to_owned(),
        pod: name,
    };
    match (path, &api.exposition) {
        ("metrics", Some(exposition)) => {
            let scraped = api
                .shared
                .with_ledger(|ledger, now| exposition(ledger, &key, now));
            let text = scraped.ok_or_else(|| unavailable("the pod does not answer".into()))?;
            Ok(answer::of_type(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                text,
            ))
        }
        // What its probes ask is answered as its kubelet sees it.
        ("health" | "ready", _) => {
            let conditions = tree::list(&pod, &["status", "conditions"]);
            let ready = conditions
                .iter()
                .any(|one| one["type"] == "Ready" && one["status"] == "True");
            let (status, words) = if ready {
                (200, "ok\n")
            } else {
                (503, "not ready\n")
            };
            Ok(answer::of_type(status, "text/plain; charset=utf-8", words))
        }
        _ => Ok(answer::of_type(
            404,
            "text/plain; charset=utf-8",
            "404 page not found\n",
        )),
    }
}
