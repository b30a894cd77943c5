//! Names of runs and of effects. A run's id is a ULID; an effect's key is derived from run, step and iteration,
//! so the same effect has the same key after any crash. Time and randomness come as arguments.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::runbook::canonical::hex;

/// Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A ULID: 48 bits of milliseconds, 80 random bits, 26 characters; it sorts by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The id of a moment and ten random bytes.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let mut bytes = [0_u8; 16];
        let millis = now.as_millisecond().max(0) as u64;
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        let number = u128::from_be_bytes(bytes);
        let text = (0..26)
            .rev()
            .map(|place| char::from(ALPHABET[(number >> (place * 5)) as usize & 31]))
            .collect();
        Self(text)
    }

    /// Reads an id; anything that is not 26 characters of the alphabet is none.
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 26
            && text.bytes().all(|byte| ALPHABET.contains(&byte))
            && text.as_bytes()[0] <= b'7';
        good.then(|| Self(text.to_owned()))
    }

    /// The 26 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it for a screen: the first four and the last two.
    pub fn short(&self) -> String {
        format!("{}…{}", &self.0[..4], &self.0[24..])
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for RunId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
            .ok_or_else(|| "not a run id: 26 characters of Crockford's base 32".to_owned())
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

/// The key of one effect: a UUID of version 8 (own scheme) made from the SHA-256 of run, step path, direction and
/// iteration. Version 5 would be the same idea over SHA-1, which this program does not carry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey(String);

impl EffectKey {
    /// The key of a step's effect, or of its undo.
    pub fn new(run: &RunId, step: &str, undo: bool, iteration: u32) -> Self {
        let name = format!(
            "vigie-effect\n{run}\n{step}\n{}\n{iteration}",
            if undo { "undo" } else { "do" }
        );
        let digest = Sha256::digest(name.as_bytes());
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let text = hex(&bytes);
        Self(format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        ))
    }

    /// The 36 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `Audit-ID` of one attempt: unique per request, at most 64 characters.
    pub fn audit_id(&self, attempt: u32) -> String {
        format!("{}-{attempt}", self.0)
    }
}

impl fmt::Display for EffectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_are_ulids_that_sort_by_time_and_read_back() {
        let at = |ms: i64| RunId::new(Timestamp::from_millisecond(ms).unwrap(), [0xab; 10]);
        assert_eq!(
            RunId::new(
                Timestamp::from_millisecond(1_469_918_176_385).unwrap(),
                [0xff; 10]
            )
            .as_str(),
            "01ARYZ6S41ZZZZZZZZZZZZZZZZ"
        );
        assert!(at(1) < at(2) && at(2) < at(1_000_000_000_000));
        assert_eq!(RunId::parse(at(7).as_str()), Some(at(7)));
        for wrong in [
            "",
            "../../../etc/passwd0000000",
            "01aryz6s41zzzzzzzzzzzzzzzz",
            "81ARYZ6S41ZZZZZZZZZZZZZZZZ",
        ] {
            assert_eq!(RunId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_effect_key_is_the_same_again_and_differs_by_every_part() {
        let run = RunId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let other = RunId::new(Timestamp::UNIX_EPOCH, [2; 10]);
        let key = EffectKey::new(&run, "go-back", false, 0);
        assert_eq!(key, EffectKey::new(&run, "go-back", false, 0));
        for different in [
            EffectKey::new(&other, "go-back", false, 0),
            EffectKey::new(&run, "go", false, 0),
            EffectKey::new(&run, "go-back", true, 0),
            EffectKey::new(&run, "go-back", false, 1),
        ] {
            assert_ne!(key, different);
        }
        assert_eq!((key.as_str().len(), &key.as_str()[14..15]), (36, "8"));
        assert!(key.audit_id(u32::MAX).len() <= 64);
    }
}
