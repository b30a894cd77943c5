//! As much of Kubernetes' protobuf as newer clients insist on: the reviews of oneself, which `kubectl auth` sends in no other form. Everything else is asked for in JSON.

use serde_json::{Value, json};

use super::super::tree;

/// What every protobuf body of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

/// A field's number and its bytes, for fields that have bytes.
type Field<'a> = (u64, &'a [u8]);

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The fields of a message that are texts or messages; numbers are passed over.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let skip = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                0
            }
            1 => 8,
            5 => 4,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                fields.push((key >> 3, bytes.get(..length)?));
                length
            }
            _ => return None,
        };
        bytes = bytes.get(skip..)?;
    }
    Some(fields)
}

fn field(bytes: &[u8], number: u64) -> Option<&[u8]> {
    fields(bytes)?
        .into_iter()
        .rev()
        .find(|(n, _)| *n == number)
        .map(|(_, bytes)| bytes)
}

/// A message's texts, by the names their numbers stand for.
fn texts(bytes: &[u8], names: &[(u64, &str)]) -> Option<Value> {
    let mut object = json!({});
    for (number, bytes) in fields(bytes)? {
        if let Some((_, name)) = names.iter().find(|(n, _)| *n == number) {
            tree::put(&mut object, &[name], std::str::from_utf8(bytes).ok()?);
        }
    }
    Some(object)
}

const ATTRIBUTES: [(u64, &str); 7] = [
    (1, "namespace"),
    (2, "verb"),
    (3, "group"),
    (4, "version"),
    (5, "resource"),
    (6, "subresource"),
    (7, "name"),
];

/// A review as the JSON it stands for; none when it is not one.
pub fn review(body: &[u8]) -> Option<Value> {
    let unknown = body.strip_prefix(MAGIC)?;
    let kind = std::str::from_utf8(field(field(unknown, 1)?, 2)?)
        .ok()?
        .to_owned();
    let message = field(unknown, 2).unwrap_or_default();
    let spec = field(message, 2).unwrap_or_default();
    let mut review = json!({"kind": kind, "spec": {}});
    match kind.as_str() {
        "SelfSubjectAccessReview" => {
            if let Some(wanted) = field(spec, 1) {
                tree::put(
                    &mut review,
                    &["spec", "resourceAttributes"],
                    texts(wanted, &ATTRIBUTES)?,
                );
            }
            if let Some(wanted) = field(spec, 2) {
                let wanted = texts(wanted, &[(1, "path"), (2, "verb")])?;
                tree::put(&mut review, &["spec", "nonResourceAttributes"], wanted);
            }
        }
        "SelfSubjectRulesReview" => {
            tree::put(&mut review, &["spec"], texts(spec, &[(1, "namespace")])?);
        }
        "SelfSubjectReview" => {}
        _ => return None,
    }
    Some(review)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(parts: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, part) in parts {
            bytes.extend([number << 3 | 2, part.len() as u8]);
            bytes.extend_from_slice(part);
        }
        bytes
    }

    #[test]
    fn a_review_in_protobuf_says_what_its_json_says() {
        let attributes = message(&[(1, b"ns"), (2, b"patch"), (3, b"apps"), (5, b"deployments")]);
        let review_message = message(&[(1, b""), (2, &message(&[(1, &attributes)]))]);
        let kind = message(&[
            (1, b"authorization.k8s.io/v1"),
            (2, b"SelfSubjectAccessReview"),
        ]);
        let mut body = MAGIC.to_vec();
        body.extend(message(&[(1, &kind), (2, &review_message)]));
        let wanted =
            json!({"namespace": "ns", "verb": "patch", "group": "apps", "resource": "deployments"});
        assert_eq!(review(&body).unwrap()["spec"]["resourceAttributes"], wanted);
        for end in 0..body.len() {
            let _ = review(&body[..end]);
        }
        assert_eq!(review(b"k8s\0\xff\xff\xff"), None);
    }
}
