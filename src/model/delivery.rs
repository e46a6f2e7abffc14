//! What became of events on their way: dead letters, and how webhook targets are doing.

use chrono::{DateTime, Utc};

use super::{Event, TargetName};

/// All of it, as a cockpit shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Deliveries {
    /// The newest dead letters, newest first.
    pub letters: Vec<Letter>,
    /// How many there are in all.
    pub dead: u64,
    /// The webhook targets, by name.
    pub targets: Vec<TargetHealth>,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Its position on the dead-letter stream: what `retry` and `drop` are told.
    pub entry: String,
    /// When it was given up.
    pub at: DateTime<Utc>,
    /// Which handler could not deal with it.
    pub handler: String,
    /// What that said.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
    /// Where on the event stream it came from.
    pub source: String,
    /// The event as it stood on the stream.
    pub text: String,
}

impl Letter {
    /// The event, where it can be read.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        serde_json::from_str(&self.text).ok()
    }
}

/// How a target is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetHealth {
    /// Which.
    pub name: TargetName,
    /// When it last took an event; `None`: never yet.
    pub last_success: Option<DateTime<Utc>>,
    /// When it last did not; `None`: never yet.
    pub last_failure: Option<DateTime<Utc>>,
    /// What was wrong then, without its address.
    pub last_error: Option<String>,
    /// Failed requests since it last took an event.
    pub consecutive_failures: u64,
    /// When it is tried again, while it rests after a failure.
    pub next_attempt: Option<DateTime<Utc>>,
    /// Events that it took.
    pub delivered: u64,
    /// Events that were given up.
    pub dropped: u64,
    /// Entries of the stream that are still to be looked at or delivered; `None`: unknown.
    pub waiting: Option<u64>,
}
