//! The rules, as pure functions: (state, observation, config, now) to a verdict with its reasons. No I/O, no clock, no await: the
//! same code runs live, in tests, in replay and in what-if.

pub mod backoff;
pub mod conditions;
pub mod damage;
pub mod drift;
mod gates;
pub mod licence;
pub mod minimum;
pub mod operator;
pub mod pools;
pub mod reconcile;
mod scale_down;
mod scale_up;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::config::AutoscalerConfig;
use crate::model::{Conclusion, Direction, Gate, Observation, State, Verdict};

pub use scale_down::candidates;

/// What a decision is made on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What is remembered.
    pub state: &'a State,
    /// What was last seen; `None`: the cluster has not answered yet.
    pub observation: Option<&'a Observation>,
    /// The rules' numbers.
    pub rules: &'a AutoscalerConfig,
    /// Whether what is decided is remembered: `false` while Redis cannot be used, and then nothing may be taken away.
    pub remembered: bool,
    /// When.
    pub now: DateTime<Utc>,
}

/// The verdict on a situation. Scaling up goes before scaling down.
#[must_use]
pub fn evaluate(situation: &Situation<'_>) -> Verdict {
    let up = scale_up::gates(situation);
    let mut down = scale_down::gates(situation);
    if !situation.remembered {
        let first = down.iter().position(|gate| !gate.gate.is_wish()).unwrap_or(down.len());
        down.insert(first, gates::memory());
    }
    let conclusion = match (decide(&up), decide(&down)) {
        (Answer::Act, _) => scale_up::conclude(situation),
        (Answer::Blocked(gate), _) => blocked(Direction::Up, gate),
        (Answer::NotWanted(_), Answer::Act) => scale_down::conclude(situation),
        (Answer::NotWanted(_), Answer::Blocked(gate)) => blocked(Direction::Down, gate),
        (Answer::NotWanted(up), Answer::NotWanted(down)) => {
            Conclusion::Steady { detail: format!("{}; {}", up.detail, down.detail) }
        }
    };
    Verdict { at: situation.now, conclusion, up, down, dry_run: situation.rules.dry_run }
}

enum Answer<'a> {
    Act,
    Blocked(&'a Gate),
    NotWanted(&'a Gate),
}

fn decide(gates: &[Gate]) -> Answer<'_> {
    let failed = |wish: bool| gates.iter().find(|gate| !gate.passed && gate.gate.is_wish() == wish);
    match (failed(true), failed(false)) {
        (Some(gate), _) => Answer::NotWanted(gate),
        (None, Some(gate)) => Answer::Blocked(gate),
        (None, None) => Answer::Act,
    }
}

fn blocked(direction: Direction, gate: &Gate) -> Conclusion {
    Conclusion::Blocked { direction, by: gate.gate, detail: gate.detail.clone(), clears_at: gate.clears_at }
}
