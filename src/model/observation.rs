//! What the cluster looked like at one moment. What could not be measured is `None`, never zero.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContainerId, WorkerKind, WorkerName};

/// What a container's runtime says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    /// Created, not started yet.
    Created,
    /// Running.
    Running,
    /// Paused by someone.
    Paused,
    /// Between two runs, by its restart policy.
    Restarting,
    /// Ended.
    Exited {
        /// Its exit code, where the runtime tells.
        code: Option<i64>,
    },
}

/// Readiness: the container's health check or the node's condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Takes work. A running container without a health check counts as this.
    Ready,
    /// Not yet.
    Starting,
    /// Fails its check, or its node is not ready.
    Unhealthy,
}

/// One worker container as seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedWorker {
    /// Its name.
    pub name: WorkerName,
    /// Its container.
    pub container_id: ContainerId,
    /// What it was made as (from its label).
    pub kind: WorkerKind,
    /// When the container was created.
    pub created_at: DateTime<Utc>,
    /// What the runtime says.
    pub state: ContainerState,
    /// Whether it takes work.
    pub health: Health,
    /// CPU in percent of its limit; `None`: unknown.
    pub cpu_percent: Option<f64>,
    /// Memory in percent of its limit; `None`: unknown.
    pub memory_percent: Option<f64>,
    /// The Kubernetes node that runs in it, where there is one.
    pub node: Option<String>,
}

impl ObservedWorker {
    /// Whether the container is alive: anything but ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, ContainerState::Exited { .. })
    }
}

/// Pods that no node has room for (condition `PodScheduled=False`, reason `Unschedulable`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingPods {
    /// How many.
    pub count: u32,
    /// How long the oldest has waited, in seconds.
    pub waiting_seconds: f64,
    /// The deployments they belong to.
    pub deployments: Vec<String>,
    /// How many more workers a packing of these pods needs.
    pub workers_needed: u32,
}

/// The cluster at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The worker containers that exist, ended ones included.
    pub workers: BTreeMap<WorkerName, ObservedWorker>,
    /// Unschedulable pods; `None` where no scheduler is attached or it did not answer.
    pub pending: Option<PendingPods>,
    /// Ready Kubernetes nodes among the workers; `None` where no Kubernetes is attached.
    pub nodes: Option<u32>,
}

impl Observation {
    /// Mean CPU of the live workers, in percent; `None` if it is unknown for any of them or there are none.
    #[must_use]
    pub fn cpu_avg(&self) -> Option<f64> {
        self.mean(|worker| worker.cpu_percent)
    }

    /// Mean memory of the live workers, in percent; `None` if it is unknown for any of them or there are none.
    #[must_use]
    pub fn memory_avg(&self) -> Option<f64> {
        self.mean(|worker| worker.memory_percent)
    }

    /// Live workers.
    pub fn alive(&self) -> impl Iterator<Item = &ObservedWorker> {
        self.workers.values().filter(|worker| worker.is_alive())
    }

    /// A worker that only just started has no two samples to compare yet and is left out of the mean;
    /// one that is ready and cannot be measured makes the mean unknown.
    fn mean(&self, read: impl Fn(&ObservedWorker) -> Option<f64>) -> Option<f64> {
        let mut sum = 0.0;
        let mut count = 0_u32;
        for worker in self.alive() {
            match read(worker) {
                Some(value) => {
                    sum += value;
                    count += 1;
                }
                None if worker.health == Health::Starting => {}
                None => return None,
            }
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}
