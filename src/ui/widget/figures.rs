//! Values as figures: a set number of digits, the unit behind, and `–` for what cannot be known. A value that
//! is not zero never reads as zero.

/// What stands for a value nobody knows.
pub const UNKNOWN: &str = "–";

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// A number with that many decimals.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    known(value).map_or_else(|| UNKNOWN.to_owned(), |value| fixed(value, decimals))
}

/// A difference with its sign: `+9`, `-0.02`, `0`.
pub fn signed(value: Option<f64>, decimals: usize) -> String {
    let Some(value) = known(value) else {
        return UNKNOWN.to_owned();
    };
    let digits = fixed(value.abs(), decimals);
    let sign = if value == 0.0 {
        ""
    } else if value < 0.0 {
        "-"
    } else {
        "+"
    };
    format!("{sign}{digits}")
}

/// A share, 0 to 1, as per cent with that many decimals: `21.4 %`.
pub fn percent(share: Option<f64>, decimals: usize) -> String {
    let Some(share) = known(share) else {
        return UNKNOWN.to_owned();
    };
    let text = fixed(share * 100.0, decimals);
    // Rounding must not turn "almost all" into "all".
    let whole = format!("{:.decimals$}", 100.0);
    if share < 1.0 && text == whole {
        let below = 100.0 - 10f64.powi(-(decimals as i32));
        return format!(">{below:.decimals$} %");
    }
    format!("{text} %")
}

/// A share for a sentence: `0.4 %` below ten per cent, else `21 %`.
pub fn percent_short(share: Option<f64>) -> String {
    let decimals = usize::from(share.is_none_or(|share| share.abs() < 0.0995));
    percent(share, decimals)
}

/// A latency in seconds: `0.4 ms`, `930 ms`, `1.2 s`, `42 s`, `3 m`.
pub fn latency(seconds: Option<f64>) -> String {
    let Some(seconds) = known(seconds) else {
        return UNKNOWN.to_owned();
    };
    let size = seconds.abs();
    match size {
        _ if size == 0.0 => "0 ms".to_owned(),
        _ if size < 0.000_95 => format!("{} ms", fixed(seconds * 1e3, 1)),
        _ if size < 0.999_5 => format!("{:.0} ms", seconds * 1e3),
        _ if size < 9.95 => format!("{seconds:.1} s"),
        _ if size < 119.5 => format!("{seconds:.0} s"),
        _ => format!("{:.0} m", seconds / MINUTE),
    }
}

/// An age in seconds, cut and not rounded: `32 s`, `2 m`, `3 h`, `6 d`.
pub fn age(seconds: Option<f64>) -> String {
    let Some(seconds) = known(seconds) else {
        return UNKNOWN.to_owned();
    };
    // Clocks differ between machines; an age below zero is an age of nothing.
    let seconds = seconds.max(0.0);
    match seconds {
        _ if seconds < 2.0 * MINUTE => format!("{:.0} s", seconds.floor()),
        _ if seconds < 2.0 * HOUR => format!("{:.0} m", (seconds / MINUTE).floor()),
        _ if seconds < 2.0 * DAY => format!("{:.0} h", (seconds / HOUR).floor()),
        _ => format!("{:.0} d", (seconds / DAY).floor()),
    }
}

/// A running time as a clock: `2:05`, `12:00`, `1:02:03`.
pub fn clock(seconds: Option<f64>) -> String {
    let Some(seconds) = known(seconds) else {
        return UNKNOWN.to_owned();
    };
    let whole = seconds.max(0.0) as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}"),
        _ => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

/// A count with its thousands apart: `1 287`.
pub fn count(value: Option<u64>) -> String {
    let Some(value) = value else {
        return UNKNOWN.to_owned();
    };
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A size: `512 B`, `1.5 KiB`, `64 MiB`.
pub fn bytes(value: Option<f64>) -> String {
    scaled(value, 1024.0, [" B", " KiB", " MiB", " GiB", " TiB"])
}

fn scaled(value: Option<f64>, step: f64, units: [&str; 5]) -> String {
    let Some(mut value) = known(value) else {
        return UNKNOWN.to_owned();
    };
    let mut unit = 0;
    while value.abs() >= step - 0.5 && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    let decimals = usize::from(unit > 0 && value.abs() < 9.95);
    format!("{value:.decimals$}{name}")
}

fn known(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// That many decimals; what is too small to show is `<` the smallest that could be.
fn fixed(value: f64, decimals: usize) -> String {
    let least = 10f64.powi(-(decimals as i32));
    if value != 0.0 && value.abs() < least / 2.0 {
        let sign = if value < 0.0 { ">-" } else { "<" };
        return format!("{sign}{least:.decimals$}");
    }
    format!("{:.decimals$}", if value == 0.0 { 0.0 } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_keep_their_digits() {
        let table = [
            (Some(0.214), 1, "21.4 %"),
            (Some(0.0), 1, "0.0 %"),
            (Some(0.000_1), 1, "<0.1 %"),
            (Some(0.999_2), 2, "99.92 %"),
            (Some(0.999_99), 1, ">99.9 %"),
            (Some(1.0), 1, "100.0 %"),
            (None, 1, "–"),
            (Some(f64::NAN), 1, "–"),
        ];
        for (share, decimals, want) in table {
            assert_eq!(percent(share, decimals), want);
        }
        assert_eq!(percent_short(Some(0.004)), "0.4 %");
        assert_eq!(percent_short(Some(0.214)), "21 %");
        assert_eq!(percent_short(None), "–");
    }

    #[test]
    fn latencies_change_unit_without_jumping() {
        let table = [
            (0.0, "0 ms"),
            (0.000_4, "0.4 ms"),
            (0.001, "1 ms"),
            (0.064, "64 ms"),
            (0.93, "930 ms"),
            (0.999_9, "1.0 s"),
            (1.24, "1.2 s"),
            (9.96, "10 s"),
            (42.0, "42 s"),
            (180.0, "3 m"),
        ];
        for (seconds, want) in table {
            assert_eq!(latency(Some(seconds)), want, "{seconds}");
        }
        assert_eq!(latency(Some(f64::INFINITY)), "–");
    }

    #[test]
    fn ages_and_clocks_read_as_on_the_screens() {
        let table = [
            (-5.0, "0 s"),
            (32.9, "32 s"),
            (75.0, "75 s"),
            (120.0, "2 m"),
            (7199.0, "119 m"),
            (10_800.0, "3 h"),
            (518_400.0, "6 d"),
        ];
        for (seconds, want) in table {
            assert_eq!(age(Some(seconds)), want, "{seconds}");
        }
        assert_eq!(age(None), "–");
        assert_eq!(clock(Some(125.0)), "2:05");
        assert_eq!(clock(Some(3723.9)), "1:02:03");
    }

    #[test]
    fn counts_sizes_and_differences() {
        assert_eq!(count(Some(1287)), "1 287");
        assert_eq!(count(Some(1_000_000)), "1 000 000");
        assert_eq!(count(Some(12)), "12");
        assert_eq!(count(None), "–");
        assert_eq!(bytes(Some(1536.0)), "1.5 KiB");
        assert_eq!(bytes(Some(67_108_864.0)), "64 MiB");
        assert_eq!(signed(Some(-0.02), 2), "-0.02");
        assert_eq!(signed(Some(9.0), 0), "+9");
        assert_eq!(signed(Some(0.0), 0), "0");
        assert_eq!(number(Some(-0.0), 1), "0.0");
        assert_eq!(number(Some(30.12), 1), "30.1");
    }

    proptest! {
        #[test]
        fn figures_stay_short_and_never_call_something_nothing(value in 1e-9f64..1e9) {
            prop_assert!(age(Some(value)).len() <= 8);
            prop_assert!(latency(Some(value)).len() <= 10);
            let shown = percent(Some((value / 1e9).min(1.0)), 1);
            prop_assert!(shown.len() <= 7, "{}", shown);
            prop_assert!(!shown.starts_with("0.0"), "{}", shown);
        }
    }
}
