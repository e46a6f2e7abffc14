//! The library's public way in (seed 001).

use std::sync::Arc;
use std::time::Duration;

use super::member::Member;
use super::runtime::{AutoscalingRuntime, Defaults};
use super::{PoolError, Pools, Setting};
use crate::clock;
use crate::cluster::docker::pools::DockerPools;
use crate::cluster::pools::PoolHost;
use crate::config::{ClusterKind, Config};
use crate::model::pool::MonitoringConfig;
use crate::model::{ClusterId, Metadata, ReplicaId};
use crate::store::{Address, Keys, Store};

const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a runtime that was killed is waited for.
const LEASE: Duration = Duration::from_secs(3);

/// Makes an [`AutoscalingRuntime`]. Everything has a default; what cannot be meant is an error of [`build`](Self::build).
#[derive(Clone)]
pub struct AutoscalingRuntimeBuilder {
    cluster: String,
    docker_host: Option<String>,
    host: Option<Arc<dyn PoolHost>>,
    redis_url: String,
    persistence: bool,
    key_prefix: String,
    batch_size: usize,
    monitoring: MonitoringConfig,
    poll_interval: Duration,
    cooldown: Duration,
    min: u32,
    max: u32,
}

impl Default for AutoscalingRuntimeBuilder {
    fn default() -> Self {
        Self {
            cluster: "functions".to_owned(),
            docker_host: None,
            host: None,
            redis_url: "redis://127.0.0.1:6379".to_owned(),
            persistence: true,
            key_prefix: "autoscaler".to_owned(),
            batch_size: 50,
            monitoring: MonitoringConfig::default(),
            poll_interval: Duration::from_secs(2),
            cooldown: Duration::from_secs(30),
            min: 1,
            max: 10,
        }
    }
}

impl AutoscalingRuntimeBuilder {
    /// One with the defaults: the local Docker daemon, Redis at `redis://127.0.0.1:6379`, 1 to 10 containers a function.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The cluster that the pools belong to (default `functions`): part of every key in Redis and a label of every container. Runtimes
    /// of the same cluster share its pools, and one of them acts.
    #[must_use]
    pub fn cluster_id(mut self, cluster: impl Into<String>) -> Self {
        self.cluster = cluster.into();
        self
    }

    /// Where Docker answers: `unix:///var/run/docker.sock`, `tcp://host:2375`. Default: what `DOCKER_HOST` says, or the local socket.
    #[must_use]
    pub fn docker_host(mut self, host: impl Into<String>) -> Self {
        self.docker_host = Some(host.into());
        self
    }

    /// Another host of containers than Docker: the simulated one, or one's own.
    #[must_use]
    pub fn pool_host(mut self, host: Arc<dyn PoolHost>) -> Self {
        self.host = Some(host);
        self
    }

    /// Redis's address: `redis://`, `rediss://` or `unix://`.
    #[must_use]
    pub fn redis_url(mut self, url: impl Into<String>) -> Self {
        self.redis_url = url.into();
        self
    }

    /// Whether anything is remembered in Redis (default: yes). Without it, no Redis is needed; after a restart, the containers of a pool
    /// are found by their labels as soon as [`AutoscalingRuntime::ensure_pool`] names it.
    #[must_use]
    pub const fn persistence_enabled(mut self, enabled: bool) -> Self {
        self.persistence = enabled;
        self
    }

    /// What the keys of the pools begin with, behind the cluster's tag (default `autoscaler`).
    #[must_use]
    pub fn persistence_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// How many records are read at a time after a start (default 50).
    #[must_use]
    pub const fn persistence_batch_size(mut self, size: usize) -> Self {
        self.batch_size = size;
        self
    }

    /// CPU in percent of a container's limit from which on it is overloaded (default 70).
    #[must_use]
    pub const fn cpu_overload_threshold(mut self, percent: f64) -> Self {
        self.monitoring.cpu_overload_threshold = percent;
        self
    }

    /// Memory in percent of a container's limit from which on it is overloaded (default 70).
    #[must_use]
    pub const fn memory_overload_threshold(mut self, percent: f64) -> Self {
        self.monitoring.memory_overload_threshold = percent;
        self
    }

    /// CPU in percent up to which a container is idle (default 5).
    #[must_use]
    pub const fn cooldown_cpu_threshold(mut self, percent: f64) -> Self {
        self.monitoring.cooldown_cpu_threshold = percent;
        self
    }

    /// How long a container idles before it goes (default 30 s).
    #[must_use]
    pub const fn cooldown_duration(mut self, duration: Duration) -> Self {
        self.cooldown = duration;
        self
    }

    /// How often the containers are measured, and the pools scaled by that (default 2 s).
    #[must_use]
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// The same as [`poll_interval`](Self::poll_interval): what is measured is decided upon at once.
    #[must_use]
    pub const fn scale_check_interval(self, interval: Duration) -> Self {
        self.poll_interval(interval)
    }

    /// At least so many containers of a function (default 1); 0: none until there is demand.
    #[must_use]
    pub const fn min_containers_per_function(mut self, count: u32) -> Self {
        self.min = count;
        self
    }

    /// At most so many containers of a function (default 10).
    #[must_use]
    pub const fn max_containers_per_function(mut self, count: u32) -> Self {
        self.max = count;
        self
    }

    /// Connects. Docker is first spoken to when the runtime starts; Redis, where it is used, must answer.
    ///
    /// # Errors
    /// A setting that cannot be meant, an address that cannot be understood, or a Redis that cannot be used.
    pub async fn build(self) -> Result<AutoscalingRuntime, PoolError> {
        self.check()?;
        let cluster: ClusterId = self.cluster.parse()?;
        let mut config = Config::default();
        config.cluster.id = cluster.clone();
        config.cluster.kind = ClusterKind::Docker;
        config.cluster.docker.host.clone_from(&self.docker_host);
        let host = match &self.host {
            Some(host) => Arc::clone(host),
            None => Arc::new(DockerPools::new(&config)?) as Arc<dyn PoolHost>,
        };
        let bus = &config.autoscaler.events.event_bus;
        let member = if self.persistence {
            let keys = Keys::new(&cluster, &bus.stream_name).with_pool_prefix(&self.key_prefix);
            let address = Address::new(&self.redis_url, None, None, REDIS_TIMEOUT)?;
            let store = Store::connect(address, keys).await?;
            let id = clock::fresh_id(clock::now()).simple().to_string();
            let replica = ReplicaId(format!("runtime:{}:{id}", std::process::id()));
            Some(Member::new(store, replica, LEASE))
        } else {
            None
        };
        let monitoring = MonitoringConfig {
            cooldown_duration: self.cooldown.as_secs_f64(),
            poll_interval: self.poll_interval.as_secs_f64(),
            ..self.monitoring
        };
        let setting = Setting {
            host,
            store: member.as_ref().map(|member| member.store().clone()),
            metadata: Metadata { cluster_id: cluster, region: config.cluster.region },
            configured: None,
            check_interval: self.poll_interval,
            batch_size: self.batch_size,
            dry_run: false,
            max_stream_length: bus.max_stream_length,
        };
        let defaults = Defaults { min: self.min, max: self.max, monitoring };
        Ok(AutoscalingRuntime::new(Pools::new(Some(setting)), member, defaults))
    }

    fn check(&self) -> Result<(), PoolError> {
        let refuse = |setting, found: String, allowed| Err(PoolError::Setting { setting, found, allowed });
        let percents = [
            ("cpu_overload_threshold", self.monitoring.cpu_overload_threshold),
            ("memory_overload_threshold", self.monitoring.memory_overload_threshold),
        ];
        for (setting, percent) in percents {
            if !(1.0..=100.0).contains(&percent) {
                return refuse(setting, percent.to_string(), "1 to 100 percent");
            }
        }
        let (idle, busy) = (self.monitoring.cooldown_cpu_threshold, self.monitoring.cpu_overload_threshold);
        if !(0.0..busy).contains(&idle) {
            return refuse("cooldown_cpu_threshold", idle.to_string(), "0 percent to less than cpu_overload_threshold");
        }
        if self.max == 0 || self.min > self.max {
            let found = format!("{} to {}", self.min, self.max);
            return refuse(
                "min_containers_per_function",
                found,
                "a minimum up to the maximum, and a maximum of at least 1",
            );
        }
        if self.batch_size == 0 {
            return refuse("persistence_batch_size", "0".to_owned(), "1 or more");
        }
        if self.poll_interval < Duration::from_millis(10) {
            return refuse("poll_interval", format!("{:?}", self.poll_interval), "10 ms or more");
        }
        if self.key_prefix.is_empty() || self.key_prefix.contains(['{', '}', '*', ' ']) {
            let allowed = "at least one character, none of them a brace, a star or a space";
            return refuse("persistence_key_prefix", format!("{:?}", self.key_prefix), allowed);
        }
        Ok(())
    }
}
