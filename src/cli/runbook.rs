//! `vigie runbook`: what there is, what it says, what is wrong with a file, what it would do, and the format's schema.

use super::args::{Output, Run, Runbook as Asked};
use super::exit::{Failed, NO, OK};
use super::session::Start;
use super::{print, run, shelf};
use crate::app::runs::shelf::{Book, Origin};
use crate::engine::clock::Clock;
use crate::runbook::diff::{Change, changes};
use crate::runbook::place::Severity;
use crate::ui::widget::text::sanitize;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;

mod lint;
mod render;

/// `vigie runbook`.
pub fn runbook(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    match asked {
        Asked::List => list(start),
        Asked::Show { id, source } => show(start, id, *source),
        Asked::Lint { files } => check(start, files),
        Asked::Plan { id, set } => run::plan(
            start,
            &Run {
                id: id.clone(),
                set: set.clone(),
                ..Run::default()
            },
        ),
        Asked::Diff { before, after } => diff(start, before, after),
        Asked::Schema => print::text(&format!("{:#}\n", crate::runbook::format::schema())),
    }
}

/// Where a runbook comes from, as documents say it.
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
                    "id": &*book.id, "origin": origin(book), "replaces_shipped": book.replaces, "title": read.map(|read| &read.title),
                    "version": read.map(|read| &read.version), "risk": read.map(|read| read.risk),
                    "problems": book.book.as_ref().err(),
                })
            })
            .collect();
        return print::text(&print::line(&json!({"schema": 1, "runbooks": all})));
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
            sanitize(&book.origin())
        );
    }
    print::text(&text)
}

fn show(start: &Start, id: &str, source: bool) -> Result<u8, Failed> {
    let book = shelf::find(&start.loaded, id)?;
    if start.global.output == Output::Json {
        let read = book.book.as_ref().ok();
        return print::text(&print::line(&json!({
            "schema": 1, "id": &*book.id, "origin": origin(&book), "replaces_shipped": book.replaces, "title": read.map(|read| &read.title),
            "version": read.map(|read| &read.version), "risk": read.map(|read| read.risk),
            "problems": book.book.as_ref().err(), "text": &*book.text,
        })));
    }
    match &book.book {
        Ok(read) if !source => {
            let columns = crate::terminal::columns().unwrap_or(render::USUAL);
            print::text(&render::page(&book, read, today(), columns))
        }
        Err(problems) if !source => {
            let lines = problems.iter().map(ToString::to_string);
            print::text(&lines.fold(String::new(), |text, line| text + &sanitize(&line) + "\n"))?;
            Ok(NO)
        }
        _ => {
            let lines = book.text.lines().map(sanitize);
            print::text(&lines.fold(String::new(), |text, line| text + &line + "\n"))
        }
    }
}

fn today() -> jiff::civil::Date {
    Clock::system().now().to_zoned(TimeZone::UTC).date()
}

fn check(start: &Start, files: &[PathBuf]) -> Result<u8, Failed> {
    let problems = lint::check(&start.loaded, files, today())?;
    let wrong = problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    let text = if start.global.output == Output::Json {
        print::line(&json!({"schema": 1, "problems": problems}))
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

/// A runbook by its id on the shelf, or by its file.
fn either(start: &Start, name: &str) -> Result<Book, Failed> {
    let found = shelf::library(&start.loaded)
        .into_iter()
        .find(|book| *book.id == *name);
    let book = match found {
        Some(book) => book,
        None if std::path::Path::new(name).exists() => shelf::read(std::path::Path::new(name)),
        None => {
            return Err(Failed::usage(format!(
                "`{name}` is neither a file nor a runbook of `vigie runbook list`"
            )));
        }
    };
    match &book.book {
        Ok(_) => Ok(book),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(Failed::usage(lines.join("\n")))
        }
    }
}

/// Whether two runbooks do the same; exit code 1 when they do not.
fn diff(start: &Start, before: &str, after: &str) -> Result<u8, Failed> {
    let (one, other) = (either(start, before)?, either(start, after)?);
    let (Ok(old), Ok(new)) = (&one.book, &other.book) else {
        return Ok(NO);
    };
    let found = changes(old, new);
    let text = if start.global.output == Output::Json {
        print::line(&json!({
            "schema": 1,
            "before": {"name": before, "id": &*one.id, "version": old.version, "model": old.model_digest()},
            "after": {"name": after, "id": &*other.id, "version": new.version, "model": new.model_digest()},
            "same_model": found.is_empty(), "same_text": one.text == other.text, "changes": found,
        }))
    } else if !found.is_empty() {
        found.iter().map(told).collect()
    } else if one.text == other.text {
        "the same\n".to_owned()
    } else {
        "text only: both do the same\n".to_owned()
    };
    print::text(&text)?;
    Ok(if found.is_empty() { OK } else { NO })
}

/// A change in a line: added, taken away, or from one to the other.
fn told(change: &Change) -> String {
    let line = match (&change.before, &change.after) {
        (None, Some(after)) => format!("+ {}: {after}", change.path),
        (Some(before), None) => format!("- {}: {before}", change.path),
        (before, after) => {
            let show = |value: &Option<serde_json::Value>| {
                value.as_ref().map_or_else(String::new, ToString::to_string)
            };
            format!("~ {}: {} → {}", change.path, show(before), show(after))
        }
    };
    format!("{}\n", sanitize(&line))
}
