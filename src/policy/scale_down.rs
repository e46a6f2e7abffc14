//! Down when CPU and memory have been low over the whole window and nothing speaks against it (seed 002, events 4 and 13).

use std::cmp::Reverse;

use super::Situation;
use super::conditions;
use super::gates::{cooldown, gate, healthy, hold, measured, observation, operations};
use crate::clock;
use crate::model::{Conclusion, ConditionKey, Direction, Gate, GateKind, State, Unit, Worker, words};

/// The gates on the way down, in order.
pub(super) fn gates(situation: &Situation<'_>) -> Vec<Gate> {
    let thresholds = &situation.rules.thresholds;
    let cpu = situation.observation.and_then(crate::model::Observation::cpu_avg);
    let memory = situation.observation.and_then(crate::model::Observation::memory_avg);
    vec![
        room(situation),
        low(GateKind::CpuLow, "CPU", cpu, thresholds.cpu_low),
        low(GateKind::MemoryLow, "memory", memory, thresholds.memory_low),
        window(situation),
        observation(situation),
        nothing_pending(situation),
        healthy(situation, 0.0),
        hold(situation, Direction::Down),
        cooldown(situation, Direction::Down),
        operations(situation, Direction::Down, 0),
        candidate(situation),
    ]
}

/// Which, once every gate is passed.
pub(super) fn conclude(situation: &Situation<'_>) -> Conclusion {
    let limits = &situation.rules.limits;
    let spare = situation.state.workers_settled().saturating_sub(limits.min_nodes);
    let count = spare.min(situation.rules.steps.down);
    let going = candidates(situation.state).into_iter().take(count as usize);
    let workers = going.map(|worker| worker.name.clone()).collect();
    let lasted = conditions::underutilized_since(situation)
        .map_or_else(String::new, |since| format!(" for {}", words::span(situation.now - since)));
    Conclusion::ScaleDown { workers, reason: format!("CPU and memory low{lasted}") }
}

/// The workers that may go, the first to go first: last in, first out; permanent and protected ones never.
#[must_use]
pub fn candidates(state: &State) -> Vec<&Worker> {
    let mut workers: Vec<_> = state
        .workers
        .values()
        .filter(|worker| worker.is_removable() && !state.permanent.contains(&worker.name))
        .filter(|worker| state.operation_of(&worker.name).is_none())
        .collect();
    workers.sort_by_key(|worker| Reverse((worker.created_at, worker.name.number(), &worker.name)));
    workers
}

fn low(kind: GateKind, what: &str, value: Option<f64>, bound: f64) -> Gate {
    let (passed, detail) = match value {
        // Never taken for 0: a metrics outage must not empty the cluster.
        None => (false, format!("{what} is unknown")),
        Some(value) if value < bound => (true, format!("{what} {value:.0} % below {bound:.0} %")),
        Some(value) => (false, format!("{what} {value:.0} % not below {bound:.0} %")),
    };
    measured(gate(kind, passed, detail), value, bound, Unit::Percent)
}

fn window(situation: &Situation<'_>) -> Gate {
    let window = situation.rules.windows.underutilization;
    let Some(since) = conditions::underutilized_since(situation) else {
        let found = gate(GateKind::Window, false, "not underutilized");
        return measured(found, Some(0.0), window.as_secs_f64(), Unit::Seconds);
    };
    let lasted = clock::between(since, situation.now);
    let passed = lasted >= window.get();
    let (low, whole) = (words::span(situation.now - since), words::seconds(window.as_secs_f64()));
    let found = gate(GateKind::Window, passed, format!("low for {low} of {whole}"));
    let clears_at = (!passed).then(|| clock::after(since, window.get()));
    Gate { clears_at, ..measured(found, Some(lasted.as_secs_f64()), window.as_secs_f64(), Unit::Seconds) }
}

fn room(situation: &Situation<'_>) -> Gate {
    let settled = situation.state.workers_settled();
    let min = situation.rules.limits.min_nodes;
    let detail = if settled > min {
        format!("{settled} workers, at least {min}")
    } else {
        format!("at the minimum of {min} workers")
    };
    measured(gate(GateKind::Minimum, settled > min, detail), Some(f64::from(settled)), f64::from(min), Unit::Count)
}

/// Without a scheduler nothing can be pending. With one that did not answer, it is unknown, and that blocks.
fn nothing_pending(situation: &Situation<'_>) -> Gate {
    let waiting = situation.state.conditions.contains_key(&ConditionKey::PendingPods);
    match situation.observation.map(|seen| (&seen.pending, seen.nodes)) {
        Some((Some(pending), _)) => {
            let detail = if pending.count == 0 {
                "nothing pending".to_owned()
            } else {
                format!("{} pods pending", pending.count)
            };
            let found = gate(GateKind::NothingPending, pending.count == 0, detail);
            measured(found, Some(f64::from(pending.count)), 0.0, Unit::Count)
        }
        Some((None, _)) if !waiting => gate(GateKind::NothingPending, true, "no scheduler attached"),
        _ => gate(GateKind::NothingPending, false, "pending pods are unknown"),
    }
}

fn candidate(situation: &Situation<'_>) -> Gate {
    match candidates(situation.state).first() {
        Some(worker) => gate(GateKind::Candidate, true, format!("{} would go first", worker.name)),
        None => gate(GateKind::Candidate, false, "no worker may go: all are permanent, protected or busy"),
    }
}
