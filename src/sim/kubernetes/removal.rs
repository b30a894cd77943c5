//! How a deletion or an eviction is asked for: `DeleteOptions` in the body of a deletion, in `deleteOptions` of an
//! eviction, or in the query; a rehearsal may be asked for in any of these places.

use http::Method;
use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::asked::Asked;
use super::route::Path;

/// Whether nothing is to be kept.
pub fn dry_run(asked: &Asked, body: &Value) -> Result<bool, Refusal> {
    let unsupported = |other: &str| {
        Refusal::bad_request(format!(
            "dryRun: Unsupported value: \"{other}\": supported values: \"All\""
        ))
    };
    match asked.query.text("dryRun") {
        "" => {}
        "All" => return Ok(true),
        other => return Err(unsupported(other)),
    }
    let evicts = matches!(&asked.path, Path::Object { part, .. } if part == "eviction");
    let options = if evicts {
        &body["deleteOptions"]
    } else if asked.method == Method::DELETE {
        body
    } else {
        return Ok(false);
    };
    let Some(asked) = options["dryRun"].as_array() else {
        return Ok(false);
    };
    match asked.iter().find(|one| *one != "All") {
        Some(other) => Err(unsupported(other.as_str().unwrap_or_default())),
        None => Ok(!asked.is_empty()),
    }
}

/// The options of a deletion, from the body or the query.
pub fn options(asked: &Asked, body: &Value) -> Value {
    let mut options = if body.is_object() {
        body.clone()
    } else {
        json!({})
    };
    if let Some(seconds) = asked.query.number("gracePeriodSeconds") {
        options["gracePeriodSeconds"] = seconds.into();
    }
    let policy = asked.query.text("propagationPolicy");
    if !policy.is_empty() {
        options["propagationPolicy"] = policy.into();
    }
    options
}
