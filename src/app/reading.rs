//! What is read one thing at a time: a log, a document, a table, the list of places. What no screen shows is not kept.

use super::describe::describe;
use super::logs::{LogNews, LogStore, LogStream};
use super::places::{PlacesNews, PlacesStore};
use super::table::{TableNews, TableStore};
use super::text::{Manner, TextNews, TextStore, TextWant, yaml_lines};
use crate::domain::object::ObjectRef;
use jiff::Timestamp;
use std::sync::Arc;

/// Something read.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadingNews {
    /// From a log.
    Logs(LogStream, LogNews),
    /// A document.
    Text(TextWant, TextNews),
    /// Of the table asked for by that name.
    Table(Arc<str>, TableNews),
    /// Places to go to.
    Places(PlacesNews),
}

/// What is being read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The log.
    pub logs: LogStore,
    /// The document.
    pub text: TextStore,
    /// The table.
    pub table: TableStore,
    /// The places.
    pub places: PlacesStore,
    /// Counts up when everything is to be read again.
    pub again: u64,
    /// Whether the next log opened is the one before the last restart.
    pub before_restart: bool,
}

impl Reading {
    /// Takes in what was read.
    pub fn learn(&mut self, news: ReadingNews, now: Timestamp) {
        match news {
            ReadingNews::Logs(stream, news) => self.logs.learn(&stream, news, now),
            ReadingNews::Text(want, news) => self.put(&want, news, now),
            ReadingNews::Table(name, news) => self.table.learn(&name, news, now),
            ReadingNews::Places(news) => self.places.learn(news),
        }
    }

    fn put(&mut self, want: &TextWant, news: TextNews, now: Timestamp) {
        if self.text.want.as_ref() != Some(want) {
            return;
        }
        match news {
            TextNews::Described(object, events) => {
                self.text.put(describe(&object, &events, now), now);
            }
            TextNews::Yaml(text) => self.text.put(yaml_lines(&text), now),
            TextNews::Failed(why) => self.text.trouble = Some(why),
        }
    }

    /// Turns to a log, or away from all.
    pub(super) fn turn_to_log(&mut self, object: Option<&ObjectRef>) {
        if self.logs.object.as_ref() != object {
            let previous = std::mem::take(&mut self.before_restart);
            self.logs.open(object.cloned(), previous, None);
        }
    }

    /// Turns to a document, or away from all.
    pub(super) fn turn_to_text(&mut self, of: Option<(&ObjectRef, Manner)>) {
        let again = self.again;
        let want = of.map(|(object, manner)| TextWant {
            object: object.clone(),
            manner,
            again,
        });
        if self.text.want != want {
            self.text.open(want);
        }
    }

    /// Turns to a table, or away from all.
    pub(super) fn turn_to_table(&mut self, name: Option<&Arc<str>>) {
        if self.table.name.as_ref() != name {
            self.table.open(name.cloned());
        }
    }
}
