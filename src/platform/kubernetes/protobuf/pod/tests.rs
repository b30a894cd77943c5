//! Facts about the two forms of a pod: whatever it is, the row is the same.

use super::*;
use crate::domain::pod::Pod;
use crate::platform::kubernetes::kinds::Kind;
use crate::platform::kubernetes::pod::Pods;
use crate::platform::kubernetes::pool::Pool;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// A pod of JSON as the API server would pack it: what is no pointer there is always said, if only as empty.
pub(in crate::platform::kubernetes) fn packed(pod: &Value) -> Vec<u8> {
    let message = PodMessage {
        metadata: Some(pack_meta(&pod["metadata"])),
        spec: Some(pack_spec(&pod["spec"])),
        status: Some(pack_status(&pod["status"])),
    };
    message.encode_to_vec()
}

fn word(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

fn each<M>(of: &Value, pack: impl Fn(&Value) -> M) -> Vec<M> {
    of.as_array().into_iter().flatten().map(pack).collect()
}

fn pointer<M>(of: &Value, pack: impl Fn(&Value) -> M) -> Option<M> {
    (!of.is_null()).then(|| pack(of))
}

fn pack_time(of: &Value) -> Time {
    let moment = of.as_str().map(str::parse::<jiff::Timestamp>);
    let seconds = moment.map(|moment| moment.unwrap().as_second());
    Time { seconds }
}

fn pack_meta(of: &Value) -> MetaMessage {
    let labels = of["labels"].as_object().into_iter().flatten();
    MetaMessage {
        name: word(&of["name"]),
        namespace: word(&of["namespace"]),
        uid: word(&of["uid"]),
        resource_version: word(&of["resourceVersion"]),
        generation: of["generation"].as_i64().unwrap_or_default(),
        creation_timestamp: Some(pack_time(&of["creationTimestamp"])),
        deletion_timestamp: pointer(&of["deletionTimestamp"], pack_time),
        deletion_grace_period_seconds: of["deletionGracePeriodSeconds"].as_i64(),
        labels: labels
            .map(|(key, value)| Label {
                key: key.clone(),
                value: word(value),
            })
            .collect(),
        owner_references: each(&of["ownerReferences"], |owner| OwnerMessage {
            kind: word(&owner["kind"]),
            name: word(&owner["name"]),
            uid: word(&owner["uid"]),
            controller: owner["controller"].as_bool(),
        }),
    }
}

fn pack_spec(of: &Value) -> SpecMessage {
    let container = |of: &Value| ContainerMessage {
        name: word(&of["name"]),
        image: word(&of["image"]),
        restart_policy: pointer(&of["restartPolicy"], word),
    };
    SpecMessage {
        containers: each(&of["containers"], container),
        node_name: word(&of["nodeName"]),
        init_containers: each(&of["initContainers"], container),
        readiness_gates: each(&of["readinessGates"], |gate| GateMessage {
            condition_type: word(&gate["conditionType"]),
        }),
    }
}

fn pack_status(of: &Value) -> StatusMessage {
    StatusMessage {
        phase: word(&of["phase"]),
        conditions: each(&of["conditions"], |condition| ConditionMessage {
            kind: word(&condition["type"]),
            status: word(&condition["status"]),
            last_transition_time: Some(pack_time(&condition["lastTransitionTime"])),
            reason: word(&condition["reason"]),
            message: word(&condition["message"]),
        }),
        message: word(&of["message"]),
        reason: word(&of["reason"]),
        container_statuses: each(&of["containerStatuses"], pack_container_status),
        init_container_statuses: each(&of["initContainerStatuses"], pack_container_status),
    }
}

fn pack_container_status(of: &Value) -> ContainerStatusMessage {
    ContainerStatusMessage {
        name: word(&of["name"]),
        state: Some(pack_state(&of["state"])),
        last_state: Some(pack_state(&of["lastState"])),
        ready: of["ready"].as_bool().unwrap_or_default(),
        restart_count: of["restartCount"].as_i64().unwrap_or_default() as i32,
        image: word(&of["image"]),
        started: of["started"].as_bool(),
    }
}

fn pack_state(of: &Value) -> StateMessage {
    let number = |of: &Value| of.as_i64().unwrap_or_default() as i32;
    StateMessage {
        waiting: pointer(&of["waiting"], |of| WaitingMessage {
            reason: word(&of["reason"]),
            message: word(&of["message"]),
        }),
        running: pointer(&of["running"], |of| RunningMessage {
            started_at: Some(pack_time(&of["startedAt"])),
        }),
        terminated: pointer(&of["terminated"], |of| TerminatedMessage {
            exit_code: number(&of["exitCode"]),
            signal: number(&of["signal"]),
            reason: word(&of["reason"]),
            finished_at: Some(pack_time(&of["finishedAt"])),
        }),
    }
}

/// The row by way of protobuf.
pub(in crate::platform::kubernetes) fn unpacked(pod: &Value) -> Option<Pod> {
    Pods::unpacked(&packed(pod), &mut Pool::default()).unwrap()
}

/// The row by way of JSON.
fn spelled(pod: &Value) -> Option<Pod> {
    let text = pod.to_string();
    Pods::row(serde_json::from_str(&text).unwrap(), &mut Pool::default())
}

/// An object of which each field may be missing.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|(name, value)| (name, proptest::option::weighted(0.8, value)))
        .unzip();
    values
        .prop_map(move |values| {
            let said = names.iter().zip(values);
            let fields = said.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(fields.collect::<Map<_, _>>())
        })
        .boxed()
}

fn one_of(words: &[&'static str]) -> BoxedStrategy<Value> {
    select(words.to_vec()).prop_map(Value::from).boxed()
}

fn some(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let many = proptest::collection::vec(of, 0..3);
    many.prop_map(Value::from).boxed()
}

fn free() -> BoxedStrategy<Value> {
    ".{0,12}".prop_map(Value::from).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn number(of: std::ops::Range<i64>) -> BoxedStrategy<Value> {
    of.prop_map(Value::from).boxed()
}

fn time() -> BoxedStrategy<Value> {
    let moments = [
        json!(null),
        json!("1970-01-01T00:00:00Z"),
        json!("2026-11-21T09:59:50Z"),
        json!("2026-11-21T10:00:00Z"),
        json!("2026-11-21T10:30:00Z"),
    ];
    select(moments.to_vec()).boxed()
}

fn container() -> BoxedStrategy<Value> {
    object(vec![
        ("name", one_of(&["a", "b", "s"])),
        ("image", one_of(&["r/x:v1", "r/y:v2", ""])),
        ("restartPolicy", one_of(&["Always", "OnFailure", ""])),
    ])
}

fn state() -> BoxedStrategy<Value> {
    let reasons = [
        "",
        "ContainerCreating",
        "PodInitializing",
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "CreateContainerConfigError",
    ];
    let waiting = object(vec![("reason", one_of(&reasons)), ("message", free())]);
    let terminated = object(vec![
        ("exitCode", number(-1..3)),
        ("signal", number(0..2)),
        ("reason", one_of(&["", "Completed", "Error", "OOMKilled"])),
        ("finishedAt", time()),
    ]);
    let running = object(vec![("startedAt", time())]);
    prop_oneof![
        Just(json!({})),
        Just(json!(null)),
        waiting.prop_map(|of| json!({ "waiting": of })),
        running.prop_map(|of| json!({ "running": of })),
        terminated.prop_map(|of| json!({ "terminated": of })),
    ]
    .boxed()
}

fn container_status() -> BoxedStrategy<Value> {
    object(vec![
        ("name", one_of(&["a", "b", "s"])),
        ("image", one_of(&["sha256:9", ""])),
        ("ready", flag()),
        ("started", flag()),
        ("restartCount", number(0..4)),
        ("state", state()),
        ("lastState", state()),
    ])
}

fn condition() -> BoxedStrategy<Value> {
    let kinds = ["Ready", "PodScheduled", "Initialized", "lb"];
    let reasons = ["", "SchedulingGated", "Unschedulable", "ContainersNotReady"];
    object(vec![
        ("type", one_of(&kinds)),
        ("status", one_of(&["True", "False", "Unknown", ""])),
        ("reason", one_of(&reasons)),
        ("message", free()),
        ("lastTransitionTime", time()),
    ])
}

fn any_pod() -> BoxedStrategy<Value> {
    let owner = object(vec![
        ("kind", one_of(&["ReplicaSet", "Node"])),
        ("name", free()),
        ("uid", one_of(&["o-1", "o-2"])),
        ("controller", flag()),
    ]);
    let labels = proptest::collection::btree_map("[a-c]", ".{0,3}", 0..3);
    let metadata = object(vec![
        ("name", free()),
        ("namespace", free()),
        ("uid", one_of(&["u-1", ""])),
        ("resourceVersion", one_of(&["7"])),
        ("creationTimestamp", time()),
        ("deletionTimestamp", time()),
        ("deletionGracePeriodSeconds", number(-1..40)),
        ("labels", labels.prop_map(|of| json!(of)).boxed()),
        ("ownerReferences", some(owner)),
    ]);
    let gate = object(vec![("conditionType", one_of(&["lb", "Ready"]))]);
    let spec = object(vec![
        ("nodeName", one_of(&["", "node-1"])),
        ("containers", some(container())),
        ("initContainers", some(container())),
        ("readinessGates", some(gate)),
    ]);
    let phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown", ""];
    let status = object(vec![
        ("phase", one_of(&phases)),
        ("reason", one_of(&["", "", "Evicted", "NodeLost"])),
        ("message", free()),
        ("conditions", some(condition())),
        ("initContainerStatuses", some(container_status())),
        ("containerStatuses", some(container_status())),
    ]);
    object(vec![
        ("metadata", metadata),
        ("spec", spec),
        ("status", status),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_pod_is_the_same_row_in_either_form(pod in any_pod()) {
        prop_assert_eq!(unpacked(&pod), spelled(&pod));
    }

    #[test]
    fn any_bytes_are_a_pod_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let _ = Pods::unpacked(&bytes, &mut Pool::default());
    }
}

#[test]
fn what_is_not_named_is_passed_over() {
    let pod = json!({ "metadata": { "uid": "u", "name": "p" }, "status": { "phase": "Running" } });
    let mut bytes = packed(&pod);
    // A field of a later version, in every kind there is.
    bytes.extend([0x20, 1, 0x29, 1, 2, 3, 4, 5, 6, 7, 8, 0x32, 1, b'x']);
    bytes.extend([0x3d, 1, 2, 3, 4]);
    let row = Pods::unpacked(&bytes, &mut Pool::default()).unwrap();
    assert_eq!(row, spelled(&pod));
    assert!(row.is_some());
}

#[test]
fn a_pod_that_is_cut_or_no_text_is_refused() {
    let pod = json!({ "metadata": { "uid": "u-1", "name": "pod" } });
    let bytes = packed(&pod);
    let refused = |bytes: &[u8]| Pods::unpacked(bytes, &mut Pool::default()).is_err();
    assert!(refused(&bytes[..5]) && !refused(&bytes));
    let at = bytes.windows(3).position(|three| three == b"pod").unwrap();
    let mut wrong = bytes;
    wrong[at] = 0xff;
    assert!(refused(&wrong));
}

#[test]
fn a_pod_without_uid_or_name_is_no_row_in_either_form() {
    for pod in [json!({}), json!({ "metadata": { "uid": "u" } })] {
        assert_eq!((unpacked(&pod), spelled(&pod)), (None, None));
    }
}
