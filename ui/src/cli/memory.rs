//! The memory for the time of one command: opened, used, and left in order.

use std::sync::Arc;
use std::time::Duration;

use windlass::policy::backoff;
use windlass::store::server::PrivateServer;
use windlass::store::{self, OpenError, Store, StoreError};

use super::failure::Failure;
use super::settings::Settings;
use super::signals::Signals;

/// A Redis that cannot be reached is asked again after this long, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// And no later than this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The memory, and the own server if it is that.
pub struct Memory {
    /// The memory.
    pub store: Store,
    server: Option<Arc<PrivateServer>>,
}

impl Memory {
    /// Opens it. `role` names this process among the server's clients.
    pub async fn open(settings: &Settings, role: &str) -> Result<Self, Failure> {
        let opened = store::open(&settings.config, settings.data_dir(), role).await?;
        Ok(Self { store: opened.store, server: opened.server })
    }

    /// Opens it as soon as there is one: a service may be started before its Redis is. Nothing is known of the cluster until then, so nothing
    /// is done. What does not pass by itself (a wrong address or password) fails at once.
    pub async fn await_one(settings: &Settings, role: &str) -> Result<Self, Failure> {
        let (mut said, mut tries) = (None, 0_u32);
        loop {
            let (address, error) = match store::open(&settings.config, settings.data_dir(), role).await {
                Ok(opened) => return Ok(Self { store: opened.store, server: opened.server }),
                Err(OpenError::Store { address, error: StoreError::Unavailable(error) }) => (address, error),
                Err(error) => return Err(error.into()),
            };
            if said.as_ref() != Some(&error) {
                tracing::error!(address, error, "Redis cannot be used yet; nothing is done until it can");
                said = Some(error);
            }
            tries = tries.saturating_add(1);
            tokio::time::sleep(backoff::doubled(FIRST_WAIT, LONGEST_WAIT, tries)).await;
        }
    }

    /// The own server, for an engine that keeps it running.
    #[must_use]
    pub fn server(&self) -> Option<Arc<PrivateServer>> {
        self.server.clone()
    }

    /// Leaves: the last process out stops the own server.
    pub async fn close(self) -> Result<(), Failure> {
        let Self { store, server } = self;
        drop(store);
        if let Some(server) = server.and_then(Arc::into_inner) {
            server.close().await?;
        }
        Ok(())
    }
}

/// Opens the memory, does the work and leaves, whatever came of the work. A signal ends the work.
pub async fn with_store<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut signals = Signals::listen()?;
    let memory = tokio::select! {
        memory = Memory::open(settings, "cli") => memory?,
        _ = signals.next() => return Err(Failure::Interrupted),
    };
    let done = tokio::select! {
        done = work(&memory.store) => done,
        _ = signals.next() => Err(Failure::Interrupted),
    };
    let closed = memory.close().await;
    let done = done?;
    closed?;
    Ok(done)
}
