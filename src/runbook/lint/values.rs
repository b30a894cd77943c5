//! Values that cannot be: conditions no value meets or every value meets, bounds that exclude everything, gates that
//! cannot pass in their time, targets that may be empty.

use jiff::SignedDuration;

use crate::runbook::check::Test;
use crate::runbook::model::{GateDecl, Param, ParamType, Runbook, Step, StepKind, Subject, When};
use crate::runbook::quantity::{parse_duration, show_duration};
use crate::runbook::template::{Path, Slot, Text, plain};
use serde_json::Value;

/// Severities of incidents.
pub const SEVERITIES: [&str; 4] = ["P0", "P1", "P2", "P3"];

/// Why a condition makes no sense, where the file alone shows it.
pub fn senseless(runbook: &Runbook, when: &When) -> Option<String> {
    match when {
        When::All(parts) | When::Any(parts) if parts.is_empty() => {
            Some("an empty list of conditions".to_owned())
        }
        When::All(parts) => parts.iter().find_map(|part| senseless(runbook, part)),
        When::Any(parts) => parts.iter().find_map(|part| senseless(runbook, part)),
        When::Test(Subject::Severity, test) => wanted(test)
            .into_iter()
            .find(|value| {
                !value
                    .as_str()
                    .is_some_and(|word| SEVERITIES.contains(&word))
            })
            .map(|value| {
                format!(
                    "there is no severity `{}`, only {}",
                    plain(value),
                    SEVERITIES.join(", ")
                )
            }),
        When::Test(Subject::Env, _) => None,
        When::Test(Subject::Value(path), test) => of_value(runbook, path, test),
    }
}

/// The values a test names, words that mean something else left out.
fn wanted(test: &Test) -> Vec<&Value> {
    let all: Vec<&Value> = match test {
        Test::Is(value) | Test::Not(value) => vec![value],
        Test::In(values) => values.iter().collect(),
        Test::Has(_) | Test::Limit(_) => Vec::new(),
    };
    let word = |value: &&&Value| !matches!(value.as_str(), Some("empty" | "set"));
    all.iter().filter(word).copied().collect()
}

fn of_value(runbook: &Runbook, path: &Path, test: &Test) -> Option<String> {
    if matches!(test, Test::In(values) if values.is_empty()) {
        return Some(format!("`{path}` is compared with an empty list"));
    }
    let strange = |what: &str, options: &[&str]| {
        let wrong = wanted(test)
            .into_iter()
            .find(|value| !value.as_str().is_some_and(|word| options.contains(&word)))?;
        Some(format!(
            "{what} is never `{}`, only {}",
            plain(wrong),
            options.join(", ")
        ))
    };
    match path {
        Path::Param(name, tail) if tail.is_empty() => {
            let param = runbook.param(name)?;
            let what = format!("parameter `{name}`");
            let kind = |good: fn(&Value) -> bool, words: &str| {
                let wrong = wanted(test).into_iter().find(|value| !good(value))?;
                Some(format!("{what} is {words}, never `{}`", plain(wrong)))
            };
            match param.ty {
                ParamType::Choice => {
                    let choices: Vec<&str> = param.choices.iter().map(String::as_str).collect();
                    strange(&what, &choices)
                }
                ParamType::Bool => kind(Value::is_boolean, "true or false"),
                ParamType::Int => kind(Value::is_i64, "a whole number"),
                ParamType::PercentList => kind(Value::is_array, "a list"),
                _ => kind(Value::is_string, "a text"),
            }
        }
        Path::Step(id, tail) if tail.first().is_some_and(|name| name == "choice") => {
            let StepKind::Choose { options } = &runbook.step(id)?.kind else {
                return None;
            };
            let ids: Vec<&str> = options.iter().map(|option| option.id.as_str()).collect();
            strange(&format!("step `{id}`"), &ids)
        }
        _ => None,
    }
}

/// What is wrong with a parameter's own declaration.
pub fn of_param(param: &Param) -> Option<String> {
    let name = &param.name;
    let measure = |text: &String| match param.ty {
        ParamType::Duration => parse_duration(text).map(|span| span.as_millis()),
        ParamType::Int => text.parse::<i128>().ok(),
        _ => None,
    };
    let bounds = [("min", &param.min), ("max", &param.max)];
    for (key, bound) in bounds {
        if let Some(bound) = bound
            && measure(bound).is_none()
        {
            return Some(match param.ty {
                ParamType::Duration | ParamType::Int => {
                    format!(
                        "parameter `{name}`: `{key}` is not {}",
                        crate::runbook::param::describe(param.ty)
                    )
                }
                ty => format!("parameter `{name}`: a {} has no `{key}`", ty.word()),
            });
        }
    }
    if let (Some(min), Some(max)) = (
        param.min.as_ref().and_then(measure),
        param.max.as_ref().and_then(measure),
    ) && min > max
    {
        return Some(format!(
            "parameter `{name}`: `min` is greater than `max`, so no value fits"
        ));
    }
    if !param.choices.is_empty() && param.ty != ParamType::Choice {
        return Some(format!(
            "parameter `{name}`: only type \"choice\" has `choices`"
        ));
    }
    if param.required && param.default.is_some() {
        return Some(format!(
            "parameter `{name}` is required and has a default: it is one or the other"
        ));
    }
    None
}

/// Why a gate cannot pass before its deadline, with the default or the greatest hold it may be given.
pub fn of_gate(
    runbook: &Runbook,
    gate: &GateDecl,
    hold: Option<&Slot<SignedDuration>>,
) -> Option<String> {
    let Slot::Fixed(deadline) = &gate.deadline else {
        return None;
    };
    let hold = hold.unwrap_or(&gate.hold);
    let (longest, whose) = match hold {
        Slot::Fixed(span) => (*span, "its hold".to_owned()),
        Slot::Fill(Path::Param(name, _)) => {
            let param = runbook.param(name)?;
            let default = param
                .default
                .as_ref()
                .and_then(Value::as_str)
                .and_then(parse_duration);
            let max = param.max.as_deref().and_then(parse_duration);
            (max.or(default)?, format!("the longest `{name}`"))
        }
        Slot::Fill(_) => return None,
    };
    (longest >= *deadline).then(|| {
        format!(
            "a gate whose deadline, {}, is not longer than {whose}, {}: it could never pass",
            show_duration(*deadline),
            show_duration(longest)
        )
    })
}

/// The secrets that a step's slots name, wherever its kind keeps them: tables of the one key `secret`.
pub fn secrets_of(step: &Step) -> Vec<String> {
    let mut found = Vec::new();
    slots(&serde_json::to_value(step).unwrap_or_default(), &mut found);
    found
}

fn slots(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let (1, Some(Value::String(name))) = (fields.len(), fields.get("secret")) {
                found.push(name.clone());
            }
            fields.values().for_each(|inner| slots(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| slots(inner, found)),
        _ => {}
    }
}

/// The reference in a step's target that may have no value: then the target would be empty.
pub fn empty_target(runbook: &Runbook, step: &Step) -> Option<String> {
    let target = step.kind.target()?;
    let texts: [&Text; 2] = [&target.ns, &target.target];
    let mut paths = texts.into_iter().flat_map(Text::paths);
    let open = paths.find(|path| match path {
        Path::Param(name, _) => runbook
            .param(name)
            .is_some_and(|param| !filled(runbook, param) && !asked(step.when.as_ref(), path)),
        _ => false,
    })?;
    Some(open.to_string())
}

/// Whether a parameter always has a value once steps run.
fn filled(runbook: &Runbook, param: &Param) -> bool {
    let given = param
        .default
        .as_ref()
        .is_some_and(|value| value.as_str() != Some(""));
    let settled = runbook
        .steps
        .iter()
        .any(|step| matches!(&step.kind, StepKind::Input { param: name } if *name == param.name));
    // The namespace is the target's where nothing else is said.
    param.required || given || settled || param.ty == ParamType::Namespace
}

/// Whether the step runs only where the reference has a value.
fn asked(when: Option<&When>, path: &Path) -> bool {
    match when {
        Some(When::All(parts)) => parts.iter().any(|part| asked(Some(part), path)),
        Some(When::Test(Subject::Value(own), test)) => {
            let whole = |path: &Path| match path {
                Path::Param(name, _) => Some(name.clone()),
                _ => None,
            };
            whole(own) == whole(path)
                && match test {
                    Test::Is(value) => value.as_str() != Some("empty"),
                    Test::Not(value) => value.as_str() == Some("empty"),
                    Test::In(_) | Test::Has(_) | Test::Limit(_) => true,
                }
        }
        _ => false,
    }
}
