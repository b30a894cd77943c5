//! Acts that are one runbook each, as they are asked for: with a key on a row, or as a line in the palette. Pure words;
//! what they mean here is settled in `perform`, and nothing is done but by their runbook.

/// One thing to be done to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Restart a workload.
    Restart,
    /// Set how many pods it has; `None` where no number was given.
    Scale(Option<u32>),
    /// Delete a pod.
    Delete,
    /// Evict a pod.
    Evict,
}

impl Act {
    /// The word in the palette.
    pub fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Scale(_) => "scale",
            Self::Delete => "delete",
            Self::Evict => "evict",
        }
    }

    /// The runbook that does it.
    pub fn runbook(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Scale(_) => "scale",
            Self::Delete => "delete-pod",
            Self::Evict => "evict-pod",
        }
    }

    /// Whether it is about one pod, and not about a workload.
    pub fn of_pod(self) -> bool {
        matches!(self, Self::Delete | Self::Evict)
    }
}

/// An act that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wish {
    /// What.
    pub act: Act,
    /// Of what, where it was named: `NAME` or `Kind/NAME`. Else what is under the cursor.
    pub name: Option<String>,
}

impl Wish {
    /// For what is under the cursor.
    pub fn of(act: Act) -> Self {
        Self { act, name: None }
    }
}

/// What a line with arguments means; `None` where it is about something else.
pub fn read(typed: &str) -> Option<Wish> {
    let mut words = typed.split_whitespace();
    let verb = words.next()?;
    let (first, second) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    let named = |act| Wish {
        act,
        name: Some(first.to_owned()),
    };
    match (verb, second) {
        ("restart", None) => Some(named(Act::Restart)),
        ("delete", None) => Some(named(Act::Delete)),
        ("evict", None) => Some(named(Act::Evict)),
        ("scale", None) => Some(match first.parse() {
            Ok(number) => Wish::of(Act::Scale(Some(number))),
            Err(_) => named(Act::Scale(None)),
        }),
        ("scale", Some(number)) => Some(named(Act::Scale(number.parse().ok()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_act_the_object_and_the_number() {
        let wish = |act, name: Option<&str>| {
            Some(Wish {
                act,
                name: name.map(str::to_owned),
            })
        };
        for (typed, wanted) in [
            ("scale api 5", wish(Act::Scale(Some(5)), Some("api"))),
            ("scale 5", wish(Act::Scale(Some(5)), None)),
            ("scale api", wish(Act::Scale(None), Some("api"))),
            ("scale api -1", wish(Act::Scale(None), Some("api"))),
            ("restart sts/redis", wish(Act::Restart, Some("sts/redis"))),
            (" delete  api-1 ", wish(Act::Delete, Some("api-1"))),
            ("evict api-1", wish(Act::Evict, Some("api-1"))),
            ("evict api-1 now", None),
            ("scale", None),
            ("ns prod", None),
        ] {
            assert_eq!(read(typed), wanted, "{typed}");
        }
    }
}
