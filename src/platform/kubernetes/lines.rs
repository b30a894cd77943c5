//! A body as lines, without waiting where nothing waits: safe to stop between any two bytes.

use futures::io::{AsyncBufRead, AsyncBufReadExt};
use std::io::{self, BufRead};
use std::pin::Pin;

/// A line, or an item of a list, may be this long; the API server's own limit for one object is far below.
pub(super) const LONGEST: usize = 32 << 20;
/// A buffer larger than this is given back once it is empty.
const KEEP: usize = 256 << 10;

/// The body of an answer.
pub(super) type Body = Pin<Box<dyn AsyncBufRead + Send>>;

/// Reads one line after the other.
pub(super) struct Lines {
    body: Body,
    line: Vec<u8>,
    whole: bool,
    longest: usize,
    /// Whether what is too long is cut, not refused.
    cuts: bool,
    cut: bool,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            line: Vec::new(),
            whole: false,
            longest: LONGEST,
            cuts: false,
            cut: false,
        }
    }

    /// Lines of which only the first `longest` bytes are kept.
    pub(super) fn cutting(body: Body, longest: usize) -> Self {
        Self {
            longest,
            cuts: true,
            ..Self::new(body)
        }
    }

    /// Waits until a whole line is there; `false` at the end. A wait may be given up and begun again.
    pub(super) async fn advance(&mut self) -> io::Result<bool> {
        if self.whole {
            self.whole = false;
            self.cut = false;
            self.line.clear();
            if self.line.capacity() > KEEP {
                self.line.shrink_to(KEEP);
            }
        }
        loop {
            let chunk = self.body.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let read = BufRead::read_until(&mut &*chunk, b'\n', &mut self.line)?;
            self.body.as_mut().consume(read);
            self.whole = self.line.last() == Some(&b'\n');
            if self.line.len() > self.longest.saturating_add(1) {
                if !self.cuts {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "line too long"));
                }
                self.line.truncate(self.longest);
                self.cut = true;
            }
            if self.whole {
                return Ok(true);
            }
        }
    }

    /// The line, without its end.
    pub(super) fn line(&self) -> &[u8] {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Whether the line was longer than what is kept of it.
    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use futures::io::Cursor;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn half_a_line_at_the_end_is_dropped() {
        let mut lines = Lines::new(Box::pin(Cursor::new(b"one\r\n\ntwo\nhal".to_vec())));
        let mut seen = Vec::new();
        while lines.advance().await.unwrap() {
            seen.push(String::from_utf8(lines.line().to_vec()).unwrap());
        }
        assert_eq!(seen, ["one", "", "two"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_is_whole() {
        let text = format!("{}\nshort\n", "x".repeat(100));
        for piece in [3, 50, 1000] {
            let pieces: Vec<_> = text
                .as_bytes()
                .chunks(piece)
                .map(|p| Ok::<_, io::Error>(p.to_vec()))
                .collect();
            let body = futures::TryStreamExt::into_async_read(futures::stream::iter(pieces));
            let mut lines = Lines::cutting(Box::pin(body), 10);
            assert!(lines.advance().await.unwrap());
            assert_eq!((lines.line().len(), lines.was_cut()), (10, true));
            assert!(lines.advance().await.unwrap());
            assert_eq!((lines.line(), lines.was_cut()), (&b"short"[..], false));
        }
    }

    #[tokio::test]
    async fn a_wait_given_up_loses_nothing() {
        let (near, far) = tokio::io::duplex(64);
        let bytes = futures::stream::unfold(near, |mut near| async move {
            let mut buffer = [0; 8];
            let read = near.read(&mut buffer).await.ok()?;
            (read > 0).then(|| (Ok::<_, io::Error>(buffer[..read].to_vec()), near))
        });
        let body = futures::TryStreamExt::into_async_read(Box::pin(bytes));
        let mut lines = Lines::new(Box::pin(body));
        let mut far = far;
        far.write_all(b"hel").await.unwrap();
        assert!(lines.advance().now_or_never().is_none());
        far.write_all(b"lo\n").await.unwrap();
        assert!(lines.advance().await.unwrap());
        assert_eq!(lines.line(), b"hello");
    }
}
