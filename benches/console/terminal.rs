//! A console in a pseudo terminal of its own: what its screen shows, when each piece of output was read, what the process costs.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;
/// The kernel counts a process's time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A running console.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    screen: vt100::Parser,
    _master: Box<dyn MasterPty + Send>,
    /// When the process was started.
    pub began: Instant,
    /// Bytes written to the terminal so far.
    pub bytes: usize,
    /// Frames drawn so far.
    pub frames: usize,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    at: Instant,
    cpu: Duration,
}

impl Used {
    /// The share of one core between two looks, in per cent.
    pub fn share_since(self, before: Self) -> f64 {
        let time = self.at.duration_since(before.at).as_secs_f64();
        self.cpu.saturating_sub(before.cpu).as_secs_f64() / time * 100.0
    }
}

/// The processor time of a process, user and system together.
pub fn used(pid: u32) -> Used {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u32 = [11, 12]
        .iter()
        .map(|at| fields[*at].parse::<u32>().unwrap())
        .sum();
    Used {
        at: Instant::now(),
        cpu: TICK * ticks,
    }
}

impl Terminal {
    /// Starts the console with these flags on that kubeconfig.
    pub fn open(kubeconfig: &Path, home: &Path, flags: &[&str]) -> Self {
        Self::open_with(kubeconfig, home, flags, &[])
    }

    /// The same with more in its environment.
    pub fn open_with(
        kubeconfig: &Path,
        home: &Path,
        flags: &[&str],
        around: &[(&str, &str)],
    ) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(flags);
        command.env("KUBECONFIG", kubeconfig);
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        // A theme that is named needs no answer of the terminal's.
        command.env("VIGIE_THEME", "night");
        for (name, value) in around {
            command.env(name, value);
        }
        let began = Instant::now();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            while let Ok(read @ 1..) = reader.read(&mut piece) {
                if sender
                    .send((Instant::now(), piece[..read].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
        });
        Self {
            child,
            keys: pty.master.take_writer().unwrap(),
            output,
            screen: vt100::Parser::new(
                NonZeroU16::new(ROWS).unwrap(),
                NonZeroU16::new(COLUMNS).unwrap(),
                0,
            ),
            _master: pty.master,
            began,
            bytes: 0,
            frames: 0,
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// What it has used so far.
    pub fn used(&self) -> Used {
        used(self.pid())
    }

    /// Resident memory now and at most, in megabytes.
    pub fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<f64>()
                .unwrap()
                / 1024.0
        };
        (field("VmRSS"), field("VmHWM"))
    }

    /// Types.
    pub fn press(&mut self, keys: &str) -> Instant {
        let at = Instant::now();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        at
    }

    /// Takes in the next piece of output; when it was read, or nothing within that time.
    pub fn next(&mut self, patience: Duration) -> Option<Instant> {
        match self.output.recv_timeout(patience) {
            Ok((at, piece)) => {
                self.bytes += piece.len();
                self.frames += piece.windows(8).filter(|w| w == b"\x1b[?2026h").count();
                self.screen.process(&piece);
                Some(at)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the console has ended: {}", self.text()),
        }
    }

    /// What the screen shows.
    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows something; when the output that did it was read.
    pub fn until(&mut self, patience: Duration, so: impl Fn(&str) -> bool) -> Instant {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.next(left) {
                Some(at) if so(&self.text()) => return at,
                Some(_) => {}
                None => panic!("never shown within {patience:?}:\n{}", self.text()),
            }
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.next(end.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
