//! All that exists on Unix alone: signals by number, and files that only their owner can read.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A new or emptied file that only its owner can read.
pub fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// A file made with these options can be read by its owner alone.
pub fn only_owner(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// A file to append to that only its owner can read.
pub fn private_log(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// SIGCONT by its number, which the two families of systems do not share.
const CONTINUE: i32 = if cfg!(any(
    target_os = "macos",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd"
)) {
    19
} else {
    18
};

/// The end of a stop.
pub struct Continuing(Stream);

impl Continuing {
    /// Begins to listen.
    pub fn begin() -> io::Result<Self> {
        signal(SignalKind::from_raw(CONTINUE)).map(Self)
    }

    /// Waits until the process goes on after a stop.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// The signals that end us.
pub struct Listening {
    terminate: Stream,
    hangup: Stream,
    interrupt: Stream,
}

impl Listening {
    /// Begins to listen.
    pub fn begin() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The kind of the next one.
    pub async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}
