//! From file, environment and flags to a configuration, or to every mistake in them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::check::{Findings, check};
use super::environment::{HTTP_TOKEN, PREFIX, REDIS_PASSWORD};
use super::layer::Layer;
use super::mistake::{ConfigErrors, Mistake, Origin, Source};
use super::paths::expand;
use super::schema::{Setting, setting_of, settings};
use super::{Config, Secret, pointer, rules, tokens};

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
        let config = merged.config(sources, &mut findings);
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

/// The layers on top of each other.
#[derive(Debug)]
pub(super) struct Merged {
    layers: Vec<Layer>,
    value: Value,
    /// Which layer won, by the setting's pointer.
    winners: BTreeMap<String, usize>,
}

impl Merged {
    fn of(layers: Vec<Layer>) -> Self {
        let mut value = Value::Object(Map::new());
        let mut winners = BTreeMap::new();
        for (number, layer) in layers.iter().enumerate() {
            for setting in settings() {
                if let Some(found) = layer.value.pointer(&setting.pointer) {
                    put(&mut value, &setting.pointer, found.clone());
                    winners.insert(setting.pointer.clone(), number);
                }
            }
        }
        Self { layers, value, winners }
    }

    /// Where the value of a place came from.
    pub(super) fn origin(&self, at: &str) -> Origin {
        let winner = setting_of(at).and_then(|setting| self.winners.get(&setting.pointer));
        winner.and_then(|number| self.layers.get(*number)).map_or(Origin::BUILT_IN, |layer| layer.origin(at))
    }

    fn origins(&self) -> BTreeMap<String, Origin> {
        self.winners.keys().map(|at| (pointer::display(at), self.origin(at))).collect()
    }

    /// The configuration, as far as it is right. What is wrong in it is noted.
    fn config(&self, sources: &Sources, findings: &mut Findings) -> Option<Config> {
        let mut config = match Config::deserialize(&self.value) {
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
        self.expand_home(&mut config, sources.home.as_deref(), findings);
        rules::check(&config, self, http_token.is_some_and(|token| !token.trim().is_empty()), findings);
        self.read_password(&mut config, sources, findings);
        if !findings.is_wrong("/http/tokens") {
            self.read_tokens(&mut config, http_token, findings);
        }
        Some(config)
    }

    fn expand_home(&self, config: &mut Config, home: Option<&Path>, findings: &mut Findings) {
        let paths = [
            ("/redis/password_file", &mut config.redis.password_file),
            ("/redis/data_dir", &mut config.redis.data_dir),
            ("/workers/env_file", &mut config.workers.env_file),
            ("/log/dir", &mut config.log.dir),
        ];
        let tokens = config.http.tokens.iter_mut().enumerate();
        let tokens =
            tokens.map(|(number, token)| (format!("/http/tokens/{number}/token_file"), Some(&mut token.token_file)));
        let targets = config.autoscaler.events.alerts.targets.iter_mut().enumerate();
        let paths = paths.into_iter().map(|(at, path)| (at.to_owned(), path.as_mut())).chain(tokens).chain(
            targets.flat_map(|(number, target)| {
                let at = format!("/autoscaler/events/alerts/targets/{number}");
                let secret = (format!("{at}/hmac_secret_file"), target.hmac_secret_file.as_mut());
                let headers = target.header_files.iter_mut();
                let headers =
                    headers.map(move |(name, path)| (pointer::join(&format!("{at}/header_files"), name), Some(path)));
                std::iter::once(secret).chain(headers)
            }),
        );
        let mut homeless = Vec::new();
        for (at, path) in paths {
            if let Some(path) = path {
                match expand(path, home) {
                    Some(expanded) => *path = expanded,
                    None => homeless.push((at, path.display().to_string())),
                }
            }
        }
        let texts = config.workers.mounts.iter_mut().enumerate();
        let texts = texts.map(|(number, mount)| (format!("/workers/mounts/{number}"), mount));
        let scenario = config.cluster.simulated.scenario.iter_mut();
        for (at, text) in texts.chain(scenario.map(|text| ("/cluster/simulated/scenario".to_owned(), text))) {
            match expand(Path::new(text.as_str()), home) {
                Some(expanded) => *text = expanded.to_string_lossy().into_owned(),
                None => homeless.push((at, text.clone())),
            }
        }
        for (at, text) in homeless {
            findings.mistakes.push(Mistake {
                origin: self.origin(&at),
                column: None,
                field: pointer::display(&at),
                found: format!("{text:?}, and the home directory is not known"),
                allowed: "a path that does not begin with `~`".to_owned(),
                hint: Some("set HOME, or write the whole path".to_owned()),
            });
            findings.wrong.insert(at);
        }
    }

    fn read_password(&self, config: &mut Config, sources: &Sources, findings: &mut Findings) {
        if let Some(password) = sources.environment.get(REDIS_PASSWORD).filter(|password| !password.is_empty()) {
            config.redis.password = Some(Secret::new(password.as_str()));
            return;
        }
        let at = "/redis/password_file";
        let Some(path) = config.redis.password_file.as_deref().filter(|_| !findings.is_wrong(at)) else { return };
        let found = match fs::read_to_string(path) {
            Ok(text) => match text.trim_end_matches(['\r', '\n']) {
                "" => format!("{:?}, which is empty", path.display().to_string()),
                password => {
                    config.redis.password = Some(Secret::new(password));
                    return;
                }
            },
            Err(error) => format!("{:?}, which cannot be read ({error})", path.display().to_string()),
        };
        findings.mistakes.push(Mistake {
            origin: self.origin(at),
            column: None,
            field: pointer::display(at),
            found,
            allowed: "a file with the password, readable by the user who runs windlass".to_owned(),
            hint: Some(format!("or set {REDIS_PASSWORD} instead")),
        });
    }

    fn read_tokens(&self, config: &mut Config, environment: Option<&str>, findings: &mut Findings) {
        for flaw in tokens::read(config, environment) {
            let from_environment = || Origin { source: Source::Environment(HTTP_TOKEN.to_owned()), line: None };
            findings.mistakes.push(Mistake {
                origin: flaw.at.as_deref().map_or_else(from_environment, |at| self.origin(at)),
                column: None,
                field: flaw.at.as_deref().map_or_else(String::new, pointer::display),
                found: flaw.found,
                allowed: flaw.allowed,
                hint: Some("`openssl rand -hex 24` makes a good token".to_owned()),
            });
        }
    }
}

fn put(document: &mut Value, at: &str, value: Value) {
    let mut place = document;
    for name in pointer::segments(at) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else { return };
        place = map.entry(name).or_insert(Value::Null);
    }
    *place = value;
}
