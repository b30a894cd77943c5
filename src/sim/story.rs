//! The platform as it stands when a scenario begins, and what the scenario does to it: the customer's services with the history of their releases.

use serde_json::{Value, json};

use super::kind::Kind;
use super::rollout::{self, REVISION};
use super::scenario::{Keeper, Scenario};
use super::state::{State, Task};
use super::{defaults, external, revisions, secrets, time, tree};

/// The namespace of the customer's services.
pub const NAMESPACE: &str = "veza-production";
const DAY: i64 = 86_400_000;

/// One past release of a service.
struct Release {
    revision: i64,
    days: f64,
    tag: &'static str,
    commit: &'static str,
}

/// One service of the customer.
struct Service {
    name: &'static str,
    container: &'static str,
    repository: &'static str,
    port: i64,
    replicas: i64,
    releases: &'static [Release],
}

const fn release(revision: i64, days: f64, tag: &'static str, commit: &'static str) -> Release {
    Release {
        revision,
        days,
        tag,
        commit,
    }
}

const SERVICES: [Service; 4] = [
    Service {
        name: "veza-backend",
        container: "backend",
        repository: "registry.veza.app/veza-backend-api",
        port: 8080,
        replicas: 3,
        releases: &[
            release(38, 41.2, "v0.9.6", "a81d0e2"),
            release(39, 33.9, "v0.9.7", "0c94be1"),
            release(40, 20.3, "v0.9.8", "b7720fd"),
            release(41, 13.1, "v0.9.9", "5e2a90c"),
            release(42, 6.2, "v1.0.0", "9d03f7e"),
        ],
    },
    Service {
        name: "veza-frontend",
        container: "frontend",
        repository: "registry.veza.app/veza-frontend",
        port: 3000,
        replicas: 2,
        releases: &[
            release(10, 27.4, "v0.9.8", "1f6ab55"),
            release(11, 13.0, "v0.9.9", "77c1d3a"),
            release(12, 6.1, "v1.0.0", "e40b6c8"),
        ],
    },
    Service {
        name: "chat-server",
        container: "chat-server",
        repository: "registry.veza.app/veza-chat-server",
        port: 8081,
        replicas: 2,
        releases: &[
            release(5, 48.7, "v1.4.0", "c2be771"),
            release(6, 30.2, "v1.4.1", "6612fa0"),
            release(7, 9.4, "v1.4.2", "d95c04b"),
        ],
    },
    Service {
        name: "stream-server",
        container: "stream-server",
        repository: "registry.veza.app/veza-stream-server",
        port: 8082,
        replicas: 2,
        releases: &[
            release(3, 34.5, "v0.9.4", "42aa8f9"),
            release(4, 6.3, "v1.0.0", "b01e55d"),
        ],
    },
];

/// Builds the platform as it stands at the present moment, its history included.
pub fn populate(state: &mut State) {
    let now = state.now_ms;
    state.now_ms = now - 63 * DAY;
    namespaces(state);
    nodes(state);
    configuration(state);
    for service in &SERVICES {
        install(state, service, now);
    }
    state.now_ms = now - 63 * DAY;
    system(state);
    state.now_ms = now;
}

/// What the scenario does, and when after its start: the tasks of the story.
pub fn schedule(state: &mut State) {
    if state.scenario.has_story() {
        state.after(20_000, Task::Story(0));
    }
}

/// One step of the story.
pub fn step(state: &mut State, _number: usize) {
    match state.scenario {
        Scenario::BadRelease | Scenario::CrashLoop => {
            deploy(state, "veza-backend", "v1.1.0", "4f1c2ab");
        }
        Scenario::ImageMissing => deploy(state, "chat-server", "v2.0.0", "8ad91c3"),
        Scenario::SlowDependency | Scenario::Rush => state.trouble_ms = Some(state.now_ms),
        Scenario::StuckPool | Scenario::StuckPod => {
            state.trouble_ms = Some(state.now_ms);
            stick(state);
        }
        _ => {}
    }
}

/// The trouble gets stuck in pods that are there; those that come after them are free of it.
fn stick(state: &mut State) {
    let Some((service, all)) = state.scenario.sticks_to() else {
        return;
    };
    let here = state.ledger.pods.iter();
    let here = here.filter(|(_, track)| track.ended_ms.is_none() && track.service == service);
    let most = if all { usize::MAX } else { 1 };
    state.stuck = here.map(|(key, _)| key.clone()).take(most).collect();
}

/// The trouble that has no release is over: somebody else has mended it.
pub fn relieve(state: &mut State) {
    state.trouble_ms = None;
    state.stuck.clear();
}

/// Releases a version of a service, as the pipeline does.
pub fn deploy(state: &mut State, name: &str, version: &str, commit: &str) {
    let Some(service) = SERVICES.iter().find(|s| s.name == name) else {
        return;
    };
    let Some(mut deployment) = state.store.tree(Kind::Deployment, NAMESPACE, name).cloned() else {
        return;
    };
    set_release(&mut deployment, service, version, commit);
    let generation = tree::int(&deployment, &["metadata", "generation"]) + 1;
    tree::put(&mut deployment, &["metadata", "generation"], generation);
    state.signed(&mut deployment, "ci-deployer", "f:spec");
    state.update(Kind::Deployment, deployment);
}

fn set_release(deployment: &mut Value, service: &Service, version: &str, commit: &str) {
    let image = format!("{}:{version}", service.repository);
    if let Some(container) = deployment["spec"]["template"]["spec"]["containers"].get_mut(0) {
        tree::put(container, &["image"], image.as_str());
    }
    tree::put(
        deployment,
        &["spec", "template", "metadata", "labels", "version"],
        version,
    );
    let note = |deployment: &mut Value, key: &str, value: String| {
        tree::put(deployment, &["metadata", "annotations", key], value);
    };
    note(
        deployment,
        "kubernetes.io/change-cause",
        format!("ci-deployer: {} {version} (commit {commit})", service.name),
    );
    note(
        deployment,
        "app.kubernetes.io/deployed-by",
        "ci-deployer".into(),
    );
    note(
        deployment,
        "org.opencontainers.image.revision",
        commit.into(),
    );
}

fn namespaces(state: &mut State) {
    for (name, environment) in [
        (NAMESPACE, "production"),
        ("veza-staging", "staging"),
        ("monitoring", ""),
        ("kube-system", ""),
        ("default", ""),
    ] {
        let mut labels = json!({"kubernetes.io/metadata.name": name});
        if !environment.is_empty() {
            tree::put(&mut labels, &["environment"], environment);
        }
        let mut namespace = json!({"metadata": {"name": name, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        if name == "kube-system" {
            // Its uid names the cluster.
            tree::put(&mut namespace, &["metadata", "uid"], state.cluster_uid());
        }
        state.create(Kind::Namespace, namespace, "kubectl");
        let account = json!({"metadata": {"namespace": name, "name": "default"}});
        state.create(Kind::ServiceAccount, account, "kube-controller-manager");
    }
}

fn nodes(state: &mut State) {
    let now = state.stamp();
    for n in 1..=4 {
        let name = format!("node-{n}");
        let size = json!({"cpu": "16", "memory": "65536Mi", "pods": "110", "ephemeral-storage": "203056560Ki"});
        let calm = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "False", "reason": reason, "message": message, "lastHeartbeatTime": now, "lastTransitionTime": now});
        let conditions = json!([
            calm("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            calm("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            calm("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status", "lastHeartbeatTime": now, "lastTransitionTime": now},
        ]);
        let info = json!({
            "architecture": "amd64", "bootID": state.rng.uuid(), "containerRuntimeVersion": "containerd://2.1.4", "kernelVersion": "6.12.48+deb13-amd64",
            "kubeProxyVersion": "v1.33.5", "kubeletVersion": "v1.33.5", "machineID": state.rng.hex(32), "operatingSystem": "linux",
            "osImage": "Debian GNU/Linux 13 (trixie)", "systemUUID": state.rng.uuid(),
        });
        let node = json!({
            "metadata": {"name": name, "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": format!("eu-west-1{}", ["a", "b", "c"][n % 3]),
            }},
            "spec": {"podCIDR": format!("10.244.{n}.0/24")},
            "status": {
                "addresses": [{"type": "InternalIP", "address": format!("10.2.0.{}", 10 + n)}, {"type": "Hostname", "address": name}],
                "capacity": size, "allocatable": size, "conditions": conditions, "nodeInfo": info,
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            },
        });
        state.create(Kind::Node, node, "kubelet");
    }
}

fn configuration(state: &mut State) {
    match state.scenario.keeper() {
        Keeper::External { once } => external::install(state, NAMESPACE, once),
        _ => secrets::install(state, NAMESPACE),
    }
    let config = json!({
        "metadata": {"namespace": NAMESPACE, "name": "veza-backend-config"},
        "data": {"APP_ENV": "production", "LOG_LEVEL": "info", "API_RATE_LIMIT": "300", "MAX_UPLOAD_SIZE": "500MB", "CORS_ORIGINS": "https://veza.app,https://www.veza.app"},
    });
    state.create(Kind::ConfigMap, config, "kubectl");
    let hpa = json!({
        "metadata": {"namespace": NAMESPACE, "name": "veza-backend-hpa"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "veza-backend"}, "minReplicas": 3, "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}],
        },
        "status": {"currentReplicas": 0, "desiredReplicas": 0},
    });
    state.create(Kind::HorizontalPodAutoscaler, hpa, "kubectl");
    let ingress = json!({
        "metadata": {"namespace": NAMESPACE, "name": "veza"},
        "spec": {"ingressClassName": "nginx", "rules": [
            {"host": "veza.app", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "veza-frontend", "port": {"number": 80}}}}]}},
            {"host": "api.veza.app", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "veza-backend", "port": {"number": 80}}}}]}},
        ]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.20"}]}},
    });
    state.create(Kind::Ingress, ingress, "kubectl");
}

fn container(service: &Service, tag: &str, two_keys: bool) -> Value {
    let probe = |path: &str, period: i64| json!({"httpGet": {"path": path, "port": service.port, "scheme": "HTTP"}, "periodSeconds": period, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3});
    json!({
        "name": service.container, "image": format!("{}:{tag}", service.repository), "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": service.port, "name": "http", "protocol": "TCP"}],
        "env": secrets::variables(two_keys),
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "readinessProbe": probe("/ready", 5), "livenessProbe": probe("/health", 10),
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    })
}

fn deployment(service: &Service, first: &Release, two_keys: bool) -> Value {
    json!({
        "metadata": {"namespace": NAMESPACE, "name": service.name, "labels": {"app": service.name}},
        "spec": {
            "replicas": service.replicas, "progressDeadlineSeconds": 60, "revisionHistoryLimit": 10,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": {"app": service.name}},
            "template": {
                "metadata": {"labels": {"app": service.name, "version": first.tag}},
                "spec": {
                    "containers": [container(service, first.tag, two_keys)], "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
                    "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "securityContext": {},
                },
            },
        },
    })
}

/// Installs a service with the ReplicaSets of its past releases; the last one serves since it was released.
fn install(state: &mut State, service: &Service, now: i64) {
    let Some(first) = service.releases.first() else {
        return;
    };
    state.now_ms = now - 60 * DAY;
    let port = json!([{"name": "http", "port": 80, "targetPort": service.port, "protocol": "TCP"}]);
    cluster_service(
        state,
        (NAMESPACE, service.name),
        &json!({"app": service.name}),
        &port,
    );
    let made = deployment(service, first, state.scenario.two_keys());
    let mut known = state.create(Kind::Deployment, made, "ci-deployer");
    for (index, past) in service.releases.iter().enumerate() {
        state.now_ms = now - (past.days * DAY as f64) as i64;
        set_release(&mut known, service, past.tag, past.commit);
        tree::put(&mut known, &["metadata", "generation"], past.revision);
        tree::put(
            &mut known,
            &["metadata", "annotations", REVISION],
            past.revision.to_string(),
        );
        state.signed(&mut known, "ci-deployer", "f:spec");
        state.update(Kind::Deployment, known.clone());
        let last = index + 1 == service.releases.len();
        let size = if last { service.replicas } else { 0 };
        let set = rollout::set_for(&known, size, past.revision);
        state.create(Kind::ReplicaSet, set, "kube-controller-manager");
    }
}

/// A Service inside the cluster.
fn cluster_service(
    state: &mut State,
    (namespace, name): (&str, &str),
    selector: &Value,
    ports: &Value,
) {
    let ip = format!(
        "10.96.{}.{}",
        state.rng.between(1, 250),
        state.rng.between(2, 250)
    );
    let service = json!({
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "selector": selector, "ports": ports, "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster"},
        "status": {"loadBalancer": {}},
    });
    state.create(Kind::Service, service, "kubectl");
}

/// Where the nodes' agent comes from.
const EXPORTER: &str = "quay.io/prometheus/node-exporter";

/// Installs a StatefulSet or DaemonSet that has been upgraded once: its history has something to go back to.
fn upgraded(state: &mut State, kind: Kind, mut set: Value, (repository, tags): (&str, [&str; 2])) {
    let release = |set: &mut Value, tag: &str| {
        let cause = format!("helm: {} {tag}", tree::id(set).1);
        tree::put(
            set,
            &["metadata", "annotations", "kubernetes.io/change-cause"],
            cause,
        );
        if let Some(container) = set["spec"]["template"]["spec"]["containers"].get_mut(0) {
            tree::put(container, &["image"], format!("{repository}:{tag}"));
        }
    };
    release(&mut set, tags[0]);
    let mut set = state.create(kind, set, "helm");
    revisions::keep(state, &set);
    state.now_ms += 40 * DAY;
    release(&mut set, tags[1]);
    tree::put(&mut set, &["metadata", "generation"], 2);
    state.update(kind, set);
    state.now_ms -= 40 * DAY;
}

/// The parts of the platform that are not the customer's: monitoring and the cluster's own.
fn system(state: &mut State) {
    monitoring(state);
    cluster_dns(state);
    let lease = json!({
        "metadata": {"namespace": "kube-system", "name": "kube-scheduler"},
        "spec": {"holderIdentity": "control-plane-1", "leaseDurationSeconds": 15, "leaseTransitions": 2, "acquireTime": time::micro(state.now_ms), "renewTime": time::micro(state.now_ms)},
    });
    state.create(Kind::Lease, lease, "kube-scheduler");
}

/// A workload of the platform itself, with one container.
fn platform_workload(namespace: &str, name: &str, image: &str, port: i64) -> Value {
    json!({
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": {
            "replicas": 1, "revisionHistoryLimit": 10, "selector": {"matchLabels": {"app": name}}, "serviceName": name,
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                "containers": [{"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": port, "name": "web", "protocol": "TCP"}], "resources": {}}],
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            }},
        },
    })
}

fn monitoring(state: &mut State) {
    for (name, repository, tags, port) in [
        (
            "prometheus",
            "quay.io/prometheus/prometheus",
            ["v3.4.2", "v3.5.0"],
            9090,
        ),
        (
            "alertmanager",
            "quay.io/prometheus/alertmanager",
            ["v0.28.0", "v0.28.1"],
            9093,
        ),
    ] {
        let mut set = platform_workload("monitoring", name, repository, port);
        defaults::fill(Kind::StatefulSet, &mut set);
        upgraded(state, Kind::StatefulSet, set, (repository, tags));
        let ports = json!([{"name": "web", "port": port, "targetPort": port, "protocol": "TCP"}]);
        cluster_service(state, ("monitoring", name), &json!({"app": name}), &ports);
    }
    let mut agent = platform_workload("monitoring", "node-exporter", EXPORTER, 9100);
    tree::remove(&mut agent, &["spec", "replicas"]);
    tree::remove(&mut agent, &["spec", "serviceName"]);
    defaults::fill(Kind::DaemonSet, &mut agent);
    upgraded(
        state,
        Kind::DaemonSet,
        agent,
        (EXPORTER, ["v1.9.0", "v1.9.1"]),
    );
}

fn cluster_dns(state: &mut State) {
    let mut dns = platform_workload(
        "kube-system",
        "coredns",
        "registry.k8s.io/coredns/coredns:v1.12.1",
        53,
    );
    tree::remove(&mut dns, &["spec", "serviceName"]);
    tree::remove(&mut dns, &["spec", "updateStrategy"]);
    tree::put(&mut dns, &["spec", "replicas"], 2);
    tree::put(&mut dns, &["spec", "progressDeadlineSeconds"], 600);
    tree::put(
        &mut dns,
        &["spec", "strategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}),
    );
    defaults::fill(Kind::Deployment, &mut dns);
    state.create(Kind::Deployment, dns, "kubeadm");
}
