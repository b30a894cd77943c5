//! What the configuration forbids, and the one way past it: read-only that nothing arms, the policy of an environment, and
//! `--break-glass`, which is written down.

use super::super::command::{Home, Said};
use crate::command::books::STAMP;
use vigie::sim::scenario::Scenario;

/// The simulated platform as if it were production, with a policy.
async fn production(policy: &str) -> Home {
    let home = Home::on(Scenario::Healthy, 60).await;
    let text = format!(
        "[context.veza-demo]\nenvironment = \"production\"\n[environment.production]\n{policy}\n"
    );
    home.write("config/vigie/config.toml", &text);
    home.write(
        "config/vigie/runbooks/stamp.runbook.md",
        &STAMP.replace("\"low\"", "\"critical\""),
    );
    home
}

async fn run(home: &Home, more: &[&str]) -> Said {
    let line = [
        "run",
        "stamp",
        "--set",
        "workload=veza-backend",
        "--answer",
        "which=yes",
    ];
    home.run(&[&line, more].concat()).await
}

const NAMED: [&str; 2] = ["--confirm", "veza-production"];
const WHY: &str = "INC-2026-014: sessions must end now";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_to_be_read_only_changes_nothing_wherever_it_was_said() {
    for (variable, text, flag) in [
        (None, "", Some("--read-only")),
        (Some("true"), "", None),
        (None, "read_only = true", None),
    ] {
        let mut home = Home::on(Scenario::Healthy, 60).await;
        home.write("config/vigie/config.toml", text);
        home.keep(STAMP);
        if let Some(value) = variable {
            home.set("VIGIE_READ_ONLY", value);
        }
        let more: Vec<&str> = NAMED.into_iter().chain(flag).collect();
        let said = run(&home, &more).await;
        assert_eq!(said.code, Some(4), "{text}{flag:?}: {said:?}");
        assert!(
            said.err.contains("read-only") && said.err.contains("--dry-run"),
            "{said:?}"
        );
        assert_eq!(home.changes().len(), 0);
        let (_, status) = home.json(&["status"]).await;
        assert_eq!(status["target"]["read_only"], flag.is_none(), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn production_is_read_only_until_the_run_is_confirmed_by_its_namespace() {
    let home = production("").await;
    for wrong in [&[][..], &["--yes"], &["--confirm", "veza-prod"]] {
        let said = run(&home, wrong).await;
        assert_eq!(said.code, Some(4), "{wrong:?}: {said:?}");
        assert!(said.err.contains("--confirm veza-production"), "{said:?}");
    }
    assert_eq!(home.changes().len(), 0);
    let said = run(&home, &NAMED).await;
    assert_eq!((said.code, home.changes().len()), (Some(0), 1), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_refuses_before_the_first_effect_and_breaking_the_glass_is_written_down() {
    for (policy, word) in [
        ("approvals = 1", "second person"),
        ("rehearsal = \"7d\"", "in staging"),
    ] {
        let home = production(policy).await;
        let said = run(&home, &NAMED).await;
        assert_eq!(
            (said.code, home.changes().len()),
            (Some(4), 0),
            "{policy}: {said:?}"
        );
        assert!(
            said.err.contains(word) && said.err.contains("--break-glass"),
            "{policy}: {said:?}"
        );
        let said = run(&home, &["--break-glass", WHY]).await;
        assert_eq!(
            (said.code, home.changes().len()),
            (Some(4), 0),
            "unconfirmed: {said:?}"
        );
        let said = run(&home, &[&NAMED[..], &["--break-glass", "because"]].concat()).await;
        assert_eq!(said.code, Some(2), "too short a reason: {said:?}");
        let said = run(&home, &[&NAMED[..], &["--break-glass", WHY]].concat()).await;
        assert_eq!(
            (said.code, home.changes().len()),
            (Some(0), 1),
            "{policy}: {said:?}"
        );
        let record = home.run(&["audit", "show", "-o", "json"]).await.out;
        let glass: Vec<&str> = record
            .lines()
            .filter(|line| line.contains("\"event\":\"break-glass\""))
            .collect();
        assert!(
            glass.len() == 1 && glass[0].contains(WHY) && glass[0].contains(word),
            "{record}"
        );
        assert_eq!(home.run(&["audit", "verify"]).await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_gate_is_shorter_than_the_policy_says_and_no_image_goes_without_a_digest_where_it_wants_one()
 {
    let home = production("minimum_hold = \"2m\"").await;
    let line = [
        "run",
        "rollback",
        "--set",
        "workload=veza-backend",
        "--set",
        "hold=30s",
    ];
    let said = home.run(&[&line[..], &NAMED].concat()).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("--set hold=2m"), "{said:?}");
    let home = production("image = \"digest\"").await;
    let line = [
        "run",
        "rollback",
        "--set",
        "workload=veza-backend",
        "--set",
        "revision=41",
    ];
    let said = home.run(&[&line[..], &NAMED].concat()).await;
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(
        format!("{}{}", said.out, said.err).contains("only images with a digest"),
        "{said:?}"
    );
    let writes = home.running.as_ref().unwrap().world().writes();
    assert!(
        writes
            .iter()
            .all(|write| write.dry_run || !write.path.contains("/deployments/"))
    );
}
