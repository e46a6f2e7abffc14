//! Function pools (seed 001): a pool is the containers of one function, and what is persisted of it.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContainerId, FunctionName};

/// How long a pool's record stays without being refreshed (seed 001). It is refreshed while the pool lives, so that a quiet pool
/// does not vanish.
pub const POOL_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The version of the structures persisted here; older ones are upgraded when they are read.
pub const POOL_SCHEMA: u32 = 1;

/// How a container of a pool is doing (seed 001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ContainerStatus {
    /// Takes calls.
    Healthy,
    /// CPU or memory at or above its overload threshold: takes calls only when there is nobody else.
    Overloaded,
    /// CPU at or below the cooldown threshold: the first to go.
    Idle,
    /// An operator has it emptied: gets no calls, and goes. (Not in the seed.)
    Draining,
}

impl ContainerStatus {
    /// In the order in which people want to see them.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Overloaded, Self::Idle, Self::Draining];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Overloaded => "overloaded",
            Self::Idle => "idle",
            Self::Draining => "draining",
        }
    }
}

impl std::fmt::Display for ContainerStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// When a container counts as overloaded or idle, and how long idleness lasts before it goes (seed 001).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitoringConfig {
    /// CPU in percent of the container's limit from which on it is overloaded.
    pub cpu_overload_threshold: f64,
    /// Memory in percent of the container's limit from which on it is overloaded.
    pub memory_overload_threshold: f64,
    /// CPU in percent up to which it is idle.
    pub cooldown_cpu_threshold: f64,
    /// How long a container idles before it may go, in seconds.
    pub cooldown_duration: f64,
    /// How often the containers are measured, in seconds.
    pub poll_interval: f64,
}

impl Default for MonitoringConfig {
    fn default() -> Self {
        Self {
            cpu_overload_threshold: 70.0,
            memory_overload_threshold: 70.0,
            cooldown_cpu_threshold: 5.0,
            cooldown_duration: 30.0,
            poll_interval: 2.0,
        }
    }
}

/// A container as it is persisted (seed 001).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersistedContainerInfo {
    /// Docker container id.
    pub id: String,
    /// Container name.
    pub name: String,
    /// Internal port.
    pub container_port: u32,
    /// How it was doing.
    pub status: ContainerStatus,
    /// When it last did something, Unix seconds.
    pub last_active_unix: i64,
    /// Since when it idles, Unix seconds.
    pub idle_since_unix: Option<i64>,
}

/// A pool as it is persisted under `autoscaler:pool:{function_key}` (seed 001), with what is needed to make containers again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersistedPoolState {
    /// The version of this structure; records from before there were versions count as 0.
    #[serde(default)]
    pub schema: u32,
    /// The function.
    pub function_name: String,
    /// Its containers.
    pub containers: Vec<PersistedContainerInfo>,
    /// At least so many.
    pub min_containers: usize,
    /// At most so many.
    pub max_containers: usize,
    /// Thresholds.
    pub config: MonitoringConfig,
    /// When it was written, Unix seconds.
    pub last_updated: i64,
    /// What its containers are made of.
    #[serde(default)]
    pub image: String,
    /// The port on which they answer.
    #[serde(default)]
    pub port: u16,
}

/// What is persisted about all pools under `autoscaler:metadata` (seed 001).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersistenceMetadata {
    /// The schema's version.
    pub version: String,
    /// When records of what is gone were last cleaned up, Unix seconds.
    pub last_cleanup: i64,
    /// How many pools there are.
    pub total_pools: usize,
}

/// What a pool is meant to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolSpec {
    /// The function.
    pub function: FunctionName,
    /// What its containers are made of.
    pub image: String,
    /// The port on which they answer.
    pub port: u16,
    /// At least so many containers; 0: none until there is demand.
    pub min: u32,
    /// At most so many.
    pub max: u32,
    /// Thresholds.
    pub monitoring: MonitoringConfig,
}

/// A container of a pool as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolContainer {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Where it answers; `None`: unknown.
    pub address: Option<IpAddr>,
    /// On which port.
    pub port: u16,
    /// How it is doing.
    pub status: ContainerStatus,
    /// CPU in percent of its limit; `None`: unknown.
    pub cpu_percent: Option<f64>,
    /// Memory in percent of its limit; `None`: unknown.
    pub memory_percent: Option<f64>,
    /// When it last did something.
    pub last_active: DateTime<Utc>,
    /// Since when it idles.
    pub idle_since: Option<DateTime<Utc>>,
}

/// A pool as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pool {
    /// What it is meant to be.
    pub spec: PoolSpec,
    /// Its containers, by name.
    pub containers: Vec<PoolContainer>,
    /// Whether the runtime has confirmed what is remembered; `false` while it does not answer.
    pub verified: bool,
    /// When it last changed.
    pub last_updated: DateTime<Utc>,
}

impl Pool {
    /// How many of its containers are in a status.
    #[must_use]
    pub fn count(&self, status: ContainerStatus) -> usize {
        self.containers.iter().filter(|container| container.status == status).count()
    }
}
