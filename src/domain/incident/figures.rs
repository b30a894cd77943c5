//! The parts of a report that are made of figures: impact, detection, resolution, the authority's clock, the times taken.

use super::clocks::{Clock, clocks};
use super::event::Event;
use super::fold::Incident;
use super::markdown::{Report, cell, heading, moment, prompt, unknown};
use super::severity::Severity;
use super::words::{self, at, span};
use jiff::Timestamp;
use std::fmt::Write as _;

/// Seconds at each severity, from detection until it was mitigated, resolved, or now.
fn seconds_at(incident: &Incident, severity: Severity, now: Timestamp) -> i64 {
    let end = incident.mitigated.or(incident.resolved).unwrap_or(now);
    let spans = incident.severities.iter().enumerate();
    let spans = spans.map(|(index, (from, level, _))| {
        let from = if index == 0 {
            incident.detected.min(*from)
        } else {
            *from
        };
        let next = incident.severities.get(index + 1);
        let to = next.map_or(end, |(at, ..)| (*at).min(end));
        (*level, to.duration_since(from).as_secs().max(0))
    });
    spans
        .filter(|(level, _)| *level == severity)
        .map(|(_, seconds)| seconds)
        .sum()
}

pub(super) fn impact(report: &Report<'_>, text: &mut String) {
    let (incident, language) = (report.incident, report.language);
    let pick = |english, french| language.pick(english, french);
    heading(text, pick("Impact", "Impact"));
    let _ = writeln!(
        text,
        "| {} | {} |\n|---|---|",
        pick("Measure", "Mesure"),
        pick("Value", "Valeur")
    );
    for severity in Severity::ALL {
        let seconds = seconds_at(incident, severity, report.now);
        if seconds > 0 {
            let _ = writeln!(
                text,
                "| {} {severity} | {} |",
                pick("time at", "durée en"),
                span(seconds)
            );
        }
    }
    for name in [
        pick("error budget used", "budget d'erreur consommé"),
        pick("requests affected", "requêtes touchées"),
        pick("users affected", "utilisateurs touchés"),
    ] {
        let _ = writeln!(text, "| {name} | {} |", unknown(language));
    }
}

pub(super) fn detection(report: &Report<'_>, text: &mut String) {
    let (incident, language) = (report.incident, report.language);
    let pick = |english, french| language.pick(english, french);
    heading(text, pick("Detection", "Détection"));
    let _ = writeln!(
        text,
        "- {} {}",
        pick("detected:", "détecté :"),
        at(incident.detected)
    );
    if incident.detected != incident.detected_first {
        let _ = writeln!(
            text,
            "- {} {}",
            pick("first said to be:", "d'abord indiqué :"),
            at(incident.detected_first)
        );
    }
    let _ = writeln!(
        text,
        "- {} {}",
        pick("first alert of it fired:", "première alerte :"),
        moment(incident.first_alert, language)
    );
    let delay = incident
        .first_alert
        .map(|first| incident.detected.duration_since(first).as_secs());
    let _ = writeln!(
        text,
        "- {} {}\n",
        pick("delay:", "délai :"),
        delay
            .filter(|seconds| *seconds >= 0)
            .map_or_else(|| unknown(language).to_owned(), span)
    );
    prompt(
        text,
        pick(
            "How was it noticed: an alert, a person, a customer? What would have told sooner?",
            "Comment l'a-t-on remarqué : une alerte, une personne, un client ? Qu'est-ce qui aurait prévenu plus tôt ?",
        ),
    );
}

pub(super) fn resolution(report: &Report<'_>, text: &mut String) {
    let (incident, language) = (report.incident, report.language);
    let pick = |english, french| language.pick(english, french);
    heading(text, pick("Resolution", "Résolution"));
    for (name, when) in [
        (
            pick("acknowledged:", "prise en charge :"),
            incident.acknowledged,
        ),
        (
            pick("first change:", "premier changement :"),
            incident.mitigating,
        ),
        (pick("mitigated:", "atténué :"), incident.mitigated),
        (pick("resolved:", "résolu :"), incident.resolved),
    ] {
        let _ = writeln!(text, "- {name} {}", moment(when, language));
    }
    for record in &incident.records {
        if let Event::Resolved {
            reason: Some(reason),
        }
        | Event::Mitigated { reason } = &record.event
        {
            let _ = writeln!(text, "- {}: {}", at(record.ts), cell(reason));
        }
    }
    text.push('\n');
    prompt(
        text,
        pick(
            "What brought it back, and is that for good?",
            "Qu'est-ce qui a rétabli le service, et est-ce durable ?",
        ),
    );
}

pub(super) fn protection(report: &Report<'_>, text: &mut String) {
    let (incident, language) = (report.incident, report.language);
    let pick = |english, french| language.pick(english, french);
    heading(
        text,
        pick(
            "Data protection (GDPR, Art. 33)",
            "Protection des données (RGPD, art. 33)",
        ),
    );
    let aware = moment(incident.breach, language);
    let _ = writeln!(text, "- {} {aware}", pick("known since:", "connu depuis :"));
    let timer = clocks(incident)
        .into_iter()
        .find(|timer| timer.clock == Clock::Authority);
    if let Some(timer) = timer {
        let late = timer.met.unwrap_or(report.now) > timer.due;
        let state = match (timer.met, late) {
            (Some(met), false) => {
                format!("{} {}", pick("told in time,", "notifiée à temps,"), at(met))
            }
            (Some(met), true) => {
                format!("{} {}", pick("told LATE,", "notifiée EN RETARD,"), at(met))
            }
            (None, false) => format!(
                "{} {}",
                pick("not told yet; due", "pas encore notifiée ; échéance"),
                at(timer.due)
            ),
            (None, true) => format!(
                "{} {}",
                pick("NOT TOLD; was due", "NON NOTIFIÉE ; échéance passée"),
                at(timer.due)
            ),
        };
        let _ = writeln!(
            text,
            "- {} {state}",
            pick("authority, 72 h:", "autorité de contrôle, 72 h :")
        );
    }
    for record in &incident.records {
        if matches!(record.event, Event::Breach { .. } | Event::Reported { .. }) {
            let said = words::say(&record.event, language);
            let _ = writeln!(text, "- {}: {}", at(record.ts), cell(&said));
        }
    }
    for name in [
        pick("nature of the breach:", "nature de la violation :"),
        pick(
            "categories of data and of people:",
            "catégories de données et de personnes :",
        ),
        pick(
            "approximate number of people and records:",
            "nombre approximatif de personnes et d'enregistrements :",
        ),
        pick(
            "contact of the data protection officer:",
            "contact du délégué à la protection des données :",
        ),
        pick("likely consequences:", "conséquences probables :"),
        pick(
            "measures taken and proposed:",
            "mesures prises et proposées :",
        ),
        pick("entry in the register:", "inscription au registre :"),
    ] {
        let _ = writeln!(text, "- {name} …");
    }
}

pub(super) fn metrics(report: &Report<'_>, text: &mut String) {
    let (incident, language) = (report.incident, report.language);
    let pick = |english, french| language.pick(english, french);
    heading(text, pick("Metrics", "Mesures"));
    let _ = writeln!(
        text,
        "| {} | {} | {} |\n|---|---|---|",
        pick("Time to", "Délai de"),
        pick("Value", "Valeur"),
        pick("Limit", "Limite")
    );
    let since = |from: Option<Timestamp>, to: Option<Timestamp>| {
        let seconds = from
            .zip(to)
            .map(|(from, to)| to.duration_since(from).as_secs());
        seconds
            .filter(|seconds| *seconds >= 0)
            .map_or_else(|| unknown(language).to_owned(), span)
    };
    let worst = incident.worst();
    let limit = |limit: Option<jiff::SignedDuration>| {
        limit.map_or_else(
            || "–".to_owned(),
            |limit| format!("< {}", span(limit.as_secs())),
        )
    };
    let detected = Some(incident.detected);
    for (name, value, limit) in [
        (
            pick("detect", "détection"),
            since(incident.first_alert, detected),
            "–".to_owned(),
        ),
        (
            pick("acknowledge", "prise en charge"),
            since(detected, incident.acknowledged),
            limit(Some(incident.limits.acknowledge(worst))),
        ),
        (
            pick(
                "mitigate, from the first change",
                "atténuation, depuis le premier changement",
            ),
            since(incident.mitigating, incident.mitigated),
            limit(worst.mitigate()),
        ),
        (
            pick(
                "mitigate, from detection",
                "atténuation, depuis la détection",
            ),
            since(detected, incident.mitigated),
            limit(worst.recover()),
        ),
        (
            pick("recover (resolved)", "rétablissement (résolu)"),
            since(detected, incident.resolved),
            "–".to_owned(),
        ),
    ] {
        let _ = writeln!(text, "| {name} | {value} | {limit} |");
    }
}
