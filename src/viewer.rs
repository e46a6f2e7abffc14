//! Reads views: all that a cockpit shows, from what Redis holds. It is the same whether the engine runs in this process, in another
//! one, or nowhere.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bus::{self, Follower, dead_letters, webhooks};
use crate::clock;
use crate::model::{ClusterId, Deliveries, Event, ReplicaSeen, StoreHealth, View};
use crate::store::{Store, StoreError};

/// How many of the newest events a view holds.
pub const EVENTS_KEPT: usize = 10_000;
/// What is not announced by an event (metrics, verdicts) is read this often.
const REFRESH: Duration = Duration::from_secs(1);
/// The memory report, the replicas, the dead letters, the webhook targets and the pools are read this often.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// How many of the newest dead letters a view holds.
const LETTERS_KEPT: usize = 100;
/// After a failure.
const RETRY: Duration = Duration::from_millis(500);

/// Follows a cluster; the views end when `stop` is called.
#[must_use]
pub fn follow(store: Store, cluster: ClusterId, stop: CancellationToken) -> watch::Receiver<Arc<View>> {
    let (sender, receiver) = watch::channel(Arc::new(View::empty(cluster.clone(), clock::now())));
    tokio::spawn(async move {
        let mut viewer = Viewer { store, view: View::empty(cluster, clock::now()) };
        let _ = stop.run_until_cancelled(viewer.run(&sender)).await;
    });
    receiver
}

/// Reads one view and is done.
pub async fn read_once(store: &Store, cluster: ClusterId, events: usize) -> Result<View, StoreError> {
    let mut viewer = Viewer { store: store.clone(), view: View::empty(cluster, clock::now()) };
    let (newest, _) = readable(bus::newest(store, events).await)?.unwrap_or_default();
    viewer.append(newest);
    viewer.refresh().await?;
    viewer.refresh_report().await?;
    viewer.refresh_pools().await?;
    Ok(viewer.view)
}

struct Viewer {
    store: Store,
    view: View,
}

impl Viewer {
    async fn run(&mut self, sender: &watch::Sender<Arc<View>>) {
        loop {
            let error = match self.follow(sender).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            if let StoreError::Refused(_) = &error {
                // It may have been a wrong password that is right by now; the next attempt finds out.
                let _ = self.store.reconnect().await;
            }
            let since = match &self.view.store {
                StoreHealth::Down { since, .. } => *since,
                StoreHealth::Up => clock::now(),
            };
            let error = format!("{}: {error}", self.store.address().describe());
            self.view.store = StoreHealth::Down { since, error, protects: None };
            self.view.at = clock::now();
            sender.send_replace(Arc::new(self.view.clone()));
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn follow(&mut self, sender: &watch::Sender<Arc<View>>) -> Result<std::convert::Infallible, StoreError> {
        let newest = readable(bus::newest(&self.store, EVENTS_KEPT).await)?;
        let (newest, position) = newest.unwrap_or_else(|| (Vec::new(), "0-0".to_owned()));
        self.view.events = Arc::default();
        self.append(newest);
        let streams = vec![(self.store.keys().events(), position)];
        let mut follower = Follower::new(&self.store, streams, REFRESH).await?;
        let mut reported: Option<DateTime<Utc>> = None;
        let mut pools_changed = false;
        loop {
            self.refresh().await?;
            if reported.is_none_or(|at| clock::between(at, self.view.at) >= REPORT_EVERY) {
                self.refresh_report().await?;
                self.refresh_pools().await?;
                reported = Some(self.view.at);
            } else if pools_changed {
                self.refresh_pools().await?;
            }
            sender.send_if_modified(|known| {
                let changed = differs(known, &self.view);
                *known = Arc::new(self.view.clone());
                changed
            });
            match readable(follower.next(REFRESH).await)? {
                Some(entries) => {
                    let events: Vec<Event> = entries.into_iter().filter_map(|entry| entry.event().ok()).collect();
                    pools_changed = events.iter().any(is_about_pools);
                    self.append(events);
                }
                // Something that is no stream answers at once.
                None => tokio::time::sleep(REFRESH).await,
            }
        }
    }

    fn append(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut events = events.into_iter().map(Arc::new).peekable();
        if events.peek().is_none() {
            return;
        }
        let known: &mut VecDeque<Arc<Event>> = Arc::make_mut(&mut self.view.events);
        known.extend(events);
        let surplus = known.len().saturating_sub(EVENTS_KEPT);
        known.drain(..surplus);
    }

    async fn refresh(&mut self) -> Result<(), StoreError> {
        let snapshot = self.store.snapshot().await?;
        self.view.at = clock::now();
        self.view.store = StoreHealth::Up;
        self.view.leader = snapshot.leader;
        keep(&mut self.view.state, snapshot.state);
        keep(&mut self.view.problems, snapshot.problems);
        self.view.engine = snapshot.engine;
        self.view.observation = snapshot.observation.map(Arc::new);
        self.view.verdict = snapshot.verdict.map(Arc::new);
        Ok(())
    }

    async fn refresh_report(&mut self) -> Result<(), StoreError> {
        self.view.redis = Some(Arc::new(self.store.report(self.view.at).await?));
        self.view.replicas = Some(self.store.replicas().await?);
        let page = readable(dead_letters::list(&self.store, None, LETTERS_KEPT).await)?;
        let (letters, dead) = page.map(|page| (page.letters, page.total)).unwrap_or_default();
        let targets = readable(webhooks::health(&self.store).await)?.unwrap_or_default();
        let deliveries = Deliveries { letters, dead, targets };
        match &mut self.view.deliveries {
            Some(known) => keep(known, deliveries),
            none => *none = Some(Arc::new(deliveries)),
        }
        Ok(())
    }

    async fn refresh_pools(&mut self) -> Result<(), StoreError> {
        let pools = self.store.read_pools_for_view(self.view.at).await?;
        match &mut self.view.pools {
            Some(known) => keep(known, pools),
            none => *none = Some(Arc::new(pools)),
        }
        Ok(())
    }
}

fn is_about_pools(event: &Event) -> bool {
    event.event_type().name().starts_with("Pool")
}

/// `None` for what is not windlass's: the snapshot names it, and the rest is shown all the same.
fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Foreign { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is the same stays the same allocation, so that whoever compares can compare pointers.
fn keep<T: PartialEq>(known: &mut Arc<T>, new: T) {
    if **known != new {
        *known = Arc::new(new);
    }
}

/// Whether there is anything new to show; that it was read at another time is not. Events are only ever appended, so the same
/// allocation has the same events.
fn differs(known: &View, new: &View) -> bool {
    // That a replica was seen again is nothing new either.
    let name = |seen: &ReplicaSeen| seen.replica.0.clone();
    !Arc::ptr_eq(&known.events, &new.events)
        || !Arc::ptr_eq(&known.state, &new.state)
        || !Arc::ptr_eq(&known.problems, &new.problems)
        || known.store != new.store
        || known.leader != new.leader
        || known.engine != new.engine
        || !known.replicas.iter().flatten().map(name).eq(new.replicas.iter().flatten().map(name))
        || known.observation != new.observation
        || known.verdict != new.verdict
        || known.redis != new.redis
        || known.deliveries != new.deliveries
        || known.pools != new.pools
}
