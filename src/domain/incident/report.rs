//! The post-mortem as Markdown: everything with a time is filled in, what needs judgement is left blank with a question, and
//! what is not known says so. Roles, not people: a name stands there only where somebody typed it.

use super::clocks::missed;
use super::event::{Event, NoticeTurn, RunTurn};
use super::figures::{detection, impact, metrics, protection, resolution};
use super::markdown::{Report, blank, cell, heading, moment, prompt};
use super::words::{self, at};
use std::fmt::Write as _;

/// The post-mortem.
pub fn report(report: &Report<'_>) -> String {
    let mut text = String::new();
    head(report, &mut text);
    impact(report, &mut text);
    detection(report, &mut text);
    let pick = |english, french| report.language.pick(english, french);
    blank(
        &mut text,
        pick("Trigger", "Déclencheur"),
        pick(
            "What set it off? (a release, a change of load, a failure outside …)",
            "Qu'est-ce qui l'a provoqué ? (une livraison, un changement de charge, une panne externe …)",
        ),
    );
    blank(
        &mut text,
        pick("Contributing factors", "Facteurs contributifs"),
        pick(
            "What made it possible or worse? Name roles and systems, never people.",
            "Qu'est-ce qui l'a rendu possible ou aggravé ? Nommer des rôles et des systèmes, jamais des personnes.",
        ),
    );
    resolution(report, &mut text);
    timeline(report, &mut text);
    lessons(report, &mut text);
    runbooks(report, &mut text);
    actions(report, &mut text);
    if report.incident.breach_said == Some(true) {
        protection(report, &mut text);
    }
    messages(report, &mut text);
    metrics(report, &mut text);
    text
}

fn head(report: &Report<'_>, text: &mut String) {
    let (incident, language) = (report.incident, report.language);
    let pick = |english, french| language.pick(english, french);
    let _ = writeln!(text, "# {}: {}\n", incident.id, cell(&incident.title));
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "- **{name}**: {value}");
    };
    row(
        pick("Status", "État"),
        pick("draft", "brouillon").to_owned(),
    );
    row(
        pick("Incident", "Incident"),
        if incident.is_open() {
            pick("open", "ouvert").to_owned()
        } else {
            format!(
                "{} {}",
                pick("resolved", "résolu"),
                moment(incident.resolved, language)
            )
        },
    );
    row(pick("Place", "Lieu"), cell(&incident.place.to_string()));
    let history: Vec<String> = incident
        .severities
        .iter()
        .map(|(since, severity, reason)| {
            let reason = reason
                .as_deref()
                .map_or(String::new(), |reason| format!(" ({})", cell(reason)));
            format!(
                "{severity} {} {}{reason}",
                pick("since", "depuis"),
                at(*since)
            )
        })
        .collect();
    row(
        pick("Severity history", "Historique de gravité"),
        history.join("; "),
    );
    row(
        pick("Worst severity", "Gravité maximale"),
        words::severity(incident.worst(), language),
    );
    let roles: Vec<String> = incident
        .roles
        .iter()
        .map(|(role, name)| {
            let colon = language.pick(":", " :");
            format!("{}{colon} {}", words::role(*role, language), cell(name))
        })
        .collect();
    row(
        pick("Roles", "Rôles"),
        if roles.is_empty() {
            pick("nobody was named", "personne n'a été nommé").to_owned()
        } else {
            roles.join("; ")
        },
    );
    row(pick("Authors", "Auteurs"), "…".to_owned());
    row(
        pick("Written out", "Exporté"),
        format!("{} (vigie {})", at(report.now), env!("CARGO_PKG_VERSION")),
    );
    if let Some(due) = incident
        .resolved
        .and_then(|resolved| incident.worst().review(resolved))
    {
        row(pick("Review due", "Revue attendue"), at(due));
    }
    heading(text, pick("Summary", "Résumé"));
    prompt(
        text,
        pick(
            "Three sentences: what users saw, why, what brought it back.",
            "Trois phrases : ce que les utilisateurs ont vu, pourquoi, ce qui a rétabli le service.",
        ),
    );
}

fn timeline(report: &Report<'_>, text: &mut String) {
    let pick = |english, french| report.language.pick(english, french);
    heading(text, pick("Timeline", "Chronologie"));
    let _ = writeln!(
        text,
        "{}\n",
        pick(
            "UTC. `!` marks a row that its source wrote after something it says was later: clocks disagreed, the order is not sure.",
            "UTC. `!` marque une ligne que sa source a écrite après une autre qu'elle dit plus tardive : horloges en désaccord, ordre incertain.",
        )
    );
    let _ = writeln!(
        text,
        "| {} | | {} | {} | {} | {} |\n|---|---|---|---|---|---|",
        pick("Time", "Heure"),
        pick("Source", "Source"),
        pick("What", "Quoi"),
        pick("Where it stands", "Référence"),
        pick("Confidence", "Confiance"),
    );
    for row in report.rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.at.strftime("%Y-%m-%d %H:%M:%S%.3f"),
            if row.disorder { "!" } else { "" },
            cell(&row.source),
            cell(&row.text),
            cell(&row.link),
            row.confidence.said(report.language),
        );
    }
}

fn lessons(report: &Report<'_>, text: &mut String) {
    let pick = |english, french| report.language.pick(english, french);
    let late = missed(report.incident, report.now);
    blank(
        text,
        pick("What went well", "Ce qui a bien marché"),
        pick("What helped?", "Qu'est-ce qui a aidé ?"),
    );
    heading(text, pick("What went badly", "Ce qui a mal marché"));
    for late in &late {
        let _ = writeln!(
            text,
            "- {}: {}",
            at(late.at),
            words::clock_missed(late.clock, late.at, late.met, report.language)
        );
    }
    if !late.is_empty() {
        text.push('\n');
    }
    prompt(
        text,
        pick(
            "What hindered or cost time?",
            "Qu'est-ce qui a gêné ou coûté du temps ?",
        ),
    );
    blank(
        text,
        pick("Where we got lucky", "Où nous avons eu de la chance"),
        pick(
            "What might have been worse, and was not by our doing?",
            "Qu'est-ce qui aurait pu être pire, et ne l'a pas été sans que nous y soyons pour rien ?",
        ),
    );
}

fn runbooks(report: &Report<'_>, text: &mut String) {
    let pick = |english, french| report.language.pick(english, french);
    heading(text, pick("Runbooks used", "Procédures utilisées"));
    let mut any = false;
    for record in &report.incident.records {
        let Event::Run(news) = &record.event else {
            continue;
        };
        let line = match &news.turn {
            RunTurn::Started { .. } | RunTurn::Ended { .. } => {
                words::say(&record.event, report.language)
            }
            RunTurn::Gate { verdict, .. } if !verdict.eq_ignore_ascii_case("pass") => {
                words::say(&record.event, report.language)
            }
            _ => continue,
        };
        any = true;
        let _ = writeln!(text, "- {}: {}", at(record.ts), cell(&line));
        if matches!(news.turn, RunTurn::Started { .. }) {
            let book = report.books.iter().find(|book| book.run == news.run);
            for deviation in book.iter().flat_map(|book| &book.deviations) {
                let _ = writeln!(
                    text,
                    "  - {} {}",
                    pick("deviation:", "écart :"),
                    cell(deviation)
                );
            }
        }
    }
    if !any {
        let _ = writeln!(text, "{}", pick("None.", "Aucune."));
    }
}

fn actions(report: &Report<'_>, text: &mut String) {
    let pick = |english, french| report.language.pick(english, french);
    heading(text, pick("Action items", "Actions"));
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} |\n|---|---|---|---|",
        pick("Action", "Action"),
        pick("Owner", "Responsable"),
        pick("Due", "Échéance"),
        pick(
            "Type (prevent, detect, mitigate, process)",
            "Type (prévenir, détecter, atténuer, processus)"
        ),
    );
    for todo in &report.incident.todos {
        let _ = writeln!(text, "| {} | … | … | … |", cell(&todo.text));
    }
    if report.incident.todos.is_empty() {
        let _ = writeln!(text, "| … | … | … | … |");
    }
}

fn messages(report: &Report<'_>, text: &mut String) {
    let pick = |english, french| report.language.pick(english, french);
    heading(text, pick("Messages", "Messages"));
    let mut any = false;
    for record in &report.incident.records {
        let Event::Notice(news) = &record.event else {
            continue;
        };
        any = true;
        let unsure = matches!(news.turn, NoticeTurn::Sending { .. })
            && report.incident.unsure.contains_key(&news.notice);
        let mark = if unsure {
            pick(
                " (whether it arrived is not known)",
                " (réception inconnue)",
            )
        } else {
            ""
        };
        let said = words::say(&record.event, report.language);
        let _ = writeln!(text, "- {}: {}{mark}", at(record.ts), cell(&said));
    }
    if !any {
        let _ = writeln!(
            text,
            "{}",
            pick(
                "None was recorded; what was said elsewhere: …",
                "Aucun n'a été enregistré ; ce qui a été dit ailleurs : …"
            )
        );
    }
}
