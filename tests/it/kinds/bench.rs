//! A console with one runbook of its own on a simulated platform.

use std::collections::BTreeMap;

use vigie::app::command::Command;
use vigie::app::runs::Runs;
use vigie::app::runs::order::RunRequest;
use vigie::app::runs::shelf::{Book, Origin};
use vigie::engine::runs::policy::Rules;
use vigie::runbook::machine::{Answers, End};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::sim::shared::Written;

use crate::runs::bench::Bench;

/// What every runbook here begins with: a confirmation.
pub const HEAD: &str = "+++\nschema = 1\nid = \"t\"\nversion = \"1\"\ntitle = \"T\"\nrisk = \"low\"\n+++\n\n## Does it\n\n```toml step\nid = \"go\"\nkind = \"confirm\"\ntype = \"veza-production\"\n```\n\n";

/// A console with one runbook.
pub struct Kinds {
    /// The console and its platform.
    pub bench: Bench,
}

impl Kinds {
    /// A console of somebody with a runbook of these fences.
    pub async fn new(fences: &[&str], who: Identity) -> Self {
        Self::ruled(fences, who, Rules::default()).await
    }

    /// The same where something else holds than by default.
    pub async fn ruled(fences: &[&str], who: Identity, rules: Rules) -> Self {
        Self::with_front("", fences, who, rules).await
    }

    /// The same with more in its front matter.
    pub async fn with_front(front: &str, fences: &[&str], who: Identity, rules: Rules) -> Self {
        let mut bench = Bench::ruled(Scenario::Healthy, who, rules).await;
        let steps = fences
            .iter()
            .map(|fence| format!("```toml step\n{fence}\n```\n\n"));
        let head = HEAD.replace("+++\n\n## Does", &format!("{front}\n+++\n\n## Does"));
        let text = format!("{head}{}", steps.collect::<String>());
        let book = Book::read(Origin::Shipped, "t.runbook.md", &text);
        assert!(book.book.is_ok(), "{book:?}");
        bench.app.runs = Runs::new(vec![book]);
        Self { bench }
    }

    /// A run that is answered beforehand.
    pub fn begin(&mut self, unattended: bool) {
        let request = RunRequest {
            unattended,
            answers: Answers {
                confirm: vec!["veza-production".into()],
                reason: Some("a test".into()),
                ..Answers::default()
            },
            ..RunRequest::new("t", BTreeMap::new())
        };
        self.bench.command(Command::StartRun(Box::new(request)));
    }

    /// Runs it to its end.
    pub async fn end(&mut self) -> End {
        self.begin(true);
        self.bench.end().await
    }

    /// What was written with effect, locks aside.
    pub fn writes(&self) -> Vec<Written> {
        let writes = self.bench.world().writes().into_iter();
        let ours = writes.filter(|write| write.user == "oncall" && !write.dry_run);
        let done = ours.filter(|write| (200..300).contains(&write.code));
        done.filter(|write| !write.path.contains("/leases") && !write.path.contains("reviews"))
            .collect()
    }
}
