//! The lease: any number of replicas run, one leads. Every acquisition raises the epoch that all writes are checked against.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::{Store, StoreError};
use crate::model::{LeaderInfo, ReplicaId};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/lease_acquire.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/lease_renew.lua")));

impl Store {
    /// Takes the lease if nobody has it; the new epoch.
    pub async fn acquire_lease(&self, replica: &ReplicaId, lease: Duration) -> Result<Option<u64>, StoreError> {
        let acquired = self.try_lease(replica, lease).await;
        if let Err(StoreError::Refused(_)) = &acquired {
            // The next attempt finds out whether it still is refused.
            let _ = self.reconnect().await;
        }
        acquired
    }

    async fn try_lease(&self, replica: &ReplicaId, lease: Duration) -> Result<Option<u64>, StoreError> {
        let keys = self.keys();
        let epoch: u64 = ACQUIRE
            .key(keys.leader())
            .key(keys.epoch())
            .key(keys.unreported())
            .arg(&replica.0)
            .arg(lease.as_millis() as u64)
            .arg(keys.prefix())
            .arg(keys.quarantine_prefix())
            .invoke_async(&mut self.connection())
            .await?;
        Ok((epoch > 0).then_some(epoch))
    }

    /// Extends the lease; `false`: it is no longer this replica's.
    pub async fn renew_lease(&self, replica: &ReplicaId, lease: Duration) -> Result<bool, StoreError> {
        self.lease_script(replica, lease).await
    }

    /// Gives the lease up, so that the next one takes over at once.
    pub async fn release_lease(&self, replica: &ReplicaId) -> Result<bool, StoreError> {
        self.lease_script(replica, Duration::ZERO).await
    }

    async fn lease_script(&self, replica: &ReplicaId, lease: Duration) -> Result<bool, StoreError> {
        let held: u8 = RENEW
            .key(self.keys().leader())
            .arg(&replica.0)
            .arg(lease.as_millis() as u64)
            .invoke_async(&mut self.connection())
            .await?;
        Ok(held == 1)
    }

    /// Who leads now. A lease that cannot be read is nobody's: whoever asks for it next sets it aside and takes it.
    pub async fn leader(&self) -> Result<Option<LeaderInfo>, StoreError> {
        let keys = self.keys();
        let (replica, epoch): (Option<String>, Option<String>) =
            redis::cmd("MGET").arg(keys.leader()).arg(keys.epoch()).query_async(&mut self.connection()).await?;
        Ok(replica.map(|replica| LeaderInfo {
            replica: ReplicaId(replica),
            epoch: epoch.and_then(|text| text.parse().ok()).unwrap_or(0),
        }))
    }
}
