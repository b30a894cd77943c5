//! Why a journal cannot be used, and how a failed file operation says what was being done. Made wherever the journal
//! meets the disk; the engine and the command line show the words.

use std::io;

use crate::journal::record::Damage;
use crate::runbook::place::Problem;

/// What is said of a run whose journal is empty.
pub(super) const NEVER_BEGAN: &str =
    "it stopped before its first record: what is not recorded is not done";

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file operation failed.
    #[error("{what}: {}", in_words(.error))]
    Io {
        /// What was done.
        what: String,
        /// The system's words.
        error: io::Error,
    },
    /// Another process carries this run.
    #[error("another process carries this run ({0})")]
    Locked(String),
    /// Altered or damaged: it can be read and exported, never continued.
    #[error("the journal is damaged or was altered at record {} (byte {}): {}; it is read-only", .0.record, .0.offset, .0.why)]
    Damaged(Damage),
    /// It stopped before its first record.
    #[error("{}; start it anew", NEVER_BEGAN)]
    NeverBegan,
    /// A file is not what it should be.
    #[error("{0}")]
    Malformed(String),
    /// An earlier error makes further writing unsafe.
    #[error("an earlier write failed; nothing more is written through this descriptor")]
    Failed,
    /// Made by a later version.
    #[error("made by a later version (schema {0}); it is read-only here")]
    TooNew(u32),
    /// The snapshot does not parse.
    #[error("the runbook's snapshot is not readable: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Snapshot(Vec<Problem>),
}

/// Names what was being done when the system refused.
pub(super) fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> JournalError {
    let what = what.into();
    move |error| JournalError::Io { what, error }
}

/// What the system says went wrong, for people: in words alone, without its number.
pub fn in_words(error: &io::Error) -> String {
    if error.get_ref().is_some() {
        return error.to_string();
    }
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "no space is left on the device".to_owned(),
        _ => {
            let said = error.to_string();
            let words = said.split(" (os error").next().unwrap_or(&said);
            let mut letters = words.chars();
            let first = letters.next().map(char::to_lowercase);
            first.into_iter().flatten().chain(letters).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_heard_in_words_without_its_numbers() {
        let cases = [
            (
                io::Error::from_raw_os_error(28),
                "no space is left on the device",
            ),
            (
                io::Error::from_raw_os_error(2),
                "there is no such file or folder",
            ),
            (
                io::Error::from(io::ErrorKind::NotFound),
                "there is no such file or folder",
            ),
            (io::Error::from_raw_os_error(21), "is a directory"),
            (io::Error::other("it is our own"), "it is our own"),
        ];
        for (error, words) in cases {
            assert_eq!(in_words(&error), words);
        }
        let named = io_error("writing journal")(io::Error::from_raw_os_error(28));
        assert_eq!(
            named.to_string(),
            "writing journal: no space is left on the device"
        );
    }
}
