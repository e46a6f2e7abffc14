//! Where windlass keeps its files: the XDG base directories, on macOS too.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::Config;

/// What the folders are called.
const NAME: &str = "windlass";

/// The home directory is not known, so that none of the places is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the home directory is not known: set HOME, or name the configuration file and the directories")]
pub struct NoHome;

/// The user's places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The home directory.
    pub home: PathBuf,
    /// `$XDG_CONFIG_HOME`.
    pub config: PathBuf,
    /// `$XDG_DATA_HOME`.
    pub data: PathBuf,
    /// `$XDG_STATE_HOME`.
    pub state: PathBuf,
}

impl Places {
    /// Those of the user who runs the process, from the environment.
    pub fn of_user() -> Result<Self, NoHome> {
        let xdg = etcetera::base_strategy::Xdg::new().map_err(|_| NoHome)?;
        let state = xdg.state_dir().unwrap_or_else(|| xdg.home_dir().join(".local/state"));
        Ok(Self { home: xdg.home_dir().to_owned(), config: xdg.config_dir(), data: xdg.data_dir(), state })
    }

    /// The configuration file that is read where none is named: `$XDG_CONFIG_HOME/windlass/windlass.yaml`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join(NAME).join("windlass.yaml")
    }

    /// The own Redis server's data: `redis.data_dir`, or `$XDG_DATA_HOME/windlass/<cluster id>`.
    #[must_use]
    pub fn data_dir(&self, config: &Config) -> PathBuf {
        let default = || self.data.join(NAME).join(config.cluster.id.as_str());
        config.redis.data_dir.clone().unwrap_or_else(default)
    }

    /// The log files: `log.dir`, or `$XDG_STATE_HOME/windlass/log`.
    #[must_use]
    pub fn log_dir(&self, config: &Config) -> PathBuf {
        config.log.dir.clone().unwrap_or_else(|| self.state.join(NAME).join("log"))
    }
}

/// A path with its leading `~` replaced; `None` where there is one and the home directory is not known. `~somebody` is
/// left as it is.
pub(super) fn expand(path: &Path, home: Option<&Path>) -> Option<PathBuf> {
    match path.strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.map(Path::to_owned),
        Ok(rest) => home.map(|home| home.join(rest)),
        Err(_) => Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places { home: "/h".into(), config: "/h/c".into(), data: "/h/d".into(), state: "/h/s".into() }
    }

    #[test]
    fn the_defaults_lie_under_the_xdg_directories() {
        let config = Config::default();
        assert_eq!(places().config_file(), Path::new("/h/c/windlass/windlass.yaml"));
        assert_eq!(places().data_dir(&config), Path::new("/h/d/windlass/default"));
        assert_eq!(places().log_dir(&config), Path::new("/h/s/windlass/log"));
    }

    #[test]
    fn the_configuration_wins() {
        let mut config = Config::default();
        config.redis.data_dir = Some("/data".into());
        config.log.dir = Some("/log".into());
        assert_eq!(places().data_dir(&config), Path::new("/data"));
        assert_eq!(places().log_dir(&config), Path::new("/log"));
    }

    #[test]
    fn a_leading_tilde_is_the_home_directory() {
        let home = Some(Path::new("/h"));
        for (path, expanded) in [("~/a", "/h/a"), ("~", "/h"), ("/a/~", "/a/~"), ("~other/a", "~other/a"), ("a", "a")] {
            assert_eq!(expand(Path::new(path), home).as_deref(), Some(Path::new(expanded)), "{path}");
        }
        assert_eq!(expand(Path::new("~/a"), None), None);
        assert_eq!(expand(Path::new("/a"), None).as_deref(), Some(Path::new("/a")));
    }
}
