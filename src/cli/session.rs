//! A session: one App on one target with its engine, for the console and for the headless commands alike.

use super::args::Global;
use super::exit::Failed;
use super::sources::{sought, templates, windows};
use super::vault;
use crate::app::message::{Fact, Message};
use crate::app::own_links::OwnLink;
use crate::app::runs::Runs;
use crate::app::screen::Screen;
use crate::app::services::Limits;
use crate::app::{App, Settings};
use crate::config::settings::{Ambient, Context, Hidden, Thresholds as Configured};
use crate::config::{Config, Loaded, environment_for};
use crate::domain::signal::Thresholds;
use crate::domain::target::{Environment, Scope, Target};
use crate::engine::clock::Clock;
use crate::engine::runs::Keeping;
use crate::engine::setting::Sources;
use crate::engine::{Engine, EnvironmentOf, Outside, Place as Whereabouts, WAITING};
use crate::platform::http::Http;
use crate::platform::kubernetes::{Cluster, Options, Patience};
use crate::platform::vault::Vault;
use jiff::SignedDuration;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What every command starts from.
pub struct Start {
    /// The flags.
    pub global: Global,
    /// The configuration.
    pub loaded: Loaded,
}

/// Where a session looks, and with which clock.
#[derive(Clone)]
pub struct Place {
    /// How the cluster is reached.
    pub options: Options,
    /// The addresses of its sources.
    pub sources: Context,
    /// The token of its Vault, where neither variable nor file has it.
    pub vault_token: Option<Hidden>,
    /// The context's name, where it is not the kubeconfig's to say.
    pub name: Option<String>,
    /// The namespace, where it is not the context's to say.
    pub scope: Option<Scope>,
    /// Whether this is the simulated platform.
    pub simulated: bool,
    /// Where its secrets lie in Vault, where it is not the configuration's to say.
    pub vault_path: Option<String>,
    /// How many times as often as usual its sources are asked: where time may run faster.
    pub hurry: u32,
    /// The present.
    pub clock: Clock,
    /// A connection that stands already.
    pub cluster: Option<Cluster>,
}

impl Place {
    /// How many times as often as usual its sources are asked.
    fn times(&self) -> i32 {
        i32::try_from(self.hurry.max(1)).unwrap_or(1)
    }

    /// What is kept of runs here, with what the place says of itself.
    fn kept(&self, mut keeping: Keeping) -> Keeping {
        if let Some(path) = self.vault_path.clone() {
            keeping.rules.vault_path = Arc::new(move |_| Some(path.clone()));
        }
        keeping
    }
}

/// One App with its engine.
pub struct Session {
    /// The state.
    pub app: App,
    /// What runs outside.
    pub engine: Engine,
    /// What it reports.
    pub facts: mpsc::Receiver<Fact>,
    /// Where it looks, with its connection.
    pub place: Place,
    /// Its Vault, where one is named.
    pub vault: Option<Vault>,
}

impl Start {
    /// The place that flags, environment, configuration and kubeconfig name.
    pub fn place(&self) -> Place {
        let config = self.loaded.config();
        let options = Options {
            kubeconfig: config.kubeconfig.as_deref().map(|path| self.at_home(path)),
            context: config.start.context.clone(),
            act_as: self.global.act_as.clone(),
            act_as_groups: self.global.act_as_groups.clone(),
            server: None,
        };
        let scope = match (&config.start.namespace, config.start.all_namespaces) {
            (_, true) => Some(Scope::All),
            (Some(name), false) => Some(Scope::Namespace(name.as_str().into())),
            (None, false) => None,
        };
        Place {
            options,
            sources: Context::default(),
            vault_token: None,
            name: None,
            scope,
            simulated: false,
            vault_path: None,
            hurry: 1,
            clock: Clock::system(),
            cluster: None,
        }
    }

    /// A path that may begin with `~`, or several of them as in KUBECONFIG.
    fn at_home(&self, paths: &str) -> OsString {
        let each = paths.split(':').map(|path| {
            if path.starts_with("~/") {
                self.loaded.resolve(path).display().to_string()
            } else {
                path.to_owned()
            }
        });
        each.collect::<Vec<_>>().join(":").into()
    }

    /// What the configuration names for a context, with its files where they are.
    pub fn named(&self, context: &str) -> Context {
        let named = self.loaded.config().context.get(context);
        let mut named = named.cloned().unwrap_or_default();
        let at_home = |file: &mut Option<String>| {
            let resolved = file.as_deref().map(|path| self.loaded.resolve(path));
            *file = resolved.map(|path| path.display().to_string());
        };
        let sources = [&mut named.prometheus, &mut named.alertmanager];
        for source in sources.into_iter().flatten() {
            at_home(&mut source.token_file);
        }
        if let Some(vault) = &mut named.vault {
            at_home(&mut vault.token_file);
        }
        named
    }

    /// What is known of the Vault of a place.
    fn vault(&self, place: &Place, context: &str) -> vault::Known {
        let (named, ambient) = if place.simulated {
            (place.sources.vault.clone(), Ambient::default())
        } else {
            let ambient = self.loaded.config().ambient.clone();
            (self.named(context).vault, ambient)
        };
        vault::Known {
            named,
            ambient,
            token: place.vault_token.clone(),
            at_home: self.loaded.resolve(vault::AT_HOME),
        }
    }

    /// Opens a session. Asks nothing of the network: the first frame waits for nobody.
    pub async fn session(&self, place: Place, open: Screen) -> Result<Session, Failed> {
        let cluster = match &place.cluster {
            Some(cluster) => cluster.clone(),
            None => Cluster::connect(&place.options)
                .await
                .map_err(|failure| Failed::unconnected(&failure))?,
        };
        self.session_on(cluster, &place, open)
    }

    /// Opens a session on a cluster that is connected already.
    pub fn session_on(
        &self,
        cluster: Cluster,
        place: &Place,
        open: Screen,
    ) -> Result<Session, Failed> {
        let config = self.loaded.config();
        let context: Arc<str> = place
            .name
            .as_deref()
            .map_or_else(|| cluster.context().clone(), Arc::from);
        let scope = place
            .scope
            .clone()
            .unwrap_or_else(|| Scope::Namespace(cluster.namespace().clone()));
        let sources = sources(self, place, &context)?;
        let environment = environment_of(
            config.clone(),
            context.clone(),
            scope.clone(),
            place.simulated,
        );
        let target = Target {
            context,
            server: cluster.server().clone(),
            cluster_uid: None,
            scope: scope.clone(),
            // Until the cluster has said which it is, it counts as production.
            environment: Environment {
                guarded: !place.simulated,
                ..environment(Whereabouts::default())
            },
            user: None,
        };
        let interval = SignedDuration::try_from(config.refresh.metrics.get())
            .unwrap_or(SignedDuration::from_secs(5));
        let place = Place {
            cluster: Some(cluster.clone()),
            ..place.clone()
        };
        let outside = Outside {
            cluster,
            options: place.options.clone(),
            sources: Arc::new(sources),
            scope,
            // One plain list from the API server's cache costs it half of what a stream of single objects does, and is here sooner.
            patience: Patience {
                listing: Duration::ZERO,
                ..Patience::default()
            },
            interval: interval / place.times(),
            window: SignedDuration::try_from(config.thresholds.window.get())
                .unwrap_or(SignedDuration::from_mins(1)),
            windows: Arc::new(windows(config)),
            clock: place.clock.clone(),
        };
        let settings = settings(config, interval, place.simulated);
        let (sender, facts) = mpsc::channel(WAITING);
        let mut app = App::new(target, settings, open, place.clock.now());
        let mut engine = Engine::start(outside, environment.clone(), sender);
        let known = self.vault(&place, &app.target.context);
        let vault = vault::of(known, &engine).map_err(Failed::usage)?;
        let keeping =
            super::shelf::keeping(&self.loaded, environment, &app.settings, place.name.clone());
        engine.keep_runs(Keeping {
            vault: vault.clone(),
            ..place.kept(keeping)
        });
        app.runs = Runs::new(super::shelf::library(&self.loaded));
        app.incidents.silences = super::shelf::silences(config);
        app.incidents.limits = super::shelf::limits(config);
        Ok(Session {
            app,
            engine,
            facts,
            place,
            vault,
        })
    }
}

/// What the configuration chooses for a console.
fn settings(config: &Config, interval: SignedDuration, simulated: bool) -> Settings {
    Settings {
        limits: limits(config),
        interval,
        read_only: config.read_only,
        alerts_interval: SignedDuration::try_from(config.refresh.alerts.get())
            .unwrap_or(SignedDuration::from_secs(5)),
        links: own_links(config),
        owners: config
            .services
            .iter()
            .map(|(name, service)| (name.clone(), service.owners.clone()))
            .collect(),
        simulated,
        columns: config.columns.clone(),
    }
}

/// Where the sources of a target may be.
fn sources(start: &Start, place: &Place, context: &str) -> Result<Sources, Failed> {
    let config = start.loaded.config();
    let (named, ambient) = if place.simulated {
        (place.sources.clone(), Ambient::default())
    } else {
        (start.named(context), config.ambient.clone())
    };
    let http = Http::default();
    Ok(Sources {
        prometheus: sought(
            &http,
            named.prometheus.as_ref(),
            ambient.prometheus.as_ref(),
            "PROMETHEUS_URL",
        )
        .map_err(Failed::usage)?,
        alertmanager: sought(
            &http,
            named.alertmanager.as_ref(),
            ambient.alertmanager.as_ref(),
            "ALERTMANAGER_URL",
        )
        .map_err(Failed::usage)?,
        templates: templates(config),
        scrape: SignedDuration::try_from(config.refresh.scrape.get()).ok(),
        alerts: SignedDuration::try_from(config.refresh.alerts.get())
            .ok()
            .map(|interval| interval / place.times()),
    })
}

/// The environment as the configuration has it, with what the cluster says of itself.
fn environment_of(
    config: Config,
    context: Arc<str>,
    scope: Scope,
    simulated: bool,
) -> EnvironmentOf {
    Arc::new(move |at: Whereabouts<'_>| {
        if simulated {
            return Environment {
                name: "simulated".into(),
                guarded: false,
            };
        }
        let seen = scope.namespace().map(|name| &**name);
        let namespace = at.namespace.or(seen);
        let (name, policy) = environment_for(&config, at.cluster, &context, namespace, at.label);
        Environment {
            name: name.into(),
            guarded: policy.read_only,
        }
    })
}

/// The links of services, then the general ones.
fn own_links(config: &Config) -> Vec<OwnLink> {
    let link = |service: Option<&String>, (name, address): (&String, &String)| OwnLink {
        name: name.clone(),
        service: service.cloned(),
        address: address.clone(),
    };
    let services = config.services.iter().flat_map(|(name, service)| {
        let links = service.links.iter();
        links.map(move |one| link(Some(name), one))
    });
    let general = config.links.iter().map(|one| link(None, one));
    services.chain(general).collect()
}

fn limits(config: &Config) -> Limits {
    let plain = |t: &Configured| Thresholds {
        error_ratio: t.error_ratio.get(),
        p99_ms: t.p99.get().as_secs_f64() * 1000.0,
        saturation: t.saturation.get(),
    };
    Limits {
        general: plain(&config.thresholds),
        services: config
            .services
            .keys()
            .map(|name| (name.clone(), plain(&config.thresholds_for(name))))
            .collect(),
    }
}

impl Session {
    /// Takes in facts until the App can be read, or patience ends; says whether it can.
    pub async fn settle(&mut self, patience: Duration) -> bool {
        let settled = async {
            loop {
                self.engine.reconcile(self.app.wants());
                if self.app.settled() {
                    return;
                }
                let Some(fact) = self.facts.recv().await else {
                    return;
                };
                self.take(fact);
            }
        };
        tokio::time::timeout(patience, settled).await.is_ok()
    }

    /// Takes in one fact and all that wait behind it.
    pub fn take(&mut self, first: Fact) {
        let now = self.engine.clock().now();
        let mut next = Some(first);
        while let Some(fact) = next {
            self.app.update(Message::Fact(fact), now);
            next = self.facts.try_recv().ok();
        }
        self.app.refresh();
    }
}
