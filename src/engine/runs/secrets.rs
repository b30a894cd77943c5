//! The secrets of one run, in memory: values by their fingerprints, for as long as this process carries the run. What the
//! machine, the journal and the screen get are fingerprints; a value leaves this room only in the body of a request.

mod consumers;
mod look;
mod proof;
mod send;
mod source;
mod vault;

pub use consumers::find as consumers;
pub use look::state;
pub use proof::{pods, synced};
pub use send::send;
pub use vault::lines as vault_lines;
pub use vault::may as may_in_vault;

use crate::runbook::canonical::hex;
use crate::runbook::model::SecretDecl;
use aws_lc_rs::hmac;
use base64::Engine as _;
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretSlice};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How many bytes of a fingerprint are kept: enough to tell values apart, too few for anything else.
const SHORT: usize = 8;
/// The bytes of a generated secret, unless its declaration says otherwise.
const BYTES: i64 = 64;
/// The least and the most a declaration may ask for.
const BOUNDS: std::ops::RangeInclusive<i64> = 32..=1024;

/// Values by fingerprint.
pub struct Secrets {
    key: hmac::Key,
    values: Mutex<HashMap<String, SecretSlice<u8>>>,
    made: Mutex<BTreeMap<String, String>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// None yet, under a key of this run. From here on this process leaves no core dump.
    pub fn new(key: [u8; 32]) -> Self {
        undumped();
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            values: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// The fingerprint of a value.
    pub fn print(&self, value: &[u8]) -> String {
        let tag = hmac::sign(&self.key, value);
        format!("hmac:{}", hex(&tag.as_ref()[..SHORT]))
    }

    /// Keeps a value for later, under its fingerprint.
    pub fn keep(&self, value: Vec<u8>) -> String {
        let print = self.print(&value);
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert(print.clone(), SecretSlice::from(value));
        print
    }

    /// The value of a fingerprint, where it was kept.
    fn value(&self, print: &str) -> Option<SecretSlice<u8>> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.get(print).cloned()
    }

    /// Every value that is known, for whoever must keep them out of a text.
    fn all(&self) -> Vec<SecretSlice<u8>> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.values().cloned().collect()
    }

    /// The fingerprint of a declared secret, made at the first asking from the system's own randomness. One line, and
    /// nothing but letters, digits, `-` and `_`.
    pub fn make(&self, declared: &SecretDecl) -> Result<String, String> {
        if let Some(print) = self.known(&declared.name) {
            return Ok(print);
        }
        if declared.source != "generate" {
            let (name, source) = (&declared.name, &declared.source);
            return Err(format!(
                "secret {name}: source = {source:?} is not made here"
            ));
        }
        let bytes = declared.bytes.unwrap_or(BYTES);
        if !BOUNDS.contains(&bytes) {
            return Err(format!(
                "secret {}: {bytes} bytes; at least 32, at most 1024",
                declared.name
            ));
        }
        let mut random = vec![0; bytes as usize];
        getrandom::fill(&mut random).map_err(|error| format!("no randomness: {error}"))?;
        let text = match declared.encoding.as_deref() {
            None | Some("base64url") => {
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&random)
            }
            Some("hex") => hex(&random),
            Some(other) => {
                return Err(format!("secret {}: no encoding {other}", declared.name));
            }
        };
        random.zeroize();
        Ok(self.remember(&declared.name, text.into_bytes()))
    }

    /// The fingerprint of a declared secret that this process has.
    fn known(&self, name: &str) -> Option<String> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(name).cloned()
    }

    /// Keeps the value of a declared secret for as long as this process carries the run.
    pub fn remember(&self, name: &str, value: Vec<u8>) -> String {
        let print = self.keep(value);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(name.to_owned(), print.clone());
        print
    }

    /// A text without any value that is known here, whatever form it was given.
    pub fn cleaned(&self, text: &str) -> String {
        let values: Vec<String> = self
            .all()
            .iter()
            .filter_map(|value| String::from_utf8(value.expose_secret().to_vec()).ok())
            .filter(|value| value.len() >= 6)
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        crate::domain::redact::Redactor::of(&values).clean(text)
    }
}

/// Keeps the memory of this process out of core dumps: of the kernel's, and of what a system has for taking them.
fn undumped() {
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let limited = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    #[cfg(target_os = "linux")]
    let limited = limited.and(rustix::process::set_dumpable_behavior(
        rustix::process::DumpableBehavior::NotDumpable,
    ));
    if let Err(error) = limited {
        tracing::warn!("core dumps of this process are not prevented: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(bytes: Option<i64>, encoding: Option<&str>) -> SecretDecl {
        SecretDecl {
            name: "new_key".into(),
            source: "generate".into(),
            bytes,
            encoding: encoding.map(str::to_owned),
            at: None,
            of: None,
            key: None,
        }
    }

    #[test]
    fn a_key_is_made_once_on_one_line_and_only_its_fingerprint_leaves() {
        let secrets = Secrets::new([7; 32]);
        let print = secrets.make(&declared(Some(64), None)).unwrap();
        assert_eq!(
            secrets.make(&declared(Some(64), None)).unwrap(),
            print,
            "made once"
        );
        let value = secrets.value(&print).unwrap();
        let text = String::from_utf8(value.expose_secret().to_vec()).unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(text.len() == 86 && text.chars().all(plain), "T05");
        assert!(print.starts_with("hmac:") && print.len() == 5 + 2 * SHORT);
        assert!(!format!("{secrets:?}").contains(&text));
        assert!(!secrets.cleaned(&format!("no: {text}")).contains(&text));
        let other = Secrets::new([7; 32]);
        assert_ne!(other.make(&declared(None, None)).unwrap(), print);
        assert_eq!(other.print(text.as_bytes()), print, "the same key of a run");
        assert_ne!(Secrets::new([8; 32]).print(text.as_bytes()), print);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_holds_secrets_leaves_no_core_dump() {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
        let _secrets = Secrets::new([3; 32]);
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }

    #[test]
    fn a_weak_or_unknown_declaration_makes_nothing() {
        let secrets = Secrets::new([1; 32]);
        assert!(secrets.make(&declared(Some(8), None)).is_err());
        assert!(secrets.make(&declared(None, Some("rot13"))).is_err());
        let prompted = SecretDecl {
            source: "prompt".into(),
            ..declared(None, None)
        };
        assert!(secrets.make(&prompted).is_err());
        assert_eq!(
            secrets
                .make(&declared(Some(32), Some("hex")))
                .map(|p| p.len()),
            Ok(21)
        );
    }
}
