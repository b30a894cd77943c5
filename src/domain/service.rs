//! A Service of the cluster: a name and the pods behind it.

use super::object::Selector;
use super::uid::Uid;
use std::sync::Arc;

/// One Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its uid.
    pub uid: Uid,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Which pods it sends requests to; empty where it has no selector.
    pub selector: Selector,
    /// Its ports: name (may be empty) and number.
    pub ports: Vec<(Arc<str>, u16)>,
}
