//! How many colours the terminal has, judged from its environment variables. They come in as a function, so that
//! every case is a line in a table; nothing here reads the real environment.

/// How many colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colour: attributes only.
    None,
    /// The sixteen the user has chosen for the terminal.
    Ansi16,
    /// The fixed 256.
    Ansi256,
    /// Any.
    True,
}

const TRUE_PROGRAMS: [&str; 7] = [
    "iTerm.app",
    "WezTerm",
    "ghostty",
    "vscode",
    "Hyper",
    "rio",
    "zed",
];
const TRUE_TERMS: [&str; 6] = [
    "kitty",
    "alacritty",
    "foot",
    "ghostty",
    "wezterm",
    "-direct",
];

/// Judges the depth from environment variables, asked for by name.
pub fn depth(variable: &dyn Fn(&str) -> Option<String>) -> Depth {
    let value = |name: &str| variable(name).unwrap_or_default();
    let term = value("TERM");
    if !value("NO_COLOR").is_empty() || term == "dumb" {
        return Depth::None;
    }
    let colorterm = value("COLORTERM").to_lowercase();
    let program = value("TERM_PROGRAM");
    let full = matches!(colorterm.as_str(), "truecolor" | "24bit")
        || TRUE_PROGRAMS.contains(&program.as_str())
        || !value("WT_SESSION").is_empty()
        || TRUE_TERMS.iter().any(|known| term.contains(known));
    if full {
        return Depth::True;
    }
    if term.contains("256color") || program == "Apple_Terminal" {
        return Depth::Ansi256;
    }
    if term.is_empty() {
        Depth::None
    } else {
        Depth::Ansi16
    }
}

/// The theme for somebody who asked for none: `mono` without colours, `day` where the terminal's ground is
/// known to be light, else `night`.
pub fn default_theme(depth: Depth, light: Option<bool>) -> &'static str {
    match (depth, light) {
        (Depth::None, _) => "mono",
        (_, Some(true)) => "day",
        _ => "night",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_follows_the_environment() {
        let table: &[(&[(&str, &str)], Depth)] = &[
            (&[], Depth::None),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("COLORTERM", "truecolor"),
                    ("NO_COLOR", "1"),
                ],
                Depth::None,
            ),
            (
                &[("TERM", "xterm-256color"), ("NO_COLOR", "")],
                Depth::Ansi256,
            ),
            (&[("TERM", "xterm")], Depth::Ansi16),
            (&[("TERM", "linux"), ("COLORTERM", "yes")], Depth::Ansi16),
            (
                &[("TERM", "xterm-256color"), ("COLORTERM", "24bit")],
                Depth::True,
            ),
            (&[("TERM", "tmux-256color")], Depth::Ansi256),
            (&[("TERM", "xterm-kitty")], Depth::True),
            (&[("TERM", "xterm-direct")], Depth::True),
            (
                &[("TERM", "xterm"), ("TERM_PROGRAM", "Apple_Terminal")],
                Depth::Ansi256,
            ),
            (
                &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")],
                Depth::True,
            ),
            (&[("WT_SESSION", "6a2c")], Depth::True),
        ];
        for (variables, want) in table {
            let ask = |name: &str| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(depth(&ask), *want, "{variables:?}");
        }
    }

    #[test]
    fn the_default_theme_fits_the_terminal() {
        assert_eq!(default_theme(Depth::None, Some(true)), "mono");
        assert_eq!(default_theme(Depth::Ansi16, Some(true)), "day");
        assert_eq!(default_theme(Depth::True, Some(false)), "night");
        assert_eq!(default_theme(Depth::True, None), "night");
    }
}
