//! One line typed at the terminal that nobody sees: nothing is echoed, and the terminal is as before whatever happens.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, IsTerminal as _, Write as _};
use zeroize::Zeroizing;

/// The longest line.
const LONGEST: usize = 8192;

/// The terminal as it was; it is so again when this goes.
struct Before(Termios);

impl Drop for Before {
    fn drop(&mut self) {
        // Nothing is left to be done about a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Asks for a line that is not shown. None where there is no terminal, or whoever is there leaves it with ctrl-c, ctrl-d
/// or an empty line. It blocks.
pub fn typed_unseen(prompt: &str) -> Option<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        return None;
    }
    let mut modes = tcgetattr(io::stdin()).ok()?;
    let _before = Before(modes.clone());
    modes.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(io::stdin(), OptionalActions::Flush, &modes).ok()?;
    let mut out = io::stderr();
    write!(out, "{prompt}").ok()?;
    out.flush().ok()?;
    let line = line(io::stdin().lock());
    writeln!(out).ok()?;
    line
}

/// The bytes up to the end of a line.
fn line(mut from: impl io::Read) -> Option<Zeroizing<String>> {
    let mut typed = Zeroizing::new(Vec::<u8>::with_capacity(LONGEST));
    let mut byte = [0];
    while from.read(&mut byte).ok()? > 0 {
        match byte[0] {
            b'\r' | b'\n' => break,
            3 | 4 => return None,
            8 | 127 => {
                // A whole character goes, however many bytes it has.
                while typed.pop().is_some_and(|gone| gone & 0xC0 == 0x80) {}
            }
            21 => typed.clear(),
            byte if typed.len() < LONGEST => typed.push(byte),
            _ => return None,
        }
    }
    let text = std::str::from_utf8(&typed).ok()?;
    (!text.is_empty()).then(|| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_mended_and_left() {
        let read = |keys: &str| line(keys.as_bytes()).map(|text| text.to_string());
        assert_eq!(read("abc\rrest").as_deref(), Some("abc"));
        assert_eq!(read("aé\u{7f}b\n").as_deref(), Some("ab"));
        assert_eq!(read("wrong\u{15}right\n").as_deref(), Some("right"));
        for left in ["\n", "abc\u{3}", "\u{4}", ""] {
            assert_eq!(read(left), None, "{left:?}");
        }
    }
}
