//! The queries that are shown and copied give the same values as the lines they stand for, asked of the simulated Prometheus.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use vigie::domain::signal::{Part, SignalName, SignalSeries, Split};
use vigie::domain::target::Scope;
use vigie::platform::http::{Direct, Http, Transport};
use vigie::platform::prometheus::subjects::{PodNames, Subject};
use vigie::platform::prometheus::{Ask, AskRange, Prometheus, WINDOW};
use vigie::sim::scenario::Scenario;

struct Source {
    prometheus: Prometheus,
    now: Timestamp,
    subjects: [Subject; 1],
    _running: vigie::sim::Running,
}

async fn source() -> Source {
    let running = crate::sim::still(Scenario::BadRelease, 150).await;
    let direct = Direct::new(&Http::default(), &running.prometheus).unwrap();
    let mut source = Source {
        prometheus: Prometheus::new(Transport::Direct(direct), Vec::new()),
        now: Timestamp::from_millisecond(running.clock().now_ms()).unwrap(),
        subjects: [Subject::new(
            vigie::sim::NAMESPACE,
            "veza-backend",
            PodNames::Deployment,
        )],
        _running: running,
    };
    let pods = source.lines(SignalName::Requests, Split::Pod).await;
    let hash = |line: &SignalSeries| -> Arc<str> {
        let pod = line.part.name().rsplit('-').nth(1).unwrap();
        pod.into()
    };
    let mut hashes: Vec<Arc<str>> = pods.iter().map(hash).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 2, "an old and a new revision served");
    let named = |hash: Arc<str>| (hash.clone(), Arc::from(format!("release {hash}")));
    source.subjects[0].versions = hashes.into_iter().map(named).collect();
    source
}

impl Source {
    fn ask<'a>(&'a self, scope: &'a Scope) -> Ask<'a> {
        Ask {
            now: self.now,
            scope,
            subjects: &self.subjects,
            window: WINDOW,
        }
    }

    async fn lines(&self, signal: SignalName, split: Split) -> Vec<SignalSeries> {
        let scope = Scope::Namespace(vigie::sim::NAMESPACE.into());
        let range = AskRange {
            ask: self.ask(&scope),
            start: self.now - SignedDuration::from_mins(5),
            end: self.now,
            step: SignedDuration::from_secs(15),
            signal,
            split,
        };
        self.prometheus.range(&range).await.unwrap().result
    }

    /// What a query says at the last moment of a line.
    async fn said(&self, line: &SignalSeries) -> Option<f64> {
        let at = line.series.at(line.series.values.len() - 1);
        let answered = self.prometheus.query(at, &line.query).await;
        let answered = answered.unwrap_or_else(|why| panic!("{}: {why}", line.query));
        assert!(answered.result.len() <= 1, "one line: {}", line.query);
        answered.result.first().map(|sample| sample.value)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_that_is_shown_gives_the_line_it_stands_for() {
    let source = source().await;
    let mut compared = 0;
    for split in [Split::Whole, Split::Version, Split::Pod, Split::Route] {
        for signal in SignalName::ALL {
            for line in source.lines(signal, split).await {
                assert!(!line.query.is_empty() && !line.query.contains("vigie_workload"));
                let shown = line.series.values.last().copied().flatten();
                let said = source.said(&line).await.filter(|value| value.is_finite());
                let name = format!("{signal} {:?} of {split:?}: {}", line.part, line.query);
                match (shown, said) {
                    (Some(shown), Some(said)) => {
                        let apart = (shown - said).abs() / shown.abs().max(1e-9);
                        assert!(apart < 1e-6, "{shown} and {said}: {name}");
                        compared += 1;
                    }
                    (None, _) => {}
                    (shown, said) => panic!("{shown:?} and {said:?}: {name}"),
                }
            }
        }
    }
    assert!(compared > 20, "{compared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn use_of_memory_and_of_processors_are_told_apart_and_the_worst_speaks() {
    let source = source().await;
    let lines = source.lines(SignalName::Saturation, Split::Whole).await;
    let of = |part: &Part| {
        let line = lines.iter().find(|line| line.part == *part);
        line.and_then(|line| line.series.last()).unwrap()
    };
    let (memory, cpu) = (
        of(&Part::Resource("memory".into())),
        of(&Part::Resource("cpu".into())),
    );
    assert!((of(&Part::Whole) - memory.max(cpu)).abs() < 1e-9);
    let scope = Scope::Namespace(vigie::sim::NAMESPACE.into());
    let now = source.prometheus.read(&source.ask(&scope)).await.unwrap();
    let whole = now
        .result
        .iter()
        .find(|row| row.part == Part::Whole)
        .unwrap();
    let detail = whole.detail;
    let used = whole.get(SignalName::Saturation).value().unwrap();
    assert!((used - detail.memory.unwrap().max(detail.cpu.unwrap())).abs() < 1e-9);
    assert_eq!(detail.throttled, None, "what is not told is not zero");
    let p99 = whole.get(SignalName::P99).value().unwrap();
    let (lower, upper) = detail.p99_between.unwrap();
    assert!(lower <= p99 && p99 <= upper, "{lower} {p99} {upper}");
    let count = whole.requests().unwrap();
    assert!(count > 1000.0, "{count} requests in a minute");
}

#[tokio::test]
async fn how_far_apart_scrapes_are_is_learned_from_the_densest_stretch() {
    let source = source().await;
    let everywhere = Scope::All;
    let apart = source.prometheus.scrape_interval(&everywhere, source.now);
    let apart = apart.await.unwrap().unwrap();
    assert!((4..=6).contains(&apart.as_secs()), "{apart:?}");
}
