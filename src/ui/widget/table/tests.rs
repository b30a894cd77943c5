//! Exact cells of tables: none, one, too many rows; wide letters; narrow rooms; no room at all.

use super::*;
use crate::ui::theme::glyphs::ASCII;
use crate::ui::widget::sample::{buffer, lines, picture};
use proptest::prelude::*;
use std::cell::Cell as Count;

fn columns() -> [Column<'static>; 5] {
    [
        Column::words("", 1, 1).pin(),
        Column::words("SERVICE", 10, 16).pin(),
        Column::figures("REQ/S", 5).drops(2),
        Column::figures("ERRORS", 6),
        Column::words("WHY", 8, 40).drops(1),
    ]
}

fn row(index: usize) -> Row<'static> {
    let cell = |text: String| Cell::new(text, Style::new());
    Row {
        cells: vec![
            cell("●".into()),
            cell(format!("service-{index}")),
            cell(format!("{index}")),
            cell("0.4 %".into()),
            cell("errors above 1 %".into()),
        ],
        marked: index == 1,
    }
}

fn table<'a, 'r>(
    columns: &'a [Column<'a>],
    rows: &'a dyn Fn(usize) -> Row<'r>,
    len: usize,
    theme: &'a Theme,
) -> Table<'a, 'r> {
    let selected = Some(0);
    Table {
        columns,
        rows,
        len,
        offset: 0,
        selected,
        scroll: 0,
        stale: false,
        empty: "No services.",
        theme,
    }
}

#[test]
fn figures_stand_right_and_words_left() {
    let (theme, columns) = (Theme::plain(), columns());
    let mut buf = buffer(60, 4);
    (&table(&columns, &row, 3, &theme)).render(buf.area, &mut buf);
    assert_eq!(
        picture(&buf),
        "
    SERVICE          REQ/S ERRORS WHY
▌ ● service-0            0  0.4 % errors above 1 %
 ▪● service-1            1  0.4 % errors above 1 %
  ● service-2            2  0.4 % errors above 1 %"[1..]
    );
}

#[test]
fn columns_drop_in_the_stated_order_and_scrolling_brings_them_back() {
    let (theme, columns) = (Theme::plain(), columns());
    let mut narrow = table(&columns, &row, 1, &theme);
    let mut buf = buffer(32, 2);
    (&narrow).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[0], "    SERVICE     ERRORS WHY");
    let mut buf = buffer(24, 2);
    (&narrow).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[0], "    SERVICE      ERRORS›");
    narrow.scroll = 2;
    let mut buf = buffer(24, 2);
    (&narrow).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[0], "    SERVICE    WHY");
    assert_eq!(furthest(&columns, 24), 2);
    assert_eq!(furthest(&columns, 60), 0);
}

#[test]
fn a_figure_is_shown_whole_or_not_at_all() {
    let (theme, columns) = (Theme::plain(), [Column::figures("N", 4)]);
    let rows = |index: usize| Row {
        cells: vec![Cell::new("12345".repeat(index + 1), Style::new())],
        marked: false,
    };
    let mut buf = buffer(8, 2);
    (&table(&columns, &rows, 1, &theme)).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[1], "▌    …");
}

#[test]
fn wide_letters_are_never_halved() {
    let (theme, columns) = (
        Theme::plain(),
        [Column::words("NAME", 5, 5), Column::figures("N", 2)],
    );
    let rows = |_: usize| Row {
        cells: vec![
            Cell::new("世界世界", Style::new()),
            Cell::new("42", Style::new()),
        ],
        marked: false,
    };
    let mut buf = buffer(12, 2);
    (&table(&columns, &rows, 1, &theme)).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[1], "▌ 世界… 42");
}

#[test]
fn no_rows_speak() {
    let (theme, columns) = (Theme::plain(), columns());
    let mut buf = buffer(60, 3);
    (&table(&columns, &row, 0, &theme)).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[1], "  No services.");
}

#[test]
fn ten_thousand_rows_cost_what_is_visible() {
    let (theme, columns) = (Theme::plain(), columns());
    let asked = Count::new(0);
    let rows = |index: usize| {
        asked.set(asked.get() + 1);
        row(index)
    };
    let mut many = table(&columns, &rows, 10_000, &theme);
    many.offset = 5_000;
    let mut buf = buffer(60, 11);
    (&many).render(buf.area, &mut buf);
    assert_eq!(asked.get(), 10);
    let bar: String = lines(&buf)[1..]
        .iter()
        .filter_map(|line| line.chars().last())
        .collect();
    assert_eq!(bar, "│││││┃││││");
}

#[test]
fn the_selected_row_shows_without_colour_and_without_unicode() {
    let (theme, columns) = (Theme::plain().with_glyphs(&ASCII), columns());
    let mut buf = buffer(40, 3);
    (&table(&columns, &row, 2, &theme)).render(buf.area, &mut buf);
    assert!(lines(&buf)[1].starts_with("> "));
    let reversed = |y: u16| {
        buf[(20, y)]
            .modifier
            .contains(ratatui::style::Modifier::REVERSED)
    };
    assert!(reversed(1) && !reversed(2));
}

#[test]
fn hostile_cells_cannot_reach_the_terminal() {
    let (theme, columns) = (Theme::plain(), [Column::words("NAME", 20, 20)]);
    let rows = |_: usize| Row {
        cells: vec![Cell::new("a\x1b[2Jb", Style::new())],
        marked: false,
    };
    let mut buf = buffer(30, 2);
    (&table(&columns, &rows, 1, &theme)).render(buf.area, &mut buf);
    assert_eq!(lines(&buf)[1], "▌ a\\e[2Jb");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn any_size_draws_and_slots_stay_inside(
        width in 0u16..301, height in 0u16..81, len in 0usize..80, offset in 0usize..90, scroll in 0usize..8
    ) {
        let (theme, columns) = (Theme::plain(), columns());
        let mut any = table(&columns, &row, len, &theme);
        any.offset = offset;
        any.scroll = scroll;
        any.stale = true;
        let mut buf = buffer(width, height);
        (&any).render(buf.area, &mut buf);
        for slot in slots(&columns, width, scroll) {
            prop_assert!(width <= GUTTER + BAR || slot.x + slot.width <= width - BAR);
        }
    }
}
