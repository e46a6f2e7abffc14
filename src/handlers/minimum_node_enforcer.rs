//! Keeps the minimum: says when it is violated, restores it at once, says when it is kept again (seed 002, events 9 to 12).

use uuid::Uuid;

use super::{Because, Draft, Handler, HandlerError, World};
use crate::clock;
use crate::config::HandlerName;
use crate::model::event::{
    AutoScaleUpToMinimum, EmergencyScaleUp, MinimumNodesRestored, MinimumNodesViolation, NodeUnexpectedlyLost,
    ScaleUpBlocked,
};
use crate::model::{Change, ConditionKey, Event, EventData, EventType, Origin, State, WorkerStatus};
use crate::policy::minimum::{self, Enforcement};

/// See the module.
pub struct MinimumNodeEnforcer;

impl Handler for MinimumNodeEnforcer {
    fn name(&self) -> &'static str {
        HandlerName::MinimumNodeEnforcer.name()
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[
            EventType::NodeUnexpectedlyLost,
            EventType::NodeAdopted,
            EventType::ScalingActionCompleted,
            EventType::ScalingActionFailed,
            EventType::HoldReleased,
            EventType::HoldExpired,
        ]
    }

    fn on_event(&self, event: &Event, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        let lost = match &event.data {
            EventData::NodeUnexpectedlyLost(lost) => Some(lost),
            _ => None,
        };
        check(Some(event), lost, world, draft);
        Ok(())
    }

    fn on_time(&self, world: &World<'_>, draft: &mut Draft) {
        let interval = world.config.autoscaler.enforcement.min_violation_check_interval.get();
        let last = draft.state().enforcer.last_check;
        let due = last.is_none_or(|last| clock::between(last, world.now) >= interval);
        if due && world.observation.is_some() {
            draft.note(Change::SetEnforcerCheck(world.now));
            check(None, None, world, draft);
        }
    }
}

fn check(trigger: Option<&Event>, lost: Option<&NodeUnexpectedlyLost>, world: &World<'_>, draft: &mut Draft) {
    let enforcement = minimum::enforcement(&world.situation(draft.state()));
    let cause = trigger.map(|event| event.event_id);
    if enforcement == Enforcement::Kept {
        restored(cause, world, draft);
        emergency(trigger, lost, cause, world, draft);
        return;
    }
    let violation = violated(cause, world, draft);
    match enforcement {
        Enforcement::Restore { count } => {
            draft.end(&ConditionKey::EnforcementStopped);
            if !emergency(trigger, lost, violation, world, draft) && !world.config.autoscaler.dry_run {
                restore(count, violation, world, draft);
            }
        }
        Enforcement::Stopped { by, detail } => stopped(by.name(), &detail, violation, world, draft),
        Enforcement::Coming | Enforcement::Kept => {}
    }
}

/// Reports the violation once; its event.
fn violated(cause: Option<Uuid>, world: &World<'_>, draft: &mut Draft) -> Option<Uuid> {
    let known = draft.state().conditions.get(&ConditionKey::BelowMinimum).cloned();
    let reminder = world.config.autoscaler.events.reminder_interval.get();
    let quiet = known
        .as_ref()
        .is_some_and(|known| known.reported_at.is_some_and(|at| clock::between(at, world.now) < reminder));
    if quiet {
        return known.and_then(|known| known.event);
    }
    let state = draft.state();
    let data = MinimumNodesViolation {
        // Not those that are on their way out.
        current_workers: state.worker_count().min(state.workers_settled()),
        min_workers: world.config.autoscaler.limits.min_nodes,
        violation_time: known.map_or(world.now, |known| known.since),
    };
    Some(draft.emit(data, Because::of(cause)))
}

fn restore(count: u32, violation: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let data = AutoScaleUpToMinimum {
        current_workers: draft.state().worker_count(),
        min_workers: world.config.autoscaler.limits.min_nodes,
        scale_up_count: count,
        reason: "minimum_violation".to_owned(),
    };
    let operation = clock::fresh_id(world.now);
    draft.emit(data, Because::of(violation).within(operation));
}

/// Several workers lost together are replaced together; whether that was done.
fn emergency(
    trigger: Option<&Event>,
    lost: Option<&NodeUnexpectedlyLost>,
    cause: Option<Uuid>,
    world: &World<'_>,
    draft: &mut Draft,
) -> bool {
    let threshold = world.config.autoscaler.enforcement.emergency_scale_threshold;
    let (Some(trigger), Some(lost)) = (trigger, lost.filter(|lost| lost.lost_together >= threshold)) else {
        return false;
    };
    let situation = world.situation(draft.state());
    let count = minimum::emergency_count(&situation, lost.lost_together);
    let already = answered(draft.state(), trigger);
    if world.config.autoscaler.dry_run || count == 0 || already || minimum::stopped(&situation).is_some() {
        return already;
    }
    let data = EmergencyScaleUp {
        lost_count: lost.lost_together,
        remaining_workers: draft.state().worker_count(),
        min_workers: world.config.autoscaler.limits.min_nodes,
        emergency_scale: count,
    };
    let operation = clock::fresh_id(world.now);
    draft.emit(data, Because::of(cause).within(operation));
    true
}

/// Whether the loss of which this event is one of several has been answered already.
fn answered(state: &State, lost: &Event) -> bool {
    let running = state.operations.values();
    let ended = state.operation_history.iter().map(|record| &record.operation);
    running.chain(ended).any(|known| known.origin == Origin::Emergency && known.decided_at >= lost.timestamp)
}

fn stopped(reason: &str, detail: &str, violation: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let known = draft.state().conditions.get(&ConditionKey::EnforcementStopped);
    if known.is_some_and(|known| known.detail == reason) {
        return;
    }
    let data = ScaleUpBlocked {
        reason: reason.to_owned(),
        detail: detail.to_owned(),
        workers: draft.state().worker_count(),
        max_workers: world.config.autoscaler.limits.max_nodes,
        enforcement: true,
    };
    draft.emit(data, Because::of(violation));
}

/// The minimum is kept again once as many workers take work; those on their way do not count yet.
fn restored(cause: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    draft.end(&ConditionKey::EnforcementStopped);
    let Some(violation) = draft.state().conditions.get(&ConditionKey::BelowMinimum).cloned() else {
        return;
    };
    let min = world.config.autoscaler.limits.min_nodes;
    let working = draft.state().workers.values().filter(|worker| worker.status != WorkerStatus::Starting).count();
    if working >= min as usize {
        let data = MinimumNodesRestored {
            current_workers: draft.state().worker_count(),
            min_workers: min,
            restore_time: world.now,
        };
        draft.emit(data, Because::of(cause.or(violation.event)));
    }
}
