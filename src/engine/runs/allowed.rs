//! The programs of this machine that runbooks may start: those the configuration lists, and no search for others.

use std::collections::BTreeSet;

/// The programs that runbooks may start, and what more of the environment they get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs {
    /// Absolute paths.
    pub allowed: Vec<String>,
    /// Names of variables that are handed on as they are.
    pub environment: BTreeSet<String>,
}

impl Programs {
    /// The listed path that a file's word means.
    pub fn resolve(&self, name: &str) -> Result<&str, String> {
        let last = |path: &str| path.rsplit('/').next() == Some(name);
        let mut found = self.allowed.iter().filter(|path| {
            if name.contains('/') {
                path.as_str() == name
            } else {
                last(path)
            }
        });
        match (found.next(), found.next()) {
            (Some(path), None) => Ok(path),
            (Some(one), Some(other)) => Err(format!(
                "`{name}` may be {one} or {other}: write its path in the runbook"
            )),
            (None, _) => Err(format!("`{name}` is not among [runbooks] exec")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_means_only_what_is_listed() {
        let programs = Programs {
            allowed: ["/usr/bin/gh", "/opt/a/tool", "/opt/b/tool"]
                .map(str::to_owned)
                .into(),
            ..Programs::default()
        };
        assert_eq!(programs.resolve("gh"), Ok("/usr/bin/gh"));
        assert_eq!(programs.resolve("/usr/bin/gh"), Ok("/usr/bin/gh"));
        for (name, wanted) in [
            ("sh", "is not among [runbooks] exec"),
            ("/bin/gh", "is not among [runbooks] exec"),
            ("", "is not among [runbooks] exec"),
            ("tool", "may be /opt/a/tool or /opt/b/tool"),
        ] {
            let why = programs.resolve(name).unwrap_err();
            assert!(why.contains(wanted), "{name}: {why}");
        }
    }
}
