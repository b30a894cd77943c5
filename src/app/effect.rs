//! What the App asks to be done outside, as data.

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put text on the clipboard.
    Copy(String),
    /// Ask every polled source now.
    AskNow,
    /// Call for attention: the level changed, or a decision waits.
    Attention(String),
}
