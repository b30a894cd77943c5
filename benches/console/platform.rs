//! The simulated platform of the scenario `large`, in this process, and the files a console needs to find it.

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
