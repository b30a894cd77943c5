//! Where a request of a runbook goes, taken apart before anything is sent: a host that is a Service or a pod of the
//! cluster, or one outside; a path that stays below it. Pure; whoever sends it gets only what was understood here.

use crate::runbook::model::{Method, Via};
use crate::runbook::prose::bounded;

/// The longest address that is taken.
const LONGEST: usize = 2_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// How it gets there.
    pub via: Via,
    /// What is asked.
    pub method: Method,
    /// Where.
    pub address: Address,
    /// The namespace of a host that names none.
    pub home: String,
}

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether it is `https`.
    pub secure: bool,
    /// The host, in small letters.
    pub host: String,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// The path with its query; it begins with a slash.
    pub path: String,
}

impl Address {
    /// Takes an address apart; anything that two programs could read in two ways is refused.
    pub fn parse(url: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("`{}` is no address to ask: {why}", bounded(url, 120));
        if url.len() > LONGEST {
            return Err(bad("it is too long"));
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || "\\\"<>^`{|}#".contains(c);
        if url.chars().any(odd) || !url.is_ascii() {
            return Err(bad("it holds characters that do not belong into one"));
        }
        let (secure, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(bad("it must begin with http:// or https://")),
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if authority.contains('@') {
            return Err(bad("it holds a name or a password"));
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => {
                let port = port.parse::<u16>().ok().filter(|port| *port > 0);
                (
                    host,
                    Some(port.ok_or_else(|| bad("its port is no number"))?),
                )
            }
            None => (authority, None),
        };
        let label = |part: &str| {
            let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !part.is_empty() && part.len() <= 63 && part.chars().all(inner)
        };
        if !host.split('.').all(label) {
            return Err(bad("its host is none"));
        }
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        if climbs(&path) {
            return Err(bad("its path climbs out of where it begins"));
        }
        Ok(Self {
            secure,
            host: host.to_ascii_lowercase(),
            port,
            path,
        })
    }

    /// Name and namespace of a host in the cluster: `NAME`, `NAME.NAMESPACE`, `NAME.NAMESPACE.svc…`.
    pub fn place(&self, home: &str) -> Result<(String, String), String> {
        let parts: Vec<&str> = self.host.split('.').collect();
        match parts.as_slice() {
            [name] => Ok(((*name).to_owned(), home.to_owned())),
            [name, namespace] | [name, namespace, "svc", ..] => {
                Ok(((*name).to_owned(), (*namespace).to_owned()))
            }
            _ => Err(format!(
                "`{}` names nothing in the cluster: write NAME.NAMESPACE, or via = \"direct\" for a host outside",
                bounded(&self.host, 120)
            )),
        }
    }

    /// The port, named or usual.
    pub fn usual_port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// A Service's or a pod's name as the API server's proxy takes it.
    pub fn proxied(&self, name: &str, port: Option<u16>) -> String {
        let scheme = if self.secure { "https:" } else { "" };
        match port {
            Some(port) => format!("{scheme}{name}:{port}"),
            None => format!("{scheme}{name}"),
        }
    }

    /// Everything before the path, for a request from here.
    pub fn base(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        match self.port {
            Some(port) => format!("{scheme}://{}:{port}", self.host),
            None => format!("{scheme}://{}", self.host),
        }
    }

    /// Whether a list of hosts, each with or without a port, names this one.
    pub fn is_among<'h>(&self, mut hosts: impl Iterator<Item = &'h String>) -> bool {
        let with = format!("{}:{}", self.host, self.usual_port());
        hosts.any(|host| host.eq_ignore_ascii_case(&self.host) || host.eq_ignore_ascii_case(&with))
    }
}

/// Whether a path leaves where it begins, however that is written: behind the API server's proxy lies the whole API.
fn climbs(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let plain = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    plain.contains("%25") || plain.split('/').any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_or_refused() {
        let good = Address::parse("http://Api.prod:8080/health?full=1").unwrap();
        assert_eq!(good.place("x"), Ok(("api".to_owned(), "prod".to_owned())));
        assert_eq!((good.port, &*good.path), (Some(8080), "/health?full=1"));
        assert_eq!(good.proxied("api", good.port), "api:8080");
        let short = Address::parse("https://api").unwrap();
        assert_eq!((short.usual_port(), &*short.path), (443, "/"));
        assert_eq!(
            short.place("home"),
            Ok(("api".to_owned(), "home".to_owned()))
        );
        assert_eq!(short.proxied("api", None), "https:api");
        for wrong in [
            "",
            "api.prod/health",
            "ftp://api/",
            "file:///etc/passwd",
            "http:///x",
            "http://user:pass@api/",
            "http://api:0/",
            "http://api:99999/",
            "http://api:80:80/",
            "http://[::1]/",
            "http://a..b/",
            "http://api/../x",
            "http://api/a/%2e%2E/x",
            "http://api/a%2f..%2fx",
            "http://api/%252e%252e/x",
            "http://api/./x",
            "http://api/a b",
            "http://api/a\nb",
            "http://api/a#b",
            "http://api\\@evil/",
            "http://ápi/",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_hosts_that_are_named_are_among_them() {
        let hosts = [
            "status.example.com".to_owned(),
            "api.example.com:8443".to_owned(),
        ];
        let is = |url: &str| Address::parse(url).unwrap().is_among(hosts.iter());
        assert!(is("https://status.example.com/x") && is("https://Status.Example.com:9/x"));
        assert!(is("https://api.example.com:8443/") && !is("https://api.example.com/"));
        assert!(!is("https://example.com/") && !is("https://status.example.com.evil.net/"));
        let far = Address::parse("https://status.example.com/").unwrap();
        assert!(far.place("x").unwrap_err().contains("via = \"direct\""));
    }
}
