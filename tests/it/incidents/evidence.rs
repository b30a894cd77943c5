//! A run of before as evidence: named by a rollback, looked up before its first effect, kept in its record; linked to an
//! incident.

use crate::command::Home;
use vigie::sim::scenario::Scenario;

const NOBODY: &str = "01M8Q3JPRPNVTFPRYRKQZSQYT2";

#[tokio::test(flavor = "multi_thread")]
async fn a_checklist_is_looked_up_by_the_rollback_that_names_it_and_kept_in_its_record() {
    let home = Home::on(Scenario::BadRelease, 300).await;
    let about = ["-n", "veza-production", "--set", "workload=veza-backend"];
    let list = [&["run", "deploy-checklist"][..], &about].concat();
    assert_eq!(home.run(&list).await.code, Some(3));
    let run = home.runs().await.remove(0)["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let with = |command: &[&str], evidence: &str| -> Vec<String> {
        let mut line: Vec<String> = command.iter().map(|part| (*part).to_owned()).collect();
        line.push("rollback".into());
        line.extend(about.iter().map(|part| (*part).to_owned()));
        line.extend(["--set".to_owned(), format!("evidence={evidence}")]);
        line
    };
    let ask = async |line: Vec<String>| {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        home.run(&line).await
    };
    // Looked at beforehand, it is named with what is to be known of it.
    let plan = ask(with(&["runbook", "plan"], &run)).await;
    let named = format!("evidence deploy-checklist {run}");
    assert!(plan.out.contains(&named), "{plan:?}");
    assert!(
        plan.out.contains("it has not come to its good end"),
        "{plan:?}"
    );
    // One that is not there stops it before the first effect; what is no id at all is a mistake of typing.
    let missing = ask(with(&["run"], NOBODY)).await;
    assert_eq!(missing.code, Some(4), "{missing:?}");
    assert!(
        missing.out.contains("the evidence that is named"),
        "{missing:?}"
    );
    let typed = ask(with(&["run"], "../runs/x")).await;
    assert_eq!(typed.code, Some(2), "{typed:?}");
    assert!(typed.err.contains("the id of a run"), "{typed:?}");
    assert!(home.changes().is_empty(), "{:#?}", home.changes());
    // It waits for its confirmation with the evidence in its record, and in the audit log.
    let mut line = with(&["run"], &run);
    line.extend(["--reason".to_owned(), "errors since the release".to_owned()]);
    let waits = ask(line).await;
    assert_eq!(waits.code, Some(3), "{waits:?}");
    let rollback = home.runs().await;
    let rollback = rollback
        .iter()
        .find(|one| one["runbook"] == "rollback" && one["state"] != "failed");
    let journal = rollback.unwrap()["journal"].as_str().unwrap().to_owned();
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains(&named), "{journal}");
    let audit = home.audit().await;
    let mut starts = audit.iter().filter(|one| one["event"] == "run.start");
    assert!(
        starts.any(|one| one["params"]["evidence"] == run.as_str()),
        "{audit:#?}"
    );
    let mut looked = audit.iter().filter(|one| one["event"] == "run.preflight");
    assert!(
        looked.any(|one| one.to_string().contains(&named)),
        "{audit:#?}"
    );

    // An incident links it, once, with what its journal says.
    let id = super::opened(&home, &["-n", "veza-production"]).await;
    let link = ["incident", "link", &id, &run];
    assert_eq!(home.run(&link).await.code, Some(0));
    let (_, shown) = home.json(&["incident", "show", &id]).await;
    let linked = &shown["linked"][0];
    assert_eq!(
        (linked["run"].as_str(), linked["runbook"].as_str()),
        (Some(&*run), Some("deploy-checklist"))
    );
    assert!(
        linked["text"].as_str().unwrap().contains("not ended"),
        "{linked}"
    );
    let again = home.run(&link).await;
    assert!(
        again.code == Some(1) && again.err.contains("already"),
        "{again:?}"
    );
    let none = home.run(&["incident", "link", &id, NOBODY]).await;
    assert_eq!(none.code, Some(1), "{none:?}");
}

/// A checklist that one word settles.
const LIST: &str = "+++\nschema = 1\nid = \"list\"\nversion = \"1\"\ntitle = \"A list\"\n\n[params.namespace]\ntype = \"namespace\"\n+++\n\n## The list\n\n```toml step\nid = \"before\"\nkind = \"checklist\"\n[[items]]\nid = \"told\"\ntext = \"Everybody knows.\"\nevidence = [\"attest\"]\n```\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_in_an_incident_takes_the_checklist_that_the_incident_links() {
    let home = Home::on(Scenario::BadRelease, 300).await;
    home.keep(LIST);
    let id = super::opened(&home, &["-n", "veza-production"]).await;
    let told = "before.told=attest:Grace: they do";
    let listed = ["run", "list", "-n", "veza-production", "--answer", told];
    let said = home.run(&listed).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let list = home.runs().await.remove(0)["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let plan = [
        "runbook",
        "plan",
        "rollback",
        "-n",
        "veza-production",
        "--set",
        "workload=veza-backend",
    ];
    let named = format!("evidence list {list}");
    let before = home.run(&plan).await;
    assert!(!before.out.contains(&named), "{before:?}");
    let linked = home.run(&["incident", "link", &id, &list]).await;
    assert_eq!(linked.code, Some(0), "{linked:?}");
    let after = home.run(&plan).await;
    assert!(after.out.contains(&named), "{after:?}");
    // The rollback that the incident's runbook calls takes it as well.
    let mut called = vec!["run", "incident", "--dry-run", "-n", "veza-production"];
    for set in [
        "workload=veza-backend",
        "message=m",
        "cause=c",
        "replicas=3",
    ] {
        called.extend(["--set", set]);
    }
    let ready = ["commander", "scribe", "deputy", "liaison", "bridge"];
    let ready = ready.map(|one| format!("ready.{one}=attest:Grace: yes"));
    let ways = ["severity=P1", "breach=no", "way=rollback"];
    for answer in ways.into_iter().chain(ready.iter().map(String::as_str)) {
        called.extend(["--answer", answer]);
    }
    let said = home.run(&called).await;
    assert!(said.out.contains(&named), "{said:?}");
}
