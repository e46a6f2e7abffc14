//! What the leader hears: a consumer group per handler, the commands, and the entries that are to be tried again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bus::{self, Consumer, Entry, Follower};
use crate::config::RetryConfig;
use crate::handlers::Handler;
use crate::model::ReplicaId;
use crate::store::{Acknowledgement, Store, StoreError};

/// Longer waits only cost a round trip each.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// One handler with its group.
pub(super) struct Subscription {
    pub(super) handler: Arc<dyn Handler>,
    pub(super) consumer: Consumer,
    /// Read, and not dealt with yet.
    pub(super) waiting: VecDeque<Entry>,
    /// Failed, to be tried again.
    pub(super) retries: Vec<Retry>,
}

/// An entry that failed.
pub(super) struct Retry {
    pub(super) entry: Entry,
    pub(super) tries: u32,
    pub(super) at: Instant,
}

impl Subscription {
    /// The next entry to deal with and how often it was tried.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Entry, u32)> {
        if let Some(index) = self.retries.iter().position(|retry| retry.at <= now) {
            let retry = self.retries.swap_remove(index);
            return Some((retry.entry, retry.tries));
        }
        self.waiting.pop_front().map(|entry| (entry, 0))
    }

    /// Tries an entry again later: exponentially, with jitter taken from the entry's own position so that no randomness is needed.
    pub(super) fn later(&mut self, entry: Entry, tries: u32, config: &RetryConfig, now: Instant) {
        let doubled = config.first_pause.get().saturating_mul(1 << tries.saturating_sub(1).min(16));
        let jitter = entry.id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 25;
        let pause = doubled.min(config.longest_pause.get()) * (100 + jitter) / 100;
        self.retries.push(Retry { entry, tries, at: now + pause });
    }
}

/// Everything the leader hears.
pub(super) struct Inbox {
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) commands: Consumer,
    pub(super) commands_waiting: VecDeque<Entry>,
    /// What calls for nothing; acknowledged with the next fetch.
    pub(super) skipped: Vec<Acknowledgement>,
    store: Store,
    bell: Bell,
}

impl Inbox {
    /// Joins every group and takes over what was left in it.
    pub(super) async fn open(
        store: &Store,
        replica: &ReplicaId,
        handlers: &[Arc<dyn Handler>],
    ) -> Result<Self, StoreError> {
        let events = store.keys().events();
        let mut subscriptions = Vec::new();
        for handler in handlers {
            let (consumer, left) = Consumer::join(store, events.clone(), handler.name(), replica).await?;
            let handler = Arc::clone(handler);
            subscriptions.push(Subscription { handler, consumer, waiting: left.into(), retries: Vec::new() });
        }
        let commands = store.keys().commands();
        let (commands, left) = Consumer::join(store, commands, bus::COMMAND_GROUP, replica).await?;
        let bell = Bell::start(store).await?;
        let (store, skipped) = (store.clone(), Vec::new());
        Ok(Self { subscriptions, commands, commands_waiting: left.into(), skipped, store, bell })
    }

    /// Reads for everybody who has nothing waiting any more, in one round trip: with as many handlers as there are, a round trip each
    /// is most of what an event costs.
    pub(super) async fn fetch(&mut self) -> Result<(), StoreError> {
        let mut consumers = Vec::new();
        let mut waiting = Vec::new();
        for subscription in self.subscriptions.iter_mut().filter(|subscription| subscription.waiting.is_empty()) {
            consumers.push(&subscription.consumer);
            waiting.push(&mut subscription.waiting);
        }
        if self.commands_waiting.is_empty() {
            consumers.push(&self.commands);
            waiting.push(&mut self.commands_waiting);
        }
        let fetched = Consumer::fetch(&self.store, &self.skipped, &consumers).await?;
        for (waiting, entries) in waiting.into_iter().zip(fetched) {
            waiting.extend(entries);
        }
        self.skipped.clear();
        Ok(())
    }

    /// Waits until something was appended, by whomever.
    pub(super) async fn rung(&self) {
        self.bell.rang.notified().await;
    }

    /// When the next retry is due.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.subscriptions.iter().flat_map(|subscription| &subscription.retries).map(|retry| retry.at).min()
    }
}

/// Rings when something is appended to one of the streams.
struct Bell {
    rang: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Bell {
    async fn start(store: &Store) -> Result<Self, StoreError> {
        let rang = Arc::new(Notify::new());
        let bell = rang.clone();
        let keys = store.keys();
        let streams = vec![(keys.events(), "$".to_owned()), (keys.commands(), "$".to_owned())];
        let mut follower = Follower::new(store, streams, LONGEST_WAIT).await?;
        let store = store.clone();
        let task = tokio::spawn(async move {
            loop {
                match follower.next(LONGEST_WAIT).await {
                    Ok(entries) if entries.is_empty() => {}
                    Ok(_) => bell.notify_one(),
                    Err(error) => {
                        tracing::warn!(%error, "the streams cannot be followed");
                        tokio::time::sleep(Duration::from_millis(500)).await;
                        let streams =
                            vec![(store.keys().events(), "$".to_owned()), (store.keys().commands(), "$".to_owned())];
                        if let Ok(again) = Follower::new(&store, streams, LONGEST_WAIT).await {
                            follower = again;
                        }
                        bell.notify_one();
                    }
                }
            }
        });
        Ok(Self { rang, task })
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.task.abort();
    }
}
