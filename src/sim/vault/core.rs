//! Everything a simulated Vault is: the engine, whether it is sealed, what its audit devices do, who may what, what was asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::kv::{Kv, actor};
use super::policy::{Identity, Policy};

/// Where the engine is mounted.
pub const MOUNT: &str = "secret";
/// The path of the customer's secrets.
pub const PATH: &str = "veza/production";
/// The version that it says it is.
pub const VERSION: &str = "1.21.4";

/// How many requests the audit log remembers.
const REMEMBERED: usize = 10_000;

/// Where the audit devices fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unaudited {
    /// A request cannot be logged: nothing is done.
    Request,
    /// An answer cannot be logged: it is done, and the answer is withheld.
    Answer,
}

/// One request as the audit log has it: no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at_ms: i64,
    /// Who, if the token was one.
    pub who: Option<Identity>,
    /// The method.
    pub method: String,
    /// The path of the API, without `/v1/`.
    pub path: String,
    /// The keys that were sent.
    pub keys: Vec<String>,
    /// The code of the answer.
    pub code: u16,
    /// The version that was written.
    pub written: Option<u64>,
}

/// One simulated Vault.
#[derive(Debug)]
pub struct Vault {
    pub(super) kv: Kv,
    pub(super) sealed: bool,
    pub(super) unaudited: Option<Unaudited>,
    pub(super) policies: BTreeMap<Identity, Policy>,
    pub(super) revoked: BTreeSet<Identity>,
    log: VecDeque<Record>,
    pub(super) began_ms: i64,
}

impl Vault {
    /// A Vault with the customer's secrets in it, written then.
    pub fn new(now_ms: i64) -> Self {
        let mut vault = Self {
            kv: Kv::default(),
            sealed: false,
            unaudited: None,
            policies: Identity::ALL.map(|who| (who, who.usual())).into(),
            revoked: BTreeSet::new(),
            log: VecDeque::new(),
            began_ms: now_ms,
        };
        let values = customers_secrets().map(|(key, value)| (key.to_owned(), json!(value)));
        vault.kv.put(
            PATH,
            values.into_iter().collect(),
            (now_ms, 0),
            actor("root", "create"),
        );
        vault
    }

    /// Seals it, or opens it again.
    pub fn seal(&mut self, sealed: bool) {
        self.sealed = sealed;
    }

    /// Whether it is sealed.
    pub fn sealed(&self) -> bool {
        self.sealed
    }

    /// Lets its audit devices fail, or work again.
    pub fn fail_audit(&mut self, where_: Option<Unaudited>) {
        self.unaudited = where_;
    }

    /// Gives an identity these rights at a path of the API (`secret/data/veza/production`, a `*` at the end for all below) in place of
    /// those that it had there; none takes them away.
    pub fn grant(&mut self, who: Identity, path: &str, capabilities: &[&'static str]) {
        self.policies
            .entry(who)
            .or_default()
            .set(path, capabilities);
    }

    /// Makes an identity's token worthless, or good again.
    pub fn revoke(&mut self, who: Identity, revoked: bool) {
        if revoked {
            self.revoked.insert(who);
        } else {
            self.revoked.remove(&who);
        }
    }

    /// Demands that every write to a path name the version it follows.
    pub fn require_cas(&mut self, path: &str, required: bool) {
        self.kv.entry(path).cas_required = required;
    }

    /// The newest values of a path, if it has a version that can be read.
    pub fn values(&self, path: &str) -> Option<&Map<String, Value>> {
        self.kv.newest(path)
    }

    /// One value as text.
    pub fn value(&self, path: &str, key: &str) -> Option<&str> {
        self.values(path)?.get(key)?.as_str()
    }

    /// The number of the newest version of a path.
    pub fn version(&self, path: &str) -> u64 {
        self.kv.current(path)
    }

    /// Somebody with every right changes one value, beside all requests.
    pub fn change(&mut self, path: &str, key: &str, value: &str, now_ms: i64) {
        let mut values = self.kv.newest(path).cloned().unwrap_or_default();
        values.insert(key.to_owned(), json!(value));
        self.kv
            .put(path, values, (now_ms, 0), actor("root", "update"));
    }

    /// The audit log, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Record> {
        self.log.iter()
    }

    /// The requests that changed something, oldest first.
    pub fn writes(&self) -> impl Iterator<Item = &Record> {
        let changing = |record: &&Record| record.code < 300 && record.changes();
        self.log.iter().filter(changing)
    }

    pub(super) fn note(&mut self, record: Record) {
        self.log.push_back(record);
        if self.log.len() > REMEMBERED {
            self.log.pop_front();
        }
    }
}

impl Record {
    /// Whether it is of the kind that changes something in the engine.
    pub fn changes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "LIST" | "HEAD")
            && self.path.starts_with(&format!("{MOUNT}/"))
    }
}

/// The customer's secrets as its deployment guide lists them, with values that anybody recognises as planted.
pub fn customers_secrets() -> [(&'static str, &'static str); 6] {
    [
        (
            "database_url",
            "postgresql://veza:not-a-real-password@postgres:5432/veza_db",
        ),
        ("redis_url", "redis://redis:6379"),
        ("jwt_secret", "first-signing-key-not-a-real-secret"),
        ("stripe_api_key", "not-a-real-key"),
        ("aws_access_key", "not-a-real-access-key"),
        ("aws_secret_key", "not-a-real-aws-secret"),
    ]
}
