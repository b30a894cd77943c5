//! An incident for programs and for people: the contract's document, the list, the page.

use crate::domain::incident::{
    Incident, Language, Role, Severity, Strain, Timer, clocks, header, missed, rows,
};
use crate::journal::incidents::Read;
use crate::ui::widget::text::sanitize;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

fn at(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, |at| json!(at.to_string()))
}

/// The document: what is not known is null.
pub fn of(incident: &Incident, now: Timestamp, head: &str, read_only: Option<&str>) -> Value {
    let roles: Map<String, Value> = Role::ALL
        .into_iter()
        .map(|role| (role.word().to_owned(), json!(incident.roles.get(&role))))
        .collect();
    let history: Vec<Value> = incident
        .severities
        .iter()
        .map(|(since, severity, reason)| {
            json!({"severity": severity, "since": since.to_string(), "reason": reason})
        })
        .collect();
    let todos: Vec<Value> = incident
        .todos
        .iter()
        .map(|todo| json!({"at": todo.at.to_string(), "text": todo.text}))
        .collect();
    let late: Vec<Value> = missed(incident, now)
        .into_iter()
        .map(|late| json!({"clock": late.clock.word(), "at": late.at.to_string(), "met_at": at(late.met)}))
        .collect();
    let runs: Vec<Value> = incident
        .runs
        .iter()
        .map(|(run, runbook)| json!({"run": run, "runbook": runbook}))
        .collect();
    let linked: Vec<Value> = incident
        .linked
        .iter()
        .map(|(run, runbook, text)| json!({"run": run, "runbook": runbook, "text": text}))
        .collect();
    let open = incident.roles_open().into_iter();
    let wanted: Vec<&str> = open.map(Role::word).collect();
    let firing = incident.alerts.values().filter(|fires| **fires).count();
    json!({
        "schema": 1, "incident": incident.id, "title": incident.title, "severity": incident.severity(),
        "severities": history, "state": if incident.is_open() { "open" } else { "resolved" },
        "next": stage(incident), "place": incident.place, "opened": incident.opened.to_string(),
        "detected_at": incident.detected.to_string(), "acknowledged_at": at(incident.acknowledged),
        "assessed_at": at(incident.assessed), "mitigated_at": at(incident.mitigated), "resolved_at": at(incident.resolved),
        "breach": incident.breach_said, "breach_known_at": at(incident.breach), "authority_told_at": at(incident.reported),
        "roles": roles, "roles_wanted": wanted,
        "clocks": clocks(incident).iter().map(|timer| clock(incident, timer, now)).collect::<Vec<_>>(),
        "escalated_at": at(incident.escalated), "linked": linked,
        "missed": late, "alerts_firing": firing, "runs": runs, "action_items": todos,
        "maybe_sent": incident.unsure.keys().collect::<Vec<_>>(),
        "records": incident.records.len(), "head": head, "read_only": read_only,
    })
}

fn stage(incident: &Incident) -> String {
    let prompt = incident.stage().prompt();
    prompt.split(':').next().unwrap_or(prompt).to_owned()
}

fn clock(incident: &Incident, timer: &Timer, now: Timestamp) -> Value {
    let state = match timer.strain(now) {
        Strain::Calm => "calm",
        Strain::Amber => "amber",
        Strain::Red => "red",
    };
    json!({
        "clock": timer.clock.word(), "since": timer.start.to_string(), "due": timer.due.to_string(),
        "met_at": at(timer.met), "left_s": timer.left(now).as_secs(), "state": state,
        "limit_s": timer.due.duration_since(timer.start).as_secs(), "origin": timer.clock.origin(incident).word(),
    })
}

/// The timeline's rows.
pub fn timeline(incident: &Incident, now: Timestamp) -> Value {
    let rows = rows(incident, now, Language::English);
    let each = rows.iter().map(|row| {
        json!({
            "at": row.at.to_string(), "source": row.source, "event": row.event, "text": row.text, "link": row.link,
            "confidence": row.confidence.word(), "disorder": row.disorder,
            "noted": row.noted.map(|at| at.to_string()),
        })
    });
    Value::Array(each.collect())
}

/// What stands there after a change, in two lines.
pub fn summary(incident: &Incident, now: Timestamp) -> String {
    let mut text = format!("{}\n", first(incident));
    let running = running(incident, now, 3);
    if !running.is_empty() {
        // A string takes whatever is written.
        let _ = writeln!(text, "clocks  {running}");
    }
    let _ = writeln!(text, "next    {}", incident.stage().prompt());
    text
}

fn first(incident: &Incident) -> String {
    let state = if incident.is_open() { "" } else { ", resolved" };
    format!(
        "{} {}{state}  {}",
        incident.id,
        incident.severity(),
        sanitize(&incident.title)
    )
}

fn running(incident: &Incident, now: Timestamp, most: usize) -> String {
    let words = header(incident, most, now).into_iter().map(|timer| {
        // Late is in the words already; what is nearly over is marked.
        let mark = match timer.strain(now) {
            Strain::Amber => " !",
            Strain::Calm | Strain::Red => "",
        };
        format!("{}{mark}", timer.words(now))
    });
    words.collect::<Vec<_>>().join("  ")
}

/// The roles that its severity asks for and nobody has, in words.
fn roles_asked(incident: &Incident) -> Option<String> {
    let open: Vec<&str> = incident.roles_open().into_iter().map(Role::word).collect();
    let severity = incident.severity();
    (!open.is_empty() && incident.is_open())
        .then(|| format!("{severity} wants {}: who is it?", open.join(", ")))
}

/// The list.
pub fn table(listed: &[Read], now: Timestamp) -> String {
    let mut text = format!(
        "{:<13}  {:<3}  {:<9}  {:<20}  {}\n",
        "INCIDENT", "SEV", "STATE", "DETECTED", "WHAT AND WHAT IS DUE"
    );
    for read in listed {
        let incident = &read.incident;
        let now = now + incident.ahead;
        let state = match (read.read_only().is_some(), incident.is_open()) {
            (true, _) => "damaged",
            (_, true) => "open",
            (_, false) => "resolved",
        };
        let running = running(incident, now, 2);
        let due = if running.is_empty() {
            String::new()
        } else {
            format!("  [{running}]")
        };
        let _ = writeln!(
            text,
            "{:<13}  {:<3}  {:<9}  {:<20}  {}{due}",
            incident.id.to_string(),
            incident.severity().to_string(),
            state,
            incident.detected.strftime("%Y-%m-%d %H:%M:%SZ"),
            sanitize(&incident.title),
        );
    }
    text
}

/// The page.
pub fn page(incident: &Incident, now: Timestamp, language: Language) -> String {
    let mut text = format!("{}\n", first(incident));
    let mut row = |name: &str, value: &str| {
        // A string takes whatever is written.
        let _ = writeln!(text, "{name:<12}{}", sanitize(value));
    };
    row("place", &incident.place.to_string());
    row(
        "detected",
        &incident
            .detected
            .strftime("%Y-%m-%d %H:%M:%S UTC")
            .to_string(),
    );
    row("meaning", Severity::meaning(incident.severity()));
    let roles: Vec<String> = incident
        .roles
        .iter()
        .map(|(role, name)| format!("{} {name}", role.word()))
        .collect();
    row(
        "roles",
        &if roles.is_empty() {
            "nobody was named".to_owned()
        } else {
            roles.join(", ")
        },
    );
    if let Some(asked) = roles_asked(incident) {
        row("asked for", &asked);
    }
    row(
        "data breach",
        match incident.breach_said {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not said yet",
        },
    );
    let all: Vec<String> = clocks(incident)
        .iter()
        .map(|timer| match timer.met {
            Some(met) if met > timer.due => format!("{} met late", timer.clock.word()),
            Some(_) => format!("{} met", timer.clock.word()),
            None => format!(
                "{} ({})",
                timer.words(now),
                timer.clock.origin(incident).word()
            ),
        })
        .collect();
    row("clocks", &all.join(", "));
    row("next", incident.stage().prompt());
    for todo in &incident.todos {
        row("action", &todo.text);
    }
    for (run, runbook, text) in &incident.linked {
        row("linked", &format!("{runbook} {run}: {text}"));
    }
    for notice in incident.unsure.keys() {
        row("maybe sent", notice);
    }
    text.push('\n');
    for row in rows(incident, now, language) {
        let _ = writeln!(
            text,
            "{}{} {:<12} {}",
            row.at.strftime("%Y-%m-%d %H:%M:%SZ"),
            if row.disorder { "!" } else { " " },
            row.source,
            sanitize(&row.text)
        );
    }
    text
}
