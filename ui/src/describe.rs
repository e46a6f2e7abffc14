//! Sentences for actions; those for events are the engine's ([`windlass::model::event::describe`]).

pub use windlass::model::event::describe::{describe, workers_of};
use windlass::model::{Action, Direction, EventData, FunctionName, Scope};

use crate::format;

/// What an operator asks for, in words: `scale up by 2`, `hold down for 30m00s`.
#[must_use]
pub fn describe_action(action: &Action) -> String {
    match action {
        Action::Scale { direction: Direction::Down, worker: Some(worker), .. } => format!("remove {worker}"),
        Action::Scale { direction, count, .. } => format!("scale {direction} by {count}"),
        Action::Hold { scope, seconds } => {
            format!("hold {} for {}", scope_words(*scope), format::seconds(*seconds as f64))
        }
        Action::Release { scope } => format!("release {}", scope_words(*scope)),
        Action::Protect { worker } => format!("protect {worker}"),
        Action::Unprotect { worker } => format!("unprotect {worker}"),
        Action::Reconcile => "reconcile".to_owned(),
        Action::DeadLetterRetry { entry } => format!("retry dead letter {entry}"),
        Action::DeadLetterDrop { entry } => format!("drop dead letter {entry}"),
        Action::PoolScale { function, direction, count } => format!("scale pool {function} {direction} by {count}"),
        Action::PoolDrain { function, container } => format!("drain {container} of pool {function}"),
        Action::PoolWake { function } => format!("wake pool {function}"),
        Action::Replay { handler, from, to: Some(to) } => format!("replay {from} to {to} for {handler}"),
        Action::Replay { handler, from, to: None } => format!("replay from {from} on for {handler}"),
    }
}

/// The function whose pool an event is about.
#[must_use]
pub const fn function_of(data: &EventData) -> Option<&FunctionName> {
    use EventData as E;
    match data {
        E::PoolConfigured(d) => Some(&d.function),
        E::PoolRemoved(d) => Some(&d.function),
        E::PoolScaledUp(d) => Some(&d.function),
        E::PoolScaledDown(d) => Some(&d.function),
        E::PoolContainerDraining(d) => Some(&d.function),
        E::PoolScalingFailed(d) => Some(&d.function),
        E::PoolContainerLost(d) => Some(&d.function),
        E::PoolSaturated(d) => Some(&d.function),
        E::PoolSaturationEnded(d) => Some(&d.function),
        _ => None,
    }
}

/// `scaling up`, `scaling down`, `all scaling`.
#[must_use]
pub const fn scope_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Up => "scaling up",
        Scope::Down => "scaling down",
        Scope::All => "all scaling",
    }
}

#[cfg(test)]
mod tests {
    use windlass::model::WorkerName;

    use super::*;

    fn worker(number: u64) -> WorkerName {
        WorkerName::numbered("w", number).unwrap()
    }

    #[test]
    fn actions_read_as_they_are_said() {
        let scale = |direction, count, worker| Action::Scale { direction, count, worker, honor_cooldown: false };
        assert_eq!(describe_action(&scale(Direction::Up, 2, None)), "scale up by 2");
        assert_eq!(describe_action(&scale(Direction::Down, 1, Some(worker(9)))), "remove w-9");
        assert_eq!(describe_action(&Action::Hold { scope: Scope::All, seconds: 1800 }), "hold all scaling for 30m00s");
    }
}
