//! Texts searched for what should not stand in them: a pattern of the file's, or personal data. What is found is masked
//! where it is found: only its kind, its first letter and how often it stood there leave this module. Pure.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use regex::{Regex, RegexBuilder};

use crate::runbook::prose::bounded;

/// The longest pattern that is taken.
const LONGEST: usize = 512;
/// How large a pattern may become inside.
const SIZE: usize = 2 << 20;
/// The most kinds of findings that are kept apart.
const MOST: usize = 50;

/// What is built in: what it is called, and how it looks. A group `v` is the value, where the whole is more.
const PERSONAL: [(&str, &str); 6] = [
    (
        "e-mail address",
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b",
    ),
    ("IP address", r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    (
        "token",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    ),
    ("browser", r"\bMozilla/\d[^\x22\x27]*"),
    ("card number", r"\b\d(?:[ -]?\d){12,18}\b"),
    (
        "personal field",
        r"(?i)\b(?:user_?id|user_?name|email|e_mail|phone|msisdn|first_?name|last_?name|address|birth_?date|iban|passwd|password)\\?[\x22\x27]?\s*[=:]\s*\\?[\x22\x27]?(?P<v>[^\s\x22\x27,;}\\&]+)",
    ),
];

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Patterns(Vec<(&'static str, Regex)>);

/// What stood somewhere, masked, and in how many lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// By where, kind and mask.
    pub all: BTreeMap<(String, String, String), u64>,
    /// Lines with a finding that is not listed, since there are too many.
    pub more: u64,
}

impl Patterns {
    /// A pattern of the file's, or what is built in.
    pub fn new(own: Option<&str>) -> Result<Self, String> {
        let compiled = |pattern: &str| {
            if pattern.is_empty() || pattern.len() > LONGEST {
                return Err(format!("a pattern has 1 to {LONGEST} bytes"));
            }
            let built = RegexBuilder::new(pattern).size_limit(SIZE).build();
            built.map_err(|error| {
                format!(
                    "no regular expression: {}",
                    bounded(&error.to_string(), 160)
                )
            })
        };
        if let Some(own) = own {
            return Ok(Self(vec![("pattern", compiled(own)?)]));
        }
        let all = PERSONAL.iter();
        let all = all.map(|(kind, pattern)| Ok((*kind, compiled(pattern)?)));
        Ok(Self(all.collect::<Result<_, String>>()?))
    }

    /// Searches one line of somewhere.
    pub fn search(&self, place: &str, line: &str, findings: &mut Findings) {
        for (kind, pattern) in &self.0 {
            let mut masks: Vec<String> = Vec::new();
            for found in pattern.captures_iter(line) {
                let Some(value) = found.name("v").or_else(|| found.get(0)) else {
                    continue;
                };
                let mask = mask(value.as_str());
                if counts(kind, value.as_str()) && !masks.contains(&mask) {
                    masks.push(mask);
                }
            }
            for mask in masks {
                findings.add(place, kind, mask);
            }
        }
    }

    /// Searches the labels of metrics; how many families there are. A comment or a name of a metric is no finding.
    pub fn search_metrics(&self, place: &str, text: &str, findings: &mut Findings) -> usize {
        let mut families = 0;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (head, labels) = match (line.find('{'), line.rfind('}')) {
                (Some(open), Some(close)) if open < close => {
                    (&line[..open], &line[open + 1..close])
                }
                _ => (line.split_whitespace().next().unwrap_or_default(), ""),
            };
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            if head.is_empty() || !head.trim().chars().all(name) {
                continue;
            }
            families += 1;
            self.search(place, labels, findings);
        }
        families
    }
}

impl Findings {
    fn add(&mut self, place: &str, kind: &str, mask: String) {
        let key = (place.to_owned(), kind.to_owned(), mask);
        if let Some(count) = self.all.get_mut(&key) {
            *count += 1;
        } else if self.all.len() < MOST {
            self.all.insert(key, 1);
        } else {
            self.more += 1;
        }
    }

    /// Each in words, the most frequent first.
    pub fn words(&self) -> Vec<String> {
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let mut words: Vec<String> = all
            .into_iter()
            .map(|((place, kind, mask), count)| {
                let lines = if *count == 1 { "line" } else { "lines" };
                format!("{kind} {mask} in {}, {count} {lines}", bounded(place, 120))
            })
            .collect();
        if self.more > 0 {
            words.push(format!("and {} more", self.more));
        }
        words
    }
}

/// Whether what looks like it is it.
fn counts(kind: &str, value: &str) -> bool {
    match kind {
        "IP address" => value.parse::<Ipv4Addr>().is_ok_and(|ip| {
            // An address of the cluster or of this machine is nobody's.
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast())
                && !(ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]))
        }),
        "card number" => luhn(value),
        // A template's place, or nothing.
        "personal field" => {
            !matches!(value, "null" | "none" | "nil" | "-" | "true" | "false")
                && !value.starts_with(['{', '<', '[', '*'])
        }
        _ => true,
    }
}

fn luhn(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    // An id of sixteen digits is more common than a card: those begin otherwise, or are written in groups.
    let begins = matches!(
        digits.as_slice(),
        [4, ..] | [5, 1..=5, ..] | [3, 4 | 7, ..] | [6, 5, ..]
    );
    let grouped = value.contains([' ', '-']);
    (begins || grouped)
        && (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.iter().any(|digit| *digit != digits[0])
}

/// What of a finding may be shown: `j***@e***.com`, else its first letter.
fn mask(value: &str) -> String {
    let first = |text: &str| {
        let letter = text.chars().next().filter(|c| !c.is_control());
        letter.map_or_else(String::new, String::from)
    };
    let address = value
        .split_once('@')
        .and_then(|(name, host)| Some((name, host.rsplit_once('.')?)));
    let masked = match address {
        Some((name, (host, end))) => format!("{}***@{}***.{end}", first(name), first(host)),
        None => format!("{}***", first(value)),
    };
    bounded(&masked, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(own: Option<&str>, line: &str) -> Vec<String> {
        let mut findings = Findings::default();
        Patterns::new(own)
            .unwrap()
            .search("pod", line, &mut findings);
        findings.words()
    }

    #[test]
    fn personal_data_is_found_and_only_its_mask_is_told() {
        for (line, kind, mask, secret) in [
            (
                "mail to jane.doe@example.com now",
                "e-mail address",
                "j***@e***.com",
                "jane",
            ),
            ("client=203.0.113.9 ok", "IP address", "2***", "203.0"),
            ("user_id=\"4211\"", "personal field", "4***", "4211"),
            ("{\"userId\":\"anna\"}", "personal field", "a***", "anna"),
            ("{\\\"email\\\":\\\"x\\\"}", "personal field", "x***", "\"x"),
            ("ua=\"Mozilla/5.0 (X11)\"", "browser", "M***", "X11"),
            (
                "bearer eyJhbGciOi1.eyJzdWIiOiIx.c2ln",
                "token",
                "e***",
                "hbGci",
            ),
            ("card 4111 1111 1111 1111", "card number", "4***", "1111"),
        ] {
            let words = found(None, line);
            let told = words.iter().find(|one| one.starts_with(kind));
            assert!(
                told.is_some_and(|one| one.contains(mask)),
                "{line}: {words:?}"
            );
            assert!(
                words.iter().all(|one| !one.contains(secret)),
                "{line}: {words:?}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for line in [
            "GET /api/v1/tracks 200 in 12 ms",
            "listening on 10.1.2.3:8080 and 127.0.0.1, peer 100.64.3.1",
            "version 1.2.3.4567 of 999.1.1.1",
            "order 1234567812345678 and 0000000000000000",
            "email: null, user_id: -",
            "@example at home",
        ] {
            assert_eq!(found(None, line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn metrics_are_searched_in_their_labels_alone() {
        let text = "# HELP email_queue_depth Mails to jane@example.com.\n# TYPE email_queue_depth gauge\nemail_queue_depth 4\nhttp_requests_total{user_id=\"42\",path=\"/x\"} 3\nnonsense here\n";
        let mut findings = Findings::default();
        let families = Patterns::new(None)
            .unwrap()
            .search_metrics("p", text, &mut findings);
        assert_eq!(findings.words(), ["personal field 4*** in p, 1 line"]);
        assert_eq!(families, 3, "a name and a value each");
        let none =
            Patterns::new(None)
                .unwrap()
                .search_metrics("p", "<html>no</html>", &mut findings);
        assert_eq!(none, 0);
    }

    #[test]
    fn a_pattern_is_bounded_and_linear() {
        assert!(Patterns::new(Some("(")).is_err() && Patterns::new(Some("")).is_err());
        assert!(Patterns::new(Some(&"a".repeat(LONGEST + 1))).is_err());
        assert!(Patterns::new(Some("((a{1000}){1000}){1000}")).is_err());
        assert!(found(Some("(a+)+$"), &format!("{}!", "a".repeat(20_000))).is_empty());
        assert_eq!(
            found(Some("tracks/[0-9]+"), "GET tracks/77"),
            ["pattern t*** in pod, 1 line"]
        );
    }

    #[test]
    fn what_was_found_stays_bounded() {
        let patterns = Patterns::new(None).unwrap();
        let mut findings = Findings::default();
        for number in 0..200 {
            let line = format!("a{number}@b{number}.c{}", "xyz".repeat(1 + number % 3));
            patterns.search(&format!("pod-{number}"), &line, &mut findings);
        }
        assert_eq!(findings.all.len(), MOST);
        assert_eq!(findings.more, 150);
        assert_eq!(findings.words().len(), MOST + 1);
        let hostile = found(Some(".+"), "\u{1b}]52;c;AAAA\u{7}");
        assert!(!hostile[0].contains('\u{1b}'), "{hostile:?}");
    }
}
