//! What lies over a screen: it gets keys first, and escape takes it away.

/// A line being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// What was typed so far.
    pub text: String,
}

impl Line {
    /// Types one character; control characters and overlong lines are refused.
    pub fn push(&mut self, c: char) {
        if !c.is_control() && self.text.len() < 512 {
            self.text.push(c);
        }
    }
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// What works here.
    Help {
        /// Lines scrolled down.
        top: usize,
    },
    /// Commands and places, by name.
    Palette {
        /// What was typed.
        line: Line,
        /// Which match is chosen.
        chosen: usize,
    },
    /// Something that must be typed before it is done.
    Form(super::ask::Form),
    /// Several things that are filled in before something is written.
    Sheet(Box<super::incidents::sheet::Sheet>),
    /// The links of what is under the cursor.
    Links {
        /// Which one is chosen.
        chosen: usize,
    },
    /// Why a verdict is what it is.
    Explain {
        /// Lines scrolled down.
        top: usize,
    },
    /// The filter of a table, or the search in a text.
    Filter {
        /// What was typed.
        line: Line,
    },
    /// The words a log's lines must have.
    Narrow {
        /// What was typed.
        line: Line,
    },
}

impl Layer {
    /// The line being typed, where there is one.
    pub fn line_mut(&mut self) -> Option<&mut Line> {
        match self {
            Self::Help { .. }
            | Self::Form(_)
            | Self::Sheet(_)
            | Self::Links { .. }
            | Self::Explain { .. } => None,
            Self::Palette { line, .. } | Self::Filter { line } | Self::Narrow { line } => {
                Some(line)
            }
        }
    }
}
