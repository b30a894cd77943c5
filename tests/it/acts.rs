//! Restart, scale, delete and evict: the acts of one write each, through App, machine, engine and journal on the
//! simulated platform, whose own record of writes is the witness.

use crate::runs::bench::Bench;
use crate::runs::binary::{self, Desk};
use crate::screens::night::{self, after, press};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;
use vigie::app::App;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::message::Message;
use vigie::app::runs::order::{Opening, RunOrder, RunRequest};
use vigie::app::screen::Screen;
use vigie::runbook::machine::{Answers, AskKind, Decision, End, Fact, Reason, RunState};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::kind::Kind;
use vigie::sim::scenario::Scenario;
use vigie::sim::shared::Written;
use vigie::sim::verbs::Write;

const NS: &str = "veza-production";

async fn bench(who: Identity) -> Bench {
    Bench::new(Scenario::Healthy, who).await
}

/// A run of an act, confirmed and reasoned beforehand.
fn request(runbook: &str, set: &[(&str, &str)]) -> RunRequest {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let params: BTreeMap<String, String> = set.iter().map(pair).collect();
    RunRequest {
        unattended: true,
        answers: Answers {
            confirm: vec![NS.into()],
            reason: Some("a test".into()),
            ..Answers::default()
        },
        ..RunRequest::new(runbook, params)
    }
}

async fn done(bench: &mut Bench, runbook: &str, set: &[(&str, &str)]) -> End {
    bench.command(Command::StartRun(Box::new(request(runbook, set))));
    bench.end().await
}

/// A pod of a service, by name.
fn pod(bench: &Bench, app: &str) -> String {
    bench.world().with(|world| {
        let mut pods = world.store().live(Kind::Pod, NS);
        let found = pods.find(|pod| pod["metadata"]["labels"]["app"] == app);
        found.unwrap()["metadata"]["name"]
            .as_str()
            .unwrap()
            .to_owned()
    })
}

/// What anybody but the platform's own keeper wrote, locks left out.
fn written(bench: &Bench) -> Vec<Written> {
    let writes = bench.world().writes();
    writes
        .into_iter()
        .filter(|write| write.user != "admin" && !write.path.contains("/leases"))
        .collect()
}

/// What took effect.
fn effective(bench: &Bench) -> Vec<Written> {
    let mut all = written(bench);
    all.retain(|write| !write.dry_run && write.code < 300);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_act_is_exactly_one_write_with_its_intent_before() {
    for act in ["restart", "scale", "delete-pod", "evict-pod"] {
        let mut bench = bench(Identity::Oncall).await;
        let name = pod(&bench, "chat-server");
        let path = format!("/apis/apps/v1/namespaces/{NS}/deployments/chat-server");
        let at_pod = format!("/api/v1/namespaces/{NS}/pods/{name}");
        let (set, verb, path) = match act {
            "restart" => (vec![("workload", "chat-server")], "patch", path),
            "scale" => (
                vec![("workload", "chat-server"), ("replicas", "3")],
                "patch",
                format!("{path}/scale"),
            ),
            "delete-pod" => (vec![("pod", name.as_str())], "delete", at_pod),
            _ => (
                vec![("pod", name.as_str())],
                "create",
                format!("{at_pod}/eviction"),
            ),
        };
        let end = done(&mut bench, act, &set).await;
        assert_eq!(end.state, RunState::Succeeded, "{act}: {}", bench.story());
        let writes = effective(&bench);
        assert_eq!(writes.len(), 1, "{act}: {writes:#?}");
        assert_eq!((writes[0].verb, &writes[0].path), (verb, &path));
        let facts = bench.journal();
        let intent = facts.iter().position(
            |fact| matches!(fact, Fact::Intent(intent) if intent.audit_id == writes[0].audit_id),
        );
        let outcome = facts
            .iter()
            .position(|fact| matches!(fact, Fact::Outcome(_)));
        assert!(intent.is_some() && intent < outcome, "{}", bench.story());
        let rehearsed = written(&bench).iter().filter(|one| one.dry_run).count();
        assert_eq!(rehearsed, 1, "{act} is rehearsed once");
        if act.ends_with("pod") {
            let gone = bench
                .world()
                .with(|world| world.read(Kind::Pod, (NS, &name)).is_err());
            assert!(gone, "{act}: done is when it is gone");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_refused_before_the_first_effect_with_the_missing_rule() {
    for (act, set, rule) in [
        (
            "restart",
            vec![("workload", "chat-server")],
            "patch deployments.apps/chat-server",
        ),
        (
            "scale",
            vec![("workload", "chat-server"), ("replicas", "3")],
            "patch deployments.apps/chat-server (scale)",
        ),
        ("delete-pod", vec![], "delete pods/"),
        ("evict-pod", vec![], "create pods/"),
    ] {
        let mut bench = bench(Identity::Viewer).await;
        let name = pod(&bench, "chat-server");
        let mut set = set;
        if set.is_empty() {
            set.push(("pod", &name));
        }
        let end = done(&mut bench, act, &set).await;
        assert!(end.refused && end.message.contains(rule), "{end:?}");
        assert!(written(&bench).is_empty(), "not even a rehearsal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_act_is_refused_in_a_guarded_place() {
    let mut bench = bench(Identity::Oncall).await;
    let mut request = request("restart", &[("workload", "chat-server")]);
    request.answers.confirm.clear();
    bench.command(Command::StartRun(Box::new(request)));
    let refusal = bench.refusal().await;
    assert!(
        refusal.sentence.contains("read-only until armed"),
        "{refusal:?}"
    );
    assert!(written(&bench).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_asks_and_its_no_changes_nothing() {
    let mut bench = bench(Identity::Oncall).await;
    let name = pod(&bench, "chat-server");
    let mut request = request("delete-pod", &[("pod", &name)]);
    (request.unattended, request.answers) = (false, Answers::default());
    bench.command(Command::StartRun(Box::new(request)));
    bench.until("it asks", |runs| runs.ask().is_some()).await;
    let AskKind::Confirm {
        typed, plans, undo, ..
    } = bench.app.runs.ask().unwrap().kind.clone()
    else {
        panic!("{}", bench.story());
    };
    assert_eq!((typed.as_deref(), undo), (Some(NS), false));
    assert_eq!(plans[0].kind, "k8s.delete");
    assert!(effective(&bench).is_empty(), "it was rehearsed alone");
    bench.command(Command::Decide(Decision::No));
    assert_eq!(bench.end().await.state, RunState::Aborted);
    assert!(effective(&bench).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_that_owns_the_number_wants_a_reason() {
    let mut bench = bench(Identity::Oncall).await;
    let mut request = request("scale", &[("workload", "veza-backend"), ("replicas", "5")]);
    request.answers.reason = None;
    bench.command(Command::StartRun(Box::new(request)));
    let human = bench.human().await;
    assert_eq!(human.reason, Reason::Input, "{}", bench.story());
    assert!(
        human
            .message
            .contains("the autoscaler veza-backend-hpa owns the number"),
        "{human:?}"
    );
    assert!(written(&bench).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disruption_budget_says_no_in_words_before_anything_is_sent() {
    let mut bench = bench(Identity::Oncall).await;
    let name = pod(&bench, "veza-backend");
    let budget = json!({"metadata": {"name": "at-least-3"}, "spec": {"minAvailable": 3,
        "selector": {"matchLabels": {"app": "veza-backend"}}}});
    bench.world().with(|world| {
        let made = world.create(Kind::PodDisruptionBudget, NS, budget, &Write::by("admin"));
        made.unwrap();
    });
    let end = done(&mut bench, "evict-pod", &[("pod", &name)]).await;
    assert!(end.refused, "{end:?}");
    for words in [
        "a disruption budget does not let this pod go now",
        "at-least-3 needs 3",
    ] {
        assert!(end.message.contains(words), "{end:?}");
    }
    assert!(effective(&bench).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_without_an_owner_wants_a_reason() {
    let mut bench = bench(Identity::Oncall).await;
    let bare = json!({"metadata": {"name": "debug"}, "spec": {"containers": [{"name": "sh", "image": "registry.veza.app/tools:1"}]}});
    bench.world().with(|world| {
        let made = world.create(Kind::Pod, NS, bare, &Write::by("admin"));
        made.unwrap();
    });
    let mut request = request("delete-pod", &[("pod", "debug")]);
    request.answers.reason = None;
    bench.command(Command::StartRun(Box::new(request)));
    let human = bench.human().await;
    assert!(
        human.message.contains("nobody makes a new one"),
        "{human:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_answer_is_lost_is_probed_and_not_repeated() {
    let mut bench = bench(Identity::Oncall).await;
    let name = pod(&bench, "chat-server");
    let mut request = request("delete-pod", &[("pod", &name)]);
    (request.unattended, request.answers) = (false, Answers::default());
    bench.command(Command::StartRun(Box::new(request)));
    bench.until("it asks", |runs| runs.ask().is_some()).await;
    bench.faults().add(Rule {
        face: Some(Face::Kubernetes),
        method: "DELETE".into(),
        path: format!("/api/v1/namespaces/{NS}/pods/"),
        fault: Fault::DropAfter,
        times: Some(1),
    });
    bench.go();
    assert_eq!(bench.end().await.state, RunState::Succeeded);
    assert_eq!(effective(&bench).len(), 1, "{:#?}", effective(&bench));
    let facts = bench.journal();
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Probed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_intent_and_outcome_a_restart_is_not_repeated() {
    let desk = Desk::new().await;
    let path = format!("/apis/apps/v1/namespaces/{NS}/deployments/chat-server");
    let mut child = desk
        .vigie("--output json run restart --set workload=chat-server --confirm veza-production --reason drill")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    binary::until(&mut child, "step.started", "go").await;
    desk.running.faults().add(Rule {
        face: Some(Face::Kubernetes),
        method: "PATCH".into(),
        path: path.clone(),
        fault: Fault::Delay(Duration::from_mins(5)),
        times: Some(1),
    });
    let run = binary::until(&mut child, "step.intent", "restart").await;
    let changes = || {
        let writes = desk.running.world().writes();
        let ours = |write: &&Written| {
            write.path == path && !write.dry_run && write.user == Identity::Oncall.name()
        };
        writes.iter().filter(ours).count()
    };
    while changes() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    binary::signal(&child, rustix::process::Signal::KILL);
    binary::code(child).await;
    desk.running.faults().clear();
    let line = format!("--output json resume {run} --confirm veza-production");
    let resumed = desk.ended(&line).await;
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    let probe = binary::documents(&resumed)
        .into_iter()
        .find(|one| one["event"] == "step.probe");
    assert_eq!(probe.unwrap()["found"], "present");
    assert_eq!(changes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_goes_back_to_the_number_before() {
    let mut bench = bench(Identity::Oncall).await;
    let mut request = request("scale", &[("workload", "chat-server"), ("replicas", "4")]);
    (request.unattended, request.answers) = (false, Answers::default());
    bench.command(Command::StartRun(Box::new(request)));
    bench.until("it asks", |runs| runs.ask().is_some()).await;
    bench.go();
    bench
        .until("it is sent", |runs| {
            let sent = |fact: &Fact| matches!(fact, Fact::Outcome(_));
            runs.entries.iter().any(|entry| sent(&entry.fact))
        })
        .await;
    bench.command(Command::RollBackRun {
        reason: "a test".into(),
    });
    assert_eq!(
        bench.end().await.state,
        RunState::RolledBack,
        "{}",
        bench.story()
    );
    let numbers: Vec<i64> = effective(&bench)
        .iter()
        .filter_map(|write| write.body["spec"]["replicas"].as_i64())
        .collect();
    assert_eq!((numbers.len(), numbers[0]), (2, 4));
    let now = bench
        .world()
        .with(|world| world.read(Kind::Deployment, (NS, "chat-server")).unwrap());
    assert_eq!(now["spec"]["replicas"], numbers[1]);
}

/// What the console asks for when chords are typed, the last one given as a command.
fn opens(app: &mut App, chords: &str, last: Command) -> Option<Box<Opening>> {
    app.runs.library = vigie::app::runs::shelf::Book::shipped();
    press(app, chords);
    let effects = app.update(Message::Command(last), app.now);
    effects.into_iter().find_map(|effect| match effect {
        Effect::Run(RunOrder::Open(opening)) => Some(opening),
        _ => None,
    })
}

fn restart() -> Command {
    use vigie::app::act::{Act, Wish};
    Command::Act(Box::new(Wish::of(Act::Restart)))
}

fn param(opening: &Opening, name: &str) -> String {
    vigie::runbook::template::plain(&opening.params[name])
}

#[test]
fn a_read_only_console_begins_no_act() {
    let mut app = after(Scenario::BadRelease, 150);
    app.settings.read_only = true;
    assert_eq!(opens(&mut app, "", restart()), None);
    let (notice, _) = app.notice.clone().unwrap();
    assert!(notice.text.contains("read-only"), "{}", notice.text);
    app.settings.read_only = false;
    let opening = opens(&mut app, "", restart()).unwrap();
    assert_eq!(opening.book.id, "restart");
    assert!(opening.attended, "a person is asked");
}

#[test]
fn keys_and_lines_fill_the_runbooks_parameters_in() {
    let mut app = after(Scenario::BadRelease, 150);
    let found = night::keys().offers();
    assert!(
        found
            .iter()
            .any(|offer| offer.name == "restart" && offer.keys == "r")
    );
    let opening = opens(&mut app, "", restart()).unwrap();
    assert_eq!(param(&opening, "workload"), "Deployment/veza-backend");
    assert_eq!(param(&opening, "namespace"), NS);
    let typed = ": s c a l e space c h a t - s e r v e r space 5";
    let opening = opens(&mut app, typed, Command::Enter).unwrap();
    assert_eq!(opening.book.id, "scale");
    assert_eq!(param(&opening, "workload"), "Deployment/chat-server");
    assert_eq!(param(&opening, "replicas"), "5");
    let opening = opens(&mut app, ": s c a l e space 2", Command::Enter).unwrap();
    assert_eq!(param(&opening, "workload"), "Deployment/veza-backend");
    assert_eq!(opens(&mut app, ": d e l e t e", Command::Enter), None);
    let (notice, _) = app.notice.clone().unwrap();
    assert!(notice.text.contains("is not a pod"), "{}", notice.text);
    app.update(Message::Command(Command::Open(Screen::Pods)), app.now);
    let under = vigie::app::list::selected(&app).unwrap().object;
    for (typed, book) in [
        (": d e l e t e", "delete-pod"),
        (": e v i c t", "evict-pod"),
    ] {
        let opening = opens(&mut app, typed, Command::Enter).unwrap();
        assert_eq!(opening.book.id, book);
        assert_eq!(param(&opening, "pod"), *under.name);
    }
    let opening = opens(&mut app, "", restart()).unwrap();
    assert!(param(&opening, "workload").starts_with("Deployment/"));
}
