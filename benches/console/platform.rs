//! The simulated platform of the scenario `large`, in this process, and the files a console needs to find it.

use super::terminal::Terminal;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::sim::{Options, Running, start};

/// A platform with a crowd of pods.
pub struct Platform {
    runtime: Runtime,
    running: Running,
    folder: tempfile::TempDir,
}

impl Platform {
    /// So many pods beside the story's own, of which so many change every second.
    pub fn large(pods: usize, churn: usize) -> Self {
        let runtime = runtime();
        let options = Options {
            scenario: Scenario::Large,
            pods,
            churn,
            ..Options::default()
        };
        let running = runtime.block_on(start(options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), running.kubeconfig()).unwrap();
        Self {
            runtime,
            running,
            folder,
        }
    }

    /// The platform of a story, so far into it that its figures stand.
    pub fn playing(scenario: Scenario) -> Self {
        let runtime = runtime();
        let options = Options {
            scenario,
            advance: Duration::from_mins(4),
            ..Options::default()
        };
        let running = runtime.block_on(start(options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), running.kubeconfig()).unwrap();
        Self {
            runtime,
            running,
            folder,
        }
    }

    /// A console of the person on call, with everything the platform has.
    pub fn console(&self, flags: &[&str]) -> Terminal {
        let token = vigie::sim::vault::Identity::Oncall.token();
        let around = [
            ("PROMETHEUS_URL", self.running.prometheus.as_str()),
            ("VAULT_ADDR", self.running.vault.as_str()),
            ("VAULT_TOKEN", token.as_str()),
        ];
        Terminal::open_with(&self.kubeconfig(), &self.home(), flags, &around)
    }

    /// The file that names it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The same file with another address for the user it is for.
    pub fn kubeconfig_by_way_of(&self, url: &str) -> PathBuf {
        let text = self.running.kubeconfig().replace(self.url(), url);
        let path = self.folder.path().join("by-way-of");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A home without settings.
    pub fn home(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Where the API server is.
    pub fn url(&self) -> &str {
        self.running.address_of(Identity::Oncall)
    }

    /// Every answer comes so much later from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.running.faults().set_latency(latency);
    }

    /// What was asked since this was last asked: the face, the method and the path.
    pub fn take_asked(&self) -> Vec<String> {
        let asked = self.running.faults().take_asked().into_iter();
        asked
            .map(|(face, what)| format!("{face:?} {what}"))
            .collect()
    }

    /// Where clients of this process run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

/// As many threads as the console has.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}
