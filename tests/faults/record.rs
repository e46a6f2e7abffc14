//! What happened, as somebody saw it who does not ask windlass: the log as it grew, and the containers as they came and went.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use windlass::bus::{self, Follower};
use windlass::clock;
use windlass::model::{Command, Event};
use windlass::store::Store;

use crate::functions::PoolContainers;
use crate::place::Place;
use crate::world::Containers;

/// Between two looks at the containers.
const LOOK: Duration = Duration::from_millis(60);

/// What was seen until now.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every event, oldest first; also of a log that is gone.
    pub events: Vec<Event>,
    /// How many of them were written before Redis lost everything.
    pub lost: usize,
    /// The containers at the last look.
    pub containers: Containers,
    /// Containers that ran when they were last seen: name and id.
    pub vanished: Vec<(String, String)>,
    /// The containers of pools at the last look.
    pub pools: PoolContainers,
    /// When that look began.
    pub pools_at: DateTime<Utc>,
    /// Containers of pools that ever ran: name by id.
    pub pools_came: BTreeMap<String, String>,
    /// Containers of pools that ran when they were last seen.
    pub pools_went: Vec<Went>,
    /// Ids that the harness itself removed or ended.
    pub ours: BTreeSet<String>,
    /// Every command, and whether Redis confirmed that it has it.
    pub commands: Vec<(Command, bool)>,
    /// When Redis could not be used, by the harness's doing.
    pub outages: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// What was broken on the way.
    pub wrong: Vec<String>,
    /// What was chosen where the name of the fault does not say it.
    pub notes: Vec<String>,
}

/// A container of a pool that ran, and does so no longer.
#[derive(Debug)]
pub struct Went {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// When it was last seen to run.
    pub ran_at: DateTime<Utc>,
    /// When it was seen that it does not.
    pub at: DateTime<Utc>,
}

/// Records for as long as it lives.
pub struct Record {
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Record {
    /// Begins.
    pub fn begin(place: &Arc<Place>, store: &Store) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tasks =
            vec![tokio::spawn(follow(store.clone(), seen.clone())), tokio::spawn(look(place.clone(), seen.clone()))];
        Self { seen, tasks }
    }

    /// Reads or notes something.
    pub fn with<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.seen.lock().unwrap())
    }

    /// Waits until everything that is in the log now is recorded.
    pub async fn catch_up(&self, store: &Store) {
        for _ in 0..500 {
            if let Ok((newest, _)) = bus::newest(store, 1).await {
                let known = |seen: &mut Seen| seen.events.iter().rev().any(|event| Some(event) == newest.last());
                if newest.is_empty() || self.with(known) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the log could not be read to its end");
    }
}

impl Seen {
    fn take_pools(&mut self, there: PoolContainers, begun: DateTime<Utc>, at: DateTime<Utc>) {
        let running = |pools: &PoolContainers| -> BTreeMap<String, String> {
            let running = pools.iter().filter(|(_, container)| container.runs);
            running.map(|(name, container)| (container.id.clone(), name.clone())).collect()
        };
        let (before, now) = (running(&self.pools), running(&there));
        let gone = before.into_iter().filter(|(id, _)| !now.contains_key(id));
        let ran_at = self.pools_at;
        self.pools_went.extend(gone.map(|(id, name)| Went { name, id, ran_at, at }));
        self.pools_came.extend(now);
        (self.pools, self.pools_at) = (there, begun);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The log, as it grows; where the connection is cut, from the same place on.
async fn follow(store: Store, seen: Arc<Mutex<Seen>>) {
    let mut position = "0-0".to_owned();
    let wait = Duration::from_millis(500);
    loop {
        let stream = vec![(store.keys().events(), position.clone())];
        if let Ok(mut follower) = Follower::new(&store, stream, wait).await {
            while let Ok(entries) = follower.next(wait).await {
                if let Some(last) = entries.last() {
                    position.clone_from(&last.id);
                }
                seen.lock().unwrap().events.extend(entries.iter().filter_map(|entry| entry.event().ok()));
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The containers, as they come and go.
async fn look(place: Arc<Place>, seen: Arc<Mutex<Seen>>) {
    loop {
        let (looking, begun) = (place.clone(), clock::now());
        let found = tokio::task::spawn_blocking(move || looking.world.look()).await;
        if let Ok(Some(now)) = found {
            let mut seen = seen.lock().unwrap();
            seen.take_pools(now.pools, begun, clock::now());
            let before = std::mem::replace(&mut seen.containers, now.workers);
            let ids: BTreeMap<&str, bool> =
                seen.containers.values().map(|container| (container.id.as_str(), container.runs)).collect();
            let gone: Vec<_> = before
                .into_iter()
                .filter(|(_, container)| container.runs && !ids.contains_key(container.id.as_str()))
                .map(|(name, container)| (name, container.id))
                .collect();
            seen.vanished.extend(gone);
        }
        tokio::time::sleep(LOOK).await;
    }
}
