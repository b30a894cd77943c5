//! What Vault answers, read leniently: a key that is new is passed over, one that is missing makes the answer unreadable only
//! where nothing can be said without it.

use super::model::{Health, KvData, Metadata, TokenInfo, VersionInfo, Written};
use crate::platform::http::clip;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Whole<T> {
    data: T,
}

fn whole<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_slice::<Whole<T>>(body)
        .ok()
        .map(|whole| whole.data)
}

#[derive(Deserialize)]
struct HealthWire {
    initialized: bool,
    sealed: bool,
    #[serde(default)]
    standby: bool,
    #[serde(default)]
    version: String,
    #[serde(default)]
    server_time_utc: i64,
}

pub fn health(body: &[u8]) -> Option<Health> {
    let wire: HealthWire = serde_json::from_slice(body).ok()?;
    Some(Health {
        initialized: wire.initialized,
        sealed: wire.sealed,
        standby: wire.standby,
        version: clip(&wire.version),
        time: Timestamp::from_second(wire.server_time_utc)
            .ok()
            .filter(|_| wire.server_time_utc > 0),
    })
}

#[derive(Deserialize)]
struct TokenWire {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    entity_id: Option<String>,
    #[serde(default)]
    policies: Option<Vec<String>>,
    #[serde(default)]
    identity_policies: Option<Vec<String>>,
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    expire_time: Option<String>,
    #[serde(default)]
    renewable: Option<bool>,
    #[serde(default)]
    num_uses: u64,
}

pub fn token(body: &[u8]) -> Option<TokenInfo> {
    let wire: TokenWire = whole(body)?;
    let own = wire.policies.unwrap_or_default();
    let of_entity = wire.identity_policies.unwrap_or_default();
    let ends = wire.ttl > 0 || wire.expire_time.is_some();
    Some(TokenInfo {
        display_name: clip(&wire.display_name.unwrap_or_default()),
        entity_id: clip(&wire.entity_id.unwrap_or_default()),
        policies: own
            .iter()
            .chain(&of_entity)
            .map(|name| clip(name))
            .collect(),
        ttl: ends.then_some(wire.ttl),
        renewable: wire.renewable.unwrap_or_default(),
        uses: (wire.num_uses > 0).then_some(wire.num_uses),
    })
}

pub fn capabilities(body: &[u8], paths: &[String]) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let all: BTreeMap<String, Value> = whole(body)?;
    let words = |value: &Value| -> Option<BTreeSet<String>> {
        let list = value.as_array()?.iter();
        list.map(|word| word.as_str().map(clip)).collect()
    };
    let asked = paths.iter();
    asked
        .map(|path| Some((path.clone(), words(all.get(path)?)?)))
        .collect()
}

#[derive(Deserialize)]
struct MetadataWire {
    created_time: Timestamp,
    current_version: u64,
    #[serde(default)]
    cas_required: bool,
    #[serde(default)]
    last_updated_by: Value,
    #[serde(default)]
    versions: BTreeMap<u64, VersionWire>,
}

#[derive(Deserialize)]
struct VersionWire {
    created_time: Timestamp,
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

pub fn metadata(body: &[u8]) -> Option<Metadata> {
    let wire: MetadataWire = whole(body)?;
    let version = |one: VersionWire| {
        let deleted = match one.deletion_time.as_str() {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        Some(VersionInfo {
            created: one.created_time,
            deleted,
            destroyed: one.destroyed,
        })
    };
    let versions = wire.versions.into_iter();
    Some(Metadata {
        created: wire.created_time,
        current_version: wire.current_version,
        cas_required: wire.cas_required,
        last_updated_by: who(&wire.last_updated_by),
        versions: versions
            .map(|(number, one)| Some((number, version(one)?)))
            .collect::<Option<_>>()?,
    })
}

/// Who acted, in one short text.
fn who(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(name) => name.clone(),
        Value::Object(fields) => {
            let field = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or("");
            format!("{} {}", field("actor"), field("client_id"))
        }
        _ => return None,
    };
    Some(clip(&text)).filter(|name| !name.is_empty())
}

#[derive(Deserialize)]
struct SubkeysWire {
    subkeys: BTreeMap<String, Value>,
}

pub fn subkeys(body: &[u8]) -> Option<Vec<String>> {
    let wire: SubkeysWire = whole(body)?;
    Some(wire.subkeys.into_keys().collect())
}

#[derive(Deserialize)]
struct DataWire<'a> {
    #[serde(borrow)]
    data: BTreeMap<String, &'a RawValue>,
    metadata: WrittenWire,
}

#[derive(Deserialize)]
struct WrittenWire {
    version: u64,
    created_time: Timestamp,
}

pub fn data(body: &[u8]) -> Option<KvData> {
    let wire: DataWire<'_> = whole(body)?;
    let mut read = KvData {
        version: wire.metadata.version,
        created: wire.metadata.created_time,
        data: BTreeMap::new(),
        json: BTreeSet::new(),
    };
    for (key, raw) in wire.data {
        let value = if raw.get().starts_with('"') {
            serde_json::from_str::<Box<str>>(raw.get()).ok()?
        } else {
            read.json.insert(key.clone());
            raw.get().into()
        };
        read.data.insert(key, SecretString::new(value));
    }
    Some(read)
}

pub fn written(body: &[u8]) -> Option<Written> {
    let wire: WrittenWire = whole(body)?;
    Some(Written {
        version: wire.version,
        at: wire.created_time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn values_are_kept_as_they_are_and_what_is_no_text_is_marked() {
        let body = br#"{"data":{"data":{"a":"x\n\"y\"","n":5.10,"o":{"b":[1]}},"metadata":{"created_time":"2026-11-30T16:00:00.123456789Z","version":3}}}"#;
        let read = data(body).unwrap();
        let at = |key: &str| read.data[key].expose_secret();
        assert_eq!(
            (at("a"), at("n"), at("o")),
            ("x\n\"y\"", "5.10", r#"{"b":[1]}"#)
        );
        assert_eq!(read.json, BTreeSet::from(["n".to_owned(), "o".to_owned()]));
        assert_eq!(read.version, 3);
        assert!(!format!("{read:?}").contains("5.10"));
    }

    #[test]
    fn a_token_without_an_end_has_no_ttl() {
        let root = br#"{"data":{"display_name":"token","entity_id":"","expire_time":null,"policies":["root"],"ttl":0,"num_uses":0}}"#;
        let info = token(root).unwrap();
        assert_eq!((info.ttl, info.renewable, info.uses), (None, false, None));
        let ending = br#"{"data":{"display_name":"ldap-a","expire_time":"2026-12-01T00:00:00Z","policies":["default"],"identity_policies":["ops"],"ttl":0,"renewable":true}}"#;
        let info = token(ending).unwrap();
        assert_eq!(
            (info.ttl, info.renewable, info.policies.len()),
            (Some(0), true, 2)
        );
    }

    #[test]
    fn an_answer_that_leaves_a_path_out_does_not_count_as_no_rights() {
        let asked = ["a".to_owned(), "b".to_owned()];
        assert!(capabilities(br#"{"data":{"a":["read"]}}"#, &asked).is_none());
        let both = capabilities(br#"{"data":{"a":["read"],"b":["deny"]}}"#, &asked).unwrap();
        assert!(both["a"].contains("read") && both["b"].contains("deny"));
    }
}
