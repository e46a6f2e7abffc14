//! What is counted from the event stream, from the start of this process on.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry, Result};

use super::operations::Operations;
use crate::model::{Direction, Event, EventData, EventType, Origin};

/// The counters.
pub(in crate::http) struct Fold {
    events: IntCounterVec,
    unreadable: IntCounter,
    decisions: IntCounterVec,
    ended: IntCounterVec,
    refusals: IntCounterVec,
    reconciliations: IntCounter,
    fixes: IntCounterVec,
    operations: Operations,
}

impl Fold {
    /// Counters that stand at zero: nothing has happened since the start, and that is known.
    pub(super) fn new(registry: &Registry) -> Result<Self> {
        let fold = Self {
            events: vector(registry, "windlass_events_total", "Events on the stream", &["type", "severity"])?,
            unreadable: single(
                registry,
                "windlass_events_unreadable_total",
                "Entries of the stream that are no event this version knows",
            )?,
            decisions: vector(
                registry,
                "windlass_decisions_total",
                "Decisions to scale; outcome taken, dry_run or blocked (a block that lasts is counted again with each reminder)",
                &["direction", "origin", "outcome"],
            )?,
            ended: vector(
                registry,
                "windlass_operations_total",
                "Scaling operations that ended",
                &["direction", "outcome"],
            )?,
            refusals: vector(
                registry,
                "windlass_commands_refused_total",
                "Operators' commands that were refused, by the rule that refused",
                &["command", "reason"],
            )?,
            reconciliations: single(
                registry,
                "windlass_reconciliations_total",
                "Times that state and cluster were found to agree again after a change or a difference",
            )?,
            fixes: vector(
                registry,
                "windlass_reconciliation_fixes_total",
                "Differences between state and cluster that were put right",
                &["kind"],
            )?,
            operations: Operations::new(registry)?,
        };
        for event_type in EventType::ALL {
            let severity = event_type.severity().to_string();
            fold.events.with_label_values(&[event_type.name(), &severity]);
        }
        for direction in Direction::BOTH {
            for outcome in ["completed", "failed"] {
                fold.ended.with_label_values(&[direction.key(), outcome]);
            }
        }
        for kind in ["lost", "adopted"] {
            fold.fixes.with_label_values(&[kind]);
        }
        Ok(fold)
    }

    /// Counts an event.
    pub(in crate::http) fn apply(&mut self, event: &Event) {
        let severity = event.severity().to_string();
        self.events.with_label_values(&[event.event_type().name(), &severity]).inc();
        self.operations.apply(event);
        match &event.data {
            EventData::ScaleUpDecision(data) => self.decided(Direction::Up, data.origin, taken(data.dry_run)),
            EventData::ScaleDownDecision(data) => self.decided(Direction::Down, data.origin, taken(data.dry_run)),
            EventData::AutoScaleUpToMinimum(_) => self.decided(Direction::Up, Origin::Minimum, "taken"),
            EventData::EmergencyScaleUp(_) => self.decided(Direction::Up, Origin::Emergency, "taken"),
            EventData::ScaleUpBlocked(data) => {
                let origin = if data.enforcement { Origin::Minimum } else { Origin::Rules };
                self.decided(Direction::Up, origin, "blocked");
            }
            EventData::ScaleDownBlocked(_) => self.decided(Direction::Down, Origin::Rules, "blocked"),
            EventData::ScalingActionCompleted(data) => self.ended(data.action, "completed"),
            EventData::ScalingActionFailed(data) => self.ended(data.action, "failed"),
            EventData::CommandRefused(data) => {
                self.refusals.with_label_values(&[data.command.as_str(), data.reason.as_str()]).inc();
            }
            EventData::ClusterStateSynced(_) => self.reconciliations.inc(),
            EventData::NodeUnexpectedlyLost(_) => self.fixes.with_label_values(&["lost"]).inc(),
            EventData::NodeAdopted(_) => self.fixes.with_label_values(&["adopted"]).inc(),
            _ => {}
        }
    }

    /// Counts an entry that could not be read.
    pub(in crate::http) fn unreadable(&self) {
        self.unreadable.inc();
    }

    fn decided(&self, direction: Direction, origin: Origin, outcome: &str) {
        self.decisions.with_label_values(&[direction.key(), &origin.to_string(), outcome]).inc();
    }

    fn ended(&self, direction: Direction, outcome: &str) {
        self.ended.with_label_values(&[direction.key(), outcome]).inc();
    }
}

const fn taken(dry_run: bool) -> &'static str {
    if dry_run { "dry_run" } else { "taken" }
}

fn vector(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn single(registry: &Registry, name: &str, help: &str) -> Result<IntCounter> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}
