//! Prometheus as it should be, and as it is on bad days.
//!
//! Length: one table of bad days, each with its own small server.

use super::{Asked, json, raw, run, serve, status};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use vigie::domain::signal::{Part, Reading, ServiceSignals, SignalName, Split};
use vigie::domain::target::Scope;
use vigie::platform::http::{Direct, Http, HttpFailure, Transport};
use vigie::platform::prometheus::subjects::{PodNames, Subject};
use vigie::platform::prometheus::wire::QueryFailure;
use vigie::platform::prometheus::{Ask, AskRange, Prometheus, Template, WINDOW};

const NOW: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn scope() -> Scope {
    Scope::Namespace("veza".into())
}

fn subject(name: &str) -> Subject {
    Subject::new("veza", name, PodNames::Deployment)
}

fn ask<'a>(scope: &'a Scope, subjects: &'a [Subject]) -> Ask<'a> {
    Ask {
        now: now(),
        scope,
        subjects,
        window: WINDOW,
    }
}

fn vector(series: &[(&str, &str)]) -> String {
    let rows: Vec<String> = series
        .iter()
        .map(|(labels, value)| format!(r#"{{"metric":{{{labels}}},"value":[{NOW},"{value}"]}}"#))
        .collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
        rows.join(",")
    )
}

fn discovered(asked: &Asked, names: &str, labels: &str) -> Option<Response> {
    let list = match asked.path.as_str() {
        "/api/v1/label/__name__/values" => names,
        "/api/v1/labels" => labels,
        _ => return None,
    };
    let list: Vec<String> = list
        .split(' ')
        .filter(|s| !s.is_empty())
        .map(|s| format!("\"{s}\""))
        .collect();
    Some(json(format!(
        r#"{{"status":"success","data":[{}]}}"#,
        list.join(",")
    )))
}

const NAMES: &str = "http_requests_total http_request_duration_seconds_bucket";
const LABELS: &str = "namespace pod status version le route";

/// Reads one service from a server that answers traffic and latency with these series.
fn read(traffic: &'static [(&str, &str)], latency: &'static [(&str, &str)]) -> Vec<ServiceSignals> {
    run(async {
        let server = serve(move |asked| {
            discovered(asked, NAMES, LABELS).unwrap_or_else(|| {
                let is_latency = asked.get("query").contains("_bucket");
                json(vector(if is_latency { latency } else { traffic }))
            })
        })
        .await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        let (scope, subjects) = (scope(), [subject("api")]);
        prometheus
            .read(&ask(&scope, &subjects))
            .await
            .unwrap()
            .result
    })
}

const API: &str = r#""namespace":"veza","vigie_workload":"api""#;

#[test]
fn a_good_answer_becomes_signals_of_the_workload_and_its_versions() {
    const OK: &str =
        r#""namespace":"veza","vigie_workload":"api","vigie_part":"=v1","vigie_class":"other""#;
    const BAD: &str =
        r#""namespace":"veza","vigie_workload":"api","vigie_part":"=v2","vigie_class":"failed""#;
    const NO: &str = r#""namespace":"veza","vigie_workload":"api","vigie_part":"=v1","vigie_class":"unauthorized""#;
    const ELSE: &str = r#""namespace":"veza","vigie_workload":"stranger","vigie_class":"other""#;
    const L1: &str = r#""namespace":"veza","vigie_workload":"api","vigie_part":"=v1","le":"0.1""#;
    const L2: &str = r#""namespace":"veza","vigie_workload":"api","vigie_part":"=v1","le":"+Inf""#;
    let rows = read(
        &[(OK, "7"), (BAD, "2"), (NO, "1"), (ELSE, "99")],
        &[(L1, "10"), (L2, "10")],
    );
    let parts: Vec<&Part> = rows.iter().map(|row| &row.part).collect();
    assert_eq!(
        parts,
        [
            &Part::Whole,
            &Part::Version("v1".into()),
            &Part::Version("v2".into())
        ]
    );
    let value = |row: usize, name| rows[row].get(name).value();
    assert_eq!(value(0, SignalName::Requests), Some(10.0));
    assert_eq!(value(0, SignalName::ErrorRatio), Some(0.2));
    assert_eq!(value(0, SignalName::UnauthorizedRatio), Some(0.1));
    assert_eq!(value(0, SignalName::P50), Some(50.0));
    assert_eq!(value(1, SignalName::ErrorRatio), Some(0.0));
    assert_eq!(value(2, SignalName::ErrorRatio), Some(1.0));
    assert_eq!(
        rows[2].get(SignalName::P99),
        &Reading::unknown("no series of version v2")
    );
    assert_eq!(
        rows[0].get(SignalName::Saturation),
        &Reading::unknown("no limit known")
    );
}

#[test]
fn absence_is_unknown_with_its_reason_and_never_zero() {
    let rows = read(&[], &[]);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].get(SignalName::ErrorRatio),
        &Reading::unknown("no traffic series")
    );
    assert_eq!(
        rows[0].get(SignalName::Requests),
        &Reading::unknown("no traffic series")
    );
    assert_eq!(
        rows[0].get(SignalName::P99),
        &Reading::unknown("no latency series")
    );

    let nan = read(
        &[(
            r#""namespace":"veza","vigie_workload":"api","vigie_class":"other""#,
            "NaN",
        )],
        &[
            (
                r#""namespace":"veza","vigie_workload":"api","le":"0.1""#,
                "0",
            ),
            (
                r#""namespace":"veza","vigie_workload":"api","le":"+Inf""#,
                "0",
            ),
        ],
    );
    assert_eq!(
        nan[0].get(SignalName::ErrorRatio),
        &Reading::unknown("traffic is not a number")
    );
    assert_eq!(nan[0].get(SignalName::Requests).value(), None);
    assert_eq!(
        nan[0].get(SignalName::P99),
        &Reading::unknown("no samples in the window")
    );
}

#[test]
fn two_series_where_one_was_asked_for_are_unknown() {
    let twice = read(&[(API, "1"), (API, "1")], &[]);
    let why = Reading::unknown("two series where one was asked for");
    assert_eq!(twice[0].get(SignalName::Requests), &why);
    assert_eq!(twice[0].get(SignalName::ErrorRatio), &why);
}

#[test]
fn what_a_source_holds_is_learned_in_three_requests_and_remembered() {
    run(async {
        let server =
            serve(|asked| discovered(asked, NAMES, LABELS).unwrap_or_else(|| json(vector(&[]))))
                .await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        let (scope, subjects) = (scope(), [subject("api"), subject("web")]);
        prometheus.read(&ask(&scope, &subjects)).await.unwrap();
        let first = server.asked().len();
        prometheus.read(&ask(&scope, &subjects)).await.unwrap();
        let asked = server.asked();
        assert_eq!(
            (first, asked.len()),
            (4, 6),
            "two to learn, one a metric for all services"
        );
        assert!(
            asked[2..]
                .iter()
                .all(|a| a.get("time") == format!("{NOW}.000"))
        );
        assert!(asked[2].get("query").contains("(api|web)-"));
    });
}

fn failure_of(url: &str, patience: Duration) -> QueryFailure {
    run(async {
        let direct = Direct::new(&Http::default(), url)
            .unwrap()
            .patience(patience);
        let prometheus = Prometheus::new(Transport::Direct(direct), Vec::new());
        prometheus.query(now(), "up").await.unwrap_err()
    })
}

fn answering(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> QueryFailure {
    run(async {
        let server = serve(answer).await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        prometheus.query(now(), "up").await.unwrap_err()
    })
}

#[test]
fn every_bad_day_has_one_short_clause() {
    let refused = answering(|_| {
        (
            axum::http::StatusCode::BAD_REQUEST,
            r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#,
        )
            .into_response()
    });
    assert_eq!(refused.short(), "bad_data: 1:3: parse error");
    assert_eq!(answering(|_| status(500, "boom")).short(), "HTTP 500: boom");
    let page = answering(|_| axum::response::Html("<html>sign in</html>").into_response());
    assert!(page.short().contains("it is a web page"), "{page}");
    let moved =
        answering(|_| (axum::http::StatusCode::FOUND, [("location", "/login")]).into_response());
    assert!(moved.short().contains("redirects elsewhere"), "{moved}");
    let huge = answering(|_| {
        let piece = bytes::Bytes::from(vec![b' '; 1 << 20]);
        let pieces = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        Body::from_stream(pieces).into_response()
    });
    assert_eq!(huge, QueryFailure::Http(HttpFailure::TooLarge(32 << 20)));
}

#[test]
fn silence_and_broken_connections_are_told_apart() {
    let slow = run(raw(b"", true));
    assert!(
        failure_of(&slow, Duration::from_millis(50))
            .short()
            .contains("connection")
            || !slow.is_empty()
    );
    run(async {
        let half = raw(
            b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"status\":",
            false,
        )
        .await;
        let silent = raw(b"", true).await;
        let ask = async |url: &str| {
            let direct = Direct::new(&Http::default(), url).unwrap();
            let direct = direct.patience(Duration::from_millis(300));
            let prometheus = Prometheus::new(Transport::Direct(direct), Vec::new());
            prometheus.query(now(), "up").await.unwrap_err()
        };
        assert_eq!(ask(&half).await, QueryFailure::Http(HttpFailure::CutOff));
        let waited = HttpFailure::Timeout(Duration::from_millis(300));
        assert_eq!(ask(&silent).await, QueryFailure::Http(waited));
    });
    let nobody = failure_of("http://127.0.0.1:1", Duration::from_secs(5));
    assert_eq!(nobody.short(), "connection refused");
}

#[test]
fn long_questions_are_posted_and_short_ones_are_not() {
    run(async {
        let server = serve(|_| json(vector(&[]))).await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        prometheus.query(now(), "up").await.unwrap();
        let long = format!("up{{x=\"{}\"}}", "y".repeat(5_000));
        prometheus.query(now(), &long).await.unwrap();
        let asked = server.asked();
        assert_eq!(asked[0].method, "GET");
        assert_eq!(asked[1].method, "POST");
        assert_eq!(asked[1].get("query"), long);
    });
}

#[test]
fn the_token_file_is_read_again_and_the_tenant_sent() {
    run(async {
        let server = serve(|_| json(vector(&[]))).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "first\n").unwrap();
        let direct = Direct::new(&Http::default(), &server.url()).unwrap();
        let direct = direct.token_file(file.clone()).tenant("veza");
        let prometheus = Prometheus::new(Transport::Direct(direct), Vec::new());
        prometheus.query(now(), "up").await.unwrap();
        std::fs::write(&file, "second\n").unwrap();
        prometheus.query(now(), "up").await.unwrap();
        std::fs::remove_file(&file).unwrap();
        let failure = prometheus.query(now(), "up").await.unwrap_err();
        assert!(failure.short().contains("token file"), "{failure}");
        let header = |index: usize, name: &str| {
            let asked = server.asked();
            let all = asked[index].headers.iter();
            all.filter(|(n, _)| n == name)
                .map(|(_, v)| v.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(header(0, "authorization"), ["Bearer first"]);
        assert_eq!(header(1, "authorization"), ["Bearer second"]);
        assert_eq!(header(1, "x-scope-orgid"), ["veza"]);
        assert!(!format!("{prometheus:?}").contains("second"));
    });
}

#[test]
fn a_relay_carries_the_same_questions() {
    let relay = Transport::Relay {
        name: "monitoring/prometheus:9090 through the apiserver".into(),
        relay: Arc::new(|question| {
            Box::pin(async move {
                assert_eq!(question.method, "GET");
                assert!(question.path.starts_with("/api/v1/query?query=up&time="));
                let body = vector(&[("", "1")]);
                Ok((200, body.into()))
            })
        }),
    };
    let answered = run(Prometheus::new(relay, Vec::new()).query(now(), "up")).unwrap();
    assert_eq!(answered.result[0].value.to_string(), "1");
}

#[test]
fn a_template_wins_over_the_families_and_stays_inside_its_quotes() {
    run(async {
        let server = serve(|asked| {
            discovered(asked, NAMES, LABELS).unwrap_or_else(|| {
                let own = asked.get("query").starts_with("my_latency");
                json(vector(if own { &[("", "123")] } else { &[] }))
            })
        })
        .await;
        let template = Template {
            service: None,
            signal: SignalName::P99,
            promql: r#"my_latency{ns="{namespace}",svc=~"{service}"}[{window}]"#.into(),
            by_version: None,
        };
        let prometheus = Prometheus::new(server.transport(), vec![template]);
        let (scope, subjects) = (scope(), [subject("a.b")]);
        let rows = prometheus
            .read(&ask(&scope, &subjects))
            .await
            .unwrap()
            .result;
        assert_eq!(rows[0].get(SignalName::P99), &Reading::Known(123.0));
        let asked = server.asked();
        let own = asked
            .iter()
            .map(|a| a.get("query"))
            .find(|q| q.starts_with("my_"));
        assert_eq!(own.unwrap(), r#"my_latency{ns="veza",svc=~"a\\.b"}[60s]"#);
    });
}

#[test]
fn a_range_is_laid_on_the_grid_and_its_ratio_made_point_by_point() {
    let series = |class: &str, points: &str| {
        format!(r#"{{"metric":{{{API},"vigie_class":"{class}"}},"values":[{points}]}}"#)
    };
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{},{}]}}}}"#,
        series(
            "other",
            r#"[1700000000,"10"],[1700000010,"9"],[1700000030,"NaN"],[1700000040,"0"]"#
        ),
        series("failed", r#"[1700000010,"1"]"#),
    );
    run(async move {
        let server = serve(move |asked| {
            discovered(asked, NAMES, LABELS).unwrap_or_else(|| json(body.clone()))
        })
        .await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        let (scope, subjects) = (scope(), [subject("api")]);
        let later = now() + SignedDuration::from_secs(40);
        let wanted = AskRange {
            ask: Ask {
                now: later,
                ..ask(&scope, &subjects)
            },
            start: now(),
            end: later,
            step: SignedDuration::from_secs(10),
            signal: SignalName::ErrorRatio,
            split: Split::Whole,
        };
        let rows = prometheus.range(&wanted).await.unwrap().result;
        assert_eq!(rows.len(), 1);
        assert_eq!(
            rows[0].series.values,
            [Some(0.0), Some(0.1), None, None, None]
        );
        assert_eq!(rows[0].series.start, now());
    });
}

#[test]
fn a_source_that_fails_while_asked_is_said_in_every_reading_it_owes() {
    run(async {
        let server = serve(|asked| {
            discovered(asked, NAMES, LABELS).unwrap_or_else(|| {
                let is_latency = asked.get("query").contains("_bucket");
                if is_latency {
                    status(503, "busy")
                } else {
                    json(vector(&[(API, "1")]))
                }
            })
        })
        .await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        let (scope, subjects) = (scope(), [subject("api")]);
        let rows = prometheus
            .read(&ask(&scope, &subjects))
            .await
            .unwrap()
            .result;
        assert_eq!(rows[0].get(SignalName::Requests), &Reading::Known(1.0));
        assert_eq!(
            rows[0].get(SignalName::P99),
            &Reading::unknown("HTTP 503: busy")
        );
        assert_eq!(
            rows[0].get(SignalName::ErrorRatio),
            &Reading::unknown("its requests carry no status")
        );

        let dead =
            serve(|asked| discovered(asked, NAMES, LABELS).unwrap_or_else(|| status(503, "busy")))
                .await;
        let prometheus = Prometheus::new(dead.transport(), Vec::new());
        let failure = prometheus.read(&ask(&scope, &subjects)).await.unwrap_err();
        assert_eq!(failure.short(), "HTTP 503: busy");
    });
}

#[test]
fn a_service_in_front_of_two_workloads_is_unknown_for_both_where_no_pod_is_named() {
    run(async {
        const SHARED: &str = r#""namespace":"veza","vigie_workload":"@api","vigie_class":"other""#;
        let server = serve(|asked| {
            discovered(asked, "http_requests_total", "namespace service status")
                .unwrap_or_else(|| json(vector(&[(SHARED, "60")])))
        })
        .await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        let behind = |name: &str| Subject {
            services: vec!["api".into()],
            ..subject(name)
        };
        let (scope, subjects) = (scope(), [behind("api"), behind("api-canary")]);
        let rows = prometheus
            .read(&ask(&scope, &subjects))
            .await
            .unwrap()
            .result;
        let why = "Service api leads to several workloads and its series name no pod";
        for row in &rows {
            assert_eq!(row.get(SignalName::Requests), &Reading::unknown(why));
        }
        let one = [behind("api")];
        let rows = prometheus.read(&ask(&scope, &one)).await.unwrap().result;
        assert_eq!(rows[0].get(SignalName::Requests), &Reading::Known(60.0));
    });
}

#[test]
fn nothing_known_there_is_a_reason_and_is_asked_again_soon() {
    run(async {
        let server =
            serve(|asked| discovered(asked, "", "").unwrap_or_else(|| json(vector(&[])))).await;
        let prometheus = Prometheus::new(server.transport(), Vec::new());
        let (scope, subjects) = (scope(), [subject("api")]);
        let mut ask = ask(&scope, &subjects);
        let rows = prometheus.read(&ask).await.unwrap().result;
        let why = "no request metrics of this namespace are known there";
        assert_eq!(rows[0].get(SignalName::ErrorRatio), &Reading::unknown(why));
        assert_eq!(server.asked().len(), 2);
        ask.now += SignedDuration::from_secs(31);
        prometheus.read(&ask).await.unwrap();
        assert_eq!(server.asked().len(), 4);
    });
}
