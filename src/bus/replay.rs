//! The log, read again: what is stored, and the state that it gives.

mod audit;

use chrono::{DateTime, Utc};
use redis::AsyncCommands;
use redis::streams::{StreamId, StreamRangeReply};

use super::Entry;
use crate::model::state::EnforcerStats;
use crate::model::{Condition, ConditionKey, Event, LogPosition, State, fold};
use crate::store::{Store, StoreError};

pub use audit::{Audit, audit, is_whole};

/// How many entries are read at a time.
const BATCH: usize = 1000;

/// The events of a span of time, oldest first, both ends included; `None`: from the first one kept, up to the newest. The times are
/// those at which they were appended.
///
/// Entries that are no events of the log (unreadable ones, and those put back for one handler) are left out.
pub async fn read(
    store: &Store,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Result<Vec<Event>, StoreError> {
    let (from, to) = (from.map(LogPosition::at), to.map(LogPosition::at));
    events(store, from.as_ref(), to.as_ref()).await
}

/// As [`read`], between positions.
pub async fn events(
    store: &Store,
    from: Option<&LogPosition>,
    to: Option<&LogPosition>,
) -> Result<Vec<Event>, StoreError> {
    scan(store, from, to, usize::MAX, |entry| Entry::from(entry).event().ok()).await
}

/// An event of the log as it stands there.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// The event.
    pub event: Event,
    /// Its text on the stream.
    pub text: String,
}

/// The first `most` events between two positions, each with its text.
pub async fn logged(
    store: &Store,
    from: &LogPosition,
    to: Option<&LogPosition>,
    most: usize,
) -> Result<Vec<Logged>, StoreError> {
    let understand = |entry| {
        let entry = Entry::from(entry);
        let event = entry.event().ok()?;
        entry.json.map(|text| Logged { event, text })
    };
    scan(store, Some(from), to, most, understand).await
}

async fn scan<T>(
    store: &Store,
    from: Option<&LogPosition>,
    to: Option<&LogPosition>,
    most: usize,
    understand: impl Fn(StreamId) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let key = store.keys().events();
    let mut start = from.map_or_else(|| "-".to_owned(), ToString::to_string);
    let end = to.map_or("+", LogPosition::as_str);
    let mut found = Vec::new();
    loop {
        let reply: StreamRangeReply = store.connection().xrange_count(&key, &start, end, BATCH).await?;
        let Some(last) = reply.ids.last() else {
            return Ok(found);
        };
        start = format!("({}", last.id);
        found.extend(reply.ids.into_iter().filter_map(&understand).take(most.saturating_sub(found.len())));
        if found.len() >= most {
            return Ok(found);
        }
    }
}

/// The state that a log gives, from nothing. With a log that was trimmed it is what the rest of it tells.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> State {
    fold_onto(State::default(), events)
}

/// The state that events make of another one.
pub fn fold_onto<'a>(mut state: State, events: impl IntoIterator<Item = &'a Event>) -> State {
    for event in events {
        for change in fold::changes(&state, event) {
            state.apply(&change);
        }
    }
    state
}

/// What of a state is given by the log: everything but clocks. These two are equal, whatever happened:
/// `facts(&fold(log))` and `facts(&stored)`.
///
/// Stripped is, with reason:
/// - of a condition, since when it holds and when it was last seen: a look at which nothing changes is no event;
/// - conditions that were not reported: they only wait for their window to pass;
/// - blocks, intentions and the wait for agreement: they end without an event, because nothing wants them any more. They remember what
///   was said already, so that it is not said again, and decide nothing;
/// - when the minimum was last checked: a check that finds nothing is no event.
///
/// What was last seen and concluded is beside the state, not in it.
#[must_use]
pub fn facts(state: &State) -> State {
    let mut facts = state.clone();
    facts.conditions = state
        .conditions
        .iter()
        .filter(|(key, condition)| is_reported_to_its_end(key) && condition.event.is_some())
        .map(|(key, condition)| (key.clone(), without_clocks(condition)))
        .collect();
    facts.enforcer = EnforcerStats { last_check: None, ..state.enforcer };
    facts
}

const fn is_reported_to_its_end(key: &ConditionKey) -> bool {
    match key {
        ConditionKey::Pressure
        | ConditionKey::PendingPods
        | ConditionKey::Underutilized
        | ConditionKey::Optimal
        | ConditionKey::BelowMinimum
        | ConditionKey::Unhealthy(_)
        | ConditionKey::Unreachable => true,
        ConditionKey::Blocked(_)
        | ConditionKey::EnforcementStopped
        | ConditionKey::Intended(_)
        | ConditionKey::Synced => false,
    }
}

fn without_clocks(condition: &Condition) -> Condition {
    let at = condition.reported_at.unwrap_or_default();
    Condition { since: at, last_seen: at, ..condition.clone() }
}
