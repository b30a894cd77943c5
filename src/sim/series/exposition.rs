//! A pod's own `/metrics` page in the Prometheus text format, as it reads at one moment.

use std::fmt::Write;

use super::store::{FAMILIES, LedgerStore, Measure, Pod, PodSeries};
use crate::sim::ledger::{Ledger, PodKey};
use crate::sim::promql::ast::number_text;
use crate::sim::promql::labels::{Labels, NAME};

/// The page of one pod; `None` when the pod does not serve then or nothing answers scrapes.
pub fn exposition(ledger: &Ledger, key: &PodKey, seed: u64, now_ms: i64) -> Option<String> {
    let track = ledger.pods.get(key)?;
    let store = LedgerStore {
        ledger,
        seed,
        now_ms,
    };
    let pod = Pod::new(key, track, &store);
    let gone = track.ended_ms.is_some_and(|ended| ended <= now_ms);
    if now_ms < track.began_ms || gone || pod.scrapes.silent(now_ms) {
        return None;
    }
    let mut text = String::new();
    for family in FAMILIES.iter().filter(|family| family.own) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "# HELP {} {}\n# TYPE {} {}",
            family.name, family.help, family.name, family.kind
        );
        for series in pod.series(family, &|_| true) {
            write_sample(&mut text, &series, &pod.target, now_ms);
        }
    }
    Some(text)
}

fn write_sample(text: &mut String, series: &PodSeries, target: &Labels, now_ms: i64) {
    let value = match &series.measure {
        Measure::Up => return,
        measure => measure.value(now_ms),
    };
    if series.born_by_use && value < 1.0 {
        return;
    }
    let own = series
        .labels
        .iter()
        .filter(|(name, _)| *name != NAME && target.get(name).is_empty());
    let escaped = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let pairs: Vec<String> = own
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    let braces = if pairs.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", pairs.join(","))
    };
    let _ = writeln!(
        text,
        "{}{braces} {}",
        series.labels.get(NAME),
        number_text(value)
    );
}
