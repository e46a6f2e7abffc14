//! The fault table: everything that is done to windlass here. README.md has a row for each ("What happens when …").

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// SIGKILL to the leader.
    Killed,
    /// SIGTERM to the leader.
    Stopped,
    /// SIGSTOP to the leader for longer than its lease, then SIGCONT.
    Frozen,
    /// SIGKILL to every replica at once.
    AllKilled,
    /// SIGKILL to Redis, which starts again later.
    RedisKilled,
    /// Redis does not answer: SIGSTOP, or `DEBUG SLEEP`.
    RedisFrozen,
    /// `CLIENT PAUSE`, of everything or of writes alone.
    RedisPaused,
    /// `maxmemory` is reached.
    RedisFull,
    /// Redis becomes a replica of a server that is not there.
    RedisReadOnly,
    /// `SCRIPT FLUSH`.
    ScriptsFlushed,
    /// `CLIENT KILL` of everybody.
    ConnectionsCut,
    /// `requirepass` changes.
    PasswordChanged,
    /// Redis has lost everything: `FLUSHALL`, or a start without its data.
    RedisEmptied,
    /// A value that is not windlass's, is damaged, or is a newer windlass's, under one of its keys.
    ValueForeign,
    /// The runtime does not answer.
    RuntimeSilent,
    /// Worker containers are removed (`docker rm -f`).
    WorkersRemoved,
    /// Worker containers end (`docker stop`, a crash).
    WorkersEnded,
    /// Containers of function pools are removed, or end.
    PoolContainersLost,
    /// SIGKILL to the Redis server that windlass runs for itself, to windlass, or to both.
    OwnRedisKilled,
    /// Several of these at the same time.
    Together,
}

impl Fault {
    /// The whole table.
    pub const ALL: [Self; 20] = [
        Self::Killed,
        Self::Stopped,
        Self::Frozen,
        Self::AllKilled,
        Self::RedisKilled,
        Self::RedisFrozen,
        Self::RedisPaused,
        Self::RedisFull,
        Self::RedisReadOnly,
        Self::ScriptsFlushed,
        Self::ConnectionsCut,
        Self::PasswordChanged,
        Self::RedisEmptied,
        Self::ValueForeign,
        Self::RuntimeSilent,
        Self::WorkersRemoved,
        Self::WorkersEnded,
        Self::PoolContainersLost,
        Self::OwnRedisKilled,
        Self::Together,
    ];

    /// What it is called: in `FAULT=…`, in the sums, and in README.md.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Frozen => "frozen",
            Self::AllKilled => "all-killed",
            Self::RedisKilled => "redis-killed",
            Self::RedisFrozen => "redis-frozen",
            Self::RedisPaused => "redis-paused",
            Self::RedisFull => "redis-full",
            Self::RedisReadOnly => "redis-read-only",
            Self::ScriptsFlushed => "scripts-flushed",
            Self::ConnectionsCut => "connections-cut",
            Self::PasswordChanged => "password-changed",
            Self::RedisEmptied => "redis-emptied",
            Self::ValueForeign => "value-foreign",
            Self::RuntimeSilent => "runtime-silent",
            Self::WorkersRemoved => "workers-removed",
            Self::WorkersEnded => "workers-ended",
            Self::PoolContainersLost => "pool-containers-lost",
            Self::OwnRedisKilled => "own-redis-killed",
            Self::Together => "together",
        }
    }

    /// Its row in README.md.
    #[allow(dead_code, reason = "only the test of the README asks for it")]
    pub const fn row(self) -> &'static str {
        match self {
            Self::Killed => "the leading windlass is killed (SIGKILL)",
            Self::Stopped => "it is stopped in order (SIGTERM, an upgrade)",
            Self::Frozen => "it is frozen for longer than its lease, and goes on",
            Self::AllKilled => "every windlass is killed",
            Self::RedisKilled => "Redis is killed",
            Self::RedisFrozen => "Redis does not answer",
            Self::RedisPaused => "Redis is paused (`CLIENT PAUSE`)",
            Self::RedisFull => "Redis's memory is full",
            Self::RedisReadOnly => "Redis becomes a read-only replica",
            Self::ScriptsFlushed => "Redis's scripts are flushed",
            Self::ConnectionsCut => "connections to Redis are cut",
            Self::PasswordChanged => "Redis's password changes",
            Self::RedisEmptied => "Redis comes back empty",
            Self::ValueForeign => "a value under a key is foreign, damaged or newer",
            Self::RuntimeSilent => "Docker does not answer",
            Self::WorkersRemoved => "workers are removed (`docker rm -f`)",
            Self::WorkersEnded => "workers end (`docker stop`, a crash)",
            Self::PoolContainersLost => "containers of a function pool are removed or end",
            Self::OwnRedisKilled => "windlass's own Redis is killed, or both are",
            Self::Together => "several of these happen at once",
        }
    }

    /// Whether it is about the replicas, so that somebody else takes over.
    pub const fn is_takeover(self) -> bool {
        matches!(self, Self::Killed | Self::Stopped | Self::Frozen | Self::AllKilled)
    }

    /// Whether a windlass that starts meanwhile may find no Redis to start with.
    pub const fn denies_redis(self) -> bool {
        matches!(
            self,
            Self::RedisKilled
                | Self::RedisFrozen
                | Self::RedisPaused
                | Self::RedisFull
                | Self::RedisReadOnly
                | Self::ConnectionsCut
                | Self::PasswordChanged
                | Self::RedisEmptied
                | Self::OwnRedisKilled
        )
    }

    /// Whether nothing can be written to Redis while it lasts.
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            Self::RedisKilled
                | Self::RedisFrozen
                | Self::RedisPaused
                | Self::RedisFull
                | Self::RedisReadOnly
                | Self::PasswordChanged
        )
    }

    /// Whether what was remembered is gone after it, so that the log no longer gives the state.
    pub const fn loses_data(self) -> bool {
        matches!(self, Self::RedisEmptied | Self::ValueForeign)
    }

    /// What may happen at the same time as others.
    pub const COMBINED: [Self; 15] = [
        Self::Killed,
        Self::Stopped,
        Self::Frozen,
        Self::AllKilled,
        Self::RedisKilled,
        Self::RedisFrozen,
        Self::RedisPaused,
        Self::RedisFull,
        Self::RedisReadOnly,
        Self::ScriptsFlushed,
        Self::ConnectionsCut,
        Self::RuntimeSilent,
        Self::WorkersRemoved,
        Self::WorkersEnded,
        Self::PoolContainersLost,
    ];
}
