//! What a runbook declares before its first step: parameters, secrets, the rehearsal it asks for, where it comes from
//! and departs from.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use crate::runbook::model::words::{LiveList, ParamType};
use crate::runbook::place::Place;
use crate::runbook::template::Text;

/// A duration that serialises as whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedMillis(pub SignedDuration);

impl Serialize for SignedMillis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.as_millis() as i64)
    }
}

/// A declared parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it may hold.
    #[serde(rename = "type")]
    pub ty: ParamType,
    /// Used when nothing is given.
    pub default: Option<Value>,
    /// Must be given.
    pub required: bool,
    /// A glob with `*` the text must match.
    pub pattern: Option<String>,
    /// Least value, as written.
    pub min: Option<String>,
    /// Greatest value, as written.
    pub max: Option<String>,
    /// Allowed values of a choice.
    pub choices: Vec<String>,
    /// A live list for the form.
    pub from: Option<LiveList>,
    /// For the form.
    #[serde(skip)]
    pub help: Option<String>,
    /// Where it is declared.
    #[serde(skip)]
    pub place: Place,
}

/// A declared secret; it never has a default and never a value here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecretDecl {
    /// Its name.
    pub name: String,
    /// generate, prompt, vault or k8s.
    pub source: String,
    /// How many random bytes.
    pub bytes: Option<i64>,
    /// How they are written.
    pub encoding: Option<String>,
    /// Where in Vault it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// In which namespace, and in which Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<(Text, Text)>,
    /// Under which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Text>,
}

impl SecretDecl {
    /// Whether a person types it.
    pub fn is_typed(&self) -> bool {
        self.source == "prompt"
    }
}

/// A rehearsal the runbook asks for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearse {
    /// In which environment.
    #[serde(rename = "in")]
    pub environment: String,
    /// Not older than this.
    pub max_age: SignedMillis,
}

/// A pointer into the customer's document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocRef {
    /// The document.
    pub doc: String,
    /// The paragraph.
    pub reference: String,
}

/// A departure from the customer's document.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// From which paragraph.
    pub reference: String,
    /// Why.
    pub why: String,
    /// The trap avoided, as `T20`.
    pub trap: Option<String>,
}
