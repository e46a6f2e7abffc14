//! Carries decisions out: starts operations, follows their steps, ends them. The steps themselves ([`work`]) are derived from the
//! recorded operations, so whoever leads next goes on where the last one stopped.

pub mod work;

use uuid::Uuid;

use super::{Because, Draft, Handler, HandlerError, World};
use crate::clock;
use crate::cluster::ClusterError;
use crate::config::HandlerName;
use crate::model::event::{
    CooldownStarted, NodeCreated, NodeDrained, NodeFailed, NodeReady, NodeRemoved, ScaleDownStarted, ScaleUpStarted,
    ScalingActionCompleted, ScalingActionFailed,
};
use crate::model::{
    ContainerState, Direction, Event, EventType, Health, Observation, Operation, Origin, Step, WorkerKind, WorkerName,
};
use crate::policy;
use work::{Done, Report, Work};

/// See the module.
pub struct NodeManager;

impl Handler for NodeManager {
    fn name(&self) -> &'static str {
        HandlerName::NodeManager.name()
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[
            EventType::ScaleUpDecision,
            EventType::ScaleDownDecision,
            EventType::AutoScaleUpToMinimum,
            EventType::EmergencyScaleUp,
        ]
    }

    fn on_event(&self, event: &Event, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        let decided = event.correlation_id.and_then(|id| draft.state().operations.get(&id)).cloned();
        // A decision of a dry run, or one whose operation was started or ended already.
        let Some(operation) = decided.filter(|operation| operation.started_by.is_none()) else {
            return Ok(());
        };
        match operation.direction {
            Direction::Up => start_up(&operation, world, draft)?,
            Direction::Down => start_down(&operation, world, draft),
        }
        Ok(())
    }

    fn on_observation(&self, seen: &Observation, world: &World<'_>, draft: &mut Draft) {
        let running: Vec<_> = draft.state().operations.values().cloned().collect();
        for operation in running {
            for worker in operation.workers.iter().filter(|worker| worker.step == Step::Created) {
                follow_start(&operation, &worker.name, worker.event, seen, draft);
            }
            end(operation.id, world, draft);
        }
    }
}

impl NodeManager {
    /// What came of a piece of work. `false`: nothing yet, it is to be tried again.
    #[must_use]
    pub fn on_report(&self, report: &Report, world: &World<'_>, draft: &mut Draft) -> bool {
        let settled = match (&report.work, &report.result) {
            (work, Ok(done)) => {
                succeeded(work, done, draft);
                true
            }
            (_, Err(error)) if error.is_transient() => false,
            (work, Err(error)) => {
                failed(work, error, draft);
                true
            }
        };
        if let Some(operation) = report.work.operation() {
            end(operation, world, draft);
        }
        settled
    }
}

fn start_up(operation: &Operation, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
    let because = Because::of(operation.decided_by).within(operation.id).by(operation.actor.clone());
    let others = draft.state().workers_expected() - operation.workers_coming();
    let room = world.config.autoscaler.limits.max_nodes.saturating_sub(others);
    // State may have moved since the decision.
    let hold = draft.state().hold(Direction::Up, world.now);
    let stopped = hold.map(|hold| format!("held by {}: {}", hold.actor, hold.reason));
    let refused = stopped.or_else(|| (room == 0).then(|| "at the maximum".to_owned()));
    if let Some(reason) = refused {
        give_up(operation, &reason, because, draft);
        return Ok(());
    }
    let (node_names, worker_counter) = allocate(operation.count.min(room), world, draft)?;
    let previous_workers = draft.state().worker_count();
    draft.emit(ScaleUpStarted { node_names, worker_counter, previous_workers }, because);
    Ok(())
}

/// Names for new workers: missing permanent ones first, then the next free numbers.
fn allocate(count: u32, world: &World<'_>, draft: &Draft) -> Result<(Vec<WorkerName>, u64), HandlerError> {
    let state = draft.state();
    let exists = |name: &WorkerName| state.workers.contains_key(name) || state.operation_of(name).is_some();
    let mut names: Vec<WorkerName> =
        world.config.workers.permanent.iter().filter(|name| !exists(name)).take(count as usize).cloned().collect();
    let mut counter = state.worker_counter;
    while names.len() < count as usize {
        counter += 1;
        let name = WorkerName::numbered(&world.config.workers.name_prefix, counter)
            .map_err(|error| HandlerError(format!("workers.name_prefix: {error}")))?;
        let left_over = world.observation.is_some_and(|seen| seen.workers.contains_key(&name));
        if !exists(&name) && !left_over && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok((names, counter))
}

fn start_down(operation: &Operation, world: &World<'_>, draft: &mut Draft) {
    let because = Because::of(operation.decided_by).within(operation.id).by(operation.actor.clone());
    let state = draft.state();
    let spare = state.worker_count().saturating_sub(world.config.autoscaler.limits.min_nodes);
    let going: Vec<WorkerName> = operation
        .workers
        .iter()
        .map(|worker| worker.name.clone())
        .filter(|name| {
            let permanent = state.permanent.contains(name);
            state.workers.get(name).is_some_and(crate::model::Worker::is_removable) && !permanent
        })
        .take(spare as usize)
        .collect();
    let held = state.hold(Direction::Down, world.now).map(|hold| format!("held by {}: {}", hold.actor, hold.reason));
    let demand = operation.origin == Origin::Rules && {
        let mut without = state.clone();
        without.operations.remove(&operation.id);
        !matches!(policy::evaluate(&world.situation(&without)).conclusion, crate::model::Conclusion::ScaleDown { .. })
    };
    let refused = if going.is_empty() {
        Some("no worker may go any more".to_owned())
    } else if demand {
        Some("the situation has changed since the decision".to_owned())
    } else {
        held
    };
    if let Some(reason) = refused {
        give_up(operation, &reason, because, draft);
        return;
    }
    let previous_workers = state.worker_count();
    draft.emit(ScaleDownStarted { node_names: going, previous_workers }, because);
}

fn give_up(operation: &Operation, reason: &str, because: Because, draft: &mut Draft) {
    let workers = draft.state().worker_count();
    let data = ScalingActionFailed {
        action: operation.direction,
        reason: reason.to_owned(),
        rolled_back: Vec::new(),
        previous_workers: workers,
        new_workers: workers,
        duration: clock::between(operation.decided_at, draft.now()).as_secs_f64(),
    };
    draft.emit(data, because);
}

/// A created worker is ready when it takes work; one whose container has ended is a failure.
fn follow_start(operation: &Operation, name: &WorkerName, cause: Uuid, seen: &Observation, draft: &mut Draft) {
    let Some(since) = draft.state().workers.get(name).map(|worker| worker.last_seen) else {
        return;
    };
    if seen.at <= since {
        return;
    }
    let because = Because::of(cause).within(operation.id).by(operation.actor.clone());
    let gone = |reason: String| NodeFailed { node_name: name.clone(), reason, kept: false };
    match seen.workers.get(name) {
        None => {
            draft.emit(gone("its container disappeared while it started".to_owned()), because);
        }
        Some(container) => match (&container.state, container.health) {
            (ContainerState::Exited { code }, _) => {
                let code = code.map_or_else(String::new, |code| format!(" with code {code}"));
                draft.emit(gone(format!("its container ended{code} while it started")), because);
            }
            (ContainerState::Running, Health::Ready) => {
                let duration = clock::between(container.created_at, draft.now()).as_secs_f64();
                draft.emit(NodeReady { node_name: name.clone(), duration }, because);
            }
            _ => {}
        },
    }
}

fn because(work: &Work, draft: &Draft) -> Because {
    let operation = work.operation().and_then(|id| draft.state().operations.get(&id));
    let Some(operation) = operation else {
        return Because::default();
    };
    let step = operation.workers.iter().find(|worker| worker.name == *work.name()).map(|worker| worker.event);
    Because::of(step).within(operation.id).by(operation.actor.clone())
}

fn succeeded(work: &Work, done: &Done, draft: &mut Draft) {
    let because = because(work, draft);
    let node_name = work.name().clone();
    match (work, done) {
        (Work::Create { kind, .. }, Done::Created(container)) => {
            let data = NodeCreated {
                node_name,
                container_id: container.container_id.clone(),
                kind: *kind,
                created_at: container.created_at,
            };
            draft.emit(data, because);
        }
        (Work::Drain { .. }, Done::Drained { evicted_pods }) => {
            draft.emit(NodeDrained { node_name, evicted_pods: *evicted_pods }, because);
        }
        (Work::Remove { .. }, _) => {
            draft.emit(NodeRemoved { node_name, reason: "scale_down".to_owned() }, because);
        }
        (Work::Undo { .. }, _) => {
            draft.emit(NodeRemoved { node_name, reason: "rolled_back".to_owned() }, because);
        }
        (Work::Sweep { .. }, _) => {
            draft.emit(NodeRemoved { node_name, reason: "dead_container".to_owned() }, because);
        }
        _ => {}
    }
}

/// A refusal is final: a worker that was to come does not, one that was to go is spared.
fn failed(work: &Work, error: &ClusterError, draft: &mut Draft) {
    let kept = match work {
        Work::Create { .. } | Work::Undo { .. } => false,
        Work::Drain { .. } | Work::Remove { .. } => true,
        Work::Sweep { .. } => return,
    };
    let because = because(work, draft);
    draft.emit(NodeFailed { node_name: work.name().clone(), reason: error.to_string(), kept }, because);
}

/// The last step of the last worker ends the operation.
fn end(id: Uuid, world: &World<'_>, draft: &mut Draft) {
    let Some(operation) = draft.state().operations.get(&id).filter(|operation| operation.is_finished()).cloned() else {
        return;
    };
    let last = operation.workers.last().map(|worker| worker.event);
    let because = || Because::of(last).within(id).by(operation.actor.clone());
    let failed: Vec<WorkerName> = operation
        .workers
        .iter()
        .filter(|worker| worker.step == Step::Failed)
        .map(|worker| worker.name.clone())
        .collect();
    let duration = clock::between(operation.decided_at, world.now).as_secs_f64();
    let previous_workers = operation.previous_workers;
    let new_workers = draft.state().worker_count();
    let ended = if failed.is_empty() {
        let count = u32::try_from(operation.workers.len()).unwrap_or(u32::MAX);
        let data =
            ScalingActionCompleted { action: operation.direction, count, previous_workers, new_workers, duration };
        draft.emit(data, because())
    } else {
        let reason = format!("{} of {} workers failed", failed.len(), operation.workers.len());
        let data = ScalingActionFailed {
            action: operation.direction,
            reason,
            rolled_back: failed,
            previous_workers,
            new_workers,
            duration,
        };
        draft.emit(data, because())
    };
    cool_down(operation.direction, ended, id, world, draft);
}

/// After a scale-up both directions rest, after a scale-down only that one. A cooldown is never shortened.
fn cool_down(direction: Direction, ended: Uuid, operation: Uuid, world: &World<'_>, draft: &mut Draft) {
    let cooldowns = &world.config.autoscaler.cooldowns;
    let rests: &[_] = match direction {
        Direction::Up => &[(Direction::Up, cooldowns.scale_up), (Direction::Down, cooldowns.scale_down)],
        Direction::Down => &[(Direction::Down, cooldowns.scale_down)],
    };
    for (direction, length) in rests {
        let until = clock::after(world.now, length.get());
        let longer = draft.state().cooldown(*direction, world.now).is_some_and(|known| known >= until);
        if !longer && !length.get().is_zero() {
            let data = CooldownStarted { direction: *direction, until, duration: length.as_secs_f64() };
            draft.emit(data, Because::of(ended).within(operation));
        }
    }
}

/// Permanent or dynamic, by the configuration.
#[must_use]
pub fn kind_of(name: &WorkerName, permanent: &[WorkerName]) -> WorkerKind {
    if permanent.contains(name) { WorkerKind::Permanent } else { WorkerKind::Dynamic }
}
