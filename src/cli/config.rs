//! `vigie config`: what is in effect and who said it, what is wrong, the schema, the path. Also what only the upper floors can
//! tell of a configuration: whether its keys are commands and its themes can be drawn. Every command asks for that on its way.

use super::args::value::Screen;
use super::args::{ConfigCommand, Global, Output};
use super::console;
use super::exit::{Failed, OK, USAGE};
use super::print;
use super::shelf;
use crate::config::layer::Origin;
use crate::config::mistake::{Mistake, Mistakes, Place, nearest};
use crate::config::{self, Inputs, Loaded, load, shape, show};
use crate::keymap::{Keymap, KeymapError};
use crate::ui::tables::{name as column_name, tables};
use crate::ui::theme::Theme;
use serde_json::{Value, json};

/// `vigie config`. Works without a configuration that can be read, for that is when it is wanted.
pub fn answer(global: &Global, asked: ConfigCommand, inputs: &Inputs) -> Result<u8, Failed> {
    let json = global.output == Output::Json;
    match asked {
        ConfigCommand::Path => path(inputs, json),
        ConfigCommand::Schema => print::text(&format!("{:#}\n", shape::schema())),
        ConfigCommand::Show => shown(
            &whole(inputs).map_err(|mistakes| told(&mistakes))?,
            inputs,
            json,
        ),
        ConfigCommand::Check => check(inputs, json),
    }
}

/// Loads and checks everything; all mistakes at once, as far as they can be told.
pub fn whole(inputs: &Inputs) -> Result<Loaded, Mistakes> {
    let loaded = load(inputs)?;
    let mistakes = beyond(&loaded);
    if mistakes.is_empty() {
        Ok(loaded)
    } else {
        Err(Mistakes(mistakes))
    }
}

/// Mistakes as a command reports them.
pub fn told(mistakes: &Mistakes) -> Failed {
    Failed::usage(mistakes.to_string())
}

fn path(inputs: &Inputs, json: bool) -> Result<u8, Failed> {
    let path = config::path(inputs);
    let exists = path.exists();
    if json {
        let document = json!({"schema": 1, "path": path.display().to_string(), "exists": exists});
        return print::text(&print::line(&document));
    }
    print::text(&format!("{}\n", path.display()))?;
    if !exists {
        print::note(
            "there is no such file; the defaults hold, config.example.toml explains every key",
        );
    }
    Ok(OK)
}

fn shown(loaded: &Loaded, inputs: &Inputs, json: bool) -> Result<u8, Failed> {
    let lines = show::shown(&loaded.merged, &inputs.variables);
    let file = loaded.file.as_ref().map(|path| path.display().to_string());
    let text = if json {
        print::line(&show::document(file.as_deref(), &lines))
    } else {
        show::text(&lines)
    };
    print::text(&text)?;
    for notice in notices(loaded) {
        print::note(&notice);
    }
    Ok(OK)
}

fn check(inputs: &Inputs, json: bool) -> Result<u8, Failed> {
    let (mistakes, notices, file) = match whole(inputs) {
        Ok(loaded) => (Vec::new(), notices(&loaded), loaded.file),
        Err(mistakes) => (mistakes.0, Vec::new(), Some(config::path(inputs))),
    };
    let code = if mistakes.is_empty() { OK } else { USAGE };
    let file = file.map(|path| path.display().to_string());
    if json {
        let document = json!({
            "schema": 1, "file": file, "ok": mistakes.is_empty(), "notices": notices,
            "mistakes": mistakes.iter().map(document).collect::<Vec<_>>(),
        });
        print::text(&print::line(&document))?;
        return Ok(code);
    }
    if !mistakes.is_empty() {
        return Err(told(&Mistakes(mistakes)));
    }
    for notice in &notices {
        print::note(notice);
    }
    print::text(&match file {
        Some(file) if !notices.is_empty() => {
            format!("{file} can be used; what is odd in it was said\n")
        }
        Some(file) => format!("{file} is right\n"),
        None => format!(
            "there is no {}; the defaults hold\n",
            config::path(inputs).display()
        ),
    })
}

/// What is odd but keeps nobody from working: variables that mean nothing, folders that are not there, a language that nothing
/// is written in.
pub fn notices(loaded: &Loaded) -> Vec<String> {
    let mut found = loaded.merged.notices.clone();
    let config = &loaded.config().runbooks;
    for folder in &config.folders {
        let path = loaded.resolve(folder);
        if !path.is_dir() {
            found.push(format!(
                "runbooks.folders: there is no folder {}; no runbooks come from there.",
                path.display()
            ));
        }
    }
    let known = shelf::languages(loaded);
    if !known.contains(&config.language) {
        found.push(format!(
            "runbooks.language: nothing is translated into `{}`; there are {}.",
            config.language,
            known.join(", ")
        ));
    }
    found
}

fn document(mistake: &Mistake) -> Value {
    let (file, line, column) = match &mistake.place {
        Place::File {
            file, line, column, ..
        } => (Some(file), Some(line), Some(column)),
        Place::Variable(name) | Place::Flag(name) => (Some(name), None, None),
        Place::Nowhere => (None, None, None),
    };
    json!({
        "file": file, "line": line, "column": column, "key": config::mistake::dotted(&mistake.key),
        "sentence": mistake.sentence, "hint": mistake.hint,
    })
}

/// What the floors above the configuration know to be wrong with it.
fn beyond(loaded: &Loaded) -> Vec<Mistake> {
    let config = loaded.config();
    let mut mistakes = Vec::new();
    if let Err(error) = Keymap::new(&config.keys) {
        mistakes.push(wrong_keys(loaded, &error));
    }
    let mut wrong = |key: &[&str], sentence: String, hint: Option<String>| {
        let key: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
        mistakes.push(Mistake {
            place: place(loaded, &key),
            key,
            sentence,
            hint,
        });
    };
    if let Err(error) = config.start.screen.parse::<Screen>() {
        wrong(&["start", "screen"], error, None);
    }
    let tables = tables();
    for (table, names) in &config.columns {
        let Some((_, known)) = tables.iter().find(|(name, _)| name == table) else {
            let all: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
            let hint = nearest(table, all.iter().copied()).map_or_else(
                || format!("there are: {}", all.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let sentence = format!("the columns of `{table}` cannot be chosen");
            wrong(&["columns", table], sentence, Some(hint));
            continue;
        };
        let named = |one: &&String| !known.contains(&column_name(one));
        for name in names.iter().filter(named) {
            let hint = nearest(name, known.iter().map(String::as_str)).map_or_else(
                || format!("columns here: {}", known.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            let sentence = format!("{table} has no column {name:?}");
            wrong(&["columns", table], sentence, Some(hint));
        }
    }
    let own = console::own_themes(loaded);
    let texts: Vec<(&str, &str)> = own
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    if config.theme != "auto"
        && let Err(error) = Theme::sheet(&config.theme, &texts)
    {
        let key = vec!["theme".to_owned()];
        mistakes.push(Mistake {
            place: place(loaded, &key),
            key,
            sentence: error.to_string(),
            hint: None,
        });
    }
    mistakes
}

fn wrong_keys(loaded: &Loaded, error: &KeymapError) -> Mistake {
    let keys = &loaded.config().keys;
    let command = match error {
        KeymapError::NoCommand { given, .. } => given.as_str(),
        KeymapError::Chord { command, .. } => command.as_str(),
        KeymapError::Conflict { first, second, .. } if keys.contains_key(*first) => first,
        KeymapError::Conflict { second, .. } => second,
    };
    let key = vec!["keys".to_owned(), command.to_owned()];
    let sentence = error.to_string();
    let hint = match error {
        KeymapError::NoCommand { .. } => {
            "`?` in the console lists the commands of a screen".to_owned()
        }
        KeymapError::Chord { .. } => "write keys as `g`, `ctrl-d`, `shift-j`, `enter`".to_owned(),
        KeymapError::Conflict { second, .. } => format!("give `{second}` another key, or none: []"),
    };
    // A name that is no command is itself the mistake, not what it is given.
    let place = match (error, loaded.merged.origins.get(&key)) {
        (KeymapError::NoCommand { .. }, Some(Origin::File { file, line })) => {
            value_of(file, *line, &[])
        }
        _ => place(loaded, &key),
    };
    Mistake {
        place,
        key,
        sentence: sentence
            .strip_prefix("keys: ")
            .unwrap_or(&sentence)
            .to_owned(),
        hint: Some(hint),
    }
}

/// Where a key was said.
fn place(loaded: &Loaded, key: &[String]) -> Place {
    match loaded.merged.origins.get(key) {
        Some(Origin::File { file, line }) => value_of(file, *line, key),
        Some(Origin::Ecosystem(name) | Origin::Variable(name)) => Place::Variable(name.clone()),
        Some(Origin::Flag(name)) => Place::Flag(name.clone()),
        Some(Origin::Default) | None => Place::Nowhere,
    }
}

/// The value on a line of a file; the whole line where the key is not on it.
fn value_of(file: &str, line: usize, key: &[String]) -> Place {
    let Ok(text) = std::fs::read_to_string(file) else {
        return Place::Nowhere;
    };
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let whole = text[before..].lines().next().unwrap_or_default();
    let named = whole.split_once('=').filter(|(name, _)| {
        let name = name.trim().trim_matches(['"', '\'']);
        key.last().is_some_and(|last| name.ends_with(last.as_str()))
    });
    let value = named.map_or(whole, |(_, value)| value);
    let start = before + whole.len() - value.trim_start().len();
    Place::in_file(file, &text, start..start + value.trim().len())
}
