//! What the palette offers about runs: opening the present one, taking up those of before.

use crate::app::command::Command;
use crate::app::palette::Offer;
use crate::app::screen::Screen;
use crate::app::state::App;
use crate::runbook::machine::Answers;
use std::sync::Arc;

/// The most runs that are offered.
const MOST: usize = 50;

impl App {
    /// Offers about runs, the present one first.
    pub(in crate::app) fn run_offers(&self) -> Vec<Offer> {
        let mut offers = Vec::new();
        if let Some(run) = &self.runs.present {
            let start = run.start();
            let words = format!("{} in {}", start.runbook, start.target.namespace);
            let open = Command::Open(Screen::Run(Arc::from(start.run.as_str())));
            offers.push(Offer::new(
                format!("open run {}", tail(start.run.as_str())),
                words,
                open,
            ));
        }
        let waiting = self.runs.unfinished().filter(|run| run.read_only.is_none());
        for run in waiting.take(MOST) {
            let words = format!(
                "{} in {}, begun by {}",
                run.runbook, run.target.namespace, run.actor
            );
            let resume = Command::ResumeRun {
                run: run.run.clone(),
                answers: Answers::default(),
            };
            offers.push(Offer::new(
                format!("resume run {}", tail(&run.run)),
                words,
                resume,
            ));
        }
        offers
    }
}

/// The end of an id: enough to tell runs apart, and plain to type.
fn tail(run: &str) -> String {
    let from = run.len().saturating_sub(4);
    run.get(from..).unwrap_or(run).to_lowercase()
}
