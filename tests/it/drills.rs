//! Drills from the opening page to the last, with a console that nobody sits at: every shipped runbook, the twists, the
//! wrong turns, and the pages at three sizes.

mod by_hand;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vigie::app::App;
use vigie::app::command::Command;
use vigie::app::drill::Drill;
use vigie::app::drill::cases::{Case, Goal, choose, fitting};
use vigie::app::runs::order::RunRequest;
use vigie::app::screen::Screen;
use vigie::cli::drill::scenario;
use vigie::domain::object::ObjectRef;
use vigie::runbook::SHIPPED;
use vigie::runbook::machine::Answers;
use vigie::sim::{self, NAMESPACE};

use crate::seat::Seat;

/// A drill at a console that nobody sits at.
struct Bench {
    seat: Seat,
}

impl std::ops::Deref for Bench {
    type Target = Seat;

    fn deref(&self) -> &Seat {
        &self.seat
    }
}

impl std::ops::DerefMut for Bench {
    fn deref_mut(&mut self) -> &mut Seat {
        &mut self.seat
    }
}

impl Bench {
    async fn new(runbook: Option<&str>, seed: u64) -> Self {
        let case = choose(runbook, seed);
        let options = sim::Options {
            scenario: scenario(case.stage),
            seed,
            advance: Duration::from_secs(150),
            speed: 0.0,
            ..sim::Options::default()
        };
        let drill = Drill::new(case, runbook.map(Arc::from), seed, true);
        let seat = Seat::new(options, |app| app.open_drill(drill)).await;
        Self { seat }
    }

    /// Past the opening page, until the trouble is seen where there is one.
    async fn begin(&mut self) {
        self.obey(Command::Enter);
        let case = self.case();
        self.until("the platform is known", App::settled).await;
        if case.goal == Goal::Recover {
            let hurt = |app: &App| {
                let level = app.headline.level;
                level == vigie::domain::verdict::Level::Failing
            };
            self.until("it fails", hurt).await;
        }
    }

    fn case(&self) -> &'static Case {
        self.app.drill.as_ref().unwrap().case
    }

    /// Begins a run that asks nothing.
    fn start(&mut self, runbook: &str, set: &[(&str, &str)]) {
        let params: BTreeMap<String, String> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.obey(Command::StartRun(Box::new(RunRequest {
            unattended: true,
            answers: Answers {
                confirm: vec![NAMESPACE.into()],
                yes: true,
                reason: Some("a rehearsal".into()),
                ..Answers::default()
            },
            ..RunRequest::new(runbook, params)
        })));
    }

    fn pod(&self, workload: &str) -> String {
        let pods = self.app.cluster.pods.iter();
        let mut names: Vec<String> = pods
            .map(|pod| pod.name.to_string())
            .filter(|name| name.starts_with(workload))
            .collect();
        names.sort();
        names[0].clone()
    }

    /// The last page, whole at three sizes.
    fn last_page(&self) -> String {
        assert_eq!(self.app.here().screen, Screen::Drill);
        let [small, usual, large] = [(80, 24), (120, 40), (200, 60)].map(|(width, height)| {
            let picture = self.picture(width, height);
            assert_eq!(picture.lines().count(), usize::from(height));
            picture
        });
        for wanted in ["acknowledge", "diagnosis"] {
            assert!(small.contains(wanted) && large.contains(wanted), "{small}");
        }
        assert!(
            usual.contains("the shortest") && usual.contains("your path"),
            "{usual}"
        );
        for picture in [&small, &usual, &large] {
            assert!(!picture.contains(self.case().id), "{picture}");
        }
        usual
    }
}

/// Two seeds of a runbook's drills, for two cases where it has two.
fn two_seeds(runbook: &str, wanted: [&str; 2]) -> [u64; 2] {
    let seed = |id: &str, from: u64| {
        (from..500)
            .find(|seed| choose(Some(runbook), *seed).id == id)
            .unwrap_or_else(|| panic!("{runbook}: no seed for {id}"))
    };
    let first = seed(wanted[0], 1);
    [first, seed(wanted[1], first + 1)]
}

/// Looks at the evidence and begins what helps; the drill ends by itself.
async fn solved(runbook: &str, seed: u64) -> Bench {
    let mut bench = Bench::new(Some(runbook), seed).await;
    let opening = bench.picture(80, 24);
    assert!(
        opening.contains("on call") && !opening.contains("FAILING"),
        "{opening}"
    );
    bench.begin().await;
    let case = bench.case();
    let subject = ObjectRef::new("Deployment", NAMESPACE, case.subject);
    bench.obey(Command::Open(Screen::Signals(subject)));
    let helps = case.cures.iter().find(|cure| cure.runbook == runbook);
    if let Some(cure) = helps.or(case.cures.first()) {
        let pod = bench.pod(case.subject);
        let mut set = match cure.runbook {
            "delete-pod" | "evict-pod" => vec![("pod", pod.as_str())],
            "jwt-rotate" => vec![("hold", "10s"), ("refresh_ttl", "7d")],
            "scale" => vec![("workload", case.subject), ("replicas", "5")],
            "rollback" => vec![("workload", case.subject), ("hold", "15s")],
            _ => vec![("workload", case.subject)],
        };
        set.extend(cure.with);
        bench.start(cure.runbook, &set);
    }
    bench
        .until("the drill is over", |app| {
            let drill = app.drill.as_ref().unwrap();
            let waits = app.runs.ask().is_some();
            drill.ended.is_some() || waits
        })
        .await;
    bench
}

/// The runbooks that change something, with two seeds each.
const TWICE: [(&str, [&str; 2]); 6] = [
    ("rollback", ["bad-release", "slow-dependency"]),
    ("restart", ["stuck-pool", "slow-dependency"]),
    ("scale", ["rush", "slow-dependency"]),
    ("delete-pod", ["stuck-pod", "stuck-pod"]),
    ("evict-pod", ["stuck-pod", "stuck-pod"]),
    ("jwt-rotate", ["key-due", "key-leaked"]),
];

#[test]
fn every_shipped_runbook_has_a_drill_of_its_own() {
    for shipped in SHIPPED {
        let own = fitting(Some(shipped.id));
        assert!(
            own.iter().any(|case| case.fits.contains(&shipped.id)),
            "{}",
            shipped.id
        );
        let drilled = TWICE.iter().any(|(id, _)| *id == shipped.id);
        // These two ask a person for most of what they do: `by_hand` plays them.
        let by_hand = ["deploy-checklist", "incident"].contains(&shipped.id);
        assert!(drilled || by_hand, "{}", shipped.id);
    }
}

async fn twice(runbook: &str) {
    let (_, cases) = TWICE.iter().find(|(id, _)| *id == runbook).unwrap();
    for seed in two_seeds(runbook, *cases) {
        let bench = solved(runbook, seed).await;
        let drill = bench.app.drill.as_ref().unwrap();
        assert!(
            drill.marks.reached.is_some() && drill.marks.turns.is_empty(),
            "{}: {:#?}\n{}",
            drill.case.id,
            drill.marks,
            bench.picture(120, 40)
        );
        assert!(bench.last_page().contains("no wrong turns"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_rehearsed() {
    twice("rollback").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_rehearsed() {
    twice("restart").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_is_rehearsed() {
    twice("scale").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_pod_is_rehearsed() {
    twice("delete-pod").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evicting_a_pod_is_rehearsed() {
    twice("evict-pod").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_rehearsed_and_its_week_passes_at_once() {
    twice("jwt-rotate").await;
}
