//! Where a secret lies in Vault: the mount of its key/value engine and the path below it.

use std::fmt;
use std::str::FromStr;

/// The longest path that is believed.
const LONGEST: usize = 512;

/// A path of a key/value engine, as people write it: `secret/veza/production`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KvPath {
    /// Where the engine is mounted: `secret`.
    pub mount: String,
    /// The path in it: `veza/production`.
    pub path: String,
}

impl KvPath {
    /// Reads it; the first part is the mount.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("`{}` is not a path of Vault: {why}", shown(text)));
        if text.len() > LONGEST {
            return bad("it is too long");
        }
        if text.chars().any(char::is_control) {
            return bad("it has a control character");
        }
        if text.starts_with('/') || text.ends_with('/') {
            return bad("it begins or ends with a slash");
        }
        for part in text.split('/') {
            match part {
                "" => return bad("a part of it is empty"),
                "." | ".." => return bad("`.` and `..` are not allowed"),
                _ => {}
            }
        }
        let Some((mount, path)) = text.split_once('/') else {
            return bad("write MOUNT/PATH, such as secret/veza/production");
        };
        Ok(Self {
            mount: mount.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The path of the API that has the values: `secret/data/veza/production`. Rights are given at these.
    pub fn data(&self) -> String {
        self.part("data")
    }

    /// The path of the API that has the versions.
    pub fn metadata(&self) -> String {
        self.part("metadata")
    }

    /// The path of the API that has the keys' names.
    pub fn subkeys(&self) -> String {
        self.part("subkeys")
    }

    /// The path of the API that destroys versions.
    pub fn destroy(&self) -> String {
        self.part("destroy")
    }

    fn part(&self, part: &str) -> String {
        format!("{}/{part}/{}", self.mount, self.path)
    }
}

impl fmt::Display for KvPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mount, self.path)
    }
}

impl FromStr for KvPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// A text that is no path, for a sentence.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_its_mount_and_what_is_below() {
        let path = KvPath::parse("secret/veza/production").unwrap();
        assert_eq!(
            (path.mount.as_str(), path.path.as_str()),
            ("secret", "veza/production")
        );
        assert_eq!(path.to_string(), "secret/veza/production");
        assert_eq!(path.data(), "secret/data/veza/production");
    }

    #[test]
    fn what_leads_elsewhere_is_no_path() {
        for bad in [
            "",
            "secret",
            "/secret/x",
            "secret/x/",
            "secret//x",
            "secret/../sys",
            "secret/./x",
            "secret/x\n",
            "secret/\u{1b}[2J",
        ] {
            let why = KvPath::parse(bad).unwrap_err();
            assert!(why.contains("is not a path of Vault"), "{bad:?}: {why}");
            assert!(!why.chars().any(char::is_control), "{bad:?}: {why:?}");
        }
        assert!(KvPath::parse(&"a/".repeat(600)).is_err());
    }
}
