//! What an operator may set. The types are the source: the schema, the environment variables and the check of
//! `assets/windlass.yaml` come from them.

mod duration;
mod size;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use duration::Span;
pub use size::Bytes;

use crate::model::{ClusterId, Limits, Thresholds, WorkerName};

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
    /// Where the state lives.
    pub redis: RedisConfig,
    /// Who leads when several replicas run.
    pub leader: LeaderConfig,
    /// The terminal cockpit.
    pub cockpit: CockpitConfig,
    /// The log file.
    pub log: LogConfig,
}

/// Which cluster is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Its name: the hash tag of its keys and a label of its containers.
    pub id: ClusterId,
    /// The region, as events carry it.
    pub region: String,
    /// What the workers are.
    pub kind: ClusterKind,
    /// How Docker is reached.
    pub docker: DockerConfig,
    /// How the simulated cluster behaves.
    pub simulated: SimulatedConfig,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            id: "default".parse().unwrap_or_else(|_| unreachable!("a valid label")),
            region: "local".to_owned(),
            kind: ClusterKind::Simulated,
            docker: DockerConfig::default(),
            simulated: SimulatedConfig::default(),
        }
    }
}

/// What the workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterKind {
    /// No containers at all: a seeded simulation.
    Simulated,
    /// Docker containers.
    Docker,
}

impl ClusterKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Docker => "docker",
        }
    }
}

/// How Docker is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// `unix:///var/run/docker.sock` or `tcp://host:port`; null: `DOCKER_HOST`, then Docker's default.
    pub host: Option<String>,
    /// A call that takes longer has failed.
    pub timeout: Span,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self { host: None, timeout: Span::seconds(10) }
    }
}

/// How the simulated cluster behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedConfig {
    /// A scenario's name (`default`) or the path of a scenario file; null: a quiet cluster at moderate load.
    pub scenario: Option<String>,
    /// The seed of everything that varies.
    pub seed: u64,
}

/// The scaling rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoscalerConfig {
    /// Observe, decide and report, and change nothing at all.
    pub dry_run: bool,
    /// How often the cluster is looked at.
    pub check_interval: Span,
    /// How few and how many workers.
    pub limits: Limits,
    /// When to act.
    pub thresholds: Thresholds,
    /// For how long a condition must last.
    pub windows: WindowsConfig,
    /// How long to wait after an action.
    pub cooldowns: CooldownsConfig,
    /// How many workers at a time.
    pub steps: StepsConfig,
    /// The minimum.
    pub enforcement: EnforcementConfig,
    /// Holds that operators place.
    pub holds: HoldsConfig,
    /// The event stream.
    pub events: EventsConfig,
}

impl Default for AutoscalerConfig {
    fn default() -> Self {
        Self {
            dry_run: false,
            check_interval: Span::seconds(5),
            limits: Limits::default(),
            thresholds: Thresholds::default(),
            windows: WindowsConfig::default(),
            cooldowns: CooldownsConfig::default(),
            steps: StepsConfig::default(),
            enforcement: EnforcementConfig::default(),
            holds: HoldsConfig::default(),
            events: EventsConfig::default(),
        }
    }
}

/// For how long a condition must last before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WindowsConfig {
    /// Underutilization, before a scale-down.
    pub underutilization: Span,
    /// Pressure, before a scale-up.
    pub pressure: Span,
}

impl Default for WindowsConfig {
    fn default() -> Self {
        Self { underutilization: Span::seconds(300), pressure: Span::seconds(0) }
    }
}

/// How long a direction rests after an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CooldownsConfig {
    /// After a scale-up, before the next one.
    pub scale_up: Span,
    /// After any scaling, before a scale-down.
    pub scale_down: Span,
}

impl Default for CooldownsConfig {
    fn default() -> Self {
        Self { scale_up: Span::seconds(60), scale_down: Span::seconds(300) }
    }
}

/// How many workers one decision adds or removes at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepsConfig {
    /// Added.
    #[schemars(range(min = 1, max = 100))]
    pub up: u32,
    /// Removed.
    #[schemars(range(min = 1, max = 100))]
    pub down: u32,
}

impl Default for StepsConfig {
    fn default() -> Self {
        Self { up: 2, down: 1 }
    }
}

/// The minimum, and how it is kept (seed 002).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnforcementConfig {
    /// Restore the minimum at once.
    pub auto_scale_to_min: bool,
    /// How often the minimum is checked besides whenever a worker goes.
    pub min_violation_check_interval: Span,
    /// So many workers lost together are an emergency: as many are added at once.
    #[schemars(range(min = 1, max = 100))]
    pub emergency_scale_threshold: u32,
}

impl Default for EnforcementConfig {
    fn default() -> Self {
        Self { auto_scale_to_min: true, min_violation_check_interval: Span::seconds(10), emergency_scale_threshold: 2 }
    }
}

/// Holds that operators place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HoldsConfig {
    /// How long, where the operator does not say.
    pub default_duration: Span,
    /// The longest there is: a hold always ends.
    pub max_duration: Span,
}

impl Default for HoldsConfig {
    fn default() -> Self {
        Self { default_duration: Span::seconds(1800), max_duration: Span::seconds(7 * 86_400) }
    }
}

/// The event stream (seed 002).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// The bus.
    pub event_bus: EventBusConfig,
    /// The handlers that run.
    pub handlers: Vec<HandlerName>,
    /// A condition that lasts is reported again after this long.
    pub reminder_interval: Span,
    /// How a handler that fails is tried again.
    pub retry: RetryConfig,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            event_bus: EventBusConfig::default(),
            handlers: HandlerName::ALL.to_vec(),
            reminder_interval: Span::seconds(600),
            retry: RetryConfig::default(),
        }
    }
}

/// The bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventBusConfig {
    /// Always `redis_streams`.
    #[serde(rename = "type")]
    pub kind: EventBusKind,
    /// The stream's key, behind the cluster's hash tag.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_.-]{1,64}$"))]
    pub stream_name: String,
    /// Older entries are trimmed, approximately.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub max_stream_length: u64,
}

impl Default for EventBusConfig {
    fn default() -> Self {
        Self {
            kind: EventBusKind::RedisStreams,
            stream_name: "autoscaler_events".to_owned(),
            max_stream_length: 10_000,
        }
    }
}

/// What carries the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventBusKind {
    /// Redis Streams.
    RedisStreams,
}

/// The handlers of seed 002, under its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum HandlerName {
    /// Turns observations into events.
    MetricsListener,
    /// Decides.
    ScalingDecisionEngine,
    /// Carries out.
    NodeManager,
    /// Keeps the minimum.
    MinimumNodeEnforcer,
    /// Keeps state and cluster the same.
    StateSynchronizer,
}

impl HandlerName {
    /// Every handler.
    pub const ALL: [Self; 5] = [
        Self::MetricsListener,
        Self::ScalingDecisionEngine,
        Self::NodeManager,
        Self::MinimumNodeEnforcer,
        Self::StateSynchronizer,
    ];

    /// Its name: its consumer group, and the `source` of its events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MetricsListener => "MetricsListener",
            Self::ScalingDecisionEngine => "ScalingDecisionEngine",
            Self::NodeManager => "NodeManager",
            Self::MinimumNodeEnforcer => "MinimumNodeEnforcer",
            Self::StateSynchronizer => "StateSynchronizer",
        }
    }
}

/// How a handler that fails is tried again: exponentially further apart, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// After so many tries the event goes to the dead-letter stream.
    #[schemars(range(min = 1, max = 100))]
    pub tries: u32,
    /// The first pause.
    pub first_pause: Span,
    /// The longest pause.
    pub longest_pause: Span,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { tries: 5, first_pause: Span::millis(200), longest_pause: Span::seconds(10) }
    }
}

/// What a worker is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkersConfig {
    /// The container image; needed for Docker.
    pub image: Option<String>,
    /// The command; empty: the image's own.
    pub command: Vec<String>,
    /// Environment variables. Values that are secret: `env_file`.
    pub env: BTreeMap<String, String>,
    /// A file of `NAME=value` lines, read when a worker is made; never printed.
    pub env_file: Option<PathBuf>,
    /// `source:target[:ro]`: a host path or a volume's name, and where it goes.
    pub mounts: Vec<String>,
    /// The Docker network; null: Docker's default.
    pub network: Option<String>,
    /// More labels on the containers.
    pub labels: BTreeMap<String, String>,
    /// k3s agents need it.
    pub privileged: bool,
    /// The CPU limit, in cores; null: none.
    #[schemars(range(min = 0.01, max = 1024.0))]
    pub cpus: Option<f64>,
    /// The memory limit; null: none.
    pub memory: Option<Bytes>,
    /// Dynamic workers are called `{name_prefix}-{number}`.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$"))]
    pub name_prefix: String,
    /// Workers that scaling never removes, by name; made first when workers are missing.
    pub permanent: Vec<WorkerName>,
    /// A worker that is not ready after this long is undone.
    pub ready_timeout: Span,
    /// How long a container has to stop before it is killed.
    pub stop_timeout: Span,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        Self {
            image: None,
            command: Vec::new(),
            env: BTreeMap::new(),
            env_file: None,
            mounts: Vec::new(),
            network: None,
            labels: BTreeMap::new(),
            privileged: false,
            cpus: None,
            memory: None,
            name_prefix: "k3s-worker".to_owned(),
            permanent: Vec::new(),
            ready_timeout: Span::seconds(120),
            stop_timeout: Span::seconds(10),
        }
    }
}

/// Where the state lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://`, `rediss://` or `unix://`; null: windlass runs a server of its own.
    pub url: Option<String>,
    /// The user, where the URL names none.
    pub username: Option<String>,
    /// A file with the password (or `WINDLASS_REDIS_PASSWORD`).
    pub password_file: Option<PathBuf>,
    /// The own server's memory limit.
    pub maxmemory: Bytes,
    /// The own server's data; null: `windlass/<cluster id>` under the XDG data directory.
    pub data_dir: Option<PathBuf>,
    /// A command that takes longer has failed.
    pub timeout: Span,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            username: None,
            password_file: None,
            maxmemory: Bytes::mebibytes(256),
            data_dir: None,
            timeout: Span::seconds(2),
        }
    }
}

/// Who leads when several replicas run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeaderConfig {
    /// How long a lease lasts; it is renewed at a third of this.
    pub lease: Span,
}

impl Default for LeaderConfig {
    fn default() -> Self {
        Self { lease: Span::seconds(3) }
    }
}

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
    /// What is written.
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
