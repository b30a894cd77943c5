//! Vault's token: from a variable or a file. A file is read for every question, so that a renewed token counts at once.

use secrecy::SecretString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest token file that is believed.
const LONGEST: usize = 64 << 10;

/// Where Vault's token is looked for, in this order; the first place that has one counts.
#[derive(Clone, Default)]
pub struct Token {
    places: Vec<Place>,
}

#[derive(Clone)]
enum Place {
    /// It was given, under this name.
    Given(Arc<str>, SecretString),
    /// A file that must be there.
    File(PathBuf),
    /// A file that may be there.
    Perhaps(PathBuf),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.places.iter().map(Place::name);
        f.debug_list().entries(names).finish()
    }
}

impl Place {
    fn name(&self) -> Arc<str> {
        match self {
            Self::Given(name, _) => name.clone(),
            Self::File(path) | Self::Perhaps(path) => path.display().to_string().into(),
        }
    }
}

impl Token {
    /// Looked for in the file that the configuration names and nowhere else.
    pub fn file(path: PathBuf) -> Self {
        Self {
            places: vec![Place::File(path)],
        }
    }

    /// Looked for in a variable, under its name, where it is set.
    #[must_use]
    pub fn or_given(mut self, name: &str, token: Option<SecretString>) -> Self {
        let place = token.map(|token| Place::Given(name.into(), token));
        self.places.extend(place);
        self
    }

    /// Looked for in a file that may not be there.
    #[must_use]
    pub fn or_file(mut self, path: PathBuf) -> Self {
        self.places.push(Place::Perhaps(path));
        self
    }

    /// The token and where it was found, or why there is none.
    pub(super) async fn read(&self) -> Result<(SecretString, Arc<str>), String> {
        for place in &self.places {
            let (path, needed) = match place {
                Place::Given(name, token) => return Ok((token.clone(), name.clone())),
                Place::File(path) => (path, true),
                Place::Perhaps(path) => (path, false),
            };
            let bad = |why: &str| format!("the token file {}: {why}", path.display());
            let text = match tokio::fs::read_to_string(path).await {
                Ok(text) => Zeroizing::new(text),
                Err(error) if !needed && error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(bad(&error.kind().to_string())),
            };
            let token = text.trim();
            let sound = !token.is_empty()
                && token.len() <= LONGEST
                && token.bytes().all(|byte| byte.is_ascii_graphic());
            if !sound {
                return Err(bad("it does not hold one token"));
            }
            return Ok((token.into(), place.name()));
        }
        Err("there is none".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    async fn found(token: &Token) -> Result<(String, String), String> {
        let (token, source) = token.read().await?;
        Ok((token.expose_secret().to_owned(), source.to_string()))
    }

    #[tokio::test]
    async fn the_variable_comes_before_the_file_at_home_and_a_named_file_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join(".vault-token");
        let both = Token::default()
            .or_given("VAULT_TOKEN", Some("given".into()))
            .or_file(home.clone());
        assert_eq!(
            found(&both).await.unwrap(),
            ("given".into(), "VAULT_TOKEN".into())
        );
        let at_home = Token::default()
            .or_given("VAULT_TOKEN", None)
            .or_file(home.clone());
        assert_eq!(found(&at_home).await.unwrap_err(), "there is none");
        tokio::fs::write(&home, "first\n").await.unwrap();
        assert_eq!(found(&at_home).await.unwrap().0, "first");
        tokio::fs::write(&home, "second\n").await.unwrap();
        assert_eq!(found(&at_home).await.unwrap().0, "second");
        let named =
            Token::file(folder.path().join("absent")).or_given("VAULT_TOKEN", Some("x".into()));
        assert!(found(&named).await.unwrap_err().contains("absent"));
        tokio::fs::write(&home, "two tokens").await.unwrap();
        assert!(!found(&at_home).await.unwrap_err().contains("two tokens"));
        assert!(!format!("{both:?}").contains("given"));
    }
}
