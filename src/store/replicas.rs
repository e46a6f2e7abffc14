//! Which replicas run, and how a leader that goes calls the next one.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::TimeDelta;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Script};

use super::{Store, StoreError};
use crate::clock;
use crate::model::{ReplicaId, ReplicaSeen};

/// A replica is remembered for so many leases after it was last seen.
const REMEMBERED: u32 = 20;
/// Nobody who was not waiting then needs to be called any more.
const CALL_STAYS: Duration = Duration::from_secs(10);

static SEEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/replica_seen.lua")));

impl Store {
    /// Says that a replica runs, and drops those of which nothing was heard for long; how many others run.
    pub async fn announce_replica(&self, replica: &ReplicaId, lease: Duration) -> Result<u32, StoreError> {
        Ok(SEEN
            .key(self.keys().replicas())
            .arg(&replica.0)
            .arg((lease * REMEMBERED).as_millis() as u64)
            .arg((lease * ReplicaSeen::RUNS).as_millis() as u64)
            .invoke_async(&mut self.connection())
            .await?)
    }

    /// A replica ends: it is not counted any more.
    pub async fn retire_replica(&self, replica: &ReplicaId) -> Result<(), StoreError> {
        Ok(self.connection().zrem(self.keys().replicas(), &replica.0).await?)
    }

    /// The replicas that were seen lately, by name. One that was killed is among them for some leases.
    pub async fn replicas(&self) -> Result<Vec<ReplicaSeen>, StoreError> {
        let ((seconds, micros), found): ((i64, i64), Vec<(String, i64)>) = redis::pipe()
            .cmd("TIME")
            .zrange_withscores(self.keys().replicas(), 0, -1)
            .query_async(&mut self.connection())
            .await?;
        // How long ago is told by the server's clock alone, so that nobody else's has to agree with it.
        let (now, server) = (clock::now(), seconds.saturating_mul(1000).saturating_add(micros / 1000));
        let ago = |at| TimeDelta::try_milliseconds(server.saturating_sub(at)).unwrap_or_default();
        let mut seen: Vec<ReplicaSeen> = found
            .into_iter()
            .map(|(replica, at)| ReplicaSeen {
                replica: ReplicaId(replica),
                last_seen: now.checked_sub_signed(ago(at)).unwrap_or(now),
            })
            .collect();
        seen.sort_by(|one, other| one.replica.0.cmp(&other.replica.0));
        Ok(seen)
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
