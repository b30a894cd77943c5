//! The same through the real program: exit codes, documents, and a process that is killed between intent and outcome.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vigie::sim::access::Identity;
use vigie::sim::fault::Fault;
use vigie::sim::scenario::Scenario;
use vigie::sim::shared::Written;
use vigie::sim::{self, Running};

use super::on_patch;

/// A platform and the folders of somebody who works on it.
pub struct Desk {
    /// The platform.
    pub running: Running,
    /// The home.
    pub dir: TempDir,
}

impl Desk {
    pub async fn new() -> Self {
        let running = sim::start(sim::Options {
            scenario: Scenario::BadRelease,
            advance: Duration::from_secs(300),
            ..sim::Options::default()
        })
        .await
        .unwrap();
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), running.kubeconfig()).unwrap();
        Self { running, dir }
    }

    pub fn vigie(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        let home = |name: &str| self.dir.path().join(name);
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("XDG_STATE_HOME", home("state"))
            .env("XDG_CONFIG_HOME", home("config"))
            .env("KUBECONFIG", home("kubeconfig"))
            .env("PROMETHEUS_URL", &self.running.prometheus)
            .stdin(Stdio::null());
        command
    }

    pub async fn ended(&self, line: &str) -> Output {
        let mut command = self.vigie(line);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    pub fn changes(&self) -> Vec<Written> {
        let writes = self.running.world().writes();
        writes
            .into_iter()
            .filter(|write| write.path.contains("/deployments/") && !write.dry_run)
            .filter(|write| write.code == 200 && write.user == Identity::Oncall.name())
            .collect()
    }
}

pub fn documents(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn last(output: &Output) -> Value {
    documents(output).pop().unwrap_or_default()
}

/// Reads documents until one has this event, and step if one is named; gives its run.
pub async fn until(child: &mut Child, event: &'static str, step: &'static str) -> String {
    let out = child.stdout.take().unwrap();
    let (out, run) = tokio::task::spawn_blocking(move || {
        let mut out = BufReader::new(out);
        loop {
            let mut line = String::new();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "no {event} {step}");
            let document: Value = serde_json::from_str(&line).unwrap();
            let here = step.is_empty() || document["step"] == step;
            if document["event"] == event && here {
                let run = document["run"].as_str().unwrap().to_owned();
                return (out.into_inner(), run);
            }
        }
    })
    .await
    .unwrap();
    child.stdout = Some(out);
    run
}

pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

pub async fn code(mut child: Child) -> Option<i32> {
    tokio::task::spawn_blocking(move || child.wait().unwrap().code())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_mistakes_have_their_exit_codes() {
    let desk = Desk::new().await;
    let viewer = desk
        .ended("--context veza-demo-viewer --output json run rollback --set workload=veza-backend --confirm veza-production")
        .await;
    assert_eq!(viewer.status.code(), Some(4), "{viewer:?}");
    let end = last(&viewer);
    assert_eq!(
        (end["event"].as_str(), end["refused"].as_bool()),
        (Some("run.end"), Some(true))
    );
    assert!(
        end["message"]
            .as_str()
            .unwrap()
            .contains("patch deployments.apps/veza-backend"),
        "{end}"
    );
    assert!(
        documents(&viewer)
            .iter()
            .all(|document| document["schema"] == 1)
    );
    for (line, wanted) in [
        ("run rolback --set workload=x", 2),
        ("run rollback --set wrkload=x", 2),
        (
            "run rollback --set workload=nothing-here --confirm veza-production",
            4,
        ),
        ("run rollback --set workload=veza-backend --dry-run", 0),
        ("run rollback --set workload=veza-backend", 3),
        (
            "--read-only run rollback --set workload=veza-backend --confirm veza-production",
            4,
        ),
        ("resume 01ZZZZ", 2),
        ("runbook lint /no/such/file", 4),
        ("audit verify", 0),
        ("runbook schema", 0),
    ] {
        let output = desk.ended(line).await;
        assert_eq!(output.status.code(), Some(wanted), "{line}: {output:?}");
    }
    assert!(desk.changes().is_empty());
    let runs = desk.ended("runs --output json").await;
    let listed = last(&runs);
    assert_eq!(listed["runs"][0]["state"], "needs-human", "{listed}");
    let id = listed["runs"][0]["run"].as_str().unwrap().to_owned();
    let closed = desk.ended(&format!("abandon {id} --reason over")).await;
    assert_eq!(closed.status.code(), Some(0), "{closed:?}");
    let again = desk
        .ended(&format!("resume {id} --confirm veza-production"))
        .await;
    assert_eq!(again.status.code(), Some(4), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_intent_and_outcome_it_resumes_with_one_change() {
    let desk = Desk::new().await;
    // The rehearsal passes first, then the change itself is held back.
    let mut child = desk
        .vigie("--output json run rollback --set workload=veza-backend --set hold=15s --confirm veza-production --reason drill")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until(&mut child, "step.started", "go").await;
    desk.running
        .faults()
        .add(on_patch(Fault::Delay(Duration::from_mins(5)), 1));
    let run = until(&mut child, "step.intent", "go-back").await;
    while desk.changes().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(&child, rustix::process::Signal::KILL);
    code(child).await;
    desk.running.faults().clear();

    let looked = desk.ended(&format!("--output json resume {run}")).await;
    assert_eq!(looked.status.code(), Some(3), "{looked:?}");
    let probe = documents(&looked)
        .into_iter()
        .find(|one| one["event"] == "step.probe");
    assert_eq!(probe.unwrap()["found"], "present");
    assert_eq!(last(&looked)["reason"], "confirm");

    let mut child = desk
        .vigie(&format!(
            "--output json resume {run} --confirm veza-production"
        ))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until(&mut child, "step.started", "hold").await;
    signal(&child, rustix::process::Signal::INT);
    until(&mut child, "run.end", "").await;
    assert_eq!(code(child).await, Some(130));
    let changes = desk.changes();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let verified = desk.ended("audit verify").await;
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    assert!(journal(desk.dir.path()).contains(&changes[0].audit_id));
}

/// Every journal below a home, as text.
pub fn journal(home: &Path) -> String {
    let runs = home.join("state/vigie/runs");
    let folders = |path: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    folders(&runs)
        .iter()
        .flat_map(|cluster| folders(cluster))
        .map(|run| std::fs::read_to_string(run.join("journal")).unwrap())
        .collect()
}
