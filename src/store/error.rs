//! What can go wrong between windlass and Redis: what it is, and what to do about it.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why the store could not do it. Only [`StoreError::Unavailable`] passes by itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Redis does not answer, not in time, or not yet: what was asked for may or may not have happened.
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
    /// Redis refuses until somebody changes something: wrong password, read-only replica, missing permission, no disk.
    #[error("Redis refuses: {0}")]
    Refused(String),
    /// Something under one of our keys is not ours. Whoever leads sets it aside and goes on.
    #[error(
        "the value under {key} is not windlass's: {error}. Nothing was changed; the leader sets it aside and tries again"
    )]
    Foreign {
        /// The key.
        key: String,
        /// What is wrong with it.
        error: String,
    },
}

/// What Redis, or the way to it, says is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Unreachable,
    ConnectionLost,
    Timeout,
    TooManyClients,
    Loading,
    MasterDown,
    Busy,
    ScriptGone,
    GroupGone,
    ClusterDown,
    Password,
    ReadOnly,
    Permission,
    Disk,
    OtherNode,
    OutOfMemory,
    WrongType,
    Other,
}

impl Cause {
    fn of(error: &RedisError) -> Self {
        Self::of_code(error).unwrap_or_else(|| Self::of_connection(error))
    }

    fn of_code(error: &RedisError) -> Option<Self> {
        let text = error.to_string();
        Some(match error.code()? {
            "OOM" => Self::OutOfMemory,
            "NOAUTH" | "WRONGPASS" => Self::Password,
            "READONLY" => Self::ReadOnly,
            "NOPERM" => Self::Permission,
            "MISCONF" => Self::Disk,
            "LOADING" => Self::Loading,
            "MASTERDOWN" => Self::MasterDown,
            "BUSY" => Self::Busy,
            "NOSCRIPT" => Self::ScriptGone,
            "NOGROUP" | "UNBLOCKED" => Self::GroupGone,
            "CLUSTERDOWN" | "TRYAGAIN" => Self::ClusterDown,
            "MOVED" | "ASK" | "CROSSSLOT" => Self::OtherNode,
            "WRONGTYPE" => Self::WrongType,
            // Older servers put a script's own error behind words of theirs.
            _ if text.contains("OOM ") || text.contains("command not allowed when used memory") => Self::OutOfMemory,
            _ if text.contains("WRONGTYPE") => Self::WrongType,
            // What a server without a login thinks of a long command.
            _ if text.contains("unauthenticated") => Self::Password,
            _ if text.contains("max number of clients") => Self::TooManyClients,
            _ => return None,
        })
    }

    fn of_connection(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Password,
            ErrorKind::Server(ServerErrorKind::NoPerm) => Self::Permission,
            _ if error.is_timeout() => Self::Timeout,
            _ if error.is_connection_refusal() => Self::Unreachable,
            _ if error.is_connection_dropped() => Self::ConnectionLost,
            ErrorKind::Io if error.to_string().contains("No such file") => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// What it means and what to do.
    const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "nothing answers at this address: start Redis there, or correct `redis.url`",
            Self::ConnectionLost => {
                "the connection was cut; it is made again by itself. If it goes on, look at Redis's log, its `timeout`, and what lies between"
            }
            Self::Timeout => {
                "no answer within `redis.timeout`: Redis is stopped, overloaded or far away; `redis-cli --latency` and SLOWLOG show which"
            }
            Self::TooManyClients => {
                "it has as many clients as `maxclients` allows: raise that, or end some (CLIENT LIST)"
            }
            Self::Loading => "it is reading its data after a start; this passes by itself",
            Self::MasterDown => {
                "this replica has lost its primary: point `redis.url` at the primary, or mend the replication (INFO replication)"
            }
            Self::Busy => "a script of somebody's runs for too long: end it with SCRIPT KILL, or FUNCTION KILL",
            Self::ScriptGone => "its scripts were flushed; they are loaded again by themselves",
            Self::GroupGone => {
                "a stream or its reader group is gone, as after FLUSHALL or a restart without its data; it is made anew"
            }
            Self::ClusterDown => "the Redis cluster is not complete: `redis-cli --cluster check` says what is missing",
            Self::Password => {
                "user or password are wrong: correct `redis.username` and `redis.password` (or its file), and start again"
            }
            Self::ReadOnly => {
                "it is a replica and takes no writes: point `redis.url` at the primary, or make this one the primary (REPLICAOF NO ONE)"
            }
            Self::Permission => {
                "this user may not do that: allow it the cluster's keys and the commands (ACL SETUSER … ~{<cluster id>}:* +@all)"
            }
            Self::Disk => {
                "it cannot save to its disk and takes no writes: free space there, and look at its log (INFO persistence)"
            }
            Self::OtherNode => {
                "another node of the Redis cluster holds these keys: point `redis.url` at the node that holds the slot of `{<cluster id>}`"
            }
            Self::OutOfMemory | Self::WrongType => "",
            Self::Other => "look at Redis's log",
        }
    }
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        let cause = Cause::of(&error);
        let text = format!("{error} — {}", cause.advice());
        match cause {
            Cause::OutOfMemory => Self::OutOfMemory,
            Cause::WrongType => {
                Self::Foreign { key: "one of the cluster's keys".to_owned(), error: "its type is another".to_owned() }
            }
            Cause::Password | Cause::ReadOnly | Cause::Permission | Cause::Disk | Cause::OtherNode => {
                Self::Refused(text)
            }
            Cause::Unreachable
            | Cause::ConnectionLost
            | Cause::Timeout
            | Cause::TooManyClients
            | Cause::Loading
            | Cause::MasterDown
            | Cause::Busy
            | Cause::ScriptGone
            | Cause::GroupGone
            | Cause::ClusterDown
            | Cause::Other => Self::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> StoreError {
        let answer = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).and_then(redis::Value::extract_error);
        StoreError::from(answer.unwrap_err())
    }

    /// What cannot be provoked on one server alone; the rest is in `tests/redis_troubles.rs`.
    #[test]
    fn what_a_server_says_is_understood() {
        let table = [
            ("LOADING Redis is loading the dataset in memory", "passes by itself", false),
            ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "primary", false),
            ("CLUSTERDOWN The cluster is down", "cluster check", false),
            ("MOVED 3999 127.0.0.1:6381", "another node", true),
            ("MISCONF Redis is configured to save RDB snapshots, but is unable to persist to disk", "free space", true),
            ("NOPERM this user has no permissions to run the 'evalsha' command", "ACL SETUSER", true),
            ("BUSY Redis is busy running a script. You can only call SCRIPT KILL", "SCRIPT KILL", false),
            ("ERR Protocol error: unauthenticated multibulk length", "redis.password", true),
            ("ERR max number of clients reached", "maxclients", false),
        ];
        for (line, advice, refused) in table {
            let error = said(line);
            assert!(error.to_string().contains(advice), "{line}: {error}");
            assert_eq!(matches!(error, StoreError::Refused(_)), refused, "{line}: {error:?}");
        }
        assert!(matches!(said("OOM command not allowed when used memory > 'maxmemory'."), StoreError::OutOfMemory));
        assert!(matches!(said("WRONGTYPE Operation against a key"), StoreError::Foreign { .. }));
    }
}
