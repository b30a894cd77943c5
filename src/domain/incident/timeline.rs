//! One timeline of several sources: each row with its source, where it stands there, and how sure it is. Rows are in the
//! order of their times; where a source wrote them in another order, that is shown, not hidden.

use super::clocks::{Clock, missed};
use super::event::{Event, Stamp};
use super::fold::Incident;
use super::words::{Language, clock_missed, say};
use jiff::Timestamp;

/// How sure a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Written down when it happened.
    Recorded,
    /// Said by a source about the past.
    Reported,
    /// Worked out from other rows.
    Derived,
}

impl Confidence {
    /// The word in the files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Reported => "reported",
            Self::Derived => "derived",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When, in UTC.
    pub at: Timestamp,
    /// incident, run, audit, alertmanager, kubernetes, clock.
    pub source: String,
    /// Its number there, from one; none where it was worked out.
    pub number: Option<u64>,
    /// Where it stands: `INC-2026-014#3`, `run 01J…#7`.
    pub link: String,
    /// What kind of thing.
    pub event: String,
    /// In words.
    pub text: String,
    /// How sure.
    pub confidence: Confidence,
    /// Its source wrote it after something that it says was later: clocks disagreed.
    pub disorder: bool,
}

/// The rows of the incident's own file, with the clocks that ran out.
pub fn rows(incident: &Incident, now: Timestamp, language: Language) -> Vec<Row> {
    let id = incident.id;
    let mut rows: Vec<Row> = Vec::new();
    for (index, record) in incident.records.iter().enumerate() {
        let number = index as u64 + 1;
        let mut text = say(&record.event, language);
        if record.ts_src == Stamp::Local && index == 0 {
            text.push_str(match language {
                Language::English => " (times are this machine's: no server was asked)",
                Language::French => " (heures de cette machine : aucun serveur interrogé)",
            });
        }
        let source = match record.event {
            Event::Alert(_) => "alertmanager",
            Event::Run(_) => "run",
            Event::Revision { .. } => "kubernetes",
            _ => "incident",
        };
        rows.push(Row {
            at: record.ts,
            source: source.to_owned(),
            number: Some(number),
            link: format!("{id}#{number}"),
            event: record.event.name().to_owned(),
            text,
            confidence: Confidence::Recorded,
            disorder: false,
        });
    }
    let said = |at: Timestamp, event: &str, text: String| Row {
        at,
        source: "incident".to_owned(),
        number: None,
        link: format!("{id}#1"),
        event: event.to_owned(),
        text,
        confidence: Confidence::Reported,
        disorder: false,
    };
    rows.push(said(
        incident.detected,
        "incident.detection",
        match language {
            Language::English => "Detected.".to_owned(),
            Language::French => "Détecté.".to_owned(),
        },
    ));
    rows.extend(missed(incident, now).into_iter().map(|late| Row {
        source: "clock".to_owned(),
        confidence: Confidence::Derived,
        ..said(
            late.at,
            "clock.missed",
            clock_missed(late.clock, late.at, late.met, language),
        )
    }));
    merge(vec![rows])
}

/// One timeline of several: by time, each source's rows as they were written where times are equal.
pub fn merge(sources: Vec<Vec<Row>>) -> Vec<Row> {
    let mut rows: Vec<Row> = sources.into_iter().flatten().collect();
    rows.sort_by(|a, b| {
        (a.at, a.number.is_none(), a.number).cmp(&(b.at, b.number.is_none(), b.number))
    });
    // Within one file a later number stands after an earlier one; where its time says otherwise, clocks disagreed.
    let file = |row: &Row| row.link.split('#').next().unwrap_or_default().to_owned();
    let mut last: Vec<(String, u64)> = Vec::new();
    for row in &mut rows {
        let Some(number) = row.number else { continue };
        let name = file(row);
        match last.iter_mut().find(|(known, _)| *known == name) {
            Some((_, seen)) => {
                row.disorder = number < *seen;
                *seen = (*seen).max(number);
            }
            None => last.push((name, number)),
        }
    }
    rows
}

impl Clock {
    /// The clock's name in a language.
    pub fn name(self, language: Language) -> &'static str {
        super::words::clock(self, language)
    }
}
