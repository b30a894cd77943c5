//! Who acts, when and where, as the cluster says where it answers at once; as this machine knows it otherwise. An incident is
//! not kept waiting for what is broken.

use super::super::console::runtime;
use super::super::exit::Failed;
use super::super::session::Start;
use crate::config::environment_for;
use crate::domain::incident::Place;
use crate::engine::clock::Clock;
use crate::engine::incidents::Hand;
use crate::engine::runs::records::Who;
use crate::engine::timekeeping::agree;
use crate::platform::kubernetes::Cluster;
use std::time::Duration;

/// How long the cluster may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the cluster said.
struct Heard {
    user: String,
    uid: String,
    server: String,
    label: Option<String>,
    clock: Clock,
}

async fn hear(cluster: &Cluster, namespace: Option<&str>) -> Option<Heard> {
    let label = async {
        match namespace {
            Some(name) => cluster.environment(name).await.ok().flatten(),
            None => None,
        }
    };
    let clock = Clock::system();
    let (_, user, uid, label) = futures::join!(
        agree(&clock, cluster),
        cluster.identity(),
        cluster.cluster_uid(),
        label
    );
    Some(Heard {
        user: user.ok()?.username,
        uid: uid.ok()?.to_string(),
        server: cluster.server().to_string(),
        label: label.as_deref().map(str::to_owned),
        clock,
    })
}

fn by(heard: Option<&Heard>) -> Hand {
    let who = heard.map_or_else(Who::here, |heard| Who::Cluster(heard.user.clone()));
    let clock = heard.map_or_else(Clock::system, |heard| heard.clock.clone());
    Hand::by(&clock, who)
}

/// For an incident that is there: its own cluster is asked, and another one is not believed.
pub fn hand(start: &Start, place: &Place) -> Result<Hand, Failed> {
    let mut options = start.place().options;
    let named = Some(place.context.clone()).filter(|context| !context.is_empty());
    options.context = options.context.or(named);
    let heard = runtime()?.block_on(async {
        let asked = async {
            let cluster = Cluster::connect(&options).await.ok()?;
            hear(&cluster, None).await
        };
        tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
    });
    let same = |heard: &Heard| {
        let there = Place::on((&heard.uid, &heard.server), "", None, &place.environment);
        place.cluster_uid.is_some() && place.cluster_uid == there.cluster_uid
    };
    Ok(by(heard.filter(same).as_ref()))
}

/// For a new incident: the target's place as well.
pub fn here(start: &Start) -> Result<(Hand, Place), Failed> {
    let config = start.loaded.config();
    let asked = start.place();
    let (named, heard) = runtime()?.block_on(async {
        let Ok(cluster) = Cluster::connect(&asked.options).await else {
            return (None, None);
        };
        let named = (
            cluster.context().to_string(),
            cluster.namespace().to_string(),
        );
        let scope = asked.scope.as_ref();
        let namespace = scope.map_or(Some(named.1.clone()), |scope| {
            scope.namespace().map(ToString::to_string)
        });
        let heard = tokio::time::timeout(PATIENCE, hear(&cluster, namespace.as_deref())).await;
        (Some(named), heard.ok().flatten())
    });
    let context = asked
        .name
        .clone()
        .or(named.as_ref().map(|(context, _)| context.clone()));
    let context = context.or(config.start.context.clone()).unwrap_or_default();
    let namespace = match &asked.scope {
        Some(scope) => scope.namespace().map(ToString::to_string),
        None => named.map(|(_, namespace)| namespace),
    };
    let uid = heard.as_ref().map(|heard| heard.uid.clone());
    let (environment, _) = environment_for(
        config,
        uid.as_deref(),
        &context,
        namespace.as_deref(),
        heard.as_ref().and_then(|heard| heard.label.as_deref()),
    );
    let place = match &heard {
        Some(heard) => Place::on(
            (&heard.uid, &heard.server),
            &context,
            namespace.as_deref(),
            &environment,
        ),
        None => Place {
            cluster_uid: None,
            context,
            namespace,
            environment,
        },
    };
    Ok((by(heard.as_ref()), place))
}
