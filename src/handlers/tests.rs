//! What handlers draft on one look.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::metrics_listener::MetricsListener;
use super::{Draft, Handler, World};
use crate::config::Config;
use crate::model::{
    ConditionKey, ContainerId, ContainerState, EventType, Health, Metadata, Observation, ObservedWorker, State,
    WorkerKind,
};

fn look(at: DateTime<Utc>, cpu: Option<f64>, memory: Option<f64>) -> Observation {
    let worker = ObservedWorker {
        name: "w-1".parse().unwrap(),
        container_id: ContainerId("c".repeat(64)),
        kind: WorkerKind::Dynamic,
        created_at: at,
        state: ContainerState::Running,
        health: Health::Ready,
        cpu_percent: cpu,
        memory_percent: memory,
        node: None,
    };
    Observation { at, workers: BTreeMap::from([(worker.name.clone(), worker)]), pending: None, nodes: None }
}

fn listen(state: &State, seen: &Observation) -> (State, Vec<EventType>) {
    let config = Config::default();
    let world = World { config: &config, observation: Some(seen), previous: None, remembered: true, now: seen.at };
    let metadata = Metadata { cluster_id: config.cluster.id.clone(), region: config.cluster.region.clone() };
    let mut draft = Draft::new(state, "test", metadata, seen.at);
    MetricsListener.on_observation(seen, &world, &mut draft);
    let (state, _, events) = draft.into_parts();
    (state, events.iter().map(crate::model::Event::event_type).collect())
}

#[test]
fn pressure_that_cannot_be_measured_any_more_has_not_ended() {
    let begun: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    let later = |seconds| begun + chrono::TimeDelta::seconds(seconds);
    let (state, events) = listen(&State::default(), &look(begun, Some(95.0), Some(10.0)));
    assert_eq!(events, [EventType::ResourcePressureAlert]);
    let (state, events) = listen(&state, &look(later(5), None, Some(10.0)));
    assert_eq!(events, [], "CPU is unknown: nothing is concluded");
    assert!(state.conditions.contains_key(&ConditionKey::Pressure));
    let (state, events) = listen(&state, &look(later(10), Some(95.0), None));
    assert_eq!(events, [], "it lasts, and is not reported again");
    let (_, events) = listen(&state, &look(later(15), Some(50.0), Some(10.0)));
    assert_eq!(events, [EventType::ResourcePressureEnded]);
}
