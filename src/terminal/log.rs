//! The log goes to a file, never to stderr while the screen is taken: libraries log freely, and one line would smear the screen.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// A log longer than this begins anew; the one before it is kept beside it.
const MOST: u64 = 8 * 1024 * 1024;

/// Writes what is logged from now on to a file: `warn`, or directives such as `info,kube=warn`. Once in a process.
pub fn log_to(path: &Path, directives: &str) -> io::Result<()> {
    let wrong = |error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidInput, error.to_string())
    };
    let filter = EnvFilter::try_new(directives).map_err(|error| wrong(&error))?;
    let file = open(path)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file));
    subscriber.try_init().map_err(|error| wrong(&error))
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::metadata(path).is_ok_and(|file| file.len() > MOST) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    #[cfg(unix)]
    return super::unix::private_log(path);
    #[cfg(not(unix))]
    return fs::OpenOptions::new().append(true).create(true).open(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grew_too_long_begins_anew_and_a_short_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/vigie.log");
        open(&path).unwrap().set_len(10).unwrap();
        assert_eq!(open(&path).unwrap().metadata().unwrap().len(), 10);
        open(&path).unwrap().set_len(MOST + 1).unwrap();
        assert_eq!(open(&path).unwrap().metadata().unwrap().len(), 0);
        assert!(path.with_extension("log.1").exists());
    }

    #[test]
    fn directives_that_mean_nothing_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(log_to(&folder.path().join("x.log"), "vigie=loudly").is_err());
    }
}
