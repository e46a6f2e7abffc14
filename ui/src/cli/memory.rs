//! The memory for the time of one command: opened, used, and left in order.

use std::sync::Arc;

use windlass::store::server::PrivateServer;
use windlass::store::{self, Store};

use super::failure::Failure;
use super::settings::Settings;
use super::signals::Signals;

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
