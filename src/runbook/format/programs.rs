//! The command line of a program as files declare it: a list of words, never a line for a shell. The program itself stands
//! in the file; only its arguments may hold references.

use crate::runbook::format::reader::Reader;
use crate::runbook::model::gives_away;
use crate::runbook::template::Text;

/// The most words a command line has.
const MOST: usize = 64;

/// Reads a program and its arguments.
pub fn argv(table: &Reader<'_, '_, '_>) -> Vec<Text> {
    let Some((value, at)) = table.item("argv") else {
        table.error(
            "`argv` is missing",
            Some("as argv = [\"gh\", \"workflow\", \"run\", \"deploy.yml\"]"),
        );
        return Vec::new();
    };
    if value.as_str().is_some() {
        let help = "there is no shell: argv = [\"PROGRAM\", \"ARGUMENT\", …]";
        table.error_at("argv", "`argv` is a list of words, not a line", Some(help));
        return Vec::new();
    }
    let tables = value.as_array().into_iter().flatten();
    if tables.into_iter().any(|item| item.get_ref().is_table()) {
        let help = "let the program read it from where it is kept, or name a variable in [runbooks] exec_env";
        table.error_at(
            "argv",
            "a secret is never put on a command line",
            Some(help),
        );
        return Vec::new();
    }
    let words = table.texts("argv");
    let fixed = |text: &Text| text.paths().next().is_none();
    let program = words.first();
    let name = program.map_or("", |text| text.source().trim());
    let wrong = |message: String, help: &str| {
        table.sink().error(at, message, Some(help.to_owned()));
    };
    if name.is_empty() {
        wrong(
            "`argv` names no program".to_owned(),
            "its first word is the program",
        );
    } else if !program.is_some_and(fixed) {
        wrong(
            "the program stands in the file: it is never filled in".to_owned(),
            "write its name or its absolute path",
        );
    } else if name.contains('/') && !name.starts_with('/') {
        wrong(
            format!("`{name}` is a path from nowhere"),
            "write an absolute path, or a bare name that [runbooks] exec lists with its path",
        );
    }
    if words.len() > MOST {
        wrong(
            format!("more than {MOST} words"),
            "put what they say into a file that the program reads",
        );
    }
    for (index, word) in words.iter().enumerate().skip(1) {
        if gives_away(word.source()) {
            wrong(
                format!(
                    "word {} of `argv` looks like a secret: everybody on this machine could read it",
                    index + 1
                ),
                "let the program read it from where it is kept, or name a variable in [runbooks] exec_env",
            );
        }
    }
    words
}
