//! What the policy concluded on one observation, and why. A decision to do nothing is a verdict as well.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Direction, WorkerName};

/// One question that must be answered with yes before anything happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// Up: is more capacity wanted?
    Demand,
    /// Down: is CPU low?
    CpuLow,
    /// Down: is memory low?
    MemoryLow,
    /// Down: has it been low over the whole window?
    Window,
    /// Down: is nothing pending?
    NothingPending,
    /// Are (nearly) all workers healthy?
    Healthy,
    /// Does no operator hold this direction?
    Hold,
    /// Has the cooldown ended?
    Cooldown,
    /// Up: is there room below the maximum?
    Maximum,
    /// Down: are there more workers than the minimum?
    Minimum,
    /// Is no other operation under way?
    Operations,
    /// Down: is there a worker that may go?
    Candidate,
    /// Is the picture of the cluster complete and recent?
    Observation,
    /// Down: can what is decided be remembered? Asked only while it cannot.
    Memory,
}

impl GateKind {
    /// Its name on the screen and in `reason` fields.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::CpuLow => "cpu_low",
            Self::MemoryLow => "memory_low",
            Self::Window => "window",
            Self::NothingPending => "pending_pods",
            Self::Healthy => "unhealthy_nodes",
            Self::Hold => "hold",
            Self::Cooldown => "cooldown",
            Self::Maximum => "maximum",
            Self::Minimum => "minimum",
            Self::Operations => "operation_in_flight",
            Self::Candidate => "no_candidate",
            Self::Observation => "cluster_unknown",
            Self::Memory => "store_down",
        }
    }

    /// Whether failing this gate means that nothing is wanted, rather than that something wanted is blocked. To be at the minimum is the
    /// aim of scaling down, not an obstacle to it.
    #[must_use]
    pub const fn is_wish(self) -> bool {
        matches!(self, Self::Demand | Self::Minimum | Self::CpuLow | Self::MemoryLow | Self::Window)
    }
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a gate's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Percent, 0 to 100.
    Percent,
    /// Workers, pods, operations.
    Count,
    /// Seconds.
    Seconds,
    /// No number.
    None,
}

/// One gate as it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Which.
    pub gate: GateKind,
    /// Whether it lets through.
    pub passed: bool,
    /// What was found; `None`: unknown or not a number.
    pub value: Option<f64>,
    /// What it is held against.
    pub bound: Option<f64>,
    /// What both are.
    pub unit: Unit,
    /// In words, for people.
    pub detail: String,
    /// When this may change by itself, where that is known.
    pub clears_at: Option<DateTime<Utc>>,
}

/// What follows from the gates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "conclusion", rename_all = "snake_case")]
pub enum Conclusion {
    /// Add workers.
    ScaleUp {
        /// How many.
        count: u32,
        /// Why.
        reason: String,
    },
    /// Take workers away.
    ScaleDown {
        /// Which, first to go first.
        workers: Vec<WorkerName>,
        /// Why.
        reason: String,
    },
    /// Something is wanted and a gate blocks it.
    Blocked {
        /// What is wanted.
        direction: Direction,
        /// The first gate that does not let through.
        by: GateKind,
        /// That gate's words.
        detail: String,
        /// When that may change by itself.
        clears_at: Option<DateTime<Utc>>,
    },
    /// Nothing is wanted.
    Steady {
        /// Why not.
        detail: String,
    },
}

/// The policy's answer to one observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// When it was given.
    pub at: DateTime<Utc>,
    /// What follows.
    #[serde(flatten)]
    pub conclusion: Conclusion,
    /// The gates on the way up, in order.
    pub up: Vec<Gate>,
    /// The gates on the way down, in order.
    pub down: Vec<Gate>,
    /// In a dry run a decision is reported and not carried out.
    pub dry_run: bool,
}

impl Verdict {
    /// The gates of a direction.
    #[must_use]
    pub fn gates(&self, direction: Direction) -> &[Gate] {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}
