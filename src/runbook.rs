//! Runbooks: a plan as plain data, and the pure machine that carries one out. Nothing here does I/O or knows the
//! time; the engine performs what the machine asks and reports back, the journal keeps what it says.

pub mod answers;
pub mod approval;
pub mod canonical;
pub mod check;
pub mod consumers;
pub mod diff;
pub mod format;
pub mod gate;
pub mod ids;
pub mod link;
pub mod lint;
pub mod machine;
pub mod model;
pub mod outside;
pub mod param;
pub mod patch;
pub mod place;
pub mod pointer;
pub mod preflight;
pub mod prose;
pub mod quantity;
pub mod request;
pub mod revision;
pub mod scan;
pub mod template;
pub mod touch;
pub mod verb;

pub use model::{Runbook, Step, StepKind};

/// A runbook of the folder `runbooks`, with its French beside it.
macro_rules! shipped {
    ($id:literal) => {
        Shipped {
            id: $id,
            file: concat!($id, ".runbook.md"),
            text: include_str!(concat!("../runbooks/", $id, ".runbook.md")),
            overlays: &[(
                "fr",
                concat!($id, ".fr.md"),
                include_str!(concat!("../runbooks/", $id, ".fr.md")),
            )],
        }
    };
}

/// The runbooks this program ships: id, file name, text, and translations by language.
pub const SHIPPED: &[Shipped] = &[
    shipped!("rollback"),
    shipped!("restart"),
    shipped!("scale"),
    shipped!("delete-pod"),
    shipped!("evict-pod"),
    shipped!("jwt-rotate"),
    shipped!("deploy-checklist"),
    shipped!("incident"),
];

/// One shipped runbook.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its id.
    pub id: &'static str,
    /// Its file.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Language, file and text of each translation.
    pub overlays: &'static [(&'static str, &'static str, &'static str)],
}

impl Runbook {
    /// The digest of what the runbook does, prose left out: approvals and rehearsals bind to it.
    pub fn model_digest(&self) -> String {
        if self.calls.is_empty() {
            return canonical::digest(self);
        }
        let called: Vec<String> = self
            .calls
            .values()
            .map(|book| book.model_digest())
            .collect();
        canonical::digest(&(self, called))
    }
}
