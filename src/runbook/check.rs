//! Predicates over values a step learned: `is`, `in`, `not`, `has`, `limit`. No expressions: one reference on the
//! left, plain values on the right.

use serde::Serialize;
use serde_json::Value;

use crate::runbook::prose::bounded;
use crate::runbook::quantity::{Limit, parse_duration};
use crate::runbook::template::{Path, Scope, plain};

/// So many plain entries of a list are written out.
const SHOWN: usize = 6;
/// The longest value that is quoted whole.
const LONGEST: usize = 120;

/// What a value is held against.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Test {
    /// Equal to this; `"empty"` and `"set"` are words.
    Is(Value),
    /// Anything but this; `"empty"` is a word.
    Not(Value),
    /// One of these.
    In(Vec<Value>),
    /// A list or table that holds all of these.
    Has(Vec<Value>),
    /// A figure within a limit.
    Limit(Limit),
}

impl Test {
    /// Whether the value passes; `None` is a value that is not there.
    pub fn holds(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Is(wanted) => equals(value, wanted),
            Self::Not(unwanted) => {
                (value.is_some() || unwanted.as_str() == Some("empty")) && !equals(value, unwanted)
            }
            Self::In(wanted) => wanted.iter().any(|wanted| equals(value, wanted)),
            Self::Has(wanted) => {
                value.is_some_and(|value| wanted.iter().all(|wanted| contains(value, wanted)))
            }
            Self::Limit(limit) => value
                .and_then(figure)
                .is_some_and(|figure| limit.holds(figure)),
        }
    }

    /// The test in words, after the name of what it tests.
    pub fn words(&self) -> String {
        let list = |values: &[Value]| values.iter().map(plain).collect::<Vec<_>>().join(", ");
        match self {
            Self::Is(wanted) => format!("is {}", plain(wanted)),
            Self::Not(unwanted) => format!("is not {}", plain(unwanted)),
            Self::In(wanted) => format!("is one of {}", list(wanted)),
            Self::Has(wanted) => format!("has {}", list(wanted)),
            Self::Limit(limit) => limit.to_string(),
        }
    }
}

fn equals(value: Option<&Value>, wanted: &Value) -> bool {
    match wanted.as_str() {
        Some("empty") => is_empty(value),
        Some("set") => !is_empty(value),
        _ => value == Some(wanted),
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}

fn contains(value: &Value, wanted: &Value) -> bool {
    match value {
        Value::Array(items) => items.contains(wanted),
        Value::Object(fields) => wanted.as_str().is_some_and(|key| fields.contains_key(key)),
        Value::String(text) => wanted.as_str().is_some_and(|part| text.contains(part)),
        _ => false,
    }
}

/// A figure in base units: a number, or a duration text as seconds.
fn figure(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text
            .parse()
            .ok()
            .or_else(|| parse_duration(text).map(|duration| duration.as_secs_f64())),
        _ => None,
    }
}

/// One post-condition or look-up of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What is looked at.
    pub that: Path,
    /// What it must be.
    pub test: Test,
    /// The sentence shown when it does not hold.
    #[serde(skip)]
    pub say: Option<String>,
    /// The trap of the customer's text that this check catches, as `T22`.
    pub trap: Option<String>,
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Finding {
    /// Whether it held.
    pub holds: bool,
    /// What was asked and what was found, one sentence.
    pub fact: String,
    /// The trap it belongs to.
    pub trap: Option<String>,
}

impl Check {
    /// Evaluates the check where its references have values.
    pub fn find(&self, scope: &Scope<'_>) -> Finding {
        let value = scope.get(&self.that);
        let holds = self.test.holds(value.as_ref());
        let seen = value.as_ref().map_or_else(|| "unknown".to_owned(), brief);
        let fact = match (&self.say, holds) {
            (Some(say), false) => format!("{say} ({} is {seen})", self.that.name()),
            _ => format!("{} {}: it is {seen}", self.that.name(), self.test.words()),
        };
        Finding {
            holds,
            fact,
            trap: self.trap.clone(),
        }
    }
}

/// What was seen, short enough for a sentence: what has parts of its own is counted, never written out.
fn brief(value: &Value) -> String {
    let simple = |value: &Value| !value.is_array() && !value.is_object();
    match value {
        Value::Array(items) if !items.iter().all(simple) || items.len() > SHOWN => {
            counted(items.len(), "entry", "entries")
        }
        Value::Object(fields) => counted(fields.len(), "field", "fields"),
        _ => bounded(&plain(value), LONGEST),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_test_answers_for_present_absent_and_wrong() {
        let limit = |text: &str| Test::Limit(Limit::parse(text).unwrap());
        let table = [
            (Test::Is(json!(true)), Some(json!(true)), true),
            (Test::Is(json!(true)), None, false),
            (Test::Is(json!("empty")), Some(json!([])), true),
            (Test::Is(json!("empty")), None, true),
            (Test::Is(json!("set")), Some(json!("x")), true),
            (Test::Is(json!("set")), None, false),
            (Test::Not(json!("empty")), Some(json!(["a"])), true),
            (Test::Not(json!("empty")), None, false),
            (Test::Not(json!("a")), Some(json!("b")), true),
            (Test::Not(json!("a")), None, false),
            (
                Test::In(vec![json!("a"), json!("none")]),
                Some(json!("none")),
                true,
            ),
            (Test::In(vec![json!("a")]), Some(json!("b")), false),
            (Test::Has(vec![json!("a")]), Some(json!(["a", "b"])), true),
            (Test::Has(vec![json!("a")]), Some(json!({"a": null})), true),
            (Test::Has(vec![json!("a")]), None, false),
            (limit("<= 1 %"), Some(json!("0.01")), true),
            (limit("<= 1 %"), Some(json!("0.02")), false),
            (limit("<= 500 ms"), Some(json!("400ms")), true),
            (limit(">= 2"), Some(json!(2)), true),
            (limit(">= 2"), None, false),
        ];
        for (test, value, holds) in table {
            assert_eq!(test.holds(value.as_ref()), holds, "{test:?} {value:?}");
        }
    }

    #[test]
    fn what_has_parts_is_counted_and_what_is_long_is_cut() {
        let (that, long) = ("out.seen", "x".repeat(500));
        for (seen, wanted) in [
            (
                json!([{"name": "a", "uid": "1"}, {"name": "b", "uid": "2"}]),
                "seen is not empty: it is 2 entries",
            ),
            (json!({"a": 1}), "seen is not empty: it is 1 field"),
            (json!(["a", "b"]), "seen is not empty: it is a, b"),
        ] {
            let out = json!({ "seen": seen });
            assert_eq!(found(that, &out).fact, wanted);
        }
        let out = json!({ "seen": long });
        assert!(found(that, &out).fact.chars().count() < 160);
    }

    fn found(that: &str, out: &Value) -> Finding {
        let check = Check {
            that: Path::parse(that).unwrap(),
            test: Test::Not(json!("empty")),
            say: None,
            trap: None,
        };
        check.find(&Scope {
            out: Some(out),
            ..Scope::default()
        })
    }

    #[test]
    fn a_failed_check_says_its_own_sentence_and_what_it_saw() {
        let check = Check {
            that: Path::parse("out.paused").unwrap(),
            test: Test::Is(json!(false)),
            say: Some("The rollout is paused".to_owned()),
            trap: None,
        };
        let out = json!({"paused": true});
        let finding = check.find(&Scope {
            out: Some(&out),
            ..Scope::default()
        });
        assert_eq!(
            (finding.holds, finding.fact.as_str()),
            (false, "The rollout is paused (paused is true)")
        );
    }
}
