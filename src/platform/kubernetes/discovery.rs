//! Which kinds the server has, found by kind, plural or short name; and the path of any object.
//!
//! The everyday kinds are known without asking, so that a pod's YAML costs one request and not three.

use super::ask::{Ask, escape};
use super::classify::Attempt;
use super::client::Cluster;
use super::wire::{Text, slim};
use crate::domain::object::ObjectRef;
use crate::platform::failure::{Failure, FailureKind};

/// One kind the server has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Its API group; empty for the core.
    pub group: String,
    /// Its version.
    pub version: String,
    /// Its kind: `Deployment`.
    pub kind: String,
    /// Its plural: `deployments`.
    pub plural: String,
    /// Its singular: `deployment`.
    pub singular: String,
    /// Its short names: `deploy`.
    pub short: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it: `list`, `watch`.
    pub verbs: Vec<String>,
}

/// Group, version, kind, plural, short name, namespaced: what every cluster has.
const EVERYDAY: [(&str, &str, &str, &str, &str, bool); 18] = [
    ("", "v1", "Pod", "pods", "po", true),
    ("", "v1", "Service", "services", "svc", true),
    ("", "v1", "Secret", "secrets", "", true),
    ("", "v1", "ConfigMap", "configmaps", "cm", true),
    ("", "v1", "Node", "nodes", "no", false),
    ("", "v1", "Namespace", "namespaces", "ns", false),
    ("", "v1", "Event", "events", "ev", true),
    ("", "v1", "ServiceAccount", "serviceaccounts", "sa", true),
    (
        "",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "pvc",
        true,
    ),
    ("apps", "v1", "Deployment", "deployments", "deploy", true),
    ("apps", "v1", "ReplicaSet", "replicasets", "rs", true),
    ("apps", "v1", "StatefulSet", "statefulsets", "sts", true),
    ("apps", "v1", "DaemonSet", "daemonsets", "ds", true),
    (
        "apps",
        "v1",
        "ControllerRevision",
        "controllerrevisions",
        "",
        true,
    ),
    ("batch", "v1", "Job", "jobs", "", true),
    ("batch", "v1", "CronJob", "cronjobs", "cj", true),
    (
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "hpa",
        true,
    ),
    ("coordination.k8s.io", "v1", "Lease", "leases", "", true),
];

impl Known {
    /// An everyday kind by any of its names.
    pub fn everyday(name: &str) -> Option<Self> {
        EVERYDAY
            .iter()
            .map(|(group, version, kind, plural, short, namespaced)| Self {
                group: (*group).to_owned(),
                version: (*version).to_owned(),
                kind: (*kind).to_owned(),
                plural: (*plural).to_owned(),
                singular: kind.to_ascii_lowercase(),
                short: Some((*short).to_owned())
                    .filter(|s| !s.is_empty())
                    .into_iter()
                    .collect(),
                namespaced: *namespaced,
                verbs: ["get", "list", "watch"].map(str::to_owned).to_vec(),
            })
            .find(|known| known.answers_to(name))
    }

    /// Whether a name means this kind: kind, plural, singular, short name, each also with the group.
    pub fn answers_to(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let bare = match name.split_once('.') {
            Some((bare, group))
                if group == self.group || group == format!("{}.{}", self.version, self.group) =>
            {
                bare
            }
            Some(_) => return false,
            None => &name,
        };
        bare == self.plural
            || bare == self.singular
            || bare == self.kind.to_ascii_lowercase()
            || self.short.iter().any(|short| *short == bare)
    }

    /// `apps/v1`, or `v1` in the core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of its objects, in a namespace or in all.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{}/{}", escape(namespace), self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }

    /// The path of one object.
    pub fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.path(namespace), escape(name))
    }

    pub(super) fn attempt(&self, verb: &'static str, namespace: &str, name: &str) -> Attempt {
        Attempt::read(verb, &self.group, &self.plural, namespace, name)
    }
}

slim! {
    /// Aggregated discovery.
    Aggregated<'a> {
        kind: Text<'a>,
        items: Vec<GroupWire<'a>>,
    }
}

slim! {
    /// One group.
    GroupWire<'a> {
        metadata: GroupName<'a>,
        versions: Vec<VersionWire<'a>>,
    }
}

slim! {
    /// Its name.
    GroupName<'a> {
        name: Text<'a>,
    }
}

slim! {
    /// One version of it, the preferred first.
    VersionWire<'a> {
        version: Text<'a>,
        resources: Vec<ResourceWire<'a>>,
    }
}

slim! {
    /// One resource, in either form of discovery.
    ResourceWire<'a> {
        resource: Text<'a>,
        name: Text<'a>,
        response_kind: KindWire<'a>,
        kind: Text<'a>,
        scope: Text<'a>,
        namespaced: bool,
        singular_resource: Text<'a>,
        singular_name: Text<'a>,
        short_names: Vec<Text<'a>>,
        verbs: Vec<Text<'a>>,
    }
}

slim! {
    /// The kind it answers with.
    KindWire<'a> {
        kind: Text<'a>,
    }
}

slim! {
    /// The groups of the old form.
    Groups<'a> {
        groups: Vec<OldGroup<'a>>,
    }
}

slim! {
    /// One of them.
    OldGroup<'a> {
        preferred_version: Preferred<'a>,
    }
}

slim! {
    /// The version to use.
    Preferred<'a> {
        group_version: Text<'a>,
    }
}

slim! {
    /// The resources of one group and version, in the old form.
    Resources<'a> {
        resources: Vec<ResourceWire<'a>>,
    }
}

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

fn known(group: &str, version: &str, wire: &ResourceWire<'_>) -> Option<Known> {
    let plural = wire.resource.some().or(wire.name.some())?;
    if plural.contains('/') {
        return None;
    }
    let kind = wire.response_kind.kind.some().or(wire.kind.some())?;
    let singular = wire.singular_resource.some().or(wire.singular_name.some());
    Some(Known {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: singular.map_or_else(|| kind.to_ascii_lowercase(), str::to_owned),
        short: wire.short_names.iter().map(|s| s.to_string()).collect(),
        namespaced: wire.namespaced || &*wire.scope == "Namespaced",
        verbs: wire.verbs.iter().map(|v| v.to_string()).collect(),
    })
}

impl Cluster {
    /// Every kind the server has, the core first, in the version the server prefers.
    pub async fn kinds(&self) -> Result<Vec<Known>, Failure> {
        let mut all = Vec::new();
        for root in ["/api", "/apis"] {
            let attempt = Attempt::read("get", "", root, "", "");
            let mut ask = Ask::get(attempt.clone(), root.to_owned());
            ask.accept = Some(AGGREGATED);
            let answer = self.send(ask).await?;
            let read: Aggregated<'_> = serde_json::from_slice(&answer.body).unwrap_or_default();
            if &*read.kind == "APIGroupDiscoveryList" {
                all.extend(aggregated(&read));
            } else {
                all.extend(self.old_kinds(root, &answer.body).await?);
            }
        }
        Ok(all)
    }

    /// Discovery of servers without the aggregated form: one request for each group.
    async fn old_kinds(&self, root: &str, body: &[u8]) -> Result<Vec<Known>, Failure> {
        let places: Vec<String> = if root == "/api" {
            vec!["v1".to_owned()]
        } else {
            let read: Groups<'_> = serde_json::from_slice(body).unwrap_or_default();
            let versions = read
                .groups
                .iter()
                .map(|g| g.preferred_version.group_version.to_string());
            versions.filter(|version| !version.is_empty()).collect()
        };
        let mut all = Vec::new();
        for place in places {
            let attempt = Attempt::read("get", "", &format!("{root}/{place}"), "", "");
            let answer = match self
                .send(Ask::get(attempt, format!("{root}/{place}")))
                .await
            {
                Ok(answer) => answer,
                // One broken extension server must not hide the rest.
                Err(failure)
                    if matches!(
                        failure.kind,
                        FailureKind::Server(_) | FailureKind::NotFound | FailureKind::Throttled(_)
                    ) =>
                {
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let read: Resources<'_> = serde_json::from_slice(&answer.body).unwrap_or_default();
            let (group, version) = place.rsplit_once('/').unwrap_or(("", &place));
            all.extend(
                read.resources
                    .iter()
                    .filter_map(|r| known(group, version, r)),
            );
        }
        Ok(all)
    }

    /// The kind a name means: an everyday one without asking, any other by discovery.
    pub async fn kind_named(&self, name: &str) -> Result<Known, Failure> {
        if let Some(known) = Known::everyday(name) {
            return Ok(known);
        }
        let all = self.kinds().await?;
        let found = all.into_iter().find(|known| known.answers_to(name));
        found.ok_or_else(|| {
            let attempt = Attempt::read("find", "", "the kind", "", name);
            self.failure(
                FailureKind::NotFound,
                &attempt,
                "the server has no kind of that name",
            )
        })
    }

    /// The kind of an object.
    pub async fn kind_of(&self, object: &ObjectRef) -> Result<Known, Failure> {
        self.kind_named(&object.kind).await
    }
}

fn aggregated(read: &Aggregated<'_>) -> Vec<Known> {
    let mut all: Vec<Known> = Vec::new();
    for group in &read.items {
        for version in &group.versions {
            for resource in &version.resources {
                let Some(found) = known(&group.metadata.name, &version.version, resource) else {
                    continue;
                };
                let twice = |own: &Known| own.group == found.group && own.plural == found.plural;
                if !all.iter().any(twice) {
                    all.push(found);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_answers_to_all_its_names() {
        for name in [
            "deploy",
            "Deployment",
            "deployments",
            "deployments.apps",
            "deployment.v1.apps",
        ] {
            assert_eq!(Known::everyday(name).unwrap().kind, "Deployment", "{name}");
        }
        assert_eq!(Known::everyday("deployments.extensions"), None);
        assert_eq!(Known::everyday(""), None);
    }

    #[test]
    fn a_name_from_outside_stays_one_part_of_the_path() {
        let pods = Known::everyday("po").unwrap();
        assert_eq!(
            pods.object("n", "../x?y"),
            "/api/v1/namespaces/n/pods/..%2Fx%3Fy"
        );
        assert_eq!(pods.path(""), "/api/v1/pods");
    }
}
