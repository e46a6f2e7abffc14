//! What could not be written while Redis could not be used: kept in order, within a bound, and recorded when Redis is back.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

use crate::bus;
use crate::clock;
use crate::model::{Change, Event, State, fold};
use crate::store::{Store, StoreError, Transaction};

/// So many events are recorded in one transaction: one that is too large keeps Redis from its other work.
const BATCH: usize = 100;
/// How far back the log is searched for what may have been written after all.
const LOOKED_BACK: usize = 1000;

/// The outbox.
#[derive(Debug)]
pub(super) struct Outbox {
    /// The transaction during which Redis went: written or not, nobody knows.
    doubtful: Option<Transaction>,
    events: VecDeque<Event>,
    longest: usize,
    kept: u64,
    dropped: u64,
}

impl Outbox {
    /// An empty one for so many events.
    pub(super) const fn new(longest: usize) -> Self {
        Self { doubtful: None, events: VecDeque::new(), longest, kept: 0, dropped: 0 }
    }

    /// Keeps the transaction whose outcome is unknown.
    pub(super) fn doubt(&mut self, transaction: Transaction) {
        self.doubtful = Some(transaction);
    }

    /// Keeps events; the oldest go where there are too many, and are returned.
    pub(super) fn keep(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Event> {
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(self.longest);
        self.dropped += surplus as u64;
        self.events.drain(..surplus).collect()
    }

    /// Gives up what is in it.
    pub(super) fn abandon(&mut self) {
        let doubtful = self.doubtful.take().map_or(0, |transaction| transaction.events.len());
        self.dropped += (self.events.len() + doubtful) as u64;
        self.events.clear();
    }

    /// How many events were recorded.
    pub(super) const fn kept(&self) -> u64 {
        self.kept
    }

    /// How many were dropped.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.events.len() + self.doubtful.as_ref().map_or(0, |transaction| transaction.events.len())
    }

    /// Records what is in it, in order, on a state that was just read, which follows. What the log has already is not written again. After
    /// an error the rest waits.
    pub(super) async fn record(
        &mut self,
        store: &Store,
        epoch: u64,
        state: &mut State,
        max_stream_length: u64,
    ) -> Result<(), StoreError> {
        let (log, _) = bus::newest(store, LOOKED_BACK).await?;
        let written: HashSet<Uuid> = log.iter().map(|event| event.event_id).collect();
        if let Some(doubtful) = &self.doubtful {
            if !doubtful.events.iter().any(|event| written.contains(&event.event_id)) {
                let (next, changes) = folded(state, &doubtful.events);
                store.commit(&Transaction { epoch, changes, ..doubtful.clone() }, max_stream_length).await?;
                *state = next;
            }
            self.kept += doubtful.events.len() as u64;
            self.doubtful = None;
        }
        while !self.events.is_empty() {
            let taken = self.events.len().min(BATCH);
            let events: Vec<_> =
                self.events.iter().take(taken).filter(|event| !written.contains(&event.event_id)).cloned().collect();
            if let Some(last) = events.last() {
                let (next, changes) = folded(state, &events);
                let transaction = Transaction::new(clock::fresh_id(last.timestamp), epoch, changes, events);
                store.commit(&transaction, max_stream_length).await?;
                *state = next;
            }
            self.events.drain(..taken);
            self.kept += taken as u64;
        }
        Ok(())
    }
}

/// What events make of a state, and the changes by which they do.
fn folded(state: &State, events: &[Event]) -> (State, Vec<Change>) {
    let (mut state, mut all) = (state.clone(), Vec::new());
    for event in events {
        let changes = fold::changes(&state, event);
        for change in &changes {
            state.apply(change);
        }
        all.extend(changes);
    }
    (state, all)
}
