//! Who may sign: a file in the format of OpenSSH's `allowed_signers`, one key a line behind the names it stands for.

use super::NAMESPACE;
use crate::runbook::prose::bounded;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The names that a key stands for at a moment, or why it stands for nobody.
pub fn names(file: &str, key: &[u8], now: Timestamp) -> Result<Vec<String>, String> {
    let mut why = None;
    for line in file.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(signer) = read(line).filter(|signer| signer.key == key) else {
            continue;
        };
        match signer.holds(now) {
            Ok(()) => return Ok(signer.names),
            Err(said) => why = Some(said),
        }
    }
    Err(why.unwrap_or_else(|| "its key is not among the allowed signers".to_owned()))
}

/// One line.
struct Signer {
    names: Vec<String>,
    options: Vec<String>,
    key: Vec<u8>,
}

/// Reads a line; one that is none is nobody's.
fn read(line: &str) -> Option<Signer> {
    let mut words = words(line).into_iter();
    let names: Vec<String> = words.next()?.split(',').map(str::to_owned).collect();
    let mut word = words.next()?;
    let mut options = Vec::new();
    if !is_kind(&word) {
        options = split(&word);
        word = words.next().filter(|word| is_kind(word))?;
    }
    let key = BASE64_STANDARD.decode(words.next()?).ok()?;
    // The kind is said twice: beside the key, and in it.
    let inside = key.get(4..4 + word.len())?;
    (inside == word.as_bytes()).then_some(Signer {
        names,
        options,
        key,
    })
}

fn is_kind(word: &str) -> bool {
    let begins = |with: &str| word.starts_with(with);
    begins("ssh-") || begins("ecdsa-sha2-") || begins("sk-ssh-") || begins("sk-ecdsa-")
}

/// The words of a line; what stands between quotes is not broken.
fn words(line: &str) -> Vec<String> {
    parts(line, char::is_whitespace)
}

fn split(options: &str) -> Vec<String> {
    parts(options, |c| c == ',')
}

fn parts(text: &str, at: impl Fn(char) -> bool) -> Vec<String> {
    let (mut all, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if c == '"' {
            quoted = !quoted;
        }
        if at(c) && !quoted {
            all.extend(Some(std::mem::take(&mut part)).filter(|part| !part.is_empty()));
        } else {
            part.push(c);
        }
    }
    all.extend(Some(part).filter(|part| !part.is_empty()));
    all
}

impl Signer {
    /// Whether it may sign approvals now.
    fn holds(&self, now: Timestamp) -> Result<(), String> {
        // A pattern names nobody in particular, and somebody else than the initiator is what is asked for.
        let wild = |name: &String| name.contains(['*', '?', '!']) || name.is_empty();
        if self.names.iter().any(wild) {
            return Err(
                "its key stands for a pattern of names, and nobody in particular".to_owned(),
            );
        }
        for option in &self.options {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = value.trim_matches('"');
            let moment =
                || moment(value).ok_or_else(|| format!("`{}` is no moment", bounded(option, 60)));
            match name.to_ascii_lowercase().as_str() {
                "namespaces" if value.split(',').any(|one| one == NAMESPACE) => {}
                "namespaces" => {
                    return Err(format!("its key is not allowed for `{NAMESPACE}`"));
                }
                "valid-after" if now < moment()? => {
                    return Err("its key holds only later".to_owned());
                }
                "valid-before" if now >= moment()? => {
                    return Err("its key held only until earlier".to_owned());
                }
                "valid-after" | "valid-before" => {}
                _ => {
                    return Err(format!(
                        "its key has an option that is not known here: `{}`",
                        bounded(name, 40)
                    ));
                }
            }
        }
        Ok(())
    }
}

/// A moment as the file writes it: a day, or a time to the minute or second, of UTC with a `Z` behind it, else of here.
fn moment(text: &str) -> Option<Timestamp> {
    let (text, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(text) => (text, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    if !matches!(text.len(), 8 | 12 | 14) {
        return None;
    }
    let at = DateTime::strptime("%Y%m%d%H%M%S", format!("{text:0<14}")).ok()?;
    Some(at.to_zoned(zone).ok()?.timestamp())
}
