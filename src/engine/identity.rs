//! Who we are, which cluster this is, and so which environment: asked until it is answered, and guarded until then.
#![expect(
    clippy::option_option,
    reason = "not answered yet, answered with nothing, answered: three different things"
)]

use crate::app::message::{Fact, Notice};
use crate::domain::target::{Environment, Scope};
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::Cluster;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// After the first failure it is asked again so soon, then half as often each time.
const FIRST: Duration = Duration::from_secs(1);
/// And never more rarely than this.
const RAREST: Duration = Duration::from_mins(1);

/// Decides the environment from what the cluster says of itself: its uid, and the label of the namespace.
pub type EnvironmentOf = Arc<dyn Fn(Place<'_>) -> Environment + Send + Sync>;

/// What is known of a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// The cluster's uid.
    pub cluster: Option<&'a str>,
    /// The namespace; without one, what the session looks at.
    pub namespace: Option<&'a str>,
    /// The namespace's label `environment`.
    pub label: Option<&'a str>,
}

/// What was answered so far; the outer `None` is a question still open.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    user: Option<Option<Arc<str>>>,
    uid: Option<Option<Arc<str>>>,
    label: Option<Option<Arc<str>>>,
    /// The cluster says that there is no such namespace.
    nowhere: bool,
}

/// Asks until everything is answered.
pub async fn ask(cluster: Cluster, scope: Scope, environment: EnvironmentOf, facts: Sender<Fact>) {
    let mut known = Known::default();
    let mut wait = FIRST;
    loop {
        let before = known.clone();
        learn(&cluster, &scope, &mut known).await;
        if known.nowhere && !before.nowhere && facts.send(nowhere(&scope, &cluster)).await.is_err()
        {
            return;
        }
        if known != before && facts.send(fact(&known, &environment)).await.is_err() {
            return;
        }
        if known.user.is_some() && known.settled() {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RAREST);
    }
}

impl Known {
    /// Whether the environment rests on answers.
    fn settled(&self) -> bool {
        self.uid.is_some() && self.label.is_some()
    }
}

/// Asks what is still open, all at once.
async fn learn(cluster: &Cluster, scope: &Scope, known: &mut Known) {
    let mut nowhere = known.nowhere;
    let user = async {
        match &known.user {
            Some(user) => Some(user.clone()),
            None => settled(cluster.identity().await).map(|i| i.map(|i| Arc::from(i.username))),
        }
    };
    let uid = async {
        match &known.uid {
            Some(uid) => Some(uid.clone()),
            None => settled(cluster.cluster_uid().await),
        }
    };
    let label = async {
        match (&known.label, scope.namespace()) {
            (Some(label), _) => Some(label.clone()),
            (None, None) => Some(None),
            (None, Some(name)) => {
                let answer = cluster.environment(name).await;
                nowhere = matches!(&answer, Err(failure) if failure.kind == FailureKind::NotFound);
                settled(answer).map(|label| label.flatten().map(|label| Arc::from(&*label)))
            }
        }
    };
    let (user, uid, label) = futures::join!(user, uid, label);
    *known = Known {
        user,
        uid,
        label,
        nowhere,
    };
}

/// An answer, also one that says we may not know; `None` where there was none.
fn settled<T>(answer: Result<T, Failure>) -> Option<Option<T>> {
    match answer {
        Ok(answer) => Some(Some(answer)),
        Err(failure) => {
            let no = matches!(
                failure.kind,
                FailureKind::Forbidden(_) | FailureKind::NotFound
            );
            no.then_some(None)
        }
    }
}

/// A name that is no namespace is said at once: an empty screen alone would look like peace.
fn nowhere(scope: &Scope, cluster: &Cluster) -> Fact {
    let context = cluster.context();
    Fact::Notice(Notice {
        text: format!("There is no namespace {scope} in {context}. :ns lists those there are."),
        error: true,
    })
}

fn fact(known: &Known, environment: &EnvironmentOf) -> Fact {
    let uid = known.uid.clone().flatten();
    let label = known.label.clone().flatten();
    let decided = environment(Place {
        cluster: uid.as_deref(),
        namespace: None,
        label: label.as_deref(),
    });
    Fact::Identity {
        user: known.user.clone().flatten(),
        cluster_uid: uid,
        // What the namespace's name suggests is not yet believed: the cluster may be production's.
        environment: Environment {
            guarded: decided.guarded || !known.settled() && &*decided.name != "simulated",
            ..decided
        },
    }
}
