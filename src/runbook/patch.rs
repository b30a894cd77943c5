//! Changes to one object as data: JSON merge patches with removed keys as null, the fields they touch with old
//! and new values, the lines a person confirms, and whether an answer carries what was meant.
//!
//! Length: planning, comparing and undoing one change are proved together by one property.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::runbook::prose::bounded;
use crate::runbook::template::plain;

/// One object, pinned by its uid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// As `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid: a namesake is another object.
    pub uid: String,
}

impl ObjectRef {
    /// `Kind/name`.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// One field an action touches: a JSON pointer outside of lists, its value before and after; `None` is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As `/spec/template/metadata/labels/version`.
    pub path: String,
    /// The value it had when this was planned.
    pub before: Option<Value>,
    /// The value it gets.
    pub after: Option<Value>,
}

/// A change worked out against one object, as it is confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The step kind.
    pub kind: String,
    /// The object.
    pub object: ObjectRef,
    /// The fields touched.
    pub changes: Vec<FieldChange>,
    /// What a person reads.
    pub lines: Vec<String>,
}

/// How an object stands to a planned change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every touched field has its old value.
    Before,
    /// Every touched field has its new value.
    After,
    /// Somebody else changed something we touch.
    Diverged(Vec<String>),
}

impl Planned {
    /// Compares a fresh object with the plan.
    pub fn standing(&self, object: &Value) -> Standing {
        let at = |change: &FieldChange| object.pointer(&change.path).cloned();
        if self.changes.iter().all(|change| at(change) == change.after) {
            return Standing::After;
        }
        let differing: Vec<String> = self
            .changes
            .iter()
            .filter(|change| at(change) != change.before)
            .map(|change| {
                format!(
                    "{}: confirmed at {}, is {}",
                    change.path,
                    short(change.before.as_ref()),
                    short(at(change).as_ref())
                )
            })
            .collect();
        if differing.is_empty() {
            Standing::Before
        } else {
            Standing::Diverged(differing)
        }
    }

    /// The merge patch of the touched fields, without preconditions.
    pub fn patch(&self) -> Value {
        let mut patch = json!({});
        for change in &self.changes {
            set(
                &mut patch,
                &change.path,
                change.after.clone().unwrap_or(Value::Null),
            );
        }
        patch
    }

    /// The way back: the same fields with old and new exchanged.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|change| FieldChange {
                path: change.path.clone(),
                before: change.after.clone(),
                after: change.before.clone(),
            })
            .collect();
        let lines = self
            .lines
            .iter()
            .map(|line| {
                line.split_once(" → ")
                    .map_or_else(|| format!("undo: {line}"), |_| reverse_line(line))
            })
            .collect();
        Self {
            kind: self.kind.clone(),
            object: self.object.clone(),
            changes,
            lines,
        }
    }

    /// Whether an answer of the server carries every new value; defaults the server adds are no difference.
    pub fn carried_by(&self, answer: &Value) -> Result<(), String> {
        for change in &self.changes {
            let found = answer.pointer(&change.path);
            let carried = match (&change.after, found) {
                (None, None) => true,
                (Some(after), Some(found)) => covers(found, after),
                _ => false,
            };
            if !carried {
                return Err(format!(
                    "the answer has {} at {}, meant was {}",
                    short(found),
                    change.path,
                    short(change.after.as_ref())
                ));
            }
        }
        Ok(())
    }

    /// What a person can type when the program cannot.
    pub fn command(&self) -> String {
        let patch = self.patch().to_string().replace('\'', r"'\''");
        let ObjectRef {
            kind,
            namespace,
            name,
            ..
        } = &self.object;
        format!(
            "kubectl -n {namespace} patch {} {name} --type merge -p '{patch}'",
            kind.to_lowercase()
        )
    }
}

/// An absolute change with its preconditions, ready to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What is changed.
    pub planned: Planned,
    /// The version the object had at the intent.
    pub resource_version: String,
}

impl Action {
    /// The body of the request: merge patch, `metadata.uid` and `metadata.resourceVersion` as preconditions.
    pub fn body(&self) -> Value {
        let mut body = self.planned.patch();
        set(
            &mut body,
            "/metadata/uid",
            Value::from(self.planned.object.uid.clone()),
        );
        set(
            &mut body,
            "/metadata/resourceVersion",
            Value::from(self.resource_version.clone()),
        );
        body
    }
}

fn reverse_line(line: &str) -> String {
    let Some((left, after)) = line.split_once(" → ") else {
        return line.to_owned();
    };
    match left.rsplit_once(' ') {
        Some((what, before)) => format!("{what} {after} → {before}"),
        None => format!("{after} → {left}"),
    }
}

fn short(value: Option<&Value>) -> String {
    value.map_or_else(
        || "absent".to_owned(),
        |value| bounded(&value.to_string(), 120),
    )
}

fn set(root: &mut Value, path: &str, value: Value) {
    let mut at = root;
    for part in path.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Some(fields) = at.as_object_mut() else {
            return;
        };
        at = fields.entry(key).or_insert(Value::Null);
    }
    *at = value;
}

/// Whether `found` holds everything `meant` holds.
fn covers(found: &Value, meant: &Value) -> bool {
    match (found, meant) {
        (Value::Object(found), Value::Object(meant)) => meant
            .iter()
            .all(|(key, meant)| found.get(key).is_some_and(|found| covers(found, meant))),
        (Value::Array(found), Value::Array(meant)) => {
            found.len() == meant.len()
                && found
                    .iter()
                    .zip(meant)
                    .all(|(found, meant)| covers(found, meant))
        }
        _ => found == meant,
    }
}

/// Every difference between two objects, lists compared as a whole.
pub fn changes(current: &Value, desired: &Value, path: &str) -> Vec<FieldChange> {
    match (current, desired) {
        (Value::Object(old), Value::Object(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter()
                .flat_map(|key| {
                    let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                    match (old.get(key), new.get(key)) {
                        (Some(old), Some(new)) => changes(old, new, &path),
                        (before, after) => vec![FieldChange {
                            path,
                            before: before.cloned(),
                            after: after.cloned(),
                        }],
                    }
                })
                .collect()
        }
        (old, new) if old == new => Vec::new(),
        (old, new) => vec![FieldChange {
            path: path.to_owned(),
            before: Some(old.clone()),
            after: Some(new.clone()),
        }],
    }
}

/// A merge patch applied, as RFC 7386 says.
pub fn apply_merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(own) = target.as_object_mut() else {
        return;
    };
    for (key, value) in fields {
        if value.is_null() {
            own.remove(key);
        } else {
            apply_merge(own.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A revision's template as it goes back into a workload: without the hash label its controller added, and without
/// nulls, which a merge patch cannot carry and the server does not keep.
pub fn restorable(template: &Value) -> Value {
    let mut template = without_nulls(template);
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.remove("pod-template-hash");
        labels.remove("controller-revision-hash");
    }
    template
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Plans the template of a workload to become that of a revision.
pub fn plan_rollback(object: ObjectRef, body: &Value, template: &Value) -> Planned {
    let current = body
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let desired = restorable(template);
    Planned {
        kind: "k8s.rollback".to_owned(),
        object,
        changes: changes(&current, &desired, "/spec/template"),
        lines: template_lines(&current, &desired),
    }
}

/// What differs between two templates, images first, in words.
pub fn template_lines(current: &Value, desired: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for group in ["containers", "initContainers"] {
        let list = |template: &Value| {
            template
                .pointer(&format!("/spec/{group}"))
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let (old, new) = (list(current), list(desired));
        let single = old.len() <= 1 && new.len() <= 1;
        for container in &new {
            let name = container.get("name").and_then(Value::as_str).unwrap_or("?");
            match old
                .iter()
                .find(|old| old.get("name") == container.get("name"))
            {
                None => lines.push(format!("container {} added", bounded(name, 60))),
                Some(old) => {
                    container_lines(old, container, if single { "" } else { name }, &mut lines);
                }
            }
        }
        for gone in old
            .iter()
            .filter(|old| !new.iter().any(|new| new.get("name") == old.get("name")))
        {
            lines.push(format!(
                "container {} removed",
                bounded(gone.get("name").and_then(Value::as_str).unwrap_or("?"), 60)
            ));
        }
    }
    for change in changes(current, desired, "") {
        if change.path.starts_with("/spec/containers")
            || change.path.starts_with("/spec/initContainers")
        {
            continue;
        }
        let what = change
            .path
            .strip_prefix("/metadata/labels/")
            .map(|label| format!("label {label}"))
            .or_else(|| {
                change
                    .path
                    .strip_prefix("/metadata/annotations/")
                    .map(|key| format!("annotation {key}"))
            });
        let what = what
            .unwrap_or_else(|| change.path.trim_start_matches('/').replace('/', "."))
            .replace("~1", "/")
            .replace("~0", "~");
        lines.push(format!(
            "{} {} → {}",
            bounded(&what, 80),
            worded(change.before.as_ref()),
            worded(change.after.as_ref())
        ));
    }
    lines
}

fn worded(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| bounded(&plain(value), 80))
}

fn container_lines(old: &Value, new: &Value, name: &str, lines: &mut Vec<String>) {
    let prefix = if name.is_empty() {
        String::new()
    } else {
        format!("{}: ", bounded(name, 60))
    };
    for change in changes(old, new, "") {
        if change.path == "/image" {
            let image = |value: Option<&Value>| {
                value
                    .and_then(Value::as_str)
                    .map_or_else(|| "(none)".to_owned(), |image| bounded(image, 200))
            };
            let (before, after) = (image(change.before.as_ref()), image(change.after.as_ref()));
            lines.push(format!(
                "{prefix}image {} → {}",
                tag(&before, &after),
                tag(&after, &before)
            ));
        } else {
            let values = change
                .before
                .as_ref()
                .is_some_and(|value| value.is_array() || value.is_object());
            let field = change.path.trim_start_matches('/').replace('/', ".");
            lines.push(if values {
                format!("{prefix}{field} changed")
            } else {
                format!(
                    "{prefix}{field} {} → {}",
                    worded(change.before.as_ref()),
                    worded(change.after.as_ref())
                )
            });
        }
    }
}

/// The tag alone where both images have the same name.
fn tag(image: &str, other: &str) -> String {
    let split = |image: &str| {
        image
            .rsplit_once(':')
            .filter(|(_, tag)| !tag.contains('/'))
            .map(|(name, tag)| (name.to_owned(), tag.to_owned()))
    };
    match (split(image), split(other)) {
        (Some((name, tag)), Some((same, _))) if name == same => tag,
        _ => image.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object() -> ObjectRef {
        ObjectRef {
            kind: "Deployment".into(),
            namespace: "prod".into(),
            name: "api".into(),
            uid: "u1".into(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a literal at every call")]
    fn template(version: &str, extra: Value) -> Value {
        let mut template = json!({"metadata": {"labels": {"app": "api", "version": version}}, "spec": {"containers": [{"name": "api", "image": format!("r.io/api:{version}")}]}});
        apply_merge(&mut template, &extra);
        template
    }

    #[test]
    fn a_rollback_is_said_in_the_words_of_the_confirmation() {
        let current = json!({"spec": {"template": template("v1.1.0", json!({"metadata": {"annotations": {"x": "1"}}}))}});
        let target = template(
            "v1.0.0",
            json!({"metadata": {"labels": {"pod-template-hash": "abc"}}}),
        );
        let planned = plan_rollback(object(), &current, &target);
        assert!(
            planned.lines.contains(&"image v1.1.0 → v1.0.0".to_owned())
                && planned
                    .lines
                    .contains(&"label version v1.1.0 → v1.0.0".to_owned()),
            "{:?}",
            planned.lines
        );
        assert_eq!(
            planned.patch()["spec"]["template"]["metadata"]["annotations"],
            Value::Null
        );
        assert!(!planned.patch().to_string().contains("pod-template-hash"));
    }

    #[test]
    fn the_body_carries_uid_and_version_as_preconditions() {
        let current = json!({"spec": {"template": template("v2", json!({}))}});
        let action = Action {
            planned: plan_rollback(object(), &current, &template("v1", json!({}))),
            resource_version: "88".into(),
        };
        assert_eq!(
            action.body()["metadata"],
            json!({"uid": "u1", "resourceVersion": "88"})
        );
    }

    #[test]
    fn standing_tells_untouched_done_and_diverged_apart() {
        let body = |version: &str| json!({"metadata": {"labels": {"unrelated": version}}, "spec": {"template": template(version, json!({}))}});
        let planned = plan_rollback(object(), &body("v2"), &template("v1", json!({})));
        assert_eq!(planned.standing(&body("v2")), Standing::Before);
        assert_eq!(planned.standing(&body("v1")), Standing::After);
        assert!(
            matches!(planned.standing(&body("v3")), Standing::Diverged(fields) if fields.iter().any(|field| field.contains("labels/version")))
        );
    }

    #[test]
    fn an_answer_with_server_defaults_carries_the_plan_and_another_image_does_not() {
        let planned = plan_rollback(
            object(),
            &json!({"spec": {"template": template("v2", json!({}))}}),
            &template("v1", json!({})),
        );
        let mut answer = json!({"spec": {"template": template("v1", json!({}))}});
        answer["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
        assert_eq!(planned.carried_by(&answer), Ok(()));
        answer["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1".into();
        assert!(planned.carried_by(&answer).is_err());
    }

    #[test]
    fn a_command_for_a_person_survives_quotes_in_values() {
        let mut planned = plan_rollback(
            object(),
            &json!({"spec": {"template": {}}}),
            &json!({"metadata": {"annotations": {"a": "it's; rm -rf /"}}}),
        );
        planned.lines.clear();
        assert!(
            planned.command().contains(r"it'\''s; rm -rf /"),
            "{}",
            planned.command()
        );
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z~/]{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 48, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c~/]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn applying_the_patch_gives_exactly_the_chosen_template(current in json_value(), chosen in json_value()) {
            let (current, chosen) = (json!({"metadata": {}, "spec": current}), json!({"metadata": {}, "spec": chosen}));
            let body = json!({"spec": {"template": current, "replicas": 3}, "status": {}});
            let planned = plan_rollback(object(), &body, &chosen);
            let mut after = body.clone();
            apply_merge(&mut after, &planned.patch());
            prop_assert_eq!(&after["spec"]["template"], &restorable(&chosen));
            prop_assert_eq!(&after["spec"]["replicas"], &body["spec"]["replicas"]);
            prop_assert!(planned.carried_by(&after).is_ok());
            prop_assert!(planned.changes.is_empty() || planned.standing(&after) == Standing::After);
            let mut back = after.clone();
            apply_merge(&mut back, &planned.inverse().patch());
            prop_assert_eq!(back, body);
        }
    }
}
