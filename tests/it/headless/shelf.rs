//! The operator's own runbooks beside the shipped ones, and a checklist without a screen.

use super::super::command::Home;
use crate::command::books::STAMP;
use serde_json::Value;
use vigie::runbook::SHIPPED;
use vigie::sim::scenario::Scenario;

fn listed(list: &Value, id: &str) -> Value {
    let all = list["runbooks"].as_array().unwrap();
    let mut found = all.iter().filter(|book| book["id"] == id);
    let one = found
        .next()
        .unwrap_or_else(|| panic!("no {id} in {list:#}"));
    assert!(found.next().is_none(), "{id} twice");
    one.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_runbooks_stand_beside_the_shipped_and_a_broken_one_hides_nothing() {
    let home = Home::new();
    let folder = home.path("ours");
    home.write(
        "config/vigie/config.toml",
        &format!("[runbooks]\nfolders = [\"{folder}\", \"/nope\"]\n"),
    );
    home.write("ours/stamp.runbook.md", STAMP);
    home.write(
        "ours/restart.runbook.md",
        &SHIPPED[1]
            .text
            .replace("version      = \"1.0.0\"", "version = \"9\""),
    );
    home.write("ours/rollback.runbook.md", "+++\nid = 3\n");
    home.write("ours/other.runbook.md", STAMP);
    home.write("ours/zz/stamp.runbook.md", STAMP);
    std::fs::write(
        home.path("ours/latin.runbook.md"),
        b"+++\nid = \"\xe9\"\n+++\n",
    )
    .unwrap();
    let huge = std::fs::File::create(home.path("ours/huge.runbook.md")).unwrap();
    huge.set_len(100 << 30).unwrap();
    std::fs::create_dir(home.path("ours/dir.runbook.md")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("loop.runbook.md", home.path("ours/loop.runbook.md")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", home.path("ours/zero.runbook.md")).unwrap();
    }
    let (code, list) = home.json(&["runbook", "list"]).await;
    assert_eq!(code, Some(0));
    for shipped in SHIPPED {
        listed(&list, shipped.id);
    }
    assert_eq!(listed(&list, "restart")["version"], "9");
    assert_eq!(listed(&list, "restart")["replaces_shipped"], true);
    assert_eq!(listed(&list, "rollback")["origin"], "shipped");
    assert_eq!(listed(&list, "stamp")["problems"], Value::Null);
    let broken = |id: &str, words: &str| {
        let problems = listed(&list, id)["problems"].to_string();
        assert!(problems.contains(words), "{id}: {problems}");
    };
    broken(&home.path("ours/rollback.runbook.md"), "front matter");
    broken("other", "the file is named `other`, its id is `stamp`");
    broken("latin", "not UTF-8");
    broken("huge", "at most 262144 are read");
    broken("dir", "it is a folder");
    #[cfg(unix)]
    {
        broken("loop", "cannot be read");
        broken("zero", "no plain file");
    }
    let said = home.run(&["runbook", "list"]).await.out;
    let line = said
        .lines()
        .find(|line| line.starts_with("restart "))
        .unwrap();
    assert!(
        line.contains("own, ") && line.contains("in the place of the shipped one"),
        "{line}"
    );
    let page = home.run(&["runbook", "show", "stamp"]).await;
    assert!(
        page.code == Some(0) && page.out.contains("own, ") && page.out.contains("> mark: "),
        "{page:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lint_takes_folders_knows_the_shelf_and_counts_what_a_translation_leaves_out() {
    let home = Home::new();
    let caller = "\n## Call\n\n```toml step\nid = \"call\"\nkind = \"call\"\nrunbook = \"restart\"\nwith = { wrkload = \"x\" }\n```\n";
    home.write("ours/stamp.runbook.md", &(STAMP.to_owned() + caller));
    home.write(
        "ours/stamp.fr.md",
        "+++\nof = \"stamp\"\nlang = \"fr\"\n+++\n\n## [workload] Laquelle ?\n\nd√©ploiement\n",
    );
    home.write("ours/readme.md", "not a runbook");
    let said = home.run(&["runbook", "lint", &home.path("ours")]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out
            .contains("restart has no parameter `wrkload`; did you mean `workload`?"),
        "{said:?}"
    );
    assert!(said.out.contains("restart needs `workload`"), "{said:?}");
    assert!(
        said.out.contains("texts are missing: title, ## [go]")
            || said.out.contains("texts are missing: title"),
        "{said:?}"
    );
    assert!(!said.out.contains("readme"), "{said:?}");
    home.write("ours/stamp.runbook.md", STAMP);
    let said = home.run(&["runbook", "lint", &home.path("ours")]).await;
    assert_eq!(said.code, Some(0), "warnings are no errors: {said:?}");
    std::fs::create_dir(home.path("empty")).unwrap();
    let said = home.run(&["runbook", "lint", &home.path("empty")]).await;
    assert!(
        said.code == Some(4) && said.err.contains("holds no NAME.runbook.md"),
        "{said:?}"
    );
}

/// What a person answers of the deployment checklist on the simulated platform.
const GIVEN: &[(&str, &str)] = &[
    ("before.staging", "link:https://ci.example/e2e/7"),
    ("before.scan", "link:https://ci.example/scan/7"),
    ("before.medium", "na:the scan has none"),
    (
        "before.audit-findings",
        "attest:Ada: list of 4 March is closed",
    ),
    ("before.migrations", "na:this release has none"),
    ("before.alerting", "attest:Ada"),
    ("before.on-call", "attest:Ada: Bob knows"),
    ("before.low-traffic", "attest:Ada"),
    (
        "before.hardened",
        "attest:Ada: ticket 44 mends it this week",
    ),
    ("before.budget", "na:three replicas on three nodes"),
    ("during.logs", "attest:Ada: ERROR over 10 m, 3 pods"),
    ("during.migrated", "na:none"),
    ("during.flows", "attest:Ada"),
    ("after.smoke", "attest:Ada"),
    ("after.log", "attest:Ada"),
    ("after.slack", "attest:Ada"),
    ("after.stakeholders", "attest:Ada"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_deployment_checklist_runs_headless_and_leaves_a_dated_record() {
    let home = Home::on(Scenario::Healthy, 600).await;
    let mut line = vec![
        "run",
        "deploy-checklist",
        "--set",
        "workload=veza-backend",
        "--set",
        "hold=2s",
        "--set",
        "config=veza-backend-config",
        "--yes",
    ];
    let answers: Vec<String> = GIVEN
        .iter()
        .map(|(item, given)| format!("{item}={given}"))
        .collect();
    for answer in &answers {
        line.extend(["--answer", answer]);
    }
    let said = home.run(&line).await;
    assert_eq!(
        said.code,
        Some(3),
        "nobody may say of the tests what the pipeline says: {said:?}"
    );
    assert!(
        said.out.contains("1 item is open: tests (link)"),
        "{said:?}"
    );
    assert!(
        said.out.contains("--answer before.tests=link:URL"),
        "the next command is said: {said:?}"
    );
    let run = said.out.split_whitespace().nth(2).unwrap().to_owned();
    let said = home
        .run(&[
            "resume",
            &run,
            "--yes",
            "--answer",
            "before.tests=attest:Ada: all green, believe me",
        ])
        .await;
    assert!(
        said.code == Some(3) && said.out.contains("tests takes link"),
        "{said:?}"
    );
    let mut line = vec![
        "resume",
        &run,
        "--yes",
        "--answer",
        "before.tests=link:https://ci.example/run/4f2a",
    ];
    for answer in &answers {
        line.extend(["--answer", answer]);
    }
    let said = home.run(&line).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out
            .contains("OVERRIDDEN: before.budget, before.hardened"),
        "{said:?}"
    );
    let record = home
        .run(&["audit", "show", "--run", &run, "-o", "json"])
        .await
        .out;
    for part in [
        "deploy.checked",
        "before: hardened, budget",
        "checklist.item",
        "ticket 44",
        "https://ci.example/run/4f2a",
    ] {
        assert!(record.contains(part), "{part}: {record}");
    }
    assert!(
        home.running
            .as_ref()
            .unwrap()
            .world()
            .writes()
            .iter()
            .all(|write| write.path.contains("selfsubject") || write.path.contains("/leases")),
        "a checklist changes nothing; its lock is a Lease"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_nobody_asks_for_and_a_look_ahead() {
    let home = Home::on(Scenario::Healthy, 600).await;
    let base = ["deploy-checklist", "--set", "workload=veza-backend"];
    let said = home
        .run(
            &[
                &["run"],
                &base[..],
                &["--answer", "before.test=link:https://x.example"],
            ]
            .concat(),
        )
        .await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("did you mean `before.tests`?"),
        "{said:?}"
    );
    let said = home.run(&[&["runbook", "plan"], &base[..]].concat()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("before.hardened is FALSE") && said.out.contains("after.healthy holds"),
        "{said:?}"
    );
}
