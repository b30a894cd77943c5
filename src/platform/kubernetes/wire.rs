//! Slim wire types: what we read of an object, borrowed from the line it came in, and nothing else.
//!
//! Every field has a default. A field of the wrong type is cut out and becomes unknown ([`decode`]); only text that is no
//! JSON object at all cannot be decoded. Unread parts (managedFields of pods above all) are skipped, not stored.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// Text borrowed from the line where it has no escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(pub(super) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Text<'_> {
    /// The text, unless it is empty.
    pub(super) fn some(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or null")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Borrowing)
    }
}

/// A moment: as text names it, or in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment<'a> {
    /// RFC 3339, as JSON has it; empty where there is none.
    Text(Text<'a>),
    /// As protobuf has it.
    Seconds(i64),
}

impl Default for Moment<'_> {
    fn default() -> Self {
        Self::Text(Text::default())
    }
}

impl Moment<'_> {
    /// Whether anything is said, be it no moment at all.
    pub(super) fn is_said(&self) -> bool {
        match self {
            Self::Text(text) => text.some().is_some(),
            Self::Seconds(_) => true,
        }
    }

    /// The moment, if it is one.
    pub(super) fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => text.some()?.parse().ok(),
            Self::Seconds(seconds) => Timestamp::from_second(*seconds).ok(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Moment<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(Self::Text)
    }
}

/// `null` reads as the default.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A map as pairs in the order of the wire, cheaper than a tree that is thrown away.
#[derive(Debug, Clone)]
pub struct Pairs<'a, V>(pub(super) Vec<(Text<'a>, V)>);

impl<V> Default for Pairs<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Pairs<'_, V> {
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(own, _)| &**own == key).map(|(_, v)| v)
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Pairs<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Collect<V> {
            type Value = Pairs<'de, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map or null")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8).min(64));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs::default())
            }
        }
        deserializer.deserialize_any(Collect(PhantomData))
    }
}

/// A field that may be missing, null or of the wrong type: then it is the default.
macro_rules! slim {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> { $($(#[$attr:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
        pub struct $name<$life> {
            $(#[serde(deserialize_with = "crate::platform::kubernetes::wire::nullable")] $(#[$attr])* pub(super) $field: $kind,)*
            #[serde(skip)]
            pub(super) life: std::marker::PhantomData<&$life ()>,
        }
    };
}
pub(super) use slim;

slim! {
    /// What every object says of itself.
    Meta<'a> {
        name: Text<'a>,
        namespace: Text<'a>,
        uid: Text<'a>,
        resource_version: Text<'a>,
        creation_timestamp: Moment<'a>,
        deletion_timestamp: Moment<'a>,
        deletion_grace_period_seconds: i64,
        generation: i64,
        labels: Pairs<'a, Text<'a>>,
        owner_references: Vec<OwnerReference<'a>>,
    }
}

slim! {
    /// An owner.
    OwnerReference<'a> {
        kind: Text<'a>,
        name: Text<'a>,
        uid: Text<'a>,
        controller: bool,
    }
}

slim! {
    /// What a bookmark says: how far we are, and whether the initial events end here.
    Mark<'a> {
        resource_version: Text<'a>,
        annotations: Pairs<'a, Text<'a>>,
    }
}

slim! {
    /// The object of a bookmark, or the head of a list.
    Marked<'a> {
        metadata: Mark<'a>,
    }
}

slim! {
    /// A Status, as an ERROR event or a refusal carries it.
    StatusWire<'a> {
        code: u16,
        reason: Text<'a>,
        message: Text<'a>,
        details: StatusDetails<'a>,
    }
}

slim! {
    /// The details of a Status.
    StatusDetails<'a> {
        name: Text<'a>,
        retry_after_seconds: u64,
        causes: Vec<StatusCause<'a>>,
    }
}

slim! {
    /// One cause of a refusal.
    StatusCause<'a> {
        reason: Text<'a>,
        message: Text<'a>,
    }
}

/// What an event of a watch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EventType {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
    #[default]
    #[serde(other)]
    Other,
}

/// One line of a watch.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "W: Deserialize<'de>"))]
pub(super) struct Line<W> {
    #[serde(rename = "type", default)]
    pub(super) event: EventType,
    pub(super) object: W,
}

/// Only the type of a line, whatever its object is.
#[derive(Debug, Deserialize)]
pub(super) struct LineType {
    #[serde(rename = "type", default)]
    pub(super) event: EventType,
}

/// How often a field of the wrong type is cut out of one object before the object is given up.
const CUTS: usize = 64;

/// Parses text whose fields may have wrong types: each such field is cut out, the rest is kept. `None` where it is no JSON.
/// `check` tries to decode the value and names the place that does not fit.
pub(super) fn mend(text: &[u8], check: impl Fn(&Value) -> Result<(), Path>) -> Option<Value> {
    let mut value: Value = serde_json::from_slice(text).ok()?;
    for _ in 0..CUTS {
        match check(&value) {
            Ok(()) => return Some(value),
            Err(path) if cut(&mut value, &path) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Tries to decode a value; names the place that does not fit.
pub(super) fn probe<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<(), Path> {
    serde_path_to_error::deserialize::<_, T>(value)
        .map(|_| ())
        .map_err(|error| error.path().clone())
}

fn cut(value: &mut Value, path: &Path) -> bool {
    let steps: Vec<&Segment> = path
        .iter()
        .filter(|step| matches!(step, Segment::Seq { .. } | Segment::Map { .. }))
        .collect();
    let Some((last, before)) = steps.split_last() else {
        return false;
    };
    let mut place = value;
    for step in before {
        let next = match step {
            Segment::Map { key } => place.get_mut(key.as_str()),
            Segment::Seq { index } => place.get_mut(*index),
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => return false,
        }
    }
    match (last, place) {
        (Segment::Map { key }, Value::Object(map)) => map.remove(key).is_some(),
        (Segment::Seq { index }, Value::Array(items)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(text: &str) -> Option<(String, i64, usize)> {
        let value = mend(text.as_bytes(), |value| probe::<Meta<'_>>(value))?;
        let meta = Meta::deserialize(&value).ok()?;
        Some((meta.name.to_string(), meta.generation, meta.labels.0.len()))
    }

    #[test]
    fn a_wrong_type_becomes_unknown_and_the_rest_stays() {
        let text = r#"{"name":"a","generation":"three","labels":{"x":"1","y":2,"z":"3"},"ownerReferences":[7,{"kind":1}]}"#;
        assert_eq!(meta(text), Some(("a".into(), 0, 2)));
        assert_eq!(
            meta(r#"{"name":null,"labels":null}"#),
            Some((String::new(), 0, 0))
        );
        assert_eq!(meta("{\"name\":"), None);
        assert_eq!(meta("[]"), Some((String::new(), 0, 0)));
    }

    #[test]
    fn plain_text_is_borrowed_and_escaped_text_is_not() {
        let line = r#"{"name":"a","uid":"b\n"}"#;
        let meta: Meta<'_> = serde_json::from_str(line).unwrap();
        assert!(matches!(meta.name.0, Cow::Borrowed("a")));
        assert!(matches!(meta.uid.0, Cow::Owned(ref text) if text == "b\n"));
    }
}
