//! Moving: what a motion makes of a position in a list, and of the cursor of the screen that is shown.

use super::command::Motion;
use super::list;
use super::state::App;

impl App {
    /// Moves the cursor of the screen, or what it shows.
    pub(super) fn move_cursor(&mut self, motion: Motion) {
        self.last_move = Some(self.now);
        let height = self.height;
        let to = list::stepped(self, |at, len| step(at, motion, height, len));
        let place = &mut self.history.here_mut().place;
        match (motion, to) {
            (Motion::Left, _) => place.right = place.right.saturating_sub(1),
            (Motion::Right, _) => place.right = (place.right + 1).min(64),
            (_, None) => place.top = scroll(place.top, motion, height),
            (_, Some((id, to))) => (place.cursor, place.index) = (Some(id), to),
        }
    }
}

/// Where a text of unknown length is scrolled to.
pub fn scroll(top: usize, motion: Motion, height: u16) -> usize {
    step(top, motion, height, usize::MAX)
}

fn step(at: usize, motion: Motion, height: u16, len: usize) -> usize {
    let page = usize::from(height).saturating_sub(6).max(1);
    let last = len.saturating_sub(1);
    match motion {
        Motion::Up => at.saturating_sub(1),
        Motion::Down => at.saturating_add(1).min(last),
        Motion::First => 0,
        Motion::Last => last,
        Motion::PageUp => at.saturating_sub(page),
        Motion::PageDown => at.saturating_add(page).min(last),
        Motion::HalfUp => at.saturating_sub(page / 2),
        Motion::HalfDown => at.saturating_add(page / 2).min(last),
        Motion::Left | Motion::Right => at,
    }
}
