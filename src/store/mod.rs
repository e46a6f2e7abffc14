//! Redis: what is remembered, and the one way to change it.

mod connection;
mod error;
mod inspect;
mod keys;
mod lease;
mod open;
pub mod pools;
mod quarantine;
mod records;
mod replicas;
pub mod report;
mod schema;
pub mod server;
mod snapshot;
mod transaction;
mod write;

use std::sync::{Arc, PoisonError, RwLock};

use redis::aio::ConnectionManager;

pub use connection::Address;
pub use error::StoreError;
pub use inspect::{GroupLook, Inspection, StreamLook};
pub use keys::Keys;
pub use open::{OpenError, Opened, open};
pub use quarantine::{Mending, Quarantined};
pub use replicas::HandOver;
pub use snapshot::Snapshot;
pub use transaction::{Acknowledgement, Committed, DeadLetter, Settled, Transaction};

/// A cluster's memory in Redis.
#[derive(Clone)]
pub struct Store {
    /// Shared, so that what was made anew is used by everybody.
    connection: Arc<RwLock<ConnectionManager>>,
    address: Address,
    keys: Keys,
}

impl Store {
    /// Connects.
    pub async fn connect(address: Address, keys: Keys) -> Result<Self, StoreError> {
        Ok(Self { connection: Arc::new(RwLock::new(address.shared().await?)), address, keys })
    }

    /// Makes the shared connection anew. It comes back by itself from everything but a refused login: that one it would remember for ever,
    /// however right the password is by now.
    pub async fn reconnect(&self) -> Result<(), StoreError> {
        let fresh = self.address.shared().await?;
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Its keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The shared connection.
    #[must_use]
    pub fn connection(&self) -> ConnectionManager {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the memory report.
    pub async fn report(&self, now: chrono::DateTime<chrono::Utc>) -> Result<crate::model::RedisReport, StoreError> {
        Ok(report::read(&mut self.connection(), &self.keys.events(), now).await?)
    }

    /// Writes what the leading engine says of itself.
    pub async fn announce(&self, engine: &crate::model::EngineInfo) -> Result<(), StoreError> {
        let key = self.keys.engine();
        let text = schema::write(schema::Kind::Engine, &key, engine)?;
        redis::cmd("SET").arg(key).arg(text).query_async::<()>(&mut self.connection()).await?;
        Ok(())
    }
}
