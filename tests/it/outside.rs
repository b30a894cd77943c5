//! A simulated platform as a console is given it: its API server, its sources, its clock. The fixtures that open a
//! console on one begin here and say only what is theirs.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use vigie::domain::target::{Environment, Scope, Target};
use vigie::engine::Outside;
use vigie::engine::clock::Clock;
use vigie::engine::setting::{Sought, Sources, Way};
use vigie::platform::http::{Direct, Http};
use vigie::platform::kubernetes::{Cluster, Options, Patience};
use vigie::sim::access::Identity;
use vigie::sim::{CONTEXT, NAMESPACE, Running};

/// The production namespace of a platform as somebody sees it: every source known by its address.
pub async fn of(running: &Running, who: Identity) -> Outside {
    let options = Options {
        server: Some(running.address_of(who).to_owned()),
        ..Options::default()
    };
    Outside {
        cluster: Cluster::connect(&options).await.unwrap(),
        sources: Arc::new(Sources {
            prometheus: at(&running.prometheus),
            alertmanager: at(&running.alertmanager),
            ..Sources::default()
        }),
        options,
        scope: Scope::Namespace(NAMESPACE.into()),
        patience: Patience::default(),
        windows: Arc::default(),
        interval: SignedDuration::from_secs(5),
        window: SignedDuration::from_mins(1),
        clock: clock(running),
    }
}

/// A source at an address.
pub fn at(url: &str) -> Sought {
    Sought {
        named: Some(Way::Address(Direct::new(&Http::default(), url).unwrap())),
        ambient: None,
    }
}

/// The platform's time as the engine's.
pub fn clock(running: &Running) -> Clock {
    let clock = running.clock();
    Clock::new(move || Timestamp::from_millisecond(clock.now_ms()).unwrap())
}

/// Where a console of this outside looks and acts.
pub fn target(outside: &Outside, environment: Environment) -> Target {
    Target {
        context: CONTEXT.into(),
        server: outside.cluster.server().clone(),
        cluster_uid: None,
        scope: outside.scope.clone(),
        environment,
        user: None,
    }
}

/// A place where the rules of production hold.
pub fn production() -> Environment {
    Environment {
        name: "production".into(),
        guarded: true,
    }
}

/// A place that is known to be no one's production.
pub fn simulated() -> Environment {
    Environment {
        name: "simulated".into(),
        guarded: false,
    }
}
