//! Answers: JSON, text and refusals as responses, and the shape an object is wanted in (whole, as a table row, or its metadata alone).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::super::refusal::Refusal;

/// The shape a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The object itself.
    Whole,
    /// Rows for people.
    Table,
    /// Only the metadata.
    Metadata,
    /// Discovery in one document.
    Aggregated,
}

impl Shape {
    /// What an `Accept` header asks for: the first alternative we can give.
    pub fn wanted(accept: &str) -> Self {
        for option in accept.split(',') {
            if option.contains("protobuf") {
                continue;
            }
            if option.contains("as=Table") {
                return Self::Table;
            }
            if option.contains("as=PartialObjectMetadata") {
                return Self::Metadata;
            }
            if option.contains("as=APIGroupDiscoveryList") {
                if option.contains("v=v2") && !option.contains("v=v2beta1") {
                    return Self::Aggregated;
                }
                continue;
            }
            break;
        }
        Self::Whole
    }
}

/// A response of a content type.
pub fn of_type(code: u16, content: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    response
}

/// A JSON answer.
pub fn json(code: u16, value: &Value) -> Response {
    of_type(code, "application/json", value.to_string())
}

/// A text answer.
pub fn text(text: impl Into<String>) -> Response {
    of_type(200, "text/plain; charset=utf-8", text.into())
}

/// A refusal as its `Status`.
pub fn refused(refusal: &Refusal) -> Response {
    json(refusal.code, &refusal.status())
}

/// An object's metadata alone.
pub fn metadata_of(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_shape_we_can_give_is_given() {
        let table = [
            ("application/json", Shape::Whole),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
                Shape::Table,
            ),
            (
                "application/vnd.kubernetes.protobuf;as=Table,application/json;as=Table;v=v1",
                Shape::Table,
            ),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Shape::Metadata,
            ),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                Shape::Aggregated,
            ),
            ("*/*", Shape::Whole),
        ];
        for (accept, shape) in table {
            assert_eq!(Shape::wanted(accept), shape, "{accept}");
        }
    }
}
