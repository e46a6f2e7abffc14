//! An engine with one pool, `hello`, on a Redis of its own.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use windlass::cluster::simulated::pools::call;
use windlass::config::{Config, FunctionConfig, Span};
use windlass::model::{Action, ContainerStatus, Direction, Event, EventData, EventType, FunctionName, Pool};
use windlass::pools::Board;

use crate::support::engine::{PATIENCE, RunningEngine, brisk, listing};
use crate::support::redis::TestRedis;

/// How long a container of the tests idles before it goes.
pub const COOLDOWN: Duration = Duration::from_secs(1);

/// Everything that a test needs.
pub struct Stage {
    pub redis: TestRedis,
    pub engine: RunningEngine,
    pub folder: tempfile::TempDir,
}

/// A configuration with the pool `hello`, in which things happen quickly.
pub fn pooled(cluster: &str, min: u32, max: u32) -> Config {
    let mut config = brisk(cluster);
    config.pools.check_interval = Span::millis(200);
    let mut hello = FunctionConfig::new(function("hello"), "hello:1", 8080);
    (hello.min, hello.max) = (min, max);
    hello.cooldown_duration = Span::millis(1000);
    config.pools.functions = vec![hello];
    config
}

pub fn function(name: &str) -> FunctionName {
    name.parse().unwrap()
}

impl Stage {
    pub async fn set(config: &Config) -> Self {
        Self::set_on(TestRedis::start(), config).await
    }

    pub async fn set_on(redis: TestRedis, config: &Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Until a test says otherwise: neither idle nor overloaded.
        call(folder.path(), &function("hello"), Some(30.0)).unwrap();
        let engine = RunningEngine::start(&redis.url(), config, folder.path()).await;
        Self { redis, engine, folder }
    }

    /// How much the function is called from now on, in percent of one container.
    pub fn calls(&self, percent: Option<f64>) {
        call(self.folder.path(), &function("hello"), percent).unwrap();
    }

    /// The pool as the engine shows it.
    pub fn pool(&self) -> Pool {
        pool_of(&self.engine.pools, "hello")
    }

    /// Waits until the pool is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Pool) -> bool) -> Pool {
        let begun = now();
        loop {
            let pools = self.engine.pools.pools();
            let pool = pools.iter().find(|pool| pool.spec.function.as_str() == "hello");
            if let Some(pool) = pool.filter(|pool| wanted(pool)) {
                return pool.clone();
            }
            let waits = begun.elapsed() < PATIENCE;
            assert!(waits, "{what} did not come: {pool:#?}\n{}", self.told().await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// What was reported, where Redis can be asked.
    async fn told(&self) -> String {
        match windlass::bus::newest(&self.engine.store, 10_000).await {
            Ok((events, _)) => listing(&events),
            Err(error) => error.to_string(),
        }
    }

    /// Scales by hand; the answer.
    pub async fn scale(&self, direction: Direction, count: u32) -> Event {
        self.engine.command(Action::PoolScale { function: function("hello"), direction, count }).await
    }

    /// The string under a key.
    pub fn get(&self, key: &str) -> String {
        let answer = self.redis.command(&["GET", key]);
        answer.split_once("\r\n").map(|(_, text)| text.trim_end().to_owned()).unwrap_or(answer)
    }

    pub async fn clear(self) {
        self.engine.stop().await;
    }
}

pub fn pool_of(board: &Board, name: &str) -> Pool {
    let pools = board.pools();
    pools.iter().find(|pool| pool.spec.function.as_str() == name).expect("the pool is known").clone()
}

pub fn statuses(pool: &Pool) -> Vec<ContainerStatus> {
    pool.containers.iter().map(|container| container.status).collect()
}

/// Whether there are containers, all of this status.
pub fn all(pool: &Pool, status: ContainerStatus) -> bool {
    !pool.containers.is_empty() && statuses(pool).iter().all(|found| *found == status)
}

/// Since when the first container idles.
pub fn idle_for(pool: &Pool) -> Option<DateTime<Utc>> {
    pool.containers.first()?.idle_since
}

pub fn count(events: &[Event], event_type: EventType) -> usize {
    events.iter().filter(|event| event.event_type() == event_type).count()
}

#[track_caller]
pub fn reason(event: &Event) -> &str {
    let EventData::CommandRefused(data) = &event.data else { panic!("it was not refused: {event:?}") };
    &data.reason
}

#[track_caller]
pub fn detail(event: &Event) -> &str {
    let EventData::CommandRefused(data) = &event.data else { panic!("it was not refused: {event:?}") };
    &data.detail
}

/// Waits for something.
pub async fn wait(what: &str, wanted: impl Fn() -> bool) {
    let begun = now();
    while !wanted() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[allow(clippy::disallowed_methods, reason = "a test's patience is real time")]
fn now() -> Instant {
    Instant::now()
}
