//! What the App asks to be done outside, as data.

use super::incidents::order::IncidentOrder;
use super::places::Destination;
use super::runs::order::RunOrder;
use crate::domain::object::ObjectRef;
use std::sync::Arc;

/// One thing to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Put text on the clipboard.
    Copy(String),
    /// Keep a text in a file; what is on the screen where there is none.
    Save {
        /// What the file is called after.
        name: String,
        /// The text.
        text: Option<String>,
    },
    /// Ask every polled source now.
    AskNow,
    /// Call for attention: the level changed, or a decision waits.
    Attention(String),
    /// Do something for runs.
    Run(RunOrder),
    /// Do something for incidents.
    Incident(IncidentOrder),
    /// A drill wants something of its simulated world.
    Stage(super::drill::Cue),
    /// Look at another target.
    Go(Destination),
    /// Sign in again, with the terminal.
    Login,
    /// Open a shell in a pod, with the terminal.
    Shell {
        /// The pod.
        object: ObjectRef,
        /// The container; unset where it is not known.
        container: Option<Arc<str>>,
    },
}
