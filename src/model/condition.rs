//! Conditions that last: one event when they start, one when they end, a reminder in between. Their clocks are in Redis, so that a
//! restart repeats nothing.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Direction, WorkerName};

/// Which condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum ConditionKey {
    /// CPU or memory above its upper threshold.
    Pressure,
    /// Pods that no node has room for.
    PendingPods,
    /// CPU and memory below their lower thresholds, above the minimum.
    Underutilized,
    /// At the minimum and underutilized: as small as it may be.
    Optimal,
    /// Fewer workers than the minimum.
    BelowMinimum,
    /// A worker's health check fails.
    Unhealthy(WorkerName),
    /// Scaling is wanted in a direction and something blocks it.
    Blocked(Direction),
    /// Fewer workers than the minimum, and something forbids adding any.
    EnforcementStopped,
    /// A dry run would scale in a direction.
    Intended(Direction),
    /// The cluster does not answer.
    Unreachable,
    /// State and cluster agree.
    Synced,
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pressure => f.write_str("pressure"),
            Self::PendingPods => f.write_str("pending_pods"),
            Self::Underutilized => f.write_str("underutilized"),
            Self::Optimal => f.write_str("optimal"),
            Self::BelowMinimum => f.write_str("below_minimum"),
            Self::Unhealthy(name) => write!(f, "unhealthy:{name}"),
            Self::Blocked(direction) => write!(f, "blocked:{}", direction.key()),
            Self::Intended(direction) => write!(f, "intended:{}", direction.key()),
            Self::EnforcementStopped => f.write_str("enforcement_stopped"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Synced => f.write_str("synced"),
        }
    }
}

impl From<ConditionKey> for String {
    fn from(key: ConditionKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for ConditionKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ConditionKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "pressure" => Self::Pressure,
            "pending_pods" => Self::PendingPods,
            "underutilized" => Self::Underutilized,
            "optimal" => Self::Optimal,
            "below_minimum" => Self::BelowMinimum,
            "enforcement_stopped" => Self::EnforcementStopped,
            "unreachable" => Self::Unreachable,
            "synced" => Self::Synced,
            "blocked:scale_up" => Self::Blocked(Direction::Up),
            "blocked:scale_down" => Self::Blocked(Direction::Down),
            "intended:scale_up" => Self::Intended(Direction::Up),
            "intended:scale_down" => Self::Intended(Direction::Down),
            _ => {
                let name = text.strip_prefix("unhealthy:").ok_or_else(|| format!("unknown condition {text:?}"))?;
                Self::Unhealthy(name.parse().map_err(|error| format!("condition {text:?}: {error}"))?)
            }
        })
    }
}

/// A condition's clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Since when it has held without a break.
    pub since: DateTime<Utc>,
    /// When it was last seen to hold; a longer break than the observation interval allows starts it anew.
    pub last_seen: DateTime<Utc>,
    /// The event that reported it; `None` while it has not lasted long enough to be reported.
    pub event: Option<Uuid>,
    /// When it was last reported.
    pub reported_at: Option<DateTime<Utc>>,
    /// What the report said where that matters for the next one (the reason of a block).
    pub detail: String,
}
