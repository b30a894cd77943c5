//! The command line as it is typed.

use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("vigie").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_line_of_the_contract_is_understood() {
    for line in [
        "",
        "--open rollout/veza-backend",
        "--alert HighErrorRate",
        "demo",
        "demo --scenario crash-loop --seed 7 --frame 120x40",
        "sim --scenario large --dir /tmp/x --pods 10000 --churn 100",
        "drill",
        "drill rollback --seed 7 --fast",
        "drill --list",
        "status --watch",
        "status --output json -n veza-production --context a --as ada --as-group x --as-group y",
        "rollout status veza-backend",
        "rollout history StatefulSet/db -A",
        "rollout watch veza-backend --until done",
        "runbook list",
        "runbook show rollback",
        "runbook lint a.md b.md",
        "runbook plan rollback --set workload=veza-backend",
        "runbook schema",
        "run rollback --set workload=veza-backend --set hold=3m --confirm veza-production --reason text --dry-run",
        "run rollback --yes --answer pick=b --answer list.one=attest:seen --break-glass because",
        "runs --all",
        "resume 01J --confirm veza-production",
        "abandon 01J --reason done",
        "audit verify",
        "audit verify file --anchor abc",
        "audit prune --older-than 500d --dry-run",
        "runs export 01J --dir x --pseudonymised",
        "audit show --run 01J",
        "doctor --output json",
        "config show",
        "config check --config /x",
        "config schema",
        "config path",
        "completions bash",
        "man",
        "--theme mono --read-only --kubeconfig /k status",
        "runbook show one-of-my-own",
        "--theme one-of-my-own",
    ] {
        assert!(
            parse(line).is_ok(),
            "{line}: {}",
            parse(line).map_or_else(|error| error.to_string(), |_| String::new())
        );
    }
}

#[test]
fn what_is_not_there_yet_or_wrong_is_refused() {
    for (line, kind) in [
        ("drill --seed x", ErrorKind::ValueValidation),
        ("drill rollback --list", ErrorKind::ArgumentConflict),
        ("approve", ErrorKind::MissingRequiredArgument),
        ("statsu", ErrorKind::InvalidSubcommand),
        ("demo --frame big", ErrorKind::ValueValidation),
        ("--open nowhere", ErrorKind::ValueValidation),
        ("demo --seed x", ErrorKind::ValueValidation),
        ("demo --scenario nothing", ErrorKind::InvalidValue),
        ("status -n a -A", ErrorKind::ArgumentConflict),
        ("status --output yaml", ErrorKind::InvalidValue),
        ("status --colour", ErrorKind::UnknownArgument),
        ("run", ErrorKind::MissingRequiredArgument),
        ("abandon 01J", ErrorKind::MissingRequiredArgument),
        ("runbook lint", ErrorKind::MissingRequiredArgument),
        ("rollout watch x --until later", ErrorKind::InvalidValue),
        (
            "audit verify --anchor x",
            ErrorKind::MissingRequiredArgument,
        ),
    ] {
        assert_eq!(
            parse(line).map_err(|error| error.kind()),
            Err(kind),
            "{line}"
        );
    }
    let near = parse("statsu").map_or_else(|error| error.to_string(), |_| String::new());
    assert!(near.contains("status"), "{near}");
}

#[test]
fn flags_that_are_keys_of_the_configuration_are_handed_over_with_their_names() {
    let cli = parse("status --theme day -A --read-only --context here").ok();
    let keys: Vec<_> = cli
        .map(|cli| cli.global.settings())
        .unwrap_or_default()
        .into_iter()
        .map(|flag| (flag.key, flag.value, flag.name))
        .collect();
    assert_eq!(
        keys,
        [
            ("start.context", "here".to_owned(), "--context"),
            ("theme", "day".to_owned(), "--theme"),
            (
                "start.all_namespaces",
                "true".to_owned(),
                "--all-namespaces"
            ),
            ("read_only", "true".to_owned(), "--read-only"),
        ]
    );
}

#[test]
fn completions_and_the_manual_know_the_commands() {
    for shell in [
        clap_complete::Shell::Bash,
        clap_complete::Shell::Zsh,
        clap_complete::Shell::Fish,
    ] {
        assert!(completions(shell).contains("rollout"), "{shell}");
    }
    let manual = man().unwrap_or_default();
    for word in [
        ".TH vigie",
        "demo",
        "status",
        "resume",
        "as\\-group",
        "Exit code",
        ".SH \"EXIT STATUS\"\n.TP\n0\nstatus, rollout: healthy",
        ".SH EXAMPLES\n",
        "vigie runbook lint [OPTIONS] <FILE|DIR>...",
    ] {
        assert!(manual.contains(word), "{word}: {manual}");
    }
    let count = |section: &str| manual.matches(section).count();
    assert_eq!((count(".SH NAME"), count(".SH EXTRA")), (1, 0), "{manual}");
}

#[test]
fn completions_know_scenarios_runbooks_themes_and_screens() {
    for shell in [
        clap_complete::Shell::Bash,
        clap_complete::Shell::Zsh,
        clap_complete::Shell::Fish,
    ] {
        let text = completions(shell);
        for word in ["crash-loop", "contrast", "timeline"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
        // Fish is told of flags alone.
        let fish = shell == clap_complete::Shell::Fish;
        assert!(fish || text.contains("evict-pod"), "{shell}");
    }
}

#[test]
fn a_value_may_be_the_name_of_a_command() {
    for (line, context, open, namespace, alert) in [
        ("--open runs", None, Some("runs"), None, None),
        ("-n demo", None, None, Some("demo"), None),
        ("-n run status", None, None, Some("run"), None),
        ("--context demo", Some("demo"), None, None, None),
        ("--alert status", None, None, None, Some("status")),
    ] {
        let cli = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(cli.open.map(|open| open.to_string()).as_deref(), open);
        assert_eq!(cli.global.context.as_deref(), context, "{line}");
        assert_eq!(cli.global.namespace.as_deref(), namespace, "{line}");
        assert_eq!(cli.alert.as_deref(), alert, "{line}");
        assert_eq!(
            cli.command.is_some(),
            line.ends_with(" status") && line.starts_with("-n")
        );
    }
}

#[test]
fn a_number_that_is_none_says_what_would_do() {
    let said = parse("demo --seed x").map_or_else(|error| error.to_string(), |_| String::new());
    assert!(said.contains("write a whole number"), "{said}");
    let said = parse("demo --scenario x").map_or_else(|error| error.to_string(), |_| String::new());
    assert!(said.contains("crash-loop"), "{said}");
}

#[test]
fn every_flag_and_command_says_what_it_is_for() {
    fn silent(command: &clap::Command, found: &mut Vec<String>) {
        for arg in command
            .get_arguments()
            .filter(|arg| arg.get_help().is_none())
        {
            found.push(format!("{} {}", command.get_name(), arg.get_id()));
        }
        for inner in command.get_subcommands() {
            if inner.get_about().is_none() {
                found.push(inner.get_name().to_owned());
            }
            silent(inner, found);
        }
    }
    let mut found = Vec::new();
    silent(&Cli::command(), &mut found);
    assert_eq!(found, Vec::<String>::new());
}
