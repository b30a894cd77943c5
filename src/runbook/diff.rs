//! What differs between two runbooks: what they do, or only what they say. Compared are the executable models that digests
//! are made of, so "only the text differs" means that approvals and rehearsals still hold. Called by `vigie runbook diff`.

use crate::runbook::Runbook;
use serde::Serialize;
use serde_json::Value;

/// One difference in what two runbooks do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where, such as `steps.go-back.timeout.after`.
    pub path: String,
    /// What the first has there; `None` where it has nothing.
    pub before: Option<Value>,
    /// What the second has there.
    pub after: Option<Value>,
}

/// Every difference in what they do, in the order of the first; empty where only text differs, if anything.
pub fn changes(before: &Runbook, after: &Runbook) -> Vec<Change> {
    let model = |runbook: &Runbook| serde_json::to_value(runbook).unwrap_or(Value::Null);
    let mut found = Vec::new();
    compare("", &model(before), &model(after), &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                let (old, new) = (old.get(key), new.get(key));
                pair(&join(path, key), old, new, found);
            }
        }
        (Value::Array(old), Value::Array(new)) => match (names(old), names(new)) {
            (Some(before), Some(after)) => by_name(path, (old, &before), (new, &after), found),
            _ => found.push(change(
                path,
                Some(&Value::from(old.clone())),
                Some(&Value::from(new.clone())),
            )),
        },
        _ => found.push(change(path, Some(before), Some(after))),
    }
}

/// Things with names are the same thing wherever they stand; where those that stayed stand in another order, that is said too.
fn by_name(
    path: &str,
    (old, before): (&[Value], &[String]),
    (new, after): (&[Value], &[String]),
    found: &mut Vec<Change>,
) {
    let at = |names: &[String], name: &String| names.iter().position(|known| known == name);
    let added = after.iter().filter(|name| at(before, name).is_none());
    for name in before.iter().chain(added) {
        let old = at(before, name).and_then(|index| old.get(index));
        let new = at(after, name).and_then(|index| new.get(index));
        pair(&join(path, name), old, new, found);
    }
    let stayed = |names: &[String], other: &[String]| -> Vec<Value> {
        let kept = names.iter().filter(|name| at(other, name).is_some());
        kept.map(|name| Value::from(name.as_str())).collect()
    };
    let (was, is) = (stayed(before, after), stayed(after, before));
    if was != is {
        let order = join(path, "(order)");
        found.push(change(
            &order,
            Some(&Value::from(was)),
            Some(&Value::from(is)),
        ));
    }
}

/// Absent and null are the same.
fn pair(path: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Change>) {
    match (
        old.filter(|value| !value.is_null()),
        new.filter(|value| !value.is_null()),
    ) {
        (Some(old), Some(new)) => compare(path, old, new, found),
        (None, None) => {}
        (old, new) => found.push(change(path, old, new)),
    }
}

fn change(path: &str, before: Option<&Value>, after: Option<&Value>) -> Change {
    Change {
        path: path.to_owned(),
        before: before.cloned(),
        after: after.cloned(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The names of a list's things, where every one has one of its own.
fn names(list: &[Value]) -> Option<Vec<String>> {
    let name = |value: &Value| {
        let found = ["id", "name"]
            .iter()
            .find_map(|key| value.get(*key)?.as_str());
        found.map(str::to_owned)
    };
    let all: Vec<String> = list.iter().map(name).collect::<Option<_>>()?;
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == all.len()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{SHIPPED, format};

    fn with(from: &str, to: &str) -> Vec<Change> {
        let text = SHIPPED[0].text;
        let other = text.replacen(from, to, 1);
        assert_ne!(text, other, "{from}");
        let read = |text: &str| format::parse("t", text).unwrap();
        changes(&read(text), &read(&other))
    }

    #[test]
    fn prose_and_titles_change_nothing() {
        assert_eq!(with("# Roll back a workload", "# Go back"), []);
        assert_eq!(with("title        = \"Roll", "title = \"Rol"), []);
    }

    #[test]
    fn a_changed_value_is_named_by_where_it_stands() {
        let found = with("default = \"3m\"", "default = \"5m\"");
        let [one] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            (one.path.as_str(), &one.after),
            ("params.hold.default", &Some("5m".into()))
        );
        let found = with("min_requests = 20", "min_requests = 30");
        assert_eq!(found[0].path, "gates.good-again.min_requests");
    }

    #[test]
    fn an_order_that_changed_is_said_and_so_is_a_step_that_went() {
        let list = |names: &[&str]| {
            Value::from(
                names
                    .iter()
                    .map(|name| serde_json::json!({"id": name}))
                    .collect::<Vec<_>>(),
            )
        };
        let mut found = Vec::new();
        compare(
            "steps",
            &list(&["a", "b", "c"]),
            &list(&["b", "a", "d"]),
            &mut found,
        );
        let paths: Vec<&str> = found.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["steps.c", "steps.d", "steps.(order)"]);
    }
}
