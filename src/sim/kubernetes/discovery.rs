//! Discovery: versions, groups and resources, plain and aggregated, and as much OpenAPI as keeps `kubectl` content.

use axum::response::Response;
use serde_json::{Value, json};

use super::super::kind::{self, Kind, RESOURCES, Resource};
use super::super::refusal::Refusal;
use super::answer::{self, Shape};
use super::asked::VERSION;

/// Groups that hold nothing but reviews: group, resource, kind.
const REVIEWS: [(&str, &str, &str); 3] = [
    (
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
    ),
    (
        "authorization.k8s.io",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
    ),
    (
        "authentication.k8s.io",
        "selfsubjectreviews",
        "SelfSubjectReview",
    ),
];

/// `/version`
pub fn version() -> Response {
    let version = json!({
        "major": "1", "minor": "33", "gitVersion": VERSION, "gitCommit": "2d4a5f0c7d6fbb4f5b0ad9a3c5a7ad5a5f0d9b11", "gitTreeState": "clean",
        "buildDate": "2026-09-09T19:37:28Z", "goVersion": "go1.24.6", "compiler": "gc", "platform": "linux/amd64",
    });
    answer::json(200, &version)
}

fn groups_with_reviews() -> Vec<(&'static str, &'static str)> {
    let mut groups = kind::groups();
    groups.push(("authorization.k8s.io", "v1"));
    groups.push(("authentication.k8s.io", "v1"));
    groups
}

fn group(name: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

/// `/api`, `/apis` and `/apis/GROUP`
pub fn groups(which: &str, shape: Shape) -> Result<Response, Refusal> {
    if shape == Shape::Aggregated && matches!(which, "api" | "apis") {
        return Ok(aggregated(which == "api"));
    }
    let value = match which {
        "api" => {
            json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        }
        "apis" => {
            let all: Vec<Value> = groups_with_reviews()
                .into_iter()
                .map(|(name, version)| group(name, version))
                .collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all})
        }
        name => {
            let found = groups_with_reviews()
                .into_iter()
                .find(|(group, _)| *group == name);
            let (name, version) = found.ok_or_else(Refusal::no_such_path)?;
            let mut value = group(name, version);
            value["kind"] = "APIGroup".into();
            value["apiVersion"] = "v1".into();
            value
        }
    };
    Ok(answer::json(200, &value))
}

fn verbs(kind: Kind) -> Value {
    match kind {
        Kind::Node | Kind::Namespace => json!([
            "create", "delete", "get", "list", "patch", "update", "watch"
        ]),
        _ => json!([
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch"
        ]),
    }
}

/// The parts of a kind: name, the kind it speaks, its group and version, its verbs.
fn parts(
    resource: &Resource,
) -> Vec<(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Value,
)> {
    let mut parts = Vec::new();
    if resource.kind.has_status() {
        parts.push((
            "status",
            resource.name,
            resource.group,
            resource.version,
            json!(["get", "patch", "update"]),
        ));
    }
    if resource.kind.scales() {
        parts.push((
            "scale",
            "Scale",
            "autoscaling",
            "v1",
            json!(["get", "patch", "update"]),
        ));
    }
    if resource.kind == Kind::Pod {
        parts.push(("log", "Pod", "", "v1", json!(["get"])));
        parts.push(("proxy", "PodProxyOptions", "", "v1", json!(["get"])));
        for (part, kind) in [
            ("exec", "PodExecOptions"),
            ("attach", "PodAttachOptions"),
            ("portforward", "PodPortForwardOptions"),
        ] {
            parts.push((part, kind, "", "v1", json!(["create", "get"])));
        }
        parts.push(("eviction", "Eviction", "policy", "v1", json!(["create"])));
    }
    if resource.kind == Kind::Service {
        parts.push(("proxy", "ServiceProxyOptions", "", "v1", json!(["get"])));
    }
    parts
}

/// `/api/v1` and `/apis/GROUP/VERSION`
pub fn resources(group: &str, version: &str) -> Result<Response, Refusal> {
    let mut list = Vec::new();
    for resource in RESOURCES
        .iter()
        .filter(|r| r.group == group && r.version == version)
    {
        let mut entry = json!({
            "name": resource.plural, "singularName": resource.name.to_lowercase(), "namespaced": resource.namespaced,
            "kind": resource.name, "verbs": verbs(resource.kind), "shortNames": resource.short,
        });
        if resource.all {
            entry["categories"] = json!(["all"]);
        }
        list.push(entry);
        for (part, kind, group, version, verbs) in parts(resource) {
            list.push(json!({"name": format!("{}/{part}", resource.plural), "singularName": "", "namespaced": resource.namespaced, "group": group, "version": version, "kind": kind, "verbs": verbs}));
        }
    }
    for (_, plural, kind) in REVIEWS
        .iter()
        .filter(|(g, ..)| *g == group && version == "v1")
    {
        list.push(json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]}));
    }
    if list.is_empty() {
        return Err(Refusal::no_such_path());
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let value = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list});
    Ok(answer::json(200, &value))
}

fn aggregated(core: bool) -> Response {
    let groups = if core {
        vec![("", "v1")]
    } else {
        groups_with_reviews()
    };
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(group, version)| aggregated_group(group, version))
        .collect();
    let value = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    answer::of_type(
        200,
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        value.to_string(),
    )
}

fn aggregated_group(group: &str, version: &str) -> Value {
    let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
    let mut resources = Vec::new();
    for resource in RESOURCES
        .iter()
        .filter(|r| r.group == group && r.version == version)
    {
        let parts: Vec<Value> = parts(resource)
            .into_iter()
            .map(|(part, kind, group, version, verbs)| json!({"subresource": part, "responseKind": {"group": group, "version": version, "kind": kind}, "verbs": verbs}))
            .collect();
        let mut entry = json!({
            "resource": resource.plural, "responseKind": {"group": group, "version": version, "kind": resource.name}, "scope": scope(resource.namespaced),
            "singularResource": resource.name.to_lowercase(), "verbs": verbs(resource.kind), "shortNames": resource.short, "subresources": parts,
        });
        if resource.all {
            entry["categories"] = json!(["all"]);
        }
        resources.push(entry);
    }
    for (_, plural, kind) in REVIEWS.iter().filter(|(g, ..)| *g == group) {
        resources.push(json!({
            "resource": plural, "responseKind": {"group": group, "version": version, "kind": kind}, "scope": "Cluster",
            "singularResource": kind.to_lowercase(), "verbs": ["create"],
        }));
    }
    json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": [{"version": version, "resources": resources, "freshness": "Current"}]})
}

/// `/openapi/...`: no schemas, but that this server checks fields itself, so that `kubectl` leaves it to do so.
pub fn openapi(what: &str) -> Result<Response, Refusal> {
    let mut all = kind::groups();
    all.push(("", "v1"));
    let root = |group: &str, version: &str| {
        if group.is_empty() {
            format!("api/{version}")
        } else {
            format!("apis/{group}/{version}")
        }
    };
    if what == "v3" {
        let paths: serde_json::Map<String, Value> = all
            .iter()
            .map(|(group, version)| {
                let path = root(group, version);
                let url = format!("/openapi/v3/{path}?hash=0");
                (path, json!({"serverRelativeURL": url}))
            })
            .collect();
        return Ok(answer::json(200, &json!({"paths": paths})));
    }
    let wanted = what.strip_prefix("v3/").ok_or_else(Refusal::no_such_path)?;
    let found = all.iter().find(|(g, v)| root(g, v) == wanted);
    let (group, version) = found.ok_or_else(Refusal::no_such_path)?;
    let ours = RESOURCES
        .iter()
        .filter(|r| r.group == *group && r.version == *version);
    let documented: serde_json::Map<String, Value> = ours
        .map(|resource| {
            let place = if resource.namespaced {
                "namespaces/{namespace}/"
            } else {
                ""
            };
            let patch = json!({
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": resource.name},
            });
            let url = format!("/{wanted}/{place}{}/{{name}}", resource.plural);
            (url, json!({"patch": patch}))
        })
        .collect();
    let document = json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION}, "paths": documented});
    Ok(answer::json(200, &document))
}
