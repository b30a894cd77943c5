//! The lock of a run that somebody else takes meanwhile: the console is told who, and from then on only looks.

use serde_json::json;
use vigie::app::command::Command;
use vigie::sim::access::Identity;

use super::bench::Kinds;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/veza-production/leases";
const MARK: &str = "id = \"m\"\nkind = \"k8s.annotate\"\nns = \"veza-production\"\ntarget = \"veza-backend\"\nset = { \"example.com/mark\" = \"1\" }\nundo = \"previous-values\"";
const REST: &str = "id = \"rest\"\nkind = \"wait\"\nfor = \"24h\"\ntimeout = { after = \"48h\", then = \"pause\" }";

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_lost_to_somebody_reaches_the_console_by_name_and_nothing_more_is_sent() {
    let front = "lock = [\"veza-production/mark\"]";
    let rules = vigie::engine::runs::policy::Rules::default();
    let mut kinds = Kinds::with_front(front, &[MARK, REST], Identity::Oncall, rules).await;
    kinds.begin(false);
    kinds
        .bench
        .until("it rests", |runs| {
            let run = runs.present.as_ref();
            run.is_some_and(|run| run.waits_until().is_some())
        })
        .await;
    let writes = kinds.writes().len();
    assert_eq!(writes, 1, "{}", kinds.bench.story());
    let leases = kinds.bench.ask("GET", LEASES, None).await;
    let name = leases["items"][0]["metadata"]["name"].as_str().unwrap();
    let taken = json!({"spec": {"holderIdentity": "bob@laptop-7/01M8Q3JPRPNVTFPRYRKQZSQYT2"}});
    kinds
        .bench
        .ask("PATCH", &format!("{LEASES}/{name}"), Some(taken))
        .await;
    kinds
        .bench
        .until("it is lost", |runs| runs.lost().is_some())
        .await;
    let why = kinds.bench.app.runs.lost().unwrap().to_owned();
    assert!(
        why.contains("taken over") && why.contains("bob@laptop-7"),
        "{why}"
    );
    kinds.bench.command(Command::RollBackRun {
        reason: "not mine any more".into(),
    });
    let told = &kinds.bench.app.notice.as_ref().unwrap().0;
    assert!(told.text.contains("Read-only: somebody else"), "{told:?}");
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(kinds.writes().len(), writes, "{}", kinds.bench.story());
}
