//! Where to look on: the links and names behind what is under the cursor, to be copied; and the update to paste.

use super::judge::evidence::{clock, millis, percent};
use super::list;
use super::own_links::{Known, offered};
use super::services::{ServiceRow, current};
use super::state::App;
use crate::domain::alert::Alert;
use crate::domain::object::ObjectRef;
use crate::domain::signal::SignalName;
use crate::domain::verdict::Level;

/// What is said of something copied: whether the terminal took it, it does not tell.
pub const COPIED: &str = "Sent to the terminal's clipboard (OSC 52).";

/// What is longer is no link.
const LONGEST: usize = 2048;

/// Something to open elsewhere or to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is: `runbook`, `dashboard`, `commit`.
    pub what: String,
    /// Of what: the alert or revision that names it.
    pub of: String,
    /// The address, or the name to search for.
    pub text: String,
}

/// The links of what is under the cursor, the most useful first.
pub fn links(app: &App) -> Vec<Link> {
    let mut found = Vec::new();
    if let super::screen::Screen::Alerts = app.here().screen {
        let under = list::selected(app);
        let alert = under.and_then(|item| app.alerts.iter().find(|a| a.fingerprint == item.id));
        found.extend(alert.into_iter().flat_map(of_alert));
        found.extend(
            alert
                .into_iter()
                .flat_map(|alert| own(app, &known_of(app, alert))),
        );
    } else if let Some(object) = app.workload_here() {
        found.extend(of_service(app, &object));
        found.extend(own(app, &known(app, &object)));
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|link| seen.insert((link.what.clone(), link.text.clone())));
    found
}

/// The links of the configuration for what is known of a thing.
fn own(app: &App, known: &Known) -> Vec<Link> {
    let of = known.get("service").or_else(|| known.get("alert"));
    let of = of.cloned().unwrap_or_default();
    let found = offered(&app.settings.links, known).into_iter();
    found
        .map(|(what, text)| Link {
            what,
            of: of.clone(),
            text,
        })
        .collect()
}

/// What is known of a workload, for links of one's own.
fn known(app: &App, object: &ObjectRef) -> Known {
    let mut known = Known::from([
        ("context", app.target.context.to_string()),
        ("namespace", object.namespace.to_string()),
        ("service", object.name.to_string()),
        ("workload", object.name.to_string()),
    ]);
    if let Some(item) = list::selected(app).filter(|item| &*item.object.kind == "Pod") {
        known.insert("pod", item.object.name.to_string());
    }
    if let Some(workload) = app.workload_named(object) {
        let image = workload.images.first().map(|image| image.image.to_string());
        known.extend(image.map(|image| ("image", image)));
        let revisions = app.cluster.revisions_of(workload);
        let now = current(workload, &revisions);
        let commit = now.and_then(|revision| revision.commit.as_ref());
        known.extend(commit.map(|commit| ("commit", commit.to_string())));
    }
    let row = app.services.in_order().find(|row| row.object == *object);
    let version = row.and_then(|row| row.version.as_ref());
    known.extend(version.map(|version| ("version", version.to_string())));
    known
}

/// What is known of an alert, for links of one's own.
fn known_of(app: &App, alert: &Alert) -> Known {
    let mut known = Known::from([
        ("context", app.target.context.to_string()),
        ("alert", alert.name.to_string()),
    ]);
    known.extend(
        alert
            .namespace()
            .map(|name| ("namespace", name.to_string())),
    );
    known.extend(alert.service().map(|name| ("service", name.to_string())));
    known
}

/// Whether an annotation is an address a person could open.
fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && text.len() <= LONGEST
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn of_alert(alert: &Alert) -> Vec<Link> {
    let link = |what: &str, text: &str| Link {
        what: what.into(),
        of: alert.name.to_string(),
        text: text.into(),
    };
    let mut found: Vec<Link> = alert
        .annotations
        .iter()
        .filter(|(_, text)| is_address(text))
        .map(|(key, text)| link(key.trim_end_matches("_url").trim_end_matches("_uri"), text))
        .collect();
    // The runbook is why somebody presses this key.
    found.sort_by_key(|link| link.what != "runbook");
    let generator = alert.generator.iter().filter(|text| is_address(text));
    found.extend(generator.map(|text| link("prometheus graph", text)));
    found
}

fn of_service(app: &App, object: &ObjectRef) -> Vec<Link> {
    let mut found: Vec<Link> = alerts_of(app, object).flat_map(of_alert).collect();
    let Some(workload) = app.workload_named(object) else {
        return found;
    };
    let revisions = app.cluster.revisions_of(workload);
    let link = |what: &str, of: String, text: &str| Link {
        what: what.into(),
        of,
        text: text.into(),
    };
    if let Some(revision) = current(workload, &revisions) {
        let of = || format!("revision {}", revision.title());
        found.extend(
            revision
                .commit
                .iter()
                .map(|text| link("commit", of(), text)),
        );
        found.extend(
            revision
                .change_cause
                .iter()
                .map(|text| link("change cause", of(), text)),
        );
    }
    let images = workload.images.iter();
    found.extend(images.map(|image| link("image", image.container.to_string(), &image.image)));
    found.extend(
        workload
            .manager
            .iter()
            .map(|manager| link("managed by", object.to_string(), &manager.to_string())),
    );
    found
}

/// The alerts that speak of a workload, the loudest first.
pub fn alerts_of<'a>(app: &'a App, object: &'a ObjectRef) -> impl Iterator<Item = &'a Alert> {
    app.alerts.iter().filter(|alert| {
        alert.heard()
            && alert.service() == Some(&object.name)
            && alert.namespace().is_none_or(|ns| *ns == object.namespace)
    })
}

/// An update ready to paste: where, how bad, the sentence, figures, what changed, links, as of when.
pub fn update_to_paste(app: &App) -> String {
    let target = &app.target;
    let mut lines = vec![format!(
        "{} {} ({}): {} As of {} UTC.",
        app.headline.level.word().to_uppercase(),
        target.scope,
        target.context,
        app.headline.text,
        clock(app.now)
    )];
    let worst = app
        .services
        .in_order()
        .next()
        .filter(|row| row.level() != Level::Healthy);
    if let Some(row) = worst {
        lines.push(figures(row));
        lines.extend(super::next::suggestion(row));
        let owners = app.settings.owners.get(&*row.object.name);
        let named = owners.filter(|owners| !owners.is_empty());
        lines.extend(named.map(|owners| format!("Owners: {}", owners.join(", "))));
    }
    lines.extend(app.changes.first().map(|change| {
        format!(
            "Last change: {} {} {}",
            clock(change.at),
            change.object.name,
            change.text
        )
    }));
    if let Some(row) = worst {
        let found = of_service(app, &row.object);
        let addresses = found.iter().filter(|link| is_address(&link.text)).take(3);
        lines.extend(addresses.map(|link| format!("{}: {}", link.what, link.text)));
    }
    lines.join("\n")
}

fn figures(row: &ServiceRow) -> String {
    let reading = |name, unit: fn(f64) -> String| {
        let value = row
            .signals
            .as_ref()
            .and_then(|signals| signals.get(name).value());
        value.map_or_else(|| "unknown".to_owned(), unit)
    };
    format!(
        "{}: {}/{} pods ready, errors {}, p99 {}{}",
        row.object.name,
        row.ready,
        row.desired,
        reading(SignalName::ErrorRatio, percent),
        reading(SignalName::P99, millis),
        row.version
            .as_ref()
            .map_or_else(String::new, |version| format!(", version {version}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_are_links() {
        assert!(is_address("https://runbooks.example/high-error-rate"));
        for no in [
            "rollback",
            "javascript:alert(1)",
            "https://x\u{1b}]52;c;aGk=\u{7}",
            "https://x y",
            &format!("https://{}", "x".repeat(LONGEST)),
        ] {
            assert!(!is_address(no), "{no}");
        }
    }
}
