//! What the ecosystem's own variables say: addresses, and a token that nothing shows.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// What the ecosystem's own variables name. It binds only where `[context.NAME]` names nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ambient {
    /// `PROMETHEUS_URL`.
    pub prometheus: Option<String>,
    /// `ALERTMANAGER_URL`.
    pub alertmanager: Option<String>,
    /// `VAULT_ADDR`.
    pub vault: Option<String>,
    /// `VAULT_TOKEN`.
    pub vault_token: Option<Hidden>,
    /// `VAULT_NAMESPACE`.
    pub vault_namespace: Option<String>,
}

/// A secret of the environment: compared, handed on, shown by nobody.
#[derive(Clone)]
pub struct Hidden(SecretString);

impl Hidden {
    /// Hides a text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The secret, for whoever sends it.
    pub fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Hidden {}
