//! What a new leader does with the operations that it finds: it finishes each or rolls it back, and says which, once.
//!
//! - **Decided, not started.** Whoever led had no time to hear the decision, or its event is lost. It is started at once, so that nothing
//!   depends on that event; or given up where it would be refused now (a hold, no room, nobody who may go), where it is a scale-down of
//!   the rules (they look again and decide anew), or where it is too old (`autoscaler.operations.timeouts.create`). What restores
//!   the minimum is never too old.
//! - **Started.** It is finished from the step that each worker had reached, with the whole time for that step once more. A hold stops
//!   only what has not been started: an operation ends the same way whether or not the leader changed in its middle.
//! - **Started, and outside the limits by now** (they were changed for the restart): what is not done yet is taken back.

use uuid::Uuid;

use super::limits;
use super::start::{give_up, refusal, start};
use crate::clock;
use crate::handlers::{Because, Draft, World};
use crate::model::event::OperationResumed;
use crate::model::fold::{FINISH, ROLL_BACK};
use crate::model::{Direction, Operation, Origin, State, Step, words};

/// Says of every operation that was found what becomes of it, and begins that. `elected`: the event of this leader's beginning. A dry run
/// touches nothing: it leaves them to a leader that may.
pub(super) fn take_over(elected: Uuid, world: &World<'_>, draft: &mut Draft) {
    if world.config.autoscaler.dry_run {
        return;
    }
    let found: Vec<Operation> = draft.state().operations.values().cloned().collect();
    for operation in found {
        let started = operation.started_by.is_some() && !operation.workers.is_empty();
        let against =
            if started { outside(&operation, draft.state(), world) } else { stopped(&operation, draft.state(), world) };
        let data = OperationResumed {
            action: operation.direction,
            resolution: if against.is_some() { ROLL_BACK } else { FINISH }.to_owned(),
            steps: operation.workers.iter().map(|worker| worker.step.to_string()).collect(),
            decided_at: operation.decided_at,
        };
        let resumed = draft.emit(data, Because::of(elected).within(operation.id).by(operation.actor.clone()));
        match against {
            Some(reason) if !started => {
                give_up(
                    &operation,
                    &reason,
                    Because::of(resumed).within(operation.id).by(operation.actor.clone()),
                    draft,
                );
            }
            None if !started => {
                if let Err(error) = start(&operation, world, draft) {
                    // Its time to be started will be over.
                    tracing::error!(%error, operation = %operation.id, "an operation that was found cannot be started");
                }
            }
            _ => {}
        }
    }
}

/// What stops a decision that was not started.
fn stopped(operation: &Operation, state: &State, world: &World<'_>) -> Option<String> {
    if operation.origin == Origin::Rules && operation.direction == Direction::Down {
        return Some("the leader changed before it was started; the rules decide anew".to_owned());
    }
    let keeps_minimum = matches!(operation.origin, Origin::Minimum | Origin::Emergency);
    let age = clock::between(operation.decided_at, world.now);
    if !keeps_minimum && age > limits::start(world.config) {
        return Some(format!("it was decided {} ago and never started", words::seconds(age.as_secs_f64())));
    }
    refusal(operation, state, world)
}

/// Whether to go on would leave the limits, which may be others than when it was decided.
fn outside(operation: &Operation, state: &State, world: &World<'_>) -> Option<String> {
    let limits = &world.config.autoscaler.limits;
    let has = |step| operation.workers.iter().any(|worker| worker.step == step);
    let outside = match operation.direction {
        Direction::Up => has(Step::Allocated) && state.workers_expected() > limits.max_nodes,
        Direction::Down => has(Step::Chosen) && state.workers_staying() < limits.min_nodes,
    };
    outside.then(|| "outside the limits".to_owned())
}
