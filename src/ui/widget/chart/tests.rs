//! Charts as the operator would look at them: a rise past a limit, gaps, two versions, marks that collide, nothing.

use super::*;
use crate::ui::theme::glyphs::ASCII;
use crate::ui::widget::figures;
use crate::ui::widget::sample::{buffer, lines, picture};
use proptest::prelude::*;
use ratatui::style::Style;

type Points = Vec<(f64, Option<f64>)>;

fn rise() -> Points {
    (0..=80)
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
        .collect()
}

fn per_cent(value: f64) -> String {
    figures::percent_short(Some(value))
}

fn minutes(at: f64) -> String {
    let whole = at as u64;
    format!("03:{:02}", whole / 60 % 60)
}

struct Given {
    points: Points,
    theme: Theme,
    limit: Option<f64>,
    close: bool,
    marks: Vec<(f64, &'static str)>,
    cursor: Option<f64>,
    unit: fn(f64) -> String,
}

impl Given {
    fn new(points: Points) -> Given {
        Given {
            points,
            theme: Theme::plain(),
            limit: None,
            marks: Vec::new(),
            cursor: None,
            close: false,
            unit: per_cent,
        }
    }

    fn drawn(&self, width: u16, height: u16) -> Buffer {
        let style = self.theme.series_new();
        let stroke = Stroke::Solid;
        let series = [Series {
            name: "new",
            points: &self.points,
            stroke,
            style,
            baseline: false,
        }];
        let style = self.theme.mark();
        let marks: Vec<Mark<'_>> = self
            .marks
            .iter()
            .map(|(at, name)| Mark {
                at: *at,
                name,
                style,
            })
            .collect();
        let chart = Chart {
            subject: "veza-backend errors",
            titled: true,
            series: &series,
            range: (0.0, 800.0),
            limit: self.limit,
            close: self.close,
            marks: &marks,
            cursor: self.cursor,
            unit: &self.unit,
            time: &minutes,
            empty: "No samples in Prometheus for 4 m.",
            stale: false,
            theme: &self.theme,
        };
        let mut buf = buffer(width, height);
        (&chart).render(buf.area, &mut buf);
        buf
    }
}

#[test]
fn a_rise_past_its_limit_after_a_change() {
    let mut given = Given::new(rise());
    given.limit = Some(0.05);
    given.marks = vec![(480.0, "43")];
    let drawn = given.drawn(60, 9);
    println!("{}", picture(&drawn));
    let lines = lines(&drawn);
    assert_eq!(lines[0], "veza-backend errors: 21 %");
    assert!(
        lines[1].trim_start().starts_with("30 % ") && lines[1].contains("┊43"),
        "{lines:?}"
    );
    let limit = lines
        .iter()
        .find(|line| line.contains('┈'))
        .expect("a limit line");
    assert!(limit.trim_start().starts_with("5 % ┈┈┈"), "{limit}");
    assert!(lines[7].trim_start().starts_with("0 "), "{}", lines[7]);
    assert!(
        lines[8].contains("03:00") && lines[8].contains("03:08") && lines[8].ends_with("03:13")
    );
}

#[test]
fn gaps_are_gaps() {
    let gap = |n: i32| (20..60).contains(&n);
    let points = (0..=80)
        .map(|n| (f64::from(n * 10), (!gap(n)).then_some(0.5)))
        .collect();
    let drawn = Given::new(points).drawn(47, 6);
    println!("{}", picture(&drawn));
    let line = lines(&drawn)
        .into_iter()
        .find(|line| {
            line.contains('⠉') || line.contains('⣀') || line.contains('⠒') || line.contains('⠤')
        })
        .expect("a line");
    let plot: Vec<char> = line.chars().skip(6).collect();
    assert!(
        plot[..9].iter().all(|c| *c != ' ') && plot[31..].iter().all(|c| *c != ' '),
        "{line}"
    );
    assert!(plot[12..28].iter().all(|c| *c == ' '), "{line}");
}

#[test]
fn a_limit_far_above_is_named_in_the_corner() {
    let mut given = Given::new(vec![(0.0, Some(0.001)), (800.0, Some(0.002))]);
    given.limit = Some(0.5);
    let lines = lines(&given.drawn(50, 6));
    assert!(lines[1].ends_with("limit 50 % ↑"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains('┈')));
}

#[test]
fn names_of_marks_do_not_cover_each_other() {
    let mut given = Given::new(rise());
    given.marks = vec![(300.0, "rev 42"), (310.0, "rev 43"), (795.0, "ONSET")];
    let drawn = given.drawn(60, 9);
    println!("{}", picture(&drawn));
    let all = picture(&drawn);
    for name in ["rev 42", "rev 43", "ONSET"] {
        assert!(all.contains(name), "{name}\n{all}");
    }
}

#[test]
fn the_cursor_reads_the_value_of_its_second() {
    let mut given = Given::new(rise());
    given.cursor = Some(600.0);
    let lines = lines(&given.drawn(60, 9));
    assert_eq!(lines[0], "veza-backend errors at 03:10: 7.0 %");
    assert!(lines[2].contains('│'));
}

#[test]
fn a_last_gap_is_an_unknown_present() {
    let mut points = rise();
    points.push((801.0, None));
    assert_eq!(
        lines(&Given::new(points).drawn(60, 9))[0],
        "veza-backend errors: –"
    );
}

#[test]
fn no_values_and_no_room_become_sentences() {
    let empty = Given::new(vec![(0.0, None), (10.0, None)]);
    assert!(picture(&empty.drawn(50, 6)).contains("No samples in Prometheus for 4 m."));
    assert_eq!(lines(&Given::new(rise()).drawn(19, 4))[1], "veza-backend");
    assert!(picture(&Given::new(rise()).drawn(40, 1)).contains("veza-backend errors: 21 %"));
    let small = picture(&Given::new(rise()).drawn(20, 4));
    assert!(small.contains("30 %") && small.contains("03:13"), "{small}");
}

#[test]
fn ascii_says_the_same() {
    let mut given = Given::new(rise());
    given.theme = Theme::plain().with_glyphs(&ASCII);
    given.limit = Some(0.05);
    given.marks = vec![(480.0, "43")];
    let all = picture(&given.drawn(60, 9));
    println!("{all}");
    assert!(
        all.is_ascii() && all.contains(":43") && all.contains("5 % ---"),
        "{all}"
    );
}

#[test]
fn old_and_new_differ_in_stroke_and_last_week_is_ground() {
    let theme = Theme::plain();
    let flat =
        |value: f64| -> Points { (0..=80).map(|n| (f64::from(n * 10), Some(value))).collect() };
    let (old, new, week) = (flat(0.9), flat(0.7), flat(0.4));
    let line = |name, points, stroke, baseline| Series {
        name,
        points,
        stroke,
        style: Style::new(),
        baseline,
    };
    let series = [
        line("last week", week.as_slice(), Stroke::Solid, true),
        line("old", old.as_slice(), Stroke::Dotted, false),
        line("new", new.as_slice(), Stroke::Solid, false),
    ];
    let chart = Chart {
        subject: "success",
        titled: true,
        series: &series,
        range: (0.0, 800.0),
        limit: None,
        close: false,
        marks: &[],
        cursor: None,
        unit: &per_cent,
        time: &minutes,
        empty: "",
        stale: true,
        theme: &theme,
    };
    let mut buf = buffer(50, 8);
    (&chart).render(buf.area, &mut buf);
    println!("{}", picture(&buf));
    let lines = lines(&buf);
    assert_eq!(lines[0], "success: old 90 %, new 70 %");
    assert!(
        lines[1].ends_with("⠄⠄⠄⠄") || lines[1].ends_with("⠂⠂⠂⠂"),
        "{}",
        lines[1]
    );
    assert!(lines[6].ends_with("░░░░"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_values_in_any_room_draw(
        width in 0u16..301, height in 0u16..81,
        points in proptest::collection::vec((any::<f64>(), proptest::option::of(any::<f64>())), 0..60),
        limit in proptest::option::of(any::<f64>()), at in any::<f64>(),
    ) {
        let mut given = Given::new(points);
        given.limit = limit;
        given.marks = vec![(at, "世界"), (400.0, "ONSET")];
        given.cursor = Some(at);
        given.close = width % 2 == 0;
        given.drawn(width, height);
    }
}

#[test]
fn no_two_labels_of_an_axis_say_the_same() {
    let mut given = Given::new((0..=80).map(|n| (f64::from(n * 10), Some(0.001))).collect());
    given.unit = |value| figures::percent(Some(value), 1);
    let chart = lines(&given.drawn(60, 12));
    let labels: Vec<&str> = chart
        .iter()
        .skip(1)
        .filter_map(|row| row.get(..7).map(str::trim))
        .filter(|label| label.ends_with('%'))
        .collect();
    let mut apart = labels.clone();
    apart.dedup();
    assert_eq!(labels, apart, "{chart:#?}");
}

#[test]
fn a_limit_above_the_picture_lies_over_no_line() {
    let points = |n| (f64::from(n * 10), Some(if n < 50 { 0.05 } else { 0.195 }));
    let mut given = Given::new((0..=80).map(points).collect());
    let bare = lines(&given.drawn(60, 12));
    given.limit = Some(1.2);
    let chart = lines(&given.drawn(60, 12));
    assert!(chart[1].contains("limit 120"), "{chart:#?}");
    let strokes = |row: &str| -> usize {
        let drawn = |c: &char| ('\u{2801}'..='\u{28ff}').contains(c);
        row.chars().filter(drawn).count()
    };
    assert!(strokes(&bare[1]) > 10, "{bare:#?}");
    assert_eq!(strokes(&chart[1]), strokes(&bare[1]), "{chart:#?}");
}
