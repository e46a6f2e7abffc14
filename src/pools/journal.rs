//! What the manager writes: records and events in fenced transactions. While Redis cannot be used, events wait and records stay dirty.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Licence;
use crate::clock;
use crate::handlers::Because;
use crate::model::{Actor, Change, Event, EventData, Metadata};
use crate::store::{Acknowledgement, Store, StoreError, Transaction};

/// The source of the events that are no answers to a command.
pub(super) const SOURCE: &str = "PoolManager";

/// So many transactions' events wait for Redis; of more the oldest are dropped, and counted.
const WAITING: usize = 1_000;

/// What came of a writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// It is written; or there is nowhere to write to, and that is as it should be.
    Done,
    /// Redis cannot be used: what is not written has to be written later.
    Adrift,
    /// Another replica leads: nothing may be done any more.
    Fenced,
    /// A record is not windlass's. The events are written, the records are not.
    Foreign(String),
}

/// Events that wait for Redis, with what led to them: an answer is only written where its command has no other one yet.
#[derive(Debug, Clone)]
struct Waiting {
    /// The transaction, which may have been written though nobody heard so.
    id: Uuid,
    events: Vec<Event>,
    acknowledgement: Option<Acknowledgement>,
}

/// The writer.
pub(super) struct Journal {
    store: Option<Store>,
    metadata: Metadata,
    longest: u64,
    epoch: Option<u64>,
    licence: Licence,
    waiting: VecDeque<Waiting>,
    dropped: usize,
    adrift: bool,
}

impl Journal {
    /// A writer to a store; `None`: nothing is written, events are logged.
    pub(super) fn new(store: Option<Store>, metadata: Metadata, longest: u64) -> Self {
        let (licence, waiting) = (Licence::unlimited(), VecDeque::new());
        Self { store, metadata, longest, epoch: None, licence, waiting, dropped: 0, adrift: false }
    }

    /// Writes as the leader of this epoch from now on.
    pub(super) fn lead(&mut self, epoch: Option<u64>, licence: Licence) {
        (self.epoch, self.licence) = (epoch, licence);
    }

    /// The epoch as whose leader it writes.
    pub(super) const fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// What waited is another leader's business now: it has seen for itself.
    pub(super) fn forget(&mut self) {
        let lost = self.waiting.iter().map(|waiting| waiting.events.len()).sum::<usize>();
        if lost > 0 {
            tracing::warn!(lost, "events of the pools are dropped: another replica led meanwhile");
        }
        self.waiting.clear();
        self.adrift = false;
    }

    /// Whether the last writing failed.
    pub(super) const fn is_adrift(&self) -> bool {
        self.adrift
    }

    /// An event of the manager's own.
    pub(super) fn event(&self, data: impl Into<EventData>, because: Because, now: DateTime<Utc>) -> Event {
        self.event_from(SOURCE, data, because, now)
    }

    /// An event from another source: an answer to an operator.
    pub(super) fn event_from(
        &self,
        source: &str,
        data: impl Into<EventData>,
        because: Because,
        now: DateTime<Utc>,
    ) -> Event {
        Event {
            event_id: clock::fresh_id(now),
            timestamp: now,
            source: source.to_owned(),
            data: data.into(),
            metadata: self.metadata.clone(),
            caused_by: because.caused_by,
            correlation_id: because.operation,
            actor: because.actor.unwrap_or(Actor::Engine),
        }
    }

    /// Where nothing is left to write, asking tells whether Redis can be used again.
    pub(super) async fn probe(&mut self) {
        if let (true, true, Some(store)) = (self.adrift, self.waiting.is_empty(), &self.store) {
            self.adrift = store.leader().await.is_err();
        }
    }

    /// Whether this replica may still act: `false` if its licence has ended, or another one is known to lead. Redis that does not answer
    /// is no proof of that.
    pub(super) async fn may_act(&mut self) -> bool {
        let (Some(store), Some(epoch)) = (&self.store, self.epoch) else { return true };
        match store.leader().await {
            Ok(Some(leader)) => leader.epoch == epoch && self.licence.holds(),
            // The lease has run out, or Redis began anew: whoever takes it is asked then.
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "who leads is unknown");
                self.adrift = true;
                self.licence.holds()
            }
        }
    }

    /// Writes records and events, and acknowledges what led to them: all or nothing.
    pub(super) async fn write(
        &mut self,
        events: Vec<Event>,
        changes: Vec<Change>,
        acknowledgement: Option<Acknowledgement>,
    ) -> Written {
        for event in &events {
            tracing::info!(event = event.event_type().name(), source = event.source, "{:?}", event.data);
        }
        if self.store.is_none() {
            return Written::Done;
        }
        match self.flush().await {
            Written::Done => {}
            other => {
                self.keep(Waiting { id: clock::fresh_id(clock::now()), events, acknowledgement });
                return other;
            }
        }
        let id = clock::fresh_id(clock::now());
        match self.commit(id, events.clone(), changes, acknowledgement.clone()).await {
            Written::Done => Written::Done,
            Written::Foreign(error) => {
                // The log is whole all the same.
                let id = clock::fresh_id(clock::now());
                match self.commit(id, events.clone(), Vec::new(), acknowledgement.clone()).await {
                    Written::Done => Written::Foreign(error),
                    other => {
                        self.keep(Waiting { id, events, acknowledgement });
                        other
                    }
                }
            }
            // Fenced as well: when Redis is back, the new epoch may be this replica's own, and then all is kept on.
            other => {
                self.keep(Waiting { id, events, acknowledgement });
                other
            }
        }
    }

    /// Writes what has waited, in its order.
    async fn flush(&mut self) -> Written {
        while let Some(Waiting { id, events, acknowledgement }) = self.waiting.front().cloned() {
            match self.commit(id, events, Vec::new(), acknowledgement).await {
                Written::Done => {
                    self.waiting.pop_front();
                }
                other => return other,
            }
        }
        if self.dropped > 0 {
            tracing::error!(dropped = self.dropped, "events of the pools were dropped while Redis could not be used");
            self.dropped = 0;
        }
        Written::Done
    }

    fn keep(&mut self, waiting: Waiting) {
        if !waiting.events.is_empty() {
            self.waiting.push_back(waiting);
        }
        while self.waiting.len() > WAITING {
            self.dropped += self.waiting.pop_front().map_or(0, |waiting| waiting.events.len());
        }
    }

    async fn commit(
        &mut self,
        id: Uuid,
        events: Vec<Event>,
        changes: Vec<Change>,
        acknowledgement: Option<Acknowledgement>,
    ) -> Written {
        let (Some(store), Some(epoch)) = (&self.store, self.epoch) else { return Written::Fenced };
        if events.is_empty() && changes.is_empty() && acknowledgement.is_none() {
            return Written::Done;
        }
        let transaction = Transaction {
            id,
            epoch,
            changes,
            events,
            acknowledgements: acknowledgement.into_iter().collect(),
            dead_letters: Vec::new(),
            settled: Vec::new(),
        };
        let committed = match store.commit(&transaction, self.longest).await {
            Err(StoreError::Unavailable(error)) => {
                tracing::debug!(error, "a transaction's outcome is unknown; it is repeated");
                store.commit(&transaction, self.longest).await
            }
            other => other,
        };
        let written = match committed {
            Ok(_) => Written::Done,
            Err(StoreError::Fenced { .. }) => Written::Fenced,
            Err(StoreError::Foreign { key, error }) => Written::Foreign(format!("{key}: {error}")),
            Err(error) => {
                if !self.adrift {
                    tracing::warn!(%error, "the pools cannot be recorded; that is tried again");
                }
                Written::Adrift
            }
        };
        self.adrift = written == Written::Adrift;
        written
    }
}

#[cfg(test)]
#[path = "../../tests/support/redis.rs"]
mod redis;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::redis::TestRedis;
    use super::*;
    use crate::model::ReplicaId;
    use crate::model::event::PoolRemoved;
    use crate::store::{Address, Keys};

    /// Redis was away, and the engine took the lease anew between two tries of a transaction: nobody else led, so nothing is lost.
    #[tokio::test]
    async fn what_is_fenced_by_the_own_next_term_is_written_in_it() {
        let redis = TestRedis::start();
        let keys = Keys::new(&"c1".parse().unwrap(), "autoscaler_events");
        let address = Address::new(&redis.url(), None, None, Duration::from_secs(2)).unwrap();
        let store = Store::connect(address, keys).await.unwrap();
        let replica = ReplicaId("me".to_owned());
        let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: String::new() };
        let mut journal = Journal::new(Some(store.clone()), metadata, 1_000);
        let lease = Duration::from_secs(60);
        let removed = |function: &str| PoolRemoved { function: function.parse().unwrap(), reason: "test".to_owned() };

        let first = store.acquire_lease(&replica, lease).await.unwrap();
        journal.lead(first, Licence::unlimited());
        let second = store.acquire_lease(&replica, lease).await.unwrap();
        let event = journal.event(removed("a"), Because::default(), clock::now());
        assert_eq!(journal.write(vec![event.clone()], Vec::new(), None).await, Written::Fenced);
        journal.lead(second, Licence::unlimited());
        let next = journal.event(removed("b"), Because::default(), clock::now());
        assert_eq!(journal.write(vec![next.clone()], Vec::new(), None).await, Written::Done);
        let (told, _) = crate::bus::newest(&store, 10).await.unwrap();
        assert_eq!(told, [event, next]);
    }
}
