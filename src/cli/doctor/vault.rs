//! The doctor's check of the Vault that the configuration or `VAULT_ADDR` names: whether it answers and whether it can be read.
//! Nothing is asked where none is named, and no token is sent: how it is needs none.

use super::check::{Check, silent};
use crate::cli::session::{Session, Start};
use crate::cli::sources::sought;
use crate::platform::http::{Body, Http, Method, Transport};
use serde_json::Value;

const NAME: &str = "vault";

/// The check; none where no Vault is named.
pub async fn check(start: &Start, session: &Session) -> Option<Check> {
    let config = start.loaded.config();
    let named = start.named(&session.app.target.context).vault;
    let http = Http::default();
    let ambient = config.ambient.vault.as_ref();
    let found = sought(&http, named.as_ref(), ambient, "VAULT_ADDR");
    let (named, ambient) = match found {
        Ok(found) => (found.named, found.ambient),
        Err(why) => return Some(Check::not_ok(NAME, why, "Name it as [context.NAME] vault.")),
    };
    let transport = match (named, ambient) {
        (Some(way), _) => session.engine.reach(&way),
        (None, Some(direct)) => Transport::Direct(direct),
        (None, None) => return None,
    };
    let address = transport.address();
    let asked = transport
        .ask(Method::GET, "/v1/sys/health", Body::Empty)
        .await;
    Some(match asked {
        Ok((_, body)) => judged(&address, &serde_json::from_slice(&body).unwrap_or_default()),
        Err(failure) => silent(NAME, &address, &failure),
    })
}

/// What a Vault says of itself.
fn judged(address: &str, said: &Value) -> Check {
    let is = |key: &str| said.get(key).and_then(Value::as_bool);
    let version = said.get("version").and_then(Value::as_str).unwrap_or("");
    match (is("initialized"), is("sealed")) {
        (Some(true), Some(false)) => {
            Check::ok(NAME, format!("{version} {address}").trim().to_owned())
        }
        (_, Some(true)) => Check::not_ok(
            NAME,
            format!("{address} is sealed"),
            "It must be unsealed before secrets can be read.",
        ),
        (Some(false), _) => Check::not_ok(
            NAME,
            format!("{address} is not initialised"),
            "It holds nothing yet.",
        ),
        _ => Check::not_ok(
            NAME,
            format!("{address} answers, but not as a Vault does"),
            "Check the address.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_vault_is_well_only_when_it_is_open() {
        let state = |said: Value| judged("http://v", &said).state;
        assert_eq!(
            state(json!({"initialized": true, "sealed": false, "version": "1.21.4"})),
            State::Ok
        );
        for bad in [
            json!({"initialized": true, "sealed": true}),
            json!({"initialized": false, "sealed": true}),
            json!({}),
            json!(null),
        ] {
            assert_eq!(state(bad.clone()), State::NotOk, "{bad}");
        }
    }
}
