//! The two that ask a person for most of what they do, and the Secret that somebody else keeps: each played to its last page,
//! where the figures are those of what was done.

use super::{Bench, NAMESPACE, choose};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use vigie::app::command::Command;
use vigie::app::drill::score::{Score, score};
use vigie::app::runs::order::RunRequest;
use vigie::app::screen::Screen;
use vigie::domain::incident::{Incident, Stage};
use vigie::domain::object::ObjectRef;
use vigie::runbook::machine::{Answers, RunState};

fn seed(runbook: &str, case: &str) -> u64 {
    let mut seeds = 1..500;
    let found = seeds.find(|seed| choose(Some(runbook), *seed).id == case);
    found.unwrap_or_else(|| panic!("{runbook}: no seed for {case}"))
}

fn pairs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let each = all.iter();
    each.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

impl Bench {
    /// Begins a run whose questions are answered beforehand.
    fn play(&mut self, runbook: &str, set: &[(&str, &str)], answers: &[(&str, &str)]) {
        self.obey(Command::StartRun(Box::new(RunRequest {
            unattended: true,
            answers: Answers {
                confirm: vec![NAMESPACE.into()],
                yes: true,
                reason: Some("a rehearsal".into()),
                step: pairs(answers),
                ..Answers::default()
            },
            ..RunRequest::new(runbook, pairs(set))
        })));
    }

    async fn over(&mut self) {
        self.until("the drill is over", |app| {
            let drill = app.drill.as_ref().unwrap();
            drill.ended.is_some() || app.runs.ask().is_some()
        })
        .await;
    }

    fn score(&self) -> Score {
        let drill = self.app.drill.as_ref().unwrap();
        assert!(drill.ended.is_some(), "{}", self.picture(120, 40));
        let book = self.app.runs.book(self.case().read);
        score(
            drill,
            book.and_then(|book| book.book.as_ref().ok())
                .map(|book| &**book),
        )
    }

    /// The seconds of a figure on the last page.
    fn took(&self, what: &str) -> i64 {
        let score = self.score();
        let time = score.times.iter().find(|time| time.what == what);
        let took = time.and_then(|time| time.took);
        took.unwrap_or_else(|| panic!("{what} was not measured: {:#?}", score.times))
            .as_secs()
    }

    fn incident(&self) -> &Incident {
        self.app.incident_shown().unwrap()
    }

    fn ended_well(&self) {
        let run = self.app.runs.present.as_deref().unwrap();
        let end = run.ledger().end.as_ref();
        assert_eq!(
            end.map(|end| end.state),
            Some(RunState::Succeeded),
            "{}",
            self.picture(120, 40)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_rehearsed_from_its_page_to_its_mitigation() {
    let mut bench = Bench::new(Some("incident"), seed("incident", "bad-release")).await;
    bench.begin().await;
    bench
        .until("the alert is heard", |app| {
            !app.alerts.is_empty() && app.incidents.known
        })
        .await;
    bench.obey(Command::Open(Screen::Alerts));
    // What is acknowledged without an incident opens one; three fields are there already.
    bench.obey(Command::Incident(
        vigie::app::incidents::order::Wish::Acknowledge,
    ));
    for _ in 0..3 {
        bench.obey(Command::Enter);
    }
    bench
        .until("the incident is open", |app| app.incident().is_some())
        .await;
    assert!(
        bench.incident().acknowledged.is_some(),
        "{:#?}",
        bench.incident()
    );
    bench.obey(Command::Open(Screen::Signals(ObjectRef::new(
        "Deployment",
        NAMESPACE,
        "veza-backend",
    ))));
    bench.play(
        "incident",
        &[
            ("workload", "veza-backend"),
            (
                "message",
                "one request in five fails since the release; we go back",
            ),
            ("cause", "the release of veza-backend"),
            ("hold", "15s"),
        ],
        &[
            ("severity", "P1"),
            ("breach", "no"),
            ("ready.commander", "attest:named"),
            ("ready.scribe", "attest:named"),
            ("ready.bridge", "na:alone in a rehearsal"),
            ("way", "rollback"),
        ],
    );
    bench.over().await;
    bench.ended_well();
    let score = bench.score();
    assert!(score.reached && score.turns.is_empty(), "{score:#?}");
    let (noticed, diagnosed) = (bench.took("acknowledge"), bench.took("diagnosis"));
    let (recovered, mitigated) = (bench.took("recovery"), bench.took("mitigation"));
    assert!(noticed <= diagnosed && diagnosed <= recovered, "{score:#?}");
    assert!(
        mitigated <= recovered,
        "counted from the decision: {score:#?}"
    );
    // The incident's file has the same story, though it may be read a little later.
    bench
        .until("the mitigation is in the incident", |app| {
            app.incident_shown()
                .is_some_and(|incident| incident.mitigated.is_some())
        })
        .await;
    let incident = bench.incident();
    assert_eq!(incident.severity().word(), "P1");
    assert_eq!(incident.breach_said, Some(false));
    let runs: Vec<&str> = incident
        .runs
        .iter()
        .map(|(_, book)| book.as_str())
        .collect();
    assert_eq!(runs, ["incident"]);
    assert!(incident.stage() >= Stage::Notify, "{:?}", incident.stage());
    assert!(bench.last_page().contains("no wrong turns"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_restarts_a_bad_release_hears_that_it_was_a_wrong_turn() {
    let mut bench = Bench::new(Some("incident"), seed("incident", "bad-release")).await;
    bench.begin().await;
    bench
        .until("its incidents are read", |app| app.incidents.known)
        .await;
    bench.obey(Command::Incident(vigie::app::incidents::order::Wish::Open));
    for _ in 0..3 {
        bench.obey(Command::Enter);
    }
    bench
        .until("the incident is open", |app| app.incident().is_some())
        .await;
    bench.play(
        "incident",
        &[
            ("workload", "veza-backend"),
            ("cause", "?"),
            ("hold", "15s"),
            ("message", "m"),
        ],
        &[("severity", "P2"), ("breach", "no"), ("way", "restart")],
    );
    bench
        .until("the turn is seen", |app| {
            !app.drill.as_ref().unwrap().marks.turns.is_empty()
        })
        .await;
    let drill = bench.app.drill.as_ref().unwrap();
    assert!(drill.marks.decided.is_none(), "{:#?}", drill.marks);
    assert!(
        drill.marks.turns[0].told.contains("whichever pod runs it"),
        "{:#?}",
        drill.marks.turns
    );
    // The run's facts and the incident's file are followed each for itself: the turn may be seen first.
    bench
        .until("what the run found is in the incident", |app| {
            app.incident()
                .is_some_and(|incident| incident.assessed.is_some())
        })
        .await;
    // Found lower than it stands, it stays: that is the commander's to say.
    assert_eq!(bench.incident().severity().word(), "P1");
}

/// What a person settles of the checklist; what the platform sees is not among it.
const SETTLED: [(&str, &str); 15] = [
    ("before.tests", "link:https://ci.example/1"),
    ("before.staging", "link:https://ci.example/2"),
    ("before.scan", "link:https://ci.example/3"),
    ("before.medium", "na:none"),
    ("before.audit-findings", "attest:looked through"),
    ("before.migrations", "na:none"),
    ("before.on-call", "attest:told"),
    ("before.low-traffic", "attest:tonight"),
    ("during.logs", "attest:searched"),
    ("during.migrated", "na:none"),
    ("during.flows", "attest:tried"),
    ("after.smoke", "attest:passed"),
    ("after.log", "link:https://log.example/1"),
    ("after.slack", "na:a rehearsal"),
    ("after.stakeholders", "attest:told"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_checklist_is_rehearsed_and_what_is_false_is_not_ticked_away() {
    let mut bench = Bench::new(
        Some("deploy-checklist"),
        seed("deploy-checklist", "not-ready"),
    )
    .await;
    bench.begin().await;
    bench.play(
        "deploy-checklist",
        &[("workload", "veza-backend"), ("hold", "10s")],
        &SETTLED,
    );
    bench
        .until("it waits for a person", |app| {
            app.runs.ask().is_some() || app.drill.as_ref().unwrap().ended.is_some()
        })
        .await;
    let run = bench.app.runs.present.as_deref().unwrap();
    let ask = run
        .ask()
        .unwrap_or_else(|| panic!("{}", bench.picture(120, 40)));
    let open = format!("{ask:?}");
    assert!(open.contains("hardened"), "what is false waits: {open}");
    let drill = bench.app.drill.as_ref().unwrap();
    assert!(drill.marks.decided.is_some() && drill.marks.reached.is_none());
    assert!(drill.marks.turns.is_empty(), "{:#?}", drill.marks.turns);
    // Ended there, with what is false in the record: that is the right end.
    bench.obey(Command::AbandonRun {
        reason: "pods may run as root: not tonight".into(),
    });
    bench
        .until("the drill is over", |app| {
            app.drill.as_ref().unwrap().ended.is_some()
        })
        .await;
    let score = bench.score();
    assert!(score.reached && score.turns.is_empty(), "{score:#?}");
    assert!(bench.took("acknowledge") <= bench.took("done"));
    assert!(bench.last_page().contains("may run as root"));
}

#[tokio::test(flavor = "multi_thread")]
async fn going_past_what_is_false_is_a_wrong_turn_of_the_drill() {
    let mut bench = Bench::new(
        Some("deploy-checklist"),
        seed("deploy-checklist", "not-ready"),
    )
    .await;
    bench.begin().await;
    let mut answers = SETTLED.to_vec();
    answers.push(("before.hardened", "attest:Ada: we go anyway"));
    for item in [
        "budget",
        "resources",
        "pinned",
        "replicas",
        "quiet",
        "window",
    ] {
        let key: &'static str = Box::leak(format!("before.{item}").into_boxed_str());
        answers.push((key, "attest:Ada: seen and accepted"));
    }
    bench.play(
        "deploy-checklist",
        &[("workload", "veza-backend"), ("hold", "10s")],
        &answers,
    );
    bench.over().await;
    let drill = bench.app.drill.as_ref().unwrap();
    let turns = &drill.marks.turns;
    assert!(
        turns
            .iter()
            .any(|turn| turn.what.contains("over a red line")),
        "{turns:#?}\n{}",
        bench.picture(120, 40)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_a_secret_that_external_secrets_keeps_is_rehearsed() {
    let mut bench = Bench::new(Some("jwt-rotate"), seed("jwt-rotate", "key-owned")).await;
    bench.begin().await;
    bench.play(
        "jwt-rotate",
        &[("strategy", "cutover"), ("hold", "10s")],
        &[],
    );
    bench.over().await;
    bench.ended_well();
    let score = bench.score();
    assert!(score.reached && score.turns.is_empty(), "{score:#?}");
    assert!(bench.took("diagnosis") <= bench.took("done"));
    // Nobody wrote into what somebody else keeps.
    let writes = bench.running.world().writes();
    let oncall = vigie::sim::access::Identity::Oncall.name();
    let mut ours = writes
        .iter()
        .filter(|write| write.user == oncall && !write.dry_run);
    assert!(
        ours.all(|write| !write.path.contains("/secrets/")),
        "{writes:#?}"
    );
    let page = bench.last_page();
    assert!(page.contains("no wrong turns"), "{page}");
    let drill = bench.app.drill.as_ref().unwrap();
    let took = drill.ended.unwrap().duration_since(drill.began.unwrap());
    assert!(took < SignedDuration::from_hours(24), "{took}");
}
