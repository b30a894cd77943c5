//! What is written out of the record, checked where nothing else is; what is held against each other, and what is pruned.

use super::super::command::Home;
use super::super::command::books::MARK;
use std::path::PathBuf;
use vigie::journal::tar;

/// A platform on which one run has been made, by somebody whose machine has a name of its own; the run.
async fn desk(reason: &str) -> (Home, String) {
    let mut home = Home::with(MARK).await;
    home.set("USER", "ada-of-the-night");
    let line = [
        "run",
        "mark",
        "-n",
        "veza-production",
        "--set",
        "workload=veza-backend",
        "--confirm",
        "veza-production",
        "--yes",
        "--reason",
    ];
    let said = home.run(&[&line[..], &[reason]].concat()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let run = home.runs().await.remove(0)["run"]
        .as_str()
        .unwrap()
        .to_owned();
    (home, run)
}

fn folder_of(home: &Home, run: &str) -> PathBuf {
    let root = home.folder.path().join("state/vigie/runs");
    let clusters = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    clusters
        .map(|cluster| cluster.join(run))
        .find(|dir| dir.exists())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_written_out_and_proves_itself_on_a_machine_that_has_nothing() {
    let (home, run) = desk("to be shown").await;
    let out = home.path("out");
    let (code, made) = home.json(&["runs", "export", &run, "--dir", &out]).await;
    assert_eq!((code, &made["copy"]), (Some(0), &false.into()), "{made}");
    let (file, head) = (home.path("out/bundle.tar"), made["head"].as_str().unwrap());
    let elsewhere = Home::new();
    let verified = elsewhere
        .run(&["audit", "verify", &file, "--anchor", head])
        .await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(
        verified.out.contains("the anchor is among them"),
        "{verified:?}"
    );
    let bytes = std::fs::read(&file).unwrap();
    let names: Vec<String> = tar::unpack(&bytes)
        .unwrap()
        .into_iter()
        .map(|member| member.name)
        .collect();
    for name in [
        "manifest.json",
        "run.journal",
        "audit.jsonl",
        "audit.chain",
        "runbook.md",
        "plan.json",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut turned = bytes.clone();
        turned[at] ^= 0x55;
        let checked = vigie::journal::bundle::verify(&turned, Some(head)).verdict;
        let same = tar::unpack(&turned) == tar::unpack(&bytes);
        let ok = matches!(checked, vigie::journal::Verified::Ok { .. });
        assert_eq!(ok, same, "byte {at}: {checked:?}");
    }
    // It stands in the record, and what is there is not written over.
    let told = home.audit().await;
    let export = told
        .iter()
        .rfind(|record| record["event"] == "export")
        .unwrap();
    assert_eq!(export["export"]["bundle"], made["bundle_sha256"]);
    let again = home.run(&["runs", "export", &run, "--dir", &out]).await;
    assert!(
        again.code == Some(4) && again.err.contains("--dir"),
        "{again:?}"
    );
    assert_eq!(
        home.run(&["runs", "export", "01NOTHING"]).await.code,
        Some(2)
    );
    assert_eq!(home.run(&["audit", "verify"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pseudonymised_copy_names_nobody_and_is_known_again_beside_its_originals() {
    let (home, run) = desk("to be shown").await;
    let out = home.path("out");
    let said = home
        .run(&["runs", "export", &run, "--dir", &out, "--pseudonymised"])
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let file = home.path("out/bundle.tar");
    let bytes = std::fs::read(&file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let host = vigie::journal::host().unwrap_or_else(|| "no host".to_owned());
    let (_, honest) = home
        .json(&["runs", "export", &run, "--dir", &home.path("honest")])
        .await;
    let head = honest["head"].as_str().unwrap();
    for name in ["ada-of-the-night", "\"oncall\"", host.as_str(), head] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    assert!(
        text.contains("person-1") && text.contains("login-1"),
        "{text}"
    );
    let here = home.run(&["audit", "verify", &file]).await;
    assert_eq!(here.code, Some(0), "{here:?}");
    assert!(
        here.out.contains("pseudonymised copy") && here.out.contains("made of the originals"),
        "{here:?}"
    );
    let elsewhere = Home::new().run(&["audit", "verify", &file]).await;
    assert!(
        elsewhere.code == Some(0) && elsewhere.out.contains("originals are not here"),
        "{elsewhere:?}"
    );
    let anchored = home
        .run(&["audit", "verify", &file, "--anchor", head])
        .await;
    assert_eq!(anchored.code, Some(3), "a copy is no chain: {anchored:?}");
    // An original that is another one now is noticed.
    let journal = folder_of(&home, &run).join("journal");
    let kept = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &kept[..kept.len() - 200]).unwrap();
    let differs = home.run(&["audit", "verify", &file]).await;
    assert!(
        differs.code == Some(1) && differs.out.contains("not of the originals"),
        "{differs:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_redactor_would_mask_leaves_only_as_a_masked_copy() {
    let (home, run) = desk("asked by grace.hopper@example.com").await;
    let (code, made) = home
        .json(&["runs", "export", &run, "--dir", &home.path("out")])
        .await;
    assert_eq!(
        (code, &made["copy"], &made["pseudonymised"]),
        (Some(0), &true.into(), &false.into()),
        "{made}"
    );
    let text = std::fs::read(home.path("out/bundle.tar")).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(
        !text.contains("grace.hopper") && text.contains("g***@e***.com"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_written_out_without_the_names_typed_into_its_roles() {
    let (home, _) = desk("x").await;
    let (_, opened) = home
        .json(&[
            "incident",
            "open",
            "--severity",
            "P1",
            "--title",
            "checkout fails",
        ])
        .await;
    let id = opened["incident"].as_str().unwrap().to_owned();
    let role = home
        .run(&["incident", "role", &id, "ic", "Grace Hopper"])
        .await;
    assert_eq!(role.code, Some(0), "{role:?}");
    let out = home.path("out");
    let line = [
        "incident",
        "export",
        &id,
        "--dir",
        &out,
        "--offline",
        "--pseudonymised",
    ];
    assert_eq!(home.run(&line).await.code, Some(0));
    for file in [
        "postmortem.md",
        "timeline.csv",
        "timeline.jsonl",
        "bundle.tar",
    ] {
        let text = std::fs::read(home.folder.path().join("out").join(file)).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("Grace Hopper"), "{file}: {text}");
        assert!(text.contains("person-1"), "{file}: {text}");
    }
    let verified = home
        .run(&["audit", "verify", &home.path("out/bundle.tar")])
        .await;
    assert!(
        verified.code == Some(0) && verified.out.contains("made of the originals"),
        "{verified:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_and_the_journals_are_held_against_each_other() {
    let (home, run) = desk("x").await;
    let dir = folder_of(&home, &run);
    let verify = async || home.run(&["audit", "verify"]).await;
    assert_eq!(verify().await.code, Some(0));
    let journal = std::fs::read(dir.join("journal")).unwrap();
    // A journal whose end was cut away on the line still is a chain; the log knows better.
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    std::fs::write(dir.join("journal"), lines[..lines.len() - 2].concat()).unwrap();
    let cut = verify().await;
    assert!(
        cut.code == Some(1) && cut.out.contains("it was cut"),
        "{cut:?}"
    );
    std::fs::write(dir.join("journal"), &journal).unwrap();
    // A folder that is gone, though nothing was pruned.
    let aside = home.folder.path().join("aside");
    std::fs::rename(&dir, &aside).unwrap();
    let gone = verify().await;
    assert!(
        gone.code == Some(1) && gone.out.contains("its folder is gone"),
        "{gone:?}"
    );
    std::fs::rename(&aside, &dir).unwrap();
    // A log that never saw the run.
    let log = home.folder.path().join("state/vigie/audit.log");
    std::fs::remove_file(&log).unwrap();
    let unseen = verify().await;
    assert!(
        unseen.code == Some(3) && unseen.out.contains("never saw"),
        "{unseen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_the_retention_is_refused_and_what_is_young_stays() {
    let (home, _) = desk("x").await;
    let refused = home.run(&["audit", "prune", "--older-than", "90d"]).await;
    assert!(
        refused.code == Some(2) && refused.err.contains("retention"),
        "{refused:?}"
    );
    let none = home.run(&["audit", "prune"]).await;
    assert!(
        none.code == Some(0) && none.out.contains("Nothing is older"),
        "{none:?}"
    );
    assert_eq!(home.runs().await.len(), 1);
}
