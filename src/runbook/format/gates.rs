//! Gates as files declare them: their metrics with the unit each signal has, and where each verdict leads.

use std::collections::BTreeMap;

use crate::runbook::format::guards::{need_duration, when};
use crate::runbook::format::reader::Reader;
use crate::runbook::model::{GateDecl, GateOn, MetricDecl, Then, ThenBy};
use crate::runbook::place::nearest;
use crate::runbook::prose::bounded;
use crate::runbook::quantity::{Limit, Unit};
use crate::runbook::template::{Path, Slot};

/// Signals with names, and the unit of each.
pub const SIGNALS: &[(&str, Unit)] = &[
    ("requests", Unit::Count),
    ("error_ratio", Unit::Ratio),
    ("success_ratio", Unit::Ratio),
    ("unauthorized_ratio", Unit::Ratio),
    ("saturation", Unit::Ratio),
    ("p50", Unit::Seconds),
    ("p95", Unit::Seconds),
    ("p99", Unit::Seconds),
    ("restarts", Unit::Count),
];

/// Where verdicts lead when the file does not say.
pub fn default_on() -> GateOn {
    GateOn {
        pass: Then::Next,
        fail: ThenBy::Fixed(Then::Pause),
        inconclusive: Then::Ask,
        lost: Then::RestartGate,
    }
}

/// Reads where verdicts lead.
pub fn gate_on(table: Reader<'_, '_, '_>) -> GateOn {
    let word = |key: &'static str| table.word(key, Then::WORDS, Then::from_word);
    let fail = match table.item("fail") {
        Some((value, at)) if value.is_table() => {
            table
                .as_table(value, at, "fail")
                .map_or(ThenBy::Fixed(Then::Pause), |inner| {
                    let param = inner.need("param");
                    let mut map = BTreeMap::new();
                    for (name, text) in inner.text_map("map") {
                        match Then::from_word(text.source()) {
                            Some(then) => {
                                map.insert(name, then);
                            }
                            None => inner.error(
                                format!("`{}` is not a consequence", text.source()),
                                Some("one of next, ask, pause, rollback, abort"),
                            ),
                        }
                    }
                    inner
                        .sink()
                        .refer(Path::Param(param.clone(), Vec::new()), inner.at());
                    inner.finish();
                    ThenBy::Param { param, map }
                })
        }
        Some(_) => ThenBy::Fixed(word("fail").unwrap_or(Then::Pause)),
        None => ThenBy::Fixed(Then::Pause),
    };
    let on = GateOn {
        pass: word("pass").unwrap_or(Then::Next),
        fail,
        inconclusive: word("inconclusive").unwrap_or(Then::Ask),
        lost: word("lost").unwrap_or(Then::RestartGate),
    };
    if matches!(on.inconclusive, Then::Next | Then::Continue) {
        table.error(
            "an inconclusive gate never goes on",
            Some("write inconclusive = \"ask\", \"rollback\" or \"abort\""),
        );
    }
    table.finish();
    on
}

/// Reads a gate's own keys from a table that may hold others.
pub fn gate_decl(table: &Reader<'_, '_, '_>) -> GateDecl {
    const SCOPES: &[&str] = &["gate", "run"];
    const COMBINE: &[&str] = &["all", "any"];
    let gate = GateDecl {
        interval: table
            .duration_slot("interval")
            .unwrap_or(Slot::Fixed(jiff::SignedDuration::from_secs(15))),
        initial_delay: table.duration_slot("initial_delay"),
        hold: need_duration(table, "hold"),
        deadline: need_duration(table, "deadline"),
        min_requests: table.int("min_requests").unwrap_or(1),
        fail_scope_run: table
            .word("fail_scope", SCOPES, |word| {
                SCOPES.contains(&word).then_some(word == "run")
            })
            .unwrap_or_default(),
        any: table
            .word("combine", COMBINE, |word| {
                COMBINE.contains(&word).then_some(word == "any")
            })
            .unwrap_or_default(),
        metrics: table
            .tables("metric")
            .into_iter()
            .filter_map(metric)
            .collect(),
    };
    if gate.metrics.is_empty() {
        table.error(
            "a gate without metrics judges nothing",
            Some("add [[….metric]] with signal and ok"),
        );
    }
    if matches!(gate.interval, Slot::Fixed(interval) if interval < jiff::SignedDuration::from_secs(1))
    {
        table.error_at("interval", "`interval` must be at least 1s", None);
    }
    if let (Slot::Fixed(hold), Slot::Fixed(deadline)) = (&gate.hold, &gate.deadline)
        && hold >= deadline
    {
        table.error_at("deadline", "`deadline` must be longer than `hold`", None);
    }
    gate
}

fn metric(table: Reader<'_, '_, '_>) -> Option<MetricDecl> {
    let signal = table.need("signal");
    let query = table.text("query");
    let ok = table.limit("ok");
    if !table.has("ok") {
        table.error("`ok` is missing", Some("as ok = \"<= 1 %\""));
    }
    let metric = ok.map(|ok| MetricDecl {
        signal,
        query,
        ok,
        abort: table.limit("abort"),
        relative: table.limit("relative"),
        fail_at: table.int("fail_at"),
        when: table.table("when").and_then(when),
    });
    if let Some(metric) = &metric {
        check_signal(&table, metric);
        table.finish();
    }
    metric
}

fn check_signal(table: &Reader<'_, '_, '_>, metric: &MetricDecl) {
    let Some((_, unit)) = SIGNALS.iter().find(|(name, _)| *name == metric.signal) else {
        if metric.query.is_none() && !metric.signal.is_empty() {
            let help = nearest(&metric.signal, SIGNALS.iter().map(|(name, _)| *name)).map_or_else(
                || {
                    format!(
                        "one of {}",
                        SIGNALS
                            .iter()
                            .map(|(name, _)| *name)
                            .collect::<Vec<_>>()
                            .join(", ")
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            table.error_at(
                "signal",
                format!("no signal `{}`", bounded(&metric.signal, 60)),
                Some(&help),
            );
        }
        return;
    };
    let fits = |limit: &Limit| limit.unit() == *unit;
    if !fits(&metric.ok) || metric.abort.as_ref().is_some_and(|abort| !fits(abort)) {
        let unit = match unit {
            Unit::Ratio => "a share: write a percentage, as `<= 1 %`",
            Unit::Seconds => "a time: write ms or s, as `<= 500 ms`",
            Unit::Count => "a count: write a plain number, as `<= 0`",
        };
        table.error_at("ok", format!("signal {} is {unit}", metric.signal), None);
    }
    if metric.fail_at.is_some_and(|at| at < 1) {
        table.error_at("fail_at", "`fail_at` must be at least 1", None);
    }
}
