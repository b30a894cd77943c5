//! What drawing reads: the state, the look and the keys, together.

use super::theme::Theme;
use crate::app::App;
use crate::keymap::Keymap;

/// The smallest terminal the screens are made for.
pub const SMALLEST: (u16, u16) = (40, 12);

/// What drawing reads.
pub struct View<'a> {
    /// The state of the console.
    pub app: &'a App,
    /// How it looks.
    pub theme: &'a Theme,
    /// What the keys do.
    pub keys: &'a Keymap,
}
