//! Incidents in words, English and French: one sentence per event, the names of clocks and roles. Texts from outside are
//! quoted as they came; escaping is for whoever shows them.

use super::clocks::Clock;
use super::event::{AlertNews, AlertTurn, Event, NoticeNews, NoticeTurn, RunNews, RunTurn};
use super::fold::Stage;
use super::limits::{Limits, Origin};
use super::observed::{Observation, Witness};
use super::role::Role;
use super::severity::Severity;
use jiff::Timestamp;
use std::fmt::Write as _;

/// What a report is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
}

impl Language {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language of a code.
    pub fn of(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "fr" => Some(Self::French),
            _ => None,
        }
    }

    /// One of two.
    pub(super) fn pick<T>(self, english: T, french: T) -> T {
        match self {
            Self::English => english,
            Self::French => french,
        }
    }
}

pub(super) fn at(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A clock's name.
pub(super) fn clock(clock: Clock, language: Language) -> &'static str {
    match clock {
        Clock::Acknowledge => language.pick("acknowledge", "prise en charge"),
        Clock::Escalate => language.pick("escalate", "escalade"),
        Clock::Assess => language.pick("severity set", "gravité fixée"),
        Clock::Notice => language.pick("first notice", "première annonce"),
        Clock::Update => language.pick("update", "point d'étape"),
        Clock::Mitigate => language.pick("mitigation", "atténuation"),
        Clock::Recover => language.pick("recovery (RTO)", "rétablissement (RTO)"),
        Clock::Authority => language.pick("authority, 72 h", "autorité de contrôle, 72 h"),
        Clock::Review => language.pick("post-mortem", "post-mortem"),
    }
}

/// A role's name.
pub(super) fn role(role: Role, language: Language) -> &'static str {
    match role {
        Role::Commander => language.pick("incident commander", "responsable d'incident"),
        Role::Deputy => language.pick("deputy", "suppléance"),
        Role::Scribe => language.pick("scribe", "secrétariat"),
        Role::Liaison => language.pick("liaison", "liaison"),
    }
}

/// A severity with its meaning.
pub(super) fn severity(severity: Severity, language: Language) -> String {
    let french = match severity {
        Severity::P0 => "critique : production arrêtée, violation de données",
        Severity::P1 => "élevée : fonction majeure cassée, performances dégradées",
        Severity::P2 => "moyenne : fonction mineure cassée",
        Severity::P3 => "faible : défaut cosmétique",
    };
    format!("{severity} ({})", language.pick(severity.meaning(), french))
}

/// That a clock ran out, and when it was met after all.
pub(super) fn clock_missed(
    which: Clock,
    due: Timestamp,
    met: Option<Timestamp>,
    language: Language,
) -> String {
    let name = clock(which, language);
    let late = met.map(|met| met.duration_since(due).as_secs().max(0));
    match (language, late) {
        (Language::English, Some(late)) => {
            format!("Clock missed: {name}; met {} late.", span(late))
        }
        (Language::English, None) => format!("Clock missed: {name}; not met so far."),
        (Language::French, Some(late)) => {
            format!(
                "Délai dépassé : {name} ; tenu avec {} de retard.",
                span(late)
            )
        }
        (Language::French, None) => format!("Délai dépassé : {name} ; non tenu à ce jour."),
    }
}

/// So many seconds, for people.
pub(super) fn span(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest:02} s"),
        _ => format!("{hours} h {minutes:02} min"),
    }
}

impl Stage {
    /// What to do now, in one line.
    pub fn prompt(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge: somebody takes it on",
            Self::Assess => "assess: settle the severity; unsure, the higher one",
            Self::Notify => "notify: tell those concerned",
            Self::Mitigate => "mitigate: rollback, scale, restart, rotate the key",
            Self::RootCause => "root cause: note what is found, then resolve",
            Self::PostMortem => "post-mortem: export, then review it with those involved",
            Self::Over => "nothing more is due",
        }
    }

    /// The customer's six steps, in order.
    pub const ORDER: [Self; 6] = [
        Self::Acknowledge,
        Self::Assess,
        Self::Notify,
        Self::Mitigate,
        Self::RootCause,
        Self::PostMortem,
    ];
}

fn because(reason: Option<&String>) -> String {
    reason.map_or(String::new(), |reason| format!(": {reason}"))
}

/// An event as a sentence.
#[expect(
    clippy::too_many_lines,
    reason = "a table, a sentence for each event in both languages"
)]
pub fn say(event: &Event, language: Language) -> String {
    let pick = |english: String, french: String| language.pick(english, french);
    match event {
        Event::Opened {
            title,
            severity,
            place,
            ..
        } => pick(
            format!("Opened as {severity}: {title} ({place})"),
            format!("Ouvert en {severity} : {title} ({place})"),
        ),
        Event::Detected { at: moment, reason } => pick(
            format!("Detection set to {}: {reason}", at(*moment)),
            format!("Détection portée à {} : {reason}", at(*moment)),
        ),
        Event::Acknowledged {} => pick("Acknowledged.".into(), "Pris en charge.".into()),
        Event::Severity {
            from, to, reason, ..
        } => {
            let reason = because(reason.as_ref());
            if from == to {
                pick(
                    format!("Severity settled: {to}{reason}"),
                    format!("Gravité confirmée : {to}{reason}"),
                )
            } else if to.above(*from) {
                pick(
                    format!("Severity raised {from} -> {to}{reason}"),
                    format!("Gravité relevée {from} -> {to}{reason}"),
                )
            } else {
                pick(
                    format!("Severity lowered {from} -> {to} by the incident commander{reason}"),
                    format!(
                        "Gravité abaissée {from} -> {to} par le responsable d'incident{reason}"
                    ),
                )
            }
        }
        Event::Role { role: which, name } => {
            let name = name
                .as_deref()
                .unwrap_or(language.pick("nobody", "personne"));
            let colon = language.pick(":", " :");
            format!("{}{colon} {name}", role(*which, language))
        }
        Event::Note { text } => pick(format!("Note: {text}"), format!("Note : {text}")),
        Event::Breach {
            breach: true,
            reason,
        } => pick(
            format!(
                "Personal data is concerned: {reason}. The authority is to be told within 72 h; enter it in the register."
            ),
            format!(
                "Données personnelles concernées : {reason}. Notifier l'autorité de contrôle sous 72 h ; inscrire au registre."
            ),
        ),
        Event::Breach { reason, .. } => pick(
            format!("Personal data is not concerned: {reason}"),
            format!("Données personnelles non concernées : {reason}"),
        ),
        Event::Reported { reason } => pick(
            format!("The authority was told: {reason}"),
            format!("Autorité de contrôle notifiée : {reason}"),
        ),
        Event::Alert(news) => alert(news, language),
        Event::Run(news) => run(news, language),
        Event::Revision { text, .. } => text.clone(),
        Event::Observed(seen) => observed(seen, language),
        Event::Limits { acknowledge } => limits(acknowledge, language),
        Event::Escalated { to } => pick(
            format!("Nobody took it on: escalated to {to}"),
            format!("Personne ne l'a pris en charge : escaladé à {to}"),
        ),
        Event::Linked { run, runbook, text } => pick(
            format!("Linked: {runbook} {run}: {text}"),
            format!("Rattaché : {runbook} {run} : {text}"),
        ),
        Event::Notice(news) => notice(news, language),
        Event::HandedOver { to, reason } => pick(
            format!("Handed over to {to}: {reason}"),
            format!("Passation à {to} : {reason}"),
        ),
        Event::Mitigated { reason } => pick(
            format!("Mitigated: {reason}"),
            format!("Atténué : {reason}"),
        ),
        Event::Resolved { reason } => pick(
            format!("Resolved{}", because(reason.as_ref())),
            format!("Résolu{}", because(reason.as_ref())),
        ),
        Event::Reopened { reason } => {
            pick(format!("Reopened: {reason}"), format!("Rouvert : {reason}"))
        }
        Event::Exported { language: code, .. } => {
            pick(format!("Exported ({code})."), format!("Exporté ({code})."))
        }
        Event::Recovered { aside, bytes } => pick(
            format!("The file ended in a torn record ({bytes} bytes), kept as {aside}."),
            format!(
                "Le fichier finissait par un enregistrement coupé ({bytes} octets), gardé dans {aside}."
            ),
        ),
        Event::Later => pick(
            "A record of a later version.".into(),
            "Un enregistrement d'une version ultérieure.".into(),
        ),
    }
}

fn observed(seen: &Observation, language: Language) -> String {
    let who = match seen.witness {
        Witness::Event => language.pick("Event", "Événement"),
        Witness::Condition => language.pick("Condition", "Condition"),
        Witness::Deploy => language.pick("Deployed", "Déploiement"),
    };
    let colon = language.pick(":", " :");
    if seen.object.is_empty() {
        format!("{who}{colon} {}", seen.text)
    } else {
        format!("{who} {}{colon} {}", seen.object, seen.text)
    }
}

fn limits(limits: &Limits, language: Language) -> String {
    let each = Severity::ALL.iter().map(|severity| {
        let limit = limits.of(*severity);
        let french = match limit.origin {
            Origin::Guide => "guide",
            Origin::Proposed => "proposé",
            Origin::Configured => "configuré",
            Origin::Practice => "usage",
            Origin::House => "par défaut",
            Origin::Law => "RGPD 33",
        };
        let origin = language.pick(limit.origin.word(), french);
        format!("{severity} {} ({origin})", span(limit.seconds))
    });
    let all = each.collect::<Vec<_>>().join(", ");
    language.pick(
        format!("To be acknowledged within: {all}"),
        format!("À prendre en charge sous : {all}"),
    )
}

fn alert(news: &AlertNews, language: Language) -> String {
    let service = news.service.as_ref();
    let service = service.map_or(String::new(), |service| format!(" {service}"));
    let what = format!("{} {}{service}", news.name, news.severity);
    let (english, french) = match &news.turn {
        AlertTurn::Fired { since: Some(since) } => (
            format!("fires since {}", at(*since)),
            format!("active depuis {}", at(*since)),
        ),
        AlertTurn::Fired { since: None } => ("fires".into(), "active".into()),
        AlertTurn::Resolved => ("fires no more".into(), "n'est plus active".into()),
        AlertTurn::Acknowledged {
            silence_until: Some(until),
        } => (
            format!(
                "acknowledged here; a silence (vigie-ack) is asked for until {}",
                at(*until)
            ),
            format!(
                "prise en charge ici ; silence (vigie-ack) demandé jusqu'à {}",
                at(*until)
            ),
        ),
        AlertTurn::Acknowledged { .. } => (
            "acknowledged here; Alertmanager was not told".into(),
            "prise en charge ici ; Alertmanager n'en sait rien".into(),
        ),
        AlertTurn::Silencing { until, reason } => (
            format!(
                "a silence is asked for until {} (UTC): {reason}",
                at(*until)
            ),
            format!("silence demandé jusqu'à {} (UTC) : {reason}", at(*until)),
        ),
        AlertTurn::Silenced { silence, until } => (
            format!("silenced until {} (silence {silence})", at(*until)),
            format!("mise en silence jusqu'à {} (silence {silence})", at(*until)),
        ),
        AlertTurn::Unsilenced { why, maybe: false } => (
            format!("Alertmanager did not take the silence: {why}"),
            format!("Alertmanager a refusé le silence : {why}"),
        ),
        AlertTurn::Unsilenced { why, maybe: true } => (
            format!("it is not known whether Alertmanager took the silence: {why}"),
            format!("on ne sait pas si Alertmanager a pris le silence : {why}"),
        ),
    };
    format!(
        "{} {what}: {}",
        language.pick("Alert", "Alerte"),
        language.pick(english, french)
    )
}

fn run(news: &RunNews, language: Language) -> String {
    let name = format!("{} {}", news.runbook, news.run);
    let text = match &news.turn {
        RunTurn::Started {
            version,
            workload,
            reason,
            break_glass,
            dry_run,
            ..
        } => {
            let mut text = language.pick("started", "lancé").to_owned();
            if *dry_run {
                text.push_str(language.pick(" (rehearsal)", " (répétition)"));
            }
            let _ = write!(text, ", version {version}");
            if let Some(workload) = workload {
                let _ = write!(text, ", {workload}");
            }
            text.push_str(&because(reason.as_ref()));
            if let Some(why) = break_glass {
                let _ = write!(text, " [BREAK-GLASS: {why}]");
            }
            text
        }
        RunTurn::Intent { step, text } => {
            format!("{}: {step}: {text}", language.pick("intent", "intention"))
        }
        RunTurn::Outcome { step, status, text } => {
            let tail = if text.is_empty() {
                String::new()
            } else {
                format!(" ({text})")
            };
            format!(
                "{}: {step}: {status}{tail}",
                language.pick("outcome", "résultat")
            )
        }
        RunTurn::Gate {
            step,
            verdict,
            text,
        } => {
            format!(
                "{}: {step}: {verdict}: {text}",
                language.pick("gate", "porte")
            )
        }
        RunTurn::Note { text } => format!("note: {text}"),
        RunTurn::Ended {
            state,
            text,
            leftovers,
        } => {
            let left = if leftovers.is_empty() {
                String::new()
            } else {
                format!(
                    "; {} {}",
                    language.pick("left in place:", "laissé en place :"),
                    leftovers.join("; ")
                )
            };
            format!(
                "{} {state}: {text}{left}",
                language.pick("ended", "terminé")
            )
        }
    };
    format!("Run {name} {text}")
}

fn notice(news: &NoticeNews, language: Language) -> String {
    let channel = &news.channel;
    let text = match &news.turn {
        NoticeTurn::Sending { text } => {
            language.pick(format!("to be sent: {text}"), format!("à envoyer : {text}"))
        }
        NoticeTurn::Sent => language.pick("sent.".into(), "envoyé.".into()),
        NoticeTurn::Failed { why } => {
            language.pick(format!("not sent: {why}"), format!("non envoyé : {why}"))
        }
        NoticeTurn::MaybeSent { why } => language.pick(
            format!("MAYBE SENT: {why}; ask before sending it again"),
            format!("PEUT-ÊTRE ENVOYÉ : {why} ; demander avant de renvoyer"),
        ),
    };
    format!("{} {channel}: {text}", language.pick("Message", "Message"))
}
