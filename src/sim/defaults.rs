//! What an apiserver fills in and what it refuses, for the kinds the controllers act on: enough that no object can trip a controller.

use serde_json::{Value, json};

use super::kind::Kind;
use super::refusal::Refusal;
use super::tree;

/// Fills in what is left out.
pub fn fill(kind: Kind, body: &mut Value) {
    match kind {
        Kind::Deployment => {
            let spec = [
                ("replicas", json!(1)),
                ("revisionHistoryLimit", json!(10)),
                ("progressDeadlineSeconds", json!(600)),
                ("strategy", json!({"type": "RollingUpdate"})),
            ];
            absent(&mut body["spec"], spec);
            if body["spec"]["strategy"]["type"] != "Recreate" {
                let rolling = json!({"maxSurge": "25%", "maxUnavailable": "25%"});
                absent(
                    &mut body["spec"]["strategy"],
                    [("type", json!("RollingUpdate")), ("rollingUpdate", rolling)],
                );
            }
            fill_template(&mut body["spec"]["template"]);
        }
        Kind::ReplicaSet | Kind::StatefulSet => {
            absent(&mut body["spec"], [("replicas", json!(1))]);
            fill_template(&mut body["spec"]["template"]);
        }
        Kind::DaemonSet => fill_template(&mut body["spec"]["template"]),
        Kind::Pod => {
            fill_pod(&mut body["spec"]);
            absent(&mut body["status"], [("phase", json!("Pending"))]);
        }
        Kind::Secret => absent(body, [("type", json!("Opaque"))]),
        Kind::Service => absent(
            &mut body["spec"],
            [
                ("type", json!("ClusterIP")),
                ("sessionAffinity", json!("None")),
            ],
        ),
        _ => {}
    }
}

fn absent<const N: usize>(place: &mut Value, fields: [(&str, Value); N]) {
    if !(place.is_object() || place.is_null()) {
        return;
    }
    let place = tree::object(place);
    for (key, value) in fields {
        let known = place.entry(key).or_insert(Value::Null);
        if known.is_null() {
            *known = value;
        }
    }
}

fn fill_template(template: &mut Value) {
    if template.is_object() && (template["spec"].is_object() || template["spec"].is_null()) {
        fill_pod(&mut template["spec"]);
    }
}

fn fill_pod(spec: &mut Value) {
    let fields = [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
    ];
    absent(spec, fields);
    let containers = spec.get_mut("containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter(|c| c.is_object()) {
        let fields = [
            ("imagePullPolicy", json!("IfNotPresent")),
            ("resources", json!({})),
            ("terminationMessagePath", json!("/dev/termination-log")),
            ("terminationMessagePolicy", json!("File")),
        ];
        absent(container, fields);
    }
}

/// Refuses what no controller could act on.
pub fn check(kind: Kind, body: &Value) -> Result<(), Refusal> {
    let name = tree::text(body, &["metadata", "name"]);
    let invalid = |field: &str, why: &str| Err(Refusal::invalid(kind.resource(), name, field, why));
    let workload = matches!(
        kind,
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet
    );
    if workload {
        let spec = &body["spec"];
        if !spec["replicas"].is_null() && spec["replicas"].as_i64().is_none_or(|n| n < 0) {
            let why = format!(
                "Invalid value: {}: must be greater than or equal to 0",
                spec["replicas"]
            );
            return invalid("spec.replicas", &why);
        }
        let wanted = &spec["selector"]["matchLabels"];
        if wanted.as_object().is_none_or(serde_json::Map::is_empty) {
            return invalid("spec.selector", "Required value");
        }
        if !tree::labelled(&spec["template"], wanted) {
            let why = format!(
                "Invalid value: {}: `selector` does not match template `labels`",
                spec["template"]["metadata"]["labels"]
            );
            return invalid("spec.template.metadata.labels", &why);
        }
    }
    let pod = if workload {
        &body["spec"]["template"]["spec"]
    } else {
        &body["spec"]
    };
    if workload || kind == Kind::Pod {
        let field = if workload {
            "spec.template.spec.containers"
        } else {
            "spec.containers"
        };
        let containers = tree::list(pod, &["containers"]);
        if containers.is_empty() {
            return invalid(field, "Required value");
        }
        for (index, container) in containers.iter().enumerate() {
            for key in ["name", "image"] {
                if tree::text(container, &[key]).trim().is_empty() {
                    return invalid(&format!("{field}[{index}].{key}"), "Required value");
                }
            }
        }
    }
    Ok(())
}

/// Refuses a change of what cannot change.
pub fn check_change(kind: Kind, before: &Value, after: &Value) -> Result<(), Refusal> {
    let name = tree::text(before, &["metadata", "name"]);
    let selective = matches!(
        kind,
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet
    );
    if selective && before["spec"]["selector"] != after["spec"]["selector"] {
        let why = format!(
            "Invalid value: {}: field is immutable",
            after["spec"]["selector"]
        );
        return Err(Refusal::invalid(
            kind.resource(),
            name,
            "spec.selector",
            &why,
        ));
    }
    if matches!(kind, Kind::Secret | Kind::ConfigMap)
        && before["immutable"] == true
        && before["data"] != after["data"]
    {
        return Err(Refusal::invalid(
            kind.resource(),
            name,
            "data",
            "Forbidden: field is immutable when `immutable` is set",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_filled_in_and_what_is_there_is_kept() {
        let mut body = json!({"metadata": {"name": "a"}, "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}});
        fill(Kind::Deployment, &mut body);
        assert_eq!(body["spec"]["replicas"], 3);
        assert_eq!(body["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
        assert_eq!(body["spec"]["template"]["spec"]["restartPolicy"], "Always");
        let once = body.clone();
        fill(Kind::Deployment, &mut body);
        assert_eq!(body, once);
        assert!(check(Kind::Deployment, &body).is_err());
    }
}
