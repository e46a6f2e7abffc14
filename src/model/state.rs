//! The cluster's state: the copy in memory of what Redis keeps, and the changes it can undergo.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pool::{PersistedPoolState, PersistenceMetadata};
use super::{
    Condition, ConditionKey, Direction, FunctionName, Hold, Observation, Operation, OperationRecord, Verdict, Worker,
    WorkerName,
};
use uuid::Uuid;

/// How many entries the histories keep.
pub const HISTORY_LENGTH: usize = 200;

/// One value per direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PerDirection<T> {
    /// For scaling up.
    pub up: T,
    /// For scaling down.
    pub down: T,
}

impl<T> PerDirection<T> {
    /// The one of a direction.
    pub const fn get(&self, direction: Direction) -> &T {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// The one of a direction, to change.
    pub const fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

/// One line of `handler:scaling:history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalingEntry {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Up or down.
    pub action: Direction,
    /// Workers added or removed.
    pub count: u32,
    /// Workers before.
    pub previous_workers: u32,
    /// Workers after.
    pub new_workers: u32,
    /// Seconds it took.
    pub duration: f64,
}

/// One line of `handler:sync:history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SyncEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Live worker containers.
    pub docker_containers: u32,
    /// Workers in the state.
    pub db_workers: u32,
}

/// One line of `handler:optimal_state:periods`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptimalPeriod {
    /// When it began.
    pub from: DateTime<Utc>,
    /// When it ended.
    pub to: DateTime<Utc>,
}

/// Scaling statistics (seed 000, 2.2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ScalingStats {
    /// `handler:scaling:last_time`
    pub last_time: Option<DateTime<Utc>>,
    /// `handler:scaling:count:{up,down}`
    pub count: PerDirection<u64>,
    /// `handler:scaling:history`, newest first.
    pub history: VecDeque<ScalingEntry>,
}

/// Synchronization statistics (seed 000, 2.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SyncStats {
    /// `handler:sync:last_time`
    pub last_time: Option<DateTime<Utc>>,
    /// `handler:sync:history`, newest first.
    pub history: VecDeque<SyncEntry>,
}

/// Optimal-state statistics (seed 000, 1.2 and 2.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OptimalStats {
    /// `autoscaler:last_optimal_state_emission`
    pub last_emission: Option<DateTime<Utc>>,
    /// `handler:optimal_state:last_time`
    pub last_time: Option<DateTime<Utc>>,
    /// `handler:optimal_state:periods`, newest first.
    pub periods: VecDeque<OptimalPeriod>,
}

/// Minimum enforcement statistics (seed 000, 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EnforcerStats {
    /// `min_enforcer:last_check`
    pub last_check: Option<DateTime<Utc>>,
    /// `min_enforcer:violations_count`
    pub violations: u64,
    /// `min_enforcer:enforcements_count`
    pub enforcements: u64,
}

/// Everything that windlass remembers of a cluster.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// The workers.
    pub workers: BTreeMap<WorkerName, Worker>,
    /// The last number given to a worker.
    pub worker_counter: u64,
    /// The names that scaling never removes.
    pub permanent: Vec<WorkerName>,
    /// Until when a direction cools down.
    pub cooldowns: PerDirection<Option<DateTime<Utc>>>,
    /// Operators' blocks.
    pub holds: PerDirection<Option<Hold>>,
    /// Running operations.
    pub operations: BTreeMap<Uuid, Operation>,
    /// Ended operations, newest first.
    pub operation_history: VecDeque<OperationRecord>,
    /// Conditions that hold.
    pub conditions: BTreeMap<ConditionKey, Condition>,
    /// Scaling statistics.
    pub scaling: ScalingStats,
    /// Synchronization statistics.
    pub sync: SyncStats,
    /// Optimal-state statistics.
    pub optimal: OptimalStats,
    /// Minimum enforcement statistics.
    pub enforcer: EnforcerStats,
}

impl State {
    /// Workers now.
    #[must_use]
    pub fn worker_count(&self) -> u32 {
        u32::try_from(self.workers.len()).unwrap_or(u32::MAX)
    }

    /// Workers once the operations under way have added theirs: capacity that is coming counts.
    #[must_use]
    pub fn workers_expected(&self) -> u32 {
        self.worker_count() + self.operations.values().map(Operation::workers_coming).sum::<u32>()
    }

    /// Capacity that the operations under way bring: as much of the demand is answered.
    #[must_use]
    pub fn capacity_coming(&self) -> u32 {
        self.operations.values().map(Operation::capacity_coming).sum()
    }

    /// Workers that stay even if every operation under way that adds some fails, and every one that takes some away succeeds.
    #[must_use]
    pub fn workers_staying(&self) -> u32 {
        let leaving = |operation: &Operation| operation.workers_going() + operation.workers_starting();
        self.worker_count().saturating_sub(self.operations.values().map(leaving).sum())
    }

    /// Workers once the operations under way have also taken theirs away.
    #[must_use]
    pub fn workers_settled(&self) -> u32 {
        self.workers_expected().saturating_sub(self.operations.values().map(Operation::workers_going).sum())
    }

    /// The cooldown of a direction, while it lasts.
    #[must_use]
    pub fn cooldown(&self, direction: Direction, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cooldowns.get(direction).filter(|until| *until > now)
    }

    /// The hold on a direction, while it lasts.
    #[must_use]
    pub fn hold(&self, direction: Direction, now: DateTime<Utc>) -> Option<&Hold> {
        self.holds.get(direction).as_ref().filter(|hold| hold.is_active(now))
    }

    /// The running operation that makes or removes a worker.
    #[must_use]
    pub fn operation_of(&self, name: &WorkerName) -> Option<&Operation> {
        self.operations.values().find(|operation| operation.step_of(name).is_some())
    }

    /// Applies one change.
    pub fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::PutWorker(worker) => {
                self.workers.insert(worker.name.clone(), worker);
            }
            Change::RemoveWorker(name) => {
                self.workers.remove(&name);
            }
            Change::SetWorkerCounter(counter) => self.worker_counter = counter,
            Change::SetPermanent(names) => self.permanent = names,
            Change::SetCooldown(direction, until) => *self.cooldowns.get_mut(direction) = until,
            Change::PutHold(hold) => {
                let slot = self.holds.get_mut(hold.direction);
                *slot = Some(hold);
            }
            Change::ClearHold(direction) => *self.holds.get_mut(direction) = None,
            Change::PutOperation(operation) => {
                self.operations.insert(operation.id, operation);
            }
            Change::EndOperation(record) => {
                self.operations.remove(&record.operation.id);
                push_capped(&mut self.operation_history, record);
            }
            Change::CountScaling(entry) => {
                self.scaling.last_time = Some(entry.at);
                *self.scaling.count.get_mut(entry.action) += 1;
                push_capped(&mut self.scaling.history, entry);
            }
            Change::RecordSync(entry) => {
                self.sync.last_time = Some(entry.at);
                push_capped(&mut self.sync.history, entry);
            }
            Change::RecordOptimal(at) => {
                self.optimal.last_emission = Some(at);
                self.optimal.last_time = Some(at);
            }
            Change::RecordOptimalPeriod(period) => push_capped(&mut self.optimal.periods, period),
            Change::CountViolation => self.enforcer.violations += 1,
            Change::CountEnforcement => self.enforcer.enforcements += 1,
            Change::SetEnforcerCheck(at) => self.enforcer.last_check = Some(at),
            Change::PutCondition(key, condition) => {
                self.conditions.insert(key, condition);
            }
            Change::ClearCondition(key) => {
                self.conditions.remove(&key);
            }
            // Not part of this state: the latest are only for cockpits, and the pools are kept in a room of their own.
            Change::RecordObservation(_)
            | Change::RecordVerdict(_)
            | Change::PutPool(_)
            | Change::RemovePool(_)
            | Change::SetPoolMetadata(_) => {}
        }
    }
}

/// One thing that changes. Every change is an assignment or a capped push, so that the store can write it blindly.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// `workers:{name}`
    PutWorker(Worker),
    /// `workers:{name}`, gone
    RemoveWorker(WorkerName),
    /// `workers:counter`
    SetWorkerCounter(u64),
    /// `autoscaler:permanent_workers`
    SetPermanent(Vec<WorkerName>),
    /// `cooldown:{direction}`, set or gone
    SetCooldown(Direction, Option<DateTime<Utc>>),
    /// `hold:{direction}`
    PutHold(Hold),
    /// `hold:{direction}`, gone
    ClearHold(Direction),
    /// `async_scaling:active_operations`
    PutOperation(Operation),
    /// From there to `async_scaling:operation_history`
    EndOperation(OperationRecord),
    /// `handler:scaling:*`
    CountScaling(ScalingEntry),
    /// `handler:sync:*`
    RecordSync(SyncEntry),
    /// `autoscaler:last_optimal_state_emission`, `handler:optimal_state:last_time`
    RecordOptimal(DateTime<Utc>),
    /// `handler:optimal_state:periods`
    RecordOptimalPeriod(OptimalPeriod),
    /// `min_enforcer:violations_count`
    CountViolation,
    /// `min_enforcer:enforcements_count`
    CountEnforcement,
    /// `min_enforcer:last_check`
    SetEnforcerCheck(DateTime<Utc>),
    /// `conditions`
    PutCondition(ConditionKey, Condition),
    /// `conditions`, gone
    ClearCondition(ConditionKey),
    /// `observation`: the latest, for cockpits
    RecordObservation(Box<Observation>),
    /// `verdict`: the latest, for cockpits
    RecordVerdict(Box<Verdict>),
    /// `autoscaler:pool:{function}`, with a time to live
    PutPool(Box<PersistedPoolState>),
    /// `autoscaler:pool:{function}` and its measurements, gone
    RemovePool(FunctionName),
    /// `autoscaler:metadata`
    SetPoolMetadata(PersistenceMetadata),
}

fn push_capped<T>(list: &mut VecDeque<T>, entry: T) {
    list.push_front(entry);
    list.truncate(HISTORY_LENGTH);
}
