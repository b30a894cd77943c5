//! Writing to standard output. A reader who has gone away is no error.

use super::exit::{Failed, OK};
use std::io::{ErrorKind, Write as _};

/// Prints text as it is.
pub fn text(text: &str) -> Result<u8, Failed> {
    heard(text).map(|_| OK)
}

/// Prints text as it is; false when nobody reads any more.
pub fn heard(text: &str) -> Result<bool, Failed> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Says a sentence to the person, beside the data. Nobody may be there to hear it.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "vigie: {}", text.trim_end());
}
