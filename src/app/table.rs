//! Any kind as the server's own table: its columns and rows, kept in order while a watch speaks.
//!
//! [`TableStore`] knows neither the App nor the screen that shows it.

use super::stock::{Roll, Row, Stock};
use crate::domain::object::ObjectRef;
use crate::domain::table::{TableColumn, TableRow};
use crate::domain::uid::Uid;
use jiff::Timestamp;
use std::sync::Arc;

impl Row for TableRow {
    fn uid(&self) -> &Uid {
        &self.uid
    }
}

/// What is said of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum TableNews {
    /// The name means this kind, whose objects live in namespaces or not.
    Known {
        /// The kind, with its group where it has one, as it can be asked for again.
        kind: Arc<str>,
        /// What its objects are called together.
        plural: Arc<str>,
        /// Whether its objects live in namespaces.
        namespaced: bool,
    },
    /// The columns.
    Columns(Vec<TableColumn>),
    /// The rows.
    Rows(Roll<TableRow>),
    /// The watch was heard.
    Heard,
    /// Only the objects of this namespace may be seen, where all were wanted.
    Narrowed(Arc<str>),
    /// There is no table, or none now: a sentence that says why.
    Trouble(Arc<str>),
}

/// The table that is looked at.
#[derive(Debug, Default)]
pub struct TableStore {
    /// The name it was asked for by.
    pub name: Option<Arc<str>>,
    /// The kind, once it is known.
    pub kind: Option<Arc<str>>,
    /// What its objects are called together, once it is known.
    pub plural: Option<Arc<str>>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// The widest value each column has had, in characters.
    pub widths: Vec<usize>,
    /// The only namespace that may be seen.
    pub narrowed: Option<Arc<str>>,
    /// Why there is nothing, or nothing new.
    pub trouble: Option<Arc<str>>,
    /// When it was last heard.
    pub heard: Option<Timestamp>,
    stock: Stock<TableRow>,
    order: Vec<Uid>,
}

impl TableStore {
    /// Looks at another table, from the beginning.
    pub fn open(&mut self, name: Option<Arc<str>>) {
        *self = Self {
            name,
            ..Self::default()
        };
    }

    /// Takes in what is said of the table of that name.
    pub fn learn(&mut self, name: &Arc<str>, news: TableNews, now: Timestamp) {
        if self.name.as_ref() != Some(name) {
            return;
        }
        match news {
            TableNews::Known {
                kind,
                plural,
                namespaced,
            } => {
                (self.kind, self.plural) = (Some(kind), Some(plural));
                self.namespaced = namespaced;
            }
            TableNews::Columns(columns) => {
                self.widths.resize(columns.len(), 0);
                self.columns = columns;
            }
            TableNews::Rows(roll) => self.take(roll, now),
            TableNews::Heard => (self.trouble, self.heard) = (None, Some(now)),
            TableNews::Narrowed(namespace) => self.narrowed = Some(namespace),
            TableNews::Trouble(why) => self.trouble = Some(why),
        }
    }

    fn take(&mut self, roll: Roll<TableRow>, now: Timestamp) {
        if !matches!(roll, Roll::Listing) {
            (self.trouble, self.heard) = (None, Some(now));
        }
        if let Roll::Rows(rows) = &roll {
            for (width, index) in self.widths.iter_mut().zip(0..) {
                let widest = rows.iter().filter_map(|row| row.cells.get(index));
                *width = widest
                    .map(|cell| cell.chars().count())
                    .fold(*width, usize::max);
            }
        }
        let mut changed = false;
        self.stock.apply(roll, |_, _| changed = true);
        if changed {
            let mut rows: Vec<&TableRow> = self.stock.iter().collect();
            rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
            self.order = rows.into_iter().map(|row| row.uid.clone()).collect();
        }
    }

    /// Whether a complete list was seen.
    pub fn listed(&self) -> bool {
        self.stock.listed()
    }

    /// The rows, by namespace and name.
    pub fn rows(&self) -> impl Iterator<Item = &TableRow> {
        self.order.iter().filter_map(|uid| self.stock.get(uid))
    }

    /// The object behind a row.
    pub fn object(&self, row: &TableRow) -> ObjectRef {
        let kind = self.kind.clone().unwrap_or_else(|| "".into());
        ObjectRef {
            kind,
            namespace: row.namespace.clone(),
            name: row.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> TableRow {
        TableRow {
            uid: name.into(),
            namespace: "n".into(),
            name: name.into(),
            created: None,
            cells: vec![name.into(), "1".into()],
        }
    }

    #[test]
    fn rows_stand_in_order_and_what_another_table_says_is_left_out() {
        let now = Timestamp::UNIX_EPOCH;
        let mut store = TableStore::default();
        let name: Arc<str> = "cm".into();
        store.open(Some(name.clone()));
        let column = |name: &str| TableColumn {
            name: name.into(),
            wide: false,
        };
        store.learn(
            &name,
            TableNews::Columns(vec![column("Name"), column("Data")]),
            now,
        );
        let rows = || TableNews::Rows(Roll::Rows(vec![row("b"), row("alpha")]));
        store.learn(&"ing".into(), rows(), now);
        assert_eq!(store.rows().count(), 0);
        store.learn(&name, rows(), now);
        let names: Vec<&str> = store.rows().map(|row| &*row.name).collect();
        assert_eq!(names, ["alpha", "b"]);
        assert_eq!(store.widths, [5, 1]);
        store.learn(&name, TableNews::Trouble("gone".into()), now);
        assert_eq!(store.rows().count(), 2, "old rows stay");
    }
}
