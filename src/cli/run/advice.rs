//! What to type next where a run waits for a person: the command with the very flags that answer what it waits for. A look
//! ahead that was not kept is asked again; everything else is resumed.

use crate::runbook::machine::{Ask, AskKind, Run};
use crate::runbook::model::Evidence;

/// The next command; none where the answer is no flag of it.
pub fn line(run: &Run, kept: bool) -> Option<String> {
    let answer = run.ask().and_then(|ask| answer(ask, kept));
    let start = run.start();
    if !kept {
        let answer = answer?;
        return Some(format!("vigie runbook plan {} {answer}", start.runbook));
    }
    let go = match run.ask().and_then(typed) {
        Some(text) => format!("--confirm {}", quoted(text)),
        None if start.typed => format!("--confirm {}", quoted(&start.target.namespace)),
        None => "--yes".to_owned(),
    };
    let flags = [Some(go), answer].into_iter().flatten();
    Some(format!(
        "vigie resume {} {}",
        start.run,
        flags.collect::<Vec<_>>().join(" ")
    ))
}

/// The same as a sentence, with the other way out.
pub fn sentence(run: &Run, kept: bool) -> String {
    let id = &run.start().run;
    match (line(run, kept), kept) {
        (Some(line), true)
            if matches!(run.ask().map(|ask| &ask.kind), Some(AskKind::Secret(_))) =>
        {
            format!(
                "{line} < FILE reads it from standard input; without --secret, and at a terminal, it is asked for there; the console asks for it too (K, then p, enter on this run); vigie abandon {id} --reason TEXT closes it"
            )
        }
        (Some(line), true) => {
            format!("{line} goes on; vigie abandon {id} --reason TEXT closes it")
        }
        (Some(line), false) => {
            format!("this was a look ahead, nothing is kept; {line} looks further")
        }
        (None, _) => {
            "this was a look ahead, nothing is kept; it goes no further without a person".to_owned()
        }
    }
}

/// The text a confirmation wants.
fn typed(ask: &Ask) -> Option<&str> {
    match &ask.kind {
        AskKind::Confirm { typed, .. } | AskKind::Resume { typed } => typed.as_deref(),
        _ => None,
    }
}

/// The flag that answers what is asked, beside the one that says go on.
fn answer(ask: &Ask, kept: bool) -> Option<String> {
    let step = ask.step.as_deref().unwrap_or("STEP");
    let given = |param: &str, value: &str| {
        if kept {
            format!("--answer {step}={value}")
        } else {
            format!("--set {param}={value}")
        }
    };
    match &ask.kind {
        AskKind::Workload(_) => Some(given("workload", "KIND/NAME")),
        AskKind::Revision { .. } => Some(given("revision", "NUMBER")),
        AskKind::Param(name) => Some(given(name, "VALUE")),
        AskKind::Branch(options) if kept => {
            let ids: Vec<&str> = options.iter().map(|option| &*option.id).collect();
            Some(format!("--answer {step}={}", ids.join("|")))
        }
        AskKind::Checklist(items) if kept => {
            let flag = |way: &Evidence| match way {
                Evidence::Link => "link:URL",
                Evidence::Na => "na:REASON",
                Evidence::Attest | Evidence::Auto => "'attest:NAME: WORDS'",
            };
            let open = items.iter().filter(|item| item.is_open());
            let flags: Vec<String> = open
                .filter_map(|item| {
                    let way = flag(item.ways.first()?);
                    Some(format!("--answer {step}.{}={way}", item.id))
                })
                .collect();
            Some(flags.join(" "))
        }
        AskKind::Secret(name) if kept => Some(format!("--secret {name}=-")),
        AskKind::Happened { .. } if kept => Some(format!(
            "--answer {step}='done: HOW YOU KNOW'|'not-done: HOW YOU KNOW'"
        )),
        AskKind::Approval { .. } if kept => Some(format!("[--answer {step}=approval:TEXT]")),
        AskKind::Reason(_) if kept => Some("--reason TEXT".to_owned()),
        _ => None,
    }
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
