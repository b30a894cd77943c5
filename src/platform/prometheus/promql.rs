//! Pieces of PromQL from values nobody vouches for: quoted strings, exact regular expressions, durations, configured templates.

use super::wire::QueryFailure;
use jiff::SignedDuration;
use std::fmt::Write as _;

/// A string literal.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    out.push_str(&inside_quotes(text));
    out.push('"');
    out
}

/// A text as it stands between double quotes.
fn inside_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '"' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A regular expression that matches exactly this text.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A regular expression that matches exactly these texts.
pub fn any_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(literal).collect();
    texts.join("|")
}

/// A replacement of `label_replace` that stands for itself.
pub fn replacement(text: &str) -> String {
    text.replace('$', "$$")
}

/// A duration of whole seconds, at least one.
pub fn duration(duration: SignedDuration) -> String {
    format!("{}s", duration.as_secs().max(1))
}

/// `label_replace`, with its strings quoted.
pub fn relabel(vector: &str, to: &str, value: &str, from: &str, regex: &str) -> String {
    format!(
        "label_replace({vector}, {}, {}, {}, {})",
        quote(to),
        quote(value),
        quote(from),
        quote(regex)
    )
}

/// What a template's holes are filled with.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// `{namespace}`.
    pub namespace: &'a str,
    /// `{service}`: the workload's name.
    pub service: &'a str,
    /// `{version}`; without one, anything.
    pub version: Option<&'a str>,
    /// `{pod}`: a regular expression of its pods' names.
    pub pods: Option<&'a str>,
    /// `{window}`.
    pub window: SignedDuration,
}

/// Where in the text of a query we are.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Open,
    Text,
    Regex,
}

/// Fills a template's holes. Inside a regular expression values are escaped as such; outside strings only the window may stand.
pub fn fill(template: &str, with: &Filling<'_>) -> Result<String, QueryFailure> {
    let (mut out, mut place, mut rest) = (String::new(), Place::Open, template);
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let hole = (c == '{').then(|| hole(rest)).flatten();
        if let Some(name) = hole {
            out.push_str(&value(name, place, with)?);
            rest = &rest[name.len() + 1..];
            before = '}';
            continue;
        }
        out.push(c);
        match (c, place) {
            ('\\', Place::Text | Place::Regex) => {
                let escaped = rest.chars().next();
                out.extend(escaped);
                rest = &rest[escaped.map_or(0, char::len_utf8)..];
            }
            ('"', Place::Open) if before == '~' => place = Place::Regex,
            ('"', Place::Open) => place = Place::Text,
            ('"', _) => place = Place::Open,
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    if place == Place::Open {
        Ok(out)
    } else {
        Err(QueryFailure::Question(
            "the template has a string without end".into(),
        ))
    }
}

fn hole(rest: &str) -> Option<&str> {
    let name = &rest[..rest.find('}')?];
    let known = [
        "namespace",
        "service",
        "workload",
        "version",
        "pod",
        "window",
    ];
    known.contains(&name).then_some(name)
}

fn value(name: &str, place: Place, with: &Filling<'_>) -> Result<String, QueryFailure> {
    let wrong = |why: &str| QueryFailure::Question(format!("the template's {{{name}}} {why}"));
    if name == "window" {
        return Ok(duration(with.window));
    }
    if place == Place::Open {
        return Err(wrong("must stand between double quotes"));
    }
    let text = match (name, place) {
        ("namespace", _) => Some(with.namespace),
        ("service" | "workload", _) => Some(with.service),
        ("version", _) if with.version.is_some() => with.version,
        ("version", Place::Regex) => return Ok(".*".into()),
        ("pod", Place::Regex) => {
            let pods = with.pods.ok_or_else(|| wrong("has no pods to name"))?;
            return Ok(inside_quotes(pods));
        }
        ("pod", _) => return Err(wrong("is a regular expression: write =~")),
        _ => None,
    };
    let text = text.ok_or_else(|| wrong("has no value for the whole: write =~"))?;
    let text = match place {
        Place::Regex => literal(text),
        _ => text.to_owned(),
    };
    Ok(inside_quotes(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, service: &str, version: Option<&str>) -> Result<String, String> {
        let with = Filling {
            namespace: "veza",
            service,
            version,
            pods: Some("a\\.b-[0-9]+"),
            window: SignedDuration::from_mins(1),
        };
        fill(template, &with).map_err(|failure| failure.short())
    }

    #[test]
    fn hostile_values_stay_inside_their_quotes() {
        assert_eq!(
            quote("a\"} or up{x=\"\\\n\u{7}"),
            r#""a\"} or up{x=\"\\\n\U00000007""#
        );
        assert_eq!(literal("a.b|c$(d)"), r"a\.b\|c\$\(d\)");
        assert_eq!(
            filled(r#"x{s="{service}"}"#, "a\"} or up{\"", None).unwrap(),
            r#"x{s="a\"} or up{\""}"#
        );
        assert_eq!(
            filled(r#"x{v=~"{version}"}"#, "a", Some(".*")).unwrap(),
            r#"x{v=~"\\.\\*"}"#
        );
    }

    #[test]
    fn templates_are_filled_by_where_the_hole_stands() {
        let all =
            r#"sum(rate(x{n="{namespace}",s =~ "{service}",p=~"{pod}",v=~"{version}"}[{window}]))"#;
        assert_eq!(
            filled(all, "a.b", None).unwrap(),
            r#"sum(rate(x{n="veza",s =~ "a\\.b",p=~"a\\.b-[0-9]+",v=~".*"}[60s]))"#
        );
        assert!(
            filled("x{s={service}}", "a", None)
                .unwrap_err()
                .contains("double quotes")
        );
        assert!(
            filled(r#"x{v="{version}"}"#, "a", None)
                .unwrap_err()
                .contains("write =~")
        );
        assert!(
            filled(r#"x{p="{pod}"}"#, "a", None)
                .unwrap_err()
                .contains("write =~")
        );
        assert!(
            filled(r#"x{p="open"#, "a", None)
                .unwrap_err()
                .contains("without end")
        );
    }
}
