//! A checklist as the file declares it: what must be true, which evidence counts, and what the program looks at by itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::runbook::check::Check;
use crate::runbook::model::guard::When;
use crate::runbook::model::words::{Evidence, Glance};
use crate::runbook::quantity::Limit;
use crate::runbook::template::Text;

/// One item to settle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChecklistItem {
    /// Its id within the list.
    pub id: String,
    /// What must be true.
    #[serde(skip)]
    pub text: String,
    /// What counts as evidence.
    pub evidence: Vec<Evidence>,
    /// Asked only if this holds.
    pub when: Option<When>,
    /// What the program looks at, where `auto` is among the evidence.
    pub proof: Option<Proof>,
    /// How a person finds out.
    #[serde(skip)]
    pub help: Option<String>,
    /// The trap it catches, as `T43`.
    pub trap: Option<String>,
}

/// What supplies an `auto` item.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A value the run has learned, held against a test.
    Value(Check),
    /// Something the platform is asked.
    Asked(Box<Asked>),
}

/// A question to the platform, references still unfilled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// What is asked.
    pub ask: Glance,
    /// Where.
    pub ns: Text,
    /// About which object.
    pub target: Option<Text>,
    /// Which signal.
    pub signal: Option<String>,
    /// What it must be within.
    pub limit: Option<Limit>,
    /// Which image should run.
    pub image: Option<Text>,
    /// Which path should answer.
    pub path: Option<Text>,
    /// Which keys should be there.
    pub keys: Vec<String>,
    /// Which values they should have; never of a Secret.
    pub values: BTreeMap<String, String>,
    /// Which weekly windows to keep out of.
    pub windows: Vec<Window>,
}

/// A weekly window in UTC, written `mon 04:00-05:00`; `daily` instead of a day means every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Days from Monday, from zero; none means every day.
    pub day: Option<u8>,
    /// Minutes after midnight at which it begins.
    pub from: u16,
    /// Minutes after midnight at which it ends.
    pub until: u16,
}

/// Days as files write them, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Window {
    /// Reads `mon 04:00-05:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, span) = text.trim().split_once(' ')?;
        let day = match day {
            "daily" => None,
            day => Some(DAYS.iter().position(|known| *known == day)? as u8),
        };
        let (from, until) = span.trim().split_once('-')?;
        let minutes = |text: &str| {
            let (hours, minutes) = text.split_once(':')?;
            let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            if !digits(hours) || !digits(minutes) {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours * 60 + minutes <= 24 * 60 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (from, until) = (minutes(from)?, minutes(until)?);
        (from < until).then_some(Self { day, from, until })
    }

    /// Whether a moment, as a day from Monday and minutes after midnight, is inside.
    pub fn holds(&self, day: u8, minute: u16) -> bool {
        self.day.is_none_or(|own| own == day) && (self.from..self.until).contains(&minute)
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = self
            .day
            .and_then(|day| DAYS.get(usize::from(day)))
            .unwrap_or(&"daily");
        let (from, until) = (self.from, self.until);
        write!(
            out,
            "{day} {:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            until / 60,
            until % 60
        )
    }
}

impl Serialize for Window {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_shown_and_entered_only_inside() {
        let window = Window::parse("mon 04:00-05:00").unwrap();
        assert_eq!(window.to_string(), "mon 04:00-05:00");
        for (day, minute, inside) in [
            (0, 240, true),
            (0, 299, true),
            (0, 300, false),
            (0, 239, false),
            (1, 250, false),
        ] {
            assert_eq!(window.holds(day, minute), inside, "{day} {minute}");
        }
        assert!(
            Window::parse("daily 22:30-24:00")
                .unwrap()
                .holds(6, 23 * 60)
        );
        for wrong in [
            "mon",
            "mon 4:00-5:00",
            "mon 05:00-04:00",
            "lun 04:00-05:00",
            "mon 04:60-05:00",
            "mon 04:00-25:00",
            "",
        ] {
            assert_eq!(Window::parse(wrong), None, "{wrong}");
        }
    }
}
