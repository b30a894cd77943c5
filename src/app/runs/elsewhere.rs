//! Runs that others carry out, as their Leases announce them: who, what, where it stands, what comes next. One that is
//! silent has lost its console: an orphan, with what to do about it.

use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use std::sync::Arc;

/// From so long a silence on, nobody watches a run.
const SILENT: SignedDuration = SignedDuration::from_secs(30);

/// A run as its Lease tells it; every text is bounded already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its id.
    pub run: Arc<str>,
    /// Its runbook.
    pub runbook: Arc<str>,
    /// Who carries it out, as `user@host`; empty where the Lease was given back.
    pub holder: Arc<str>,
    /// Who began it.
    pub by: Arc<str>,
    /// Where.
    pub namespace: Arc<str>,
    /// What it has to itself.
    pub key: Arc<str>,
    /// Since when.
    pub started: Option<Timestamp>,
    /// When it was last heard of, by its own clock.
    pub renewed: Option<Timestamp>,
    /// The step it is in.
    pub step: Option<Arc<str>>,
    /// Its place, as `6 of 11`.
    pub place: Option<Arc<str>>,
    /// The step after it.
    pub next: Option<Arc<str>>,
    /// What it waits for a person for.
    pub waits: Option<Arc<str>>,
    /// The moment it waits for.
    pub until: Option<Timestamp>,
    /// The last hash of its journal.
    pub head: Arc<str>,
}

impl Elsewhere {
    /// Who, what, since when and where it stands: `alice@laptop-7 runs rollback since 03:02Z, step 6 of 11 (go-back)`.
    pub fn words(&self) -> String {
        let mut words = format!("{} runs {}", self.holder, self.runbook);
        // A string takes whatever is written.
        if let Some(at) = self.started {
            let _ = write!(words, " since {}", at.strftime("%H:%MZ"));
        }
        if let Some(step) = &self.step {
            let _ = match &self.place {
                Some(place) => write!(words, ", step {place} ({step})"),
                None => write!(words, ", step {step}"),
            };
        }
        words
    }

    /// How long nothing was heard of it, where that is long enough that nobody may be watching.
    pub fn silent(&self, now: Timestamp) -> Option<SignedDuration> {
        let since = now.duration_since(self.renewed?);
        (since >= SILENT).then_some(since)
    }

    /// What it waits for, or what comes next.
    pub fn ahead(&self) -> String {
        match (&self.waits, self.until, &self.next) {
            (Some(waits), _, _) => format!("waits: {waits}"),
            (None, Some(until), _) => format!("waits until {}", until.strftime("%Y-%m-%d %H:%MZ")),
            (None, None, Some(next)) => format!("next: {next}"),
            (None, None, None) => String::new(),
        }
    }

    /// How a run that nobody watches is taken over.
    pub fn take_over(&self) -> String {
        format!(
            "on {}: `vigie resume {}`; from anywhere else, here too: start {} again (without a screen with --reason TEXT), it waits {} s, asks why, takes the lock over and looks before it changes anything",
            self.holder,
            self.run,
            self.runbook,
            SILENT.as_secs()
        )
    }
}
