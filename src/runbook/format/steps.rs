//! Steps of a runbook: each kind's own keys and the keys all kinds share. A key not asked for here is a mistake.

use std::collections::BTreeMap;

use crate::runbook::format::actions::{action, unknown_kind};
use crate::runbook::format::checklist::items;
use crate::runbook::format::gates::{default_on, gate_decl, gate_on};
use crate::runbook::format::guards::{
    agreement, approve, check, confirm, need_duration, retry, timeout, wait_for, when,
};
use crate::runbook::format::looks::{http, scan};
use crate::runbook::format::objects::{own_way_back, target};
use crate::runbook::format::reader::{Reader, good_id};
use crate::runbook::model::{Branch, Each, OnFailure, Side, Step, StepKind, Undo};
use crate::runbook::prose::bounded;
use crate::runbook::template::{Path, Text};

/// Where a step stands: its section and the prose above it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Index of the section.
    pub section: usize,
    /// The prose right above.
    pub prose: String,
}

/// Reads one step.
pub fn step(table: Reader<'_, '_, '_>, standing: &Standing) -> Option<Step> {
    let id = table.need("id");
    if !id.is_empty() && !good_id(&id) {
        table.error_at(
            "id",
            format!(
                "`{}` is not an id: small letters, digits, hyphens, at most 63",
                bounded(&id, 70)
            ),
            None,
        );
    }
    let place = table.sink().place(table.at());
    let kind = step_kind(&table);
    let step = kind.map(|kind| Step {
        section: standing.section,
        prose: standing.prose.clone(),
        place,
        when: table.table("when").and_then(when),
        timeout: timeout(&table),
        retry: table.table("retry").map(retry),
        on_failure: table.word("on_failure", OnFailure::WORDS, OnFailure::from_word),
        confirm: confirm(&table),
        approve: if matches!(kind, StepKind::Approve) {
            Some(agreement(&table))
        } else {
            table.table("approve").map(approve)
        },
        undo: undo(&table).or_else(|| own_way_back(&kind)),
        barrier: table.flag("barrier").unwrap_or_default(),
        vars: BTreeMap::new(),
        within: Vec::new(),
        capture: capture(&table),
        checks: table
            .tables("check")
            .into_iter()
            .filter_map(check)
            .collect(),
        critical: table.flag("critical").unwrap_or_default(),
        evidence: table.string("evidence"),
        sensitive_output: table.flag("sensitive_output").unwrap_or_default(),
        wait: table.table("wait").and_then(wait_for),
        each: if matches!(kind, StepKind::Each { .. }) {
            None
        } else {
            table.table("each").and_then(each)
        },
        id,
        kind,
    });
    if step.is_some() {
        table.finish();
    }
    step
}

fn step_kind(table: &Reader<'_, '_, '_>) -> Option<StepKind> {
    let name = table.need("kind");
    let kind = match name.as_str() {
        "note" => StepKind::Note,
        "input" => StepKind::Input {
            param: table.need("param"),
        },
        "choose" => StepKind::Choose {
            options: table.tables("options").into_iter().map(branch).collect(),
        },
        "checklist" => StepKind::Checklist {
            items: items(table, "items"),
        },
        "confirm" => StepKind::Confirm {
            show: table.strings("show"),
        },
        "approve" => StepKind::Approve,
        "check" => StepKind::Check {
            object: table.has("target").then(|| target(table)),
        },
        "diff" => StepKind::Diff {
            of: table.need("of"),
        },
        "http" => StepKind::Look(http(table)),
        "scan" => StepKind::Look(scan(table)),
        "gate" => gate(table),
        "wait" => StepKind::Wait {
            span: need_duration(table, "for"),
            plus: table.duration_slot("plus"),
            since: table.path("since"),
        },
        "use" => StepKind::Use {
            block: table.need("block"),
        },
        "incident.set" => StepKind::IncidentSet {
            severity: table.text("severity"),
            set: table.text_map("set"),
        },
        "call" => StepKind::Call {
            runbook: table.need("runbook"),
            with: given(table),
        },
        "each" => repeated(table)?,
        "audit" => StepKind::Audit {
            event: table.need("event"),
            with: table.text_map("with"),
        },
        "notify" => StepKind::Notify {
            channel: table.need("channel"),
            text: table.need_text("text"),
        },
        other => {
            if let Some(action) = action(other, table, !table.has("each")) {
                action
            } else {
                unknown_kind(table, other);
                return None;
            }
        }
    };
    Some(kind)
}

fn gate(table: &Reader<'_, '_, '_>) -> StepKind {
    let named = table.string("use");
    let gate = if named.is_none() {
        Some(Box::new(gate_decl(table)))
    } else {
        None
    };
    let hold = if named.is_some() {
        table.duration_slot("hold")
    } else {
        None
    };
    let on = table.table("on").map_or_else(default_on, gate_on);
    StepKind::Gate {
        named,
        gate,
        hold,
        side: table
            .word("side", Side::WORDS, Side::from_word)
            .unwrap_or(Side::All),
        target: table.has("target").then(|| target(table)),
        targets: table.path("targets"),
        on,
    }
}

/// What a call gives to parameters: texts with references, numbers and yes or no as they are written.
fn given(table: &Reader<'_, '_, '_>) -> BTreeMap<String, Text> {
    let Some(inner) = table.table("with") else {
        return BTreeMap::new();
    };
    let mut all = BTreeMap::new();
    for (name, value, at) in inner.free() {
        let text = match inner.to_data(value.get_ref(), at, 0) {
            Some(serde_json::Value::String(text)) => Text::parse(&text).ok(),
            Some(plain @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_))) => {
                Some(Text::literal(&plain.to_string()))
            }
            _ => None,
        };
        match text {
            Some(text) => {
                all.insert(name, text);
            }
            None => table.sink().error(
                at,
                format!("`with`: `{name}` must be a text, a number, or true or false"),
                None,
            ),
        }
    }
    all
}

fn repeated(table: &Reader<'_, '_, '_>) -> Option<StepKind> {
    let over = Each {
        over: table.path("in")?,
        var: table.string("as"),
        order: table.strings("order"),
        serial: table.int("serial").unwrap_or(1),
    };
    Some(StepKind::Each {
        over,
        body: table
            .tables("do")
            .into_iter()
            .filter_map(|inner| step(inner, &Standing::default()))
            .collect(),
    })
}

fn each(table: Reader<'_, '_, '_>) -> Option<Each> {
    let each = Each {
        over: table.path("in")?,
        var: table.string("as"),
        order: table.strings("order"),
        serial: table.int("serial").unwrap_or(1),
    };
    table.finish();
    Some(each)
}

fn branch(table: Reader<'_, '_, '_>) -> Branch {
    let branch = Branch {
        id: table.need("id"),
        label: table.need("label"),
        help: table.string("help"),
    };
    table.finish();
    branch
}

fn undo(table: &Reader<'_, '_, '_>) -> Option<Undo> {
    let (value, at) = table.item("undo")?;
    let why = table.string("why");
    if let Some(word) = value.as_str() {
        return match word {
            "none" => {
                if why.is_none_or(|why| why.trim().is_empty()) {
                    table.sink().error(
                        at,
                        "undo = \"none\" needs `why`",
                        Some("say in one sentence why there is no way back".to_owned()),
                    );
                }
                Some(Undo::None)
            }
            "previous-values" => Some(Undo::Restore),
            other => {
                table.sink().error(
                    at,
                    format!("`undo` does not know `{}`", bounded(other, 40)),
                    Some("\"none\" with `why`, \"previous-values\", or { kind = … }".to_owned()),
                );
                None
            }
        };
    }
    let inner = table.as_table(value, at, "undo")?;
    let name = inner.need("kind");
    let condition = inner.table("when").and_then(when);
    let Some(kind) = action(&name, &inner, false) else {
        unknown_kind(&inner, &name);
        return None;
    };
    inner.finish();
    let own = table.string("id").unwrap_or_default();
    let restores = matches!(&kind, StepKind::Rollback { to, .. } if to.source() == format!("steps.{own}.before"));
    Some(if restores && condition.is_none() {
        Undo::Restore
    } else {
        Undo::Act(Box::new(kind), condition)
    })
}

fn capture(table: &Reader<'_, '_, '_>) -> BTreeMap<String, Path> {
    let mut out = BTreeMap::new();
    for (name, text) in table.text_map("capture") {
        match Path::parse(text.source()) {
            Ok(path @ Path::Out(_)) => {
                out.insert(name, path);
            }
            _ => table.error(
                format!("`capture` of `{name}` must begin with out"),
                Some("as { uid = \"out.uid\" }"),
            ),
        }
    }
    out
}
