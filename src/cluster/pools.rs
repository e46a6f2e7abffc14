//! The containers of function pools: the port that their room speaks through.

use std::collections::HashMap;
use std::net::IpAddr;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ClusterError;
use crate::model::{ContainerId, FunctionName};

/// A container of a pool, as the runtime lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedPoolContainer {
    /// Its pool, from its label.
    pub function: FunctionName,
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Whether it runs; one that has ended is still listed.
    pub running: bool,
    /// Where it answers; `None`: it has no address (yet).
    pub address: Option<IpAddr>,
    /// On which port, from its label.
    pub port: u16,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The command that it was made for, from its label; `None`: the rules wanted it, or it does not tell.
    pub ordered_by: Option<Uuid>,
}

/// What a container uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// CPU in percent of its limit; `None`: unknown.
    pub cpu_percent: Option<f64>,
    /// Memory in percent of its limit; `None`: unknown.
    pub memory_percent: Option<f64>,
}

/// A container to be made for a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolContainerRequest {
    /// Its pool; a label.
    pub function: FunctionName,
    /// Its name, unique in the runtime.
    pub name: String,
    /// What it is made of.
    pub image: String,
    /// The port on which it answers; a label.
    pub port: u16,
    /// The command that it is made for; a label, so that whoever hears the command again finds what was done for it.
    pub ordered_by: Option<Uuid>,
}

/// The containers that pools are made of. As everything here, at least once and idempotent.
#[async_trait]
pub trait PoolHost: Send + Sync {
    /// `docker`, `simulated`: for messages.
    fn name(&self) -> &'static str;

    /// Every pool container of the cluster, ended ones included: one filtered listing, whatever their number.
    async fn list(&self) -> Result<Vec<ObservedPoolContainer>, ClusterError>;

    /// What running containers use. A container that is not in the answer is unknown.
    async fn load(&self, ids: &[ContainerId]) -> HashMap<ContainerId, Load>;

    /// Makes and starts a container. One of that name that belongs to the same pool is adopted (and started), never doubled.
    async fn create(&self, request: &PoolContainerRequest) -> Result<ObservedPoolContainer, ClusterError>;

    /// Stops and removes a container. One that does not exist is already removed; one without this cluster's label is a refusal.
    async fn remove(&self, id: &ContainerId) -> Result<(), ClusterError>;
}
