//! What an act that was asked for means here: which object, and the run of its
//! runbook with everything filled in. The runbook asks, rehearses and confirms; nothing is sent from here, and a read-only
//! console begins none.

use super::act::{Act, Wish};
use super::command::Command;
use super::effect::Effect;
use super::palette::Offer;
use super::runs::order::RunRequest;
use super::state::App;
use crate::domain::object::ObjectRef;
use crate::domain::workload::Workload;
use std::collections::BTreeMap;

/// Kinds of workloads, with the names people type.
const WORKLOADS: [(&str, [&str; 3]); 3] = [
    ("Deployment", ["deployment", "deployments", "deploy"]),
    ("StatefulSet", ["statefulset", "statefulsets", "sts"]),
    ("DaemonSet", ["daemonset", "daemonsets", "ds"]),
];

/// What the palette offers of these beside the keys.
pub(super) fn offers() -> Vec<Offer> {
    let offer = |act: Act, name: &str, words: &str| {
        Offer::new(name, words, Command::Act(Box::new(Wish::of(act))))
    };
    vec![
        offer(Act::Scale(None), "scale", "scale NAME N, or scale N here"),
        offer(Act::Delete, "delete", "delete the pod, after asking"),
        offer(Act::Evict, "evict", "evict the pod, after asking"),
    ]
}

impl App {
    /// Begins the run of an act's runbook, or says why not.
    pub(super) fn act(&mut self, wish: &Wish) -> Vec<Effect> {
        match self.wished(wish) {
            Ok(request) => self.obey_run(Command::StartRun(Box::new(request))),
            Err(sentence) => {
                self.tell(sentence);
                Vec::new()
            }
        }
    }

    fn wished(&self, wish: &Wish) -> Result<RunRequest, String> {
        let word = wish.act.word();
        if wish.act == Act::Scale(None) {
            return Err("To how many? `:scale NAME N`, or `:scale N` on its row.".into());
        }
        let object = match &wish.name {
            Some(name) if wish.act.of_pod() => self.pod_called(name),
            Some(name) => self.workload_called(name),
            None if wish.act.of_pod() => self.pod_here(),
            None => self.workload_meant(),
        };
        let object = object.map_err(|why| format!("{why} (`:{word}`)"))?;
        let mut params = BTreeMap::new();
        let mut set = |key: &str, value: String| params.insert(key.to_owned(), value);
        if wish.act.of_pod() {
            set("pod", object.name.to_string());
        } else {
            set("workload", format!("{}/{}", object.kind, object.name));
        }
        if !object.namespace.is_empty() {
            set("namespace", object.namespace.to_string());
        }
        if let Act::Scale(Some(replicas)) = wish.act {
            set("replicas", replicas.to_string());
        }
        Ok(RunRequest::new(wish.act.runbook(), params))
    }

    fn pod_here(&self) -> Result<ObjectRef, String> {
        let object = self.subject().ok_or("Nothing is under the cursor")?;
        if is_pod(&object.kind) {
            return Ok(ObjectRef::new("Pod", &object.namespace, &object.name));
        }
        Err(format!("{object} is not a pod; choose one in :pods"))
    }

    fn pod_called(&self, name: &str) -> Result<ObjectRef, String> {
        let name = match name.split_once('/') {
            Some((kind, name)) if is_pod(kind) => name,
            Some(_) => return Err(format!("{name} is not a pod")),
            None => name,
        };
        let pods = self.cluster.pods.iter();
        let mut found = pods.filter(|pod| &*pod.name == name);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(format!("Several namespaces have a pod {name}")),
            (Some(pod), None) => Ok(ObjectRef::new("Pod", &pod.namespace, &pod.name)),
            (None, _) => self.unseen("Pod", name),
        }
    }

    fn workload_meant(&self) -> Result<ObjectRef, String> {
        let object = self.subject().ok_or("Nothing is under the cursor")?;
        if let Some(kind) = workload_kind(&object.kind) {
            return Ok(ObjectRef::new(kind, &object.namespace, &object.name));
        }
        self.workload_behind(&object)
            .ok_or_else(|| format!("{object} belongs to no workload that is known here"))
    }

    fn workload_called(&self, name: &str) -> Result<ObjectRef, String> {
        let (kind, name) = match name.split_once('/') {
            Some((kind, name)) => {
                let known = workload_kind(kind).ok_or_else(|| {
                    format!("`{kind}` is no kind of workload: Deployment, StatefulSet, DaemonSet")
                })?;
                (Some(known), name)
            }
            None => (None, name),
        };
        let fits = |object: &ObjectRef| {
            &*object.name == name && kind.is_none_or(|kind| kind == &*object.kind)
        };
        let all = self.cluster.all_workloads();
        let found: Vec<ObjectRef> = all.map(Workload::object).filter(fits).collect();
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => self.unseen(kind.unwrap_or("Deployment"), name),
            several => {
                let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                Err(format!("Which one: {}?", names.join(", ")))
            }
        }
    }

    /// What is not seen here may still be there: the run asks the server, in the namespace that is looked at.
    fn unseen(&self, kind: &str, name: &str) -> Result<ObjectRef, String> {
        let namespace = self.target.scope.namespace();
        let namespace = namespace.ok_or_else(|| format!("There is no {kind} {name} here"))?;
        Ok(ObjectRef::new(kind, namespace, name))
    }
}

fn is_pod(kind: &str) -> bool {
    matches!(&*kind.to_lowercase(), "pod" | "pods" | "po")
}

/// The kind of workload a name means; the server's own table says `deployments.apps`.
fn workload_kind(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let bare = name.strip_suffix(".apps").unwrap_or(&name);
    let mut known = WORKLOADS.iter();
    known
        .find(|(_, names)| names.contains(&bare))
        .map(|(kind, _)| *kind)
}
