//! Label and field selectors, parsed once and matched against objects. Used by lists, watches and collection deletes.

use serde_json::Value;

use super::refusal::Refusal;
use super::tree;

/// What a request selects by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    labels: Vec<(String, Need)>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Need {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

/// The fields that may be selected by.
const FIELDS: [&str; 18] = [
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "type",
    "source",
];

impl Selection {
    /// Reads the two selectors of a request.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, Refusal> {
        let mut selection = Self::default();
        for part in split(labels) {
            selection.labels.push(need(part.trim())?);
        }
        for part in fields.split(',').filter(|part| !part.is_empty()) {
            let (field, equal, value) = if let Some((f, v)) = part.split_once("!=") {
                (f, false, v)
            } else if let Some((f, v)) = part.split_once("==") {
                (f, true, v)
            } else if let Some((f, v)) = part.split_once('=') {
                (f, true, v)
            } else {
                return Err(Refusal::bad_request(format!(
                    "invalid selector: '{part}'; can't understand '{part}'"
                )));
            };
            if !FIELDS.contains(&field) {
                return Err(Refusal::bad_request(format!(
                    "field label not supported: {field}"
                )));
            }
            selection.fields.push((field.into(), equal, value.into()));
        }
        Ok(selection)
    }

    /// Whether everything is selected.
    pub fn is_all(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is selected.
    pub fn takes(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let fits = |(key, need): &(String, Need)| {
            let value = labels[key].as_str();
            match need {
                Need::In(list) => value.is_some_and(|v| list.iter().any(|l| l == v)),
                Need::NotIn(list) => value.is_none_or(|v| !list.iter().any(|l| l == v)),
                Need::Exists => value.is_some(),
                Need::Absent => value.is_none(),
            }
        };
        let field = |(field, equal, wanted): &(String, bool, String)| {
            let path: Vec<&str> = field.split('.').collect();
            let found = if field == "source" {
                &object["source"]["component"]
            } else {
                tree::at(object, &path)
            };
            (found.as_str().unwrap_or_default() == wanted) == *equal
        };
        self.labels.iter().all(fits) && self.fields.iter().all(field)
    }
}

/// Splits at commas that are not inside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn need(text: &str) -> Result<(String, Need), Refusal> {
    let owned = |s: &str| s.trim().to_owned();
    for (word, inside) in [(" notin ", false), (" in ", true)] {
        if let Some((key, list)) = text.split_once(word) {
            let list = list
                .trim()
                .strip_prefix('(')
                .and_then(|l| l.strip_suffix(')'));
            let list = list.ok_or_else(|| {
                Refusal::bad_request(format!(
                    "unable to parse requirement: found '{text}', expected: '('"
                ))
            })?;
            let list: Vec<String> = list.split(',').map(owned).collect();
            return Ok((
                owned(key),
                if inside {
                    Need::In(list)
                } else {
                    Need::NotIn(list)
                },
            ));
        }
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok((owned(key), Need::NotIn(vec![owned(value)])));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok((owned(key), Need::In(vec![owned(value)])));
    }
    if let Some(key) = text.strip_prefix('!') {
        return Ok((owned(key), Need::Absent));
    }
    if text.contains(char::is_whitespace) {
        return Err(Refusal::bad_request(format!(
            "unable to parse requirement: found '{text}', expected: in, notin, =, ==, !=, gt, lt"
        )));
    }
    Ok((owned(text), Need::Exists))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_select() {
        let pod = json!({"metadata": {"name": "p", "labels": {"app": "a", "version": "v1"}}, "spec": {"nodeName": "n1"}});
        let table = [
            ("app=a", "", true),
            ("app==a,version!=v2", "", true),
            ("app in (a,b),version notin (v2)", "", true),
            ("app in (b)", "", false),
            ("app,!tier", "", true),
            ("tier", "", false),
            ("", "metadata.name=p,spec.nodeName!=n2", true),
            ("", "metadata.name=q", false),
        ];
        for (labels, fields, wanted) in table {
            assert_eq!(
                Selection::parse(labels, fields).unwrap().takes(&pod),
                wanted,
                "{labels} {fields}"
            );
        }
        assert!(Selection::parse("", "spec.no=1").is_err());
        assert!(Selection::parse("app in a", "").is_err());
        assert!(Selection::parse("a b", "").is_err());
        assert!(Selection::parse("", "").unwrap().is_all());
    }
}
