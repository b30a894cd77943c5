//! One change planned, compared, undone and applied.

use serde_json::{Value, json};

use super::*;
use proptest::prelude::*;

fn object() -> ObjectRef {
    ObjectRef {
        kind: "Deployment".into(),
        namespace: "prod".into(),
        name: "api".into(),
        uid: "u1".into(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a literal at every call")]
fn template(version: &str, extra: Value) -> Value {
    let mut template = json!({"metadata": {"labels": {"app": "api", "version": version}}, "spec": {"containers": [{"name": "api", "image": format!("r.io/api:{version}")}]}});
    apply_merge(&mut template, &extra);
    template
}

#[test]
fn a_rollback_is_said_in_the_words_of_the_confirmation() {
    let current = json!({"spec": {"template": template("v1.1.0", json!({"metadata": {"annotations": {"x": "1"}}}))}});
    let target = template(
        "v1.0.0",
        json!({"metadata": {"labels": {"pod-template-hash": "abc"}}}),
    );
    let planned = plan_rollback(object(), &current, &target, None);
    assert!(
        planned.lines.contains(&"image v1.1.0 → v1.0.0".to_owned())
            && planned
                .lines
                .contains(&"label version v1.1.0 → v1.0.0".to_owned()),
        "{:?}",
        planned.lines
    );
    assert_eq!(
        planned.patch()["spec"]["template"]["metadata"]["annotations"],
        Value::Null
    );
    assert!(!planned.patch().to_string().contains("pod-template-hash"));
}

#[test]
fn the_body_carries_uid_and_version_as_preconditions() {
    let current = json!({"spec": {"template": template("v2", json!({}))}});
    let action = Action {
        planned: plan_rollback(object(), &current, &template("v1", json!({})), None),
        resource_version: "88".into(),
    };
    assert_eq!(
        action.body()["metadata"],
        json!({"uid": "u1", "resourceVersion": "88"})
    );
}

#[test]
fn standing_tells_untouched_done_and_diverged_apart() {
    let body = |version: &str| json!({"metadata": {"labels": {"unrelated": version}}, "spec": {"template": template(version, json!({}))}});
    let planned = plan_rollback(object(), &body("v2"), &template("v1", json!({})), None);
    assert_eq!(planned.standing(&body("v2")), Standing::Before);
    assert_eq!(planned.standing(&body("v1")), Standing::After);
    assert!(
        matches!(planned.standing(&body("v3")), Standing::Diverged(fields) if fields.iter().any(|field| field.contains("labels/version")))
    );
}

#[test]
fn an_answer_with_server_defaults_carries_the_plan_and_another_image_does_not() {
    let planned = plan_rollback(
        object(),
        &json!({"spec": {"template": template("v2", json!({}))}}),
        &template("v1", json!({})),
        None,
    );
    let mut answer = json!({"spec": {"template": template("v1", json!({}))}});
    answer["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
    assert_eq!(planned.carried_by(&answer), Ok(()));
    answer["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1".into();
    assert!(planned.carried_by(&answer).is_err());
}

#[test]
fn a_template_goes_back_by_its_revision_and_its_values_are_never_printed() {
    let secret =
        json!({"spec": {"containers": [{"name": "a", "env": [{"name": "P", "value": "hush"}]}]}});
    let planned = plan_rollback(object(), &json!({"spec": {"template": {}}}), &secret, None);
    let command = planned.inverse().command();
    assert!(command.contains("rollout undo deployment/"), "{command}");
    assert!(!command.contains("hush") && !planned.command().contains("hush"));
}

#[test]
fn annotations_go_back_as_kubectl_undo_takes_them_and_the_deployments_own_stay() {
    let notes = |all: Value| all.as_object().cloned().unwrap();
    let current = json!({"metadata": {"annotations": {
            "kubernetes.io/change-cause": "ship v2 of it", "ci/run": "77",
            "deployment.kubernetes.io/revision": "3", "kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {"template": template("v2", json!({}))}});
    let kept = notes(
        json!({"kubernetes.io/change-cause": "first release", "team": "core",
        "deployment.kubernetes.io/revision": "2", "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4", "deployment.kubernetes.io/revision-history": "1"}),
    );
    let plan = plan_rollback(object(), &current, &template("v1", json!({})), Some(&kept));
    let mut after = current.clone();
    apply_merge(&mut after, &plan.patch());
    assert_eq!(
        after["metadata"]["annotations"],
        json!({"kubernetes.io/change-cause": "first release", "team": "core",
            "deployment.kubernetes.io/revision": "3", "kubectl.kubernetes.io/last-applied-configuration": "{}"})
    );
    let cause = "workload annotation kubernetes.io/change-cause ship v2 of it → first release";
    assert!(plan.lines.contains(&cause.to_owned()), "{:?}", plan.lines);
    let back = plan.inverse();
    for line in [
        "image v1 → v2",
        "workload annotation kubernetes.io/change-cause first release → ship v2 of it",
        "workload annotation team core → (none)",
    ] {
        assert!(back.lines.contains(&line.to_owned()), "{:?}", back.lines);
    }
    apply_merge(&mut after, &back.patch());
    assert_eq!(after, current);
    let same = plan_rollback(object(), &current, &template("v2", json!({})), Some(&kept));
    assert!(same.changes.is_empty(), "the template decides: {same:?}");
}

#[test]
fn a_note_written_beside_a_change_neither_voids_it_nor_is_overwritten_by_its_undo() {
    let current = json!({"metadata": {"annotations": {"why": "bad"}}, "spec": {"template": template("v2", json!({}))}});
    let kept = json!({"why": "good"}).as_object().cloned().unwrap();
    let plan = plan_rollback(object(), &current, &template("v1", json!({})), Some(&kept));
    let mut after = current.clone();
    apply_merge(&mut after, &plan.patch());
    after["metadata"]["annotations"]["why"] = "a person's own words".into();
    assert_eq!(plan.in_force(&after), Standing::After);
    assert_eq!(plan.carried_by(&after), Ok(()));
    let back = plan.inverse().beside(&after);
    assert_eq!(back.standing(&after), Standing::Before);
    apply_merge(&mut after, &back.patch());
    assert_eq!(
        after["metadata"]["annotations"]["why"],
        "a person's own words"
    );
    assert_eq!(after["spec"], current["spec"]);
}

#[test]
fn a_command_for_a_person_survives_quotes_in_values() {
    let planned = Planned {
        kind: "k8s.patch".to_owned(),
        object: object(),
        changes: vec![FieldChange {
            path: "/metadata/annotations/a".to_owned(),
            before: None,
            after: Some("it's; rm -rf /".into()),
            from: None,
        }],
        lines: Vec::new(),
    };
    assert!(
        planned.command().contains(r"it'\''s; rm -rf /"),
        "{}",
        planned.command()
    );
}

#[test]
fn a_removal_has_landed_once_the_object_is_going_and_has_no_way_back() {
    let pod = json!({"metadata": {"uid": "u1", "ownerReferences": [{"kind": "ReplicaSet", "name": "api-1"}]}, "spec": {"terminationGracePeriodSeconds": 5}});
    let mut going = pod.clone();
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    for kind in ["k8s.delete", "k8s.evict"] {
        let planned = plan_removal(kind, object(), &pod);
        assert_eq!(planned.standing(&pod), Standing::Before);
        assert_eq!(planned.standing(&going), Standing::After);
        assert_eq!(planned.way_back(), None);
        assert!(planned.lines[0].ends_with("it; it gets 5 s to end"));
        assert!(plan_removal(kind, object(), &going).changes.is_empty());
        let action = Action {
            planned,
            resource_version: "88".into(),
        };
        assert_eq!(action.body(), json!({"preconditions": {"uid": "u1"}}));
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z~/]{0,4}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 48, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c~/]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn applying_the_patch_gives_exactly_the_chosen_template(current in json_value(), chosen in json_value()) {
        let (current, chosen) = (json!({"metadata": {}, "spec": current}), json!({"metadata": {}, "spec": chosen}));
        let body = json!({"spec": {"template": current, "replicas": 3}, "status": {}});
        let planned = plan_rollback(object(), &body, &chosen, None);
        let mut after = body.clone();
        apply_merge(&mut after, &planned.patch());
        prop_assert_eq!(&after["spec"]["template"], &restorable(&chosen));
        prop_assert_eq!(&after["spec"]["replicas"], &body["spec"]["replicas"]);
        prop_assert!(planned.carried_by(&after).is_ok());
        prop_assert!(planned.changes.is_empty() || planned.standing(&after) == Standing::After);
        let mut back = after.clone();
        apply_merge(&mut back, &planned.inverse().patch());
        prop_assert_eq!(back, body);
    }
}
