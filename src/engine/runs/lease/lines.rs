//! What the preflight's page says of a key.

use super::paper::Paper;
use crate::runbook::preflight::{Level, Line};
use crate::runbook::prose::bounded;

/// What the preflight's line asks.
pub(super) const ASKED: &str = "does anybody else run this?";

pub(super) fn passed() -> Line {
    Line::new(Level::Passed, ASKED, "nobody; announced by a Lease")
}

pub(super) fn held(paper: &Paper, level: Level) -> Line {
    let line = Line::new(level, ASKED, paper.told.words());
    line.fix("wait for its end, or speak with whoever runs it; it can be taken over when it has been silent for 30 s")
}

pub(super) fn without(why: &str) -> Line {
    let fact = format!(
        "only runs of this machine are kept out: {}",
        bounded(why, 200)
    );
    Line::new(Level::Amber, ASKED, fact)
        .fix("- apiGroups: [\"coordination.k8s.io\"]\n  resources: [\"leases\"]\n  verbs: [\"get\", \"create\", \"patch\", \"delete\", \"list\"]")
}
