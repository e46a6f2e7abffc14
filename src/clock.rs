//! The one place that reads the clock and makes ids.
//!
//! Everything else is handed `now`, so that the same code runs live, in tests, in replay and in what-if.
#![allow(clippy::disallowed_methods)]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// The wall clock, in UTC.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The monotonic clock, for pauses and deadlines within a process.
#[must_use]
pub fn monotonic() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// A new `UUIDv7` (RFC 9562): one that is made later in this process sorts later, also within a millisecond.
#[must_use]
pub fn fresh_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    Uuid::new_v7(Timestamp::from_unix(&*order, seconds, now.timestamp_subsec_nanos()))
}

/// `at` plus a duration, saturating at the end of chrono's calendar.
#[must_use]
pub fn after(at: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(wait).ok().and_then(|delta| at.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The time from `earlier` to `later`, zero where the clock went backwards.
#[must_use]
pub fn between(earlier: DateTime<Utc>, later: DateTime<Utc>) -> Duration {
    (later - earlier).to_std().unwrap_or(Duration::ZERO)
}

/// Measures how long something takes, whatever the wall clock does meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
