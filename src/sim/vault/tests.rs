//! What the simulated Vault does to its versions, for whom, and when it does nothing.

use super::*;
use crate::sim::seed::Rng;
use serde_json::{Value, json};

const NOW: i64 = 1_795_316_412_000;

struct Bench {
    vault: Vault,
    rng: Rng,
    now: i64,
}

impl Bench {
    fn new() -> Self {
        Self {
            vault: Vault::new(NOW),
            rng: Rng::new(1),
            now: NOW,
        }
    }

    fn ask(&mut self, who: Identity, method: &str, path: &str, body: &Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split_once('=');
        let token = who.token();
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.now += 1000;
        let request = Request {
            token: Some(&token),
            method,
            path,
            query: pairs
                .map(|(key, value)| (key.into(), value.into()))
                .into_iter()
                .collect(),
            content: if method == "PATCH" {
                "application/merge-patch+json"
            } else {
                "application/json"
            },
            body: text.as_bytes(),
        };
        ask(&mut self.vault, &request, self.now, &mut self.rng)
    }

    fn patch(&mut self, who: Identity, cas: u64, data: &Value) -> Answer {
        let body = json!({"options": {"cas": cas}, "data": data});
        self.ask(who, "PATCH", "secret/data/veza/production", &body)
    }
}

#[test]
fn a_patch_changes_its_keys_and_no_others_and_only_on_the_newest_version() {
    let mut bench = Bench::new();
    let answer = bench.patch(
        Identity::Oncall,
        1,
        &json!({"jwt_secret": "second", "aws_access_key": null}),
    );
    assert_eq!(
        (answer.code, &answer.body["data"]["version"]),
        (200, &json!(2)),
        "{answer:?}"
    );
    let values = bench.vault.values(PATH).unwrap();
    assert_eq!(values["jwt_secret"], "second");
    assert_eq!(values["redis_url"], "redis://redis:6379");
    assert!(!values.contains_key("aws_access_key"));
    let stale = bench.patch(Identity::Oncall, 1, &json!({"jwt_secret": "third"}));
    assert_eq!(stale.code, 400);
    assert_eq!(
        stale.body["errors"][0],
        "check-and-set parameter did not match the current version"
    );
    assert_eq!(bench.vault.version(PATH), 2);
    let writes: Vec<_> = bench
        .vault
        .writes()
        .map(|one| (one.written, one.keys.len()))
        .collect();
    assert_eq!(writes, [(Some(2), 2)]);
}

#[test]
fn each_identity_may_do_what_its_policy_says() {
    let mut bench = Bench::new();
    let data = "secret/data/veza/production";
    let whole = json!({"data": {"a": "b"}, "options": {"cas": 1}});
    for (who, method, path, body, code) in [
        (Identity::Oncall, "GET", data, Value::Null, 200),
        (Identity::Oncall, "POST", data, whole.clone(), 403),
        (
            Identity::Oncall,
            "GET",
            "secret/data/veza/staging",
            Value::Null,
            403,
        ),
        (Identity::Viewer, "GET", data, Value::Null, 403),
        (
            Identity::Viewer,
            "GET",
            "secret/metadata/veza/production",
            Value::Null,
            200,
        ),
        (
            Identity::Root,
            "GET",
            "secret/data/veza/staging",
            Value::Null,
            404,
        ),
        (Identity::Root, "POST", data, whole, 200),
        (
            Identity::Oncall,
            "PUT",
            "secret/destroy/veza/production",
            json!({"versions": [1]}),
            204,
        ),
    ] {
        assert_eq!(
            bench.ask(who, method, path, &body).code,
            code,
            "{who:?} {method} {path}"
        );
    }
    bench.vault.grant(Identity::Oncall, data, &["read"]);
    assert_eq!(
        bench.patch(Identity::Oncall, 2, &json!({"a": "c"})).code,
        403
    );
    let paths = json!({"paths": [data, "secret/destroy/veza/production", "x"]});
    let may = bench.ask(Identity::Oncall, "POST", "sys/capabilities-self", &paths);
    assert_eq!(
        may.body["data"],
        json!({data: ["read"], "secret/destroy/veza/production": ["update"], "x": ["deny"]})
    );
    bench.vault.revoke(Identity::Oncall, true);
    let refused = bench.ask(Identity::Oncall, "GET", data, &Value::Null);
    assert!(
        refused.body["errors"][0]
            .as_str()
            .unwrap()
            .contains("invalid token")
    );
}

#[test]
fn deleted_versions_come_back_and_destroyed_ones_do_not() {
    let mut bench = Bench::new();
    bench.patch(Identity::Root, 1, &json!({"jwt_secret": "second"}));
    let data = "secret/data/veza/production";
    assert_eq!(
        bench.ask(Identity::Root, "DELETE", data, &Value::Null).code,
        204
    );
    let deleted = bench.ask(Identity::Root, "GET", data, &Value::Null);
    assert_eq!(
        (deleted.code, &deleted.body["data"]["data"]),
        (404, &Value::Null)
    );
    assert_eq!(bench.patch(Identity::Root, 2, &json!({"a": "b"})).code, 404);
    let two = json!({"versions": [2]});
    bench.ask(
        Identity::Root,
        "POST",
        "secret/undelete/veza/production",
        &two,
    );
    assert_eq!(
        bench.ask(Identity::Root, "GET", data, &Value::Null).code,
        200
    );
    bench.ask(
        Identity::Root,
        "PUT",
        "secret/destroy/veza/production",
        &json!({"versions": [1]}),
    );
    assert_eq!(
        bench
            .ask(
                Identity::Root,
                "GET",
                "secret/data/veza/production?version=1",
                &Value::Null
            )
            .code,
        404
    );
    let said = bench.ask(
        Identity::Viewer,
        "GET",
        "secret/metadata/veza/production",
        &Value::Null,
    );
    assert_eq!(said.body["data"]["versions"]["1"]["destroyed"], true);
    assert_eq!(said.body["data"]["current_version"], 2);
    let keys = bench.ask(
        Identity::Oncall,
        "GET",
        "secret/subkeys/veza/production",
        &Value::Null,
    );
    assert_eq!(keys.body["data"]["subkeys"]["jwt_secret"], Value::Null);
    assert_eq!(keys.body["data"]["subkeys"].as_object().unwrap().len(), 6);
}

#[test]
fn a_sealed_vault_says_so_and_one_that_cannot_log_does_nothing() {
    let mut bench = Bench::new();
    bench.vault.seal(true);
    let sealed = bench.patch(Identity::Root, 1, &json!({"a": "b"}));
    assert_eq!(
        (sealed.code, &sealed.body["errors"][0]),
        (503, &json!("Vault is sealed"))
    );
    let health = bench.ask(Identity::Root, "GET", "sys/health", &Value::Null);
    assert_eq!((health.code, &health.body["sealed"]), (503, &json!(true)));
    bench.vault.seal(false);
    bench.vault.fail_audit(Some(Unaudited::Request));
    assert_eq!(bench.patch(Identity::Root, 1, &json!({"a": "b"})).code, 500);
    assert_eq!(bench.vault.version(PATH), 1);
    bench.vault.fail_audit(Some(Unaudited::Answer));
    assert_eq!(bench.patch(Identity::Root, 1, &json!({"a": "b"})).code, 500);
    assert_eq!(
        bench.vault.version(PATH),
        2,
        "the change was made before its answer could not be logged"
    );
}

#[test]
fn a_path_may_demand_that_writes_name_the_version() {
    let mut bench = Bench::new();
    bench.vault.require_cas(PATH, true);
    let body = json!({"data": {"a": "b"}});
    let refused = bench.ask(Identity::Root, "POST", "secret/data/veza/production", &body);
    assert_eq!(
        refused.body["errors"][0],
        "check-and-set parameter required for this call"
    );
}

#[test]
fn the_oldest_versions_are_let_go() {
    let mut bench = Bench::new();
    for version in 1..=11 {
        assert_eq!(
            bench
                .patch(Identity::Root, version, &json!({"n": version}))
                .code,
            200
        );
    }
    let said = bench.ask(
        Identity::Root,
        "GET",
        "secret/metadata/veza/production",
        &Value::Null,
    );
    let versions = said.body["data"]["versions"].as_object().unwrap();
    assert_eq!((versions.len(), versions.contains_key("2")), (10, false));
}
