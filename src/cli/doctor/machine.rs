//! The doctor's checks of this machine: the configuration file, the kubeconfig and its plugin, the state directory, the terminal.

use super::check::Check;
use crate::cli::audit;
use crate::cli::config::notices;
use crate::cli::reach;
use crate::cli::session::Start;
use crate::cli::shelf;
use crate::engine::sinks;
use crate::journal::{Audit, RealDisk, Runs, Verified};
use crate::platform::kubernetes::contexts;
use crate::terminal::{Canvas, too_small};
use crate::ui::theme::{Depth, depth::depth};
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// The configuration file, and the kubeconfig.
pub fn configuration(start: &Start) -> Vec<Check> {
    let loaded = &start.loaded;
    let file = match &loaded.file {
        Some(file) => Check::ok("configuration", file.display().to_string()),
        None => Check::ok(
            "configuration",
            format!("no {}; the defaults hold", loaded.path.display()),
        ),
    };
    let odd = notices(loaded).into_iter();
    let odd = odd.map(|notice| {
        Check::note(
            "configuration",
            notice,
            "`vigie config show` lists what is read.",
        )
    });
    let mut checks = vec![file];
    checks.extend(odd);
    checks.push(kubeconfig(start));
    checks
}

fn kubeconfig(start: &Start) -> Check {
    let options = start.place().options;
    let all = match contexts(&options) {
        Ok(all) => all,
        Err(failure) => {
            return Check::not_ok(
                "kubeconfig",
                failure.to_string(),
                reach_fix(&failure.advice()),
            );
        }
    };
    let chosen = all.iter().find(|one| match &options.context {
        Some(name) => one.name == *name,
        None => one.current,
    });
    let Some(chosen) = chosen else {
        if all.is_empty() {
            return Check::not_ok(
                "kubeconfig",
                "it names no context",
                "Point KUBECONFIG or --kubeconfig at one that does, or write one with `kubectl config set-context`.",
            );
        }
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        return Check::not_ok(
            "kubeconfig",
            format!("no context is chosen among {}", names.join(", ")),
            "Choose one: `kubectl config use-context NAME`, or --context NAME.",
        );
    };
    let said = format!(
        "context {} of {}, user {}",
        chosen.name,
        all.len(),
        chosen.user
    );
    match &chosen.plugin {
        None => Check::ok("kubeconfig", said),
        Some(plugin) if on_path(plugin) => {
            Check::ok("kubeconfig", format!("{said}, by the plugin {plugin}"))
        }
        Some(plugin) => Check::not_ok(
            "kubeconfig",
            format!("{said}: there is no program {plugin} for its login"),
            format!("Install {plugin}, or put its folder into PATH."),
        ),
    }
}

fn reach_fix(advice: &str) -> String {
    format!("{advice} KUBECONFIG or --kubeconfig names the file.")
}

/// Whether a program can be found.
fn on_path(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The state directory: whether runs can be written down there, and whether what was written holds.
pub fn state_directory(folder: &Path) -> Vec<Check> {
    let name = "state directory";
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"vigie"))
        .and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        return vec![Check::not_ok(
            name,
            format!(
                "{} cannot be written: {}",
                folder.display(),
                crate::journal::in_words(&error)
            ),
            "Nothing is done that cannot be written down first: make it writable, or name another in state_dir.",
        )];
    }
    vec![
        Check::ok(name, folder.display().to_string()),
        runs(folder),
        log(folder),
    ]
}

fn runs(folder: &Path) -> Check {
    let (listed, broken) = Runs::new(folder, RealDisk).list();
    let open = listed.iter().filter(|run| !run.state.is_terminal()).count();
    if let Some((path, why)) = broken.first() {
        return Check::not_ok(
            "journals",
            format!(
                "{} of {} cannot be read: {}: {why}",
                broken.len(),
                broken.len() + listed.len(),
                path.display()
            ),
            "`vigie audit verify` says what is damaged; keep the files.",
        );
    }
    match open {
        0 => Check::ok("journals", format!("{} runs, all ended", listed.len())),
        n => Check::note(
            "journals",
            format!("{n} of {} runs are not finished", listed.len()),
            "`vigie runs` lists them; `vigie resume RUN` or `vigie abandon RUN` ends one.",
        ),
    }
}

fn log(folder: &Path) -> Check {
    let keep = "Keep the files; `vigie audit verify` says where.";
    match Audit::new(folder, RealDisk).verify(None) {
        Ok(report) => match report.verdict {
            Verified::Ok { records, .. } => {
                let begins = report.pruned.map_or_else(String::new, |pruned| {
                    format!(", from {} on: those before were pruned", pruned.to + 1)
                });
                let holds = format!("{records} records, the chain holds{begins}");
                Check::ok("audit log", holds)
            }
            Verified::Broken(damage) => {
                Check::not_ok("audit log", format!("broken: {damage:?}"), keep)
            }
            Verified::Incomplete { records, why } => {
                Check::not_ok("audit log", format!("after {records} records: {why}"), keep)
            }
        },
        Err(error) => Check::not_ok("audit log", crate::journal::in_words(&error), keep),
    }
}

/// The places beside the audit log's file: whether what was written down has arrived there.
pub fn sinks(start: &Start) -> Vec<Check> {
    let state = start.loaded.state_dir();
    let each = shelf::sinks(&start.loaded).into_iter();
    each.map(|sink| match sinks::standing(&state, &sink) {
        Ok(standing) if standing.waiting + standing.lost == 0 => {
            Check::ok("audit sink", audit::line(&standing))
        }
        Ok(standing) => Check::note(
            "audit sink",
            audit::line(&standing),
            "`vigie audit deliver` sends what waits now; an open console does so by itself.",
        ),
        Err(why) => Check::not_ok("audit sink", why, "`vigie audit verify` says more."),
    })
    .collect()
}

/// The terminal: size, colours, characters, clipboard.
pub fn terminal(variable: &dyn Fn(&str) -> Option<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        checks.push(size());
    } else {
        checks.push(Check::note(
            "terminal",
            "there is none here",
            "The console needs one; `vigie status` and `vigie rollout` do without.",
        ));
    }
    checks.push(colours(variable));
    checks.push(characters(variable));
    if variable("TMUX").is_some() {
        checks.push(tmux());
    }
    checks
}

fn size() -> Check {
    let size = Canvas::on_stdout().and_then(|canvas| canvas.size());
    match size {
        Ok((width, height)) => match too_small(width, height) {
            None => Check::ok("terminal", format!("{width}x{height}")),
            Some(sentence) => Check::not_ok(
                "terminal",
                sentence,
                "Make the window larger, or the letters smaller.",
            ),
        },
        Err(error) => Check::not_ok("terminal", error.to_string(), "Try another terminal."),
    }
}

fn colours(variable: &dyn Fn(&str) -> Option<String>) -> Check {
    let term = variable("TERM").unwrap_or_default();
    let depth = depth(variable);
    let said = format!("{depth:?} (TERM={term})")
        .to_lowercase()
        .replace("(term=", "(TERM=");
    if depth == Depth::None {
        let fix = "Signs and weight say everything colours would; for colours unset NO_COLOR and set TERM, as xterm-256color.";
        return Check::note("colours", "none", fix);
    }
    Check::ok("colours", said)
}

/// What the locale says of characters, in the order in which it is asked.
fn characters(variable: &dyn Fn(&str) -> Option<String>) -> Check {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let utf8 = |locale: &str| {
        let lower = locale.to_lowercase();
        lower.contains("utf-8") || lower.contains("utf8")
    };
    match locale {
        Some(locale) if utf8(&locale) => Check::ok("characters", locale),
        other => Check::note(
            "characters",
            format!(
                "the locale is {}, not UTF-8",
                other.as_deref().unwrap_or("not set")
            ),
            "Set LANG, as C.UTF-8; or `ascii = true` in the configuration.",
        ),
    }
}

/// Whether tmux lets a program copy to the clipboard.
fn tmux() -> Check {
    let asked = Command::new("tmux")
        .args(["show-options", "-gv", "set-clipboard"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    match said.as_deref() {
        Ok("on") => Check::ok("clipboard", "tmux hands it on"),
        Ok(said) => Check::note(
            "clipboard",
            format!("tmux keeps it for itself (set-clipboard {said})"),
            "tmux set -g set-clipboard on",
        ),
        Err(error) => Check::note(
            "clipboard",
            format!("tmux does not answer: {}", crate::journal::in_words(error)),
            "tmux set -g set-clipboard on",
        ),
    }
}

/// A failure of the cluster as a check.
pub fn failed(name: &'static str, failure: &crate::platform::failure::Failure) -> Check {
    let sentence = reach::sentence(failure);
    let (said, fix) = sentence.rsplit_once('\n').unwrap_or((&sentence, ""));
    Check::not_ok(name, said, fix)
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn the_locale_and_the_colours_are_read_from_the_variables() {
        for (variables, utf8, colours) in [
            (
                &[("LANG", "en_GB.UTF-8"), ("TERM", "xterm-256color")][..],
                State::Ok,
                State::Ok,
            ),
            (
                &[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8"), ("TERM", "xterm")],
                State::Note,
                State::Ok,
            ),
            (
                &[
                    ("LC_ALL", ""),
                    ("LANG", "C.utf8"),
                    ("TERM", "xterm"),
                    ("NO_COLOR", "1"),
                ],
                State::Ok,
                State::Note,
            ),
            (&[], State::Note, State::Note),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let seen = (characters(&variable).state, super::colours(&variable).state);
            assert_eq!(seen, (utf8, colours), "{variables:?}");
        }
    }

    #[test]
    fn a_state_directory_that_cannot_be_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let good = state_directory(&folder.path().join("state"));
        assert!(
            good.iter().all(|check| check.state == State::Ok),
            "{good:?}"
        );
        assert_eq!(
            std::fs::read_dir(folder.path().join("state"))
                .unwrap()
                .count(),
            0
        );
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let bad = state_directory(&file.join("state"));
        assert_eq!((bad.len(), bad[0].state), (1, State::NotOk));
    }
}
