//! What failing pods said last, as a run shows it.

/// The last lines of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodLines {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether they are from before its last restart.
    pub previous: bool,
    /// The lines as they came, oldest first.
    pub lines: Vec<String>,
}
