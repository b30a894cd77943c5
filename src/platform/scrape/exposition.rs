//! The text of a `/metrics` page, read strictly. The lines that are wanted are taken apart here and handed to
//! `prometheus-parse` in a form it cannot misread: names and values replaced by numbers, escapes resolved, exemplars cut,
//! moments in milliseconds; what it returns is mapped back. What is malformed is counted, never guessed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The longest line that is read, in bytes.
const LINE: usize = 64 << 10;
/// The most labels of one sample.
const LABELS: usize = 64;
/// The most samples that are kept of one page.
pub const SAMPLES: usize = 100_000;

/// One sample of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric.
    pub name: Arc<str>,
    /// Its labels.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Its value; may be NaN or infinite.
    pub value: f64,
    /// The moment the page gives it, in milliseconds.
    pub at_ms: Option<i64>,
}

/// What a page holds of what was wanted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The samples, in the page's order.
    pub samples: Vec<Sample>,
    /// Lines that are no samples.
    pub malformed: usize,
    /// Samples beyond the bound.
    pub left_out: usize,
}

/// A line taken apart.
struct Line {
    name: String,
    labels: Vec<(String, String)>,
    value: String,
    at: Option<f64>,
    at_seconds: bool,
}

/// Reads the wanted metrics of a page.
#[expect(
    clippy::default_trait_access,
    reason = "the moment's type belongs to a crate we do not import"
)]
pub fn read(text: &str, wanted: impl Fn(&str) -> bool) -> Page {
    let open_metrics = text.trim_end().ends_with("# EOF");
    let mut page = Page::default();
    let mut words = Words::default();
    let mut plain = Vec::new();
    for line in text.lines() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match take_apart(line) {
            None => page.malformed += 1,
            Some(line) if !wanted(&line.name) => {}
            Some(_) if plain.len() >= SAMPLES => page.left_out += 1,
            Some(line) => plain.push(Ok(words.plain(&line, open_metrics))),
        }
    }
    let fed = plain.len();
    if let Ok(scrape) = prometheus_parse::Scrape::parse_at(plain.into_iter(), Default::default()) {
        let back = scrape
            .samples
            .iter()
            .filter_map(|sample| words.back(sample));
        page.samples = back.collect();
    }
    page.malformed += fed - page.samples.len();
    page
}

/// The words of a page by number.
#[derive(Default)]
struct Words {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, usize>,
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let word: Arc<str> = word.into();
        self.all.push(word.clone());
        self.numbers.insert(word, self.all.len() - 1);
        self.all.len() - 1
    }

    fn word(&self, text: &str) -> Option<Arc<str>> {
        self.all.get(text.get(1..)?.parse::<usize>().ok()?).cloned()
    }

    fn plain(&mut self, line: &Line, open_metrics: bool) -> String {
        let name = self.number(&line.name);
        let labels: Vec<String> = line
            .labels
            .iter()
            .map(|(name, value)| format!("l{}=\"v{}\"", self.number(name), self.number(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let seconds = open_metrics || line.at_seconds;
        let at = line.at.map(|at| if seconds { at * 1000.0 } else { at });
        let at = at.map_or_else(String::new, |at| format!(" {}", at.round() as i64));
        format!("m{name}{labels} {}{at}", line.value)
    }

    fn back(&self, sample: &prometheus_parse::Sample) -> Option<Sample> {
        let prometheus_parse::Value::Untyped(value) = sample.value else {
            return None;
        };
        let labels = sample.labels.iter();
        let at_ms = sample.timestamp.timestamp_millis();
        Some(Sample {
            name: self.word(&sample.metric)?,
            labels: labels
                .map(|(name, value)| Some((self.word(name)?, self.word(value)?)))
                .collect::<Option<_>>()?,
            value,
            at_ms: (at_ms != 0).then_some(at_ms),
        })
    }
}

/// What is left of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn blank(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, c: char) -> bool {
        self.blank();
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn name(&mut self, colons: bool) -> Option<&'a str> {
        self.blank();
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
        let end = self.0.find(|c| !part(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        let first = name.chars().next()?;
        (!first.is_ascii_digit()).then_some(name)
    }

    /// A quoted text; the opening quote is still there.
    fn quoted(&mut self) -> Option<String> {
        if !self.eat('"') {
            return None;
        }
        let mut text = String::new();
        let mut chars = self.0.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(text);
                }
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    c @ ('\\' | '"') => text.push(c),
                    other => text.extend(['\\', other]),
                },
                c => text.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<&'a str> {
        self.blank();
        let end = self.0.find([' ', '\t']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }
}

fn take_apart(line: &str) -> Option<Line> {
    if line.len() > LINE {
        return None;
    }
    let mut rest = Rest(line);
    let mut name = if line.starts_with('{') {
        None
    } else {
        Some(rest.name(true)?.to_owned())
    };
    let labels = if rest.eat('{') {
        take_labels(&mut rest, &mut name)?
    } else if rest.0.starts_with([' ', '\t']) || rest.0.len() < line.len() {
        Vec::new()
    } else {
        return None;
    };
    let value = rest.word().filter(|value| value.parse::<f64>().is_ok())?;
    let mut at = rest.word();
    if at.is_some_and(|word| word.starts_with('#')) {
        at = None;
    } else {
        rest.blank();
        if !(rest.0.is_empty() || rest.0.starts_with('#')) {
            return None;
        }
    }
    let moment = match at {
        None => None,
        Some(word) => Some(word.parse::<f64>().ok().filter(|at| at.abs() < 1e15)?),
    };
    Some(Line {
        name: name?,
        labels,
        value: value.to_owned(),
        at: moment,
        at_seconds: at.is_some_and(|word| word.contains('.')),
    })
}

/// Labels up to the closing brace; a lone quoted text is the metric's name.
fn take_labels(rest: &mut Rest<'_>, name: &mut Option<String>) -> Option<Vec<(String, String)>> {
    let mut labels: Vec<(String, String)> = Vec::new();
    while !rest.eat('}') {
        rest.blank();
        let label = if rest.0.starts_with('"') {
            rest.quoted()?
        } else {
            rest.name(false)?.to_owned()
        };
        if rest.eat('=') {
            let known = labels.iter().any(|(known, _)| *known == label);
            if known || labels.len() >= LABELS {
                return None;
            }
            rest.blank();
            labels.push((label, rest.quoted()?));
        } else if name.is_none() {
            *name = Some(label);
        } else {
            return None;
        }
        if !rest.eat(',') {
            rest.blank();
            if !rest.0.starts_with('}') {
                return None;
            }
        }
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Page {
        read(text, |_| true)
    }

    fn one(line: &str) -> Sample {
        let page = all(line);
        assert_eq!((page.samples.len(), page.malformed), (1, 0), "{line}");
        page.samples[0].clone()
    }

    fn label(line: &str, name: &str) -> String {
        one(line).labels.get(name).unwrap().to_string()
    }

    #[test]
    fn what_the_parser_misreads_alone_comes_out_right() {
        assert_eq!(
            &*one(r#"job:http_requests:rate5m{job="a"} 1"#).name,
            "job:http_requests:rate5m"
        );
        assert_eq!(label(r#"x{path="/a,b"} 1"#, "path"), "/a,b");
        assert_eq!(label(r#"x{path="/a?x=1",code="200"} 1"#, "path"), "/a?x=1");
        assert_eq!(label(r#"x{route="/users/{id}"} 1"#, "route"), "/users/{id}");
        assert_eq!(&*one("up{} 1").name, "up");
        assert_eq!(label(r#"up {job="a"} 1"#, "job"), "a");
        assert_eq!(
            &*one(r#"{"http.server.duration",job="a"} 1"#).name,
            "http.server.duration"
        );
        assert_eq!(label(r#"x{"a.b"="c"} 1"#, "a.b"), "c");
        assert_eq!(label(r#"up{ job="a" , env="b" } 1"#, "job"), "a");
        assert_eq!(label(r#"up{ job="a" , env="b", } 1"#, "env"), "b");
        assert_eq!(label(r#"x{a="q\"u\\o\nte"} 1"#, "a"), "q\"u\\o\nte");
        assert_eq!(
            label("x{a=\"\u{e000}\u{202e}é\"} 1", "a"),
            "\u{e000}\u{202e}é"
        );
    }

    #[test]
    fn moments_are_milliseconds_in_either_format() {
        assert_eq!(one("x 1 1700000000123").at_ms, Some(1_700_000_000_123));
        assert_eq!(one("x 1 1700000000.123").at_ms, Some(1_700_000_000_123));
        assert_eq!(
            one("x 1 1700000000\n# EOF\n").at_ms,
            Some(1_700_000_000_000)
        );
        assert_eq!(one("x 1").at_ms, None);
    }

    #[test]
    fn types_histograms_summaries_and_exemplars_keep_their_samples() {
        let page = all(
            "# TYPE foo counter\nfoo_total 3 # {trace_id=\"a b\"} 1.0 1700000000.0\n\
            # TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.3\nh_count 2\n\
            # TYPE s summary\ns{quantile=\"0.5\"} 0.2\ns_sum 1\ns_count 5\n",
        );
        let names: Vec<&str> = page.samples.iter().map(|sample| &*sample.name).collect();
        assert_eq!(
            names,
            [
                "foo_total",
                "h_bucket",
                "h_bucket",
                "h_sum",
                "h_count",
                "s",
                "s_sum",
                "s_count"
            ]
        );
        assert_eq!(page.malformed, 0);
        assert_eq!(page.samples[2].labels["le"], "+Inf".into());
    }

    #[test]
    fn numbers_are_read_in_every_form_and_nothing_else_is_one() {
        assert!(one("x NaN").value.is_nan());
        assert_eq!(one("x +Inf").value.to_string(), "inf");
        assert_eq!(one("x -Inf").value.to_string(), "-inf");
        assert_eq!(one("x 1e3").value.to_string(), "1000");
        for bad in [
            "x",
            "x 0x1p-2",
            "x soup",
            "x{a=b} 1",
            "x{a=\"b} 1",
            "x{a=\"b\" 1",
            "x{a=\"1\",a=\"2\"} 1",
            "1x 1",
            "x 1 later",
            "x 1 2 3",
            "{} 1",
            "<html>",
        ] {
            let page = all(bad);
            assert_eq!((page.samples.len(), page.malformed), (0, 1), "{bad}");
        }
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let page = read("a 1\nb 2\n", |name| name == "b");
        assert_eq!(page.samples.len(), 1);
        let flood = "x 1\n".repeat(SAMPLES + 5);
        assert_eq!(read(&flood, |_| true).left_out, 5);
    }

    proptest! {
        #[test]
        fn no_text_at_all_makes_it_panic(text in "(?s).{0,400}") {
            let page = all(&text);
            prop_assert!(page.samples.len() + page.malformed <= text.lines().count());
        }

        #[test]
        fn no_near_miss_makes_it_panic(text in "[a-z{}\",=\\\\ #:0-9\n.é]{0,200}") {
            let page = all(&text);
            prop_assert!(page.samples.len() + page.malformed <= text.lines().count());
        }

        #[test]
        fn every_label_value_survives(value in any::<String>(), number in any::<f64>()) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assume!(!value.contains('\r'));
            let page = all(&format!("x{{a=\"{escaped}\"}} {number}"));
            prop_assert_eq!(page.samples.len(), 1);
            prop_assert_eq!(&*page.samples[0].labels["a"], value.as_str());
            prop_assert_eq!(page.samples[0].value.to_string(), number.to_string());
        }
    }
}
