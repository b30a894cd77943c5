//! ```text
//! ┌ drill rollback, seed 7 ─────────────────────────────────────────────────────────────────┐
//! │ ✔ acknowledge   0:41  of 5:00    noticed: nobody acknowledged, the first look counts     │
//! │ ✔ recovery      4:02  of 10:00   within limits again                                     │
//! │ your path                                  the shortest                                  │
//! │ 0:12 overview                              X  why the service fails, and since when      │
//! │ ✖ 1:03 restart on veza-backend: the new revision fails whichever pod runs it             │
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! A drill's opening page and its last, and the line that stands over every screen while one goes on.

use super::paper::{Paper, Span, cut};
use super::theme::{Theme, Tone};
use super::view::View;
use super::widget::pane::Pane;
use super::widget::{figures, text};
use crate::app::App;
use crate::app::drill::Drill;
use crate::app::drill::cases::Goal;
use crate::app::drill::score::{Score, Time, score};
use crate::app::screen::Screen;
use crate::domain::incident::{Limits, Severity};
use crate::keymap::Keymap;
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// From here on the two paths stand beside each other.
const BESIDE: usize = 76;

/// Draws a drill's own page into an area.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let Some(drill) = &app.drill else { return };
    let title = title(drill);
    let note = match (drill.began, drill.ended) {
        (None, _) => "time stands still until you begin",
        (_, None) => "it goes on",
        (_, Some(_)) => "how it went",
    };
    let pane = Pane {
        title: &title,
        note,
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let room = Pane::padded(area);
    let mut paper = Paper::new(theme, room.width);
    if drill.ended.is_some() {
        last(app, view.keys, &mut paper);
        paper.gap();
        let keys = view.keys;
        let (again, leaves) = (keys.keys_of("drill"), keys.keys_of("back"));
        let words = format!("{again} again with another seed, {leaves} leaves");
        paper.words(&words, theme.dim());
    } else {
        opening(drill, view.keys, &mut paper);
    }
    paper.draw(room, app.here().place.top, buf);
}

/// Whether nothing of the platform may be seen yet: the opening page is all there is.
pub fn is_sealed(app: &App) -> bool {
    let drill = app.drill.as_ref();
    app.here().screen == Screen::Drill && drill.is_some_and(|drill| drill.began.is_none())
}

/// The last page as text.
pub fn text(app: &App, keys: &Keymap, width: u16) -> Option<String> {
    let drill = app.drill.as_ref()?;
    drill.ended?;
    let theme = Theme::plain();
    let mut paper = Paper::new(&theme, width);
    paper.words(&title(drill), Style::new());
    paper.gap();
    last(app, keys, &mut paper);
    Some(paper.text().trim_end().to_owned() + "\n")
}

fn title(drill: &Drill) -> String {
    match &drill.runbook {
        Some(id) => format!("drill: {id}, seed {}", drill.seed),
        None => format!("drill, seed {}", drill.seed),
    }
}

fn opening(drill: &Drill, keys: &Keymap, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    paper.words(
        "You are on call for Veza. The platform is simulated: nothing you do here reaches anybody, and everything answers as the real one does.",
        theme.text(),
    );
    paper.gap();
    paper.judged(Tone::Watch, drill.case.page, theme.strong());
    paper.gap();
    paper.words(drill.case.wanted, theme.text());
    paper.gap();
    if let Some(id) = &drill.runbook {
        paper.words(
            &format!("This is a drill of {id}. Whether it helps is for you to find out."),
            theme.text(),
        );
    } else {
        paper.words(
            "Which runbook fits, if any, is for you to find out.",
            theme.text(),
        );
    }
    paper.gap();
    let minutes = figures::clock(seconds(Some(Limits::default().acknowledge(Severity::P1))));
    let counts = match drill.case.goal {
        _ if drill.guided() => "Nothing: every screen says what it is for.".to_owned(),
        Goal::Recover => format!(
            "How soon you look at the right thing (within {minutes}), know what it is, and have the service within its limits again; and what you do that does not help."
        ),
        Goal::Finish | Goal::StopInTime => format!(
            "How soon you look at the right thing (within {minutes}), begin what fits, and are done; and what you do that does not help."
        ),
    };
    paper.fact("counts", &counts, theme.text());
    paper.fact("begin", "The overview comes next: its second row is the worst that is known. Beside every step of a runbook stands why it is there.", theme.text());
    let key = keys.keys_of("drill");
    paper.fact("keys", &format!("{key} begins. {} opens the runbooks, {} says why something is judged as it is, {} shows every key; {} out of the overview ends the drill.", keys.keys_of("runbooks"), keys.keys_of("explain"), keys.keys_of("help"), keys.keys_of("back")), theme.text());
    if drill.fast {
        paper.fact(
            "time",
            "It runs faster where nothing is decided.",
            theme.text(),
        );
    }
}

fn seconds(span: Option<SignedDuration>) -> Option<f64> {
    span.map(|span| span.as_secs_f64())
}

fn last(app: &App, keys: &Keymap, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let Some(drill) = &app.drill else { return };
    let book = app.runs.book(drill.case.read);
    let book = book.and_then(|book| book.book.as_ref().ok());
    let score = score(drill, book.map(|book| &**book));
    for time in &score.times {
        timed(time, paper);
    }
    paper.gap();
    paper.words(score.truth, theme.text());
    paper.gap();
    paths(&score, keys, paper);
    paper.gap();
    if score.turns.is_empty() {
        let words = if drill.guided() {
            "nothing was counted"
        } else {
            "no wrong turns"
        };
        paper.judged(Tone::Healthy, words, theme.text());
    }
    for (at, turn) in &score.turns {
        let at = figures::clock(seconds(Some(*at)));
        paper.judged(
            Tone::Failing,
            &format!("{at} {}", turn.what),
            theme.strong(),
        );
        paper.hanging(&[("  ".into(), Style::new())], 2, &turn.told, theme.text());
    }
    paper.gap();
    for (index, line) in score.read.iter().enumerate() {
        let label = if index == 0 { "to read" } else { "" };
        paper.fact(label, line, theme.text());
    }
}

fn timed(time: &Time, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let tone = match (time.kept(), time.took) {
        (Some(true), _) => Tone::Healthy,
        (Some(false), _) | (None, None) => Tone::Failing,
        (None, Some(_)) => Tone::Idle,
    };
    let took = time.took.map_or_else(
        || "never".into(),
        |took| figures::clock(seconds(Some(took))),
    );
    let limit = time.limit.map_or_else(String::new, |limit| {
        let before = if time.took.is_some() { "of" } else { "limit" };
        format!("{before} {}", figures::clock(seconds(Some(limit))))
    });
    let words = format!(
        "{}{}{}{}",
        text::pad_right(time.what, 13),
        text::pad_right(&took, 7),
        text::pad_right(&limit, 12),
        time.note
    );
    paper.judged(tone, words.trim_end(), theme.strong());
}

/// The path that was taken and the shortest one, beside each other where there is room.
fn paths(score: &Score, keys: &Keymap, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let taken: Vec<String> = score
        .path
        .iter()
        .map(|(at, words)| {
            format!(
                "{} {words}",
                text::pad_right(&figures::clock(seconds(Some(*at))), 5)
            )
        })
        .collect();
    let shortest: Vec<String> = score
        .shortest
        .iter()
        .map(|leg| {
            let keys = keys.keys_of(leg.key);
            let key = keys.split(' ').next().unwrap_or_default();
            format!("{} {}", text::pad_right(key, 5), leg.words)
        })
        .collect();
    if paper.width < BESIDE {
        paper.words("your path", theme.dim());
        for line in &taken {
            paper.hanging(&[], 6, line, theme.text());
        }
        paper.gap();
        paper.words("the shortest", theme.dim());
        for line in &shortest {
            paper.hanging(&[], 6, line, theme.text());
        }
        return;
    }
    let half = paper.width / 2;
    let room = half - 2;
    let wrapped = |lines: &[String]| -> Vec<String> {
        let each = lines.iter().flat_map(|line| {
            let rows = text::wrap(line, room).into_iter().enumerate();
            rows.map(|(at, row)| {
                if at == 0 {
                    row
                } else {
                    cut(&format!("      {row}"), room)
                }
            })
        });
        each.collect()
    };
    let pair = |left: &str, right: &str, style: Style| -> Vec<Span> {
        vec![
            (text::pad_right(&cut(left, room), half), style),
            (cut(right, room), style),
        ]
    };
    paper.row(pair("your path", "the shortest", theme.dim()));
    let (left, right) = (wrapped(&taken), wrapped(&shortest));
    for at in 0..left.len().max(right.len()) {
        let of = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
        paper.row(pair(&of(&left), &of(&right), theme.text()));
    }
}

/// The line over every other screen while a drill goes on; gives back what is left of the area.
pub fn strip(view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let (app, theme) = (view.app, view.theme);
    let going = app.drill.as_ref().filter(|drill| drill.goes_on());
    let Some(drill) = going.filter(|_| app.here().screen != Screen::Drill && area.height > 10)
    else {
        return area;
    };
    let took = drill.began.map(|began| app.now.duration_since(began));
    let told = if drill.guided() {
        purpose(&app.here().screen)
    } else {
        drill.case.page
    };
    let mut paper = Paper::new(theme, area.width);
    let clock = figures::clock(seconds(took));
    let words = cut(&format!(" drill {clock}  {told}"), usize::from(area.width));
    paper.row(vec![(words, theme.key())]);
    let [line, rest] = [
        Rect { height: 1, ..area },
        Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        },
    ];
    paper.draw(line, 0, buf);
    rest
}

/// What a screen is for.
fn purpose(screen: &Screen) -> &'static str {
    match screen {
        Screen::Overview => {
            "Overview: what is wrong, since when, what changed. The worst stands first."
        }
        Screen::Pods => {
            "Pods: every pod, the failing ones first; its log and its description are one key away."
        }
        Screen::Workloads => "Workloads: what is to run, and how much of it does.",
        Screen::Rollout(_) => {
            "Rollout: the revisions, and old against new while two of them serve."
        }
        Screen::Signals(_) => {
            "Signals: requests, errors and times of one service, split by version or pod."
        }
        Screen::Alerts => "Alerts: what Alertmanager says, and since when.",
        Screen::Timeline => {
            "Timeline: releases, events and alerts in one order. What changed just before?"
        }
        Screen::Logs(_) => "Logs: for reading. Recovery is judged by signals.",
        Screen::Describe(_) | Screen::Yaml(_) => "One object, as the server has it.",
        Screen::Runbooks => "Runbooks: the suggested one first, and why one is or is not.",
        Screen::Runbook(_) => {
            "A runbook to read: what it does, step by step, and where it departs from the document."
        }
        Screen::Runs => "Runs: what was run, unfinished ones first.",
        Screen::Incident => "The incident: its clocks, who does what, what happened.",
        Screen::Run(_) => {
            "A run: the plan left, the step and why it is there right, the record below."
        }
        Screen::Kind(_) => "Any kind of object, by the server's own table.",
        Screen::Contexts | Screen::Namespaces => "Where to look, with the worst of each place.",
        Screen::Drill => "",
    }
}
