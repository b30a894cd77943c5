//! Who asks and what they may do: four identities by bearer token, with the rights the customer's cluster gives them. Refusals are worded as the apiserver words them.

use http::HeaderMap;
use serde_json::{Value, json};

use super::refusal::Refusal;

const HOME: &str = "veza-production";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// May do everything.
    Admin,
    /// Acts in the production namespace, looks elsewhere.
    Oncall,
    /// A second person with the same rights.
    Second,
    /// Looks only.
    Viewer,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// get, list, watch, create, update, patch, delete, deletecollection
    pub verb: &'a str,
    /// The API group.
    pub group: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// Its part, or empty.
    pub part: &'a str,
    /// The namespace, empty at cluster scope or for all.
    pub namespace: &'a str,
    /// The object, or empty.
    pub name: &'a str,
}

impl Identity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Oncall, Self::Second, Self::Viewer];

    /// The user's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Oncall => "oncall",
            Self::Second => "second",
            Self::Viewer => "viewer",
        }
    }

    /// The bearer token of the simulated platform: public, worth nothing elsewhere.
    pub fn token(self) -> String {
        format!("simulated-{}", self.name())
    }

    /// The groups the user is in.
    pub fn groups(self) -> Vec<&'static str> {
        let own = match self {
            Self::Admin => "system:masters",
            Self::Oncall | Self::Second => "veza:oncall",
            Self::Viewer => "veza:viewers",
        };
        vec![own, "system:authenticated"]
    }

    /// What a `SelfSubjectReview` says.
    pub fn review(self) -> Value {
        json!({"username": self.name(), "uid": format!("simulated-{}", self.name()), "groups": self.groups()})
    }

    /// Who sends a request; impersonation is for those who may do everything.
    pub fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let token = text("authorization")
            .and_then(|v| v.strip_prefix("Bearer "))
            .unwrap_or_default();
        let found = Self::ALL
            .into_iter()
            .find(|who| who.token() == token.trim());
        let who = found.ok_or_else(|| Refusal::new(401, "Unauthorized", "Unauthorized"))?;
        let Some(other) = text("impersonate-user") else {
            return Ok(who);
        };
        let wanted = Self::ALL.into_iter().find(|o| o.name() == other);
        wanted.filter(|_| who == Self::Admin).ok_or_else(|| {
            let act = Act {
                verb: "impersonate",
                group: "",
                resource: "users",
                part: "",
                namespace: "",
                name: other,
            };
            who.forbidden(&act)
        })
    }

    /// The rules that hold for this user in a namespace.
    pub fn rules(self, namespace: &str) -> Vec<Rule> {
        let mut rules = vec![SELF];
        if self == Self::Admin {
            rules.push(ALL);
            return rules;
        }
        rules.extend(VIEW);
        if namespace == "monitoring" {
            rules.push(PROXY);
        }
        if self != Self::Viewer && namespace == "argocd" {
            rules.push(ARGO);
        }
        if self != Self::Viewer && namespace == HOME {
            rules.extend(EDIT);
        }
        rules
    }

    /// Whether the user may.
    pub fn may(self, act: &Act<'_>) -> bool {
        self.rules(act.namespace)
            .iter()
            .any(|rule| rule.covers(act))
    }

    /// The refusal of an act.
    pub fn forbidden(self, act: &Act<'_>) -> Refusal {
        let resource = if act.part.is_empty() {
            act.resource.to_owned()
        } else {
            format!("{}/{}", act.resource, act.part)
        };
        let place = if act.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", act.namespace)
        };
        let qualified = if act.group.is_empty() {
            act.resource.to_owned()
        } else {
            format!("{}.{}", act.resource, act.group)
        };
        let named = if act.name.is_empty() {
            String::new()
        } else {
            format!("\"{}\" ", act.name)
        };
        let message = format!(
            "{qualified} {named}is forbidden: User \"{}\" cannot {} resource \"{resource}\" in API group \"{}\" {place}",
            self.name(),
            act.verb,
            act.group
        );
        let mut refusal = Refusal::new(403, "Forbidden", message);
        refusal.details = json!({"kind": act.resource, "group": act.group});
        if !act.name.is_empty() {
            refusal.details["name"] = act.name.into();
        }
        refusal
    }
}

/// Some verbs on some resources of some groups; `*` is all.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The groups.
    pub groups: &'static [&'static str],
    /// The resources, with their parts after a slash.
    pub resources: &'static [&'static str],
    /// The verbs.
    pub verbs: &'static [&'static str],
}

impl Rule {
    fn covers(&self, act: &Act<'_>) -> bool {
        let has = |list: &[&str], word: &str| list.contains(&"*") || list.contains(&word);
        let resource = if act.part.is_empty() {
            act.resource.to_owned()
        } else {
            format!("{}/{}", act.resource, act.part)
        };
        has(self.groups, act.group) && has(self.resources, &resource) && has(self.verbs, act.verb)
    }
}

const LOOK: &[&str] = &["get", "list", "watch"];
const ACT: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];
const ALL: Rule = Rule {
    groups: &["*"],
    resources: &["*"],
    verbs: &["*"],
};
const SELF: Rule = Rule {
    groups: &["authorization.k8s.io", "authentication.k8s.io"],
    resources: &[
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "selfsubjectreviews",
    ],
    verbs: &["create"],
};
const ARGO: Rule = Rule {
    groups: &["argoproj.io"],
    resources: &["applications"],
    verbs: &["get", "list", "watch", "patch", "update"],
};
const PROXY: Rule = Rule {
    groups: &[""],
    resources: &["services/proxy"],
    verbs: &["get", "create"],
};
const APPS: &[&str] = &[
    "deployments",
    "deployments/scale",
    "deployments/status",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
    "statefulsets",
    "statefulsets/scale",
    "statefulsets/status",
    "daemonsets",
    "daemonsets/status",
    "controllerrevisions",
];
const VIEW: [Rule; 6] = [
    Rule {
        groups: &["external-secrets.io"],
        resources: &["externalsecrets", "secretstores"],
        verbs: LOOK,
    },
    Rule {
        groups: &[""],
        resources: &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "namespaces/status",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "pods/status",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "resourcequotas",
            "serviceaccounts",
            "services",
            "services/status",
            "nodes",
        ],
        verbs: LOOK,
    },
    Rule {
        groups: &["apps"],
        resources: APPS,
        verbs: LOOK,
    },
    Rule {
        groups: &["autoscaling", "batch", "policy"],
        resources: &["*"],
        verbs: LOOK,
    },
    Rule {
        groups: &["networking.k8s.io"],
        resources: &["ingresses", "ingresses/status", "networkpolicies"],
        verbs: LOOK,
    },
    Rule {
        groups: &["discovery.k8s.io"],
        resources: &["endpointslices"],
        verbs: LOOK,
    },
];
const EDIT: [Rule; 8] = [
    Rule {
        groups: &["external-secrets.io"],
        resources: &["externalsecrets", "secretstores"],
        verbs: ACT,
    },
    Rule {
        groups: &[""],
        resources: &[
            "secrets",
            "pods/proxy",
            "pods/exec",
            "pods/portforward",
            "services/proxy",
        ],
        verbs: LOOK,
    },
    Rule {
        groups: &[""],
        resources: &[
            "configmaps",
            "persistentvolumeclaims",
            "pods",
            "pods/exec",
            "pods/portforward",
            "pods/proxy",
            "replicationcontrollers",
            "secrets",
            "serviceaccounts",
            "services",
            "services/proxy",
            "events",
        ],
        verbs: ACT,
    },
    Rule {
        groups: &[""],
        resources: &["pods/eviction"],
        verbs: &["create"],
    },
    Rule {
        groups: &["apps"],
        resources: &[
            "deployments",
            "deployments/rollback",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
            "daemonsets",
        ],
        verbs: ACT,
    },
    Rule {
        groups: &["autoscaling", "batch", "policy"],
        resources: &["*"],
        verbs: ACT,
    },
    Rule {
        groups: &["networking.k8s.io"],
        resources: &["ingresses", "networkpolicies"],
        verbs: ACT,
    },
    Rule {
        groups: &["coordination.k8s.io"],
        resources: &["leases"],
        verbs: &[
            "get", "list", "watch", "create", "update", "patch", "delete",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn act<'a>(
        verb: &'a str,
        group: &'a str,
        resource: &'a str,
        part: &'a str,
        namespace: &'a str,
    ) -> Act<'a> {
        Act {
            verb,
            group,
            resource,
            part,
            namespace,
            name: "x",
        }
    }

    #[test]
    fn everyone_may_do_what_the_cluster_gives_them_and_no_more() {
        use Identity::{Admin, Oncall, Second, Viewer};
        let table = [
            (Viewer, act("list", "", "pods", "", ""), true),
            (Viewer, act("patch", "apps", "deployments", "", HOME), false),
            (Viewer, act("get", "", "secrets", "", HOME), false),
            (Viewer, act("get", "", "pods", "log", HOME), true),
            (
                Viewer,
                act(
                    "create",
                    "authorization.k8s.io",
                    "selfsubjectaccessreviews",
                    "",
                    "",
                ),
                true,
            ),
            (Oncall, act("patch", "apps", "deployments", "", HOME), true),
            (
                Oncall,
                act("patch", "apps", "deployments", "", "veza-staging"),
                false,
            ),
            (Oncall, act("get", "", "secrets", "", HOME), true),
            (Oncall, act("get", "", "secrets", "", "default"), false),
            (
                Oncall,
                act("create", "coordination.k8s.io", "leases", "", HOME),
                true,
            ),
            (Oncall, act("list", "", "nodes", "", ""), true),
            (Oncall, act("patch", "", "nodes", "", ""), false),
            (
                Oncall,
                act("get", "", "services", "proxy", "monitoring"),
                true,
            ),
            (Oncall, act("get", "", "pods", "proxy", HOME), true),
            (
                Second,
                act("update", "apps", "deployments", "scale", HOME),
                true,
            ),
            (Admin, act("delete", "", "nodes", "", ""), true),
        ];
        for (who, act, wanted) in table {
            assert_eq!(who.may(&act), wanted, "{who:?} {act:?}");
        }
    }

    #[test]
    fn a_refusal_has_the_apiservers_words() {
        let refusal = Identity::Viewer.forbidden(&act("patch", "apps", "deployments", "", HOME));
        assert_eq!(
            refusal.message,
            "deployments.apps \"x\" is forbidden: User \"viewer\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"veza-production\""
        );
    }
}
