//! Between a pool as it is and what is persisted of it: the record (seed 001), and the measurements beside it.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pool::{MonitoringConfig, POOL_SCHEMA, PersistedContainerInfo, PersistedPoolState};
use super::{ContainerId, Pool, PoolContainer, PoolSpec};

/// Measurements older than this (or than five looks, where that is longer) say nothing about now.
const FRESH: TimeDelta = TimeDelta::seconds(30);

/// The longest duration that a record may name, in seconds: a year. What is longer was not written by windlass.
const LONGEST: f64 = 365.0 * 86_400.0;

/// What was last measured of a pool: one field of `autoscaler:pool_loads`. It is not part of the record, because it changes at every
/// look and can be measured again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolLoads {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether the runtime answered then.
    pub verified: bool,
    /// By container id.
    pub containers: BTreeMap<String, ContainerLoad>,
}

/// What was last measured of a container.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerLoad {
    /// Where it answers.
    pub address: Option<IpAddr>,
    /// CPU in percent of its limit; `None`: unknown.
    pub cpu_percent: Option<f64>,
    /// Memory in percent of its limit; `None`: unknown.
    pub memory_percent: Option<f64>,
}

impl PoolLoads {
    /// Of a pool as it is at `at`.
    #[must_use]
    pub fn of(pool: &Pool, at: DateTime<Utc>) -> Self {
        let load = |container: &PoolContainer| ContainerLoad {
            address: container.address,
            cpu_percent: container.cpu_percent,
            memory_percent: container.memory_percent,
        };
        let containers = pool.containers.iter().map(|container| (container.id.0.clone(), load(container)));
        Self { at, verified: pool.verified, containers: containers.collect() }
    }
}

impl From<&Pool> for PersistedPoolState {
    fn from(pool: &Pool) -> Self {
        let container = |container: &PoolContainer| PersistedContainerInfo {
            id: container.id.0.clone(),
            name: container.name.clone(),
            container_port: u32::from(container.port),
            status: container.status,
            last_active_unix: container.last_active.timestamp(),
            idle_since_unix: container.idle_since.map(|at| at.timestamp()),
        };
        Self {
            schema: POOL_SCHEMA,
            function_name: pool.spec.function.to_string(),
            containers: pool.containers.iter().map(container).collect(),
            min_containers: pool.spec.min as usize,
            max_containers: pool.spec.max as usize,
            config: pool.spec.monitoring,
            last_updated: pool.last_updated.timestamp(),
            image: pool.spec.image.clone(),
            port: pool.spec.port,
        }
    }
}

impl PersistedPoolState {
    /// The pool as it is remembered: unverified, its loads unknown.
    ///
    /// # Errors
    /// What is wrong with the record, and what would be right.
    pub fn remembered(self) -> Result<Pool, String> {
        check(&self.config)?;
        let function = self.function_name.parse().map_err(|error| format!("function_name: {error}"))?;
        let count = |what: &str, count: usize| u32::try_from(count).map_err(|_| format!("{what} is {count}"));
        let (min, max) = (count("min_containers", self.min_containers)?, count("max_containers", self.max_containers)?);
        if min > max {
            return Err(format!("min_containers ({min}) is more than max_containers ({max})"));
        }
        let last_updated = time("last_updated", self.last_updated)?;
        let mut ids = HashSet::with_capacity(self.containers.len());
        if let Some(twice) = self.containers.iter().find(|container| !ids.insert(&container.id)) {
            return Err(format!("the container {:?} is in it twice", twice.name));
        }
        let containers = self.containers.into_iter().map(container).collect::<Result<Vec<_>, _>>()?;
        // The seed's records name the port with each container only.
        let port = match (self.port, containers.first()) {
            (0, Some(container)) => container.port,
            (port, _) => port,
        };
        let spec = PoolSpec { function, image: self.image, port, min, max, monitoring: self.config };
        Ok(Pool { spec, containers, verified: false, last_updated })
    }
}

impl Pool {
    /// Takes in what was last measured, as far as that says something about `now`.
    pub fn measure(&mut self, loads: &PoolLoads, now: DateTime<Utc>) {
        let looks = TimeDelta::milliseconds((self.spec.monitoring.poll_interval.clamp(0.0, LONGEST) * 5000.0) as i64);
        let fresh = now - loads.at <= FRESH.max(looks);
        self.verified = fresh && loads.verified;
        for container in &mut self.containers {
            let Some(load) = loads.containers.get(&container.id.0) else { continue };
            // An address stays as long as its container; a load does not.
            container.address = load.address;
            if fresh {
                (container.cpu_percent, container.memory_percent) = (load.cpu_percent, load.memory_percent);
            }
        }
    }
}

fn container(info: PersistedContainerInfo) -> Result<PoolContainer, String> {
    if info.id.is_empty() {
        return Err(format!("the container {:?} has no id", info.name));
    }
    let port = u16::try_from(info.container_port).ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| {
        format!("container_port of {:?} is {}: 1 to 65535 is expected", info.name, info.container_port)
    })?;
    Ok(PoolContainer {
        id: ContainerId(info.id),
        name: info.name,
        address: None,
        port,
        status: info.status,
        cpu_percent: None,
        memory_percent: None,
        last_active: time("last_active_unix", info.last_active_unix)?,
        idle_since: info.idle_since_unix.map(|at| time("idle_since_unix", at)).transpose()?,
    })
}

fn time(what: &str, seconds: i64) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| format!("{what} is {seconds}: Unix seconds are expected"))
}

/// Numbers that would be nonsense as percentages or durations.
fn check(config: &MonitoringConfig) -> Result<(), String> {
    for (what, value, most) in [
        ("cpu_overload_threshold", config.cpu_overload_threshold, 100.0),
        ("memory_overload_threshold", config.memory_overload_threshold, 100.0),
        ("cooldown_cpu_threshold", config.cooldown_cpu_threshold, 100.0),
        ("cooldown_duration", config.cooldown_duration, LONGEST),
        ("poll_interval", config.poll_interval, LONGEST),
    ] {
        if !(0.0..=most).contains(&value) {
            return Err(format!("config.{what} is {value}: 0 to {most} is expected"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContainerStatus;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn pool() -> Pool {
        Pool {
            spec: PoolSpec {
                function: "resize".parse().unwrap(),
                image: "resize:3".to_owned(),
                port: 8080,
                min: 1,
                max: 3,
                monitoring: MonitoringConfig::default(),
            },
            containers: vec![PoolContainer {
                id: ContainerId("abc".to_owned()),
                name: "resize-1".to_owned(),
                address: None,
                port: 8080,
                status: ContainerStatus::Idle,
                cpu_percent: None,
                memory_percent: None,
                last_active: at(-60),
                idle_since: Some(at(-50)),
            }],
            verified: false,
            last_updated: at(0),
        }
    }

    #[test]
    fn what_is_persisted_comes_back() {
        assert_eq!(PersistedPoolState::from(&pool()).remembered(), Ok(pool()));
    }

    /// A record to the letter as the seed's program writes it: no schema, no image, no port of its own.
    #[test]
    fn the_seeds_own_records_are_read() {
        let text = r#"{"function_name":"hello-world-abc123","containers":[{"id":"f00","name":"hello-world-abc123-1",
            "container_port":8080,"status":"Healthy","last_active_unix":1700000000,"idle_since_unix":null}],
            "min_containers":1,"max_containers":5,"config":{"cpu_overload_threshold":70.0,"memory_overload_threshold":70.0,
            "cooldown_cpu_threshold":5.0,"cooldown_duration":30.0,"poll_interval":2.0},"last_updated":1700000000}"#;
        let record: PersistedPoolState = serde_json::from_str(text).unwrap();
        assert_eq!(record.schema, 0);
        let pool = record.remembered().unwrap();
        assert_eq!((pool.spec.port, pool.spec.image.as_str(), pool.containers.len()), (8080, "", 1));
    }

    #[test]
    fn nonsense_is_named() {
        let record = || PersistedPoolState::from(&pool());
        let mut port = record();
        port.containers[0].container_port = 70_000;
        let mut nameless = record();
        nameless.containers[0].id.clear();
        let mut doubled = record();
        doubled.containers.push(doubled.containers[0].clone());
        let mut endless = record();
        endless.config.cooldown_duration = 1e300;
        for (record, expected) in [
            (
                PersistedPoolState { min_containers: 4, ..record() },
                "min_containers (4) is more than max_containers (3)",
            ),
            (PersistedPoolState { function_name: "No".to_owned(), ..record() }, "function_name"),
            (PersistedPoolState { last_updated: i64::MAX, ..record() }, "last_updated"),
            (port, "container_port of \"resize-1\" is 70000"),
            (nameless, "has no id"),
            (doubled, "\"resize-1\" is in it twice"),
            (endless, "config.cooldown_duration"),
        ] {
            let told = record.remembered().unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn old_measurements_are_unknown_and_addresses_stay() {
        let mut measured = pool();
        measured.verified = true;
        measured.containers[0].address = Some([10, 0, 0, 7].into());
        measured.containers[0].cpu_percent = Some(40.0);
        let loads = PoolLoads::of(&measured, at(0));

        let mut now = pool();
        now.measure(&loads, at(10));
        assert_eq!(now, measured);
        let mut later = pool();
        later.measure(&loads, at(31));
        assert_eq!((later.verified, later.containers[0].cpu_percent), (false, None));
        assert_eq!(later.containers[0].address, measured.containers[0].address);
    }
}
