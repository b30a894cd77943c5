//! What names an object or a line of a list, as a value: compared and hashed without following a pointer.
//!
//! What a server gives is a UUID in its usual spelling and is kept as its number; any other text is kept as it came, so that
//! what is said back is always what was heard.

use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// The uid of an object, or what stands for one: the fingerprint of an alert, the name of a runbook.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Uuid(Uuid),
    Text(Arc<str>),
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let mut spelled = Uuid::encode_buffer();
        let usual = |uuid: &Uuid| *uuid.hyphenated().encode_lower(&mut spelled) == *text;
        Self(match Uuid::try_parse(text).ok().filter(usual) {
            Some(uuid) => Form::Uuid(uuid),
            None => Form::Text(text.into()),
        })
    }
}

impl From<String> for Uid {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl Default for Uid {
    fn default() -> Self {
        Self::from("")
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Uuid(uuid) => uuid.hyphenated().fmt(f),
            Form::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_back_is_what_was_heard() {
        let texts = [
            "7f1e4b0c-2d5a-4a57-9d7e-0a1b2c3d4e5f",
            "7F1E4B0C-2D5A-4A57-9D7E-0A1B2C3D4E5F",
            "7f1e4b0c2d5a4a579d7e0a1b2c3d4e5f",
            "{7f1e4b0c-2d5a-4a57-9d7e-0a1b2c3d4e5f}",
            "urn:uuid:7f1e4b0c-2d5a-4a57-9d7e-0a1b2c3d4e5f",
            "veza-backend-1",
            "",
        ];
        for text in texts {
            assert_eq!(Uid::from(text).to_string(), text);
        }
        let distinct: std::collections::BTreeSet<_> = texts.into_iter().map(Uid::from).collect();
        assert_eq!(
            distinct.len(),
            texts.len(),
            "another spelling is another uid"
        );
    }
}
