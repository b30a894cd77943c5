//! Serving a router on the loopback interface with the platform's faults around it: a listener whose connections can be broken at will, and the layer that does it.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::access::Identity;
use super::fault::{Face, Fault};
use super::shared::Shared;
use super::time;

/// The switch that breaks one connection.
#[derive(Debug, Clone)]
pub struct Line(Arc<AtomicBool>);

impl Line {
    fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A connection that can be broken.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    line: Line,
}

impl Wire {
    fn alive(&self) -> io::Result<()> {
        if self.line.0.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A listener whose connections can be broken.
#[derive(Debug)]
pub struct Wires(TcpListener);

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    // A console measures milliseconds: answers are not held back to fill packets.
                    let _ = stream.set_nodelay(true);
                    return (
                        Wire {
                            stream,
                            line: Line(Arc::default()),
                        },
                        address,
                    );
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Line {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().line.clone()
    }
}

/// Serves a face on a port of its own until the returned task is aborted; gives its URL.
pub async fn serve(
    face: Face,
    router: Router,
    shared: &Shared,
) -> io::Result<(String, tokio::task::JoinHandle<()>)> {
    let listener = Wires(TcpListener::bind(("127.0.0.1", 0)).await?);
    let url = format!("http://{}", listener.local_addr()?);
    let layered = router.layer(from_fn_with_state((face, shared.clone()), disturb));
    let service = layered.into_make_service_with_connect_info::<Line>();
    let task = tokio::spawn(async move {
        // Serving ends only when the task does.
        let _ = axum::serve(listener, service).await;
    });
    Ok((url, task))
}

/// The same router for one user: a request without credentials is that user's. Some clients send none without TLS.
pub fn for_user(router: Router, who: Identity) -> Router {
    let bearer = HeaderValue::from_str(&format!("Bearer {}", who.token()));
    let bearer = bearer.unwrap_or(HeaderValue::from_static("Bearer"));
    router.layer(from_fn(move |mut request: Request, next: Next| {
        let headers = request.headers_mut();
        headers
            .entry(header::AUTHORIZATION)
            .or_insert_with(|| bearer.clone());
        next.run(request)
    }))
}

/// Lets a request through, or does to it what the fault script says. The answer's date is the platform's.
async fn disturb(
    State((face, shared)): State<(Face, Shared)>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let fault = shared
        .faults()
        .meet(face, request.method().as_str(), target);
    let latency = shared.faults().latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut response = match fault {
        Some(Fault::DropBefore) => {
            line.cut();
            return StatusCode::BAD_GATEWAY.into_response();
        }
        Some(Fault::Hang) => pending().await,
        Some(Fault::Status(code, retry)) => refuse(face, code, retry),
        Some(Fault::Echo(code)) => {
            let sent = to_bytes(request.into_body(), usize::MAX).await;
            let said = String::from_utf8_lossy(&sent.unwrap_or_default()).into_owned();
            told(face, code, "BadRequest", &format!("cannot take {said}"))
        }
        Some(Fault::Duplicate) => twice(request, next).await,
        _ => next.run(request).await,
    };
    match fault {
        Some(Fault::DropAfter) => line.cut(),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::HalfBody) => response = halve(response).await,
        Some(Fault::NotANumber) => response = without_numbers(response).await,
        _ => {}
    }
    if let Ok(date) = HeaderValue::from_str(&time::http(shared.now_ms())) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// Delivers a request twice; the first answer is lost.
async fn twice(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
    drop(
        next.clone()
            .run(Request::from_parts(parts, Body::from(body)))
            .await,
    );
    next.run(again).await
}

/// A refusal in the words of a face.
fn told(face: Face, code: u16, reason: &str, message: &str) -> Response {
    let said = match face {
        Face::Vault => json!({ "errors": [message] }),
        _ => {
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
        }
    };
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code, axum::Json(said)).into_response()
}

fn refuse(face: Face, code: u16, retry: Option<u64>) -> Response {
    if face == Face::Vault {
        let said = match code {
            403 => "1 error occurred:\n\t* permission denied\n\n",
            429 => "rate limit quota exceeded",
            503 => "Vault is sealed",
            _ => "1 error occurred:\n\t* internal error\n\n",
        };
        return told(face, code, "", said);
    }
    let (reason, message) = match code {
        429 => (
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        500 => (
            "InternalError",
            "an error on the server (\"\") has prevented the request from succeeding",
        ),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden"),
        _ => ("Unknown", "the server answered with an error"),
    };
    let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code});
    if let Some(seconds) = retry {
        status["details"] = json!({"retryAfterSeconds": seconds});
    }
    let status_code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status_code, axum::Json(status)).into_response();
    if let Some(seconds) = retry {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The same answer with every sample `[time, "value"]` as Prometheus writes what is not a number.
async fn without_numbers(response: Response) -> Response {
    fn void(value: &mut Value) {
        match value {
            Value::Array(sample) => match sample.as_mut_slice() {
                [Value::Number(_), number @ Value::String(_)] => *number = "NaN".into(),
                items => items.iter_mut().for_each(void),
            },
            Value::Object(fields) => fields.values_mut().for_each(void),
            _ => {}
        }
    }
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(mut document) = serde_json::from_slice::<Value>(&whole) else {
        return Response::from_parts(parts, Body::from(whole));
    };
    void(&mut document);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(document.to_string()))
}

async fn halve(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let broken = futures::stream::unfold(Some(half), |half| async move {
        if let Some(half) = half.filter(|half| !half.is_empty()) {
            return Some((Ok(half), None));
        }
        // The first half must be on its way before the line breaks.
        tokio::time::sleep(Duration::from_millis(30)).await;
        let broken: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
        Some((broken, None))
    });
    Response::from_parts(parts, Body::from_stream(broken))
}
