//! What an object's own body says about an item: images, resources, rights, keys, labels. Pure.

use super::super::state::text;
use crate::runbook::prose::bounded;
use serde_json::Value;
use std::collections::BTreeMap;

/// The containers of a pod template, those that start it first.
fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    let lists = [&spec["initContainers"], &spec["containers"]];
    lists.into_iter().filter_map(Value::as_array).flatten()
}

/// The images of a pod.
pub fn images(pod: &Value) -> Vec<String> {
    containers(&pod["spec"])
        .map(|one| text(&one["image"]))
        .collect()
}

/// What is wrong with each container, or what is right with all.
fn judged(body: &Value, right: &str, wrong: impl Fn(&Value) -> Vec<String>) -> (bool, String) {
    let spec = &body["spec"]["template"]["spec"];
    let (mut all, mut found) = (0, Vec::new());
    for one in containers(spec) {
        all += 1;
        let wrong = wrong(one);
        if !wrong.is_empty() {
            let name = bounded(&text(&one["name"]), 63);
            found.push(format!("{name}: {}", wrong.join(", ")));
        }
    }
    match (all, found.as_slice()) {
        (0, _) => (false, "it has no containers".to_owned()),
        (_, []) => (true, format!("{all} of {all} containers {right}")),
        (_, found) => (false, found.join("; ")),
    }
}

/// Whether every image says which version it is.
pub fn pinned(body: &Value) -> (bool, String) {
    judged(body, "have a digest or a tag that says a version", |one| {
        let image = text(&one["image"]);
        if image.contains("@sha256:") {
            return Vec::new();
        }
        let name = image.rsplit('/').next().unwrap_or_default();
        match name.split_once(':') {
            None => vec![format!("{} has no tag", bounded(&image, 120))],
            Some((_, "latest" | "")) => vec![format!("{} moves", bounded(&image, 120))],
            Some(_) => Vec::new(),
        }
    })
}

/// Whether every container says what it needs and where it ends.
pub fn resources(body: &Value) -> (bool, String) {
    judged(body, "have requests and limits", |one| {
        let kinds = [
            ("requests", "cpu"),
            ("requests", "memory"),
            ("limits", "cpu"),
            ("limits", "memory"),
        ];
        let missing = kinds
            .into_iter()
            .filter(|(kind, what)| one["resources"][kind][what].is_null());
        missing
            .map(|(kind, what)| format!("no {kind}.{what}"))
            .collect()
    })
}

/// Whether the pods run without rights they do not need: not as root, no way up, no capabilities, nothing to write to.
pub fn hardened(body: &Value) -> (bool, String) {
    let pod = &body["spec"]["template"]["spec"]["securityContext"];
    judged(
        body,
        "run without root, escalation, capabilities and a writable root",
        |one| {
            let own = &one["securityContext"];
            let said = |key: &str| {
                if own[key].is_null() {
                    &pod[key]
                } else {
                    &own[key]
                }
            };
            let mut wrong = Vec::new();
            let user = said("runAsUser").as_i64();
            if said("runAsNonRoot") != true && user.is_none_or(|user| user == 0) {
                wrong.push("runAsNonRoot is not set".to_owned());
            }
            if user == Some(0) {
                wrong.push("runAsUser is 0".to_owned());
            }
            if own["allowPrivilegeEscalation"] != false {
                wrong.push("allowPrivilegeEscalation is not false".to_owned());
            }
            if own["privileged"] == true {
                wrong.push("it is privileged".to_owned());
            }
            let dropped = own["capabilities"]["drop"].as_array();
            if !dropped.is_some_and(|all| all.iter().any(|one| one == "ALL")) {
                wrong.push("capabilities are not dropped".to_owned());
            }
            if own["readOnlyRootFilesystem"] != true {
                wrong.push("the root can be written".to_owned());
            }
            wrong
        },
    )
}

/// Whether keys, and of a ConfigMap their values, are there. What is found is never said, only where it differs.
pub fn keys(
    body: &Value,
    keys: &[String],
    values: &BTreeMap<String, String>,
    compare: bool,
) -> (bool, String) {
    let value = |key: &str| {
        [&body["data"][key], &body["binaryData"][key]]
            .into_iter()
            .find(|one| !one.is_null())
    };
    let asked = keys.iter().chain(values.keys());
    let missing: Vec<&str> = asked
        .clone()
        .filter(|key| value(key).is_none())
        .map(String::as_str)
        .collect();
    let other: Vec<&str> = values
        .iter()
        .filter(|(key, wanted)| compare && value(key).is_some_and(|found| found != wanted.as_str()))
        .map(|(key, _)| key.as_str())
        .collect();
    let mut words = Vec::new();
    if !missing.is_empty() {
        words.push(format!("missing: {}", missing.join(", ")));
    }
    if !other.is_empty() {
        words.push(format!("not as wanted: {}", other.join(", ")));
    }
    if words.is_empty() {
        (true, format!("{} keys are there", asked.count()))
    } else {
        (false, words.join("; "))
    }
}

/// Whether a selector picks these labels. An empty one picks everything, an absent one nothing, as the server has it.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut equal = equal.map(|(key, wanted)| labels[key] == *wanted);
    let rules = selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten();
    let mut rules = rules.map(|rule| {
        let found = &labels[text(&rule["key"])];
        let among = rule["values"]
            .as_array()
            .is_some_and(|all| all.contains(found));
        match rule["operator"].as_str() {
            Some("In") => !found.is_null() && among,
            Some("NotIn") => found.is_null() || !among,
            Some("Exists") => !found.is_null(),
            Some("DoesNotExist") => found.is_null(),
            _ => false,
        }
    });
    equal.all(|good| good) && rules.all(|good| good)
}

/// The port a pod is asked on: that of its HTTP probes, else its first one.
pub fn port(pod: &Value) -> Option<u16> {
    let containers = pod["spec"]["containers"].as_array();
    let all: Vec<&Value> = containers.into_iter().flatten().collect();
    let asked = all.iter().flat_map(|one| {
        ["readinessProbe", "livenessProbe"].map(|kind| &one[kind]["httpGet"]["port"])
    });
    let by_name = |name: &Value| {
        let ports = all.iter().filter_map(|one| one["ports"].as_array());
        let mut ports = ports
            .flatten()
            .filter(|one| name.is_string() && one["name"] == *name);
        ports.next().and_then(|one| one["containerPort"].as_u64())
    };
    let mut asked = asked.filter_map(|port| port.as_u64().or_else(|| by_name(port)));
    let first = || {
        all.iter()
            .find_map(|one| one["ports"][0]["containerPort"].as_u64())
    };
    let port = asked.next().or_else(first);
    port.and_then(|port| u16::try_from(port).ok())
}

/// A plain absolute path: what is sent is what is written.
pub fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    path.starts_with('/')
        && path.len() <= 200
        && path.chars().all(plain)
        && !path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(container: &Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": [container]}}}})
    }

    #[test]
    fn an_image_is_pinned_by_a_digest_or_a_tag_that_says_something() {
        for (image, good) in [
            ("r:5000/a:v1", true),
            ("r:5000/a", false),
            ("a:latest", false),
            ("a@sha256:00", true),
            ("a:", false),
        ] {
            assert_eq!(
                pinned(&of(&json!({"name": "a", "image": image}))).0,
                good,
                "{image}"
            );
        }
        assert!(!pinned(&json!({})).0, "nothing is not everything");
    }

    #[test]
    fn resources_and_rights_name_what_is_missing() {
        let (good, words) = resources(&of(
            &json!({"name": "a", "resources": {"requests": {"cpu": "1", "memory": "1"}, "limits": {"memory": "1"}}}),
        ));
        assert_eq!((good, words.as_str()), (false, "a: no limits.cpu"));
        let bare = hardened(&of(&json!({"name": "a"})));
        assert!(
            !bare.0 && bare.1.contains("runAsNonRoot") && bare.1.contains("capabilities"),
            "{bare:?}"
        );
        let safe = json!({"name": "a", "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true}});
        assert!(hardened(&of(&safe)).0);
    }

    #[test]
    fn keys_are_compared_and_values_never_said() {
        let body = json!({"data": {"A": "1", "S": "c2VjcmV0"}});
        let values = BTreeMap::from([("A".to_owned(), "2".to_owned())]);
        let (good, words) = keys(&body, &["B".to_owned()], &values, true);
        assert!(!good && words == "missing: B; not as wanted: A", "{words}");
        assert!(keys(&body, &["S".to_owned()], &BTreeMap::new(), false).0);
    }

    #[test]
    fn a_selector_picks_as_the_server_does() {
        let labels = json!({"app": "api", "tier": "a"});
        for (selector, picks) in [
            (json!({"matchLabels": {"app": "api"}}), true),
            (json!({"matchLabels": {"app": "web"}}), false),
            (
                json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a"]}]}),
                true,
            ),
            (
                json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
                false,
            ),
            (json!({}), true),
            (Value::Null, false),
        ] {
            assert_eq!(selects(&selector, &labels), picks, "{selector}");
        }
    }

    #[test]
    fn a_pod_is_asked_on_the_port_of_its_probe_and_on_plain_paths_only() {
        let pod = json!({"spec": {"containers": [{"ports": [{"containerPort": 9000}, {"name": "http", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"port": "http"}}}]}});
        assert_eq!(port(&pod), Some(8080));
        assert!(
            is_path("/health") && !is_path("/../x") && !is_path("health") && !is_path("/a?b=c")
        );
    }
}
