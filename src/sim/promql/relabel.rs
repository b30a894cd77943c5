//! `label_replace`: makes a label from a pattern matched against another.

use std::sync::Arc;

use super::ast::Error;
use super::pattern::Pattern;
use super::value::Column;

/// Applies `label_replace`; the texts are destination, replacement, source and pattern.
pub fn label_replace(columns: Vec<Column>, texts: &[&str]) -> Result<Vec<Column>, Error> {
    let &[destination, replacement, source, pattern] = texts else {
        return Err(Error::Execution("label_replace needs four texts".into()));
    };
    let invalid = |_| {
        Error::Execution(format!(
            "invalid regular expression in label_replace(): {pattern}"
        ))
    };
    let pattern = Pattern::new(pattern).map_err(invalid)?;
    if !is_label(destination) {
        return Err(Error::Execution(format!(
            "invalid destination label name in label_replace(): {destination}"
        )));
    }
    let replaced = |mut column: Column| {
        if let Some(groups) = pattern.captures(column.labels.get(source)) {
            column.labels.set(
                destination.into(),
                Arc::from(expanded(replacement, &groups)),
            );
        }
        column
    };
    Ok(columns.into_iter().map(replaced).collect())
}

/// Whether a text can be the name of a label.
pub fn is_label(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(inside) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Puts groups in place of `$1` and `${1}`; `$$` is a dollar, a group that does not exist is empty.
fn expanded(replacement: &str, groups: &[String]) -> String {
    let mut parts = replacement.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut literal = false;
    for part in parts {
        if part.is_empty() && !literal {
            text.push('$');
            literal = true;
            continue;
        }
        if std::mem::take(&mut literal) {
            text.push_str(part);
            continue;
        }
        let (number, rest) = match part
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some(found) => found,
            None => part.split_at(
                part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(part.len()),
            ),
        };
        let group = number.parse::<usize>().ok().and_then(|n| groups.get(n));
        text.push_str(group.map_or("", String::as_str));
        text.push_str(rest);
    }
    text
}
