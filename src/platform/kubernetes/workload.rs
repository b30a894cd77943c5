//! Deployments, StatefulSets, DaemonSets and ReplicaSets: counts, revisions, who wrote them last, who would revert a change.

#[cfg(test)]
mod tests;

use super::kinds::{Condition, Identified, Kind, SelectorWire, selector};
use super::pool::Pool;
use super::wire::{Moment, OwnerReference, Pairs, Text, slim};
use crate::domain::object::Manager;
use crate::domain::rollout::Revision;
use crate::domain::uid::Uid;
use crate::domain::workload::{Image, Progress, Strategy, Workload, WorkloadKind, Writer};
use crate::platform::failure::bounded;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::sync::Arc;

/// The most characters kept of an annotation or a message.
const LIMIT: usize = 1000;

slim! {
    /// What a workload says of itself: annotations and field owners too.
    FullMeta<'a> {
        name: Text<'a>,
        namespace: Text<'a>,
        uid: Text<'a>,
        resource_version: Text<'a>,
        creation_timestamp: Moment<'a>,
        generation: i64,
        labels: Pairs<'a, Text<'a>>,
        annotations: Pairs<'a, Text<'a>>,
        owner_references: Vec<OwnerReference<'a>>,
        managed_fields: Vec<ManagedField<'a>>,
    }
}

slim! {
    /// Which manager wrote which fields.
    ManagedField<'a> {
        manager: Text<'a>,
        subresource: Text<'a>,
        time: Moment<'a>,
        #[serde(rename = "fieldsV1")]
        fields: Fields<'a>,
    }
}

slim! {
    /// Whether the specification is among them; the rest is skipped.
    Fields<'a> {
        #[serde(rename = "f:spec")]
        spec: Option<SpecFields<'a>>,
    }
}

slim! {
    /// Whether the template of pods is among those of the specification.
    SpecFields<'a> {
        #[serde(rename = "f:template")]
        template: Option<Skipped>,
    }
}

/// Something that is there and not read.
#[derive(Debug, Default)]
pub struct Skipped;

impl<'de> serde::Deserialize<'de> for Skipped {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

slim! {
    /// Any of the four kinds: their fields overlap, and what a kind has not is not there.
    WorkloadWire<'a> {
        metadata: FullMeta<'a>,
        spec: WorkloadSpec<'a>,
        status: WorkloadStatus<'a>,
    }
}

impl Identified for WorkloadWire<'_> {
    fn uid(&self) -> &str {
        &self.metadata.uid
    }

    fn version(&self) -> &str {
        &self.metadata.resource_version
    }
}

slim! {
    /// Its specification.
    WorkloadSpec<'a> {
        replicas: Option<u32>,
        paused: bool,
        progress_deadline_seconds: Option<u32>,
        selector: SelectorWire<'a>,
        strategy: StrategyWire<'a>,
        update_strategy: StrategyWire<'a>,
        template: Template<'a>,
    }
}

slim! {
    /// How it replaces pods.
    StrategyWire<'a> {
        #[serde(rename = "type")]
        kind: Text<'a>,
        rolling_update: Rolling,
    }
}

/// The numbers of a rolling update: counts or percentages.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rolling {
    max_surge: Value,
    max_unavailable: Value,
    partition: u32,
}

slim! {
    /// The template of its pods.
    Template<'a> {
        metadata: TemplateMeta<'a>,
        spec: TemplateSpec<'a>,
    }
}

slim! {
    /// What the template's pods will say of themselves.
    TemplateMeta<'a> {
        labels: Pairs<'a, Text<'a>>,
        annotations: Pairs<'a, Text<'a>>,
    }
}

slim! {
    /// The template's containers.
    TemplateSpec<'a> {
        containers: Vec<TemplateContainer<'a>>,
    }
}

slim! {
    /// One of them.
    TemplateContainer<'a> {
        name: Text<'a>,
        image: Text<'a>,
    }
}

slim! {
    /// Its status.
    WorkloadStatus<'a> {
        observed_generation: i64,
        replicas: u32,
        updated_replicas: u32,
        ready_replicas: u32,
        available_replicas: u32,
        current_revision: Text<'a>,
        update_revision: Text<'a>,
        conditions: Vec<Condition<'a>>,
        desired_number_scheduled: u32,
        current_number_scheduled: u32,
        updated_number_scheduled: u32,
        number_ready: u32,
        number_available: u32,
    }
}

/// Deployments.
pub struct Deployments;
/// StatefulSets.
pub struct StatefulSets;
/// DaemonSets.
pub struct DaemonSets;
/// ReplicaSets.
pub struct ReplicaSets;

macro_rules! workload_kind {
    ($name:ident, $plural:literal, $kind:expr) => {
        impl Kind for $name {
            const GROUP: &'static str = "apps";
            const VERSION: &'static str = "v1";
            const PLURAL: &'static str = $plural;
            type Row = Workload;
            type Wire<'a> = WorkloadWire<'a>;

            fn row(wire: WorkloadWire<'_>, pool: &mut Pool) -> Option<Workload> {
                workload($kind, &wire, pool)
            }
        }
    };
}
workload_kind!(Deployments, "deployments", WorkloadKind::Deployment);
workload_kind!(StatefulSets, "statefulsets", WorkloadKind::StatefulSet);
workload_kind!(DaemonSets, "daemonsets", WorkloadKind::DaemonSet);

impl Kind for ReplicaSets {
    const GROUP: &'static str = "apps";
    const VERSION: &'static str = "v1";
    const PLURAL: &'static str = "replicasets";
    type Row = Revision;
    type Wire<'a> = WorkloadWire<'a>;

    fn row(wire: WorkloadWire<'_>, pool: &mut Pool) -> Option<Revision> {
        let (meta, spec, status) = (&wire.metadata, &wire.spec, &wire.status);
        Some(Revision {
            uid: meta.uid.some()?.into(),
            namespace: pool.text(&meta.namespace),
            name: meta.name.some()?.into(),
            owner: controller(meta),
            number: revision(meta),
            earlier: earlier(meta),
            images: images(spec, pool),
            version: version(spec, pool),
            labels: pool.label_map(&meta.labels),
            created: meta.creation_timestamp.moment(),
            returned: returned(meta),
            settled: settled(meta),
            desired: spec.replicas.unwrap_or(1),
            current: status.replicas,
            ready: status.ready_replicas,
            available: status.available_replicas,
            change_cause: annotation(&meta.annotations, "kubernetes.io/change-cause"),
            commit: commit(meta, spec),
        })
    }
}

fn workload(kind: WorkloadKind, wire: &WorkloadWire<'_>, pool: &mut Pool) -> Option<Workload> {
    let (meta, spec, status) = (&wire.metadata, &wire.spec, &wire.status);
    let [desired, current, updated, ready, available] = counts(kind, spec, status);
    let revisions = (
        status.current_revision.some(),
        status.update_revision.some(),
    );
    Some(Workload {
        kind,
        uid: meta.uid.some()?.into(),
        namespace: pool.text(&meta.namespace),
        name: meta.name.some()?.into(),
        labels: pool.label_map(&meta.labels),
        selector: selector(&spec.selector, pool),
        desired,
        current,
        updated,
        ready,
        available,
        generation: meta.generation,
        observed: status.observed_generation,
        paused: spec.paused,
        revision: revision(meta),
        stateful_revisions: match revisions {
            (Some(current), Some(update)) => Some((pool.text(current), pool.text(update))),
            _ => None,
        },
        images: images(spec, pool),
        version: version(spec, pool),
        strategy: strategy(kind, spec, pool),
        progress: status
            .conditions
            .iter()
            .find(|c| &*c.kind == "Progressing")
            .map(|c| progress(c, pool)),
        progress_deadline_s: spec.progress_deadline_seconds,
        change_cause: annotation(&meta.annotations, "kubernetes.io/change-cause"),
        writer: writer(meta, pool),
        manager: manager(&meta.labels, &meta.annotations),
        created: meta.creation_timestamp.moment(),
    })
}

/// Desired, current, updated, ready, available. A missing `replicas` is one, as the API server has it.
fn counts(kind: WorkloadKind, spec: &WorkloadSpec<'_>, status: &WorkloadStatus<'_>) -> [u32; 5] {
    match kind {
        WorkloadKind::DaemonSet => [
            status.desired_number_scheduled,
            status.current_number_scheduled,
            status.updated_number_scheduled,
            status.number_ready,
            status.number_available,
        ],
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => [
            spec.replicas.unwrap_or(1),
            status.replicas,
            status.updated_replicas,
            status.ready_replicas,
            status.available_replicas,
        ],
    }
}

fn progress(condition: &Condition<'_>, pool: &mut Pool) -> Progress {
    let updated = condition.last_update_time.moment();
    Progress {
        holds: condition.holds(),
        reason: pool.text(&condition.reason),
        message: bounded(&condition.message, LIMIT).into(),
        updated: updated.or(condition.last_transition_time.moment()),
    }
}

fn strategy(kind: WorkloadKind, spec: &WorkloadSpec<'_>, pool: &mut Pool) -> Strategy {
    let wire = match kind {
        WorkloadKind::Deployment => &spec.strategy,
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => &spec.update_strategy,
    };
    match &*wire.kind {
        "RollingUpdate" => Strategy::Rolling {
            max_surge: amount(&wire.rolling_update.max_surge, pool),
            max_unavailable: amount(&wire.rolling_update.max_unavailable, pool),
            partition: wire.rolling_update.partition,
        },
        "Recreate" => Strategy::Recreate,
        "OnDelete" => Strategy::OnDelete,
        other => Strategy::Other(pool.text(other)),
    }
}

fn amount(value: &Value, pool: &mut Pool) -> Arc<str> {
    match value {
        Value::String(text) => pool.text(text),
        Value::Number(number) => pool.text(&number.to_string()),
        _ => pool.text(""),
    }
}

fn images(spec: &WorkloadSpec<'_>, pool: &mut Pool) -> Vec<Image> {
    let image = |container: &TemplateContainer<'_>| Image {
        container: pool.text(&container.name),
        image: pool.text(&container.image),
    };
    spec.template.spec.containers.iter().map(image).collect()
}

fn version(spec: &WorkloadSpec<'_>, pool: &mut Pool) -> Option<Arc<str>> {
    let labels = &spec.template.metadata.labels;
    let label = labels
        .get("version")
        .or(labels.get("app.kubernetes.io/version"))?;
    pool.some(label)
}

fn revision(meta: &FullMeta<'_>) -> Option<u64> {
    let number = meta.annotations.get("deployment.kubernetes.io/revision")?;
    number.parse().ok()
}

/// Whether a ReplicaSet had other numbers before: its Deployment left it and came back.
fn returned(meta: &FullMeta<'_>) -> bool {
    let history = meta
        .annotations
        .get("deployment.kubernetes.io/revision-history");
    history.is_some_and(|numbers| !numbers.is_empty())
}

/// When its status was last written.
fn settled(meta: &FullMeta<'_>) -> Option<jiff::Timestamp> {
    let fields = meta.managed_fields.iter();
    let status = fields.filter(|field| &*field.subresource == "status");
    status.filter_map(|field| field.time.moment()).max()
}

/// Numbers it had before; a list of any length is bounded.
fn earlier(meta: &FullMeta<'_>) -> Vec<u64> {
    let history = meta
        .annotations
        .get("deployment.kubernetes.io/revision-history");
    let text = history.and_then(|text| text.some()).unwrap_or_default();
    text.split(',')
        .filter_map(|number| number.trim().parse().ok())
        .take(100)
        .collect()
}

fn controller(meta: &FullMeta<'_>) -> Option<Uid> {
    let owner = meta
        .owner_references
        .iter()
        .find(|owner| owner.controller)?;
    owner.uid.some().map(Uid::from)
}

fn annotation(annotations: &Pairs<'_, Text<'_>>, key: &str) -> Option<Arc<str>> {
    let value = annotations.get(key)?.some()?;
    Some(bounded(value, LIMIT).into())
}

/// The commit, where an annotation of the revision or of its template says it.
fn commit(meta: &FullMeta<'_>, spec: &WorkloadSpec<'_>) -> Option<Arc<str>> {
    const KEYS: [&str; 4] = [
        "app.kubernetes.io/commit",
        "org.opencontainers.image.revision",
        "veza.app/commit",
        "app.kubernetes.io/revision",
    ];
    let of = |annotations: &Pairs<'_, Text<'_>>| {
        KEYS.iter().find_map(|key| annotation(annotations, key))
    };
    of(&meta.annotations).or_else(|| of(&spec.template.metadata.annotations))
}

/// Who last wrote the template of pods: whoever pauses or scales releases nothing. Controllers write status through
/// subresources, which do not count.
fn writer(meta: &FullMeta<'_>, pool: &mut Pool) -> Option<Writer> {
    let wrote = |field: &&ManagedField<'_>| {
        let spec = field.fields.spec.as_ref();
        spec.is_some_and(|spec| spec.template.is_some()) && !matches!(&*field.subresource, "status")
    };
    let last = meta
        .managed_fields
        .iter()
        .filter(wrote)
        .max_by_key(|field| field.time.moment())?;
    Some(Writer {
        name: pool.text(&last.manager),
        at: last.time.moment(),
    })
}

/// Who would revert a change made by hand. `app.kubernetes.io/instance` alone means nothing: every chart sets it.
fn manager(labels: &Pairs<'_, Text<'_>>, annotations: &Pairs<'_, Text<'_>>) -> Option<Manager> {
    let label = |key: &str| labels.get(key).and_then(Text::some);
    let note = |key: &str| annotations.get(key).and_then(Text::some);
    if let Some(tracked) = note("argocd.argoproj.io/tracking-id") {
        let application = tracked.split(':').next().unwrap_or(tracked);
        return Some(Manager::ArgoCd(bounded(application, 253).into()));
    }
    let argo = annotations
        .0
        .iter()
        .any(|(key, _)| key.starts_with("argocd.argoproj.io/"));
    let instance = label("argocd.argoproj.io/instance")
        .or_else(|| label("app.kubernetes.io/instance").filter(|_| argo));
    if let Some(instance) = instance {
        return Some(Manager::ArgoCd(instance.into()));
    }
    let flux = label("kustomize.toolkit.fluxcd.io/name").or(label("helm.toolkit.fluxcd.io/name"));
    if let Some(name) = flux {
        return Some(Manager::Flux(name.into()));
    }
    let helm = label("app.kubernetes.io/managed-by") == Some("Helm");
    let release = note("meta.helm.sh/release-name").filter(|_| helm)?;
    Some(Manager::Helm(bounded(release, 253).into()))
}
