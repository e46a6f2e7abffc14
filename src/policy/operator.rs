//! What an operator may do by hand: everything but leave the limits, pass another person's hold, or take a worker that must stay.

use super::Situation;
use super::gates::too_many;
use super::scale_down::candidates;
use crate::model::{Direction, WorkerKind, WorkerName, WorkerStatus, words};

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `limit`, `hold`, `cooldown`, `worker`, `dry_run`, `operation_in_flight`, ...
    pub reason: &'static str,
    /// In words, with what to do.
    pub detail: String,
}

fn refuse<T>(reason: &'static str, detail: String) -> Result<T, Refusal> {
    Err(Refusal { reason, detail })
}

/// Whether `count` workers may be added by hand.
pub fn scale_up(situation: &Situation<'_>, count: u32, honor_cooldown: bool) -> Result<(), Refusal> {
    common(situation, Direction::Up, honor_cooldown)?;
    let max = situation.rules.limits.max_nodes;
    let expected = situation.state.workers_expected();
    if count == 0 {
        return refuse("invalid", "0 workers: give a number of at least 1".to_owned());
    }
    if expected.saturating_add(count) > max {
        let room = max.saturating_sub(expected);
        return refuse("limit", format!("{expected} + {count} is more than the maximum of {max}; {room} may be added"));
    }
    Ok(())
}

/// Which workers go when `count` are taken away by hand, or the one that was named.
pub fn scale_down(
    situation: &Situation<'_>,
    count: u32,
    named: Option<&WorkerName>,
    honor_cooldown: bool,
) -> Result<Vec<WorkerName>, Refusal> {
    common(situation, Direction::Down, honor_cooldown)?;
    let min = situation.rules.limits.min_nodes;
    let staying = situation.state.workers_staying();
    let workers = if let Some(name) = named {
        vec![removable(situation, name)?]
    } else {
        let going = candidates(situation.state).into_iter().take(count as usize);
        going.map(|worker| worker.name.clone()).collect::<Vec<_>>()
    };
    let going = u32::try_from(workers.len()).unwrap_or(u32::MAX);
    if count == 0 {
        return refuse("invalid", "0 workers: give a number of at least 1".to_owned());
    }
    if named.is_none() && going < count {
        return refuse("worker", format!("only {going} workers may go: the others are permanent, protected or busy"));
    }
    if staying < min.saturating_add(going) {
        let spare = staying.saturating_sub(min);
        return refuse("limit", format!("{staying} - {going} is less than the minimum of {min}; {spare} may go"));
    }
    Ok(workers)
}

fn common(situation: &Situation<'_>, direction: Direction, honor_cooldown: bool) -> Result<(), Refusal> {
    if situation.rules.dry_run {
        return refuse("dry_run", "this windlass runs dry: it decides and reports, and changes nothing".to_owned());
    }
    if let Some(hold) = situation.state.hold(direction, situation.now) {
        let left = words::span(hold.until - situation.now);
        return refuse(
            "hold",
            format!("{} holds scaling {direction} for {left} more ({}); release it first", hold.actor, hold.reason),
        );
    }
    if let Some(until) = situation.state.cooldown(direction, situation.now).filter(|_| honor_cooldown) {
        return refuse(
            "cooldown",
            format!("scaling {direction} cools down for {} more", words::span(until - situation.now)),
        );
    }
    if let Some(detail) = too_many(situation) {
        return refuse("operation_in_flight", format!("{detail}; try again when one has ended"));
    }
    if situation.observation.is_none() {
        return refuse("cluster_unknown", "the cluster has not answered yet; try again when it does".to_owned());
    }
    Ok(())
}

fn removable(situation: &Situation<'_>, name: &WorkerName) -> Result<WorkerName, Refusal> {
    let Some(worker) = situation.state.workers.get(name) else {
        return refuse("worker", format!("there is no worker {name}; `windlass workers` lists them"));
    };
    if worker.kind == WorkerKind::Permanent || situation.state.permanent.contains(name) {
        return refuse("worker", format!("{name} is permanent: scaling never removes it"));
    }
    if let Some(protection) = &worker.protected {
        return refuse("worker", format!("{name} is protected by {}: {}", protection.actor, protection.reason));
    }
    if worker.status == WorkerStatus::Draining || situation.state.operation_of(name).is_some() {
        return refuse("worker", format!("{name} is part of an operation that is under way"));
    }
    Ok(name.clone())
}
