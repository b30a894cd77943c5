//! One timeline of several sources: each row with its source, where it stands there, and how sure it is. Rows are in the
//! order of their times; where a source wrote them in another order, that is shown, not hidden.

use super::clocks::{Clock, missed};
use super::event::{AlertTurn, Event, Record, Stamp};
use super::fold::Incident;
use super::id::IncidentId;
use super::words::{Language, clock_missed, say};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

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

    /// The word for readers.
    pub(super) fn said(self, language: Language) -> &'static str {
        let french = match self {
            Self::Recorded => "consigné",
            Self::Reported => "rapporté",
            Self::Derived => "déduit",
        };
        language.pick(self.word(), french)
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When, in UTC, as its source gives it.
    pub at: Timestamp,
    /// When it was written down, where that is another moment.
    pub noted: Option<Timestamp>,
    /// incident, run, audit, alertmanager, kubernetes, deploy, clock.
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
    /// Its source wrote it after something that it says was later, or says that it happened after it was written down: clocks
    /// disagreed.
    pub disorder: bool,
}

/// The row of the detection.
const DETECTION: &str = "incident.detection";
/// A source may be so much ahead before its order is doubted: most say their times to the second.
const EQUAL: SignedDuration = SignedDuration::from_secs(2);

/// When something happened as its source says, where it says so.
fn said_at(event: &Event) -> Option<Timestamp> {
    match event {
        Event::Alert(news) => match news.turn {
            AlertTurn::Fired { since } => since,
            _ => None,
        },
        Event::Revision { made, .. } => *made,
        Event::Observed(seen) => seen.at,
        _ => None,
    }
}

fn row_of(record: &Record, number: u64, id: IncidentId, language: Language) -> Row {
    let (source, event) = match &record.event {
        Event::Alert(_) => ("alertmanager", record.event.name()),
        Event::Run(_) | Event::Linked { .. } => ("run", record.event.name()),
        Event::Revision { .. } => ("kubernetes", "kubernetes.revision"),
        Event::Observed(seen) => (seen.witness.source(), seen.witness.row()),
        event => ("incident", event.name()),
    };
    let said = said_at(&record.event);
    Row {
        at: said.unwrap_or(record.ts),
        noted: said.map(|_| record.ts),
        source: source.to_owned(),
        number: Some(number),
        link: format!("{id}#{number}"),
        event: event.to_owned(),
        text: say(&record.event, language),
        confidence: if said.is_some() {
            Confidence::Reported
        } else {
            Confidence::Recorded
        },
        disorder: said.is_some_and(|at| at > record.ts + EQUAL),
    }
}

/// The rows of the incident's own file, with the clocks that ran out.
pub fn rows(incident: &Incident, now: Timestamp, language: Language) -> Vec<Row> {
    let id = incident.id;
    let mut rows: Vec<Row> = Vec::new();
    for (index, record) in incident.records.iter().enumerate() {
        let number = index as u64 + 1;
        let mut row = row_of(record, number, id, language);
        if record.ts_src == Stamp::Local && index == 0 {
            row.text.push_str(match language {
                Language::English => " (times are this machine's: no server was asked)",
                Language::French => " (heures de cette machine : aucun serveur interrogé)",
            });
        }
        rows.push(row);
    }
    let said = |at: Timestamp, event: &str, text: String| Row {
        at,
        noted: None,
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
        DETECTION,
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
    // It is detected before anything is written of it; what was worked out comes after what it was worked out from.
    rows.sort_by_key(|row| {
        let worked_out = if row.event == DETECTION { 0 } else { u64::MAX };
        (row.at, row.number.unwrap_or(worked_out))
    });
    let mut files: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        // What was said of the past is written down whenever it is heard.
        if row.number.is_some() && row.confidence == Confidence::Recorded {
            let file = row.link.split('#').next().unwrap_or_default();
            files.entry(file.to_owned()).or_default().push(index);
        }
    }
    for file in files.values() {
        doubt(&mut rows, file);
    }
    rows
}

/// Within one file a later number stands after an earlier one; where its time says otherwise, clocks disagreed. Two processes
/// measure the server's clock to the second each: where they are closer than that, nothing is said.
fn doubt(rows: &mut [Row], file: &[usize]) {
    let (mut passed, mut highest) = (0, None);
    for index in file {
        let at = rows[*index].at;
        while file
            .get(passed)
            .is_some_and(|before| at.duration_since(rows[*before].at) > EQUAL)
        {
            highest = highest.max(rows[file[passed]].number);
            passed += 1;
        }
        rows[*index].disorder = rows[*index].number < highest;
    }
}

impl Clock {
    /// The clock's name in a language.
    pub fn name(self, language: Language) -> &'static str {
        super::words::clock(self, language)
    }
}
