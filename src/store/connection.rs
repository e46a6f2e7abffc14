//! Connections: one that is shared and reconnects by itself, and one of its own for every blocking read.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use super::StoreError;

/// Where Redis is and how to get in. Its `Debug` hides the password.
#[derive(Clone)]
pub struct Address {
    info: ConnectionInfo,
    timeout: Duration,
    name: Option<String>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Address {
    /// From a URL (`redis://`, `rediss://`, `unix://`), with the user and password that the URL does not carry.
    pub fn new(
        url: &str,
        username: Option<&str>,
        password: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, StoreError> {
        let refused =
            |error: redis::RedisError| StoreError::Refused(format!("the address in redis.url is wrong: {error}"));
        // redis-rs and its sisters disagree on what a socket's URL is called.
        let url = url
            .strip_prefix("redis+unix://")
            .or_else(|| url.strip_prefix("unix://"))
            .map_or_else(|| url.to_owned(), |path| format!("redis+unix://{path}"));
        let mut info = url.into_connection_info().map_err(refused)?;
        let mut redis = info.redis_settings().clone();
        if redis.username().is_none()
            && let Some(username) = username
        {
            redis = redis.set_username(username);
        }
        if redis.password().is_none()
            && let Some(password) = password
        {
            redis = redis.set_password(password);
        }
        info = info.set_redis_settings(redis);
        Ok(Self { info, timeout, name: None })
    }

    /// With the name that its connections bear: the own server counts its users by it.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name: Some(name), ..self }
    }

    /// For people: the address without its secrets.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("redis://{host}:{port}"),
            ConnectionAddr::TcpTls { host, port, .. } => format!("rediss://{host}:{port}"),
            ConnectionAddr::Unix(path) => format!("unix://{}", path.display()),
            _ => "redis".to_owned(),
        }
    }

    fn client(&self) -> Result<Client, StoreError> {
        Ok(Client::open(self.info.clone())?)
    }

    /// The shared connection: it reconnects by itself, and does not repeat what failed.
    pub async fn shared(&self) -> Result<ConnectionManager, StoreError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1))
            .set_pipeline_buffer_size(512);
        let mut connection = ConnectionManager::new_with_config(self.client()?, config).await?;
        self.introduce(&mut connection).await?;
        Ok(connection)
    }

    /// A connection for reads that block up to `block`: the shared one would time out on them.
    pub async fn blocking(&self, block: Duration) -> Result<MultiplexedConnection, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(block + self.timeout));
        let mut connection = self.client()?.get_multiplexed_async_connection_with_config(&config).await?;
        self.introduce(&mut connection).await?;
        Ok(connection)
    }

    async fn introduce(&self, connection: &mut impl ConnectionLike) -> Result<(), StoreError> {
        if let Some(name) = &self.name {
            redis::cmd("CLIENT").arg("SETNAME").arg(name).query_async::<()>(connection).await?;
        }
        Ok(())
    }
}
