//! The minimum: restored at once, cooldown or not. Only an operator's hold, an unknown cluster, as many operations as may run, and the
//! pause after failures stop it.

use super::Situation;
use super::gates::{failed_words, observation, paused, too_many};
use crate::model::{Direction, GateKind};

/// What the minimum calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enforcement {
    /// There are enough workers.
    Kept,
    /// Too few, and enough are on their way, or there is no room before those that go have gone.
    Coming,
    /// Too few: add so many.
    Restore {
        /// How many.
        count: u32,
    },
    /// Too few, and something forbids adding any.
    Stopped {
        /// What.
        by: GateKind,
        /// In words.
        detail: String,
    },
}

/// Compares the workers with the minimum. Those that are on their way out do not count: without Redis, or while a removal fails, they stay
/// for long and take no work.
#[must_use]
pub fn enforcement(situation: &Situation<'_>) -> Enforcement {
    let min = situation.rules.limits.min_nodes;
    let state = situation.state;
    let settled = state.workers_settled();
    if state.worker_count() >= min && settled >= min {
        return Enforcement::Kept;
    }
    // Those that go still take room.
    let room = situation.rules.limits.max_nodes.saturating_sub(state.workers_expected());
    let count = min.saturating_sub(settled).min(room);
    if count == 0 {
        return Enforcement::Coming;
    }
    match stopped(situation) {
        Some((by, detail)) => Enforcement::Stopped { by, detail },
        None => Enforcement::Restore { count },
    }
}

/// How many to add at once when `lost` workers went together: as many as went, and at least up to the minimum, within the maximum.
#[must_use]
pub fn emergency_count(situation: &Situation<'_>, lost: u32) -> u32 {
    let limits = &situation.rules.limits;
    let missing = limits.min_nodes.saturating_sub(situation.state.workers_settled());
    lost.max(missing).min(limits.max_nodes.saturating_sub(situation.state.workers_expected()))
}

/// What forbids adding workers even below the minimum.
#[must_use]
pub fn stopped(situation: &Situation<'_>) -> Option<(GateKind, String)> {
    if let Some(hold) = situation.state.hold(Direction::Up, situation.now).filter(|hold| hold.stops_minimum()) {
        return Some((GateKind::Hold, format!("held by {}: {}", hold.actor, hold.reason)));
    }
    if !situation.rules.enforcement.auto_scale_to_min {
        return Some((GateKind::Minimum, "auto_scale_to_min is off".to_owned()));
    }
    let seen = observation(situation);
    if !seen.passed {
        return Some((GateKind::Observation, seen.detail));
    }
    if let Some(detail) = too_many(situation) {
        return Some((GateKind::Operations, detail));
    }
    let until = paused(situation, Direction::Up)?;
    Some((GateKind::Cooldown, failed_words(situation, Direction::Up, until)))
}
