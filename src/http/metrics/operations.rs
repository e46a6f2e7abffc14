//! How long the steps of operations take, told from the times of their events.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use prometheus::{HistogramOpts, HistogramVec, Registry, Result};
use uuid::Uuid;

use crate::clock;
use crate::model::{Direction, Event, EventData, Step, WorkerName};

/// From a simulated container to a slow pull of an image, in seconds.
const BUCKETS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// Operations whose end never comes (its event was trimmed in an outage) are forgotten, the oldest first.
const REMEMBERED: usize = 256;
/// The step from decision to end.
const TOTAL: &str = "total";

/// An operation whose decision was heard.
struct Track {
    direction: Direction,
    decided_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    /// When each worker came to its latest step.
    workers: BTreeMap<WorkerName, DateTime<Utc>>,
}

/// The histogram, and the operations that are under way.
pub(super) struct Operations {
    seconds: HistogramVec,
    tracks: HashMap<Uuid, Track>,
}

impl Operations {
    /// Knows of no operation yet.
    pub(super) fn new(registry: &Registry) -> Result<Self> {
        let options = HistogramOpts::new(
            "windlass_operation_duration_seconds",
            "How long each step of a scaling operation took, by worker; step total: from decision to end",
        );
        let seconds = HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["direction", "step"])?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { seconds, tracks: HashMap::new() })
    }

    /// Follows an event. What began before this process did has steps of unknown length, which are left out.
    pub(super) fn apply(&mut self, event: &Event) {
        let id = event.correlation_id.unwrap_or(event.event_id);
        let at = event.timestamp;
        match &event.data {
            EventData::ScaleUpDecision(data) if data.dry_run => {}
            EventData::ScaleDownDecision(data) if data.dry_run => {}
            EventData::ScaleUpDecision(_) | EventData::AutoScaleUpToMinimum(_) | EventData::EmergencyScaleUp(_) => {
                self.decided(id, Direction::Up, at);
            }
            EventData::ScaleDownDecision(_) => self.decided(id, Direction::Down, at),
            EventData::ScaleUpStarted(_) => self.started(id, Step::Allocated, at),
            EventData::ScaleDownStarted(_) => self.started(id, Step::Chosen, at),
            EventData::NodeCreated(data) => self.stepped(id, &data.node_name, Step::Created, at),
            EventData::NodeRegistered(data) => self.stepped(id, &data.node_name, Step::Registered, at),
            EventData::NodeReady(data) => self.stepped(id, &data.node_name, Step::Ready, at),
            EventData::NodeDrained(data) => self.stepped(id, &data.node_name, Step::Drained, at),
            EventData::NodeRemoved(data) if data.reason == "scale_down" => {
                self.stepped(id, &data.node_name, Step::Removed, at);
            }
            EventData::NodeRemovalConfirmed(data) => self.stepped(id, &data.node_name, Step::Confirmed, at),
            EventData::ScalingActionCompleted(data) => self.ended(id, data.action, data.duration),
            EventData::ScalingActionFailed(data) => self.ended(id, data.action, data.duration),
            _ => {}
        }
    }

    fn decided(&mut self, id: Uuid, direction: Direction, decided_at: DateTime<Utc>) {
        if self.tracks.len() >= REMEMBERED {
            let oldest = self.tracks.iter().min_by_key(|(_, track)| track.decided_at).map(|(id, _)| *id);
            oldest.and_then(|oldest| self.tracks.remove(&oldest));
        }
        self.tracks.insert(id, Track { direction, decided_at, started_at: None, workers: BTreeMap::new() });
    }

    fn started(&mut self, id: Uuid, step: Step, at: DateTime<Utc>) {
        let Some(track) = self.tracks.get_mut(&id) else { return };
        track.started_at = Some(at);
        observe(&self.seconds, track.direction, &step.to_string(), clock::between(track.decided_at, at).as_secs_f64());
    }

    fn stepped(&mut self, id: Uuid, worker: &WorkerName, step: Step, at: DateTime<Utc>) {
        let Some(track) = self.tracks.get_mut(&id) else { return };
        if let Some(before) = track.workers.insert(worker.clone(), at).or(track.started_at) {
            observe(&self.seconds, track.direction, &step.to_string(), clock::between(before, at).as_secs_f64());
        }
    }

    /// The event itself says how long it took.
    fn ended(&mut self, id: Uuid, direction: Direction, seconds: f64) {
        self.tracks.remove(&id);
        observe(&self.seconds, direction, TOTAL, seconds);
    }
}

fn observe(histogram: &HistogramVec, direction: Direction, step: &str, seconds: f64) {
    histogram.with_label_values(&[direction.key(), step]).observe(seconds);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{NodeDrained, NodeRemoved, ScaleDownDecision, ScaleDownStarted, ScalingActionCompleted};
    use crate::model::{Actor, Metadata, Origin};

    fn event(second: i64, data: impl Into<EventData>) -> Event {
        Event {
            event_id: Uuid::nil(),
            timestamp: DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(second),
            source: "test".to_owned(),
            data: data.into(),
            metadata: Metadata { cluster_id: "c1".parse().unwrap(), region: String::new() },
            caused_by: None,
            correlation_id: Some(Uuid::from_u128(7)),
            actor: Actor::Engine,
        }
    }

    fn history() -> Vec<Event> {
        let name: WorkerName = "w-1".parse().unwrap();
        let node_names = vec![name.clone()];
        let reason = "scale_down".to_owned();
        let decision = ScaleDownDecision {
            node_names: node_names.clone(),
            current_workers: 3,
            target_workers: 2,
            origin: Origin::Rules,
            reason: String::new(),
            dry_run: false,
        };
        let end = ScalingActionCompleted {
            action: Direction::Down,
            count: 1,
            previous_workers: 3,
            new_workers: 2,
            duration: 16.0,
        };
        vec![
            event(0, decision),
            event(1, ScaleDownStarted { node_names, previous_workers: 3 }),
            event(5, NodeDrained { node_name: name.clone(), evicted_pods: None }),
            event(15, NodeRemoved { node_name: name, reason }),
            event(16, end),
        ]
    }

    fn sums(events: &[Event]) -> [f64; 4] {
        let mut operations = Operations::new(&Registry::new()).unwrap();
        for event in events {
            operations.apply(event);
        }
        assert!(operations.tracks.is_empty());
        ["chosen", "drained", "removed", TOTAL]
            .map(|step| operations.seconds.with_label_values(&["scale_down", step]).get_sample_sum())
    }

    #[test]
    fn each_step_takes_from_the_one_before_it() {
        let history = history();
        assert!(sums(&history).iter().zip([1.0, 4.0, 10.0, 16.0]).all(|(sum, wanted)| (sum - wanted).abs() < 1e-9));
    }

    #[test]
    fn what_began_before_us_has_steps_of_unknown_length() {
        let history = history();
        let sums = sums(&history[2..]);
        assert!(sums.iter().zip([0.0, 0.0, 0.0, 16.0]).all(|(sum, wanted)| (sum - wanted).abs() < 1e-9), "{sums:?}");
    }
}
