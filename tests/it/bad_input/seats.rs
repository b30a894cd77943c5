//! The console in terminals that are too small, dumb, or gone: it says so, gives them back, and ends.

use std::io::{Read, Write as _};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::command::{Home, no_crash};

/// A program in a terminal of its own.
struct Seat {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    reader: Box<dyn Read + Send>,
    seen: String,
}

impl Seat {
    fn take(home: &Home, size: (u16, u16), term: &str, arguments: &[&str]) -> Self {
        let size = PtySize {
            rows: size.1,
            cols: size.0,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(arguments);
        command.env_clear();
        let folder = home.folder.path();
        command.env("HOME", folder);
        command.env("XDG_CONFIG_HOME", folder.join("config"));
        command.env("XDG_STATE_HOME", folder.join("state"));
        command.env("TERM", term);
        command.env("LANG", "C.UTF-8");
        command.env("VIGIE_TEST_NO_QUERIES", "1");
        let child = pair.slave.spawn_command(command).unwrap();
        Self {
            child,
            reader: pair.master.try_clone_reader().unwrap(),
            master: pair.master,
            seen: String::new(),
        }
    }

    /// Reads until this was said, or to the end.
    fn until(&mut self, said: &str) {
        let mut chunk = [0; 4096];
        // Linux reports the end of a pty as an error; what came before it counts.
        while !self.seen.contains(said)
            && let Ok(read @ 1..) = self.reader.read(&mut chunk)
        {
            self.seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
    }

    /// Reads until the screen shows this: what is drawn over something else comes in pieces.
    fn shows(&mut self, said: &str) {
        let cells = |count| std::num::NonZeroU16::new(count).unwrap();
        let mut screen = vt100::Parser::new(cells(45), cells(140), 0);
        let mut chunk = [0; 4096];
        screen.process(self.seen.as_bytes());
        let begun = Instant::now();
        while !screen.screen().contents().contains(said) {
            // A console says something every second: its clock.
            let read = self.reader.read(&mut chunk).unwrap_or_default();
            let late = begun.elapsed() > Duration::from_mins(1);
            let shown = screen.screen().contents();
            assert!(read > 0 && !late, "never {said}: {shown}");
            screen.process(&chunk[..read]);
            self.seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
    }

    /// Reads to the end; all that was seen, and the exit code.
    fn end(mut self) -> (String, u32) {
        self.until("never said");
        (self.seen, self.child.wait().unwrap().exit_code())
    }

    /// Closes the terminal under it; the exit code. A program that another test started between the opening of this terminal and
    /// its being marked close-on-exec holds it too: it is gone when that one has ended.
    fn vanish(mut self) -> u32 {
        drop((self.master, self.reader));
        for _ in 0..1800 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        self.child.kill().unwrap();
        panic!("it goes on without a terminal")
    }
}

/// Runs in a terminal of a size until it has said something, then sends this, and gives back all that was seen and how it ended.
fn in_terminal(
    home: &Home,
    size: (u16, u16),
    arguments: &[&str],
    until: &str,
    send: &str,
) -> (String, u32) {
    let mut seat = Seat::take(home, size, "xterm-256color", arguments);
    let mut writer = seat.master.take_writer().unwrap();
    seat.until(until);
    writer.write_all(send.as_bytes()).unwrap();
    seat.end()
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
        let mut seat = Seat::take(&home, (100, 30), "xterm-256color", &["demo"]);
        seat.until("veza-production");
        let id = i32::try_from(seat.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        let (seen, code) = seat.end();
        assert_eq!(code, expected, "{seen:?}");
        assert!(seen.contains("\u{1b}[?1049l"), "{seen:?}");
        assert!(no_crash(home.folder.path()));
    }
}

#[test]
fn a_terminal_that_vanishes_ends_what_runs_in_it_without_a_crash() {
    for (arguments, said) in [(&["demo"][..], "veza-production"), (&["sim"], "KUBECONFIG")] {
        let home = Home::new();
        let mut seat = Seat::take(&home, (100, 30), "xterm-256color", arguments);
        seat.until(said);
        assert_eq!(seat.vanish(), 129, "{arguments:?}");
        assert!(no_crash(home.folder.path()), "{arguments:?}");
    }
}

/// The console in the middle of a restart: the write is done and recorded, the wait for its pods goes on.
fn in_a_run(home: &Home) -> Seat {
    let arguments = ["demo", "--scenario", "healthy"];
    let mut seat = Seat::take(home, (140, 45), "xterm-256color", &arguments);
    let mut keys = seat.master.take_writer().unwrap();
    seat.shows("4 workloads in veza-production are well.");
    // The third row: the service with the most pods, which takes longest.
    for (key, answer) in [("jjr", "y goes ahead"), ("y\r", "applied (HTTP 200)")] {
        keys.write_all(key.as_bytes()).unwrap();
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
        let seat = in_a_run(&home);
        let code = match signal {
            Some(signal) => {
                let id = i32::try_from(seat.child.process_id().unwrap()).unwrap();
                kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
                let (seen, code) = seat.end();
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
    let (seen, code) = Seat::take(&home, (130, 50), "dumb", &[]).end();
    assert_eq!(code, 2, "{seen:?}");
    assert!(
        seen.contains("TERM=dumb") && seen.contains("vigie status"),
        "{seen:?}"
    );
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
    let (seen, code) = Seat::take(&home, (130, 50), "dumb", &["demo"]).end();
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
