//! From file, environment and flags to a configuration, or to every mistake in them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::check::check;
use super::environment::{HTTP_TOKEN, PREFIX};
use super::findings::Findings;
use super::layer::Layer;
use super::merged::Merged;
use super::mistake::{ConfigErrors, Mistake, Origin, Source};
use super::schema::{Setting, settings};
use super::{Config, named_files, rules};

/// The configuration file.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum ConfigFile {
    /// None.
    #[default]
    None,
    /// This one; that it does not exist is a mistake.
    Required(PathBuf),
    /// This one, if it exists.
    IfPresent(PathBuf),
    /// This text, under this name.
    Text(PathBuf, String),
}

/// Where settings come from; the later ones win: file, environment, flags. Nothing else is read, so that the same sources
/// always give the same result (but for the files that they name).
#[derive(Clone, Default)]
pub struct Sources {
    file: ConfigFile,
    environment: BTreeMap<String, String>,
    flags: Vec<(String, String)>,
    home: Option<PathBuf>,
}

impl Sources {
    /// Nothing: the built-in defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The file.
    #[must_use]
    pub fn file(mut self, file: ConfigFile) -> Self {
        self.file = file;
        self
    }

    /// The process's environment, whole (`std::env::vars_os()`); variables that do not begin with `WINDLASS_` are left alone.
    #[must_use]
    pub fn environment<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        // What is no UTF-8 is refused later, by its setting's own rules: nothing is dropped here.
        let text = |os: OsString| os.to_string_lossy().into_owned();
        let pairs = variables.into_iter().map(|(name, value)| (text(name.into()), text(value.into())));
        self.environment = pairs.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        self
    }

    /// One override from the command line: a setting's path and its value as text.
    #[must_use]
    pub fn flag(mut self, path: impl Into<String>, value: impl Into<String>) -> Self {
        self.flags.push((path.into(), value.into()));
        self
    }

    /// The home directory, for paths that begin with `~`.
    #[must_use]
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }
}

/// Names only: values may be secrets, or hold some.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match &self.file {
            ConfigFile::None => None,
            ConfigFile::Required(path) | ConfigFile::IfPresent(path) | ConfigFile::Text(path, _) => Some(path),
        };
        f.debug_struct("Sources")
            .field("file", &file)
            .field("environment", &self.environment.keys())
            .field("flags", &self.flags.iter().map(|(path, _)| path).collect::<Vec<_>>())
            .field("home", &self.home)
            .finish()
    }
}

/// A configuration, and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration, `redis.password` and `~` resolved.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where a setting's value came from, by its path.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or(Origin::BUILT_IN)
    }

    /// Every setting with its value in force, as it may be shown, and where that came from.
    #[must_use]
    pub fn effective(&self) -> Vec<(&'static Setting, Value, Origin)> {
        let values = serde_json::to_value(&self.config).unwrap_or_default();
        let value = |setting: &Setting| values.pointer(&setting.pointer).cloned().unwrap_or_default();
        settings().iter().map(|setting| (setting, value(setting), self.origin(&setting.path))).collect()
    }
}

impl Config {
    /// Loads the configuration. A mistake anywhere is an error, also one that a later source would override; all are
    /// reported together.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let mut findings = Findings::default();
        let mut layers = Vec::new();
        let read = read_file(&sources.file, &mut findings);
        let file = read.as_ref().map(|(path, _)| path.clone());
        if let Some((path, text)) = read {
            layers.extend(Layer::from_file(&path, &text, &mut findings));
        }
        layers.extend(Layer::from_environment(&sources.environment, &mut findings));
        layers.extend(Layer::from_flags(&sources.flags, &mut findings));
        for layer in &mut layers {
            check(layer, &mut findings);
        }
        let merged = Merged::of(layers);
        let config = config(&merged, sources, &mut findings);
        match config {
            Some(config) if findings.mistakes.is_empty() => Ok(Loaded { config, file, origins: merged.origins() }),
            _ => Err(ConfigErrors(findings.into_sorted())),
        }
    }
}

fn read_file(file: &ConfigFile, findings: &mut Findings) -> Option<(PathBuf, String)> {
    let (path, required) = match file {
        ConfigFile::None => return None,
        ConfigFile::Text(name, text) => return Some((name.clone(), text.clone())),
        ConfigFile::Required(path) => (path, true),
        ConfigFile::IfPresent(path) => (path, false),
    };
    match fs::read_to_string(path) {
        Ok(text) => Some((path.clone(), text)),
        Err(error) if error.kind() == ErrorKind::NotFound && !required => None,
        Err(error) => {
            findings.mistakes.push(Mistake {
                origin: Origin { source: Source::File(path.clone()), line: None },
                column: None,
                field: String::new(),
                found: format!("a file that cannot be read ({error})"),
                allowed: "a YAML file in UTF-8".to_owned(),
                hint: Some("windlass config default prints one to start from".to_owned()),
            });
            // What it would set is not known, so nothing is compared with it.
            findings.wrong.insert(String::new());
            None
        }
    }
}

/// The configuration, as far as it is right. What is wrong in it is noted.
fn config(merged: &Merged, sources: &Sources, findings: &mut Findings) -> Option<Config> {
    let mut config = match Config::deserialize(&merged.value) {
        Ok(config) => config,
        // Each value has passed the types alone, so this is a mistake of ours; still it is told, not hidden.
        Err(error) => {
            findings.mistakes.push(Mistake {
                origin: Origin::BUILT_IN,
                column: None,
                field: String::new(),
                found: format!("settings that do not go together ({error})"),
                allowed: "settings as in windlass config default".to_owned(),
                hint: None,
            });
            return None;
        }
    };
    let http_token = sources.environment.get(HTTP_TOKEN).map(String::as_str);
    named_files::expand_home(&mut config, merged, sources.home.as_deref(), findings);
    rules::check(&config, merged, http_token.is_some_and(|token| !token.trim().is_empty()), findings);
    named_files::read_password(&mut config, merged, &sources.environment, findings);
    if !findings.is_wrong("/http/tokens") {
        named_files::read_tokens(&mut config, merged, http_token, findings);
    }
    Some(config)
}
