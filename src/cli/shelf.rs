//! The shelf of runbooks and the place of runs on this machine: shipped runbooks, the person's own folders, the state
//! directory. Files are read here and handed on as text.

use super::exit::Failed;
use crate::app::Settings;
use crate::app::runs::shelf::{Book, Origin};
use crate::config::channel::ChannelFormat;
use crate::config::mistake::nearest;
use crate::config::place::named;
use crate::config::{Config, Loaded};
use crate::engine::EnvironmentOf;
use crate::engine::incidents::tell::Channels;
use crate::engine::runs::Keeping;
use crate::engine::runs::policy::Rules;
use crate::platform::webhook::{Address, Channel, Format};
use crate::runbook::SHIPPED;
use crate::runbook::format::parse_overlay;
use crate::runbook::place::{Place, Problem, Severity};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every runbook: the shipped ones, then the person's own in the order of their folders and names.
pub fn library(loaded: &Loaded) -> Vec<Book> {
    let language = loaded.config().runbooks.language.as_str();
    let mut books = Book::shipped();
    for book in &mut books {
        let shipped = SHIPPED.iter().find(|shipped| shipped.id == &*book.id);
        let overlays = shipped.map_or(&[][..], |shipped| shipped.overlays);
        if let Some((_, file, text)) = overlays.iter().find(|(lang, ..)| *lang == language) {
            translate(book, file, text);
        }
    }
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
        books.extend(paths.iter().filter(is_runbook).map(|path| {
            let mut book = read(path);
            let beside = path.with_file_name(format!("{}.{language}.md", book.id));
            if let Ok(text) = std::fs::read_to_string(&beside) {
                translate(&mut book, &beside.display().to_string(), &text);
            }
            book
        }));
    }
    books
}

/// The languages that any runbook here is written in or translated into.
pub fn languages(loaded: &Loaded) -> Vec<String> {
    let shipped = SHIPPED.iter().flat_map(|one| one.overlays.iter());
    let mut found: Vec<String> = shipped
        .map(|(language, ..)| (*language).to_owned())
        .collect();
    for folder in loaded.runbook_dirs() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        found.extend(entries.filter_map(|entry| Some(translated(&entry.path())?.1)));
    }
    found.push("en".to_owned());
    found.sort();
    found.dedup();
    found
}

/// The runbook that a file is a translation of, beside it, and the language, where its name is a translation's:
/// `rollback.fr.md` of `rollback.runbook.md`.
pub fn translated(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_str()?;
    let (base, language) = name.strip_suffix(".md")?.rsplit_once('.')?;
    let tongue = language.split('-').next()?;
    let letters = language
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is = (2..=3).contains(&tongue.len()) && letters && !base.is_empty();
    is.then(|| {
        (
            path.with_file_name(format!("{base}.runbook.md")),
            language.to_owned(),
        )
    })
}

/// What is wrong with a translation, held against its runbook beside it.
pub fn translation(path: &Path, original: &Path) -> Vec<Problem> {
    let name = path.display().to_string();
    let wrong = |message: String, help: &str| Problem {
        file: name.clone(),
        place: Place::default(),
        severity: Severity::Error,
        message,
        help: Some(help.to_owned()),
    };
    let Ok(text) = std::fs::read_to_string(path) else {
        return vec![wrong(
            "it is not UTF-8 text".into(),
            "save the file as UTF-8",
        )];
    };
    if !original.exists() {
        let sentence = format!("a translation, and no {} beside it", original.display());
        return vec![wrong(sentence, "a translation stands beside its runbook")];
    }
    match &read(original).book {
        Ok(book) => parse_overlay(&name, &text, book).err().unwrap_or_default(),
        Err(_) => vec![wrong(
            format!("its runbook {} has mistakes", original.display()),
            "mend the runbook first",
        )],
    }
}

/// The runbook of that id, or what it was probably meant to be.
pub fn find(loaded: &Loaded, id: &str) -> Result<Book, Failed> {
    let mut books = library(loaded);
    if let Some(at) = books.iter().position(|book| *book.id == *id) {
        return Ok(books.swap_remove(at));
    }
    let known: Vec<&str> = books.iter().map(|book| &*book.id).collect();
    let near = nearest(id, known.iter().copied());
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Err(Failed::usage(format!(
        "there is no runbook `{id}`; there are {}{near}",
        known.join(", ")
    )))
}

/// Puts titles and texts into another language. A translation with mistakes is left out: what is done does not hang on it.
fn translate(book: &mut Book, file: &str, text: &str) {
    let Ok(original) = &book.book else { return };
    if let Ok(overlay) = parse_overlay(file, text, original) {
        book.book = Ok(Arc::new(overlay.apply(original).0));
    }
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
            book: Err(vec![Problem {
                file: name,
                place: Place::default(),
                severity: Severity::Error,
                message: format!("cannot be read: {}", crate::journal::in_words(&error)),
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
            cleaner: cleaned,
            channels: channels(loaded),
        },
    }
}

/// How long an acknowledgement silences its alert, where the configuration says that it does.
pub fn silences(config: &Config) -> Option<SignedDuration> {
    let quarter = SignedDuration::from_mins(15);
    config.incidents.acknowledge_silences.then_some(quarter)
}

/// Who is told of what, as the configuration has it.
pub fn channels(loaded: &Loaded) -> Channels {
    let each = loaded.config().channels.iter();
    let all = each.filter_map(|(name, channel)| {
        let address = match (&channel.url, &channel.url_file) {
            (Some(url), _) => Address::Url(url.clone()),
            (None, Some(file)) => Address::File(loaded.resolve(file)),
            (None, None) => return None,
        };
        let format = match channel.format {
            ChannelFormat::Slack => Format::Slack,
            ChannelFormat::Json => Format::Json,
        };
        let on = channel.on.iter().map(|on| on.word().to_owned()).collect();
        let channel = Channel {
            name: name.clone(),
            address,
            format,
        };
        Some((channel, on))
    });
    Channels(Arc::new(all.collect()))
}

/// A text without secrets and without addresses of people: what an incident's texts pass through.
pub fn cleaned(text: &str) -> String {
    let home = crate::config::Folders::of_this_machine().map(|folders| folders.home);
    let words = text.split_inclusive(char::is_whitespace);
    let masked: String = words.map(without_address).collect();
    crate::terminal::redacted(&masked, home.as_deref())
}

/// A word that is an address of mail, with only its first letters: `j***@e***.com`.
fn without_address(word: &str) -> String {
    let bare = word.trim_matches(|c: char| c.is_whitespace() || "\"'`,;:()[]{}<>.".contains(c));
    let parts = bare
        .split_once('@')
        .and_then(|(name, host)| Some((name, host.rsplit_once('.')?)));
    let plain = |text: &str| {
        let fits = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    match parts {
        Some((name, (host, end)))
            if plain(name) && plain(host) && end.chars().all(char::is_alphabetic) =>
        {
            let first = |text: &str| text.chars().next().map_or(String::new(), String::from);
            let masked = format!("{}***@{}***.{end}", first(name), first(host));
            word.replace(bare, &masked)
        }
        _ => word.to_owned(),
    }
}
