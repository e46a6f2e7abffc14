//! The latest verdict in words.

use chrono::{DateTime, Utc};
use windlass::model::{Conclusion, Gate, GateKind, Unit, Verdict};
use windlass_ui::format;

/// What was concluded, as one sentence without a final stop.
#[must_use]
pub fn sentence(verdict: &Verdict, now: DateTime<Utc>) -> String {
    let dry = if verdict.dry_run { " (dry run: only reported)" } else { "" };
    match &verdict.conclusion {
        Conclusion::ScaleUp { count, reason } => format!("scale up by {count}{dry}: {reason}"),
        Conclusion::ScaleDown { workers, reason } => {
            let names: Vec<&str> = workers.iter().map(windlass::model::WorkerName::as_str).collect();
            format!("scale down, {}{dry}: {reason}", names.join(", "))
        }
        Conclusion::Blocked { direction, by, detail, clears_at } => {
            let clears = clears_at
                .filter(|at| *at > now)
                .map_or_else(String::new, |at| format!(" (clears in {})", format::left(at, now)));
            format!("scaling {direction} is wanted and blocked by {}: {detail}{clears}", words(*by))
        }
        Conclusion::Steady { detail } => format!("nothing to do: {detail}"),
    }
}

/// A gate's name in words.
#[must_use]
pub fn words(gate: GateKind) -> String {
    gate.name().replace('_', " ")
}

/// The gate that blocks: the first one that does not let through, unless that only means that nothing is wanted.
#[must_use]
pub fn blocking(gates: &[Gate]) -> Option<usize> {
    gates.iter().position(|gate| !gate.passed).filter(|place| !gates[*place].gate.is_wish())
}

/// A gate's number with its unit.
#[must_use]
pub fn number(value: Option<f64>, unit: Unit) -> String {
    match (unit, value) {
        (Unit::None, _) => String::new(),
        (_, None) => format::UNKNOWN.to_owned(),
        (Unit::Percent, value) => format::percent(value),
        (Unit::Count, Some(value)) => format!("{value:.0}"),
        (Unit::Seconds, Some(value)) => format::seconds(value),
    }
}
