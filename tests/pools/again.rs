//! Commands that a leader had begun with when it died, before it could answer: the next one does what is left, and nothing twice.

use std::time::Duration;

use tempfile::TempDir;
use windlass::bus;
use windlass::clock;
use windlass::cluster::pools::PoolContainerRequest;
use windlass::config::Config;
use windlass::handlers::operator;
use windlass::model::event::PoolContainerDraining;
use windlass::model::{Action, Actor, Command, Direction, Event, EventData, ReplicaId};
use windlass::store::{Store, Transaction};

use crate::stage::{Stage, function, pooled};
use crate::support::engine::{RunningEngine, connect};
use crate::support::redis::TestRedis;

/// Two containers, neither idle nor overloaded, also with one more or one less.
async fn two() -> (Config, TestRedis, TempDir) {
    let config = pooled("c1", 1, 5);
    let stage = Stage::set(&config).await;
    stage.calls(Some(120.0));
    stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    let Stage { redis, engine, folder } = stage;
    engine.crash().await;
    (config, redis, folder)
}

fn scaling(direction: Direction, count: u32) -> Command {
    let now = clock::now();
    let action = Action::PoolScale { function: function("hello"), direction, count };
    let actor = Actor::Person("anna".to_owned());
    Command { command_id: clock::fresh_id(now), issued_at: now, actor, reason: "test".to_owned(), action }
}

/// The leader before it made this container for a command, and died.
async fn made_before(config: &Config, folder: &TempDir, number: u32, command: &Command) {
    let request = PoolContainerRequest {
        function: function("hello"),
        name: format!("c1-hello-{number}"),
        image: "hello:1".to_owned(),
        port: 8080,
        ordered_by: Some(command.command_id),
    };
    windlass::cluster::connect_pools(config, folder.path()).unwrap().create(&request).await.unwrap();
}

/// The next leader hears the command: its answer, and how many containers there are some time later.
async fn heard_again(config: &Config, redis: &TestRedis, folder: &TempDir, command: &Command) -> (Event, usize) {
    let store = connect(&redis.url(), config).await;
    bus::send(&store, command).await.unwrap();
    let engine = RunningEngine::start(&redis.url(), config, folder.path()).await;
    let answer = engine.event("the answer", |event| operator::answers(event, command.command_id)).await;
    // Several looks: what was made or removed beyond it would show.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answers = engine.events().await.iter().filter(|event| operator::answers(event, command.command_id)).count();
    assert_eq!(answers, 1);
    let host = windlass::cluster::connect_pools(config, folder.path()).unwrap();
    let there = host.list().await.unwrap().len();
    engine.stop().await;
    (answer, there)
}

#[tokio::test]
async fn a_container_that_was_made_for_a_command_is_not_made_again() {
    let (config, redis, folder) = two().await;
    let command = scaling(Direction::Up, 1);
    made_before(&config, &folder, 3, &command).await;
    let (answer, there) = heard_again(&config, &redis, &folder, &command).await;
    let EventData::PoolScaledUp(data) = &answer.data else { panic!("{answer:?}") };
    assert_eq!((data.previous_containers, data.new_containers, there), (2, 3, 3));
}

#[tokio::test]
async fn of_a_command_that_was_half_done_the_rest_is_done() {
    let (config, redis, folder) = two().await;
    let command = scaling(Direction::Up, 2);
    made_before(&config, &folder, 3, &command).await;
    let (answer, there) = heard_again(&config, &redis, &folder, &command).await;
    let EventData::PoolScaledUp(data) = &answer.data else { panic!("{answer:?}") };
    assert_eq!((data.container_names.as_slice(), there), (["c1-hello-4".to_owned()].as_slice(), 4));
}

/// The leader before it recorded that a container goes for a command, and died.
async fn dismissed_before(store: &Store, config: &Config, command: &Command) {
    let (dead, lease) = (ReplicaId("dead".to_owned()), Duration::from_secs(60));
    let mut epoch = store.acquire_lease(&dead, lease).await.unwrap();
    while epoch.is_none() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        epoch = store.acquire_lease(&dead, lease).await.unwrap();
    }
    let now = clock::now();
    let data = PoolContainerDraining {
        function: function("hello"),
        container: "c1-hello-9".to_owned(),
        reason: "operator".to_owned(),
    };
    let event = Event {
        event_id: clock::fresh_id(now),
        timestamp: now,
        source: "PoolManager".to_owned(),
        data: data.into(),
        metadata: config.cluster.metadata(),
        caused_by: Some(command.command_id),
        correlation_id: None,
        actor: command.actor.clone(),
    };
    let transaction = Transaction::new(clock::fresh_id(now), epoch.unwrap(), Vec::new(), vec![event]);
    store.commit(&transaction, 10_000).await.unwrap();
    store.release_lease(&dead).await.unwrap();
}

#[tokio::test]
async fn a_container_that_went_for_a_command_is_followed_by_no_other() {
    let (config, redis, folder) = two().await;
    let command = scaling(Direction::Down, 1);
    dismissed_before(&connect(&redis.url(), &config).await, &config, &command).await;
    let (answer, there) = heard_again(&config, &redis, &folder, &command).await;
    assert!(matches!(&answer.data, EventData::PoolScaledDown(data) if data.container_names.is_empty()), "{answer:?}");
    assert_eq!(there, 2);
}

#[tokio::test]
async fn a_command_in_its_own_time_says_first_what_goes() {
    let stage = Stage::set(&pooled("c1", 1, 5)).await;
    stage.calls(Some(120.0));
    stage.until("two containers", |pool| pool.containers.len() == 2 && pool.verified).await;
    let answer = stage.scale(Direction::Down, 1).await;
    let EventData::PoolScaledDown(data) = &answer.data else { panic!("{answer:?}") };
    let events = stage.engine.events().await;
    let goes = events.iter().find_map(|event| match &event.data {
        EventData::PoolContainerDraining(said) if event.caused_by == answer.caused_by => Some((event, said)),
        _ => None,
    });
    let (event, said) = goes.expect("it is said first");
    assert_eq!(data.container_names.as_slice(), std::slice::from_ref(&said.container));
    assert!(event.event_id < answer.event_id);
    stage.clear().await;
}
