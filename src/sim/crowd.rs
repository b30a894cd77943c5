//! The crowd of the scenario `large`: pods of realistic size, kept as text made from one template, so that thousands of them and their changes cost little. No controller looks at them.

use serde_json::{Value, json};

use super::kind::Kind;
use super::state::{State, Task};
use super::{time, tree};

/// How often the crowd changes, in milliseconds.
const BEAT: i64 = 10;
const IMAGE: &str = "registry.example.com/teams/service:2026.11.3-b81d2f4";

/// The crowd's pods and how fast they change.
#[derive(Debug)]
pub struct Crowd {
    template: Vec<Piece>,
    pods: Vec<Member>,
    churn: usize,
    owed: f64,
    next: usize,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Hole(Hole),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Namespace,
    Name,
    App,
    Set,
    Uid,
    Owner,
    Node,
    Version,
    Ready,
    Truth,
    Restarts,
    Since,
}

const HOLES: [(&str, Hole); 12] = [
    ("@NAMESPACE@", Hole::Namespace),
    ("@NAME@", Hole::Name),
    ("@APP@", Hole::App),
    ("@SET@", Hole::Set),
    ("@UID@", Hole::Uid),
    ("@OWNER@", Hole::Owner),
    ("@NODE@", Hole::Node),
    ("@VERSION@", Hole::Version),
    ("\"@READY@\"", Hole::Ready),
    ("@TRUTH@", Hole::Truth),
    ("\"@RESTARTS@\"", Hole::Restarts),
    ("@SINCE@", Hole::Since),
];

#[derive(Debug)]
struct Member {
    namespace: String,
    app: String,
    set: String,
    owner: String,
    name: String,
    uid: String,
    node: String,
    ready: bool,
    restarts: u32,
    since_ms: i64,
}

impl Crowd {
    /// So many pods in namespaces of five hundred, ten to a workload, of which so many change every second.
    pub fn gather(state: &mut State, pods: usize, churn: usize) -> Self {
        let mut crowd = Self {
            template: pieces(&template(state)),
            pods: Vec::with_capacity(pods),
            churn,
            owed: 0.0,
            next: 0,
        };
        for index in 0..pods {
            let namespace = format!("team-{:02}", index / 500);
            if index % 500 == 0 {
                let labels = json!({"kubernetes.io/metadata.name": namespace});
                let object = json!({"metadata": {"name": namespace, "labels": labels}, "status": {"phase": "Active"}});
                state.create(Kind::Namespace, object, "kubectl");
            }
            let app = format!("service-{:04}", index / 10);
            let (set, owner) = match crowd.pods.last() {
                Some(last) if last.app == app => (last.set.clone(), last.owner.clone()),
                _ => employ(state, &namespace, &app, (pods - index).min(10)),
            };
            crowd.pods.push(Member {
                name: format!("{set}-{}", state.rng.suffix(5)),
                uid: state.uid(),
                node: format!("node-{}", index % 4 + 1),
                ready: true,
                restarts: 0,
                since_ms: state.now_ms - state.rng.between(3_600_000, 30 * 86_400_000),
                namespace,
                app,
                set,
                owner,
            });
            crowd.write(state, index);
        }
        if churn > 0 && pods > 0 {
            state.after(BEAT, Task::Churn);
        }
        crowd
    }

    /// Some pods change: readiness goes and comes, restarts are counted.
    pub fn change(&mut self, state: &mut State) {
        self.owed += self.churn as f64 * BEAT as f64 / 1000.0;
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            self.next = (self.next + 7919) % self.pods.len();
            let pod = &mut self.pods[self.next];
            pod.restarts += u32::from(pod.ready);
            pod.ready = !pod.ready;
            pod.since_ms = state.now_ms;
            self.write(state, self.next);
        }
        state.after(BEAT, Task::Churn);
    }

    fn write(&self, state: &mut State, index: usize) {
        let pod = &self.pods[index];
        let since = time::stamp(pod.since_ms);
        let id = (pod.namespace.clone(), pod.name.clone());
        state.store.put_text(Kind::Pod, id, |version| {
            let (version, restarts) = (version.to_string(), pod.restarts.to_string());
            let mut text = String::with_capacity(9_000);
            for piece in &self.template {
                text.push_str(match piece {
                    Piece::Text(part) => part,
                    Piece::Hole(Hole::Namespace) => &pod.namespace,
                    Piece::Hole(Hole::Name) => &pod.name,
                    Piece::Hole(Hole::App) => &pod.app,
                    Piece::Hole(Hole::Set) => &pod.set,
                    Piece::Hole(Hole::Uid) => &pod.uid,
                    Piece::Hole(Hole::Owner) => &pod.owner,
                    Piece::Hole(Hole::Node) => &pod.node,
                    Piece::Hole(Hole::Version) => &version,
                    Piece::Hole(Hole::Ready) if pod.ready => "true",
                    Piece::Hole(Hole::Ready) => "false",
                    Piece::Hole(Hole::Truth) if pod.ready => "True",
                    Piece::Hole(Hole::Truth) => "False",
                    Piece::Hole(Hole::Restarts) => &restarts,
                    Piece::Hole(Hole::Since) => &since,
                });
            }
            text
        });
    }
}

/// The Deployment and the ReplicaSet of ten pods, as text that no controller looks at; gives the set's name and uid.
fn employ(state: &mut State, namespace: &str, app: &str, size: usize) -> (String, String) {
    let hash = state.rng.suffix(9);
    let set = format!("{app}-{hash}");
    let (boss, owner) = (state.uid(), state.uid());
    let born = time::stamp(state.now_ms - 30 * 86_400_000);
    let counts = json!({
        "replicas": size, "readyReplicas": size, "availableReplicas": size, "observedGeneration": 1,
    });
    let template = json!({
        "metadata": {"labels": {"app": app, "version": "2026.11.3"}},
        "spec": {"containers": [{"name": "service", "image": IMAGE, "resources": {}}], "restartPolicy": "Always"},
    });
    let object = |kind: Kind, name: &str, uid: &str, version: u64| {
        json!({
            "apiVersion": "apps/v1", "kind": kind.resource().name,
            "metadata": {
                "namespace": namespace, "name": name, "uid": uid, "resourceVersion": version.to_string(),
                "generation": 1, "creationTimestamp": born, "labels": {"app": app},
                "annotations": {"deployment.kubernetes.io/revision": "1"},
            },
            "spec": {"replicas": size, "selector": {"matchLabels": {"app": app}}, "template": template},
            "status": counts,
        })
    };
    let id = |name: &str| (namespace.to_owned(), name.to_owned());
    state.store.put_text(Kind::Deployment, id(app), |version| {
        let mut deployment = object(Kind::Deployment, app, &boss, version);
        tree::put(&mut deployment, &["status", "updatedReplicas"], size);
        let conditions = json!([
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "lastUpdateTime": born, "lastTransitionTime": born},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": born, "lastTransitionTime": born},
        ]);
        tree::put(&mut deployment, &["status", "conditions"], conditions);
        deployment.to_string()
    });
    state.store.put_text(Kind::ReplicaSet, id(&set), |version| {
        let mut replicas = object(Kind::ReplicaSet, &set, &owner, version);
        let boss = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": app, "uid": boss, "controller": true, "blockOwnerDeletion": true}]);
        tree::put(&mut replicas, &["metadata", "ownerReferences"], boss);
        tree::put(&mut replicas, &["metadata", "labels", "pod-template-hash"], hash.as_str());
        replicas.to_string()
    });
    (set, owner)
}

/// Cuts a text at its holes.
fn pieces(text: &str) -> Vec<Piece> {
    let mut rest = text;
    let mut pieces = Vec::new();
    loop {
        let first = HOLES
            .iter()
            .filter_map(|(mark, hole)| rest.find(mark).map(|at| (at, *mark, *hole)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, mark, hole)) = first else {
            pieces.push(Piece::Text(rest.to_owned()));
            return pieces;
        };
        pieces.push(Piece::Text(rest[..at].to_owned()));
        pieces.push(Piece::Hole(hole));
        rest = &rest[at + mark.len()..];
    }
}

/// A pod as a busy cluster has them: probes, environment, volumes, tolerations, managed fields.
fn template(state: &State) -> String {
    let born = time::stamp(state.now_ms - 30 * 86_400_000);
    let env: Vec<Value> = (0..14)
        .map(|n| json!({"name": format!("SETTING_{n:02}"), "valueFrom": {"configMapKeyRef": {"name": "@APP@-config", "key": format!("setting-{n:02}"), "optional": true}}}))
        .collect();
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}, "initialDelaySeconds": 5, "timeoutSeconds": 2, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    let condition = |kind: &str, status: &str, since: &str| json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "@NAME@", "generateName": "@SET@-", "namespace": "@NAMESPACE@", "uid": "@UID@", "resourceVersion": "@VERSION@", "generation": 1, "creationTimestamp": born,
            "labels": {"app": "@APP@", "app.kubernetes.io/name": "@APP@", "app.kubernetes.io/part-of": "teams", "app.kubernetes.io/version": "2026.11.3", "version": "2026.11.3", "pod-template-hash": "7c9d8f6b5"},
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "checksum/config": "4f0c9f7a1d5e4b1f9d3c7c6a2b8e0f5d6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3", "cni.projectcalico.org/podIP": "10.244.7.31/32"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "@SET@", "uid": "@OWNER@", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": managed(&born),
        },
        "spec": {
            "volumes": [
                {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}, {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}, {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}},
                {"name": "config", "configMap": {"name": "@APP@-config", "defaultMode": 420}}, {"name": "tmp", "emptyDir": {}},
            ],
            "containers": [{
                "name": "service", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "env": env,
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "metrics", "containerPort": 9102, "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
                "volumeMounts": [{"name": "config", "readOnly": true, "mountPath": "/etc/service"}, {"name": "tmp", "mountPath": "/tmp"}, {"name": "kube-api-access", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
                "livenessProbe": probe("/healthz"), "readinessProbe": probe("/readyz"), "startupProbe": probe("/startupz"),
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false},
            }],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "serviceAccountName": "@APP@", "serviceAccount": "@APP@",
            "nodeName": "@NODE@", "securityContext": {"runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}, "schedulerName": "default-scheduler",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}, {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {
            "phase": "Running", "qosClass": "Burstable", "startTime": born, "hostIP": "10.2.0.11", "hostIPs": [{"ip": "10.2.0.11"}], "podIP": "10.244.7.31", "podIPs": [{"ip": "10.244.7.31"}],
            "conditions": [condition("PodReadyToStartContainers", "True", &born), condition("Initialized", "True", &born), condition("Ready", "@TRUTH@", "@SINCE@"), condition("ContainersReady", "@TRUTH@", "@SINCE@"), condition("PodScheduled", "True", &born)],
            "containerStatuses": [{
                "name": "service", "image": IMAGE, "imageID": "registry.example.com/teams/service@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "containerID": "containerd://@UID@",
                "ready": "@READY@", "started": true, "restartCount": "@RESTARTS@", "state": {"running": {"startedAt": "@SINCE@"}}, "lastState": {},
            }],
        },
    });
    pod.to_string()
}

/// Managed fields as the control plane and a kubelet leave them.
fn managed(born: &str) -> Value {
    let env: serde_json::Map<String, Value> = (0..14)
        .map(|n| {
            (
                format!("k:{{\"name\":\"SETTING_{n:02}\"}}"),
                json!({".": {}, "f:name": {}, "f:valueFrom": {".": {}, "f:configMapKeyRef": {}}}),
            )
        })
        .collect();
    let probe = json!({".": {}, "f:failureThreshold": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}}, "f:periodSeconds": {}, "f:successThreshold": {}, "f:timeoutSeconds": {}});
    json!([
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": born, "fieldsType": "FieldsV1", "fieldsV1": {
            "f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app": {}, "f:version": {}, "f:pod-template-hash": {}}, "f:ownerReferences": {".": {}, "k:{\"uid\":\"@OWNER@\"}": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"service\"}": {".": {}, "f:env": env, "f:image": {}, "f:imagePullPolicy": {}, "f:livenessProbe": probe, "f:readinessProbe": probe, "f:startupProbe": probe, "f:name": {}, "f:resources": {".": {}, "f:limits": {".": {}, "f:memory": {}}, "f:requests": {".": {}, "f:cpu": {}, "f:memory": {}}}}}, "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}},
        }},
        {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": born, "subresource": "status", "fieldsType": "FieldsV1", "fieldsV1": {
            "f:status": {"f:conditions": {"k:{\"type\":\"ContainersReady\"}": {".": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}, "k:{\"type\":\"Ready\"}": {".": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}}, "f:containerStatuses": {}, "f:hostIP": {}, "f:phase": {}, "f:podIP": {}, "f:startTime": {}},
        }},
    ])
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::*;

    #[test]
    fn the_crowd_is_of_realistic_size_and_changes_as_often_as_asked() {
        let mut state = State::new(Scenario::Large, 1, 1_795_316_412_000);
        let mut crowd = Crowd::gather(&mut state, 40, 1000);
        for object in state.store.list(Kind::Pod, "") {
            let text = object.text();
            assert!((6_500..10_500).contains(&text.len()), "{}", text.len());
            let pod: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(
                pod["metadata"]["resourceVersion"],
                object.version.to_string()
            );
            assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
            assert!(
                !text.windows(1).any(|c| c == b"@") || text.windows(8).any(|w| w == b"@sha256:")
            );
        }
        let before = state.store.version();
        crowd.change(&mut state);
        assert_eq!(state.store.version() - before, 10);
    }
}
