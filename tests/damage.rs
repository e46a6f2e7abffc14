//! What stands under windlass's keys and is not windlass's, is damaged, or is newer: named, set aside, never deleted, never a crash loop.
//! And a Redis that has lost everything.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::ConnectionManager;
use support::engine::{RunningEngine, brisk, connect, listing, scale};
use support::redis::TestRedis;
use windlass::bus;
use windlass::clock;
use windlass::cluster::Cluster;
use windlass::handlers::{Because, Draft};
use windlass::model::damage::{Flaw, Lost, Problem, Spot};
use windlass::model::event::{CooldownStarted, StateAdopted, ValueQuarantined};
use windlass::model::{
    Action, Actor, ContainerId, Direction, Event, EventData, EventType, Metadata, ReplicaId, Scope, State, WorkerName,
    WorkerStatus,
};
use windlass::store::{Committed, Mending, Store, StoreError, Transaction};
use windlass::viewer;

const LONGEST: u64 = 10_000;

async fn run(connection: &mut ConnectionManager, words: &[&[u8]]) -> redis::Value {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command.query_async(connection).await.unwrap()
}

/// Damages keys: lines of words, the second of which is a key without the cluster's tag.
async fn damage(store: &Store, lines: &[&[&[u8]]]) {
    let mut connection = store.connection();
    for line in lines {
        let key = [b"{c1}:".as_slice(), line[1]].concat();
        let mut words = line.to_vec();
        words[1] = &key;
        run(&mut connection, &words).await;
    }
}

fn name(text: &str) -> WorkerName {
    text.parse().unwrap()
}

async fn containers(cluster: &Cluster) -> BTreeMap<WorkerName, ContainerId> {
    let workers = cluster.host.list().await.unwrap();
    workers.into_iter().map(|(name, worker)| (name, worker.container_id)).collect()
}

fn quarantined(events: &[Event]) -> Vec<&ValueQuarantined> {
    fn data(event: &Event) -> Option<&ValueQuarantined> {
        if let EventData::ValueQuarantined(data) = &event.data { Some(data) } else { None }
    }
    events.iter().filter_map(data).collect()
}

fn nothing_was_removed(events: &[Event]) {
    let removing = |event: &&Event| {
        matches!(
            event.event_type(),
            EventType::NodeRemoved
                | EventType::ScaleDownStarted
                | EventType::NodeUnexpectedlyLost
                | EventType::NodeFailed
        )
    };
    assert_eq!(events.iter().filter(removing).count(), 0, "{}", listing(events));
}

/// Three workers, one of them protected, both directions held.
async fn settled(redis: &TestRedis, folder: &std::path::Path) -> RunningEngine {
    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder).await;
    engine.first(EventType::ClusterStateSynced).await;
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("three workers", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    engine
}

const OPERATION: &str = "01a1f9a0-0787-718f-8b82-701cb9511a93";

/// One of everything that may stand under a key and cannot be read.
async fn damage_everything(store: &Store) {
    damage(
        store,
        &[
            &[b"DEL", b"workers:names"],
            &[b"SET", b"workers:names", b"not ours"],
            &[b"HSET", b"workers:k3s-worker-1", b"protected", b"{\"actor\":"],
            &[b"HDEL", b"workers:k3s-worker-2", b"created_at"],
            &[b"DEL", b"workers:k3s-worker-3"],
            &[b"RPUSH", b"workers:k3s-worker-3", b"a", b"list"],
            &[b"SET", b"cooldown:scale_down", b"soon"],
            &[b"DEL", b"hold:scale_up"],
            &[b"SET", b"hold:scale_up", b"held"],
            &[b"HDEL", b"hold:scale_down", b"until"],
            &[b"SET", b"workers:counter", b"many"],
            &[b"HSET", b"async_scaling:active_operations", b"nonsense", b"{}"],
            &[b"HSET", b"async_scaling:active_operations", OPERATION.as_bytes(), b"{\"schema\":99}"],
            &[b"LPUSH", b"handler:scaling:history", b"\xff\xfe\x00"],
            &[b"LPUSH", b"async_scaling:operation_history", b"{\"schema\":2,\"new\":true}"],
            &[b"DEL", b"handler:sync:history"],
            &[b"SADD", b"handler:sync:history", b"x"],
            &[b"SET", b"handler:scaling:count:up", b"-1"],
            &[b"SET", b"handler:scaling:last_time", b"yesterday"],
            &[b"SET", b"verdict", b"{"],
            &[b"SET", b"autoscaler:permanent_workers", b"[\"UPPER\"]"],
            &[b"HSET", b"conditions", b"weather", b"{}"],
            &[b"DEL", b"autoscaler_events"],
            &[b"SET", b"autoscaler_events", b"the log"],
            &[b"DEL", b"autoscaler_commands"],
            &[b"HSET", b"autoscaler_commands", b"a", b"b"],
            &[b"SADD", b"autoscaler_events:dead", b"x"],
            &[b"SET", b"handler:retries", b"x"],
            &[b"HSET", b"leader", b"a", b"b"],
            &[b"SET", b"leader:epoch", b"twelve"],
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_damaged_at_once_is_set_aside_and_the_more_careful_thing_is_done() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, folder.path()).await;
    engine.command(Action::Hold { scope: Scope::All, seconds: 600 }).await;
    engine.until("both holds", |state| state.holds.down.is_some() && state.holds.up.is_some()).await;
    engine.command(Action::Protect { worker: name("k3s-worker-1") }).await;
    engine.until("protected", |state| state.workers[&name("k3s-worker-1")].protected.is_some()).await;
    let before = containers(&engine.cluster).await;
    let adopted = engine.events().await;
    assert!(!adopted.iter().any(|event| event.event_type() == EventType::StateAdopted), "a new cluster adopts nothing");
    engine.stop().await;

    let store = connect(&redis.url(), &brisk("c1")).await;
    damage_everything(&store).await;

    // Whoever only looks is shown what can be read, and told what cannot.
    let view = viewer::read_once(&store, "c1".parse().unwrap(), 100).await.unwrap();
    assert!(view.problems.len() >= 20, "{:#?}", view.problems);
    assert!(view.redis.is_some() && !view.state.operation_history.is_empty());
    assert_eq!(store.leader().await.unwrap(), None);

    let engine = RunningEngine::start(&redis.url(), &brisk("c1"), folder.path()).await;
    let state = engine.until("the same three workers", |state| state.worker_count() == 3).await;
    engine.first(EventType::ClusterStateSynced).await;
    assert_eq!(store.problems().await.unwrap(), []);
    assert_eq!(containers(&engine.cluster).await, before, "no container is touched");
    let events = engine.events().await;
    nothing_was_removed(&events);

    let protected = state.workers[&name("k3s-worker-1")].protected.clone().unwrap();
    assert_eq!(protected.actor, Actor::Engine);
    assert!(state.workers.values().all(|worker| worker.status == WorkerStatus::Ready));
    assert_eq!(state.worker_counter, 3, "no name is given twice");
    assert!(state.operations.is_empty());
    for direction in Direction::BOTH {
        let hold = state.holds.get(direction).clone().unwrap();
        assert_eq!(hold.actor, Actor::Engine, "{hold:?}");
        assert!(hold.until > clock::now());
    }
    assert!(state.cooldowns.down.is_some_and(|until| until > clock::now()));

    let aside = quarantined(&events);
    let of = |key: &str| {
        let found: Vec<_> = aside.iter().filter(|data| data.key == format!("{{c1}}:{key}")).collect();
        assert!(!found.is_empty(), "{key} is not reported in\n{}", listing(&events));
        assert!(found.iter().all(|data| !data.consequence.is_empty() && !data.problem.is_empty()));
        found[0].moved_to.clone()
    };
    let mut connection = store.connection();
    let text = async |connection: &mut ConnectionManager, key: String| -> String {
        redis::cmd("GET").arg(key).query_async(connection).await.unwrap()
    };
    for (key, value) in [
        ("workers:names", "not ours"),
        ("cooldown:scale_down", "soon"),
        ("hold:scale_up", "held"),
        ("workers:counter", "many"),
        ("handler:scaling:count:up", "-1"),
        ("handler:scaling:last_time", "yesterday"),
        ("verdict", "{"),
        ("autoscaler_events", "the log"),
        ("handler:retries", "x"),
        ("leader:epoch", "twelve"),
    ] {
        assert_eq!(text(&mut connection, of(key)).await, value, "{key}");
    }
    let list = async |connection: &mut ConnectionManager, key: String| -> Vec<Vec<u8>> {
        redis::cmd("LRANGE").arg(key).arg(0).arg(-1).query_async(connection).await.unwrap()
    };
    assert_eq!(list(&mut connection, of("handler:scaling:history")).await, [b"\xff\xfe\x00"]);
    assert_eq!(list(&mut connection, of("workers:k3s-worker-3")).await, [b"a".to_vec(), b"list".to_vec()]);
    assert_eq!(list(&mut connection, of("async_scaling:operation_history")).await, [b"{\"schema\":2,\"new\":true}"]);
    let field: String = redis::cmd("HGET")
        .arg(of("async_scaling:active_operations"))
        .arg(OPERATION)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(field, "{\"schema\":99}");
    for key in ["hold:scale_down", "leader", "handler:sync:history", "conditions", "autoscaler_events:dead"] {
        of(key);
    }
    let kept = store.quarantined().await.unwrap();
    for data in &aside {
        assert!(kept.iter().any(|kept| kept.key == data.moved_to && kept.from == data.key), "{data:?}\n{kept:#?}");
    }

    // And it goes on.
    engine.command(Action::Release { scope: Scope::All }).await;
    engine.until("released", |state| state.holds.up.is_none()).await;
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("a fourth", |state| state.workers.contains_key(&name("k3s-worker-4"))).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gets_in_the_way_of_a_leader_is_set_aside_and_it_goes_on() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, folder.path()).await;
    let before = containers(&engine.cluster).await;
    damage(
        &engine.store,
        &[
            // Where the next worker will be written, and what is written with every event.
            &[b"SET", b"workers:k3s-worker-4", b"not ours"],
            &[b"DEL", b"workers:names"],
            &[b"SET", b"workers:names", b"not ours either"],
        ],
    )
    .await;
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("four", |state| state.worker_count() == 4 && state.operations.is_empty()).await;
    damage(&engine.store, &[&[b"DEL", b"autoscaler_events"], &[b"SET", b"autoscaler_events", b"x"]]).await;
    let log = "{c1}:autoscaler_events";
    let mut kept = engine.store.quarantined().await.unwrap();
    while !kept.iter().any(|kept| kept.from == log) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        kept = engine.store.quarantined().await.unwrap();
    }
    engine.first(EventType::LeaderElected).await;
    let now = containers(&engine.cluster).await;
    assert!(before.iter().all(|(name, id)| now.get(name) == Some(id)), "{before:?} {now:?}");
    for key in ["workers:k3s-worker-4", "workers:names", "autoscaler_events"] {
        assert!(kept.iter().any(|kept| kept.from == format!("{{c1}}:{key}")), "{key}: {kept:#?}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_lease_is_taken_anew_above_every_epoch_before() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, folder.path()).await;
    let epoch = engine.store.leader().await.unwrap().unwrap().epoch;
    damage(&engine.store, &[&[b"SET", b"leader:epoch", b"abc"]]).await;
    let elected = |event: &Event| matches!(&event.data, EventData::LeaderElected(data) if data.epoch > epoch);
    engine.event("a newer epoch", elected).await;
    engine.event("the report", |event| quarantined(std::slice::from_ref(event)).len() == 1).await;
    let reported = |what: &'static str| {
        move |event: &Event| {
            let data = quarantined(std::slice::from_ref(event));
            data.first().is_some_and(|data| data.key == "{c1}:leader" && data.problem.contains(what))
        }
    };
    damage(&engine.store, &[&[b"DEL", b"leader"], &[b"RPUSH", b"leader", b"x"]]).await;
    engine.event("the report of the lease", reported("a list")).await;
    damage(&engine.store, &[&[b"SET", b"leader", b"somebody"]]).await;
    engine.event("the report of a lease without an end", reported("no end")).await;
    assert_eq!(engine.state().await.worker_count(), 3);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_everything_is_told_what_runs() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let engine = settled(&redis, folder.path()).await;
    let before = containers(&engine.cluster).await;
    redis.command(&["FLUSHALL"]);
    let adopted = engine.first(EventType::StateAdopted).await;
    let EventData::StateAdopted(data) = &adopted.data else { unreachable!() };
    assert_eq!((data.workers, data.worker_counter), (3, 3));
    engine.first(EventType::ClusterStateSynced).await;
    let events = engine.events().await;
    nothing_was_removed(&events);
    let types: Vec<_> = events.iter().map(Event::event_type).collect();
    let at = |wanted: EventType| types.iter().position(|found| *found == wanted).unwrap();
    assert!(at(EventType::StateAdopted) < at(EventType::NodeAdopted), "{}", listing(&events));
    assert_eq!(types.iter().filter(|found| **found == EventType::StateAdopted).count(), 1);
    assert_eq!(types.iter().filter(|found| **found == EventType::NodeAdopted).count(), 3);
    let state = engine.state().await;
    assert!(state.cooldowns.down.is_some_and(|until| until > clock::now()), "scaling down rests first");
    assert_eq!(containers(&engine.cluster).await, before);
    engine.command(scale(Direction::Up, 1)).await;
    engine.until("a fourth, by a new name", |state| state.workers.contains_key(&name("k3s-worker-4"))).await;
    engine.stop().await;
}

fn cooling(state: &State, seconds: i64, epoch: u64) -> Transaction {
    let now = clock::now();
    let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() };
    let mut draft = Draft::new(state, "test", metadata, now);
    let until = now + chrono::TimeDelta::seconds(seconds);
    draft.emit(CooldownStarted { direction: Direction::Up, until, duration: 1.0 }, Because::default());
    let (_, changes, events) = draft.into_parts();
    Transaction::new(clock::fresh_id(now), epoch, changes, events)
}

#[tokio::test]
async fn a_leader_from_before_a_loss_cannot_write_after_it() {
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &brisk("c1")).await;
    let (old, new) = (ReplicaId("old".to_owned()), ReplicaId("new".to_owned()));
    let lease = Duration::from_mins(1);
    let before = store.acquire_lease(&old, lease).await.unwrap().unwrap();
    // The old leader is paused here, and knows nothing of what follows.
    redis.command(&["FLUSHALL"]);
    let late = store.commit(&cooling(&State::default(), 10, before), LONGEST).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "nobody leads: {late:?}");
    let after = store.acquire_lease(&new, lease).await.unwrap().unwrap();
    assert!(after > before);
    let late = store.commit(&cooling(&State::default(), 10, before), LONGEST).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "somebody else leads: {late:?}");
    assert!(!store.renew_lease(&old, lease).await.unwrap());
    assert_eq!(store.commit(&cooling(&State::default(), 10, after), LONGEST).await.unwrap(), Committed::Done);
    assert_eq!(bus::newest(&store, 10).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn setting_aside_is_done_once_and_overwrites_nothing() {
    let redis = TestRedis::start();
    let store = connect(&redis.url(), &brisk("c1")).await;
    damage(&store, &[&[b"SET", b"hold:scale_up", b"x"]]).await;
    let problem = Problem::new(
        "{c1}:hold:scale_up".to_owned(),
        Spot::Whole,
        Flaw::ForeignType,
        "a string".to_owned(),
        Lost::Hold(Direction::Up),
    );
    assert_eq!(store.problems().await.unwrap().iter().map(|found| &found.key).collect::<Vec<_>>(), [&problem.key]);
    let now = clock::now();
    let mut mending = Mending::new(now);
    let to = mending.set_aside(store.keys(), &problem);

    // Whatever happens to stand there already stays, and nothing at all is done.
    let mut connection = store.connection();
    run(&mut connection, &[b"SET", to.as_bytes(), b"older"]).await;
    let refused = store.mend(&mending, &cooling(&State::default(), 10, 0), LONGEST).await;
    assert!(matches!(&refused, Err(StoreError::Foreign { key, .. }) if *key == to), "{refused:?}");
    assert_eq!(redis.command(&["GET", &to]), "$5\r\nolder\r\n");
    assert_eq!(redis.command(&["GET", "{c1}:hold:scale_up"]), "$1\r\nx\r\n");
    assert_eq!(store.snapshot().await.unwrap().state.cooldowns.up, None);
    run(&mut connection, &[b"DEL", to.as_bytes()]).await;

    let transaction = cooling(&State::default(), 10, 0);
    assert_eq!(store.mend(&mending, &transaction, LONGEST).await.unwrap(), Committed::Done);
    damage(&store, &[&[b"SET", b"hold:scale_up", b"again"]]).await;
    assert_eq!(store.mend(&mending, &transaction, LONGEST).await.unwrap(), Committed::Again);
    assert_eq!(redis.command(&["GET", &to]), "$1\r\nx\r\n");
    assert_eq!(redis.command(&["GET", "{c1}:hold:scale_up"]), "$5\r\nagain\r\n");
    // An older epoch moves nothing.
    let fenced = store.mend(&Mending::new(now), &cooling(&State::default(), 10, 7), LONGEST).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
}

#[test]
fn an_adopted_state_gives_no_name_twice() {
    let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() };
    let mut draft = Draft::new(&State::default(), "test", metadata, clock::now());
    draft.emit(StateAdopted { workers: 2, worker_counter: 17, reason: "lost".to_owned() }, Because::default());
    assert_eq!(draft.state().worker_counter, 17);
}
