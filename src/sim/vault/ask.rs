//! One request to Vault: sealed or not, logged or not, whose token, allowed or not, then the part that answers.

use serde_json::Value;

use super::answer::{Answer, Asked, Request};
use super::core::{MOUNT, Record, Unaudited, Vault};
use super::policy::Identity;
use super::sys;
use crate::sim::seed::Rng;

const INTERNAL: &str = "1 error occurred:\n\t* internal error\n\n";
const DENIED: &str = "1 error occurred:\n\t* permission denied\n\n";

/// Answers a request.
pub fn ask(vault: &mut Vault, request: &Request<'_>, now_ms: i64, rng: &mut Rng) -> Answer {
    if let Some(answer) = sys::open_to_all(vault, request, now_ms) {
        return answer;
    }
    if vault.sealed {
        return Answer::error(503, "Vault is sealed");
    }
    let who = request.token.and_then(Identity::of);
    let who = who.filter(|who| !vault.revoked.contains(who));
    let body: Value = match request.body {
        [] => Value::Null,
        bytes => match serde_json::from_slice(bytes) {
            Ok(body) => body,
            Err(_) => return Answer::error(400, "error parsing JSON"),
        },
    };
    let keys = body["data"].as_object();
    let mut record = Record {
        at_ms: now_ms,
        who,
        method: request.method.to_owned(),
        path: request.path.to_owned(),
        keys: keys
            .map(|keys| keys.keys().cloned().collect())
            .unwrap_or_default(),
        code: 500,
        written: None,
    };
    if vault.unaudited == Some(Unaudited::Request) {
        // It stands in no device's log; only we remember it.
        vault.note(record);
        return Answer::error(500, INTERNAL);
    }
    let asked = Asked {
        method: request.method,
        content: request.content,
        who: who.map_or("", Identity::name),
        body,
        at: (now_ms, rng.between(0, 999_999) as u32),
        query: &request.query,
    };
    let answer = allowed(vault, who, request, &asked, rng);
    record.code = answer.code;
    record.written = answer.written;
    vault.note(record);
    if vault.unaudited == Some(Unaudited::Answer) {
        return Answer::error(500, INTERNAL);
    }
    answer
}

fn allowed(
    vault: &mut Vault,
    who: Option<Identity>,
    request: &Request<'_>,
    asked: &Asked<'_>,
    rng: &mut Rng,
) -> Answer {
    if request.token.is_none_or(str::is_empty) {
        return Answer::error(403, "permission denied");
    }
    let Some(who) = who else {
        let said = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";
        return Answer::error(403, said);
    };
    let path = request.path.trim_end_matches('/');
    let engine = path
        .strip_prefix(MOUNT)
        .and_then(|rest| rest.strip_prefix('/'));
    let engine = engine.map(|rest| rest.split_once('/').unwrap_or((rest, "")));
    let new = engine.is_some_and(|(part, below)| part == "data" && vault.kv.is_new(below));
    let capability = match request.method {
        "GET" | "LIST" if asked.lists() => "list",
        "GET" | "HEAD" => "read",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ if new => "create",
        _ => "update",
    };
    let policy = vault.policies.entry(who).or_default();
    if !policy.may(capability, path) {
        return Answer::error(403, DENIED);
    }
    match engine {
        Some((part, below)) => vault.kv.ask(part, below, asked).wrapped("kv", rng),
        None => sys::ask(vault, who, path, asked, rng),
    }
}
