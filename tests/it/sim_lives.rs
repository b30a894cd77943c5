//! The scenarios of the simulated platform over their whole lives: well, in trouble, and what an operator's way out makes
//! of it. Time is moved by hand; Prometheus and its alerts are asked over real HTTP.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use vigie::sim::kind::{Kind, RESOURCES};
use vigie::sim::ledger::Ledger;
use vigie::sim::prometheus;
use vigie::sim::scenario::Scenario;
use vigie::sim::series::Platform;
use vigie::sim::verbs::{Patch, Write};
use vigie::sim::world::World;

const START: i64 = 1_795_316_412_000;
const NS: &str = "veza-production";

struct Lived(Mutex<World>);

impl Platform for Lived {
    fn now_ms(&self) -> i64 {
        self.0.lock().unwrap().now_ms()
    }

    fn with_ledger(&self, look: &mut dyn FnMut(&Ledger)) {
        look(self.0.lock().unwrap().ledger());
    }
}

/// A world whose time is moved by hand, with its Prometheus.
struct Life {
    lived: Arc<Lived>,
    prometheus: String,
    client: reqwest::Client,
}

impl Life {
    async fn of(scenario: Scenario) -> Self {
        let lived = Arc::new(Lived(Mutex::new(World::new(scenario, 1, START))));
        let app = prometheus::router(lived.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let prometheus = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            lived,
            prometheus,
            client: reqwest::Client::builder()
                .tls_certs_only([])
                .build()
                .unwrap(),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.lived.0.lock().unwrap()
    }

    /// Lets time pass up to so many seconds after the scenario's beginning.
    fn until(&self, second: i64) {
        self.world().advance(START + second * 1000);
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{path}", self.prometheus);
        let answer = self.client.get(url).query(query).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// What fires, as `alert/service`.
    async fn firing(&self) -> Vec<String> {
        let body = self.ask("alerts", &[]).await;
        let all = body["data"]["alerts"].as_array().unwrap().iter();
        let mut firing: Vec<String> = all
            .filter(|alert| alert["state"] == "firing")
            .map(|alert| {
                let label = |key: &str| alert["labels"][key].as_str().unwrap_or("").to_owned();
                format!("{}/{}", label("alertname"), label("service"))
            })
            .collect();
        firing.sort();
        firing
    }

    /// The share of requests to a service that fail.
    async fn errors(&self, service: &str) -> f64 {
        let sum = |status: &str| {
            format!(
                "sum(rate(http_requests_total{{service=\"{service}\",status=~\"{status}\"}}[30s]))"
            )
        };
        let query = format!("{} / {}", sum("5.."), sum(".+"));
        let body = self.ask("query", &[("query", &query)]).await;
        let value = body["data"]["result"][0]["value"][1].as_str();
        value.expect("traffic there is").parse().unwrap()
    }

    fn deployment(&self, name: &str) -> Value {
        self.world().read(Kind::Deployment, (NS, name)).unwrap()
    }

    /// The reason of the condition Progressing.
    fn progress(&self, name: &str) -> String {
        let deployment = self.deployment(name);
        let conditions = deployment["status"]["conditions"].as_array().unwrap();
        let found = conditions.iter().find(|c| c["type"] == "Progressing");
        found.unwrap()["reason"].as_str().unwrap().to_owned()
    }

    /// The pods of a service that are wanted, with their versions.
    fn pods(&self, service: &str) -> Vec<Value> {
        let world = self.world();
        let of = |pod: &&Value| pod["metadata"]["labels"]["app"] == service;
        let pods = world.store().live(Kind::Pod, NS).filter(of);
        pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .cloned()
            .collect()
    }

    fn versions(&self, service: &str) -> Vec<String> {
        let version = |pod: &Value| {
            pod["metadata"]["labels"]["version"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let mut versions: Vec<String> = self.pods(service).iter().map(version).collect();
        versions.sort();
        versions
    }

    /// Gives a Deployment the template of one of its revisions again.
    fn undo(&self, name: &str, revision: &str) {
        let mut world = self.world();
        let numbered = |set: &&Value| {
            set["metadata"]["labels"]["app"] == name
                && set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == revision
        };
        let sets = world.store().live(Kind::ReplicaSet, NS).find(numbered);
        let mut template = sets.expect("the revision is kept")["spec"]["template"].clone();
        let labels = template["metadata"]["labels"].as_object_mut().unwrap();
        labels.remove("pod-template-hash");
        let replace = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
        let patch = Patch::Json(replace.as_array().unwrap().clone());
        world
            .patch(
                Kind::Deployment,
                (NS, name),
                "",
                &patch,
                &Write::by("operator"),
            )
            .unwrap();
    }
}

#[tokio::test]
async fn a_bad_release_is_well_climbs_alerts_and_is_well_again_after_the_rollback() {
    let life = Life::of(Scenario::BadRelease).await;
    life.until(15);
    assert!(life.errors("veza-backend").await < 0.005);
    assert_eq!(life.firing().await, [""; 0]);
    life.until(55);
    assert_eq!(life.versions("veza-backend"), ["v1.1.0"; 3]);
    let early = life.errors("veza-backend").await;
    life.until(150);
    let late = life.errors("veza-backend").await;
    assert!(early < 0.05 && late > 0.15, "it climbs: {early} {late}");
    let firing = life.firing().await;
    assert_eq!(
        firing,
        ["HighErrorRate/veza-backend", "HighLatency/veza-backend"]
    );
    assert!(
        life.errors("chat-server").await < 0.005,
        "the others are well"
    );
    life.undo("veza-backend", "42");
    life.until(270);
    assert_eq!(life.versions("veza-backend"), ["v1.0.0"; 3]);
    assert_eq!(life.progress("veza-backend"), "NewReplicaSetAvailable");
    for second in [270, 1_800, 5_400] {
        life.until(second);
        assert!(life.errors("veza-backend").await < 0.005, "at {second} s");
        assert_eq!(life.firing().await, [""; 0], "at {second} s");
    }
}

#[tokio::test]
async fn a_rollback_does_not_help_against_a_slow_dependency() {
    let life = Life::of(Scenario::SlowDependency).await;
    life.until(15);
    assert_eq!(life.firing().await, [""; 0]);
    life.until(150);
    assert!(life.errors("veza-backend").await > 0.08);
    assert!(!life.firing().await.is_empty());
    life.undo("veza-backend", "41");
    for second in [330, 1_800] {
        life.until(second);
        assert_eq!(life.versions("veza-backend"), ["v0.9.9"; 3]);
        assert!(life.errors("veza-backend").await > 0.08, "at {second} s");
        assert!(!life.firing().await.is_empty(), "at {second} s");
    }
}

#[tokio::test]
async fn a_crash_loop_backs_off_from_ten_seconds_to_five_minutes_and_ends_with_the_rollback() {
    let life = Life::of(Scenario::CrashLoop).await;
    let mut restarts = Vec::new();
    for second in 20..1_500 {
        life.until(second);
        let pods = life.pods("veza-backend");
        let ready = pods.iter().filter(|pod| {
            let conditions = pod["status"]["conditions"].as_array();
            conditions.is_some_and(|all| {
                all.iter()
                    .any(|c| c["type"] == "Ready" && c["status"] == "True")
            })
        });
        assert!(ready.count() >= 3, "the old pods go on at {second} s");
        let new = pods
            .iter()
            .find(|pod| pod["metadata"]["labels"]["version"] == "v1.1.0");
        let count = new.map_or(0, |pod| {
            pod["status"]["containerStatuses"][0]["restartCount"]
                .as_u64()
                .unwrap_or(0)
        });
        if count as usize > restarts.len() {
            restarts.push(second);
        }
    }
    let gaps: Vec<i64> = restarts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let wanted = [10, 20, 40, 80, 160, 300, 300];
    assert!(gaps.len() >= wanted.len(), "{gaps:?}");
    for (gap, wanted) in gaps.iter().zip(wanted) {
        assert!((wanted..wanted + 6).contains(gap), "{gaps:?}");
    }
    assert_eq!(life.progress("veza-backend"), "ProgressDeadlineExceeded");
    life.undo("veza-backend", "42");
    life.until(1_560);
    assert_eq!(life.versions("veza-backend"), ["v1.0.0"; 3]);
    assert_eq!(life.progress("veza-backend"), "NewReplicaSetAvailable");
}

#[tokio::test]
async fn a_missing_image_passes_the_deadline_costs_nobody_anything_and_goes_with_the_rollback() {
    let life = Life::of(Scenario::ImageMissing).await;
    life.until(70);
    assert_eq!(life.progress("chat-server"), "ReplicaSetUpdated");
    let waiting = |pod: &Value| {
        let reason = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
        matches!(
            reason.as_str(),
            Some("ImagePullBackOff" | "ErrImagePull" | "ContainerCreating")
        )
    };
    life.until(110);
    assert_eq!(life.progress("chat-server"), "ProgressDeadlineExceeded");
    assert_eq!(life.versions("chat-server"), ["v1.4.2", "v1.4.2", "v2.0.0"]);
    assert_eq!(
        life.pods("chat-server")
            .iter()
            .filter(|pod| waiting(pod))
            .count(),
        1
    );
    assert!(life.errors("chat-server").await < 0.005);
    assert_eq!(life.firing().await, [""; 0]);
    life.until(1_800);
    assert_eq!(life.versions("chat-server").len(), 3, "nothing gives up");
    life.undo("chat-server", "7");
    life.until(1_860);
    assert_eq!(life.versions("chat-server"), ["v1.4.2"; 2]);
    assert_eq!(life.progress("chat-server"), "NewReplicaSetAvailable");
}

#[tokio::test]
async fn nothing_goes_wrong_in_a_healthy_hour() {
    let life = Life::of(Scenario::Healthy).await;
    life.until(3_600);
    assert_eq!(life.firing().await, [""; 0]);
    let warned = life
        .world()
        .store()
        .live(Kind::Event, "")
        .any(|event| event["type"] == "Warning");
    assert!(!warned);
}

/// Everything there is in a world.
fn dump(world: &World) -> (Vec<Value>, Ledger) {
    let store = world.store();
    let objects = RESOURCES
        .iter()
        .flat_map(|resource| store.live(resource.kind, ""));
    (objects.cloned().collect(), world.ledger().clone())
}

#[test]
fn a_seed_makes_one_world_however_time_is_cut() {
    let lived = |seed: u64, stride: i64| {
        let mut world = World::new(Scenario::CrashLoop, seed, START);
        for second in (stride..=600).step_by(stride as usize) {
            world.advance(START + second * 1000);
        }
        dump(&world)
    };
    let whole = lived(7, 600);
    assert!(whole == lived(7, 600), "twice the same");
    assert!(whole == lived(7, 5), "the same in small steps");
    assert!(whole != lived(8, 600), "another seed is another world");
}
