//! One part of a JSON pointer (RFC 6901): a key as it stands in a path, and back.

/// A key as a part of a path.
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a part of a path names.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_whatever_it_holds() {
        for key in ["plain", "a/b", "a~b", "~1", "~0/~1", "kubernetes.io/x~y"] {
            assert_eq!(unescaped(&escaped(key)), key);
            assert!(!escaped(key).contains('/'), "{key}");
        }
    }
}
