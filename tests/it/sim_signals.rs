//! The Prometheus and Alertmanager faces of the simulated platform over real HTTP: what a client reads off them
//! for a hand-written ledger.
//!
//! Length: one claim an endpoint, on one shared ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use vigie::sim::alertmanager;
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
    platform: Arc<Recorded>,
    base: String,
    client: reqwest::Client,
}

impl Face {
    async fn serve(ledger: Ledger, now: i64, router: fn(Source) -> axum::Router) -> Self {
        let platform = Arc::new(Recorded {
            ledger,
            now: AtomicI64::new(now),
        });
        let app = router(platform.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self {
            platform,
            base,
            client,
        }
    }

    fn set_now(&self, now: i64) {
        self.platform.now.store(now, Ordering::Relaxed);
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let sent = self
            .client
            .post(format!("{}{path}", self.base))
            .json(body)
            .send()
            .await
            .unwrap();
        (sent.status().as_u16(), sent.json().await.unwrap())
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

#[tokio::test]
async fn a_posted_range_query_gives_one_line_per_version_on_the_grid_asked_for() {
    let face = Face::serve(bad_release(), START + 25 * MINUTE, prometheus::router).await;
    let form = [
        ("query", "sum by (version) (rate(http_requests_total[1m]))"),
        ("start", "1700000060"),
        ("end", "1700001500"),
        ("step", "30"),
    ];
    let path = format!("{}/api/v1/query_range", face.base);
    let body: Value = face
        .client
        .post(path)
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(body["data"]["resultType"], "matrix");
    let lines = body["data"]["result"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["metric"], json!({"version": "v1"}));
    assert_eq!(lines[0]["values"].as_array().unwrap().len(), 49);
    assert_eq!(lines[0]["values"][0][0], 1_700_000_060);
    let of_new = lines[1]["values"].as_array().unwrap();
    assert_eq!(of_new[0][0], 1_700_001_230);
    // A steady line that is not a ruler's.
    let rates = lines[0]["values"].as_array().unwrap()[2..38]
        .iter()
        .map(|v| v[1].as_str().unwrap().parse::<f64>().unwrap());
    let rates: Vec<f64> = rates.collect();
    assert!(
        rates.iter().all(|rate| (rate - 40.0).abs() < 4.0),
        "{rates:?}"
    );
    assert!(
        rates
            .windows(2)
            .any(|pair| (pair[0] - pair[1]).abs() > 0.05),
        "{rates:?}"
    );
}

#[tokio::test]
async fn while_nothing_is_scraped_series_are_absent_and_up_is_zero() {
    let mut ledger = bad_release();
    ledger
        .silences
        .push((START + 22 * MINUTE, Some(START + 24 * MINUTE)));
    let face = Face::serve(ledger.clone(), START + 23 * MINUTE, prometheus::router).await;
    assert_eq!(face.values("process_start_time_seconds", "pod").await, []);
    assert_eq!(
        face.values("sum(rate(http_requests_total[30s]))", "").await,
        []
    );
    assert!(
        face.values("up", "pod")
            .await
            .iter()
            .all(|(_, up)| *up == 0.0)
    );
    let (_, targets) = face.get("/api/v1/targets", &[]).await;
    assert_eq!(targets["data"]["activeTargets"][0]["health"], "down");
    let page = face
        .client
        .get(format!("{}/pods/shop/cart-1/metrics", face.base))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status().as_u16(), 503);
    let face = Face::serve(ledger, START + 25 * MINUTE, prometheus::router).await;
    assert_eq!(face.values("up == 1", "pod").await.len(), 2);
}

#[tokio::test]
async fn labels_series_and_metadata_tell_what_there_is() {
    let face = Face::serve(bad_release(), START + 25 * MINUTE, prometheus::router).await;
    let (_, values) = face
        .get("/api/v1/label/version/values", &[("match[]", "up")])
        .await;
    assert_eq!(values["data"], json!(["v1", "v2"]));
    let (_, names) = face
        .get("/api/v1/labels", &[("match[]", "http_requests_total")])
        .await;
    let expected = [
        "__name__",
        "instance",
        "job",
        "method",
        "namespace",
        "pod",
        "route",
        "service",
        "status",
        "version",
    ];
    assert_eq!(names["data"], json!(expected));
    let (status, body) = face.get("/api/v1/series", &[]).await;
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("no match[] parameter provided"))
    );
    let chosen = [
        (
            "match[]",
            "http_request_duration_seconds_count{pod=\"cart-3\"}",
        ),
        ("match[]", "up{pod=\"cart-3\"}"),
    ];
    let (_, series) = face.get("/api/v1/series", &chosen).await;
    assert_eq!(series["data"].as_array().unwrap().len(), 2);
    let (_, metadata) = face
        .get("/api/v1/metadata", &[("metric", "http_requests_total")])
        .await;
    assert_eq!(
        metadata["data"]["http_requests_total"][0]["type"],
        "counter"
    );
    let (_, formatted) = face
        .get(
            "/api/v1/format_query",
            &[("query", "sum(up)by(pod)>bool 0")],
        )
        .await;
    assert_eq!(formatted["data"], "sum by (pod) (up) > bool 0");
}

#[tokio::test]
async fn a_pod_exports_its_own_page() {
    let face = Face::serve(bad_release(), START + 25 * MINUTE, prometheus::router).await;
    let page = |pod: &'static str| {
        face.client
            .get(format!("{}/pods/shop/{pod}/metrics", face.base))
            .send()
    };
    let text = page("cart-3").await.unwrap().text().await.unwrap();
    assert!(text.contains("# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",route=\"/api/v1/items\",status=\"200\"} "));
    assert!(text.contains("http_request_duration_seconds_bucket{le=\"+Inf\"} "));
    assert!(text.contains("status=\"500\""));
    assert!(!text.contains("up") && !text.contains("container_"));
    // What never happened has no series yet.
    let healthy = page("cart-1").await.unwrap().text().await.unwrap();
    assert!(!healthy.contains("status=\"500\""));
    assert_eq!(page("cart-2").await.unwrap().status().as_u16(), 503);
    assert_eq!(page("cart-9").await.unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn rules_go_from_pending_to_firing_and_the_answer_does_not_depend_on_when_one_asked_before() {
    let change = START + 20 * MINUTE;
    let followed = Face::serve(bad_release(), change - MINUTE, prometheus::router).await;
    let mut seen = Vec::new();
    for seconds in (-60..60).step_by(3) {
        followed.set_now(change + seconds * 1000);
        let (_, alerts) = followed.get("/api/v1/alerts", &[]).await;
        let fresh = Face::serve(bad_release(), change + seconds * 1000, prometheus::router).await;
        assert_eq!(alerts, fresh.get("/api/v1/alerts", &[]).await.1);
        let errors = alerts["data"]["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|a| a["labels"]["alertname"] == "HighErrorRate");
        let state = errors
            .map_or("none", |alert| alert["state"].as_str().unwrap())
            .to_owned();
        if seen.last() != Some(&state) {
            seen.push(state);
        }
    }
    assert_eq!(seen, ["none", "pending", "firing"]);
    let (_, rules) = followed.get("/api/v1/rules", &[]).await;
    let rule = &rules["data"]["groups"][0]["rules"][0];
    assert_eq!(
        (&rule["state"], &rule["duration"]),
        (&json!("firing"), &json!(6))
    );
    assert_eq!(
        rule["alerts"][0]["annotations"]["summary"],
        "More than 5 % of requests to cart fail"
    );
}

fn silence(value: &str, from: i64, until: i64) -> Value {
    let time = |at: i64| jiff::Timestamp::from_millisecond(at).unwrap().to_string();
    json!({
        "matchers": [{"name": "service", "value": value, "isRegex": true, "isEqual": true}],
        "startsAt": time(from), "endsAt": time(until), "createdBy": "ops", "comment": "known",
    })
}

#[tokio::test]
async fn a_firing_alert_is_shown_silenced_and_shown_again_when_the_silence_ends() {
    let now = START + 25 * MINUTE;
    let face = Face::serve(bad_release(), now, alertmanager::router).await;
    let (_, alerts) = face.get("/api/v2/alerts", &[]).await;
    let alert = alerts
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["labels"]["alertname"] == "HighErrorRate")
        .unwrap();
    assert_eq!(
        alert["labels"],
        json!({"alertname": "HighErrorRate", "namespace": "shop", "service": "cart", "severity": "critical"})
    );
    assert_eq!(alert["fingerprint"], "832a81533c110df8");
    assert_eq!(
        alert["status"],
        json!({"inhibitedBy": [], "silencedBy": [], "state": "active"})
    );
    assert_eq!(alert["receivers"], json!([{"name": "on-call"}]));
    let (status, answer) = face
        .post("/api/v2/silences", &silence("car.*", now, now + 5 * MINUTE))
        .await;
    assert_eq!(status, 200);
    let id = answer["silenceID"].as_str().unwrap().to_owned();
    let (_, left) = face.get("/api/v2/alerts", &[("silenced", "false")]).await;
    assert_eq!(left, json!([]));
    let (_, all) = face
        .get(
            "/api/v2/alerts",
            &[("filter", "alertname=\"HighErrorRate\"")],
        )
        .await;
    assert_eq!(
        all[0]["status"],
        json!({"inhibitedBy": [], "silencedBy": [id], "state": "suppressed"})
    );
    face.set_now(now + 5 * MINUTE);
    let (_, left) = face.get("/api/v2/alerts", &[("silenced", "false")]).await;
    assert_eq!(
        left.as_array().unwrap().len(),
        alerts.as_array().unwrap().len()
    );
    let (_, own) = face.get(&format!("/api/v2/silence/{id}"), &[]).await;
    assert_eq!(own["status"]["state"], "expired");
    let (_, groups) = face.get("/api/v2/alerts/groups", &[]).await;
    assert_eq!(
        groups[0]["labels"],
        json!({"alertname": "HighErrorRate", "namespace": "shop", "service": "cart"})
    );
}

#[tokio::test]
async fn a_silence_can_be_ended_and_a_wrong_one_is_refused_in_alertmanagers_words() {
    let now = START + 25 * MINUTE;
    let face = Face::serve(bad_release(), now, alertmanager::router).await;
    let (_, answer) = face
        .post("/api/v2/silences", &silence("cart", now, now + MINUTE))
        .await;
    let path = format!(
        "{}/api/v2/silence/{}",
        face.base,
        answer["silenceID"].as_str().unwrap()
    );
    assert_eq!(
        face.client
            .delete(&path)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        200
    );
    let (_, listed) = face.get("/api/v2/silences", &[]).await;
    assert_eq!(listed[0]["status"]["state"], "expired");
    let mut anonymous = silence("cart", now, now + MINUTE);
    anonymous.as_object_mut().unwrap().remove("createdBy");
    let cases = [
        (
            json!({}),
            422,
            json!({"code": 602, "message": "comment in body is required"}),
        ),
        (
            anonymous,
            422,
            json!({"code": 602, "message": "createdBy in body is required"}),
        ),
        (
            silence("cart", now + MINUTE, now),
            400,
            json!("Failed to create silence: start time must be before end time"),
        ),
        (
            silence(".*", now, now + MINUTE),
            400,
            json!("silence invalid: at least one matcher must not match the empty string"),
        ),
    ];
    for (body, status, answer) in cases {
        assert_eq!(face.post("/api/v2/silences", &body).await, (status, answer));
    }
    let (status, answer) = face.get("/api/v2/alerts", &[("filter", "foo")]).await;
    assert_eq!((status, answer), (400, json!("bad matcher format: foo")));
}

#[tokio::test]
async fn a_query_about_the_future_sees_only_what_was_scraped_by_now() {
    let now = START + 25 * MINUTE;
    let face = Face::serve(bad_release(), now, prometheus::router).await;
    let later = ((now + MINUTE) / 1000).to_string();
    let about = |query: &'static str| [("query", query), ("time", later.as_str())];
    let (_, newest) = face
        .get("/api/v1/query", &about("max(timestamp(up))"))
        .await;
    let newest: f64 = newest["data"]["result"][0]["value"][1]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let seconds = now as f64 / 1000.0;
    assert!(newest <= seconds && newest > seconds - 5.0, "{newest}");
    let (_, rates) = face
        .get("/api/v1/query", &about("rate(http_requests_total[30s])"))
        .await;
    assert_eq!(rates["data"]["result"], json!([]));
}

/// Not a measure, a guard: a dashboard's range query must stay far from the sum of all samples.
#[tokio::test]
async fn six_hours_over_ten_pods_are_answered() {
    let mut ledger = Ledger::default();
    for n in 0..10 {
        let key = pod(&format!("cart-{n}"));
        ledger.begin(key.clone(), "cart", "v1", START);
        for change in 0..50 {
            let rps = 20.0 + f64::from(change % 5);
            ledger.set(
                &key,
                START + i64::from(change) * 400_000,
                Behaviour { rps, ..HEALTHY },
            );
        }
    }
    let face = Face::serve(ledger, START + 360 * MINUTE, prometheus::router).await;
    let query =
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))";
    let asked = [
        ("query", query),
        ("start", "1700000000"),
        ("end", "1700021600"),
        ("step", "120"),
    ];
    let (status, body) = face.get("/api/v1/query_range", &asked).await;
    assert_eq!(status, 200);
    let values = body["data"]["result"][0]["values"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(values.len(), 180);
    let p99 = |v: &Value| v[1].as_str().unwrap().parse::<f64>().unwrap();
    assert!(
        values.iter().all(|v| (0.2..0.3).contains(&p99(v))),
        "{values:?}"
    );
}
