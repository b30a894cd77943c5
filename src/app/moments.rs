//! Everything that happened, in one order: events of the cluster with their repeats, revisions, alerts, onsets.

use super::changes::{ChangeKind, Note};
use super::state::App;
use crate::domain::event::Event;
use crate::domain::object::ObjectRef;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// The most moments that are kept; the oldest are left out.
const MOST: usize = 2000;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When; of what repeats, when last.
    pub at: Timestamp,
    /// How much it should be looked at.
    pub level: Level,
    /// What kind of thing: `rollout`, `alert`, `ONSET`, an event's reason.
    pub what: Arc<str>,
    /// Of what.
    pub object: ObjectRef,
    /// What happened. As it came: escape before drawing.
    pub text: Arc<str>,
    /// How often.
    pub count: u32,
    /// When it was first seen, where it repeats.
    pub first: Option<Timestamp>,
    /// What else there is to say.
    pub note: Option<Note>,
}

impl Moment {
    /// Its identity in a list.
    pub fn id(&self) -> Uid {
        let Self { what, object, .. } = self;
        // What repeats is one line: its time changes and it does not become another.
        let at = if self.count > 1 {
            String::new()
        } else {
            self.at.to_string()
        };
        format!(
            "{at} {what} {}/{object} {}",
            object.namespace,
            self.text.len()
        )
        .into()
    }
}

/// Everything that is known to have happened, newest first.
pub fn moments(app: &App) -> Vec<Moment> {
    let mut all = events(app);
    all.extend(app.changes.iter().map(|change| Moment {
        at: change.at,
        level: match change.kind {
            ChangeKind::Onset => Level::Failing,
            ChangeKind::Alert => Level::Watch,
            ChangeKind::Rollout => Level::Healthy,
        },
        what: change.kind.word().into(),
        object: change.object.clone(),
        text: change.text.as_str().into(),
        count: 1,
        first: None,
        note: change.note,
    }));
    let key = |m: &Moment| (m.at, m.level, m.object.clone(), m.what.clone());
    all.sort_by_cached_key(|moment| std::cmp::Reverse(key(moment)));
    all.truncate(MOST);
    all
}

/// The events of the cluster; the same words about the same object are one moment with a count.
fn events(app: &App) -> Vec<Moment> {
    let mut found: HashMap<(&ObjectRef, &str, &str), Moment> = HashMap::new();
    for event in app.cluster.events.iter() {
        let Some(at) = event.at.or(event.first) else {
            continue;
        };
        let key = (&event.object, &*event.reason, &*event.message);
        match found.get_mut(&key) {
            None => drop(found.insert(key, moment(event, at))),
            Some(known) => {
                known.count = known.count.saturating_add(event.count.max(1));
                known.at = known.at.max(at);
                let first = event.first.unwrap_or(at);
                known.first = Some(known.first.map_or(first, |before| before.min(first)));
            }
        }
    }
    found.into_values().collect()
}

fn moment(event: &Event, at: Timestamp) -> Moment {
    Moment {
        at,
        level: if event.warning {
            Level::Watch
        } else {
            Level::Healthy
        },
        what: event.reason.clone(),
        object: event.object.clone(),
        text: event.message.clone(),
        count: event.count.max(1),
        first: event.first,
        note: None,
    }
}
