//! What an operator wants. A command travels on the stream `autoscaler_commands`, is applied by the leader, and always ends in an
//! event whose `caused_by` is the command's id.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Actor, Direction, FunctionName, LogPosition, WorkerName};

/// A command is refused as stale when it is older than this: nobody waits for it any more.
pub const STALE_AFTER: Duration = Duration::from_secs(60);

/// More events of the log than this are not given to a handler again by one command.
pub const REPLAYED_AT_ONCE: usize = 1000;

/// Which directions a hold or a release is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Scaling up.
    Up,
    /// Scaling down.
    Down,
    /// Both.
    All,
}

impl Scope {
    /// The directions it covers.
    #[must_use]
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::Up => &[Direction::Up],
            Self::Down => &[Direction::Down],
            Self::All => &Direction::BOTH,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::All => "all",
        })
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Action {
    /// Add or remove workers. It keeps to the limits, the holds and the protections; thresholds are the operator's to judge.
    Scale {
        /// Up or down.
        direction: Direction,
        /// How many; at least 1.
        #[schemars(range(min = 1))]
        count: u32,
        /// Down only: this worker instead of the youngest.
        worker: Option<WorkerName>,
        /// Refuse while the direction cools down. By default an operator overrides a cooldown.
        #[serde(default)]
        honor_cooldown: bool,
    },
    /// Block a direction.
    Hold {
        /// Which.
        scope: Scope,
        /// For how long, in seconds.
        #[schemars(range(min = 1))]
        seconds: u64,
    },
    /// End a block.
    Release {
        /// Which.
        scope: Scope,
    },
    /// Keep a worker from being scaled away.
    Protect {
        /// Which.
        worker: WorkerName,
    },
    /// Let it be scaled away again.
    Unprotect {
        /// Which.
        worker: WorkerName,
    },
    /// Compare the state with the cluster now.
    Reconcile,
    /// Give a dead-lettered event to its handler again.
    DeadLetterRetry {
        /// Its position on the dead-letter stream.
        entry: String,
    },
    /// Discard a dead-lettered event.
    DeadLetterDrop {
        /// Its position on the dead-letter stream.
        entry: String,
    },
    /// Give events of the log to one handler again, for real; at most [`REPLAYED_AT_ONCE`].
    Replay {
        /// Which handler, or `AlertManager:` and a webhook target.
        handler: String,
        /// The first of them.
        from: LogPosition,
        /// The last of them; null: the newest.
        #[serde(default)]
        to: Option<LogPosition>,
    },
    /// Add containers to a function's pool, or take some away. It keeps to the pool's limits.
    PoolScale {
        /// Which pool.
        function: FunctionName,
        /// Up or down.
        direction: Direction,
        /// How many; at least 1.
        #[schemars(range(min = 1))]
        count: u32,
    },
    /// Give a container of a pool no more calls, and remove it once it idles. Below its minimum the pool makes another.
    PoolDrain {
        /// Which pool.
        function: FunctionName,
        /// Which container, by name or by the beginning of its id.
        container: String,
    },
    /// Make the first container of a pool that has none: somebody wants to call the function.
    PoolWake {
        /// Which pool.
        function: FunctionName,
    },
}

impl Action {
    /// The dead letter it is about, if it is about one.
    #[must_use]
    pub fn dead_letter(&self) -> Option<&str> {
        match self {
            Self::DeadLetterRetry { entry } | Self::DeadLetterDrop { entry } => Some(entry),
            _ => None,
        }
    }

    /// The function whose pool it is about, if it is about one.
    #[must_use]
    pub const fn pool(&self) -> Option<&FunctionName> {
        match self {
            Self::PoolScale { function, .. } | Self::PoolDrain { function, .. } | Self::PoolWake { function } => {
                Some(function)
            }
            _ => None,
        }
    }

    /// Its name as it is written on the stream.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Scale { .. } => "scale",
            Self::Hold { .. } => "hold",
            Self::Release { .. } => "release",
            Self::Protect { .. } => "protect",
            Self::Unprotect { .. } => "unprotect",
            Self::Reconcile => "reconcile",
            Self::DeadLetterRetry { .. } => "dead_letter_retry",
            Self::DeadLetterDrop { .. } => "dead_letter_drop",
            Self::Replay { .. } => "replay",
            Self::PoolScale { .. } => "pool_scale",
            Self::PoolDrain { .. } => "pool_drain",
            Self::PoolWake { .. } => "pool_wake",
        }
    }
}

/// An operator's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// `UUIDv7`; the answer's `caused_by`.
    pub command_id: Uuid,
    /// When it was given.
    pub issued_at: DateTime<Utc>,
    /// By whom.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}
