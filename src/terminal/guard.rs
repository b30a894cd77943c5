//! Taking the terminal and giving it back. What was switched on is remembered in one place, so that a normal end, a signal and a
//! panic all undo exactly that, once, in reverse.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::Command;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// What is switched on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Clicks, drags and the wheel; never bare movement, which floods a slow line.
    pub mouse: bool,
    /// Kitty's unambiguous keys; ask [`knows_kitty_keys`].
    pub kitty_keys: bool,
}

/// The screen as it was taken, and by whom.
struct Taken {
    options: Options,
    by: ThreadId,
}

static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

/// The terminal while it is ours; dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping the guard gives the terminal back"]
pub struct Guard(());

/// Why no screen can be taken here, where none can.
pub fn no_screen(variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        return Some("there is no terminal here");
    }
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    dumb.then_some("this terminal cannot show a screen (TERM=dumb)")
}

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, paste, focus, and what the options ask for.
    pub fn enter(options: Options) -> io::Result<Self> {
        if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "there is no terminal here",
            ));
        }
        // What colours mean is the theme's decision; crossterm's own handling of NO_COLOR also erases highlights.
        crossterm::style::force_color_output(true);
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Taken {
            options,
            by: thread::current().id(),
        });
        let guard = Self(());
        enable_raw_mode()?;
        let mut out = io::stdout();
        out.write_all(entering(options).as_bytes())?;
        out.flush()?;
        Ok(guard)
    }

    /// Gives the terminal back; dropping does the same.
    pub fn leave(self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back if it is taken, and says whether it was. Safe anywhere, at any time, more than once.
pub fn restore() -> bool {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(taken) = taken else {
        return false;
    };
    let mut out = io::stdout();
    // The terminal may be gone already; there is nobody left to tell then.
    let _ = out.write_all(leaving(taken.options).as_bytes());
    let _ = out.flush();
    let _ = disable_raw_mode();
    true
}

/// Whether the screen is taken, and by another thread than this one.
pub(super) fn taken_elsewhere() -> bool {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    taken
        .as_ref()
        .is_some_and(|taken| taken.by != thread::current().id())
}

/// Presses, drags and wheel with coordinates beyond column 223 (1000, 1002, 1006), without any-motion (1003).
struct EnableMouse;

impl Command for EnableMouse {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("\x1b[?1000h\x1b[?1002h\x1b[?1006h")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        Ok(())
    }
}

struct DisableMouse;

impl Command for DisableMouse {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("\x1b[?1006l\x1b[?1002l\x1b[?1000l")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        Ok(())
    }
}

const SAVE_TITLE: &str = "\x1b[22;2t";
const RESTORE_TITLE: &str = "\x1b[23;2t";

/// Writing to a String cannot fail.
fn add(out: &mut String, command: impl Command) {
    let _ = command.write_ansi(out);
}

fn entering(options: Options) -> String {
    let mut out = String::from(SAVE_TITLE);
    add(&mut out, EnterAlternateScreen);
    add(&mut out, Hide);
    add(&mut out, EnableBracketedPaste);
    add(&mut out, EnableFocusChange);
    if options.mouse {
        add(&mut out, EnableMouse);
    }
    if options.kitty_keys {
        add(
            &mut out,
            PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES),
        );
    }
    out
}

fn leaving(options: Options) -> String {
    let mut out = String::new();
    if options.kitty_keys {
        add(&mut out, PopKeyboardEnhancementFlags);
    }
    if options.mouse {
        add(&mut out, DisableMouse);
    }
    add(&mut out, DisableFocusChange);
    add(&mut out, DisableBracketedPaste);
    // A frame may have been cut in the middle: end its synchronized update, its colours and its attributes.
    let _ = out.write_str("\x1b[?2026l");
    add(&mut out, ResetColor);
    add(&mut out, LeaveAlternateScreen);
    add(&mut out, Show);
    out.push_str(RESTORE_TITLE);
    out
}

/// Whether the terminal is one that knows Kitty's keys, by the variables it sets. Asking it would cost a round trip before the
/// first frame, and up to two seconds where nobody answers; inside tmux and screen it is not used.
pub fn knows_kitty_keys(variable: impl Fn(&str) -> Option<String>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    if variable("TMUX").is_some()
        || term.starts_with("screen")
        || term.starts_with("tmux")
        || term == "dumb"
    {
        return false;
    }
    let by_term = ["kitty", "ghostty", "foot", "alacritty"]
        .iter()
        .any(|name| term.contains(name));
    by_term
        || ["ghostty", "WezTerm", "iTerm.app"].contains(&program.as_str())
        || variable("KITTY_WINDOW_ID").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vt100::{MouseProtocolEncoding, MouseProtocolMode, Parser};

    const ALL: Options = Options {
        mouse: true,
        kitty_keys: true,
    };

    #[test]
    fn entering_takes_the_screen_and_leaving_gives_back_all_of_it() {
        let size = |cells| std::num::NonZeroU16::new(cells).unwrap();
        let mut terminal = Parser::new(size(24), size(80), 0);
        terminal.process(b"before");
        terminal.process(entering(ALL).as_bytes());
        let screen = terminal.screen();
        assert!(screen.alternate_screen() && screen.bracketed_paste() && screen.hide_cursor());
        assert_eq!(
            screen.mouse_protocol_mode(),
            MouseProtocolMode::ButtonMotion
        );
        assert_eq!(screen.mouse_protocol_encoding(), MouseProtocolEncoding::Sgr);
        terminal.process(b"\x1b[31mdrawn");
        terminal.process(leaving(ALL).as_bytes());
        let screen = terminal.screen();
        assert!(!screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor());
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
        assert_eq!(screen.contents(), "before");
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
    }

    #[test]
    fn bare_movement_is_never_asked_for_and_nothing_is_undone_that_was_not_done() {
        assert!(!entering(ALL).contains("1003"));
        let plain = Options::default();
        assert!(!entering(plain).contains("1000") && !leaving(plain).contains("1000"));
        assert!(!entering(plain).contains('u') && !leaving(plain).contains('u'));
        assert!(entering(ALL).contains("\x1b[>1u") && leaving(ALL).contains("\x1b[<1u"));
    }

    #[test]
    fn restoring_a_terminal_that_is_not_taken_does_nothing() {
        assert!(!restore() && !restore());
    }

    #[test]
    fn kitty_keys_are_for_terminals_that_know_them() {
        for (variables, expected) in [
            (&[("TERM", "xterm-kitty")][..], true),
            (&[("TERM", "foot")], true),
            (
                &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")],
                true,
            ),
            (&[("TERM", "xterm-256color")], false),
            (
                &[("TERM", "tmux-256color"), ("TERM_PROGRAM", "WezTerm")],
                false,
            ),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")], false),
            (&[("TERM", "dumb")], false),
            (&[], false),
        ] {
            let variable = |name: &str| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(knows_kitty_keys(variable), expected, "{variables:?}");
        }
    }
}
