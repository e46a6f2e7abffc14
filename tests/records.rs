//! Every version of every record that a windlass ever wrote is kept in `tests/data/records/v{n}`, and is still understood.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::engine::{brisk, connect};
use support::redis::TestRedis;
use windlass::clock;
use windlass::handlers::Draft;
use windlass::model::damage::Flaw;
use windlass::model::{Actor, Change, Direction, Event, EventData, Metadata, Step, WorkerKind, WorkerStatus};
use windlass::store::{Snapshot, Store, Transaction};

fn file(version: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/records").join(version).join(name)
}

fn text(version: &str, name: &str) -> String {
    std::fs::read_to_string(file(version, name)).unwrap().trim_end().to_owned()
}

/// The hashes are kept as JSON objects of their fields.
fn fields(version: &str, name: &str) -> BTreeMap<String, String> {
    serde_json::from_str(&text(version, name)).unwrap()
}

async fn put(store: &Store, version: &str) {
    let keys = store.keys();
    let mut pipe = redis::pipe();
    for (key, name) in [(keys.observation(), "observation"), (keys.verdict(), "verdict"), (keys.engine(), "engine")] {
        pipe.set(key, text(version, &format!("{name}.json"))).ignore();
    }
    let lists = [
        (keys.operation_history(), "operation_history"),
        (keys.scaling_history(), "scaling_history"),
        (keys.sync_history(), "sync_history"),
        (keys.optimal_periods(), "optimal_periods"),
    ];
    for (key, name) in lists {
        pipe.rpush(key, text(version, &format!("{name}.json")).lines().collect::<Vec<_>>()).ignore();
    }
    let worker = "k3s-worker-1".parse().unwrap();
    let hashes =
        [(keys.worker(&worker), "worker"), (keys.hold(Direction::Up), "hold"), (keys.conditions(), "conditions")];
    for (key, name) in hashes {
        let fields: Vec<_> = fields(version, &format!("{name}.json")).into_iter().collect();
        pipe.hset_multiple(key, &fields).ignore();
    }
    let operation = text(version, "operation.json");
    let id: serde_json::Value = serde_json::from_str(&operation).unwrap();
    pipe.hset(keys.active_operations(), id["id"].as_str().unwrap(), operation).ignore();
    pipe.sadd(keys.worker_names(), worker.as_str()).ignore();
    pipe.query_async::<()>(&mut store.connection()).await.unwrap();
}

/// What all those records say.
#[track_caller]
fn assert_meaning(found: &Snapshot) {
    assert_eq!(found.problems, []);
    let state = &found.state;
    let worker = &state.workers["k3s-worker-1"];
    assert_eq!((worker.kind, worker.status), (WorkerKind::Dynamic, WorkerStatus::Ready));
    assert_eq!(worker.container_id.short(), "85d3414dd506");
    assert_eq!(worker.created_at, "2026-11-20T15:42:54.376428689Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    assert_eq!(worker.protected.as_ref().unwrap().actor, Actor::Person("anna".to_owned()));
    let hold = state.holds.up.as_ref().unwrap();
    assert_eq!((hold.reason.as_str(), hold.actor.to_string()), ("test", "anna".to_owned()));
    let operation = state.operations.values().next().unwrap();
    assert_eq!((operation.direction, operation.count, operation.previous_workers), (Direction::Up, 1, 2));
    assert_eq!(operation.workers[0].step, Step::Created);
    assert_eq!(state.operation_history.len(), 2);
    assert_eq!(state.operation_history[0].operation.id, operation.id);
    assert_eq!(state.scaling.history[0].new_workers, 3);
    assert_eq!(state.sync.history[0].db_workers, 3);
    assert_eq!(state.optimal.periods.len(), 1);
    assert_eq!(state.conditions.len(), 1);
    assert_eq!(found.observation.as_ref().unwrap().workers.len(), 3);
    assert!(found.verdict.as_ref().unwrap().up[0].detail.starts_with("no demand: CPU 33 %"));
    assert_eq!(found.engine.as_ref().unwrap().limits.max_nodes, 6);
}

#[tokio::test]
async fn every_older_version_is_upgraded_and_means_the_same() {
    let versions = std::fs::read_dir(file("", "")).unwrap();
    for version in versions.map(|version| version.unwrap().file_name().into_string().unwrap()) {
        let redis = TestRedis::start();
        let store = connect(&redis.url(), &brisk("c1")).await;
        put(&store, &version).await;
        let found = store.snapshot().await.unwrap();
        assert_meaning(&found);

        // Written again it is of the current version, and still means the same.
        let written = rewrite(&store, &found).await;
        assert_eq!(written.state, found.state, "{version}");
        assert_meaning(&written);
        let schema: String = redis::cmd("HGET")
            .arg(store.keys().worker(&"k3s-worker-1".parse().unwrap()))
            .arg("schema")
            .query_async(&mut store.connection())
            .await
            .unwrap();
        assert_eq!(schema, "1");
        let operations: Vec<String> = redis::cmd("HVALS")
            .arg(store.keys().active_operations())
            .query_async(&mut store.connection())
            .await
            .unwrap();
        assert!(operations.iter().all(|text| text.contains("\"schema\":1")), "{operations:?}");
    }
}

async fn rewrite(store: &Store, found: &Snapshot) -> Snapshot {
    let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() };
    let now = clock::now();
    let mut draft = Draft::new(&found.state, "test", metadata, now);
    let state = found.state.clone();
    for worker in state.workers.into_values() {
        draft.note(Change::PutWorker(worker));
    }
    for operation in state.operations.into_values() {
        draft.note(Change::PutOperation(operation));
    }
    draft.note(Change::PutHold(state.holds.up.unwrap()));
    for (key, condition) in state.conditions {
        draft.note(Change::PutCondition(key, condition));
    }
    draft.note(Change::RecordObservation(Box::new(found.observation.clone().unwrap())));
    draft.note(Change::RecordVerdict(Box::new(found.verdict.clone().unwrap())));
    store.announce(found.engine.as_ref().unwrap()).await.unwrap();
    let (_, changes, events) = draft.into_parts();
    let id = clock::fresh_id(now);
    let (acknowledgements, dead_letters, settled) = (Vec::new(), Vec::new(), Vec::new());
    let transaction = Transaction { id, epoch: 0, changes, events, acknowledgements, dead_letters, settled };
    store.commit(&transaction, 1000).await.unwrap();
    store.snapshot().await.unwrap()
}

#[tokio::test]
async fn a_newer_version_is_named_and_not_read_as_if_it_were_known() {
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &brisk("c1")).await;
    put(&store, "v0").await;
    let keys = store.keys();
    let worker = keys.worker(&"k3s-worker-1".parse().unwrap());
    let mut pipe = redis::pipe();
    pipe.hset(&worker, "schema", "2").ignore().hset(keys.hold(Direction::Up), "schema", "2").ignore();
    let verdict = text("v0", "verdict.json").replacen('{', "{\"schema\":2,", 1);
    pipe.set(keys.verdict(), verdict).ignore();
    pipe.query_async::<()>(&mut store.connection()).await.unwrap();
    let found = store.snapshot().await.unwrap();
    let newer: Vec<_> = found.problems.iter().map(|problem| (problem.key.clone(), problem.flaw)).collect();
    assert_eq!(newer.len(), 3, "{:#?}", found.problems);
    for key in [worker, keys.hold(Direction::Up), keys.verdict()] {
        assert!(newer.contains(&(key, Flaw::NewerSchema)), "{newer:?}");
    }
    assert!(found.state.workers.is_empty() && found.state.holds.up.is_none() && found.verdict.is_none());
}

/// Events have no version: what was added to them since has a default.
#[test]
fn events_of_older_versions_are_read() {
    for line in text("v0", "events.jsonl").lines() {
        let event: Event = serde_json::from_str(line).unwrap();
        let EventData::StoreRestored(data) = event.data else { panic!("{line}") };
        assert_eq!((data.events_kept, data.events_dropped), (0, 0));
    }
}
