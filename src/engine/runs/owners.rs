//! Who owns an object and puts it back: Argo CD, Flux or Helm, by the marks it carries, and then by what the owner's own
//! object says of self-healing, where that may be read. Called by the preflight.

use super::means::Means;
use crate::platform::failure::{Failure, FailureKind};
use crate::runbook::preflight::Manager;
use crate::runbook::prose::bounded;
use serde_json::Value;

/// Where Argo CD keeps its Applications unless it says otherwise.
const ARGO_HOME: &str = "argocd";

/// The tools whose marks an object carries; what they do is asked by [`look`].
pub fn marks(body: &Value) -> Vec<Manager> {
    let (labels, notes) = (
        &body["metadata"]["labels"],
        &body["metadata"]["annotations"],
    );
    let found = |tool: &str, name: &Value, namespace: &Value, self_heals| {
        name.as_str().map(|name| Manager {
            tool: tool.to_owned(),
            name: name.to_owned(),
            namespace: namespace.as_str().map(str::to_owned),
            self_heals,
            fact: None,
        })
    };
    let label = |key: &str| &labels[key];
    let none = &Value::Null;
    let argo = tracked(body).or_else(|| {
        let instance = label("argocd.argoproj.io/instance");
        found("Argo CD", instance, none, None)
    });
    let flux = found(
        "Flux",
        label("kustomize.toolkit.fluxcd.io/name"),
        label("kustomize.toolkit.fluxcd.io/namespace"),
        Some(true),
    )
    .or_else(|| {
        found(
            "Flux Helm",
            label("helm.toolkit.fluxcd.io/name"),
            label("helm.toolkit.fluxcd.io/namespace"),
            None,
        )
    });
    let helm = found(
        "Helm",
        &notes["meta.helm.sh/release-name"],
        &notes["meta.helm.sh/release-namespace"],
        Some(false),
    );
    // What Flux or Argo CD releases through Helm is theirs.
    let helm = helm.filter(|_| flux.is_none() && argo.is_none());
    [argo, flux, helm].into_iter().flatten().collect()
}

/// The Application that tracks an object: `[namespace_]name:group/Kind:namespace/name`. A mark that was copied from
/// another object does not count, as it does not for Argo CD.
fn tracked(body: &Value) -> Option<Manager> {
    let mark = body["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].as_str()?;
    let (application, about) = mark.split_once(':').unwrap_or((mark, ""));
    let own = format!(
        "/{}:{}/{}",
        text(&body["kind"]),
        text(&body["metadata"]["namespace"]),
        text(&body["metadata"]["name"])
    );
    if !about.is_empty() && !about.ends_with(&own) {
        return None;
    }
    let (namespace, name) = match application.split_once('_') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, application),
    };
    Some(Manager {
        tool: "Argo CD".to_owned(),
        name: name.to_owned(),
        namespace,
        self_heals: None,
        fact: None,
    })
}

/// Asks the owners themselves what they do with a change that is not theirs.
pub async fn look(means: &Means, body: &Value, managers: Vec<Manager>) -> Vec<Manager> {
    let mut asked = Vec::new();
    for manager in managers {
        let (kind, home, judge): (_, _, fn(&Value) -> Said) = match manager.tool.as_str() {
            "Argo CD" => ("applications.argoproj.io", ARGO_HOME, argo),
            "Flux" => (
                "kustomizations.kustomize.toolkit.fluxcd.io",
                "flux-system",
                flux,
            ),
            "Flux Helm" => (
                "helmreleases.helm.toolkit.fluxcd.io",
                "flux-system",
                flux_helm,
            ),
            _ => {
                asked.push(manager);
                continue;
            }
        };
        let excepted =
            body["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/reconcile"] == "disabled";
        let namespace = manager.namespace.clone().unwrap_or_else(|| home.to_owned());
        let (self_heals, fact) = match owner(means, kind, &namespace, &manager.name).await {
            _ if manager.tool == "Flux" && excepted => {
                (Some(false), "it is excepted from reconciling".to_owned())
            }
            Ok(Some(owner)) => judge(&owner),
            Ok(None) => (
                manager.self_heals,
                format!(
                    "{namespace}/{} is not in this cluster",
                    bounded(&manager.name, 80)
                ),
            ),
            Err(failure) => (manager.self_heals, unread(&failure)),
        };
        asked.push(Manager {
            self_heals,
            fact: Some(fact),
            ..manager
        });
    }
    asked
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether it puts things back, and the fact that says so.
type Said = (Option<bool>, String);

fn unread(failure: &Failure) -> String {
    format!("its own object may not be read: {}", failure.short())
}

async fn owner(
    means: &Means,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<Value>, Failure> {
    let known = match means.cluster.kind_named(kind).await {
        Ok(known) => known,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
        Err(failure) => return Err(failure),
    };
    match means.cluster.object_of(&known, namespace, name).await {
        Ok(owner) => return Ok(Some(owner)),
        Err(failure) if failure.kind == FailureKind::NotFound => {}
        Err(failure) => return Err(failure),
    }
    // It may live elsewhere than where such things usually do.
    let all = means.cluster.objects_of(&known, "", "").await?;
    let mut named = all
        .into_iter()
        .filter(|one| one["metadata"]["name"] == name);
    let first = named.next();
    Ok(first.filter(|_| named.next().is_none()))
}

fn argo(application: &Value) -> Said {
    let automated = &application["spec"]["syncPolicy"]["automated"];
    let skips = &application["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"];
    if *skips == "true" {
        return (Some(false), "its reconciling is switched off".to_owned());
    }
    if automated.is_null() || automated["enabled"] == false {
        return (Some(false), "it syncs only by hand".to_owned());
    }
    if automated["selfHeal"] == true {
        return (Some(true), "automated sync with self-heal".to_owned());
    }
    let words = "automated sync without self-heal: the next commit brings it back";
    (Some(false), words.to_owned())
}

fn flux(kustomization: &Value) -> Said {
    if kustomization["spec"]["suspend"] == true {
        return (Some(false), "it is suspended".to_owned());
    }
    let every = text(&kustomization["spec"]["interval"]);
    let words = format!("it applies what Git says every {}", bounded(every, 20));
    (Some(true), words)
}

fn flux_helm(release: &Value) -> Said {
    if release["spec"]["suspend"] == true {
        return (Some(false), "it is suspended".to_owned());
    }
    match release["spec"]["driftDetection"]["mode"].as_str() {
        Some("enabled") => (Some(true), "it corrects drift".to_owned()),
        _ => (
            Some(false),
            "it does not correct drift; its next upgrade does".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marked(labels: &Value, notes: &Value) -> Vec<Manager> {
        marks(
            &json!({"kind": "Deployment", "metadata": {"namespace": "prod", "name": "api", "labels": labels, "annotations": notes}}),
        )
    }

    #[test]
    fn who_owns_an_object_is_read_from_its_marks() {
        let flux = marked(
            &json!({"kustomize.toolkit.fluxcd.io/name": "apps"}),
            &json!({"meta.helm.sh/release-name": "x"}),
        );
        assert_eq!(
            (flux.len(), flux[0].tool.as_str(), flux[0].self_heals),
            (1, "Flux", Some(true))
        );
        let helm = marked(&json!({}), &json!({"meta.helm.sh/release-name": "veza"}));
        assert_eq!(
            (helm[0].tool.as_str(), helm[0].self_heals),
            ("Helm", Some(false))
        );
        assert!(marked(&json!({"app": "x"}), &json!({})).is_empty());
    }

    #[test]
    fn an_application_is_found_by_its_tracking_mark_unless_it_was_copied() {
        let mark = |id: &str| marked(&json!({}), &json!({"argocd.argoproj.io/tracking-id": id}));
        let own = mark("team_veza:apps/Deployment:prod/api");
        assert_eq!(
            (own[0].namespace.as_deref(), own[0].name.as_str()),
            (Some("team"), "veza")
        );
        assert!(mark("veza:apps/Deployment:prod/other").is_empty());
    }

    #[test]
    fn an_application_heals_itself_only_where_its_policy_says_so() {
        let of = |policy: Value| argo(&json!({"spec": {"syncPolicy": policy}})).0;
        assert_eq!(of(json!({"automated": {"selfHeal": true}})), Some(true));
        assert_eq!(of(json!({"automated": {}})), Some(false));
        assert_eq!(
            of(json!({"automated": {"enabled": false, "selfHeal": true}})),
            Some(false)
        );
        assert_eq!(of(Value::Null), Some(false));
    }

    #[test]
    fn a_suspended_flux_puts_nothing_back() {
        assert_eq!(flux(&json!({"spec": {"suspend": true}})).0, Some(false));
        assert_eq!(flux(&json!({"spec": {"interval": "5m"}})).0, Some(true));
        assert_eq!(
            flux_helm(&json!({"spec": {"driftDetection": {"mode": "enabled"}}})).0,
            Some(true)
        );
        assert_eq!(flux_helm(&json!({"spec": {}})).0, Some(false));
    }
}
