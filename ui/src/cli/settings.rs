//! From the flags, the environment and the file to what this run works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass::config::paths::{NoHome, Places};
use windlass::config::{Config, ConfigFile, Loaded, Sources};

use super::failure::Failure;
use super::global::Global;

/// What this run works with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configuration.
    pub config: Arc<Config>,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// Where the own Redis and the simulated cluster keep their data.
    pub data_dir: PathBuf,
    /// Where the log files are.
    pub log_dir: PathBuf,
}

/// Loads the configuration of this run.
pub fn load(global: &Global) -> Result<Settings, Failure> {
    let sources = sources(global).environment(std::env::vars_os());
    settle(Config::load(&sources)?)
}

/// File and flags; without the environment, which a caller adds or leaves out.
#[must_use]
pub fn sources(global: &Global) -> Sources {
    let places = Places::of_user().ok();
    let file = match (named_file(global), &places) {
        (Some(file), _) => ConfigFile::Required(file),
        (None, Some(places)) => ConfigFile::IfPresent(places.config_file()),
        (None, None) => ConfigFile::None,
    };
    with_home(Sources::new().file(file), places.as_ref(), &global.overrides())
}

/// Flags and the home directory on top of sources.
#[must_use]
pub fn with_home(sources: Sources, places: Option<&Places>, flags: &[(String, String)]) -> Sources {
    let sources = match places {
        Some(places) => sources.home(&places.home),
        None => sources,
    };
    flags.iter().fold(sources, |sources, (path, value)| sources.flag(path, value))
}

/// The file that a flag or the environment names.
#[must_use]
pub fn named_file(global: &Global) -> Option<PathBuf> {
    let variable = || std::env::var_os("WINDLASS_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
    global.config.clone().or_else(variable)
}

/// Finds the places of a configuration.
pub fn settle(loaded: Loaded) -> Result<Settings, Failure> {
    let Loaded { config, file, .. } = loaded;
    let places = Places::of_user();
    let place = |given: &Option<PathBuf>, usual: fn(&Places, &Config) -> PathBuf| match (given, &places) {
        (Some(given), _) => Ok(given.clone()),
        (None, Ok(places)) => Ok(usual(places, &config)),
        (None, Err(NoHome)) => Err(Failure::failed(NoHome)),
    };
    let data_dir = place(&config.redis.data_dir, Places::data_dir)?;
    let log_dir = place(&config.log.dir, Places::log_dir)?;
    Ok(Settings { config: Arc::new(config), file, data_dir, log_dir })
}

impl Settings {
    /// The cluster's name, for messages.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.config.cluster.id.as_str()
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}
