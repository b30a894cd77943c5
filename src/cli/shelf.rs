//! The shelf of runbooks and the place of runs on this machine: shipped runbooks, the person's own folders, the state
//! directory. Files are read here and handed on as text.

use super::exit::Failed;
use crate::app::Settings;
use crate::app::runs::shelf::{Book, Origin};
use crate::config::channel::ChannelFormat;
use crate::config::mistake::nearest;
use crate::config::place::named;
use crate::config::{Config, Loaded};
use crate::domain::incident::{Limits, Severity as Bad};
use crate::engine::EnvironmentOf;
use crate::engine::incidents::tell::Channels;
use crate::engine::runs::Keeping;
use crate::engine::runs::allowed::Programs;
use crate::engine::runs::policy::{NO_SIGNERS, Rules};
use crate::engine::sinks::Sink;
use crate::platform::webhook::{Address, Channel, Format};
use crate::runbook::format::{MAX_BYTES, parse_bytes, parse_overlay};
use crate::runbook::place::{Place, Problem, Severity};
use crate::runbook::{Runbook, SHIPPED};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most files of one folder that are read.
const MOST: usize = 1000;

/// Every runbook: the shipped ones, then the person's own in the order of their folders and names. An own one with a
/// shipped id takes its place, if it can be read: a broken file never hides another.
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
        for path in files(&folder) {
            let mut book = on_shelf(&path);
            let beside = path.with_file_name(format!("{}.{language}.md", book.id));
            if let Ok(bytes) = bounded_read(&beside)
                && let Ok(text) = std::str::from_utf8(&bytes)
            {
                translate(&mut book, &beside.display().to_string(), text);
            }
            shelve(&mut books, book);
        }
    }
    books
}

/// The runbook files of a folder by name; a folder that is not there holds none.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| is_runbook(path))
        .collect();
    paths.sort();
    paths.truncate(MOST);
    paths
}

/// Whether a file's name is a runbook's.
pub fn is_runbook(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".runbook.md") && !name.starts_with('.')
}

/// Puts an own runbook on the shelf: in the place of the shipped one of its id, or at the end. The first own one of an id
/// keeps it; a broken file keeps its own name and takes nobody's place.
fn shelve(books: &mut Vec<Book>, mut book: Book) {
    let taken = books
        .iter()
        .position(|other| other.id == book.id && other.book.is_ok());
    let Some(at) = taken else {
        return books.push(book);
    };
    let file = match &book.origin {
        Origin::File(path) => path.to_string(),
        Origin::Shipped => String::new(),
    };
    match (&books[at].origin, &book.book) {
        (Origin::Shipped, Ok(_)) => {
            book.replaces = true;
            books[at] = book;
        }
        (Origin::File(first), Ok(_)) => {
            let message = format!("the id `{}` is taken by {first}", book.id);
            book.book = Err(vec![wrong(
                &file,
                message,
                Some("give it another id, or remove one of the two"),
            )]);
            book.id = file.into();
            books.push(book);
        }
        (_, Err(_)) => {
            book.id = file.into();
            books.push(book);
        }
    }
}

/// A mistake of a whole file.
fn wrong(file: &str, message: String, help: Option<&str>) -> Problem {
    Problem {
        file: file.to_owned(),
        place: Place { line: 1, column: 1 },
        severity: Severity::Error,
        message,
        help: help.map(str::to_owned),
    }
}

/// The bytes of a plain file, and no more of them than are read at all: what is larger, a device, or a pipe that never
/// ends is refused by its kind or its length, never read to its end.
fn bounded_read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        let kind = if found.is_dir() {
            "it is a folder"
        } else {
            "it is no plain file"
        };
        return Err(std::io::Error::other(kind));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
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

/// What is wrong with a translation, held against its runbook beside it; what it leaves untranslated is a warning.
pub fn translation(path: &Path, original: &Path) -> Vec<Problem> {
    let name = path.display().to_string();
    let bytes = match bounded_read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("cannot be read: {}", crate::journal::in_words(&error));
            return vec![wrong(&name, message, None)];
        }
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return vec![wrong(
            &name,
            "it is not UTF-8 text".into(),
            Some("save the file as UTF-8"),
        )];
    };
    if !original.exists() {
        let sentence = format!("a translation, and no {} beside it", original.display());
        return vec![wrong(
            &name,
            sentence,
            Some("a translation stands beside its runbook"),
        )];
    }
    let Ok(book) = read(original).book else {
        let message = format!("its runbook {} has mistakes", original.display());
        return vec![wrong(&name, message, Some("mend the runbook first"))];
    };
    match parse_overlay(&name, text, &book) {
        Err(problems) => problems,
        Ok(overlay) => untranslated(&name, &overlay.missing(&book))
            .into_iter()
            .collect(),
    }
}

/// Most missing texts that are named.
const NAMED: usize = 12;

/// The warning about what a translation leaves out.
pub fn untranslated(file: &str, missing: &[String]) -> Option<Problem> {
    if missing.is_empty() {
        return None;
    }
    let mut named: Vec<&str> = missing.iter().take(NAMED).map(String::as_str).collect();
    if missing.len() > NAMED {
        named.push("…");
    }
    Some(Problem {
        severity: Severity::Warning,
        ..wrong(
            file,
            format!("{} texts are missing: {}", missing.len(), named.join(", ")),
            Some("what is missing is shown in the runbook's own language"),
        )
    })
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
    let bytes = match bounded_read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("cannot be read: {}", crate::journal::in_words(&error));
            return Book {
                id: stem(path).into(),
                origin,
                text: "".into(),
                book: Err(vec![wrong(&name, message, None)]),
                replaces: false,
            };
        }
    };
    // Judged by its bytes: too long or not UTF-8 is a mistake of the file.
    let book = parse_bytes(&name, &bytes).map(Arc::new);
    let id = book
        .as_ref()
        .map_or_else(|_| stem(path), |book| book.id.clone());
    Book {
        id: id.into(),
        origin,
        text: String::from_utf8_lossy(&bytes).into(),
        book,
        replaces: false,
    }
}

/// The same as it stands on a shelf: found by its file's name as well as by its id.
pub fn on_shelf(path: &Path) -> Book {
    let mut book = read(path);
    let named = book
        .book
        .and_then(|read| named_as(path, &path.display().to_string(), read));
    if named.is_err() {
        book.id = stem(path).into();
    }
    book.book = named;
    book
}

/// A file's name without what marks it as a runbook.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".runbook.md").unwrap_or(&name).to_owned()
}

/// The runbook, if the file is named after its id: whoever looks for one finds it by either.
fn named_as(path: &Path, name: &str, book: Arc<Runbook>) -> Result<Arc<Runbook>, Vec<Problem>> {
    if !is_runbook(path) || stem(path) == book.id {
        return Ok(book);
    }
    let message = format!(
        "the file is named `{}`, its id is `{}`",
        stem(path),
        book.id
    );
    let help = format!("rename it to {}.runbook.md, or change the id", book.id);
    Err(vec![wrong(name, message, Some(&help))])
}

/// The file of those who may approve, as it is now.
pub fn allowed(signers: Option<&Path>) -> Result<String, String> {
    let Some(path) = signers else {
        return Err(NO_SIGNERS.to_owned());
    };
    let read = std::fs::read_to_string(path);
    read.map_err(|error| {
        let why = crate::journal::in_words(&error);
        format!(
            "the allowed signers in {} cannot be read: {why}",
            path.display()
        )
    })
}

/// Where runs are kept and what governs them.
pub fn keeping(
    loaded: &Loaded,
    environment: EnvironmentOf,
    settings: &Settings,
    context: Option<String>,
) -> Keeping {
    let config = loaded.config().clone();
    let issuers = config.token_issuers().into_iter().map(str::to_owned);
    let issuers = Arc::new(issuers.collect());
    let hosts = Arc::new(config.runbooks.hosts.iter().cloned().collect());
    let programs = Arc::new(Programs {
        allowed: config.runbooks.exec.clone(),
        environment: config.runbooks.exec_env.iter().cloned().collect(),
    });
    let places = config.clone();
    let shelf = loaded.clone();
    let signers = config.approvals.allowed_signers.as_deref();
    let signers = signers.map(|path| loaded.resolve(path));
    Keeping {
        state: loaded.state_dir(),
        environment,
        limits: settings.limits.clone(),
        rules: Rules {
            policy: Arc::new(move |name| named(&config, name).1),
            locked: settings.read_only,
            context,
            issuers,
            vault_path: Arc::new(move |name| places.vault_path(name).map(str::to_owned)),
            signers: Arc::new(move || allowed(signers.as_deref())),
            cleaner: cleaned,
            channels: channels(loaded),
            hosts,
            programs,
        },
        vault: None,
        shelf: Arc::new(move || library(&shelf)),
    }
}

/// How long an acknowledgement silences its alert, where the configuration says that it does.
pub fn silences(config: &Config) -> Option<SignedDuration> {
    let quarter = SignedDuration::from_mins(15);
    config.incidents.acknowledge_silences.then_some(quarter)
}

/// How long somebody may take to acknowledge an incident, as the configuration has it.
pub fn limits(config: &Config) -> Limits {
    let within = &config.incidents.acknowledge_within;
    let each = [
        (Bad::P0, within.p0),
        (Bad::P1, within.p1),
        (Bad::P2, within.p2),
        (Bad::P3, within.p3),
    ];
    each.into_iter()
        .fold(Limits::default(), |limits, (severity, time)| {
            let span = SignedDuration::try_from(time.get()).unwrap_or(SignedDuration::MAX);
            limits.with(severity, span)
        })
}

/// Where the audit log goes besides its file, as the configuration has it.
pub fn sinks(loaded: &Loaded) -> Vec<Sink> {
    let audit = &loaded.config().audit;
    let address = audit.webhook_file.as_ref();
    let address = address.map(|file| Address::File(loaded.resolve(file)));
    // What the configuration's check let pass is an address.
    let syslog = audit.syslog.as_deref().and_then(|to| to.parse().ok());
    let webhook = address.map(Sink::Webhook).into_iter();
    webhook.chain(syslog.map(Sink::Syslog)).collect()
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
