//! Sheets for everything an operator may want of an incident, filled in as far as the console knows.

use super::about;
use super::order::{Quiet, Wish};
use super::sheet::{Aim, Field, Sheet};
use crate::app::state::App;
use crate::domain::alert::Alert;
use crate::domain::alert::Severity as Loudness;
use crate::domain::incident::{AlertTurn, Incident, Role, Severity, Stage};
use crate::domain::verdict::Level;
use jiff::SignedDuration;

/// How long an alert may be kept quiet, as offered.
pub(super) const SPANS: [(&str, i64); 5] = [
    ("15m", 15),
    ("30m", 30),
    ("1h", 60),
    ("2h", 120),
    ("8h", 480),
];

fn severities() -> Vec<String> {
    let all = Severity::ALL.iter();
    all.map(|one| format!("{one} ({})", one.meaning()))
        .collect()
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// The labels of an alert as Alertmanager matches them.
fn labels(alert: &Alert) -> std::collections::BTreeMap<String, String> {
    let all = alert.labels.iter();
    all.map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

/// An alert to be kept quiet.
pub(super) fn quiet(alert: &Alert, span: SignedDuration, reason: &str, turn: AlertTurn) -> Quiet {
    Quiet {
        alert: about(alert, turn),
        labels: labels(alert),
        span,
        reason: reason.to_owned(),
    }
}

impl App {
    /// The sheet that opens an incident: unsure, the higher severity.
    pub(super) fn open_sheet(&self, alert: Option<&Alert>) -> Sheet {
        let level = match alert.map(|alert| alert.severity) {
            Some(Loudness::Critical) => Severity::P1,
            Some(_) => Severity::P2,
            None if self.headline.level == Level::Failing => Severity::P1,
            None => Severity::P2,
        };
        let title = if let Some(alert) = alert {
            let service = alert.service();
            let service = service.map_or(String::new(), |service| format!("{service}: "));
            format!("{service}{} ({})", alert.summary(), alert.name)
        } else if self.headline.level == Level::Healthy {
            // That all is well is no title.
            String::new()
        } else {
            let said = &self.headline.brief;
            let first = said.split(". ").next().unwrap_or(said);
            first.trim_end_matches('.').to_owned()
        };
        let title: String = title
            .chars()
            .filter(|c| !c.is_control())
            .take(crate::domain::incident::TITLE)
            .collect();
        let span = self.acknowledgement_silences();
        let taken = alert.map(|alert| {
            let turn = AlertTurn::Acknowledged {
                silence_until: None,
            };
            let why = "acknowledged when its incident was opened";
            Box::new(quiet(alert, span.unwrap_or_default(), why, turn))
        });
        let sheet = Sheet::new(
            Aim::Open(taken),
            "Open an incident",
            vec![
                Field::choice("severity", &severities(), level as usize),
                Field::line("title", &title),
                Field::choice(
                    "breach",
                    &words(&[
                        "unknown (said later: b)",
                        "no (no personal data)",
                        "yes (personal data: the 72 hours begin)",
                    ]),
                    0,
                ),
            ],
        );
        let place = self
            .place()
            .map_or(String::new(), |place| place.to_string());
        let mut sheet = sheet
            .fact("place", place)
            .fact("detected", "now: the moment this is written down");
        if let Some(alert) = alert {
            let hush = span.map_or_else(
                || "; Alertmanager is not told".to_owned(),
                |span| format!(", silent in Alertmanager for {} min", span.as_mins()),
            );
            sheet = sheet.fact("takes on", format!("alert {}{hush}", alert.name));
        }
        sheet
    }

    /// The sheet that silences an alert, with the words of what is sent.
    pub(super) fn silence_sheet(&self, alert: &Alert) -> Sheet {
        let spans: Vec<&str> = SPANS.iter().map(|(word, _)| *word).collect();
        let until = AlertTurn::Silencing {
            until: self.now,
            reason: String::new(),
        };
        let quiet = quiet(alert, SignedDuration::ZERO, "", until);
        let matched: Vec<String> = quiet
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut fields = vec![
            Field::choice("for", &words(&spans), 0),
            Field::line("reason", ""),
        ];
        // Where things are guarded, hiding an alert is confirmed as every change is; armed, it was.
        let wanted = self.silence_word();
        fields.push(Field::line("confirm", ""));
        Sheet::new(
            Aim::Silence(Box::new(quiet)),
            format!("Silence {}", alert.name),
            fields,
        )
        .fact(
            "place",
            self.place()
                .map_or(String::new(), |place| place.to_string()),
        )
        .fact("sends", "POST /api/v2/silences to Alertmanager")
        .fact("matches", matched.join(", "))
        .fact("undo", "expire the silence in Alertmanager")
        .fact("confirm", format!("type {wanted} to go ahead"))
    }

    /// How long an acknowledgement keeps its alert quiet; not at all where that is not configured or nothing may be changed.
    pub(super) fn acknowledgement_silences(&self) -> Option<SignedDuration> {
        self.incidents.silences.filter(|_| !self.settings.read_only)
    }

    /// What must be typed to silence an alert.
    pub(super) fn silence_word(&self) -> String {
        if self.target.environment.guarded && !self.armed() {
            crate::app::arm::text(&self.target)
        } else {
            crate::app::ask::YES.to_owned()
        }
    }
}

/// The sheet for a wish about the open incident.
pub(super) fn sheet_for(incident: &Incident, wish: Wish) -> Sheet {
    let id = incident.id.short();
    let of = |title: String, fields| Sheet::new(Aim::Of(wish), title, fields);
    let because = || Field::line("reason", "");
    match wish {
        Wish::Severity => {
            let raised = incident.severity().raised();
            let at = raised.unwrap_or(incident.severity()) as usize;
            of(
                format!("{id}: how bad is it?"),
                vec![
                    Field::choice("severity", &severities(), at),
                    because().optional(),
                    Field::line("commander", "").optional(),
                ],
            )
            .fact("now", incident.severity().to_string())
            .fact(
                "lowering",
                "needs a reason and the commander's name as it stands in the file",
            )
        }
        Wish::Update => of(
            format!("{id}: tell those concerned"),
            vec![Field::line("message", "")],
        ),
        Wish::Escalate => of(
            format!("{id}: nobody took it on; who is called?"),
            vec![Field::line("whom", "")],
        )
        .fact("whom", "a role or a name, as it is to stand in the file"),
        Wish::Link => of(
            format!("{id}: a run of before that has to do with it"),
            vec![Field::line("run", "")],
        )
        .fact(
            "run",
            "its id, as on the screen of runs: its journal is looked at",
        ),
        Wish::Role => role_sheet(incident),
        Wish::Breach => of(
            format!("{id}: is personal data concerned?"),
            vec![
                Field::choice("breach", &words(&["yes (the 72 hours begin)", "no"]), 0),
                because(),
            ],
        ),
        Wish::Reported => of(
            format!("{id}: the data protection authority was told"),
            vec![Field::line("reason", "")],
        ),
        Wish::Mitigated => of(format!("{id}: users are served again"), vec![because()]),
        Wish::Resolve => resolve_sheet(incident, of(format!("{id}: it is over"), vec![because()])),
        Wish::HandOver => of(
            format!("{id}: somebody else carries it on"),
            vec![Field::line("to", ""), because()],
        ),
        Wish::Export => of(
            format!("{id}: write it out"),
            vec![Field::choice(
                "language",
                &words(&["en (English)", "fr (French)"]),
                0,
            )],
        )
        .fact(
            "files",
            "postmortem.md, timeline.csv, timeline.jsonl, bundle.tar",
        ),
        Wish::Open | Wish::Next | Wish::Acknowledge | Wish::Silence => of(id, Vec::new()),
    }
}

/// Whoever says that it is over reads first what speaks against it.
fn resolve_sheet(incident: &Incident, sheet: Sheet) -> Sheet {
    let mut open: Vec<String> = Vec::new();
    match incident.alerts.values().filter(|fires| **fires).count() {
        0 => {}
        1 => open.push("1 alert still fires".to_owned()),
        many => open.push(format!("{many} alerts still fire")),
    }
    if incident.mitigated.is_none() {
        open.push("nobody said that users are served again (m)".to_owned());
    }
    if !incident.did(Stage::Notify) {
        open.push("nobody was told (u)".to_owned());
    }
    if open.is_empty() {
        sheet
    } else {
        sheet.fact("still open", open.join("; "))
    }
}

/// Who does what: the first role that its severity asks for and nobody has stands there.
fn role_sheet(incident: &Incident) -> Sheet {
    let all: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
    let open = incident.roles_open();
    let open = open.first().map_or(0, |role| *role as usize);
    let fields = vec![
        Field::choice("role", &words(&all), open),
        Field::line("name", "").optional(),
    ];
    let title = format!("{}: who does what?", incident.id.short());
    Sheet::new(Aim::Of(Wish::Role), title, fields).fact(
        "no name",
        "nobody any more; nobody is named unless it is typed here",
    )
}
