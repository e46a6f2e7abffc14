//! The keys: the seeds' names behind a cluster hash tag, so that clusters share a Redis and Redis Cluster works.

use std::fmt::Display;

use uuid::Uuid;

use crate::model::{ClusterId, Direction, WorkerName};

/// The keys of one cluster.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
    stream: String,
    /// What the keys of the pools begin with, behind the cluster's tag.
    pools: String,
}

/// What the keys of the pools begin with unless somebody says otherwise (seed 001).
const POOLS: &str = "autoscaler";

macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal;)+) => {
        impl Keys {
            $(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $name(&self) -> String { self.key($key) }
            )+

            /// Every fixed key with what it holds, for the documentation: (key without the cluster's tag, what).
            pub const TABLE: &'static [(&'static str, &'static str)] = &[$(($key, concat!($($doc),+))),+];
        }
    };
}

keys! {
    /// string: the last number given to a worker (seed 000)
    worker_counter = "workers:counter";
    /// set: the names of the workers, so that no scan is needed
    worker_names = "workers:names";
    /// string: JSON list of names that scaling never removes (seed 000)
    permanent_workers = "autoscaler:permanent_workers";
    /// string: RFC 3339 (seed 000)
    last_optimal_state_emission = "autoscaler:last_optimal_state_emission";
    /// string: RFC 3339 (seed 000)
    optimal_last_time = "handler:optimal_state:last_time";
    /// list of JSON, newest first, capped (seed 000)
    optimal_periods = "handler:optimal_state:periods";
    /// string: RFC 3339 (seed 000)
    scaling_last_time = "handler:scaling:last_time";
    /// counter (seed 000)
    scaling_count_up = "handler:scaling:count:up";
    /// counter (seed 000)
    scaling_count_down = "handler:scaling:count:down";
    /// list of JSON, newest first, capped (seed 000)
    scaling_history = "handler:scaling:history";
    /// string: RFC 3339 (seed 000)
    sync_last_time = "handler:sync:last_time";
    /// list of JSON, newest first, capped (seed 000)
    sync_history = "handler:sync:history";
    /// hash of JSON by operation id (seed 000)
    active_operations = "async_scaling:active_operations";
    /// list of JSON, newest first, capped (seed 000)
    operation_history = "async_scaling:operation_history";
    /// string: RFC 3339 (seed 000)
    enforcer_last_check = "min_enforcer:last_check";
    /// counter (seed 000)
    enforcer_violations = "min_enforcer:violations_count";
    /// counter (seed 000)
    enforcer_enforcements = "min_enforcer:enforcements_count";
    /// hash of JSON by condition: the clocks of conditions that last
    conditions = "conditions";
    /// string: JSON, what was last seen of the cluster
    observation = "observation";
    /// string: JSON, what was last concluded
    verdict = "verdict";
    /// string: JSON, what the leading engine says of itself
    engine = "autoscaler:engine";
    /// set: the names of the webhook targets that the leader delivers to
    webhooks = "webhooks";
    /// hash by handler: how often it was given an event again
    retries = "handler:retries";
    /// list of JSON: values that were moved aside when the lease was taken, and that the leader has not reported yet
    unreported = "quarantine:unreported";
    /// stream of commands
    commands = "autoscaler_commands";
    /// string with a time to live: the replica that holds the lease
    leader = "leader";
    /// counter: raised at every acquisition of the lease; begins at Redis's time in microseconds
    epoch = "leader:epoch";
    /// list with a time to live: a leader that goes calls the next one by it
    handover = "leader:handover";
    /// sorted set: the replicas that run, by when they last said so, in milliseconds
    replicas = "replicas";
}

impl Keys {
    /// The keys of a cluster; `stream` is the event stream's configured name.
    #[must_use]
    pub fn new(cluster: &ClusterId, stream: &str) -> Self {
        Self { prefix: format!("{{{cluster}}}:"), stream: stream.to_owned(), pools: POOLS.to_owned() }
    }

    /// The same with another beginning of the pools' keys than `autoscaler` (seed 001: `persistence_key_prefix`).
    #[must_use]
    pub fn with_pool_prefix(self, prefix: impl Into<String>) -> Self {
        Self { pools: prefix.into(), ..self }
    }

    fn key(&self, name: impl Display) -> String {
        format!("{}{name}", self.prefix)
    }

    /// `cooldown:{direction}`: string, until when, RFC 3339 (seed 000).
    #[must_use]
    pub fn cooldown(&self, direction: Direction) -> String {
        self.key(format_args!("cooldown:{}", direction.key()))
    }

    /// `hold:{direction}`: hash of until, actor, reason, `placed_at`.
    #[must_use]
    pub fn hold(&self, direction: Direction) -> String {
        self.key(format_args!("hold:{}", direction.key()))
    }

    /// `handler:scaling:count:{up,down}`: counter (seed 000).
    #[must_use]
    pub fn scaling_count(&self, direction: Direction) -> String {
        match direction {
            Direction::Up => self.scaling_count_up(),
            Direction::Down => self.scaling_count_down(),
        }
    }

    /// `workers:{name}`: hash (seed 000).
    #[must_use]
    pub fn worker(&self, name: &WorkerName) -> String {
        self.key(format_args!("workers:{name}"))
    }

    /// What `workers:{name}` begins with.
    #[must_use]
    pub fn worker_prefix(&self) -> String {
        self.key("workers:")
    }

    /// The event stream.
    #[must_use]
    pub fn events(&self) -> String {
        self.key(&self.stream)
    }

    /// The dead-letter stream.
    #[must_use]
    pub fn dead_letters(&self) -> String {
        self.key(format_args!("{}:dead", self.stream))
    }

    /// What every key of the cluster begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What `quarantine:{key}:{stamp}` begins with: values that were moved aside.
    #[must_use]
    pub fn quarantine_prefix(&self) -> String {
        self.key("quarantine:")
    }

    /// `quarantine:{key}:{stamp}`: where a value under one of the cluster's keys is moved.
    #[must_use]
    pub fn quarantine(&self, key: &str, stamp: &str) -> String {
        let key = key.strip_prefix(&self.prefix).unwrap_or(key);
        self.key(format_args!("quarantine:{key}:{stamp}"))
    }

    /// What `webhooks:{target}` begins with.
    #[must_use]
    pub fn webhook_prefix(&self) -> String {
        self.key("webhooks:")
    }

    /// `command:{id}`: the command that a client gave under an id of its own, so that giving it again does nothing more.
    #[must_use]
    pub fn command(&self, id: Uuid) -> String {
        self.key(format_args!("command:{id}"))
    }

    /// `webhooks:{target}`: hash, how a webhook target is doing.
    #[must_use]
    pub fn webhook(&self, target: &str) -> String {
        self.key(format_args!("webhooks:{target}"))
    }

    /// `webhooks:{target}:delivered`: sorted set of what was delivered lately, by when.
    #[must_use]
    pub fn webhook_delivered(&self, target: &str) -> String {
        self.key(format_args!("webhooks:{target}:delivered"))
    }

    /// `autoscaler:pool:{function}`: string, JSON, a pool's record (seed 001).
    #[must_use]
    pub fn pool(&self, function: &str) -> String {
        self.key(format_args!("{}:pool:{function}", self.pools))
    }

    /// `autoscaler:metadata`: string, JSON, about all pools (seed 001).
    #[must_use]
    pub fn pool_metadata(&self) -> String {
        self.key(format_args!("{}:metadata", self.pools))
    }

    /// `autoscaler:pool_loads`: hash by function, JSON, what was last measured of its containers.
    #[must_use]
    pub fn pool_loads(&self) -> String {
        self.key(format_args!("{}:pool_loads", self.pools))
    }

    /// `tx:{id}`: marks a transaction as applied, for as long as it may be tried again.
    #[must_use]
    pub fn transaction(&self, id: Uuid) -> String {
        self.key(format_args!("tx:{id}"))
    }
}
