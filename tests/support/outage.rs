//! Outages of Redis: an engine that is calm before one, and what must be true after it.

use std::collections::HashSet;
use std::time::Duration;

use tempfile::TempDir;
use windlass::bus::replay;
use windlass::config::Config;
use windlass::engine::Standing;
use windlass::model::event::StoreRestored;
use windlass::model::{Event, EventData, EventType};
use windlass::store::{Address, Keys, Store};

use super::engine::{RunningEngine, brisk, listing};
use super::redis::TestRedis;

/// What [`change_password`] sets.
pub const PASSWORD: &str = "changed";

/// Nothing happens that a test does not do.
pub fn quiet(cluster: &str) -> Config {
    let mut config = brisk(cluster);
    config.cluster.simulated.scenario = Some("quiet".to_owned());
    config
}

/// A Redis that keeps what it has confirmed, and lets itself be put to sleep.
pub fn server() -> TestRedis {
    TestRedis::with(&["--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes"])
}

/// A calm engine with its three workers: one more than the minimum, so that something could be removed.
pub async fn calm(redis: &TestRedis, config: &Config, folder: &TempDir) -> RunningEngine {
    let engine = RunningEngine::start(&redis.url(), config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    engine
}

/// One worker goes as by `docker rm -f`.
pub async fn lose_a_worker(engine: &RunningEngine) {
    let workers = engine.cluster.host.list().await.unwrap();
    engine.cluster.host.remove(workers.keys().next().unwrap()).await.unwrap();
}

/// Without Redis, and keeping up the minimum.
pub fn protects(standing: &Standing) -> bool {
    matches!(standing, Standing::WithoutStore { protects: true, .. })
}

/// What was said of the outage, when all is calm again, and the whole log.
pub async fn restored(engine: &RunningEngine) -> (StoreRestored, Vec<Event>) {
    let restored = engine.first(EventType::StoreRestored).await;
    engine.until("calm", |state| state.operations.is_empty()).await;
    match restored.data {
        EventData::StoreRestored(data) => (data, engine.events().await),
        _ => unreachable!("it is asked for by its type"),
    }
}

/// What must be true after every outage.
pub async fn assert_sound(engine: &RunningEngine) {
    let events = engine.events().await;
    let ids: HashSet<_> = events.iter().map(|event| event.event_id).collect();
    assert_eq!(ids.len(), events.len(), "an event was written twice:\n{}", listing(&events));
    let removals =
        [EventType::ScaleDownDecision, EventType::ScaleDownStarted, EventType::NodeDrained, EventType::NodeRemoved];
    assert!(!events.iter().any(|event| removals.contains(&event.event_type())), "{}", listing(&events));
    let operations: Vec<_> = events.iter().filter_map(|event| event.correlation_id).collect();
    for operation in operations.iter().collect::<HashSet<_>>() {
        let ends = |event: &&Event| {
            event.correlation_id.as_ref() == Some(operation)
                && matches!(event.event_type(), EventType::ScalingActionCompleted | EventType::ScalingActionFailed)
        };
        assert_eq!(events.iter().filter(ends).count(), 1, "{operation} ends once:\n{}", listing(&events));
    }
    let state = engine.state().await;
    let seen = engine.cluster.host.list().await.unwrap();
    assert!(state.workers.keys().eq(seen.keys()), "{:?}\n{:?}\n{}", state.workers, seen.keys(), listing(&events));
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}\n{}", listing(&events));
}

/// Connects with the password that [`change_password`] sets.
pub async fn knowing_the_password(redis: &TestRedis) -> Store {
    let address = Address::new(&redis.url(), None, Some(PASSWORD), Duration::from_secs(2)).unwrap();
    Store::connect(address, Keys::new(&"c1".parse().unwrap(), "autoscaler_events")).await.unwrap()
}

/// Sets a password that nobody knows. The connections that are open stay so: they are cut.
pub async fn change_password(redis: &mut TestRedis) {
    assert_eq!(redis.command(&["CONFIG", "SET", "requirepass", PASSWORD]), "+OK\r\n");
    let mut connection = knowing_the_password(redis).await.connection();
    let cut = ::redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).to_owned();
    cut.query_async::<u64>(&mut connection).await.unwrap();
}

/// There is none again.
pub async fn change_password_back(redis: &mut TestRedis) {
    let mut connection = knowing_the_password(redis).await.connection();
    let back = ::redis::cmd("CONFIG").arg(&["SET", "requirepass", ""]).to_owned();
    back.query_async::<()>(&mut connection).await.unwrap();
}
