//! A scaling operation as a record of steps, so that whoever leads next can finish it (seed 000, 3.1).

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Actor, Direction, WorkerName};

/// What set an operation off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The rules: pressure, pending pods, or idleness.
    Rules,
    /// The minimum was violated.
    Minimum,
    /// Several workers were lost together.
    Emergency,
    /// An operator asked.
    Operator,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rules => "rules",
            Self::Minimum => "minimum",
            Self::Emergency => "emergency",
            Self::Operator => "operator",
        })
    }
}

/// How far one worker of an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Up: it has a name.
    Allocated,
    /// Up: its container exists.
    Created,
    /// Up: it takes work. The last step.
    Ready,
    /// Down: it is chosen.
    Chosen,
    /// Down: it is empty.
    Drained,
    /// Down: its container is gone. The last step.
    Removed,
    /// It could not be done; what was made was undone.
    Failed,
}

impl Step {
    /// Whether nothing is left to do for this worker.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Removed | Self::Failed)
    }

    /// Done and to be done, as (n, of).
    #[must_use]
    pub const fn progress(self) -> (u16, u16) {
        match self {
            Self::Allocated | Self::Chosen => (0, 2),
            Self::Created | Self::Drained => (1, 2),
            Self::Ready | Self::Removed | Self::Failed => (2, 2),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allocated => "allocated",
            Self::Created => "created",
            Self::Ready => "ready",
            Self::Chosen => "chosen",
            Self::Drained => "drained",
            Self::Removed => "removed",
            Self::Failed => "failed",
        })
    }
}

/// One worker that an operation makes or removes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperationWorker {
    /// Its name.
    pub name: WorkerName,
    /// How far it has come.
    pub step: Step,
    /// The event that reported that step: the cause of the next one.
    pub event: Uuid,
}

/// A running operation (`async_scaling:active_operations`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// Its id: the `correlation_id` of all its events.
    pub id: Uuid,
    /// Up or down.
    pub direction: Direction,
    /// What set it off.
    pub origin: Origin,
    /// Who asked for it.
    pub actor: Actor,
    /// Why, in words.
    pub reason: String,
    /// How many workers it adds or removes.
    pub count: u32,
    /// The workers; empty until a scale-up has allocated its names.
    pub workers: Vec<OperationWorker>,
    /// Workers before it.
    pub previous_workers: u32,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// The event that decided it.
    pub decided_by: Uuid,
    /// The event that started it: the cause of the steps that follow.
    pub started_by: Option<Uuid>,
}

impl Operation {
    /// Capacity that is on its way: workers this operation will add that are not in the state yet.
    #[must_use]
    pub fn workers_coming(&self) -> u32 {
        if self.direction == Direction::Down {
            return 0;
        }
        if self.workers.is_empty() {
            return self.count;
        }
        let allocated = self.workers.iter().filter(|worker| worker.step == Step::Allocated).count();
        u32::try_from(allocated).unwrap_or(u32::MAX)
    }

    /// Workers this operation will still take away.
    #[must_use]
    pub fn workers_going(&self) -> u32 {
        if self.direction == Direction::Up {
            return 0;
        }
        let going = self.workers.iter().filter(|worker| !worker.step.is_final()).count();
        u32::try_from(going).unwrap_or(u32::MAX)
    }

    /// The step of one of its workers.
    #[must_use]
    pub fn step_of(&self, name: &WorkerName) -> Option<Step> {
        self.workers.iter().find(|worker| &worker.name == name).map(|worker| worker.step)
    }

    /// Whether every worker has come to its last step.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.workers.is_empty() && self.workers.iter().all(|worker| worker.step.is_final())
    }

    /// Progress over all workers, from 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        let (done, all) = self
            .workers
            .iter()
            .map(|worker| worker.step.progress())
            .fold((0, 0), |(done, all), (n, of)| (done + n, all + of));
        if all == 0 { 0.0 } else { f64::from(done) / f64::from(all) }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything it set out to do.
    Completed,
    /// Nothing, or only a part of it.
    Failed,
}

/// An ended operation (`async_scaling:operation_history`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationRecord {
    /// The operation as it stood at its end.
    #[serde(flatten)]
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub ended_at: DateTime<Utc>,
    /// Why it failed, where it did.
    pub error: Option<String>,
}
