//! The sources of signals and alerts over real sockets: small servers that answer well or badly, and the real programs
//! where `VIGIE_TEST_CLUSTER` names a running harness.

mod alertmanager;
mod prometheus;
mod real;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use vigie::platform::http::{Direct, Http, Transport};

/// What arrived: method, path, and query or form, decoded.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub pairs: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn get(&self, key: &str) -> &str {
        let pair = self.pairs.iter().find(|(k, _)| k == key);
        pair.map_or("", |(_, value)| value)
    }
}

type Answer = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

#[derive(Clone)]
struct Shared {
    answer: Answer,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A server that answers by a function and remembers what it was asked.
pub struct Server {
    pub address: SocketAddr,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn transport(&self) -> Transport {
        Transport::Direct(Direct::new(&Http::default(), &self.url()).unwrap())
    }
}

fn decoded(text: &str) -> Vec<(String, String)> {
    let url = format!("http://x/?{text}");
    let uri: Uri = url.parse().unwrap();
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
    pairs.unwrap().0
}

async fn handle(State(shared): State<Shared>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let is_form = parts
        .headers
        .get("content-type")
        .is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let text = if is_form {
        body.clone()
    } else {
        parts.uri.query().unwrap_or("").to_owned()
    };
    let headers = parts.headers.iter();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        pairs: decoded(&text),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect(),
    };
    shared.asked.lock().unwrap().push(asked.clone());
    (shared.answer)(&asked)
}

/// Starts a server on a free port.
pub async fn serve(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Server {
    let shared = Shared {
        answer: Arc::new(answer),
        asked: Arc::default(),
    };
    let asked = shared.asked.clone();
    let router = Router::new().fallback(handle).with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Server { address, asked }
}

/// A server that sends these bytes to whoever connects, and then does what is said with the connection.
pub async fn raw(bytes: &'static [u8], keep_open: bool) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(bytes).await;
                if keep_open {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    format!("http://{address}")
}

pub fn json(text: impl Into<String>) -> Response {
    ([("content-type", "application/json")], text.into()).into_response()
}

pub fn status(code: u16, text: &str) -> Response {
    (StatusCode::from_u16(code).unwrap(), text.to_owned()).into_response()
}

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}
