//! One request to the API server before it is sent: what is attempted, where, and with what.

use super::classify::Attempt;
use http::{HeaderValue, Method, Request};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// One request.
pub(super) struct Ask {
    pub(super) attempt: Attempt,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    pub(super) accept: Option<&'static str>,
    pub(super) audit_id: Option<String>,
    /// One header more, for whoever is behind a proxy.
    pub(super) header: Option<(Arc<str>, Arc<str>)>,
    /// What a carried question brings along.
    pub(super) headers: Vec<(&'static str, HeaderValue)>,
}

impl Ask {
    pub(super) fn get(attempt: Attempt, path: String) -> Self {
        Self {
            attempt,
            method: Method::GET,
            path,
            body: None,
            accept: None,
            audit_id: None,
            header: None,
            headers: Vec::new(),
        }
    }

    pub(super) fn post(attempt: Attempt, path: String, body: &Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(("application/json", body.to_string().into_bytes())),
            ..Self::get(attempt, path)
        }
    }

    pub(super) fn request(&self, stream: bool) -> Result<Request<Vec<u8>>, http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header("accept", self.accept.unwrap_or("application/json"));
        if stream {
            // A compressed watch of several members would be read only up to the end of its first.
            request = request.header("accept-encoding", "identity");
        }
        if let Some(id) = &self.audit_id {
            request = request.header("audit-id", id);
        }
        if let Some((name, value)) = &self.header {
            request = request.header(&**name, &**value);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = match &self.body {
            Some((kind, body)) => {
                request = request.header("content-type", *kind);
                body.clone()
            }
            None => Vec::new(),
        };
        request.body(body)
    }
}

/// Percent-encodes what may not stand in one part of a path or in a query's value.
pub(super) fn escape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_part_of_the_path() {
        assert_eq!(escape("a/../b?x=1#y z"), "a%2F..%2Fb%3Fx%3D1%23y%20z");
    }
}
