//! One request to Vault and the answer to it, as data.

use serde_json::{Value, json};

use crate::sim::seed::Rng;

/// A moment: milliseconds since the epoch, and the nanoseconds below.
pub type Moment = (i64, u32);

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The token, if any.
    pub token: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// The path below `/v1/`, decoded.
    pub path: &'a str,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The content type.
    pub content: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// One request, read.
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The content type.
    pub content: &'a str,
    /// The body.
    pub body: Value,
    /// Who, if the token was one.
    pub who: &'a str,
    /// When.
    pub at: Moment,
    /// The query, decoded.
    pub query: &'a [(String, String)],
}

impl Asked<'_> {
    /// Whether a list is asked for.
    pub fn lists(&self) -> bool {
        self.method == "LIST" || self.method == "GET" && self.parameter("list") == Some("true")
    }

    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The answer to one.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The code.
    pub code: u16,
    /// The body; null for none.
    pub body: Value,
    /// The version that was written.
    pub written: Option<u64>,
}

impl Answer {
    fn new(code: u16, body: Value) -> Self {
        Self {
            code,
            body,
            written: None,
        }
    }

    /// Yes, with data in Vault's envelope.
    pub fn data(data: impl Into<Value>) -> Self {
        let data: Value = data.into();
        Self::new(200, json!({ "data": data }))
    }

    /// What was asked for is deleted or destroyed.
    pub fn gone(data: impl Into<Value>) -> Self {
        let data: Value = data.into();
        Self::new(404, json!({ "data": data }))
    }

    /// Yes, without a body.
    pub fn empty() -> Self {
        Self::new(204, Value::Null)
    }

    /// A code without a body.
    pub fn blank(code: u16) -> Self {
        Self::new(code, Value::Null)
    }

    /// A document that is not in the envelope.
    pub fn plain(code: u16, body: Value) -> Self {
        Self::new(code, body)
    }

    /// There is nothing.
    pub fn nothing() -> Self {
        Self::new(404, json!({"errors": []}))
    }

    /// No, in these words.
    pub fn error(code: u16, said: &str) -> Self {
        Self::new(code, json!({ "errors": [said] }))
    }

    /// The same, and this version was written.
    #[must_use]
    pub fn wrote(mut self, version: u64) -> Self {
        self.written = Some(version);
        self
    }

    /// Puts data into the envelope that every answer of an engine has.
    #[must_use]
    pub fn wrapped(mut self, kind: &str, rng: &mut Rng) -> Self {
        if let Some(data) = self.body.get_mut("data").map(Value::take) {
            let kind = if self.code == 404 { "" } else { kind };
            self.body = json!({
                "request_id": rng.uuid(), "lease_id": "", "renewable": false, "lease_duration": 0, "data": data,
                "wrap_info": null, "warnings": null, "auth": null, "mount_type": kind,
            });
        }
        self
    }
}
