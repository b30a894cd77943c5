//! Which part of a long list is on the screen. Pure functions of numbers; the lists live elsewhere.

/// Rows kept between the selected one and the edge, where there is room.
const MARGIN: usize = 2;

/// The offset after which the selected row is in view: the old one where it can stay, moved as little as needed.
pub fn window(selected: usize, offset: usize, height: usize, len: usize) -> usize {
    let last = len.saturating_sub(height);
    if height == 0 || len == 0 {
        return 0;
    }
    let selected = selected.min(len - 1);
    let margin = MARGIN.min((height - 1) / 2);
    let highest = selected.saturating_sub(margin);
    let lowest = (selected + margin + 1).saturating_sub(height);
    offset.clamp(lowest.min(highest), highest).min(last)
}

/// First row and length of the handle of a scroll bar that is `height` rows long; none when all is in view.
pub fn thumb(offset: usize, height: usize, len: usize) -> Option<(usize, usize)> {
    if len <= height || height == 0 {
        return None;
    }
    let size = (height * height / len).max(1);
    let travel = height - size;
    let hidden = len - height;
    Some((
        (offset.min(hidden) * travel).div_ceil(hidden).min(travel),
        size,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_window_moves_only_when_it_must() {
        assert_eq!(window(0, 0, 10, 100), 0);
        assert_eq!(window(5, 0, 10, 100), 0);
        assert_eq!(
            window(8, 0, 10, 100),
            1,
            "two rows stay below the selected one"
        );
        assert_eq!(window(99, 0, 10, 100), 90);
        assert_eq!(window(50, 90, 10, 100), 48);
        assert_eq!(
            window(3, 7, 10, 5),
            0,
            "a short list starts at its first row"
        );
    }

    #[test]
    fn the_handle_touches_the_ends_only_at_the_ends() {
        assert_eq!(thumb(0, 10, 10), None);
        assert_eq!(thumb(0, 10, 100), Some((0, 1)));
        assert_eq!(thumb(90, 10, 100), Some((9, 1)));
        assert!(thumb(1, 10, 100).is_some_and(|(at, _)| at > 0));
    }

    proptest! {
        #[test]
        fn the_selected_row_is_always_in_view(
            selected in 0usize..500, offset in 0usize..600, height in 1usize..60, len in 1usize..500
        ) {
            let selected = selected.min(len - 1);
            let from = window(selected, offset, height, len);
            prop_assert!(from <= selected && selected < from + height);
            prop_assert!(from <= len.saturating_sub(height));
            prop_assert_eq!(window(selected, from, height, len), from, "a window at rest stays");
            if let Some((at, size)) = thumb(from, height, len) {
                prop_assert!(at + size <= height);
            }
        }
    }
}
