//! The two directions of scaling, and an operator's block on them.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Actor;

/// Which way the number of workers goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    /// More workers.
    #[serde(rename = "scale_up")]
    Up,
    /// Fewer workers.
    #[serde(rename = "scale_down")]
    Down,
}

impl Direction {
    /// Both, up first.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// `scale_up` or `scale_down`, as in the seeds' keys and data.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Up => "scale_up",
            Self::Down => "scale_down",
        }
    }

    /// `up` or `down`, as an operator says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An operator's block on one direction: it has an owner, a reason and an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// What it blocks.
    pub direction: Direction,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
    /// Who placed it.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
}

impl Hold {
    /// Whether it still blocks at `now`.
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.until > now
    }

    /// Whether it also stops the minimum from being restored. A person's does: they know why. One that the engine placed itself, because an
    /// operator's could not be read, does not: a damaged value must not leave a cluster without workers.
    #[must_use]
    pub fn stops_minimum(&self) -> bool {
        self.actor != Actor::Engine
    }
}
