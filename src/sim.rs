//! The simulated platform: one pure, seeded world served over HTTP on the loopback interface. Imports nothing of ours.
//!
//! `start` builds the world, lets its past happen, and serves each face on a port of its own. Whoever starts it
//! hands the addresses on exactly as if they were those of a real platform.

pub mod access;
pub mod alertmanager;
mod apply;
mod autoscaler;
pub mod clock;
mod controllers;
mod crowd;
mod defaults;
mod external;
pub mod fault;
pub mod kind;
mod kubelet;
pub mod kubernetes;
pub mod ledger;
mod patch;
pub mod prometheus;
pub mod promql;
pub mod refusal;
mod replicas;
mod revisions;
mod rollout;
mod routing;
pub mod scenario;
mod seed;
mod select;
pub mod series;
mod serve;
mod sets;
pub mod shared;
mod speech;
mod state;
pub mod store;
mod story;
mod time;
mod tree;
pub mod vault;
pub mod verbs;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use self::access::Identity;
use self::clock::Clock;
use self::fault::{Face, Faults};
use self::kubernetes::Neighbours;
use self::ledger::Ledger;
use self::scenario::Scenario;
use self::series::Source;
use self::shared::Shared;
use self::world::World;

/// The name of the simulated cluster's context.
pub const CONTEXT: &str = "veza-demo";

/// The namespace its story plays in.
pub use story::NAMESPACE;

/// How a platform is simulated.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it goes through.
    pub scenario: Scenario,
    /// Which of all worlds it is.
    pub seed: u64,
    /// Which of the worlds with this seed it is: its identifiers are its own, all else is the seed's. None is the one
    /// that is always the same.
    pub world: Option<u64>,
    /// How many pods the crowd of the scenario `large` has.
    pub pods: usize,
    /// How many of them change every second.
    pub churn: usize,
    /// How much of the scenario has already happened at the start.
    pub advance: Duration,
    /// How fast the platform's time runs.
    pub speed: f64,
    /// The platform's time at the start, in milliseconds since the epoch; the machine's if none.
    pub base: Option<i64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scenario: Scenario::default(),
            seed: 1,
            world: None,
            pods: 10_000,
            churn: 0,
            advance: Duration::ZERO,
            speed: 1.0,
            base: None,
        }
    }
}

/// A platform that runs until this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The address of the Kubernetes face.
    pub kubernetes: String,
    /// The address of the Prometheus face.
    pub prometheus: String,
    /// The address of the Alertmanager face.
    pub alertmanager: String,
    /// The address of the Vault face.
    pub vault: String,
    doors: Vec<(Identity, String)>,
    shared: Shared,
    tasks: Vec<JoinHandle<()>>,
}

/// What the signal faces see of the platform.
struct Observed {
    shared: Shared,
    seed: u64,
}

impl series::Platform for Observed {
    fn now_ms(&self) -> i64 {
        self.shared.now_ms()
    }

    fn with_ledger(&self, look: &mut dyn FnMut(&Ledger)) {
        self.shared.with_ledger(|ledger, _| look(ledger));
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

/// Starts a platform. The doors are open at once; the world is made meanwhile, and the first who ask wait for it.
pub async fn start(options: Options) -> std::io::Result<Running> {
    let clock = Clock::start(options.base, options.speed);
    let now = clock.now_ms();
    let shared = Shared::later(clock, move || {
        let begins = now - options.advance.as_millis() as i64;
        let mut world = World::of(options.world, options.scenario, options.seed, begins);
        if options.scenario == Scenario::Large {
            world.gather(options.pods, options.churn);
        }
        world.advance(now);
        world
    });
    let source: Source = Arc::new(Observed {
        shared: shared.clone(),
        seed: options.seed,
    });
    let prometheus = prometheus::router(source.clone());
    let alertmanager = alertmanager::router(source);
    let neighbours = Neighbours {
        services: vec![
            ("monitoring", "prometheus", 9090, prometheus.clone()),
            ("monitoring", "alertmanager", 9093, alertmanager.clone()),
        ],
        exposition: Some(Arc::new(move |ledger, key, now| {
            series::exposition(ledger, key, options.seed, now)
        })),
    };
    let router = kubernetes::router(&shared, neighbours);
    let mut tasks = vec![tokio::spawn(shared.clone().live())];
    let (prometheus, task) = serve::serve(Face::Prometheus, prometheus, &shared).await?;
    tasks.push(task);
    let (alertmanager, task) = serve::serve(Face::Alertmanager, alertmanager, &shared).await?;
    tasks.push(task);
    let (vault, task) = serve::serve(Face::Vault, vault::face::router(&shared), &shared).await?;
    tasks.push(task);
    let mut doors = Vec::new();
    for who in Identity::ALL {
        let router = serve::for_user(router.clone(), who);
        let (url, task) = serve::serve(Face::Kubernetes, router, &shared).await?;
        doors.push((who, url));
        tasks.push(task);
    }
    let (kubernetes, task) = serve::serve(Face::Kubernetes, router, &shared).await?;
    tasks.push(task);
    Ok(Running {
        kubernetes,
        prometheus,
        alertmanager,
        vault,
        doors,
        shared,
        tasks,
    })
}

impl Running {
    /// A kubeconfig with a context for each identity; the present one is `oncall` in the production namespace.
    ///
    /// Each user has an address of their own, because `kubectl` sends no token where there is no TLS.
    pub fn kubeconfig(&self) -> String {
        let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
        for (who, url) in &self.doors {
            let usual = *who == Identity::Oncall;
            let own = format!("{CONTEXT}-{}", who.name());
            let name = if usual { CONTEXT } else { own.as_str() };
            clusters.push(json!({"name": name, "cluster": {"server": url}}));
            users.push(json!({"name": who.name(), "user": {"token": who.token()}}));
            let place = json!({"cluster": name, "user": who.name(), "namespace": story::NAMESPACE});
            if usual {
                contexts.push(json!({"name": CONTEXT, "context": place}));
            }
            contexts.push(json!({"name": own, "context": place}));
        }
        // JSON is YAML, and nothing in it needs escaping twice.
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT, "preferences": {},
            "clusters": clusters, "users": users, "contexts": contexts,
        });
        format!("{config:#}\n")
    }

    /// The address at which everybody is that identity, who brings no token of their own.
    pub fn address_of(&self, who: Identity) -> &str {
        let door = self.doors.iter().find(|(name, _)| *name == who);
        door.map_or(&self.kubernetes, |(_, url)| url)
    }

    /// The platform's clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock()
    }

    /// The handle on the world behind the faces.
    pub fn world(&self) -> &Shared {
        &self.shared
    }

    /// The fault script.
    pub fn faults(&self) -> &Faults {
        self.shared.faults()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.faults().cut_streams();
        for task in &self.tasks {
            task.abort();
        }
    }
}
