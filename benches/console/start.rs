//! From the start of the process: to the first frame, to the complete table, and to the table of an API server that is far away.

use super::platform::Platform;
use super::terminal::Terminal;
use super::{Times, bare, ms, tell};
use std::net::TcpListener;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(1);
/// The pods of all namespaces, one below the other.
pub const PODS: [&str; 3] = ["-A", "--open", "pods"];

/// How long until the first frame, before a server that never answers.
pub fn first_frame() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let text = format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "far",
            "clusters": [{{"name": "far", "cluster": {{"server": "http://{}"}}}}], "users": [{{"name": "far", "user": {{"token": "t"}}}}],
            "contexts": [{{"name": "far", "context": {{"cluster": "far", "user": "far", "namespace": "default"}}}}]}}"#,
        silent.local_addr().unwrap()
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let times = (0..20).map(|_| {
        let mut console = Terminal::open(&kubeconfig, folder.path(), &[]);
        let drawn = console.until(PATIENCE, |text| text.contains("services"));
        drawn - console.began
    });
    let times = Times::new(times.collect());
    tell(
        "first frame, before a silent server",
        "50 ms",
        &times.said(),
    );
}

/// From the start of the process to the last pod on the screen.
fn until_complete(
    kubeconfig: &std::path::Path,
    home: &std::path::Path,
    pods: usize,
) -> (Duration, Terminal) {
    let mut console = Terminal::open(kubeconfig, home, &PODS);
    let count = format!("{pods}, worst first");
    let complete = console.until(PATIENCE, |text| text.contains(&count));
    (complete - console.began, console)
}

/// The complete table on any cluster, beside the bare clients of the same run; the resident memory after it.
pub fn table_of(kubeconfig: &std::path::Path, home: &std::path::Path, promised: &str) {
    let runtime = super::platform::runtime();
    let (mut typed, mut slim, mut ours, mut memory) = (Vec::new(), Vec::new(), Vec::new(), 0_f64);
    let (_, pods) = bare::typed(&runtime, kubeconfig);
    for _ in 0..5 {
        typed.push(bare::typed(&runtime, kubeconfig).0);
        slim.push(bare::slim(&runtime, kubeconfig).0);
        let (time, console) = until_complete(kubeconfig, home, pods);
        ours.push(time);
        memory = memory.max(console.memory().1);
    }
    let (typed, slim, ours) = (Times::new(typed), Times::new(slim), Times::new(ours));
    tell(
        &format!("bare list of {pods} pods, every field"),
        "",
        &typed.said(),
    );
    tell("bare list, names alone", "", &slim.said());
    tell(
        &format!("complete table of {pods} pods, from the start"),
        promised,
        &ours.said(),
    );
    tell(
        "  as a multiple of the bare list, every field",
        "2",
        &format!("{:.2}", ms(ours.median()) / ms(typed.median())),
    );
    tell(
        "  as a multiple of the bare list, names alone",
        "",
        &format!("{:.2}", ms(ours.median()) / ms(slim.median())),
    );
    tell(
        "resident memory when it stands, at most",
        "60 MB",
        &format!("{memory:.1} MB"),
    );
}

/// The complete table of ten thousand pods.
pub fn table() {
    let platform = Platform::large(10_000, 0);
    table_of(&platform.kubeconfig(), &platform.home(), "");
}

/// The table of a thousand pods behind a long line.
pub fn far_away() {
    let platform = Platform::large(1_000, 0);
    let (_, pods) = bare::typed(platform.runtime(), &platform.kubeconfig());
    for (latency, promised) in [(200, "0.6 s"), (1000, "2.3 s")] {
        platform.set_latency(Duration::from_millis(latency));
        let times =
            (0..3).map(|_| until_complete(&platform.kubeconfig(), &platform.home(), pods).0);
        let times = Times::new(times.collect());
        let what = format!("table of {pods} pods, every answer {latency} ms late");
        tell(&what, promised, &times.said());
    }
}
