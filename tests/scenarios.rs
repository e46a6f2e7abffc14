//! The testing scenarios of seed 002, told from the log alone: a real Redis, the simulated cluster, and for the first ones real Docker
//! containers too (tests/engine.rs).
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::path::Path;
use std::time::Duration;

use support::docker::{self, TestCluster};
use support::engine::{RunningEngine, assert_chain, brisk, docker_config, scale};
use support::redis::TestRedis;
use tempfile::TempDir;
use windlass::cluster::simulated;
use windlass::config::{Config, Span};
use windlass::model::{Direction, Event, EventData, EventType};

/// A quick cluster in a scenario of a test's own.
fn in_scenario(folder: &Path, phases: &str) -> Config {
    let path = folder.join("scenario.yaml");
    let text = format!("name: test\ndescription: a test's own\nstartup: 200ms\ndrain: 100ms\nphases:\n{phases}");
    std::fs::write(&path, text).unwrap();
    let mut config = brisk("c1");
    config.cluster.simulated.scenario = Some(path.display().to_string());
    config
}

fn places() -> (TestRedis, TempDir) {
    (TestRedis::start(), tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn resource_pressure_adds_workers_and_its_end_is_told() {
    let (redis, folder) = places();
    let phases = "  - { at: 0s, cpu_demand: 0.8, memory_demand: 1.0, step: true }\n  - { at: 4s, cpu_demand: 1.8, memory_demand: 1.0 }\n";
    let mut config = in_scenario(folder.path(), phases);
    config.autoscaler.cooldowns.scale_up = Span::seconds(1);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let ended = engine.first(EventType::ResourcePressureEnded).await;
    engine.until("an end", |state| state.operations.is_empty()).await;
    let events = engine.events().await;
    let alert = engine.first(EventType::ResourcePressureAlert).await;
    assert!(
        matches!(&alert.data, EventData::ResourcePressureAlert(data) if data.cpu_avg.is_some_and(|cpu| cpu > 80.0))
    );
    assert_eq!(ended.caused_by, Some(alert.event_id));
    let from_alert: Vec<_> = events.into_iter().filter(|event| event.event_id >= alert.event_id).collect();
    assert_chain(
        &from_alert,
        &[
            (EventType::ResourcePressureAlert, None),
            (EventType::ScaleUpDecision, Some(EventType::ResourcePressureAlert)),
            (EventType::ScaleUpStarted, Some(EventType::ScaleUpDecision)),
            (EventType::NodeCreated, Some(EventType::ScaleUpStarted)),
            (EventType::NodeRegistered, Some(EventType::NodeCreated)),
            (EventType::NodeReady, Some(EventType::NodeRegistered)),
            (EventType::ScalingActionCompleted, Some(EventType::NodeReady)),
        ],
    );
    let alerts = |event: &&Event| event.event_type() == EventType::ResourcePressureAlert;
    assert_eq!(engine.events().await.iter().filter(alerts).count(), 1, "a condition that lasts is one event");
    engine.stop().await;
}

#[tokio::test]
async fn pending_pods_add_the_workers_that_they_need_at_once() {
    let (redis, folder) = places();
    let phases = "  - { at: 0s, cpu_demand: 0.8, memory_demand: 1.0, step: true }\n  - { at: 4s, cpu_demand: 0.8, memory_demand: 1.0, pending: { count: 6, per_worker: 3, deployments: [checkout] } }\n";
    let engine = RunningEngine::start(&redis.url(), &in_scenario(folder.path(), phases), folder.path()).await;
    let detected = engine.first(EventType::PendingPodsDetected).await;
    let EventData::PendingPodsDetected(data) = &detected.data else { panic!("{detected:?}") };
    assert_eq!(
        (data.pending_count, data.workers_needed, data.affected_deployments.as_slice()),
        (6, 2, ["checkout".to_owned()].as_slice())
    );
    let decision = engine.first(EventType::ScaleUpDecision).await;
    assert_eq!(decision.caused_by, Some(detected.event_id));
    assert!(matches!(&decision.data, EventData::ScaleUpDecision(data) if data.count == 2), "{decision:?}");
    engine.first(EventType::PendingPodsCleared).await;
    engine.stop().await;
}

#[tokio::test]
async fn two_nodes_lost_at_once_are_an_emergency() {
    let (redis, folder) = places();
    let phases = "  - { at: 0s, cpu_demand: 0.8, memory_demand: 1.0 }\n";
    let mut config = in_scenario(folder.path(), phases);
    // One look sees both.
    config.autoscaler.check_interval = Span::seconds(2);
    config.autoscaler.limits.min_nodes = 3;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let calm = engine.first(EventType::ClusterStateSynced).await;
    let names: Vec<_> = engine.state().await.workers.into_keys().collect();
    for name in &names[..2] {
        simulated::kill(folder.path(), name).unwrap();
    }
    engine.event_after(EventType::MinimumNodesRestored, calm.event_id).await;
    let events: Vec<_> = engine.events().await.into_iter().filter(|event| event.event_id > calm.event_id).collect();
    let lost: Vec<_> = events.iter().filter(|event| event.event_type() == EventType::NodeUnexpectedlyLost).collect();
    assert_eq!(lost.len(), 2);
    if matches!(&lost[0].data, EventData::NodeUnexpectedlyLost(data) if data.lost_together == 2) {
        assert_chain(
            &events,
            &[
                (EventType::NodeUnexpectedlyLost, None),
                (EventType::MinimumNodesViolation, Some(EventType::NodeUnexpectedlyLost)),
                (EventType::EmergencyScaleUp, Some(EventType::MinimumNodesViolation)),
                (EventType::ScaleUpStarted, Some(EventType::EmergencyScaleUp)),
                (EventType::ScalingActionCompleted, Some(EventType::NodeReady)),
                (EventType::MinimumNodesRestored, Some(EventType::ScalingActionCompleted)),
            ],
        );
        let emergency = events.iter().find(|event| event.event_type() == EventType::EmergencyScaleUp).unwrap();
        assert!(
            matches!(&emergency.data, EventData::EmergencyScaleUp(data) if (data.lost_count, data.emergency_scale) == (2, 2)),
            "{emergency:?}"
        );
    } else {
        // The look came between the two: no emergency, and all is restored the same.
        assert!(events.iter().any(|event| event.event_type() == EventType::AutoScaleUpToMinimum));
    }
    let state = engine.until("three workers", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    assert!(names[..2].iter().all(|name| !state.workers.contains_key(name)));
    engine.stop().await;
}

#[tokio::test]
async fn flapping_load_acts_no_more_often_than_the_cooldowns_allow() {
    let (redis, folder) = places();
    let phases = "  - { at: 0s, cpu_demand: 3.4, memory_demand: 1.0, step: true }\n  - { at: 1s, cpu_demand: 0.2, memory_demand: 0.2, step: true }\nloop_after: 2s\n";
    let mut config = in_scenario(folder.path(), phases);
    config.autoscaler.cooldowns.scale_up = Span::seconds(3);
    config.autoscaler.cooldowns.scale_down = Span::seconds(4);
    config.autoscaler.windows.underutilization = Span::millis(500);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.event("three rounds of it", |_| true).await;
    tokio::time::sleep(Duration::from_secs(14)).await;
    let events = engine.events().await;
    let mut decisions = 0;
    for (decision, direction) in
        [(EventType::ScaleUpDecision, Direction::Up), (EventType::ScaleDownDecision, Direction::Down)]
    {
        let rests = events.iter().filter_map(|event| match &event.data {
            EventData::CooldownStarted(data) if data.direction == direction => Some((event.timestamp, data.until)),
            _ => None,
        });
        let rests: Vec<_> = rests.collect();
        for event in events.iter().filter(|event| event.event_type() == decision) {
            decisions += 1;
            let resting = rests.iter().find(|(from, until)| *from < event.timestamp && event.timestamp < *until);
            assert_eq!(resting, None, "{event:?} in a cooldown");
        }
    }
    assert!(decisions >= 1, "the load should have led to something");
    engine.stop().await;
}

#[tokio::test]
async fn a_worker_that_nobody_knew_is_taken_over_and_the_state_is_in_sync() {
    if !docker::available("a_worker_that_nobody_knew_is_taken_over_and_the_state_is_in_sync") {
        return;
    }
    let (redis, folder) = places();
    let cluster = TestCluster::new();
    let engine = RunningEngine::start(&redis.url(), &docker_config(&cluster), folder.path()).await;
    let calm = engine.first(EventType::ClusterStateSynced).await;
    let name = cluster.name(77);
    docker::docker(&[
        "run",
        "-d",
        "--init",
        "--name",
        &name,
        "--label",
        &format!("windlass.cluster={}", cluster.id),
        "--label",
        &format!("windlass.worker={name}"),
        "--label",
        "windlass.kind=dynamic",
        docker::IMAGE,
        "sleep",
        "3600",
    ]);
    let adopted = engine.event_after(EventType::NodeAdopted, calm.event_id).await;
    assert!(matches!(&adopted.data, EventData::NodeAdopted(data) if data.node_name.as_str() == name), "{adopted:?}");
    let synced = engine.event_after(EventType::ClusterStateSynced, calm.event_id).await;
    let EventData::ClusterStateSynced(data) = &synced.data else { panic!("{synced:?}") };
    assert_eq!((data.docker_containers, data.db_workers), (3, 3));
    assert_eq!(synced.caused_by, Some(adopted.event_id));
    engine.stop().await;
}

#[tokio::test]
async fn what_lasts_is_reported_once_also_over_restarts() {
    let (redis, folder) = places();
    let phases = "  - { at: 0s, cpu_demand: 9.0, memory_demand: 1.0 }\n";
    let mut config = in_scenario(folder.path(), phases);
    config.autoscaler.limits.max_nodes = 2;
    let mut engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine
        .event(
            "the maximum",
            |event| matches!(&event.data, EventData::ScaleUpBlocked(data) if data.reason == "maximum"),
        )
        .await;
    for _ in 0..3 {
        engine.crash().await;
        engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
        let again = engine.command(scale(Direction::Up, 1)).await;
        assert_eq!(again.event_type(), EventType::CommandRefused);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let events = engine.events().await;
    let count = |wanted: EventType| events.iter().filter(|event| event.event_type() == wanted).count();
    assert_eq!(count(EventType::ResourcePressureAlert), 1);
    assert_eq!(count(EventType::MinimumNodesViolation), 1);
    assert_eq!(count(EventType::MinimumNodesRestored), 1);
    assert!(count(EventType::ScaleUpBlocked) <= 2, "one for a cooldown, one for the maximum");
    engine.stop().await;
}

/// The seed's normal scale-down with real containers: they do nothing, so the third one goes.
#[tokio::test]
async fn idle_containers_go_down_to_the_minimum() {
    if !docker::available("idle_containers_go_down_to_the_minimum") {
        return;
    }
    let (redis, folder) = places();
    let cluster = TestCluster::new();
    let mut config = docker_config(&cluster);
    config.workers.memory = Some("64mb".parse().unwrap());
    config.autoscaler.cooldowns.scale_down = Span::seconds(1);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let begun = engine.command(scale(Direction::Up, 1)).await.event_id;
    let removed = engine.event_after(EventType::NodeRemoved, begun).await;
    engine.event_after(EventType::ClusterStateSynced, removed.event_id).await;
    let events: Vec<_> = engine.events().await.into_iter().filter(|event| event.event_id > begun).collect();
    assert_chain(
        &events,
        &[
            (EventType::UnderutilizationWarning, None),
            (EventType::OptimalStateTrigger, Some(EventType::UnderutilizationWarning)),
            (EventType::ScaleDownDecision, Some(EventType::UnderutilizationWarning)),
            (EventType::ScaleDownStarted, Some(EventType::ScaleDownDecision)),
            (EventType::ScalingActionCompleted, Some(EventType::NodeRemovalConfirmed)),
            (EventType::ClusterStateSynced, Some(EventType::ScalingActionCompleted)),
        ],
    );
    assert_eq!(cluster.containers().len(), 2);
    engine.stop().await;
}

/// The seed's resource pressure with real containers: they are busy, up to their limits.
#[tokio::test]
async fn busy_containers_are_joined_by_more() {
    if !docker::available("busy_containers_are_joined_by_more") {
        return;
    }
    let (redis, folder) = places();
    let cluster = TestCluster::new();
    let mut config = docker_config(&cluster);
    config.workers.command = ["sh", "-c", "while true; do true; done"].map(str::to_owned).to_vec();
    config.workers.cpus = Some(0.05);
    config.autoscaler.limits.max_nodes = 3;
    // Over too short a time a throttled container is busy or still, and nothing between.
    config.autoscaler.check_interval = Span::seconds(1);
    config.autoscaler.thresholds.cpu_high = 60.0;
    config.autoscaler.cooldowns.scale_up = Span::seconds(1);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let alert = engine.first(EventType::ResourcePressureAlert).await;
    let caused =
        |event: &Event| event.event_type() == EventType::ScaleUpDecision && event.caused_by == Some(alert.event_id);
    let decision = engine.event("the decision", caused).await;
    let done = engine
        .event("the end of it", |event| {
            event.event_type() == EventType::ScalingActionCompleted && event.correlation_id == decision.correlation_id
        })
        .await;
    assert!(matches!(&done.data, EventData::ScalingActionCompleted(data) if data.new_workers == 3), "{done:?}");
    assert_eq!(cluster.containers().len(), 3);
    engine.stop().await;
}
