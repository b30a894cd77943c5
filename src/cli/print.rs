//! Writing to standard output. A reader who has gone away is no error.

use super::exit::{Failed, OK};
use std::io::{ErrorKind, Write as _};

/// Prints text as it is.
pub fn text(text: &str) -> Result<u8, Failed> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(OK),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(OK),
        Err(error) => Err(error.into()),
    }
}

/// Says something beside the data: to standard error, where there is still somebody to read it.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "vigie: {text}");
}
