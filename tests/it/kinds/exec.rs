//! Programs of this machine through the real binary: started once without a shell, with nothing around them but what is
//! named, ended with all they started, and asked about where nobody saw their end.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use vigie::sim::scenario::Scenario;

use super::bench::HEAD;
use crate::command::{Home, Said};
use crate::runs::binary::{signal, until};

const RUN: [&str; 8] = [
    "run",
    "t",
    "--confirm",
    "veza-production",
    "--reason",
    "a test",
    "-o",
    "json",
];

/// A home with one program, and a runbook of these fences.
async fn home(script: &str, fences: &[&str], exec: bool) -> Home {
    let mut home = Home::on(Scenario::Healthy, 60).await;
    home.set("VAULT_TOKEN", "hvs.not-a-real-one");
    home.set("GH_TOKEN", "given-on-purpose-4711");
    home.write(
        "tool",
        &format!("#!/bin/sh\necho called >> \"$HOME/calls\"\n{script}\n"),
    );
    mode(&home.path("tool"), 0o700);
    home.write(
        "config/vigie/config.toml",
        &format!(
            "[runbooks]\nexec = [\"{}\"]\nexec_env = [\"GH_TOKEN\"]\n[environment.simulated]\nexec = {exec}\n",
            home.path("tool")
        ),
    );
    let steps = fences
        .iter()
        .map(|fence| format!("```toml step\n{fence}\n```\n\n"));
    let steps: String = steps.collect();
    home.write(
        "config/vigie/runbooks/t.runbook.md",
        &format!("{HEAD}{steps}"),
    );
    home
}

fn mode(path: &str, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn exec(argv: &str, more: &str) -> String {
    format!("id = \"x\"\nkind = \"exec\"\nargv = {argv}\nundo = \"none\"\nwhy = \"a test\"\n{more}")
}

fn last(said: &Said) -> Value {
    serde_json::from_str(said.out.lines().last().unwrap()).unwrap()
}

fn read(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path(name)).unwrap_or_default()
}

fn calls(home: &Home) -> usize {
    read(home, "calls").lines().count()
}

/// Everything below a folder, as one text.
fn everything(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text.push_str(&everything(&path));
        } else if path
            .file_name()
            .is_some_and(|name| name != "fingerprint.key")
        {
            // Random bytes may be anything, a terminal's escape among them; all else is text.
            text.push_str(&String::from_utf8(std::fs::read(path).unwrap()).unwrap());
        }
    }
    text
}

async fn run_of(home: &Home) -> String {
    home.runs().await[0]["run"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_words_and_a_small_environment_and_is_started_once() {
    let script = "printf '%s|' \"$@\" > \"$HOME/words\"\nenv > \"$HOME/env\"\ncat > \"$HOME/input\"\necho run 17 for $GH_TOKEN";
    let fence = exec(
        "[\"tool\", \"a b; reboot\", \"$(id)\", \"{{run.id}} x\", \"\"]",
        "capture = { said = \"out.stdout\" }\ncheck = [{ that = \"out.stdout\", has = \"run 17\" }]",
    );
    let home = home(script, &[&fence], true).await;
    let said = home.run(&RUN).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(calls(&home), 1);
    let run = run_of(&home).await;
    assert_eq!(read(&home, "words"), format!("a b; reboot|$(id)|{run} x||"));
    assert_eq!(read(&home, "input"), "");
    let env = read(&home, "env");
    for wanted in [
        "HOME=",
        "PATH=",
        "GH_TOKEN=given",
        "KUBECONFIG=/dev/null",
        "VIGIE_EFFECT=",
        "VIGIE_NAMESPACE=veza-production",
    ] {
        assert!(
            env.lines().any(|line| line.starts_with(wanted)),
            "{wanted}: {env}"
        );
    }
    for unwanted in ["VAULT_TOKEN", "PROMETHEUS_URL", "XDG_STATE_HOME"] {
        assert!(!env.contains(unwanted), "{unwanted}: {env}");
    }
    let kept = everything(&home.folder.path().join("state"));
    assert!(
        kept.contains("run 17 for [secret]"),
        "the record has what it printed"
    );
    assert!(!format!("{kept}{}{}", said.out, said.err).contains("given-on-purpose"));
    let audit = home.audit().await;
    let outcome = audit
        .iter()
        .find(|one| one["event"] == "step.outcome")
        .unwrap();
    assert!(outcome.get("said").is_none_or(Value::is_null), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_started_is_refused_before_anything_is() {
    let plain = exec("[\"tool\"]", "");
    let other = exec("[\"/bin/sh\", \"-c\", \"touch /tmp/x\"]", "");
    for (fence, allowed, bits, wanted) in [
        (
            &plain,
            false,
            0o700,
            "simulated lets runbooks start no programs",
        ),
        (
            &other,
            true,
            0o700,
            "`/bin/sh` is not among [runbooks] exec",
        ),
        (&plain, true, 0o600, "is not executable"),
        (&plain, true, 0o702, "can be written by everybody"),
        (&plain, true, 0o000, "is not executable"),
    ] {
        let home = home("true", &[fence], allowed).await;
        mode(&home.path("tool"), bits);
        let said = home.run(&RUN).await;
        let end = last(&said);
        let message = end["message"].as_str().unwrap_or_default();
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(
            message.contains("refused before the first effect") && message.contains(wanted),
            "{wanted}: {end}"
        );
        assert_eq!(calls(&home), 0);
    }
    let home = home("true", &[&plain], true).await;
    std::fs::remove_file(home.path("tool")).unwrap();
    let said = home.run(&RUN).await;
    assert!(said.out.contains("does not exist"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_lists_it_and_a_dry_run_says_that_it_cannot_be_rehearsed() {
    let home = home("true", &[&exec("[\"tool\", \"a b\"]", "")], true).await;
    let plan = home.run(&["runbook", "plan", "t"]).await;
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.out.contains("tool 'a b'"), "{plan:?}");
    let dry = home.run(&["run", "t", "--dry-run"]).await;
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(dry.out.contains("a program cannot be rehearsed"), "{dry:?}");
    assert_eq!(calls(&home), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_output_is_bounded_masked_and_shown_as_what_it_is() {
    let script = "printf '\\033[2J\\033]52;c;aGk=\\007 {{run.id}}\\n'; head -c 200000 /dev/zero | tr '\\0' x; printf 'password: hunter2-x\\n\\033[31mno \\342\\200\\256 good\\n' >&2; exit 9";
    let home = home(script, &[&exec("[\"tool\"]", "")], true).await;
    let said = home.run(&RUN).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let message = last(&said)["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("it ended with code 9: ‹U+001B›[31mno ‹U+202E› good;"),
        "{message}"
    );
    let kept = everything(&home.folder.path().join("state"));
    assert!(!kept.contains('\u{1b}') && !kept.contains("\\u001b") && !kept.contains("hunter2"));
    let many = kept.matches('x').count();
    assert!(
        (60_000..90_000).contains(&many),
        "kept once and bounded: {many}"
    );
    let hidden = exec("[\"tool\"]", "sensitive_output = true");
    let home = self::home(
        "echo open-sesame; echo open-sesame >&2; exit 1",
        &[&hidden],
        true,
    )
    .await;
    let said = home.run(&RUN).await;
    assert!(
        last(&said)["message"]
            .as_str()
            .unwrap()
            .starts_with("it ended with code 1;"),
        "{said:?}"
    );
    assert!(!everything(&home.folder.path().join("state")).contains("open-sesame"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_killed_with_all_it_started_and_then_a_person_is_asked() {
    let script = "trap '' TERM\n(trap '' TERM; sleep 60) &\necho $! > \"$HOME/child\"\necho $$ > \"$HOME/own\"\nsleep 60";
    let fence = exec(
        "[\"tool\"]",
        "timeout = { after = \"1s\", then = \"pause\" }",
    );
    let home = home(script, &[&fence], true).await;
    let said = home.run(&RUN).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let stopped = last(&said);
    assert!(
        stopped["message"]
            .as_str()
            .unwrap()
            .contains("was killed, with all it had started"),
        "{stopped}"
    );
    assert_eq!(stopped["reason"], "unknown");
    assert!(
        said.out.contains("--answer x='done: HOW YOU KNOW'"),
        "what to do: {said:?}"
    );
    for name in ["child", "own"] {
        let pid = read(&home, name).trim().to_owned();
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(
            status.is_empty() || status.contains(") Z"),
            "{name} lives: {status}"
        );
    }
    let run = run_of(&home).await;
    let resume = ["resume", &run, "--confirm", "veza-production", "-o", "json"];
    let asked = home.run(&resume).await;
    assert_eq!((asked.code, calls(&home)), (Some(3), 1), "{asked:?}");
    let answer = ["--answer", "x=done: the deployment is there"];
    let said = home.run(&[&resume[..], &answer].concat()).await;
    assert_eq!((said.code, calls(&home)), (Some(0), 1), "{said:?}");
    let audit = home.audit().await;
    let probe = audit
        .iter()
        .find(|one| one["event"] == "step.probe")
        .unwrap();
    assert!(
        probe
            .to_string()
            .contains("says it did its work: the deployment is there"),
        "{probe}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_killed_meanwhile_asks_and_starts_again_only_where_it_is_told() {
    let script = "[ -e \"$HOME/again\" ] && exit 0\ni=0; while [ $i -lt 100 ] && [ ! -e \"$HOME/again\" ]; do i=$((i+1)); sleep 0.1; done";
    let home = home(script, &[&exec("[\"tool\"]", "")], true).await;
    let mut child = home.command(&RUN).stdout(Stdio::piped()).spawn().unwrap();
    let run = until(&mut child, "step.intent", "x").await;
    for _ in 0..200 {
        if calls(&home) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(calls(&home), 1);
    signal(&child, rustix::process::Signal::KILL);
    child.wait().unwrap();
    let resume = ["resume", &run, "--confirm", "veza-production", "-o", "json"];
    let asked = home.run(&resume).await;
    assert_eq!((asked.code, calls(&home)), (Some(3), 1), "{asked:?}");
    let message = last(&asked)["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("/tool") && message.contains("it may still be at work"),
        "{message}"
    );
    home.write("again", "");
    let answer = ["--answer", "x=not-done: nothing is there"];
    let said = home.run(&[&resume[..], &answer].concat()).await;
    assert_eq!((said.code, calls(&home)), (Some(0), 2), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_takes_the_program_along() {
    let script = "echo $$ > \"$HOME/own\"\nsleep 60";
    let home = home(script, &[&exec("[\"tool\"]", "")], true).await;
    let mut child = home.command(&RUN).stdout(Stdio::piped()).spawn().unwrap();
    until(&mut child, "step.intent", "x").await;
    let mut pid = String::new();
    for _ in 0..200 {
        read(&home, "own").trim().clone_into(&mut pid);
        if !pid.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(&child, rustix::process::Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let gone = || {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .map_or(true, |stat| stat.contains(") Z"))
    };
    for _ in 0..100 {
        if gone() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!pid.is_empty() && gone());
}
