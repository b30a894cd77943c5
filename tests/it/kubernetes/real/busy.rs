//! A real apiserver that has no time for us: a priority level without a share, whose one seat is taken by a request that never
//! ends its body, refuses our lists and watches with 429.

use super::{Held, SHORT, Turn, apply, as_user, kubectl, namespace, next, state};
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use vigie::domain::target::Scope;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{Pods, Sighting};

/// Who has no share: nobody else in the tests reads as this person.
const USER: &str = "second";

/// No share of the apiserver's time for one person's pods of one namespace; gone when dropped.
struct NoShare {
    name: String,
    /// Who sits on the seat that even a level without a share has.
    sitter: Child,
}

impl NoShare {
    fn of(namespace: &str) -> Self {
        let api = "flowcontrol.apiserver.k8s.io/v1";
        let level = json!({
            "apiVersion": api, "kind": "PriorityLevelConfiguration", "metadata": { "name": namespace },
            "spec": { "type": "Limited", "limited": {
                "nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": { "type": "Reject" },
            } },
        });
        let pods = json!({ "verbs": ["list", "watch"], "apiGroups": [""], "resources": ["pods"], "namespaces": [namespace] });
        let reviews = json!({ "verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "clusterScope": true });
        let schema = json!({
            "apiVersion": api, "kind": "FlowSchema", "metadata": { "name": namespace },
            "spec": {
                "priorityLevelConfiguration": { "name": namespace }, "matchingPrecedence": 2,
                "rules": [{ "subjects": [{ "kind": "User", "user": { "name": USER } }], "resourceRules": [pods, reviews] }],
            },
        });
        for object in [level, schema] {
            apply(&object.to_string());
        }
        // Its input stays open, so that the apiserver waits for the rest of the body.
        let sitter = asking("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .args([
                "-H",
                "content-type: application/json",
                "-X",
                "POST",
                "-T",
                "-",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            name: namespace.to_owned(),
            sitter,
        }
    }

    /// Ends it before its time.
    fn end(&mut self) {
        let _ = self.sitter.kill();
        let _ = self.sitter.wait();
        for kind in ["flowschema", "prioritylevelconfiguration"] {
            kubectl(&["delete", kind, &self.name, "--ignore-not-found"]);
        }
    }
}

impl Drop for NoShare {
    fn drop(&mut self) {
        self.end();
    }
}

/// Somebody else's client, as that person. `kubectl` would repeat what is refused for a while.
fn asking(path: &str) -> Command {
    let server = "jsonpath={.clusters[0].cluster.server}";
    let server = kubectl(&["config", "view", "-o", server]);
    let mut command = Command::new("curl");
    command
        .args(["-s", "--cacert", &format!("{}/certs/ca.crt", state())])
        .args(["-H", &format!("Authorization: Bearer {USER}-token")])
        .arg(server + path);
    command
}

/// The status of its answer to the same list.
fn status(namespace: &str) -> String {
    let mut asking = asking(&format!("/api/v1/namespaces/{namespace}/pods"));
    asking.args(["-o", "/dev/null", "-w", "%{http_code}"]);
    String::from_utf8(asking.output().unwrap().stdout).unwrap()
}

/// Waits until the apiserver has taken notice.
async fn becomes(namespace: &str, wanted: &str) {
    let begun = Instant::now();
    while status(namespace) != wanted {
        assert!(begun.elapsed() < Duration::from_mins(1), "never {wanted}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn a_list_that_is_throttled_waits_as_asked_and_comes() {
    let _turn = Turn::shared();
    let namespace = namespace("busy");
    let cluster = as_user(USER).await;
    becomes(&namespace, "200").await;
    let mut busy = NoShare::of(&namespace);
    becomes(&namespace, "429").await;
    let mut watch =
        cluster.watch_with::<Pods>(&Scope::Namespace(namespace.as_str().into()), None, SHORT);
    let mut before = None;
    for _ in 0..2 {
        let Sighting::Troubled(failure) = next(&mut watch).await else {
            panic!("no trouble");
        };
        let FailureKind::Throttled(Some(asked)) = failure.kind else {
            panic!("{failure:?}");
        };
        assert!(asked >= Duration::from_secs(1), "{asked:?}");
        let now = Instant::now();
        if let Some((then, wait)) = before.replace((now, asked)) {
            let waited = now.duration_since(then);
            assert!(waited >= wait.min(Duration::from_secs(1)), "{waited:?}");
        }
    }
    busy.end();
    becomes(&namespace, "200").await;
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
}
