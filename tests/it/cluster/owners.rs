//! A workload that Argo CD or Flux owns, by their own kinds on a real control plane: who would put the bad version back is asked,
//! and the rollback refuses, or wants a reason.

use serde_json::{Value, json};

use super::desk::last;
use super::rollback::{BAD, GOOD, Trouble};

/// A kind of somebody else's, whose objects may be anything.
pub fn definition(group: &str, version: &str, kind: &str) -> Value {
    let (singular, plural) = (kind.to_lowercase(), format!("{}s", kind.to_lowercase()));
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": kind, "singular": singular, "plural": plural },
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

/// What a test does to the owner of its backend.
struct Owned(Trouble);

impl Owned {
    fn new() -> Self {
        let owned = Self(Trouble::new("owned"));
        for kind in [
            definition("argoproj.io", "v1alpha1", "Application"),
            definition("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
        ] {
            owned.0.desk.apply(&kind.to_string());
            let name = format!("crd/{}", kind["metadata"]["name"].as_str().unwrap());
            let arguments = [
                "wait",
                &name,
                "--for=condition=Established",
                "--timeout=60s",
            ];
            owned.0.desk.world.kubectl(&arguments);
        }
        owned
    }

    fn set(&self, kind: &str, group: &str, spec: &Value) {
        let metadata = json!({ "name": "shop", "namespace": self.0.desk.world.namespace });
        let object =
            json!({ "apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec });
        self.0.desk.apply(&object.to_string());
    }

    fn mark(&self, what: &str, mark: &str) {
        let arguments = [what, "deployment/veza-backend", mark, "--overwrite"];
        self.0.desk.world.kubectl(&arguments);
    }

    /// A rollback; its exit code and what it says at the end.
    fn rollback(&self, more: &str) -> (Option<i32>, String) {
        let line = "rollback --set workload=veza-backend --set revision=1 --set hold=15s";
        let output = self.0.desk.run(&format!("{line} {more}"));
        let message = last(&output)["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (output.status.code(), message)
    }

    /// Nothing is changed, and this is why.
    fn refuses(&self, more: &str, expected: i32, words: &[&str]) {
        let (code, message) = self.rollback(more);
        assert_eq!(code, Some(expected), "{message}");
        for word in words {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert_eq!(
            (self.0.desk.requests(), self.0.image().as_str()),
            (vec![], BAD)
        );
    }
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn who_would_put_the_bad_version_back_is_asked_before_the_rollback() {
    let owned = Owned::new();
    let namespace = owned.0.desk.world.namespace.clone();
    let argo = "argoproj.io/v1alpha1";
    owned.set(
        "Application",
        argo,
        &json!({ "syncPolicy": { "automated": { "selfHeal": true } } }),
    );
    let mark = format!("{namespace}_shop:apps/Deployment:{namespace}/veza-backend");
    owned.mark(
        "annotate",
        &format!("argocd.argoproj.io/tracking-id={mark}"),
    );
    let heals = ["shop heals itself", "automated sync with self-heal"];
    owned.refuses("--reason drill", 4, &heals);

    owned.set("Application", argo, &json!({ "syncPolicy": null }));
    owned.refuses("", 3, &["shop owns it", "it syncs only by hand"]);

    owned.mark("annotate", "argocd.argoproj.io/tracking-id-");
    for label in ["name=shop", &format!("namespace={namespace}")] {
        owned.mark("label", &format!("kustomize.toolkit.fluxcd.io/{label}"));
    }
    let flux = "kustomize.toolkit.fluxcd.io/v1";
    owned.set("Kustomization", flux, &json!({ "interval": "5m" }));
    let heals = ["shop heals itself", "it applies what Git says every 5m"];
    owned.refuses("--reason drill", 4, &heals);

    owned.set(
        "Kustomization",
        flux,
        &json!({ "interval": "5m", "suspend": true }),
    );
    owned.refuses("", 3, &["shop owns it", "it is suspended"]);

    let (code, message) = owned.rollback("--reason drill");
    assert_eq!(
        (code, owned.0.image().as_str()),
        (Some(0), GOOD),
        "{message}"
    );
    let (asked, granted) = (owned.0.desk.requests(), owned.0.desk.changes());
    assert_eq!((asked.len(), granted.len()), (1, 1), "{asked:#?}");
}
