//! What is asked once: any object, its YAML, its events, namespaces, revisions of StatefulSets and DaemonSets.

use super::ask::{Ask, escape};
use super::classify::Attempt;
use super::client::Cluster;
use super::discovery::Known;
use super::kinds::{Events, Kind};
use super::pool::Pool;
use super::wire::{mend, probe};
use super::yaml;
use crate::domain::event::Event;
use crate::domain::object::ObjectRef;
use crate::domain::uid::Uid;
use crate::platform::failure::Failure;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: Arc<str>,
    /// Its label `environment`.
    pub environment: Option<Arc<str>>,
    /// Whether it is being deleted.
    pub going: bool,
}

/// One revision of a StatefulSet or DaemonSet.
#[derive(Debug, Clone, PartialEq)]
pub struct ControllerRevision {
    /// Its name.
    pub name: Arc<str>,
    /// Its uid.
    pub uid: Uid,
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// The patch that brings it back.
    pub data: Value,
}

/// An object with what happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The object, with secrets masked.
    pub object: Value,
    /// Its events; `Err` where they may not be read.
    pub events: Result<Vec<Event>, Failure>,
}

/// Lists with nothing but the metadata, where the server can.
const NAMES_ALONE: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

impl Cluster {
    /// An object as the server has it. A Secret comes with its values: show it only through [`Cluster::yaml`].
    pub async fn object(&self, object: &ObjectRef) -> Result<Value, Failure> {
        let known = self.kind_of(object).await?;
        self.object_of(&known, &object.namespace, &object.name)
            .await
    }

    /// The same where the kind is known already.
    pub async fn object_of(
        &self,
        known: &Known,
        namespace: &str,
        name: &str,
    ) -> Result<Value, Failure> {
        let ask = Ask::get(
            known.attempt("get", namespace, name),
            known.object(namespace, name),
        );
        self.json(ask).await
    }

    /// Objects of a kind by label selector (empty for all), as the server has them.
    pub async fn objects_of(
        &self,
        known: &Known,
        namespace: &str,
        selector: &str,
    ) -> Result<Vec<Value>, Failure> {
        #[derive(serde::Deserialize)]
        struct List {
            #[serde(default)]
            items: Vec<Value>,
        }
        let path = format!(
            "{}?labelSelector={}",
            known.path(namespace),
            escape(selector)
        );
        let list: List = self
            .json(Ask::get(known.attempt("list", namespace, ""), path))
            .await?;
        Ok(list.items)
    }

    /// An object as YAML, with secrets masked.
    pub async fn yaml(&self, object: &ObjectRef) -> Result<String, Failure> {
        yaml::text(self.object(object).await?)
    }

    /// An object with its events.
    pub async fn describe(&self, object: &ObjectRef) -> Result<Described, Failure> {
        let found = self.object(object).await?;
        let uid = found["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let events = self.events_of(&object.namespace, &uid).await;
        Ok(Described {
            object: yaml::shown(found),
            events,
        })
    }

    /// The events about the object of that uid, oldest first. For kinds without a namespace they are in `default`.
    pub async fn events_of(&self, namespace: &str, uid: &str) -> Result<Vec<Event>, Failure> {
        #[derive(serde::Deserialize)]
        struct List<'a> {
            #[serde(borrow, default)]
            items: Vec<&'a RawValue>,
        }
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        let attempt = Attempt::read("list", "", "events", namespace, "");
        let path = format!(
            "/api/v1/namespaces/{}/events?fieldSelector=involvedObject.uid%3D{}",
            escape(namespace),
            escape(uid)
        );
        let answer = self.send(Ask::get(attempt.clone(), path)).await?;
        let list: List<'_> = serde_json::from_slice(&answer.body).map_err(|_| {
            self.failure(
                crate::platform::failure::FailureKind::Malformed,
                &attempt,
                "",
            )
        })?;
        let mut pool = Pool::default();
        let mut events: Vec<Event> = list
            .items
            .iter()
            .filter_map(|item| event(item.get().as_bytes(), &mut pool))
            .collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    /// The names of some pods of a namespace (empty: of any), a few hundred at most.
    pub async fn pod_names(&self, namespace: &str) -> Result<Vec<Arc<str>>, Failure> {
        let known = everyday("Pod");
        let path = format!("{}?limit=300", known.path(namespace));
        let mut ask = Ask::get(known.attempt("list", namespace, ""), path);
        ask.accept = Some(NAMES_ALONE);
        let list: Value = self.json(ask).await?;
        let items = list["items"].as_array().into_iter().flatten();
        let name = |item: &Value| item["metadata"]["name"].as_str().map(Arc::from);
        Ok(items.filter_map(name).collect())
    }

    /// Every namespace we may see.
    pub async fn namespaces(&self) -> Result<Vec<Namespace>, Failure> {
        let known = everyday("Namespace");
        let all = self.objects_of(&known, "", "").await?;
        let read = |value: &Value| {
            let meta = &value["metadata"];
            Some(Namespace {
                name: meta["name"].as_str()?.into(),
                environment: meta["labels"]["environment"].as_str().map(Into::into),
                going: meta["deletionTimestamp"].is_string(),
            })
        };
        Ok(all.iter().filter_map(read).collect())
    }

    /// The revisions of the StatefulSet or DaemonSet of that uid, newest first.
    pub async fn controller_revisions(
        &self,
        namespace: &str,
        owner: &str,
    ) -> Result<Vec<ControllerRevision>, Failure> {
        let known = everyday("ControllerRevision");
        let all = self.objects_of(&known, namespace, "").await?;
        let of_it = |value: &&Value| {
            let owners = value["metadata"]["ownerReferences"].as_array();
            owners.is_some_and(|all| all.iter().any(|one| one["uid"] == owner))
        };
        let read = |value: &Value| {
            let meta = &value["metadata"];
            Some(ControllerRevision {
                name: meta["name"].as_str()?.into(),
                uid: meta["uid"].as_str()?.into(),
                number: value["revision"].as_u64()?,
                created: meta["creationTimestamp"]
                    .as_str()
                    .and_then(|at| at.parse().ok()),
                data: value["data"].clone(),
            })
        };
        let mut revisions: Vec<_> = all.iter().filter(of_it).filter_map(read).collect();
        revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
        Ok(revisions)
    }
}

/// An everyday kind; the empty kind, which no server has, if it is none.
pub(super) fn everyday(name: &str) -> Known {
    Known::everyday(name).unwrap_or_default()
}

fn event(text: &[u8], pool: &mut Pool) -> Option<Event> {
    if let Ok(wire) = serde_json::from_slice::<<Events as Kind>::Wire<'_>>(text) {
        return Events::row(wire, pool);
    }
    let value = mend(text, |value| probe::<<Events as Kind>::Wire<'_>>(value))?;
    Events::row(<Events as Kind>::Wire::deserialize(&value).ok()?, pool)
}
