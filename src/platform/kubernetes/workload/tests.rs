//! Workloads as the API server writes them, read.

use super::*;

fn read<K: Kind>(yaml: &str) -> K::Row {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    let text = value.to_string();
    K::row(serde_json::from_str(&text).unwrap(), &mut Pool::default()).unwrap()
}

#[test]
fn a_deployment_has_its_counts_strategy_and_writer() {
    let w = read::<Deployments>(
        "{metadata: {uid: u, name: api, namespace: ns, generation: 4, annotations: {deployment.kubernetes.io/revision: '42'},
           managedFields: [{manager: ci, time: '2026-11-21T10:00:00Z', fieldsV1: {'f:spec': {}}}, {manager: kubectl-set, time: '2026-11-21T11:00:00Z', fieldsV1: {'f:spec': {'f:template': {}}}}, {manager: kubectl-rollout, time: '2026-11-21T11:30:00Z', fieldsV1: {'f:spec': {'f:paused': {}}}},
             {manager: kube-controller-manager, subresource: status, time: '2026-11-21T12:00:00Z', fieldsV1: {'f:status': {}, 'f:spec': {}}}]},
          spec: {replicas: 3, progressDeadlineSeconds: 600, selector: {matchLabels: {app: api}}, strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}},
            template: {metadata: {creationTimestamp: null, labels: {app: api, version: v1}}, spec: {containers: [{name: main, image: 'r/api:v1'}]}}},
          status: {observedGeneration: 4, replicas: 3, updatedReplicas: 1, readyReplicas: 2, conditions: [{type: Progressing, status: 'True', reason: ReplicaSetUpdated}]}}",
    );
    assert_eq!(
        (w.desired, w.current, w.updated, w.ready, w.available),
        (3, 3, 1, 2, 0)
    );
    assert_eq!((w.revision, w.version_name()), (Some(42), Some("v1")));
    assert_eq!(&*w.writer.unwrap().name, "kubectl-set");
    let Strategy::Rolling {
        max_surge,
        max_unavailable,
        ..
    } = w.strategy
    else {
        panic!("not rolling");
    };
    assert_eq!((&*max_surge, &*max_unavailable), ("25%", "0"));
    assert_eq!(w.progress.unwrap().holds, Some(true));
}

#[test]
fn a_daemon_set_counts_nodes() {
    let w = read::<DaemonSets>(
        "{metadata: {uid: u, name: d}, spec: {updateStrategy: {type: OnDelete}}, status: {desiredNumberScheduled: 5, currentNumberScheduled: 4, updatedNumberScheduled: 3, numberReady: 2, numberAvailable: 1}}",
    );
    assert_eq!(
        (w.desired, w.current, w.updated, w.ready, w.available),
        (5, 4, 3, 2, 1)
    );
    assert_eq!(w.strategy, Strategy::OnDelete);
}

#[test]
fn who_would_revert_is_named_and_a_chart_alone_is_not_argo() {
    let of = |meta: &str| {
        let yaml = format!("{{metadata: {{uid: u, name: d, {meta}}}}}");
        read::<Deployments>(&yaml).manager
    };
    assert_eq!(of("labels: {app.kubernetes.io/instance: x}"), None);
    assert_eq!(
        of(
            "labels: {app.kubernetes.io/instance: x}, annotations: {argocd.argoproj.io/sync-wave: '1'}"
        ),
        Some(Manager::ArgoCd("x".into()))
    );
    assert_eq!(
        of("annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:n/d'}"),
        Some(Manager::ArgoCd("shop".into()))
    );
    assert_eq!(
        of("labels: {kustomize.toolkit.fluxcd.io/name: infra}"),
        Some(Manager::Flux("infra".into()))
    );
    assert_eq!(
        of(
            "labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: shop}"
        ),
        Some(Manager::Helm("shop".into()))
    );
}

#[test]
fn a_revision_knows_its_owner_number_and_commit() {
    let r = read::<ReplicaSets>(
        "{metadata: {uid: u, name: api-7, ownerReferences: [{kind: Deployment, name: api, uid: d, controller: true}], annotations: {deployment.kubernetes.io/revision: '7', deployment.kubernetes.io/revision-history: '2,5'}},
          spec: {replicas: 0, template: {metadata: {annotations: {org.opencontainers.image.revision: abc123}}}}}",
    );
    assert_eq!(
        (r.number, r.owner, r.desired),
        (Some(7), Some("d".into()), 0)
    );
    assert_eq!(r.commit.as_deref(), Some("abc123"));
    assert!(r.returned);
    assert_eq!(r.earlier, [2, 5]);
}
