//! Decides. Every look at the cluster ends in a verdict; one that calls for an action becomes a decision, one that is blocked says by
//! what, once.

use uuid::Uuid;

use super::{Because, Draft, Handler, HandlerError, World};
use crate::clock;
use crate::config::HandlerName;
use crate::model::event::{
    CooldownEnded, HoldExpired, OptimalStateTrigger, ScaleDownBlocked, ScaleDownDecision, ScaleUpBlocked,
    ScaleUpDecision,
};
use crate::model::{
    Change, Conclusion, ConditionKey, Direction, Event, EventData, EventType, GateKind, Observation, Origin, WorkerName,
};
use crate::policy;

/// See the module.
pub struct ScalingDecisionEngine;

impl Handler for ScalingDecisionEngine {
    fn name(&self) -> &'static str {
        HandlerName::ScalingDecisionEngine.name()
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[
            EventType::ResourcePressureAlert,
            EventType::PendingPodsDetected,
            EventType::UnderutilizationWarning,
            EventType::CooldownEnded,
            EventType::HoldReleased,
            EventType::HoldExpired,
        ]
    }

    fn on_event(&self, event: &Event, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        decide(Some(event.event_id), world, draft);
        Ok(())
    }

    fn on_observation(&self, _: &Observation, world: &World<'_>, draft: &mut Draft) {
        decide(None, world, draft);
    }

    fn on_outage(&self, _: &str, world: &World<'_>, draft: &mut Draft) {
        decide(None, world, draft);
    }

    fn on_time(&self, world: &World<'_>, draft: &mut Draft) {
        for direction in Direction::BOTH {
            if draft.state().cooldowns.get(direction).is_some_and(|until| until <= world.now) {
                draft.emit(CooldownEnded { direction }, Because::default());
            }
            let expired = draft.state().holds.get(direction).clone().filter(|hold| !hold.is_active(world.now));
            if let Some(hold) = expired {
                draft.emit(HoldExpired { direction, placed_by: hold.actor.to_string() }, Because::default());
            }
        }
    }
}

fn decide(trigger: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let verdict = policy::evaluate(&world.situation(draft.state()));
    draft.note(Change::RecordVerdict(Box::new(verdict.clone())));
    let intended = |direction| ConditionKey::Intended(direction);
    match verdict.conclusion {
        Conclusion::ScaleUp { count, reason } => {
            settle(draft, &[ConditionKey::Blocked(Direction::Up), intended(Direction::Down)]);
            scale_up(count, reason, trigger, world, draft);
        }
        Conclusion::ScaleDown { workers, reason } => {
            settle(draft, &[ConditionKey::Blocked(Direction::Down), intended(Direction::Up)]);
            scale_down(workers, reason, trigger, world, draft);
        }
        Conclusion::Blocked { direction, by, detail, .. } => blocked(direction, by, detail, trigger, world, draft),
        Conclusion::Steady { .. } => {
            let all = Direction::BOTH.map(|direction| [ConditionKey::Blocked(direction), intended(direction)]);
            settle(draft, all.as_flattened());
        }
    }
}

fn settle(draft: &mut Draft, keys: &[ConditionKey]) {
    for key in keys {
        draft.end(key);
    }
}

/// The event of the condition that asks for it, and only where there is none, what triggered this look.
fn cause(direction: Direction, trigger: Option<Uuid>, draft: &Draft) -> Option<Uuid> {
    let wishes: &[ConditionKey] = match direction {
        Direction::Up => &[ConditionKey::PendingPods, ConditionKey::Pressure],
        Direction::Down => &[ConditionKey::Underutilized],
    };
    let reported = |key| draft.state().conditions.get(key).and_then(|known| known.event);
    wishes.iter().find_map(reported).or(trigger)
}

fn scale_up(count: u32, reason: String, trigger: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let current = draft.state().worker_count();
    let data = ScaleUpDecision {
        count,
        current_workers: current,
        target_workers: draft.state().workers_expected() + count,
        origin: Origin::Rules,
        reason,
        dry_run: world.config.autoscaler.dry_run,
    };
    carry_out(Direction::Up, data.into(), trigger, world, draft);
}

fn scale_down(workers: Vec<WorkerName>, reason: String, trigger: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let current = draft.state().worker_count();
    let target = current.saturating_sub(u32::try_from(workers.len()).unwrap_or(u32::MAX));
    announce_optimum(target, trigger, world, draft);
    let data = ScaleDownDecision {
        current_workers: current,
        target_workers: target,
        node_names: workers,
        origin: Origin::Rules,
        reason,
        dry_run: world.config.autoscaler.dry_run,
    };
    carry_out(Direction::Down, data.into(), trigger, world, draft);
}

/// A scale-down that ends at the minimum is announced as the way to the optimal state (seed 002, the scale-down's third step).
fn announce_optimum(target: u32, trigger: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let min_workers = world.config.autoscaler.limits.min_nodes;
    if target != min_workers || world.config.autoscaler.dry_run {
        return;
    }
    let data = OptimalStateTrigger {
        active: false,
        current_workers: draft.state().worker_count(),
        min_workers,
        cpu_avg: world.observation.and_then(Observation::cpu_avg),
        memory_avg: world.observation.and_then(Observation::memory_avg),
    };
    let because = Because::of(cause(Direction::Down, trigger, draft));
    draft.emit(data, because);
}

/// A decision starts an operation. In a dry run it is reported once, and that is all.
fn carry_out(direction: Direction, data: EventData, trigger: Option<Uuid>, world: &World<'_>, draft: &mut Draft) {
    let dry_run = world.config.autoscaler.dry_run;
    if dry_run && draft.state().conditions.contains_key(&ConditionKey::Intended(direction)) {
        return;
    }
    let because = Because::of(cause(direction, trigger, draft));
    let because = if dry_run { because } else { because.within(clock::fresh_id(world.now)) };
    draft.emit(data, because);
}

fn blocked(
    direction: Direction,
    by: GateKind,
    detail: String,
    trigger: Option<Uuid>,
    world: &World<'_>,
    draft: &mut Draft,
) {
    let key = ConditionKey::Blocked(direction);
    let known = draft.state().conditions.get(&key);
    let reminder = world.config.autoscaler.events.reminder_interval.get();
    let quiet = known.is_some_and(|known| {
        known.detail == by.name() && known.reported_at.is_some_and(|at| clock::between(at, world.now) < reminder)
    });
    // That an action waits for the one before it is no news.
    if quiet || by == GateKind::Operations {
        return;
    }
    let limits = &world.config.autoscaler.limits;
    let workers = draft.state().worker_count();
    let reason = by.name().to_owned();
    let data: EventData = match direction {
        Direction::Up => {
            ScaleUpBlocked { reason, detail, workers, max_workers: limits.max_nodes, enforcement: false }.into()
        }
        Direction::Down => {
            let pending = world.observation.and_then(|seen| seen.pending.as_ref());
            let pending_count = pending.map(|pending| pending.count);
            ScaleDownBlocked { reason, detail, pending_count, workers, min_workers: limits.min_nodes }.into()
        }
    };
    draft.emit(data, Because::of(cause(direction, trigger, draft)));
}
