//! Durations and limits as runbooks write them: `3m`, `1h30m`, `<= 1 %`, `> 2 s`. A limit keeps the text it was
//! written as, for the screen and the digest, beside the figure it compares with.

use std::fmt::{self, Write as _};

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

/// Reads `90s`, `3m`, `1h30m`, `7d`, `500ms`; a day is 24 hours.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit: i64 = match rest.get(..letters)? {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(amount.checked_mul(unit)?)?;
        rest = rest.get(letters..)?;
    }
    Some(SignedDuration::from_millis(total))
}

/// The shortest text that reads back as the same duration.
pub fn show_duration(duration: SignedDuration) -> String {
    let mut left = duration.as_millis().max(0);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, size) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ] {
        let count = left / size;
        left %= size;
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    text
}

/// The same for a sentence: its parts apart, as `5 m` and `1 h 30 m`.
pub fn say_duration(duration: SignedDuration) -> String {
    let mut said = String::new();
    let mut before: Option<char> = None;
    for c in show_duration(duration).chars() {
        if before.is_some_and(|before| before.is_ascii_digit() != c.is_ascii_digit()) {
            said.push(' ');
        }
        said.push(c);
        before = Some(c);
    }
    said
}

/// About how long, for a plan nobody can time to the second: whole minutes from ten of them, whole hours from a day.
pub fn say_about(duration: SignedDuration) -> String {
    let step = match duration.as_secs() {
        86_400.. => 3_600,
        600.. => 60,
        _ => 1,
    };
    let rounded = (duration.as_secs() + step / 2) / step * step;
    say_duration(SignedDuration::from_secs(rounded))
}

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A share; `1 %` is 0.01.
    Ratio,
    /// A time; `500 ms` is 0.5.
    Seconds,
    /// A plain number.
    Count,
}

/// How a figure is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtMost,
    Below,
    AtLeast,
    Above,
}

/// A comparison with a figure, as `<= 500 ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    comparison: Comparison,
    bound: f64,
    unit: Unit,
    text: String,
}

impl Limit {
    /// Whether one figure is further on the wrong side, or nearer to it, than another.
    pub fn worse(&self, figure: f64, than: f64) -> bool {
        match self.comparison {
            Comparison::AtMost | Comparison::Below => figure > than,
            Comparison::AtLeast | Comparison::Above => figure < than,
        }
    }

    /// Reads `<= 1 %`, `< 95 %`, `<= 500 ms`, `> 2 s`, `>= 20`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a limit: write a comparison, a number and a unit, as `<= 1 %` or `<= 500 ms`"
            )
        };
        let trimmed = text.trim();
        let (comparison, rest) = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Below),
            (">", Comparison::Above),
        ]
        .into_iter()
        .find_map(|(sign, comparison)| {
            trimmed
                .strip_prefix(sign)
                .map(|rest| (comparison, rest.trim()))
        })
        .ok_or_else(wrong)?;
        let digits = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let number: f64 = rest
            .get(..digits)
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(wrong)?;
        let (bound, unit) = match rest.get(digits..).unwrap_or_default().trim() {
            "%" => (number / 100.0, Unit::Ratio),
            "ms" => (number / 1000.0, Unit::Seconds),
            "s" => (number, Unit::Seconds),
            "m" | "min" => (number * 60.0, Unit::Seconds),
            "" => (number, Unit::Count),
            _ => return Err(wrong()),
        };
        Ok(Self {
            comparison,
            bound,
            unit,
            text: trimmed.to_owned(),
        })
    }

    /// Whether a figure is within; exactly at an inclusive limit it is.
    pub fn holds(&self, figure: f64) -> bool {
        let slack = f64::EPSILON * 16.0 * self.bound.abs().max(f64::MIN_POSITIVE);
        match self.comparison {
            Comparison::AtMost => figure <= self.bound + slack,
            Comparison::Below => figure < self.bound - slack,
            Comparison::AtLeast => figure >= self.bound - slack,
            Comparison::Above => figure > self.bound + slack,
        }
    }

    /// The unit the limit was written in.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The bound in base units: a share, seconds, or a count.
    pub fn bound(&self) -> f64 {
        self.bound
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A figure with its unit, for a sentence: `21.4 %`, `930 ms`, `1.2 s`, `3`.
pub fn show_figure(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::Ratio => format!("{} %", trim(figure * 100.0, 2)),
        Unit::Seconds if figure < 1.0 => format!("{} ms", trim(figure * 1000.0, 0)),
        Unit::Seconds => format!("{} s", trim(figure, 1)),
        Unit::Count => trim(figure, 2),
    }
}

fn trim(figure: f64, digits: usize) -> String {
    let text = format!("{figure:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_its_durations_apart_and_no_false_seconds() {
        for (seconds, exact, about) in [
            (0, "0 s", "0 s"),
            (300, "5 m", "5 m"),
            (90, "1 m 30 s", "1 m 30 s"),
            (1_305, "21 m 45 s", "22 m"),
            (604_810, "7 d 10 s", "7 d"),
        ] {
            let duration = SignedDuration::from_secs(seconds);
            assert_eq!(say_duration(duration), exact);
            assert_eq!(say_about(duration), about);
        }
    }

    #[test]
    fn durations_read_and_print_back() {
        for (text, seconds) in [
            ("90s", 90),
            ("3m", 180),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("0s", 0),
        ] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration.as_secs(), seconds, "{text}");
            assert_eq!(
                parse_duration(&show_duration(duration)),
                Some(duration),
                "{text}"
            );
        }
        for wrong in ["", "3", "m", "3 m", "-3m", "3y", "99999999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn exactly_at_an_inclusive_limit_is_within() {
        for (limit, figure, within) in [
            (">= 99 %", 0.99, true),
            (">= 99 %", 1.0 - 0.01, true),
            (">= 99 %", 0.9899, false),
            ("<= 500 ms", 0.5, true),
            ("<= 500 ms", 0.501, false),
            ("< 95 %", 0.95, false),
            ("> 2 s", 2.0, false),
            ("> 2 s", 2.1, true),
            ("<= 0", 0.0, true),
        ] {
            assert_eq!(
                Limit::parse(limit).unwrap().holds(figure),
                within,
                "{figure} {limit}"
            );
        }
    }

    #[test]
    fn figures_are_written_as_an_operator_reads_them() {
        for (figure, unit, text) in [
            (0.214, Unit::Ratio, "21.4 %"),
            (0.93, Unit::Seconds, "930 ms"),
            (1.2, Unit::Seconds, "1.2 s"),
            (3.0, Unit::Count, "3"),
        ] {
            assert_eq!(show_figure(figure, unit), text);
        }
    }

    #[test]
    fn a_limit_without_a_comparison_is_refused() {
        for wrong in ["1 %", "<= x", "<= 1 kg", ""] {
            assert!(Limit::parse(wrong).is_err(), "{wrong}");
        }
    }
}
