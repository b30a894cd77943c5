//! A runbook as plain data: what the file says, typed, with its prose beside it. These types are the reference
//! of the format; serialised without prose they are the executable model whose digest approvals bind to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::runbook::template::Text;

mod checklist;
mod declared;
mod gate;
mod guard;
mod look;
mod object;
mod program;
mod secret;
mod step;
mod words;

pub use checklist::{Asked, ChecklistItem, Proof, Window};
pub use declared::{Deviation, DocRef, Param, Rehearse, SecretDecl, SignedMillis};
pub use gate::{GateDecl, GateOn, MetricDecl, ThenBy};
pub use guard::{Approve, Confirm, Each, Retry, Subject, Timeout, WaitFor, When};
pub use look::{Expect, LookStep, SAMPLE};
pub use object::{
    APPLICATION, ARGO_HOME, OBJECT_KINDS, ObjectStep, PATCHABLE, Target, fields, is_manifest,
    kind_of, patchable,
};
pub use program::{gives_away, spoken};
pub use secret::{SECRET_KINDS, SecretStep, SetEntry, SetTo};
pub use step::{Branch, Enclosing, KINDS, PLANNED, Step, StepKind, Undo};
pub use words::{
    Evidence, Glance, LiveList, LostObserver, Method, OnFailure, ParamType, Risk, Side, Texts,
    Then, Via,
};

/// A whole runbook file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runbook {
    /// Version of the format.
    pub schema: i64,
    /// Its name in commands and journals.
    pub id: String,
    /// Its own version.
    pub version: String,
    /// For people.
    #[serde(skip)]
    pub title: String,
    /// Who keeps it.
    #[serde(skip)]
    pub owners: Vec<String>,
    /// Overdue after this day, as `2026-06-01`.
    #[serde(skip)]
    pub review_by: Option<String>,
    /// Chooses the default guards.
    pub risk: Risk,
    /// Where it may run; empty means anywhere.
    pub environments: Vec<String>,
    /// Exclusivity keys.
    pub lock: Vec<Text>,
    /// Active time of the run.
    pub timeout: Option<SignedMillis>,
    /// What a failed step does unless it says otherwise.
    pub on_failure: OnFailure,
    /// What happens to traffic when the console vanished.
    pub on_lost_observer: LostObserver,
    /// A rehearsal this needs.
    pub rehearse: Option<Rehearse>,
    /// Parameters in file order.
    pub params: Vec<Param>,
    /// Declared secrets in file order.
    pub secrets: Vec<SecretDecl>,
    /// Reusable gates by name.
    pub gates: BTreeMap<String, GateDecl>,
    /// What of the customer's document it implements.
    #[serde(skip)]
    pub sources: Vec<DocRef>,
    /// Where it departs from that, and why.
    #[serde(skip)]
    pub deviations: Vec<Deviation>,
    /// Checklist items of the front matter.
    pub checklist: Vec<ChecklistItem>,
    /// Reusable blocks by id.
    pub blocks: BTreeMap<String, Vec<Step>>,
    /// The runbooks it calls, once they are found.
    #[serde(skip)]
    pub calls: BTreeMap<String, Arc<Runbook>>,
    /// The steps in document order.
    pub steps: Vec<Step>,
    /// The headings the steps stand under.
    #[serde(skip)]
    pub sections: Vec<Section>,
    /// The text before the first section.
    #[serde(skip)]
    pub intro: String,
}

/// A heading with its prose; what the plan pane shows as one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// All prose under it, joined.
    pub prose: String,
}

impl Runbook {
    /// The declared parameter of that name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The day its review was due, if that is over.
    pub fn overdue(&self, today: jiff::civil::Date) -> Option<jiff::civil::Date> {
        let due = self.review_by.as_ref()?.parse().ok()?;
        (due < today).then_some(due)
    }

    /// The step of that id among the top-level ones.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}
