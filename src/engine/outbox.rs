//! What could not be written while Redis could not be used: kept in order, within a bound, and recorded when Redis is back. It is in
//! memory, and in a file as well for the case that the process ends first (`spill.rs`).

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::path::Path;

use uuid::Uuid;

use super::spill::{Left, Line, Spill};
use crate::bus;
use crate::clock;
use crate::model::{Change, Event, State, fold};
use crate::store::{Store, StoreError, Transaction};

/// So many events are recorded in one transaction: one that is too large keeps Redis from its other work.
const BATCH: usize = 100;
/// How far back the log is searched for what may have been written after all, beyond the length of what waits.
const LOOKED_BACK: usize = 1000;

/// The outbox.
#[derive(Debug)]
pub(super) struct Outbox {
    /// The transaction during which Redis went: written or not, nobody knows.
    doubtful: Option<Transaction>,
    events: VecDeque<Event>,
    /// What handlers have dealt with meanwhile, by the handler's number: they are not told again when Redis is back.
    heard: HashSet<(usize, Uuid)>,
    handlers: Vec<&'static str>,
    longest: usize,
    kept: u64,
    dropped: u64,
    /// The same in a file, where there is one.
    spill: Option<Spill>,
}

impl Outbox {
    /// An empty one for so many events, and for handlers of these names.
    pub(super) fn new(longest: usize, handlers: Vec<&'static str>, spill: Option<Spill>) -> Self {
        Self {
            doubtful: None,
            events: VecDeque::new(),
            heard: HashSet::new(),
            handlers,
            longest,
            kept: 0,
            dropped: 0,
            spill,
        }
    }

    /// What a process that is gone left in its file, which stays as it is. What was heard by a handler that is no more is forgotten.
    pub(super) fn left(left: &Left, handlers: Vec<&'static str>) -> Self {
        let number = |name: &str| handlers.iter().position(|handler| *handler == name);
        let heard = left.heard.iter().filter_map(|(name, event)| Some((number(name)?, *event))).collect();
        Self {
            doubtful: left.doubtful.clone(),
            events: left.events.iter().cloned().collect(),
            heard,
            dropped: left.head.dropped + left.unreadable,
            ..Self::new(usize::MAX, handlers, None)
        }
    }

    /// Keeps the transaction whose outcome is unknown.
    pub(super) fn doubt(&mut self, transaction: Transaction) {
        if let Some(spill) = &mut self.spill {
            spill.append([Line::Doubt(Cow::Borrowed(&transaction))]);
        }
        self.doubtful = Some(transaction);
    }

    /// Keeps events; the oldest go where there are too many, and with them who has heard them.
    pub(super) fn keep(&mut self, events: Vec<Event>) {
        if let Some(spill) = &mut self.spill {
            spill.append(events.iter().map(|event| Line::Event(Cow::Borrowed(event))));
        }
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(self.longest);
        self.dropped += surplus as u64;
        for dropped in self.events.drain(..surplus) {
            for handler in 0..self.handlers.len() {
                self.heard.remove(&(handler, dropped.event_id));
            }
        }
        self.tidy();
    }

    /// Handlers have dealt with events.
    pub(super) fn heard(&mut self, heard: impl IntoIterator<Item = (usize, Uuid)>) {
        let new: Vec<_> = heard.into_iter().filter(|heard| self.heard.insert(*heard)).collect();
        if let Some(spill) = &mut self.spill {
            spill.append(heard_lines(&self.handlers, &new));
        }
        self.tidy();
    }

    /// Who has heard what, to be remembered until it comes from Redis.
    pub(super) fn take_heard(&mut self) -> HashSet<(usize, Uuid)> {
        std::mem::take(&mut self.heard)
    }

    /// What counts no more goes from the file too.
    fn tidy(&mut self) {
        let Some(spill) = self.spill.as_mut().filter(|spill| spill.is_overgrown()) else { return };
        let doubtful = self.doubtful.iter().map(|transaction| Line::Doubt(Cow::Borrowed(transaction)));
        let events = self.events.iter().map(|event| Line::Event(Cow::Borrowed(event)));
        spill.write_anew(self.dropped, doubtful.chain(events).chain(heard_lines(&self.handlers, &self.heard)));
    }

    /// Gives up what is in it; its file is kept for people.
    pub(super) fn abandon(&mut self) {
        match self.spill.take() {
            Some(spill) if self.waiting() > 0 => spill.abandon(),
            Some(spill) => spill.remove(),
            None => {}
        }
        let doubtful = self.doubtful.take().map_or(0, |transaction| transaction.events.len());
        self.dropped += (self.events.len() + doubtful) as u64;
        self.events.clear();
    }

    /// All of it is recorded: its file goes.
    pub(super) fn close(&mut self) {
        if let Some(spill) = self.spill.take() {
            spill.remove();
        }
    }

    /// The file that has all of what waits, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.spill.as_ref().and_then(Spill::path)
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
        // An earlier attempt may have written any part of it.
        let written = written(store, self.waiting()).await?;
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

/// The events at the end of the log, by their ids: as far back as so many that waited can be.
pub(super) async fn written(store: &Store, waited: usize) -> Result<HashSet<Uuid>, StoreError> {
    let (log, _) = bus::newest(store, LOOKED_BACK + waited).await?;
    Ok(log.iter().map(|event| event.event_id).collect())
}

fn heard_lines<'a>(
    handlers: &'a [&'static str],
    heard: impl IntoIterator<Item = &'a (usize, Uuid)>,
) -> impl Iterator<Item = Line<'a>> {
    heard.into_iter().filter_map(|(handler, event)| {
        Some(Line::Heard { handler: Cow::Borrowed(handlers.get(*handler)?), event: *event })
    })
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
