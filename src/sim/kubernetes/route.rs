//! Paths and queries of an apiserver, taken apart.

use super::super::kind::{self, Resource};

/// What a path names.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// `/version`
    Version,
    /// `/healthz` and its like.
    Health,
    /// `/api`, `/apis`, `/apis/GROUP`
    Groups(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    Resources {
        /// The group.
        group: String,
        /// The version.
        version: String,
    },
    /// `/openapi/...`
    OpenApi(String),
    /// One of the reviews of oneself.
    Review(String),
    /// Objects, one or many.
    Object {
        /// Their kind.
        resource: &'static Resource,
        /// Their namespace, empty for all or none.
        namespace: String,
        /// The one object, or empty.
        name: String,
        /// Its part, or empty.
        part: String,
        /// What follows the part.
        rest: String,
    },
    /// Nothing we know.
    Unknown,
}

impl Path {
    /// Takes a path apart.
    pub fn parse(path: &str) -> Self {
        let decoded: Vec<String> = path
            .split('/')
            .filter(|s| !s.is_empty())
            .map(decode)
            .collect();
        let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        match segments[..] {
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["openapi", ref rest @ ..] => Self::OpenApi(rest.join("/")),
            ["api"] => Self::Groups("api".into()),
            ["apis"] => Self::Groups("apis".into()),
            ["apis", group] => Self::Groups(group.into()),
            ["api", version] => Self::Resources {
                group: String::new(),
                version: version.into(),
            },
            ["apis", group, version] => Self::Resources {
                group: group.into(),
                version: version.into(),
            },
            [
                "apis",
                "authorization.k8s.io" | "authentication.k8s.io",
                "v1",
                what,
            ] => Self::Review(what.into()),
            ["api", version, ref rest @ ..] => Self::object("", version, rest),
            ["apis", group, version, ref rest @ ..] => Self::object(group, version, rest),
            _ => Self::Unknown,
        }
    }

    fn object(group: &str, version: &str, rest: &[&str]) -> Self {
        let (namespace, rest) = match rest {
            ["namespaces", namespace, tail @ ..]
                if !tail.is_empty() && !matches!(tail[0], "status" | "finalize") =>
            {
                (*namespace, tail)
            }
            _ => ("", rest),
        };
        let Some((plural, tail)) = rest.split_first() else {
            return Self::Unknown;
        };
        let Some(resource) = kind::find(group, version, plural) else {
            return Self::Unknown;
        };
        if !namespace.is_empty() && !resource.namespaced {
            return Self::Unknown;
        }
        let at = |index: usize| tail.get(index).copied().unwrap_or_default().to_owned();
        if resource.namespaced && namespace.is_empty() && !tail.is_empty() {
            return Self::Unknown;
        }
        Self::Object {
            resource,
            namespace: namespace.into(),
            name: at(0),
            part: at(1),
            rest: tail.get(2..).unwrap_or_default().join("/"),
        }
    }
}

/// The parameters of a query.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Takes a query apart.
    pub fn parse(query: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        };
        Self(
            query
                .split('&')
                .filter(|p| !p.is_empty())
                .map(pair)
                .collect(),
        )
    }

    /// A parameter; empty when it is not there.
    pub fn text(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
    }

    /// All parameters.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// A whole number, if it is there and is one.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.text(key).parse().ok()
    }

    /// Whether a switch is on.
    pub fn is_true(&self, key: &str) -> bool {
        matches!(self.text(key), "true" | "1" | "True" | "TRUE" | "t")
    }
}

/// Undoes percent encoding and plus signs.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let raw = text.as_bytes();
    let mut at = 0;
    while at < raw.len() {
        let pair = raw
            .get(at + 1..at + 3)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (raw[at], pair) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                at += 3;
            }
            (b'+', _) => {
                bytes.push(b' ');
                at += 1;
            }
            (byte, _) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::super::kind::Kind;
    use super::*;

    #[test]
    fn paths_name_what_they_name() {
        let object = |path: &str| match Path::parse(path) {
            Path::Object {
                resource,
                namespace,
                name,
                part,
                rest,
            } => Some((resource.kind, namespace, name, part, rest)),
            _ => None,
        };
        let s = String::from;
        assert_eq!(
            object("/api/v1/pods"),
            Some((Kind::Pod, s(""), s(""), s(""), s("")))
        );
        assert_eq!(
            object("/api/v1/namespaces/a/pods/p/log"),
            Some((Kind::Pod, s("a"), s("p"), s("log"), s("")))
        );
        assert_eq!(
            object("/api/v1/namespaces/a/pods/p:80/proxy/x/y"),
            Some((Kind::Pod, s("a"), s("p:80"), s("proxy"), s("x/y")))
        );
        assert_eq!(
            object("/api/v1/namespaces/a"),
            Some((Kind::Namespace, s(""), s("a"), s(""), s("")))
        );
        assert_eq!(
            object("/apis/apps/v1/namespaces/a/deployments/d/scale"),
            Some((Kind::Deployment, s("a"), s("d"), s("scale"), s("")))
        );
        assert_eq!(object("/apis/apps/v1/nodes"), None);
        assert_eq!(Path::parse("/apis/apps"), Path::Groups("apps".into()));
        assert_eq!(Path::parse("/x"), Path::Unknown);
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=app%3Da%2Cb+in+%28c%29&watch=true&limit=5&x=%zz");
        assert_eq!(query.text("labelSelector"), "app=a,b in (c)");
        assert!(query.is_true("watch"));
        assert_eq!(query.number("limit"), Some(5));
        assert_eq!(query.text("x"), "%zz");
    }
}
