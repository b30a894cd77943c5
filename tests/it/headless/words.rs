//! What the program says when something is wrong or waits: the mistake itself first, and advice that works when it is typed.

use super::super::command::Home;
use crate::command::books::STAMP;
use serde_json::{Value, json};
use vigie::sim::scenario::Scenario;
use vigie::sim::{Options, start};

#[tokio::test]
async fn a_mistake_in_what_was_typed_is_told_before_the_way_to_the_cluster() {
    let mut home = Home::new();
    home.set("KUBECONFIG", "/nowhere");
    for (line, wanted) in [
        (&["run", "rolback"][..], "did you mean `rollback`?"),
        (
            &["runbook", "plan", "nope"],
            "there is no runbook `nope`; there are rollback, restart",
        ),
        (&["resume", "01UNKNOWN"], "no run `01UNKNOWN`"),
        (
            &["audit", "show", "--run", "01UNKNOWN"],
            "no run `01UNKNOWN`",
        ),
        (
            &["--theme", "nope", "status"],
            "--theme: there is no theme nope; there are auto, night, day, contrast, distinct, mono",
        ),
    ] {
        let said = home.run(line).await;
        assert_eq!(said.code, Some(2), "{line:?}: {said:?}");
        assert!(
            said.err.contains(wanted) && !said.err.contains("kubeconfig"),
            "{line:?}: {said:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_right_and_the_variable_that_are_wrong() {
    let mut home = Home::on(Scenario::Healthy, 60).await;
    let said = home.run(&["--as", "nobody", "status"]).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(
        said.err.contains("Ask for the right to impersonate users") && !said.err.contains("pods"),
        "{said:?}"
    );
    home.set("PROMETHEUS_URL", "foo");
    let said = home.run(&["status"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("PROMETHEUS_URL is `foo`"), "{said:?}");
}

#[tokio::test]
async fn the_doctor_says_of_an_empty_kubeconfig_that_it_names_no_context() {
    let mut home = Home::new();
    home.write("empty", "apiVersion: v1\nkind: Config\n");
    let path = home.path("empty");
    home.set("KUBECONFIG", &path);
    let said = home.run(&["doctor"]).await;
    assert!(said.out.contains("it names no context"), "{said:?}");
    assert!(!said.out.contains("among \n"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_advised_can_be_typed() {
    let home = Home::on(Scenario::Healthy, 60).await;
    home.keep(STAMP);
    let said = home.run(&["runbook", "plan", "rollback"]).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.out
            .contains("vigie runbook plan rollback --set workload=KIND/NAME")
            && !said.out.contains("vigie resume"),
        "nothing is kept that could be resumed: {said:?}"
    );
    let said = home
        .run(&["run", "stamp", "--set", "workload=veza-backend"])
        .await;
    let advised = |text: &str| -> Vec<String> {
        let line = text
            .lines()
            .find(|line| line.starts_with("vigie resume "))
            .unwrap_or_else(|| panic!("no advice: {text}"));
        let (line, _) = line.split_once(" goes on").unwrap();
        let words = line.split(' ').skip(1);
        words.map(|word| word.replace("yes|no", "yes")).collect()
    };
    let mut next = advised(&said.out);
    assert_eq!(next[2..], ["--yes", "--answer", "which=yes"], "{said:?}");
    for _ in 0..3 {
        let line: Vec<&str> = next.iter().map(String::as_str).collect();
        let said = home.run(&line).await;
        if said.code == Some(0) {
            assert_eq!(home.changes().len(), 1);
            return;
        }
        next = advised(&said.out);
    }
    panic!("what is advised does not lead to the end: {next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_runs_says_what_each_waits_for_in_a_closed_list_and_names_the_workload() {
    let home = Home::on(Scenario::Healthy, 60).await;
    home.keep(STAMP);
    let begin = [
        "run",
        "stamp",
        "--set",
        "workload=deploy/veza-backend",
        "--answer",
        "which=yes",
    ];
    let said = home.run(&begin).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let (_, runs) = home.json(&["runs"]).await;
    let run = &runs["runs"][0];
    assert_eq!(
        (&run["reason"], &run["message"], &run["workload"]),
        (
            &json!("confirm"),
            &json!("waits for a confirmation"),
            &json!("Deployment/veza-backend")
        ),
        "{run:#}"
    );
    let text = home.run(&["runs"]).await.out;
    assert!(
        text.contains("veza-production Deployment/veza-backend: waits for a confirmation"),
        "{text}"
    );
    let id = run["run"].as_str().unwrap();
    assert_eq!(home.run(&["resume", id, "--yes"]).await.code, Some(0));
    let (_, runs) = home.json(&["runs"]).await;
    assert_eq!(runs["runs"][0]["reason"], Value::Null, "{runs:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_has_the_same_names_everywhere() {
    let home = Home::on(Scenario::Healthy, 60).await;
    for name in ["sts/prometheus", "statefulsets.apps/prometheus"] {
        let set = format!("workload={name}");
        let line = [
            "-n",
            "monitoring",
            "runbook",
            "plan",
            "restart",
            "--set",
            &set,
        ];
        let said = home.run(&line).await;
        assert!(
            said.code != Some(2) && said.out.contains("StatefulSet/prometheus"),
            "{name}: {said:?}"
        );
        let history = home
            .run(&["-n", "monitoring", "rollout", "history", name])
            .await;
        assert_eq!(history.code, Some(0), "{history:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rollout_of_a_daemon_set_has_the_revision_and_the_day_of_its_history() {
    let home = Home::on(Scenario::Healthy, 60).await;
    let line = ["-n", "monitoring", "rollout", "status", "ds/node-exporter"];
    let said = home.run(&line).await;
    let (_, history) = home
        .json(&["-n", "monitoring", "rollout", "history", "ds/node-exporter"])
        .await;
    let current = &history["revisions"][0];
    let day = &current["served_from"].as_str().unwrap()[..10];
    let wanted = format!(
        "revision {} (v1.9.1), serving since {day} ",
        current["revision"]
    );
    assert!(said.out.contains(&wanted), "{wanted}: {said:?}");
    let (_, status) = home.json(&line).await;
    assert_eq!(status["workload"]["revision"], current["revision"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_of_a_rollout_is_that_of_its_verdict() {
    for scenario in Scenario::ALL {
        if scenario == Scenario::Large {
            continue;
        }
        let home = Home::on(scenario, 900).await;
        let (code, status) = home.json(&["rollout", "status", "veza-backend"]).await;
        let level = status["workload"]["verdict"]["level"].as_str().unwrap();
        let done = status["workload"]["rollout"]["state"] == "done";
        let wanted = match level {
            "healthy" if done => 0,
            "healthy" | "watch" => 1,
            "failing" => 3,
            _ => 4,
        };
        assert_eq!(code, Some(wanted), "{}: {status:#}", scenario.name());
    }
}

#[tokio::test]
async fn a_translation_is_checked_as_one_and_a_file_without_front_matter_has_one_mistake() {
    let home = Home::new();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut files: Vec<String> = std::fs::read_dir(&shipped)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".md"))
        .collect();
    files.sort();
    let arguments: Vec<&str> = ["runbook", "lint"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    let said = home.run(&arguments).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    home.write("x.fr.md", "+++\nof = \"x\"\nlang = \"fr\"\n+++\n");
    home.write("plain.md", "hello\n");
    let said = home.run(&["runbook", "lint", &home.path("x.fr.md")]).await;
    assert!(
        said.code == Some(1) && said.out.contains("x.runbook.md beside it"),
        "{said:?}"
    );
    let said = home.run(&["runbook", "lint", &home.path("plain.md")]).await;
    assert!(
        said.out.lines().count() == 1 && said.out.contains("no front matter"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_and_a_picture_are_documents_where_documents_are_asked_for() {
    let home = Home::new();
    let (code, book) = home.json(&["runbook", "show", "rollback"]).await;
    assert_eq!(
        (code, &book["schema"], &book["id"]),
        (Some(0), &json!(1), &json!("rollback"))
    );
    assert!(
        book["text"].as_str().unwrap().starts_with("+++\n"),
        "{book:#}"
    );
    let (code, picture) = home.json(&["demo", "--frame", "80x24"]).await;
    assert_eq!(
        (code, &picture["schema"], &picture["width"]),
        (Some(0), &json!(1), &json!(80))
    );
    assert_eq!(
        picture["lines"].as_array().map(Vec::len),
        Some(24),
        "{picture:#}"
    );
}

#[tokio::test]
async fn a_configuration_is_only_right_when_nothing_in_it_is_odd() {
    let home = Home::new();
    let file = "config/vigie/config.toml";
    home.write(
        file,
        "[runbooks]\nfolders = [\"/nope\"]\nlanguage = \"xx\"\n",
    );
    let said = home.run(&["config", "check"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        !said.out.contains("is right")
            && said.err.contains("there is no folder /nope")
            && said.err.contains("nothing is translated into `xx`"),
        "{said:?}"
    );
    for (text, column, wanted) in [
        ("theme = \"nope\"\n", 9, "there is no theme nope"),
        ("[keys]\nrollout = [\"j\"]\n", 11, "`j` is wanted by both"),
        (
            "[refresh]\nmetrics = \"100d\"\n",
            11,
            "it must be 1h at most",
        ),
    ] {
        home.write(file, text);
        let (code, checked) = home.json(&["config", "check"]).await;
        let mistake = &checked["mistakes"][0];
        assert_eq!(
            (code, &mistake["column"]),
            (Some(2), &json!(column)),
            "{checked:#}"
        );
        assert!(
            mistake["sentence"].as_str().unwrap().contains(wanted),
            "{checked:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_of_one_seed_differ_in_their_identifiers_alone() {
    let world = |world| async move {
        let options = Options {
            world,
            base: Some(1_772_593_927_000),
            speed: 0.0,
            ..Options::default()
        };
        start(options).await.unwrap()
    };
    let named = |running: &vigie::sim::Running| {
        running.world().peek(|world| {
            let pods = world.store().list(vigie::sim::kind::Kind::Pod, "");
            pods.map(|pod| {
                let pod = pod.tree();
                let text = |key: &str| pod["metadata"][key].as_str().unwrap().to_owned();
                (text("name"), text("uid"))
            })
            .collect::<Vec<_>>()
        })
    };
    let (same, again, other) = (world(None).await, world(None).await, world(Some(7)).await);
    let (same, again, other) = (named(&same), named(&again), named(&other));
    assert_eq!(same, again);
    let names = |pods: &[(String, String)]| {
        pods.iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&same), names(&other));
    assert!(same.iter().zip(&other).all(|(one, two)| one.1 != two.1));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_cannot_be_written_is_one_sentence_and_a_closed_one_is_silent() {
    let mut home = Home::on(Scenario::Healthy, 60).await;
    home.set("RUST_BACKTRACE", "1");
    for line in [
        "status",
        "runs",
        "runbook list",
        "rollout history deployment/veza-backend",
        "config show",
        "completions bash",
        "man",
        "--help",
        "--version",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let ended = |out: std::process::Stdio| {
            let mut command = home.command(&arguments);
            command.stdout(out).stderr(std::process::Stdio::piped());
            tokio::task::spawn_blocking(move || {
                command.spawn().unwrap().wait_with_output().unwrap()
            })
        };
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let said = super::said(&ended(full.into()).await.unwrap());
        assert_eq!(
            (said.code, said.err.as_str()),
            (
                Some(4),
                "vigie: the output cannot be written: no space is left on the device\n"
            ),
            "{line}"
        );
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = super::said(&ended(writer.into()).await.unwrap());
        assert_eq!(said.err, "", "{line}");
    }
}
