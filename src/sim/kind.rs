//! The kinds the simulated apiserver knows: their groups, names and what may be done with them. Discovery and routes are read from this one table.

/// One kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of Kubernetes' own kinds")]
pub enum Kind {
    Pod,
    Service,
    Event,
    Node,
    ConfigMap,
    Secret,
    Namespace,
    ServiceAccount,
    Endpoints,
    PersistentVolumeClaim,
    ReplicationController,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    ControllerRevision,
    HorizontalPodAutoscaler,
    Job,
    CronJob,
    Ingress,
    Lease,
    PodDisruptionBudget,
    EndpointSlice,
    ExternalSecret,
    SecretStore,
    Application,
}

/// What discovery says about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// The kind itself.
    pub kind: Kind,
    /// Its API group, empty for the core.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its name in paths.
    pub plural: &'static str,
    /// Its name in objects.
    pub name: &'static str,
    /// What `kubectl` may call it for short.
    pub short: &'static [&'static str],
    /// Whether it lives in namespaces.
    pub namespaced: bool,
    /// Whether `kubectl get all` shows it.
    pub all: bool,
}

macro_rules! resources {
    ($($kind:ident $group:literal $version:literal $plural:literal [$($short:literal)*] $namespaced:literal $all:literal)*) => {
        /// Every kind, in the order of [`Kind`].
        pub const RESOURCES: &[Resource] = &[$(Resource {
            kind: Kind::$kind, group: $group, version: $version, plural: $plural, name: stringify!($kind),
            short: &[$($short),*], namespaced: $namespaced, all: $all,
        }),*];
    };
}

resources! {
    Pod "" "v1" "pods" ["po"] true true
    Service "" "v1" "services" ["svc"] true true
    Event "" "v1" "events" ["ev"] true false
    Node "" "v1" "nodes" ["no"] false false
    ConfigMap "" "v1" "configmaps" ["cm"] true false
    Secret "" "v1" "secrets" [] true false
    Namespace "" "v1" "namespaces" ["ns"] false false
    ServiceAccount "" "v1" "serviceaccounts" ["sa"] true false
    Endpoints "" "v1" "endpoints" ["ep"] true false
    PersistentVolumeClaim "" "v1" "persistentvolumeclaims" ["pvc"] true false
    ReplicationController "" "v1" "replicationcontrollers" ["rc"] true true
    Deployment "apps" "v1" "deployments" ["deploy"] true true
    ReplicaSet "apps" "v1" "replicasets" ["rs"] true true
    StatefulSet "apps" "v1" "statefulsets" ["sts"] true true
    DaemonSet "apps" "v1" "daemonsets" ["ds"] true true
    ControllerRevision "apps" "v1" "controllerrevisions" [] true false
    HorizontalPodAutoscaler "autoscaling" "v2" "horizontalpodautoscalers" ["hpa"] true true
    Job "batch" "v1" "jobs" [] true true
    CronJob "batch" "v1" "cronjobs" ["cj"] true true
    Ingress "networking.k8s.io" "v1" "ingresses" ["ing"] true false
    Lease "coordination.k8s.io" "v1" "leases" [] true false
    PodDisruptionBudget "policy" "v1" "poddisruptionbudgets" ["pdb"] true false
    EndpointSlice "discovery.k8s.io" "v1" "endpointslices" [] true false
    ExternalSecret "external-secrets.io" "v1" "externalsecrets" ["es"] true false
    SecretStore "external-secrets.io" "v1" "secretstores" ["ss"] true false
    Application "argoproj.io" "v1alpha1" "applications" ["app" "apps"] true false
}

impl Kind {
    /// What discovery says about it.
    pub fn resource(self) -> &'static Resource {
        &RESOURCES[self as usize]
    }

    /// Whether its objects count the changes of their spec.
    pub fn has_generation(self) -> bool {
        matches!(
            self,
            Self::Pod
                | Self::Deployment
                | Self::ReplicaSet
                | Self::StatefulSet
                | Self::DaemonSet
                | Self::Ingress
                | Self::Job
                | Self::CronJob
                | Self::PodDisruptionBudget
                | Self::ExternalSecret
                | Self::SecretStore
                | Self::Application
        )
    }

    /// Whether it has a number of replicas to set.
    pub fn scales(self) -> bool {
        matches!(
            self,
            Self::Deployment | Self::ReplicaSet | Self::StatefulSet
        )
    }

    /// Whether status is a part of its own, written apart from the rest.
    pub fn has_status(self) -> bool {
        !matches!(
            self,
            Self::Event
                | Self::ConfigMap
                | Self::Secret
                | Self::ServiceAccount
                | Self::Endpoints
                | Self::ControllerRevision
                | Self::Lease
                | Self::EndpointSlice
        )
    }
}

impl Resource {
    /// `apps/v1`, or `v1` in the core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.into()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `deployments.apps`, or `pods` in the core: the name in messages.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.into()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }
}

/// The kind of a path.
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES
        .iter()
        .find(|r| r.group == group && r.version == version && r.plural == plural)
}

/// The groups there are, each with its version, the core left out.
pub fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for resource in RESOURCES {
        let entry = (resource.group, resource.version);
        if !resource.group.is_empty() && !groups.contains(&entry) {
            groups.push(entry);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_kinds() {
        for (index, resource) in RESOURCES.iter().enumerate() {
            assert_eq!(resource.kind as usize, index, "{}", resource.name);
        }
        assert_eq!(
            find("apps", "v1", "deployments").unwrap().kind,
            Kind::Deployment
        );
        assert!(find("apps", "v1beta1", "deployments").is_none());
    }
}
