//! Whether what is stored is what the log says.

use chrono::{DateTime, Utc};
use redis::{AsyncCommands, Value, from_redis_value};

use super::{events, facts, fold, fold_onto};
use crate::bus;
use crate::model::parts::parts;
use crate::model::{Event, LogPosition, State};
use crate::store::{Store, StoreError};

/// Log and state are read at the same moment; where the log grows meanwhile, it is tried so often.
const ATTEMPTS: u32 = 50;

/// What a comparison of the log with the stored state found.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// How many events were folded.
    pub events: usize,
    /// When the first of them happened; `None`: there was none.
    pub first: Option<DateTime<Utc>>,
    /// When the last of them happened.
    pub last: Option<DateTime<Utc>>,
    /// Whether these were all events that ever were.
    pub whole: bool,
    /// The parts of the state that could be compared: all of them over the whole log; otherwise those that these events alone
    /// determine, whatever was before them.
    pub compared: Vec<&'static str>,
    /// Those of them that are stored otherwise.
    pub differences: Vec<&'static str>,
}

impl Audit {
    /// Compares what events give with what is stored. `whole`: nothing was before them.
    #[must_use]
    pub fn of(log: &[Event], stored: &State, whole: bool) -> Self {
        let (given, stored) = (facts(&fold(log)), facts(stored));
        // What comes out the same from nothing and from what there is now does not depend on what was before.
        let elsewhere = facts(&fold_onto(stored.clone(), log));
        let determined = parts(&given, &elsewhere).map(|(_, same)| whole || same);
        let compared = || parts(&given, &stored).into_iter().zip(determined).filter(|(_, determined)| *determined);
        Self {
            compared: compared().map(|((name, _), _)| name).collect(),
            differences: compared().filter(|((_, same), _)| !same).map(|((name, _), _)| name).collect(),
            ..Self::uncompared(log, whole)
        }
    }

    /// Events after which others came: the state that they gave is not what is stored now.
    #[must_use]
    pub fn uncompared(log: &[Event], whole: bool) -> Self {
        Self {
            events: log.len(),
            first: log.first().map(|event| event.timestamp),
            last: log.last().map(|event| event.timestamp),
            whole,
            compared: Vec::new(),
            differences: Vec::new(),
        }
    }
}

/// Folds the log between two positions (`None`: from its first entry, up to its newest) and compares it with what is stored.
pub async fn audit(store: &Store, from: Option<&LogPosition>, to: Option<&LogPosition>) -> Result<Audit, StoreError> {
    if to.is_some() {
        return Ok(Audit::uncompared(&events(store, from, to).await?, false));
    }
    for _ in 0..ATTEMPTS {
        let (_, before) = bus::newest(store, 1).await?;
        let state = store.snapshot().await?.state;
        let (_, after) = bus::newest(store, 1).await?;
        if before == after {
            let newest = after.parse().map_err(|error| StoreError::Unavailable(format!("the log's end: {error}")))?;
            let log = events(store, from, Some(&newest)).await?;
            // Asked for at the end: what was trimmed while it was read is missing in it.
            let whole = from.is_none() && is_whole(store).await?;
            return Ok(Audit::of(&log, &state, whole));
        }
    }
    Err(StoreError::Unavailable("the log grew at every attempt to compare it: try again when less happens".to_owned()))
}

/// Whether the log still has every entry that was ever appended to it. A Redis that does not say is one that may have trimmed it.
pub async fn is_whole(store: &Store) -> Result<bool, StoreError> {
    let key = store.keys().events();
    let mut connection = store.connection();
    if !connection.exists::<_, bool>(&key).await? {
        return Ok(true);
    }
    let told: std::collections::HashMap<String, Value> =
        redis::cmd("XINFO").arg("STREAM").arg(&key).query_async(&mut connection).await?;
    let number = |name: &str| told.get(name).cloned().and_then(|value| from_redis_value::<u64>(value).ok());
    Ok(matches!((number("entries-added"), number("length")), (Some(added), Some(length)) if added == length))
}
