//! What a handler wants to happen: events, and the notes that are no events. The draft's state is the state as it will be.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock;
use crate::model::{Actor, Change, ConditionKey, Event, EventData, Metadata, State, fold};

/// Why an event happens.
#[derive(Debug, Clone, Default)]
pub struct Because {
    /// The event or command that led to it.
    pub caused_by: Option<Uuid>,
    /// The operation it belongs to.
    pub operation: Option<Uuid>,
    /// Who did it; `None`: the engine.
    pub actor: Option<Actor>,
}

impl Because {
    /// Of an event.
    #[must_use]
    pub fn of(event: impl Into<Option<Uuid>>) -> Self {
        Self { caused_by: event.into(), ..Self::default() }
    }

    /// In the course of an operation.
    #[must_use]
    pub fn within(self, operation: Uuid) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// By a person.
    #[must_use]
    pub fn by(self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self }
    }
}

/// What is to be committed together.
#[derive(Debug, Clone)]
pub struct Draft {
    state: State,
    source: &'static str,
    metadata: Metadata,
    now: DateTime<Utc>,
    events: Vec<Event>,
    changes: Vec<Change>,
}

impl Draft {
    /// An empty draft on a state.
    #[must_use]
    pub fn new(state: &State, source: &'static str, metadata: Metadata, now: DateTime<Utc>) -> Self {
        Self { state: state.clone(), source, metadata, now, events: Vec::new(), changes: Vec::new() }
    }

    /// The state as it will be with what is drafted so far.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// When it is drafted.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Reports an event, with what it does to the state; its id.
    pub fn emit(&mut self, data: impl Into<EventData>, because: Because) -> Uuid {
        let event = Event {
            event_id: clock::fresh_id(self.now),
            timestamp: self.now,
            source: self.source.to_owned(),
            data: data.into(),
            metadata: self.metadata.clone(),
            caused_by: because.caused_by,
            correlation_id: because.operation,
            actor: because.actor.unwrap_or(Actor::Engine),
        };
        for change in fold::changes(&self.state, &event) {
            self.note(change);
        }
        let id = event.event_id;
        self.events.push(event);
        id
    }

    /// Remembers something that is no event: a clock, the latest observation.
    pub fn note(&mut self, change: Change) {
        self.state.apply(&change);
        self.changes.push(change);
    }

    /// Ends a condition without an event: a block that is gone, or a clock that had nothing to report yet.
    pub fn end(&mut self, key: &ConditionKey) {
        if self.state.conditions.contains_key(key) {
            self.note(Change::ClearCondition(key.clone()));
        }
    }

    /// Whether nothing is drafted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.events.is_empty()
    }

    /// The state as it will be, what changes, and what is reported.
    #[must_use]
    pub fn into_parts(self) -> (State, Vec<Change>, Vec<Event>) {
        (self.state, self.changes, self.events)
    }
}
