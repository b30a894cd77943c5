//! The tables whose columns can be chosen, with the names of those columns: whoever checks a configuration asks here. What is
//! chosen is laid out in [`super::lines`].

use super::widget::table::Column;
use super::{overview, pods, workloads};

/// The tables that say their columns where they draw, in the words of the configuration.
const SAID: [(&str, &[&str]); 5] = [
    (
        "alerts",
        &[
            "alert",
            "severity",
            "namespace",
            "service",
            "since",
            "state",
            "summary",
        ],
    ),
    (
        "contexts",
        &[
            "context",
            "worst-known",
            "where",
            "as-of",
            "why",
            "server",
            "login",
        ],
    ),
    (
        "namespaces",
        &[
            "namespace",
            "stands",
            "critical",
            "warning",
            "as-of",
            "environment",
            "why",
        ],
    ),
    (
        "runs",
        &[
            "runbook",
            "state",
            "began",
            "ago",
            "cluster",
            "namespace",
            "by",
            "run",
            "why",
        ],
    ),
    (
        "timeline",
        &["time", "age", "what", "of", "times", "what-happened"],
    ),
];

/// Every table with the names of its columns.
pub fn tables() -> Vec<(&'static str, Vec<String>)> {
    let names = |columns: Vec<Column<'static>>| {
        let titles = columns.iter().map(|column| name(column.title));
        titles.filter(|title| !title.is_empty()).collect()
    };
    let mut all = vec![
        ("pods", names(pods::columns(true, 0))),
        ("services", names(overview::columns(true))),
        ("workloads", names(workloads::columns(true))),
    ];
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    all.extend(SAID.map(|(table, names)| (table, owned(names))));
    all
}

/// What a column is called in a configuration.
pub fn name(title: &str) -> String {
    title.to_lowercase().replace([' ', '_'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headings a source file gives its columns.
    fn titles(source: &str) -> Vec<String> {
        let columns = source.split("Column::").skip(1);
        let quoted = columns.filter_map(|rest| {
            let (before, rest) = rest.split_once("(\"")?;
            let (title, _) = rest.split_once('"')?;
            before
                .chars()
                .all(|c| c.is_ascii_lowercase())
                .then(|| name(title))
        });
        quoted.filter(|title| !title.is_empty()).collect()
    }

    #[test]
    fn what_is_said_of_a_table_is_what_it_draws() {
        for ((table, names), source) in SAID.iter().zip([
            include_str!("alerts.rs"),
            include_str!("contexts.rs"),
            include_str!("namespaces.rs"),
            include_str!("runs.rs"),
            include_str!("timeline.rs"),
        ]) {
            assert_eq!(titles(source), *names, "{table}");
        }
    }
}
