//! The External Secrets operator: copies a path of Vault into a Secret when it is made, when its annotations change, and
//! again while that fails. Of its ways to say what is copied it knows single keys and a whole path whose keys are renamed.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::seed::fold;
use super::state::{State, set_condition};
use super::tree;
use super::vault::MOUNT;

/// Who it is in the record of changes.
const OPERATOR: &str = "external-secrets";

/// Copies for every ExternalSecret that was asked since it last copied. One that is to copy once does so once.
pub fn sync(state: &mut State) {
    let all: Vec<Value> = state
        .store
        .live(Kind::ExternalSecret, "")
        .cloned()
        .collect();
    for mut external in all {
        let asked = asked(&external);
        let status = &external["status"];
        let once = external["spec"]["refreshPolicy"] == "CreatedOnce";
        let copied = status["syncedResourceVersion"].is_string();
        if status["syncedResourceVersion"] == asked.as_str() || copied && once {
            continue;
        }
        let now = state.stamp();
        match copy(state, &external) {
            Ok(data) => {
                put(state, &external, data);
                tree::put(&mut external, &["status", "refreshTime"], now.clone());
                tree::put(&mut external, &["status", "syncedResourceVersion"], asked);
                let why = ("SecretSynced", "secret synced");
                set_condition(&mut external, "Ready", true, why, &now);
            }
            Err(why) => {
                let failed = tree::condition(&external, "Ready");
                if failed.is_some_and(|ready| ready["status"] == "False") {
                    continue;
                }
                let why = ("SecretSyncedError", why.as_str());
                set_condition(&mut external, "Ready", false, why, &now);
            }
        }
        state.update(Kind::ExternalSecret, external);
    }
}

/// What a copy answers: the generation and the annotations.
fn asked(external: &Value) -> String {
    let notes = external["metadata"]["annotations"].to_string();
    let spec = external["spec"].to_string();
    format!("{:x}-{:x}", fold(&spec), fold(&notes))
}

/// The data of the Secret, by what stands in Vault now.
fn copy(state: &State, external: &Value) -> Result<Map<String, Value>, String> {
    if state.vault.sealed() {
        return Err("could not get secret data from provider: Vault is sealed".to_owned());
    }
    let at = |key: &str| {
        let path = key
            .strip_prefix(MOUNT)
            .map_or(key, |path| path.trim_start_matches('/'));
        let values = state.vault.values(path);
        values.ok_or_else(|| format!("could not get secret data from provider: no secret {key}"))
    };
    let mut data = Map::new();
    let mut add = |name: String, value: &Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        data.insert(name, json!(encoded));
    };
    for entry in tree::list(external, &["spec", "data"]) {
        let (key, property) = (
            tree::text(entry, &["remoteRef", "key"]),
            tree::text(entry, &["remoteRef", "property"]),
        );
        let value = at(key)?.get(property);
        let value =
            value.ok_or_else(|| format!("cannot find secret data for key: \"{property}\""))?;
        add(tree::text(entry, &["secretKey"]).to_owned(), value);
    }
    for source in tree::list(external, &["spec", "dataFrom"]) {
        for (key, value) in at(tree::text(source, &["extract", "key"]))? {
            let renamed = tree::list(source, &["rewrite"])
                .iter()
                .fold(key.clone(), |key, rule| {
                    let of = |part| tree::text(rule, &["regexp", part]);
                    key.replace(of("source"), of("target"))
                });
            add(renamed, value);
        }
    }
    Ok(data)
}

/// Writes the Secret as its owner, if that changes anything.
fn put(state: &mut State, external: &Value, data: Map<String, Value>) {
    let (namespace, own) = tree::id(external);
    let named = tree::text(external, &["spec", "target", "name"]);
    let name = if named.is_empty() { &own } else { named };
    let owner = json!([{
        "apiVersion": Kind::ExternalSecret.resource().api_version(), "kind": "ExternalSecret", "name": own,
        "uid": external["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }]);
    let known = state.store.tree(Kind::Secret, &namespace, name).cloned();
    if known
        .as_ref()
        .is_some_and(|known| known["data"].as_object() == Some(&data))
    {
        return;
    }
    let made = known.is_none();
    let mut secret = known.unwrap_or_else(
        || json!({"metadata": {"namespace": namespace, "name": name}, "type": "Opaque"}),
    );
    tree::put(&mut secret, &["data"], Value::Object(data));
    tree::put(&mut secret, &["metadata", "ownerReferences"], owner);
    let label = "reconcile.external-secrets.io/managed";
    tree::put(&mut secret, &["metadata", "labels", label], "true");
    if made {
        state.create(Kind::Secret, secret, OPERATOR);
    } else {
        state.signed(&mut secret, OPERATOR, "f:data");
        state.update(Kind::Secret, secret);
    }
}
