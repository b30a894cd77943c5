//! The audit log's records about one thing, with what proves that they stand in its chain: the hashes of the records between
//! and after them, which say nothing of what those hold.

use crate::journal::audit::number;
use crate::journal::copy::Original;
use crate::journal::record;
use crate::runbook::canonical;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The records themselves.
pub const RECORDS: &str = "audit.jsonl";
/// Number and hash of every record from before the first of them to the log's end.
pub const CHAIN: &str = "audit.chain";
/// A copy of the records.
pub const COPY: &str = "audit.copy";

/// Where the audit log stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// The number of its last record.
    pub seq: u64,
    /// That one's hash; in a copy, its proof.
    pub head: String,
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its records.
    pub originals: Vec<Original>,
    /// [`CHAIN`].
    pub chain: String,
    /// Where the log stood.
    pub stand: Stand,
}

impl Part {
    /// [`RECORDS`].
    pub fn records(&self) -> Vec<u8> {
        let lines = self
            .originals
            .iter()
            .map(|one| canonical::to_string(&one.value) + "\n");
        lines.collect::<String>().into_bytes()
    }
}

fn hash(record: &Value) -> &str {
    record["hash"].as_str().unwrap_or_default()
}

/// The part of a log that these records are; none where there is none of them.
pub fn of(log: &[Value], wanted: impl Fn(&Value) -> bool) -> Option<Part> {
    let first = log.iter().position(&wanted)?;
    let before = log[first]["prev"].as_str().unwrap_or_default();
    // A string takes whatever is written.
    let mut chain = format!("{} {before}\n", number(&log[first]).saturating_sub(1));
    for record in &log[first..] {
        let _ = writeln!(chain, "{} {}", number(record), hash(record));
    }
    let last = log.last()?;
    let originals = log[first..].iter().filter(|record| wanted(record));
    Some(Part {
        originals: originals
            .map(|record| Original {
                value: record.clone(),
                hash: hash(record).to_owned(),
            })
            .collect(),
        chain,
        stand: Stand {
            seq: number(last),
            head: hash(last).to_owned(),
        },
    })
}

/// Whether the records stand in the chain, and it ends where it should.
pub fn check(records: &[u8], chain: &[u8], stand: &Stand) -> Result<(), String> {
    let text = String::from_utf8_lossy(chain);
    let mut hashes: BTreeMap<u64, &str> = BTreeMap::new();
    for line in text.lines() {
        let (seq, hash) = line
            .split_once(' ')
            .ok_or_else(|| format!("{CHAIN} cannot be read"))?;
        let seq: u64 = seq.parse().map_err(|_| format!("{CHAIN} cannot be read"))?;
        if hashes
            .last_key_value()
            .is_some_and(|(last, _)| last + 1 != seq)
        {
            return Err(format!("{CHAIN}: record {seq} does not follow"));
        }
        hashes.insert(seq, hash);
    }
    if hashes.last_key_value() != Some((&stand.seq, &stand.head.as_str())) {
        return Err(format!("{CHAIN} does not end where the manifest says"));
    }
    for line in records
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let record = serde_json::from_slice::<Value>(line).ok();
        let mut record = record
            .and_then(|record| record.as_object().cloned())
            .ok_or_else(|| format!("{RECORDS} cannot be read"))?;
        let seq = record
            .get("seq")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let said = record.remove("hash");
        let prev = hashes
            .get(&seq.wrapping_sub(1))
            .copied()
            .unwrap_or_default();
        let content = canonical::to_string(&Value::Object(record.clone()));
        let own = record::chain(prev, content.as_bytes());
        let stands = record.get("prev").and_then(Value::as_str) == Some(prev)
            && hashes.get(&seq) == Some(&own.as_str())
            && said.and_then(|said| said.as_str().map(str::to_owned)) == Some(own);
        if !stands {
            return Err(format!(
                "{RECORDS}: record {seq} does not stand in the chain"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::AuditEvent;
    use crate::journal::audit::line;
    use crate::journal::record::GENESIS;
    use serde_json::json;

    #[test]
    fn records_out_of_a_log_stand_in_its_chain_and_any_change_is_found() {
        let (mut log, mut head) = (Vec::new(), GENESIS.to_owned());
        for seq in 1..=9_u64 {
            let fields = json!({"run": {"id": format!("R{}", seq % 3)}});
            let event = AuditEvent {
                ts: jiff::Timestamp::UNIX_EPOCH,
                event: "step.intent".to_owned(),
                fields: fields.as_object().cloned().unwrap(),
            };
            let (bytes, hash) = line(&event, seq, &head);
            head = hash;
            log.push(serde_json::from_slice::<Value>(&bytes).unwrap());
        }
        let part = of(&log, |record| record["run"]["id"] == "R2").unwrap();
        assert_eq!((part.originals.len(), part.stand.seq), (3, 9));
        let (records, chain) = (part.records(), part.chain.clone().into_bytes());
        assert_eq!(check(&records, &chain, &part.stand), Ok(()));
        let text = String::from_utf8_lossy(&records).into_owned();
        for other in [
            text.replacen("R2", "R1", 1),
            text.replacen("\"seq\":5", "\"seq\":6", 1),
        ] {
            assert!(
                check(other.as_bytes(), &chain, &part.stand).is_err(),
                "{other}"
            );
        }
        let mut cut = part.chain.lines().take(4).collect::<Vec<_>>().join("\n");
        cut.push('\n');
        assert!(check(&records, cut.as_bytes(), &part.stand).is_err());
        assert!(of(&log, |_| false).is_none());
    }
}
