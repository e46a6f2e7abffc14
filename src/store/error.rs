//! What can go wrong between windlass and Redis.

/// Why the store could not do it. Only [`StoreError::Unavailable`] passes by itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Redis does not answer, or not in time: what was asked for may or may not have happened.
    #[error("Redis cannot be used: {0}")]
    Unavailable(String),
    /// Redis has reached `maxmemory`: nothing was written.
    #[error(
        "Redis is out of memory and refuses writes; nothing was written. Raise `redis.maxmemory` (or the server's maxmemory), or \
         free memory; `windlass redis` shows what uses it"
    )]
    OutOfMemory,
    /// A newer leader exists: this replica must stop writing.
    #[error("another replica leads (epoch {newest}, ours {ours})")]
    Fenced {
        /// Our epoch.
        ours: u64,
        /// The newest.
        newest: u64,
    },
    /// Redis refuses: wrong password, read-only replica, missing permission.
    #[error("Redis refuses: {0}")]
    Refused(String),
    /// Something under one of our keys is not ours.
    #[error(
        "the value under {key} is not windlass's: {error}. Move it away (RENAME) and start again; nothing was changed"
    )]
    Foreign {
        /// The key.
        key: String,
        /// What is wrong with it.
        error: String,
    },
}

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        let text = error.to_string();
        match error.code() {
            Some("OOM") => Self::OutOfMemory,
            Some("NOAUTH" | "WRONGPASS" | "READONLY" | "NOPERM" | "MISCONF") => Self::Refused(text),
            Some(_) if text.contains("OOM ") || text.contains("command not allowed when used memory") => {
                Self::OutOfMemory
            }
            _ if error.kind() == redis::ErrorKind::AuthenticationFailed => Self::Refused(text),
            _ => Self::Unavailable(text),
        }
    }
}
