//! What stands between a request and its effect on the simulated platform: rights taken away, webhooks, versions, rehearsals,
//! requests that arrive twice.

use serde_json::{Value, json};
use vigie::platform::failure::{Failure, FailureKind};
use vigie::platform::kubernetes::{Applied, Cluster, Known, Manner, Options as Way, Right};
use vigie::sim::access::Identity;
use vigie::sim::admission::{Denial, Webhook};
use vigie::sim::fault::{Face, Fault, Rule, When};
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, NAMESPACE, Options, Running};

async fn platform() -> Running {
    let options = Options {
        scenario: Scenario::Healthy,
        base: Some(1_795_316_412_000),
        ..Options::default()
    };
    sim::start(options).await.unwrap()
}

async fn oncall(running: &Running) -> Cluster {
    let way = Way {
        server: Some(running.address_of(Identity::Oncall).to_owned()),
        ..Way::default()
    };
    Cluster::connect(&way).await.unwrap()
}

fn kind(group: &str, plural: &str, name: &str) -> Known {
    Known {
        group: group.into(),
        version: "v1".into(),
        plural: plural.into(),
        kind: name.into(),
        namespaced: true,
        ..Known::everyday("Deployment").unwrap()
    }
}

fn secrets() -> Known {
    kind("", "secrets", "Secret")
}

async fn patch(cluster: &Cluster, body: Value, dry_run: bool) -> Result<Applied, Failure> {
    let manner = Manner {
        dry_run,
        audit_id: None,
    };
    cluster
        .patch(&secrets(), NAMESPACE, "veza-secrets", &body, &manner)
        .await
}

fn key(running: &Running) -> String {
    let at = (NAMESPACE, "veza-secrets");
    let secret = running
        .world()
        .with(|world| world.read(vigie::sim::kind::Kind::Secret, at).unwrap());
    secret["data"]["jwt-secret"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_is_missed_at_once_by_reviews_and_by_writes() {
    let running = platform().await;
    let cluster = oncall(&running).await;
    let right = Right {
        verb: "patch".into(),
        resource: "secrets".into(),
        namespace: NAMESPACE.into(),
        ..Right::default()
    };
    assert!(cluster.may(&right).await.unwrap().allowed);
    let body = json!({"data": {"jwt-secret": "c2Vjb25k"}});
    patch(&cluster, body.clone(), false).await.unwrap();
    running.admission().take_away(Denial {
        who: Identity::Oncall,
        verb: "patch".into(),
        resource: "secrets".into(),
    });
    assert!(!cluster.may(&right).await.unwrap().allowed);
    let refused = patch(&cluster, body, false).await.unwrap_err();
    assert!(
        matches!(refused.kind, FailureKind::Forbidden(_)),
        "{refused}"
    );
    running.admission().give_back();
    assert!(cluster.may(&right).await.unwrap().allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_keeps_nothing_and_a_webhook_may_forbid_it_or_the_write() {
    let running = platform().await;
    let cluster = oncall(&running).await;
    let before = key(&running);
    let body = json!({"data": {"jwt-secret": "c2Vjb25k"}});
    let rehearsed = patch(&cluster, body.clone(), true).await.unwrap();
    assert_eq!(rehearsed.object["data"]["jwt-secret"], "c2Vjb25k");
    assert_eq!(key(&running), before);
    let hook = Webhook::not_to_be_rehearsed("audit.veza.app", "secrets");
    running.admission().add(hook);
    let refused = patch(&cluster, body.clone(), true).await.unwrap_err();
    assert!(
        refused.said.contains("does not support dry run"),
        "{refused}"
    );
    patch(&cluster, json!({"metadata": {"labels": {"a": "b"}}}), false)
        .await
        .unwrap();
    running.admission().clear();
    let hook = Webhook::denying("policy.veza.app", "secrets", "not during business hours");
    running.admission().add(Webhook { code: 400, ..hook });
    let denied = patch(&cluster, body, false).await.unwrap_err();
    assert_eq!(denied.kind, FailureKind::Invalid);
    assert!(
        denied
            .said
            .contains("denied the request: not during business hours"),
        "{denied}"
    );
    assert_eq!(key(&running), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_arrives_twice_takes_effect_once_where_it_names_its_version() {
    let running = platform().await;
    let cluster = oncall(&running).await;
    let now = cluster
        .object_of(&secrets(), NAMESPACE, "veza-secrets")
        .await
        .unwrap();
    let rule = Rule {
        face: Some(Face::Kubernetes),
        method: "PATCH".into(),
        path: String::new(),
        fault: Fault::Duplicate,
        times: Some(1),
    };
    running.faults().add_when(rule, When::nth_write(1));
    let body = json!({
        "metadata": {"resourceVersion": now["metadata"]["resourceVersion"]},
        "data": {"jwt-secret": "c2Vjb25k"},
    });
    let answer = patch(&cluster, body, false).await.unwrap_err();
    assert_eq!(answer.kind, FailureKind::Conflict, "{answer}");
    assert_eq!(key(&running), "c2Vjb25k");
    let effective = running.world().writes();
    let effective = effective
        .iter()
        .filter(|write| write.code < 300 && !write.dry_run);
    assert_eq!(effective.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_and_configmaps_are_made_and_changed_with_their_versions() {
    let running = platform().await;
    let cluster = oncall(&running).await;
    let real = Manner::default();
    let lease = kind("coordination.k8s.io", "leases", "Lease");
    let spec = json!({"holderIdentity": "a", "leaseDurationSeconds": 30});
    let body = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "vigie-x", "namespace": NAMESPACE}, "spec": spec,
    });
    let dry = Manner {
        dry_run: true,
        audit_id: None,
    };
    cluster
        .create(&lease, NAMESPACE, &body, &dry)
        .await
        .unwrap();
    let made = cluster
        .create(&lease, NAMESPACE, &body, &real)
        .await
        .unwrap();
    let again = cluster
        .create(&lease, NAMESPACE, &body, &real)
        .await
        .unwrap_err();
    assert_eq!(again.kind, FailureKind::Conflict);
    let take = |version: &str, who: &str| json!({"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": who}});
    let taken = take(&made.resource_version, "b");
    let first = cluster
        .patch(&lease, NAMESPACE, "vigie-x", &taken, &real)
        .await
        .unwrap();
    assert_ne!(first.resource_version, made.resource_version);
    let stale = cluster
        .patch(&lease, NAMESPACE, "vigie-x", &taken, &real)
        .await
        .unwrap_err();
    assert_eq!(stale.kind, FailureKind::Conflict);
    let map = kind("", "configmaps", "ConfigMap");
    let body = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vigie-rehearsals", "namespace": NAMESPACE},
        "data": {"a": "1"},
    });
    cluster.create(&map, NAMESPACE, &body, &real).await.unwrap();
    let more = json!({"data": {"b": "2"}});
    let both = cluster
        .patch(&map, NAMESPACE, "vigie-rehearsals", &more, &real)
        .await
        .unwrap();
    assert_eq!(both.object["data"], json!({"a": "1", "b": "2"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_secret_is_found_and_annotated_like_any_custom_kind() {
    let options = Options {
        scenario: Scenario::ExternalSecret,
        base: Some(1_795_316_412_000),
        ..Options::default()
    };
    let running = sim::start(options).await.unwrap();
    let cluster = oncall(&running).await;
    let external = kind("external-secrets.io", "externalsecrets", "ExternalSecret");
    let found = cluster
        .object_of(&external, NAMESPACE, "veza-secrets")
        .await
        .unwrap();
    assert_eq!(found["status"]["conditions"][0]["reason"], "SecretSynced");
    assert_eq!(
        found["spec"]["data"][2]["remoteRef"],
        json!({"key": "veza/production", "property": "jwt_secret"})
    );
    let secret = cluster
        .object_of(&secrets(), NAMESPACE, "veza-secrets")
        .await
        .unwrap();
    assert_eq!(
        secret["metadata"]["labels"]["reconcile.external-secrets.io/managed"],
        "true"
    );
    assert_eq!(
        secret["metadata"]["ownerReferences"][0]["uid"],
        found["metadata"]["uid"]
    );
    let stamp = json!({"metadata": {"annotations": {"force-sync": "1"}}});
    let manner = Manner::default();
    cluster
        .patch(&external, NAMESPACE, "veza-secrets", &stamp, &manner)
        .await
        .unwrap();
}
