//! A text that somebody typed and nobody is to see: it goes from the dialog to whoever needs it, and is wiped behind it.

use std::fmt;
use zeroize::Zeroizing;

/// A typed secret. It shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// Takes a text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_nothing_of_itself() {
        let hidden = Hidden::new("hunter2".into());
        assert_eq!(
            format!("{hidden:?} {:?}", Some(hidden.clone())),
            "Hidden(…) Some(Hidden(…))"
        );
        assert_eq!(hidden.expose(), "hunter2");
    }
}
