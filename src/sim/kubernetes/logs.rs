//! Pod logs: the lines of a container, cut by since, tail and bytes, with times if wanted, followed if wanted.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use serde_json::Value;

use super::super::kind::Kind;
use super::super::ledger::PodKey;
use super::super::refusal::Refusal;
use super::super::scenario::Scenario;
use super::super::shared::Shared;
use super::super::speech::{self, KEPT_MS, Line, Speaker};
use super::super::world::World;
use super::super::{time, tree};
use super::answer;
use super::asked::Asked;

/// How often a followed log is looked at.
const BEAT: Duration = Duration::from_millis(250);

#[derive(Clone)]
struct Wanted {
    namespace: String,
    pod: String,
    container: String,
    previous: bool,
    timestamps: bool,
}

/// The log of a pod's container.
pub fn logs(
    shared: &Shared,
    asked: &Asked,
    namespace: &str,
    pod: &str,
) -> Result<Response, Refusal> {
    let query = &asked.query;
    let object = shared.with(|world| world.read(Kind::Pod, (namespace, pod)))?;
    let wanted = Wanted {
        namespace: namespace.into(),
        pod: pod.into(),
        container: container(&object, query.text("container"))?,
        previous: query.is_true("previous"),
        timestamps: query.is_true("timestamps"),
    };
    let now = shared.now_ms();
    let since = query
        .number("sinceSeconds")
        .map(|s| now - s * 1000)
        .or_else(|| time::parse(query.text("sinceTime")));
    let (mut lines, uid) =
        shared.with(|world| said(world, &wanted, since.unwrap_or(now - KEPT_MS), now + 1))?;
    if let Some(tail) = query.number("tailLines").filter(|n| *n >= 0) {
        lines.drain(..lines.len().saturating_sub(tail as usize));
    }
    let mut text = written(&wanted, &lines);
    if let Some(limit) = query.number("limitBytes").filter(|n| *n >= 0) {
        let mut end = text.len().min(limit as usize);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    if !query.is_true("follow") || wanted.previous {
        return Ok(answer::text(text));
    }
    Ok(answer::of_type(
        200,
        "text/plain; charset=utf-8",
        follow(shared, wanted, text, (now + 1, uid)),
    ))
}

/// The container that is meant.
fn container(pod: &Value, named: &str) -> Result<String, Refusal> {
    let (_, name) = tree::id(pod);
    let all: Vec<&str> = tree::list(pod, &["spec", "containers"])
        .iter()
        .map(|c| tree::text(c, &["name"]))
        .collect();
    if named.is_empty() {
        return match all[..] {
            [only] => Ok(only.to_owned()),
            _ => Err(Refusal::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                all.join(" ")
            ))),
        };
    }
    if all.contains(&named) {
        Ok(named.to_owned())
    } else {
        Err(Refusal::bad_request(format!(
            "container {named} is not valid for pod {name}"
        )))
    }
}

/// What the container said between two moments, and the pod's uid.
fn said(
    world: &mut World,
    wanted: &Wanted,
    from: i64,
    until: i64,
) -> Result<(Vec<Line>, String), Refusal> {
    let pod = world.read(Kind::Pod, (&wanted.namespace, &wanted.pod))?;
    let uid = tree::text(&pod, &["metadata", "uid"]).to_owned();
    let statuses = tree::list(&pod, &["status", "containerStatuses"]);
    let status = statuses
        .iter()
        .find(|s| s["name"] == wanted.container.as_str())
        .cloned()
        .unwrap_or_default();
    let run = run_of(&status, wanted)?;
    let image = tree::list(&pod, &["spec", "containers"])
        .iter()
        .find(|c| c["name"] == wanted.container.as_str())
        .map_or("", |c| tree::text(c, &["image"]));
    let key = PodKey {
        namespace: wanted.namespace.clone(),
        pod: wanted.pod.clone(),
    };
    let version = tree::text(&pod, &["metadata", "labels", "version"]);
    let speaker = Speaker {
        uid: &uid,
        container: &wanted.container,
        version,
        fate: world.scenario().fate(image),
        started_ms: run.0,
        ended_ms: run.1,
        track: world.ledger().pods.get(&key),
        dependency: world.scenario() == Scenario::SlowDependency,
    };
    let from = if run.1.is_some() {
        from.min(run.0)
    } else {
        from
    };
    Ok((speech::lines(&speaker, from, until), uid.clone()))
}

/// When the run that is meant began and ended.
fn run_of(status: &Value, wanted: &Wanted) -> Result<(i64, Option<i64>), Refusal> {
    let Wanted { pod, container, .. } = wanted;
    let at = |run: &Value, key: &str| time::parse(tree::text(run, &[key]));
    let (running, last) = (
        &status["state"]["running"],
        &status["lastState"]["terminated"],
    );
    let now = &status["state"]["terminated"];
    if wanted.previous {
        let gone =
            format!("previous terminated container \"{container}\" in pod \"{pod}\" not found");
        return at(last, "startedAt")
            .map(|start| (start, at(last, "finishedAt")))
            .ok_or_else(|| Refusal::bad_request(gone));
    }
    if let Some(start) = at(running, "startedAt") {
        return Ok((start, None));
    }
    for ended in [now, last] {
        if let Some(start) = at(ended, "startedAt") {
            return Ok((start, at(ended, "finishedAt")));
        }
    }
    let why = match tree::text(status, &["state", "waiting", "reason"]) {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        "" => "PodInitializing",
        other => other,
    };
    Err(Refusal::bad_request(format!(
        "container \"{container}\" in pod \"{pod}\" is waiting to start: {why}"
    )))
}

fn written(wanted: &Wanted, lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        if wanted.timestamps {
            text.push_str(&time::nano(line.at_ms, line.below));
            text.push(' ');
        }
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}

/// The log so far and then each new line, until the pod is gone or another one.
fn follow(shared: &Shared, wanted: Wanted, first: String, (from, uid): (i64, String)) -> Body {
    let mut cuts = shared.faults().cuts();
    cuts.mark_unchanged();
    let start = (shared.clone(), wanted, Some(first), from, cuts);
    let uid = std::sync::Arc::new(uid);
    let stream = futures::stream::unfold(
        start,
        move |(shared, wanted, first, mut from, mut cuts)| {
            let uid = std::sync::Arc::clone(&uid);
            async move {
                if let Some(text) = first {
                    return Some((Ok(Bytes::from(text)), (shared, wanted, None, from, cuts)));
                }
                loop {
                    tokio::select! {
                        () = tokio::time::sleep(BEAT) => {}
                        _ = cuts.changed() => {
                            let cut = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
                            return Some((cut, (shared, wanted, None, from, cuts)));
                        }
                    }
                    let until = shared.now_ms() + 1;
                    let (lines, now) = shared
                        .with(|world| said(world, &wanted, from, until))
                        .ok()?;
                    if now != *uid {
                        return None;
                    }
                    let fresh: Vec<Line> = lines
                        .into_iter()
                        .filter(|line| line.at_ms >= from)
                        .collect();
                    from = until;
                    if !fresh.is_empty() {
                        let text = written(&wanted, &fresh);
                        return Some((Ok(Bytes::from(text)), (shared, wanted, None, from, cuts)));
                    }
                }
            }
        },
    );
    Body::from_stream(stream)
}
