//! Which replicas run, and how a leader that goes calls the next one.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Script};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Store, StoreError};
use crate::model::ReplicaId;

/// A replica that has not been seen for so many leases counts as gone.
const RUNS: u32 = 3;
/// A replica is remembered for so many leases after it was last seen.
const REMEMBERED: u32 = 20;
/// Nobody who was not waiting then needs to be called any more.
const CALL_STAYS: Duration = Duration::from_secs(10);

static SEEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/replica_seen.lua")));

/// A replica as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReplicaSeen {
    /// Which.
    pub replica: ReplicaId,
    /// When it last said that it runs, by the clock of Redis.
    pub last_seen: DateTime<Utc>,
}

impl Store {
    /// Says that a replica runs, and drops those of which nothing was heard for long; how many others run.
    pub async fn announce_replica(&self, replica: &ReplicaId, lease: Duration) -> Result<u32, StoreError> {
        Ok(SEEN
            .key(self.keys().replicas())
            .arg(&replica.0)
            .arg((lease * REMEMBERED).as_millis() as u64)
            .arg((lease * RUNS).as_millis() as u64)
            .invoke_async(&mut self.connection())
            .await?)
    }

    /// A replica ends: it is not counted any more.
    pub async fn retire_replica(&self, replica: &ReplicaId) -> Result<(), StoreError> {
        Ok(self.connection().zrem(self.keys().replicas(), &replica.0).await?)
    }

    /// The replicas that were seen lately, the last one seen first. One that was killed is among them for some leases.
    pub async fn replicas(&self) -> Result<Vec<ReplicaSeen>, StoreError> {
        let found: Vec<(String, f64)> = self.connection().zrevrange_withscores(self.keys().replicas(), 0, -1).await?;
        let seen = |(replica, at): (String, f64)| ReplicaSeen {
            replica: ReplicaId(replica),
            last_seen: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(at as i64),
        };
        Ok(found.into_iter().map(seen).collect())
    }

    /// Calls one of those who wait for the lease: it is free.
    pub async fn hand_over(&self) -> Result<(), StoreError> {
        let key = self.keys().handover();
        redis::pipe()
            .atomic()
            .del(&key)
            .lpush(&key, "free")
            .pexpire(&key, CALL_STAYS.as_millis() as i64)
            .query_async::<()>(&mut self.connection())
            .await?;
        Ok(())
    }
}

/// One who waits to be called, on a connection of its own.
pub struct HandOver {
    connection: MultiplexedConnection,
    key: String,
}

impl HandOver {
    /// Gets ready to wait, never longer than `longest`.
    pub async fn expect(store: &Store, longest: Duration) -> Result<Self, StoreError> {
        Ok(Self { connection: store.address().blocking(longest).await?, key: store.keys().handover() })
    }

    /// Waits up to `wait` for a call; whether there was one.
    pub async fn called(&mut self, wait: Duration) -> Result<bool, StoreError> {
        let call: Option<(String, String)> = self.connection.blpop(&self.key, wait.as_secs_f64()).await?;
        Ok(call.is_some())
    }
}
