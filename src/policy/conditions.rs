//! When a condition holds, and since when.

use chrono::{DateTime, TimeDelta, Utc};

use super::Situation;
use crate::clock;
use crate::config::AutoscalerConfig;
use crate::model::{ConditionKey, Observation, Thresholds};

/// What is above its upper threshold, as (name, value, bound). Unknown is not above.
#[must_use]
pub fn pressure(seen: &Observation, thresholds: &Thresholds) -> Vec<(&'static str, f64, f64)> {
    [("CPU", seen.cpu_avg(), thresholds.cpu_high), ("memory", seen.memory_avg(), thresholds.memory_high)]
        .into_iter()
        .filter_map(|(name, value, bound)| value.filter(|value| *value > bound).map(|value| (name, value, bound)))
        .collect()
}

/// Whether CPU and memory are both known to be low.
#[must_use]
pub fn is_low(seen: &Observation, thresholds: &Thresholds) -> bool {
    seen.cpu_avg().is_some_and(|cpu| cpu < thresholds.cpu_low)
        && seen.memory_avg().is_some_and(|memory| memory < thresholds.memory_low)
}

/// The longest break between two looks that does not start a condition anew: one look may be missed, and a look may take its time.
#[must_use]
pub fn longest_break(rules: &AutoscalerConfig) -> TimeDelta {
    let looks = TimeDelta::from_std(rules.check_interval.get() * 5 / 2).unwrap_or(TimeDelta::seconds(15));
    looks.max(TimeDelta::seconds(5))
}

/// Since when it has been low without a break, if it is low now.
#[must_use]
pub fn underutilized_since(situation: &Situation<'_>) -> Option<DateTime<Utc>> {
    let seen = situation.observation.filter(|seen| is_low(seen, &situation.rules.thresholds))?;
    let known = situation
        .state
        .conditions
        .get(&ConditionKey::Underutilized)
        .filter(|known| seen.at - known.last_seen <= longest_break(situation.rules));
    Some(known.map_or(seen.at, |known| known.since))
}

/// Whether pressure has lasted for its window.
#[must_use]
pub fn pressure_lasts(situation: &Situation<'_>) -> bool {
    let Some(seen) = situation.observation.filter(|seen| !pressure(seen, &situation.rules.thresholds).is_empty())
    else {
        return false;
    };
    let window = situation.rules.windows.pressure.get();
    let since = situation
        .state
        .conditions
        .get(&ConditionKey::Pressure)
        .filter(|known| seen.at - known.last_seen <= longest_break(situation.rules))
        .map_or(seen.at, |known| known.since);
    clock::between(since, situation.now) >= window
}
