//! What the leader hears: a consumer group per handler, the commands, and the entries that are to be tried again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Parts;
use crate::bus::{self, Consumer, Entry, Follower, Left, Loss, Pending};
use crate::config::RetryConfig;
use crate::handlers::{Handler, operator};
use crate::policy::backoff;
use crate::store::{Acknowledgement, Store, StoreError};

/// Longer waits only cost a round trip each.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// One handler with its group.
pub(super) struct Subscription {
    pub(super) handler: Arc<dyn Handler>,
    pub(super) consumer: Consumer,
    /// Read, and not dealt with yet.
    waiting: VecDeque<Entry>,
    /// Failed, or left by another leader: to be tried again.
    pub(super) retries: Vec<Retry>,
    /// Trimmed before they were dealt with, and not reported yet.
    pub(super) lost: Vec<Loss>,
}

/// An entry that was tried before.
pub(super) struct Retry {
    pub(super) id: String,
    pub(super) tries: u32,
    pub(super) at: Instant,
}

impl Subscription {
    fn new(handler: Arc<dyn Handler>, consumer: Consumer, left: Left, now: Instant) -> Self {
        let retries =
            left.pending.into_iter().map(|entry| Retry { id: entry.id, tries: entry.tries, at: now }).collect();
        Self { handler, consumer, waiting: VecDeque::new(), retries, lost: left.lost }
    }

    /// The next entry to deal with and how often it was tried.
    pub(super) async fn next(&mut self, now: Instant) -> Result<Option<(Entry, u32)>, StoreError> {
        while let Some(index) = self.retries.iter().position(|retry| retry.at <= now) {
            let retry = self.retries.remove(index);
            match self.consumer.again(&retry.id).await? {
                Some(entry) => return Ok(Some((entry, retry.tries))),
                None => self.lost.extend(Loss::of(1)),
            }
        }
        Ok(self.waiting.pop_front().map(|entry| (entry, 0)))
    }

    /// Tries an entry again later: exponentially, with jitter taken from the entry's own position so that no randomness is needed.
    pub(super) fn later(&mut self, id: String, tries: u32, config: &RetryConfig, now: Instant) {
        let pause = backoff::pause(config.first_pause.get(), config.longest_pause.get(), tries, &id);
        self.retries.push(Retry { id, tries, at: now + pause });
    }
}

/// Everything the leader hears.
pub(super) struct Inbox {
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) commands: Consumer,
    commands_waiting: VecDeque<Entry>,
    commands_left: VecDeque<Pending>,
    commands_lost: Vec<Loss>,
    /// What calls for nothing; acknowledged with the next fetch.
    pub(super) skipped: Vec<Acknowledgement>,
    store: Store,
    bell: Bell,
}

impl Inbox {
    /// Joins every group and takes over what was left in it.
    pub(super) async fn open(parts: &Parts) -> Result<Self, StoreError> {
        let Parts { store, replica, handlers, clock, .. } = parts;
        let events = store.keys().events();
        let mut subscriptions = Vec::new();
        for handler in handlers {
            let (consumer, left) = Consumer::join(store, events.clone(), handler.name(), replica).await?;
            subscriptions.push(Subscription::new(Arc::clone(handler), consumer, left, clock.monotonic()));
        }
        let commands = store.keys().commands();
        let (commands, left) = Consumer::join(store, commands, bus::COMMAND_GROUP, replica).await?;
        let bell = Bell::start(store).await?;
        Ok(Self {
            subscriptions,
            commands,
            commands_waiting: VecDeque::new(),
            commands_left: left.pending.into(),
            commands_lost: left.lost,
            skipped: Vec::new(),
            store: store.clone(),
            bell,
        })
    }

    /// The next command to apply; how often it was begun before.
    pub(super) async fn next_command(&mut self) -> Result<Option<(Entry, u32)>, StoreError> {
        while let Some(left) = self.commands_left.pop_front() {
            match self.commands.again(&left.id).await? {
                Some(entry) => return Ok(Some((entry, left.tries))),
                None => self.commands_lost.extend(Loss::of(1)),
            }
        }
        Ok(self.commands_waiting.pop_front().map(|entry| (entry, 0)))
    }

    /// Reads for everybody who has nothing waiting any more, in one round trip: with as many handlers as there are, a round trip each
    /// is most of what an event costs.
    pub(super) async fn fetch(&mut self) -> Result<(), StoreError> {
        let mut consumers = Vec::new();
        let mut readers = Vec::new();
        for subscription in self.subscriptions.iter_mut().filter(|subscription| subscription.waiting.is_empty()) {
            consumers.push(&mut subscription.consumer);
            readers.push((&mut subscription.waiting, &mut subscription.lost));
        }
        if self.commands_waiting.is_empty() {
            consumers.push(&mut self.commands);
            readers.push((&mut self.commands_waiting, &mut self.commands_lost));
        }
        let fetched = Consumer::fetch(&self.store, &self.skipped, &mut consumers).await?;
        for ((waiting, lost), batch) in readers.into_iter().zip(fetched) {
            waiting.extend(batch.entries);
            lost.extend(batch.lost);
        }
        self.skipped.clear();
        Ok(())
    }

    /// What was trimmed before it was dealt with, by handler, and where that is to be noted; it is forgotten here.
    pub(super) fn take_losses(&mut self) -> Vec<(&'static str, Loss, Consumer)> {
        let commands = self.commands_lost.drain(..).map(|loss| (operator::SOURCE, loss, self.commands.clone()));
        let commands: Vec<_> = commands.collect();
        let events = self.subscriptions.iter_mut().flat_map(|subscription| {
            let (name, consumer) = (subscription.handler.name(), subscription.consumer.clone());
            subscription.lost.drain(..).map(move |loss| (name, loss, consumer.clone()))
        });
        events.chain(commands).collect()
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
            let mut is_well = true;
            loop {
                match follower.next(LONGEST_WAIT).await {
                    Ok(entries) => {
                        is_well = true;
                        if !entries.is_empty() {
                            bell.notify_one();
                        }
                    }
                    Err(error) => {
                        if std::mem::replace(&mut is_well, false) {
                            tracing::warn!(%error, "the streams cannot be followed");
                        }
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
