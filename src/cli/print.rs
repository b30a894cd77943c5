//! Writing to standard output. A reader who has gone away is no error.

use super::exit::{Failed, OK};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};

/// Prints text as it is.
pub fn text(text: &str) -> Result<u8, Failed> {
    heard(text).map(|_| OK)
}

/// Prints text as it is; false when nobody reads any more.
pub fn heard(text: &str) -> Result<bool, Failed> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failed::unwritten(&error)),
    }
}

/// Says a sentence to the person, beside the data. Nobody may be there to hear it.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "vigie: {}", text.trim_end());
}

/// What every document of the contract begins with, in this order, where it has them.
const FIRST: [&str; 2] = ["schema", "event"];

/// A document of the contract as one line: `schema` first, then what happened, then the rest by name.
pub fn line(document: &Value) -> String {
    let Some(fields) = document.as_object() else {
        return format!("{document}\n");
    };
    let first = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
    let rest = fields
        .iter()
        .filter(|(name, _)| !FIRST.contains(&name.as_str()));
    let mut text = String::from("{");
    for (index, (name, value)) in first.chain(rest).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // A string takes whatever is written.
        let _ = write!(text, "{comma}{}:{value}", Value::from(name.as_str()));
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_begins_with_its_schema_and_stays_the_same_document() {
        let document = json!({"at": "x", "schema": 1, "event": "run.end", "a\"b": null});
        let said = line(&document);
        assert!(
            said.starts_with(r#"{"schema":1,"event":"run.end","#) && said.ends_with("}\n"),
            "{said}"
        );
        assert_eq!(serde_json::from_str::<Value>(&said).ok(), Some(document));
    }
}
