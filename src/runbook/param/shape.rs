//! The shapes of typed texts that have a grammar of their own: addresses, cron lines, regular expressions, paths in Vault.
//! Shape only: nothing is opened, matched or run.

/// An http or https address with a host and without blanks, user or password.
pub fn url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let ported = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    text.len() <= 2048
        && !name.is_empty()
        && !host.contains('@')
        && ported
        && !text
            .chars()
            .any(|c| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '`'))
}

/// A path in Vault's KV version 2: a mount and at least one part, of letters that need no escaping.
pub fn vault(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    text.len() <= 512 && text.split('/').count() >= 2 && text.split('/').all(part)
}

/// The fields of a cron line: least, greatest, and names.
const FIELDS: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (
        1,
        12,
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    (0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// A cron line of five fields, each within its bounds.
pub fn cron(text: &str) -> bool {
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == FIELDS.len()
        && fields
            .iter()
            .zip(FIELDS)
            .all(|(field, bounds)| field.split(',').all(|part| cron_part(part, bounds)))
}

fn cron_part(part: &str, (least, greatest, names): (u32, u32, &[&str])) -> bool {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    let number = |text: &str| {
        let small = text.to_ascii_lowercase();
        let word = names.iter().position(|name| *name == small);
        let first = u32::from(least == 1);
        let value = word
            .map(|at| at as u32 + first)
            .or_else(|| text.parse().ok())?;
        (least..=greatest).contains(&value).then_some(value)
    };
    let stepped = step.is_none_or(|step| {
        step.parse::<u32>()
            .is_ok_and(|step| (1..=greatest).contains(&step))
    });
    let ranged = match range.split_once('-') {
        Some((from, until)) => {
            matches!((number(from), number(until)), (Some(from), Some(until)) if from <= until)
        }
        None => range == "*" || (number(range).is_some() && step.is_none()),
    };
    stepped && ranged
}

/// Whether a regular expression is well-formed: groups and classes closed, nothing repeated that is not there.
pub fn regex(text: &str) -> bool {
    let (mut groups, mut repeatable) = (0_u32, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                if rest.next().is_none() {
                    return false;
                }
                repeatable = true;
            }
            '(' => {
                groups += 1;
                if rest.next_if_eq(&'?').is_some() && rest.next().is_none() {
                    return false;
                }
                repeatable = false;
            }
            ')' => match groups.checked_sub(1) {
                Some(open) => (groups, repeatable) = (open, true),
                None => return false,
            },
            '[' => {
                if !class(&mut rest) {
                    return false;
                }
                repeatable = true;
            }
            '*' | '+' | '?' if !repeatable => return false,
            '*' | '+' | '?' => {
                let _ = rest.next_if(|c| *c == '?' || *c == '+');
                repeatable = false;
            }
            '|' | '^' => repeatable = false,
            _ => repeatable = true,
        }
    }
    !text.is_empty() && text.len() <= 512 && groups == 0
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let _ = rest.next_if_eq(&'^');
    // A bracket right at the beginning is itself.
    let _ = rest.next_if_eq(&']');
    while let Some(c) = rest.next() {
        match c {
            ']' => return true,
            '\\' => drop(rest.next()),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_take_what_is_well_formed_and_refuse_the_rest() {
        type Shape = (
            fn(&str) -> bool,
            &'static [&'static str],
            &'static [&'static str],
        );
        let table: [Shape; 4] = [
            (
                url,
                &[
                    "https://a.b/c?d=e#f",
                    "http://localhost:8080",
                    "http://[::1]:80/x",
                ],
                &[
                    "ftp://a",
                    "https://",
                    "https://u:p@a",
                    "https://a b",
                    "http://a:0",
                    "http://a:99999",
                    "https:///x",
                    "javascript:x",
                ],
            ),
            (
                vault,
                &["secret/veza/production", "kv-2/a_b.c"],
                &["secret", "a//b", "a/../b", "a/b?c", "/a/b", "a/é"],
            ),
            (
                cron,
                &["* * * * *", "*/5 0-6 1,15 jan-mar mon", "0 4 * * 7"],
                &[
                    "* * * *",
                    "60 * * * *",
                    "* 24 * * *",
                    "*/0 * * * *",
                    "5-1 * * * *",
                    "a * * * *",
                    "5/2 * * * *",
                ],
            ),
            (
                regex,
                &["a.*b", "^[^]a]+$", "(?:a|b)+?", r"\d{3}\.", "[[]"],
                &["", "(", "a)", "[a", "*a", "a|*", r"a\", "(*)", "(?"],
            ),
        ];
        for (shape, good, bad) in table {
            for text in good {
                assert!(shape(text), "{text}");
            }
            for text in bad {
                assert!(!shape(text), "{text}");
            }
        }
    }
}
