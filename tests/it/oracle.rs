//! What must hold after a run whatever happened to it, as code (O1 to O8): the servers' own records of writes, the journal
//! and the audit log are held against each other, and the planted secrets are hunted in everything that was left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use vigie::journal::{Audit, Condition, RealDisk, Runs, Verified};
use vigie::runbook::machine::{Entry, Fact, Intent, RunState};
use vigie::sim::access::Identity;
use vigie::sim::shared::Written;
use vigie::sim::vault::{self, PATH, Record, customers_secrets};
use vigie::sim::{NAMESPACE, Running};

/// The Secret that the simulated platform's pods read.
pub const SECRET: &str = "/api/v1/namespaces/veza-production/secrets/veza-secrets";

/// What is looked at.
pub struct Scene<'s> {
    /// The platform, whose record of writes is the witness.
    pub running: &'s Running,
    /// The state directory.
    pub state: &'s Path,
    /// What the program said, and what else must hold no secret, each with its name.
    pub said: &'s [(String, Vec<u8>)],
    /// The least time that a gate must have measured.
    pub hold: SignedDuration,
}

/// The run and what it changed, after it was found to be in order.
pub struct Found {
    /// The state it is in.
    pub state: RunState,
    /// Its journal.
    pub entries: Vec<Entry>,
    /// The writes to the cluster that took effect.
    pub writes: Vec<Written>,
    /// The writes to Vault that took effect.
    pub vault: Vec<Record>,
}

impl Found {
    /// How many effective writes have this in their path.
    pub fn count(&self, part: &str) -> usize {
        self.writes
            .iter()
            .filter(|write| write.path.contains(part))
            .count()
    }
}

/// Every intent of a journal, undos among them.
pub fn intents(entries: &[Entry]) -> impl Iterator<Item = &Intent> {
    entries.iter().filter_map(|entry| match &entry.fact {
        Fact::Intent(intent) | Fact::UndoIntent(intent) => Some(intent),
        _ => None,
    })
}

/// What our person wrote to the cluster with effect: no dry runs, locks, reviews.
pub fn effective(running: &Running) -> Vec<Written> {
    let writes = running.world().writes().into_iter();
    writes
        .filter(|write| write.user == Identity::Oncall.name() && !write.dry_run)
        .filter(|write| (200..300).contains(&write.code))
        .filter(|write| !write.path.contains("/leases") && !write.path.contains("reviews"))
        .collect()
}

/// What our person wrote to Vault with effect.
pub fn effective_in_vault(running: &Running) -> Vec<Record> {
    running.world().peek(|world| {
        let writes = world.vault().writes();
        writes
            .filter(|record| record.who == Some(vault::Identity::Oncall))
            .cloned()
            .collect()
    })
}

impl Scene<'_> {
    /// Holds everything against the oracle, for the one run of this state directory.
    pub fn examine(&self, case: &str) -> Found {
        let runs = Runs::new(self.state, RealDisk);
        let (listed, broken) = runs.list();
        assert!(broken.is_empty(), "{case}: O4 {broken:?}");
        assert_eq!(listed.len(), 1, "{case}: one run");
        let (_, entries, condition) = runs.peek(&listed[0].dir).unwrap();
        assert_eq!(condition, Condition::Whole, "{case}: O4 the journal");
        let audit = Audit::new(self.state, RealDisk).verify(None).unwrap();
        assert!(
            matches!(audit.verdict, Verified::Ok { .. }),
            "{case}: O4 {audit:?}"
        );
        let (writes, vault) = (effective(self.running), effective_in_vault(self.running));
        accounted(case, &entries, &writes, &vault);
        resolved(case, &entries);
        justified(case, &entries, self.hold);
        self.hunt(case);
        // O6: whatever could not be put back is said.
        for entry in &entries {
            if let Fact::End {
                state: RunState::RollbackIncomplete,
                leftovers,
                ..
            } = &entry.fact
            {
                assert!(!leftovers.is_empty(), "{case}: O6");
            }
        }
        Found {
            state: listed[0].state,
            entries,
            writes,
            vault,
        }
    }

    /// O5: no planted value, and no key that a run has made, in any form anywhere.
    pub fn hunt(&self, case: &str) {
        let mut planted: BTreeSet<String> = customers_secrets()
            .into_iter()
            .filter(|(key, _)| *key != "redis_url")
            .map(|(_, value)| value.to_owned())
            .collect();
        let values = self.running.world().peek(|world| {
            let newest = world.vault().values(PATH).cloned().unwrap_or_default();
            let newest = newest.into_iter();
            newest
                .filter(|(key, _)| key.starts_with("jwt_secret"))
                .filter_map(|(_, value)| value.as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        });
        planted.extend(values);
        planted.extend(
            secret(self.running)
                .into_iter()
                .filter(|(key, _)| key.starts_with("jwt-secret"))
                .map(|(_, value)| value),
        );
        let forms: Vec<String> = planted.iter().flat_map(|value| forms(value)).collect();
        let mut places = self.said.to_vec();
        files(self.state, &mut places);
        for (name, bytes) in &places {
            let text = String::from_utf8_lossy(bytes);
            for form in &forms {
                assert!(!text.contains(form), "{case}: O5 `{form}` is in {name}");
            }
        }
    }
}

/// The Secret's keys and values.
pub fn secret(running: &Running) -> BTreeMap<String, String> {
    running.world().peek(|world| {
        let kind = vigie::sim::kind::Kind::Secret;
        let tree = world.store().tree(kind, NAMESPACE, "veza-secrets");
        let data = tree.and_then(|tree| tree["data"].as_object().cloned());
        let standard = &base64::engine::general_purpose::STANDARD;
        let each = data.into_iter().flatten().filter_map(|(key, value)| {
            let value = standard.decode(value.as_str()?).ok()?;
            Some((key, String::from_utf8(value).ok()?))
        });
        each.collect()
    })
}

/// The values of the customer's path of Vault.
pub fn vault_values(running: &Running) -> BTreeMap<String, String> {
    running.world().peek(|world| {
        let values = world.vault().values(PATH).cloned().unwrap_or_default();
        let each = values.into_iter();
        each.filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect()
    })
}

/// O1 and O3: every write was announced by an intent, and none of them landed twice.
fn accounted(case: &str, entries: &[Entry], writes: &[Written], vault: &[Record]) {
    let mut landed: BTreeMap<String, usize> = BTreeMap::new();
    for write in writes {
        let intent = intents(entries).find(|intent| intent.audit_id == write.audit_id);
        let intent = intent.unwrap_or_else(|| panic!("{case}: O1 no intent for {write:?}"));
        *landed.entry(intent.effect.to_string()).or_default() += 1;
    }
    for record in vault {
        let destroys = record.path.contains("/destroy/");
        let intent = intents(entries).find(|intent| {
            let action = &intent.action;
            let mut keys: Vec<&str> = action
                .planned
                .changes
                .iter()
                .filter_map(|change| change.path.rsplit('/').next())
                .collect();
            keys.sort_unstable();
            let same = if destroys {
                action.planned.kind.contains("destroy")
            } else {
                let mut sent: Vec<&str> = record.keys.iter().map(String::as_str).collect();
                sent.sort_unstable();
                let after = record.written.map(|version| (version - 1).to_string());
                after.as_deref() == Some(action.resource_version.as_str()) && sent == keys
            };
            action.planned.object.in_vault() && same
        });
        let intent = intent.unwrap_or_else(|| panic!("{case}: O1 no intent for {record:?}"));
        if !destroys {
            *landed.entry(intent.effect.to_string()).or_default() += 1;
        }
    }
    landed.retain(|_, times| *times > 1);
    assert!(landed.is_empty(), "{case}: O3 {landed:?}");
}

/// O2: what became of every intent is known.
fn resolved(case: &str, entries: &[Entry]) {
    let mut open: BTreeMap<String, &Intent> = BTreeMap::new();
    for entry in entries {
        match &entry.fact {
            Fact::Intent(intent) | Fact::UndoIntent(intent) => {
                open.insert(intent.effect.to_string(), intent);
            }
            Fact::Outcome(outcome) | Fact::UndoOutcome(outcome) => {
                open.remove(outcome.effect.as_str());
            }
            Fact::Probed(probe) | Fact::UndoProbed(probe) => {
                open.remove(probe.effect.as_str());
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{case}: O2 {open:#?}");
}

/// O8: no gate passed without samples of every metric, nor before it had measured for as long as it must since whoever
/// measured began.
fn justified(case: &str, entries: &[Entry], hold: SignedDuration) {
    let mut begun: Option<Timestamp> = None;
    for entry in entries {
        match &entry.fact {
            Fact::Started { .. } | Fact::Resumed { .. } | Fact::Decision { .. } => {
                begun = Some(entry.ts)
            }
            Fact::Verdict {
                verdict, metrics, ..
            } if verdict == "pass" => {
                assert!(!metrics.is_empty(), "{case}: O8 a pass without metrics");
                let since = begun.unwrap_or_else(|| panic!("{case}: O8 a verdict of no step"));
                let measured = entry.ts.duration_since(since);
                assert!(measured >= hold, "{case}: O8 passed after {measured}");
            }
            _ => {}
        }
    }
}

/// Every form in which a value might be left somewhere.
pub fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = value
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "-_.~".contains(c) => c.to_string(),
            c => format!("%{:02X}", c as u32),
        })
        .collect();
    let json = serde_json::to_string(value).unwrap();
    let middle = (0..=value.len() / 2)
        .rev()
        .find(|at| value.is_char_boundary(*at));
    let (first, second) = value.split_at(middle.unwrap_or_default());
    let backwards: String = value.chars().rev().collect();
    let turn = |half: &str| half.chars().rev().collect::<String>();
    let mut all = vec![
        value.to_owned(),
        hex.to_uppercase(),
        hex,
        percent,
        escaped,
        json.trim_matches('"').to_owned(),
        json.trim_matches('"').replace('/', "\\/"),
        format!("{second}{first}"),
        format!("{}{}", turn(first), turn(second)),
        backwards,
    ];
    // Base64 of a longer text shows another part of the value for each of three beginnings.
    for skipped in 0..3 {
        let whole = &bytes[skipped..];
        let whole = &whole[..whole.len() / 3 * 3];
        all.push(base64::engine::general_purpose::STANDARD.encode(whole));
        all.push(base64::engine::general_purpose::URL_SAFE.encode(whole));
    }
    all.sort();
    all.dedup();
    all
}

/// Every file below a folder, as bytes.
pub fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn a_value_is_found_in_every_form_it_may_take() {
    let value = "first/key-äöü";
    let long = format!("ab{value}cd");
    let texts = [
        format!("x{value}x"),
        base64::engine::general_purpose::STANDARD.encode(&long),
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&long),
        base64::engine::general_purpose::STANDARD.encode(value),
        value.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "first%2Fkey-".to_owned() + "%E4%F6%FC",
        "first\\/key-äöü".to_owned(),
        value.chars().rev().collect(),
    ];
    for text in texts {
        assert!(
            forms(value).iter().any(|form| text.contains(form)),
            "{text}"
        );
    }
}
