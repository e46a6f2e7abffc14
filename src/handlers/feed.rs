//! Stored events, fed to a handler again with nothing done: what it would emit.

use uuid::Uuid;

use super::{Draft, Handler, World};
use crate::bus::replay;
use crate::config::Config;
use crate::model::{Event, Observation, State};

/// What came of feeding one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Fed {
    /// The event that was fed.
    pub event: Uuid,
    /// What the handler would emit on it.
    pub emits: Vec<Event>,
    /// Why it could not deal with it.
    pub error: Option<String>,
}

/// What a handler is fed with.
#[derive(Debug, Clone, Copy)]
pub struct Meal<'a> {
    /// The configuration; it may be another than the one that was in force.
    pub config: &'a Config,
    /// The state before the first event.
    pub state: &'a State,
    /// The events, oldest first.
    pub events: &'a [Event],
    /// What was seen of the cluster: the log does not say. `None`: nothing, and a handler that needs it says so.
    pub observation: Option<&'a Observation>,
}

/// Feeds a handler the events that it subscribes to, each at its own time and on the state as the log had made it by then. Nothing is
/// written and nothing is done; what the handler would emit is not fed back, as what came of it then is in the log.
#[must_use]
pub fn feed(handler: &dyn Handler, meal: &Meal<'_>) -> Vec<Fed> {
    let mut state = meal.state.clone();
    let mut fed = Vec::new();
    for event in meal.events {
        // A handler hears of an event when it has happened.
        state = replay::fold_onto(state, [event]);
        if handler.subscribes().contains(&event.event_type()) {
            fed.push(one(handler, meal, &state, event));
        }
    }
    fed
}

fn one(handler: &dyn Handler, meal: &Meal<'_>, state: &State, event: &Event) -> Fed {
    let now = event.timestamp;
    let mut draft = Draft::new(state, handler.name(), meal.config.cluster.metadata(), now);
    let world = World { config: meal.config, observation: meal.observation, previous: None, remembered: true, now };
    let error = handler.on_event(event, &world, &mut draft).err().map(|error| error.0);
    let (_, _, emits) = draft.into_parts();
    Fed { event: event.event_id, emits, error }
}
