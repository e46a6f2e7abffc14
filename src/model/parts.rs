//! The parts of the state by name: where two states differ, for people.

use super::State;

/// Where two states differ, for people: the names of the parts that are not the same.
#[must_use]
pub fn differences(one: &State, other: &State) -> Vec<&'static str> {
    parts(one, other).into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

/// Every part of the state by name, and whether two states have the same there.
#[must_use]
pub fn parts(one: &State, other: &State) -> [(&'static str, bool); 12] {
    [
        ("workers", one.workers == other.workers),
        ("worker counter", one.worker_counter == other.worker_counter),
        ("permanent workers", one.permanent == other.permanent),
        ("cooldowns", one.cooldowns == other.cooldowns),
        ("holds", one.holds == other.holds),
        ("operations", one.operations == other.operations),
        ("operation history", one.operation_history == other.operation_history),
        ("conditions", one.conditions == other.conditions),
        ("scaling statistics", one.scaling == other.scaling),
        ("synchronization statistics", one.sync == other.sync),
        ("optimal-state statistics", one.optimal == other.optimal),
        ("minimum enforcement statistics", one.enforcer == other.enforcer),
    ]
}
