//! What there is: `series`, `labels`, label values, `metadata`, `targets`, `status/buildinfo`, and each pod's own
//! metrics page.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::alerts::rfc3339;
use super::answer::{bad_data, bad_parameter, labels, success};
use super::form::{Form, moment};
use crate::sim::ledger::{Ledger, PodKey};
use crate::sim::promql::ast::{Selector, Shift};
use crate::sim::promql::labels::{Labels, Matcher, NAME};
use crate::sim::promql::parse::parse_selector;
use crate::sim::promql::relabel::is_label;
use crate::sim::promql::value::Store;
use crate::sim::series::scrape::{PERIOD, Scrapes};
use crate::sim::series::{FAMILIES, LedgerStore, Source, exposition};

type Refusal = Box<Response>;

/// The label sets that the request's `match[]` choose in its stretch of time.
fn matched(source: &Source, form: &Form) -> Result<BTreeSet<Labels>, Refusal> {
    let time = |name: &str, default: i64| match form.get(name) {
        "" => Ok(default),
        text => moment(text).map_err(|error| Box::new(bad_parameter(name, &error))),
    };
    let (start, end) = (time("start", 0)?, time("end", source.now_ms())?);
    let mut selectors = Vec::new();
    for text in form.all("match[]") {
        let refused = |error: crate::sim::promql::ast::Error| {
            Box::new(bad_parameter("match[]", &error.sentence(text)))
        };
        selectors.push(parse_selector(text).map_err(refused)?);
    }
    if selectors.is_empty() {
        let any = Matcher::new(NAME, "!=", "").map_err(|error| Box::new(bad_data(&error)))?;
        selectors.push(Selector {
            id: 0,
            matchers: vec![any],
            shift: Shift::default(),
        });
    }
    let (seed, now_ms) = (source.seed(), source.now_ms());
    let mut found = BTreeSet::new();
    source.with_ledger(&mut |ledger| {
        let store = LedgerStore {
            ledger,
            seed,
            now_ms,
        };
        let series = selectors
            .iter()
            .flat_map(|selector| store.select(selector, start, end));
        found = series.map(|series| series.labels().clone()).collect();
    });
    Ok(found)
}

/// Answers `series`.
pub async fn series(State(source): State<Source>, form: Form) -> Response {
    if form.all("match[]").next().is_none() {
        return bad_data("no match[] parameter provided");
    }
    match matched(&source, &form) {
        Ok(found) => success(found.iter().map(labels).collect::<Vec<_>>().into()),
        Err(refusal) => *refusal,
    }
}

/// Answers `labels`.
pub async fn label_names(State(source): State<Source>, form: Form) -> Response {
    match matched(&source, &form) {
        Ok(found) => {
            let names: BTreeSet<&str> = found
                .iter()
                .flat_map(|own| own.iter().map(|(name, _)| name))
                .collect();
            success(json!(names))
        }
        Err(refusal) => *refusal,
    }
}

/// Answers `label/NAME/values`.
pub async fn label_values(
    State(source): State<Source>,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    if !is_label(&name) {
        return bad_data(&format!("invalid label name: {name:?}"));
    }
    match matched(&source, &form) {
        Ok(found) => {
            let values: BTreeSet<&str> = found
                .iter()
                .map(|own| own.get(&name))
                .filter(|v| !v.is_empty())
                .collect();
            success(json!(values))
        }
        Err(refusal) => *refusal,
    }
}

/// Answers `metadata`.
pub async fn metadata(form: Form) -> Response {
    let wanted = form.get("metric");
    let families = FAMILIES
        .iter()
        .filter(|family| family.name != "up" && (wanted.is_empty() || family.name == wanted));
    let entry = |family: &crate::sim::series::Family| {
        let entry = json!([{"type": family.kind, "help": family.help, "unit": ""}]);
        (family.name.to_owned(), entry)
    };
    success(Json::Object(families.map(entry).collect::<Map<_, _>>()))
}

/// Answers `status/buildinfo`: the release whose behaviour is followed.
pub async fn build_info() -> Response {
    success(json!({
        "version": "2.42.0",
        "revision": "simulated",
        "branch": "simulated",
        "buildUser": "vigie",
        "buildDate": "20230131-00:00:00",
        "goVersion": "none",
    }))
}

/// Answers `targets`.
pub async fn targets(State(source): State<Source>, form: Form) -> Response {
    let now = source.now_ms();
    let mut active = Vec::new();
    if form.get("state") != "dropped" {
        source.with_ledger(&mut |ledger| active = active_targets(ledger, now));
    }
    success(json!({"activeTargets": active, "droppedTargets": []}))
}

fn active_targets(ledger: &Ledger, now: i64) -> Vec<Json> {
    let alive = ledger.pods.iter().filter(|(_, track)| {
        track.began_ms <= now && track.ended_ms.is_none_or(|ended| ended > now)
    });
    alive
        .map(|(key, track)| target(key, track, ledger, now))
        .collect()
}

fn target(key: &PodKey, track: &crate::sim::ledger::Track, ledger: &Ledger, now: i64) -> Json {
    let scrapes = Scrapes::new(key, track, ledger, now);
    let newest = scrapes.newest(now);
    let health = match newest {
        None => "unknown",
        Some(at) if scrapes.silent(at) => "down",
        Some(_) => "up",
    };
    let error = if health == "down" {
        "server returned HTTP status 503 Service Unavailable"
    } else {
        ""
    };
    let address = format!("{}:8080", key.pod);
    let url = format!("http://{address}/metrics");
    let own = Labels::new([
        ("instance", address.as_str()),
        ("job", "pods"),
        ("namespace", &key.namespace),
        ("pod", &key.pod),
        ("service", &track.service),
        ("version", &track.version),
    ]);
    json!({
        "discoveredLabels": {"__address__": address, "__metrics_path__": "/metrics", "__scheme__": "http", "job": "pods"},
        "labels": labels(&own),
        "scrapePool": "pods",
        "scrapeUrl": url,
        "globalUrl": url,
        "lastError": error,
        "lastScrape": newest.map_or("0001-01-01T00:00:00Z".to_owned(), rfc3339),
        "lastScrapeDuration": 0.003,
        "health": health,
        "scrapeInterval": format!("{}s", PERIOD / 1000),
        "scrapeTimeout": format!("{}s", PERIOD / 1000),
    })
}

/// Answers a pod's own metrics page.
pub async fn pod_metrics(
    State(source): State<Source>,
    Path((namespace, pod)): Path<(String, String)>,
) -> Response {
    let key = PodKey { namespace, pod };
    let (now, seed) = (source.now_ms(), source.seed());
    let mut page = None;
    let mut known = false;
    source.with_ledger(&mut |ledger| {
        known = ledger.pods.contains_key(&key);
        page = exposition(ledger, &key, seed, now);
    });
    match page {
        Some(text) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        None if known => (StatusCode::SERVICE_UNAVAILABLE, "no answer\n").into_response(),
        None => (StatusCode::NOT_FOUND, "no such pod\n").into_response(),
    }
}
