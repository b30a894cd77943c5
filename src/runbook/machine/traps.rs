//! The traps of a key's rotation, each judged by its number before the first effect: red where the run as planned would
//! do the damage, amber where that cannot be told, and passed, with the reason, where the procedure makes it impossible.

use jiff::Timestamp;
use serde_json::Value;

use crate::runbook::machine::run::Run;
use crate::runbook::model::{SecretStep, StepKind};
use crate::runbook::preflight::{Level, Line};
use crate::runbook::prose::bounded;

/// After so many days a signing key is due, and this long before it is said.
const DUE_DAYS: i64 = 90;
const SOON_DAYS: i64 = 80;

/// What the run found out about the key.
struct Found<'r> {
    consumers: &'r Value,
    vault: Option<&'r Value>,
    key: String,
    cutover: bool,
    leaked: bool,
    seen: Timestamp,
}

impl Run {
    /// The lines about traps, where the plan changes a key that services read.
    pub(super) fn trap_lines(&self) -> Vec<Line> {
        let out_of = |wanted: fn(&SecretStep) -> bool| {
            let step = self
                .plan
                .iter()
                .find(|step| matches!(&step.kind, StepKind::Secret(secret) if wanted(secret)));
            step.and_then(|step| self.ledger.outs.get(&step.id))
        };
        let found = out_of(|step| matches!(step, SecretStep::Consumers { .. }));
        let Some(consumers) = found else {
            return Vec::new();
        };
        let vault = out_of(|step| matches!(step, SecretStep::Read { .. }));
        let param = |name: &str| self.ledger.params.get(name);
        let found = Found {
            consumers,
            vault,
            key: param("vault_key")
                .and_then(Value::as_str)
                .unwrap_or("jwt_secret")
                .to_owned(),
            cutover: param("strategy").and_then(Value::as_str) != Some("overlap"),
            leaked: param("leaked") == Some(&Value::Bool(true)),
            seen: self.ledger.last_at,
        };
        let mut lines = found.places();
        lines.extend(found.owner());
        lines.extend(found.strategy());
        lines.extend(by_construction());
        lines
    }
}

fn trap(level: Level, number: &str, what: &str, fact: impl Into<String>) -> Line {
    Line::new(level, format!("{number} {what}"), fact)
}

impl Found<'_> {
    fn text(&self, key: &str) -> &str {
        self.consumers[key].as_str().unwrap_or_default()
    }

    fn names(&self, key: &str) -> Vec<String> {
        let list = self.consumers[key].as_array().into_iter().flatten();
        let name = |one: &Value| one["name"].as_str().or(one.as_str()).map(str::to_owned);
        list.filter_map(name)
            .map(|name| bounded(&name, 80))
            .collect()
    }

    /// Whether the right things are changed: the Secret that is read, the path that has the key.
    fn places(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let unread = self.names("unread");
        let secret = self.text("secret");
        let beside = if unread.is_empty() {
            String::new()
        } else {
            format!("; nobody reads {}, which is left alone", unread.join(", "))
        };
        lines.push(trap(
            Level::Passed,
            "T02",
            "a Secret that nobody reads",
            format!("prevented: the pods read {secret}, by their own templates{beside}"),
        ));
        let readers = self.names("workloads");
        lines.push(trap(
            Level::Passed,
            "T09",
            "names that are not there",
            format!(
                "prevented: {} found by their templates: {}",
                readers.len(),
                readers.join(", ")
            ),
        ));
        let Some(vault) = self.vault else {
            return lines;
        };
        let keys: Vec<&str> = vault["keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let others = keys.iter().filter(|key| **key != self.key).count();
        lines.push(trap(
            Level::Passed,
            "T01",
            "`kv put` over a whole path",
            format!(
                "prevented: one patch of the named key with check-and-set; {others} other keys stay"
            ),
        ));
        lines.push(if keys.contains(&self.key.as_str()) {
            let fact = format!("{} is among its {} keys (names only)", self.key, keys.len());
            trap(Level::Passed, "T12", "three layouts of Vault", fact)
        } else {
            let fact = format!("the path has no key {}", self.key);
            trap(Level::Red, "T12", "three layouts of Vault", fact)
                .fix("name the key with vault_key, or another vault_path")
        });
        lines.extend(self.age(vault));
        lines
    }

    /// How old the key is. Versions of the path say when something of it was written, not which key.
    fn age(&self, vault: &Value) -> Option<Line> {
        let written = vault["created"].as_str()?.parse::<Timestamp>().ok()?;
        let days = self.seen.duration_since(written).as_hours() / 24;
        let what = "how often a key is changed";
        Some(match days {
            days if days >= DUE_DAYS => {
                let fact =
                    format!("the path was written {days} days ago: {DUE_DAYS} are the limit");
                trap(Level::Noted, "T42", what, fact)
            }
            days if days >= SOON_DAYS => {
                let fact = format!("the path was written {days} days ago: due at {DUE_DAYS}");
                trap(Level::Noted, "T42", what, fact)
            }
            days => {
                let fact = format!("the path was written {days} days ago; due at {DUE_DAYS}");
                trap(Level::Passed, "T42", what, fact)
            }
        })
    }

    /// Whether whoever owns the Secret would put it back.
    fn owner(&self) -> Vec<Line> {
        let what = "a Secret that something else writes";
        let (owner, name) = (self.text("owner"), bounded(self.text("owner_name"), 80));
        let secret = self.text("secret");
        let eso = owner == "externalsecret";
        let mut lines = vec![match owner {
            "none" => {
                let fact = format!("nobody owns {secret}: it is patched, key by key");
                trap(Level::Passed, "T03", what, fact)
            }
            "externalsecret" if self.vault.is_none() => {
                let fact = format!(
                    "External Secrets ({name}) writes {secret} from its store, and no Vault is named here"
                );
                trap(Level::Red, "T03", what, fact)
                    .fix("name vault_path, and Vault in the configuration of this context")
            }
            "externalsecret" => {
                let fact = format!(
                    "prevented: External Secrets ({name}) owns {secret}; Vault is changed and it is asked to copy"
                );
                trap(Level::Passed, "T03", what, fact)
            }
            other => {
                let fact = format!(
                    "{other} ({name}) owns {secret}: what is written here is gone at its next sync"
                );
                trap(Level::Red, "T03", what, fact).fix("change it where it comes from")
            }
        }];
        let what = "a copy that is not new";
        lines.push(match (eso, self.text("refresh_policy")) {
            (true, "CreatedOnce") => {
                let fact = "its refreshPolicy is CreatedOnce: it never copies again";
                trap(Level::Red, "T11", what, fact).fix("set refreshPolicy to Periodic, where it is declared")
            }
            (true, _) => {
                let fact = "prevented: its refreshTime must be after the asking, and the values equal Vault's";
                trap(Level::Passed, "T11", what, fact)
            }
            (false, _) => trap(Level::Passed, "T11", what, "prevented: no controller copies it"),
        });
        let what = "values in last-applied-configuration";
        lines.push(if self.consumers["applied_copy"] == true {
            let fact = if eso {
                format!("{secret} has a copy of its values in that annotation: remove it")
            } else {
                format!("{secret} has a copy of its old values in that annotation; it is removed with the change")
            };
            trap(Level::Noted, "T07", what, fact)
        } else {
            trap(Level::Passed, "T07", what, "prevented: patched, never applied")
        });
        lines
    }

    /// What the strategy means for tokens that are out.
    fn strategy(&self) -> Vec<Line> {
        let what = "old tokens during the change";
        let both = self.consumers["overlap"] == true;
        let old = "old versions of the key";
        let kept = if self.leaked {
            let fact = "prevented: the versions that hold it are destroyed, not deleted";
            trap(Level::Passed, "T13", old, fact)
        } else {
            let fact = "they stay readable in Vault; leaked = true destroys them";
            trap(Level::Noted, "T13", old, fact)
        };
        let tokens = match (self.cutover, both) {
            (true, _) => trap(
                Level::Amber,
                "T04",
                what,
                "one step; every session ends now: tokens signed with the old key are refused",
            ),
            (false, true) => trap(
                Level::Passed,
                "T04",
                what,
                "prevented: every reader accepts the next and the previous key as well",
            ),
            (false, false) => trap(
                Level::Red,
                "T04",
                what,
                "not every reader accepts a second key: tokens would be refused during the change",
            )
            .fix("ship jwt-secret-next and jwt-secret-previous first, or choose strategy=cutover"),
        };
        vec![tokens, kept]
    }
}

/// Traps of the document's own commands, which nothing here ever runs.
fn by_construction() -> Vec<Line> {
    [
        ("T05", "a key of two lines", "prevented: made in memory as one line of base64url, 64 bytes of the system's randomness"),
        ("T06", "values on a command line", "prevented: values go into the bodies of requests and nowhere else"),
        ("T08", "values encoded twice, a Secret that exists", "prevented: single keys are patched, as they are"),
        ("T10", "force-sync without --overwrite", "prevented: the annotation is patched, whatever it was"),
        ("T14", "ten lines of log as proof", "prevented: judged by signals and by every pod, never by a log"),
        ("T23", "waits without an end", "prevented: every wait has a deadline, and ends early where it is hopeless"),
        ("T24", "a Service without endpoints", "prevented: no label and no selector is changed"),
        ("T40", "secrets on the screen", "prevented: names, versions and fingerprints are all that is shown"),
    ]
    .map(|(number, what, fact)| trap(Level::Passed, number, what, fact))
    .to_vec()
}
