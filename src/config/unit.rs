//! Values people write with a unit: spans of time ("500 ms", "3m", "7d") and shares ("1 %", "0.05"). They read and print
//! themselves; the sentence of a failure says what would have been understood.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The `format` under which the schema marks a span of time.
pub const TIME: &str = "time-span";
/// The `format` under which the schema marks a share.
pub const RATIO: &str = "ratio";
/// The `format` under which the schema marks "off" or a span of time.
pub const OFF_OR_TIME: &str = "off-or-time-span";

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A span of time, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// So many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// As the standard library's type.
    pub const fn get(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is not a span of time; write a number and its unit, such as 500 ms, 5s, 3m, 1h 30m, 7d",
                text.trim()
            )
        };
        let mut rest = text.trim();
        let mut total = 0.0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let number_ends = rest
                .find(|c: char| !(c.is_ascii_digit() || c == '.'))
                .ok_or_else(wrong)?;
            let number: f64 = rest[..number_ends].parse().map_err(|_| wrong())?;
            rest = rest[number_ends..].trim_start();
            let unit_ends = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let (_, factor) = UNITS
                .iter()
                .find(|(unit, _)| *unit == &rest[..unit_ends])
                .ok_or_else(wrong)?;
            total += number * *factor as f64;
            rest = rest[unit_ends..].trim_start();
        }
        if total > 3.2e12 {
            return Err(format!("`{}` is more than a hundred years", text.trim()));
        }
        Ok(Self(total.round() as u64))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return out.write_str("0s");
        }
        let (mut left, mut first) = (self.0, true);
        for (unit, factor) in UNITS {
            let count = left / factor;
            left %= factor;
            if count > 0 {
                let gap = if first { "" } else { " " };
                let space = if unit == "ms" { " " } else { "" };
                write!(out, "{gap}{count}{space}{unit}")?;
                first = false;
            }
        }
        Ok(())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": TIME, "description": "A number and its unit: 500 ms, 5s, 3m, 1h 30m, 7d."})
    }
}

/// A share between 0 and 1, written "1 %" or 0.01.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// So many per cent.
    pub const fn percent(percent: f64) -> Self {
        Self(percent / 100.0)
    }

    /// Between 0 and 1.
    pub const fn get(self) -> f64 {
        self.0
    }

    fn checked(share: f64, text: &str) -> Result<Self, String> {
        if share.is_finite() && (0.0..=1.0).contains(&share) {
            return Ok(Self(share));
        }
        Err(format!(
            "`{text}` is not a share between 0 % and 100 %; write it as \"1 %\" or 0.01"
        ))
    }
}

impl FromStr for Ratio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, scale) = text
            .strip_suffix('%')
            .map_or((text, 1.0), |number| (number.trim_end(), 100.0));
        let share = number
            .parse::<f64>()
            .map_or(f64::NAN, |number| number / scale);
        Self::checked(share, text)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.0 * 1e8).round() / 1e6;
        write!(out, "{percent} %")
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RatioVisitor)
    }
}

struct RatioVisitor;

impl Visitor<'_> for RatioVisitor {
    type Value = Ratio;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a share such as \"1 %\" or 0.01")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ratio, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Ratio, E> {
        Ratio::checked(share, &share.to_string()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, share: i64) -> Result<Ratio, E> {
        self.visit_f64(share as f64)
    }

    fn visit_u64<E: de::Error>(self, share: u64) -> Result<Ratio, E> {
        self.visit_f64(share as f64)
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> Cow<'static, str> {
        "Ratio".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"], "format": RATIO, "description": "A share: \"1 %\" or 0.01."})
    }
}

/// "off", or a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffOr(pub Option<Time>);

impl FromStr for OffOr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "off" {
            return Ok(Self(None));
        }
        let time = text.parse().map_err(|_| {
            format!(
                "`{}` is neither \"off\" nor a span of time such as 7d",
                text.trim()
            )
        })?;
        Ok(Self(Some(time)))
    }
}

impl Serialize for OffOr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(time) => time.serialize(serializer),
            None => serializer.serialize_str("off"),
        }
    }
}

impl<'de> Deserialize<'de> for OffOr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for OffOr {
    fn schema_name() -> Cow<'static, str> {
        "OffOrTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": OFF_OR_TIME, "description": "\"off\", or a number and its unit such as 7d."})
    }
}

/// What is wrong with a text for one of the formats above; nothing for any other format.
pub fn complaint(format: &str, text: &str) -> Option<String> {
    match format {
        TIME => text.parse::<Time>().err(),
        RATIO => text.parse::<Ratio>().err(),
        OFF_OR_TIME => text.parse::<OffOr>().err(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_read_as_people_write_them() {
        for (text, millis) in [
            ("500 ms", 500),
            ("500ms", 500),
            ("5s", 5000),
            ("1.5 s", 1500),
            ("3m", 180_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("7d", 604_800_000),
            ("0s", 0),
        ] {
            assert_eq!(text.parse::<Time>(), Ok(Time::millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "5 parsecs", "-3s", "1e3s", "9999999d", "3m x"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn spans_of_time_print_what_reads_back() {
        for millis in [0, 1, 500, 5000, 90_000, 5_400_000, 604_800_000, 61_001] {
            let time = Time::millis(millis);
            assert_eq!(time.to_string().parse(), Ok(time), "{time}");
        }
        assert_eq!(Time::millis(90_000).to_string(), "1m 30s");
    }

    #[test]
    fn shares_read_in_per_cent_and_as_numbers() {
        for (text, share) in [
            ("1 %", 0.01),
            ("1%", 0.01),
            ("0.05", 0.05),
            ("100 %", 1.0),
            ("0", 0.0),
        ] {
            assert_eq!(text.parse::<Ratio>(), Ok(Ratio(share)), "{text}");
        }
        for text in ["150 %", "-1 %", "NaN", "much", "", "%"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
        assert_eq!(Ratio::percent(0.1).to_string(), "0.1 %");
        assert_eq!(Ratio(0.07).to_string(), "7 %");
    }
}
