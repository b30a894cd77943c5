//! Where a syslog is, as it is written in the configuration.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A local socket, as /dev/log.
    Unix(PathBuf),
    /// HOST:PORT by UDP.
    Udp(String),
    /// HOST:PORT by TCP, octet-counted (RFC 6587).
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |rest: &str| {
            rest.rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        };
        match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("udp", rest)) if port(rest) => Ok(Self::Udp(rest.to_owned())),
            Some(("tcp", rest)) if port(rest) => Ok(Self::Tcp(rest.to_owned())),
            _ => Err("write unix:/dev/log, udp:HOST:PORT or tcp:HOST:PORT".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Udp(to) => write!(out, "udp:{to}"),
            Self::Tcp(to) => write!(out, "tcp:{to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_it_is_said_how() {
        for good in ["unix:/dev/log", "udp:127.0.0.1:514", "tcp:[::1]:601"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "/dev/log",
            "unix:log",
            "udp:host",
            "tls:host:1",
            "tcp:host:99999",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
