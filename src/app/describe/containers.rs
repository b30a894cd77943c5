//! Containers in words: image, state, last end, probes, what they may use.

use super::super::text::Look;
use super::page::{Page, moment, text, when};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write as _;

const LISTS: [(&str, &str, &str); 3] = [
    ("initContainers", "initContainerStatuses", "init container"),
    ("containers", "containerStatuses", "container"),
    (
        "ephemeralContainers",
        "ephemeralContainerStatuses",
        "debug container",
    ),
];

/// The containers of a pod, with how they stand.
pub(super) fn of_pod(page: &mut Page, pod: &Value, now: Timestamp) {
    for (list, states, word) in LISTS {
        for container in pod["spec"][list].as_array().into_iter().flatten() {
            let name = text(container, "/name");
            page.heading(&format!("{word} {name}"));
            let mut all = pod["status"][states].as_array().into_iter().flatten();
            if let Some(status) = all.find(|status| status["name"] == name) {
                state(page, status, now);
            }
            spec(page, container);
        }
    }
}

/// The containers of a template.
pub(super) fn of_template(page: &mut Page, template: &Value) {
    for (list, _, word) in LISTS {
        for container in template[list].as_array().into_iter().flatten() {
            page.heading(&format!("{word} {}", text(container, "/name")));
            spec(page, container);
        }
    }
}

fn state(page: &mut Page, status: &Value, now: Timestamp) {
    let (words, look) = state_words(&status["state"], now);
    page.pair("State", &words, look);
    let (words, _) = state_words(&status["lastState"], now);
    let ended = status["lastState"]["terminated"].is_object();
    page.pair("Before", if ended { &words } else { "" }, Look::Watch);
    let ready = status["ready"] == true;
    let look = if ready { Look::Good } else { Look::Watch };
    page.pair("Ready", if ready { "yes" } else { "no" }, look);
    let restarts = status["restartCount"].as_u64().unwrap_or(0);
    let look = if restarts > 0 {
        Look::Watch
    } else {
        Look::Plain
    };
    page.pair("Restarts", &restarts.to_string(), look);
}

fn state_words(state: &Value, now: Timestamp) -> (String, Look) {
    let both = |of: &Value| {
        let words = [text(of, "/reason"), text(of, "/message")];
        words.join("  ").trim().to_owned()
    };
    if let Some(waiting) = state.get("waiting") {
        let calm = matches!(
            text(waiting, "/reason"),
            "ContainerCreating" | "PodInitializing" | ""
        );
        let look = if calm { Look::Watch } else { Look::Bad };
        return (format!("waiting: {}", both(waiting)), look);
    }
    if let Some(running) = state.get("running") {
        let since = when(moment(&running["startedAt"]), now);
        return (format!("running since {since}"), Look::Good);
    }
    let Some(ended) = state.get("terminated") else {
        return ("not known".to_owned(), Look::Watch);
    };
    let code = ended["exitCode"].as_i64().unwrap_or(0);
    let mut words = format!("ended with code {code}");
    if let Some(signal) = ended["signal"].as_i64().filter(|signal| *signal > 0) {
        let _ = write!(words, " by signal {signal}");
    }
    let (why, at) = (both(ended), when(moment(&ended["finishedAt"]), now));
    for part in [why, at].iter().filter(|part| !part.is_empty()) {
        words.push_str(", ");
        words.push_str(part);
    }
    (words, if code == 0 { Look::Plain } else { Look::Bad })
}

fn spec(page: &mut Page, container: &Value) {
    page.pair("Image", text(container, "/image"), Look::Plain);
    let list = |name: &str| container[name].as_array().into_iter().flatten();
    let words = |name: &str| {
        list(name)
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    page.pair(
        "Command",
        format!("{} {}", words("command"), words("args")).trim(),
        Look::Plain,
    );
    let ports: Vec<String> = list("ports")
        .filter_map(|port| {
            let number = port["containerPort"].as_u64()?;
            let name = text(port, "/name");
            Some(if name.is_empty() {
                number.to_string()
            } else {
                format!("{number} ({name})")
            })
        })
        .collect();
    page.pair("Ports", &ports.join(", "), Look::Plain);
    page.pair(
        "Requests",
        &quantities(&container["resources"]["requests"]),
        Look::Plain,
    );
    page.pair(
        "Limits",
        &quantities(&container["resources"]["limits"]),
        Look::Plain,
    );
    for (name, field) in [
        ("Liveness", "livenessProbe"),
        ("Readiness", "readinessProbe"),
        ("Startup", "startupProbe"),
    ] {
        page.pair(name, &probe(&container[field]), Look::Plain);
    }
    page.pair("Variables", &variables(container), Look::Plain);
}

fn quantities(map: &Value) -> String {
    let parts = map.as_object().into_iter().flatten();
    let parts: Vec<String> = parts
        .map(|(name, value)| {
            format!(
                "{name} {}",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    parts.join(", ")
}

/// How a probe asks: what, how often, how many failures it bears.
fn probe(probe: &Value) -> String {
    if !probe.is_object() {
        return String::new();
    }
    let port = |of: &Value| {
        of["port"]
            .as_str()
            .map_or_else(|| of["port"].to_string(), str::to_owned)
    };
    let what = if let Some(http) = probe.get("httpGet") {
        format!("GET :{}{}", port(http), text(http, "/path"))
    } else if let Some(tcp) = probe.get("tcpSocket") {
        format!("connects to :{}", port(tcp))
    } else if let Some(grpc) = probe.get("grpc") {
        format!("gRPC health on :{}", port(grpc))
    } else {
        let words = probe["exec"]["command"].as_array().into_iter().flatten();
        format!(
            "runs {}",
            words
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        )
    };
    let number = |field: &str, usual: u64| probe[field].as_u64().unwrap_or(usual);
    format!(
        "{what}, every {} s, {} s to answer, {} failures; first after {} s",
        number("periodSeconds", 10),
        number("timeoutSeconds", 1),
        number("failureThreshold", 3),
        number("initialDelaySeconds", 0)
    )
}

fn variables(container: &Value) -> String {
    let all: Vec<&Value> = container["env"].as_array().into_iter().flatten().collect();
    let secret = |one: &&&Value| one.pointer("/valueFrom/secretKeyRef").is_some();
    let sources = container["envFrom"].as_array().map_or(0, Vec::len);
    let mut said = Vec::new();
    if !all.is_empty() {
        said.push(format!(
            "{} ({} from secrets)",
            all.len(),
            all.iter().filter(secret).count()
        ));
    }
    if sources > 0 {
        said.push(format!("all of {sources} config maps or secrets"));
    }
    said.join(", and ")
}
