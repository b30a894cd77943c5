//! The manual page: the program and its flags, then every command with its own, what the exit codes mean, the files and the
//! variables, the examples. Made from the definition of the command line; what `clap_mangen` has no section for is written here.

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::Man;

use super::Cli;

/// What the exit codes mean: the code, for looking, for runs, for everything else.
const CODES: [(&str, &str, &str, &str); 6] = [
    ("0", "healthy", "succeeded", "ok"),
    (
        "1",
        "something to watch",
        "ended otherwise: failed, aborted, rolled back, rollback incomplete, abandoned",
        "the answer is no: lint found errors, the audit log is broken",
    ),
    (
        "2",
        "usage or configuration error",
        "the same",
        "the same, with file and line where there is one",
    ),
    (
        "3",
        "failing",
        "stopped and resumable: a person must decide, or a long wait is running",
        "audit: records are missing at the end",
    ),
    (
        "4",
        "unknown: a source that matters did not answer",
        "refused before the first effect: preflight, rights, policy, lock",
        "could not run",
    ),
    (
        "130",
        "interrupted",
        "interrupted; the run can be resumed",
        "interrupted",
    ),
];

const FILES: [(&str, &str); 4] = [
    (
        "~/.config/vigie/config.toml",
        "The configuration; `vigie config path` says where it is looked for.",
    ),
    ("~/.config/vigie/themes/*.toml", "Themes of one's own."),
    (
        "~/.config/vigie/runbooks/*.runbook.md",
        "Runbooks of one's own.",
    ),
    (
        "~/.local/state/vigie",
        "Journals of runs, the audit log, the log, crash reports.",
    ),
];

const VARIABLES: [(&str, &str); 7] = [
    ("KUBECONFIG", "The kubeconfig files."),
    (
        "PROMETHEUS_URL, ALERTMANAGER_URL, VAULT_ADDR",
        "Where these are, where the configuration names none for the context.",
    ),
    (
        "VAULT_TOKEN, VAULT_NAMESPACE",
        "Vault's token, where the configuration names no file with it (then ~/.vault-token), and its namespace.",
    ),
    (
        "VIGIE_*",
        "A key of the configuration each: VIGIE_REFRESH_METRICS is refresh.metrics.",
    ),
    ("VIGIE_CONFIG", "The configuration file."),
    (
        "VIGIE_LOG",
        "What is logged: a level, or directives such as info,kube=warn.",
    ),
    ("NO_COLOR", "Selects the theme mono."),
];

/// The page.
pub fn man() -> std::io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut out = Vec::new();
    let page = Man::new(command.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    let mut text = String::from_utf8_lossy(&out).into_owned();
    text.push_str(".SH COMMANDS\n");
    let mut examples = examples_of(&command);
    for inner in command.get_subcommands() {
        described(inner, &mut text, &mut examples);
    }
    text.push_str(".SH \"EXIT STATUS\"\n");
    for (code, looking, runs, others) in CODES {
        let line = format!("status, rollout: {looking}; run, resume: {runs}; others: {others}.");
        tagged(&mut text, code, &line);
    }
    text.push_str(".SH FILES\n");
    for (name, what) in FILES {
        tagged(&mut text, name, what);
    }
    text.push_str(".SH ENVIRONMENT\n");
    for (name, what) in VARIABLES {
        tagged(&mut text, name, what);
    }
    text.push_str(".SH EXAMPLES\n.nf\n");
    for line in examples {
        line_of(&mut text, &line);
    }
    text.push_str(".fi\n.SH VERSION\n");
    line_of(&mut text, concat!("vigie ", env!("CARGO_PKG_VERSION")));
    Ok(text)
}

/// A command and those below it; one that only leads to others is named by them.
fn described(command: &Command, text: &mut String, examples: &mut Vec<String>) {
    examples.extend(examples_of(command));
    if command.has_subcommands() {
        for inner in command.get_subcommands() {
            described(inner, text, examples);
        }
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    text.push_str(".SS ");
    line_of(text, &format!("\"{usage}\""));
    let about = command.get_long_about().or_else(|| command.get_about());
    for paragraph in about
        .map(ToString::to_string)
        .unwrap_or_default()
        .split("\n\n")
    {
        line_of(text, paragraph);
        text.push_str(".PP\n");
    }
    for arg in command.get_arguments().filter(|arg| own(arg)) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        tagged(text, &label(arg), &help);
    }
}

/// Whether an argument is the command's own, and not one of every command.
fn own(arg: &Arg) -> bool {
    let asked = matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    !arg.is_global_set() && !arg.is_hide_set() && !asked
}

fn label(arg: &Arg) -> String {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let names = arg.get_value_names().unwrap_or_default();
    let value = names
        .iter()
        .map(clap::builder::Str::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    let name = arg.get_long().map(|long| format!("--{long}"));
    match (name, takes) {
        (Some(name), true) => format!("{name} {value}"),
        (Some(name), false) => name,
        (None, _) => value,
    }
}

/// The lines under `Examples:` of a command's help.
fn examples_of(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    lines.map(|line| line.trim().to_owned()).collect()
}

/// A tagged paragraph.
fn tagged(text: &mut String, tag: &str, body: &str) {
    text.push_str(".TP\n");
    line_of(text, tag);
    line_of(text, body);
}

/// A line that roff takes as it is.
fn line_of(text: &mut String, line: &str) {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) {
        text.push_str("\\&");
    }
    text.push_str(&line.replace('\n', " "));
    text.push('\n');
}
