//! The bytes of a journal: `<length> <sha256(prev‖payload)> <payload>\n`, each hash over the one before. Reading
//! tells a torn tail, which a crash leaves, from damage in the middle, which it cannot.

use sha2::{Digest, Sha256};

use crate::runbook::canonical::hex;

/// The hash before the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The longest payload written or believed.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// The hash of a record.
pub fn chain(prev: &str, payload: &[u8]) -> String {
    let mut sha = Sha256::new();
    sha.update(prev.as_bytes());
    sha.update(payload);
    hex(&sha.finalize())
}

/// A record's bytes, and its hash.
pub fn encode(prev: &str, payload: &str) -> (Vec<u8>, String) {
    let hash = chain(prev, payload.as_bytes());
    (
        format!("{} {hash} {payload}\n", payload.len()).into_bytes(),
        hash,
    )
}

/// How a journal was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Every record holds.
    Whole,
    /// The last record was cut: so many bytes after the last good one.
    Torn(u64),
    /// A record does not hold and others follow: read-only.
    Damaged(Damage),
}

/// Where a journal was altered or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The record, from one.
    pub record: u64,
    /// Its byte offset.
    pub offset: u64,
    /// What is wrong.
    pub why: String,
}

/// A journal as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The good records' payloads, in order.
    pub payloads: Vec<String>,
    /// The hash of the last good one.
    pub head: String,
    /// Bytes up to the end of the last good one.
    pub good_len: u64,
    /// How it was found.
    pub condition: Condition,
}

/// What verification says; the exit codes of `vigie audit verify` are 0, 1 and 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every record holds; without an anchor the tail is not witnessed.
    Ok {
        /// How many records.
        records: u64,
        /// The last hash.
        head: String,
        /// An anchor vouches for the tail.
        witnessed: bool,
    },
    /// Altered or damaged here.
    Broken(Damage),
    /// Records are missing at the end: torn, or the anchor is not among them.
    Incomplete {
        /// How many hold.
        records: u64,
        /// What is missing.
        why: String,
    },
}

/// Reads a journal's bytes.
pub fn decode(bytes: &[u8]) -> Opened {
    let mut opened = Opened {
        payloads: Vec::new(),
        head: GENESIS.to_owned(),
        good_len: 0,
        condition: Condition::Whole,
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match one(rest, &opened.head) {
            Ok((payload, hash, used)) => {
                opened.payloads.push(payload);
                opened.head = hash;
                at += used;
                opened.good_len = at as u64;
            }
            Err(why) => {
                // A crash cuts the end; it never leaves a bad record that others follow.
                let last = rest
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .is_none_or(|end| end + 1 == rest.len())
                    && why.torn;
                opened.condition = if last {
                    Condition::Torn(rest.len() as u64)
                } else {
                    Condition::Damaged(Damage {
                        record: opened.payloads.len() as u64 + 1,
                        offset: at as u64,
                        why: why.text.to_owned(),
                    })
                };
                return opened;
            }
        }
    }
    opened
}

struct Flaw {
    text: &'static str,
    torn: bool,
}

fn one(rest: &[u8], prev: &str) -> Result<(String, String, usize), Flaw> {
    // Without its line end a record is unfinished whatever else it is; with it, it was complete once.
    let end = rest.iter().position(|byte| *byte == b'\n');
    let flaw = |text: &'static str| Flaw {
        text,
        torn: end.is_none(),
    };
    let digits = rest
        .iter()
        .take(9)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let length: usize = std::str::from_utf8(&rest[..digits])
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| flaw("no length"))?;
    if length > MAX_PAYLOAD {
        return Err(flaw("an impossible length"));
    }
    let body = digits + 1 + 64 + 1;
    let total = body + length + 1;
    let frame = rest
        .get(..total)
        .ok_or_else(|| flaw("shorter than it says"))?;
    if frame[digits] != b' ' || frame[body - 1] != b' ' || frame[total - 1] != b'\n' {
        return Err(flaw("not framed as a record"));
    }
    let hash = std::str::from_utf8(&frame[digits + 1..body - 1])
        .map_err(|_| flaw("not framed as a record"))?;
    let payload = &frame[body..total - 1];
    if chain(prev, payload) != hash {
        return Err(flaw(
            "its hash does not follow from the record before and its content",
        ));
    }
    let payload = std::str::from_utf8(payload).map_err(|_| flaw("not UTF-8"))?;
    Ok((payload.to_owned(), hash.to_owned(), total))
}

/// Verifies a journal's bytes, against an anchor if there is one.
pub fn verify(bytes: &[u8], anchor: Option<&str>) -> Verified {
    let opened = decode(bytes);
    let records = opened.payloads.len() as u64;
    match opened.condition {
        Condition::Damaged(damage) => Verified::Broken(damage),
        Condition::Torn(bytes) => Verified::Incomplete {
            records,
            why: format!("the last record is cut ({bytes} bytes)"),
        },
        Condition::Whole => {
            let mut head = GENESIS.to_owned();
            let mut seen = anchor == Some(GENESIS);
            for payload in &opened.payloads {
                head = chain(&head, payload.as_bytes());
                seen |= anchor == Some(head.as_str());
            }
            match anchor {
                Some(anchor) if !seen => Verified::Incomplete {
                    records,
                    why: format!(
                        "no record has the anchor's hash {anchor}: records are missing at the end, or the chain was rebuilt"
                    ),
                },
                _ => Verified::Ok {
                    records,
                    head,
                    witnessed: anchor.is_some(),
                },
            }
        }
    }
}
