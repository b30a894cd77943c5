//! A copy of records for somebody who may not see all that stands in them: free texts pass the redactor once more, and whoever
//! acted may be given a pseudonym. A copy is not the chain. Each of its lines carries a proof, the HMAC of the original's hash
//! under a key that stays with the originals: whoever has both can tell that the one was made of the other, and nobody else
//! can try names until the hash fits.

use crate::journal::incidents::clean;
use crate::journal::pseudonym::Pseudonyms;
use crate::journal::record;
use crate::runbook::canonical::{self, hex};
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The length of a copy's key in bytes.
pub const KEY: usize = 32;

/// A record with its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Original {
    /// Its content.
    pub value: Value,
    /// Its hash in the chain.
    pub hash: String,
}

/// The records of a journal's bytes, as far as they hold.
pub fn originals(bytes: &[u8]) -> Vec<Original> {
    let mut head = record::GENESIS.to_owned();
    let each = record::decode(bytes).payloads.into_iter().map(|payload| {
        head = record::chain(&head, payload.as_bytes());
        Original {
            value: serde_json::from_str(&payload).unwrap_or_default(),
            hash: head.clone(),
        }
    });
    each.collect()
}

/// What a copy says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Whoever acted has a pseudonym.
    pub pseudonymised: bool,
    /// In how many records a text was masked.
    pub masked: u64,
    /// What it is, for whoever opens it.
    pub what: String,
}

/// Makes a copy.
pub struct Copyist<'c> {
    cleaner: &'c dyn Fn(&str) -> String,
    names: Option<Pseudonyms>,
    key: [u8; KEY],
    masked: u64,
}

impl<'c> Copyist<'c> {
    /// With the redactor, a fresh key, and whether there are pseudonyms.
    pub fn new(cleaner: &'c dyn Fn(&str) -> String, key: [u8; KEY], pseudonymised: bool) -> Self {
        Self {
            cleaner,
            names: pseudonymised.then(Pseudonyms::default),
            key,
            masked: 0,
        }
    }

    /// Takes in the identities of these records; all of them before the first is copied.
    pub fn learn<'v>(&mut self, records: impl IntoIterator<Item = &'v Value>) {
        if let Some(names) = &mut self.names {
            records.into_iter().for_each(|record| names.learn(record));
        }
    }

    /// Takes in a name of which no record has a field.
    pub fn person(&mut self, name: &str) {
        if let Some(names) = &mut self.names {
            names.person(name);
        }
    }

    /// A text as it stands in the copy.
    pub fn text(&self, text: &str) -> String {
        self.names
            .as_ref()
            .map_or_else(|| text.to_owned(), |names| names.text(text))
    }

    /// A record as it stands in the copy.
    pub fn record(&mut self, record: &Value) -> Value {
        let mut clean = record.clone();
        clean::everywhere(&mut clean, self.cleaner);
        self.masked += u64::from(clean != *record);
        untraced(&mut clean);
        match &self.names {
            Some(names) => names.record(&clean),
            None => clean,
        }
    }

    /// The lines of a copy: number, content, proof.
    pub fn lines(&mut self, originals: &[Original]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (original, number) in originals.iter().zip(1_u64..) {
            let line = json!({
                "record": number, "content": self.record(&original.value), "proof": self.proof(&original.hash),
            });
            bytes.extend(canonical::to_string(&line).into_bytes());
            bytes.push(b'\n');
        }
        bytes
    }

    /// The proof of an original's hash.
    pub fn proof(&self, hash: &str) -> String {
        proof(&self.key, hash)
    }

    /// What the copy says of itself.
    pub fn note(&self) -> Note {
        let who = if self.names.is_some() {
            "whoever is named in a field of a record has a pseudonym of this export alone; a name typed into a sentence may remain. "
        } else {
            ""
        };
        Note {
            pseudonymised: self.names.is_some(),
            masked: self.masked,
            what: format!(
                "This is a copy, not the chain: {who}texts that were masked: {}. Each proof is HMAC-SHA256 of the original \
                 record's hash under a key in the audit log of whoever made it.",
                self.masked
            ),
        }
    }
}

/// Fields with which names could be tried: what they hold was computed of them.
const TRACES: [&str; 6] = ["hash", "prev", "head", "journal_head", "digest", "code"];

/// Without what was computed of the names.
fn untraced(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| !(TRACES.contains(&name.as_str()) && field.is_string()));
            fields.values_mut().for_each(untraced);
        }
        Value::Array(items) => items.iter_mut().for_each(untraced),
        _ => {}
    }
}

/// Whether the redactor would change a record.
pub fn would_mask(record: &Value, cleaner: &dyn Fn(&str) -> String) -> bool {
    let mut clean = record.clone();
    clean::everywhere(&mut clean, cleaner);
    clean != *record
}

fn proof(key: &[u8], hash: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hex(hmac::sign(&key, hash.as_bytes()).as_ref())
}

/// The proofs of a copy's lines, in order; an error says which line is none.
pub fn proofs(bytes: &[u8]) -> Result<Vec<String>, String> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let one = |(line, number): (&[u8], u64)| {
        let wrong = || format!("line {number} is not one of a copy");
        let line: Value = serde_json::from_slice(line).map_err(|_| wrong())?;
        let proof = line["proof"].as_str().filter(|proof| proof.len() == 64);
        match (line["record"].as_u64(), proof) {
            (Some(record), Some(proof)) if record == number && line["content"].is_object() => {
                Ok(proof.to_owned())
            }
            _ => Err(wrong()),
        }
    };
    lines.zip(1..).map(one).collect()
}

/// Whether a copy was made of these originals; an error says what differs.
pub fn compare(copy: &[u8], key: &[u8], hashes: &[String]) -> Result<(), String> {
    let proofs = proofs(copy)?;
    let pairs = proofs.iter().zip(hashes).zip(1_u64..);
    for ((said, hash), number) in pairs {
        if *said != proof(key, hash) {
            return Err(format!("record {number} is not the original's"));
        }
    }
    if proofs.len() > hashes.len() {
        let (there, missing) = (hashes.len(), proofs.len() - hashes.len());
        return Err(format!(
            "the original ends after record {there}: {missing} are missing"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn originals() -> Vec<Original> {
        let one = |text: &str, hash: char| Original {
            value: json!({"event": "run.note", "by": "ada", "text": text, "prev": hash.to_string().repeat(64)}),
            hash: hash.to_string().repeat(64),
        };
        vec![one("plain", 'a'), one("a secret of ada", 'b')]
    }

    #[test]
    fn a_copy_masks_names_nobody_and_can_be_held_against_its_originals_by_whoever_has_the_key() {
        let cleaner = |text: &str| text.replace("secret", "***");
        let originals = originals();
        let mut copyist = Copyist::new(&cleaner, [7; KEY], true);
        copyist.learn(originals.iter().map(|original| &original.value));
        let bytes = copyist.lines(&originals);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            text.contains("a *** of person-1") && !text.contains("ada"),
            "{text}"
        );
        assert!(
            !text.contains(&"a".repeat(64)),
            "no hash that could be tried: {text}"
        );
        assert_eq!(
            (copyist.note().masked, copyist.note().pseudonymised),
            (1, true)
        );
        let hashes: Vec<String> = originals.iter().map(|one| one.hash.clone()).collect();
        assert_eq!(compare(&bytes, &[7; KEY], &hashes), Ok(()));
        assert!(compare(&bytes, &[8; KEY], &hashes).is_err());
        assert!(
            compare(&bytes, &[7; KEY], &hashes[..1])
                .unwrap_err()
                .contains("1 are missing")
        );
        assert!(proofs(b"{}\n").is_err());
    }
}
