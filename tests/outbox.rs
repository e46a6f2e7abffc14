//! An engine that ends while there is no Redis: what happened until then is recorded by the next one, once, or not at all where another
//! replica has led meanwhile.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use support::engine::{RunningEngine, connect, listing};
use support::outage::{
    PASSWORD, assert_sound, change_password, change_password_back, lose_a_worker, protects, quiet, restored, server,
};
use support::redis::TestRedis;
use windlass::bus::replay;
use windlass::engine::{Leftover, LeftoverKind, Standing, leftovers};
use windlass::handlers::{Draft, Handler, HandlerError, World};
use windlass::model::{EngineInfo, Event, EventType, ReplicaId, State};

/// Hears of lost workers and notes how often, whichever engine tells it.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<HashMap<Uuid, usize>>>);

impl Handler for Witness {
    fn name(&self) -> &'static str {
        "Witness"
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[EventType::NodeUnexpectedlyLost, EventType::AutoScaleUpToMinimum]
    }

    fn on_event(&self, event: &Event, _: &World<'_>, _: &mut Draft) -> Result<(), HandlerError> {
        *self.0.lock().unwrap().entry(event.event_id).or_default() += 1;
        Ok(())
    }
}

/// Where engines come and go.
struct Stage {
    redis: TestRedis,
    folder: TempDir,
    witness: Witness,
}

impl Stage {
    fn new() -> Self {
        Self { redis: server(), folder: tempfile::tempdir().unwrap(), witness: Witness::default() }
    }

    async fn start(&self) -> RunningEngine {
        self.start_in(self.folder.path()).await
    }

    async fn start_in(&self, data_dir: &Path) -> RunningEngine {
        let more: Vec<Arc<dyn Handler>> = vec![Arc::new(self.witness.clone())];
        RunningEngine::start_with(&self.redis.url(), &quiet("c1"), data_dir, more).await
    }

    /// An engine that has lost Redis and a worker, and has one again or is about to.
    async fn adrift(&mut self, until_restored: bool) -> RunningEngine {
        let engine = self.start().await;
        engine.first(EventType::ClusterStateSynced).await;
        self.redis.kill();
        engine.stands("leading without Redis", protects).await;
        lose_a_worker(&engine).await;
        if until_restored {
            engine.alive(2).await;
        } else {
            self.until_kept("the loss", |left| left.events.is_none()).await;
            self.until_file_says("NodeUnexpectedlyLost").await;
        }
        engine
    }

    fn left(&self) -> Vec<Leftover> {
        leftovers(self.folder.path(), &"c1".parse().unwrap()).unwrap()
    }

    fn only(&self) -> Leftover {
        let mut left = self.left();
        assert_eq!(left.len(), 1, "{left:?}");
        left.remove(0)
    }

    async fn until_kept(&self, what: &str, wanted: impl Fn(&Leftover) -> bool) {
        for _ in 0..1200 {
            if self.left().iter().any(&wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} was not kept: {:?}", self.left());
    }

    async fn until_file_says(&self, word: &str) {
        for _ in 0..1200 {
            if std::fs::read_to_string(self.only().path).unwrap().contains(word) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{word} did not come");
    }

    /// The next engine records everything, and nothing twice.
    async fn is_recorded_by_the_next(&mut self) -> RunningEngine {
        let waiting = self.only();
        assert_eq!(waiting.kind, LeftoverKind::Waiting);
        let file = std::fs::read_to_string(&waiting.path).unwrap();
        self.redis.restart();
        let next = self.start().await;
        let (data, events) = restored(&next).await;
        assert_eq!((data.events_kept, data.events_dropped), (waiting.events.unwrap() as u64, 0));
        assert_sound(&next).await;
        is_in_order(&file, &events);
        let lost: Vec<_> =
            events.iter().filter(|event| event.event_type() == EventType::NodeUnexpectedlyLost).collect();
        assert_eq!(lost.len(), 1, "{}", listing(&events));
        assert!(waiting.since.unwrap() <= lost[0].timestamp);
        let state = next.until("two workers", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
        assert!(state.workers.keys().eq(next.cluster.host.list().await.unwrap().keys()));
        assert_eq!(self.left(), [], "what is recorded goes");
        next
    }

    /// Every handler was told once of what the log has.
    async fn was_told_once(&self, engine: &RunningEngine) {
        let events = engine.events().await;
        let due: Vec<Uuid> = events
            .iter()
            .filter(|event| self.witness.subscribes().contains(&event.event_type()))
            .map(|event| event.event_id)
            .collect();
        // Whoever is told again is told before what comes later.
        let groups = || async { engine.store.inspect().await.unwrap().events.groups };
        for _ in 0..1200 {
            if groups().await.iter().all(|group| group.pending == 0 && group.lag == Some(0)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let heard = self.witness.0.lock().unwrap().clone();
        for id in due {
            assert_eq!(heard.get(&id), Some(&1), "{id}: {heard:?}\n{}", listing(&events));
        }
    }
}

/// The events of the file stand in the log in the file's order, and before the next leader's election.
#[track_caller]
fn is_in_order(file: &str, events: &[Event]) {
    let elected = events.iter().rposition(|event| event.event_type() == EventType::LeaderElected).unwrap();
    let logged: Vec<String> = events[..elected].iter().map(|event| event.event_id.to_string()).collect();
    let at = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = line["event"]["event_id"].as_str()?.to_owned();
        Some(logged.iter().position(|logged| *logged == id).unwrap_or_else(|| panic!("{id} is not recorded")))
    };
    let places: Vec<usize> = file.lines().filter_map(at).collect();
    assert!(!places.is_empty() && places.is_sorted(), "{places:?}\n{}", listing(events));
}

#[tokio::test]
async fn what_happened_before_a_crash_is_recorded_by_the_next() {
    let mut stage = Stage::new();
    stage.adrift(true).await.crash().await;
    let next = stage.is_recorded_by_the_next().await;
    stage.was_told_once(&next).await;
    next.stop().await;
}

#[tokio::test]
async fn what_had_just_begun_at_a_crash_is_ended_by_the_next() {
    let mut stage = Stage::new();
    stage.adrift(false).await.crash().await;
    let next = stage.is_recorded_by_the_next().await;
    stage.was_told_once(&next).await;
    next.stop().await;
}

#[tokio::test]
async fn what_happened_before_a_clean_end_is_recorded_by_the_next() {
    let mut stage = Stage::new();
    stage.adrift(true).await.stop().await;
    stage.is_recorded_by_the_next().await.stop().await;
}

#[tokio::test]
async fn while_the_process_lives_it_records_by_itself() {
    let mut stage = Stage::new();
    let engine = stage.adrift(true).await;
    assert_eq!(stage.only().kind, LeftoverKind::InUse);
    stage.redis.restart();
    let (data, _) = restored(&engine).await;
    assert!(data.events_kept > 0 && data.events_dropped == 0, "{data:?}");
    assert_eq!(stage.left(), [], "what is recorded goes");
    assert_sound(&engine).await;
    stage.was_told_once(&engine).await;
    engine.stop().await;
}

/// Another replica leads for a moment. Nobody else asks for the lease.
async fn led(stage: &Stage, other: &str) {
    let store = connect(&stage.redis.url(), &quiet("c1")).await;
    let other = ReplicaId(other.to_owned());
    let mut tries = 0;
    while store.acquire_lease(&other, Duration::from_secs(5)).await.unwrap().is_none() {
        tries += 1;
        assert!(tries < 600, "the lease does not end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let info = store.snapshot().await.unwrap().engine.unwrap();
    store.announce(&EngineInfo { replica: other.clone(), ..info }).await.unwrap();
    store.release_lease(&other).await.unwrap();
}

#[tokio::test]
async fn where_another_replica_led_meanwhile_nothing_is_recorded() {
    let mut stage = Stage::new();
    stage.adrift(true).await.crash().await;
    let file = std::fs::read_to_string(stage.only().path).unwrap();
    stage.redis.restart();
    led(&stage, "another:1:x").await;
    let next = stage.start().await;
    next.stands("leading", |standing| *standing == Standing::Leader).await;
    next.until("two workers", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    let events = next.events().await;
    assert!(!events.iter().any(|event| file.contains(&event.event_id.to_string())), "{}", listing(&events));
    assert!(!events.iter().any(|event| event.event_type() == EventType::StoreRestored), "{}", listing(&events));
    let kept = stage.only();
    assert_eq!(kept.kind, LeftoverKind::Abandoned);
    assert_eq!(std::fs::read_to_string(&kept.path).unwrap(), file, "people can read it all");
    let audit = replay::audit(&next.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
    next.stop().await;
}

/// A process can end anywhere between the first event that it records and the removal of the file.
#[tokio::test]
async fn a_recording_that_was_interrupted_is_not_repeated() {
    let mut stage = Stage::new();
    stage.adrift(true).await.crash().await;
    let waiting = stage.only();
    let file = std::fs::read_to_string(&waiting.path).unwrap();
    let before = {
        stage.redis.restart();
        let store = connect(&stage.redis.url(), &quiet("c1")).await;
        store.snapshot().await.unwrap().engine.unwrap()
    };
    let first = stage.start().await;
    restored(&first).await;
    let newest = first.events().await.last().unwrap().event_id;
    let store = first.store.clone();
    first.crash().await;

    // It had recorded everything, and had not yet said that it leads.
    std::fs::write(&waiting.path, &file).unwrap();
    store.announce(&before).await.unwrap();
    let second = stage.start().await;
    second.event_after(EventType::StoreRestored, newest).await;
    second.until("calm", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    assert_sound(&second).await;
    assert_eq!(stage.left(), []);
    second.crash().await;

    // It had said so as well.
    std::fs::write(&waiting.path, &file).unwrap();
    let third = stage.start().await;
    third.stands("leading", |standing| *standing == Standing::Leader).await;
    third.until("calm", |state| state.worker_count() == 2 && state.operations.is_empty()).await;
    assert_sound(&third).await;
    assert_eq!(stage.left(), [], "all of it is in the log");
    third.stop().await;
}

/// Two replicas on one machine share a data directory: who leads meanwhile does not touch what the other one still writes.
#[tokio::test]
async fn the_file_of_a_replica_that_lives_is_left_to_it() {
    let mut stage = Stage::new();
    let first = stage.start().await;
    first.event("calm", |event| event.event_type() == EventType::ClusterStateSynced).await;
    change_password(&mut stage.redis).await;
    first.stands("leading without Redis", protects).await;
    lose_a_worker(&first).await;
    first.alive(2).await;
    let path = stage.only().path;

    // The last one that led, by Redis's account, is the first.
    let url = format!("{}?pass={PASSWORD}", stage.redis.url());
    let second = RunningEngine::start(&url, &quiet("c1"), stage.folder.path()).await;
    second.stands("leading", |standing| *standing == Standing::Leader).await;
    assert_eq!(stage.only(), Leftover { path, kind: LeftoverKind::InUse, events: None, since: None });
    change_password_back(&mut stage.redis).await;
    first.stands("following", |standing| *standing == Standing::Follower).await;
    assert_eq!(stage.only().kind, LeftoverKind::Abandoned);
    let calm = |state: &State| state.worker_count() == 2 && state.operations.is_empty();
    let settled = second.until("two workers", calm).await;
    assert!(settled.workers.keys().eq(second.cluster.host.list().await.unwrap().keys()), "nothing is made twice");
    let events = second.events().await;
    let file = std::fs::read_to_string(stage.only().path).unwrap();
    assert!(!events.iter().any(|event| file.contains(&event.event_id.to_string())), "{}", listing(&events));
    let audit = replay::audit(&second.store, None, None).await.unwrap();
    assert!(audit.whole && audit.differences.is_empty(), "{audit:?}");
    first.stop().await;
    second.stop().await;
}
