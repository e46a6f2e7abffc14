//! Dead letters: events that a handler could not deal with after all its tries. An operator looks at them here, and has them retried or
//! dropped by a command ([`Action::DeadLetterRetry`](crate::model::Action), [`Action::DeadLetterDrop`](crate::model::Action)), which the
//! leader applies.

use chrono::DateTime;
use redis::AsyncCommands;
use redis::streams::{StreamId, StreamRangeReply};

use crate::store::{Store, StoreError};

pub use crate::model::Letter;

impl Letter {
    fn read(found: &StreamId) -> Self {
        let field = |name: &str| found.get::<String>(name).unwrap_or_default();
        let millis = found.id.split('-').next().and_then(|text| text.parse().ok());
        Self {
            at: millis.and_then(DateTime::from_timestamp_millis).unwrap_or_default(),
            handler: field("handler"),
            error: field("error"),
            tries: found.get("tries").unwrap_or(0),
            source: field("entry"),
            text: field("event"),
            entry: found.id.clone(),
        }
    }
}

/// Some of the dead letters.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The letters, newest first.
    pub letters: Vec<Letter>,
    /// What to ask for to see the older ones; `None`: there are none.
    pub older: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

/// Up to `count` dead letters, newest first, older than the letter `before`.
pub async fn list(store: &Store, before: Option<&str>, count: usize) -> Result<Page, StoreError> {
    let key = store.keys().dead_letters();
    let end = before.map_or_else(|| "+".to_owned(), |entry| format!("({entry}"));
    let mut connection = store.connection();
    let total: u64 = connection.xlen(&key).await?;
    let found: StreamRangeReply = connection.xrevrange_count(&key, end, "-", count.saturating_add(1)).await?;
    let mut letters: Vec<_> = found.ids.iter().map(Letter::read).collect();
    let more = letters.len() > count;
    letters.truncate(count);
    let older = letters.last().filter(|_| more).map(|letter| letter.entry.clone());
    Ok(Page { letters, older, total })
}

/// One dead letter; `None`: there is none of that name (any more).
pub async fn show(store: &Store, entry: &str) -> Result<Option<Letter>, StoreError> {
    if !is_position(entry) {
        return Ok(None);
    }
    let found: StreamRangeReply = store.connection().xrange(store.keys().dead_letters(), entry, entry).await?;
    Ok(found.ids.iter().map(Letter::read).next())
}

/// Redis would answer anything else with an error, as if it could not be used.
fn is_position(text: &str) -> bool {
    text.split_once('-').is_some_and(|(time, number)| time.parse::<u64>().is_ok() && number.parse::<u64>().is_ok())
}
