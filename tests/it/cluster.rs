//! What only a real control plane can answer. `tests/cluster/up DIR` starts one; with `VIGIE_TEST_CLUSTER=DIR` these tests run
//! (`cargo test -- --ignored cluster:: real::`), and `.ci/run` does both. Each test works in a namespace of its own, so that they
//! may run beside each other; [`world`] has what they share. Who takes a part of the cluster away does so alone.

mod acts;
mod checklist;
mod console;
mod desk;
mod kinds;
mod owners;
mod rollback;
mod rotation;
mod second;
mod sets;
mod silence;
mod truth;
pub mod world;

use world::{Audit, World};

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_cluster_answers_and_its_pods_become_ready() {
    let world = World::new("answers");
    world.wait_for("four services are ready", || {
        let ready = world.kubectl(&[
            "get",
            "deployments",
            "-o",
            "jsonpath={.items[*].status.readyReplicas}",
        ]);
        (ready == "2 2 3 2").then_some(())
    });
    let version = world.kubectl(&["version", "-o", "json"]);
    assert!(version.contains("serverVersion"), "{version}");
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_audit_log_tells_who_wrote_what_with_which_audit_id() {
    let world = World::new("audit");
    let before = Audit::writes(&world, "oncall").len();
    let image = "registry.veza.app/veza-backend-api:v1.1.0";
    world.release("veza-backend", image, "v1.1.0");
    let writes = world.wait_for("the write is in the audit log", || {
        let writes = Audit::writes(&world, "oncall");
        (writes.len() > before).then_some(writes)
    });
    let [write] = &writes[before..] else {
        panic!("one write, not {writes:#?}");
    };
    assert_eq!(
        (
            write.verb.as_str(),
            write.resource.as_str(),
            write.name.as_str(),
            write.code
        ),
        ("patch", "deployments", "veza-backend", 200)
    );
    assert!(
        !write.id.is_empty() && write.body.contains(image),
        "{write:#?}"
    );
    assert_eq!(
        Audit::writes(&world, "viewer"),
        [],
        "looking is not writing"
    );
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_viewer_may_look_and_not_write() {
    let world = World::new("viewer");
    assert_eq!(world.can_i("viewer", "list", "pods"), "yes");
    assert_eq!(world.can_i("viewer", "patch", "deployments"), "no");
    assert_eq!(world.can_i("oncall", "patch", "deployments"), "yes");
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn what_the_exporter_is_told_is_what_prometheus_answers() {
    let world = World::new("signals");
    world.behave("service=veza-backend&errors=0.25&latency_ms=900");
    let query = format!(
        "sum(rate(http_requests_total{{namespace=\"{0}\",service=\"veza-backend\",status=~\"5..\"}}[10s])) / sum(rate(http_requests_total{{namespace=\"{0}\",service=\"veza-backend\"}}[10s]))",
        world.namespace
    );
    world.wait_for("a quarter of the requests fails", || {
        world
            .prometheus(&query)
            .filter(|share| (0.2..0.3).contains(share))
    });
    world.behave("silent=1");
    world.wait_for("nothing is known any more", || {
        world.prometheus(&query).is_none().then_some(())
    });
}
