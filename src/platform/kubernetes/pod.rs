//! Pods: the row, with kubectl's columns from `status` and the reason beside them from `trouble`.

use super::kinds::{Condition, Kind};
use super::pool::Pool;
use super::protobuf::NotProtobuf;
use super::protobuf::pod::PodMessage;
use super::status::{PodWire, columns};
use super::trouble::trouble;
use super::wire::Meta;
use crate::domain::object::Owner;
use crate::domain::pod::Pod;
use jiff::SignedDuration;

/// The controller that owns an object.
pub(super) fn owner(meta: &Meta<'_>, pool: &mut Pool) -> Option<Owner> {
    let owner = meta
        .owner_references
        .iter()
        .find(|owner| owner.controller)?;
    Some(Owner {
        kind: pool.text(&owner.kind),
        name: pool.text(&owner.name),
        uid: (*owner.uid).into(),
    })
}

/// Pods.
pub struct Pods;

impl Kind for Pods {
    const GROUP: &'static str = "";
    const VERSION: &'static str = "v1";
    const PLURAL: &'static str = "pods";
    const PACKED: Option<&'static str> = Some("PodList");
    type Row = Pod;
    type Wire<'a> = PodWire<'a>;

    fn row(wire: PodWire<'_>, pool: &mut Pool) -> Option<Pod> {
        let columns = columns(&wire);
        let ready = wire.condition("Ready");
        let specs = &wire.spec;
        let meta = &wire.metadata;
        let grace =
            SignedDuration::from_secs(meta.deletion_grace_period_seconds.clamp(0, 86_400 * 365));
        let names = specs.init_containers.iter().chain(&specs.containers);
        Some(Pod {
            uid: meta.uid.some()?.into(),
            namespace: pool.text(&meta.namespace),
            name: meta.name.some()?.into(),
            labels: pool.labels(&meta.labels),
            owner: owner(meta, pool),
            ready: columns.ready,
            containers: columns.containers,
            status: pool.text(&columns.status),
            restarts: columns.restarts,
            last_restart: columns.last_restart,
            created: meta.creation_timestamp.moment(),
            ready_since: ready.and_then(|c| c.last_transition_time.moment()),
            serves: ready.and_then(Condition::holds) == Some(true),
            node: pool.some(&specs.node_name),
            container_names: pool.list(names.map(|c| &*c.name)),
            images: pool.list(specs.containers.iter().map(|c| &*c.image)),
            // The deadline for its end stands on the wire; it was asked to go a grace period before.
            deleting_since: meta
                .deletion_timestamp
                .moment()
                .map(|end| end.checked_sub(grace).unwrap_or(end)),
            trouble: trouble(&wire, pool),
        })
    }

    fn unpacked(item: &[u8], pool: &mut Pool) -> Result<Option<Pod>, NotProtobuf> {
        let message = PodMessage::read(item)?;
        Ok(Self::row(message.wire(), pool))
    }
}

#[cfg(test)]
mod tests;
