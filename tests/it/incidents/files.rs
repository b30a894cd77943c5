//! The files themselves: torn at every byte, flipped, full, and written by several at once.

use jiff::Timestamp;
use std::collections::BTreeSet;
use vigie::domain::incident::{Event, IncidentId, Place, Record, Severity, Stamp};
use vigie::journal::record::Condition;
use vigie::journal::{IncidentError, Incidents, JournalError, RealDisk};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + second).unwrap()
}

fn now() -> (Timestamp, Stamp) {
    (at(100), Stamp::Local)
}

fn first(incident: IncidentId) -> Record {
    Record {
        ts: at(0),
        ts_src: Stamp::Local,
        skew_ms: 0,
        event: Event::Opened {
            incident,
            title: "t".into(),
            severity: Severity::P1,
            detected_at: at(0),
            place: Place::default(),
        },
    }
}

fn note(text: &str) -> Event {
    Event::Note { text: text.into() }
}

#[test]
fn a_torn_tail_is_put_aside_and_damage_makes_it_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let files = Incidents::new(folder.path(), RealDisk);
    let id = files.create(at(0), first).unwrap().incident.id;
    files.write(id, now(), |_| Ok(vec![note("one")])).unwrap();
    let whole = std::fs::read(files.file(id)).unwrap();
    files.write(id, now(), |_| Ok(vec![note("two")])).unwrap();
    let more = std::fs::read(files.file(id)).unwrap();
    for end in whole.len() + 1..more.len() {
        std::fs::write(files.file(id), &more[..end]).unwrap();
        let read = files.read(id).unwrap();
        assert!(matches!(read.condition, Condition::Torn(_)), "{end}");
        let written = files.write(id, now(), |_| Ok(vec![note("three")])).unwrap();
        let events: Vec<&str> = written
            .incident
            .records
            .iter()
            .map(|one| one.event.name())
            .collect();
        let wanted = [
            "incident.opened",
            "incident.note",
            "journal.recovered",
            "incident.note",
        ];
        assert_eq!(events, wanted, "{end}");
        assert_eq!(files.read(id).unwrap().condition, Condition::Whole);
    }
    let asides = std::fs::read_dir(files.dir(id)).unwrap();
    let asides = asides
        .flatten()
        .filter(|one| one.file_name().to_string_lossy().contains("torn"));
    assert_eq!(asides.count(), more.len() - whole.len() - 1);
    for at in 0..whole.len() {
        let mut flipped = more.clone();
        flipped[at] ^= 1;
        std::fs::write(files.file(id), &flipped).unwrap();
        let refused = files.write(id, now(), |_| Ok(vec![note("x")]));
        let damaged = matches!(
            refused,
            Err(IncidentError::Journal(
                JournalError::Damaged(_) | JournalError::Malformed(_)
            ))
        );
        assert!(damaged, "byte {at}: {refused:?}");
        assert_eq!(
            std::fs::read(files.file(id)).unwrap(),
            flipped,
            "nothing is touched"
        );
    }
}

#[test]
fn several_at_once_write_one_chain_and_open_each_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let files = Incidents::new(folder.path(), RealDisk);
    let id = files.create(at(0), first).unwrap().incident.id;
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let files = files.clone();
            scope.spawn(move || {
                for index in 0..10 {
                    let text = format!("{writer}.{index}");
                    files.write(id, now(), |_| Ok(vec![note(&text)])).unwrap();
                }
                files.create(at(0), first).unwrap();
            });
        }
    });
    let read = files.read(id).unwrap();
    assert_eq!(read.condition, Condition::Whole);
    let notes: BTreeSet<String> = read
        .incident
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Note { text } => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(notes.len(), 80);
    assert_eq!(files.ids().len(), 9);
    // Only one of them is the first to take it on.
    let acks: Vec<bool> = (0..2)
        .map(|_| {
            files
                .write(id, now(), |_| Ok(vec![Event::Acknowledged {}]))
                .is_ok()
        })
        .collect();
    assert_eq!(acks, [true, false]);
}

#[test]
fn what_cannot_be_written_is_said_and_not_half_there() {
    let folder = tempfile::tempdir().unwrap();
    let files = Incidents::new(folder.path(), RealDisk);
    let id = files.create(at(0), first).unwrap().incident.id;
    let before = std::fs::read(files.file(id)).unwrap();
    let refused = files.write(id, now(), |_| {
        Ok(vec![
            note("kept?"),
            Event::Opened {
                incident: id,
                title: "again".into(),
                severity: Severity::P1,
                detected_at: at(0),
                place: Place::default(),
            },
        ])
    });
    assert!(matches!(refused, Err(IncidentError::Refused(_))));
    assert_eq!(
        std::fs::read(files.file(id)).unwrap(),
        before,
        "all of it or nothing"
    );
}
