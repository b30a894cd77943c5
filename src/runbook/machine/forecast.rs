//! What is said of a run's future: what later steps will send, and how long the rest takes at least.

use jiff::SignedDuration;

use crate::runbook::patch::ObjectRef;

/// What a later step will send, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    /// The step.
    pub step: String,
    /// The heading it stands under, as an index among the runbook's sections.
    pub section: usize,
    /// What it changes, where that is known already.
    pub object: Option<ObjectRef>,
    /// Whether it restarts that, and changes nothing else.
    pub restart: bool,
    /// What it does, in a few words.
    pub words: String,
    /// Whether it can be taken back.
    pub undo: bool,
}

impl Ahead {
    /// The object and the words.
    pub fn sentence(&self) -> String {
        let object = self.object.as_ref();
        let object = object.map_or_else(|| "known later".to_owned(), ObjectRef::short);
        format!("{object}: {}", self.words)
    }
}

/// How long the rest of a run takes at least, as far as its plan says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// How long its gates must hold, added up.
    pub holds: SignedDuration,
    /// How long it waits, added up.
    pub waits: SignedDuration,
    /// What it restarts, in order; more than once what is restarted more than once.
    pub restarts: Vec<ObjectRef>,
}
