//! A cluster in motion: what changes cost, how long one takes to the screen after its delivery, and how long a key takes.

use super::platform::Platform;
use super::relay::{Delivered, Relay};
use super::terminal::Terminal;
use super::{Times, tell};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(1);
/// The list, and whatever it wakes, is over by then.
const SETTLED: Duration = Duration::from_secs(8);
const STRETCH: Duration = Duration::from_secs(40);
/// How long its processor time is counted.
const WEIGHED: Duration = Duration::from_secs(20);

/// One change a second: how long each takes to the screen.
pub fn change() {
    let platform = Platform::large(10_000, 1);
    let times = on_screen(&platform, "service-", "", STRETCH);
    let what = "a pod's change on screen, after its delivery, 1/s";
    tell(what, "20 ms", &times.said());
}

/// A thousand changes a second: how long those of ten pods in view take to the screen.
pub fn storm() {
    let platform = Platform::large(10_000, 1000);
    let times = on_screen(&platform, "service-0123-", "/service-0123-\r", STRETCH);
    let what = "a pod's change on screen, after its delivery, 1000/s";
    tell(what, "50 ms", &times.said());
}

/// What a thousand changes a second cost on the overview, and what they leave of a key's time.
pub fn churn() {
    in_motion("overview");
}

/// The same on the list of all pods.
pub fn churn_pods() {
    in_motion("pods");
}

fn in_motion(screen: &str) {
    let platform = Platform::large(10_000, 1000);
    let flags = ["-A", "--open", screen];
    let mut console = Terminal::open(&platform.kubeconfig(), &platform.home(), &flags);
    console.pass(SETTLED);
    let before = console.used();
    console.pass(WEIGHED);
    let share = console.used().share_since(before);
    let what = format!("{screen} at 1000 changes/s: processor");
    tell(&what, "10 %", &format!("{share:.2} % of a core"));
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
    let mut due: HashMap<String, Delivered> = HashMap::new();
    relay.delivered.try_iter().for_each(drop);
    let mut times = Vec::new();
    let end = Instant::now() + stretch;
    while Instant::now() < end {
        let Some(at) = console.next(Duration::from_millis(100)) else {
            continue;
        };
        due.extend(
            relay
                .delivered
                .try_iter()
                .map(|change| (change.name.clone(), change)),
        );
        if due.is_empty() {
            continue;
        }
        for row in console.text().lines() {
            let mut words = row.split_whitespace();
            let Some(name) = words.find(|word| word.starts_with("service-")) else {
                continue;
            };
            // A name may be cut where its column ends.
            let name = name.trim_end_matches('…');
            let state = words.find(|word| matches!(*word, "0/1" | "1/1"));
            let found = due.iter().find(|(known, change)| {
                known.starts_with(name) && state == Some(if change.ready { "1/1" } else { "0/1" })
            });
            if let Some((known, change)) = found {
                // What was read before the relay had noted its own write is on the screen at once.
                times.push(at.saturating_duration_since(change.at));
                let known = known.clone();
                due.remove(&known);
            }
        }
    }
    Times::new(times)
}

/// Presses keys whose work can be seen: help opens and closes, and on a list the cursor goes to another object.
fn keys(console: &mut Terminal, screen: &str) -> Times {
    let mut times = Vec::new();
    let mut pause = 0x2545_f491_u64;
    for turn in 0..150 {
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
