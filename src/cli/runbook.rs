//! `vigie runbook`: what there is, what it says, what is wrong with a file, what it would do, and the format's schema.

use super::args::{Output, Run, Runbook as Asked};
use super::exit::{Failed, NO, OK, UNKNOWN};
use super::session::Start;
use super::{print, run, shelf};
use crate::app::runs::shelf::{Book, Origin};
use crate::engine::clock::Clock;
use crate::runbook::lint::lint;
use crate::runbook::place::{Problem, Severity};
use crate::ui::widget::text::sanitize;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;

/// `vigie runbook`.
pub fn runbook(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    match asked {
        Asked::List => list(start),
        Asked::Show { id } => show(start, id),
        Asked::Lint { files } => check(start, files),
        Asked::Plan { id, set } => run::plan(
            start,
            &Run {
                id: id.clone(),
                set: set.clone(),
                ..Run::default()
            },
        ),
        Asked::Schema => print::text(&format!("{:#}\n", crate::runbook::format::schema())),
    }
}

fn origin(book: &Book) -> &str {
    match &book.origin {
        Origin::Shipped => "shipped",
        Origin::File(path) => path,
    }
}

fn list(start: &Start) -> Result<u8, Failed> {
    let books = shelf::library(&start.loaded);
    if start.global.output == Output::Json {
        let all: Vec<_> = books
            .iter()
            .map(|book| {
                let read = book.book.as_ref().ok();
                json!({
                    "id": &*book.id, "origin": origin(book), "title": read.map(|read| &read.title),
                    "version": read.map(|read| &read.version), "risk": read.map(|read| read.risk),
                    "problems": book.book.as_ref().err(),
                })
            })
            .collect();
        return print::text(&format!("{}\n", json!({"schema": 1, "runbooks": all})));
    }
    let mut text = String::new();
    for book in &books {
        let title = match &book.book {
            Ok(read) => read.title.clone(),
            Err(problems) => problems
                .first()
                .map_or_else(String::new, |problem| format!("cannot be read: {problem}")),
        };
        // A string takes whatever is written.
        let _ = writeln!(
            text,
            "{:<18}  {}  ({})",
            sanitize(&book.id),
            sanitize(&title),
            sanitize(origin(book))
        );
    }
    print::text(&text)
}

fn show(start: &Start, id: &str) -> Result<u8, Failed> {
    let books = shelf::library(&start.loaded);
    let Some(book) = books.iter().find(|book| *book.id == *id) else {
        let known: Vec<&str> = books.iter().map(|book| &*book.id).collect();
        return Err(Failed::usage(format!(
            "there is no runbook `{id}`; there are {}",
            known.join(", ")
        )));
    };
    let lines = book.text.lines().map(sanitize);
    print::text(&lines.fold(String::new(), |text, line| text + &line + "\n"))
}

fn check(start: &Start, files: &[PathBuf]) -> Result<u8, Failed> {
    let today = Clock::system().now().to_zoned(TimeZone::UTC).date();
    let mut problems: Vec<Problem> = Vec::new();
    for file in files {
        if let Err(error) = std::fs::metadata(file) {
            return Err(Failed::new(
                UNKNOWN,
                format!("cannot read {}: {error}", file.display()),
            ));
        }
        let name = file.display().to_string();
        match shelf::read(file).book {
            Ok(book) => problems.extend(lint(&name, &book, Some(today))),
            Err(found) => problems.extend(found),
        }
    }
    let wrong = problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    let text = if start.global.output == Output::Json {
        format!("{}\n", json!({"schema": 1, "problems": problems}))
    } else {
        let lines = problems.iter().map(ToString::to_string);
        let text = lines.fold(String::new(), |text, line| text + &sanitize(&line) + "\n");
        if text.is_empty() {
            "no mistakes found\n".to_owned()
        } else {
            text
        }
    };
    print::text(&text)?;
    Ok(if wrong { NO } else { OK })
}
