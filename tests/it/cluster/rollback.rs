//! The rollback on a real control plane, through the real program: the apiserver's audit log is the witness.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::desk::{Desk, last};
use super::world::Audit;

const BACKEND: &str = "deployment/veza-backend";
pub const GOOD: &str = "registry.veza.app/veza-backend-api:v1.0.0";
pub const BAD: &str = "registry.veza.app/veza-backend-api:v1.1.0";

/// A platform with a bad release, and somebody who works on it.
pub struct Trouble {
    pub desk: Desk,
    /// The deployment's generation before anything of ours: each effective change of its spec adds one.
    generation: u64,
}

impl Trouble {
    pub fn new(test: &str) -> Self {
        let desk = Desk::new(test);
        let world = &desk.world;
        world.wait_for("the backend is ready", || {
            (desk.field(BACKEND, ".status.readyReplicas") == "3").then_some(())
        });
        world.behave("service=veza-backend&version=v1.1.0&errors=0.3&latency_ms=900");
        world.release("veza-backend", BAD, "v1.1.0");
        world.kubectl(&["rollout", "status", BACKEND, "--timeout=180s"]);
        let generation = generation(&desk);
        Self { desk, generation }
    }

    fn run(&self, user: &str, hold: &str) -> Command {
        let namespace = &self.desk.world.namespace;
        self.desk.vigie(
            user,
            &format!("run rollback --set workload=veza-backend --set revision=1 --set hold={hold} --confirm {namespace} --reason drill"),
        )
    }

    pub fn image(&self) -> String {
        let path = ".spec.template.spec.containers[0].image";
        self.desk.field(BACKEND, path)
    }

    /// What our program asked of Deployments.
    fn requests(&self) -> Vec<Audit> {
        let mut requests = self.desk.requests();
        requests.retain(|request| request.resource == "deployments");
        requests
    }

    /// How often the deployment's spec really changed since the trouble began.
    fn effects(&self) -> u64 {
        generation(&self.desk) - self.generation
    }
}

fn generation(desk: &Desk) -> u64 {
    desk.field(BACKEND, ".metadata.generation").parse().unwrap()
}

/// Reads documents until one has this event; gives its run.
fn until(child: &mut Child, event: &str, step: &str) -> String {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "no {event} {step}");
        let document: Value = serde_json::from_str(&line).unwrap();
        if document["event"] == event && document["step"] == step {
            child.stdout = Some(out.into_inner());
            return document["run"].as_str().unwrap().to_owned();
        }
    }
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_rollback_restores_the_good_image_with_one_patch_whose_audit_id_is_in_the_journal() {
    let trouble = Trouble::new("rollback");
    let output = trouble.run("oncall", "15s").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(last(&output)["state"], "succeeded");
    assert_eq!(trouble.image(), GOOD);
    let changes = trouble.desk.changes();
    let [change] = changes.as_slice() else {
        panic!("one patch, not {changes:#?}");
    };
    assert_eq!(change.verb, "patch");
    assert_eq!(trouble.effects(), 1);
    assert!(trouble.desk.journal().contains(&change.id), "{change:#?}");
    let verified = trouble
        .desk
        .vigie("oncall", "audit verify")
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_viewer_is_refused_before_the_first_effect() {
    let trouble = Trouble::new("refused");
    let output = trouble.run("viewer", "15s").output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let end = last(&output);
    let message = end["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("patch deployments.apps/veza-backend"),
        "{end}"
    );
    assert_eq!(Audit::writes(&trouble.desk.world, "viewer"), []);
    assert_eq!(trouble.image(), BAD);
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn killed_after_the_intent_it_resumes_with_one_patch() {
    let trouble = Trouble::new("killed");
    let mut child = trouble
        .run("oncall", "15s")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let run = until(&mut child, "step.intent", "go-back");
    // SIGKILL: whether the request left, and whether it was answered, only the apiserver knows.
    child.kill().unwrap();
    child.wait().unwrap();
    let looked = trouble
        .desk
        .vigie("oncall", &format!("resume {run}"))
        .output()
        .unwrap();
    assert_eq!(looked.status.code(), Some(3), "{looked:?}");
    let namespace = trouble.desk.world.namespace.clone();
    let resumed = trouble
        .desk
        .vigie("oncall", &format!("resume {run} --confirm {namespace}"))
        .output()
        .unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    assert_eq!(trouble.image(), GOOD);
    assert_eq!(trouble.effects(), 1);
    // A request whose sender died is logged with whatever answer nobody waited for, so its code says nothing of the
    // effect: at most one is granted, and each was in the journal before it left.
    let (requests, journal) = (trouble.requests(), trouble.desk.journal());
    assert!(trouble.desk.changes().len() <= 1, "{requests:#?}");
    assert!(!requests.is_empty());
    for request in &requests {
        assert!(journal.contains(&request.id), "{request:#?}");
    }
}

/// A way to Prometheus that can be cut.
struct Wire {
    url: String,
    cut: Arc<AtomicBool>,
}

impl Wire {
    fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = url.trim_start_matches("http://").to_owned();
        let cut = Arc::new(AtomicBool::new(false));
        let wire = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            cut: cut.clone(),
        };
        std::thread::spawn(move || {
            for from in listener.incoming().flatten() {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let to = TcpStream::connect(&target).unwrap();
                for (from, to) in [(&from, &to), (&to, &from)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let cut = cut.clone();
                    std::thread::spawn(move || carry(from, to, &cut));
                }
            }
        });
        wire
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, cut: &AtomicBool) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if cut.load(Ordering::SeqCst) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_silent_prometheus_makes_the_gate_inconclusive() {
    let trouble = Trouble::new("silent");
    let wire = Wire::to(trouble.desk.world.variable("PROMETHEUS_URL"));
    let short = shortened(&trouble);
    let namespace = &trouble.desk.world.namespace;
    let line = format!(
        "run {short} --set workload=veza-backend --set revision=1 --confirm {namespace} --reason drill"
    );
    let mut child = trouble
        .desk
        .vigie("oncall", &line)
        .env("PROMETHEUS_URL", &wire.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until(&mut child, "step.intent", "go-back");
    wire.cut.store(true, Ordering::SeqCst);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let end = last(&output);
    assert_eq!(end["reason"], "gate", "{end}");
    let message = end["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("inconclusive"), "{end}");
    assert_eq!(trouble.desk.changes().len(), 1, "held, not undone");
    assert_eq!(trouble.image(), GOOD);
}

/// The shipped runbook with a gate that does not wait for half an hour, in the person's own folder; gives its id.
fn shortened(trouble: &Trouble) -> &'static str {
    let folder = trouble.desk.home.path().join("config/vigie/runbooks");
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = include_str!("../../../runbooks/rollback.runbook.md");
    let short = shipped
        .replace(
            "id           = \"rollback\"",
            "id           = \"rollback-short\"",
        )
        .replace("interval     = \"15s\"", "interval     = \"2s\"")
        .replace("deadline     = \"30m\"", "deadline     = \"40s\"")
        .replace("default = \"3m\"", "default = \"10s\"")
        .replace("max     = \"20m\"", "max     = \"30s\"");
    std::fs::write(folder.join("rollback-short.runbook.md"), short).unwrap();
    "rollback-short"
}
