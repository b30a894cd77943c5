//! Who reads a key: found in pod templates (environment, whole Secrets as environment, volumes) and never by name. Pure;
//! the engine lists the objects.

use serde_json::{Value, json};

/// A workload that reads a key, and where its template says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The Secret it reads.
    pub secret: String,
    /// Where, as `env JWT_SECRET of backend`.
    pub how: String,
}

/// Every way in which a pod template reads a key of a Secret. `holds` says whether a Secret has a key: a whole Secret that
/// is taken as environment or volume reads all its keys.
pub fn readers(template: &Value, key: &str, holds: impl Fn(&str, &str) -> bool) -> Vec<Reader> {
    let spec = &template["spec"];
    let mut found: Vec<Reader> = Vec::new();
    let mut add = |secret: &Value, how: String| {
        if let Some(secret) = secret.as_str().filter(|name| !name.is_empty()) {
            let reader = Reader {
                secret: secret.to_owned(),
                how,
            };
            if !found.contains(&reader) {
                found.push(reader);
            }
        }
    };
    for list in ["initContainers", "containers"] {
        for container in items(&spec[list]) {
            let name = container["name"].as_str().unwrap_or_default();
            for variable in items(&container["env"]) {
                let from = &variable["valueFrom"]["secretKeyRef"];
                if from["key"] == key {
                    let variable = variable["name"].as_str().unwrap_or_default();
                    add(&from["name"], format!("env {variable} of {name}"));
                }
            }
            for from in items(&container["envFrom"]) {
                let secret = &from["secretRef"]["name"];
                if secret.as_str().is_some_and(|secret| holds(secret, key)) {
                    add(secret, format!("envFrom of {name}"));
                }
            }
        }
    }
    for volume in items(&spec["volumes"]) {
        let name = volume["name"].as_str().unwrap_or_default();
        let projected = items(&volume["projected"]["sources"]).map(|source| &source["secret"]);
        for (source, at) in std::iter::once((&volume["secret"], "secretName"))
            .chain(projected.map(|source| (source, "name")))
        {
            let secret = &source[at];
            let listed = source["items"].as_array();
            let reads = match listed {
                Some(listed) => listed.iter().any(|item| item["key"] == key),
                None => secret.as_str().is_some_and(|secret| holds(secret, key)),
            };
            if reads {
                add(secret, format!("volume {name}"));
            }
        }
    }
    found
}

/// Whether every container or volume that reads `key` of a Secret also reads `other`.
pub fn reads_as_well(template: &Value, secret: &str, other: &str) -> bool {
    // A whole Secret as environment or volume brings every key it will ever have.
    let whole = |_: &str, _: &str| true;
    readers(template, other, whole)
        .iter()
        .any(|reader| reader.secret == secret)
}

/// Who owns a Secret, by its marks: the word, and the owner's name.
pub fn owner(secret: &Value) -> (&'static str, String) {
    let meta = &secret["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for reference in items(&meta["ownerReferences"]) {
        match reference["kind"].as_str() {
            Some("ExternalSecret") => return ("externalsecret", text(&reference["name"])),
            Some("SealedSecret") => return ("Sealed Secrets", text(&reference["name"])),
            _ => {}
        }
    }
    let label = |key: &str| &meta["labels"][key];
    let note = |key: &str| &meta["annotations"][key];
    if label("reconcile.external-secrets.io/managed") == "true"
        || label("reconcile.external-secrets.io/created-by").is_string()
    {
        return ("externalsecret", String::new());
    }
    if note("sealedsecrets.bitnami.com/managed") == "true"
        || note("sealedsecrets.bitnami.com/cluster-wide") == "true"
    {
        return ("Sealed Secrets", text(&meta["name"]));
    }
    if note("argocd.argoproj.io/tracking-id").is_string() {
        let id = text(note("argocd.argoproj.io/tracking-id"));
        let application = id.split(':').next().unwrap_or_default().to_owned();
        return ("Argo CD", application);
    }
    if label("argocd.argoproj.io/instance").is_string() {
        return ("Argo CD", text(label("argocd.argoproj.io/instance")));
    }
    if label("kustomize.toolkit.fluxcd.io/name").is_string() {
        return ("Flux", text(label("kustomize.toolkit.fluxcd.io/name")));
    }
    if label("helm.toolkit.fluxcd.io/name").is_string() {
        return ("Flux", text(label("helm.toolkit.fluxcd.io/name")));
    }
    if note("meta.helm.sh/release-name").is_string() {
        return ("Helm", text(note("meta.helm.sh/release-name")));
    }
    if label("app.kubernetes.io/managed-by") == "Helm" {
        return ("Helm", text(label("app.kubernetes.io/instance")));
    }
    ("none", String::new())
}

/// What an ExternalSecret says of where a Secret comes from: the remote paths of some of its keys, and how it refreshes.
pub fn origin(external: &Value) -> Value {
    let spec = &external["spec"];
    let mut paths: Vec<String> = Vec::new();
    for entry in items(&spec["data"]) {
        let path = entry["remoteRef"]["key"].as_str().unwrap_or_default();
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    for entry in items(&spec["dataFrom"]) {
        let path = entry["extract"]["key"].as_str().unwrap_or_default();
        if !path.is_empty() && !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    json!({
        "name": external["metadata"]["name"],
        "refresh_policy": spec["refreshPolicy"].as_str().unwrap_or("Periodic"),
        "paths": paths,
        "store": spec["secretStoreRef"]["name"],
    })
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(secret: &str, key: &str) -> bool {
        secret == "s" && ["jwt-secret", "db"].contains(&key)
    }

    #[test]
    fn every_way_to_read_a_key_is_found_and_no_other() {
        let template = json!({"spec": {
            "initContainers": [{"name": "migrate", "env": [{"name": "DB", "valueFrom": {"secretKeyRef": {"name": "s", "key": "db"}}}]}],
            "containers": [
                {"name": "api", "env": [{"name": "JWT", "valueFrom": {"secretKeyRef": {"name": "s", "key": "jwt-secret"}}}]},
                {"name": "side", "envFrom": [{"secretRef": {"name": "s"}}, {"secretRef": {"name": "other"}}]}],
            "volumes": [{"name": "all", "secret": {"secretName": "s"}},
                {"name": "one", "secret": {"secretName": "s", "items": [{"key": "db", "path": "db"}]}},
                {"name": "both", "projected": {"sources": [{"secret": {"name": "s", "items": [{"key": "jwt-secret", "path": "k"}]}}]}}]}});
        let how: Vec<String> = readers(&template, "jwt-secret", holds)
            .into_iter()
            .map(|reader| format!("{} {}", reader.secret, reader.how))
            .collect();
        assert_eq!(
            how,
            [
                "s env JWT of api",
                "s envFrom of side",
                "s volume all",
                "s volume both"
            ]
        );
        assert!(readers(&json!({}), "jwt-secret", holds).is_empty());
    }

    #[test]
    fn a_second_key_is_read_where_it_is_named_or_the_whole_secret_is() {
        let named = json!({"spec": {"containers": [{"name": "a", "env": [
            {"name": "N", "valueFrom": {"secretKeyRef": {"name": "s", "key": "jwt-secret-next", "optional": true}}}]}]}});
        let whole = json!({"spec": {"containers": [{"name": "a", "envFrom": [{"secretRef": {"name": "s"}}]}]}});
        let other = json!({"spec": {"containers": [{"name": "a", "envFrom": [{"secretRef": {"name": "x"}}]}]}});
        assert!(reads_as_well(&named, "s", "jwt-secret-next"));
        assert!(reads_as_well(&whole, "s", "jwt-secret-next"));
        assert!(!reads_as_well(&other, "s", "jwt-secret-next"));
    }

    #[test]
    fn each_owner_is_known_by_its_mark() {
        let of = |meta: Value| owner(&json!({"metadata": meta}));
        let table = [
            (json!({}), "none", ""),
            (
                json!({"ownerReferences": [{"kind": "ExternalSecret", "name": "veza"}]}),
                "externalsecret",
                "veza",
            ),
            (
                json!({"ownerReferences": [{"kind": "SealedSecret", "name": "v"}]}),
                "Sealed Secrets",
                "v",
            ),
            (
                json!({"labels": {"reconcile.external-secrets.io/managed": "true"}}),
                "externalsecret",
                "",
            ),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "veza:/Secret:ns/s"}}),
                "Argo CD",
                "veza",
            ),
            (
                json!({"annotations": {"meta.helm.sh/release-name": "rel"}}),
                "Helm",
                "rel",
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
                "Flux",
                "apps",
            ),
        ];
        for (meta, word, name) in table {
            assert_eq!(of(meta.clone()), (word, name.to_owned()), "{meta}");
        }
    }
}
