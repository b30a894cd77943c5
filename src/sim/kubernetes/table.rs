//! Rows for people: the columns `kubectl get` shows, made by the server as a real one makes them.

mod columns;
mod pod;

use serde_json::{Value, json};

use super::super::kind::{Kind, Resource};
use super::super::{time, tree};
use super::answer;

use columns::columns;
use pod::pod;

/// A `Table` of objects; with the list's version and continuation.
pub fn table(
    resource: &Resource,
    objects: &[Value],
    (version, next): (u64, Option<&str>),
    now_ms: i64,
    include: &str,
) -> Value {
    let definitions: Vec<Value> = columns(resource.kind)
        .split('|')
        .map(|column| {
            let name = column.trim_start_matches('+');
            json!({
                "name": name, "type": "string", "format": if name == "Name" { "name" } else { "" },
                "description": "", "priority": i32::from(column.starts_with('+')),
            })
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut row = json!({"cells": cells(resource.kind, object, now_ms)});
            match include {
                "None" => {}
                "Object" => row["object"] = object.clone(),
                _ => row["object"] = answer::metadata_of(object),
            }
            row
        })
        .collect();
    let mut meta = json!({"resourceVersion": version.to_string()});
    if let Some(next) = next {
        meta["continue"] = next.into();
    }
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": definitions, "rows": rows})
}

fn cells(kind: Kind, object: &Value, now: i64) -> Vec<Value> {
    let name = object["metadata"]["name"].clone();
    let age = Value::from(time::age_of(
        tree::text(object, &["metadata", "creationTimestamp"]),
        now,
    ));
    match kind {
        Kind::Pod => pod(object, name, age, now),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => {
            workload(kind, object, name, age)
        }
        Kind::Service => service(object, name, age),
        Kind::Event => event(object, name, now),
        Kind::Node => node(object, name, age),
        Kind::HorizontalPodAutoscaler => autoscaler(object, name, age),
        Kind::ControllerRevision => {
            vec![name, controller(object), object["revision"].clone(), age]
        }
        Kind::ConfigMap => vec![name, count(&object["data"]), age],
        Kind::Secret => vec![name, object["type"].clone(), count(&object["data"]), age],
        Kind::Namespace => vec![name, object["status"]["phase"].clone(), age],
        Kind::Ingress => ingress(object, name, age),
        Kind::Lease => vec![name, object["spec"]["holderIdentity"].clone(), age],
        Kind::Endpoints => vec![name, endpoints(object), age],
        _ => vec![name, age],
    }
}

/// The cells of what controls pods: its counts, and behind `-o wide` what its pods are made of.
fn workload(kind: Kind, object: &Value, name: Value, age: Value) -> Vec<Value> {
    let status = |key: &str| Value::from(tree::int(object, &["status", key]));
    let wanted = tree::int(object, &["spec", "replicas"]);
    let ready = format!(
        "{}/{wanted}",
        tree::int(object, &["status", "readyReplicas"])
    );
    let counts = match kind {
        Kind::Deployment => vec![
            ready.into(),
            status("updatedReplicas"),
            status("availableReplicas"),
        ],
        Kind::ReplicaSet => vec![wanted.into(), status("replicas"), status("readyReplicas")],
        Kind::DaemonSet => vec![
            status("desiredNumberScheduled"),
            status("currentNumberScheduled"),
            status("numberReady"),
            status("updatedNumberScheduled"),
            status("numberAvailable"),
            "<none>".into(),
        ],
        _ => vec![ready.into()],
    };
    let (containers, images) = template(object);
    let mut row = vec![name];
    row.extend(counts);
    row.extend([age, containers, images]);
    if kind != Kind::StatefulSet {
        row.push(selector(object));
    }
    row
}

/// Who controls an object: `statefulset.apps/prometheus`.
fn controller(object: &Value) -> Value {
    let owners = tree::list(object, &["metadata", "ownerReferences"]);
    let Some(owner) = owners.iter().find(|o| o["controller"] == true) else {
        return "<none>".into();
    };
    let group = tree::text(owner, &["apiVersion"])
        .split_once('/')
        .map_or(String::new(), |(group, _)| format!(".{group}"));
    let kind = tree::text(owner, &["kind"]).to_lowercase();
    format!("{kind}{group}/{}", tree::text(owner, &["name"])).into()
}

fn count(data: &Value) -> Value {
    data.as_object().map_or(0, serde_json::Map::len).into()
}

fn joined(parts: impl IntoIterator<Item = String>) -> Value {
    let text = parts.into_iter().collect::<Vec<_>>().join(",");
    if text.is_empty() {
        "<none>".into()
    } else {
        text.into()
    }
}

fn template(object: &Value) -> (Value, Value) {
    let containers = tree::list(object, &["spec", "template", "spec", "containers"]);
    let of = |key: &str| joined(containers.iter().map(|c| tree::text(c, &[key]).to_owned()));
    (of("name"), of("image"))
}

fn selector(object: &Value) -> Value {
    pairs(&object["spec"]["selector"]["matchLabels"])
}

fn pairs(labels: &Value) -> Value {
    joined(
        labels
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())),
    )
}

fn service(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let ports = tree::list(object, &["spec", "ports"]).iter().map(|p| {
        let protocol = Some(tree::text(p, &["protocol"]))
            .filter(|t| !t.is_empty())
            .unwrap_or("TCP");
        format!("{}/{protocol}", tree::int(p, &["port"]))
    });
    vec![
        name,
        object["spec"]["type"].clone(),
        object["spec"]["clusterIP"].clone(),
        "<none>".into(),
        joined(ports),
        age,
        pairs(&object["spec"]["selector"]),
    ]
}

fn event(object: &Value, name: Value, now: i64) -> Vec<Value> {
    let about = &object["involvedObject"];
    let kind = tree::text(about, &["kind"]).to_lowercase();
    let source = [
        tree::text(object, &["source", "component"]),
        tree::text(object, &["source", "host"]),
    ];
    let source: Vec<&str> = source.into_iter().filter(|s| !s.is_empty()).collect();
    let seen = |key: &str| Value::from(time::age_of(tree::text(object, &[key]), now));
    vec![
        seen("lastTimestamp"),
        object["type"].clone(),
        object["reason"].clone(),
        format!("{kind}/{}", tree::text(about, &["name"])).into(),
        tree::text(about, &["fieldPath"]).into(),
        source.join(", ").into(),
        object["message"].clone(),
        seen("firstTimestamp"),
        object["count"].clone(),
        name,
    ]
}

fn node(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let mut status = match tree::condition(object, "Ready").map(|c| c["status"] == "True") {
        Some(true) => "Ready".to_owned(),
        Some(false) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if object["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let info = |key: &str| object["status"]["nodeInfo"][key].clone();
    let ip = tree::list(object, &["status", "addresses"])
        .iter()
        .find(|a| a["type"] == "InternalIP")
        .map_or("<none>".into(), |a| a["address"].clone());
    vec![
        name,
        status.into(),
        "<none>".into(),
        age,
        info("kubeletVersion"),
        ip,
        "<none>".into(),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn autoscaler(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let spec = &object["spec"];
    let target = &spec["scaleTargetRef"];
    let reference = format!(
        "{}/{}",
        tree::text(target, &["kind"]),
        tree::text(target, &["name"])
    );
    let current = tree::list(object, &["status", "currentMetrics"])
        .first()
        .map_or(
            &Value::Null,
            |m| &m["resource"]["current"]["averageUtilization"],
        );
    let current = current
        .as_i64()
        .map_or("<unknown>".to_owned(), |n| format!("{n}%"));
    let metric = tree::list(object, &["spec", "metrics"])
        .first()
        .cloned()
        .unwrap_or_default();
    let wanted = tree::int(&metric, &["resource", "target", "averageUtilization"]);
    let targets = format!(
        "{}: {current}/{wanted}%",
        tree::text(&metric, &["resource", "name"])
    );
    vec![
        name,
        reference.into(),
        targets.into(),
        spec["minReplicas"].clone(),
        spec["maxReplicas"].clone(),
        object["status"]["currentReplicas"].clone(),
        age,
    ]
}

fn ingress(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let hosts = tree::list(object, &["spec", "rules"])
        .iter()
        .map(|r| tree::text(r, &["host"]).to_owned());
    let addresses = tree::list(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|a| tree::text(a, &["ip"]).to_owned());
    let class = object["spec"]
        .get("ingressClassName")
        .cloned()
        .unwrap_or("<none>".into());
    vec![
        name,
        class,
        joined(hosts),
        joined(addresses),
        "80".into(),
        age,
    ]
}

fn endpoints(object: &Value) -> Value {
    let subsets = tree::list(object, &["subsets"]);
    joined(subsets.iter().flat_map(|subset| {
        let port = tree::list(subset, &["ports"])
            .first()
            .map_or(0, |p| tree::int(p, &["port"]));
        tree::list(subset, &["addresses"])
            .iter()
            .map(move |a| format!("{}:{port}", tree::text(a, &["ip"])))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: impl Into<Value>) -> (String, String, String) {
        let object = json!({"metadata": {"name": "p", "creationTimestamp": "1970-01-01T00:00:00Z"}, "spec": {"containers": [{"name": "a"}]}, "status": status.into()});
        let cells = cells(Kind::Pod, &object, 100_000);
        let text = |i: usize| cells[i].as_str().unwrap().to_owned();
        (text(1), text(2), text(3))
    }

    #[test]
    fn a_pods_row_reads_as_kubectl_writes_it() {
        let s = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(row(json!({"phase": "Pending"})), s("0/1", "Pending", "0"));
        let up = json!({"phase": "Running", "containerStatuses": [{"ready": true, "restartCount": 0, "state": {"running": {}}}]});
        assert_eq!(row(up), s("1/1", "Running", "0"));
        let loops = json!({"phase": "Running", "containerStatuses": [{"ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"finishedAt": "1970-01-01T00:01:00Z"}}}]});
        assert_eq!(row(loops), s("0/1", "CrashLoopBackOff", "3 (40s ago)"));
        let evicted = json!({"phase": "Failed", "reason": "Evicted"});
        assert_eq!(row(evicted), s("0/1", "Evicted", "0"));
        let oom = json!({"phase": "Running", "containerStatuses": [{"ready": false, "restartCount": 0, "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]});
        assert_eq!(row(oom), s("0/1", "OOMKilled", "0"));
    }

    #[test]
    fn every_kind_fills_every_column() {
        for resource in super::super::super::kind::RESOURCES {
            let cells = cells(resource.kind, &json!({"metadata": {"name": "x"}}), 0);
            assert_eq!(
                cells.len(),
                columns(resource.kind).split('|').count(),
                "{}",
                resource.name
            );
        }
    }
}
