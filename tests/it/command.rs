//! The real binary in a home of its own: no configuration of whoever runs the tests, no colours, no terminal.

pub mod books;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use vigie::sim::scenario::Scenario;
use vigie::sim::shared::Written;
use vigie::sim::{Options, Running, start};

/// A home, and what is in the environment.
pub struct Home {
    pub folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    /// A simulated platform, where one runs.
    pub running: Option<Running>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Home {
    /// Without any cluster.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            running: None,
        }
    }

    /// With a simulated platform, so far into its scenario, as its person on call.
    pub async fn on(scenario: Scenario, advance: u64) -> Self {
        let options = Options {
            scenario,
            advance: Duration::from_secs(advance),
            ..Options::default()
        };
        Self::of(options).await
    }

    /// The same, with a simulated platform of one's own.
    pub async fn of(options: Options) -> Self {
        let running = start(options).await.unwrap();
        let mut home = Self::beside(&running);
        home.running = Some(running);
        home
    }

    /// Of somebody on another machine, who has nothing in common with others but the platform.
    pub fn beside(running: &Running) -> Self {
        let mut home = Self::new();
        home.write("kubeconfig", &running.kubeconfig());
        let kubeconfig = home.path("kubeconfig");
        home.set("KUBECONFIG", &kubeconfig);
        home.set("PROMETHEUS_URL", &running.prometheus);
        home.set("ALERTMANAGER_URL", &running.alertmanager);
        home
    }

    /// On a healthy platform, with a runbook of its own.
    pub async fn with(book: &str) -> Self {
        let home = Self::on(Scenario::Healthy, 60).await;
        home.keep(book);
        home
    }

    /// Puts a runbook where the program looks for one's own.
    pub fn keep(&self, book: &str) {
        let id = book.lines().find_map(|line| line.strip_prefix("id "));
        let id = id.unwrap().trim_matches(|c| " =\"".contains(c));
        self.write(&format!("config/vigie/runbooks/{id}.runbook.md"), book);
    }

    /// What took effect on workloads, as the platform has it.
    pub fn changes(&self) -> Vec<Written> {
        let writes = self.running.as_ref().unwrap().world().writes();
        let changed = writes.into_iter().filter(|write| {
            write.code == 200 && !write.dry_run && write.path.contains("/deployments/")
        });
        changed.collect()
    }

    /// Every run of this home, as `runs --all` has it.
    pub async fn runs(&self) -> Vec<Value> {
        let (_, runs) = self.json(&["runs", "--all"]).await;
        runs["runs"].as_array().unwrap().clone()
    }

    /// Everything `audit show` says, as documents.
    pub async fn audit(&self) -> Vec<Value> {
        let said = self.run(&["audit", "show", "-o", "json"]).await;
        let lines = said.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.into(), value.into()));
    }

    /// Names a Prometheus for the simulated context that does not answer; what is named is not looked for elsewhere.
    pub fn blind(&self) {
        let named = "[context.veza-demo]\nprometheus = { url = \"http://127.0.0.1:1\" }\n";
        self.write("config/vigie/config.toml", named);
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let home = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("LANG", "C.UTF-8")
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end, which must come within a minute.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        let mut command = tokio::process::Command::from(self.command(arguments));
        command.kill_on_drop(true);
        let ended = tokio::time::timeout(Duration::from_mins(1), command.output()).await;
        said(&ended.expect("the command ends").unwrap())
    }

    /// Runs it with `--output json` and reads the document; whatever its exit code.
    pub async fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let said = self.run(&[arguments, &["--output", "json"]].concat()).await;
        let document = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said:?}"));
        (said.code, document)
    }
}

pub fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// Whether a text holds nothing that a terminal would act on.
pub fn plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n')
}

/// Whether no report was left behind.
pub fn no_crash(home: &Path) -> bool {
    !home.join("state/vigie/crashes").exists()
}
