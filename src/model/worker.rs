//! A worker as windlass remembers it (seed 000: `workers:{worker_name}`).

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Actor, ContainerId, WorkerName};

/// Whether scaling may take a worker away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    /// Named in the configuration; never removed by scaling.
    Permanent,
    /// Made by scaling up; last in, first out.
    Dynamic,
}

impl fmt::Display for WorkerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Permanent => "permanent",
            Self::Dynamic => "dynamic",
        })
    }
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerStatus {
    /// Its container exists and is not ready yet.
    Starting,
    /// Takes work.
    Ready,
    /// Its health check fails, or its node is not ready.
    Unhealthy,
    /// Being emptied before its removal.
    Draining,
}

impl fmt::Display for WorkerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Draining => "draining",
        })
    }
}

/// An operator's word that a worker is not to be scaled away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Protection {
    /// Who asked.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// One worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Worker {
    /// Its name; also its container's.
    pub name: WorkerName,
    /// Permanent or dynamic.
    pub kind: WorkerKind,
    /// Where it is in its life.
    pub status: WorkerStatus,
    /// When its container was created; the order of last in, first out.
    pub created_at: DateTime<Utc>,
    /// Its container.
    pub container_id: ContainerId,
    /// Set while an operator protects it.
    pub protected: Option<Protection>,
    /// When it was last seen running.
    pub last_seen: DateTime<Utc>,
}

impl Worker {
    /// Whether scaling down may choose it.
    #[must_use]
    pub fn is_removable(&self) -> bool {
        self.kind == WorkerKind::Dynamic && self.protected.is_none() && self.status != WorkerStatus::Draining
    }
}
