//! The Prometheus and Alertmanager faces of the simulated platform over real HTTP: what a client reads off them
//! for a hand-written ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use vigie::sim::ledger::{Behaviour, Ledger, PodKey};
use vigie::sim::prometheus;
use vigie::sim::series::{Platform, Source};

const START: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;

const HEALTHY: Behaviour = Behaviour {
    rps: 20.0,
    errors: 0.0,
    unauthorized: 0.005,
    median_ms: 60.0,
    sigma: 0.6,
};
const FAILING: Behaviour = Behaviour {
    errors: 0.3,
    median_ms: 400.0,
    ..HEALTHY
};

struct Recorded {
    ledger: Ledger,
    now: AtomicI64,
}

impl Platform for Recorded {
    fn now_ms(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn with_ledger(&self, look: &mut dyn FnMut(&Ledger)) {
        look(&self.ledger);
    }
}

fn pod(name: &str) -> PodKey {
    PodKey {
        namespace: "shop".into(),
        pod: name.into(),
    }
}

/// Two healthy pods for twenty minutes; one is then replaced by a failing one.
fn bad_release() -> Ledger {
    let mut ledger = Ledger::default();
    for name in ["cart-1", "cart-2"] {
        ledger.begin(pod(name), "cart", "v1", START);
        ledger.set(&pod(name), START, HEALTHY);
    }
    let change = START + 20 * MINUTE;
    ledger.begin(pod("cart-3"), "cart", "v2", change);
    ledger.set(&pod("cart-3"), change, FAILING);
    ledger.end(&pod("cart-2"), change);
    ledger
}

struct Face {
    base: String,
    client: reqwest::Client,
}

impl Face {
    async fn serve(ledger: Ledger, now: i64, router: fn(Source) -> axum::Router) -> Self {
        let platform = Arc::new(Recorded {
            ledger,
            now: AtomicI64::new(now),
        });
        let app = router(platform);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { base, client }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        let answer = self
            .client
            .get(format!("{}{path}", self.base))
            .query(query)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The values of an instant query, by the value of one label.
    async fn values(&self, query: &str, label: &str) -> Vec<(String, f64)> {
        let (status, body) = self.get("/api/v1/query", &[("query", query)]).await;
        assert_eq!(status, 200, "{body}");
        let series = body["data"]["result"].as_array().unwrap();
        let one = |s: &Value| {
            let own = s["metric"][label].as_str().unwrap_or_default().to_owned();
            (own, s["value"][1].as_str().unwrap().parse().unwrap())
        };
        series.iter().map(one).collect()
    }
}

#[tokio::test]
async fn an_instant_query_sees_the_failing_version_and_not_the_gone_pod() {
    let face = Face::serve(bad_release(), START + 25 * MINUTE, prometheus::router).await;
    let by_version = |status: &str| {
        format!("sum by (version) (rate(http_requests_total{{status=~\"{status}\"}}[1m]))")
    };
    let errors = face.values(&by_version("5.."), "version").await;
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, "v2");
    assert!((errors[0].1 - 6.0).abs() < 1.5, "{errors:?}");
    let all = face.values(&by_version(".+"), "version").await;
    let versions: Vec<&str> = all.iter().map(|(version, _)| version.as_str()).collect();
    assert_eq!(versions, ["v1", "v2"]);
    assert!(
        all.iter().all(|(_, rps)| (rps - 20.0).abs() < 3.0),
        "{all:?}"
    );
    assert_eq!(face.values("up", "pod").await.len(), 2);
    let p99 = "histogram_quantile(0.5, sum by (le, version) (rate(http_request_duration_seconds_bucket[1m])))";
    let median = face.values(p99, "version").await;
    assert!(
        (median[0].1 - 0.06).abs() < 0.01 && (median[1].1 - 0.4).abs() < 0.06,
        "{median:?}"
    );
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_in_prometheus_words() {
    let face = Face::serve(bad_release(), START + 25 * MINUTE, prometheus::router).await;
    let (status, body) = face.get("/api/v1/query", &[("query", "foo bar")]).await;
    let expected = json!({"status": "error", "errorType": "bad_data", "error": "invalid parameter \"query\": 1:5: parse error: unexpected identifier \"bar\""});
    assert_eq!((status, body), (400, expected));
}
