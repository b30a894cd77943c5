//! The console in terminals that are too small, dumb, or gone: it says so, gives them back, and ends.

use std::io::{Read, Write as _};
use std::time::Duration;

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

    /// Reads to the end; all that was seen, and the exit code.
    fn end(mut self) -> (String, u32) {
        self.until("never said");
        (self.seen, self.child.wait().unwrap().exit_code())
    }

    /// Closes the terminal under it; the exit code, which must come within half a minute.
    fn vanish(mut self) -> u32 {
        drop((self.master, self.reader));
        for _ in 0..300 {
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
