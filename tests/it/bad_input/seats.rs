//! The console in terminals that are too small, dumb, or gone: it says so, gives them back, and ends.

use rustix::process::Signal;

use crate::command::{Home, no_crash};
use crate::pty::Seat;

fn sit(home: &Home, size: (u16, u16), arguments: &[&str]) -> Seat {
    Seat::take(home.folder.path(), size, arguments, &[])
}

/// Runs in a terminal of a size until it has said something, then sends this, and gives back all that was seen and how it ended.
fn in_terminal(
    home: &Home,
    size: (u16, u16),
    arguments: &[&str],
    until: &str,
    send: &str,
) -> (String, u32) {
    let mut seat = sit(home, size, arguments);
    seat.until_sent(until);
    seat.press(send);
    let code = seat.end();
    (seat.said(), code)
}

#[test]
fn a_tiny_terminal_says_so_and_can_be_left() {
    // Where there is no room for more than a word, the window's title says how it is.
    for (size, says) in [
        ((30, 8), "too small"),
        ((10, 3), "]2;healthy"),
        ((1, 1), "]2;healthy"),
    ] {
        let home = Home::new();
        let (seen, code) = in_terminal(&home, size, &["demo"], says, "q");
        assert!(seen.contains(says) && code == 0, "{code} {seen:?}");
        assert!(seen.contains("\u{1b}[?1049l"), "the screen is given back");
        assert!(no_crash(home.folder.path()));
    }
}

#[test]
fn the_terminal_is_given_back_when_the_operator_leaves() {
    let home = Home::new();
    let (seen, code) = in_terminal(&home, (100, 30), &["demo"], "veza-production", "q");
    assert_eq!(code, 0, "{seen:?}");
    assert!(
        seen.contains("\u{1b}[?1049l") && seen.contains("\u{1b}[?25h"),
        "{seen:?}"
    );
}

#[test]
fn a_signal_gives_the_terminal_back_and_ends_with_its_code() {
    for (signal, expected) in [(Signal::HUP, 129), (Signal::TERM, 143), (Signal::INT, 130)] {
        let home = Home::new();
        let mut seat = sit(&home, (100, 30), &["demo"]);
        seat.until_sent("veza-production");
        seat.signal(signal);
        let (code, seen) = (seat.end(), seat.said());
        assert_eq!(code, expected, "{seen:?}");
        assert!(seen.contains("\u{1b}[?1049l"), "{seen:?}");
        assert!(no_crash(home.folder.path()));
    }
}

#[test]
fn a_terminal_that_vanishes_ends_what_runs_in_it_without_a_crash() {
    for (arguments, said) in [(&["demo"][..], "veza-production"), (&["sim"], "KUBECONFIG")] {
        let home = Home::new();
        let mut seat = sit(&home, (100, 30), arguments);
        seat.until_sent(said);
        assert_eq!(seat.vanish(), 129, "{arguments:?}");
        assert!(no_crash(home.folder.path()), "{arguments:?}");
    }
}

/// The console in the middle of a restart: the write is done and recorded, the wait for its pods goes on.
fn in_a_run(home: &Home) -> Seat {
    let arguments = ["demo", "--scenario", "healthy"];
    let mut seat = sit(home, (140, 45), &arguments);
    seat.shows("4 workloads in veza-production are well.");
    // The third row: the service with the most pods, which takes longest.
    for (key, answer) in [("jjr", "y goes ahead"), ("y\r", "applied (HTTP 200)")] {
        seat.press(key);
        seat.shows(answer);
    }
    seat
}

#[test]
fn told_to_go_in_the_middle_of_a_run_the_record_is_whole_and_says_so() {
    for (signal, expected) in [
        (Some(Signal::TERM), 143),
        (Some(Signal::HUP), 129),
        (None, 129),
    ] {
        let home = Home::new();
        let mut seat = in_a_run(&home);
        let code = match signal {
            Some(signal) => {
                seat.signal(signal);
                let (code, seen) = (seat.end(), seat.said());
                assert!(seen.contains("\u{1b}[?1049l"), "{seen:?}");
                assert!(seen.contains("\u{1b}[?25h"), "{seen:?}");
                code
            }
            None => seat.vanish(),
        };
        assert_eq!(code, expected, "{signal:?}");
        assert!(no_crash(home.folder.path()), "{signal:?}");
        let verified = home.command(&["audit", "verify"]).output().unwrap();
        assert_eq!(verified.status.code(), Some(0), "{signal:?} {verified:?}");
        let runs = home
            .command(&["runs", "--output", "json"])
            .output()
            .unwrap();
        let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).unwrap();
        let run = &runs["runs"][0];
        assert_eq!(run["state"], "needs-human", "{signal:?} {runs}");
        let reason = run["message"].as_str().unwrap();
        assert!(reason.starts_with("interrupted: "), "{signal:?} {runs}");
        let journal = std::fs::read_to_string(run["journal"].as_str().unwrap()).unwrap();
        let count = |event: &str| journal.matches(&format!("\"event\":\"{event}\"")).count();
        let said = ["step.intent", "step.outcome", "run.interrupted"].map(count);
        assert_eq!(said, [1, 1, 1], "{signal:?} {journal}");
    }
}

#[test]
fn a_dumb_terminal_gets_text_or_a_sentence_and_no_escapes() {
    let home = Home::new();
    let dumb = |arguments: &[&str]| {
        let around = [("TERM", "dumb")];
        let mut seat = Seat::take(home.folder.path(), (130, 50), arguments, &around);
        (seat.end(), seat.said())
    };
    let (code, seen) = dumb(&[]);
    assert_eq!(code, 2, "{seen:?}");
    assert!(
        seen.contains("TERM=dumb") && seen.contains("vigie status"),
        "{seen:?}"
    );
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
    let (code, seen) = dumb(&["demo"]);
    assert_eq!(code, 0, "{seen:?}");
    assert!(
        seen.contains("veza-backend") && !seen.contains('\u{1b}'),
        "{seen:?}"
    );
}

#[test]
fn that_a_console_was_opened_and_left_is_in_the_audit_log() {
    let home = Home::new();
    let (_, code) = in_terminal(&home, (120, 40), &["demo"], "veza-backend", "q");
    assert_eq!(code, 0);
    let log = std::fs::read_to_string(home.folder.path().join("state/vigie/audit.log")).unwrap();
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|one| one["event"].as_str())
        .collect();
    assert_eq!(names, ["console.start", "console.stop"], "{log}");
    assert_eq!(events[1]["reason"], "left");
}
