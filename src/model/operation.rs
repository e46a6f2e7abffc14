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

/// How far one worker of an operation has come. After the last step of its last worker the operation is recorded: it ends, and stands
/// in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Up: it has a name.
    Allocated,
    /// Up: its container exists.
    Created,
    /// Up: its container was seen running; where Kubernetes is attached, its node has joined.
    Registered,
    /// Up: it takes work. The last step.
    Ready,
    /// Down: it is chosen.
    Chosen,
    /// Down: it is empty.
    Drained,
    /// Down: its container was removed.
    Removed,
    /// Down: a later look does not show its container any more. The last step.
    Confirmed,
    /// It could not be done; what was made was undone.
    Failed,
}

impl Step {
    /// Whether nothing is left to do for this worker.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Confirmed | Self::Failed)
    }

    /// Done and to be done, as (n, of).
    #[must_use]
    pub const fn progress(self) -> (u16, u16) {
        match self {
            Self::Allocated | Self::Chosen => (0, 3),
            Self::Created | Self::Drained => (1, 3),
            Self::Registered | Self::Removed => (2, 3),
            Self::Ready | Self::Confirmed | Self::Failed => (3, 3),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allocated => "allocated",
            Self::Created => "created",
            Self::Registered => "registered",
            Self::Ready => "ready",
            Self::Chosen => "chosen",
            Self::Drained => "drained",
            Self::Removed => "removed",
            Self::Confirmed => "confirmed",
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
    /// When it came to that step; `None`: the record is of a windlass that did not keep it.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
    /// The event that reported that step: the cause of the next one.
    pub event: Uuid,
    /// Why it failed, where it did.
    #[serde(default)]
    pub error: Option<String>,
}

impl OperationWorker {
    /// A worker that came to a step by an event.
    #[must_use]
    pub const fn at(name: WorkerName, step: Step, since: DateTime<Utc>, event: Uuid) -> Self {
        Self { name, step, since: Some(since), event, error: None }
    }

    /// Whether nothing is left to do for it. For a windlass that did not keep the times of steps, a removal was the last one.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.step.is_final() || (self.step == Step::Removed && self.since.is_none())
    }
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
    /// Whether a leader that took it over takes back what is not done yet.
    #[serde(default)]
    pub rolling_back: bool,
}

impl Operation {
    /// Workers this operation will add that are not in the state yet.
    #[must_use]
    pub fn workers_coming(&self) -> u32 {
        if self.direction == Direction::Down {
            return 0;
        }
        if self.workers.is_empty() {
            return self.count;
        }
        self.workers_at(&[Step::Allocated])
    }

    /// Capacity that this operation brings: until it ends, all its workers but those that failed. One that is ready counts still, since
    /// the demand that it answers takes a moment to go.
    #[must_use]
    pub fn capacity_coming(&self) -> u32 {
        match self.direction {
            Direction::Down => 0,
            Direction::Up if self.workers.is_empty() => self.count,
            Direction::Up => self.workers_at(&[Step::Allocated, Step::Created, Step::Registered, Step::Ready]),
        }
    }

    /// Workers this operation has made that do not take work yet; they may still fail.
    #[must_use]
    pub fn workers_starting(&self) -> u32 {
        self.workers_at(&[Step::Created, Step::Registered])
    }

    /// Workers in the state that this operation will still take away.
    #[must_use]
    pub fn workers_going(&self) -> u32 {
        self.workers_at(&[Step::Chosen, Step::Drained])
    }

    fn workers_at(&self, steps: &[Step]) -> u32 {
        u32::try_from(self.workers.iter().filter(|worker| steps.contains(&worker.step)).count()).unwrap_or(u32::MAX)
    }

    /// The step of one of its workers.
    #[must_use]
    pub fn step_of(&self, name: &WorkerName) -> Option<Step> {
        self.workers.iter().find(|worker| &worker.name == name).map(|worker| worker.step)
    }

    /// Whether every worker has come to its last step.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.workers.is_empty() && self.workers.iter().all(OperationWorker::is_finished)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As windlass wrote it before workers knew when they came to a step.
    fn old(step: &str) -> Operation {
        let worker = serde_json::json!({"name": "w-1", "step": step, "event": Uuid::from_u128(3)});
        let record = serde_json::json!({
            "id": Uuid::from_u128(1), "direction": "scale_down", "origin": "rules", "actor": "engine", "reason": "idle",
            "count": 1, "workers": [worker], "previous_workers": 3, "decided_at": "2026-03-01T12:00:00Z",
            "decided_by": Uuid::from_u128(1), "started_by": Uuid::from_u128(2),
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn an_old_record_is_read_and_its_last_steps_are_still_the_last() {
        for step in ["ready", "removed", "failed"] {
            assert!(old(step).is_finished(), "{step}");
        }
        for step in ["allocated", "created", "chosen", "drained"] {
            assert!(!old(step).is_finished(), "{step}");
        }
    }

    #[test]
    fn a_removal_is_only_finished_once_it_is_confirmed() {
        let mut operation = old("removed");
        operation.workers[0].since = Some(operation.decided_at);
        assert!(!operation.is_finished());
        operation.workers[0].step = Step::Confirmed;
        assert!(operation.is_finished());
    }
}
