//! Vault's address: requests taken apart, answers written down.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request as Incoming, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::answer::Request;
use crate::sim::kubernetes::route::{Query, decode};
use crate::sim::shared::Shared;

/// How much a request may carry.
const LARGEST: usize = 32 * 1024 * 1024;

/// The router of this face.
pub fn router(shared: &Shared) -> Router {
    Router::new().fallback(handle).with_state(shared.clone())
}

async fn handle(State(shared): State<Shared>, incoming: Incoming) -> Response {
    let (parts, body) = incoming.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = decode(parts.uri.path());
    let Some(path) = path.strip_prefix("/v1/") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let request = Request {
        token: token(&parts.headers),
        method: parts.method.as_str(),
        path,
        query: query.into_pairs(),
        content: text(&parts.headers, "content-type").unwrap_or_default(),
        body: &body,
    };
    let answer = shared.with(|world| world.ask_vault(&request));
    let code = StatusCode::from_u16(answer.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let cache = [(header::CACHE_CONTROL, "no-store")];
    if answer.body.is_null() {
        (code, cache).into_response()
    } else {
        (code, cache, axum::Json(answer.body)).into_response()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let own = text(headers, "x-vault-token");
    own.or_else(|| text(headers, "authorization")?.strip_prefix("Bearer "))
}
