//! An engine whose Redis fails in every way that it can: the minimum is kept, nothing is removed, and afterwards log and state agree.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::time::Duration;

use support::engine::{RunningEngine, connect, listing, scale};
use support::outage::{
    assert_sound, calm, change_password, change_password_back, knowing_the_password, lose_a_worker, protects, quiet,
    restored, server,
};
use support::redis::{self, TestRedis};
use windlass::bus::replay;
use windlass::engine::Standing;
use windlass::model::{Action, Direction, EventData, EventType, ReplicaId, Scope};

/// The whole of an outage in which a worker is lost.
async fn outage(break_it: impl AsyncFn(&mut TestRedis), mend_it: impl AsyncFn(&mut TestRedis)) {
    let (mut redis, folder) = (server(), tempfile::tempdir().unwrap());
    let engine = calm(&redis, &quiet("c1"), &folder).await;
    break_it(&mut redis).await;
    engine.stands("leading without Redis", protects).await;
    lose_a_worker(&engine).await;
    engine.alive(2).await;
    mend_it(&mut redis).await;
    let (data, events) = restored(&engine).await;
    assert!(data.events_kept > 0 && data.events_dropped == 0, "{data:?}");
    let lost: Vec<_> = events.iter().filter(|event| event.event_type() == EventType::NodeUnexpectedlyLost).collect();
    assert_eq!(lost.len(), 1, "{}", listing(&events));
    let degraded = events.iter().find(|event| event.event_type() == EventType::StoreDegraded).unwrap();
    assert!(lost[0].timestamp < degraded.timestamp, "what happened meanwhile has its own time");
    assert_sound(&engine).await;
    engine.stands("leading", |standing| *standing == Standing::Leader).await;
    let answer = engine.command(scale(Direction::Up, 1)).await;
    assert_eq!(answer.event_type(), EventType::ScaleUpDecision, "{answer:?}");
    engine.until("a third worker", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    assert_sound(&engine).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_redis_that_is_killed() {
    outage(async |redis| redis.kill(), async |redis| redis.restart()).await;
}

#[tokio::test]
async fn a_redis_that_pauses_its_clients() {
    let pause = async |redis: &mut TestRedis| drop(redis.command(&["CLIENT", "PAUSE", "9000", "ALL"]));
    outage(pause, async |_| {}).await;
}

#[tokio::test]
async fn a_redis_that_sleeps() {
    let sleep = async |redis: &mut TestRedis| {
        let socket = redis.socket();
        std::thread::spawn(move || redis::ask(&socket, &["DEBUG", "SLEEP", "9"]));
    };
    outage(sleep, async |_| {}).await;
}

#[tokio::test]
async fn a_redis_process_that_is_stopped() {
    outage(async |redis| redis.pause(), async |redis| redis.resume()).await;
}

#[tokio::test]
async fn a_redis_that_is_out_of_memory() {
    let limit = |redis: &TestRedis, bytes| assert_eq!(redis.command(&["CONFIG", "SET", "maxmemory", bytes]), "+OK\r\n");
    outage(async |redis| limit(redis, "1"), async |redis| limit(redis, "0")).await;
}

#[tokio::test]
async fn a_redis_that_becomes_a_replica() {
    let demote = async |redis: &mut TestRedis| drop(redis.command(&["REPLICAOF", "127.0.0.1", "1"]));
    outage(demote, async |redis| drop(redis.command(&["REPLICAOF", "NO", "ONE"]))).await;
}

#[tokio::test]
async fn a_redis_whose_password_was_changed() {
    outage(change_password, change_password_back).await;
}

/// These are no outage, or none that anybody would notice.
#[tokio::test]
async fn flushed_scripts_and_cut_connections_stop_nothing() {
    let (redis, folder) = (server(), tempfile::tempdir().unwrap());
    let engine = calm(&redis, &quiet("c1"), &folder).await;
    for words in [&["SCRIPT", "FLUSH"][..], &["CLIENT", "KILL", "TYPE", "normal"]] {
        let before = engine.events().await.last().unwrap().event_id;
        redis.command(words);
        lose_a_worker(&engine).await;
        engine.event_after(EventType::MinimumNodesRestored, before).await;
        engine.stands("leading", |standing| *standing == Standing::Leader).await;
        engine.until("calm", |state| state.operations.is_empty()).await;
        assert_sound(&engine).await;
    }
    engine.stop().await;
}

/// What a decision set off before Redis went is carried on with, and told to Redis afterwards; nothing is made twice.
#[tokio::test]
async fn work_that_was_under_way_goes_on() {
    let (mut redis, folder) = (server(), tempfile::tempdir().unwrap());
    let engine = calm(&redis, &quiet("c1"), &folder).await;
    let answer = engine.command(scale(Direction::Up, 2)).await;
    redis.kill();
    engine.stands("leading without Redis", protects).await;
    engine.alive(4).await;
    redis.restart();
    restored(&engine).await;
    let state = engine.until("four workers", |state| state.worker_count() == 4 && state.operations.is_empty()).await;
    assert_eq!(state.operation_history.front().unwrap().operation.id, answer.correlation_id.unwrap());
    assert_sound(&engine).await;
    engine.stop().await;
}

/// A scale-down that was decided before Redis went waits until it can be remembered.
#[tokio::test]
async fn a_removal_waits_for_redis() {
    let (mut redis, folder) = (server(), tempfile::tempdir().unwrap());
    let engine = calm(&redis, &quiet("c1"), &folder).await;
    engine.command(scale(Direction::Up, 2)).await;
    engine.until("four workers", |state| state.worker_count() == 4 && state.operations.is_empty()).await;
    engine.command(scale(Direction::Down, 2)).await;
    redis.kill();
    engine.stands("leading without Redis", protects).await;
    let then = engine.cluster.host.list().await.unwrap().len();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(engine.cluster.host.list().await.unwrap().len(), then, "nothing is removed meanwhile");
    redis.restart();
    engine.first(EventType::StoreRestored).await;
    engine.until("two workers", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
    engine.stop().await;
}

#[tokio::test]
async fn one_of_two_stops_acting_when_its_lease_ends() {
    let (mut redis, folder) = (server(), tempfile::tempdir().unwrap());
    let first = calm(&redis, &quiet("c1"), &folder).await;
    let second = RunningEngine::start(&redis.url(), &quiet("c1"), folder.path()).await;
    while first.store.replicas().await.unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The first one has to have counted the second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.kill();
    let idle = |standing: &Standing| matches!(standing, Standing::WithoutStore { protects: false, .. });
    first.stands("the end of its lease", idle).await;
    lose_a_worker(&first).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(first.cluster.host.list().await.unwrap().len(), 1, "nobody may act");
    redis.restart();
    first.alive(2).await;
    first.until("calm", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    assert_sound(&first).await;
    first.stop().await;
    second.stop().await;
    let left = connect(&redis.url(), &quiet("c1")).await.replicas().await.unwrap();
    assert_eq!(left, [], "a clean exit leaves the list");
}

#[tokio::test]
async fn a_full_outbox_drops_the_oldest_and_the_cluster_tells_the_rest() {
    let (mut redis, folder) = (server(), tempfile::tempdir().unwrap());
    let mut config = quiet("c1");
    config.redis.outbox = 12;
    let engine = calm(&redis, &config, &folder).await;
    redis.kill();
    engine.stands("leading without Redis", protects).await;
    for _ in 0..3 {
        lose_a_worker(&engine).await;
        engine.alive(2).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    redis.restart();
    let restored = engine.first(EventType::StoreRestored).await;
    let EventData::StoreRestored(data) = &restored.data else { panic!("{restored:?}") };
    assert!(data.events_dropped > 0 && data.events_kept >= 12, "{data:?}");
    // Which workers there are is for the cluster to tell, and it may take a further operation until both agree.
    engine.event_after(EventType::ClusterStateSynced, restored.event_id).await;
    let state = engine.until("calm", |state| state.operations.is_empty() && state.worker_count() >= 2).await;
    assert!(state.workers.keys().eq(engine.cluster.host.list().await.unwrap().keys()), "{:?}", state.workers);
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
    engine.stop().await;
}

#[tokio::test]
async fn where_another_replica_led_meanwhile_nothing_is_recorded() {
    let (mut redis, folder) = (server(), tempfile::tempdir().unwrap());
    let engine = calm(&redis, &quiet("c1"), &folder).await;
    change_password(&mut redis).await;
    engine.stands("leading without Redis", protects).await;
    lose_a_worker(&engine).await;
    engine.alive(2).await;

    let store = knowing_the_password(&redis).await;
    let other = ReplicaId("another:1:x".to_owned());
    while store.acquire_lease(&other, Duration::from_secs(5)).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let info = store.snapshot().await.unwrap().engine.unwrap();
    store.announce(&windlass::model::EngineInfo { replica: other.clone(), ..info }).await.unwrap();
    store.release_lease(&other).await.unwrap();
    change_password_back(&mut redis).await;

    let (data, events) = restored(&engine).await;
    assert!(data.events_dropped > 0 && data.events_kept == 0, "{data:?}");
    engine.until("two workers", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    assert!(events.iter().any(|event| event.event_type() == EventType::StoreRestored));
    assert_eq!(engine.cluster.host.list().await.unwrap().len(), 2, "nothing is made twice");
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_is_told_what_the_cluster_cannot_tell() {
    let (mut redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = calm(&redis, &quiet("c1"), &folder).await;
    engine.command(Action::Hold { scope: Scope::Down, seconds: 600 }).await;
    let held = engine.until("a hold", |state| state.holds.down.is_some()).await.holds.down.unwrap();
    redis.kill();
    engine.stands("leading without Redis", protects).await;
    lose_a_worker(&engine).await;
    engine.alive(2).await;
    let before = engine.cluster.host.list().await.unwrap();
    redis.restart();
    engine.first(EventType::StoreRestored).await;
    let state = engine.until("both workers", |state| state.worker_count() == 2).await;
    let after = engine.cluster.host.list().await.unwrap();
    assert!(before.keys().eq(after.keys()), "nothing is deleted");
    assert!(state.workers.keys().eq(after.keys()));
    let known = engine.state().await.holds.down.unwrap();
    assert_eq!((known.until, known.actor.to_string(), known.reason), (held.until, "anna".to_owned(), held.reason));
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
    engine.stop().await;
}
