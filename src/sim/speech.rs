//! What a simulated container writes to its log: pure, made from who it is and when, so that asking twice gives the same lines. The face cuts and streams them.

use serde_json::json;

use super::ledger::Track;
use super::scenario::Fate;
use super::seed::{fold, mix};
use super::time;

/// How far back a log reaches.
pub const KEPT_MS: i64 = 2 * 3_600_000;

/// One line and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at_ms: i64,
    /// The nanoseconds below its millisecond.
    pub below: u32,
    /// The text, without the end of the line.
    pub text: String,
}

/// Who writes.
#[derive(Debug, Clone)]
pub struct Speaker<'a> {
    /// The pod's uid: the seed of what is said.
    pub uid: &'a str,
    /// The container.
    pub container: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What becomes of it.
    pub fate: Fate,
    /// When it started.
    pub started_ms: i64,
    /// When it ended, if it did.
    pub ended_ms: Option<i64>,
    /// How it answers, if it serves.
    pub track: Option<&'a Track>,
    /// Whether the trouble comes from what it depends on.
    pub dependency: bool,
}

const ROUTES: [&str; 6] = [
    "GET /api/v1/tracks",
    "GET /api/v1/tracks/:id",
    "POST /api/v1/plays",
    "GET /api/v1/me",
    "GET /api/v1/playlists",
    "PUT /api/v1/playlists/:id",
];

/// The lines from one moment up to, not including, another.
pub fn lines(speaker: &Speaker<'_>, from_ms: i64, until_ms: i64) -> Vec<Line> {
    let until = speaker
        .ended_ms
        .map_or(until_ms, |ended| until_ms.min(ended + 1));
    let from = from_ms.max(speaker.started_ms).max(until - KEPT_MS);
    let mut lines = Vec::new();
    for (at, text) in opening(speaker) {
        lines.push(line(speaker, at, text));
    }
    if !matches!(speaker.fate, Fate::Crashes { .. }) {
        let mut second = (from - 1000).div_euclid(1000) * 1000;
        while second < until {
            lines.extend(said_in(speaker, second));
            second += 1000;
        }
    } else if let Some(ended) = speaker.ended_ms {
        for (back, text) in closing(speaker) {
            lines.push(line(speaker, ended - back, text));
        }
    }
    lines.retain(|line| line.at_ms >= from && line.at_ms < until);
    lines.sort_by_key(|line| line.at_ms);
    lines
}

fn line(speaker: &Speaker<'_>, at_ms: i64, text: String) -> Line {
    let below = (mix(fold(speaker.uid) ^ at_ms as u64) % 1_000_000) as u32;
    Line { at_ms, below, text }
}

fn opening(speaker: &Speaker<'_>) -> Vec<(i64, String)> {
    let at = speaker.started_ms;
    let mut said = vec![
        (
            at + 40,
            format!("INFO  starting {} {}", speaker.container, speaker.version),
        ),
        (
            at + 210,
            "INFO  configuration read from environment (12 keys)".into(),
        ),
        (
            at + 480,
            "INFO  connected to postgres at postgres:5432, pool of 20".into(),
        ),
    ];
    if !matches!(speaker.fate, Fate::Crashes { code: 1, .. }) {
        said.push((at + 650, "INFO  listening on 0.0.0.0".into()));
    }
    said
}

fn closing(speaker: &Speaker<'_>) -> Vec<(i64, String)> {
    if speaker.fate
        == (Fate::Crashes {
            code: 137,
            reason: "OOMKilled",
        })
    {
        return vec![(420, "WARN  heap at 1012 MiB of 1024 MiB, collecting".into())];
    }
    vec![
        (90, "ERROR migration 0043_play_counts failed: column \"play_count\" of relation \"tracks\" does not exist".into()),
        (60, "panic: cannot start without migrations: 0043_play_counts".into()),
        (59, "goroutine 1 [running]:".into()),
        (58, "main.mustMigrate(0xc0001a2000)".into()),
        (57, "\t/src/cmd/server/main.go:118 +0x2f4".into()),
        (56, "main.main()".into()),
        (55, "\t/src/cmd/server/main.go:61 +0x1c9".into()),
    ]
}

/// What is said within one second: a request or two, errors among them as often as the pod really fails.
fn said_in(speaker: &Speaker<'_>, second: i64) -> Vec<Line> {
    let seed = mix(fold(speaker.uid) ^ (second as u64).rotate_left(17));
    let behaviour = speaker.track.and_then(|track| {
        let index = track.spans.partition_point(|span| span.from_ms <= second);
        index
            .checked_sub(1)
            .and_then(|i| track.spans.get(i))
            .map(|span| span.behaviour)
    });
    if speaker.fate == Fate::Unready {
        let quiet = second.rem_euclid(5000) != 0;
        return if quiet {
            Vec::new()
        } else {
            vec![line(
                speaker,
                second + 120,
                "WARN  not ready: cache is still warming (0 of 40 000 keys)".into(),
            )]
        };
    }
    let Some(behaviour) = behaviour.filter(|b| b.rps > 0.0) else {
        let quiet = second.rem_euclid(30_000) != 0;
        return if quiet {
            Vec::new()
        } else {
            vec![line(speaker, second + 300, "DEBUG idle".into())]
        };
    };
    let mut said = Vec::new();
    for n in 0..=(seed % 3) {
        let luck = mix(seed ^ n);
        let at = second + (luck % 1000) as i64;
        let share = (luck >> 20) % 10_000;
        let failed = (share as f64) < behaviour.errors * 10_000.0;
        let route = ROUTES[(luck >> 8) as usize % ROUTES.len()];
        let near = ((luck >> 34) % 100) as f64 / 50.0 + 0.3;
        let ms = (behaviour.median_ms * near).round();
        let status = if failed { 500 } else { 200 };
        let level = if failed { "error" } else { "info" };
        let entry = json!({"ts": time::micro(at), "level": level, "msg": "request", "route": route, "status": status, "ms": ms, "trace": format!("{:016x}", mix(luck))});
        said.push(line(speaker, at, entry.to_string()));
        if failed {
            let why = if speaker.dependency {
                [
                    "ERROR postgres: timed out after 2000 ms waiting for a connection (pool 20 of 20 in use)",
                    "    at Pool.acquire (/app/node_modules/pg-pool/index.js:45)",
                ]
            } else {
                [
                    "ERROR TypeError: Cannot read properties of undefined (reading 'plan')",
                    "    at entitlements (/app/dist/billing/entitlements.js:88:23)",
                ]
            };
            said.extend(
                why.into_iter()
                    .map(|text| line(speaker, at, text.to_owned())),
            );
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker() -> Speaker<'static> {
        Speaker {
            uid: "u",
            container: "backend",
            version: "v1",
            fate: Fate::Runs,
            started_ms: 1_000_000,
            ended_ms: None,
            track: None,
            dependency: false,
        }
    }

    #[test]
    fn asking_twice_or_in_parts_gives_the_same_lines() {
        let whole = lines(&speaker(), 0, 1_200_000);
        let mut parts = lines(&speaker(), 0, 1_090_500);
        parts.extend(lines(&speaker(), 1_090_500, 1_200_000));
        assert_eq!(whole, parts);
        assert!(whole[0].text.contains("starting backend v1"));
    }

    #[test]
    fn a_crash_says_its_last_words_once() {
        let crashed = Speaker {
            fate: Fate::Crashes {
                code: 1,
                reason: "Error",
            },
            ended_ms: Some(1_002_000),
            ..speaker()
        };
        let said = lines(&crashed, 0, 9_000_000);
        assert!(said.iter().any(|l| l.text.starts_with("panic:")));
        assert!(said.iter().all(|l| l.at_ms <= 1_002_000));
    }
}
