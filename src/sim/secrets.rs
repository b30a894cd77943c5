//! The customer's Secret `veza-secrets`: what is in it, who keeps it, and how pods refer to it. Its values are Vault's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::kind::Kind;
use super::scenario::Keeper;
use super::state::State;
use super::tree;
use super::vault::PATH;

/// Its name.
pub const NAME: &str = "veza-secrets";
/// What its keys are called here and in Vault.
pub const KEYS: [(&str, &str); 4] = [
    ("database-url", "database_url"),
    ("redis-url", "redis_url"),
    ("jwt-secret", "jwt_secret"),
    ("stripe-api-key", "stripe_api_key"),
];

/// A value as a Secret has it.
pub fn encoded(value: &str) -> String {
    STANDARD.encode(value)
}

/// Makes it in a namespace, kept by whoever the scenario says. What External Secrets keeps it makes itself.
pub fn install(state: &mut State, namespace: &str) {
    let keeper = state.scenario.keeper();
    let data: Value = KEYS
        .iter()
        .map(|(key, property)| {
            let value = state.vault.value(PATH, property).unwrap_or_default();
            ((*key).to_owned(), Value::from(encoded(value)))
        })
        .collect();
    let mut secret = json!({
        "metadata": {"namespace": namespace, "name": NAME}, "type": "Opaque", "data": data,
    });
    let by = match keeper {
        Keeper::Sealed => {
            let owner = json!([{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": NAME, "uid": state.uid(), "controller": true,
            }]);
            tree::put(&mut secret, &["metadata", "ownerReferences"], owner);
            "controller"
        }
        Keeper::Helm => {
            let labels = json!({"app.kubernetes.io/managed-by": "Helm"});
            let notes = json!({"meta.helm.sh/release-name": "veza", "meta.helm.sh/release-namespace": namespace});
            tree::put(&mut secret, &["metadata", "labels"], labels);
            tree::put(&mut secret, &["metadata", "annotations"], notes);
            "helm"
        }
        Keeper::Argo => {
            let labels = json!({"app.kubernetes.io/instance": "veza"});
            let id = format!("veza:/Secret:{namespace}/{NAME}");
            let notes = json!({"argocd.argoproj.io/tracking-id": id});
            tree::put(&mut secret, &["metadata", "labels"], labels);
            tree::put(&mut secret, &["metadata", "annotations"], notes);
            "argocd-controller"
        }
        Keeper::Nobody | Keeper::External { .. } => "kubectl",
    };
    state.create(Kind::Secret, secret, by);
}

/// The variables of a container that come from it.
pub fn variables(two_keys: bool) -> Value {
    let from = |name: &str, key: &str| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": NAME, "key": key}}});
    let mut all = vec![
        from("DATABASE_URL", "database-url"),
        from("JWT_SECRET", "jwt-secret"),
    ];
    if two_keys {
        for (name, key) in [
            ("JWT_SECRET_NEXT", "jwt-secret-next"),
            ("JWT_SECRET_PREVIOUS", "jwt-secret-previous"),
        ] {
            let mut variable = from(name, key);
            tree::put(
                &mut variable,
                &["valueFrom", "secretKeyRef", "optional"],
                true,
            );
            all.push(variable);
        }
    }
    Value::from(all)
}
