//! The links that the configuration adds to a thing: an address with placeholders for what is known of it. Whoever lists links
//! hands over what is known; a link with a part that is not known is not offered.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One link of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLink {
    /// What it is called.
    pub name: String,
    /// The service it is for; all of them unless set.
    pub service: Option<String>,
    /// The address, with `{placeholders}`.
    pub address: String,
}

/// What is known of a thing, by the placeholders' names.
pub type Known = BTreeMap<&'static str, String>;

/// The links of a thing, name and address: its service's own before the general ones, which they replace where they have the
/// same name.
pub fn offered(all: &[OwnLink], known: &Known) -> Vec<(String, String)> {
    let service = known.get("service").map(String::as_str);
    let own = all
        .iter()
        .filter(|link| link.service.is_some() && link.service.as_deref() == service);
    let general = all.iter().filter(|link| link.service.is_none());
    let mut found: Vec<(String, String)> = Vec::new();
    for link in own.chain(general) {
        if found.iter().any(|(name, _)| *name == link.name) {
            continue;
        }
        found.extend(filled(&link.address, known).map(|text| (link.name.clone(), text)));
    }
    found
}

/// An address with its placeholders filled in; none where something is not known.
fn filled(address: &str, known: &Known) -> Option<String> {
    let mut out = String::new();
    let mut rest = address;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        out.push_str(before);
        encode(known.get(name).filter(|value| !value.is_empty())?, &mut out);
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// A value as a part of an address: what a cluster says cannot lead elsewhere.
fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // A string takes whatever is written.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, service: Option<&str>, address: &str) -> OwnLink {
        OwnLink {
            name: name.into(),
            service: service.map(str::to_owned),
            address: address.into(),
        }
    }

    #[test]
    fn a_service_has_its_own_links_first_and_what_is_not_known_is_not_offered() {
        let all = [
            link("dashboard", None, "https://g/d?ns={namespace}&s={service}"),
            link("dashboard", Some("api"), "https://g/api"),
            link("commit", None, "https://git/{commit}"),
        ];
        let known = |service: &str| {
            Known::from([
                ("namespace", "a b/c".to_owned()),
                ("service", service.to_owned()),
            ])
        };
        let texts = |service: &str| -> Vec<String> {
            offered(&all, &known(service))
                .into_iter()
                .map(|(_, text)| text)
                .collect()
        };
        assert_eq!(texts("api"), ["https://g/api"]);
        assert_eq!(texts("web"), ["https://g/d?ns=a%20b%2Fc&s=web"]);
    }
}
