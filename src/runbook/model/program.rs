//! The words of a program's command line: whether one of them is a secret, which everybody on the machine could read, and
//! how they are written for people.

/// How values begin that open something.
const BEGINNINGS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "hvs.",
    "hvb.",
    "sk_live_",
    "AKIA",
    "eyJhbGciOi",
    "-----BEGIN ",
];
/// Names of options and variables whose value is a secret.
const NAMES: &[&str] = &[
    "password", "passwd", "token", "secret", "api-key", "apikey", "api_key",
];

/// Whether an argument looks like a secret: by how it begins, or by the name in front of its `=`.
pub fn gives_away(argument: &str) -> bool {
    let known = |value: &str| BEGINNINGS.iter().any(|begin| value.starts_with(begin));
    if known(argument) || argument.to_lowercase().contains("bearer ") {
        return true;
    }
    let Some((name, value)) = argument.split_once('=') else {
        return false;
    };
    let name = name.to_lowercase();
    let telling = NAMES.iter().any(|end| name.ends_with(end));
    !value.is_empty() && (known(value) || telling)
}

/// A command line as a person could type it: every word stays one word.
pub fn spoken(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,@+%".contains(c);
    let word = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_beginning_or_by_its_name() {
        for given in [
            "ghp_0123456789",
            "--token=abc",
            "GH_TOKEN=abc",
            "--db-password=hunter2",
            "Authorization: Bearer abc",
            "--data=hvs.CAES",
        ] {
            assert!(gives_away(given), "{given}");
        }
        for plain in ["--token-file=/x", "--token=", "tag=v1.2.3", "secret", "-f"] {
            assert!(!gives_away(plain), "{plain}");
        }
    }

    #[test]
    fn every_word_of_a_command_line_stays_one_word() {
        let argv = ["/usr/bin/gh", "a b", "x;reboot", "it's", ""].map(str::to_owned);
        assert_eq!(spoken(&argv), r"/usr/bin/gh 'a b' 'x;reboot' 'it'\''s' ''");
    }
}
