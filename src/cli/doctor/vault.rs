//! The doctor's check of the Vault that the configuration or `VAULT_ADDR` names: whether it answers and can be read, whose token we
//! have and how long it lives. Nothing is asked where none is named.

use super::check::Check;
use crate::cli::session::Session;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::vault::{Health, TokenInfo, Vault};

const NAME: &str = "vault";
const OF_TOKEN: &str = "vault token";
/// A token that ends sooner than a run may take is worth a word.
const SOON: u64 = 3_600;

/// The checks; none where no Vault is named.
pub async fn checks(session: &Session) -> Vec<Check> {
    let Some(vault) = &session.vault else {
        return Vec::new();
    };
    let open = match vault.health().await {
        Ok(health) => judged(&vault.address(), &health),
        Err(failure) => return vec![silent(&failure)],
    };
    if open.fix.is_some() {
        return vec![open];
    }
    vec![open, token(vault).await]
}

/// A Vault that gives no answer, or none of its own.
fn silent(failure: &Failure) -> Check {
    let said = match &failure.kind {
        FailureKind::Malformed => format!("{} answers, but not as a Vault does", failure.to),
        _ => format!("{} does not answer: {}", failure.to, failure.short()),
    };
    Check::not_ok(NAME, said, failure.advice())
}

/// What a Vault says of itself.
fn judged(address: &str, health: &Health) -> Check {
    if !health.initialized {
        return Check::not_ok(
            NAME,
            format!("{address} is not initialised"),
            "It holds nothing yet.",
        );
    }
    if health.sealed {
        return Check::not_ok(
            NAME,
            format!("{address} is sealed"),
            "It must be unsealed before secrets can be read.",
        );
    }
    Check::ok(
        NAME,
        format!("{} {address}", health.version).trim().to_owned(),
    )
}

/// Whose token it is and how long it lives. It may be missing: only runs that touch Vault need it.
async fn token(vault: &Vault) -> Check {
    let source = match vault.token_source().await {
        Ok(source) => source,
        Err(failure) => return Check::note(OF_TOKEN, failure.said.to_string(), failure.advice()),
    };
    match vault.token().await {
        Ok(info) => living(&source, &info),
        Err(failure) => Check::not_ok(
            OF_TOKEN,
            format!("from {source}: {}", failure.short()),
            failure.advice(),
        ),
    }
}

fn living(source: &str, info: &TokenInfo) -> Check {
    let policies: Vec<&str> = info.policies.iter().map(String::as_str).collect();
    let life = match info.ttl {
        None => "does not end".to_owned(),
        Some(seconds) => format!("ends in {}", span(seconds)),
    };
    let said = format!(
        "{} (from {source}), policies {}, {life}",
        info.display_name,
        policies.join(", ")
    );
    match info.ttl {
        Some(seconds) if seconds < SOON => {
            let fix = if info.renewable {
                "`vault token renew` prolongs it."
            } else {
                "Get a new one before a long run (`vault login`)."
            };
            Check::note(OF_TOKEN, said, fix)
        }
        _ => Check::ok(OF_TOKEN, said),
    }
}

/// A span of time in its two largest units.
fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn a_vault_is_well_only_when_it_is_open() {
        let health = |initialized, sealed| Health {
            initialized,
            sealed,
            standby: false,
            version: "1.21.4".into(),
            time: None,
        };
        assert_eq!(judged("http://v", &health(true, false)).state, State::Ok);
        for (initialized, sealed) in [(true, true), (false, true), (false, false)] {
            let check = judged("http://v", &health(initialized, sealed));
            assert_eq!(check.state, State::NotOk);
        }
    }

    #[test]
    fn a_token_says_whose_it_is_and_how_long_it_lives() {
        let info = |ttl, renewable| TokenInfo {
            display_name: "ldap-alice".into(),
            policies: ["default".into(), "oncall".into()].into(),
            ttl,
            renewable,
            ..TokenInfo::default()
        };
        let long = living("VAULT_TOKEN", &info(Some(90_000), false));
        assert_eq!(
            (long.state, long.said.as_str()),
            (
                State::Ok,
                "ldap-alice (from VAULT_TOKEN), policies default, oncall, ends in 1 d 1 h"
            )
        );
        let short = living("VAULT_TOKEN", &info(Some(125), true));
        assert_eq!(short.state, State::Note);
        assert!(short.said.ends_with("ends in 2 min") && short.fix.is_some());
        assert_eq!(living("x", &info(None, false)).state, State::Ok);
    }
}
