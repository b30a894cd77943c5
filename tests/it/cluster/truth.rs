//! Whether what is said is true on a real control plane with a real Prometheus: a bad release is seen and explained, an apiserver
//! that dies and comes back leaves the console alive and truthful, and figures that nobody measures are unknown.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::console::Console;
use super::world::World;

const BAD: &str = "registry.veza.app/veza-backend-api:v1.1.0";
/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(2);

/// A home whose figures are taken over a short window, so that nothing here takes minutes.
fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("config/vigie");
    std::fs::create_dir_all(&folder).unwrap();
    let short = "[thresholds]\nwindow = \"20s\"\n[refresh]\nmetrics = \"2s\"\nalerts = \"2s\"\n";
    std::fs::write(folder.join("config.toml"), short).unwrap();
    home
}

fn ready(world: &World) {
    world.wait_for("four services are ready", || {
        let path = "jsonpath={.items[*].status.readyReplicas}";
        (world.kubectl(&["get", "deployments", "-o", path]) == "2 2 3 2").then_some(())
    });
}

/// `vigie status`, with its exit code.
fn status(world: &World, home: &TempDir) -> (Option<i32>, Value) {
    let output = vigie(world, home).arg("status").output().unwrap();
    let document = serde_json::from_slice(&output.stdout);
    let document = document.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), document)
}

fn vigie(world: &World, home: &TempDir) -> std::process::Command {
    let mut command = world.command(env!("CARGO_BIN_EXE_vigie"), "oncall");
    command
        .args(["--output", "json", "--namespace", &world.namespace])
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("XDG_STATE_HOME", home.path().join("state"))
        .stdin(Stdio::null());
    command
}

/// The entry of a list that has this value in a field.
fn entry<'a>(list: &'a Value, field: &str, value: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|one| one[field] == value)
}

/// The alert of too many errors in the test's own namespace: others have theirs.
fn alert_here<'a>(document: &'a Value, world: &World) -> Option<&'a Value> {
    document["alerts"].as_array()?.iter().find(|alert| {
        alert["name"] == "HighErrorRate" && alert["labels"]["namespace"] == *world.namespace
    })
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// Whether all is well here. The level is not asked: other tests have alerts that fire, and row 2 says so.
fn well(text: &str) -> bool {
    text.contains("4 workloads in ") && text.contains(" are well.")
}

/// The share and the moment of the sentence that explains a bad release: `FAILING  veza-backend: 28 % of requests fail since
/// 16:23:40, 10 s after revision 2 (v1.1.0) took over.`
fn explained(sentence: &str) -> Option<(f64, &str)> {
    let share = between(sentence, "veza-backend: ", " % of requests fail since ")?;
    let before = between(sentence, ", ", " after revision 2 (v1.1.0) took over")?;
    Some((share.parse().ok()?, before))
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_bad_release_is_seen_and_explained() {
    let (world, home) = (World::new("explained"), home());
    ready(&world);
    let mut console = Console::open(&world, "oncall", home.path());
    console.until("all is well, with figures", |text| {
        let row = text.lines().find(|line| line.contains("● veza-backend"))?;
        (row.contains(" %") && well(text)).then_some(())
    });
    let before = status(&world, &home).1;
    let workload = entry(&before["workloads"], "name", "veza-backend").unwrap();
    assert_eq!(workload["verdict"]["level"], "healthy", "{before}");
    world.behave("service=veza-backend&version=v1.1.0&errors=0.3&latency_ms=900");
    world.release("veza-backend", BAD, "v1.1.0");
    let (share, before) = console.until("it is explained", |text| {
        let sentence = text.lines().find(|line| line.contains("✖ FAILING"))?;
        let (share, before) = explained(sentence)?;
        (share > 20.0).then(|| (share, before.to_owned()))
    });
    assert!(share < 40.0, "{share}");
    assert!(before.ends_with(" s"), "not a minute passed: {before}");
    console.until("the change stands beside its onset", |text| {
        let change = text.lines().find(|line| line.contains("revision 1 → 2"))?;
        assert!(change.contains("image v1.0.0 → v1.1.0, by kubectl-patch"));
        text.lines()
            .any(|line| line.contains(" ONSET ") && line.contains("errors above 1 %"))
            .then_some(())
    });
    console.until("the alert is among it", |text| {
        text.contains("HighErrorRate").then_some(())
    });
    let (code, document) = status(&world, &home);
    assert_eq!(code, Some(3), "{document}");
    assert_eq!(document["verdict"]["level"], "failing");
    let reason = document["verdict"]["reason"].as_str().unwrap();
    assert!(explained(reason).is_some(), "{reason}");
    let workload = entry(&document["workloads"], "name", "veza-backend").unwrap();
    assert_eq!(workload["verdict"]["level"], "failing", "{workload}");
    assert_eq!(workload["revision"], 2);
    assert_eq!(workload["images"], serde_json::json!([BAD]));
    assert_eq!(workload["verdict"]["rollback_suggested"], true);
    let other = entry(&document["workloads"], "name", "chat-server").unwrap();
    assert_eq!(other["verdict"]["level"], "healthy", "{other}");
    let signals = entry(&document["signals"], "service", "veza-backend").unwrap();
    assert!(signals["error_ratio"].as_f64().unwrap() > 0.2, "{signals}");
    assert!(signals["p99_ms"].as_f64().unwrap() > 500.0, "{signals}");
    let alert = alert_here(&document, &world).unwrap_or_else(|| panic!("no alert: {document}"));
    assert_eq!(alert["runbook"], "rollback", "{alert}");
    assert_eq!(console.leave(), 0);
}

/// The apiserver, dead until this is dropped.
struct Dead<'a>(&'a World);

impl<'a> Dead<'a> {
    fn new(world: &'a World) -> Self {
        world.part("kube-apiserver", "kill");
        Self(world)
    }
}

impl Drop for Dead<'_> {
    fn drop(&mut self) {
        self.0.part("kube-apiserver", "start");
    }
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn an_apiserver_restart_leaves_the_console_alive_and_truthful() {
    let (world, home) = (World::alone("restart"), home());
    ready(&world);
    let names = world.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]);
    let pods: Vec<&str> = names.split(' ').collect();
    let has_all = |text: &str| pods.iter().all(|name| text.contains(name));
    let mut console = Console::open(&world, "oncall", home.path());
    console.until("all is well, and every pod is there", |text| {
        (well(text) && has_all(text)).then_some(())
    });
    let dead = Dead::new(&world);
    let stale = |text: &str| {
        let age = between(text, "k8s stale ", "  ")?.to_owned();
        let said = text.contains("? UNKNOWN  the API server has not answered for ");
        assert!(!said || has_all(text), "rows are gone\n{text}");
        assert!(!said || !well(text), "{text}");
        said.then_some(age)
    };
    let first = console.until("it is said, and rows stay", stale);
    console.until("their age grows", |text| {
        stale(text).filter(|age| *age != first)
    });
    let (code, document) = status(&world, &home);
    assert_eq!(code, Some(4), "who begins now knows nothing: {document}");
    assert_eq!(document["verdict"]["level"], "unknown");
    drop(dead);
    console.until("it comes back by itself", |text| {
        let live = !text.contains("k8s stale") && well(text);
        (live && has_all(text)).then_some(())
    });
    world.kubectl(&["scale", "deployment/veza-frontend", "--replicas=3"]);
    world.release("chat-server", "registry.veza.app/chat-server:v7", "v7");
    console.until("what changes from now on is seen", |text| {
        let row = |name: &str| text.lines().find(|line| line.contains(name));
        let scaled = row("● veza-frontend ")?.contains("3/3");
        (scaled && row("● chat-server ")?.contains("2 v7")).then_some(())
    });
    assert_eq!(console.leave(), 0);
}

/// The documents of `vigie status --watch`, as they come.
struct Watching {
    child: Child,
    documents: Receiver<Value>,
}

impl Watching {
    fn new(world: &World, home: &TempDir) -> Self {
        let mut child = vigie(world, home)
            .args(["status", "--watch"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, documents) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if send.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { child, documents }
    }

    /// Reads until a document says so; all of them are looked at by `each`.
    fn until(&self, what: &str, each: impl Fn(&Value), so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let document = self.documents.recv_timeout(left);
            let document = document.unwrap_or_else(|_| panic!("never: {what}"));
            each(&document);
            if so(&document) {
                return document;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn what_nobody_measures_is_unknown_never_zero_and_comes_back() {
    let (world, home) = (World::new("unmeasured"), home());
    ready(&world);
    let mut console = Console::open(&world, "oncall", home.path());
    let watching = Watching::new(&world, &home);
    let level = |document: &Value| {
        let workload = entry(&document["workloads"], "name", "veza-backend")?;
        Some(workload["verdict"]["level"].as_str()?.to_owned())
    };
    let rate = |document: &Value| {
        entry(&document["signals"], "service", "veza-backend").map(|one| one["rps"].clone())
    };
    // No rate is measured before two scrapes: until then it is not known, and never nothing at all.
    let never_zero = |document: &Value| {
        let rate = rate(document).unwrap_or_default();
        assert!(rate.is_null() || rate.as_f64() > Some(0.0), "{document}");
    };
    watching.until("it is measured", never_zero, |document| {
        level(document).as_deref() == Some("healthy")
            && rate(document).is_some_and(|r| !r.is_null())
    });
    console.until("the console has figures", |text| {
        text.lines()
            .any(|line| line.contains("● veza-backend") && line.contains(" %"))
            .then_some(())
    });
    world.behave("silent=1");
    let blind = watching.until("it is unknown", never_zero, |document| {
        document["verdict"]["level"] == "unknown" && level(document).as_deref() == Some("unknown")
    });
    assert_eq!(rate(&blind).unwrap_or_default(), Value::Null, "{blind}");
    let reason = blind["verdict"]["reason"].as_str().unwrap();
    assert!(reason.contains("no traffic series"), "{reason}");
    console.until("the console says so, without a figure", |text| {
        let row = text.lines().find(|line| line.contains("? veza-backend"))?;
        (text.contains("? UNKNOWN") && !row.contains('%')).then_some(())
    });
    world.behave("silent=0");
    watching.until("it is well again", never_zero, |document| {
        level(document).as_deref() == Some("healthy")
            && rate(document).is_some_and(|r| !r.is_null())
    });
    // Others may yet be said to recover.
    console.until("the console too", |text| {
        text.lines()
            .any(|line| line.contains("● veza-backend") && line.contains(" %"))
            .then_some(())
    });
    assert_eq!(console.leave(), 0);
}
