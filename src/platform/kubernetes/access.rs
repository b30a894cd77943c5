//! What we may do: the server's own answer, asked before anything is tried.

use super::ask::Ask;
use super::classify::Attempt;
use super::client::Cluster;
use crate::platform::failure::{Failure, bounded};
use serde::Deserialize;
use serde_json::json;

/// A right to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Right {
    /// The verb.
    pub verb: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The resource's plural.
    pub resource: String,
    /// The subresource, where one is meant: `log`.
    pub subresource: String,
    /// The namespace; empty for all.
    pub namespace: String,
    /// The object's name; empty for any.
    pub name: String,
}

/// The server's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why, in the server's words.
    pub reason: String,
}

impl Cluster {
    /// Asks whether we hold a right.
    pub async fn may(&self, right: &Right) -> Result<Access, Failure> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Review {
            status: Access,
        }
        let group = "authorization.k8s.io";
        let attempt = Attempt::read("create", group, "selfsubjectaccessreviews", "", "");
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": right.verb, "group": right.group, "resource": right.resource,
                "subresource": right.subresource, "namespace": right.namespace, "name": right.name,
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
        let mut review: Review = self.json(Ask::post(attempt, path, &body)).await?;
        review.status.reason = bounded(&review.status.reason, 500);
        Ok(review.status)
    }
}
