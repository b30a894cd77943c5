//! Who is signed in with which key: pods accept and sign with the keys that they started with, sessions carry a token that one of
//! them signed. A token whose key a pod does not know gets a 401 there, and its owner signs in anew before long.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::Kind;
use super::ledger::PodKey;
use super::seed::fold;
use super::state::State;
use super::tokens::Keys;
use super::tree;

/// The service that signs tokens; all of them verify.
const ISSUER: &str = "veza-backend";
/// The keys of a Secret that hold signing keys: the first one also signs.
const KEYS: [&str; 3] = ["jwt-secret", "jwt-secret-next", "jwt-secret-previous"];

/// What the containers of a pod read from Secrets when they start now.
pub fn keys_of(state: &State, pod: &Value) -> Keys {
    let (namespace, _) = tree::id(pod);
    let mut keys = Keys::default();
    for container in tree::list(pod, &["spec", "containers"]) {
        for variable in tree::list(container, &["env"]) {
            let from = &variable["valueFrom"]["secretKeyRef"];
            let key = tree::text(from, &["key"]);
            let Some(role) = KEYS.iter().position(|known| *known == key) else {
                continue;
            };
            keys.verifies = true;
            let secret = tree::text(from, &["name"]);
            keys.take(role, value(state, &namespace, secret, key));
        }
        for source in tree::list(container, &["envFrom"]) {
            let secret = tree::text(source, &["secretRef", "name"]);
            for (role, key) in KEYS.iter().enumerate() {
                let found = value(state, &namespace, secret, key);
                keys.verifies |= found.is_some();
                keys.take(role, found);
            }
        }
    }
    keys
}

fn value(state: &State, namespace: &str, secret: &str, key: &str) -> Option<u64> {
    let secret = state.store.tree(Kind::Secret, namespace, secret)?;
    let text = secret["data"].get(key)?.as_str()?;
    Some(fold(text))
}

/// Lets sessions go on up to the present: refused ones sign in anew, old tokens are replaced before they end.
pub fn go_on(state: &mut State) {
    let now = state.now_ms;
    let (mut signed, mut signers) = (BTreeMap::<u64, f64>::new(), 0.0);
    let mut pods: Vec<(&Keys, f64)> = Vec::new();
    for (key, share) in &state.shares {
        let Some(keys) = state.kubelets.get(&id(key)).map(|kubelet| &kubelet.keys) else {
            continue;
        };
        pods.push((keys, *share));
        let issues = state
            .ledger
            .pods
            .get(key)
            .is_some_and(|track| track.service == ISSUER);
        if let Some(own) = keys.signs.filter(|_| issues) {
            *signed.entry(own).or_default() += share;
            signers += share;
        }
    }
    let all: f64 = pods.iter().map(|(_, share)| share).sum();
    if signers <= 0.0 || all <= 0.0 {
        state.sessions.pass(now);
        return;
    }
    let refused = |key: u64| {
        let by = pods.iter().filter(|(keys, _)| keys.refuses(key));
        by.map(|(_, share)| share).sum::<f64>() / all
    };
    let known = state.sessions.keys();
    let refusals: BTreeMap<u64, f64> = known.map(|key| (key, refused(key))).collect();
    state.sessions.turn(now, &signed, signers, &refusals);
}

/// The share of what reaches a pod whose token it does not accept.
pub fn refused_by(state: &State, pod: &PodKey) -> f64 {
    let Some(keys) = state.kubelets.get(&id(pod)).map(|kubelet| &kubelet.keys) else {
        return 0.0;
    };
    let refused = state.sessions.refused_by(keys);
    // To a thousandth: less is not worth a new stretch of the ledger.
    (refused.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
}

fn id(pod: &PodKey) -> (String, String) {
    (pod.namespace.clone(), pod.pod.clone())
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::super::secrets::encoded;
    use super::super::tokens::LIFETIME;
    use super::super::verbs::{Patch, Write};
    use super::super::world::World;
    use super::*;
    use serde_json::json;

    const START: i64 = 1_795_316_412_000;
    const NS: &str = "veza-production";
    const SERVICES: [&str; 4] = [
        "chat-server",
        "stream-server",
        "veza-backend",
        "veza-frontend",
    ];

    /// The worst share of 401 that any serving pod has now.
    fn worst(world: &World) -> f64 {
        let serving = world.ledger().pods.values();
        let now = serving.filter(|track| track.ended_ms.is_none());
        now.filter_map(|track| track.spans.last())
            .filter(|span| span.behaviour.rps > 0.0)
            .map(|span| span.behaviour.unauthorized)
            .fold(0.0, f64::max)
    }

    fn secret(world: &mut World, data: &Value) {
        let at = (NS, "veza-secrets");
        let body = json!({ "data": data });
        world
            .patch(Kind::Secret, at, "", &Patch::Merge(body), &Write::by("t"))
            .unwrap();
    }

    /// Restarts every service; the worst share of 401 meanwhile.
    fn restart(world: &mut World, stamp: &str) -> f64 {
        let mut most: f64 = 0.0;
        for name in SERVICES {
            let body = json!({"spec": {"template": {"metadata": {"annotations": {"restartedAt": stamp}}}}});
            world
                .patch(
                    Kind::Deployment,
                    (NS, name),
                    "",
                    &Patch::Merge(body),
                    &Write::by("t"),
                )
                .unwrap();
            for _ in 0..40 {
                let next = world.now_ms() + 1_000;
                world.advance(next);
                most = most.max(worst(world));
            }
        }
        most
    }

    #[test]
    fn one_step_refuses_every_old_session_until_it_signs_in_anew() {
        let mut world = World::new(Scenario::Healthy, 1, START);
        assert!(worst(&world) <= 0.005 + 1e-9);
        secret(&mut world, &json!({"jwt-secret": encoded("second")}));
        world.advance(START + 60_000);
        assert!(
            worst(&world) <= 0.005 + 1e-9,
            "running pods keep what they started with"
        );
        let most = restart(&mut world, "1");
        assert!(most > 0.3, "{most}");
        let later = world.now_ms() + 300_000;
        world.advance(later);
        assert!(worst(&world) <= 0.006, "{}", worst(&world));
    }

    #[test]
    fn two_keys_refuse_nobody_if_the_old_one_stays_long_enough() {
        let mut world = World::new(Scenario::TwoKeys, 1, START);
        let (old, new) = (
            encoded("first-signing-key-not-a-real-secret"),
            encoded("second"),
        );
        let mut most: f64 = 0.0;
        secret(&mut world, &json!({"jwt-secret-next": new}));
        most = most.max(restart(&mut world, "1"));
        secret(
            &mut world,
            &json!({"jwt-secret": new, "jwt-secret-previous": old, "jwt-secret-next": null}),
        );
        most = most.max(restart(&mut world, "2"));
        let later = world.now_ms() + LIFETIME;
        world.advance(later);
        secret(&mut world, &json!({"jwt-secret-previous": null}));
        most = most.max(restart(&mut world, "3"));
        assert!(most <= 0.006, "{most}");
    }

    #[test]
    fn an_old_key_that_goes_too_soon_is_missed() {
        let mut world = World::new(Scenario::TwoKeys, 1, START);
        let new = encoded("second");
        secret(&mut world, &json!({"jwt-secret-next": new}));
        restart(&mut world, "1");
        secret(
            &mut world,
            &json!({"jwt-secret": new, "jwt-secret-next": null}),
        );
        let most = restart(&mut world, "2");
        assert!(most > 0.1, "{most}");
    }
}
