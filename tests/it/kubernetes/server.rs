//! A tiny API server that says exactly what a test tells it to, byte by byte, and remembers what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio_util::task::AbortOnDropHandle;

/// The size of a piece of a body without end.
pub const PIECE: usize = 64 << 10;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub uri: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What to answer.
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    pieces: Vec<io::Result<Bytes>>,
    hangs: bool,
    /// How many pieces left of a body without end.
    endless: Option<Arc<AtomicUsize>>,
}

impl Reply {
    pub fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            pieces: vec![Ok(Bytes::from(body.to_owned()))],
            hangs: false,
            endless: None,
        }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::json(status, body)
    }

    pub fn status_with(status: u16, body: &str) -> Self {
        Self::json(status, body)
    }

    pub fn status(code: u16, message: &str) -> Self {
        let body = serde_json::json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message });
        Self::json(code, &body.to_string())
    }

    pub fn lines<const N: usize>(lines: [String; N]) -> Self {
        let pieces = lines
            .into_iter()
            .map(|line| Ok(Bytes::from(line)))
            .collect();
        Self {
            status: 200,
            headers: Vec::new(),
            pieces,
            hangs: false,
            endless: None,
        }
    }

    /// A body in pieces of so many bytes.
    pub fn pieces(body: &str, size: usize) -> Self {
        Self::bytes(body.as_bytes(), size)
    }

    /// The same of a body that is no text.
    pub fn bytes(body: &[u8], size: usize) -> Self {
        let pieces = body
            .chunks(size)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        Self {
            status: 200,
            headers: Vec::new(),
            pieces,
            hangs: false,
            endless: None,
        }
    }

    /// The same with another status.
    pub fn refusing(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn then(mut self, text: &str) -> Self {
        self.pieces.push(Ok(Bytes::from(text.to_owned())));
        self
    }

    /// Breaks the connection at the end.
    pub fn cut(mut self) -> Self {
        self.pieces.push(Err(io::Error::other("cut")));
        self
    }

    /// Goes on in pieces of [`PIECE`] bytes for as long as somebody reads, and counts them.
    pub fn endless(mut self, count: &Arc<AtomicUsize>) -> Self {
        self.endless = Some(count.clone());
        self
    }

    /// Keeps the connection and says nothing more.
    pub fn hang(mut self) -> Self {
        self.hangs = true;
        self
    }
}

type Answer = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

#[derive(Clone)]
struct Shared {
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

pub struct Server {
    address: SocketAddr,
    shared: Shared,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            answer: Arc::new(answer),
            seen: Arc::default(),
        };
        let router = Router::new().fallback(handle).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            _task: AbortOnDropHandle::new(task),
        }
    }

    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

/// An address where nobody listens.
pub async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let seen = Seen {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let number = {
        let mut all = shared.seen.lock().unwrap();
        all.push(seen.clone());
        all.len() - 1
    };
    let reply = (shared.answer)(number, &seen);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let pieces = futures::stream::iter(reply.pieces).then(|piece| async {
        // Each piece leaves by itself, so that pieces arrive as pieces.
        tokio::task::yield_now().await;
        piece
    });
    let body = if let Some(count) = reply.endless {
        let more = futures::stream::repeat_with(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from_static(&[b'x'; PIECE]))
        });
        Body::from_stream(pieces.chain(more))
    } else if reply.hangs {
        Body::from_stream(pieces.chain(futures::stream::pending()))
    } else {
        Body::from_stream(pieces)
    };
    response.body(body).unwrap()
}

pub fn line(event: &str, object: &str) -> String {
    format!("{{\"type\":\"{event}\",\"object\":{object}}}\n")
}

/// A bookmark; `complete` ends the initial events.
pub fn mark(version: u64, complete: bool) -> String {
    let end = if complete {
        r#","annotations":{"k8s.io/initial-events-end":"true"}"#
    } else {
        ""
    };
    line(
        "BOOKMARK",
        &format!(
            r#"{{"kind":"Pod","metadata":{{"resourceVersion":"{version}"{end}}},"spec":{{"containers":null}},"status":{{}}}}"#
        ),
    )
}

pub fn error(code: u16) -> String {
    line(
        "ERROR",
        &format!(
            r#"{{"kind":"Status","status":"Failure","code":{code},"reason":"Expired","message":"too old resource version"}}"#
        ),
    )
}

pub fn pod(name: &str, version: u64) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"veza","uid":"uid-{name}","resourceVersion":"{version}","labels":{{"app":"x"}},"managedFields":[{{"manager":"m","fieldsV1":{{"f:status":{{}}}}}}]}},"spec":{{"nodeName":"node-1","containers":[{{"name":"main","image":"r/x:v1"}}]}},"status":{{"phase":"Running","conditions":[{{"type":"Ready","status":"True"}}],"containerStatuses":[{{"name":"main","ready":true,"restartCount":0,"state":{{"running":{{}}}}}}]}}}}"#
    )
}

pub fn list(key: &str, items: &[String], version: u64) -> String {
    format!(
        r#"{{"kind":"List","metadata":{{"resourceVersion":"{version}"}},"{key}":[{}]}}"#,
        items.join(",")
    )
}
