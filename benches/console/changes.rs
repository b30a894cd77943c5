//! A cluster in motion: what changes cost, how long one takes to the screen after its delivery, and how long a key takes.

use super::platform::Platform;
use super::relay::Relay;
use super::terminal::Terminal;
use super::{Times, tell};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// The list, and whatever it wakes, is over by then.
const SETTLED: Duration = Duration::from_secs(8);
const STRETCH: Duration = Duration::from_secs(30);

/// Changes of 10 000 pods: one a second, then a thousand.
pub fn churn() {
    let calm = Platform::large(10_000, 1);
    let times = on_screen(&calm, "service-", "", Duration::from_secs(40));
    tell(
        "a pod's change on screen, after its delivery, 1/s",
        "20 ms",
        &times.said(),
    );
    drop(calm);
    let storm = Platform::large(10_000, 1000);
    let times = on_screen(
        &storm,
        "service-0123-",
        "/service-0123-\r",
        Duration::from_secs(60),
    );
    tell(
        "a pod's change on screen, after its delivery, 1000/s",
        "50 ms",
        &times.said(),
    );
    for screen in ["overview", "pods"] {
        let mut console = Terminal::open(
            &storm.kubeconfig(),
            &storm.home(),
            &["-A", "--open", screen],
        );
        console.pass(SETTLED);
        let before = console.used();
        console.pass(STRETCH);
        let share = console.used().share_since(before);
        tell(
            &format!("{screen} at 1000 changes/s: processor"),
            "10 %",
            &format!("{share:.2} % of a core"),
        );
        let times = keys(&mut console, screen);
        tell(
            "  a key on screen at 1000 changes/s",
            "p99 16 ms",
            &times.said(),
        );
        let (_, most) = console.memory();
        tell(
            "  resident memory, at most",
            "60 MB",
            &format!("{most:.1} MB"),
        );
    }
}

/// From the moment a change has left for the console to the moment its row shows it, for all changes that come into view.
fn on_screen(platform: &Platform, prefix: &str, keys: &str, stretch: Duration) -> Times {
    let relay = Relay::to(platform.url(), prefix);
    let kubeconfig = platform.kubeconfig_by_way_of(&relay.url);
    let mut console = Terminal::open(&kubeconfig, &platform.home(), &super::start::PODS);
    console.until(PATIENCE, |text| {
        text.contains("worst first") && text.contains("service-")
    });
    console.pass(SETTLED);
    console.press(keys);
    console.pass(Duration::from_secs(3));
    relay.delivered.try_iter().for_each(drop);
    let (mut due, mut shown, mut times) = (HashMap::new(), HashMap::new(), Vec::new());
    let end = Instant::now() + stretch;
    while Instant::now() < end {
        if let Some(at) = console.next(Duration::from_millis(20)) {
            for (name, ready) in rows(&console.text()) {
                let before = shown.get(&name).copied();
                if before.is_none_or(|(known, _)| known != ready) {
                    shown.insert(name, (ready, at));
                }
            }
        }
        // The relay may note a change only after its frame was read.
        let delivered = relay.delivered.try_iter();
        due.extend(delivered.map(|change| (change.name.clone(), change)));
        due.retain(|name, change| {
            let in_view = shown.iter().find(|(known, _)| name.starts_with(*known));
            let since = in_view.and_then(|(_, (ready, at))| {
                let at = at.checked_duration_since(change.at)?;
                (*ready == change.ready).then_some(at)
            });
            times.extend(since);
            since.is_none()
        });
    }
    Times::new(times)
}

/// The pods on the screen, each as far as its column shows its name, and whether it is ready.
fn rows(text: &str) -> Vec<(String, bool)> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.find(|word| word.starts_with("service-"))?;
        let state = words.find(|word| matches!(*word, "0/1" | "1/1"))?;
        Some((name.trim_end_matches('…').to_owned(), state == "1/1"))
    };
    text.lines().filter_map(row).collect()
}

/// Presses keys whose work can be seen: help opens and closes, and on a list the cursor goes to another object.
fn keys(console: &mut Terminal, screen: &str) -> Times {
    let mut times = Vec::new();
    let mut pause = 0x2545_f491_u64;
    for turn in 0..200 {
        // Presses fall anywhere between two frames.
        pause = pause
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        console.pass(Duration::from_millis(40 + (pause >> 33) % 60));
        if screen == "pods" && turn % 2 == 0 {
            let before = chosen(&console.text());
            let pressed = console.press("j");
            times.push(console.until(PATIENCE, |text| chosen(text) != before) - pressed);
            continue;
        }
        for open in [true, false] {
            let pressed = console.press("?");
            let shown = console.until(PATIENCE, |text| {
                text.contains("keys that work here") == open
            });
            times.push(shown - pressed);
        }
    }
    Times::new(times)
}

/// The object the cursor is on.
fn chosen(text: &str) -> Option<String> {
    let row = text.lines().find(|row| row.contains('▌'))?;
    let name = row
        .split_whitespace()
        .find(|word| word.contains("service-"));
    name.map(str::to_owned)
}
