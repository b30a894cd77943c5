//! How the sources of a context are reached: by an address of their own, or through the apiserver's proxy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a Vault is reached, and with which token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VaultSource {
    /// Its address, http or https.
    pub url: Option<String>,
    /// NAMESPACE/NAME:PORT of a Service, reached through the apiserver.
    pub service: Option<String>,
    /// A file with the token; without it VAULT_TOKEN, then ~/.vault-token.
    pub token_file: Option<String>,
    /// A namespace of Vault's own.
    pub namespace: Option<String>,
}

impl VaultSource {
    /// The way to it, without its token.
    pub fn way(&self) -> Source {
        Source {
            url: self.url.clone(),
            service: self.service.clone(),
            ..Source::default()
        }
    }
}

/// How a source is reached: by `url`, or as a `service` through the apiserver's proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// Its address, http or https.
    pub url: Option<String>,
    /// NAMESPACE/NAME:PORT of a Service, reached through the apiserver.
    pub service: Option<String>,
    /// A file whose content is sent as bearer token.
    pub token_file: Option<String>,
    /// The tenant of a Mimir, Cortex or Thanos in front.
    pub tenant: Option<String>,
    /// The header that names the tenant.
    pub tenant_header: String,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            url: None,
            service: None,
            token_file: None,
            tenant: None,
            tenant_header: "X-Scope-OrgID".into(),
        }
    }
}
