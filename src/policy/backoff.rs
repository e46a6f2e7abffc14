//! After failures the engine tries again later and later, so that an image that cannot be started does not become a storm.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock;
use crate::model::{Direction, Outcome, State};

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// Until when a direction rests after the failures at the head of its history: 5 s after the first, doubling to 5 minutes.
#[must_use]
pub fn until(state: &State, direction: Direction) -> Option<DateTime<Utc>> {
    let mut ended = state.operation_history.iter().filter(|record| record.operation.direction == direction);
    let latest = ended.clone().next()?;
    let failures = ended.by_ref().take_while(|record| record.outcome == Outcome::Failed).take(10).count();
    let failures = u32::try_from(failures).ok().filter(|failures| *failures > 0)?;
    Some(clock::after(latest.ended_at, doubled(FIRST, LONGEST, failures)))
}

/// How long to wait after the `tries`th try: `first`, doubling up to `longest`.
#[must_use]
pub fn doubled(first: Duration, longest: Duration, tries: u32) -> Duration {
    first.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(longest)
}

/// The same, and up to a quarter more so that what failed together is not tried together. That part is taken from `of` (an entry's position), so that no randomness is needed.
#[must_use]
pub fn pause(first: Duration, longest: Duration, tries: u32, of: &str) -> Duration {
    let seed = of.bytes().chain(tries.to_be_bytes());
    let jitter = seed.fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 25;
    doubled(first, longest, tries) * (100 + jitter) / 100
}
