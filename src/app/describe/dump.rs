//! Everything of an object that has no words of ours: its fields, indented.

use super::super::text::{Look, TextLine};
use super::page::Page;
use serde_json::Value;

/// The most lines of one object.
const LINES: usize = 2000;
/// The most characters of one value on its line.
const VALUE: usize = 400;

/// Every field that the head and the conditions do not show.
pub(super) fn rest(page: &mut Page, object: &Value) {
    for (name, value) in object.as_object().into_iter().flatten() {
        if matches!(name.as_str(), "metadata" | "kind" | "apiVersion") {
            continue;
        }
        page.heading(name);
        write(page, value, 0);
    }
    if page.lines.len() >= LINES {
        page.line("… there is more: the YAML has it all", Look::Dim);
    }
}

fn write(page: &mut Page, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (key, value) in map
                .iter()
                .filter(|(key, _)| indent > 0 || *key != "conditions")
            {
                field(page, key, value, indent);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                field(page, &format!("{}.", index + 1), item, indent);
            }
        }
        other => field(page, "", other, indent),
    }
}

fn field(page: &mut Page, key: &str, value: &Value, indent: usize) {
    if page.lines.len() >= LINES {
        return;
    }
    let blanks = " ".repeat(indent * 2);
    match value {
        Value::Object(_) | Value::Array(_) => {
            let text = format!("{blanks}{key}");
            page.lines.push(TextLine {
                label: text.len(),
                text,
                look: Look::Plain,
            });
            write(page, value, indent + 1);
        }
        Value::String(words) => {
            let mut lines = words.lines();
            pair(page, &blanks, key, lines.next().unwrap_or_default());
            for line in lines.take(LINES) {
                pair(page, &format!("{blanks}  "), "", line);
            }
        }
        other => pair(page, &blanks, key, &other.to_string()),
    }
}

fn pair(page: &mut Page, blanks: &str, key: &str, value: &str) {
    if page.lines.len() >= LINES {
        return;
    }
    let value: String = value.chars().take(VALUE).collect();
    page.lines.push(TextLine {
        text: format!("{blanks}{key} {value}"),
        label: blanks.len() + key.len(),
        look: Look::Plain,
    });
}
