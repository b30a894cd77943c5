//! The one table of keys: command, shipped chords, where they work and what they do. Help, hints and rebinding read it.

use crate::app::act::{Act, Wish};
use crate::app::command::{Command, Motion};
use crate::app::incidents::order::Wish as Incident;
use crate::app::screen::Screen;

/// Where keys work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// On every screen.
    Everywhere,
    /// On the overview.
    Overview,
    /// On a row that stands for a workload or a pod.
    Row,
    /// In other lists.
    List,
    /// In charts.
    Chart,
    /// In the rollout screen.
    Rollout,
    /// In lists of places to go to.
    Places,
    /// In logs.
    Logs,
    /// In a text.
    Text,
    /// In the list of runbooks.
    Runbooks,
    /// On one runbook.
    Runbook,
    /// In the list of runs.
    Runs,
    /// On a run.
    Run,
    /// On the incident.
    Incident,
    /// On a drill's own page.
    Drill,
}

impl Where {
    /// The heading in the help.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Overview => "overview",
            Self::Row => "on a row",
            Self::List => "in this list",
            Self::Chart => "charts",
            Self::Rollout => "this rollout",
            Self::Places => "places",
            Self::Logs => "logs",
            Self::Text => "in this text",
            Self::Runbooks => "runbooks",
            Self::Runbook => "this runbook",
            Self::Runs => "runs",
            Self::Run => "this run",
            Self::Incident => "this incident",
            Self::Drill => "this drill",
        }
    }
}

/// One command with its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the configuration.
    pub id: &'static str,
    /// What it sends.
    pub command: Command,
    /// The shipped chords.
    pub keys: &'static [&'static str],
    /// Where they work.
    pub place: Where,
    /// What they do, in a few words.
    pub words: &'static str,
}

fn entry(
    place: Where,
    id: &'static str,
    keys: &'static [&'static str],
    command: Command,
    words: &'static str,
) -> Entry {
    Entry {
        id,
        command,
        keys,
        place,
        words,
    }
}

/// Every binding, most used first within each place.
pub fn table() -> Vec<Entry> {
    let mut all = rows();
    all.extend(charts());
    all.extend(texts());
    all.extend(runs());
    all.extend(incident());
    all.extend(incident_everywhere());
    all.extend(everywhere());
    all.extend(movement());
    all
}

fn rows() -> Vec<Entry> {
    use Where::{List, Row};
    vec![
        entry(Row, "open", &["enter"], Command::Enter, "open"),
        entry(List, "open", &["enter"], Command::Enter, "open"),
        entry(Row, "rollout", &["R"], Command::Rollout, "rollout"),
        entry(Row, "signals", &["m"], Command::Signals, "signals"),
        entry(Row, "logs", &["l"], Command::Logs, "logs"),
        entry(
            Row,
            "previous-logs",
            &["p"],
            Command::PreviousLogs,
            "previous logs",
        ),
        entry(Row, "describe", &["d"], Command::Describe, "describe"),
        entry(Row, "yaml", &["y"], Command::Yaml, "yaml"),
        entry(Row, "owner", &["shift-j"], Command::Owner, "owner"),
        entry(
            Row,
            "restart",
            &["r"],
            Command::Act(Box::new(Wish::of(Act::Restart))),
            "restart",
        ),
        entry(Row, "mark", &["space"], Command::Mark, "mark"),
        entry(List, "mark", &["space"], Command::Mark, "mark"),
        entry(List, "copy-rows", &["c"], Command::Copy, "copy"),
    ]
}

fn charts() -> Vec<Entry> {
    use Where::Chart;
    vec![
        entry(Chart, "earlier", &["h"], Command::Earlier, "cursor back"),
        entry(Chart, "later", &["l"], Command::Later, "cursor on"),
        entry(Chart, "split", &["v"], Command::Split, "split"),
        entry(Chart, "baseline", &["b"], Command::Baseline, "last week"),
        entry(
            Chart,
            "copy-query",
            &["y"],
            Command::CopyQuery,
            "copy PromQL",
        ),
        entry(
            Chart,
            "range-trouble",
            &["0"],
            Command::Range(0),
            "from the trouble to now",
        ),
        entry(Chart, "range-5m", &["1"], Command::Range(1), "5 minutes"),
        entry(Chart, "range-15m", &["2"], Command::Range(2), "15 minutes"),
        entry(Chart, "range-30m", &["3"], Command::Range(3), "30 minutes"),
        entry(Chart, "range-1h", &["4"], Command::Range(4), "1 hour"),
        entry(Chart, "range-6h", &["5"], Command::Range(5), "6 hours"),
        entry(Chart, "range-24h", &["6"], Command::Range(6), "24 hours"),
    ]
}

fn texts() -> Vec<Entry> {
    use Where::{List, Logs, Places, Row, Text};
    let since = |id, keys, digit, words| entry(Logs, id, keys, Command::Range(digit), words);
    vec![
        entry(Logs, "follow", &["s"], Command::Follow, "follow"),
        entry(Logs, "narrow", &["&"], Command::Narrow, "only lines with"),
        entry(Logs, "wrap", &["w"], Command::Wrap, "wrap"),
        entry(Logs, "times", &["t"], Command::Times, "times"),
        entry(Logs, "full", &["f"], Command::Full, "lines alone"),
        entry(
            Logs,
            "before-restart",
            &["p"],
            Command::PreviousLogs,
            "before the restart",
        ),
        since("log-now", &["0"], 0, "from now"),
        since("log-5m", &["1"], 1, "5 minutes"),
        since("log-15m", &["2"], 2, "15 minutes"),
        since("log-30m", &["3"], 3, "30 minutes"),
        since("log-1h", &["4"], 4, "1 hour"),
        since("log-6h", &["5"], 5, "6 hours"),
        since("log-24h", &["6"], 6, "24 hours"),
        entry(Text, "next-match", &["n"], Command::NextMatch, "next match"),
        entry(
            Text,
            "previous-match",
            &["N"],
            Command::PreviousMatch,
            "match before",
        ),
        entry(Text, "search", &["/"], Command::Filter, "search"),
        entry(Text, "copy-text", &["c"], Command::Copy, "copy"),
        entry(Text, "text-wrap", &["w"], Command::Wrap, "wrap"),
        entry(Text, "text-describe", &["d"], Command::Describe, "describe"),
        entry(Text, "text-yaml", &["y"], Command::Yaml, "yaml"),
        entry(Text, "text-logs", &["l"], Command::Logs, "logs"),
        entry(Places, "go-there", &["enter"], Command::Enter, "go there"),
        entry(Row, "shell", &["s"], Command::Shell, "shell"),
        entry(
            List,
            "all-namespaces",
            &["0"],
            Command::AllNamespaces,
            "all namespaces",
        ),
    ]
}

fn runs() -> Vec<Entry> {
    use Where::{Drill, Run, Runbook, Runbooks, Runs};
    let open_runs = Command::Open(Screen::Runs);
    vec![
        entry(Runbooks, "read-runbook", &["enter"], Command::Enter, "read"),
        entry(Runbooks, "past-runs", &["p"], open_runs, "past runs"),
        entry(Runbook, "start-run", &["enter"], Command::Enter, "start"),
        entry(Runbook, "fill-in", &["f"], Command::FillIn, "parameters"),
        entry(Runs, "open-run", &["enter"], Command::Enter, "open"),
        entry(
            Drill,
            "drill",
            &["enter"],
            Command::Enter,
            "begin, or again",
        ),
        entry(Run, "answer", &["enter"], Command::Enter, "answer"),
        entry(Run, "hold", &["."], Command::Hold, "hold"),
        entry(Run, "undo", &["U"], Command::Undo, "undo"),
        entry(Run, "note", &["N"], Command::Note, "note"),
        entry(
            Run,
            "run-page",
            &["tab"],
            Command::NextPane,
            "preflight, change",
        ),
        entry(Run, "run-why", &["e"], Command::Why, "why this step"),
        entry(Run, "run-logs", &["l"], Command::Logs, "logs"),
        entry(Run, "identifiers", &["v"], Command::Identifiers, "details"),
    ]
}

fn incident() -> Vec<Entry> {
    let of =
        |id, keys, wish, words| entry(Where::Incident, id, keys, Command::Incident(wish), words);
    vec![
        of(
            "incident-next",
            &["enter"],
            Incident::Next,
            "what comes next",
        ),
        of("tell", &["u"], Incident::Update, "tell"),
        of("escalate", &["e"], Incident::Escalate, "escalate"),
        of("role", &["r"], Incident::Role, "role"),
        of("mitigated", &["m"], Incident::Mitigated, "mitigated"),
        of("breach", &["b"], Incident::Breach, "personal data"),
        of("reported", &["B"], Incident::Reported, "authority told"),
        of("link-run", &["L"], Incident::Link, "link a run"),
        of("hand-over", &["H"], Incident::HandOver, "hand over"),
        of("resolve", &["x"], Incident::Resolve, "resolve"),
        of("export", &["E"], Incident::Export, "write out"),
    ]
}

fn incident_everywhere() -> Vec<Entry> {
    use Where::Everywhere;
    let of = |id, keys, wish, words| entry(Everywhere, id, keys, Command::Incident(wish), words);
    vec![
        of("acknowledge", &["a"], Incident::Acknowledge, "acknowledge"),
        of("silence", &["z"], Incident::Silence, "silence"),
        of("incident", &["I"], Incident::Open, "incident"),
        of("severity", &["S"], Incident::Severity, "severity"),
        entry(Everywhere, "note-anywhere", &["N"], Command::Note, "note"),
    ]
}

#[expect(
    clippy::too_many_lines,
    reason = "a table, a line for each key that works everywhere"
)]
fn everywhere() -> Vec<Entry> {
    use Where::Everywhere;
    vec![
        entry(Everywhere, "links", &["o"], Command::Links, "links"),
        entry(Everywhere, "explain", &["X"], Command::Explain, "why"),
        entry(
            Everywhere,
            "next-pane",
            &["tab"],
            Command::NextPane,
            "next pane",
        ),
        entry(Everywhere, "copy", &["c"], Command::Copy, "copy update"),
        entry(Everywhere, "filter", &["/"], Command::Filter, "filter"),
        entry(Everywhere, "palette", &[":"], Command::Palette, "commands"),
        entry(
            Everywhere,
            "timeline",
            &["T"],
            Command::Timeline,
            "timeline",
        ),
        entry(
            Everywhere,
            "runbooks",
            &["K"],
            Command::Runbooks,
            "runbooks",
        ),
        entry(Everywhere, "arm", &["W"], Command::Arm, "arm"),
        entry(
            Everywhere,
            "faults-only",
            &["ctrl-z"],
            Command::FaultsOnly,
            "faults only",
        ),
        entry(
            Everywhere,
            "compact",
            &["ctrl-e"],
            Command::Compact,
            "without charts",
        ),
        entry(
            Everywhere,
            "wide",
            &["ctrl-w"],
            Command::Wide,
            "further columns",
        ),
        entry(
            Everywhere,
            "save",
            &["ctrl-s"],
            Command::Save,
            "save to a file",
        ),
        entry(
            Everywhere,
            "refresh",
            &["ctrl-r"],
            Command::Refresh,
            "ask again",
        ),
        entry(
            Everywhere,
            "escape",
            &["esc"],
            Command::Escape,
            "back one level",
        ),
        entry(Everywhere, "back", &["q"], Command::Back, "back, or leave"),
        entry(Everywhere, "older", &["["], Command::Older, "screen before"),
        entry(Everywhere, "newer", &["]"], Command::Newer, "screen after"),
        entry(
            Everywhere,
            "last-view",
            &["-"],
            Command::LastView,
            "last screen",
        ),
        entry(
            Everywhere,
            "interrupt",
            &["ctrl-c"],
            Command::Interrupt,
            "stop; twice leaves",
        ),
        entry(Everywhere, "help", &["?"], Command::Help, "help"),
    ]
}

fn movement() -> Vec<Entry> {
    use Where::Everywhere;
    let to = |id, keys, motion, words| entry(Everywhere, id, keys, Command::Move(motion), words);
    vec![
        to("down", &["j", "down"], Motion::Down, "down"),
        to("up", &["k", "up"], Motion::Up, "up"),
        to("first", &["g", "home"], Motion::First, "first"),
        to("last", &["G", "end"], Motion::Last, "last"),
        to(
            "page-down",
            &["ctrl-f", "pagedown"],
            Motion::PageDown,
            "page down",
        ),
        to("page-up", &["ctrl-b", "pageup"], Motion::PageUp, "page up"),
        to(
            "half-down",
            &["ctrl-d"],
            Motion::HalfDown,
            "half a page down",
        ),
        to("half-up", &["ctrl-u"], Motion::HalfUp, "half a page up"),
        to("left", &["left"], Motion::Left, "columns to the left"),
        to("right", &["right"], Motion::Right, "columns to the right"),
    ]
}

pub use crate::app::palette::places;
