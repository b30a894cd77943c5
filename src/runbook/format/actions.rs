//! Kinds that act on the cluster, and the object they act on; steps and their undo read them alike.

use crate::runbook::format::guards::missing;
use crate::runbook::format::objects::{object_step, target};
use crate::runbook::format::programs::argv;
use crate::runbook::format::reader::Reader;
use crate::runbook::format::secrets::secret_step;
use crate::runbook::model::{KINDS, OBJECT_KINDS, PLANNED, SECRET_KINDS, StepKind};
use crate::runbook::place::nearest;
use crate::runbook::prose::bounded;
use crate::runbook::template::Slot;

/// Kinds that act; an undo may leave the target to its step.
pub fn action(name: &str, table: &Reader<'_, '_, '_>, needs_target: bool) -> Option<StepKind> {
    let at = || (needs_target || table.has("target")).then(|| target(table));
    Some(match name {
        "k8s.rollback" => StepKind::Rollback {
            at: at(),
            to: table.need_text("to"),
        },
        "k8s.scale" => StepKind::Scale {
            at: at(),
            replicas: table
                .int_slot("replicas")
                .unwrap_or_else(|| missing(table, "replicas", Slot::Fixed(0))),
        },
        "k8s.rollout-restart" => StepKind::RolloutRestart { at: at() },
        "k8s.pause" => StepKind::Pause { at: at() },
        "k8s.resume" => StepKind::Resume { at: at() },
        "k8s.set-image" => StepKind::SetImage {
            at: at(),
            container: table.string("container"),
            image: table.need_text("image"),
        },
        "k8s.annotate" => StepKind::Annotate {
            at: at(),
            set: table.text_map("set"),
        },
        "k8s.delete" => StepKind::Delete { at: at() },
        "k8s.evict" => StepKind::Evict { at: at() },
        "exec" => StepKind::Exec { argv: argv(table) },
        other if SECRET_KINDS.iter().any(|(kind, _)| *kind == other) => {
            StepKind::Secret(secret_step(other, table)?)
        }
        other if OBJECT_KINDS.contains(&other) => {
            StepKind::Object(object_step(other, table, needs_target)?)
        }
        other => {
            let (name, _, keys) = PLANNED.iter().find(|(known, ..)| *known == other)?;
            let keys = keys
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), table.data(key)?)))
                .collect();
            StepKind::Planned {
                name: (*name).to_owned(),
                keys,
            }
        }
    })
}

/// Says that there is no such kind, with the nearest one.
pub fn unknown_kind(table: &Reader<'_, '_, '_>, name: &str) {
    if name.is_empty() {
        return;
    }
    let at = table.item("kind").map_or(table.at(), |(_, at)| at);
    let known = KINDS
        .iter()
        .copied()
        .chain(PLANNED.iter().map(|(known, ..)| *known));
    let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    table
        .sink()
        .error(at, format!("no step kind `{}`", bounded(name, 60)), help);
}
