//! One question over HTTP as data: what it says of itself never shows a credential or a body.

use ::http::{HeaderValue, Method};
use bytes::Bytes;
use std::fmt;

/// What is sent along.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// An encoded form.
    Form(Bytes),
    /// A document of this content type.
    Document(&'static str, Bytes),
}

impl fmt::Debug for Body {
    /// What kind and how long; a document may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Form(bytes) => write!(f, "Form({} bytes)", bytes.len()),
            Self::Document(kind, bytes) => write!(f, "Document({kind}, {} bytes)", bytes.len()),
        }
    }
}

impl Body {
    /// The header that goes with it.
    pub fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Document(kind, _) => Some(kind),
        }
    }

    /// Its bytes.
    pub fn bytes(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Form(bytes) | Self::Document(_, bytes) => bytes,
        }
    }
}

/// One question. What it says of itself never shows a header's value or a body.
#[derive(Debug, Clone)]
pub struct Question {
    /// The method.
    pub method: Method,
    /// The path with its query; it begins with a slash.
    pub path: String,
    /// Headers beside the usual ones; one that is a credential is marked as sensitive.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// What is sent along.
    pub body: Body,
}

impl Question {
    /// A question without headers of its own.
    pub fn new(method: Method, path: &str, body: Body) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body,
        }
    }
}
