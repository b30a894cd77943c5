//! Several people on the real control plane: two who start the same at once, one who sleeps while another takes over, and
//! a second person who approves. The apiserver's own audit log is the witness.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::desk::{Desk, last};
use super::world::Audit;
use crate::command::books::TWICE;

/// A person with a home of their own, as on another machine.
struct Seat<'d> {
    desk: &'d Desk,
    user: &'static str,
    home: TempDir,
}

impl<'d> Seat<'d> {
    fn new(desk: &'d Desk, user: &'static str, risk: &str, config: &str) -> Self {
        let home = TempDir::new().unwrap();
        let folder = home.path().join("config/vigie/runbooks");
        std::fs::create_dir_all(&folder).unwrap();
        let text = TWICE.replace("\"low\"", risk);
        std::fs::write(folder.join("twice.runbook.md"), text).unwrap();
        std::fs::write(home.path().join("config/vigie/config.toml"), config).unwrap();
        Self { desk, user, home }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.desk.vigie(self.user, line);
        command
            .env("HOME", self.home.path())
            .env("USER", self.user)
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .stdout(Stdio::piped());
        command
    }

    fn start(&self, more: &str) -> Child {
        let namespace = &self.desk.world.namespace;
        let line = format!("run twice --set workload=chat-server --confirm {namespace} {more}");
        self.command(&line).spawn().unwrap()
    }

    fn run(&self, more: &str) -> (Option<i32>, Value) {
        ended(self.start(more))
    }

    fn said(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }
}

fn ended(child: Child) -> (Option<i32>, Value) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), last(&output))
}

/// Changes of workloads by anybody of the two.
fn changes(desk: &Desk) -> Vec<Audit> {
    let all = ["oncall", "second"].map(|user| Audit::writes(&desk.world, user));
    let mut all: Vec<Audit> = all.into_iter().flatten().collect();
    all.retain(|write| {
        write.resource == "deployments"
            && !write.dry_run
            && (200..300).contains(&write.code)
            && !write.agent.starts_with("kubectl")
    });
    all
}

fn lease(desk: &Desk, path: &str) -> String {
    let path = format!("jsonpath={{.items[*]{path}}}");
    desk.world.kubectl(&[
        "get",
        "leases",
        "-l",
        "app.kubernetes.io/managed-by=vigie",
        "-o",
        &path,
    ])
}

fn ready(desk: &Desk) {
    desk.world.wait_for("the chat server is ready", || {
        (desk.field("deployment/chat-server", ".status.readyReplicas") == "2").then_some(())
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn of_two_operators_who_start_at_once_one_runs() {
    let desk = Desk::new("race");
    ready(&desk);
    let (one, other) = (
        Seat::new(&desk, "oncall", "\"low\"", ""),
        Seat::new(&desk, "second", "\"low\"", ""),
    );
    for race in 1..=5 {
        let pair = [one.start(""), other.start("")];
        let mut both = pair.map(ended);
        both.sort_by_key(|(code, _)| *code);
        assert_eq!(
            [both[0].0, both[1].0],
            [Some(0), Some(4)],
            "race {race}: {both:#?}"
        );
        let message = both[1].1["message"].as_str().unwrap();
        assert!(message.contains(" runs twice since "), "{message}");
        desk.world.wait_for("the audit log has both changes", || {
            (changes(&desk).len() >= race * 2).then_some(())
        });
        let done = changes(&desk);
        assert_eq!(done.len(), race * 2, "{done:#?}");
        assert_eq!(lease(&desk, ".metadata.name"), "", "given back");
    }
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn whoever_slept_while_another_took_over_changes_nothing_more_on_a_real_apiserver() {
    let desk = Desk::new("zombie");
    ready(&desk);
    let (alice, bob) = (
        Seat::new(&desk, "oncall", "\"low\"", ""),
        Seat::new(&desk, "second", "\"low\"", ""),
    );
    let sleeper = alice.start("--set pause=50s");
    desk.world.wait_for("the Lease tells the step", || {
        let step = lease(&desk, r".metadata.annotations.vigie/step");
        (step == "pause").then_some(())
    });
    assert!(lease(&desk, ".spec.holderIdentity").starts_with("oncall@"));
    let pid = Pid::from_raw(sleeper.id() as i32).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let (early, said) = bob.run("--reason early");
    assert_eq!(early, Some(4), "{said}");
    std::thread::sleep(Duration::from_secs(31));
    let (late, said) = bob.run("--reason asleep");
    assert_eq!(late, Some(0), "{said}");
    let before = changes(&desk).len();
    kill_process(pid, Signal::CONT).unwrap();
    let (woken, said) = ended(sleeper);
    assert_eq!(
        (woken, said["reason"].as_str()),
        (Some(3), Some("lock")),
        "{said}"
    );
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((before, changes(&desk).len()), (3, 3));
}

fn key(home: &Path) -> String {
    let file = home.join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", "ed25519", "-f"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    public
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_second_identity_approves_and_the_first_cannot() {
    let desk = Desk::new("eyes");
    ready(&desk);
    let seat = |user| Seat::new(&desk, user, "\"critical\"", "");
    let (alice, bob) = (seat("oncall"), seat("second"));
    let signers = format!(
        "second@veza.app {}\noncall@veza.app {}\n",
        key(bob.home.path()),
        key(alice.home.path())
    );
    for one in [&alice, &bob] {
        let place = |name: &str| one.home.path().join(name).display().to_string();
        std::fs::write(place("signers"), &signers).unwrap();
        let config = format!(
            "[approvals]\nallowed_signers = {:?}\nkey = {:?}\n[environment.production]\napprovals = 1\n",
            place("signers"),
            place("key")
        );
        std::fs::write(place("config/vigie/config.toml"), config).unwrap();
    }
    let (waits, said) = alice.run("--reason eyes");
    assert_eq!(
        (waits, said["reason"].as_str()),
        (Some(3), Some("approval")),
        "{said}"
    );
    assert_eq!(changes(&desk).len(), 0);
    let message = said["message"].as_str().unwrap();
    let code = message.split("vigie approve ").nth(1).unwrap();
    let code = code.split_whitespace().next().unwrap();
    let run = said["run"].as_str().unwrap();
    let confirm = format!("--confirm {}", desk.world.namespace);
    let own = alice.said(&format!("approve {code} {confirm}"));
    assert_eq!(own.status.code(), Some(1), "{own:?}");
    let signed = bob.said(&format!("approve {code} --run {run} {confirm}"));
    assert_eq!(signed.status.code(), Some(0), "{signed:?}");
    let done = alice.said(&format!("resume {run} {confirm}"));
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    desk.world.wait_for("both changes are logged", || {
        (changes(&desk).len() == 2).then_some(())
    });
    let hers = Audit::writes(&desk.world, "second");
    assert!(
        hers.iter().all(|write| write.resource == "configmaps"),
        "she only signed: {hers:#?}"
    );
}
