//! Silences: what was asked for, when it applies by the simulated clock, and the rules by which Alertmanager
//! accepts, replaces and expires them.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::sim::prometheus::alerts::rfc3339;
use crate::sim::promql::labels::{Labels, Matcher};
use crate::sim::series::load::mixed;

/// A silence as it is posted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Posted {
    /// The silence to replace, if any.
    #[serde(default)]
    pub id: String,
    /// Which alerts it covers.
    pub matchers: Option<Vec<PostedMatcher>>,
    /// When it begins.
    pub starts_at: Option<jiff::Timestamp>,
    /// When it ends.
    pub ends_at: Option<jiff::Timestamp>,
    /// Who asked.
    pub created_by: Option<String>,
    /// Why.
    pub comment: Option<String>,
}

/// A matcher as it is posted.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedMatcher {
    /// The label.
    pub name: String,
    /// The value or pattern.
    pub value: String,
    /// Whether the value is a pattern.
    pub is_regex: bool,
    /// Whether it must match, or must not.
    #[serde(default = "yes")]
    pub is_equal: bool,
}

fn yes() -> bool {
    true
}

/// Why a silence was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is incomplete: the code and message of the API's own validation.
    Incomplete(u16, String),
    /// It makes no sense.
    Invalid(String),
    /// The silence to replace or expire is not there.
    Unknown,
}

/// A silence.
#[derive(Debug, Clone)]
pub struct Silence {
    /// Its id.
    pub id: String,
    matchers: Vec<Matcher>,
    starts: i64,
    ends: i64,
    updated: i64,
    created_by: String,
    comment: String,
}

impl Silence {
    /// `pending`, `active` or `expired`.
    pub fn state(&self, now: i64) -> &'static str {
        if self.ends <= now {
            "expired"
        } else if self.starts > now {
            "pending"
        } else {
            "active"
        }
    }

    /// Whether it covers an alert now.
    pub fn covers(&self, labels: &Labels, now: i64) -> bool {
        self.state(now) == "active" && self.matchers.iter().all(|m| m.accepts(labels.get(&m.name)))
    }

    /// Whether a `filter` of the list names one of its matchers.
    pub fn is_about(&self, filter: &Matcher) -> bool {
        self.matchers
            .iter()
            .any(|m| m.name == filter.name && filter.accepts(&m.value))
    }

    /// It as Alertmanager shows it.
    pub fn json(&self, now: i64) -> Json {
        let matcher = |m: &Matcher| {
            let operator = m.operator();
            json!({
                "isEqual": !operator.starts_with('!'),
                "isRegex": operator.ends_with('~'),
                "name": m.name,
                "value": m.value,
            })
        };
        json!({
            "id": self.id,
            "status": {"state": self.state(now)},
            "updatedAt": rfc3339(self.updated),
            "comment": self.comment,
            "createdBy": self.created_by,
            "endsAt": rfc3339(self.ends),
            "matchers": self.matchers.iter().map(matcher).collect::<Vec<_>>(),
            "startsAt": rfc3339(self.starts),
        })
    }
}

/// All silences ever set.
#[derive(Debug, Default)]
pub struct Silences {
    all: Vec<Silence>,
}

impl Silences {
    /// The silence with an id.
    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.all.iter().find(|silence| silence.id == id)
    }

    /// The ids of the silences that cover an alert now, in order.
    pub fn covering(&self, labels: &Labels, now: i64) -> Vec<String> {
        let covering = self
            .all
            .iter()
            .filter(|silence| silence.covers(labels, now));
        let mut ids: Vec<String> = covering.map(|silence| silence.id.clone()).collect();
        ids.sort();
        ids
    }

    /// Active ones first by their end, then pending by their start, then expired, latest first.
    pub fn listed(&self, now: i64) -> Vec<&Silence> {
        let mut all: Vec<&Silence> = self.all.iter().collect();
        all.sort_by_key(|silence| match silence.state(now) {
            "active" => (0, silence.ends),
            "pending" => (1, silence.starts),
            _ => (2, -silence.ends),
        });
        all
    }

    /// Sets a silence and gives its id; one that is replaced by a different one ends now.
    pub fn set(&mut self, posted: Posted, now: i64) -> Result<String, Refused> {
        let replaced = posted.id.clone();
        let mut silence = accepted(posted, now)?;
        if !replaced.is_empty() {
            let old = self
                .all
                .iter_mut()
                .find(|own| own.id == replaced)
                .ok_or(Refused::Unknown)?;
            let text = |own: &Silence| {
                own.matchers
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            };
            if old.state(now) != "expired" && text(old) == text(&silence) {
                silence.id.clone_from(&old.id);
                silence.starts = old.starts;
                *old = silence;
                return Ok(replaced);
            }
            if old.state(now) != "expired" {
                old.ends = now;
                old.updated = now;
            }
        }
        silence.id = identifier(now, self.all.len());
        let id = silence.id.clone();
        self.all.push(silence);
        Ok(id)
    }

    /// Ends a silence now.
    pub fn expire(&mut self, id: &str, now: i64) -> Result<(), Refused> {
        let silence = self
            .all
            .iter_mut()
            .find(|own| own.id == id)
            .ok_or(Refused::Unknown)?;
        // To expire what has ended changes nothing and is accepted, as by the real one.
        if silence.state(now) == "expired" {
            return Ok(());
        }
        silence.starts = silence.starts.min(now);
        silence.ends = now;
        silence.updated = now;
        Ok(())
    }
}

fn accepted(posted: Posted, now: i64) -> Result<Silence, Refused> {
    let missing = |name: &str| Refused::Incomplete(602, format!("{name} in body is required"));
    let comment = posted.comment.ok_or_else(|| missing("comment"))?;
    let created_by = posted.created_by.ok_or_else(|| missing("createdBy"))?;
    let ends = posted
        .ends_at
        .ok_or_else(|| missing("endsAt"))?
        .as_millisecond();
    let matchers = posted.matchers.ok_or_else(|| missing("matchers"))?;
    let starts = posted
        .starts_at
        .ok_or_else(|| missing("startsAt"))?
        .as_millisecond();
    if matchers.is_empty() {
        return Err(Refused::Incomplete(
            612,
            "matchers in body should have at least 1 items".into(),
        ));
    }
    if ends <= starts {
        return Err(Refused::Invalid(
            "Failed to create silence: start time must be before end time".into(),
        ));
    }
    if ends <= now {
        return Err(Refused::Invalid(
            "Failed to create silence: end time can't be in the past".into(),
        ));
    }
    let matchers = matchers
        .iter()
        .enumerate()
        .map(|(n, m)| compiled(n, m))
        .collect::<Result<Vec<_>, _>>()?;
    if matchers.iter().all(|m| m.accepts("")) {
        return Err(Refused::Invalid(
            "silence invalid: at least one matcher must not match the empty string".into(),
        ));
    }
    Ok(Silence {
        id: String::new(),
        matchers,
        starts: starts.max(now),
        ends,
        updated: now,
        created_by,
        comment,
    })
}

fn compiled(number: usize, posted: &PostedMatcher) -> Result<Matcher, Refused> {
    let operator = match (posted.is_equal, posted.is_regex) {
        (true, false) => "=",
        (true, true) => "=~",
        (false, false) => "!=",
        (false, true) => "!~",
    };
    let invalid = |what| {
        let value = &posted.value;
        Refused::Invalid(format!(
            "silence invalid: invalid label matcher {number}: invalid regular expression {value:?}: {what}"
        ))
    };
    Matcher::new(&posted.name, operator, &posted.value).map_err(invalid)
}

/// An id in the form of a random UUID.
fn identifier(now: i64, number: usize) -> String {
    let high = mixed(now as u64 ^ mixed(number as u64));
    let low = mixed(high);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// Whether a text has the form of a UUID.
pub fn is_identifier(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
