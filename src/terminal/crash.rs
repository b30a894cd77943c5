//! If a panic happens after all: the terminal is given back, a redacted report is written, and one sentence says where. A panic
//! on another thread than the one that draws does not touch the screen; the loop hears of it through [`crashes`] and leaves.

use std::any::Any;
use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::guard;

/// One panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// What went wrong, redacted, in one line.
    pub message: String,
    /// Where in the source.
    pub place: String,
    /// The report, if it could be written.
    pub report: Option<PathBuf>,
}

impl Crash {
    /// For the person at the terminal.
    pub fn sentence(&self) -> String {
        let kept = self.report.as_ref().map_or_else(
            || "No report could be written.".to_owned(),
            |path| format!("The report is {}.", path.display()),
        );
        format!(
            "vigie stopped because of a mistake of its own at {}: {}. {kept}",
            self.place, self.message
        )
    }
}

static SENDER: Mutex<Option<watch::Sender<Option<Crash>>>> = Mutex::new(None);
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Says when another thread has panicked. Before [`install_panic_hook`] it never does.
pub fn crashes() -> watch::Receiver<Option<Crash>> {
    let mut sender = SENDER.lock().unwrap_or_else(PoisonError::into_inner);
    sender
        .get_or_insert_with(|| watch::channel(None).0)
        .subscribe()
}

/// From now on a panic gives the terminal back and leaves a report in this folder.
pub fn install_panic_hook(folder: PathBuf, home: Option<PathBuf>) {
    panic::set_hook(Box::new(move |info| {
        let elsewhere = guard::taken_elsewhere();
        if !elsewhere {
            guard::restore();
        }
        let crash = report(info, &folder, home.as_deref());
        if elsewhere {
            let sender = SENDER.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = sender.as_ref() {
                sender.send_replace(Some(crash));
            }
        } else {
            tell(&crash);
        }
    }));
}

/// Says it on stderr. The terminal may be gone, and printing into nothing must not become a second panic.
pub fn tell(crash: &Crash) {
    let _ = writeln!(io::stderr(), "{}", crash.sentence());
}

fn report(info: &PanicHookInfo<'_>, folder: &Path, home: Option<&Path>) -> Crash {
    let place = info.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}", at.file(), at.line()),
    );
    let message = redacted(&super::clean(said(info.payload()), 2000), home);
    let mut text = format!(
        "vigie {}\nat {place}\n{message}\n\n",
        env!("CARGO_PKG_VERSION")
    );
    let _ = writeln!(
        text,
        "{}",
        redacted(&Backtrace::force_capture().to_string(), home)
    );
    let name = format!(
        "crash-{}-{}.txt",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| private_file(&path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    Crash {
        message,
        place: redacted(&place, home),
        report: written.is_ok().then_some(path),
    }
}

fn private_file(path: &Path) -> io::Result<std::fs::File> {
    #[cfg(unix)]
    return super::unix::private_file(path);
    #[cfg(not(unix))]
    return std::fs::File::create(path);
}

fn said(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Without what might be secret: tokens, passwords, long words with figures in them, credentials in addresses, the home's name.
pub fn redacted(text: &str, home: Option<&Path>) -> String {
    let text = match home
        .map(|home| home.to_string_lossy().into_owned())
        .filter(|home| home.len() > 1)
    {
        Some(home) => text.replace(&home, "~"),
        None => text.to_owned(),
    };
    let text = without_json_secrets(&text);
    let mut hide_next = false;
    let words = text
        .split_inclusive(|c: char| c.is_whitespace())
        .map(|word| {
            let bare = word.trim_end();
            let tail = &word[bare.len()..];
            let lower = bare.to_lowercase();
            let hide = hide_next && !bare.is_empty();
            hide_next = [
                "bearer",
                "basic",
                "token:",
                "password:",
                "secret:",
                "authorization:",
            ]
            .iter()
            .any(|mark| lower.ends_with(mark));
            if hide {
                format!("[redacted]{tail}")
            } else {
                format!("{}{tail}", one_word(bare, &lower))
            }
        });
    words.collect()
}

/// The values of JSON's telling keys, whatever their length and however they are spaced.
fn without_json_secrets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = next_json_secret(rest) {
        kept.push_str(&rest[..start]);
        kept.push_str("[redacted]");
        rest = &rest[end..];
    }
    kept + rest
}

/// Where the value of the next telling key begins and ends, without its quotes.
fn next_json_secret(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let value_of = |key: &&str| {
        let ending = format!("{key}\"");
        lower.match_indices(&ending).find_map(|(at, hit)| {
            let after = &lower[at + hit.len()..];
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let value = value.strip_prefix('"')?;
            Some(lower.len() - value.len())
        })
    };
    let start = TELLING.iter().filter_map(value_of).min()?;
    let mut escaped = false;
    let length = text[start..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    Some((start, length.map_or(text.len(), |length| start + length)))
}

/// Words that a key ends with when its value is nobody's business.
const TELLING: [&str; 4] = ["token", "password", "secret", "authorization"];

fn one_word(word: &str, lower: &str) -> String {
    for mark in ["token=", "password=", "secret=", "key="] {
        if let Some(at) = lower.find(mark).filter(|_| lower.len() == word.len()) {
            return format!("{}[redacted]", &word[..at + mark.len()]);
        }
    }
    let address = word
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1)));
    if let Some((scheme, host)) = address {
        return format!("{scheme}://[redacted]@{host}");
    }
    let secret = |part: &str| {
        part.len() >= 32
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+/=_-.".contains(c))
            && part.chars().any(|c| c.is_ascii_digit())
            && !part.contains('/')
    };
    let quoted = word.trim_matches(|c: char| "\"'`,;()[]{}".contains(c));
    if secret(quoted) {
        word.replace(quoted, "[redacted]")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_a_report() {
        let jwt = format!("eyJ{}", "a1b2c3d4e5".repeat(6));
        for (text, expected) in [
            (
                format!("header Authorization: Bearer {jwt} refused"),
                "header Authorization: [redacted] [redacted] refused".to_owned(),
            ),
            (format!("got \"{jwt}\""), "got \"[redacted]\"".to_owned()),
            (
                "GET https://ada:hush@prom/x".to_owned(),
                "GET https://[redacted]@prom/x".to_owned(),
            ),
            (
                r#"{"token":"hush","a": 1, "db_password" : "hu\"sh", "x":"y"}"#.to_owned(),
                r#"{"token":"[redacted]","a": 1, "db_password" : "[redacted]", "x":"y"}"#
                    .to_owned(),
            ),
            (
                r#"cut off: {"secret":"hus"#.to_owned(),
                r#"cut off: {"secret":"[redacted]"#.to_owned(),
            ),
            ("password=hush".to_owned(), "password=[redacted]".to_owned()),
            (
                "token: hush now".to_owned(),
                "token: [redacted] now".to_owned(),
            ),
            (
                "index 3 of 2 in src/app/select.rs".to_owned(),
                "index 3 of 2 in src/app/select.rs".to_owned(),
            ),
        ] {
            assert_eq!(redacted(&text, None), expected);
        }
        let home = PathBuf::from("/people/ada");
        assert_eq!(redacted("in /people/ada/x", Some(&home)), "in ~/x");
    }

    #[test]
    fn a_crash_is_one_sentence_with_its_report() {
        let crash = Crash {
            message: "index out of bounds".into(),
            place: "src/ui.rs:3".into(),
            report: Some("/s/crash-1-0.txt".into()),
        };
        assert_eq!(
            crash.sentence(),
            "vigie stopped because of a mistake of its own at src/ui.rs:3: index out of bounds. The report is /s/crash-1-0.txt."
        );
    }
}
