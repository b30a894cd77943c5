//! Times as the wire has them: RFC 3339 in seconds, micro- and nanoseconds, HTTP dates, and the ages `kubectl` prints. Milliseconds since the epoch inside.

use jiff::Timestamp;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2026-11-22T03:10:12Z`
pub fn stamp(ms: i64) -> String {
    at(ms).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-22T03:10:12.250000Z`
pub fn micro(ms: i64) -> String {
    let fraction = ms.rem_euclid(1000);
    format!("{}.{fraction:03}000Z", at(ms).strftime("%Y-%m-%dT%H:%M:%S"))
}

/// `2026-11-22T03:10:12.250417333Z`, from a moment and the nanoseconds below its millisecond.
pub fn nano(ms: i64, below: u32) -> String {
    let fraction = ms.rem_euclid(1000);
    format!(
        "{}.{fraction:03}{:06}Z",
        at(ms).strftime("%Y-%m-%dT%H:%M:%S"),
        below % 1_000_000
    )
}

/// `Sun, 22 Nov 2026 03:10:12 GMT`
pub fn http(ms: i64) -> String {
    at(ms).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads any RFC 3339 time.
pub fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

/// An age as `kubectl get` prints it: `45s`, `3m20s`, `75m`, `4h30m`, `6d`.
pub fn age(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: i64, unit: char, small: i64, below: char| {
        if small == 0 {
            format!("{big}{unit}")
        } else {
            format!("{big}{unit}{small}{below}")
        }
    };
    match seconds {
        ..-1 => "<invalid>".into(),
        -1..0 => "0s".into(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

/// The age of an RFC 3339 time at a moment, or `<unknown>`.
pub fn age_of(text: &str, now_ms: i64) -> String {
    parse(text).map_or_else(|| "<unknown>".into(), |then| age(now_ms - then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_printed_as_kubectl_prints_them() {
        let s = 1000;
        let table = [
            (0, "0s"),
            (119 * s, "119s"),
            (120 * s, "2m"),
            (200 * s, "3m20s"),
            (601 * s, "10m"),
            (179 * 60 * s, "179m"),
            (3 * 3600 * s, "3h"),
            (4 * 3600 * s + 1800 * s, "4h30m"),
            (47 * 3600 * s, "47h"),
            (49 * 3600 * s, "2d1h"),
            (9 * 86_400 * s, "9d"),
        ];
        for (ms, text) in table {
            assert_eq!(age(ms), text);
        }
    }

    #[test]
    fn times_go_out_and_come_back() {
        let ms = 1_795_316_412_250;
        assert_eq!(parse(&stamp(ms)), Some(ms - 250));
        assert_eq!(parse(&micro(ms)), Some(ms));
        assert_eq!(parse(&nano(ms, 417_333)), Some(ms));
        assert_eq!(parse("yesterday"), None);
        assert!(http(ms).ends_with(" GMT"));
    }
}
