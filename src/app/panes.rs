//! Which pane has the focus and where the cursor stands in those that have not. Pure on a [`Place`]; the screens say which panes they have.

use super::screen::Place;
use crate::domain::uid::Uid;

/// The first pane: services on the overview, the history on a rollout.
pub const FIRST: usize = 0;
/// The charts; up and down move the cursor of the first pane there.
pub const CHARTS: usize = 1;
/// What changed, on the overview.
pub const CHANGES: usize = 2;
/// Pods that are not well.
pub const PODS: usize = 3;

/// The pane whose cursor is meant: charts have none of their own.
fn shelf(pane: usize) -> usize {
    if pane == CHARTS { FIRST } else { pane }
}

/// Gives the focus to a pane; the cursor of the one before is kept aside.
pub fn focus(place: &mut Place, pane: usize) {
    let (from, to) = (shelf(place.pane), shelf(pane));
    place.pane = pane;
    if from == to {
        return;
    }
    place.aside.retain(|(known, ..)| *known != from);
    let stood = place
        .aside
        .iter()
        .position(|(known, ..)| *known == to)
        .map(|index| place.aside.swap_remove(index));
    place.aside.push((from, place.cursor.take(), place.index));
    let (_, cursor, index) = stood.unwrap_or((to, None, 0));
    (place.cursor, place.index, place.right) = (cursor, index, 0);
}

/// What the cursor of a pane is on, and the line it was on, whether it has the focus or not.
pub fn cursor(place: &Place, pane: usize) -> (Option<&Uid>, usize) {
    if shelf(place.pane) == shelf(pane) {
        return (place.cursor.as_ref(), place.index);
    }
    place
        .aside
        .iter()
        .find(|(known, ..)| *known == shelf(pane))
        .map_or((None, 0), |(_, cursor, index)| (cursor.as_ref(), *index))
}

/// The pane after this one among those that are there.
pub fn after(pane: usize, there: &[usize]) -> usize {
    let later = there.iter().find(|known| **known > pane);
    later.or(there.first()).copied().unwrap_or(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pane_keeps_its_own_cursor_and_charts_share_the_first() {
        let mut place = Place {
            cursor: Some("a".into()),
            index: 2,
            ..Place::default()
        };
        focus(&mut place, CHARTS);
        assert_eq!(cursor(&place, FIRST), (Some(&"a".into()), 2));
        focus(&mut place, CHANGES);
        assert_eq!((place.cursor.clone(), place.index), (None, 0));
        place.cursor = Some("change".into());
        assert_eq!(cursor(&place, FIRST), (Some(&"a".into()), 2));
        focus(&mut place, FIRST);
        assert_eq!((place.cursor.clone(), place.index), (Some("a".into()), 2));
        assert_eq!(cursor(&place, CHANGES).0, Some(&"change".into()));
    }

    #[test]
    fn tab_goes_round_the_panes_that_are_there() {
        assert_eq!(after(FIRST, &[FIRST, CHARTS, PODS]), CHARTS);
        assert_eq!(after(CHARTS, &[FIRST, CHARTS, PODS]), PODS);
        assert_eq!(after(PODS, &[FIRST, CHARTS, PODS]), FIRST);
        assert_eq!(after(7, &[]), FIRST);
    }
}
