//! Any kind as the server's own table, watched: the columns and cells `kubectl get` would print.

use super::classify::Attempt;
use super::client::Cluster;
use super::decode::{About, Decode, Seen, control};
use super::discovery::Known;
use super::sighting::Patience;
use super::watch::{Watch, start};
use super::wire::{EventType, Line, Mark, Meta, Text, mend, probe, slim};
use crate::domain::table::{TableColumn, TableRow};
use crate::domain::target::Scope;
use crate::platform::failure::bounded;
use serde::Deserialize as _;
use serde_json::Value;
use std::sync::Arc;

/// The most characters kept of a cell.
const CELL: usize = 500;
const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// What a watched table says: its columns once, then rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableFact {
    /// The columns.
    Columns(Vec<TableColumn>),
    /// A row.
    Row(TableRow),
}

slim! {
    /// A Table.
    TableWire<'a> {
        metadata: Mark<'a>,
        column_definitions: Vec<ColumnWire<'a>>,
        rows: Vec<RowWire<'a>>,
    }
}

slim! {
    /// One column of it.
    ColumnWire<'a> {
        name: Text<'a>,
        priority: i64,
    }
}

slim! {
    /// One row of it.
    RowWire<'a> {
        cells: Vec<Value>,
        object: RowObject<'a>,
    }
}

slim! {
    /// What a row is of.
    RowObject<'a> {
        metadata: Meta<'a>,
    }
}

struct Tables {
    known: Known,
}

impl Cluster {
    /// Watches any kind as the server's table.
    pub fn watch_table(
        &self,
        known: &Known,
        scope: &Scope,
        fallback: Option<Arc<str>>,
    ) -> Watch<TableFact> {
        let decode = Tables {
            known: known.clone(),
        };
        start(self.clone(), decode, scope, fallback, Patience::default())
    }
}

fn columns(wire: &[ColumnWire<'_>]) -> Option<TableFact> {
    let column = |wire: &ColumnWire<'_>| TableColumn {
        name: (&*wire.name).into(),
        wide: wire.priority > 0,
    };
    (!wire.is_empty()).then(|| TableFact::Columns(wire.iter().map(column).collect()))
}

fn row(wire: &RowWire<'_>) -> Option<TableRow> {
    let meta = &wire.object.metadata;
    let cell = |value: &Value| -> Arc<str> {
        match value {
            Value::Null => "<none>".into(),
            Value::String(text) => bounded(text, CELL).into(),
            other => bounded(&other.to_string(), CELL).into(),
        }
    };
    Some(TableRow {
        uid: meta.uid.some().or(meta.name.some())?.into(),
        namespace: (&*meta.namespace).into(),
        name: meta.name.some()?.into(),
        created: meta.creation_timestamp.moment(),
        cells: wire.cells.iter().map(cell).collect(),
    })
}

fn seen(event: EventType, table: &TableWire<'_>) -> Seen<TableFact> {
    let first = table.rows.first();
    let version = first.map(|row| row.object.metadata.resource_version.to_string());
    let version = version.unwrap_or_default();
    match event {
        EventType::Added | EventType::Modified => {
            let rows = table.rows.iter().filter_map(row).map(TableFact::Row);
            Seen::Rows(
                columns(&table.column_definitions)
                    .into_iter()
                    .chain(rows)
                    .collect(),
                version,
            )
        }
        EventType::Deleted => match first.and_then(row) {
            Some(row) => Seen::Gone(row.uid, version),
            None => Seen::Unreadable,
        },
        EventType::Bookmark => {
            let own = table.metadata.resource_version.some();
            Seen::Mark {
                version: own.map_or(version, str::to_owned),
                complete: false,
            }
        }
        _ => Seen::Nothing,
    }
}

impl Decode for Tables {
    type Row = TableFact;

    fn about(&self) -> About {
        About {
            group: self.known.group.clone(),
            version: self.known.version.clone(),
            plural: self.known.plural.as_str().into(),
            namespaced: self.known.namespaced,
            // A table's bookmarks hide the mark that ends a streaming list on some servers.
            streams: false,
            accept: Some(ACCEPT),
            items: "rows",
            packed: None,
        }
    }

    fn line(&mut self, line: &[u8], attempt: &Attempt, server: &str) -> Seen<TableFact> {
        match serde_json::from_slice::<Line<TableWire<'_>>>(line) {
            Ok(Line {
                event: EventType::Error,
                ..
            }) => control(line, attempt, server).unwrap_or(Seen::Unreadable),
            Ok(read) => seen(read.event, &read.object),
            Err(_) => control(line, attempt, server)
                .or_else(|| {
                    let value = mend(line, |value| probe::<Line<TableWire<'_>>>(value))?;
                    let read = Line::<TableWire<'_>>::deserialize(&value).ok()?;
                    Some(seen(read.event, &read.object))
                })
                .unwrap_or(Seen::Unreadable),
        }
    }

    fn item(&mut self, item: &[u8]) -> Option<TableFact> {
        if let Ok(wire) = serde_json::from_slice::<RowWire<'_>>(item) {
            return row(&wire).map(TableFact::Row);
        }
        let value = mend(item, |value| probe::<RowWire<'_>>(value))?;
        row(&RowWire::deserialize(&value).ok()?).map(TableFact::Row)
    }

    fn head(&mut self, head: &[u8]) -> (Vec<TableFact>, String) {
        let table: TableWire<'_> = serde_json::from_slice(head).unwrap_or_default();
        let columns = columns(&table.column_definitions).into_iter().collect();
        (columns, table.metadata.resource_version.to_string())
    }
}
