//! What is sent to change something. The text of a request is wiped when it has been sent.

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Room for a request, so that it is not moved about while it grows.
const ROOM: usize = 64 << 10;

/// A merge patch of a version.
pub struct Change<'a> {
    /// The version it must follow.
    pub cas: u64,
    /// What is put in, or taken away.
    pub changes: &'a BTreeMap<String, Option<SecretString>>,
}

/// A whole new version.
pub struct Replacement<'a> {
    /// The version it must follow.
    pub cas: u64,
    /// All of it.
    pub data: &'a BTreeMap<String, SecretString>,
    /// The keys whose value stands there as JSON.
    pub json: &'a BTreeSet<String>,
}

/// A body of these bytes; none where a value cannot be written.
pub fn secret(body: &impl Serialize) -> Option<Bytes> {
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer(&mut *text, body).ok()?;
    Some(Bytes::from_owner(text))
}

impl Serialize for Change<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut whole = to.serialize_map(Some(2))?;
        whole.serialize_entry("options", &json!({ "cas": self.cas }))?;
        let open =
            |value: &'_ Option<SecretString>| value.as_ref().map(|value| Open(value.clone()));
        let changes: BTreeMap<&str, Option<Open>> = self
            .changes
            .iter()
            .map(|(key, value)| (key.as_str(), open(value)))
            .collect();
        whole.serialize_entry("data", &changes)?;
        whole.end()
    }
}

impl Serialize for Replacement<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut whole = to.serialize_map(Some(2))?;
        whole.serialize_entry("options", &json!({ "cas": self.cas }))?;
        whole.serialize_entry("data", &Data(self))?;
        whole.end()
    }
}

struct Data<'a>(&'a Replacement<'a>);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(whole) = self;
        let mut data = to.serialize_map(Some(whole.data.len()))?;
        for (key, value) in whole.data {
            if whole.json.contains(key) {
                let raw: &RawValue = serde_json::from_str(value.expose_secret())
                    .map_err(|_| S::Error::custom("not JSON"))?;
                data.serialize_entry(key, raw)?;
            } else {
                data.serialize_entry(key, value.expose_secret())?;
            }
        }
        data.end()
    }
}

/// A value that is written out.
struct Open(SecretString);

impl Serialize for Open {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &impl Serialize) -> String {
        String::from_utf8(secret(body).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_change_names_its_version_and_takes_away_by_null() {
        let changes = BTreeMap::from([
            ("a".to_owned(), Some("x\"y".into())),
            ("b".to_owned(), None),
        ]);
        let expected = r#"{"options":{"cas":7},"data":{"a":"x\"y","b":null}}"#;
        assert_eq!(
            text(&Change {
                cas: 7,
                changes: &changes
            }),
            expected
        );
    }

    #[test]
    fn a_number_stays_a_number() {
        let data = BTreeMap::from([("n".to_owned(), "5".into()), ("t".to_owned(), "5".into())]);
        let json = BTreeSet::from(["n".to_owned()]);
        let whole = Replacement {
            cas: 0,
            data: &data,
            json: &json,
        };
        assert_eq!(
            text(&whole),
            r#"{"options":{"cas":0},"data":{"n":5,"t":"5"}}"#
        );
        let broken = BTreeMap::from([("n".to_owned(), "{".into())]);
        assert!(
            secret(&Replacement {
                cas: 0,
                data: &broken,
                json: &json
            })
            .is_none()
        );
    }
}
