//! How things look: views ask a [`Theme`] in words ("how does a failing check look?") and never name a colour.
//! Palettes live in `themes/*.toml`; users' own texts are given by the caller, nothing is read from disk here.

pub mod colour;
pub mod depth;
pub mod file;
pub mod glyphs;
pub mod measure;
pub mod role;

use ratatui::style::{Color, Modifier, Style};

use colour::Rgb;
pub use depth::{Depth, default_theme};
pub use file::ThemeError;
use file::{Sheet, Text};
pub use glyphs::Glyphs;
pub use role::{Role, Tone};

/// The themes that come with the program, by name.
pub const SHIPPED: [Text<'static>; 5] = [
    ("night", include_str!("../../themes/night.toml")),
    ("day", include_str!("../../themes/day.toml")),
    ("contrast", include_str!("../../themes/contrast.toml")),
    ("distinct", include_str!("../../themes/distinct.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// A style for every role at the terminal's depth, and the signs that go with them.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: [Style; Role::ALL.len()],
    glyphs: &'static Glyphs,
}

impl Theme {
    /// The theme of that name among the shipped ones and the user's, which win. A terminal without colours
    /// gets `mono` whatever was asked, once the asked one has been found to be right.
    pub fn named(name: &str, user: &[Text<'_>], depth: Depth) -> Result<Theme, ThemeError> {
        let sheet = Self::sheet(name, user)?;
        if depth == Depth::None {
            return Ok(Self::plain());
        }
        Ok(Self::from_sheet(&sheet, depth))
    }

    /// The paints behind a name, for measuring.
    pub fn sheet(name: &str, user: &[Text<'_>]) -> Result<Sheet, ThemeError> {
        let texts: Vec<Text<'_>> = SHIPPED.iter().chain(user).copied().collect();
        file::load(name, &texts)
    }

    /// Attributes only, made without a file: what a broken theme falls back on. Equals the shipped `mono`.
    pub fn plain() -> Theme {
        let style = |role: Role| {
            Style::new().add_modifier(match role {
                Role::Surface | Role::Text | Role::Healthy => Modifier::empty(),
                Role::SurfaceAlt => Modifier::REVERSED,
                Role::TextDim | Role::Border | Role::Threshold | Role::SeriesOld => Modifier::DIM,
                Role::Failing | Role::Armed => Modifier::BOLD | Modifier::REVERSED,
                Role::Unknown => Modifier::BOLD | Modifier::UNDERLINED,
                _ => Modifier::BOLD,
            })
        };
        Theme {
            styles: Role::ALL.map(style),
            glyphs: &glyphs::UNICODE,
        }
    }

    /// A theme from its paints at a depth.
    pub fn from_sheet(sheet: &Sheet, depth: Depth) -> Theme {
        let style = |role: Role| {
            let paint = sheet.paint(role);
            let style = match (depth, paint.colour) {
                (_, None) | (Depth::None, _) => Style::new(),
                (Depth::Ansi16, Some(_)) => sixteen(role),
                (Depth::Ansi256, Some(colour)) => {
                    on_its_side(role, sheet, colour, Rgb::nearest_256)
                }
                (Depth::True, Some(colour)) => on_its_side(role, sheet, colour, Rgb::exact),
            };
            style.add_modifier(paint.add)
        };
        Theme {
            styles: Role::ALL.map(style),
            glyphs: &glyphs::UNICODE,
        }
    }

    /// The same theme with another set of signs.
    #[must_use]
    pub fn with_glyphs(mut self, glyphs: &'static Glyphs) -> Theme {
        self.glyphs = glyphs;
        self
    }

    /// The signs to draw with.
    pub fn glyphs(&self) -> &'static Glyphs {
        self.glyphs
    }

    /// The style of a role.
    pub fn role(&self, role: Role) -> Style {
        self.styles.get(role.index()).copied().unwrap_or_default()
    }

    /// The ground under everything; empty where the terminal's own stays.
    pub fn ground(&self) -> Style {
        self.role(Role::Surface)
    }

    /// Body text.
    pub fn text(&self) -> Style {
        self.role(Role::Text)
    }

    /// Secondary and stale text.
    pub fn dim(&self) -> Style {
        self.role(Role::TextDim)
    }

    /// Headings, and figures that decide.
    pub fn strong(&self) -> Style {
        self.role(Role::TextStrong)
    }

    /// What lies over the whole selected row.
    pub fn selected(&self) -> Style {
        self.role(Role::SurfaceAlt)
    }

    /// The border of a pane.
    pub fn border(&self, focused: bool) -> Style {
        self.role(if focused {
            Role::BorderFocus
        } else {
            Role::Border
        })
    }

    /// A key in a hint, a link, the cursor.
    pub fn key(&self) -> Style {
        self.role(Role::Accent)
    }

    /// A limit in a chart.
    pub fn threshold(&self) -> Style {
        self.role(Role::Threshold)
    }

    /// The old version in a chart or table.
    pub fn series_old(&self) -> Style {
        self.role(Role::SeriesOld)
    }

    /// The new version in a chart or table.
    pub fn series_new(&self) -> Style {
        self.role(Role::SeriesNew)
    }

    /// The frame and word of a session that may change things.
    pub fn armed(&self) -> Style {
        self.role(Role::Armed)
    }

    /// The upright line of a change in a chart, and its name.
    pub fn mark(&self) -> Style {
        self.role(Role::Accent)
    }

    /// A match of the search, laid over the text.
    pub fn found(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// A line that was added.
    pub fn added(&self) -> Style {
        self.role(Role::Healthy)
    }

    /// A line that was removed.
    pub fn removed(&self) -> Style {
        self.role(Role::Failing)
    }

    /// One of a few colours that carry no judgement, for telling pods apart.
    pub fn nth(&self, index: usize) -> Style {
        let cycle = [Role::Accent, Role::SeriesNew, Role::SeriesOld, Role::Text];
        cycle
            .get(index % cycle.len())
            .map_or_else(|| self.text(), |role| self.role(*role))
    }

    /// How a thing of that meaning looks.
    pub fn tone(&self, tone: Tone) -> Style {
        self.role(match tone {
            Tone::Healthy => Role::Healthy,
            Tone::Watch => Role::Watch,
            Tone::Failing => Role::Failing,
            Tone::Unknown => Role::Unknown,
            Tone::Moving => Role::Accent,
            Tone::Idle => Role::TextDim,
        })
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::plain()
    }
}

/// Surfaces colour the ground, everything else the letters.
fn on_its_side(role: Role, sheet: &Sheet, colour: Rgb, told: fn(Rgb) -> Color) -> Style {
    match role {
        Role::Surface if !sheet.paint_ground => Style::new(),
        Role::Surface | Role::SurfaceAlt => Style::new().bg(told(colour)),
        _ => Style::new().fg(told(colour)),
    }
}

/// The fixed table for terminals with sixteen colours, whose shades the user has chosen.
fn sixteen(role: Role) -> Style {
    let colour = match role {
        Role::Surface | Role::Text => return Style::new(),
        Role::SurfaceAlt => return Style::new().add_modifier(Modifier::REVERSED),
        Role::TextStrong => return Style::new().add_modifier(Modifier::BOLD),
        Role::TextDim | Role::Border | Role::SeriesOld => Color::DarkGray,
        Role::BorderFocus | Role::Accent => Color::Blue,
        Role::Healthy => Color::Cyan,
        Role::Watch | Role::Threshold => Color::Yellow,
        Role::Failing | Role::Armed => Color::Red,
        Role::Unknown => Color::Magenta,
        Role::SeriesNew => Color::Green,
    };
    Style::new().fg(colour)
}
