//! The gates that both directions share.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Situation, backoff};
use crate::model::{ConditionKey, Direction, Gate, GateKind, Health, Operation, Unit, words};

pub(super) fn gate(kind: GateKind, passed: bool, detail: impl Into<String>) -> Gate {
    Gate { gate: kind, passed, value: None, bound: None, unit: Unit::None, detail: detail.into(), clears_at: None }
}

pub(super) fn measured(gate: Gate, value: Option<f64>, bound: f64, unit: Unit) -> Gate {
    Gate { value, bound: Some(bound), unit, ..gate }
}

/// The picture must be complete and recent: what is not known is never taken for "nothing there".
pub(super) fn observation(situation: &Situation<'_>) -> Gate {
    let longest = oldest_usable(situation);
    if situation.state.conditions.contains_key(&ConditionKey::Unreachable) {
        return gate(GateKind::Observation, false, "the cluster does not answer");
    }
    match situation.observation {
        None => gate(GateKind::Observation, false, "the cluster has not answered yet"),
        Some(seen) if situation.now - seen.at > longest => {
            let age = words::span(situation.now - seen.at);
            gate(GateKind::Observation, false, format!("the cluster was last seen {age} ago"))
        }
        Some(_) => gate(GateKind::Observation, true, "the cluster answers"),
    }
}

/// An observation older than three looks is no basis for a decision.
fn oldest_usable(situation: &Situation<'_>) -> TimeDelta {
    let interval = TimeDelta::from_std(situation.rules.check_interval.get()).unwrap_or(TimeDelta::seconds(5));
    (interval * 3).max(TimeDelta::seconds(15))
}

/// There only while Redis cannot be used: what is taken away then could not be remembered.
pub(super) fn memory() -> Gate {
    gate(GateKind::Memory, false, "Redis cannot be used: nothing is removed until it can")
}

pub(super) fn hold(situation: &Situation<'_>, direction: Direction) -> Gate {
    match situation.state.hold(direction, situation.now) {
        None => gate(GateKind::Hold, true, "no hold"),
        Some(hold) => Gate {
            clears_at: Some(hold.until),
            ..gate(GateKind::Hold, false, format!("held by {}: {}", hold.actor, hold.reason))
        },
    }
}

/// The rest after an action, or the pause after failures where that lasts longer.
pub(super) fn cooldown(situation: &Situation<'_>, direction: Direction) -> Gate {
    let cooling = situation.state.cooldown(direction, situation.now);
    if let Some(until) = paused(situation, direction).filter(|until| cooling.is_none_or(|cooling| cooling < *until)) {
        let whole = situation.rules.operations.backoff.longest_pause;
        let seconds = (until - situation.now).num_milliseconds() as f64 / 1000.0;
        let found = gate(GateKind::Cooldown, false, failed_words(situation, direction, until));
        return Gate { clears_at: Some(until), ..measured(found, Some(seconds), whole.as_secs_f64(), Unit::Seconds) };
    }
    let whole = match direction {
        Direction::Up => situation.rules.cooldowns.scale_up,
        Direction::Down => situation.rules.cooldowns.scale_down,
    };
    match cooling {
        None => measured(gate(GateKind::Cooldown, true, "no cooldown"), Some(0.0), whole.as_secs_f64(), Unit::Seconds),
        Some(until) => {
            let left = until - situation.now;
            let length = words::seconds(whole.as_secs_f64());
            let found = gate(GateKind::Cooldown, false, format!("cooling down after the last action, for {length}"));
            let seconds = left.num_milliseconds() as f64 / 1000.0;
            Gate { clears_at: Some(until), ..measured(found, Some(seconds), whole.as_secs_f64(), Unit::Seconds) }
        }
    }
}

/// Until when a direction rests after failed operations, while it does.
pub(super) fn paused(situation: &Situation<'_>, direction: Direction) -> Option<DateTime<Utc>> {
    let until = backoff::until(situation.state, direction, &situation.rules.operations.backoff);
    until.filter(|until| *until > situation.now)
}

/// That pause in words.
pub(super) fn failed_words(situation: &Situation<'_>, direction: Direction, until: DateTime<Utc>) -> String {
    let left = words::span(until - situation.now);
    match backoff::failures(situation.state, direction) {
        0 | 1 => format!("the last attempt failed; trying again in {left}"),
        failures => format!("the last {failures} attempts failed; trying again in {left}"),
    }
}

/// Whether as many operations run as may at the same time, in words.
pub(super) fn too_many(situation: &Situation<'_>) -> Option<String> {
    let (running, most) = (situation.state.operations.len(), situation.rules.operations.max_concurrent);
    let full = u32::try_from(running).unwrap_or(u32::MAX) >= most;
    full.then(|| match running {
        1 => "an operation is under way, and no more may be (autoscaler.operations.max_concurrent)".to_owned(),
        _ => format!("{running} operations are under way, and no more may be (autoscaler.operations.max_concurrent)"),
    })
}

/// What is under way lets the rules begin something more only where it does not answer the demand already: for scaling up, where it adds
/// less than is `lacking` and there is room for another operation; for scaling down, never. Nothing is begun against an operation of
/// the other direction.
pub(super) fn operations(situation: &Situation<'_>, direction: Direction, lacking: u32) -> Gate {
    let running = &situation.state.operations;
    let most = match direction {
        Direction::Up => situation.rules.operations.max_concurrent.saturating_sub(1),
        Direction::Down => 0,
    };
    let against = running.values().find(|operation| operation.direction != direction);
    let blocking = match (against, running.values().next()) {
        (_, None) => None,
        (Some(operation), _) => Some(under_way(operation)),
        (None, Some(operation)) => {
            let answered = direction == Direction::Down || lacking == 0;
            if answered { Some(under_way(operation)) } else { too_many(situation) }
        }
    };
    let found = match blocking {
        Some(detail) => gate(GateKind::Operations, false, detail),
        None if running.is_empty() => gate(GateKind::Operations, true, "no operation under way"),
        None => gate(GateKind::Operations, true, format!("{lacking} more wanted than are coming")),
    };
    measured(found, Some(running.len() as f64), f64::from(most), Unit::Count)
}

fn under_way(operation: &Operation) -> String {
    let (direction, count, progress) = (operation.direction, operation.count, operation.progress() * 100.0);
    format!("scaling {direction} by {count} is under way ({progress:.0} %)")
}

/// With many workers unhealthy at once the cause is more likely a network or a disk than each of them: touch nothing. Workers that
/// only just started are not counted.
pub(super) fn healthy(situation: &Situation<'_>, allowed_percent: f64) -> Gate {
    let Some(seen) = situation.observation else {
        return gate(GateKind::Healthy, false, "health is unknown");
    };
    let all = seen.alive().count();
    let unhealthy: Vec<_> = seen
        .alive()
        .filter(|worker| worker.health == Health::Unhealthy)
        .map(|worker| worker.name.to_string())
        .collect();
    let percent = if all == 0 { 0.0 } else { unhealthy.len() as f64 * 100.0 / all as f64 };
    let passed = unhealthy.is_empty() || percent <= allowed_percent;
    let detail = if unhealthy.is_empty() {
        "all workers healthy".to_owned()
    } else {
        format!("{} of {all} workers unhealthy: {}", unhealthy.len(), unhealthy.join(", "))
    };
    measured(gate(GateKind::Healthy, passed, detail), Some(percent), allowed_percent, Unit::Percent)
}
