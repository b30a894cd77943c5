//! The shelf of runbooks and the place of runs on this machine: shipped runbooks, the person's own folders, the state
//! directory. Files are read here and handed on as text.

use crate::app::Settings;
use crate::app::runs::shelf::{Book, Origin};
use crate::config::Loaded;
use crate::config::place::named;
use crate::engine::EnvironmentOf;
use crate::engine::runs::Keeping;
use crate::engine::runs::policy::Rules;
use std::path::Path;
use std::sync::Arc;

/// Every runbook: the shipped ones, then the person's own in the order of their folders and names.
pub fn library(loaded: &Loaded) -> Vec<Book> {
    let mut books = Book::shipped();
    for folder in loaded.runbook_dirs() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let is_runbook = |path: &&std::path::PathBuf| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().ends_with(".runbook.md"))
        };
        books.extend(paths.iter().filter(is_runbook).map(|path| read(path)));
    }
    books
}

/// One runbook of a file; what cannot be read is on the shelf with what is wrong.
pub fn read(path: &Path) -> Book {
    let name = path.display().to_string();
    let origin = Origin::File(name.as_str().into());
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let mut book = Book::read(origin, &name, &text);
            // Judged by its bytes: too long or not UTF-8 is a mistake of the file.
            if let Err(problems) = crate::runbook::format::parse_bytes(&name, &bytes) {
                book.book = Err(problems);
            }
            book
        }
        Err(error) => Book {
            id: name.as_str().into(),
            origin,
            text: "".into(),
            book: Err(vec![crate::runbook::place::Problem {
                file: name,
                place: crate::runbook::place::Place::default(),
                severity: crate::runbook::place::Severity::Error,
                message: format!("cannot be read: {error}"),
                help: None,
            }]),
        },
    }
}

/// Where runs are kept and what governs them.
pub fn keeping(
    loaded: &Loaded,
    environment: EnvironmentOf,
    settings: &Settings,
    context: Option<String>,
) -> Keeping {
    let config = loaded.config().clone();
    Keeping {
        state: loaded.state_dir(),
        environment,
        limits: settings.limits.clone(),
        rules: Rules {
            policy: Arc::new(move |name| named(&config, name).1),
            locked: settings.read_only,
            context,
        },
    }
}
