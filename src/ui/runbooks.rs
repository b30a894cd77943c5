//! The shelf of runbooks, the suggested one first, broken ones with their error; and one runbook to read before it is
//! started: what it is for, its headings and steps, what it departs from and why.

use super::lines::words;
use super::paper::{Paper, plain};
use super::run::sends_what;
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::runs::shelf::{Book, Origin};
use crate::app::{list, next};
use crate::runbook::model::Risk;
use crate::runbook::{Runbook, Step};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the shelf.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let books = app.books();
    let suggested = books.iter().any(|book| app.suggests(book));
    let note = if suggested {
        format!("{}, the suggested one first", books.len())
    } else {
        books.len().to_string()
    };
    let pane = Pane {
        title: "runbooks",
        note: &note,
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::inner(area);
    let room = Pane::padded(area);
    let mut paper = Paper::new(theme, room.width);
    suggestion(view, &mut paper);
    let head = (paper.len() as u16).min(room.height / 3);
    paper.draw(
        Rect {
            height: head,
            ..room
        },
        0,
        buf,
    );
    let below = Rect {
        y: inside.y + head,
        height: inside.height - head,
        ..inside
    };
    let selected = list::position(&app.here().place, &list::items(app));
    let height = usize::from(below.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let columns = [
        Column::words("", 1, 1).pin(),
        Column::words("RUNBOOK", 16, 24).pin(),
        Column::words("RISK", 8, 8).drops(3),
        Column::words("WHAT", 40, 140),
        Column::words("FROM", 8, 30).drops(4),
    ];
    let table = Table {
        columns: &columns,
        rows: &|index| {
            books
                .get(index)
                .map_or_else(Row::default, |book| row(view, book))
        },
        len: books.len(),
        offset: window(at, at.saturating_sub(height / 2), height, books.len()),
        selected,
        scroll: app.here().place.right,
        stale: false,
        empty: "No runbook passes the filter. esc clears it.",
        theme,
    };
    Widget::render(&table, below, buf);
}

/// Whether going back is suggested for what was looked at, and why not where it is not.
fn suggestion(view: &View<'_>, paper: &mut Paper<'_>) {
    let theme = view.theme;
    let Some(subject) = &view.app.desk.subject else {
        return;
    };
    let name = &subject.object.name;
    if view.app.goes_back() {
        let words = format!(
            "{name}: trouble began right after a release; rollback is suggested, with {name} filled in."
        );
        paper.judged(Tone::Watch, &words, theme.strong());
    } else {
        let row = view.app.services.find(&subject.object);
        let why = match row.map(next::suggestion) {
            Some(Some(why)) => why,
            Some(None) => "it does not fail; rollback is not suggested.".into(),
            None => "it is not known here; rollback is not suggested.".into(),
        };
        paper.words(&format!("{name}: {why}"), theme.dim());
    }
}

fn origin(book: &Book) -> String {
    match &book.origin {
        Origin::Shipped => "shipped".into(),
        Origin::File(path) => {
            let folder = path.rsplit('/').nth(1).unwrap_or(".");
            let instead = if book.replaces {
                " (not the shipped one)"
            } else {
                ""
            };
            format!("own: {folder}{instead}")
        }
    }
}

fn row(view: &View<'_>, book: &Book) -> Row<'static> {
    let theme = view.theme;
    let glyphs = theme.glyphs();
    let (mark, risk, what) = match &book.book {
        Ok(_) if view.app.suggests(book) => (Some(Tone::Watch), None, None),
        Ok(_) => (None, None, None),
        Err(problems) => {
            // The file stands beside it, and in full on its own page: here the mistake is what counts.
            let first = problems.first();
            let first =
                first.map_or_else(String::new, |one| format!("{}: {}", one.place, one.message));
            let more = match problems.len() {
                0 | 1 => String::new(),
                many => format!(" (and {} more)", many - 1),
            };
            (
                Some(Tone::Failing),
                Some("–"),
                Some(format!("{first}{more}")),
            )
        }
    };
    let known = book.book.as_ref().ok();
    let risk = risk.unwrap_or_else(|| known.map_or("–", |book| book.risk.word()));
    let title = known.map(|book| book.title.clone()).unwrap_or_default();
    let title = if view.app.suggests(book) {
        format!("suggested: {title}")
    } else {
        title
    };
    let style = if known.is_some() {
        theme.text()
    } else {
        theme.tone(Tone::Failing)
    };
    Row {
        cells: vec![
            mark.map_or_else(Cell::default, |tone| {
                Cell::new(glyphs.tone(tone), theme.tone(tone))
            }),
            words(&*book.id, theme.strong()),
            words(
                risk,
                if matches!(
                    known.map(|book| book.risk),
                    Some(Risk::High | Risk::Critical)
                ) {
                    theme.tone(Tone::Watch)
                } else {
                    theme.text()
                },
            ),
            words(what.unwrap_or(title), style),
            words(origin(book), theme.dim()),
        ],
        marked: false,
    }
}

/// Draws one runbook to read.
pub fn draw_one(view: &View<'_>, id: &str, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let inside = Pane::padded(area);
    let mut paper = Paper::new(theme, inside.width);
    let mut title = id.to_owned();
    match app.runs.book(id).map(|book| (book, &book.book)) {
        None => paper.words("There is no such runbook.", theme.text()),
        Some((shelved, Ok(book))) => {
            title = format!("{} {}", book.id, book.version);
            paper.fact("from", &shelved.origin(), theme.dim());
            if let Some(due) = overdue(book, app.now) {
                paper.judged(Tone::Watch, &due, theme.strong());
            }
            write(view, book, &mut paper);
        }
        Some((_, Err(problems))) => {
            paper.judged(
                Tone::Failing,
                "This file cannot be read; it cannot be started.",
                theme.strong(),
            );
            paper.gap();
            for problem in problems {
                paper.words(&problem.to_string(), theme.text());
            }
        }
    }
    let below = paper.draw(inside, app.here().place.top, buf);
    let note = if below > 0 {
        format!("enter starts it · {below} more below")
    } else {
        "enter starts it".into()
    };
    let pane = Pane {
        title: &title,
        note: &note,
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
}

/// The banner of a runbook whose review is overdue.
fn overdue(book: &Runbook, now: Timestamp) -> Option<String> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let due = book.overdue(today)?;
    Some(format!(
        "REVIEW OVERDUE since {due}: read it against the platform as it is before you trust it"
    ))
}

fn write(view: &View<'_>, book: &Runbook, paper: &mut Paper<'_>) {
    let theme = view.theme;
    paper.words(&book.title, theme.strong());
    paper.gap();
    paper.words(&plain(&book.intro), theme.text());
    paper.gap();
    paper.fact("risk", book.risk.word(), theme.text());
    paper.fact("keepers", &book.owners.join(", "), theme.text());
    if let Some(subject) = &view.app.desk.subject {
        let object = &subject.object;
        let words = format!("{}/{} in {}", object.kind, object.name, object.namespace);
        paper.fact("for", &words, theme.strong());
    }
    let with: Vec<String> = view
        .app
        .starts_with(book)
        .into_iter()
        .map(|(name, value)| match value.as_str() {
            "" => format!("{name} –"),
            value => format!("{name} {value}"),
        })
        .collect();
    if !with.is_empty() {
        let words = format!("{}  (f fills them in)", with.join(" · "));
        paper.fact("with", &words, theme.text());
    }
    paper.fact(
        "changes",
        "nothing before it was shown and confirmed",
        theme.text(),
    );
    paper.gap();
    let mut number = 0;
    for (index, section) in book.sections.iter().enumerate() {
        let steps: Vec<&Step> = book
            .steps
            .iter()
            .filter(|step| step.section == index)
            .collect();
        if steps.is_empty() {
            continue;
        }
        number += 1;
        let head = section.title.replace("{{steps.revision.value}}", "…");
        paper.words(&format!("{number}  {head}"), theme.strong());
        let blank = ("   ".to_owned(), theme.text());
        paper.hanging(&[blank], 3, &plain(&section.prose), theme.text());
        for step in steps {
            let tone = if step.kind.mutates() {
                Tone::Watch
            } else {
                Tone::Idle
            };
            let mark = (
                format!("   {} ", theme.glyphs().tone(tone)),
                theme.tone(tone),
            );
            paper.hanging(&[mark], 5, &sends_what(step), theme.dim());
        }
        paper.gap();
    }
    if !book.deviations.is_empty() {
        paper.words(
            "where it departs from the document, and why",
            theme.strong(),
        );
        for deviation in &book.deviations {
            paper.judged(Tone::Idle, &plain(&deviation.why), theme.text());
        }
    }
}
