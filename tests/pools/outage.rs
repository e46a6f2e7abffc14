//! Pools while Redis or their leader is away.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use windlass::bus;
use windlass::clock;
use windlass::cluster::pools::{PoolContainerRequest, PoolHost};
use windlass::config::{Config, Span};
use windlass::engine::Standing;
use windlass::model::{Action, Actor, Command, ContainerStatus, Direction, Event, EventData, EventType};

use crate::stage::{COOLDOWN, Stage, all, function, pooled, wait};
use crate::support::engine::RunningEngine;
use crate::support::redis::TestRedis;

const LEASE: Duration = Duration::from_secs(1);

fn with_lease(min: u32, max: u32) -> Config {
    let mut config = pooled("c1", min, max);
    config.leader.lease = Span::millis(1000);
    config
}

fn host(config: &Config, folder: &TempDir) -> Arc<dyn PoolHost> {
    windlass::cluster::connect_pools(config, folder.path()).unwrap()
}

/// Somebody adds a container by hand.
async fn add(config: &Config, folder: &TempDir, number: u32) {
    let name = format!("c1-hello-{number}");
    let (function, image) = (function("hello"), "hello:1".to_owned());
    let request = PoolContainerRequest { function, name, image, port: 8080, ordered_by: None };
    host(config, folder).create(&request).await.unwrap();
}

#[tokio::test]
async fn one_of_several_makes_nothing_once_its_lease_has_run_out() {
    let config = with_lease(1, 3);
    let mut stage = Stage::set_on(TestRedis::durable(), &config).await;
    stage.until("a container", |pool| pool.verified && all(pool, ContainerStatus::Healthy)).await;
    let follower = RunningEngine::start(&stage.redis.url(), &config, stage.folder.path()).await;
    wait("the follower knows whom to call", || follower.pools.healthiest("hello").is_some()).await;
    // The leader has to hear that it is not alone, which it does every third of the lease.
    tokio::time::sleep(LEASE * 2).await;
    stage.redis.kill();
    let rests = |standing: &Standing| matches!(standing, Standing::WithoutStore { protects: false, .. });
    stage.engine.stands("it stops acting", rests).await;
    stage.calls(Some(500.0));
    stage.until("it sees the overload", |pool| all(pool, ContainerStatus::Overloaded)).await;
    tokio::time::sleep(COOLDOWN * 2).await;
    assert_eq!(host(&config, &stage.folder).list().await.unwrap().len(), 1, "the other one may decide otherwise");
    stage.redis.restart();
    let grown = || async { host(&config, &stage.folder).list().await.unwrap().len() == 3 };
    for _ in 0..1000 {
        if grown().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(grown().await, "whoever leads relieves it");
    follower.stop().await;
    stage.clear().await;
}

#[tokio::test]
async fn a_sole_replica_goes_on_relieving_overload() {
    let config = with_lease(1, 3);
    let mut stage = Stage::set_on(TestRedis::durable(), &config).await;
    stage.until("a container", |pool| pool.verified && all(pool, ContainerStatus::Healthy)).await;
    // It has to hear that it is alone.
    tokio::time::sleep(LEASE * 2).await;
    stage.redis.kill();
    tokio::time::sleep(LEASE * 2).await;
    stage.calls(Some(500.0));
    stage.until("three containers", |pool| pool.containers.len() == 3).await;
    stage.redis.restart();
    stage.engine.first(EventType::StoreRestored).await;
    stage.calls(Some(30.0));
    let grew = |event: &Event| matches!(&event.data, EventData::PoolScaledUp(data) if data.new_containers == 3);
    stage.engine.event("what happened meanwhile is told", grew).await;
    stage.clear().await;
}

/// The containers are made, and Redis goes before the answer is written: the command is heard again when it is back, and answered once.
#[tokio::test]
async fn an_answer_that_had_to_wait_is_given_once() {
    let config = with_lease(1, 3);
    let mut stage = Stage::set_on(TestRedis::durable(), &config).await;
    stage.until("a container", |pool| pool.verified && all(pool, ContainerStatus::Healthy)).await;
    let now = clock::now();
    let action = Action::PoolScale { function: function("hello"), direction: Direction::Up, count: 1 };
    let actor = Actor::Person("anna".to_owned());
    let command =
        Command { command_id: clock::fresh_id(now), issued_at: now, actor, reason: "test".to_owned(), action };
    // While this is held, nobody gets at the containers.
    let lock = File::options().append(true).open(stage.folder.path().join("simulated-pools.lock")).unwrap();
    lock.lock().unwrap();
    bus::send(&stage.engine.store, &command).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.redis.kill();
    drop(lock);
    // On a machine so slow that nobody had heard the command yet, it is heard after the outage, and all else is the same.
    for _ in 0..100 {
        if stage.pool().containers.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.redis.restart();
    let restored = stage.engine.first(EventType::StoreRestored).await;
    // What is heard after it was heard before it: the commands are in order.
    let second = stage.scale(Direction::Up, 1).await;
    assert!(second.event_id > restored.event_id);
    let events = stage.engine.events().await;
    let answers: Vec<&Event> = events.iter().filter(|event| event.caused_by == Some(command.command_id)).collect();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    stage.clear().await;
}

/// The clock of a container that somebody else made begins when it is found, however long it has been there.
#[tokio::test]
async fn what_is_adopted_is_left_its_whole_cooldown() {
    let config = with_lease(1, 3);
    let stage = Stage::set(&config).await;
    stage.calls(Some(0.0));
    stage.until("an idle container", |pool| pool.verified && all(pool, ContainerStatus::Idle)).await;
    add(&config, &stage.folder, 2).await;
    let adopted = stage.engine.event("its adoption", |event| names(event, "adopted", "c1-hello-2")).await;
    add(&config, &stage.folder, 3).await;
    stage.until("one container", |pool| pool.containers.len() == 1).await;
    for went in stage.engine.events().await.iter().filter(|event| names(event, "idle", "c1-hello-2")) {
        assert!(went.timestamp >= clock::after(adopted.timestamp, COOLDOWN), "{adopted:?} {went:?}");
    }

    // The same while nobody leads: the one that begins finds it, and has never seen it at work.
    let Stage { redis, engine, folder } = stage;
    engine.crash().await;
    let host = host(&config, &folder);
    for left in host.list().await.unwrap() {
        host.remove(&left.id).await.unwrap();
    }
    for number in 7..10 {
        add(&config, &folder, number).await;
    }
    tokio::time::sleep(COOLDOWN * 2).await;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let found = |event: &Event| matches!(&event.data, EventData::PoolsRecovered(data) if data.adopted == 3);
    let found = engine.event("their adoption", found).await;
    let stage = Stage { redis, engine, folder };
    stage.until("one container", |pool| pool.containers.len() == 1).await;
    let events = stage.engine.events().await;
    let later = events.iter().filter(|event| event.event_id > found.event_id);
    let went: Vec<&Event> = later.filter(|event| event.event_type() == EventType::PoolScaledDown).collect();
    assert_eq!(went.len(), 2, "{went:#?}");
    for event in went {
        assert!(event.timestamp >= clock::after(found.timestamp, COOLDOWN), "{found:?} {event:?}");
    }
    stage.clear().await;
}

/// Whether it tells that a container came or went for this reason.
fn names(event: &Event, reason: &str, name: &str) -> bool {
    let (why, names) = match &event.data {
        EventData::PoolScaledUp(data) => (&data.reason, &data.container_names),
        EventData::PoolScaledDown(data) => (&data.reason, &data.container_names),
        _ => return false,
    };
    why == reason && names.iter().any(|one| one == name)
}
