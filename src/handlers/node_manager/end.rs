//! The end of an operation, and the rest after it.

use uuid::Uuid;

use crate::clock;
use crate::handlers::{Because, Draft, World};
use crate::model::event::{CooldownStarted, ScalingActionCompleted, ScalingActionFailed};
use crate::model::{Direction, Operation, OperationWorker, Step, WorkerName};

/// The last step of the last worker ends the operation: it is recorded.
pub(super) fn end(id: Uuid, world: &World<'_>, draft: &mut Draft) {
    let Some(operation) = draft.state().operations.get(&id).filter(|operation| operation.is_finished()).cloned() else {
        return;
    };
    let last = operation.workers.iter().max_by_key(|worker| worker.since).map(|worker| worker.event);
    let because = Because::of(last).within(id).by(operation.actor.clone());
    let failed: Vec<&OperationWorker> = operation.workers.iter().filter(|worker| worker.step == Step::Failed).collect();
    let duration = clock::between(operation.decided_at, world.now).as_secs_f64();
    let (action, previous_workers) = (operation.direction, operation.previous_workers);
    let new_workers = draft.state().worker_count();
    let ended = if failed.is_empty() {
        let count = u32::try_from(operation.workers.len()).unwrap_or(u32::MAX);
        draft.emit(ScalingActionCompleted { action, count, previous_workers, new_workers, duration }, because)
    } else {
        let rolled_back: Vec<WorkerName> = failed.iter().map(|worker| worker.name.clone()).collect();
        let reason = reason(&operation, &failed);
        let data = ScalingActionFailed { action, reason, rolled_back, previous_workers, new_workers, duration };
        draft.emit(data, because)
    };
    cool_down(operation.direction, ended, id, world, draft);
}

/// How many failed, and what was said of the first.
fn reason(operation: &Operation, failed: &[&OperationWorker]) -> String {
    let count = format!("{} of {} workers failed", failed.len(), operation.workers.len());
    let said = failed.iter().find_map(|worker| worker.error.as_ref().map(|error| (&worker.name, error)));
    said.map_or(count.clone(), |(name, error)| format!("{count}: {name}: {error}"))
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
