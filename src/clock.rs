//! The one place that reads the clock and makes ids.
//!
//! Everything else is handed `now`, so that the same code runs live, in tests, in replay and in what-if.
#![allow(clippy::disallowed_methods)]

use std::sync::{Arc, Mutex, PoisonError};
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

/// What an engine and its simulated world take the time from: the system, or whoever sets it by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    /// Clones are the same clock.
    Hand(Arc<Hand>),
}

#[derive(Debug)]
struct Hand {
    /// What the monotonic clock said when the hand stood at `from`.
    origin: tokio::time::Instant,
    from: DateTime<Utc>,
    now: Mutex<DateTime<Utc>>,
}

impl Clock {
    /// The system's time.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is set: for simulations, what-if and tests. Its clones are set with it.
    #[must_use]
    pub fn by_hand(from: DateTime<Utc>) -> Self {
        Self(Source::Hand(Arc::new(Hand { origin: monotonic(), from, now: Mutex::new(from) })))
    }

    /// The time, in UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => now(),
            Source::Hand(hand) => *hand.now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The monotonic time, for pauses and deadlines. With a clock that is set by hand it goes with the hand, and never back.
    #[must_use]
    pub fn monotonic(&self) -> tokio::time::Instant {
        match &self.0 {
            Source::System => monotonic(),
            Source::Hand(hand) => hand.origin + between(hand.from, self.now()),
        }
    }

    /// Moves the hand forward. The system's time is not moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Hand(hand) = &self.0 {
            let mut now = hand.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = after(*now, by);
        }
    }

    /// Waits that long. With a clock that is set by hand nobody waits: it would not move meanwhile.
    pub async fn sleep(&self, length: Duration) {
        if matches!(self.0, Source::System) {
            tokio::time::sleep(length).await;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_by_hand_stands_still_and_moves_with_its_clones() {
        let from = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::by_hand(from);
        let (same, before) = (clock.clone(), clock.monotonic());
        assert_eq!((clock.now(), clock.monotonic()), (from, before));
        same.advance(Duration::from_secs(90));
        assert_eq!(clock.now(), from + TimeDelta::seconds(90));
        assert_eq!(clock.monotonic() - before, Duration::from_secs(90));
    }
}
