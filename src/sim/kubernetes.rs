//! The Kubernetes face: an apiserver's paths over the shared world. This file takes a request apart, asks who may do it, and hands it to the part that answers.

mod answer;
mod asked;
mod discovery;
mod list;
mod logs;
mod protobuf;
mod proxy;
mod removal;
mod reviews;
pub(super) mod route;
mod table;
mod watch;
mod write;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, Method, header};

use self::answer::{Shape, refused};
use self::asked::{Api, Asked};
pub use self::asked::{Exposition, VERSION};
use self::route::{Path, Query};
use super::access::{Act, Identity};
use super::kind::Kind;
use super::refusal::Refusal;
use super::shared::Shared;

/// How much a request may carry.
const LARGEST: usize = 3 * 1024 * 1024;

/// The other faces, as they are reached through the apiserver's proxies.
#[derive(Clone, Default)]
pub struct Neighbours {
    /// Services behind the service proxy: namespace, name, port, and who answers.
    pub services: Vec<(&'static str, &'static str, u16, Router)>,
    /// What a pod's metrics are, behind the pod proxy.
    pub exposition: Option<Exposition>,
}

impl std::fmt::Debug for Neighbours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.services.iter().map(|(_, name, ..)| *name).collect();
        f.debug_struct("Neighbours")
            .field("services", &names)
            .finish_non_exhaustive()
    }
}

/// The router of this face.
pub fn router(shared: &Shared, neighbours: Neighbours) -> Router {
    let api = Api {
        shared: shared.clone(),
        exposition: neighbours.exposition,
    };
    let mut router = Router::new().fallback(handle).with_state(api);
    for (namespace, name, port, face) in neighbours.services {
        for host in [
            format!("{name}:{port}"),
            format!("http:{name}:{port}"),
            format!("{name}:web"),
            format!("http:{name}:web"),
            name.to_owned(),
        ] {
            let path = format!("/api/v1/namespaces/{namespace}/services/{host}/proxy");
            router = router.nest(&path, proxy::guarded(face.clone(), namespace, name));
        }
    }
    router
}

async fn handle(State(api): State<Api>, request: Request) -> Response {
    let given = request.headers().get("audit-id").cloned();
    let audit_id = given.unwrap_or_else(|| {
        let id = api.shared.with(super::world::World::fresh_id);
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("0"))
    });
    let id = audit_id.to_str().unwrap_or_default().to_owned();
    let mut response = match take_apart(request, id).await {
        Ok(asked) => answer_to(&api, &asked),
        Err(refusal) => refused(&refusal),
    };
    response.headers_mut().insert("audit-id", audit_id);
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, private"));
    response
}

async fn take_apart(request: Request, audit_id: String) -> Result<Asked, Refusal> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await;
    let body = body.map_err(|_| {
        Refusal::new(
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
        )
    })?;
    let path = Path::parse(parts.uri.path());
    let open = matches!(path, Path::Version | Path::Health);
    let who = match Identity::of(&parts.headers) {
        Err(_) if open => Identity::Viewer,
        other => other?,
    };
    let text = |name: header::HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    Ok(Asked {
        who,
        path,
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        shape: Shape::wanted(text(header::ACCEPT)),
        content: text(header::CONTENT_TYPE).to_owned(),
        agent: text(header::USER_AGENT).to_owned(),
        uri: parts.uri.path().to_owned(),
        method: parts.method,
        audit_id,
        body,
    })
}

fn answer_to(api: &Api, asked: &Asked) -> Response {
    let answer = match &asked.path {
        Path::Version => Ok(discovery::version()),
        Path::Health => Ok(answer::text("ok")),
        Path::Groups(which) => discovery::groups(which, asked.shape),
        Path::Resources { group, version } => discovery::resources(group, version),
        Path::OpenApi(what) => discovery::openapi(what),
        Path::Review(what) => reviews::review(api.shared.admission(), asked, what),
        Path::Object { .. } => object(api, asked),
        Path::Unknown => Err(Refusal::no_such_path()),
    };
    answer.unwrap_or_else(|refusal| refused(&refusal))
}

/// What the method means on this path.
fn verb(method: &Method, named: bool, watch: bool) -> Option<&'static str> {
    Some(match (method.as_str(), named) {
        ("GET" | "HEAD", _) if watch => "watch",
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", true) => "update",
        ("PATCH", true) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => return None,
    })
}

fn object(api: &Api, asked: &Asked) -> Result<Response, Refusal> {
    let Path::Object {
        resource,
        namespace,
        name,
        part,
        rest,
    } = &asked.path
    else {
        return Err(Refusal::no_such_path());
    };
    let watched = asked.query.is_true("watch") && part.is_empty();
    let verb = verb(&asked.method, !name.is_empty(), watched).ok_or_else(Refusal::not_allowed)?;
    let act = Act {
        verb,
        group: resource.group,
        resource: resource.plural,
        part,
        namespace,
        name,
    };
    if !api.shared.admission().may(asked.who, &act) {
        return Err(asked.who.forbidden(&act));
    }
    match (verb, part.as_str()) {
        (_, "exec" | "attach" | "portforward") if resource.kind == Kind::Pod => {
            Err(Refusal::nobody_inside(part, name))
        }
        ("watch", _) => watch::watch(&api.shared, asked, resource),
        ("list", _) => list::list(&api.shared, asked, resource),
        ("get", "log") => logs::logs(&api.shared, asked, namespace, name),
        ("get", "proxy") if resource.kind == Kind::Service => {
            proxy::service(api, namespace, name, rest)
        }
        ("get", "proxy") => proxy::pod(api, namespace, name, rest),
        ("get", "scale") if resource.kind.scales() => {
            let scale = api
                .shared
                .with(|world| world.read_scale(resource.kind, (namespace, name)))?;
            Ok(answer::json(200, &scale))
        }
        ("get", "" | "status") => list::one(&api.shared, asked, resource),
        ("get", _) => Err(Refusal::no_such_path()),
        _ => write::write(&api.shared, asked, verb),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::clock::Clock;
    use super::super::fault::Face;
    use super::super::scenario::Scenario;
    use super::super::serve::serve;
    use super::super::world::World;
    use super::*;

    const START: i64 = 1_795_316_412_000;

    /// What a plain request for a path is answered with, head included.
    async fn ask(url: &str, who: Identity, path: &str) -> String {
        let address = url.trim_start_matches("http://");
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            who.token()
        );
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn neighbours_are_reached_through_the_proxies_by_those_who_may() {
        let world = World::new(Scenario::Healthy, 1, START);
        let shared = Shared::new(world, Clock::start(Some(START), 0.0));
        let pod = shared.peek(|w| w.ledger().pods.keys().next().cloned().unwrap());
        let face = Router::new().route("/api/v1/query", get(|| async { "neighbour" }));
        let neighbours = Neighbours {
            services: vec![("monitoring", "prometheus", 9090, face)],
            exposition: Some(Arc::new(|_, key, _| {
                Some(format!("up{{pod=\"{}\"}} 1\n", key.pod))
            })),
        };
        let app = router(&shared, neighbours);
        let (url, task) = serve(Face::Kubernetes, app, &shared).await.unwrap();
        let base = "/api/v1/namespaces/monitoring/services";
        for host in ["prometheus:9090", "http:prometheus:web"] {
            let path = format!("{base}/{host}/proxy/api/v1/query?query=up");
            let answer = ask(&url, Identity::Oncall, &path).await;
            assert!(answer.ends_with("neighbour"), "{answer}");
        }
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}:8080/proxy/metrics",
            pod.namespace, pod.pod
        );
        let answer = ask(&url, Identity::Oncall, &path).await;
        assert!(
            answer.ends_with(&format!("up{{pod=\"{}\"}} 1\n", pod.pod)),
            "{answer}"
        );
        let refused = ask(&url, Identity::Viewer, &path).await;
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
        task.abort();
    }
}
