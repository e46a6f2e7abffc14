//! The program around the engine: the cockpit and the log file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The terminal cockpit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CockpitConfig {
    /// Ask before workers are added or removed.
    pub confirm: bool,
    /// The name that commands carry; null: the user's login name.
    pub actor: Option<String>,
    /// Other keys for actions: `action: key` (actions and their keys: `?` in the cockpit).
    pub keys: BTreeMap<String, String>,
}

impl Default for CockpitConfig {
    fn default() -> Self {
        Self { confirm: true, actor: None, keys: BTreeMap::new() }
    }
}

/// The log file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How much is written.
    pub level: LogLevel,
    /// The folder of the daily files; null: `windlass/log` under the XDG state directory.
    pub dir: Option<PathBuf>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: LogLevel::Info, dir: None }
    }
}

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Errors.
    Error,
    /// And warnings.
    Warn,
    /// And what happens.
    Info,
    /// And how.
    Debug,
    /// And everything else.
    Trace,
}
