//! A leader that ends in the middle of an operation, at every step, with the thing outside done or not: the next one ends it once, and
//! nothing is left over or there twice. On a real Redis, with the simulated cluster.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::rc::Rc;

use support::engine::{RunningEngine, brisk, connect, listing, scale};
use support::redis::TestRedis;
use tokio::task::JoinSet;
use uuid::Uuid;
use windlass::clock;
use windlass::cluster::{Cluster, WorkerRequest};
use windlass::config::{Config, Span};
use windlass::handlers::{Because, Draft};
use windlass::model::event::{
    NodeCreated, NodeDrained, NodeReady, NodeRegistered, NodeRemovalConfirmed, NodeRemoved, ScaleDownDecision,
    ScaleDownStarted, ScaleUpDecision, ScaleUpStarted,
};
use windlass::model::{
    Direction, Event, EventData, EventType, Metadata, Origin, ReplicaId, State, Step, WorkerKind, WorkerName,
    WorkerStatus,
};
use windlass::policy::backoff;
use windlass::store::{Store, Transaction};

/// Where the leader ended. `there`: whether the worker's container exists then.
#[derive(Debug, Clone, Copy)]
struct Crash {
    at: Option<Step>,
    direction: Direction,
    there: bool,
    /// Whether what was not heard yet is trimmed from the stream.
    forgotten: bool,
    ends: EventType,
    /// Workers in the end; a scale-up begins with 2 of them, a scale-down with 3.
    workers: usize,
}

const fn crash(direction: Direction, at: Option<Step>, there: bool, ends: EventType, workers: usize) -> Crash {
    Crash { at, direction, there, forgotten: false, ends, workers }
}

fn table() -> Vec<Crash> {
    use EventType::{ScalingActionCompleted as Completed, ScalingActionFailed as Failed};
    let up = |at, there, ends, workers| crash(Direction::Up, at, there, ends, workers);
    let down = |at, there, ends, workers| crash(Direction::Down, at, there, ends, workers);
    vec![
        up(None, false, Completed, 3),
        Crash { forgotten: true, ..up(None, false, Completed, 3) },
        up(Some(Step::Allocated), false, Completed, 3),
        up(Some(Step::Allocated), true, Completed, 3),
        up(Some(Step::Created), true, Completed, 3),
        up(Some(Step::Created), false, Failed, 2),
        up(Some(Step::Registered), true, Completed, 3),
        up(Some(Step::Registered), false, Failed, 2),
        up(Some(Step::Ready), true, Completed, 3),
        // It is lost, as any other worker may be.
        up(Some(Step::Ready), false, Completed, 2),
        down(None, true, Completed, 2),
        Crash { forgotten: true, ..down(None, true, Completed, 2) },
        down(Some(Step::Chosen), true, Completed, 2),
        // Somebody else took it: there is nothing to drain.
        down(Some(Step::Chosen), false, Failed, 2),
        down(Some(Step::Drained), true, Completed, 2),
        down(Some(Step::Drained), false, Completed, 2),
        down(Some(Step::Removed), false, Completed, 2),
        // The removal was lost: it is done again.
        down(Some(Step::Removed), true, Completed, 2),
        down(Some(Step::Confirmed), false, Completed, 2),
        // Somebody made one of that name again: it is taken over.
        down(Some(Step::Confirmed), true, Completed, 3),
    ]
}

#[tokio::test]
async fn a_crash_at_any_step_is_finished_or_rolled_back_once() {
    tokio::task::LocalSet::new().run_until(every_crash()).await;
}

async fn every_crash() {
    let redis = Rc::new(TestRedis::start());
    let mut cases = JoinSet::new();
    for (number, crash) in table().into_iter().enumerate() {
        let redis = redis.clone();
        cases.spawn_local(async move { crashed(&redis, &format!("case-{number}"), crash).await });
    }
    let mut ended = 0;
    while let Some(case) = cases.join_next().await {
        case.unwrap();
        ended += 1;
    }
    assert_eq!(ended, table().len());
}

async fn crashed(redis: &TestRedis, cluster: &str, crash: Crash) {
    let folder = tempfile::tempdir().unwrap();
    let config = brisk(cluster);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let begun = if crash.direction == Direction::Up { 2 } else { 3 };
    if begun == 3 {
        engine.command(scale(Direction::Up, 1)).await;
    }
    engine.until("calm", |state| state.worker_count() == begun && state.operations.is_empty()).await;
    let outside = engine.cluster.clone();
    engine.stop().await;

    let operation = half_done(redis, &config, &outside, crash).await;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let own = |event: &Event| event.correlation_id == Some(operation);
    let is_end = |event: &Event| {
        own(event) && matches!(event.event_type(), EventType::ScalingActionCompleted | EventType::ScalingActionFailed)
    };
    let end = engine.event("the end of the operation", is_end).await;
    assert_eq!(end.event_type(), crash.ends, "{crash:?}\n{}", listing(&engine.events().await));
    let state = engine.until("as many workers", |state| {
        state.worker_count() as usize == crash.workers
            && state.operations.is_empty()
            && state.workers.values().all(|worker| worker.status == WorkerStatus::Ready)
    });
    let state = state.await;
    engine.event_after(EventType::ClusterStateSynced, end.event_id).await;

    let remembered: Vec<_> = state.workers.values().map(|worker| (&worker.name, &worker.container_id)).collect();
    let real = outside.host.list().await.unwrap();
    let real: Vec<_> = real.values().map(|container| (&container.name, &container.container_id)).collect();
    assert_eq!(real, remembered, "{crash:?}: what is remembered is what there is");
    let events = engine.events().await;
    let of = |kind| events.iter().filter(move |event| own(event) && event.event_type() == kind);
    assert_eq!(events.iter().filter(|event| is_end(event)).count(), 1, "{crash:?}\n{}", listing(&events));
    assert_eq!(of(EventType::ScaleUpStarted).count() + of(EventType::ScaleDownStarted).count(), 1, "{crash:?}");
    let resumed: Vec<_> = of(EventType::OperationResumed).collect();
    let [Event { data: EventData::OperationResumed(data), caused_by, .. }] = resumed[..] else {
        panic!("{crash:?}: said once, not {resumed:?}");
    };
    assert_eq!(data.resolution, "finish", "{crash:?}");
    let at = crash.at.or((crash.direction == Direction::Down).then_some(Step::Chosen));
    assert_eq!(data.steps, at.map(|step| step.to_string()).into_iter().collect::<Vec<_>>(), "{crash:?}");
    let elected = events.iter().find(|event| Some(event.event_id) == *caused_by).unwrap();
    assert_eq!(elected.event_type(), EventType::LeaderElected);
    let failed = of(EventType::NodeFailed).count();
    assert_eq!(failed, usize::from(crash.ends == EventType::ScalingActionFailed), "{crash:?}");
    engine.stop().await;
}

/// Writes an operation that has come to that step, and does or undoes what is outside; its id.
async fn half_done(redis: &TestRedis, config: &Config, outside: &Cluster, crash: Crash) -> Uuid {
    let store = connect(&redis.url(), config).await;
    let state = store.snapshot().await.unwrap().state;
    let now = clock::now();
    let metadata = Metadata { cluster_id: config.cluster.id.clone(), region: String::new() };
    let mut draft = Draft::new(&state, "test", metadata, now);
    let operation = clock::fresh_id(now);
    match crash.direction {
        Direction::Up => go_up(&state, &mut draft, operation, outside, crash).await,
        Direction::Down => go_down(&state, &mut draft, operation, outside, crash).await,
    }
    commit(&store, draft).await;
    if crash.forgotten {
        redis.command(&["XTRIM", &store.keys().events(), "MAXLEN", "0"]);
    }
    operation
}

async fn go_up(state: &State, draft: &mut Draft, operation: Uuid, outside: &Cluster, crash: Crash) {
    let because = || Because::default().within(operation);
    let current_workers = state.worker_count();
    let (origin, reason) = (Origin::Operator, "test".to_owned());
    let target_workers = current_workers + 1;
    draft
        .emit(ScaleUpDecision { count: 1, current_workers, target_workers, origin, reason, dry_run: false }, because());
    let Some(at) = crash.at else { return };
    let worker_counter = state.worker_counter + 1;
    let node_name = WorkerName::numbered("k3s-worker", worker_counter).unwrap();
    let node_names = vec![node_name.clone()];
    draft.emit(ScaleUpStarted { node_names, worker_counter, previous_workers: current_workers }, because());
    let reached = |step: Step| step.progress() <= at.progress();
    if crash.there || reached(Step::Created) {
        let request = WorkerRequest { name: node_name.clone(), kind: WorkerKind::Dynamic, operation };
        let made = outside.host.create(&request).await.unwrap();
        if reached(Step::Created) {
            let (container_id, created_at) = (made.container_id, made.created_at);
            let kind = WorkerKind::Dynamic;
            draft.emit(NodeCreated { node_name: node_name.clone(), container_id, kind, created_at }, because());
        }
    }
    if reached(Step::Registered) {
        draft.emit(NodeRegistered { node_name: node_name.clone() }, because());
    }
    if reached(Step::Ready) {
        draft.emit(NodeReady { node_name: node_name.clone(), duration: 1.0 }, because());
    }
    if !crash.there {
        outside.host.remove(&node_name).await.unwrap();
    }
}

async fn go_down(state: &State, draft: &mut Draft, operation: Uuid, outside: &Cluster, crash: Crash) {
    let because = || Because::default().within(operation);
    let node_name = state.workers.keys().next_back().unwrap().clone();
    let node_names = vec![node_name.clone()];
    let current_workers = state.worker_count();
    let decision = ScaleDownDecision {
        node_names: node_names.clone(),
        current_workers,
        target_workers: current_workers - 1,
        origin: Origin::Operator,
        reason: "test".to_owned(),
        dry_run: false,
    };
    draft.emit(decision, because());
    let Some(at) = crash.at else { return };
    draft.emit(ScaleDownStarted { node_names, previous_workers: current_workers }, because());
    let reached = |step: Step| step.progress() <= at.progress();
    if reached(Step::Drained) {
        draft.emit(NodeDrained { node_name: node_name.clone(), evicted_pods: Some(2) }, because());
    }
    if reached(Step::Removed) {
        draft.emit(NodeRemoved { node_name: node_name.clone(), reason: "scale_down".to_owned() }, because());
    }
    if reached(Step::Confirmed) {
        draft.emit(NodeRemovalConfirmed { node_name: node_name.clone() }, because());
    }
    if !crash.there {
        outside.host.remove(&node_name).await.unwrap();
    }
}

async fn commit(store: &Store, draft: Draft) {
    let replica = ReplicaId("the-one-that-crashed".to_owned());
    let epoch = store.acquire_lease(&replica, std::time::Duration::from_secs(30)).await.unwrap().unwrap();
    let id = clock::fresh_id(draft.now());
    let (_, changes, events) = draft.into_parts();
    let transaction = Transaction::new(id, epoch, changes, events);
    store.commit(&transaction, 10_000).await.unwrap();
    assert!(store.release_lease(&replica).await.unwrap());
}

/// A quick cluster in a scenario of a test's own.
fn in_scenario(folder: &std::path::Path, rest: &str) -> Config {
    let path = folder.join("scenario.yaml");
    let phases = "phases:\n  - { at: 0s, cpu_demand: 1.0, memory_demand: 1.0 }\n";
    std::fs::write(&path, format!("name: test\ndescription: a test's own\nstartup: 200ms\n{phases}{rest}")).unwrap();
    let mut config = brisk("c1");
    config.cluster.simulated.scenario = Some(path.display().to_string());
    config
}

#[tokio::test]
async fn workers_that_never_become_ready_are_removed_later_and_later_until_one_does() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let slow = "incidents:\n  - { at: 0s, slow_start: { startup: 600s, for: 8s } }\n";
    let mut config = in_scenario(folder.path(), slow);
    config.autoscaler.limits.min_nodes = 1;
    config.autoscaler.enforcement.min_violation_check_interval = Span::millis(200);
    config.autoscaler.operations.backoff.first_pause = Span::millis(800);
    config.workers.ready_timeout = Span::seconds(1);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::MinimumNodesRestored).await;
    let state = engine.until("calm", |state| state.operations.is_empty()).await;
    let events = engine.events().await;
    let all = |kind| events.iter().filter(move |event| event.event_type() == kind).collect::<Vec<_>>();
    let failures = all(EventType::ScalingActionFailed);
    assert!(failures.len() >= 2, "{}", listing(&events));
    for failed in &failures {
        let EventData::ScalingActionFailed(data) = &failed.data else { panic!("{failed:?}") };
        assert!(data.reason.ends_with("it was not ready within 1s"), "{}", data.reason);
        assert_eq!(data.rolled_back.len(), 1);
    }
    // Every further attempt was decided on no sooner than its pause after the failure before it.
    let attempts = all(EventType::AutoScaleUpToMinimum);
    assert_eq!(attempts.len(), failures.len() + 1);
    for (number, (failed, next)) in failures.iter().zip(&attempts[1..]).enumerate() {
        let pause = chrono::TimeDelta::milliseconds(800 << number);
        let waited = next.timestamp - failed.timestamp;
        assert!(waited >= pause, "after failure {number}: {waited} is less than {pause}");
    }
    let said = events.iter().any(
        |event| matches!(&event.data, EventData::ScaleUpBlocked(data) if data.enforcement && data.reason == "cooldown"),
    );
    assert!(said, "{}", listing(&events));
    let pauses = config.autoscaler.operations.backoff;
    assert_eq!(backoff::until(&state, Direction::Up, &pauses), None, "a success ends it");
    assert_eq!(engine.cluster.host.list().await.unwrap().len(), 1, "of the others nothing is left");
    engine.stop().await;
}

#[tokio::test]
async fn a_drain_that_hangs_is_cut_off_and_spares_the_worker() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let mut config = in_scenario(folder.path(), "drain: 600s\n");
    config.autoscaler.operations.timeouts.drain = Span::seconds(1);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    engine.command(scale(Direction::Up, 1)).await;
    let before = engine.until("three", |state| state.worker_count() == 3 && state.operations.is_empty()).await;
    let asked = engine.command(scale(Direction::Down, 1)).await;
    let failed = engine.event_after(EventType::ScalingActionFailed, asked.event_id).await;
    let EventData::ScalingActionFailed(data) = &failed.data else { panic!("{failed:?}") };
    assert!(data.reason.ends_with("it was not drained within 1s"), "{}", data.reason);
    let after = engine.until("its end", |state| state.operations.is_empty()).await;
    assert_eq!(after.workers, before.workers, "it takes work as before");
    engine.stop().await;
}

#[tokio::test]
async fn operations_run_side_by_side_up_to_the_limit() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let mut config = in_scenario(folder.path(), "drain: 2s\n");
    config.autoscaler.operations.max_concurrent = 2;
    config.autoscaler.limits.min_nodes = 1;
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    engine.command(scale(Direction::Up, 3)).await;
    engine.until("four", |state| state.worker_count() == 4 && state.operations.is_empty()).await;
    let one = engine.command(scale(Direction::Down, 1)).await;
    let two = engine.command(scale(Direction::Down, 1)).await;
    let three = engine.command(scale(Direction::Down, 1)).await;
    assert_eq!([one.event_type(), two.event_type()], [EventType::ScaleDownDecision; 2]);
    let EventData::CommandRefused(refused) = &three.data else { panic!("{three:?}") };
    assert_eq!(refused.reason, "operation_in_flight");
    assert!(refused.detail.starts_with("2 operations are under way"), "{}", refused.detail);
    engine.until("two", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    let events = engine.events().await;
    let order: Vec<_> = events
        .iter()
        .filter(|event| event.event_id > one.event_id)
        .filter(|event| matches!(event.event_type(), EventType::ScaleDownStarted | EventType::ScalingActionCompleted))
        .map(Event::event_type)
        .collect();
    assert_eq!(order[..2], [EventType::ScaleDownStarted; 2], "the second one began before the first had ended");
    engine.stop().await;
}
