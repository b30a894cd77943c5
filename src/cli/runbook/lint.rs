//! `vigie runbook lint`: files and folders, each by itself and then against the shelf they would stand on. Every mistake of
//! every file comes in one pass.

use crate::app::runs::shelf::Book;
use crate::cli::exit::{Failed, UNKNOWN};
use crate::cli::shelf;
use crate::config::Loaded;
use crate::runbook::Runbook;
use crate::runbook::lint::{lint, mojibake, shelf::calls};
use crate::runbook::place::Problem;
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// What is wrong with these files.
pub fn check(loaded: &Loaded, files: &[PathBuf], today: Date) -> Result<Vec<Problem>, Failed> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut read: Vec<(String, Book)> = Vec::new();
    for file in spread(files)? {
        let name = file.display().to_string();
        if let Some((original, _)) = shelf::translated(&file) {
            problems.extend(shelf::translation(&file, &original));
            continue;
        }
        let book = shelf::on_shelf(&file);
        match &book.book {
            Ok(known) => problems.extend(lint(&name, known, Some(today))),
            Err(found) => problems.extend(found.iter().cloned()),
        }
        problems.extend(mojibake(&name, &book.text));
        read.push((name, book));
    }
    // Calls are held against what stands on the shelf, with the files at hand in their places.
    let library = shelf::library(loaded);
    let known: Vec<&Runbook> = library
        .iter()
        .chain(read.iter().map(|(_, book)| book))
        .filter_map(|book| book.book.as_deref().ok())
        .collect();
    for (name, book) in &read {
        if let Ok(own) = &book.book {
            problems.extend(calls(name, own, &known));
        }
    }
    problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
    Ok(problems)
}

/// Files as they are, folders as what they hold: runbooks, and translations beside them.
fn spread(files: &[PathBuf]) -> Result<Vec<PathBuf>, Failed> {
    let mut all = Vec::new();
    for file in files {
        let found = std::fs::metadata(file).map_err(|error| unread(file, &error))?;
        if !found.is_dir() {
            all.push(file.clone());
            continue;
        }
        let entries = std::fs::read_dir(file).map_err(|error| unread(file, &error))?;
        let mut inside: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| shelf::is_runbook(path) || overlays(path))
            .collect();
        if inside.is_empty() {
            let why = format!("{} holds no NAME.runbook.md", file.display());
            return Err(Failed::new(UNKNOWN, why));
        }
        inside.sort();
        all.extend(inside);
    }
    Ok(all)
}

/// Whether a file is a translation of a runbook beside it.
fn overlays(path: &Path) -> bool {
    shelf::translated(path).is_some_and(|(original, _)| original.exists())
}

fn unread(file: &Path, error: &std::io::Error) -> Failed {
    let why = crate::journal::in_words(error);
    Failed::new(UNKNOWN, format!("cannot read {}: {why}", file.display()))
}
