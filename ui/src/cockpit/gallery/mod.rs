//! A synthetic picture in which everything is going on at once: for screenshots, tests and benches.

mod deliveries;
mod pools;
mod state;
mod story;
mod verdict;
mod workers;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use windlass::model::{
    ContainerId, EngineInfo, Event, LeaderInfo, Limits, MemoryFinding, Observation, RedisReport, ReplicaId, State,
    Thresholds, View, WorkerKind, WorkerStatus,
};

pub use deliveries::deliveries;
pub use pools::{pools, with_pools};
use state::state;
use story::{Log, story};
use verdict::verdict;
use workers::{observation, observed, worker};

/// How long a lease lasts in it.
pub const LEASE: Duration = Duration::from_secs(3);

/// The picture at a fixed moment.
#[must_use]
pub fn view() -> View {
    view_at(DateTime::from_timestamp(1_773_480_413, 0).unwrap_or_default())
}

/// The picture as if it were taken at `now`.
#[must_use]
pub fn view_at(now: DateTime<Utc>) -> View {
    let mut view = View::empty(name("edge-berlin"), now);
    let mut log = Log { now, events: VecDeque::new(), operation: None };
    let told = story(&mut log);
    view.leader = Some(LeaderInfo { replica: ReplicaId("edge-gw-1:812:7f3a".to_owned()), epoch: 12 });
    view.engine = Some(EngineInfo {
        replica: ReplicaId("edge-gw-1:812:7f3a".to_owned()),
        version: "0.1.0".to_owned(),
        cluster: "docker".to_owned(),
        dry_run: false,
        limits: Limits { min_nodes: 2, max_nodes: 8 },
        thresholds: Thresholds::default(),
        check_interval: 5.0,
        cooldown_up: 60.0,
        cooldown_down: 300.0,
        max_hold: 604_800.0,
        leading_since: ago(now, 7_500),
    });
    view.state = Arc::new(state(now, told));
    view.observation = Some(Arc::new(observation(now, 0)));
    view.verdict = Some(Arc::new(verdict(now)));
    view.events = Arc::new(log.events);
    view.redis = Some(Arc::new(redis(now)));
    view
}

/// The observation so many looks before the last: for the sparklines.
#[must_use]
pub fn earlier_observation(now: DateTime<Utc>, looks: u32) -> Observation {
    observation(ago(now, i64::from(looks) * 5), looks)
}

/// So many workers: for benches.
#[must_use]
pub fn many_workers(now: DateTime<Utc>, count: u64) -> (State, Observation) {
    let mut state = State::default();
    let mut seen = Observation { workers: std::collections::BTreeMap::default(), ..observation(now, 0) };
    for number in 1..=count {
        let text = format!("k3s-worker-{number}");
        let worker = worker(now, &text, WorkerKind::Dynamic, WorkerStatus::Ready, 60 * number.cast_signed());
        seen.workers.insert(
            worker.name.clone(),
            observed(&worker, Some((number % 100) as f64), Some((number * 7 % 100) as f64)),
        );
        state.workers.insert(worker.name.clone(), worker);
    }
    (state, seen)
}

/// So many events, one after another: for benches and for what depends on a long log.
#[must_use]
pub fn many_events(count: u64) -> VecDeque<Arc<Event>> {
    let now = view().at;
    let mut log = Log { now, events: VecDeque::new(), operation: None };
    while log.events.len() < count as usize {
        story(&mut log);
    }
    log.events.truncate(count as usize);
    log.events
}

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap_or_else(|error| unreachable!("{text:?} is a valid name: {error:?}"))
}

fn ago(now: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    now - TimeDelta::seconds(seconds)
}

fn container(text: &str) -> ContainerId {
    // Any id will do, but the same one for the same name.
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ContainerId(format!("{hash:016x}{:016x}", hash.rotate_left(29)).repeat(2))
}

fn redis(now: DateTime<Utc>) -> RedisReport {
    RedisReport {
        at: ago(now, 1),
        server: "redis".to_owned(),
        version: "7.0.15".to_owned(),
        used_bytes: 13_002_342,
        peak_bytes: 19_293_798,
        max_bytes: Some(256 << 20),
        rss_bytes: 25_165_824,
        fragmentation_ratio: Some(1.93),
        fragmentation_bytes: Some(12_163_482),
        allocator_ratio: Some(1.08),
        allocator_bytes: Some(1_040_187),
        policy: "noeviction".to_owned(),
        evicted_keys: 0,
        keys: 1_204,
        stream_entries: Some(9_812),
        aof: true,
        persistence_ok: true,
        clients: 4,
        latency_ms: 0.3,
        findings: vec![MemoryFinding {
            warning: true,
            what: "the operating system holds 11.6M more than is used, since a peak".to_owned(),
            remedy: "MEMORY PURGE gives it back".to_owned(),
        }],
    }
}
