//! The target's Vault: where it is, and with which token it is asked. Nothing is asked here.

use super::sources::sought;
use crate::config::settings::{Ambient, Hidden, VaultSource};
use crate::engine::Engine;
use crate::platform::http::{Http, Transport};
use crate::platform::vault::{Token, Vault};
use std::path::PathBuf;

/// The variable that names its address.
const ADDRESS: &str = "VAULT_ADDR";
/// The variable that holds the token.
const TOKEN: &str = "VAULT_TOKEN";
/// Where `vault login` leaves it.
pub const AT_HOME: &str = "~/.vault-token";

/// What is known of a Vault before anything is asked.
#[derive(Debug)]
pub struct Known {
    /// What the context names.
    pub named: Option<VaultSource>,
    /// What the environment's variables name.
    pub ambient: Ambient,
    /// A token that goes before every other.
    pub token: Option<Hidden>,
    /// The file that `vault login` leaves the token in.
    pub at_home: PathBuf,
}

/// The Vault that the context names, else the one that the variables name; none where nothing does.
pub fn of(known: Known, engine: &Engine) -> Result<Option<Vault>, String> {
    let Known {
        named,
        ambient,
        token,
        at_home,
    } = known;
    let way = named.as_ref().map(VaultSource::way);
    let http = Http::default();
    let found = sought(&http, way.as_ref(), ambient.vault.as_ref(), ADDRESS)?;
    let transport = match (found.named, found.ambient) {
        (Some(way), _) => engine.reach(&way),
        (None, Some(direct)) => Transport::Direct(direct),
        (None, None) => return Ok(None),
    };
    let (file, own) = named
        .map(|vault| (vault.token_file, vault.namespace))
        .unwrap_or_default();
    let secret = |token: Option<Hidden>| token.map(|token| token.secret());
    let token = match (file, token) {
        (Some(file), _) => Token::file(PathBuf::from(file)),
        (None, Some(token)) => {
            Token::default().or_given("the simulated platform", Some(token.secret()))
        }
        (None, None) => Token::default()
            .or_given(TOKEN, secret(ambient.vault_token))
            .or_file(at_home),
    };
    let vault = Vault::new(transport, token);
    Ok(Some(match own.or(ambient.vault_namespace) {
        Some(namespace) => vault.namespace(&namespace),
        None => vault,
    }))
}
