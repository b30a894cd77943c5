//! File, environment and flags become one validated configuration; mistakes name file, line, column and key.
//!
//! [`settings`] has every key with its default, and all else follows from it: [`shape`] holds a document against it, [`check`]
//! asks for sense, [`layer`] lays defaults, file, variables and flags over each other and remembers who said what, [`show`]
//! tells it. [`policy`] and [`place`] answer what holds where. The command line calls [`load`] and prints.

pub mod ambient;
pub mod audit;
pub mod channel;
pub mod check;
pub mod layer;
pub mod mistake;
pub mod place;
pub mod policy;
pub mod settings;
pub mod shape;
pub mod show;
pub mod source;
pub mod unit;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

use layer::{Flag, Layers, Merged};
use mistake::{Mistake, Mistakes, Place};
pub use place::environment_for;
pub use settings::Config;

/// The example that documents every key.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// Where things are kept when nobody says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The person's home.
    pub home: PathBuf,
    /// The configuration, themes and runbooks.
    pub config: PathBuf,
    /// Runs, journals, logs, crash reports.
    pub state: PathBuf,
}

impl Folders {
    /// As this platform and `XDG_*` have them; none where there is no home.
    pub fn of_this_machine() -> Option<Self> {
        let (home, own) = (BaseDirs::new()?, ProjectDirs::from("", "", "vigie")?);
        Some(Self {
            home: home.home_dir().to_owned(),
            config: own.config_dir().to_owned(),
            state: own
                .state_dir()
                .unwrap_or_else(|| own.data_local_dir())
                .to_owned(),
        })
    }
}

/// What a configuration is loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// Keys set by flags.
    pub flags: Vec<Flag>,
    /// Where things are kept.
    pub folders: Folders,
}

/// A configuration and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What was read and who said what.
    pub merged: Merged,
    /// The file that was read; none where there is none.
    pub file: Option<PathBuf>,
    /// Where the file is looked for.
    pub path: PathBuf,
    folders: Folders,
}

impl Loaded {
    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.merged.config
    }

    /// A path of the configuration: `~` is the home, anything relative is beside the file.
    pub fn resolve(&self, path: &str) -> PathBuf {
        if let Some(rest) = path.strip_prefix("~/") {
            return self.folders.home.join(rest);
        }
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Where runs, journals, logs and crash reports are kept.
    pub fn state_dir(&self) -> PathBuf {
        self.config()
            .state_dir
            .as_deref()
            .map_or_else(|| self.folders.state.clone(), |path| self.resolve(path))
    }

    /// The person's own themes.
    pub fn themes_dir(&self) -> PathBuf {
        self.folders.config.join("themes")
    }

    /// The folders with runbooks: the person's own, then those the configuration names.
    pub fn runbook_dirs(&self) -> Vec<PathBuf> {
        let named = self
            .config()
            .runbooks
            .folders
            .iter()
            .map(|path| self.resolve(path));
        std::iter::once(self.folders.config.join("runbooks"))
            .chain(named)
            .collect()
    }
}

/// Where the file is looked for: `--config`, `VIGIE_CONFIG`, then the configuration folder.
pub fn path(inputs: &Inputs) -> PathBuf {
    let named = inputs.file.clone().or_else(|| {
        inputs
            .variables
            .get("VIGIE_CONFIG")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    named.unwrap_or_else(|| inputs.folders.config.join("config.toml"))
}

/// Reads, merges and checks. A file that was named must exist; the one in the configuration folder need not.
pub fn load(inputs: &Inputs) -> Result<Loaded, Mistakes> {
    let path = path(inputs);
    let file = read(&path, inputs)?;
    let found = file.is_some().then(|| path.clone());
    let layers = Layers {
        file,
        variables: inputs.variables.clone(),
        flags: inputs.flags.clone(),
    };
    let merged = layer::merge(&layers)?;
    Ok(Loaded {
        merged,
        file: found,
        path,
        folders: inputs.folders.clone(),
    })
}

fn read(path: &Path, inputs: &Inputs) -> Result<Option<(String, String)>, Mistakes> {
    let named = match (&inputs.file, inputs.variables.get("VIGIE_CONFIG")) {
        (Some(_), _) => Some(Place::Flag("--config".into())),
        (None, Some(path)) if !path.is_empty() => Some(Place::Variable("VIGIE_CONFIG".into())),
        _ => None,
    };
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.display().to_string(), text))),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_owned(),
                ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
                _ => error.to_string(),
            };
            let sentence = format!("cannot read {}: {why}", path.display());
            let hint =
                Some("`vigie config path` says where the configuration is looked for".to_owned());
            Err(Mistakes(vec![Mistake {
                place: named.unwrap_or(Place::Nowhere),
                key: Vec::new(),
                sentence,
                hint,
            }]))
        }
    }
}
