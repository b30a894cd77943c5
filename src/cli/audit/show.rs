//! `vigie audit show`: the record as a person reads it: when, what, who, where, in which run, what was done to what and how
//! it came out, with the `Audit-ID` under which the API server has it. As JSON, the records themselves.

use super::super::args::Output;
use super::super::exit::Failed;
use super::super::print;
use super::super::session::Start;
use crate::journal::{Audit, RealDisk};
use crate::ui::widget::text::sanitize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The most characters of what was done.
const WHAT: usize = 400;

/// Prints the record, of one run or all of it.
pub fn show(start: &Start, run: Option<&str>) -> Result<u8, Failed> {
    let records = Audit::new(&start.loaded.state_dir(), RealDisk).read()?;
    let json = start.global.output == Output::Json;
    let wanted = run.map(str::to_ascii_uppercase);
    let mut text = String::new();
    let of = |record: &&Value| {
        let id = record["run"]["id"].as_str().unwrap_or_default();
        let is = |wanted: &String| id.starts_with(wanted) || id.ends_with(wanted);
        wanted.as_ref().is_none_or(is)
    };
    let records: Vec<&Value> = records.iter().filter(of).collect();
    if let (Some(wanted), true) = (run, records.is_empty()) {
        return Err(Failed::usage(format!(
            "the audit log has no run `{}`; `vigie runs --all` lists them",
            sanitize(wanted)
        )));
    }
    for record in records {
        if json {
            let mut document = record.clone();
            document["schema"] = json!(1);
            text.push_str(&print::line(&document));
        } else {
            // A string takes whatever is written.
            let _ = writeln!(text, "{}", line(record));
        }
    }
    print::text(&text)
}

/// A record as one line.
fn line(record: &Value) -> String {
    let said = |pointer: &str| {
        let value = record.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let run = match (said("/run/runbook"), said("/run/id")) {
        (_, id) if id.is_empty() => String::new(),
        (book, id) => format!("  {book} {id}"),
    };
    let mut text = format!(
        "{}  {:<18}  {}  {}{run}",
        said("/ts"),
        said("/event"),
        who(record),
        place(record)
    );
    let what = what(record);
    if !what.is_empty() {
        let _ = write!(text, "  {}", crate::runbook::prose::bounded(&what, WHAT));
    }
    let audit = said("/k8s_audit_id");
    if !audit.is_empty() {
        let _ = write!(text, "  [Audit-ID {audit}]");
    }
    sanitize(&text).into_owned()
}

/// As the cluster knows them, or as the machine does.
fn who(record: &Value) -> String {
    let actor = &record["actor"];
    let known = |name: &str| actor[name].as_str().filter(|text| !text.is_empty());
    match (known("k8s_user"), known("os_user"), known("host")) {
        (Some(user), ..) => user.to_owned(),
        (None, Some(user), Some(host)) => format!("{user}@{host}"),
        (None, Some(user), None) => format!("{user} (this machine)"),
        (None, None, _) => "nobody known".to_owned(),
    }
}

fn place(record: &Value) -> String {
    let target = &record["target"];
    let part = |name: &str| target[name].as_str().unwrap_or_default();
    format!(
        "{}/{} ({})",
        part("context"),
        part("namespace"),
        part("environment")
    )
}

/// What was done to what, and how it came out.
fn what(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().filter(|text| !text.is_empty());
    let mut parts: Vec<String> = Vec::new();
    parts.extend(text("step").map(|step| format!("{step}:")));
    if let (Some(kind), Some(name)) = (
        record["object"]["kind"].as_str(),
        record["object"]["name"].as_str(),
    ) {
        let lines = record["lines"].as_array().into_iter().flatten();
        let lines: Vec<&str> = lines.filter_map(Value::as_str).collect();
        let step = text("kind").unwrap_or_default();
        parts.push(format!("{step} {kind}/{name}: {}", lines.join(", ")));
    }
    parts.extend(text("status").map(str::to_owned));
    parts.extend(record["http"].as_u64().map(|code| format!("HTTP {code}")));
    for name in [
        "state",
        "verdict",
        "found",
        "answer",
        "message",
        "why",
        "hand_over",
        "reason",
        "text",
    ] {
        parts.extend(text(name).map(str::to_owned));
    }
    if record["accepted"] == false {
        parts.push("(not taken)".to_owned());
    }
    if let Some(by) = text("by") {
        parts.push(format!("by {by}"));
    }
    parts.extend(refused(record));
    let list = |name: &str| {
        let all = record[name].as_array().into_iter().flatten();
        let all: Vec<&str> = all.filter_map(Value::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    };
    parts.extend(list("detail"));
    parts.extend(list("passed").map(|passed| format!("went past: {passed}")));
    parts.extend(list("leftovers").map(|left| format!("left in place: {left}")));
    if let Some(params) = record["params"]
        .as_object()
        .or(record["fields"].as_object())
    {
        let all = params.iter().filter_map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            Some(format!("{name}={value}")).filter(|_| value != "null")
        });
        parts.push(all.collect::<Vec<_>>().join(" "));
    }
    parts.join(" ")
}

/// What a preflight found that does not simply pass.
fn refused(record: &Value) -> Option<String> {
    let ok = record["ok"].as_bool()?;
    let lines = record["lines"].as_array().into_iter().flatten();
    let open = lines.filter(|line| !matches!(line["level"].as_str(), Some("passed" | "noted")));
    let told: Vec<String> = open
        .map(|line| {
            let part = |name: &str| line[name].as_str().unwrap_or_default();
            format!("{}: {}: {}", part("level"), part("text"), part("fact"))
        })
        .collect();
    let may = if ok {
        "it may go on"
    } else {
        "it may not go on as it is"
    };
    Some(if told.is_empty() {
        may.to_owned()
    } else {
        format!("{may}; {}", told.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(more: &Value) -> Value {
        let mut record = json!({"ts": "2026-03-04T03:12:07Z", "actor": {"k8s_user": "oncall", "os_user": "ada", "host": "laptop"},
            "target": {"context": "prod", "namespace": "shop", "environment": "production"},
            "run": {"id": "01J", "runbook": "rollback"}});
        crate::runbook::patch::apply_merge(&mut record, more);
        record
    }

    #[test]
    fn a_line_says_who_where_which_run_what_how_it_came_out_and_the_audit_id() {
        let intent = record(
            &json!({"event": "step.intent", "step": "go-back", "kind": "k8s.rollback",
            "object": {"kind": "Deployment", "name": "api"}, "lines": ["image v2 → v1"], "k8s_audit_id": "2f6e-1"}),
        );
        assert_eq!(
            line(&intent),
            "2026-03-04T03:12:07Z  step.intent         oncall  prod/shop (production)  rollback 01J  \
             go-back: k8s.rollback Deployment/api: image v2 → v1  [Audit-ID 2f6e-1]"
        );
        let outcome = record(
            &json!({"event": "step.outcome", "step": "go-back", "status": "applied",
            "http": 200, "message": "applied", "k8s_audit_id": "2f6e-1"}),
        );
        assert!(line(&outcome).ends_with("go-back: applied HTTP 200 applied  [Audit-ID 2f6e-1]"));
        let opened =
            record(&json!({"event": "console.start", "run": null, "actor": {"k8s_user": null}}));
        assert!(line(&opened).ends_with("console.start       ada@laptop  prod/shop (production)"));
        let refused = record(&json!({"event": "run.preflight", "ok": false,
            "lines": [{"level": "red", "text": "may patch", "fact": "no"}, {"level": "passed", "text": "x", "fact": "y"}]}));
        assert!(line(&refused).ends_with("it may not go on as it is; red: may patch: no"));
        let hostile = record(&json!({"event": "run.note", "text": "a\u{1b}[2Jb\nc"}));
        assert!(!line(&hostile).chars().any(char::is_control));
    }
}
