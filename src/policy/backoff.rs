//! After failures the engine tries again later and later, so that an image that cannot be started does not become a storm.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock;
use crate::config::BackoffConfig;
use crate::model::{Direction, Outcome, State};

/// More failures in a row than these make no pause longer.
const COUNTED: usize = 17;

/// Operations of a direction that failed in a row, up to the latest; a success begins the count anew.
#[must_use]
pub fn failures(state: &State, direction: Direction) -> u32 {
    let ended = state.operation_history.iter().filter(|record| record.operation.direction == direction);
    let failed = ended.take_while(|record| record.outcome == Outcome::Failed).take(COUNTED).count();
    u32::try_from(failed).unwrap_or(u32::MAX)
}

/// Until when a direction rests after its latest failures: the first pause after one, doubling with each up to the longest. It may be
/// over already.
#[must_use]
pub fn until(state: &State, direction: Direction, pauses: &BackoffConfig) -> Option<DateTime<Utc>> {
    let failures = Some(failures(state, direction)).filter(|failures| *failures > 0)?;
    let latest = state.operation_history.iter().find(|record| record.operation.direction == direction)?;
    Some(clock::after(latest.ended_at, doubled(pauses.first_pause.get(), pauses.longest_pause.get(), failures)))
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
