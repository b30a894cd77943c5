//! A real kube-apiserver with a crowd: `tests/cluster/up DIR --pods 5000`, then `VIGIE_TEST_CLUSTER=DIR`. The identity `viewer`
//! is used, because what it reads stands in the audit log.

use super::tell;
use super::terminal::{Terminal, used};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SETTLED: Duration = Duration::from_secs(15);
const STRETCH: Duration = Duration::from_secs(40);

/// The complete table of a real cluster, and what an idle console costs its API server.
pub fn real() {
    let Some(state) = std::env::var_os("VIGIE_TEST_CLUSTER").map(PathBuf::from) else {
        tell(
            "a real apiserver",
            "",
            "left out: VIGIE_TEST_CLUSTER names none",
        );
        return;
    };
    let kubeconfig = state.join("viewer.kubeconfig");
    let home = tempfile::tempdir().unwrap();
    super::start::table_of(&kubeconfig, home.path(), "0.5 s");
    let pid = std::fs::read_to_string(state.join("pids/kube-apiserver")).unwrap();
    let pid: u32 = pid.trim().parse().unwrap();
    std::thread::sleep(SETTLED);
    let before = used(pid);
    std::thread::sleep(STRETCH);
    let alone = used(pid).share_since(before);
    let mut console = Terminal::open(&kubeconfig, home.path(), &["-A"]);
    console.pass(SETTLED);
    let (heard, before, ours) = (heard(&state).len(), used(pid), console.used());
    console.pass(STRETCH);
    let with = used(pid).share_since(before);
    let ours = console.used().share_since(ours);
    tell(
        "idle: processor of the console",
        "0.2 %",
        &format!("{ours:.3} % of a core"),
    );
    tell(
        "idle: processor of the apiserver, with and without us",
        "nothing",
        &format!("{with:.1} % and {alone:.1} % of a core"),
    );
    let asked = &self::heard(&state)[heard..];
    tell(
        "idle: requests in its audit log",
        "none",
        &asked.len().to_string(),
    );
    for line in asked {
        tell("  asked", "", line);
    }
}

/// The requests of the console that the audit log has, by their addresses.
fn heard(state: &Path) -> Vec<String> {
    let log = std::fs::read_to_string(state.join("logs/audit.jsonl")).unwrap();
    let ours = log
        .lines()
        .filter(|line| line.contains("\"username\":\"viewer\""));
    let events = ours.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    events
        .map(|event| format!("{} {}", event["stage"], event["requestURI"]))
        .collect()
}
