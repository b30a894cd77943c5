//! The parts on one screen, as a view would put them: borders join, figures stand under each other, and it reads
//! without colour.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::ui::theme::glyphs::ASCII;
use crate::ui::theme::{Theme, Tone};
use crate::ui::widget::ascii;
use crate::ui::widget::chart::{Chart, Mark, Series, Stroke};
use crate::ui::widget::figures;
use crate::ui::widget::keyhints::KeyHints;
use crate::ui::widget::pane::Pane;
use crate::ui::widget::sample::{buffer, picture};
use crate::ui::widget::sparkline::sparkline;
use crate::ui::widget::table::{Cell, Column, Row, Table};

type Service = (
    Tone,
    &'static str,
    &'static str,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    &'static str,
);

const SERVICES: [Service; 4] = [
    (
        Tone::Failing,
        "veza-backend",
        "3/3",
        Some(60.0),
        Some(0.214),
        Some(0.93),
        Some(75.0),
        "errors above 1 %, p99 above 500 ms",
    ),
    (
        Tone::Watch,
        "chat-server",
        "2/3",
        Some(31.0),
        Some(0.001),
        Some(0.064),
        Some(32.0),
        "new pod cannot pull its image",
    ),
    (
        Tone::Unknown,
        "stream-server",
        "2/2",
        None,
        None,
        None,
        Some(240.0),
        "no samples in Prometheus for 4 m",
    ),
    (
        Tone::Healthy,
        "veza-frontend",
        "2/2",
        Some(40.0),
        Some(0.0),
        Some(0.088),
        None,
        "",
    ),
];

fn columns() -> Vec<Column<'static>> {
    vec![
        Column::words("", 1, 1).pin(),
        Column::words("SERVICE", 13, 20).pin(),
        Column::words("PODS", 5, 5),
        Column::figures("REQ/S", 5).drops(3),
        Column::figures("ERRORS", 7),
        Column::words("", 8, 8).drops(4),
        Column::figures("P99", 6),
        Column::figures("SINCE", 5).drops(1),
        Column::words("WHY", 20, 60).drops(2),
    ]
}

fn service(index: usize, theme: &Theme) -> Row<'static> {
    let Some((tone, name, pods, rate, errors, p99, since, why)) = SERVICES.get(index) else {
        return Row::default();
    };
    let line: Vec<Option<f64>> = (0..8)
        .map(|n| errors.map(|share| if n > 4 { share * f64::from(n) } else { 0.0 }))
        .collect();
    let plain = |text: String| Cell::new(text, Style::new());
    let since = since.map_or(String::new(), |since| figures::age(Some(since)));
    Row {
        cells: vec![
            Cell::new(theme.glyphs().tone(*tone), theme.tone(*tone)),
            plain((*name).to_owned()),
            plain((*pods).to_owned()),
            plain(figures::number(*rate, 0)),
            Cell::new(figures::percent(*errors, 1), theme.tone(*tone)),
            plain(sparkline(&line, 8, 0.05, theme.glyphs())),
            plain(figures::latency(*p99)),
            plain(since),
            plain((*why).to_owned()),
        ],
        marked: false,
    }
}

fn errors(theme: &Theme, area: Rect, buf: &mut ratatui::buffer::Buffer) {
    let points: Vec<(f64, Option<f64>)> = (0..=80)
        .map(|n| {
            (
                f64::from(n * 10),
                Some(if n < 50 {
                    0.002
                } else {
                    f64::from(n - 50) * 0.007
                }),
            )
        })
        .collect();
    let style = theme.series_new();
    let series = [Series {
        name: "",
        points: &points,
        stroke: Stroke::Solid,
        style,
        baseline: false,
    }];
    let marks = [Mark {
        at: 480.0,
        name: "43",
        style: theme.mark(),
    }];
    let chart = Chart {
        subject: "veza-backend errors",
        titled: false,
        series: &series,
        range: (0.0, 800.0),
        limit: Some(0.01),
        close: false,
        marks: &marks,
        cursor: None,
        unit: &|value| figures::percent_short(Some(value)),
        time: &|at| format!("03:{:02}:{:02}", at as u64 / 60, at as u64 % 60),
        empty: "",
        stale: false,
        theme,
    };
    (&Pane {
        title: &chart.headline(),
        note: "",
        focused: false,
        theme,
    })
        .render(area, buf);
    (&chart).render(Pane::padded(area), buf);
}

fn screen(theme: &Theme, width: u16) -> String {
    let mut buf = buffer(width, 16);
    let top = Rect::new(0, 0, width, 7);
    (&Pane {
        title: "services",
        note: "4, sorted by severity",
        focused: false,
        theme,
    })
        .render(top, &mut buf);
    let columns = columns();
    let table = Table {
        columns: &columns,
        rows: &|index| service(index, theme),
        len: SERVICES.len(),
        offset: 0,
        selected: Some(0),
        scroll: 0,
        stale: false,
        empty: "",
        theme,
    };
    (&table).render(Pane::inner(top), &mut buf);
    let half = width / 2;
    errors(theme, Rect::new(0, 6, half, 9), &mut buf);
    errors(theme, Rect::new(half - 1, 6, width - half + 1, 9), &mut buf);
    let hints = [
        ("enter", "open"),
        ("R", "rollout"),
        ("K", "rollback (suggested)"),
        ("l", "logs"),
        ("a", "acknowledge"),
    ];
    let keys = KeyHints {
        hints: &hints,
        always: Some(("?", "help")),
        theme,
    };
    (&keys).render(Rect::new(0, 15, width, 1), &mut buf);
    if !theme.glyphs().braille {
        ascii::plain(&mut buf);
    }
    picture(&buf)
}

#[test]
fn the_parts_make_one_screen() {
    for width in [120, 80] {
        let drawn = screen(&Theme::plain(), width);
        println!("{drawn}");
        let rows: Vec<&str> = drawn.lines().collect();
        assert!(
            rows[6].starts_with("├ veza-backend errors: 21 % ─") && rows[6].ends_with('┤'),
            "{}",
            rows[6]
        );
        assert!(rows[6].contains("┬ veza") && rows[14].contains('┴'));
        let whole = rows[..15]
            .iter()
            .all(|row| row.chars().count() == usize::from(width));
        assert!(whole, "every row reaches both borders");
        assert!(rows[2].contains("21.4 %") && rows[2].contains("930 ms") && rows[4].contains('–'));
        assert!(
            rows[12].contains("  0 ⣀⣀⣀") && rows[11].contains("  1 % ┈┈┈"),
            "{}",
            rows[12]
        );
    }
}

#[test]
fn the_parts_make_one_screen_in_ascii() {
    let drawn = screen(&Theme::plain().with_glyphs(&ASCII), 80);
    println!("{drawn}");
    assert!(drawn.is_ascii());
}
