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
    /// Too few, and enough are on their way.
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

/// Compares the workers with the minimum.
#[must_use]
pub fn enforcement(situation: &Situation<'_>) -> Enforcement {
    let min = situation.rules.limits.min_nodes;
    let state = situation.state;
    if state.worker_count() >= min && state.workers_settled() >= min {
        return Enforcement::Kept;
    }
    let expected = state.workers_expected();
    if expected >= min {
        return Enforcement::Coming;
    }
    match stopped(situation) {
        Some((by, detail)) => Enforcement::Stopped { by, detail },
        None => Enforcement::Restore { count: min - expected },
    }
}

/// How many to add at once when `lost` workers went together: as many as went, and at least up to the minimum, within the maximum.
#[must_use]
pub fn emergency_count(situation: &Situation<'_>, lost: u32) -> u32 {
    let limits = &situation.rules.limits;
    let expected = situation.state.workers_expected();
    lost.max(limits.min_nodes.saturating_sub(expected)).min(limits.max_nodes.saturating_sub(expected))
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
