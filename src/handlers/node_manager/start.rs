//! From a decision to the first step, or to an end at once where the state has moved since.

use super::limits;
use crate::clock;
use crate::handlers::{Because, Draft, HandlerError, World};
use crate::model::event::{ScaleDownStarted, ScaleUpStarted, ScalingActionFailed};
use crate::model::{Conclusion, Direction, Operation, Origin, State, Worker, WorkerName};
use crate::policy;

/// Starts an operation that was decided, or gives it up.
pub(super) fn start(operation: &Operation, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
    if let Some(reason) = refusal(operation, draft.state(), world) {
        give_up(operation, &reason, because(operation), draft);
        return Ok(());
    }
    let previous_workers = draft.state().worker_count();
    match operation.direction {
        Direction::Up => {
            let count = operation.count.min(room(operation, draft.state(), world));
            let (node_names, worker_counter) = allocate(count, world, draft)?;
            draft.emit(ScaleUpStarted { node_names, worker_counter, previous_workers }, because(operation));
        }
        Direction::Down => {
            let node_names = going(operation, draft.state(), world);
            draft.emit(ScaleDownStarted { node_names, previous_workers }, because(operation));
        }
    }
    Ok(())
}

/// A decision that nobody heard is given up: its event was trimmed, or could not be dealt with.
pub(super) fn give_up_unheard(world: &World<'_>, draft: &mut Draft) {
    let longest = limits::start(world.config);
    let waiting = draft.state().operations.values().filter(|operation| operation.started_by.is_none());
    let unheard = waiting.filter(|operation| clock::between(operation.decided_at, world.now) > longest);
    for operation in unheard.cloned().collect::<Vec<_>>() {
        let longest = world.config.autoscaler.operations.timeouts.create;
        give_up(&operation, &format!("it was not started within {longest}"), because(&operation), draft);
    }
}

/// Why a decision cannot be started (any more); `None`: it can.
pub(super) fn refusal(operation: &Operation, state: &State, world: &World<'_>) -> Option<String> {
    let restores = matches!(operation.origin, Origin::Minimum | Origin::Emergency);
    let blocking = state.hold(operation.direction, world.now).filter(|hold| !restores || hold.stops_minimum());
    let held = blocking.map(|hold| format!("held by {}: {}", hold.actor, hold.reason));
    match operation.direction {
        Direction::Up => held.or_else(|| (room(operation, state, world) == 0).then(|| "at the maximum".to_owned())),
        Direction::Down if going(operation, state, world).is_empty() => Some("no worker may go any more".to_owned()),
        Direction::Down if is_demanded(operation, state, world) => {
            Some("the situation has changed since the decision".to_owned())
        }
        Direction::Down => held,
    }
}

/// Ends an operation of which nothing was done.
pub(super) fn give_up(operation: &Operation, reason: &str, because: Because, draft: &mut Draft) {
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

fn because(operation: &Operation) -> Because {
    Because::of(operation.decided_by).within(operation.id).by(operation.actor.clone())
}

/// How many workers there is room for beside what else is coming.
fn room(operation: &Operation, state: &State, world: &World<'_>) -> u32 {
    let others = state.workers_expected().saturating_sub(operation.workers_coming());
    world.config.autoscaler.limits.max_nodes.saturating_sub(others)
}

/// Those of a scale-down's workers that may still go: never more than can be spared even if everything that is coming fails.
fn going(operation: &Operation, state: &State, world: &World<'_>) -> Vec<WorkerName> {
    let staying = state.workers_staying() + operation.workers_going();
    let spare = staying.saturating_sub(world.config.autoscaler.limits.min_nodes);
    let names = operation.workers.iter().map(|worker| worker.name.clone());
    let removable = names
        .filter(|name| state.workers.get(name).is_some_and(Worker::is_removable) && !state.permanent.contains(name));
    removable.take(spare as usize).collect()
}

/// Whether the rules would not take workers away any more that they wanted to.
fn is_demanded(operation: &Operation, state: &State, world: &World<'_>) -> bool {
    operation.origin == Origin::Rules && {
        let mut without = state.clone();
        without.operations.remove(&operation.id);
        !matches!(policy::evaluate(&world.situation(&without)).conclusion, Conclusion::ScaleDown { .. })
    }
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
