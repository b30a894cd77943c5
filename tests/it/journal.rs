//! Run journals and the audit log as a whole: crashes at every byte, flipped bytes, full and failing disks.
//!
//! Length: one disk, its faults, and the tables over it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Map, json};
use vigie::journal::disk::{Disk, RealDisk, Tail};
use vigie::journal::record::{self, Condition, Verified};
use vigie::journal::{Audit, AuditEvent, Header, Journal, JournalError, Runs};
use vigie::runbook::ids::{EffectKey, RunId};
use vigie::runbook::machine::{
    Answers, Entry, Fact, Intent, RunState, RunTarget, Start, StepState,
};
use vigie::runbook::patch::{Action, ObjectRef, Planned};
use vigie::runbook::{SHIPPED, format};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + second).unwrap()
}

fn header(random: u8) -> Header {
    let book = format::parse("rollback", SHIPPED[0].text).unwrap();
    let start = Start {
        run: RunId::new(at(0), [random; 10]),
        runbook: "rollback".into(),
        version: "1.0.0".into(),
        model: book.model_digest(),
        params: std::collections::BTreeMap::new(),
        target: RunTarget {
            cluster_uid: "../../etc".into(),
            namespace: "prod".into(),
            environment: "production".into(),
            ..RunTarget::default()
        },
        actor: "oncall".into(),
        typed: true,
        attended: false,
        dry_run: false,
        reads_only: false,
        answers: Answers::default(),
    };
    Header {
        schema: 1,
        created: at(0),
        app: "0.1.0".into(),
        start,
    }
}

fn start_entry() -> Entry {
    Entry {
        ts: at(0),
        fact: Fact::Start(Box::new(header(1).start)),
    }
}

fn note(number: usize) -> Entry {
    Entry {
        ts: at(number as i64),
        fact: Fact::Note {
            by: "alice".into(),
            text: format!("note {number} \"é\"\n"),
        },
    }
}

fn intent() -> Entry {
    let effect = EffectKey::new(&header(1).start.run, "go-back", false, 0);
    let object = ObjectRef {
        kind: "Deployment".into(),
        namespace: "prod".into(),
        name: "api".into(),
        uid: "u".into(),
    };
    let planned = Planned {
        kind: "k8s.rollback".into(),
        object,
        changes: Vec::new(),
        lines: Vec::new(),
    };
    Entry {
        ts: at(1),
        fact: Fact::Intent(Intent {
            step: "go-back".into(),
            audit_id: effect.audit_id(1),
            effect,
            attempt: 1,
            action: Box::new(Action {
                planned,
                resource_version: "7".into(),
            }),
        }),
    }
}

fn made(dir: &Path, entries: &[Entry]) -> PathBuf {
    let mut journal = Runs::new(dir, RealDisk)
        .create(&header(1), SHIPPED[0].text, &json!({}))
        .unwrap();
    journal.append(entries).unwrap();
    journal.dir().to_owned()
}

#[test]
fn a_run_is_kept_inside_the_state_directory_and_reads_back() {
    let state = tempfile::tempdir().unwrap();
    let entries = vec![start_entry(), note(1), intent()];
    let dir = made(state.path(), &entries);
    assert!(
        dir.starts_with(state.path().join("runs")) && !dir.to_string_lossy().contains(".."),
        "{dir:?}"
    );
    let open = Runs::new(state.path(), RealDisk).open(&dir, at(9)).unwrap();
    assert_eq!(
        (
            open.entries.clone(),
            open.runbook.as_str(),
            open.recovered.is_none()
        ),
        (entries, SHIPPED[0].text, true)
    );
    let run = vigie::journal::runs::restore(&open).unwrap();
    assert!(
        run.ledger()
            .steps
            .iter()
            .any(|step| step.state == StepState::Intent),
        "an intent without outcome"
    );
    assert!(run.unresolved().is_some());
}

#[cfg(unix)]
#[test]
fn files_are_private_to_the_user() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempfile::tempdir().unwrap();
    let dir = made(state.path(), &[start_entry()]);
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.clone()), 0o700);
    for name in [
        "header.json",
        "runbook.md",
        "plan.json",
        "journal",
        "lock",
        "reserve",
    ] {
        assert_eq!(mode(dir.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let state = tempfile::tempdir().unwrap();
    let runs = Runs::new(state.path(), RealDisk);
    let mut journal = runs
        .create(&header(1), SHIPPED[0].text, &json!({}))
        .unwrap();
    journal.append(&[start_entry()]).unwrap();
    assert!(matches!(
        runs.open(journal.dir(), at(1)),
        Err(JournalError::Locked(_))
    ));
    assert!(runs.peek(journal.dir()).is_ok());
    let dir = journal.dir().to_owned();
    drop(journal);
    assert!(runs.open(&dir, at(1)).is_ok());
}

#[test]
fn a_tail_torn_at_every_byte_is_kept_aside_and_the_rest_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let dir = made(state.path(), &[start_entry(), note(1), note(2)]);
    let path = dir.join("journal");
    let whole = std::fs::read(&path).unwrap();
    let two = record::decode(&whole).good_len as usize - record_len(&whole, 2);
    for cut in two..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let runs = Runs::new(state.path(), RealDisk);
        // A program that another test has just forked holds the lock of ours until it is the program it shall be.
        let mut open = loop {
            match runs.open(&dir, at(50)) {
                Err(JournalError::Locked(_)) => std::thread::yield_now(),
                opened => break opened.unwrap_or_else(|error| panic!("cut at {cut}: {error}")),
            }
        };
        if cut == two {
            assert!(open.recovered.is_none() && open.entries.len() == 2);
        } else {
            let aside = open
                .recovered
                .clone()
                .unwrap_or_else(|| panic!("cut at {cut}"));
            assert_eq!(
                std::fs::read(&aside).unwrap(),
                &whole[two..cut],
                "kept as it was"
            );
            assert!(matches!(
                open.entries.last().map(|entry| &entry.fact),
                Some(Fact::Recovered { .. })
            ));
            std::fs::remove_file(aside).unwrap();
        }
        open.journal.append(&[note(3)]).unwrap();
        drop(open);
        assert!(
            matches!(
                record::verify(&std::fs::read(&path).unwrap(), None),
                Verified::Ok { .. }
            ),
            "cut at {cut}"
        );
    }
}

fn record_len(bytes: &[u8], index: usize) -> usize {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .nth(index)
        .unwrap()
        .len()
}

#[test]
fn a_byte_flipped_anywhere_is_found_and_nothing_is_continued_over_it() {
    let state = tempfile::tempdir().unwrap();
    let dir = made(state.path(), &[start_entry(), note(1), note(2)]);
    let path = dir.join("journal");
    let whole = std::fs::read(&path).unwrap();
    let runs = Runs::new(state.path(), RealDisk);
    for index in 0..whole.len() {
        let mut bent = whole.clone();
        bent[index] ^= 0x01;
        assert!(
            !matches!(record::verify(&bent, None), Verified::Ok { .. }),
            "byte {index}"
        );
        if index < whole.len() - record_len(&whole, 2) {
            assert!(
                matches!(record::verify(&bent, None), Verified::Broken(_)),
                "byte {index} is in the middle"
            );
        }
    }
    let mut bent = whole.clone();
    bent[whole.len() / 2] ^= 0x01;
    std::fs::write(&path, &bent).unwrap();
    assert!(matches!(
        runs.open(&dir, at(1)),
        Err(JournalError::Damaged(_))
    ));
    assert_eq!(
        std::fs::read(&path).unwrap(),
        bent,
        "a damaged journal is left as it is"
    );
    assert!(matches!(runs.peek(&dir).unwrap().2, Condition::Damaged(_)));
    let (listed, _) = runs.list();
    assert!(listed[0].read_only.is_some());
}

#[test]
fn a_missing_tail_is_seen_only_with_an_anchor() {
    let state = tempfile::tempdir().unwrap();
    let dir = made(state.path(), &[start_entry(), note(1), note(2)]);
    let whole = std::fs::read(dir.join("journal")).unwrap();
    let Verified::Ok {
        head,
        records: 3,
        witnessed: false,
    } = record::verify(&whole, None)
    else {
        panic!()
    };
    let cut = &whole[..whole.len() - record_len(&whole, 2)];
    assert!(matches!(
        record::verify(cut, None),
        Verified::Ok { records: 2, .. }
    ));
    assert!(matches!(
        record::verify(cut, Some(&head)),
        Verified::Incomplete { .. }
    ));
    assert!(matches!(
        record::verify(&whole, Some(&head)),
        Verified::Ok {
            witnessed: true,
            ..
        }
    ));
}

#[test]
fn a_run_that_stopped_before_its_first_record_is_over_and_not_taken_up() {
    let state = tempfile::tempdir().unwrap();
    let runs = Runs::new(state.path(), RealDisk);
    let journal = runs.create(&header(1), SHIPPED[0].text, &json!({}));
    let dir = journal.as_ref().unwrap().dir().to_owned();
    assert_eq!(runs.list().0[0].state, RunState::Draft, "it is carried");
    drop(journal);
    // As it was left, and with its first record torn.
    for left in [&b""[..], b"{\"half"] {
        std::fs::write(dir.join("journal"), left).unwrap();
        let (listed, broken) = runs.list();
        assert!(broken.is_empty(), "{broken:?}");
        assert_eq!(listed[0].state, RunState::Aborted, "{left:?}");
        assert!(listed[0].ended.is_some() && listed[0].waits.is_none());
        let refused = runs.open(&dir, at(9)).err().unwrap().to_string();
        assert!(refused.contains("before its first record"), "{refused}");
        assert_eq!(std::fs::read(dir.join("journal")).unwrap(), left);
    }
}

#[test]
fn runs_are_listed_unfinished_first_and_found_by_part_of_their_id() {
    let state = tempfile::tempdir().unwrap();
    let runs = Runs::new(state.path(), RealDisk);
    for (random, end) in [(1, true), (2, false), (3, true)] {
        let mut journal = runs
            .create(&header(random), SHIPPED[0].text, &json!({}))
            .unwrap();
        journal.append(&[start_entry()]).unwrap();
        if end {
            journal
                .append(&[Entry {
                    ts: at(5),
                    fact: Fact::End {
                        state: RunState::Succeeded,
                        refused: false,
                        message: "done".into(),
                        leftovers: Vec::new(),
                    },
                }])
                .unwrap();
        }
    }
    std::fs::create_dir_all(state.path().join("runs/x/broken")).unwrap();
    let (listed, broken) = runs.list();
    assert_eq!(
        listed.iter().map(|run| run.state).collect::<Vec<_>>(),
        [
            RunState::NeedsHuman,
            RunState::Succeeded,
            RunState::Succeeded
        ],
        "nobody holds its lock: it was interrupted"
    );
    assert!(!listed[0].carried && listed[0].reason.as_ref().unwrap().contains("interrupted"));
    assert_eq!(broken.len(), 1, "a broken one never hides the others");
    let id = listed[0].header.start.run.as_str();
    assert_eq!(runs.find(&id[18..]).unwrap(), listed[0].dir);
    assert!(runs.find("../x").is_err() && runs.find("zzzzzz").is_err());
}

#[test]
fn ten_thousand_records_open_and_verify() {
    let state = tempfile::tempdir().unwrap();
    let mut entries = vec![start_entry()];
    entries.extend((1..10_000).map(note));
    let dir = made(state.path(), &entries);
    let open = Runs::new(state.path(), RealDisk).open(&dir, at(1)).unwrap();
    assert_eq!(open.entries.len(), 10_000);
}

/// A disk that fails when told, and counts what is asked of it.
#[derive(Clone, Default)]
struct Faulty {
    fail_write: Arc<Mutex<Option<(usize, io::ErrorKind)>>>,
    fail_sync: Arc<Mutex<bool>>,
    syncs: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
}

struct FaultyTail {
    inner: Box<dyn Tail>,
    disk: Faulty,
}

impl Disk for Faulty {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.make_dir(path)
    }
    fn create(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealDisk.create(path, content)
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Tail>> {
        Ok(Box::new(FaultyTail {
            inner: RealDisk.append(path)?,
            disk: self.clone(),
        }))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_dir(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        RealDisk.read(path)
    }
    fn len(&self, path: &Path) -> io::Result<u64> {
        RealDisk.len(path)
    }
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        RealDisk.truncate(path, len)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

impl Tail for FaultyTail {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.writes.fetch_add(1, Ordering::SeqCst);
        if let Some((short, kind)) = self.disk.fail_write.lock().unwrap().take() {
            self.inner.write_all(&bytes[..short.min(bytes.len())])?;
            return Err(kind.into());
        }
        self.inner.write_all(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
        if *self.disk.fail_sync.lock().unwrap() {
            return Err(io::Error::other("EIO"));
        }
        self.inner.sync_data()
    }
}

fn faulty(state: &Path) -> (Faulty, Journal<Faulty>) {
    let disk = Faulty::default();
    let mut journal = Runs::new(state, disk.clone())
        .create(&header(1), SHIPPED[0].text, &json!({}))
        .unwrap();
    journal.append(&[start_entry()]).unwrap();
    (disk, journal)
}

#[test]
fn a_batch_costs_one_sync_and_a_failed_sync_is_never_repeated() {
    let state = tempfile::tempdir().unwrap();
    let (disk, mut journal) = faulty(state.path());
    journal.append(&[note(1), note(2), note(3)]).unwrap();
    assert_eq!(disk.syncs.load(Ordering::SeqCst), 2, "one per batch");
    *disk.fail_sync.lock().unwrap() = true;
    assert!(journal.append(&[note(4)]).is_err());
    *disk.fail_sync.lock().unwrap() = false;
    assert!(matches!(
        journal.append(&[note(5)]),
        Err(JournalError::Failed)
    ));
    assert!(!journal.is_writable());
    assert_eq!(
        (
            disk.syncs.load(Ordering::SeqCst),
            disk.writes.load(Ordering::SeqCst)
        ),
        (3, 3),
        "nothing more was asked of the descriptor"
    );
}

#[test]
fn a_full_disk_refuses_an_intent_and_still_stores_an_outcome_once() {
    for short in [0, 1, 40] {
        let state = tempfile::tempdir().unwrap();
        let (disk, mut journal) = faulty(state.path());
        *disk.fail_write.lock().unwrap() = Some((short, io::ErrorKind::StorageFull));
        assert!(
            journal.append(&[intent()]).is_err(),
            "no act without room for its outcome"
        );
        assert!(journal.dir().join("reserve").exists());

        let state = tempfile::tempdir().unwrap();
        let (disk, mut journal) = faulty(state.path());
        *disk.fail_write.lock().unwrap() = Some((short, io::ErrorKind::StorageFull));
        journal.append(&[note(1)]).unwrap();
        assert!(
            !journal.dir().join("reserve").exists() && !journal.is_writable(),
            "the reserve is spent and nothing more begins"
        );
        let dir = journal.dir().to_owned();
        drop(journal);
        let open = Runs::new(state.path(), RealDisk).open(&dir, at(9)).unwrap();
        assert_eq!(
            open.entries,
            [start_entry(), note(1)],
            "{short} bytes half written"
        );
    }
}

fn event(second: i64, name: &str) -> AuditEvent {
    let mut fields = Map::new();
    fields.insert("actor".into(), json!({"os_user": "alice"}));
    fields.insert("ratio".into(), json!(0.5));
    AuditEvent {
        ts: at(second),
        event: name.into(),
        fields,
    }
}

#[test]
fn the_audit_log_chains_over_rotation_and_processes() {
    let state = tempfile::tempdir().unwrap();
    let mut one = Audit::new(state.path(), RealDisk).rotating_at(2000);
    let mut two = Audit::new(state.path(), RealDisk).rotating_at(2000);
    let mut head = String::new();
    for second in 0..20 {
        let log = if second % 3 == 0 { &mut two } else { &mut one };
        head = log.append(&[event(second, "step.outcome")]).unwrap();
    }
    let report = one.verify(Some(&head)).unwrap();
    assert!(
        matches!(
            report.verdict,
            Verified::Ok {
                records: 20,
                witnessed: true,
                ..
            }
        ),
        "{report:?}"
    );
    assert!(report.files.len() > 2, "it rotated: {:?}", report.files);
    assert_eq!(one.read().unwrap()[3]["ratio"], "0.5");
}

#[test]
fn ten_writers_at_once_leave_one_unbroken_chain() {
    let state = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut log = Audit::new(state.path(), RealDisk);
                // Each one's own clock goes back, however they take turns.
                for second in (0..10).rev() {
                    log.append(&[event(second, "x")]).unwrap();
                }
            });
        }
    });
    let report = Audit::new(state.path(), RealDisk).verify(None).unwrap();
    assert!(
        matches!(report.verdict, Verified::Ok { records: 100, .. }),
        "{report:?}"
    );
    assert!(
        !report.out_of_order.is_empty(),
        "clocks that went back are said"
    );
}

#[test]
fn every_abuse_of_the_audit_log_is_found_or_needs_an_anchor() {
    let state = tempfile::tempdir().unwrap();
    let mut log = Audit::new(state.path(), RealDisk);
    let head = (0..5)
        .map(|second| log.append(&[event(second, "x")]).unwrap())
        .last()
        .unwrap();
    let path = state.path().join("audit.log");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[&str]| {
        lines.join(
            "
",
        ) + "
"
    };
    let cases = [
        ("edited", text.replacen("alice", "mallo", 1), true),
        (
            "deleted in the middle",
            join(&[lines[0], lines[1], lines[3], lines[4]]),
            true,
        ),
        (
            "reordered",
            join(&[lines[0], lines[2], lines[1], lines[3], lines[4]]),
            true,
        ),
        (
            "repeated",
            join(&[lines[0], lines[1], lines[1], lines[2]]),
            true,
        ),
        ("spaces added", text.replacen(':', ": ", 1), true),
        ("first deleted", join(&lines[1..]), true),
        ("last deleted", join(&lines[..4]), false),
    ];
    for (name, content, without_anchor) in cases {
        std::fs::write(&path, content).unwrap();
        let plain = log.verify(None).unwrap().verdict;
        assert_eq!(
            !matches!(plain, Verified::Ok { .. }),
            without_anchor,
            "{name}: {plain:?}"
        );
        assert!(
            !matches!(
                log.verify(Some(&head)).unwrap().verdict,
                Verified::Ok { .. }
            ),
            "{name} with the anchor"
        );
    }
}

#[test]
fn a_chain_that_was_made_anew_is_found_only_by_a_witness_and_a_clock_set_back_is_said() {
    let (state, forged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut log = Audit::new(state.path(), RealDisk);
    let head = (0..5)
        .map(|second| log.append(&[event(second, "x")]).unwrap())
        .last()
        .unwrap();
    let mut other = Audit::new(forged.path(), RealDisk);
    for second in 0..5 {
        other.append(&[event(second, "y")]).unwrap();
    }
    std::fs::copy(
        forged.path().join("audit.log"),
        state.path().join("audit.log"),
    )
    .unwrap();
    let plain = log.verify(None).unwrap().verdict;
    assert!(
        matches!(
            plain,
            Verified::Ok {
                witnessed: false,
                ..
            }
        ),
        "nobody can tell from the log alone: {plain:?}"
    );
    let held = log.verify(Some(&head)).unwrap().verdict;
    assert!(matches!(held, Verified::Incomplete { .. }), "{held:?}");
    let mut again = Audit::new(state.path(), RealDisk);
    again.append(&[event(1, "set back")]).unwrap();
    assert_eq!(again.verify(None).unwrap().out_of_order, [6]);
}

#[test]
fn a_torn_audit_line_is_kept_aside_and_the_chain_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let mut log = Audit::new(state.path(), RealDisk);
    log.append(&[event(0, "x"), event(1, "y")]).unwrap();
    let path = state.path().join("audit.log");
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 10]).unwrap();
    assert!(matches!(
        log.verify(None).unwrap().verdict,
        Verified::Incomplete { records: 1, .. }
    ));
    Audit::new(state.path(), RealDisk)
        .append(&[event(2, "z")])
        .unwrap();
    assert!(matches!(
        log.verify(None).unwrap().verdict,
        Verified::Ok { records: 2, .. }
    ));
    assert!(state.path().join("audit.torn-1").exists());
}

mod generated {
    use proptest::prelude::*;
    use vigie::journal::record;

    proptest! {
        #[test]
        fn any_bytes_read_as_a_journal_give_a_condition_never_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let opened = record::decode(&bytes);
            prop_assert!(opened.good_len as usize <= bytes.len());
        }
    }
}

mod pruned {
    use super::*;
    use vigie::engine::pruning;
    use vigie::engine::runs::records::Who;
    use vigie::journal::audit::PRUNED;

    const DAY: i64 = 86_400;

    #[test]
    fn old_files_go_with_a_record_and_the_chain_is_still_followed() {
        let state = tempfile::tempdir().unwrap();
        let mut log = Audit::new(state.path(), RealDisk).rotating_at(2000);
        for day in 0..40 {
            log.append(&[event(day * DAY, "step.outcome")]).unwrap();
        }
        let (now, who) = (at(41 * DAY), Who::Machine("ada".into()));
        let before = at(30 * DAY);
        let would = pruning::old(state.path(), before).unwrap();
        assert!(would.segments.len() > 1, "{would:?}");
        let done = pruning::prune(state.path(), &who, now, before).unwrap();
        assert_eq!(done, would);
        let report = log.verify(None).unwrap();
        assert!(matches!(report.verdict, Verified::Ok { .. }), "{report:?}");
        let pruned = report.pruned.unwrap();
        assert_eq!((pruned.to, pruned.by), (would.records(), 41));
        assert_eq!(log.read().unwrap().last().unwrap()["event"], PRUNED);
        assert!(
            pruning::prune(state.path(), &who, now, before)
                .unwrap()
                .is_empty()
        );
        // Writing goes on, and so does the chain; a first file that nobody said goes is missed.
        log.append(&[event(42 * DAY, "x")]).unwrap();
        let files = log.files();
        std::fs::remove_file(&files[0]).unwrap();
        let verdict = log.verify(None).unwrap().verdict;
        assert!(
            matches!(verdict, Verified::Incomplete { .. }),
            "{verdict:?}"
        );
        let refused = pruning::prune(state.path(), &who, now, before);
        assert!(refused.unwrap_err().contains("nothing is pruned"));
    }

    #[test]
    fn a_quiet_log_grows_old_as_well() {
        let state = tempfile::tempdir().unwrap();
        let mut log = Audit::new(state.path(), RealDisk);
        log.append(&[event(0, "x"), event(1, "y")]).unwrap();
        let who = Who::Machine("ada".into());
        let gone = pruning::prune(state.path(), &who, at(500 * DAY), at(100 * DAY)).unwrap();
        assert_eq!(gone.records(), 2);
        let report = Audit::new(state.path(), RealDisk).verify(None).unwrap();
        assert!(
            matches!(report.verdict, Verified::Ok { records: 1, .. }),
            "{report:?}"
        );
    }
}
