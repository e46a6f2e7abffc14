//! What was concluded: more is wanted, and a cooldown blocks it.

use chrono::{DateTime, TimeDelta, Utc};
use windlass::model::{Conclusion, Direction, Gate, GateKind, Unit, Verdict};

use super::ago;

pub fn verdict(now: DateTime<Utc>) -> Verdict {
    let gate = |gate, passed, detail: &str| Gate {
        gate,
        passed,
        value: None,
        bound: None,
        unit: Unit::None,
        detail: detail.to_owned(),
        clears_at: None,
    };
    let measured = |kind, passed, value: Option<f64>, bound, unit, detail: &str| Gate {
        value,
        bound: Some(bound),
        unit,
        ..gate(kind, passed, detail)
    };
    let until = |seconds: i64| Some(now + TimeDelta::seconds(seconds));
    Verdict {
        at: ago(now, 2),
        conclusion: Conclusion::Blocked {
            direction: Direction::Up,
            by: GateKind::Cooldown,
            detail: "cooling down for 34s more".to_owned(),
            clears_at: until(34),
        },
        up: vec![
            measured(GateKind::Demand, true, Some(80.0), 80.0, Unit::Percent, "7 pods pending"),
            gate(GateKind::Observation, true, "the cluster answers"),
            measured(GateKind::Maximum, true, Some(7.0), 8.0, Unit::Count, "7 of at most 8 workers"),
            gate(GateKind::Hold, true, "no hold"),
            Gate {
                clears_at: until(34),
                ..measured(GateKind::Cooldown, false, Some(34.0), 60.0, Unit::Seconds, "cooling down for 34s more")
            },
            measured(GateKind::Operations, false, Some(1.0), 0.0, Unit::Count, "scaling up by 2 is under way (25 %)"),
            measured(
                GateKind::Healthy,
                true,
                Some(14.3),
                45.0,
                Unit::Percent,
                "1 of 7 workers unhealthy: k3s-worker-6",
            ),
        ],
        down: vec![
            measured(GateKind::Minimum, true, Some(7.0), 2.0, Unit::Count, "7 workers, at least 2"),
            measured(GateKind::CpuLow, false, Some(80.0), 30.0, Unit::Percent, "CPU 80 % not below 30 %"),
            measured(GateKind::MemoryLow, false, Some(60.6), 40.0, Unit::Percent, "memory 61 % not below 40 %"),
            measured(GateKind::Window, false, Some(0.0), 300.0, Unit::Seconds, "not underutilized"),
            gate(GateKind::Observation, true, "the cluster answers"),
            measured(GateKind::NothingPending, false, Some(7.0), 0.0, Unit::Count, "7 pods pending"),
            measured(
                GateKind::Healthy,
                false,
                Some(14.3),
                0.0,
                Unit::Percent,
                "1 of 7 workers unhealthy: k3s-worker-6",
            ),
            Gate { clears_at: until(475), ..gate(GateKind::Hold, false, "held by anna: deploy freeze") },
            Gate {
                clears_at: until(161),
                ..measured(GateKind::Cooldown, false, Some(161.0), 300.0, Unit::Seconds, "cooling down for 2m41s more")
            },
            measured(GateKind::Operations, false, Some(1.0), 0.0, Unit::Count, "scaling up by 2 is under way (25 %)"),
            gate(GateKind::Candidate, true, "k3s-worker-7 would go first"),
        ],
        dry_run: false,
    }
}
