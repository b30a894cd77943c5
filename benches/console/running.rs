//! The screens of a run while it goes on: how long a key takes to each of its pages, while pods are replaced and a gate looks.

use super::platform::Platform;
use super::terminal::Terminal;
use super::{Times, tell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use vigie::sim::scenario::Scenario;

const PATIENCE: Duration = Duration::from_mins(1);
/// So long the pages are turned; the rotation measured takes longer.
const STRETCH: Duration = Duration::from_secs(45);
/// The pages in the order of the key that turns them, each with what its border says and no other's does.
const PAGES: [(&str, &str); 4] = [
    ("the step", "tab: preflight"),
    ("preflight", "┬ preflight ─"),
    ("the change", "┬ the change ─"),
    ("why", "┬ why: "),
];

/// Turns the pages of a rotation of a key that is under way, and looks at its list of runs.
pub fn run() {
    let platform = Platform::playing(Scenario::TwoKeys);
    let flags = ["-n", "veza-production"];
    let mut console = platform.console(&flags);
    console.until(PATIENCE, |text| {
        text.contains("in veza-production are well")
    });
    console.press(":");
    console.until(PATIENCE, |text| text.contains("go to, or do"));
    console.press("run jwt-rotate hold=30s\r");
    console.until(PATIENCE, |text| text.contains("y goes ahead"));
    console.press("y\r");
    console.until(PATIENCE, |text| text.contains("applied (HTTP 200)"));
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let before = console.used();
    let end = Instant::now() + STRETCH;
    let mut at = 0;
    let mut pause = 0x2545_f491_u64;
    while Instant::now() < end {
        // Presses fall anywhere between two frames.
        pause = pause
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        console.pass(Duration::from_millis(30 + (pause >> 33) % 50));
        at = (at + 1) % PAGES.len();
        let (page, border) = PAGES[at];
        let pressed = console.press("\t");
        let shown = console.until(PATIENCE, |text| turned(text, at, border));
        times.entry(page).or_default().push(shown - pressed);
    }
    let share = console.used().share_since(before);
    for (page, all) in times {
        let what = format!("a key to {page} of a run that goes on");
        tell(&what, "p99 16 ms", &Times::new(all).said());
    }
    tell(
        "  processor meanwhile",
        "",
        &format!("{share:.2} % of a core"),
    );
    list(&mut console);
}

/// Whether a page is on the screen: the step's title is its heading's, so that it is known by what is on none of the others.
fn turned(text: &str, at: usize, border: &str) -> bool {
    let others = PAGES.iter().skip(1);
    match at {
        0 => others.clone().all(|(_, other)| !text.contains(other)),
        _ => text.contains(border),
    }
}

/// The list of runs and back.
fn list(console: &mut Terminal) {
    let mut times = Vec::new();
    console.press("K");
    console.until(PATIENCE, |text| text.contains("┌ runbooks ─"));
    for _ in 0..100 {
        for (key, title) in [("p", "┌ runs ─"), ("q", "┌ runbooks ─")] {
            console.pass(Duration::from_millis(40));
            let pressed = console.press(key);
            times.push(console.until(PATIENCE, |text| text.contains(title)) - pressed);
        }
    }
    let what = "a key to the list of runs while one goes on";
    tell(what, "p99 16 ms", &Times::new(times).said());
}
