//! What a pod template names but does not hold: ConfigMaps and Secrets. Going back to an old template does not bring
//! back what they held then, so it is said by name. Pure; the engine reads the objects, the preflight shows the lines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::runbook::preflight::{Level, Line};
use crate::runbook::prose::bounded;
use crate::runbook::quantity::show_duration;

/// What these lines are about.
const TEXT: &str = "configuration outside the template";
/// A change this shortly before a revision belongs to its release.
const TOGETHER: SignedDuration = SignedDuration::from_mins(15);

/// One object a template refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// `ConfigMap` or `Secret`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Whether pods start without it.
    pub optional: bool,
}

impl Named {
    /// `Kind/name`.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, bounded(&self.name, 80))
    }
}

/// What was found where a template points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there; when its content was last written, where that is known.
    There(Option<Timestamp>),
    /// It is not there.
    Missing,
    /// It may not be read, and why.
    Hidden(String),
}

/// Between which two revisions it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// The revision that is gone back to.
    pub to: i64,
    /// When it began to serve, where that is known.
    pub to_began: Option<Timestamp>,
    /// The revision that is left.
    pub from: Option<i64>,
    /// When it began.
    pub from_began: Option<Timestamp>,
}

/// The ConfigMaps and Secrets a pod template names: in the environment and in volumes.
pub fn names(template: &Value) -> BTreeSet<Named> {
    let mut all = BTreeSet::new();
    let spec = &template["spec"];
    let mut add = |kind: &'static str, of: &Value, key: &str| {
        if let Some(name) = of[key].as_str().filter(|name| !name.is_empty()) {
            let optional = of["optional"] == true;
            all.insert(Named {
                kind,
                name: name.to_owned(),
                optional,
            });
        }
    };
    for list in ["initContainers", "containers"] {
        for container in items(&spec[list]) {
            for from in items(&container["envFrom"]) {
                add("ConfigMap", &from["configMapRef"], "name");
                add("Secret", &from["secretRef"], "name");
            }
            for variable in items(&container["env"]) {
                let from = &variable["valueFrom"];
                add("ConfigMap", &from["configMapKeyRef"], "name");
                add("Secret", &from["secretKeyRef"], "name");
            }
        }
    }
    for volume in items(&spec["volumes"]) {
        add("ConfigMap", &volume["configMap"], "name");
        add("Secret", &volume["secret"], "secretName");
        for source in items(&volume["projected"]["sources"]) {
            add("ConfigMap", &source["configMap"], "name");
            add("Secret", &source["secret"], "name");
        }
    }
    all
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// When an object's content was last written, as its managed fields say; at the latest when it was made.
pub fn written(object: &Value) -> Option<Timestamp> {
    let meta = &object["metadata"];
    let moment = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let content = ["f:data", "f:binaryData", "f:stringData"];
    let writes = items(&meta["managedFields"])
        .filter(|field| {
            content
                .iter()
                .any(|part| field["fieldsV1"].get(part).is_some())
        })
        .filter_map(|field| moment(&field["time"]));
    writes.max().max(moment(&meta["creationTimestamp"]))
}

/// What going back does not bring back, in lines for the preflight.
pub fn lines(
    now: &BTreeSet<Named>,
    then: &BTreeSet<Named>,
    found: &BTreeMap<Named, Found>,
    way: &Way,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let only = |these: &BTreeSet<Named>, those: &BTreeSet<Named>| {
        let fresh = these
            .iter()
            .filter(|one| those.iter().all(|other| !same(one, other)));
        fresh.map(Named::short).collect::<Vec<_>>().join(", ")
    };
    let (gained, lost) = (only(then, now), only(now, then));
    if !gained.is_empty() || !lost.is_empty() {
        let none = |names: String| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names
            }
        };
        lines.push(Line::new(
            Level::Noted,
            TEXT,
            format!(
                "revision {} names {} where the present one names {}",
                way.to,
                none(gained),
                none(lost)
            ),
        ));
    }
    let mut hidden = Vec::new();
    for named in then {
        match found.get(named) {
            Some(Found::Missing) if !named.optional => lines.push(missing(named, way)),
            Some(Found::Hidden(_)) => hidden.push(named.short()),
            Some(Found::There(Some(at))) => lines.extend(changed(named, *at, way)),
            _ => {}
        }
    }
    if !hidden.is_empty() {
        lines.push(Line::new(
            Level::Noted,
            TEXT,
            format!(
                "{} may not be read: whether it changed since revision {} served is not known",
                hidden.join(", "),
                way.to
            ),
        ));
    }
    if lines.is_empty() {
        lines.push(Line::new(Level::Passed, TEXT, calm(then.len(), way)));
    }
    lines
}

fn same(one: &Named, other: &Named) -> bool {
    one.kind == other.kind && one.name == other.name
}

fn calm(count: usize, way: &Way) -> String {
    match count {
        0 => "the template names no ConfigMap and no Secret".to_owned(),
        1 => format!("the one it names has not changed since revision {}", way.to),
        many => format!(
            "none of the {many} it names has changed since revision {}",
            way.to
        ),
    }
}

fn missing(named: &Named, way: &Way) -> Line {
    Line::new(
        Level::Red,
        TEXT,
        format!(
            "revision {} needs {}, which is not there: its pods could not start",
            way.to,
            named.short()
        ),
    )
    .fix(format!(
        "bring {} back first, or choose another revision",
        named.short()
    ))
}

/// A change with the release or after it may be a part of the trouble; an older one was served well with.
fn changed(named: &Named, at: Timestamp, way: &Way) -> Option<Line> {
    let began = way.to_began?;
    if at <= began {
        return None;
    }
    let when = at.strftime("%Y-%m-%d %H:%M:%S");
    let with_release = way.from_began.is_none_or(|left| at >= left - TOGETHER);
    if !with_release {
        let words = format!(
            "{} changed at {when}, while revision {} served: its content of before is not brought back",
            named.short(),
            way.to
        );
        return Some(Line::new(Level::Noted, TEXT, words));
    }
    let beside = match (way.from, way.from_began) {
        (Some(from), Some(left)) if at < left => {
            let before = SignedDuration::from_secs(left.duration_since(at).as_secs());
            format!(", {} before revision {from}", show_duration(before))
        }
        (Some(from), Some(_)) => format!(", with or after revision {from}"),
        _ => String::new(),
    };
    Some(
        Line::new(
            Level::Amber,
            TEXT,
            format!(
                "{} changed at {when}{beside}: going back does not bring its old content back (T21)",
                named.short()
            ),
        )
        .fix(format!(
            "compare it with what revision {} read; if it matters, bring that back where it comes from",
            way.to
        )),
    )
}

/// An init container that migrates a database: what it did stays done.
pub fn migration(template: &Value, from: Option<i64>) -> Option<Line> {
    let found = items(&template["spec"]["initContainers"]).find(|container| {
        let mut words = vec![&container["name"]];
        words.extend(items(&container["command"]));
        words.extend(items(&container["args"]));
        let says = |word: &&&Value| {
            let word = word.as_str().unwrap_or_default().to_ascii_lowercase();
            ["migrat", "flyway", "liquibase", "alembic"]
                .iter()
                .any(|tool| word.contains(tool))
        };
        words.iter().find(says).is_some()
    })?;
    let name = bounded(found["name"].as_str().unwrap_or_default(), 60);
    let of = from.map_or_else(
        || "the present revision".to_owned(),
        |number| format!("revision {number}"),
    );
    Some(
        Line::new(
            Level::Amber,
            "the database stays as it is",
            format!("init container {name} of {of} may have migrated it (T21)"),
        )
        .fix("ask whether the old version can read the new schema"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + minute * 60).unwrap()
    }

    fn way() -> Way {
        Way {
            to: 42,
            to_began: Some(at(0)),
            from: Some(43),
            from_began: Some(at(1000)),
        }
    }

    fn config(name: &str) -> Named {
        Named {
            kind: "ConfigMap",
            name: name.into(),
            optional: false,
        }
    }

    #[test]
    fn every_place_a_template_can_name_one_is_looked_at() {
        let template = json!({"spec": {
            "initContainers": [{"envFrom": [{"secretRef": {"name": "init"}}]}],
            "containers": [{"envFrom": [{"configMapRef": {"name": "all", "optional": true}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}, {"valueFrom": {"configMapKeyRef": {"name": "flags"}}}]}],
            "volumes": [{"configMap": {"name": "files"}}, {"secret": {"secretName": "tls"}},
                {"projected": {"sources": [{"configMap": {"name": "p1"}}, {"secret": {"name": "p2"}}]}}, {"emptyDir": {}}]}});
        let names: Vec<String> = names(&template).iter().map(Named::short).collect();
        assert_eq!(
            names,
            [
                "ConfigMap/all",
                "ConfigMap/files",
                "ConfigMap/flags",
                "ConfigMap/p1",
                "Secret/db",
                "Secret/init",
                "Secret/p2",
                "Secret/tls"
            ]
        );
    }

    #[test]
    fn each_finding_has_its_level_and_its_name() {
        let of = |found| {
            let then = BTreeSet::from([config("settings")]);
            let found = BTreeMap::from([(config("settings"), found)]);
            let line = lines(&then, &then, &found, &way()).remove(0);
            (line.level, line.fact)
        };
        let table = [
            (
                Found::There(Some(at(-5))),
                Level::Passed,
                "has not changed since revision 42",
            ),
            (Found::There(None), Level::Passed, "has not changed"),
            (
                Found::There(Some(at(400))),
                Level::Noted,
                "while revision 42 served",
            ),
            (
                Found::There(Some(at(999))),
                Level::Amber,
                "1m before revision 43",
            ),
            (
                Found::There(Some(at(1003))),
                Level::Amber,
                "after revision 43",
            ),
            (
                Found::Missing,
                Level::Red,
                "needs ConfigMap/settings, which is not there",
            ),
            (Found::Hidden("403".into()), Level::Noted, "may not be read"),
        ];
        for (found, level, words) in table {
            let (is, fact) = of(found.clone());
            assert!(
                is == level && fact.contains(words),
                "{found:?}: {is:?} {fact}"
            );
        }
    }

    #[test]
    fn names_that_differ_between_the_templates_are_said() {
        let (now, then) = (
            BTreeSet::from([config("v2")]),
            BTreeSet::from([config("v1")]),
        );
        let found = BTreeMap::from([(config("v1"), Found::There(Some(at(-9))))]);
        let line = lines(&now, &then, &found, &way()).remove(0);
        assert_eq!(
            line.fact,
            "revision 42 names ConfigMap/v1 where the present one names ConfigMap/v2"
        );
    }

    #[test]
    fn only_writes_of_content_count_as_changes() {
        let object = json!({"metadata": {"creationTimestamp": "2026-03-04T03:00:00Z", "managedFields": [
            {"time": "2026-03-04T04:00:00Z", "fieldsV1": {"f:data": {}}},
            {"time": "2026-03-04T05:00:00Z", "fieldsV1": {"f:metadata": {"f:annotations": {}}}}]}});
        assert_eq!(
            written(&object),
            Some("2026-03-04T04:00:00Z".parse().unwrap())
        );
    }

    #[test]
    fn a_migration_before_the_start_is_noticed() {
        let with = |name: &str| json!({"spec": {"initContainers": [{"name": name}]}});
        assert!(
            migration(&with("db-migrate"), Some(43))
                .is_some_and(|line| line.fact.contains("revision 43"))
        );
        assert_eq!(migration(&with("wait-for-db"), Some(43)), None);
    }
}
