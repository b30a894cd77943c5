//! Somebody who works on a test's platform with our program: its commands, what it left in the apiserver's audit log, its journals.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::world::{Audit, World};

/// A platform, and the home of somebody who works on it.
pub struct Desk {
    /// The platform.
    pub world: World,
    /// The home.
    pub home: TempDir,
}

impl Desk {
    pub fn new(test: &str) -> Self {
        Self {
            world: World::new(test),
            home: TempDir::new().unwrap(),
        }
    }

    /// Our program as one of the cluster's people, in the test's namespace.
    pub fn vigie(&self, user: &str, line: &str) -> Command {
        let mut command = self.world.command(env!("CARGO_BIN_EXE_vigie"), user);
        command
            .args(["--namespace", &self.world.namespace, "--output", "json"])
            .args(line.split_whitespace())
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .stdin(Stdio::null());
        command
    }

    /// A run of `oncall`, confirmed beforehand, to its end.
    pub fn run(&self, line: &str) -> Output {
        let confirmed = format!("run {line} --confirm {}", self.world.namespace);
        self.vigie("oncall", &confirmed).output().unwrap()
    }

    /// What our program asked to change, by the apiserver's log, whatever came of it: dry runs, locks and what `kubectl`
    /// did are not among them.
    pub fn requests(&self) -> Vec<Audit> {
        let mut writes = Audit::writes(&self.world, "oncall");
        writes.retain(|write| {
            !write.agent.starts_with("kubectl") && !write.dry_run && write.resource != "leases"
        });
        writes
    }

    /// Those that were granted.
    pub fn changes(&self) -> Vec<Audit> {
        let mut requests = self.requests();
        requests.retain(|request| (200..300).contains(&request.code));
        requests
    }

    /// The journals, as text.
    pub fn journal(&self) -> String {
        let find = Command::new("find")
            .arg(self.home.path())
            .args(["-name", "journal", "-exec", "cat", "{}", "+"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&find.stdout).into_owned()
    }

    /// Makes or changes objects, as `admin`.
    pub fn apply(&self, manifest: &str) {
        let mut apply = self
            .world
            .command("kubectl", "admin")
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = apply.stdin.take().unwrap();
        stdin.write_all(manifest.as_bytes()).unwrap();
        drop(stdin);
        assert!(apply.wait().unwrap().success(), "{manifest}");
    }

    /// One field of an object.
    pub fn field(&self, object: &str, path: &str) -> String {
        let path = format!("jsonpath={{{path}}}");
        self.world.kubectl(&["get", object, "-o", &path])
    }
}

/// The last document of an output.
pub fn last(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_default()
}
