//! The rotation of the signing key on a real control plane with a real Vault, through the real program: the apiserver's
//! audit log, the Deployments' generations and Vault's list of versions are the witnesses. Each test has a path of Vault
//! of its own, as it has a namespace.
//!
//! Length: one desk with its own path of Vault, and everything that is done at it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::desk::{Desk, last};
use super::world::Audit;
use crate::oracle::forms;

const SERVICES: [&str; 4] = [
    "chat-server",
    "stream-server",
    "veza-backend",
    "veza-frontend",
];
const OLD: &str = "first-signing-key-not-a-real-secret";
const ROOT: &str = "root-token";

/// A platform with a path of Vault of its own, and somebody who may patch it.
struct Safe {
    desk: Desk,
    path: String,
    generations: BTreeMap<&'static str, u64>,
}

impl Safe {
    fn new(test: &str) -> Self {
        let desk = Desk::new(test);
        let path = format!("veza/{}", desk.world.namespace);
        let mut safe = Self {
            desk,
            path,
            generations: BTreeMap::new(),
        };
        let path = &safe.path;
        safe.vault("POST", &format!("secret/data/{path}"), &json!({"data": {
            "database_url": "postgresql://veza:not-a-real-password@postgres:5432/veza_db", "redis_url": "redis://redis:6379",
            "jwt_secret": OLD, "stripe_api_key": "not-a-real-key"}}));
        let rules = [
            ("data", "\"read\", \"patch\""),
            ("metadata", "\"read\""),
            ("subkeys", "\"read\""),
            ("destroy", "\"update\""),
        ];
        let rules = rules.map(|(part, may)| {
            format!("path \"secret/{part}/{path}\" {{ capabilities = [{may}] }}")
        });
        let name = &safe.desk.world.namespace;
        safe.vault(
            "PUT",
            &format!("sys/policies/acl/{name}"),
            &json!({"policy": rules.join("\n")}),
        );
        let looks = format!("path \"secret/metadata/{path}\" {{ capabilities = [\"read\"] }}");
        safe.vault(
            "PUT",
            &format!("sys/policies/acl/{name}-viewer"),
            &json!({ "policy": looks }),
        );
        for (token, policy) in [
            (safe.token("oncall"), name.clone()),
            (safe.token("viewer"), format!("{name}-viewer")),
        ] {
            let asked = json!({"id": token, "policies": [policy], "no_parent": true, "ttl": "2h"});
            safe.vault("POST", "auth/token/create", &asked);
        }
        safe.desk.world.wait_for("four services are ready", || {
            let ready = safe.desk.world.kubectl(&[
                "get",
                "deployments",
                "-o",
                "jsonpath={.items[*].status.readyReplicas}",
            ]);
            (ready == "2 2 3 2").then_some(())
        });
        safe.generations = safe.now();
        safe
    }

    fn token(&self, user: &str) -> String {
        format!("{user}-{}", self.desk.world.namespace)
    }

    /// A request to Vault with every right.
    fn vault(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/v1/{path}", self.desk.world.variable("VAULT_ADDR"));
        let mut command = Command::new("curl");
        command.args([
            "-fsS",
            "-X",
            method,
            "-H",
            &format!("X-Vault-Token: {ROOT}"),
            &url,
        ]);
        if !body.is_null() {
            command.args(["-d", &body.to_string()]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{method} {path}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn values(&self) -> Value {
        self.vault("GET", &format!("secret/data/{}", self.path), &Value::Null)["data"]["data"]
            .clone()
    }

    /// How many versions the path has had.
    fn versions(&self) -> u64 {
        let found = self.vault(
            "GET",
            &format!("secret/metadata/{}", self.path),
            &Value::Null,
        );
        found["data"]["current_version"].as_u64().unwrap()
    }

    fn secret(&self, key: &str) -> String {
        let value = self
            .desk
            .field("secret/veza-secrets", &format!(".data.{key}"));
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(value)
            .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn now(&self) -> BTreeMap<&'static str, u64> {
        let of = |name| {
            self.desk
                .field(&format!("deployment/{name}"), ".metadata.generation")
                .parse()
                .unwrap()
        };
        SERVICES.into_iter().map(|name| (name, of(name))).collect()
    }

    /// How often each Deployment has changed since the beginning.
    fn restarts(&self) -> Vec<u64> {
        let now = self.now();
        SERVICES
            .iter()
            .map(|name| now[name] - self.generations[name])
            .collect()
    }

    fn vigie(&self, user: &str, line: &str) -> Command {
        let mut command = self.desk.vigie(user, line);
        command.env("VAULT_TOKEN", self.token(user));
        command
    }

    fn line(&self, strategy: &str) -> String {
        let namespace = &self.desk.world.namespace;
        format!(
            "run jwt-rotate --set namespace={namespace} --set strategy={strategy} --set vault_path=secret/{} --set hold=1s \
             --set refresh_ttl=1s --confirm {namespace} --yes --reason drill",
            self.path
        )
    }

    fn rotate(&self, strategy: &str) -> Output {
        self.vigie("oncall", &self.line(strategy)).output().unwrap()
    }

    fn begin(&self, line: &str) -> Child {
        let mut command = self.vigie("oncall", line);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn resume(&self, run: &str) -> String {
        format!("resume {run} --confirm {} --yes", self.desk.world.namespace)
    }

    /// Lets every service read the next and the previous key as well.
    fn accept_two_keys(&mut self) {
        for name in SERVICES {
            let add = ["next", "previous"].map(|key| {
                json!({"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {
                    "name": format!("JWT_SECRET_{}", key.to_uppercase()),
                    "valueFrom": {"secretKeyRef": {"name": "veza-secrets", "key": format!("jwt-secret-{key}"), "optional": true}}}})
            });
            let patch = json!(add).to_string();
            let object = format!("deployment/{name}");
            self.desk
                .world
                .kubectl(&["patch", &object, "--type=json", "-p", &patch]);
        }
        for name in SERVICES {
            let object = format!("deployment/{name}");
            self.desk
                .world
                .kubectl(&["rollout", "status", &object, "--timeout=180s"]);
        }
        self.generations = self.now();
    }

    /// What must hold after everything: each write was announced and landed once; the record verifies; no value leaked.
    fn examine(&self, said: &[Output]) {
        let journal = self.desk.journal();
        let mut granted: BTreeMap<String, u32> = BTreeMap::new();
        for request in self.desk.requests() {
            assert!(journal.contains(&request.id), "O1 {request:?}");
            let effect = request.id.rsplit_once('-').unwrap().0.to_owned();
            if (200..300).contains(&request.code) {
                *granted.entry(effect).or_default() += 1;
            }
        }
        granted.retain(|_, times| *times > 1);
        assert!(granted.is_empty(), "O3 {granted:?}");
        let verified = self.vigie("oncall", "audit verify").output().unwrap();
        assert_eq!(verified.status.code(), Some(0), "O4 {verified:?}");
        let mut places = Vec::new();
        crate::oracle::files(self.desk.home.path(), &mut places);
        for output in said {
            places.push(("stdout".to_owned(), output.stdout.clone()));
            places.push(("stderr".to_owned(), output.stderr.clone()));
        }
        let key = self.values()["jwt_secret"].as_str().unwrap().to_owned();
        let planted = [OLD, "not-a-real-password", &key];
        for form in planted.iter().flat_map(|value| forms(value)) {
            for (name, bytes) in &places {
                assert!(
                    !String::from_utf8_lossy(bytes).contains(&form),
                    "O5 {form} in {name}"
                );
            }
        }
    }

    /// A new key is everywhere, and nothing else has changed.
    fn rotated(&self) {
        let values = self.values();
        let key = values["jwt_secret"].as_str().unwrap();
        assert_eq!(key.len(), 86);
        assert_eq!(self.secret("jwt-secret"), key);
        assert_eq!(values["stripe_api_key"], "not-a-real-key");
        assert_eq!(values["redis_url"], "redis://redis:6379");
        assert_eq!(self.secret("redis-url"), "redis://redis:6379");
        for gone in ["jwt_secret_next", "jwt_secret_previous"] {
            assert!(values[gone].is_null(), "{values}");
        }
    }
}

impl Drop for Safe {
    fn drop(&mut self) {
        let url = format!(
            "{}/v1/secret/metadata/{}",
            self.desk.world.variable("VAULT_ADDR"),
            self.path
        );
        let header = format!("X-Vault-Token: {ROOT}");
        let _ = Command::new("curl")
            .args(["-fsS", "-X", "DELETE", "-H", &header, &url])
            .output();
    }
}

/// Reads documents until one has this event and step; gives its run.
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
fn a_cutover_is_one_version_one_write_and_one_rollout_each() {
    let safe = Safe::new("cutover");
    let output = safe.rotate("cutover");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    safe.rotated();
    assert_eq!(safe.versions(), 2);
    assert_eq!(safe.restarts(), [1, 1, 1, 1]);
    let changes = safe.desk.changes();
    let secrets = changes.iter().filter(|change| change.resource == "secrets");
    assert_eq!(secrets.count(), 1, "{changes:#?}");
    assert_eq!(changes.len(), 5, "{changes:#?}");
    safe.examine(&[output]);
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn an_overlap_stops_before_the_first_effect_until_the_services_read_two_keys() {
    let mut safe = Safe::new("overlap");
    let refused = safe.rotate("overlap");
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    assert!(
        last(&refused)["message"].to_string().contains("T04"),
        "{refused:?}"
    );
    assert_eq!((safe.versions(), safe.restarts()), (1, vec![0; 4]));
    assert!(safe.desk.requests().is_empty());
    safe.accept_two_keys();
    let output = safe.rotate("overlap");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    safe.rotated();
    assert_eq!(safe.versions(), 4, "announced, switched, retired");
    assert_eq!(safe.restarts(), [3, 3, 3, 3]);
    safe.examine(&[refused, output]);
}

/// A small generator: the same seed, the same moments.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What is said of a run that is killed at a random moment: after some records, or after some time. The run, and whether
/// it had come to its end before.
fn killed(child: &mut Child, dice: &mut Dice) -> (Option<String>, bool) {
    let lines = if dice.roll(2) == 0 {
        1
    } else {
        1 + dice.roll(30)
    };
    let late = Duration::from_millis(if lines == 1 {
        dice.roll(2_500)
    } else {
        dice.roll(40)
    });
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut run, mut over) = (None, false);
    for _ in 0..lines {
        let mut line = String::new();
        if out.read_line(&mut line).unwrap() == 0 {
            over = true;
            break;
        }
        let document: Value = serde_json::from_str(&line).unwrap();
        run = document["run"].as_str().map(str::to_owned).or(run);
        over = document["event"] == "run.end" && document["state"] == "succeeded";
    }
    std::thread::sleep(late);
    child.kill().unwrap();
    child.wait().unwrap();
    (run, over)
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn killed_at_twenty_random_moments_it_changes_once_for_each_step() {
    let mut safe = Safe::new("kills");
    safe.accept_two_keys();
    let mut dice = Dice(0x5eed_0020);
    let (mut kills, mut rounds) = (0, 0);
    let mut moments = BTreeSet::new();
    while kills < 20 {
        rounds += 1;
        let mut child = safe.begin(&safe.line("overlap"));
        let (run, mut over) = killed(&mut child, &mut dice);
        kills += 1;
        let run = run.expect("the first record names the run");
        while !over && kills < 20 {
            let mut child = safe.begin(&safe.resume(&run));
            (_, over) = killed(&mut child, &mut dice);
            kills += 1;
            moments.insert(safe.desk.journal().lines().count());
        }
        let mut last_words = Value::Null;
        for _ in 0..4 {
            let output = safe.vigie("oncall", &safe.resume(&run)).output().unwrap();
            last_words = last(&output);
            // What was killed after its last record is over already.
            if output.status.code() == Some(0)
                || last_words["message"].to_string().contains("is over")
            {
                over = true;
                break;
            }
        }
        assert!(over, "{last_words}");
    }
    safe.rotated();
    assert_eq!(
        safe.versions(),
        1 + 3 * rounds,
        "one version for each patch"
    );
    assert_eq!(
        safe.restarts(),
        vec![3 * rounds; 4],
        "one rollout for each restart"
    );
    assert!(moments.len() > 5, "the kills fell on {moments:?}");
    safe.examine(&[]);
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn rights_removed_half_way_stop_it_and_given_back_it_goes_on() {
    let safe = Safe::new("rights");
    let binding = safe
        .desk
        .world
        .kubectl(&["get", "rolebinding", "oncall", "-o", "json"]);
    let mut child = safe.begin(&safe.line("cutover"));
    let run = until(&mut child, "step.outcome", "switch");
    safe.desk
        .world
        .kubectl(&["delete", "rolebinding", "oncall"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let end = last(&output);
    assert_eq!(end["reason"], "denied", "{end}");
    let rule = end["message"].to_string();
    assert!(
        rule.contains("secrets") || rule.contains("deployments"),
        "{end}"
    );
    assert_eq!(safe.versions(), 2);
    let mut binding: Value = serde_json::from_str(&binding).unwrap();
    binding["metadata"] = json!({"name": "oncall", "namespace": safe.desk.world.namespace});
    safe.desk.apply(&binding.to_string());
    safe.desk.world.wait_for("the right is back", || {
        (safe.desk.world.can_i("oncall", "patch", "secrets") == "yes").then_some(())
    });
    let resumed = safe.vigie("oncall", &safe.resume(&run)).output().unwrap();
    assert_eq!(
        resumed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&resumed.stdout)
    );
    safe.rotated();
    assert_eq!((safe.versions(), safe.restarts()), (2, vec![1; 4]));
    safe.examine(&[output, resumed]);
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_secret_that_somebody_else_changed_meanwhile_is_not_overwritten() {
    let safe = Safe::new("theirs");
    let mut child = safe.begin(&safe.line("cutover"));
    let run = until(&mut child, "step.intent", "switch");
    child.kill().unwrap();
    child.wait().unwrap();
    let theirs = json!({"stringData": {"jwt-secret": "their-own-signing-key"}}).to_string();
    safe.desk.world.kubectl(&[
        "patch",
        "secret",
        "veza-secrets",
        "--type=merge",
        "-p",
        &theirs,
    ]);
    let resumed = safe.vigie("oncall", &safe.resume(&run)).output().unwrap();
    assert_eq!(resumed.status.code(), Some(3), "{resumed:?}");
    let end = last(&resumed);
    assert!(
        end["reason"] == "conflict" || end["reason"] == "drift",
        "{end}"
    );
    assert_eq!(safe.secret("jwt-secret"), "their-own-signing-key");
    assert_eq!(safe.restarts(), [0, 0, 0, 0]);
    assert!(safe.versions() <= 2);
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_viewer_is_refused_with_the_rule_that_is_missing() {
    let safe = Safe::new("looks");
    // Allowed everything by the cluster, and nothing but looking by Vault.
    let mut command = safe.vigie("oncall", &safe.line("cutover"));
    let output = command
        .env("VAULT_TOKEN", safe.token("viewer"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains(&format!("secret/data/{}", safe.path)),
        "{text}"
    );
    let viewer = safe
        .vigie("viewer", &safe.line("cutover"))
        .output()
        .unwrap();
    assert_eq!(viewer.status.code(), Some(4), "{viewer:?}");
    assert_eq!(Audit::writes(&safe.desk.world, "viewer"), []);
    assert!(safe.desk.requests().is_empty());
    assert_eq!((safe.versions(), safe.restarts()), (1, vec![0; 4]));
}
