//! The outside world, behind small ports, and its adapters.
//!
//! Everything here is at least once and idempotent: names are deterministic, containers carry labels, what exists already is
//! adopted, what is gone already is removed. An error never means "gone": only the runtime's own "no such container" does.

pub mod docker;
pub mod pools;
pub mod simulated;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::pools::PoolHost;
use crate::clock::Clock;
use crate::config::{ClusterKind, Config};
use crate::model::{ContainerId, ObservedWorker, PendingPods, WorkerKind, WorkerName};

/// Why a call to the outside world failed. No variant means that a worker is gone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClusterError {
    /// It did not answer, or not in time, or with an error of its own (5xx): nothing is known, try again.
    #[error("{cluster} does not answer: {error}")]
    Unavailable {
        /// Which: `docker`, `simulated`.
        cluster: &'static str,
        /// What it said.
        error: String,
    },
    /// It answered that this cannot be done (4xx, a missing image, a bad template): trying again does not help.
    #[error("{cluster} refuses: {error}")]
    Refused {
        /// Which.
        cluster: &'static str,
        /// What it said, and what to do.
        error: String,
    },
}

impl ClusterError {
    /// What the cluster said, without its name.
    #[must_use]
    pub fn said(&self) -> &str {
        match self {
            Self::Unavailable { error, .. } | Self::Refused { error, .. } => error,
        }
    }

    /// Whether trying again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// A worker to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRequest {
    /// Its name.
    pub name: WorkerName,
    /// Permanent or dynamic; a label.
    pub kind: WorkerKind,
    /// The operation that makes it; a label.
    pub operation: Uuid,
}

/// A container that was made or found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedWorker {
    /// Its container.
    pub container_id: ContainerId,
    /// When that was created.
    pub created_at: DateTime<Utc>,
    /// Whether it was there already.
    pub adopted: bool,
}

/// The containers that workers are.
#[async_trait]
pub trait WorkerHost: Send + Sync {
    /// `docker`, `simulated`: for messages.
    fn name(&self) -> &'static str;

    /// Every worker container of the cluster, ended ones included, with CPU and memory where they can be measured. One listing, not
    /// a call for each.
    async fn list(&self) -> Result<BTreeMap<WorkerName, ObservedWorker>, ClusterError>;

    /// Makes and starts a worker. One of that name that belongs to this cluster is adopted (and started), never doubled; one that
    /// belongs to somebody else is a refusal.
    async fn create(&self, request: &WorkerRequest) -> Result<CreatedWorker, ClusterError>;

    /// Stops and removes a worker. One that does not exist is already removed. One that does not carry this cluster's label is a
    /// refusal.
    async fn remove(&self, name: &WorkerName) -> Result<(), ClusterError>;

    /// Waits until something has happened to a worker container that calls for a look. It may return for no reason; it returns an
    /// error when the runtime's events cannot be followed now.
    async fn changed(&self) -> Result<(), ClusterError>;
}

/// What places work on the workers: Kubernetes, or the simulation of it.
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// Pods that no node has room for.
    async fn pending(&self) -> Result<PendingPods, ClusterError>;

    /// Ready nodes among the workers.
    async fn ready_nodes(&self) -> Result<u32, ClusterError>;

    /// Cordons a worker's node and evicts its pods, under their disruption budgets. Returns how many were evicted. An eviction that
    /// fails leaves the node uncordoned and is a refusal.
    async fn drain(&self, name: &WorkerName) -> Result<u32, ClusterError>;

    /// Lets a worker's node take pods again after a drain that was begun or done: the worker stays after all. One that takes pods
    /// already, or has no node, is done with. Nothing to do where a drain cordons nothing.
    async fn spare(&self, _name: &WorkerName) -> Result<(), ClusterError> {
        Ok(())
    }
}

/// The outside world of one cluster.
#[derive(Clone)]
pub struct Cluster {
    /// The containers.
    pub host: Arc<dyn WorkerHost>,
    /// The scheduler, where one is attached.
    pub scheduler: Option<Arc<dyn Scheduler>>,
    /// The containers of function pools; `None`: no pools are kept.
    pub pools: Option<Arc<dyn PoolHost>>,
}

/// The cluster of the configuration. Nothing is spoken to yet: one that is down now may come later. The simulated one keeps its world
/// in `data_dir`.
///
/// # Errors
/// Refused if the configuration of the cluster cannot be meant: an address or a scenario that is not understood.
pub fn connect(config: &Config, data_dir: &Path) -> Result<Cluster, ClusterError> {
    connect_on(Clock::system(), config, data_dir)
}

/// The same, with the clock that the simulated world goes by; a real one has its own.
///
/// # Errors
/// As [`connect`].
pub fn connect_on(clock: Clock, config: &Config, data_dir: &Path) -> Result<Cluster, ClusterError> {
    let pools = Some(connect_pools(config, data_dir)?);
    Ok(match config.cluster.kind {
        ClusterKind::Docker => Cluster { host: Arc::new(docker::DockerHost::new(config)?), scheduler: None, pools },
        ClusterKind::Simulated => {
            let simulated = Arc::new(simulated::Simulated::new(config, data_dir)?.on(clock));
            Cluster { host: Arc::clone(&simulated) as Arc<dyn WorkerHost>, scheduler: Some(simulated), pools }
        }
    })
}

/// The containers of the function pools of the configuration, as [`connect`] does it for the workers.
///
/// # Errors
/// Refused if the address of the runtime is not understood.
pub fn connect_pools(config: &Config, data_dir: &Path) -> Result<Arc<dyn PoolHost>, ClusterError> {
    match config.cluster.kind {
        ClusterKind::Docker => Ok(Arc::new(docker::pools::DockerPools::new(config)?)),
        ClusterKind::Simulated => {
            Ok(Arc::new(simulated::pools::SimulatedPools::new(data_dir, config.cluster.simulated.seed)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_kind_is_connected_without_a_word_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("not-made-yet");
        let mut config = Config::default();
        let simulated = connect(&config, &data_dir).unwrap();
        assert_eq!((simulated.host.name(), simulated.scheduler.is_some()), ("simulated", true));
        assert!(!data_dir.exists(), "to connect has no side effect");

        config.cluster.kind = ClusterKind::Docker;
        config.cluster.docker.host = Some("unix:///nonexistent/docker.sock".to_owned());
        let docker = connect(&config, &data_dir).unwrap();
        assert_eq!((docker.host.name(), docker.scheduler.is_some()), ("docker", false));

        config.cluster.docker.host = Some("docker".to_owned());
        assert!(matches!(connect(&config, &data_dir), Err(ClusterError::Refused { .. })));
    }
}
