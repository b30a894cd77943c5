//! A controller like External Secrets: copies Vault's values into a Secret that it owns, at intervals, when its own object
//! changes in any way, and when somebody else writes to the Secret. It works a moment after it is told, so that what it last
//! said of itself can be out of date.

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::secrets::{self, encoded};
use super::seed::fold;
use super::state::{Source, State, Task};
use super::store::Id;
use super::{replicas, time, tree};

const MANAGED: &str = "reconcile.external-secrets.io/managed";
const CREATED_BY: &str = "reconcile.external-secrets.io/created-by";
const DATA_HASH: &str = "reconcile.external-secrets.io/data-hash";
/// The store that names the Vault.
const STORE: &str = "vault-backend";
/// Who it is among the managers of fields.
const CONTROLLER: &str = "external-secrets";
/// When it tries again after a failure, in milliseconds.
const AGAIN: i64 = 30_000;
/// How long it takes until it has done what it was told, in milliseconds.
const WORK: (i64, i64) = (700, 1_900);

/// Makes the store, the ExternalSecret of the customer, and with it the Secret.
pub fn install(state: &mut State, namespace: &str, once: bool) {
    let store = json!({
        "metadata": {"namespace": namespace, "name": STORE},
        "spec": {"provider": {"vault": {
            "server": "http://vault.vault-system:8200", "path": super::vault::MOUNT, "version": "v2",
            "auth": {"kubernetes": {"mountPath": "kubernetes", "role": "external-secrets"}},
        }}},
        "status": {"conditions": [ready(true, "Valid", "store validated", &state.stamp())]},
    });
    state.create(Kind::SecretStore, store, "kubectl");
    let data: Vec<Value> = secrets::KEYS
        .iter()
        .map(|(key, property)| json!({"secretKey": key, "remoteRef": {"key": super::vault::PATH, "property": property}}))
        .collect();
    let policy = if once { "CreatedOnce" } else { "Periodic" };
    let external = json!({
        "metadata": {"namespace": namespace, "name": secrets::NAME},
        "spec": {
            "refreshPolicy": policy, "refreshInterval": "1h0m0s",
            "secretStoreRef": {"kind": "SecretStore", "name": STORE},
            "target": {"name": secrets::NAME, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
            "data": data,
        },
    });
    state.create(Kind::ExternalSecret, external, "kubectl");
    sync(state, &(namespace.to_owned(), secrets::NAME.to_owned()));
}

/// The scenario begins: the controller has looked at everything a third of an interval ago.
pub fn begin(state: &mut State) {
    let ids: Vec<Id> = state
        .store
        .live(Kind::ExternalSecret, "")
        .map(tree::id)
        .collect();
    for id in ids {
        let Some(mut external) = state
            .store
            .tree(Kind::ExternalSecret, &id.0, &id.1)
            .cloned()
        else {
            continue;
        };
        let every = interval(&external).unwrap_or_default();
        if every > 0 && external["spec"]["refreshPolicy"] != "CreatedOnce" {
            let last = time::stamp(state.now_ms - every / 3);
            tree::put(&mut external, &["status", "refreshTime"], last);
            state.update(Kind::ExternalSecret, external);
            state.after(every - every / 3, Task::Refresh(id));
        }
    }
}

/// An ExternalSecret has changed: it is worked on in a moment, if that is a reason.
pub fn told(state: &mut State, id: &Id) {
    let Some(external) = state.store.tree(Kind::ExternalSecret, &id.0, &id.1) else {
        return;
    };
    if wants(external, state.now_ms) {
        state.after_about(WORK.0, WORK.1, Task::Sync(id.clone()));
    }
}

/// A Secret has changed: whoever keeps it looks whether it is still as it should be.
pub fn written(state: &mut State, id: &Id) {
    let Some(secret) = state.store.tree(Kind::Secret, &id.0, &id.1) else {
        return;
    };
    let kept = tree::text(secret, &["metadata", "labels", MANAGED]) == "true";
    let hash = tree::text(secret, &["metadata", "annotations", DATA_HASH]);
    if !kept || hash == hash_of(&secret["data"]) {
        return;
    }
    let owners = tree::list(secret, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|one| one["kind"] == "ExternalSecret");
    let Some(owner) = owner.map(|one| tree::text(one, &["name"]).to_owned()) else {
        return;
    };
    let once = state
        .store
        .tree(Kind::ExternalSecret, &id.0, &owner)
        .is_some_and(|external| external["spec"]["refreshPolicy"] == "CreatedOnce");
    if !once {
        state.after_about(WORK.0, WORK.1, Task::Sync((id.0.clone(), owner)));
    }
}

/// Does what is to be done for an ExternalSecret now.
pub fn work(state: &mut State, id: &Id) {
    if state.external_rests {
        return;
    }
    sync(state, id);
}

fn interval(external: &Value) -> Option<i64> {
    let text = tree::text(external, &["spec", "refreshInterval"]);
    let mut total = 0;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            'h' => 3_600_000,
            'm' => 60_000,
            's' => 1_000,
            _ => return None,
        };
        total += number.parse::<i64>().ok()? * unit;
        number.clear();
    }
    (total > 0).then_some(total)
}

/// What it was last worked on for: spec and metadata.
fn seen(external: &Value) -> String {
    let meta = &external["metadata"];
    let told = json!([meta["annotations"], meta["labels"]]).to_string();
    let generation = tree::int(external, &["metadata", "generation"]);
    format!("{generation}-{:016x}", fold(&told))
}

/// Whether there is something to do, and not only to wait for.
fn wants(external: &Value, now_ms: i64) -> bool {
    let last = time::parse(tree::text(external, &["status", "refreshTime"]));
    let changed = tree::text(external, &["status", "syncedResourceVersion"]) != seen(external);
    let Some(last) = last else { return true };
    match tree::text(external, &["spec", "refreshPolicy"]) {
        "CreatedOnce" => false,
        "OnChange" => changed,
        _ => changed || interval(external).is_some_and(|every| now_ms - last >= every),
    }
}

fn ready(status: bool, reason: &str, message: &str, now: &Value) -> Value {
    json!({
        "type": "Ready", "status": if status { "True" } else { "False" }, "reason": reason, "message": message,
        "lastTransitionTime": now,
    })
}

fn hash_of(data: &Value) -> String {
    format!("{:016x}", fold(&data.to_string()))
}

/// The values that an ExternalSecret asks for, or why they cannot be had.
fn fetched(state: &State, external: &Value) -> Result<Map<String, Value>, String> {
    if state.vault.sealed() {
        return Err("could not get secret data from provider: Vault is sealed".into());
    }
    let mut data = Map::new();
    for one in tree::list(external, &["spec", "data"]) {
        let (path, property) = (
            tree::text(one, &["remoteRef", "key"]),
            tree::text(one, &["remoteRef", "property"]),
        );
        let path = path.trim_start_matches("secret/");
        let value = state.vault.value(path, property).ok_or_else(|| {
            format!(
                "error retrieving secret at .data: cannot find secret data for key: \"{property}\""
            )
        })?;
        data.insert(
            tree::text(one, &["secretKey"]).to_owned(),
            encoded(value).into(),
        );
    }
    for one in tree::list(external, &["spec", "dataFrom"]) {
        let path = tree::text(one, &["extract", "key"]).trim_start_matches("secret/");
        let values = state.vault.values(path).ok_or_else(|| {
            format!(
                "error retrieving secret at .dataFrom: cannot find secret data for key: \"{path}\""
            )
        })?;
        for (key, value) in values {
            let value = value.as_str().unwrap_or_default();
            data.insert(renamed(one, key), encoded(value).into());
        }
    }
    Ok(data)
}

/// A key as a whole path's copy names it. Of regular expressions only the plain ones are understood.
fn renamed(from: &Value, key: &str) -> String {
    let mut key = key.to_owned();
    for rule in tree::list(from, &["rewrite"]) {
        let (source, target) = (
            tree::text(rule, &["regexp", "source"]),
            tree::text(rule, &["regexp", "target"]),
        );
        if !source.is_empty() {
            key = key.replace(source, target);
        }
    }
    key
}

fn sync(state: &mut State, id: &Id) {
    let Some(mut external) = state
        .store
        .tree(Kind::ExternalSecret, &id.0, &id.1)
        .cloned()
    else {
        return;
    };
    let now = state.stamp();
    let outcome = fetched(state, &external).map(|data| keep(state, &external, data));
    let condition = match &outcome {
        Ok(()) => ready(true, "SecretSynced", "secret synced", &now),
        Err(why) => ready(false, "SecretSyncedError", why, &now),
    };
    if outcome.is_ok() {
        tree::put(&mut external, &["status", "refreshTime"], now);
        let synced = seen(&external);
        tree::put(&mut external, &["status", "syncedResourceVersion"], synced);
        let name = tree::text(&external, &["spec", "target", "name"]).to_owned();
        tree::put(&mut external, &["status", "binding", "name"], name);
    }
    let before = tree::condition(&external, "Ready").cloned();
    let same = before.is_some_and(|before| before["status"] == condition["status"]);
    let mut condition = condition;
    if same && let Some(before) = tree::condition(&external, "Ready") {
        condition["lastTransitionTime"] = before["lastTransitionTime"].clone();
    }
    tree::put(&mut external, &["status", "conditions"], json!([condition]));
    state.signed(&mut external, CONTROLLER, "f:status");
    state.update(Kind::ExternalSecret, external.clone());
    let (warning, reason, message) = match &outcome {
        Ok(()) => (false, "Updated", "Updated Secret".to_owned()),
        Err(why) => (true, "UpdateFailed", why.clone()),
    };
    state.event(
        &external,
        warning,
        reason,
        &message,
        &Source::controller(CONTROLLER),
    );
    let again = if outcome.is_err() {
        Some(AGAIN)
    } else {
        let periodic = external["spec"]["refreshPolicy"] != "CreatedOnce";
        interval(&external).filter(|_| periodic)
    };
    // Whatever was written before the platform stood was written without anybody waiting.
    if let Some(again) = again.filter(|_| state.due().is_some()) {
        state.after(again, Task::Refresh(id.clone()));
    }
}

/// Makes the Secret what it should be.
fn keep(state: &mut State, external: &Value, data: Map<String, Value>) {
    let (namespace, own) = tree::id(external);
    let name = tree::text(external, &["spec", "target", "name"]).to_owned();
    let data = Value::from(data);
    let known = state.store.tree(Kind::Secret, &namespace, &name).cloned();
    let mut secret = known.clone().unwrap_or_else(
        || json!({"metadata": {"namespace": namespace, "name": name}, "type": "Opaque"}),
    );
    let created_by = format!("{:016x}", fold(&format!("{namespace}/{own}")));
    tree::put(&mut secret, &["metadata", "labels", MANAGED], "true");
    tree::put(&mut secret, &["metadata", "labels", CREATED_BY], created_by);
    tree::put(
        &mut secret,
        &["metadata", "annotations", DATA_HASH],
        hash_of(&data),
    );
    let owner = json!([replicas::reference(external)]);
    tree::put(&mut secret, &["metadata", "ownerReferences"], owner);
    tree::put(&mut secret, &["data"], data);
    match known {
        None => drop(state.create(Kind::Secret, secret, CONTROLLER)),
        Some(known) if known == secret => {}
        Some(_) => {
            state.signed(&mut secret, CONTROLLER, "f:spec");
            state.update(Kind::Secret, secret);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::super::vault::PATH;
    use super::super::verbs::{Patch, Write};
    use super::super::world::World;
    use super::*;

    const START: i64 = 1_795_316_412_000;
    const AT: (&str, &str) = ("veza-production", "veza-secrets");

    fn key(world: &World) -> String {
        let secret = world.read(Kind::Secret, AT).unwrap();
        tree::text(&secret, &["data", "jwt-secret"]).to_owned()
    }

    fn external(world: &World) -> Value {
        world.read(Kind::ExternalSecret, AT).unwrap()
    }

    fn force(world: &mut World, stamp: &str) {
        let body = json!({"metadata": {"annotations": {"force-sync": stamp}}});
        let how = Write::by("t");
        world
            .patch(Kind::ExternalSecret, AT, "", &Patch::Merge(body), &how)
            .unwrap();
    }

    #[test]
    fn a_changed_value_comes_when_the_sync_is_forced_and_ready_says_nothing_of_it() {
        let mut world = World::new(Scenario::ExternalSecret, 1, START);
        let before = external(&world)["status"].clone();
        assert!(tree::is_true(&external(&world), "Ready"));
        world
            .vault_mut()
            .change(PATH, "jwt_secret", "second", START);
        world.advance(START + 60_000);
        assert_eq!(key(&world), encoded("first-signing-key-not-a-real-secret"));
        force(&mut world, "1");
        let told = external(&world);
        assert!(
            tree::is_true(&told, "Ready"),
            "it is ready for what it did before"
        );
        assert_eq!(told["status"]["refreshTime"], before["refreshTime"]);
        world.advance(START + 63_000);
        assert_eq!(key(&world), encoded("second"));
        let after = external(&world)["status"].clone();
        assert_ne!(after["refreshTime"], before["refreshTime"]);
        assert_ne!(
            after["syncedResourceVersion"],
            before["syncedResourceVersion"]
        );
    }

    #[test]
    fn what_somebody_else_writes_into_the_secret_is_overwritten() {
        let mut world = World::new(Scenario::ExternalSecret, 1, START);
        let body = json!({"data": {"jwt-secret": encoded("by hand")}});
        let how = Write::by("t");
        world
            .patch(Kind::Secret, AT, "", &Patch::Merge(body), &how)
            .unwrap();
        assert_eq!(key(&world), encoded("by hand"));
        world.advance(START + 3_000);
        assert_eq!(key(&world), encoded("first-signing-key-not-a-real-secret"));
    }

    #[test]
    fn created_once_takes_no_notice_and_a_resting_controller_neither() {
        for (scenario, rests) in [
            (Scenario::ExternalSecretOnce, false),
            (Scenario::ExternalSecret, true),
        ] {
            let mut world = World::new(scenario, 1, START);
            world.rest_external(rests);
            world
                .vault_mut()
                .change(PATH, "jwt_secret", "second", START);
            force(&mut world, "1");
            world.advance(START + 2 * 3_600_000);
            assert_eq!(key(&world), encoded("first-signing-key-not-a-real-secret"));
            assert!(tree::is_true(&external(&world), "Ready"));
        }
    }

    #[test]
    fn a_sealed_vault_is_said_in_the_condition() {
        let mut world = World::new(Scenario::ExternalSecret, 1, START);
        world.vault_mut().seal(true);
        force(&mut world, "1");
        world.advance(START + 3_000);
        let condition = tree::condition(&external(&world), "Ready")
            .cloned()
            .unwrap();
        assert_eq!(
            (&condition["status"], &condition["reason"]),
            (&json!("False"), &json!("SecretSyncedError"))
        );
        world.vault_mut().seal(false);
        world.advance(START + 40_000);
        assert!(tree::is_true(&external(&world), "Ready"));
    }

    #[test]
    fn without_being_told_it_comes_with_the_interval() {
        let mut world = World::new(Scenario::ExternalSecret, 1, START);
        world
            .vault_mut()
            .change(PATH, "jwt_secret", "second", START);
        world.advance(START + 3_600_000 + 5_000);
        assert_eq!(key(&world), encoded("second"));
    }
}
