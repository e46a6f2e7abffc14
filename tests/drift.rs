//! A Redis that is changed past windlass while it leads: evicted, deleted and edited keys. The leader notices within seconds, without a
//! takeover; nothing that was decided is undone by it, and nothing is removed.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use support::engine::{RunningEngine, brisk, listing, scale};
use support::redis::TestRedis;
use tempfile::TempDir;
use windlass::bus::replay;
use windlass::clock;
use windlass::model::event::StateDrifted;
use windlass::model::{Action, Actor, Direction, Event, EventData, EventType, Scope, WorkerName};

fn name(text: &str) -> WorkerName {
    text.parse().unwrap()
}

fn drifts(events: &[Event]) -> Vec<&StateDrifted> {
    let data = |event: &'_ Event| matches!(event.data, EventData::StateDrifted(_));
    events
        .iter()
        .filter(|event| data(event))
        .map(|event| match &event.data {
            EventData::StateDrifted(data) => data,
            _ => unreachable!("only these are left"),
        })
        .collect()
}

/// Three workers, the first protected, scaling up held by a person and cooling down after its last time.
async fn settled(redis: &TestRedis, folder: &TempDir) -> RunningEngine {
    let mut config = brisk("c1");
    config.cluster.simulated.scenario = Some("quiet".to_owned());
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("a further worker", |state| state.operations.is_empty() && state.cooldowns.up.is_some()).await;
    engine.command(Action::Protect { worker: name("k3s-worker-1") }).await;
    engine.command(Action::Hold { scope: Scope::Up, seconds: 600 }).await;
    engine.until("the hold", |state| state.holds.up.is_some()).await;
    engine
}

/// One leader all the time, nothing gone, and what is remembered is what the log tells.
async fn assert_sound(engine: &RunningEngine) {
    let events = engine.events().await;
    let count = |wanted| events.iter().filter(|event| event.event_type() == wanted).count();
    assert_eq!(count(EventType::LeaderElected), 1, "{}", listing(&events));
    for gone in [EventType::NodeRemoved, EventType::NodeUnexpectedlyLost, EventType::NodeAdopted] {
        assert_eq!(count(gone), 0, "{}", listing(&events));
    }
    let workers = engine.cluster.host.list().await.unwrap();
    assert!(engine.state().await.workers.keys().eq(workers.keys()), "{}", listing(&events));
}

async fn assert_log_and_state_agree(engine: &RunningEngine) {
    let audit = replay::audit(&engine.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_evicted_is_written_again() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, &folder).await;
    let before = engine.state().await;
    let keys = ["workers:names", "workers:k3s-worker-1", "workers:k3s-worker-2", "workers:counter"];
    let more = ["cooldown:scale_up", "hold:scale_up", "conditions", "engine"];
    let keys: Vec<String> = keys.iter().chain(&more).map(|key| format!("{{c1}}:{key}")).collect();
    let words: Vec<&str> = std::iter::once("DEL").chain(keys.iter().map(String::as_str)).collect();
    redis.command(&words);

    let drifted = engine.first(EventType::StateDrifted).await;
    let EventData::StateDrifted(data) = &drifted.data else { unreachable!() };
    for key in ["workers:k3s-worker-1", "workers:counter", "cooldown:scale_up", "hold:scale_up"] {
        assert!(data.restored.iter().any(|restored| restored == key), "{key}: {data:?}");
    }
    assert!(data.accepted.is_empty(), "{data:?}");
    let after = engine.state().await;
    assert_eq!((&after.workers, after.worker_counter), (&before.workers, before.worker_counter));
    assert_eq!((&after.holds, &after.cooldowns), (&before.holds, &before.cooldowns));
    assert!(engine.store.snapshot().await.unwrap().engine.is_some(), "cockpits are told again who leads");
    assert_sound(&engine).await;
    assert_log_and_state_agree(&engine).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_counts_as_it_would_after_a_restart() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, &folder).await;
    redis.command(&["HSET", "{c1}:hold:scale_up", "reason", "edited by hand"]);
    redis.command(&["SET", "{c1}:workers:counter", "41"]);

    let drifted = engine.first(EventType::StateDrifted).await;
    let EventData::StateDrifted(data) = &drifted.data else { unreachable!() };
    assert!(data.restored.is_empty(), "{data:?}");
    assert_eq!(data.accepted, ["worker counter", "holds"]);
    engine.command(Action::Release { scope: Scope::Up }).await;
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("the number after that", |state| state.workers.contains_key(&name("k3s-worker-42"))).await;
    assert_eq!(drifts(&engine.events().await).len(), 1, "said once");
    assert_sound(&engine).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_set_aside_under_a_healthy_leader() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, &folder).await;
    let before = engine.state().await;
    assert!(before.cooldowns.down.is_some_and(|until| until > clock::now()));
    redis.command(&["SET", "{c1}:cooldown:scale_down", "soon"]);
    redis.command(&["HDEL", "{c1}:workers:k3s-worker-1", "created_at"]);

    let aside = |key: &'static str| move |event: &Event| matches!(&event.data, EventData::ValueQuarantined(data) if data.key.ends_with(key));
    engine.event("the cooldown's report", aside("cooldown:scale_down")).await;
    engine.event("the worker's report", aside("workers:k3s-worker-1")).await;
    // This leader knows what nobody else could: until when it cools down, and by whom the worker was protected.
    let state = engine.until("the cooldown", |state| state.cooldowns.down.is_some()).await;
    assert_eq!(state.cooldowns.down, before.cooldowns.down);
    let known = |state: &windlass::model::State| {
        let worker = state.workers.get(&name("k3s-worker-1"));
        worker.and_then(|worker| worker.protected.as_ref()).is_some_and(|held| matches!(held.actor, Actor::Person(_)))
    };
    engine.until("the worker as it was", known).await;
    assert_eq!(engine.store.problems().await.unwrap(), []);
    assert_eq!(engine.state().await.holds, before.holds, "no hold of the engine's is needed");
    assert_sound(&engine).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_cannot_tell_is_said_again_after_everything_was_lost() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, &folder).await;
    redis.command(&["FLUSHALL"]);
    engine.first(EventType::StateAdopted).await;
    let state = engine.until("the hold", |state| state.holds.up.is_some()).await;
    let hold = state.holds.up.unwrap();
    assert_eq!((hold.actor, hold.reason.as_str()), (Actor::Person("anna".to_owned()), "test"));
    assert!(state.cooldowns.up.is_some_and(|until| until > clock::now()), "the cooldown goes on");
    engine.stop().await;
}
