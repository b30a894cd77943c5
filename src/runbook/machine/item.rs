//! The items of a checklist as data: what is looked at and seen, what a person gives as evidence, how an item stands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::runbook::model::{Evidence, Glance, Window};
use crate::runbook::prose::{bounded, steers};
use crate::runbook::quantity::Limit;

/// The longest evidence that is kept, in characters.
pub(super) const LONGEST: usize = 500;

/// One thing to look at, references filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The item.
    pub item: String,
    /// What is asked.
    pub ask: Glance,
    /// Where.
    pub namespace: String,
    /// `Kind/name` of what it is about.
    pub target: Option<String>,
    /// Which signal.
    pub signal: Option<String>,
    /// What it must be within.
    pub limit: Option<Limit>,
    /// Which image should run.
    pub image: Option<String>,
    /// Which path should answer.
    pub path: Option<String>,
    /// Which keys should be there.
    pub keys: Vec<String>,
    /// Which values they should have.
    pub values: BTreeMap<String, String>,
    /// Which windows to keep out of.
    pub windows: Vec<Window>,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The item.
    pub item: String,
    /// Whether it holds; none where it could not be found out.
    pub holds: Option<bool>,
    /// What was seen, one sentence.
    pub said: String,
}

/// What a person gave for an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The step.
    pub step: String,
    /// The item.
    pub item: String,
    /// Which kind of evidence.
    pub evidence: Evidence,
    /// The address, the words, or the reason.
    pub text: String,
    /// The name of whoever vouches, as they typed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who gave it, as the run knows them.
    pub by: String,
    /// It goes past what the program saw, or could not see.
    pub overridden: bool,
}

impl Tick {
    /// What was given, as a sentence for the record.
    pub fn words(&self) -> String {
        let who = self.name.as_deref().unwrap_or(&self.by);
        let what = match self.evidence {
            Evidence::Link => "is shown at",
            Evidence::Na => "does not apply, says",
            Evidence::Attest | Evidence::Auto => "is attested by",
        };
        let (item, text) = (&self.item, &self.text);
        let words = match self.evidence {
            Evidence::Link => format!("{item} {what} {text} ({who})"),
            _ if text.is_empty() => format!("{item} {what} {who}"),
            _ => format!("{item} {what} {who}: {text}"),
        };
        if self.overridden {
            format!("{words} (OVERRIDDEN: it was not seen to be true)")
        } else {
            words
        }
    }
}

/// How an item stands in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemRecord {
    /// What the program saw last: whether it holds, and the sentence.
    pub seen: Option<(Option<bool>, String)>,
    /// What a person gave.
    pub given: Option<(Tick, Timestamp)>,
}

impl ItemRecord {
    /// Whether nothing more is needed.
    pub fn is_settled(&self) -> bool {
        self.given.is_some() || matches!(self.seen, Some((Some(true), _)))
    }

    /// Whether a person went past what was seen.
    pub fn is_overridden(&self) -> bool {
        self.given.as_ref().is_some_and(|(tick, _)| tick.overridden)
    }

    /// How it was settled, in words; empty while it is open.
    pub fn words(&self) -> String {
        let seen = self.seen.as_ref().map_or("", |(_, said)| said.as_str());
        match (&self.given, &self.seen) {
            (Some((tick, at)), _) => {
                let at = at.strftime("%Y-%m-%d %H:%MZ");
                let who = tick.name.as_deref().unwrap_or(&tick.by);
                let text = if tick.text.is_empty() {
                    String::new()
                } else {
                    format!(": {}", tick.text)
                };
                match (tick.overridden, tick.evidence) {
                    (true, _) => format!("OVERRIDDEN by {who} at {at}{text} (seen: {seen})"),
                    (false, Evidence::Link) => format!("{} (given by {who} at {at})", tick.text),
                    (false, Evidence::Na) => format!("does not apply{text} ({who} at {at})"),
                    (false, _) => format!("attested by {who} at {at}{text}"),
                }
            }
            (None, Some((Some(true), said))) => said.clone(),
            _ => String::new(),
        }
    }
}

/// An item of a list as it is shown: what it is, how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// What must be true.
    pub text: String,
    /// How a person finds out.
    pub help: Option<String>,
    /// What a person may give as evidence now, the best first.
    pub ways: Vec<Evidence>,
    /// The trap it catches.
    pub trap: Option<String>,
    /// Its condition is false: nothing is asked.
    pub left_out: bool,
    /// How it stands.
    pub record: ItemRecord,
}

impl Item {
    /// Whether a person is still needed for it.
    pub fn is_open(&self) -> bool {
        !self.left_out && !self.record.is_settled()
    }
}

/// Evidence as it is typed and as `--answer STEP.ITEM=` takes it: `attest:NAME: WORDS`, `link:URL`, `na:REASON`.
pub fn read_evidence(text: &str) -> Result<(Evidence, Option<String>, String), String> {
    let form = "write attest:NAME: WORDS, link:URL or na:REASON";
    let (kind, rest) = text.split_once(':').ok_or_else(|| form.to_owned())?;
    let rest = rest.trim();
    if rest.chars().any(steers) || rest.contains('\n') {
        return Err("control or direction characters are not taken".to_owned());
    }
    if rest.chars().count() > LONGEST {
        return Err(format!("longer than {LONGEST} characters"));
    }
    match kind {
        "attest" => {
            let (name, words) = rest.split_once(':').unwrap_or((rest, ""));
            let name = name.trim();
            if name.is_empty() {
                return Err(
                    "whoever attests says who they are, as `Ada: all green at 4f2a`".to_owned(),
                );
            }
            Ok((
                Evidence::Attest,
                Some(name.to_owned()),
                words.trim().to_owned(),
            ))
        }
        "link" => address(rest).map(|()| (Evidence::Link, None, rest.to_owned())),
        "na" if rest.is_empty() => Err("say why it does not apply".to_owned()),
        "na" => Ok((Evidence::Na, None, rest.to_owned())),
        _ => Err(form.to_owned()),
    }
}

/// Whether a text is an address that may stand in a record: of the web, with a host, and without a password.
fn address(text: &str) -> Result<(), String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or_else(|| {
            format!(
                "`{}` is no address: it begins with https:// or http://",
                bounded(text, 60)
            )
        })?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Err("an address with a user or a password in it is not written down".to_owned());
    }
    let name = host.split(':').next().unwrap_or_default();
    if name.is_empty() || text.contains(char::is_whitespace) {
        return Err(format!(
            "`{}` is no address: it names no host",
            bounded(text, 60)
        ));
    }
    Ok(())
}
