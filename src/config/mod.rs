//! What an operator may set.
//!
//! The types of the sections are the source: the schema, the environment variables, the documentation and the check of
//! `assets/windlass.yaml` come from them. [`Config::load`] reads file, environment and flags, and reports every mistake
//! at once, each with its place, what was found and what is allowed.

mod alerts;
mod autoscaler;
mod check;
mod cluster;
mod duration;
mod environment;
mod events;
mod findings;
mod http;
mod layer;
mod load;
mod merged;
mod mistake;
mod named_files;
mod operations;
pub mod paths;
mod pointer;
mod pools;
mod program;
pub mod reference;
mod rules;
mod schema;
mod secret;
mod shape;
mod size;
mod state;
mod tokens;
mod workers;
mod yaml;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alerts::{AlertFormat, AlertsConfig, TargetConfig, redact_webhook};
pub use autoscaler::{AutoscalerConfig, CooldownsConfig, EnforcementConfig, HoldsConfig, StepsConfig, WindowsConfig};
pub use cluster::{ClusterConfig, ClusterKind, DockerConfig, SimulatedConfig};
pub use duration::Span;
pub use environment::{HTTP_TOKEN, NOT_SETTINGS, PREFIX, REDIS_PASSWORD, environment_table};
pub use events::{EventBusConfig, EventBusKind, EventsConfig, HandlerName, RetryConfig};
pub use http::{HttpConfig, Role, TokenConfig, token_flaw};
pub use load::{ConfigFile, Loaded, Sources};
pub use mistake::{ConfigErrors, Mistake, Origin, Source};
pub use operations::{BackoffConfig, OperationsConfig, TimeoutsConfig};
pub use pools::{FunctionConfig, PoolsConfig};
pub use program::{CockpitConfig, LogConfig, LogLevel};
pub use schema::{Setting, schema, settings};
pub use secret::{Secret, redact_url};
pub use size::Bytes;
pub use state::{LeaderConfig, RedisConfig};
pub use tokens::ENVIRONMENT_TOKEN_NAME;
pub use workers::WorkersConfig;

/// The documented default: every setting with its default value and a comment.
pub const DEFAULT: &str = include_str!("../../assets/windlass.yaml");

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which cluster is kept, and how it is reached.
    pub cluster: ClusterConfig,
    /// The scaling rules (seed 002).
    pub autoscaler: AutoscalerConfig,
    /// What a worker is made of.
    pub workers: WorkersConfig,
    /// Function pools (seed 001), beside the workers.
    pub pools: PoolsConfig,
    /// Where the state lives.
    pub redis: RedisConfig,
    /// Who leads when several replicas run.
    pub leader: LeaderConfig,
    /// The HTTP server: health, metrics, the API.
    pub http: HttpConfig,
    /// The terminal cockpit.
    pub cockpit: CockpitConfig,
    /// The log file.
    pub log: LogConfig,
}
