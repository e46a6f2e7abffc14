//! What is remembered of an outage of Redis, to be reported when it is back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock;
use crate::handlers::{Because, Draft};
use crate::model::event::{StoreDegraded, StoreRestored};
use crate::policy::backoff;
use crate::store::StoreError;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// An outage, if there is one.
#[derive(Debug, Default)]
pub(super) struct Outage {
    known: Option<(DateTime<Utc>, String)>,
    attempts: u32,
}

impl Outage {
    /// Notes a failure; how long to wait before the next attempt.
    pub(super) fn note(&mut self, error: &StoreError, now: DateTime<Utc>) -> Duration {
        self.known.get_or_insert_with(|| (now, error.to_string()));
        self.attempts = self.attempts.saturating_add(1);
        backoff::doubled(FIRST_WAIT, LONGEST_WAIT, self.attempts)
    }

    /// The outage, if it is not reported yet: since when, and what was said.
    pub(super) fn known(&self) -> Option<&(DateTime<Utc>, String)> {
        self.known.as_ref()
    }

    /// It is over and reported.
    pub(super) fn over(&mut self) {
        *self = Self::default();
    }
}

/// Reports an outage that is over, and how many events of it are recorded and are not; the event that says that there was one.
pub(super) fn report(
    draft: &mut Draft,
    error: String,
    since: DateTime<Utc>,
    (events_kept, events_dropped): (u64, u64),
) -> Uuid {
    let degraded = draft.emit(StoreDegraded { error, since }, Because::default());
    let duration = clock::between(since, draft.now()).as_secs_f64();
    draft.emit(StoreRestored { duration, events_kept, events_dropped }, Because::of(degraded));
    degraded
}
