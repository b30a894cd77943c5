//! Every line of the customer's guide and plans that speaks of deploying stands in the deployment checklist, each where it is
//! settled; and every item of the checklist comes from there or says here what it is for.

use std::collections::BTreeSet;
use vigie::runbook::model::{Evidence, StepKind};
use vigie::runbook::{Runbook, SHIPPED, format};

/// Where a line is settled: a step's item, or a step itself.
type Place = (&'static str, &'static str);

/// The lines: their number, what they say, and where they are settled.
const ROWS: [(&str, &str, &[Place]); 32] = [
    (
        "S1-019",
        "alerting is configured before going to production",
        &[("before", "alerting")],
    ),
    (
        "S1-043",
        "the database's maintenance window, mon:04:00-mon:05:00",
        &[("before", "window")],
    ),
    ("S1-051", "GET /health answers 200", &[("during", "health")]),
    (
        "S1-062",
        "pod security: non-root, no escalation, drop ALL, read-only root",
        &[("before", "hardened")],
    ),
    ("S1-072", "make test-all", &[("before", "tests")]),
    ("S1-073", "make security-scan", &[("before", "scan")]),
    (
        "S1-077",
        "npm run test:e2e on staging",
        &[("before", "staging")],
    ),
    (
        "S1-086",
        "the channel hears how it ended, and of which commit",
        &[("after", "slack")],
    ),
    (
        "S1-112",
        "ConfigMap veza-backend-config",
        &[("before", "config")],
    ),
    ("S1-152", "before 1: all tests pass", &[("before", "tests")]),
    (
        "S1-153",
        "before 2: security scan, nothing critical",
        &[("before", "scan")],
    ),
    (
        "S1-154",
        "before 3: migrations tested in staging",
        &[("before", "migrations")],
    ),
    (
        "S1-155",
        "before 4: rollback plan",
        &[("before", "way-back")],
    ),
    (
        "S1-156",
        "before 5: monitoring dashboards ready",
        &[("before", "dashboards")],
    ),
    (
        "S1-157",
        "before 6: on-call engineer notified",
        &[("before", "on-call")],
    ),
    (
        "S1-158",
        "before 7: deployment window, low traffic",
        &[("before", "low-traffic"), ("before", "window")],
    ),
    (
        "S1-159",
        "during 1: error rates",
        &[("during", "errors"), ("watch", "")],
    ),
    (
        "S1-160",
        "during 2: response times (p95, p99)",
        &[("during", "p95"), ("during", "p99"), ("watch", "")],
    ),
    (
        "S1-161",
        "during 3: logs for errors",
        &[("during", "logs"), ("during", "restarts")],
    ),
    (
        "S1-162",
        "during 4: migrations applied",
        &[("during", "migrated")],
    ),
    (
        "S1-163",
        "during 5: critical user flows",
        &[("during", "flows")],
    ),
    (
        "S1-164",
        "after 1: all services healthy",
        &[("after", "healthy")],
    ),
    ("S1-165", "after 2: smoke tests", &[("after", "smoke")]),
    (
        "S1-166",
        "after 3: monitor for 30 minutes",
        &[("watch", "")],
    ),
    (
        "S1-167",
        "after 4: deployment log",
        &[("after", "log"), ("record", "")],
    ),
    (
        "S1-168",
        "after 5: stakeholders",
        &[("after", "stakeholders")],
    ),
    (
        "S1-183",
        "findings of the audit of 2026-03-04 are blocking",
        &[("before", "audit-findings")],
    ),
    ("S2-076", "scan: critical blocks", &[("before", "scan")]),
    ("S2-077", "scan: high blocks", &[("before", "scan")]),
    (
        "S2-078",
        "scan: medium with approval",
        &[("before", "medium")],
    ),
    ("S2-079", "scan: low passes", &[("before", "scan")]),
    (
        "S3-001",
        "the pipeline of the very commit is red",
        &[("before", "tests")],
    ),
];

/// Items that no line names: the program looks, since what they find has ended releases.
const OURS: [(&str, &str); 10] = [
    ("before", "quiet"),
    ("before", "settled"),
    ("before", "pinned"),
    ("before", "replicas"),
    ("before", "resources"),
    ("before", "budget"),
    ("during", "rollout"),
    ("during", "image"),
    ("after", "still-quiet"),
    ("during", "restarts"),
];

/// What the platform can answer, so that nobody has to.
const SEEN: [(&str, &str); 15] = [
    ("before", "way-back"),
    ("before", "dashboards"),
    ("before", "alerting"),
    ("before", "window"),
    ("before", "hardened"),
    ("before", "config"),
    ("during", "rollout"),
    ("during", "errors"),
    ("during", "p95"),
    ("during", "p99"),
    ("during", "restarts"),
    ("during", "health"),
    ("after", "healthy"),
    ("after", "still-quiet"),
    ("before", "quiet"),
];

fn book() -> Runbook {
    let mut shipped = SHIPPED.iter().filter(|one| one.id == "deploy-checklist");
    let shipped = shipped.next().unwrap();
    format::parse(shipped.file, shipped.text).unwrap()
}

fn items(book: &Runbook) -> Vec<(String, String, Vec<Evidence>)> {
    let mut all = Vec::new();
    for step in &book.steps {
        if let StepKind::Checklist { items, .. } = &step.kind {
            let each = items.iter();
            all.extend(each.map(|item| (step.id.clone(), item.id.clone(), item.evidence.clone())));
        }
    }
    all
}

#[test]
fn each_line_of_the_customer_s_texts_is_settled_somewhere() {
    let book = book();
    let items = items(&book);
    let ids: BTreeSet<&str> = ROWS.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids.len(), 32, "each line once");
    for (id, says, places) in ROWS {
        assert!(!places.is_empty(), "{id}");
        for (step, item) in places {
            let there = match *item {
                "" => book.steps.iter().any(|one| one.id == *step),
                item => items.iter().any(|(at, one, _)| at == step && one == item),
            };
            assert!(there, "{id} ({says}): there is no {step}.{item}");
        }
    }
    let named = |step: &str, item: &str| {
        let mut places = ROWS.iter().flat_map(|(.., places)| places.iter());
        places.any(|place| *place == (step, item)) || OURS.contains(&(step, item))
    };
    for (step, item, _) in &items {
        assert!(named(step, item), "{step}.{item} comes from nowhere");
    }
}

#[test]
fn where_the_platform_can_answer_it_is_asked_first() {
    let items = items(&book());
    for (step, item) in SEEN {
        let found = items.iter().find(|(at, one, _)| at == step && one == item);
        let (.., evidence) = found.unwrap_or_else(|| panic!("there is no {step}.{item}"));
        assert_eq!(evidence.first(), Some(&Evidence::Auto), "{step}.{item}");
    }
    // Nobody's word settles what a pipeline knows.
    let tests = items.iter().find(|(_, one, _)| one == "tests").unwrap();
    assert_eq!(tests.2, [Evidence::Link]);
}

#[test]
fn half_an_hour_is_watched_unless_somebody_says_otherwise() {
    let book = book();
    let hold = book.param("hold").unwrap();
    assert_eq!(
        hold.default.as_ref().and_then(|value| value.as_str()),
        Some("30m")
    );
}
