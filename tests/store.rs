//! The fenced transaction on a real Redis.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use support::engine::{brisk, connect};
use support::redis::TestRedis;
use uuid::Uuid;
use windlass::bus::{self, Consumer, Pending};
use windlass::clock;
use windlass::handlers::{Because, Draft};
use windlass::model::event::{CooldownStarted, NodeCreated, ScaleUpDecision, ScaleUpStarted};
use windlass::model::{ContainerId, Direction, Event, Metadata, Origin, ReplicaId, State, WorkerKind};
use windlass::store::{Committed, Store, StoreError, Transaction};

const LONGEST: u64 = 10_000;

fn replica(name: &str) -> ReplicaId {
    ReplicaId(name.to_owned())
}

fn at() -> DateTime<Utc> {
    "2026-03-01T12:00:00.123456Z".parse().unwrap()
}

fn draft(state: &State) -> Draft {
    let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() };
    Draft::new(state, "test", metadata, at())
}

fn cooling(state: &State, seconds: i64) -> Draft {
    let mut draft = draft(state);
    let until = at() + TimeDelta::seconds(seconds);
    draft.emit(CooldownStarted { direction: Direction::Up, until, duration: 1.0 }, Because::default());
    draft
}

fn transaction(draft: Draft, epoch: u64) -> Transaction {
    let (_, changes, events) = draft.into_parts();
    Transaction::new(clock::fresh_id(at()), epoch, changes, events)
}

async fn store(redis: &TestRedis) -> Store {
    connect(&redis.url(), &brisk("c1")).await
}

async fn events(store: &Store) -> Vec<Event> {
    bus::newest(store, 100).await.unwrap().0
}

#[tokio::test]
async fn of_two_competing_epochs_only_the_newer_one_writes() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let lease = std::time::Duration::from_millis(100);
    let old = store.acquire_lease(&replica("a"), lease).await.unwrap().unwrap();
    assert_eq!(store.acquire_lease(&replica("b"), lease).await.unwrap(), None, "the lease is a's");
    assert_eq!(
        store.commit(&transaction(cooling(&State::default(), 10), old), LONGEST).await.unwrap(),
        Committed::Done
    );

    tokio::time::sleep(lease * 2).await;
    let new = store.acquire_lease(&replica("b"), lease).await.unwrap().unwrap();
    assert!(new > old);
    let late = store.commit(&transaction(cooling(&State::default(), 99), old), LONGEST).await;
    assert!(matches!(late, Err(StoreError::Fenced { ours, newest }) if (ours, newest) == (old, new)), "{late:?}");
    assert!(!store.renew_lease(&replica("a"), lease).await.unwrap(), "the lease is b's");
    assert!(!store.release_lease(&replica("a")).await.unwrap(), "a cannot give away what is b's");

    let state = store.snapshot().await.unwrap().state;
    assert_eq!(state.cooldowns.up, Some(at() + TimeDelta::seconds(10)), "the late write left nothing");
    assert_eq!(events(&store).await.len(), 1, "and reported nothing");
}

#[tokio::test]
async fn a_clean_exit_hands_over_at_once() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let lease = std::time::Duration::from_mins(1);
    let first = store.acquire_lease(&replica("a"), lease).await.unwrap().unwrap();
    assert!(store.release_lease(&replica("a")).await.unwrap());
    assert_eq!(store.acquire_lease(&replica("b"), lease).await.unwrap(), Some(first + 1));
}

#[tokio::test]
async fn a_repeated_transaction_is_written_once() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let transaction = transaction(cooling(&State::default(), 10), 0);
    assert_eq!(store.commit(&transaction, LONGEST).await.unwrap(), Committed::Done);
    assert_eq!(store.commit(&transaction, LONGEST).await.unwrap(), Committed::Again);
    assert_eq!(events(&store).await.len(), 1);
}

#[tokio::test]
async fn what_is_acknowledged_already_has_no_effect_again() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let (reader, stream) = (replica("a"), store.keys().events());
    let (mut consumer, left) = Consumer::join(&store, stream, "NodeManager", &reader).await.unwrap();
    assert!(left.pending.is_empty() && left.lost.is_empty());
    store.commit(&transaction(cooling(&State::default(), 10), 0), LONGEST).await.unwrap();
    let entries = consumer.next().await.unwrap().entries;
    assert_eq!(entries.len(), 1);

    let effect = |seconds| Transaction {
        acknowledgements: vec![consumer.acknowledgement(&entries[0].id)],
        ..transaction(cooling(&State::default(), seconds), 0)
    };
    assert_eq!(store.commit(&effect(20), LONGEST).await.unwrap(), Committed::Done);
    assert_eq!(store.commit(&effect(30), LONGEST).await.unwrap(), Committed::Handled);
    let state = store.snapshot().await.unwrap().state;
    assert_eq!(state.cooldowns.up, Some(at() + TimeDelta::seconds(20)));
}

#[tokio::test]
async fn an_entry_that_a_dead_replica_had_read_is_taken_over() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let events = store.keys().events();
    let (mut dead, _) = Consumer::join(&store, events.clone(), "NodeManager", &replica("dead")).await.unwrap();
    store.commit(&transaction(cooling(&State::default(), 10), 0), LONGEST).await.unwrap();
    let read = dead.next().await.unwrap().entries;
    let (next, left) = Consumer::join(&store, events, "NodeManager", &replica("next")).await.unwrap();
    assert_eq!(left.pending, [Pending { id: read[0].id.clone(), tries: 1 }]);
    assert_eq!(next.again(&read[0].id).await.unwrap().as_ref(), read.first());
}

#[tokio::test]
async fn a_foreign_value_is_named_and_nothing_is_written_beside_it() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let key = store.keys().worker_names();
    redis::cmd("SET").arg(&key).arg("not ours").query_async::<()>(&mut store.connection()).await.unwrap();
    let (state, worker_events) = scaled_up();
    let mut draft = cooling(&state, 10);
    for event in worker_events {
        draft.emit(event, Because::default());
    }
    let refused = store.commit(&transaction(draft, 0), LONGEST).await;
    assert!(matches!(&refused, Err(StoreError::Foreign { key: found, .. }) if *found == key), "{refused:?}");
    assert!(events(&store).await.is_empty());
    let kept: String = redis::cmd("GET").arg(&key).query_async(&mut store.connection()).await.unwrap();
    assert_eq!(kept, "not ours");
}

fn scaled_up() -> (State, Vec<windlass::model::EventData>) {
    let created = NodeCreated {
        node_name: "w-1".parse().unwrap(),
        container_id: ContainerId("c".repeat(64)),
        kind: WorkerKind::Dynamic,
        created_at: at(),
    };
    (State::default(), vec![created.into()])
}

#[tokio::test]
async fn what_is_written_is_read_back_the_same() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let operation = Uuid::from_u128(42);
    let because = || Because::default().within(operation);
    let mut draft = draft(&State::default());
    let decision = ScaleUpDecision {
        count: 1,
        current_workers: 0,
        target_workers: 1,
        origin: Origin::Rules,
        reason: "CPU 90 % above 80 %".to_owned(),
        dry_run: false,
    };
    draft.emit(decision, because());
    let started = ScaleUpStarted { node_names: vec!["w-1".parse().unwrap()], worker_counter: 1, previous_workers: 0 };
    draft.emit(started, because());
    for event in scaled_up().1 {
        draft.emit(event, because());
    }
    let (state, ..) = draft.clone().into_parts();
    assert_eq!((state.workers.len(), state.operations.len(), state.worker_counter), (1, 1, 1));
    store.commit(&transaction(draft, 0), LONGEST).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().state, state);
}

#[tokio::test]
async fn out_of_memory_writes_nothing_and_reads_go_on() {
    let redis = TestRedis::with(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
    let store = store(&redis).await;
    store.commit(&transaction(cooling(&State::default(), 10), 0), LONGEST).await.unwrap();
    let mut connection = store.connection();
    for number in 0..10_000 {
        let filled: redis::RedisResult<()> =
            redis::cmd("SET").arg(number).arg("x".repeat(1000)).query_async(&mut connection).await;
        if filled.is_err() {
            break;
        }
    }
    let keys = |store: &Store| {
        let mut connection = store.connection();
        async move {
            let keys: BTreeSet<String> = redis::cmd("KEYS").arg("{c1}*").query_async(&mut connection).await.unwrap();
            keys
        }
    };
    let before = keys(&store).await;
    let refused = store.commit(&transaction(cooling(&State::default(), 99), 0), LONGEST).await;
    assert!(matches!(refused, Err(StoreError::OutOfMemory)), "{refused:?}");
    assert_eq!(keys(&store).await, before);
    let state = store.snapshot().await.unwrap().state;
    assert_eq!(state.cooldowns.up, Some(at() + TimeDelta::seconds(10)));
}
