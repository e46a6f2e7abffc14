//! What an event does to the state: the only way it changes.
//!
//! An event carries all that is needed for that, so the log alone gives the state, and a transaction that appends an event writes
//! exactly these changes beside it.

use chrono::{DateTime, TimeDelta, Utc};

use super::state::{OptimalPeriod, ScalingEntry, SyncEntry};
use super::{
    Change, Condition, ConditionKey, Direction, Event, EventData, Operation, OperationRecord, OperationWorker, Origin,
    Outcome, Protection, State, Step, Worker, WorkerKind, WorkerName, WorkerStatus,
};

/// What `OperationResumed` says of an operation whose remaining steps are done.
pub const FINISH: &str = "finish";
/// What it says of one that is taken back.
pub const ROLL_BACK: &str = "roll_back";

/// The changes that `event` makes to `state`.
#[must_use]
#[allow(clippy::too_many_lines, reason = "one arm an event: that none is missing should be seen in one place")]
pub fn changes(state: &State, event: &Event) -> Vec<Change> {
    let at = event.timestamp;
    match &event.data {
        EventData::OptimalStateTrigger(data) if !data.active => Vec::new(),
        EventData::OptimalStateTrigger(_) => {
            vec![reported(state, event, ConditionKey::Optimal, ""), Change::RecordOptimal(at)]
        }
        EventData::OptimalStateEnded(data) => vec![
            Change::ClearCondition(ConditionKey::Optimal),
            Change::RecordOptimalPeriod(OptimalPeriod { from: data.since, to: at }),
        ],
        EventData::ScalingActionCompleted(data) => end_operation(state, event, Outcome::Completed, None)
            .into_iter()
            .chain([Change::CountScaling(ScalingEntry {
                at,
                action: data.action,
                count: data.count,
                previous_workers: data.previous_workers,
                new_workers: data.new_workers,
                duration: data.duration,
            })])
            .collect(),
        EventData::ScalingActionFailed(data) => {
            end_operation(state, event, Outcome::Failed, Some(data.reason.clone())).into_iter().collect()
        }
        EventData::ClusterStateSynced(data) => vec![
            reported(state, event, ConditionKey::Synced, ""),
            Change::RecordSync(SyncEntry {
                at: data.last_sync,
                docker_containers: data.docker_containers,
                db_workers: data.db_workers,
            }),
        ],
        EventData::UnderutilizationWarning(_) => vec![reported(state, event, ConditionKey::Underutilized, "")],
        EventData::UnderutilizationEnded(_) => vec![Change::ClearCondition(ConditionKey::Underutilized)],
        EventData::ResourcePressureAlert(_) => vec![reported(state, event, ConditionKey::Pressure, "")],
        EventData::ResourcePressureEnded(_) => vec![Change::ClearCondition(ConditionKey::Pressure)],
        EventData::PendingPodsDetected(_) => vec![reported(state, event, ConditionKey::PendingPods, "")],
        EventData::PendingPodsCleared(_) => vec![Change::ClearCondition(ConditionKey::PendingPods)],
        EventData::NodeHealthDegraded(data) => {
            let mut changes =
                vec![reported(state, event, ConditionKey::Unhealthy(data.node_name.clone()), &data.status)];
            changes.extend(with_status(state, &data.node_name, WorkerStatus::Unhealthy));
            changes
        }
        EventData::NodeHealthRestored(data) => {
            let mut changes = vec![Change::ClearCondition(ConditionKey::Unhealthy(data.node_name.clone()))];
            changes.extend(with_status(state, &data.node_name, WorkerStatus::Ready));
            changes
        }
        EventData::NodeUnexpectedlyLost(data) => forget_worker(&data.node_name),
        EventData::NodeAdopted(data) => {
            let mut changes = put_worker(
                event,
                &data.node_name,
                data.kind,
                data.created_at,
                WorkerStatus::Ready,
                &data.container_id.0,
            );
            // One that was remembered, though not as what it is, stays protected.
            let known = state.workers.get(&data.node_name).and_then(|worker| worker.protected.clone());
            if let [Change::PutWorker(worker)] = changes.as_mut_slice() {
                worker.protected = known;
            }
            changes
        }
        EventData::NodeCreated(data) => {
            put_worker(event, &data.node_name, data.kind, data.created_at, WorkerStatus::Starting, &data.container_id.0)
                .into_iter()
                .chain(with_step(state, event, &data.node_name, Step::Created))
                .collect()
        }
        EventData::NodeRegistered(data) => {
            with_step(state, event, &data.node_name, Step::Registered).into_iter().collect()
        }
        EventData::NodeReady(data) => with_status(state, &data.node_name, WorkerStatus::Ready)
            .into_iter()
            .chain(with_step(state, event, &data.node_name, Step::Ready))
            .collect(),
        EventData::NodeDrained(data) => with_step(state, event, &data.node_name, Step::Drained).into_iter().collect(),
        EventData::NodeRemoved(data) => {
            let step = if data.reason == "scale_down" { Step::Removed } else { Step::Failed };
            let mut changes = forget_worker(&data.node_name);
            changes.extend(with_step(state, event, &data.node_name, step));
            changes
        }
        EventData::NodeRemovalConfirmed(data) => {
            with_step(state, event, &data.node_name, Step::Confirmed).into_iter().collect()
        }
        EventData::NodeFailed(data) => {
            let mut changes = if data.kept {
                with_status(state, &data.node_name, WorkerStatus::Ready).into_iter().collect()
            } else {
                forget_worker(&data.node_name)
            };
            changes.extend(with_worker_of_operation(state, event, &data.node_name, |worker| {
                worker.step = Step::Failed;
                worker.error = Some(data.reason.clone());
            }));
            changes
        }
        EventData::OperationResumed(data) => resumed(state, event, &data.resolution).into_iter().collect(),
        EventData::MinimumNodesViolation(_) => {
            let known = state.conditions.get(&ConditionKey::BelowMinimum).is_some_and(|known| known.event.is_some());
            let mut changes = vec![reported(state, event, ConditionKey::BelowMinimum, "")];
            // A reminder of a violation is not another violation.
            changes.extend((!known).then_some(Change::CountViolation));
            changes
        }
        EventData::MinimumNodesRestored(_) => vec![Change::ClearCondition(ConditionKey::BelowMinimum)],
        EventData::AutoScaleUpToMinimum(data) => {
            let up = decided(
                event,
                Direction::Up,
                Origin::Minimum,
                &data.reason,
                data.scale_up_count,
                &[],
                data.current_workers,
            );
            vec![up, Change::CountEnforcement]
        }
        EventData::EmergencyScaleUp(data) => {
            let reason = format!("{} workers lost together", data.lost_count);
            let up = decided(
                event,
                Direction::Up,
                Origin::Emergency,
                &reason,
                data.emergency_scale,
                &[],
                data.remaining_workers,
            );
            vec![up, Change::CountEnforcement]
        }
        EventData::ScaleUpDecision(data) if data.dry_run => {
            vec![reported(state, event, ConditionKey::Intended(Direction::Up), &data.reason)]
        }
        EventData::ScaleDownDecision(data) if data.dry_run => {
            vec![reported(state, event, ConditionKey::Intended(Direction::Down), &data.reason)]
        }
        EventData::ScaleUpDecision(data) => {
            vec![decided(event, Direction::Up, data.origin, &data.reason, data.count, &[], data.current_workers)]
        }
        EventData::ScaleDownDecision(data) => {
            let count = u32::try_from(data.node_names.len()).unwrap_or(u32::MAX);
            vec![decided(
                event,
                Direction::Down,
                data.origin,
                &data.reason,
                count,
                &data.node_names,
                data.current_workers,
            )]
        }
        EventData::ScaleDownBlocked(data) => {
            vec![reported(state, event, ConditionKey::Blocked(Direction::Down), &data.reason)]
        }
        EventData::ScaleUpBlocked(data) => {
            let key =
                if data.enforcement { ConditionKey::EnforcementStopped } else { ConditionKey::Blocked(Direction::Up) };
            vec![reported(state, event, key, &data.reason)]
        }
        EventData::ScaleUpStarted(data) => {
            let mut changes = vec![Change::SetWorkerCounter(data.worker_counter)];
            changes.extend(started(state, event, &data.node_names, Step::Allocated));
            changes
        }
        EventData::ScaleDownStarted(data) => {
            let mut changes: Vec<_> =
                data.node_names.iter().filter_map(|name| with_status(state, name, WorkerStatus::Draining)).collect();
            changes.extend(started(state, event, &data.node_names, Step::Chosen));
            changes
        }
        EventData::CooldownStarted(data) => vec![Change::SetCooldown(data.direction, Some(data.until))],
        EventData::CooldownEnded(data) => vec![Change::SetCooldown(data.direction, None)],
        EventData::HoldPlaced(data) => vec![Change::PutHold(super::Hold {
            direction: data.direction,
            until: data.until,
            actor: event.actor.clone(),
            reason: data.reason.clone(),
            placed_at: at,
        })],
        EventData::HoldReleased(data) => vec![Change::ClearHold(data.direction)],
        EventData::HoldExpired(data) => vec![Change::ClearHold(data.direction)],
        EventData::WorkerProtected(data) => {
            let protection = Protection { actor: event.actor.clone(), reason: data.reason.clone(), since: at };
            with_worker(state, &data.node_name, |worker| worker.protected = Some(protection)).into_iter().collect()
        }
        EventData::WorkerUnprotected(data) => {
            with_worker(state, &data.node_name, |worker| worker.protected = None).into_iter().collect()
        }
        EventData::PermanentWorkersChanged(data) => permanent_changed(state, &data.node_names),
        EventData::ClusterUnreachable(data) => vec![reported(state, event, ConditionKey::Unreachable, &data.error)],
        EventData::ClusterReachable(_) => vec![Change::ClearCondition(ConditionKey::Unreachable)],
        EventData::StateAdopted(data) => vec![Change::SetWorkerCounter(data.worker_counter)],
        // What a pool is, is told by its own record.
        EventData::ValueQuarantined(_)
        | EventData::StateDrifted(_)
        | EventData::PoolConfigured(_)
        | EventData::PoolRemoved(_)
        | EventData::PoolScaledUp(_)
        | EventData::PoolScaledDown(_)
        | EventData::PoolContainerDraining(_)
        | EventData::PoolScalingFailed(_)
        | EventData::PoolContainerLost(_)
        | EventData::PoolSaturated(_)
        | EventData::PoolSaturationEnded(_)
        | EventData::PoolsRecovered(_)
        | EventData::PoolsUnverified(_)
        | EventData::CommandRefused(_)
        | EventData::ReconcileRequested(_)
        | EventData::LeaderElected(_)
        | EventData::StoreDegraded(_)
        | EventData::StoreRestored(_)
        | EventData::EventDeadLettered(_)
        | EventData::EventDeadLetterRetried(_)
        | EventData::EventDeadLetterDropped(_)
        | EventData::EventsReplayed(_)
        | EventData::EventsLost(_) => Vec::new(),
    }
}

fn reported(state: &State, event: &Event, key: ConditionKey, detail: &str) -> Change {
    let at = event.timestamp;
    let known = state.conditions.get(&key);
    let condition = Condition {
        since: known.map_or(at, |condition| condition.since),
        last_seen: at,
        // A reminder does not become the cause of what the first report caused.
        event: known.and_then(|condition| condition.event).or(Some(event.event_id)),
        reported_at: Some(at),
        detail: detail.to_owned(),
    };
    // A block for another reason is another block.
    let condition = match known {
        Some(known) if known.detail != detail => Condition { since: at, event: Some(event.event_id), ..condition },
        _ => condition,
    };
    Change::PutCondition(key, condition)
}

fn decided(
    event: &Event,
    direction: Direction,
    origin: Origin,
    reason: &str,
    count: u32,
    names: &[WorkerName],
    previous_workers: u32,
) -> Change {
    Change::PutOperation(Operation {
        id: event.correlation_id.unwrap_or(event.event_id),
        direction,
        origin,
        actor: event.actor.clone(),
        reason: reason.to_owned(),
        count,
        workers: names
            .iter()
            .map(|name| OperationWorker::at(name.clone(), Step::Chosen, event.timestamp, event.event_id))
            .collect(),
        previous_workers,
        decided_at: event.timestamp,
        decided_by: event.event_id,
        started_by: None,
        rolling_back: false,
    })
}

fn operation<'a>(state: &'a State, event: &Event) -> Option<&'a Operation> {
    event.correlation_id.and_then(|id| state.operations.get(&id))
}

fn started(state: &State, event: &Event, names: &[WorkerName], step: Step) -> Option<Change> {
    let mut operation = operation(state, event)?.clone();
    operation.workers =
        names.iter().map(|name| OperationWorker::at(name.clone(), step, event.timestamp, event.event_id)).collect();
    operation.started_by = Some(event.event_id);
    Some(Change::PutOperation(operation))
}

fn end_operation(state: &State, event: &Event, outcome: Outcome, error: Option<String>) -> Option<Change> {
    let operation = operation(state, event)?.clone();
    Some(Change::EndOperation(OperationRecord { operation, outcome, ended_at: event.timestamp, error }))
}

fn resumed(state: &State, event: &Event, resolution: &str) -> Option<Change> {
    let operation = operation(state, event)?.clone();
    Some(Change::PutOperation(Operation { rolling_back: resolution == ROLL_BACK, ..operation }))
}

fn with_step(state: &State, event: &Event, name: &WorkerName, step: Step) -> Option<Change> {
    with_worker_of_operation(state, event, name, |worker| worker.step = step)
}

fn with_worker_of_operation(
    state: &State,
    event: &Event,
    name: &WorkerName,
    change: impl FnOnce(&mut OperationWorker),
) -> Option<Change> {
    let mut operation = operation(state, event)?.clone();
    let worker = operation.workers.iter_mut().find(|worker| &worker.name == name)?;
    worker.since = Some(event.timestamp);
    worker.event = event.event_id;
    change(worker);
    Some(Change::PutOperation(operation))
}

fn with_worker(state: &State, name: &WorkerName, change: impl FnOnce(&mut Worker)) -> Option<Change> {
    let mut worker = state.workers.get(name)?.clone();
    change(&mut worker);
    Some(Change::PutWorker(worker))
}

fn with_status(state: &State, name: &WorkerName, status: WorkerStatus) -> Option<Change> {
    with_worker(state, name, |worker| worker.status = status)
}

fn forget_worker(name: &WorkerName) -> Vec<Change> {
    vec![Change::RemoveWorker(name.clone()), Change::ClearCondition(ConditionKey::Unhealthy(name.clone()))]
}

fn put_worker(
    event: &Event,
    name: &WorkerName,
    kind: WorkerKind,
    created_at: DateTime<Utc>,
    status: WorkerStatus,
    container_id: &str,
) -> Vec<Change> {
    vec![Change::PutWorker(Worker {
        name: name.clone(),
        kind,
        status,
        created_at,
        container_id: super::ContainerId(container_id.to_owned()),
        protected: None,
        last_seen: event.timestamp,
    })]
}

fn permanent_changed(state: &State, names: &[WorkerName]) -> Vec<Change> {
    let mut changes = vec![Change::SetPermanent(names.to_vec())];
    for worker in state.workers.values() {
        let kind = if names.contains(&worker.name) { WorkerKind::Permanent } else { WorkerKind::Dynamic };
        if kind != worker.kind {
            changes.push(Change::PutWorker(Worker { kind, ..worker.clone() }));
        }
    }
    changes
}

/// A condition counts from its start only while it is seen at every look; after a break its time starts anew. What was reported
/// stays reported: a restart repeats nothing.
#[must_use]
pub fn seen(known: Option<&Condition>, at: DateTime<Utc>, longest_break: TimeDelta) -> Condition {
    match known {
        Some(known) if at - known.last_seen <= longest_break => Condition { last_seen: at, ..known.clone() },
        Some(known) => Condition { since: at, last_seen: at, ..known.clone() },
        None => Condition { since: at, last_seen: at, event: None, reported_at: None, detail: String::new() },
    }
}
