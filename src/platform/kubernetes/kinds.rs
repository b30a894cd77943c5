//! The kinds that are watched: where each lives, and how its wire form becomes a row.

use super::pool::Pool;
use super::protobuf::NotProtobuf;
use super::wire::{Meta, Moment, Pairs, Text, slim};
use crate::domain::event::Event;
use crate::domain::node::{Autoscaler, Node};
use crate::domain::object::{ObjectRef, Requirement, Selector};
use crate::domain::service::Service;
use serde::Deserialize;
use std::sync::Arc;

/// What every wire form says of itself.
pub trait Identified {
    /// Its uid.
    fn uid(&self) -> &str;
    /// Its resourceVersion.
    fn version(&self) -> &str;
}

/// A kind that can be watched.
pub trait Kind: Send + Sync + 'static {
    /// Its API group; empty for the core.
    const GROUP: &'static str;
    /// Its version.
    const VERSION: &'static str;
    /// Its plural in paths and rights.
    const PLURAL: &'static str;
    /// Whether its objects live in namespaces.
    const NAMESPACED: bool = true;
    /// What it becomes.
    type Row: Send + Sync + 'static;
    /// Its wire form.
    type Wire<'a>: Deserialize<'a> + Identified;

    /// What its list is called in protobuf; `None` where only JSON is read.
    const PACKED: Option<&'static str> = None;

    /// Translates; `None` for what has no place here.
    fn row(wire: Self::Wire<'_>, pool: &mut Pool) -> Option<Self::Row>;

    /// The same from protobuf: it reads what [`Kind::row`] reads.
    fn unpacked(_item: &[u8], _pool: &mut Pool) -> Result<Option<Self::Row>, NotProtobuf> {
        Err(NotProtobuf)
    }
}

/// Implements [`Identified`] by the field `metadata`.
macro_rules! identified {
    ($($name:ident),*) => {$(
        impl $crate::platform::kubernetes::kinds::Identified for $name<'_> {
            fn uid(&self) -> &str {
                &self.metadata.uid
            }
            fn version(&self) -> &str {
                &self.metadata.resource_version
            }
        }
    )*};
}
pub(super) use identified;

identified!(ServiceWire, NodeWire, AutoscalerWire, EventWire);

slim! {
    /// A label selector of the long form.
    SelectorWire<'a> {
        match_labels: Pairs<'a, Text<'a>>,
        match_expressions: Vec<ExpressionWire<'a>>,
    }
}

slim! {
    /// One requirement of it.
    ExpressionWire<'a> {
        key: Text<'a>,
        operator: Text<'a>,
        values: Vec<Text<'a>>,
    }
}

/// A selector of the long form. One that cannot be understood selects nothing.
pub(super) fn selector(wire: &SelectorWire<'_>, pool: &mut Pool) -> Selector {
    let mut all = equalities(&wire.match_labels, pool).0;
    for expression in &wire.match_expressions {
        let key = pool.text(&expression.key);
        let values: Vec<Arc<str>> = expression.values.iter().map(|v| pool.text(v)).collect();
        all.push(match &*expression.operator {
            "In" => Requirement::In(key, values),
            "NotIn" => Requirement::NotIn(key, values),
            "Exists" => Requirement::Exists(key),
            "DoesNotExist" => Requirement::Missing(key),
            _ => return Selector::default(),
        });
    }
    Selector(all)
}

fn equalities(labels: &Pairs<'_, Text<'_>>, pool: &mut Pool) -> Selector {
    let is =
        |(key, value): &(Text<'_>, Text<'_>)| Requirement::Is(pool.text(key), pool.text(value));
    Selector(labels.0.iter().map(is).collect())
}

slim! {
    /// A Service.
    ServiceWire<'a> {
        metadata: Meta<'a>,
        spec: ServiceSpec<'a>,
    }
}

slim! {
    /// Its specification.
    ServiceSpec<'a> {
        selector: Pairs<'a, Text<'a>>,
        ports: Vec<PortWire<'a>>,
    }
}

slim! {
    /// One port of it.
    PortWire<'a> {
        name: Text<'a>,
        port: u16,
    }
}

/// Services.
pub struct Services;

impl Kind for Services {
    const GROUP: &'static str = "";
    const VERSION: &'static str = "v1";
    const PLURAL: &'static str = "services";
    type Row = Service;
    type Wire<'a> = ServiceWire<'a>;

    fn row(wire: ServiceWire<'_>, pool: &mut Pool) -> Option<Service> {
        Some(Service {
            uid: wire.metadata.uid.some()?.into(),
            namespace: pool.text(&wire.metadata.namespace),
            name: wire.metadata.name.some()?.into(),
            selector: equalities(&wire.spec.selector, pool),
            ports: wire
                .spec
                .ports
                .iter()
                .map(|port| (pool.text(&port.name), port.port))
                .collect(),
        })
    }
}

slim! {
    /// A Node.
    NodeWire<'a> {
        metadata: Meta<'a>,
        spec: NodeSpec<'a>,
        status: NodeStatus<'a>,
    }
}

slim! {
    /// Its specification.
    NodeSpec<'a> {
        unschedulable: bool,
    }
}

slim! {
    /// Its status.
    NodeStatus<'a> {
        conditions: Vec<Condition<'a>>,
        node_info: NodeInfo<'a>,
    }
}

slim! {
    /// What its kubelet says of itself.
    NodeInfo<'a> {
        kubelet_version: Text<'a>,
    }
}

slim! {
    /// A condition, as most kinds have them.
    Condition<'a> {
        #[serde(rename = "type")]
        kind: Text<'a>,
        status: Text<'a>,
        reason: Text<'a>,
        message: Text<'a>,
        last_transition_time: Moment<'a>,
        last_update_time: Moment<'a>,
    }
}

impl Condition<'_> {
    /// Whether it holds; `None` where that is unknown.
    pub(super) fn holds(&self) -> Option<bool> {
        match &*self.status {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        }
    }
}

/// Nodes.
pub struct Nodes;

impl Kind for Nodes {
    const GROUP: &'static str = "";
    const VERSION: &'static str = "v1";
    const PLURAL: &'static str = "nodes";
    const NAMESPACED: bool = false;
    type Row = Node;
    type Wire<'a> = NodeWire<'a>;

    fn row(wire: NodeWire<'_>, pool: &mut Pool) -> Option<Node> {
        let conditions = &wire.status.conditions;
        let ready = conditions.iter().find(|c| &*c.kind == "Ready");
        let pressing = |c: &&Condition<'_>| &*c.kind != "Ready" && c.holds() == Some(true);
        Some(Node {
            uid: wire.metadata.uid.some()?.into(),
            name: wire.metadata.name.some()?.into(),
            ready: ready.and_then(Condition::holds),
            ready_since: ready.and_then(|c| c.last_transition_time.moment()),
            cordoned: wire.spec.unschedulable,
            pressure: conditions
                .iter()
                .filter(pressing)
                .map(|c| pool.text(&c.kind))
                .collect(),
            version: pool.text(&wire.status.node_info.kubelet_version),
            created: wire.metadata.creation_timestamp.moment(),
        })
    }
}

slim! {
    /// A HorizontalPodAutoscaler.
    AutoscalerWire<'a> {
        metadata: Meta<'a>,
        spec: AutoscalerSpec<'a>,
        status: AutoscalerStatus<'a>,
    }
}

slim! {
    /// Its specification.
    AutoscalerSpec<'a> {
        scale_target_ref: Pointer<'a>,
        min_replicas: Option<u32>,
        max_replicas: u32,
    }
}

slim! {
    /// Its status.
    AutoscalerStatus<'a> {
        current_replicas: u32,
        desired_replicas: u32,
        conditions: Vec<Condition<'a>>,
    }
}

slim! {
    /// A pointer to another object.
    Pointer<'a> {
        kind: Text<'a>,
        namespace: Text<'a>,
        name: Text<'a>,
    }
}

/// HorizontalPodAutoscalers.
pub struct Autoscalers;

impl Kind for Autoscalers {
    const GROUP: &'static str = "autoscaling";
    const VERSION: &'static str = "v2";
    const PLURAL: &'static str = "horizontalpodautoscalers";
    type Row = Autoscaler;
    type Wire<'a> = AutoscalerWire<'a>;

    fn row(wire: AutoscalerWire<'_>, pool: &mut Pool) -> Option<Autoscaler> {
        let namespace = pool.text(&wire.metadata.namespace);
        let target = &wire.spec.scale_target_ref;
        Some(Autoscaler {
            uid: wire.metadata.uid.some()?.into(),
            name: wire.metadata.name.some()?.into(),
            target: ObjectRef {
                kind: pool.text(&target.kind),
                namespace: namespace.clone(),
                name: pool.text(&target.name),
            },
            namespace,
            // The API server writes the default itself; an absent minimum is one.
            min: wire.spec.min_replicas.unwrap_or(1),
            max: wire.spec.max_replicas,
            current: wire.status.current_replicas,
            wanted: wire.status.desired_replicas,
            active: wire
                .status
                .conditions
                .iter()
                .find(|c| &*c.kind == "ScalingActive")
                .and_then(Condition::holds),
        })
    }
}

slim! {
    /// An Event of the core group.
    EventWire<'a> {
        metadata: Meta<'a>,
        involved_object: Pointer<'a>,
        #[serde(rename = "type")]
        kind: Text<'a>,
        reason: Text<'a>,
        message: Text<'a>,
        first_timestamp: Moment<'a>,
        last_timestamp: Moment<'a>,
        event_time: Moment<'a>,
        count: u32,
        source: EventSource<'a>,
        reporting_component: Text<'a>,
        series: EventSeries<'a>,
    }
}

slim! {
    /// Who says so, in the old form.
    EventSource<'a> {
        component: Text<'a>,
    }
}

slim! {
    /// Repeats, in the new form.
    EventSeries<'a> {
        count: u32,
        last_observed_time: Moment<'a>,
    }
}

/// Events.
pub struct Events;

impl Kind for Events {
    const GROUP: &'static str = "";
    const VERSION: &'static str = "v1";
    const PLURAL: &'static str = "events";
    type Row = Event;
    type Wire<'a> = EventWire<'a>;

    fn row(wire: EventWire<'_>, pool: &mut Pool) -> Option<Event> {
        let about = &wire.involved_object;
        let created = wire.metadata.creation_timestamp.moment();
        let once = wire.event_time.moment();
        let source = wire
            .source
            .component
            .some()
            .or(wire.reporting_component.some());
        Some(Event {
            uid: wire.metadata.uid.some()?.into(),
            object: ObjectRef {
                kind: pool.text(&about.kind),
                namespace: pool.text(&about.namespace),
                name: pool.text(&about.name),
            },
            warning: &*wire.kind == "Warning",
            reason: pool.text(&wire.reason),
            message: crate::platform::failure::bounded(&wire.message, 2000).into(),
            at: wire
                .series
                .last_observed_time
                .moment()
                .or(wire.last_timestamp.moment())
                .or(once)
                .or(created),
            first: wire.first_timestamp.moment().or(once).or(created),
            count: wire.count.max(wire.series.count).max(1),
            source: pool.text(source.unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<K: Kind>(text: &str) -> K::Row {
        K::row(serde_json::from_str(text).unwrap(), &mut Pool::default()).unwrap()
    }

    #[test]
    fn a_node_that_went_silent_is_unknown_not_false() {
        let text = r#"{"metadata":{"uid":"u","name":"n"},"spec":{"unschedulable":true},"status":{"conditions":[
            {"type":"Ready","status":"Unknown","lastTransitionTime":"2026-11-21T10:00:00Z"},{"type":"DiskPressure","status":"True"},{"type":"MemoryPressure","status":"False"}]}}"#;
        let node = row::<Nodes>(text);
        assert_eq!((node.ready, node.cordoned), (None, true));
        assert_eq!(node.pressure, [Arc::from("DiskPressure")]);
        assert!(node.ready_since.is_some() && node.created.is_none());
    }

    #[test]
    fn an_event_of_either_form_has_its_time_and_count() {
        let old = row::<Events>(
            r#"{"metadata":{"uid":"u"},"involvedObject":{"kind":"Pod","namespace":"n","name":"p"},"type":"Warning","reason":"BackOff",
            "count":7,"firstTimestamp":"2026-11-21T10:00:00Z","lastTimestamp":"2026-11-21T10:05:00Z","eventTime":null,"source":{"component":"kubelet"}}"#,
        );
        assert_eq!((old.count, &*old.source, old.warning), (7, "kubelet", true));
        assert_eq!(old.at.unwrap().to_string(), "2026-11-21T10:05:00Z");
        let new = row::<Events>(
            r#"{"metadata":{"uid":"u"},"eventTime":"2026-11-21T10:00:00.5Z","reportingComponent":"sched","series":{"count":3,"lastObservedTime":"2026-11-21T10:01:00Z"},"firstTimestamp":null}"#,
        );
        assert_eq!((new.count, &*new.source), (3, "sched"));
        assert_eq!(new.at.unwrap().to_string(), "2026-11-21T10:01:00Z");
    }

    #[test]
    fn a_selector_that_is_not_understood_selects_nothing() {
        let wire = r#"{"matchLabels":{"app":"x"},"matchExpressions":[{"key":"k","operator":"Gt","values":["1"]}]}"#;
        let wire: SelectorWire<'_> = serde_json::from_str(wire).unwrap();
        assert_eq!(selector(&wire, &mut Pool::default()), Selector::default());
    }
}
