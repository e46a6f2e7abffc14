//! Opening the memory that the configuration names: a Redis by its address, or the own server.

use std::path::Path;
use std::sync::Arc;

use super::server::{PrivateServer, ServerError, client_name};
use super::{Address, Keys, Store, StoreError};
use crate::config::{Config, Secret};

/// Why it could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The own server could not be started.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The Redis that is configured cannot be used.
    #[error("{address}: {error}")]
    Store {
        /// Which, without secrets.
        address: String,
        /// What it said.
        error: StoreError,
    },
}

/// The memory, and the own server if it is that.
pub struct Opened {
    /// The memory.
    pub store: Store,
    /// The own server.
    pub server: Option<Arc<PrivateServer>>,
}

/// Opens it. `role` is how this process is named among the server's clients (`engine`, `cockpit`, `cli`); `data_dir` is where the
/// own server keeps its data.
pub async fn open(config: &Config, data_dir: &Path, role: &str) -> Result<Opened, OpenError> {
    let redis = &config.redis;
    let server = match redis.url {
        Some(_) => None,
        None => Some(Arc::new(PrivateServer::open(data_dir, redis.maxmemory).await?)),
    };
    let url = match (&redis.url, &server) {
        (Some(url), _) => url.clone(),
        (None, Some(server)) => server.url(),
        (None, None) => unreachable!("without an address there is a server"),
    };
    let password = redis.password.as_ref().map(Secret::expose);
    let failed = |address: String| move |error| OpenError::Store { address, error };
    let address = Address::new(&url, redis.username.as_deref(), password, redis.timeout.get())
        .map_err(failed("redis.url".to_owned()))?
        .named(client_name(role));
    let keys = Keys::new(&config.cluster.id, &config.autoscaler.events.event_bus.stream_name);
    let place = address.describe();
    let store = Store::connect(address, keys).await.map_err(failed(place))?;
    Ok(Opened { store, server })
}
