//! Values with a shape of their own on the command line: a screen, a size, KEY=VALUE. A wrong one is told what would do.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

/// A screen by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// One that needs no name of a thing.
    Named(String),
    /// The rollout of a workload.
    Rollout(String),
    /// The signals of a service.
    Signals(String),
}

/// The screens that need no name of a thing.
pub const SCREENS: [&str; 7] = [
    "overview",
    "pods",
    "workloads",
    "alerts",
    "timeline",
    "runbooks",
    "runs",
];

impl FromStr for Screen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || {
            format!(
                "there are {}, rollout/NAME and signals/NAME",
                SCREENS.join(", ")
            )
        };
        match text.split_once('/') {
            Some(("rollout", name)) if !name.is_empty() => Ok(Self::Rollout(name.to_owned())),
            Some(("signals", name)) if !name.is_empty() => Ok(Self::Signals(name.to_owned())),
            None if SCREENS.contains(&text) => Ok(Self::Named(text.to_owned())),
            None if text == "rollout" || text == "signals" => {
                Err(format!("of what? Write {text}/NAME"))
            }
            _ => Err(known()),
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => out.write_str(name),
            Self::Rollout(name) => write!(out, "rollout/{name}"),
            Self::Signals(name) => write!(out, "signals/{name}"),
        }
    }
}

/// The size of a printed screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSize {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl FromStr for FrameSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(['x', 'X', '×']);
        let size = parts.and_then(|(width, height)| {
            Some(Self {
                width: width.trim().parse().ok()?,
                height: height.trim().parse().ok()?,
            })
        });
        match size {
            None => Err("write columns and rows, such as 120x40".into()),
            Some(size)
                if !(20..=500).contains(&size.width) || !(5..=300).contains(&size.height) =>
            {
                Err("20x5 is the least, 500x300 the most".into())
            }
            Some(size) => Ok(size),
        }
    }
}

/// A parameter and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The parameter.
    pub key: String,
    /// Its value as typed.
    pub value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if is_name(key) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write KEY=VALUE, such as workload=veza-backend".into()),
        }
    }
}

/// The answer to a step, or to one item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The step.
    pub step: String,
    /// The item of it.
    pub item: Option<String>,
    /// The answer.
    pub value: Reply,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A choice or an input.
    Plain(String),
    /// A person vouches for an item, in these words.
    Attest(String),
    /// The proof of an item is there.
    Link(String),
    /// An item does not apply, for this reason.
    NotApplicable(String),
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            "write STEP=VALUE, or STEP.ITEM=attest:TEXT, STEP.ITEM=link:URL, STEP.ITEM=na:REASON"
                .to_owned()
        };
        let (place, value) = text.split_once('=').ok_or_else(form)?;
        let (step, item) = place
            .split_once('.')
            .map_or((place, None), |(step, item)| (step, Some(item)));
        // The steps of a call and of a repetition have paths.
        let path = step
            .split(['/', '[', ']'])
            .all(|part| part.is_empty() || is_name(part));
        if step.is_empty() || !path || item.is_some_and(|item| !is_name(item)) {
            return Err(form());
        }
        let value = match (item, value.split_once(':')) {
            (None, _) => Reply::Plain(value.to_owned()),
            (Some(_), Some(("attest", text))) if !text.trim().is_empty() => {
                Reply::Attest(text.to_owned())
            }
            (Some(_), Some(("link", text))) if !text.trim().is_empty() => {
                Reply::Link(text.to_owned())
            }
            (Some(_), Some(("na", text))) if !text.trim().is_empty() => {
                Reply::NotApplicable(text.to_owned())
            }
            (Some(_), _) => return Err(form()),
        };
        Ok(Self {
            step: step.to_owned(),
            item: item.map(str::to_owned),
            value,
        })
    }
}

/// Where a secret is read from. What is written in place of it is never repeated: it may be the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Its name.
    pub name: String,
    /// Where it is read from; none where that is no place.
    pub from: Option<Descriptor>,
}

/// An open file by its number; standard input is 0.
pub type Descriptor = u32;

impl std::fmt::Debug for Unseen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unseen({:?}, {:?})", self.name, self.from)
    }
}

impl FromStr for Unseen {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, from) = text.split_once('=').unwrap_or_default();
        let from = match from {
            "-" => Some(0),
            other => other.strip_prefix("fd:").and_then(|fd| fd.parse().ok()),
        };
        let from = from.filter(|_| is_name(name));
        let name = from.map_or_else(String::new, |_| name.to_owned());
        Ok(Self { name, from })
    }
}

/// A word that may be anything, with those that completions offer.
#[derive(Debug, Clone)]
pub struct Suggested(pub fn() -> Vec<&'static str>);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

/// A whole number, with what would do in place of the reader's own words.
pub fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim()
        .parse()
        .map_err(|_| "write a whole number from 0, such as 7".to_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_are_known_by_name() {
        for text in [
            "overview",
            "runs",
            "rollout/veza-backend",
            "signals/StatefulSet/db",
        ] {
            assert_eq!(
                text.parse::<Screen>().map(|screen| screen.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["", "rollout", "rollout/", "podz", "pods/x"] {
            assert!(text.parse::<Screen>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_columns_and_rows() {
        assert_eq!(
            "120x40".parse(),
            Ok(FrameSize {
                width: 120,
                height: 40
            })
        );
        for text in [
            "", "120", "x", "120x", "1x1", "99999x40", "-5x40", "120x40x2",
        ] {
            assert!(text.parse::<FrameSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_a_place_to_read_and_never_repeated() {
        let read = |text: &str| text.parse::<Unseen>().unwrap();
        assert_eq!(
            (read("pw=-").from, read("pw=fd:3").from),
            (Some(0), Some(3))
        );
        for given in ["pw=hunter2", "hunter2", "=-", "pw=fd:x"] {
            let unseen = read(given);
            assert_eq!(unseen.from, None, "{given}");
            assert!(!format!("{unseen:?}").contains("hunter2"));
        }
    }

    #[test]
    fn settings_and_answers_are_split_at_the_first_equals_sign() {
        let setting = |key: &str, value: &str| {
            Ok(Setting {
                key: key.into(),
                value: value.into(),
            })
        };
        assert_eq!("reason=a=b".parse(), setting("reason", "a=b"));
        assert_eq!("revision=".parse(), setting("revision", ""));
        assert!("revision".parse::<Setting>().is_err() && "=x".parse::<Setting>().is_err());
        let answer = |step: &str, item: Option<&str>, value| {
            Ok(Answer {
                step: step.into(),
                item: item.map(str::to_owned),
                value,
            })
        };
        assert_eq!(
            "pick=b:c".parse(),
            answer("pick", None, Reply::Plain("b:c".into()))
        );
        assert_eq!(
            "list.one=na:no cache here".parse(),
            answer(
                "list",
                Some("one"),
                Reply::NotApplicable("no cache here".into())
            )
        );
        for text in ["pick", "=x", "list.one=yes", "list.one=na:", "a b=c"] {
            assert!(text.parse::<Answer>().is_err(), "{text}");
        }
    }
}
