//! Reviews of oneself: may I, what may I, who am I.

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::super::access::Act;
use super::super::admission::Admission;
use super::super::refusal::Refusal;
use super::super::tree;
use super::asked::Asked;
use super::{answer, protobuf};

/// Answers a review.
pub fn review(admission: &Admission, asked: &Asked, what: &str) -> Result<Response, Refusal> {
    if asked.method != Method::POST {
        return Err(Refusal::not_allowed());
    }
    let body: Value = if asked.content.contains("protobuf") {
        protobuf::review(&asked.body)
            .ok_or_else(|| Refusal::bad_request("the object provided is unrecognized"))?
    } else {
        serde_json::from_slice(&asked.body).map_err(|why| Refusal::bad_request(why.to_string()))?
    };
    let (kind, group, spec, status) = match what {
        "selfsubjectaccessreviews" => (
            "SelfSubjectAccessReview",
            "authorization",
            body["spec"].clone(),
            access(admission, asked, &body)?,
        ),
        "selfsubjectrulesreviews" => (
            "SelfSubjectRulesReview",
            "authorization",
            body["spec"].clone(),
            rules(asked, &body),
        ),
        "selfsubjectreviews" => (
            "SelfSubjectReview",
            "authentication",
            Value::Null,
            json!({"userInfo": asked.who.review()}),
        ),
        _ => return Err(Refusal::no_such_path()),
    };
    let mut answer = json!({"kind": kind, "apiVersion": format!("{group}.k8s.io/v1"), "metadata": {"creationTimestamp": null}, "status": status});
    if !spec.is_null() {
        answer["spec"] = spec;
    }
    Ok(answer::json(201, &answer))
}

fn access(admission: &Admission, asked: &Asked, body: &Value) -> Result<Value, Refusal> {
    let wanted = &body["spec"]["resourceAttributes"];
    if wanted.is_null() {
        if body["spec"]["nonResourceAttributes"].is_null() {
            return Err(Refusal::bad_request(
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            ));
        }
        let path = tree::text(body, &["spec", "nonResourceAttributes", "path"]);
        let open = asked.who == super::super::access::Identity::Admin
            || [
                "/api", "/apis", "/healthz", "/version", "/livez", "/readyz", "/openapi",
            ]
            .iter()
            .any(|p| path.starts_with(p));
        return Ok(json!({"allowed": open}));
    }
    let text = |key: &str| tree::text(wanted, &[key]);
    let act = Act {
        verb: text("verb"),
        group: text("group"),
        resource: text("resource"),
        part: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
    };
    let allowed = admission.may(asked.who, &act);
    let mut status = json!({"allowed": allowed});
    if allowed && asked.who != super::super::access::Identity::Admin {
        let by = if act.namespace.is_empty() {
            "ClusterRoleBinding \"veza-view\""
        } else {
            "RoleBinding \"oncall/veza-production\""
        };
        status["reason"] = format!("RBAC: allowed by {by}").into();
    }
    Ok(status)
}

fn rules(asked: &Asked, body: &Value) -> Value {
    let namespace = tree::text(body, &["spec", "namespace"]);
    let rules: Vec<Value> = asked
        .who
        .rules(namespace)
        .iter()
        .map(|rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources}))
        .collect();
    json!({"resourceRules": rules, "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"]}], "incomplete": false})
}
