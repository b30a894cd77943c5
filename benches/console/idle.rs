//! A console that nobody touches on a cluster where nothing happens: processor time, memory, what is drawn, what is asked.

use super::platform::Platform;
use super::tell;
use super::terminal::Terminal;
use std::collections::BTreeMap;
use std::time::Duration;

/// After the start, until everything was seen once.
const SETTLED: Duration = Duration::from_secs(15);
/// How long it is watched.
const MINUTE: Duration = Duration::from_mins(1);

/// Two screens, a minute each.
pub fn idle() {
    let platform = Platform::large(10_000, 0);
    for screen in ["overview", "pods"] {
        let mut console = Terminal::open(
            &platform.kubeconfig(),
            &platform.home(),
            &["-A", "--open", screen],
        );
        console.pass(SETTLED);
        platform.take_asked();
        let (before, bytes, frames) = (console.used(), console.bytes, console.frames);
        console.pass(MINUTE);
        let share = console.used().share_since(before);
        let (frames, bytes) = (console.frames - frames, console.bytes - bytes);
        let (now, most) = console.memory();
        tell(
            &format!("idle on {screen}, 10 000 pods: processor"),
            "0.2 %",
            &format!("{share:.3} % of a core"),
        );
        tell(
            "  resident memory after it",
            "60 MB",
            &format!("{now:.1} MB, at most {most:.1} MB"),
        );
        tell(
            "  drawn",
            "clock, ages",
            &format!("{frames} frames, {} bytes each", bytes / frames.max(1)),
        );
        let mut asked: BTreeMap<String, usize> = BTreeMap::new();
        for what in platform.take_asked() {
            *asked.entry(what).or_default() += 1;
        }
        for (what, times) in asked {
            tell("  asked", "", &format!("{times} x {what}"));
        }
    }
}
