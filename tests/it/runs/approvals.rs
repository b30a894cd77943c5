//! The second pair of eyes through the real program: a run that waits for somebody else, an approval that lets it go on,
//! and every way to get past them, each refused with one sentence and written down. Keys and signatures are OpenSSH's own.

use std::process::Command;

use serde_json::Value;
use vigie::sim::scenario::Scenario;

use crate::command::books::STAMP;
use crate::command::{Home, Said};

const SECOND: &[&str] = &["--context", "veza-demo-second"];
const CONFIRM: &[&str] = &["--confirm", "veza-production"];

/// Alice, who is on call, and bob, with a key each; alice's is allowed too, for what others do.
struct Pair {
    alice: Home,
    bob: Home,
}

fn key(home: &Home, name: &str) -> String {
    let file = home.path(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", "ed25519", "-f", &file])
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(format!("{file}.pub")).unwrap();
    public
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

impl Pair {
    async fn new(more: &str) -> Self {
        let mut alice = Home::on(Scenario::Healthy, 60).await;
        let mut bob = Home::new();
        let running = alice.running.as_ref().unwrap();
        bob.write("kubeconfig", &running.kubeconfig());
        let kubeconfig = bob.path("kubeconfig");
        bob.set("KUBECONFIG", &kubeconfig);
        bob.set("USER", "bob");
        alice.set("USER", "alice");
        let signers = format!(
            "bob@veza.app {}\nalice@veza.app {}\noncall@veza.app {}\n",
            key(&bob, "key"),
            key(&alice, "key"),
            key(&bob, "shared")
        );
        for home in [&alice, &bob] {
            home.write("allowed_signers", &signers);
            let config = format!(
                "[approvals]\nallowed_signers = {:?}\nkey = {:?}\n[environment.simulated]\nmatch = {{ clusters = [] }}\n[environment.production]\n{more}\n",
                home.path("allowed_signers"),
                home.path("key")
            );
            home.write("config/vigie/config.toml", &config);
            home.write(
                "config/vigie/runbooks/stamp.runbook.md",
                &STAMP.replace("\"low\"", "\"critical\""),
            );
        }
        Self { alice, bob }
    }

    async fn start(&self, more: &[&str]) -> (Option<i32>, Value) {
        let line = [
            "run",
            "stamp",
            "--set",
            "workload=veza-backend",
            "--answer",
            "which=yes",
            "-o",
            "json",
            "--reason",
            "a test",
        ];
        let said = self.alice.run(&[&line[..], CONFIRM, more].concat()).await;
        (said.code, last(&said))
    }

    /// A run that waits for somebody else: its id and its code.
    async fn waiting(&self) -> (String, String) {
        let (code, end) = self.start(&[]).await;
        assert_eq!(
            (code, end["reason"].as_str()),
            (Some(3), Some("approval")),
            "{end}"
        );
        assert_eq!(self.alice.changes().len(), 0);
        let message = end["message"].as_str().unwrap();
        let named = message.split("vigie approve ").nth(1).unwrap();
        let named = named.split_whitespace().next().unwrap().to_owned();
        (end["run"].as_str().unwrap().to_owned(), named)
    }

    async fn approve(&self, more: &[&str]) -> Said {
        let line = ["approve", "-n", "veza-production"];
        self.bob.run(&[SECOND, &line[..], more].concat()).await
    }

    async fn resume(&self, run: &str, more: &[&str]) -> (Option<i32>, Value) {
        let line = ["resume", run, "-o", "json"];
        let said = self.alice.run(&[&line[..], CONFIRM, more].concat()).await;
        (said.code, last(&said))
    }

    fn left(&self) -> Vec<String> {
        let writes = self.alice.running.as_ref().unwrap().world().writes();
        let kept = writes
            .into_iter()
            .filter(|write| write.path.ends_with("configmaps/vigie-approvals"));
        kept.map(|write| write.body.to_string()).collect()
    }
}

fn last(said: &Said) -> Value {
    let line = said.out.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|_| panic!("{said:?}"))
}

async fn audit(home: &Home, event: &str) -> Vec<String> {
    let said = home.run(&["audit", "show", "-o", "json"]).await.out;
    let named = format!("\"event\":\"{event}\"");
    said.lines()
        .filter(|line| line.contains(&named))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_run_waits_for_somebody_else_and_goes_on_with_their_signature() {
    let pair = Pair::new("approvals = 1").await;
    let (run, code) = pair.waiting().await;
    let unsigned = pair.approve(&[&code]).await;
    assert_eq!(unsigned.code, Some(3), "{unsigned:?}");
    for shown in [
        "Mark a workload",
        &run,
        "Deployment/veza-backend",
        "begun by oncall",
        "a test",
        "workload = ",
    ] {
        assert!(unsigned.out.contains(shown), "{shown}: {}", unsigned.out);
    }
    let (still, end) = pair.resume(&run, &[]).await;
    assert_eq!(
        (still, end["reason"].as_str()),
        (Some(3), Some("approval")),
        "{end}"
    );
    let other = pair
        .approve(&[&[&code, "--run", "01ZZZZ"], CONFIRM].concat())
        .await;
    assert_eq!(other.code, Some(1), "{other:?}");
    let signed = pair
        .approve(&[&[&code, "--run", &run], CONFIRM].concat())
        .await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    assert!(signed.out.contains("bob@veza.app"), "{signed:?}");
    let (done, end) = pair.resume(&run, &[]).await;
    assert_eq!(done, Some(0), "{end}");
    assert_eq!(pair.alice.changes().len(), 1);
    let given = audit(&pair.alice, "approval").await;
    assert!(
        given.len() == 1 && given[0].contains("bob@veza.app") && given[0].contains("SHA256:"),
        "{given:?}"
    );
    assert_eq!(audit(&pair.bob, "approval.signed").await.len(), 1);
    for home in [&pair.alice, &pair.bob] {
        assert_eq!(home.run(&["audit", "verify"]).await.code, Some(0));
    }
    let cleared = pair.left().pop().unwrap();
    assert!(
        cleared.contains(&format!("\"{code}.request\":null")),
        "{cleared}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_its_own_asks_for_somebody_elses_word_before_what_follows() {
    let pair = Pair::new("").await;
    let eyes = "id = \"eyes\"\nkind = \"approve\"\nnot = \"initiator\"\nttl = \"10m\"\n```\n\n```toml step\nid     = \"mark\"";
    let text = STAMP.replace("id     = \"mark\"", eyes);
    for home in [&pair.alice, &pair.bob] {
        home.write("config/vigie/runbooks/stamp.runbook.md", &text);
    }
    let (run, code) = pair.waiting().await;
    let (still, end) = pair.resume(&run, &[]).await;
    let reason = end["reason"].as_str();
    assert_eq!((still, reason), (Some(3), Some("approval")), "{end}");
    let signed = pair
        .approve(&[&[&code, "--run", &run], CONFIRM].concat())
        .await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let (done, end) = pair.resume(&run, &[]).await;
    assert_eq!((done, pair.alice.changes().len()), (Some(0), 1), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_themselves_and_nothing_is_approved_twice_or_elsewhere() {
    let pair = Pair::new("approvals = 1").await;
    let (run, code) = pair.waiting().await;
    // Her own hand, as who she is; her own key through somebody else's login; and a key under the login's name.
    let own = pair
        .alice
        .run(&[&["approve", &code, "-n", "veza-production"], CONFIRM].concat())
        .await;
    assert_eq!(own.code, Some(1), "{own:?}");
    assert!(own.err.contains("somebody else must approve it"), "{own:?}");
    assert_eq!(audit(&pair.alice, "approval.refused").await.len(), 1);
    for key in [pair.alice.path("key"), pair.bob.path("shared")] {
        let lent = pair
            .approve(&[&[&code, "--key", &key], CONFIRM].concat())
            .await;
        assert_eq!(lent.code, Some(1), "{lent:?}");
        assert!(
            lent.err.contains("somebody else must approve it"),
            "{lent:?}"
        );
    }
    key(&pair.bob, "unknown");
    let unknown = pair.bob.path("unknown");
    let stranger = pair
        .approve(&[&[&code, "--key", &unknown], CONFIRM].concat())
        .await;
    assert!(
        stranger.code == Some(1) && stranger.err.contains("not among the allowed signers"),
        "{stranger:?}"
    );
    let wrong = pair.approve(&[&code, "--confirm", "veza-prod"]).await;
    assert_eq!(
        wrong.code,
        Some(3),
        "the wrong namespace is none: {wrong:?}"
    );

    // A good one, carried by hand to another run of the same: it is not for that one.
    let signed = pair
        .approve(&[&[&code, "-o", "json"], CONFIRM].concat())
        .await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let text = last(&signed)["approval"].as_str().unwrap().to_owned();
    let answer = format!("mark=approval:{text}");
    let (other, end) = pair.start(&["--answer", &answer]).await;
    let message = end["message"].as_str().unwrap();
    assert_eq!(
        (other, end["reason"].as_str()),
        (Some(3), Some("approval")),
        "{end}"
    );
    assert!(
        message.contains(&format!("the approval is for run {run}")),
        "{message}"
    );
    assert_eq!(audit(&pair.alice, "approval.refused").await.len(), 2);

    // Somebody who is not allowed writes straight beside the request: the run itself refuses.
    let nobody = pair.alice.path("allowed_signers");
    let all = std::fs::read_to_string(&nobody).unwrap();
    std::fs::write(&nobody, "# nobody\n").unwrap();
    let (still, end) = pair.resume(&run, &[]).await;
    let message = end["message"].as_str().unwrap();
    assert!(
        still == Some(3) && message.contains("not among the allowed signers"),
        "{end}"
    );
    std::fs::write(&nobody, all).unwrap();
    assert_eq!(pair.alice.changes().len(), 0);
    let (done, end) = pair.resume(&run, &[]).await;
    assert_eq!((done, pair.alice.changes().len()), (Some(0), 1), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_carried_by_hand_where_the_namespace_takes_none() {
    let pair = Pair::new("approvals = 1").await;
    pair.alice
        .running
        .as_ref()
        .unwrap()
        .faults()
        .add(vigie::sim::fault::Rule {
            face: Some(vigie::sim::fault::Face::Kubernetes),
            method: String::new(),
            path: "/api/v1/namespaces/veza-production/configmaps".into(),
            fault: vigie::sim::fault::Fault::Status(403, None),
            times: None,
        });
    let (code, end) = pair.start(&[]).await;
    let message = end["message"].as_str().unwrap();
    assert!(
        code == Some(3) && message.contains("carried by hand"),
        "{end}"
    );
    let request = message.split('\'').nth(1).unwrap();
    assert!(request.starts_with("vigie-request:"), "{request}");
    let signed = pair.approve(&[&[request], CONFIRM].concat()).await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let text = signed
        .out
        .lines()
        .find(|line| line.starts_with("vigie-approval:"))
        .unwrap();
    let run = end["run"].as_str().unwrap();
    let cut = format!("mark=approval:{}", &text[..text.len() - 40]);
    let (still, end) = pair.resume(run, &["--answer", &cut]).await;
    assert_eq!((still, pair.alice.changes().len()), (Some(3), 0), "{end}");
    let whole = format!("mark=approval:{text}");
    let (done, end) = pair.resume(run, &["--answer", &whole]).await;
    assert_eq!((done, pair.alice.changes().len()), (Some(0), 1), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_may_ask_for_more_than_the_policy_and_the_glass_can_be_broken() {
    let pair = Pair::new("approvals = 0").await;
    let asks = STAMP.replace("undo   = ", "approve = { count = 2, not = \"initiator\", ttl = \"5m\", when_env = \"production\" }\nundo   = ");
    pair.alice
        .write("config/vigie/runbooks/stamp.runbook.md", &asks);
    let (run, code) = pair.waiting().await;
    let signed = pair.approve(&[&[code.as_str()], CONFIRM].concat()).await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let (one, end) = pair.resume(&run, &[]).await;
    assert_eq!(
        (one, end["reason"].as_str()),
        (Some(3), Some("approval")),
        "one of two: {end}"
    );
    let (broken, end) = pair
        .start(&["--break-glass", "INC-2026-014: nobody else can be reached"])
        .await;
    assert_eq!((broken, pair.alice.changes().len()), (Some(0), 1), "{end}");
    let glass = audit(&pair.alice, "break-glass").await;
    assert!(
        glass.len() == 1 && glass[0].contains("second person"),
        "{glass:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_in_staging_is_evidence_wherever_it_was_made_as_long_as_its_chain_holds() {
    let pair = Pair::new("rehearsal = \"7d\"").await;
    let (none, end) = pair.start(&[]).await;
    assert_eq!((none, pair.alice.changes().len()), (Some(4), 0), "{end}");
    let message = end["message"].as_str().unwrap();
    assert!(
        message.contains("there is none") && message.contains("vigie-rehearsals of veza-staging"),
        "{message}"
    );
    // Bob rehearses on his own machine, in staging: only the cluster can tell alice.
    let admin = ["--context", "veza-demo-admin", "-n", "veza-staging"];
    let running = pair.alice.running.as_ref().unwrap();
    let staged = running.address_of(vigie::sim::access::Identity::Admin);
    let client = reqwest::Client::new();
    let body = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "veza-backend"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "b"}}, "template": {"metadata": {"labels": {"app": "b"}},
        "spec": {"containers": [{"name": "b", "image": "registry.veza.app/b:v1"}]}}}});
    let url = format!("{staged}/apis/apps/v1/namespaces/veza-staging/deployments");
    let made = client
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string());
    assert_eq!(made.send().await.unwrap().status(), 201);
    let line = [
        "run",
        "stamp",
        "--set",
        "workload=veza-backend",
        "--answer",
        "which=yes",
        "--yes",
        "--reason",
        "rehearsal",
    ];
    let rehearsed = pair.bob.run(&[&admin[..], &line].concat()).await;
    assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
    let (done, end) = pair.start(&[]).await;
    assert_eq!(done, Some(0), "{end}");

    // Another model of it is another thing; and what somebody wrote into the evidence counts for nothing.
    let text = STAMP.replace("\"low\"", "\"critical\"");
    pair.alice.write(
        "config/vigie/runbooks/stamp.runbook.md",
        &text.replace("example.com/mark", "example.com/other"),
    );
    let (other, end) = pair.start(&[]).await;
    let message = end["message"].as_str().unwrap();
    assert!(
        other == Some(4) && message.contains("of another version of it"),
        "{end}"
    );
    pair.alice
        .write("config/vigie/runbooks/stamp.runbook.md", &text);
    let kept = format!("{staged}/api/v1/namespaces/veza-staging/configmaps/vigie-rehearsals");
    let body: Value = client
        .get(&kept)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let records = body["data"]["records"].as_str().unwrap();
    let forged = records.replace("\"runbook\":\"stamp\"", "\"runbook\":\"stomp\"");
    assert_ne!(forged, records);
    let patch = serde_json::json!({"data": {"records": forged}});
    let sent = client
        .patch(&kept)
        .header("content-type", "application/merge-patch+json")
        .body(patch.to_string());
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let (refused, end) = pair.start(&[]).await;
    let message = end["message"].as_str().unwrap();
    assert!(
        refused == Some(4) && message.contains("its chain is broken"),
        "{end}"
    );
}
