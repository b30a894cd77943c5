//! `vigie doctor`: what works here and what does not, each with the way to repair it. Looks at the same things the console uses,
//! through the same code; changes nothing but a file of its own in the state directory, which it removes again.
//!
//! One line is one [`Check`]: ok, a note (it works without, but less), or not ok. The exit code is 0, 1 where something is not ok,
//! 2 where the configuration itself cannot be read.

mod check;
mod cluster;
mod machine;
mod vault;

use super::args::{Global, Output};
use super::config;
use super::console::runtime;
use super::exit::{Failed, NO, OK, USAGE};
use super::print;
use super::session::Start;
use crate::config::Inputs;
use crate::ui::widget::text::sanitize;
use check::{Check, State};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// `vigie doctor`.
pub fn doctor(global: Global, inputs: &Inputs) -> Result<u8, Failed> {
    let json = global.output == Output::Json;
    let (mut checks, broken) = match config::whole(inputs) {
        Ok(loaded) => {
            let start = Start { global, loaded };
            let mut checks = machine::configuration(&start);
            checks.extend(runtime()?.block_on(cluster::checks(&start)));
            checks.extend(machine::state_directory(&start.loaded.state_dir()));
            checks.extend(machine::sinks(&start));
            (checks, false)
        }
        Err(mistakes) => {
            let fix = "Repair it first; `vigie config check` says the same.";
            (
                vec![Check::not_ok("configuration", mistakes.to_string(), fix)],
                true,
            )
        }
    };
    checks.extend(machine::terminal(&|name| std::env::var(name).ok()));
    let bad = checks
        .iter()
        .filter(|check| check.state == State::NotOk)
        .count();
    let text = if json {
        let all: Vec<Value> = checks.iter().map(Check::json).collect();
        print::line(&json!({"schema": 1, "ok": bad == 0, "checks": all}))
    } else {
        lines(&checks, bad)
    };
    print::text(&text)?;
    Ok(match (broken, bad) {
        (true, _) => USAGE,
        (false, 0) => OK,
        (false, _) => NO,
    })
}

fn lines(checks: &[Check], bad: usize) -> String {
    let mut out = String::new();
    for check in checks {
        let mut said = check.said.lines();
        let first = sanitize(said.next().unwrap_or_default()).into_owned();
        let _ = writeln!(out, "{:6}  {:16}  {first}", check.state.word(), check.name);
        for more in said.chain(check.fix.as_deref().into_iter().flat_map(str::lines)) {
            let _ = writeln!(out, "{:26}{}", "", sanitize(more));
        }
    }
    let _ = match bad {
        0 => writeln!(out, "everything that is needed works"),
        1 => writeln!(out, "1 thing does not work"),
        n => writeln!(out, "{n} things do not work"),
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_line_and_its_fix_the_next() {
        let checks = [
            Check::ok("identity", "oncall"),
            Check::not_ok("clock", "7 s behind\x1b[31m", "Set the clock."),
        ];
        let said = lines(&checks, 1);
        assert_eq!(said.lines().count(), 4, "{said}");
        assert!(
            said.starts_with("ok      identity          oncall\nnot ok  clock"),
            "{said}"
        );
        assert!(
            said.contains("\n                          Set the clock.\n"),
            "{said}"
        );
        assert!(!said.contains('\x1b'), "{said}");
    }

    #[test]
    fn a_document_says_the_same() {
        let check = Check::not_ok("clock", "7 s behind", "Set the clock.");
        assert_eq!(
            check.json(),
            json!({"check": "clock", "state": "not-ok", "said": "7 s behind", "fix": "Set the clock."})
        );
    }
}
