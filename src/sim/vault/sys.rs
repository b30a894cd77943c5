//! What Vault says of itself and of who asks: health, seal, tokens, capabilities.

use serde_json::{Value, json};

use super::answer::{Answer, Asked, Request};
use super::core::{VERSION, Vault};
use super::policy::Identity;
use crate::sim::seed::Rng;
use crate::sim::time;

/// How long a token lives from its making: 32 days.
const LIFE: i64 = 2_764_800;
const CLUSTER: &str = "vault-cluster-51a0c1e7";
const CLUSTER_ID: &str = "1c5b6f2e-0000-4000-8000-5a1e00000001";

/// What needs no token and is answered by a sealed Vault as well.
pub fn open_to_all(vault: &Vault, request: &Request<'_>, now_ms: i64) -> Option<Answer> {
    match (request.method, request.path) {
        ("GET" | "HEAD", "sys/health") => Some(health(vault, now_ms)),
        ("GET", "sys/seal-status") => Some(Answer::plain(200, seal_status(vault))),
        _ => None,
    }
}

fn health(vault: &Vault, now_ms: i64) -> Answer {
    let mut said = json!({
        "initialized": true, "sealed": vault.sealed, "standby": vault.sealed, "performance_standby": false,
        "replication_performance_mode": if vault.sealed { "unknown" } else { "disabled" },
        "replication_dr_mode": if vault.sealed { "unknown" } else { "disabled" },
        "server_time_utc": now_ms.div_euclid(1000), "version": VERSION, "enterprise": false,
        "echo_duration_ms": 0, "clock_skew_ms": 0, "replication_primary_canary_age_ms": 0,
    });
    if !vault.sealed {
        said["cluster_name"] = CLUSTER.into();
        said["cluster_id"] = CLUSTER_ID.into();
    }
    Answer::plain(if vault.sealed { 503 } else { 200 }, said)
}

fn seal_status(vault: &Vault) -> Value {
    let mut said = json!({
        "type": "shamir", "initialized": true, "sealed": vault.sealed, "t": 1, "n": 1, "progress": 0, "nonce": "",
        "version": VERSION, "migration": false, "recovery_seal": false, "build_date": "2026-03-18T20:25:02Z",
    });
    if !vault.sealed {
        said["cluster_name"] = CLUSTER.into();
        said["cluster_id"] = CLUSTER_ID.into();
    }
    said
}

/// What needs a token and is not in the engine.
pub fn ask(
    vault: &mut Vault,
    who: Identity,
    path: &str,
    asked: &Asked<'_>,
    rng: &mut Rng,
) -> Answer {
    match (asked.method, path) {
        ("GET", "auth/token/lookup-self") => {
            Answer::data(token(vault, who, asked.at.0)).wrapped("token", rng)
        }
        ("POST" | "PUT", "sys/capabilities-self") => capabilities(vault, who, &asked.body, rng),
        ("POST" | "PUT", "sys/seal") => {
            vault.sealed = true;
            Answer::empty()
        }
        _ => {
            let said = format!("no handler for route \"{path}\". route entry not found.");
            Answer::error(404, &said)
        }
    }
}

fn token(vault: &Vault, who: Identity, now_ms: i64) -> Value {
    let ends = who != Identity::Root;
    let lived = (now_ms - vault.began_ms).div_euclid(1000);
    // Whoever gave the token renews it before it ends.
    let left = LIFE - lived.rem_euclid(LIFE);
    let made = now_ms - (LIFE - left) * 1000;
    json!({
        "accessor": format!("simulated-accessor-{}", who.name()), "creation_time": made.div_euclid(1000),
        "creation_ttl": if ends { LIFE } else { 0 }, "display_name": format!("token-{}", who.name()), "entity_id": "",
        "expire_time": if ends { Value::from(time::nano(made + LIFE * 1000, 0)) } else { Value::Null },
        "explicit_max_ttl": 0, "id": who.token(), "issue_time": time::nano(made, 0), "meta": null, "num_uses": 0, "orphan": true,
        "path": "auth/token/create", "policies": who.policies(), "renewable": ends, "ttl": if ends { left } else { 0 },
        "type": "service",
    })
}

fn capabilities(vault: &mut Vault, who: Identity, body: &Value, rng: &mut Rng) -> Answer {
    let paths = match (&body["paths"], &body["path"]) {
        (Value::Array(paths), _) => paths.clone(),
        (one @ Value::String(_), _) | (_, one @ Value::String(_)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let paths: Vec<&str> = paths.iter().filter_map(Value::as_str).collect();
    if paths.is_empty() {
        return Answer::error(400, "paths must be supplied");
    }
    let policy = vault.policies.entry(who).or_default();
    let mut said = json!({});
    for path in &paths {
        said[*path] = policy.at(path.trim_start_matches('/')).into();
    }
    if let [only] = paths[..] {
        said["capabilities"] = said[only].clone();
    }
    let mut answer = Answer::data(said.clone()).wrapped("system", rng);
    if let (Some(whole), Some(fields)) = (answer.body.as_object_mut(), said.as_object()) {
        whole.extend(fields.clone());
    }
    answer
}
