//! The test cluster as the tests see it: a namespace of their own with the platform in it, `kubectl` as any of its people, the
//! numbers the services serve, and the apiserver's audit log as witness. Talks to programs (`kubectl`, `curl`), not to our own
//! platform code, which is what is being tested.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(2);

/// Held by every test that needs the whole cluster; alone by one that takes a part of it away.
static TURN: RwLock<()> = RwLock::new(());

/// A test's turn at the cluster, over when dropped.
#[derive(Debug)]
pub enum Turn {
    /// Beside others.
    Shared {
        /// What is held.
        _held: RwLockReadGuard<'static, ()>,
    },
    /// Nobody else works on the cluster.
    Alone {
        /// What is held.
        _held: RwLockWriteGuard<'static, ()>,
    },
}

impl Turn {
    /// A turn beside others.
    pub fn shared() -> Self {
        let _held = TURN.read().unwrap_or_else(PoisonError::into_inner);
        Self::Shared { _held }
    }

    /// A turn that waits until nobody else works on the cluster, and keeps it so.
    pub fn alone() -> Self {
        let _held = TURN.write().unwrap_or_else(PoisonError::into_inner);
        Self::Alone { _held }
    }
}

/// A namespace of a test's own; gone when dropped.
#[derive(Debug)]
pub struct World {
    /// Its name.
    pub namespace: String,
    state: PathBuf,
    variables: BTreeMap<String, String>,
    _turn: Turn,
}

impl World {
    /// The platform of `tests/cluster/world/veza.yaml` in a namespace named after the test.
    pub fn new(test: &str) -> Self {
        Self::in_turn(test, Turn::shared())
    }

    /// The same, while no other test works on the cluster: for those that take a part of it away.
    pub fn alone(test: &str) -> Self {
        Self::in_turn(test, Turn::alone())
    }

    fn in_turn(test: &str, turn: Turn) -> Self {
        let folder = PathBuf::from(
            std::env::var_os("VIGIE_TEST_CLUSTER")
                .expect("VIGIE_TEST_CLUSTER names the state directory of a running test cluster"),
        );
        let exports = std::fs::read_to_string(folder.join("env"))
            .expect("tests/cluster/up has written STATE_DIR/env");
        let lines = exports
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let variables = lines
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let world = Self {
            namespace: format!("veza-{test}-{}", std::process::id()),
            state: folder,
            variables,
            _turn: turn,
        };
        world.furnish();
        world
    }

    fn furnish(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/world");
        let platform = std::fs::read_to_string(folder.join("veza.yaml"))
            .unwrap()
            .replace(
                "namespace: veza-production",
                &format!("namespace: {}", self.namespace),
            );
        let name = &self.namespace;
        let rights = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{environment: production}}}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: oncall, namespace: {name}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}\nsubjects: [{{kind: Group, name: \"veza:oncall\"}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: oncall-leases, namespace: {name}}}\n\
             rules: [{{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, watch, create, update, patch, delete]}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: oncall-leases, namespace: {name}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: oncall-leases}}\nsubjects: [{{kind: Group, name: \"veza:oncall\"}}]\n---\n"
        );
        let mut apply = self
            .command("kubectl", "admin")
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        apply
            .stdin
            .take()
            .unwrap()
            .write_all((rights + &platform).as_bytes())
            .unwrap();
        assert!(
            apply.wait().unwrap().success(),
            "the namespace {name} could not be furnished"
        );
    }

    /// A variable of `STATE_DIR/env`, such as `PROMETHEUS_URL`.
    pub fn variable(&self, name: &str) -> &str {
        self.variables
            .get(name)
            .unwrap_or_else(|| panic!("the test cluster came up without {name}"))
    }

    /// The kubeconfig of `admin`, `oncall`, `second` or `viewer`.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.state.join(format!("{user}.kubeconfig"))
    }

    /// A program that finds the cluster, as one of its people.
    pub fn command(&self, program: &str, user: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .envs(&self.variables)
            .env("KUBECONFIG", self.kubeconfig(user))
            .env(
                "PATH",
                format!("{path}:{}", self.variable("VIGIE_TEST_CLUSTER_BIN")),
            );
        command
    }

    /// What `kubectl` says in this namespace, as `admin`; it must succeed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        said(
            self.command("kubectl", "admin")
                .args(["-n", &self.namespace])
                .args(arguments)
                .output()
                .unwrap(),
            arguments,
        )
    }

    /// What `kubectl` says as somebody; it must succeed.
    pub fn kubectl_as(&self, user: &str, arguments: &[&str]) -> String {
        said(
            self.command("kubectl", user)
                .args(["-n", &self.namespace])
                .args(arguments)
                .output()
                .unwrap(),
            arguments,
        )
    }

    /// `yes` or `no`.
    pub fn can_i(&self, user: &str, verb: &str, resource: &str) -> String {
        let output = self
            .command("kubectl", user)
            .args(["-n", &self.namespace, "auth", "can-i", verb, resource])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Puts an image into a Deployment's first container, with its version, as `oncall`: one patch.
    pub fn release(&self, deployment: &str, image: &str, version: &str) {
        self.release_of(&format!("deployment/{deployment}"), image, version);
    }

    /// The same of any workload: `daemonset/NAME`.
    pub fn release_of(&self, workload: &str, image: &str, version: &str) {
        let patch = serde_json::json!([
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image},
            {"op": "replace", "path": "/spec/template/metadata/labels/version", "value": version},
        ]);
        self.kubectl_as(
            "oncall",
            &["patch", workload, "--type=json", "-p", &patch.to_string()],
        );
    }

    /// What the services of this namespace do from now on: `service=veza-backend&version=v1.1.0&errors=0.08&latency_ms=900`, or
    /// `silent=1`.
    pub fn behave(&self, how: &str) {
        let url = format!(
            "{}/set?namespace={}&{how}",
            self.variable("EXPORTER_URL"),
            self.namespace
        );
        said(
            Command::new("curl").args(["-fsS", &url]).output().unwrap(),
            &[&url],
        );
    }

    /// The value of an instant query with one finite result; none otherwise.
    pub fn prometheus(&self, query: &str) -> Option<f64> {
        let url = format!("{}/api/v1/query", self.variable("PROMETHEUS_URL"));
        let answer = said(
            Command::new("curl")
                .args(["-fsS", "--data-urlencode", &format!("query={query}"), &url])
                .output()
                .unwrap(),
            &[query],
        );
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let [series] = answer["data"]["result"].as_array()?.as_slice() else {
            return None;
        };
        series["value"][1]
            .as_str()?
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
    }

    /// Does something to one part of the cluster (`tests/cluster/part`): `kill`, or `start` after it.
    pub fn part(&self, name: &str, what: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/part");
        let status = Command::new(script)
            .arg(&self.state)
            .args([name, what])
            .env(
                "VIGIE_TEST_CLUSTER_BIN",
                self.variable("VIGIE_TEST_CLUSTER_BIN"),
            )
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{what} {name}");
    }

    /// Asks until there is an answer; a test that waits in vain says for what.
    pub fn wait_for<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain until {what}, in {}",
                self.namespace
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self
            .command("kubectl", "admin")
            .args(["delete", "namespace", &self.namespace, "--wait=false"])
            .stdout(Stdio::null())
            .status();
    }
}

fn said(output: Output, what: &[&str]) -> String {
    assert!(
        output.status.success(),
        "{what:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// One write in the apiserver's audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The `Audit-ID` of the request.
    pub id: String,
    /// create, update, patch, delete.
    pub verb: String,
    /// Such as `deployments`.
    pub resource: String,
    /// Such as `scale`; empty for the thing itself.
    pub subresource: String,
    /// The object.
    pub name: String,
    /// The answer.
    pub code: u64,
    /// Whether it was only tried out.
    pub dry_run: bool,
    /// What was sent.
    pub body: String,
    /// Which program sent it.
    pub agent: String,
}

impl Audit {
    /// What a person wrote in a test's namespace, oldest first; access reviews are no writes.
    pub fn writes(world: &World, user: &str) -> Vec<Self> {
        let log = std::fs::read_to_string(world.state.join("logs/audit.jsonl")).unwrap();
        // The last line may be half written; it is read the next time.
        let entries = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        entries
            .filter(|entry| {
                entry["stage"] == "ResponseComplete" && entry["user"]["username"] == user
            })
            .filter(|entry| entry["objectRef"]["namespace"] == world.namespace.as_str())
            .filter(|entry| {
                ["create", "update", "patch", "delete"]
                    .iter()
                    .any(|verb| entry["verb"] == *verb)
            })
            .filter(|entry| {
                !entry["objectRef"]["resource"]
                    .as_str()
                    .unwrap_or_default()
                    .ends_with("accessreviews")
            })
            .map(|entry| Self::from_entry(&entry))
            .collect()
    }

    fn from_entry(entry: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &entry["objectRef"];
        Self {
            id: text(&entry["auditID"]),
            verb: text(&entry["verb"]),
            resource: text(&object["resource"]),
            subresource: text(&object["subresource"]),
            name: text(&object["name"]),
            code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
            dry_run: rehearsed(entry),
            body: entry["requestObject"].to_string(),
            agent: text(&entry["userAgent"]),
        }
    }
}

/// Whether a request was only tried out: a deletion and an eviction say so in their body.
fn rehearsed(entry: &Value) -> bool {
    let body = &entry["requestObject"];
    let options = [&body["dryRun"], &body["deleteOptions"]["dryRun"]];
    let asked = entry["requestURI"].as_str().unwrap_or_default();
    asked.contains("dryRun=All") || options.iter().any(|option| option[0] == "All")
}
