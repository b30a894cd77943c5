//! Values of parameters: what a person or a flag gave, read by the declared type. What does not fit is refused
//! with a sentence that says what would.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::runbook::ids::RunId;
use crate::runbook::model::{Param, ParamType, Runbook, Step, StepKind};
use crate::runbook::place::nearest;
use crate::runbook::prose::{bounded, steers};
use crate::runbook::quantity::{parse_duration, show_duration};

mod shape;

impl Param {
    /// Reads a text by the parameter's type.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let refuse = |why: &str| Err(format!("{} = `{}`: {why}", self.name, bounded(text, 80)));
        if text
            .chars()
            .any(|c| steers(c) || (c == '\n' && self.ty != ParamType::Text))
        {
            return refuse("control or direction characters are not accepted");
        }
        if text.len() > 4096 {
            return refuse("longer than 4096 bytes");
        }
        let value = match self.ty {
            ParamType::Int => match text.trim().parse::<i64>() {
                Ok(number) => Value::from(number),
                Err(_) => return refuse("must be a whole number"),
            },
            ParamType::Bool => match text.trim() {
                "true" | "yes" => Value::from(true),
                "false" | "no" => Value::from(false),
                _ => return refuse("must be true or false"),
            },
            ParamType::Duration => match parse_duration(text) {
                Some(duration) => Value::from(show_duration(duration)),
                None => return refuse("must be a duration, as 90s, 3m or 7d"),
            },
            ParamType::K8sRef => Value::from(workload(text)),
            ParamType::PercentList => percentages(text)
                .map(Value::from)
                .map_err(|why| format!("{} = `{text}`: {why}", self.name))?,
            _ => Value::from(text),
        };
        self.admit(value)
    }

    /// Holds a typed value against the declaration.
    pub fn admit(&self, value: Value) -> Result<Value, String> {
        let refuse = |why: String| Err(format!("{}: {why}", self.name));
        let text = value.as_str().unwrap_or_default();
        let fits = match self.ty {
            ParamType::Int => value.is_i64(),
            ParamType::Bool => value.is_boolean(),
            ParamType::Duration => parse_duration(text).is_some(),
            ParamType::PercentList => value.is_array(),
            ParamType::Choice => {
                if !self.choices.iter().any(|choice| choice == text) {
                    let near = nearest(text, self.choices.iter().map(String::as_str));
                    let hint = near
                        .map(|near| format!("; did you mean `{near}`?"))
                        .unwrap_or_default();
                    return refuse(format!(
                        "`{}` is not one of {}{hint}",
                        bounded(text, 60),
                        self.choices.join(", ")
                    ));
                }
                true
            }
            ParamType::Namespace => dns_label(text, 63),
            ParamType::K8sName => dns_name(text),
            ParamType::K8sRef => workload_ref(text),
            ParamType::ImageDigest => text.split_once("@sha256:").is_some_and(|(name, hex)| {
                image_name(name) && hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())
            }),
            ParamType::Image => image_name(text.split('@').next().unwrap_or_default()),
            ParamType::VaultKv2 => shape::vault(text),
            ParamType::Url => shape::url(text),
            ParamType::Cron => shape::cron(text),
            ParamType::Regex => shape::regex(text),
            ParamType::Run => RunId::parse(text).is_some(),
            ParamType::String | ParamType::Text => value.is_string(),
        };
        if !fits {
            return refuse(format!(
                "`{}` is not {}",
                bounded(&crate::runbook::template::plain(&value), 80),
                describe(self.ty)
            ));
        }
        self.within(&value)?;
        if let Some(pattern) = &self.pattern
            && !glob(pattern.as_bytes(), text.as_bytes())
        {
            return refuse(format!(
                "`{}` does not match `{pattern}`",
                bounded(text, 80)
            ));
        }
        Ok(value)
    }

    fn within(&self, value: &Value) -> Result<(), String> {
        let measure = |text: &str| match self.ty {
            ParamType::Duration => parse_duration(text).map(|duration| duration.as_millis()),
            _ => text.parse::<i128>().ok(),
        };
        let Some(measured) = measure(&crate::runbook::template::plain(value)) else {
            return Ok(());
        };
        if let Some(min) = &self.min
            && measure(min).is_some_and(|min| measured < min)
        {
            return Err(format!("{}: at least {min}", self.name));
        }
        if let Some(max) = &self.max
            && measure(max).is_some_and(|max| measured > max)
        {
            return Err(format!("{}: at most {max}", self.name));
        }
        Ok(())
    }
}

/// What a value of a type is, as it stands in sentences.
pub fn describe(ty: ParamType) -> &'static str {
    match ty {
        ParamType::Int => "a whole number",
        ParamType::Bool => "true or false",
        ParamType::Duration => "a duration, as 90s, 3m or 7d",
        ParamType::PercentList => "a rising list of percentages, as 5,25,50,100",
        ParamType::Choice => "one of the choices",
        ParamType::Namespace => "a namespace's name (small letters, digits, hyphens)",
        ParamType::K8sName => "a name Kubernetes accepts (small letters, digits, hyphens, dots)",
        ParamType::K8sRef => {
            "a workload: NAME, or Deployment/NAME, StatefulSet/NAME, DaemonSet/NAME"
        }
        ParamType::ImageDigest => "an image with a digest, as name@sha256:…",
        ParamType::Image => "an image",
        ParamType::VaultKv2 => "a path, as mount/path",
        ParamType::Url => "an http or https address without user and password",
        ParamType::Cron => "a cron line of five fields, as `*/5 0-6 * * mon`",
        ParamType::Regex => "a well-formed regular expression of at most 512 bytes",
        ParamType::Run => "the id of a run, as `vigie runs --all` lists them",
        ParamType::String | ParamType::Text => "a text",
    }
}

fn percentages(text: &str) -> Result<Vec<i64>, String> {
    let wrong = "must be rising percentages that end at 100, as 5,25,50,100".to_owned();
    let numbers: Option<Vec<i64>> = text
        .split(',')
        .map(|part| part.trim().trim_end_matches('%').trim().parse().ok())
        .collect();
    let numbers = numbers.ok_or_else(|| wrong.clone())?;
    let rising = numbers.windows(2).all(|pair| pair[0] < pair[1])
        && numbers.first().is_some_and(|first| *first > 0);
    if rising && numbers.last() == Some(&100) {
        Ok(numbers)
    } else {
        Err(wrong)
    }
}

fn dns_label(text: &str, longest: usize) -> bool {
    !text.is_empty()
        && text.len() <= longest
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|part| dns_label(part, 253))
}

/// A workload as it is named everywhere: `sts/x` and `statefulsets.apps/x` are `StatefulSet/x`.
pub fn workload(text: &str) -> String {
    let kinds = [
        ("Deployment", ["deploy", "deployment", "deployments"]),
        ("StatefulSet", ["sts", "statefulset", "statefulsets"]),
        ("DaemonSet", ["ds", "daemonset", "daemonsets"]),
    ];
    let whole = || text.to_owned();
    let Some((kind, name)) = text.split_once('/') else {
        return whole();
    };
    let small = kind.split('.').next().unwrap_or(kind).to_lowercase();
    let found = kinds
        .iter()
        .find(|(_, words)| words.contains(&small.as_str()));
    found.map_or_else(whole, |(kind, _)| format!("{kind}/{name}"))
}

fn workload_ref(text: &str) -> bool {
    match text.split_once('/') {
        Some((kind, name)) => {
            matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet") && dns_name(name)
        }
        None => dns_name(text),
    }
}

fn image_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 512
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"./:_-".contains(&b))
}

/// Matches `*` against anything; every other byte against itself. Linear in memory, at most quadratic in time.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star, mut mark) = (0, 0, None, 0);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some(p);
            mark = t;
            p += 1;
        } else if pattern.get(p) == text.get(t) {
            p += 1;
            t += 1;
        } else if let Some(back) = star {
            p = back + 1;
            mark += 1;
            t = mark;
        } else {
            return false;
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Whether a run may begin without this parameter: nothing needs it, or it is settled on the way.
pub fn may_stay_open(runbook: &Runbook, param: &Param) -> bool {
    let asks =
        |step: &Step| matches!(&step.kind, StepKind::Input { param: name } if *name == param.name);
    !param.required || param.from.is_some() || runbook.steps.iter().any(asks)
}

/// Settles the parameters of a run: what was given, then defaults; everything wrong at once. A parameter that an `input`
/// step asks for, or that has a live list, may stay open: it is settled there.
pub fn settle(
    runbook: &Runbook,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut settled = BTreeMap::new();
    for name in given.keys().filter(|name| runbook.param(name).is_none()) {
        let near = nearest(name, runbook.params.iter().map(|param| param.name.as_str()));
        let hint = near
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        wrong.push(format!(
            "runbook {} has no parameter `{}`{hint}",
            runbook.id,
            bounded(name, 60)
        ));
    }
    for param in &runbook.params {
        let value = match (given.get(&param.name), &param.default) {
            (Some(text), _) => param.read(text).map(Some),
            (None, Some(default)) => param.admit(default.clone()).map(Some),
            (None, None) if !may_stay_open(runbook, param) => Err(format!(
                "{} is required: --set {}=…{}",
                param.name,
                param.name,
                param
                    .help
                    .as_ref()
                    .map(|help| format!(" ({help})"))
                    .unwrap_or_default()
            )),
            (None, None) => Ok(None),
        };
        match value {
            Ok(Some(value)) => {
                settled.insert(param.name.clone(), value);
            }
            Ok(None) => {}
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() {
        Ok(settled)
    } else {
        Err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::place::Place;

    fn param(ty: ParamType) -> Param {
        Param {
            name: "x".into(),
            ty,
            default: None,
            required: false,
            pattern: None,
            min: None,
            max: None,
            choices: vec!["overlap".into(), "cutover".into()],
            from: None,
            help: None,
            place: Place::default(),
        }
    }

    #[test]
    fn every_type_takes_what_fits_and_refuses_the_rest() {
        let digest = format!("r/a@sha256:{}", "a".repeat(64));
        let table: &[(ParamType, &[&str], &[&str])] = &[
            (ParamType::Int, &["3", "-1"], &["3.5", "x", ""]),
            (ParamType::Bool, &["true", "no"], &["1"]),
            (ParamType::Duration, &["3m", "1h30m"], &["3", "m"]),
            (
                ParamType::PercentList,
                &["5,25,50,100", "100"],
                &["50,25,100", "5,25", "0,100", ""],
            ),
            (ParamType::Choice, &["overlap"], &["overlp"]),
            (
                ParamType::Namespace,
                &["veza-production"],
                &["Veza", "-a", "a/b", "", "../x"],
            ),
            (ParamType::K8sName, &["a.b-c"], &["a..b", "A"]),
            (
                ParamType::K8sRef,
                &["api", "Deployment/api", "StatefulSet/db", "deploy/api"],
                &["Pod/x", "Deployment/", "a/b/c", "po/api"],
            ),
            (ParamType::ImageDigest, &[digest.as_str()], &["r/a:v1"]),
            (ParamType::Image, &["r.io/a:v1"], &["", "a b"]),
            (
                ParamType::VaultKv2,
                &["secret/veza/production"],
                &["secret", "secret//x", "secret/../x"],
            ),
            (ParamType::Url, &["https://x"], &["file:///etc/passwd"]),
            (
                ParamType::Run,
                &["01M8Q3JPRPNVTFPRYRKQZSQYT2"],
                &["01M8Q3JP", "../runs/x", ""],
            ),
            (ParamType::String, &["any text"], &["a\u{1b}[2J", "a\nb"]),
        ];
        for (ty, good, bad) in table {
            for text in *good {
                assert!(param(*ty).read(text).is_ok(), "{ty:?} {text}");
            }
            for text in *bad {
                assert!(param(*ty).read(text).is_err(), "{ty:?} {text}");
            }
        }
    }

    #[test]
    fn a_workload_is_named_as_kubectl_names_it() {
        let reference = param(ParamType::K8sRef);
        for (typed, kept) in [
            ("sts/db", "StatefulSet/db"),
            ("deployments.apps/api", "Deployment/api"),
            ("DaemonSet/agent", "DaemonSet/agent"),
            ("api", "api"),
        ] {
            assert_eq!(reference.read(typed), Ok(Value::from(kept)), "{typed}");
        }
    }

    #[test]
    fn bounds_and_patterns_hold() {
        let hold = Param {
            min: Some("10s".into()),
            max: Some("20m".into()),
            ..param(ParamType::Duration)
        };
        assert!(hold.read("3m").is_ok() && hold.read("5s").is_err() && hold.read("1h").is_err());
        let named = Param {
            pattern: Some("INC-*".into()),
            ..param(ParamType::String)
        };
        assert!(named.read("INC-2026").is_ok() && named.read("JIRA-1").is_err());
    }
}
