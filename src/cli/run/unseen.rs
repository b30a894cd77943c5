//! Secrets that a run asks for where no screen is: read from standard input or another open file, or typed at the terminal
//! without being shown. They go straight to whoever carries the run out.

use crate::cli::args::value::Unseen;
use crate::cli::exit::Failed;
use crate::domain::hidden::Hidden;
use crate::terminal::typed_unseen;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use zeroize::Zeroizing;

/// The longest secret.
const LONGEST: u64 = 64 << 10;

/// What was given beforehand, by name.
#[derive(Debug, Default)]
pub struct Given(BTreeMap<String, Hidden>);

impl Given {
    /// Reads what the flags name. A mistake is told without what was written.
    pub fn read(all: &[Unseen]) -> Result<Self, Failed> {
        let mut given = BTreeMap::new();
        let mut places = Vec::new();
        for one in all {
            let Some(from) = one.from else {
                return Err(Failed::usage(
                    "--secret takes NAME=- or NAME=fd:N: a secret is read, it is never an argument",
                ));
            };
            let name = &one.name;
            if places.contains(&from) || given.contains_key(name) {
                return Err(Failed::usage(format!(
                    "--secret {name}: each is read once, and each from a place of its own"
                )));
            }
            places.push(from);
            let text = if from == 0 {
                whole(std::io::stdin().lock())
            } else {
                File::open(format!("/dev/fd/{from}")).and_then(whole)
            };
            let text = text.map_err(|error| {
                Failed::usage(format!("--secret {name} cannot be read: {}", error.kind()))
            })?;
            if text.is_empty() {
                return Err(Failed::usage(format!("--secret {name}: nothing was there")));
            }
            given.insert(name.clone(), Hidden::new(text.to_string()));
        }
        Ok(Self(given))
    }

    /// The secret of a name, if it was given; else asked for at the terminal, where there is one.
    pub fn take(&mut self, name: &str) -> Option<Hidden> {
        self.0.remove(name).or_else(|| {
            let typed = typed_unseen(&format!("{name} (it is not shown): "))?;
            Some(Hidden::new(typed.to_string()))
        })
    }
}

/// All of it, without the end of its last line.
fn whole(from: impl Read) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    from.take(LONGEST).read_to_string(&mut text)?;
    let bare = text.strip_suffix('\n').unwrap_or(&text);
    let bare = bare.strip_suffix('\r').unwrap_or(bare).len();
    text.truncate(bare);
    Ok(text)
}
