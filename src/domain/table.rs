//! A table as the server makes it for any kind: its columns and its rows. Who reads it and who keeps it use the same words.

use super::uid::Uid;
use jiff::Timestamp;
use std::sync::Arc;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name, as the server writes it: `Hosts`.
    pub name: Arc<str>,
    /// Whether it is for wide lists only.
    pub wide: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The object's uid.
    pub uid: Uid,
    /// Its namespace; empty where it has none.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// When it was created; the server's own age is of the moment it was asked.
    pub created: Option<Timestamp>,
    /// Its cells, by column.
    pub cells: Vec<Arc<str>>,
}
