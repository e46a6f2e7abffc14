//! The engine on a real Redis: with the simulated cluster, and with real Docker containers.

mod support;

use std::time::Duration;

use support::docker::{self, TestCluster};
use support::engine::{RunningEngine, assert_chain, brisk, docker_config, listing, scale};
use support::redis::TestRedis;
use windlass::config::Span;
use windlass::model::{Action, Direction, Event, EventData, EventType, Scope};

#[tokio::test]
async fn a_container_killed_by_hand_is_noticed_and_replaced() {
    if !docker::available("a_container_killed_by_hand_is_noticed_and_replaced") {
        return;
    }
    let (redis, folder, cluster) = (TestRedis::start(), tempfile::tempdir().unwrap(), TestCluster::new());
    let engine = RunningEngine::start(&redis.url(), &docker_config(&cluster), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let before = cluster.containers();
    assert_eq!(before.len(), 2, "the minimum is made: {before:?}");
    let calm = engine.events().await.last().unwrap().event_id;

    docker::docker(&["rm", "-f", &before[0]]);
    engine.event_after(EventType::ClusterStateSynced, calm).await;
    let events: Vec<_> = engine.events().await.into_iter().filter(|event| event.event_id > calm).collect();
    assert_chain(
        &events,
        &[
            (EventType::NodeUnexpectedlyLost, None),
            (EventType::MinimumNodesViolation, Some(EventType::NodeUnexpectedlyLost)),
            (EventType::AutoScaleUpToMinimum, Some(EventType::MinimumNodesViolation)),
            (EventType::ScaleUpStarted, Some(EventType::AutoScaleUpToMinimum)),
            (EventType::NodeCreated, Some(EventType::ScaleUpStarted)),
            (EventType::NodeRegistered, Some(EventType::NodeCreated)),
            (EventType::NodeReady, Some(EventType::NodeRegistered)),
            (EventType::ScalingActionCompleted, Some(EventType::NodeReady)),
            (EventType::MinimumNodesRestored, Some(EventType::ScalingActionCompleted)),
            (EventType::ClusterStateSynced, Some(EventType::MinimumNodesRestored)),
        ],
    );
    let after = cluster.containers();
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(!after.contains(&before[0]), "it is another container");
    engine.stop().await;
    assert_eq!(cluster.containers(), after, "a clean exit leaves the workers alone");
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_scale_up_leaves_no_orphan_and_no_double() {
    if !docker::available("a_crash_in_the_middle_of_a_scale_up_leaves_no_orphan_and_no_double") {
        return;
    }
    let (redis, folder, cluster) = (TestRedis::start(), tempfile::tempdir().unwrap(), TestCluster::new());
    let config = docker_config(&cluster);
    // At a different moment each time: before, during and after the containers are made.
    for (round, pause) in [0_u64, 15, 60, 150, 300].into_iter().enumerate() {
        let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
        engine.until("calm", |state| state.operations.is_empty() && state.worker_count() >= 2).await;
        let surplus = engine.state().await.worker_count() - 2;
        if surplus > 2 {
            let down = engine.command(scale(Direction::Down, surplus)).await;
            assert_eq!(down.event_type(), EventType::ScaleDownDecision, "{down:?}");
            engine.until("calm", |state| state.operations.is_empty() && state.worker_count() == 2).await;
        }
        let workers = engine.state().await.worker_count();
        let answer = engine.command(scale(Direction::Up, 2)).await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        engine.crash().await;

        let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
        let operation = answer.correlation_id;
        let ended = engine
            .event("the end of the operation", |event| {
                event.correlation_id == operation
                    && matches!(event.event_type(), EventType::ScalingActionCompleted | EventType::ScalingActionFailed)
            })
            .await;
        assert_eq!(ended.event_type(), EventType::ScalingActionCompleted, "round {round}: {ended:?}");
        let state = engine.state().await;
        let mut remembered: Vec<_> = state.workers.values().map(|worker| worker.container_id.0.clone()).collect();
        let mut real = cluster.containers();
        remembered.sort();
        real.sort();
        assert_eq!(real, remembered, "round {round}: what is remembered is what there is");
        assert_eq!(state.worker_count(), workers + 2, "round {round}");
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_restart_keeps_cooldowns_counters_holds_and_histories() {
    let (mut redis, folder) = (TestRedis::durable(), tempfile::tempdir().unwrap());
    let config = brisk("c1");
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::MinimumNodesRestored).await;
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("three workers", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    let held = engine.command(Action::Hold { scope: Scope::All, seconds: 600 }).await;
    assert_eq!(held.event_type(), EventType::HoldPlaced);
    engine.until("both holds", |state| state.holds.down.is_some()).await;
    let before = engine.state().await;
    let epoch = engine.store.leader().await.unwrap().unwrap().epoch;
    engine.crash().await;
    redis.restart();

    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine
        .event(
            "a second leader",
            |event| matches!(&event.data, EventData::LeaderElected(data) if data.epoch == epoch + 1),
        )
        .await;
    let after = engine.state().await;
    assert_eq!(after.workers, before.workers);
    assert_eq!(after.cooldowns, before.cooldowns);
    assert!(after.cooldowns.up.is_some() && after.cooldowns.down.is_some());
    assert_eq!(after.holds, before.holds);
    assert_eq!(after.scaling, before.scaling);
    assert_eq!(after.scaling.count.up, 2);
    assert_eq!(after.worker_counter, 3);
    assert_eq!(after.operation_history, before.operation_history);
    assert_eq!(after.enforcer.violations, 1);
    engine.stop().await;
}

#[tokio::test]
async fn a_hold_on_up_stops_even_the_minimum_and_says_so() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let config = brisk("c1");
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    engine.command(Action::Hold { scope: Scope::Up, seconds: 600 }).await;
    let refused = engine.command(scale(Direction::Up, 1)).await;
    assert!(matches!(&refused.data, EventData::CommandRefused(no) if no.reason == "hold"), "{refused:?}");

    let victim = engine.state().await.workers.keys().next().unwrap().clone();
    engine.cluster.host.remove(&victim).await.unwrap();
    let stopped = |event: &Event| matches!(&event.data, EventData::ScaleUpBlocked(data) if data.enforcement && data.reason == "hold");
    engine.event("the enforcement's block", stopped).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(engine.state().await.worker_count(), 1, "nothing is added under the hold");

    let released = engine.command(Action::Release { scope: Scope::Up }).await;
    assert_eq!(released.event_type(), EventType::HoldReleased);
    engine.until("the minimum", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    engine.stop().await;
}

#[tokio::test]
async fn commands_end_in_events_that_name_the_person() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let too_many = engine.command(scale(Direction::Up, 50)).await;
    assert!(matches!(&too_many.data, EventData::CommandRefused(no) if no.reason == "limit"), "{too_many:?}");
    assert_eq!(too_many.actor.to_string(), "anna");

    let victim = engine.state().await.workers.keys().next().unwrap().clone();
    let protected = engine.command(Action::Protect { worker: victim.clone() }).await;
    assert_eq!(protected.event_type(), EventType::WorkerProtected);
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("three workers", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    let named =
        Action::Scale { direction: Direction::Down, count: 1, worker: Some(victim.clone()), honor_cooldown: false };
    let refused = engine.command(named.clone()).await;
    assert!(matches!(&refused.data, EventData::CommandRefused(no) if no.reason == "worker"), "{refused:?}");
    engine.command(Action::Unprotect { worker: victim.clone() }).await;
    let taken = engine.command(named).await;
    assert_eq!(taken.event_type(), EventType::ScaleDownDecision);
    let state = engine.until("it to go", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    assert!(!state.workers.contains_key(&victim));

    let asked = engine.command(Action::Reconcile).await;
    let synced = engine.event_after(EventType::ClusterStateSynced, asked.event_id).await;
    assert_eq!(synced.caused_by, Some(asked.event_id));
    engine.stop().await;
}

#[tokio::test]
async fn a_dry_run_decides_and_reports_and_touches_nothing() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let mut config = brisk("c1");
    config.autoscaler.dry_run = true;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::MinimumNodesViolation).await;
    let refused = engine.command(scale(Direction::Up, 1)).await;
    assert!(matches!(&refused.data, EventData::CommandRefused(no) if no.reason == "dry_run"), "{refused:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(engine.cluster.host.list().await.unwrap().is_empty());
    let events = engine.events().await;
    assert!(events.iter().all(|event| event.event_type() != EventType::AutoScaleUpToMinimum), "{}", listing(&events));
    engine.stop().await;
}

#[tokio::test]
async fn a_docker_that_does_not_answer_changes_nothing() {
    if !docker::available("a_docker_that_does_not_answer_changes_nothing") {
        return;
    }
    let (redis, folder, cluster) = (TestRedis::start(), tempfile::tempdir().unwrap(), TestCluster::new());
    let config = docker_config(&cluster);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let before = engine.state().await.workers;
    engine.stop().await;

    let mut down = config.clone();
    down.cluster.docker.host = Some(format!("unix://{}/nobody.sock", folder.path().display()));
    let engine = RunningEngine::start(&redis.url(), &down, folder.path()).await;
    engine.first(EventType::ClusterUnreachable).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(engine.state().await.workers, before, "nothing is concluded from an outage");
    engine.stop().await;

    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterReachable).await;
    assert_eq!(engine.state().await.workers, before);
    engine.stop().await;
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_undone_and_tried_again_later_and_later() {
    if !docker::available("a_worker_that_cannot_start_is_undone_and_tried_again_later_and_later") {
        return;
    }
    let (redis, folder, cluster) = (TestRedis::start(), tempfile::tempdir().unwrap(), TestCluster::new());
    let mut config = docker_config(&cluster);
    config.autoscaler.limits.min_nodes = 1;
    config.workers.command = vec!["false".to_owned()];
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let failed = engine.first(EventType::ScalingActionFailed).await;
    let node = engine.first(EventType::NodeFailed).await;
    assert!(matches!(&node.data, EventData::NodeFailed(data) if data.reason.contains("code 1")), "{node:?}");
    let stopped = engine.event("the pause", |event| matches!(&event.data, EventData::ScaleUpBlocked(_))).await;
    assert!(matches!(&stopped.data, EventData::ScaleUpBlocked(data) if data.enforcement), "{stopped:?}");
    let again = engine.event_after(EventType::AutoScaleUpToMinimum, failed.event_id).await;
    let pause = again.timestamp - failed.timestamp;
    assert!(pause >= chrono::TimeDelta::seconds(5), "the second attempt came after {pause}");
    engine.event_after(EventType::ScalingActionFailed, again.event_id).await;
    engine.until("an end", |state| state.operations.is_empty()).await;
    let begun = engine.events().await.len();
    engine
        .event(
            "the sweeping",
            |event| matches!(&event.data, EventData::NodeRemoved(data) if data.reason == "dead_container"),
        )
        .await;
    assert!(begun > 0 && engine.state().await.workers.is_empty());
    engine.stop().await;
}

#[tokio::test]
async fn a_redis_that_goes_and_comes_back_is_reported_and_nothing_is_lost() {
    let (mut redis, folder) = (TestRedis::durable(), tempfile::tempdir().unwrap());
    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let before = engine.state().await.workers;
    redis.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.restart();
    let restored = engine.first(EventType::StoreRestored).await;
    let degraded = engine.first(EventType::StoreDegraded).await;
    assert_eq!(restored.caused_by, Some(degraded.event_id));
    assert!(matches!(&restored.data, EventData::StoreRestored(data) if data.duration >= 1.0), "{restored:?}");
    assert_eq!(engine.state().await.workers, before);
    let answer = engine.command(scale(Direction::Up, 1)).await;
    assert_eq!(answer.event_type(), EventType::ScaleUpDecision);
    engine.until("a third worker", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    engine.stop().await;
}

#[tokio::test]
async fn of_two_replicas_one_leads_and_the_other_takes_over_at_once() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let mut config = brisk("c1");
    // Who only asks now and then whether the lease has ended would come too late.
    config.leader.lease = Span::seconds(600);
    let first = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    first.first(EventType::ClusterStateSynced).await;
    let second = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let elections =
        |events: Vec<Event>| events.into_iter().filter(|event| event.event_type() == EventType::LeaderElected).count();
    assert_eq!(elections(second.events().await), 1, "the second one follows");
    let epoch = first.store.leader().await.unwrap().unwrap().epoch;
    first.stop().await;
    second
        .event(
            "the second leader",
            |event| matches!(&event.data, EventData::LeaderElected(data) if data.epoch == epoch + 1),
        )
        .await;
    assert_eq!(second.state().await.worker_count(), 2);
    second.stop().await;
}

/// Seed 002's scale-down: at rest above the minimum, windlass goes down to it by itself, in the seed's order of steps.
#[tokio::test]
async fn idleness_goes_down_to_the_minimum_in_the_seeds_order() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let scenario = folder.path().join("idle.yaml");
    std::fs::write(
        &scenario,
        "name: idle\ndescription: nothing to do\nloop_after: 60\nstartup: 0.2\nphases:\n  - { at: 0, cpu_demand: 0.2, memory_demand: 0.3 }\n",
    )
    .unwrap();
    let mut config = brisk("c1");
    config.cluster.simulated.scenario = Some(scenario.display().to_string());
    config.autoscaler.cooldowns.scale_down = Span::seconds(1);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let begun = engine.command(scale(Direction::Up, 1)).await.event_id;
    engine.until("three workers", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    let down = engine.event_after(EventType::ScaleDownStarted, begun).await;
    engine.event_after(EventType::ClusterStateSynced, down.event_id).await;
    let events: Vec<_> = engine.events().await.into_iter().filter(|event| event.event_id > begun).collect();
    assert_chain(
        &events,
        &[
            (EventType::ClusterStateSynced, Some(EventType::ScalingActionCompleted)),
            (EventType::UnderutilizationWarning, None),
            (EventType::OptimalStateTrigger, Some(EventType::UnderutilizationWarning)),
            (EventType::ScaleDownDecision, Some(EventType::UnderutilizationWarning)),
            (EventType::ScaleDownStarted, Some(EventType::ScaleDownDecision)),
            (EventType::NodeRemovalConfirmed, Some(EventType::NodeRemoved)),
            (EventType::ScalingActionCompleted, Some(EventType::NodeRemovalConfirmed)),
            (EventType::OptimalStateTrigger, None),
            (EventType::ClusterStateSynced, Some(EventType::ScalingActionCompleted)),
        ],
    );
    engine.stop().await;
}
