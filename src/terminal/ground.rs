//! Whether the terminal's ground is dark or light, asked of the terminal itself (OSC 11) with little patience. To be asked before
//! the screen is taken and before anything reads keys.

use std::io::{self, IsTerminal};
use std::time::Duration;

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

/// The terminal's ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// The ground, if the terminal says so in time.
pub fn ground(patience: Duration, variable: impl Fn(&str) -> Option<String>) -> Option<Ground> {
    if !(may_ask(variable) && io::stdout().is_terminal() && io::stdin().is_terminal()) {
        return None;
    }
    let mut options = QueryOptions::default();
    options.timeout = patience;
    match theme_mode(options).ok()? {
        ThemeMode::Dark => Some(Ground::Dark),
        ThemeMode::Light => Some(Ground::Light),
    }
}

/// Whether asking makes sense: not of a dumb terminal, nor where a test plays one.
pub fn may_ask(variable: impl Fn(&str) -> Option<String>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    !(term.is_empty()
        || term == "dumb"
        || term == "linux"
        || variable("VIGIE_TEST_NO_QUERIES").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_is_not_asked() {
        for (variables, expected) in [
            (&[("TERM", "xterm-256color")][..], true),
            (&[("TERM", "dumb")], false),
            (&[("TERM", "linux")], false),
            (&[("TERM", "xterm"), ("VIGIE_TEST_NO_QUERIES", "1")], false),
            (&[], false),
        ] {
            let variable = |name: &str| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(may_ask(variable), expected, "{variables:?}");
        }
    }
}
