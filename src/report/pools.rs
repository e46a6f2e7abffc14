//! The function pools with their containers.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock;
use crate::model::{ContainerId, FunctionName, Pool, PoolContainer, View};

/// The function pools. Unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PoolsReport<'a> {
    /// By name.
    pub pools: Vec<PoolLine<'a>>,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PoolLine<'a> {
    /// Its function.
    pub function: &'a FunctionName,
    /// What its containers are made of.
    pub image: &'a str,
    /// The port on which they answer.
    pub port: u16,
    /// At least so many containers; 0: none until there is demand.
    pub min: u32,
    /// At most so many.
    pub max: u32,
    /// Whether the runtime has confirmed what is remembered.
    pub verified: bool,
    /// Its containers, by name.
    pub containers: Vec<PoolContainerLine<'a>>,
}

/// One container of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PoolContainerLine<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its whole id.
    pub id: &'a ContainerId,
    /// Where it answers.
    pub address: Option<IpAddr>,
    /// On which port.
    pub port: u16,
    /// How it is doing: healthy, overloaded, idle or draining.
    pub status: &'static str,
    /// CPU in percent of its limit.
    pub cpu_percent: Option<f64>,
    /// Memory in percent of its limit.
    pub memory_percent: Option<f64>,
    /// For how long it has idled; null: it does not.
    pub idle_seconds: Option<u64>,
    /// When it last did something.
    pub last_active: DateTime<Utc>,
}

impl<'a> PoolsReport<'a> {
    /// The pools that a view shows; `None`: they were not read. While nobody leads, nobody measures: loads are unknown.
    #[must_use]
    pub fn of(view: &'a View) -> Option<Self> {
        let mut report = Self::new(view.pools.as_deref()?, view.at);
        if view.leader.is_none() {
            let containers = report.pools.iter_mut().flat_map(|pool| &mut pool.containers);
            containers.for_each(|container| (container.cpu_percent, container.memory_percent) = (None, None));
        }
        Some(report)
    }

    /// Pools as they are at `now`.
    #[must_use]
    pub fn new(pools: &'a [Pool], now: DateTime<Utc>) -> Self {
        Self { pools: pools.iter().map(|pool| PoolLine::new(pool, now)).collect() }
    }
}

impl<'a> PoolLine<'a> {
    /// A pool as it is at `now`.
    #[must_use]
    pub fn new(pool: &'a Pool, now: DateTime<Utc>) -> Self {
        let Pool { spec, containers, verified, .. } = pool;
        Self {
            function: &spec.function,
            image: &spec.image,
            port: spec.port,
            min: spec.min,
            max: spec.max,
            verified: *verified,
            containers: containers.iter().map(|container| PoolContainerLine::new(container, now)).collect(),
        }
    }
}

impl<'a> PoolContainerLine<'a> {
    fn new(container: &'a PoolContainer, now: DateTime<Utc>) -> Self {
        Self {
            name: &container.name,
            id: &container.id,
            address: container.address,
            port: container.port,
            status: container.status.name(),
            cpu_percent: container.cpu_percent,
            memory_percent: container.memory_percent,
            idle_seconds: container.idle_since.map(|since| clock::between(since, now).as_secs()),
            last_active: container.last_active,
        }
    }
}
