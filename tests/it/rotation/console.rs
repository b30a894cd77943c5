//! A rotation as its operator sees it, in a terminal: the form, the confirmation, the run, its end; with errors that repeat the
//! key they were sent, told to stop and to go at any moment, resized without end. Nobody finds the key anywhere afterwards.

use std::time::Duration;

use jiff::SignedDuration;
use rustix::process::Signal;
use vigie::runbook::machine::RunState;
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule, When};
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, Running, vault};

use super::bench::deployment;
use crate::oracle::Scene;
use crate::pty::Seat;

/// A platform, and the home of whoever sits before it.
struct Room {
    running: Running,
    home: tempfile::TempDir,
}

impl Room {
    /// One service with one pod reads the key: what is looked at is the console, not how long pods take.
    async fn new() -> Self {
        let running = sim::start(sim::Options {
            scenario: Scenario::Healthy,
            advance: Duration::from_secs(300),
            ..sim::Options::default()
        })
        .await
        .unwrap();
        let http = reqwest::Client::new();
        let admin = running.address_of(Identity::Admin).to_owned();
        for service in ["veza-backend", "veza-frontend", "stream-server"] {
            let url = format!("{admin}{}", deployment(service));
            assert!(http.delete(url).send().await.unwrap().status().is_success());
        }
        let one = http
            .patch(format!("{admin}{}", deployment("chat-server")))
            .header("content-type", "application/merge-patch+json")
            .body(serde_json::json!({"spec": {"replicas": 1}}).to_string());
        assert!(one.send().await.unwrap().status().is_success());
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("kubeconfig"), running.kubeconfig()).unwrap();
        Self { running, home }
    }

    fn sit(&self, size: (u16, u16)) -> Seat {
        let kubeconfig = self.home.path().join("kubeconfig");
        let token = vault::Identity::Oncall.token();
        let around = [
            ("KUBECONFIG", kubeconfig.to_str().unwrap()),
            ("PROMETHEUS_URL", self.running.prometheus.as_str()),
            ("VAULT_ADDR", self.running.vault.as_str()),
            ("VAULT_TOKEN", token.as_str()),
            ("VIGIE_LOG", "trace"),
            ("COLORTERM", "truecolor"),
        ];
        let mut seat = Seat::take(self.home.path(), size, &["-n", "veza-production"], &around);
        seat.shows("chat-server");
        seat.shows("HEALTHY");
        seat
    }

    fn scene<'s>(&'s self, state: &'s std::path::Path, said: &'s [(String, Vec<u8>)]) -> Scene<'s> {
        Scene {
            running: &self.running,
            state,
            said,
            hold: SignedDuration::from_secs(1),
        }
    }

    /// Everything that was seen or written against the oracle; the state the run is in.
    fn examine(&self, case: &str, seats: Vec<Seat>) -> RunState {
        let mut said = Vec::new();
        for mut seat in seats {
            // The token of Vault is the operator's own and stands in their environment; the keys must not.
            said.append(&mut seat.seen);
            said.push(("the screen".to_owned(), std::mem::take(&mut seat.sent)));
        }
        let state = self.home.path().join("state/vigie");
        self.scene(&state, &said).examine(case).state
    }
}

/// Starts a cutover from its form and confirms it.
fn rotate(seat: &mut Seat) {
    seat.press("K");
    seat.shows("jwt-rotate");
    seat.press("/jwt\r");
    seat.waits("only the rotation is left", |text| {
        !text.contains("deploy-checklist")
    });
    seat.press("\r");
    seat.shows("A leak is suspected?");
    seat.press("\r");
    seat.shows("Start jwt-rotate");
    // The second field is the strategy; c is cutover. Then to the gate's time, and start.
    seat.press("\rc");
    seat.shows("strategy      cutover");
    seat.press("\t\t\t\t\t\t");
    seat.shows("hold:");
    seat.press("\u{15}1s\u{13}");
    seat.shows("checks: it may go on, but not without a reason");
    seat.press("jj\r");
    seat.shows("Why go on?");
    seat.press("a drill\r");
    seat.shows("y goes ahead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_at_the_screen_leaves_the_key_nowhere_though_every_error_repeats_it() {
    let room = Room::new().await;
    let mut seat = room.sit((120, 40));
    rotate(&mut seat);
    let dialog = seat.text();
    for said in [
        "cluster     veza-demo",
        "namespace   veza-production",
        "touches     1 workload, 1 pod, 1 Vault path, 1 Secret",
        "secret/veza/production, now version 1",
        "6 Sign with the new key: 1 Vault path, 1 Secret, 1 restart",
        "gates must hold for 1 s, 1 pod to replace",
        "back to the values of now: possible",
    ] {
        assert!(dialog.contains(said), "`{said}` is missing in\n{dialog}");
    }
    // Vault and then the apiserver refuse the first writes with a body that repeats what was sent, the key among it.
    for (face, path, code) in [
        (Face::Vault, "/v1/secret/data/", 400),
        (Face::Kubernetes, crate::oracle::SECRET, 422),
    ] {
        let rule = Rule {
            face: Some(face),
            method: "PATCH".into(),
            path: path.into(),
            fault: Fault::Echo(code),
            times: Some(1),
        };
        let when = When {
            writes: true,
            ..When::default()
        };
        room.running.faults().add_when(rule, when);
    }
    seat.press("y\r");
    for _ in 0..2 {
        // What was refused is shown to the operator, who looks at every page and tries again.
        seat.shows("try again");
        for page in ["preflight", "the change", "why"] {
            seat.press("\t");
            seat.shows(page);
        }
        seat.press("\tv");
        seat.shows("try again");
        seat.press("j\r");
        seat.waits("it goes on", |text| !text.contains("try again"));
    }
    seat.shows("every step is done");
    let end = seat.text();
    for said in [
        "done 6 of 6, 5 left out",
        "– 11 Destroy",
        "1 of 1 pods began after the Secret was written",
        "restarted  Deployment/chat-server",
    ] {
        assert!(end.contains(said), "`{said}` is missing in\n{end}");
    }
    seat.press("K");
    seat.shows("runbooks");
    seat.press("q");
    seat.press("qq");
    seat.press("qq");
    assert_eq!(seat.end(), 0);
    assert_eq!(
        room.examine("at the screen", vec![seat]),
        RunState::Succeeded
    );
}

/// Answers whatever is asked until the run is over: the first way that goes on.
fn finish(seat: &mut Seat) {
    const ASKED: [(&str, &str); 6] = [
        ("y goes on:", "y\r"),
        ("y goes ahead:", "y\r"),
        ("why:", "again\r"),
        ("not without a reason", "jj\r"),
        ("Go on with this run?", "jj\r"),
        ("From where it stopped.", "j\r"),
    ];
    let over = |text: &str| text.contains("every step is done");
    let asked = |text: &str| ASKED.iter().find(|(asked, _)| text.contains(asked));
    for _ in 0..12 {
        seat.waits("it is over or asks", |text| {
            over(text) || asked(text).is_some()
        });
        let text = seat.text();
        let Some((question, keys)) = asked(&text).filter(|_| !over(&text)) else {
            return;
        };
        seat.press(keys);
        // A dialog opens over its question: the first that is found is another one then.
        let answered = |text: &str| asked(text).is_none_or(|(now, _)| now != question);
        seat.waits("that was answered", |text| over(text) || answered(text));
    }
    panic!("it asks without end:\n{}", seat.text());
}

/// What happens to the console.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// ctrl-c, and nothing more.
    Once,
    /// ctrl-c twice.
    Twice,
    /// A signal.
    Signal(Signal, u32),
    /// The terminal changes its size a hundred times.
    Sizes,
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_or_go_at_any_moment_a_rotation_is_whole_and_is_taken_up_to_its_end() {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for blow in [
        Blow::Once,
        Blow::Twice,
        Blow::Signal(Signal::TERM, 143),
        Blow::Signal(Signal::HUP, 129),
        Blow::Sizes,
    ] {
        let room = Room::new().await;
        let mut seat = room.sit((100, 30));
        rotate(&mut seat);
        seat.press("y\r");
        seat.waits("it acts", |text| !text.contains("y goes ahead"));
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moment = Duration::from_millis((dice >> 33) % 5_000);
        assert!(seat.pass(moment), "{blow:?}");
        let case = format!("{blow:?} after {moment:?}");
        let mut seats = Vec::new();
        match blow {
            Blow::Sizes => {
                for turn in 0..100_u16 {
                    seat.resize((20 + turn * 37 % 180, 6 + turn * 13 % 50));
                    seat.pass(Duration::from_millis(u64::from(turn % 7)));
                }
                seat.resize((100, 30));
                seat.shows("every step is done");
                assert_eq!(seat.leave(), 0, "{case}");
                seats.push(seat);
                assert_eq!(room.examine(&case, seats), RunState::Succeeded, "{case}");
                continue;
            }
            Blow::Once => {
                seat.press("\u{3}");
                seat.waits("it stops", |text| {
                    text.contains("as asked") || text.contains("every step is done")
                });
                // It asks, undoes nothing by itself, and goes on from where it stopped.
                finish(&mut seat);
                assert_eq!(seat.leave(), 0, "{case}");
                seats.push(seat);
                assert_eq!(room.examine(&case, seats), RunState::Succeeded, "{case}");
                continue;
            }
            Blow::Twice => {
                seat.press("\u{3}");
                seat.pass(Duration::from_millis(100));
                seat.press("\u{3}");
                let code = seat.end();
                assert!(matches!(code, 0 | 130), "{case}: {code}");
            }
            Blow::Signal(signal, code) => {
                seat.signal(signal);
                assert_eq!(seat.end(), code, "{case}");
            }
        }
        seats.push(seat);
        // Another console takes it up, where it was not over.
        let mut seat = room.sit((100, 30));
        seat.press("K");
        seat.shows("jwt-rotate");
        seat.press("p");
        seat.shows("┌ runs");
        seat.waits("the run is listed", |text| {
            text.contains("▲ jwt-rotate") || text.contains("● jwt-rotate")
        });
        if seat.text().contains("▲ jwt-rotate") {
            seat.press("\r");
            finish(&mut seat);
        }
        assert_eq!(seat.leave(), 0, "{case}");
        seats.push(seat);
        assert_eq!(room.examine(&case, seats), RunState::Succeeded, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runbooks_are_read_anew_on_a_key_and_a_broken_one_is_listed_with_its_error() {
    let room = Room::new().await;
    let ours = room.home.path().join("config/vigie/runbooks");
    std::fs::create_dir_all(&ours).unwrap();
    let mut seat = room.sit((140, 40));
    seat.press("K");
    seat.shows("jwt-rotate");
    assert!(!seat.text().contains("stamp"));
    let stamp = crate::command::books::STAMP;
    std::fs::write(ours.join("stamp.runbook.md"), stamp).unwrap();
    std::fs::write(
        ours.join("worse.runbook.md"),
        "+++\nschema = 1\nid = 3\n+++\n# Worse\n",
    )
    .unwrap();
    seat.press("\u{12}");
    seat.shows("stamp");
    seat.shows("2:1: ");
    // A broken one opens with all its errors and starts nothing; the one beside it can be read.
    seat.press("G\r");
    seat.shows("This file cannot be read");
    seat.press("\r");
    seat.shows("cannot be");
    seat.press("q");
    std::fs::write(
        ours.join("worse.runbook.md"),
        stamp.replace("\"stamp\"", "\"worse\""),
    )
    .unwrap();
    seat.press("\u{12}");
    seat.waits("it is mended", |text| {
        text.contains("worse") && !text.contains("2:1: ")
    });
    std::fs::remove_file(ours.join("stamp.runbook.md")).unwrap();
    seat.press("\u{12}");
    seat.waits("it is gone", |text| !text.contains("stamp"));
    assert_eq!(seat.leave(), 0);
}
