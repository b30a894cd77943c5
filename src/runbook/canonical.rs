//! Canonical JSON: sorted keys, no spaces, no floating point numbers. Two equal values have equal bytes, so their
//! digests can be compared. A fraction becomes the text it would print as.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical bytes of a value, as text.
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            // RFC 8785 orders by UTF-16 code units.
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(key, out);
                out.push(':');
                write(&fields[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Number(number) if number.is_f64() => text(&number.to_string(), out),
        Value::String(string) => text(string, out),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn text(string: &str, out: &mut String) {
    let _ = write!(out, "{}", Value::from(string));
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// `sha256:` and the digest of a value's canonical bytes.
pub fn digest(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    format!(
        "sha256:{}",
        hex(&Sha256::digest(to_string(&value).as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_fractions_become_text() {
        assert_eq!(
            to_string(&json!({"b": [1, null, true], "a": {"z": 0.5, "y": "q\"\n"}})),
            r#"{"a":{"y":"q\"\n","z":"0.5"},"b":[1,null,true]}"#
        );
    }

    #[test]
    fn equal_values_have_equal_digests_whatever_their_order() {
        assert_eq!(
            digest(&json!({"a": 1, "b": 2})),
            digest(&json!({"b": 2, "a": 1}))
        );
        assert_ne!(digest(&json!({"a": 1})), digest(&json!({"a": "1"})));
    }
}
