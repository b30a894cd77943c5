//! Free texts of an incident passed through a cleaner: before they are written and again when they are exported. Names of
//! people, typed on purpose, and the names of things stay.

use crate::domain::incident::{Event, Record};
use serde_json::Value;

/// The fields that hold free text, whoever wrote it.
const FREE: [&str; 6] = ["title", "text", "reason", "why", "break_glass", "leftovers"];

/// Those beside them in the records of runs and of the audit log.
const MORE: [&str; 6] = ["message", "answer", "said", "hand_over", "what", "passed"];

/// Cleans the free texts of any record, however deep they stand. What was signed is no free text.
pub fn everywhere(value: &mut Value, cleaner: &dyn Fn(&str) -> String) {
    match value {
        Value::Object(fields) => {
            let approval = fields.get("event").is_some_and(|event| event == "approval");
            for (name, field) in fields.iter_mut() {
                let free = FREE.contains(&name.as_str()) || MORE.contains(&name.as_str());
                if free && !(approval && name == "text") {
                    texts(field, cleaner);
                }
                everywhere(field, cleaner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| everywhere(item, cleaner)),
        _ => {}
    }
}

/// The same event with its texts cleaned.
pub fn clean(event: &Event, cleaner: &dyn Fn(&str) -> String) -> Event {
    let Ok(mut value) = serde_json::to_value(event) else {
        return event.clone();
    };
    pass(&mut value, cleaner);
    serde_json::from_value(value).unwrap_or_else(|_| event.clone())
}

fn pass(value: &mut Value, cleaner: &dyn Fn(&str) -> String) {
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        if FREE.contains(&name.as_str()) {
            texts(field, cleaner);
        }
    }
}

fn texts(value: &mut Value, cleaner: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = cleaner(text),
        Value::Array(items) => items.iter_mut().for_each(|item| texts(item, cleaner)),
        _ => {}
    }
}

/// The records with their texts cleaned, and how many of them that changed.
pub fn clean_all(records: &[Record], cleaner: &dyn Fn(&str) -> String) -> (Vec<Record>, usize) {
    let mut changed = 0;
    let each = records.iter().map(|record| {
        let event = clean(&record.event, cleaner);
        changed += usize::from(event != record.event);
        Record {
            event,
            ..record.clone()
        }
    });
    let all: Vec<Record> = each.collect();
    (all, changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::Role;

    #[test]
    fn texts_are_cleaned_and_names_stay() {
        let shout = |text: &str| text.to_uppercase();
        let note = Event::Note { text: "abc".into() };
        assert_eq!(clean(&note, &shout), Event::Note { text: "ABC".into() });
        let role = Event::Role {
            role: Role::Scribe,
            name: Some("Ada".into()),
        };
        assert_eq!(clean(&role, &shout), role);
        let over = Event::HandedOver {
            to: "Ada".into(),
            reason: "night".into(),
        };
        assert_eq!(
            clean(&over, &shout),
            Event::HandedOver {
                to: "Ada".into(),
                reason: "NIGHT".into()
            }
        );
    }
}
