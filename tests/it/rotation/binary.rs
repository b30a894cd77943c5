//! The same through the real program, killed by the system: by SIGKILL at a request, by the limit on a file's size in the
//! middle of a record; refused by a full disk; looked at by anybody on the machine.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use vigie::runbook::machine::RunState;
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule, When};
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, NAMESPACE, Running, vault};

use super::bench::deployment;
use crate::oracle::{self, Found, Scene};

/// A platform with one service that reads the key, and somebody's home.
struct Desk {
    running: Running,
    home: TempDir,
    said: std::sync::Mutex<Vec<(String, Vec<u8>)>>,
}

impl Desk {
    async fn new(scenario: Scenario) -> Self {
        let running = sim::start(sim::Options {
            scenario,
            advance: Duration::from_secs(300),
            ..sim::Options::default()
        })
        .await
        .unwrap();
        let home = TempDir::new().unwrap();
        std::fs::write(home.path().join("kubeconfig"), running.kubeconfig()).unwrap();
        let http = reqwest::Client::new();
        let admin = running.address_of(Identity::Admin).to_owned();
        for service in ["veza-backend", "veza-frontend", "stream-server"] {
            let url = format!("{admin}{}", deployment(service));
            assert!(http.delete(url).send().await.unwrap().status().is_success());
        }
        let one = http
            .patch(format!("{admin}{}", deployment("chat-server")))
            .header("content-type", "application/merge-patch+json")
            .body(json!({"spec": {"replicas": 1}}).to_string());
        assert!(one.send().await.unwrap().status().is_success());
        let said = std::sync::Mutex::default();
        Self {
            running,
            home,
            said,
        }
    }

    fn vigie(&self, line: &str, around: &[&str]) -> Command {
        let all: Vec<&str> = around
            .iter()
            .copied()
            .chain([env!("CARGO_BIN_EXE_vigie")])
            .chain(line.split_whitespace())
            .collect();
        let mut command = Command::new(all[0]);
        let home = |name: &str| self.home.path().join(name);
        command
            .args(&all[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", home("state"))
            .env("XDG_CONFIG_HOME", home("config"))
            .env("KUBECONFIG", home("kubeconfig"))
            .env("PROMETHEUS_URL", &self.running.prometheus)
            .env("VAULT_ADDR", &self.running.vault)
            .env("VAULT_TOKEN", vault::Identity::Oncall.token())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it and looks at what every user of the machine could see of it meanwhile. It is killed once the faults have met
    /// what they were to meet, or its files may grow to so many bytes only from its first record on.
    async fn ended(&self, line: &str, around: &[&str], end: End) -> Output {
        let mut command = self.vigie(line, around);
        if !matches!(end, End::Limit(_)) {
            command.env("VIGIE_LOG", "trace");
        }
        let mut child = command.spawn().unwrap();
        let mut limit = match end {
            End::Limit(bytes) => Some(bytes),
            _ => None,
        };
        let proc = Path::new("/proc").join(child.id().to_string());
        let mut seen = Vec::new();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |mut from: Box<dyn std::io::Read + Send>| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes).unwrap();
                bytes
            })
        };
        let (out, err) = (read(Box::new(out)), read(Box::new(err)));
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            for name in ["cmdline", "environ"] {
                let bytes = std::fs::read(proc.join(name)).unwrap_or_default();
                if !seen.contains(&(name.to_owned(), bytes.clone())) {
                    seen.push((name.to_owned(), bytes));
                }
            }
            if let Some(bytes) = limit.filter(|_| !self.journal().is_empty()) {
                let (pid, bytes) = (child.id().to_string(), format!("--fsize={bytes}"));
                let set = Command::new("prlimit")
                    .args(["--pid", &pid, &bytes])
                    .status();
                assert!(set.unwrap().success());
                limit = None;
            }
            if matches!(end, End::Kill) && self.running.faults().spent() {
                // What was asked is served, if it is to be.
                tokio::time::sleep(Duration::from_millis(40)).await;
                child.kill().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let (stdout, stderr) = (out.join().unwrap(), err.join().unwrap());
        let mut said = self.said.lock().unwrap();
        said.extend(seen);
        said.push(("stdout".to_owned(), stdout.clone()));
        said.push(("stderr".to_owned(), stderr.clone()));
        Output {
            status,
            stdout,
            stderr,
        }
    }

    async fn rotate(&self, around: &[&str], end: End) -> Output {
        let line = format!(
            "--output json run jwt-rotate --set namespace={NAMESPACE} --set strategy=cutover --set vault_path=secret/veza/production \
             --set hold=1s --confirm {NAMESPACE} --reason drill"
        );
        self.ended(&line, around, end).await
    }

    /// Takes the only run up until it is over.
    async fn finish(&self, case: &str) {
        let state = self.state();
        let runs = vigie::journal::Runs::new(&state, vigie::journal::RealDisk);
        let (listed, broken) = runs.list();
        assert!(broken.is_empty(), "{case}: {broken:?}");
        let run = listed[0].header.start.run.to_string();
        let line = format!("--output json resume {run} --confirm {NAMESPACE}");
        for _ in 0..3 {
            let output = self.ended(&line, &[], End::Own).await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.code() == Some(0) || text.contains("is over") {
                return;
            }
            assert_eq!(output.status.code(), Some(3), "{case}: {output:?}");
        }
        panic!("{case}: it does not end");
    }

    fn state(&self) -> std::path::PathBuf {
        self.home.path().join("state/vigie")
    }

    fn journal(&self) -> Vec<u8> {
        let mut all = Vec::new();
        oracle::files(&self.state().join("runs"), &mut all);
        let found = all.into_iter().find(|(name, _)| name.ends_with("/journal"));
        found.map(|(_, bytes)| bytes).unwrap_or_default()
    }

    fn examine(&self, case: &str) -> Found {
        let said = self.said.lock().unwrap().clone();
        let scene = Scene {
            running: &self.running,
            state: &self.state(),
            said: &said,
            hold: SignedDuration::from_secs(1),
        };
        scene.examine(case)
    }

    /// Whether it was rotated with one change for each step.
    fn rotated(&self, case: &str) {
        let found = self.examine(case);
        assert_eq!(found.state, RunState::Succeeded, "{case}");
        let counts = (
            found.vault.len(),
            found.count("/secrets/"),
            found.count("/deployments/"),
        );
        assert_eq!(counts, (1, 1, 1), "{case}: {:#?}", found.writes);
        let key = oracle::vault_values(&self.running)["jwt_secret"].clone();
        assert_eq!(oracle::secret(&self.running)["jwt-secret"], key, "{case}");
        assert_eq!(oracle::vault_values(&self.running).len(), 7, "{case}");
    }
}

fn last(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_default()
}

/// How a process ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By itself.
    Own,
    /// SIGKILL, once a fault was met.
    Kill,
    /// By what becomes of it when no file of it may be longer.
    Limit(usize),
}

#[derive(Debug, Clone, Copy)]
enum Death {
    /// SIGKILL at the n-th request, before it is served or after.
    Request(Face, &'static str, u32, bool),
    /// SIGXFSZ: the journal takes so many thousandths of what a whole run writes.
    Torn(usize),
}

async fn dies(death: Death, whole: usize) {
    let case = format!("{death:?}");
    let desk = Desk::new(Scenario::Healthy).await;
    let output = match death {
        Death::Request(face, method, nth, served) => {
            let rule = Rule {
                face: Some(face),
                method: method.into(),
                path: String::new(),
                fault: if served {
                    Fault::Delay(Duration::from_mins(5))
                } else {
                    Fault::Hang
                },
                times: Some(1),
            };
            desk.running.faults().add_when(rule, When::nth(nth));
            desk.rotate(&[], End::Kill).await
        }
        Death::Torn(part) => {
            let limit = whole * part / 1000;
            desk.rotate(&[], End::Limit(limit)).await
        }
    };
    desk.running.faults().clear();
    assert_ne!(output.status.code(), Some(0), "{case}: it was not killed");
    desk.finish(&case).await;
    desk.rotated(&case);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn killed_by_the_system_at_twenty_points_it_ends_with_one_change_for_each_step() {
    let desk = Desk::new(Scenario::Healthy).await;
    let output = desk.rotate(&[], End::Own).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    desk.rotated("whole");
    let whole = desk.journal().len();
    drop(desk);
    let torn = (0..10).map(|part| Death::Torn(250 + part * 74 + part % 3));
    let (vault, cluster) = (Face::Vault, Face::Kubernetes);
    let requests = [
        (vault, "PATCH", 1, false),
        (vault, "PATCH", 1, true),
        (cluster, "PATCH", 1, false),
        (cluster, "PATCH", 1, true),
        (cluster, "PATCH", 2, false),
        (cluster, "PATCH", 2, true),
        (cluster, "POST", 9, true),
        (vault, "GET", 4, false),
        (vault, "GET", 7, false),
        (vault, "GET", 9, false),
    ];
    let requests =
        requests.map(|(face, method, nth, served)| Death::Request(face, method, nth, served));
    let turns = Arc::new(tokio::sync::Semaphore::new(10));
    let tasks = torn.chain(requests).map(|death| {
        let turns = turns.clone();
        tokio::spawn(async move {
            let _turn = turns.acquire_owned().await.unwrap();
            dies(death, whole).await;
        })
    });
    for done in futures::future::join_all(tasks).await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_takes_no_more_stops_it_before_the_effect_and_it_goes_on_once_there_is_room()
{
    let desk = Desk::new(Scenario::Healthy).await;
    // Writing beyond the limit is an error here, as on a full disk, and no death.
    let script = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let output = desk.rotate(&["sh", "-c", script], End::Limit(9_000)).await;
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    assert!(desk.journal().len() <= 9_000);
    let sent = oracle::effective_in_vault(&desk.running).len();
    let told = String::from_utf8_lossy(&desk.journal())
        .matches("step.intent")
        .count();
    assert!(
        sent <= told,
        "nothing is sent that is not written down first"
    );
    desk.finish("a full disk").await;
    desk.rotated("a full disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_change_vault_is_refused_with_what_is_missing() {
    let desk = Desk::new(Scenario::Healthy).await;
    let mut command = desk.vigie(
        &format!("--output json run jwt-rotate --set namespace={NAMESPACE} --set strategy=cutover --set vault_path=secret/veza/production --confirm {NAMESPACE} --reason drill"),
        &[],
    );
    command.env("VAULT_TOKEN", vault::Identity::Viewer.token());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("secret/data/veza/production"), "{text}");
    assert_eq!(last(&output)["refused"], true);
    assert!(oracle::effective(&desk.running).is_empty());
    assert!(oracle::effective_in_vault(&desk.running).is_empty());
}
