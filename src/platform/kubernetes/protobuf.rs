//! Protobuf as the API server speaks it: how it is asked for and recognised, its envelope, and the refusals that come in it.
//!
//! Lists are taken apart in `split`, pods are read in `pod`. Messages name only what we read, under the numbers of
//! Kubernetes' own `generated.proto`; what they do not name is skipped.

use super::wire::{StatusCause, StatusDetails, StatusWire, Text};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use prost::Message;

pub(super) mod pod;
pub(super) mod split;

/// What the form is called.
const NAME: &str = "application/vnd.kubernetes.protobuf";
/// Asks for it, and takes JSON from whoever does not speak it.
pub(super) const ACCEPT: &str = "application/vnd.kubernetes.protobuf, application/json";
/// What every document begins with.
const MAGIC: &[u8; 4] = b"k8s\0";

/// What was to be protobuf cannot be read as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotProtobuf;

impl From<prost::DecodeError> for NotProtobuf {
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

/// Whether an answer says that it is protobuf.
pub(super) fn is_said(headers: &HeaderMap) -> bool {
    let said = headers
        .get(CONTENT_TYPE)
        .and_then(|said| said.to_str().ok());
    let name = said.and_then(|said| said.split(';').next());
    name.is_some_and(|name| name.trim().eq_ignore_ascii_case(NAME))
}

/// The envelope of a document that is read whole.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(message, optional, tag = "1")]
    kind: Option<TypeMeta>,
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

/// What is in an envelope.
#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(string, tag = "2")]
    kind: String,
}

/// A Status.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusMessage {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(message, optional, tag = "5")]
    details: Option<DetailsMessage>,
    #[prost(int32, tag = "6")]
    code: i32,
}

/// Its details.
#[derive(Clone, PartialEq, Message)]
struct DetailsMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "4")]
    causes: Vec<CauseMessage>,
    #[prost(int32, tag = "5")]
    retry_after_seconds: i32,
}

/// One cause of a refusal.
#[derive(Clone, PartialEq, Message)]
struct CauseMessage {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    message: String,
}

/// What a refusal in protobuf says, nothing where it cannot be read; `None` where it is in another form.
pub(super) fn status(body: &[u8]) -> Option<StatusMessage> {
    let body = body.strip_prefix(MAGIC)?;
    let envelope = Envelope::decode(body).unwrap_or_default();
    let read = envelope.kind.filter(|of| of.kind == "Status");
    let status = read.and_then(|_| StatusMessage::decode(&*envelope.raw).ok());
    Some(status.unwrap_or_default())
}

impl StatusMessage {
    /// The same as JSON would have it.
    pub(super) fn wire(&self) -> StatusWire<'_> {
        let details = self.details.as_ref().map(|details| StatusDetails {
            name: text(&details.name),
            retry_after_seconds: details.retry_after_seconds.try_into().unwrap_or_default(),
            causes: details.causes.iter().map(CauseMessage::wire).collect(),
            ..StatusDetails::default()
        });
        StatusWire {
            code: self.code.try_into().unwrap_or_default(),
            reason: text(&self.reason),
            message: text(&self.message),
            details: details.unwrap_or_default(),
            ..StatusWire::default()
        }
    }
}

impl CauseMessage {
    fn wire(&self) -> StatusCause<'_> {
        StatusCause {
            reason: text(&self.reason),
            message: text(&self.message),
            ..StatusCause::default()
        }
    }
}

fn text(text: &str) -> Text<'_> {
    Text(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_is_what_calls_itself_so() {
        let said = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, text.parse().unwrap());
            is_said(&headers)
        };
        assert!(said("application/vnd.kubernetes.protobuf"));
        assert!(said("Application/vnd.Kubernetes.protobuf ; charset=x"));
        assert!(!said("application/json") && !said("application/vnd.kubernetes.protobuf2"));
        assert!(!is_said(&HeaderMap::new()));
    }

    /// As kube-apiserver 1.34 refused a list of secrets.
    const REFUSAL: &[u8] = b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Status\x12\x9b\x01\x0a\x06\x0a\x00\x12\x00\x1a\x00\x12\x07Failure\
        \x1agsecrets is forbidden: User \"viewer\" cannot list resource \"secrets\" in API group \"\" at the cluster scope\
        \x22\x09Forbidden*\x11\x0a\x00\x12\x00\x1a\x07secrets(\x002\x000\x93\x03\x1a\x00\x22\x00";

    #[test]
    fn a_refusal_says_the_same_in_protobuf() {
        let status = status(REFUSAL).unwrap();
        let wire = status.wire();
        assert!(wire.message.contains("cannot list resource \"secrets\""));
        assert_eq!((wire.code, &*wire.reason), (403, "Forbidden"));
    }

    #[test]
    fn a_refusal_that_is_cut_says_nothing_and_other_text_is_not_one() {
        for end in 4..REFUSAL.len() - 4 {
            let cut = status(&REFUSAL[..end]).unwrap();
            assert_eq!(&*cut.wire().message, "", "{end}");
        }
        assert_eq!(status(b"k8s is down"), None);
        assert_eq!(status(b""), None);
    }

    #[test]
    fn a_refusal_carries_its_wait_and_its_causes() {
        let cause = CauseMessage {
            reason: "DisruptionBudget".into(),
            message: "needs 2".into(),
        };
        let sent = StatusMessage {
            code: 429,
            details: Some(DetailsMessage {
                retry_after_seconds: 7,
                causes: vec![cause],
                ..DetailsMessage::default()
            }),
            ..StatusMessage::default()
        };
        let kind = TypeMeta {
            version: "v1".into(),
            kind: "Status".into(),
        };
        let envelope = Envelope {
            kind: Some(kind),
            raw: sent.encode_to_vec(),
        };
        let body = [&MAGIC[..], &envelope.encode_to_vec()].concat();
        let read = status(&body).unwrap();
        let details = read.wire().details;
        assert_eq!(details.retry_after_seconds, 7);
        assert_eq!(&*details.causes[0].message, "needs 2");
    }
}
