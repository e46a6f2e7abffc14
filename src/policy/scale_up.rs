//! Up when pods are pending, or CPU or memory is high (seed 002, events 5 and 6).

use super::Situation;
use super::conditions;
use super::gates::{cooldown, gate, healthy, hold, measured, observation, operations};
use crate::model::{Conclusion, Direction, Gate, GateKind, Unit};

/// The gates on the way up, in order.
pub(super) fn gates(situation: &Situation<'_>) -> Vec<Gate> {
    vec![
        demand(situation),
        observation(situation),
        room(situation),
        hold(situation, Direction::Up),
        cooldown(situation, Direction::Up),
        operations(situation, Direction::Up, lacking(situation)),
        healthy(situation, situation.rules.thresholds.max_unhealthy),
    ]
}

/// How many, once every gate is passed.
pub(super) fn conclude(situation: &Situation<'_>) -> Conclusion {
    let wanted = lacking(situation).max(1);
    let room = situation.rules.limits.max_nodes.saturating_sub(situation.state.workers_expected());
    let reasons: Vec<_> = wishes(situation).into_iter().map(|(_, reason)| reason).collect();
    Conclusion::ScaleUp { count: wanted.min(situation.rules.steps.up).min(room), reason: reasons.join("; ") }
}

/// How many more workers are wanted than are coming: capacity on its way answers as much of what pending pods need, and, however much
/// it is, all of the pressure.
fn lacking(situation: &Situation<'_>) -> u32 {
    let coming = situation.state.capacity_coming();
    let pending = situation.observation.and_then(|seen| seen.pending.as_ref());
    let pending = pending.filter(|pending| pending.count >= situation.rules.thresholds.pending_pods);
    let for_pods = pending.map_or(0, |pending| pending.workers_needed.max(1).saturating_sub(coming));
    for_pods.max(u32::from(coming == 0))
}

/// What asks for more workers: how many, and why.
fn wishes(situation: &Situation<'_>) -> Vec<(u32, String)> {
    let Some(seen) = situation.observation else {
        return Vec::new();
    };
    let thresholds = &situation.rules.thresholds;
    let mut wishes = Vec::new();
    if let Some(pending) = seen.pending.as_ref().filter(|pending| pending.count >= thresholds.pending_pods) {
        wishes.push((pending.workers_needed.max(1), format!("{} pods pending", pending.count)));
    }
    if conditions::pressure_lasts(situation) {
        for (name, value, bound) in conditions::pressure(seen, thresholds) {
            wishes.push((1, format!("{name} {value:.0} % above {bound:.0} %")));
        }
    }
    wishes
}

fn demand(situation: &Situation<'_>) -> Gate {
    let wishes = wishes(situation);
    let thresholds = &situation.rules.thresholds;
    let seen = situation.observation;
    if !wishes.is_empty() {
        let reasons: Vec<_> = wishes.into_iter().map(|(_, reason)| reason).collect();
        let found = gate(GateKind::Demand, true, reasons.join("; "));
        return measured(found, seen.and_then(crate::model::Observation::cpu_avg), thresholds.cpu_high, Unit::Percent);
    }
    let percent = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.0} %"));
    let cpu = seen.and_then(crate::model::Observation::cpu_avg);
    let memory = seen.and_then(crate::model::Observation::memory_avg);
    let pending = match seen.map(|seen| &seen.pending) {
        Some(Some(pending)) if pending.count > 0 => format!(", {} pods pending", pending.count),
        Some(Some(_)) => ", nothing pending".to_owned(),
        _ => String::new(),
    };
    let lasting = if seen.is_some_and(|seen| !conditions::pressure(seen, thresholds).is_empty()) {
        " (pressure has not lasted long enough)"
    } else {
        ""
    };
    let detail = format!("no demand: CPU {}, memory {}{pending}{lasting}", percent(cpu), percent(memory));
    measured(gate(GateKind::Demand, false, detail), cpu, thresholds.cpu_high, Unit::Percent)
}

fn room(situation: &Situation<'_>) -> Gate {
    let expected = situation.state.workers_expected();
    let max = situation.rules.limits.max_nodes;
    let detail = if expected < max {
        format!("{expected} of at most {max} workers")
    } else {
        format!("at the maximum of {max} workers")
    };
    measured(gate(GateKind::Maximum, expected < max, detail), Some(f64::from(expected)), f64::from(max), Unit::Count)
}
