//! The way a frame reaches the terminal: one buffered write between the marks of a synchronized update, so that no half frame is
//! ever seen. What is drawn is the caller's.

use std::cell::Cell;
use std::io::{self, BufWriter, Stdout, Write};
use std::rc::Rc;

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

/// The smallest screen that anything can be read on: columns, rows.
pub const LEAST: (u16, u16) = (40, 12);

/// A frame of the usual size fits in, escape sequences included.
const BUFFER: usize = 64 * 1024;

/// The terminal as something to draw on.
pub struct Canvas<W: Write = Stdout> {
    terminal: Terminal<Backend<W>>,
    over: Rc<Cell<bool>>,
}

/// A writer that takes everything and passes nothing on once the drawing is over. What ratatui still has to say then the
/// guard says better, and where the terminal is gone ratatui would complain to it and panic.
struct Line<W> {
    out: W,
    over: Rc<Cell<bool>>,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.over.get() {
            return Ok(bytes.len());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.over.get() {
            return Ok(());
        }
        self.out.flush()
    }
}

impl<W: Write> Drop for Canvas<W> {
    fn drop(&mut self) {
        self.over.set(true);
    }
}

type Backend<W> = CrosstermBackend<BufWriter<Line<W>>>;

fn backend<W: Write>(out: W) -> (Backend<W>, Rc<Cell<bool>>) {
    let over = Rc::new(Cell::new(false));
    let line = Line {
        out,
        over: over.clone(),
    };
    let buffered = BufWriter::with_capacity(BUFFER, line);
    (CrosstermBackend::new(buffered), over)
}

impl Canvas {
    /// On the process's own terminal, which a [`super::Guard`] has taken.
    pub fn on_stdout() -> io::Result<Self> {
        let (backend, over) = backend(io::stdout());
        Ok(Self {
            terminal: Terminal::new(backend)?,
            over,
        })
    }
}

impl<W: Write> Canvas<W> {
    /// On any writer, with a size that does not change.
    pub fn fixed(out: W, width: u16, height: u16) -> io::Result<Self> {
        let (backend, over) = backend(out);
        let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
        Ok(Self {
            terminal: Terminal::with_options(backend, TerminalOptions { viewport })?,
            over,
        })
    }

    /// Draws one frame; only cells that changed are sent.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(paint).map(|_| ());
        // Even after a failed frame the terminal must not be left waiting for the end of it.
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())?;
        drawn
    }

    /// Forgets what is on the screen, so that the next frame sends every cell: after another program had the terminal.
    pub fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }
}

/// The sentence for a terminal that nothing can be read on; none where the size will do.
pub fn too_small(width: u16, height: u16) -> Option<String> {
    let fits = width >= LEAST.0 && height >= LEAST.1;
    (!fits).then(|| {
        format!(
            "{width}x{height} is too small; {}x{} is the least.",
            LEAST.0, LEAST.1
        )
    })
}

/// The columns of the terminal that standard output is, if it is one.
pub fn columns() -> Option<usize> {
    use std::io::IsTerminal as _;
    let known = io::stdout().is_terminal();
    let size = known.then(crossterm::terminal::size)?.ok()?;
    (size.0 > 0).then(|| usize::from(size.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::widgets::Paragraph;

    #[test]
    fn a_frame_is_one_synchronized_update_and_an_unchanged_one_sends_no_cell() {
        let mut sent = Vec::new();
        {
            let mut canvas = Canvas::fixed(&mut sent, 20, 3).unwrap();
            let paint =
                |frame: &mut Frame<'_>| frame.render_widget(Paragraph::new("watch"), frame.area());
            canvas.draw(paint).unwrap();
            canvas.draw(paint).unwrap();
        }
        let sent = String::from_utf8(sent).unwrap();
        assert_eq!(sent.matches("\x1b[?2026h").count(), 2);
        assert_eq!(sent.matches("\x1b[?2026l").count(), 2);
        assert_eq!(sent.matches("watch").count(), 1, "{sent:?}");
    }

    /// A terminal whose other end is closed.
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_terminal_that_is_gone_is_an_error_once_and_nothing_is_said_to_it_afterwards() {
        let mut canvas = Canvas::fixed(Gone, 20, 3).unwrap();
        assert!(canvas.draw(|_| ()).is_err());
        let over = canvas.over.clone();
        drop(canvas);
        assert!(over.get());
        let mut line = Line { out: Gone, over };
        assert_eq!(line.write(b"still there?").unwrap(), 12);
    }

    #[test]
    fn a_tiny_terminal_is_told_what_would_do() {
        assert_eq!(too_small(40, 12), None);
        assert_eq!(
            too_small(39, 24).as_deref(),
            Some("39x24 is too small; 40x12 is the least.")
        );
        assert!(too_small(80, 11).is_some());
    }
}
