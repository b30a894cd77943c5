//! The real program in a terminal of its own: keys go in, its screen is read as a person reads it, and every byte of it is
//! kept; so is whatever any user of the machine could see of its processes meanwhile.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// How long a screen may take; a busy machine is slow.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running program; ended when dropped.
struct Program(Box<dyn Child + Send + Sync>);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A console somebody sits at.
pub struct Seat {
    program: Program,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Every byte that was sent to the screen.
    pub sent: Vec<u8>,
    /// What was seen of its processes, each with its name.
    pub seen: Vec<(String, Vec<u8>)>,
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Seat {
    /// Sits down: these arguments, this in the environment and nothing else.
    pub fn take(
        home: &Path,
        (columns, rows): (u16, u16),
        arguments: &[&str],
        around: &[(&str, &str)],
    ) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(arguments);
        command.env_clear();
        command.env("HOME", home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("XDG_CONFIG_HOME", home.join("config"));
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("VIGIE_TEST_NO_QUERIES", "1");
        for (name, value) in around {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            // Linux reports the end of a pty as an error; what came before it counts.
            while let Ok(read @ 1..) = reader.read(&mut piece) {
                if sender.send(piece[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            program: Program(child),
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            output,
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
            sent: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Goes back until it is left; its exit code.
    pub fn leave(&mut self) -> u32 {
        let begun = Instant::now();
        // The keys of a program that has ended lead nowhere.
        while self.keys.write_all(b"q").is_ok() && self.pass(Duration::from_millis(150)) {
            assert!(
                begun.elapsed() < PATIENCE,
                "it does not leave:\n{}",
                self.text()
            );
        }
        self.end()
    }

    /// All that was sent to the screen, as text.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.sent).into_owned()
    }

    /// Waits until this was sent to the screen, whatever became of it there, or it ended.
    pub fn until_sent(&mut self, said: &str) {
        let begun = Instant::now();
        while !self.said().contains(said) && self.pass(Duration::from_millis(20)) {
            let text = self.text();
            assert!(begun.elapsed() < PATIENCE, "never {said}:\n{text}");
        }
    }

    /// What the screen shows.
    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Takes in what comes within a time; whether it still runs.
    pub fn pass(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            self.look_at_processes();
            let left = end.saturating_duration_since(Instant::now());
            match self
                .output
                .recv_timeout(left.min(Duration::from_millis(50)))
            {
                Ok(piece) => {
                    self.screen.process(&piece);
                    self.sent.extend(piece);
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return true,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Waits until the screen shows this.
    pub fn shows(&mut self, said: &str) {
        self.waits(said, |text| text.contains(said));
    }

    /// Waits until the screen is so.
    pub fn waits(&mut self, what: &str, so: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !so(&self.text()) {
            let runs = self.pass(Duration::from_millis(20));
            let text = self.text();
            assert!(runs || so(&text), "it ended before {what}:\n{text}");
            assert!(begun.elapsed() < PATIENCE, "never {what}:\n{text}");
        }
    }

    /// Another size of the terminal.
    pub fn resize(&mut self, (columns, rows): (u16, u16)) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).unwrap();
        self.screen
            .screen_mut()
            .set_size(cells(rows), cells(columns));
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.program.0.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits for its end; its exit code. The terminal must be as it was.
    pub fn end(&mut self) -> u32 {
        let begun = Instant::now();
        while self.pass(Duration::from_millis(50)) {
            assert!(
                begun.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.text()
            );
        }
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert!(!screen.hide_cursor(), "the cursor shows");
        self.program.0.wait().unwrap().exit_code()
    }

    /// Closes the terminal under it; the exit code. A program that another test started between the opening of this terminal
    /// and its being marked close-on-exec holds it too: it is gone when that one has ended.
    pub fn vanish(self) -> u32 {
        let Self {
            mut program,
            master,
            keys,
            output,
            ..
        } = self;
        // What reads the screen goes when nobody takes what it read.
        drop((master, keys, output));
        for _ in 0..1800 {
            if let Some(status) = program.0.try_wait().unwrap() {
                return status.exit_code();
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("it goes on without a terminal")
    }

    /// Arguments and environment of it and its children, as `/proc` shows them.
    fn look_at_processes(&mut self) {
        let Some(id) = self.program.0.process_id() else {
            return;
        };
        let mut all = vec![id.to_string()];
        let mut at = 0;
        while let Some(id) = all.get(at).cloned() {
            at += 1;
            let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            all.extend(
                children
                    .unwrap_or_default()
                    .split_whitespace()
                    .map(str::to_owned),
            );
        }
        for id in all {
            for name in ["cmdline", "environ"] {
                let bytes = std::fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
                let known = self.seen.iter().any(|(_, seen)| *seen == bytes);
                if !known {
                    self.seen.push((format!("{name} of a process"), bytes));
                }
            }
        }
    }
}
