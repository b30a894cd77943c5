//! What the App asks to be done outside, as data.

use super::runs::order::RunOrder;

/// One thing to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Put text on the clipboard.
    Copy(String),
    /// Ask every polled source now.
    AskNow,
    /// Call for attention: the level changed, or a decision waits.
    Attention(String),
    /// Do something for runs.
    Run(RunOrder),
}
