//! A series as one row of eight levels. A gap is a blank, never a zero; the newest value is at the right.

use crate::ui::theme::Glyphs;

/// The last values as `columns` signs. Where several values share a column the greatest counts, so that no
/// peak is lost. The scale starts at zero and reaches at least `at_least`, so that noise stays flat.
pub fn sparkline(values: &[Option<f64>], columns: usize, at_least: f64, glyphs: &Glyphs) -> String {
    if columns == 0 {
        return String::new();
    }
    let cells = cells(values, columns);
    let top = cells
        .iter()
        .flatten()
        .copied()
        .fold(at_least.max(0.0), f64::max);
    let sign = |value: &Option<f64>| match value {
        None => " ",
        Some(value) => level(*value, top, glyphs),
    };
    let blanks = columns - cells.len();
    " ".repeat(blanks) + &cells.iter().map(sign).collect::<String>()
}

fn level(value: f64, top: f64, glyphs: &Glyphs) -> &'static str {
    let share = if top > 0.0 {
        (value / top).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let index = (share * 7.0).round() as usize;
    glyphs.levels.get(index).copied().unwrap_or(" ")
}

fn cells(values: &[Option<f64>], columns: usize) -> Vec<Option<f64>> {
    let known = |value: &Option<f64>| value.filter(|value| value.is_finite());
    if values.len() <= columns {
        return values.iter().map(known).collect();
    }
    let edge = |column: usize| column * values.len() / columns;
    let cell = |column: usize| {
        let part = values
            .get(edge(column)..edge(column + 1))
            .unwrap_or_default();
        part.iter().filter_map(known).reduce(f64::max)
    };
    (0..columns).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::glyphs::{ASCII, UNICODE};
    use proptest::prelude::*;

    #[test]
    fn levels_rise_and_gaps_are_blanks() {
        let values: Vec<Option<f64>> = (0..8).map(|n| Some(f64::from(n))).collect();
        assert_eq!(sparkline(&values, 8, 0.0, &UNICODE), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&values, 8, 0.0, &ASCII), "_.:-=+*#");
        assert_eq!(
            sparkline(&[Some(1.0), None, Some(0.0)], 3, 0.0, &UNICODE),
            "█ ▁"
        );
        assert_eq!(sparkline(&[], 3, 0.0, &UNICODE), "   ");
        assert_eq!(sparkline(&[Some(0.0); 3], 3, 0.0, &UNICODE), "▁▁▁");
        assert_eq!(sparkline(&[Some(0.1); 2], 4, 1.0, &UNICODE), "  ▂▂");
    }

    #[test]
    fn a_single_peak_survives_the_crowd() {
        let mut values = vec![Some(0.0); 1000];
        values[503] = Some(9.0);
        let line = sparkline(&values, 10, 0.0, &UNICODE);
        assert_eq!(line.matches('█').count(), 1);
    }

    proptest! {
        #[test]
        fn it_is_always_exactly_as_wide_as_asked(
            values in proptest::collection::vec(proptest::option::of(any::<f64>()), 0..200), columns in 0usize..50
        ) {
            prop_assert_eq!(sparkline(&values, columns, 0.0, &UNICODE).chars().count(), columns);
        }
    }
}
