//! The same questions to the real programs: a control plane with Prometheus and Alertmanager, where one runs.

use super::run;
use crate::cluster::world::Turn;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use vigie::domain::alert::AlertState;
use vigie::domain::signal::{Part, SignalName, Split};
use vigie::domain::target::Scope;
use vigie::platform::alertmanager::Alertmanager;
use vigie::platform::http::{Direct, Http, Transport};
use vigie::platform::prometheus::subjects::{PodNames, Subject};
use vigie::platform::prometheus::{Ask, AskRange, Prometheus};

fn setting(name: &str) -> String {
    let state =
        std::env::var("VIGIE_TEST_CLUSTER").expect("VIGIE_TEST_CLUSTER names the state directory");
    let env = std::fs::read_to_string(Path::new(&state).join("env")).unwrap();
    let line = env
        .lines()
        .find_map(|line| line.strip_prefix(&format!("export {name}=")));
    line.unwrap_or_else(|| panic!("the harness exports no {name}"))
        .to_owned()
}

fn transport(name: &str) -> Transport {
    Transport::Direct(Direct::new(&Http::default(), &setting(name)).unwrap())
}

fn present() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap()
}

fn kubectl(args: &[&str]) -> String {
    let output = Command::new("kubectl")
        .env("KUBECONFIG", setting("KUBECONFIG"))
        .args(args)
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// Tells Alertmanager something, as the programs around it do; what it says to that.
fn post(path: &str, json: &str) -> String {
    let url = setting("ALERTMANAGER_URL") + path;
    let output = Command::new("curl")
        .args([
            "-fsS",
            "-H",
            "content-type: application/json",
            "-d",
            json,
            &url,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const NAMESPACE: &str = "veza-production";

fn subjects() -> Vec<Subject> {
    let deployments = kubectl(&[
        "get",
        "deployments",
        "-n",
        NAMESPACE,
        "-o",
        "jsonpath={.items[*].metadata.name}",
    ]);
    let names = deployments.split_whitespace();
    names
        .map(|name| Subject::new(NAMESPACE, name, PodNames::Deployment))
        .collect()
}

/// Asks until the answer is there; the harness needs a few scrapes before rates exist.
async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..120 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("it did not come to be within a minute")
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_real_prometheus_tells_every_signal_of_a_workload() {
    let _turn = Turn::shared();
    run(async {
        let prometheus = Prometheus::new(transport("PROMETHEUS_URL"), Vec::new());
        let (scope, subjects) = (Scope::Namespace(NAMESPACE.into()), subjects());
        let rows = eventually(async || {
            let ask = Ask {
                now: present(),
                scope: &scope,
                subjects: &subjects,
                window: SignedDuration::from_secs(20),
            };
            let rows = prometheus.read(&ask).await.unwrap().result;
            let of = |part: &Part| {
                rows.iter().any(|row| {
                    &*row.service == "veza-backend"
                        && std::mem::discriminant(&row.part) == std::mem::discriminant(part)
                        && row
                            .get(SignalName::Requests)
                            .value()
                            .is_some_and(|rate| (45.0..75.0).contains(&rate))
                        && row.get(SignalName::P99).value().is_some()
                })
            };
            (of(&Part::Whole) && of(&Part::Version("".into()))).then_some(rows)
        })
        .await;
        let whole = rows
            .iter()
            .find(|row| &*row.service == "veza-backend" && row.part == Part::Whole);
        let whole = whole.unwrap();
        let value = |name| whole.get(name).value().unwrap();
        assert!(
            (value(SignalName::Requests) - 60.0).abs() < 15.0,
            "{whole:?}"
        );
        assert!(value(SignalName::ErrorRatio) <= 1.0, "{whole:?}");
        assert!(
            value(SignalName::P50) > 10.0 && value(SignalName::P50) < value(SignalName::P99),
            "{whole:?}"
        );
        assert_eq!(whole.get(SignalName::Saturation).value(), None);
        let quiet = rows
            .iter()
            .find(|row| row.get(SignalName::Requests).value().is_none());
        let quiet = quiet.or_else(|| {
            rows.iter()
                .find(|row| row.get(SignalName::Requests).value() == Some(0.0))
        });
        assert!(quiet.is_none_or(|row| row.get(SignalName::ErrorRatio).value().is_none()));
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_real_prometheus_tells_ranges_by_version_pod_and_route() {
    let _turn = Turn::shared();
    run(async {
        let prometheus = Prometheus::new(transport("PROMETHEUS_URL"), Vec::new());
        let scope = Scope::Namespace(NAMESPACE.into());
        let subjects = [Subject::new(
            NAMESPACE,
            "veza-backend",
            PodNames::Deployment,
        )];
        for (split, signal) in [
            (Split::Whole, SignalName::ErrorRatio),
            (Split::Version, SignalName::P99),
            (Split::Pod, SignalName::Requests),
            (Split::Route, SignalName::Requests),
        ] {
            let rows = eventually(async || {
                let now = present();
                let wanted = AskRange {
                    ask: Ask {
                        now,
                        scope: &scope,
                        subjects: &subjects,
                        window: SignedDuration::from_secs(20),
                    },
                    start: now - SignedDuration::from_mins(5),
                    end: now,
                    step: SignedDuration::from_secs(5),
                    signal,
                    split,
                };
                let rows = prometheus.range(&wanted).await.unwrap().result;
                rows.iter()
                    .any(|row| row.series.points() > 0)
                    .then_some(rows)
            })
            .await;
            let right = |part: &Part| match split {
                Split::Whole => *part == Part::Whole,
                Split::Version => matches!(part, Part::Version(v) if v.starts_with('v')),
                Split::Pod => matches!(part, Part::Pod(p) if p.starts_with("veza-backend-")),
                Split::Route => *part == Part::Route("/api/v1".into()),
            };
            assert!(
                rows.iter().all(|row| right(&row.part)),
                "{split:?}: {rows:?}"
            );
            assert!(
                rows.iter()
                    .all(|row| row.series.values.len() == 61 || row.series.values.len() == 60)
            );
        }
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_real_prometheus_knows_the_pods_of_its_cluster_and_no_others() {
    let _turn = Turn::shared();
    run(async {
        let prometheus = Prometheus::new(transport("PROMETHEUS_URL"), Vec::new());
        let pods = kubectl(&[
            "get",
            "pods",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={.items[*].metadata.name}",
        ]);
        let ours: Vec<Arc<str>> = pods.split_whitespace().map(Into::into).collect();
        eventually(async || {
            prometheus
                .knows_pods(&ours, present())
                .await
                .unwrap()
                .then_some(())
        })
        .await;
        let strange = ["api-6d4f8b9c7-x2x4z".into()];
        assert!(!prometheus.knows_pods(&strange, present()).await.unwrap());
        let wrong = prometheus.query(present(), "sum(").await.unwrap_err();
        assert!(wrong.short().starts_with("bad_data: "), "{wrong}");
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_real_prometheus_tells_versions_by_the_pods_of_each_revision() {
    let _turn = Turn::shared();
    run(async {
        let prometheus = Prometheus::new(transport("PROMETHEUS_URL"), Vec::new());
        let scope = Scope::Namespace(NAMESPACE.into());
        let sets = kubectl(&[
            "get",
            "replicasets",
            "-n",
            NAMESPACE,
            "-l",
            "app=veza-backend",
            "-o",
            "jsonpath={.items[*].metadata.labels.pod-template-hash}",
        ]);
        let mut subject = Subject::new(NAMESPACE, "veza-backend", PodNames::Deployment);
        let hashes = sets.split_whitespace();
        subject.versions = hashes
            .map(|hash| (hash.into(), format!("of {hash}").into()))
            .collect();
        assert!(!subject.versions.is_empty());
        let subjects = [subject];
        let rows = eventually(async || {
            let ask = Ask {
                now: present(),
                scope: &scope,
                subjects: &subjects,
                window: SignedDuration::from_secs(20),
            };
            let rows = prometheus.read(&ask).await.unwrap().result;
            rows.iter()
                .any(|row| row.get(SignalName::P99).value().is_some())
                .then_some(rows)
        })
        .await;
        let versions: Vec<_> = rows.iter().filter(|row| row.part != Part::Whole).collect();
        assert!(!versions.is_empty());
        for row in versions {
            assert!(row.part.name().starts_with("of "), "{row:?}");
        }
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn an_alert_of_the_real_alertmanager_is_heard_until_it_is_silenced() {
    let _turn = Turn::shared();
    run(async {
        let alertmanager = Alertmanager::new(transport("ALERTMANAGER_URL"));
        assert!(!alertmanager.status().await.unwrap().version.is_empty());
        assert_eq!(alertmanager.alerts().await.unwrap().unreadable, 0);
        let now = present();
        let ends = now + SignedDuration::from_mins(1);
        let name = format!("TestOf{}", now.as_millisecond());
        let alert = format!(
            r#"[{{"labels": {{"alertname": "{name}", "severity": "info", "namespace": "{NAMESPACE}", "service": "api"}},
                 "annotations": {{"summary": "a \u001b[31mred\u001b[0m one"}}, "endsAt": "{ends}"}}]"#
        );
        post("/api/v2/alerts", &alert);
        let find = async |heard: bool| {
            let alerts = alertmanager.alerts().await.unwrap().alerts;
            alerts
                .into_iter()
                .find(|alert| *alert.name == *name && alert.heard() == heard)
        };
        let alert = eventually(async || find(true).await).await;
        assert_eq!(alert.service().map(|name| &**name), Some("api"));
        assert_eq!(&**alert.summary(), "a \u{1b}[31mred\u{1b}[0m one");
        let silence = serde_json::json!({
            "matchers": [{ "name": "alertname", "value": name, "isRegex": false, "isEqual": true }],
            "startsAt": now.to_string(), "endsAt": ends.to_string(),
            "createdBy": "tests", "comment": "made by a test",
        });
        let made: serde_json::Value =
            serde_json::from_str(&post("/api/v2/silences", &silence.to_string())).unwrap();
        let id = made["silenceID"].as_str().unwrap();
        let silenced = eventually(async || find(false).await).await;
        let AlertState::Suppressed { silenced_by, .. } = silenced.state else {
            panic!("not suppressed")
        };
        assert!(
            silenced_by.iter().any(|one| **one == *id),
            "{silenced_by:?}"
        );
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_scrapes_of_the_real_prometheus_are_two_seconds_apart_however_young_it_is() {
    let _turn = Turn::shared();
    run(async {
        let prometheus = Prometheus::new(transport("PROMETHEUS_URL"), Vec::new());
        let scope = Scope::Namespace(NAMESPACE.into());
        let apart = prometheus.scrape_interval(&scope, present()).await.unwrap();
        let apart = apart.expect("it has run for a few scrapes");
        assert!((1..=4).contains(&apart.as_secs()), "{apart:?}");
    });
}
