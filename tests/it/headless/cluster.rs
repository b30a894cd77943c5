//! `vigie status` beside `kubectl get pods` on a real control plane, in every state that its kubelets play.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::world::World;

/// READY, STATUS, RESTARTS of each pod, as kubectl prints them.
fn kubectl(world: &World) -> BTreeMap<String, (String, String, String)> {
    let table = world.kubectl(&["get", "pods", "--no-headers"]);
    table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split_whitespace();
            let (name, ready, status) = (cells.next()?, cells.next()?, cells.next()?);
            // `4 (3s ago)` is a number and a remark.
            let restarts = cells.next()?;
            Some((name.into(), (ready.into(), status.into(), restarts.into())))
        })
        .collect()
}

/// The same as our document has it.
fn ours(world: &World) -> BTreeMap<String, (String, String, String)> {
    let state = tempfile::tempdir().unwrap();
    let output = world
        .command(env!("CARGO_BIN_EXE_vigie"), "viewer")
        .args(["status", "--output", "json", "-n", &world.namespace])
        .env("XDG_STATE_HOME", state.path())
        .env("XDG_CONFIG_HOME", state.path())
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pods = document["pods"].as_array().unwrap().iter();
    pods.map(|pod| {
        let cells = (
            text(&pod["ready"]),
            text(&pod["status"]),
            pod["restarts"].to_string(),
        );
        (text(&pod["name"]), cells)
    })
    .collect()
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn status_says_of_every_pod_what_kubectl_get_pods_says() {
    let world = World::new("letters");
    let bind = [
        "create",
        "rolebinding",
        "viewer",
        "--clusterrole=view",
        "--group=veza:viewers",
    ];
    world.kubectl(&bind);
    for (deployment, fate) in [
        ("veza-backend", "crash"),
        ("chat-server", "missing"),
        ("stream-server", "oom"),
        ("veza-frontend", "unready"),
    ] {
        world.release(
            deployment,
            &format!("registry.veza.app/{deployment}:v9-{fate}"),
            "v9",
        );
    }
    // States come and go: what counts is that in every moment in which nothing moved both said the same, until all were seen.
    let mut missing = BTreeSet::from(["CrashLoopBackOff", "ImagePullBackOff", "0/1", "Running"]);
    let mut differed = 0;
    world.wait_for("every state was seen while both looked", || {
        let before = kubectl(&world);
        let ours = ours(&world);
        if kubectl(&world) != before {
            return None;
        }
        if ours != before {
            // A pod may have gone there and back while we looked, but not again and again.
            differed += 1;
            assert!(differed < 5, "ours: {ours:#?}\nkubectl: {before:#?}");
        } else {
            let words: Vec<&String> = before
                .values()
                .flat_map(|(ready, status, _)| [ready, status])
                .collect();
            missing.retain(|word| !words.iter().any(|one| one == word));
        }
        missing.is_empty().then_some(())
    });
    world.kubectl(&["delete", "pod", "--all", "--wait=false"]);
    world.wait_for("both say the same of pods that go and come", || {
        let before = kubectl(&world);
        (ours(&world) == before && kubectl(&world) == before).then_some(())
    });
}
