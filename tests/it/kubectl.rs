//! The real `kubectl` against the simulated platform, where it is installed: what people type works.

use std::io::Write;
use std::process::{Command, Output};
use std::time::Duration;

use vigie::sim::scenario::Scenario;
use vigie::sim::{Options, Running, start};

struct Kubectl {
    home: tempfile::TempDir,
    running: Running,
}

impl Kubectl {
    /// A platform for `kubectl`, or none where there is no `kubectl`.
    async fn with(scenario: Scenario, advance: u64, speed: f64) -> Option<Self> {
        if Command::new("kubectl")
            .args(["version", "--client"])
            .output()
            .is_err()
        {
            eprintln!("skipped: kubectl is not installed");
            return None;
        }
        let options = Options {
            scenario,
            advance: Duration::from_secs(advance),
            speed,
            ..Options::default()
        };
        let running = start(options).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::create(home.path().join("config")).unwrap();
        file.write_all(running.kubeconfig().as_bytes()).unwrap();
        Some(Self { home, running })
    }

    async fn run(&self, line: &str) -> Output {
        let mut command = tokio::process::Command::new("kubectl");
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", self.home.path().join("config"))
            .env("HOME", self.home.path());
        command
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        tokio::time::timeout(Duration::from_mins(1), command.output())
            .await
            .expect("kubectl ends")
            .unwrap()
    }

    /// What it prints when it succeeds.
    async fn ok(&self, line: &str) -> String {
        let output = self.run(line).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "kubectl {line}: {}{text}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_gets() {
    let Some(kubectl) = Kubectl::with(Scenario::ImageMissing, 60, 1.0).await else {
        return;
    };
    let pods = kubectl.ok("get pods").await;
    assert!(pods.starts_with("NAME"), "{pods}");
    assert_eq!(pods.lines().count(), 11);
    assert!(
        pods.contains("ImagePullBackOff") || pods.contains("ErrImagePull"),
        "{pods}"
    );
    let wide = kubectl.ok("get pods -o wide").await;
    assert!(wide.contains("NODE") && wide.contains("node-"));
    for kind in [
        "deploy",
        "rs",
        "sts -n monitoring",
        "ds -n monitoring",
        "svc",
        "events",
        "nodes",
        "hpa",
        "cm",
        "secrets",
        "ns",
        "ingress",
        "endpoints",
        "all",
    ] {
        let text = kubectl.ok(&format!("get {kind}")).await;
        assert!(
            text.contains("NAME") || text.contains("LAST SEEN"),
            "{kind}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_describes() {
    let Some(kubectl) = Kubectl::with(Scenario::ImageMissing, 60, 1.0).await else {
        return;
    };
    let pods = kubectl.ok("get pods").await;
    let deployment = kubectl.ok("describe deploy veza-backend").await;
    for part in [
        "RollingUpdateStrategy:  0 max unavailable, 1 max surge",
        "3 desired | 3 updated | 3 total | 3 available",
        "NewReplicaSet:",
    ] {
        assert!(deployment.contains(part), "{deployment}");
    }
    let name = pods
        .lines()
        .find(|l| l.contains("Pull"))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let pod = kubectl.ok(&format!("describe pod {name}")).await;
    assert!(
        pod.contains("Failed to pull image") && pod.contains("Scheduled"),
        "{pod}"
    );
    let json = kubectl.ok("get deploy veza-backend -o json").await;
    assert!(json.contains("\"kind\": \"Deployment\""));
    assert_eq!(
        kubectl
            .ok("get pods -l app=veza-backend --field-selector status.phase=Running -o name")
            .await
            .lines()
            .count(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_rolls_out_back_and_again() {
    let Some(kubectl) = Kubectl::with(Scenario::BadRelease, 90, 5.0).await else {
        return;
    };
    let status = kubectl.ok("rollout status deploy/veza-backend").await;
    assert!(status.contains("successfully rolled out"), "{status}");
    let history = kubectl.ok("rollout history deploy/veza-backend").await;
    assert!(
        history.contains("42") && history.contains("43") && history.contains("ci-deployer"),
        "{history}"
    );
    let revision = kubectl
        .ok("rollout history deploy/veza-backend --revision=42")
        .await;
    assert!(revision.contains("veza-backend-api:v1.0.0"), "{revision}");
    kubectl.ok("rollout undo deploy/veza-backend").await;
    let status = kubectl
        .ok("rollout status deploy/veza-backend --timeout=50s")
        .await;
    assert!(status.contains("successfully rolled out"), "{status}");
    let image = kubectl
        .ok("get deploy veza-backend -o jsonpath={.spec.template.spec.containers[0].image}")
        .await;
    assert!(image.ends_with(":v1.0.0"), "{image}");
    let history = kubectl.ok("rollout history deploy/veza-backend").await;
    assert!(
        history.contains("44") && !history.lines().any(|l| l.starts_with("42 ")),
        "{history}"
    );
    kubectl.ok("rollout restart deploy/chat-server").await;
    kubectl
        .ok("rollout status deploy/chat-server --timeout=50s")
        .await;
    kubectl.ok("rollout pause deploy/stream-server").await;
    assert!(
        !kubectl
            .run("rollout restart deploy/stream-server")
            .await
            .status
            .success()
    );
    kubectl.ok("rollout resume deploy/stream-server").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_takes_sets_back_by_their_history() {
    let Some(kubectl) = Kubectl::with(Scenario::Healthy, 0, 20.0).await else {
        return;
    };
    for (set, kind, before, now) in [
        ("sts/prometheus", "statefulset", ":v3.4.2", ":v3.5.0"),
        ("ds/node-exporter", "daemonset", ":v1.9.0", ":v1.9.1"),
    ] {
        let there = |line: &str| format!("{line} -n monitoring --context veza-demo-admin");
        let history = kubectl.ok(&there(&format!("rollout history {set}"))).await;
        assert!(
            history.contains(&before[1..]) && history.contains(&now[1..]),
            "{history}"
        );
        let first = format!("rollout history {set} --revision=1");
        let first = kubectl.ok(&there(&first)).await;
        assert!(first.contains(before), "{first}");
        kubectl.ok(&there(&format!("rollout undo {set}"))).await;
        let status = format!("rollout status {set} --timeout=50s");
        kubectl.ok(&there(&status)).await;
        let template = format!("get {set} -o jsonpath={{.spec.template.spec.containers[0].image}}");
        let image = kubectl.ok(&there(&template)).await;
        assert!(image.ends_with(before), "{image}");
        let table = kubectl.ok(&there("get controllerrevisions")).await;
        assert!(table.contains(&format!("{kind}.apps/")), "{table}");
        let history = kubectl.ok(&there(&format!("rollout history {set}"))).await;
        let numbers: Vec<&str> = history
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| word.parse::<u32>().is_ok())
            .collect();
        assert_eq!(numbers, ["2", "3"], "{history}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_changes_what_it_may() {
    let Some(kubectl) = Kubectl::with(Scenario::Healthy, 0, 5.0).await else {
        return;
    };
    kubectl.ok("scale deploy/veza-backend --replicas=5").await;
    kubectl
        .ok("rollout status deploy/veza-backend --timeout=50s")
        .await;
    assert_eq!(
        kubectl
            .ok("get pods -l app=veza-backend -o name")
            .await
            .lines()
            .count(),
        5
    );
    kubectl
        .ok("patch deploy chat-server -p {\"metadata\":{\"labels\":{\"a\":\"b\"}}}")
        .await;
    kubectl.ok("patch deploy chat-server --type=json -p [{\"op\":\"remove\",\"path\":\"/metadata/labels/a\"}]").await;
    kubectl
        .ok("set image deploy/chat-server chat-server=registry.veza.app/veza-chat-server:v1.4.3")
        .await;
    kubectl
        .ok("rollout status deploy/chat-server --timeout=50s")
        .await;
    assert!(
        kubectl
            .ok("logs deploy/veza-backend --tail=3")
            .await
            .lines()
            .count()
            == 3
    );
    kubectl.ok("annotate deploy chat-server note=x").await;
    kubectl
        .ok("delete pod -l app=stream-server --wait=false")
        .await;
    let file = kubectl.home.path().join("extra.json");
    for value in ["b", "c"] {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": value}});
        std::fs::write(&file, object.to_string()).unwrap();
        kubectl.ok(&format!("apply -f {}", file.display())).await;
    }
    let kept = kubectl.ok("get cm extra -o jsonpath={.data.a}").await;
    assert_eq!(kept, "c");
    kubectl.ok("delete configmap extra").await;
    assert!(
        kubectl
            .running
            .world()
            .writes()
            .iter()
            .any(|w| w.verb == "patch" && w.path.ends_with("/scale"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_says_who_it_is_and_what_it_may() {
    let Some(kubectl) = Kubectl::with(Scenario::Healthy, 0, 1.0).await else {
        return;
    };
    assert_eq!(
        kubectl.ok("auth can-i patch deployments").await.trim(),
        "yes"
    );
    let no = kubectl
        .run("auth can-i patch deployments --context veza-demo-viewer")
        .await;
    assert_eq!(String::from_utf8_lossy(&no.stdout).trim(), "no");
    assert!(
        kubectl
            .ok("auth can-i --list")
            .await
            .contains("deployments.apps")
    );
    assert!(kubectl.ok("auth whoami").await.contains("oncall"));
    let refused = kubectl
        .run("delete deploy chat-server --context veza-demo-viewer")
        .await;
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("cannot delete resource"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_applies_on_the_server_and_is_told_of_conflicts() {
    let Some(kubectl) = Kubectl::with(Scenario::Healthy, 0, 1.0).await else {
        return;
    };
    let file = kubectl.home.path().join("extra.json");
    let apply = |who: &str, data: &serde_json::Value| {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": data});
        std::fs::write(&file, object.to_string()).unwrap();
        format!(
            "apply --server-side --field-manager={who} -f {}",
            file.display()
        )
    };
    let made = kubectl
        .ok(&apply("one", &serde_json::json!({"a": "1", "b": "1"})))
        .await;
    assert!(made.contains("serverside-applied"), "{made}");
    kubectl
        .ok(&apply("one", &serde_json::json!({"a": "1"})))
        .await;
    assert_eq!(
        kubectl.ok("get cm extra -o jsonpath={.data}").await,
        "{\"a\":\"1\"}"
    );
    let line = apply("two", &serde_json::json!({"a": "2"}));
    let refused = kubectl.run(&line).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("conflict with \"one\""),
        "{said}"
    );
    kubectl.ok(&format!("{line} --force-conflicts")).await;
    assert_eq!(kubectl.ok("get cm extra -o jsonpath={.data.a}").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_exec_is_refused_with_a_reason() {
    let Some(kubectl) = Kubectl::with(Scenario::Healthy, 0, 1.0).await else {
        return;
    };
    let refused = kubectl.run("exec deploy/chat-server -- ls").await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("no process runs in it"),
        "{said}"
    );
    let viewer = kubectl
        .run("exec deploy/chat-server --context veza-demo-viewer -- ls")
        .await;
    let said = String::from_utf8_lossy(&viewer.stderr).into_owned();
    assert!(said.contains("forbidden"), "{said}");
}

/// Not a test: serves a platform for whoever wants to try `kubectl` by hand, and says how.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves until it is interrupted"]
async fn serve_for_a_hand_on_the_keyboard() {
    let scenario = std::env::var("SCENARIO")
        .ok()
        .and_then(|name| Scenario::find(&name))
        .unwrap_or_default();
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let options = Options {
        scenario,
        pods: number("PODS").unwrap_or(10_000),
        churn: number("CHURN").unwrap_or(0),
        ..Options::default()
    };
    let running = start(options).await.unwrap();
    let path = std::env::temp_dir().join("vigie-sim-kubeconfig");
    std::fs::write(&path, running.kubeconfig()).unwrap();
    println!("export KUBECONFIG={}", path.display());
    std::future::pending::<()>().await;
}
