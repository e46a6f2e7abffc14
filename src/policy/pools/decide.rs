//! When a pool gets another container, and when one goes.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock;
use crate::model::{ContainerId, ContainerStatus, Pool, PoolContainer};

/// A container that is drained and does not come to rest goes after this long all the same.
pub const DRAIN_GRACE: Duration = Duration::from_secs(60);

/// What a decision is made on.
#[derive(Debug, Clone, Copy)]
pub struct PoolSituation<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// Containers that are being made.
    pub coming: u32,
    /// Whether somebody wants to call the function.
    pub demand: bool,
    /// Whether the pool is no longer wanted: nothing is made, everything goes.
    pub retired: bool,
    /// No container is made or taken away by the rules before this: the last attempts failed.
    pub rests_until: Option<DateTime<Utc>>,
    /// When.
    pub now: DateTime<Utc>,
}

/// Why containers are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpReason {
    /// Every container that takes calls is overloaded.
    AllOverloaded,
    /// There are fewer than the minimum.
    BelowMinimum,
    /// There is none, and somebody wants to call the function.
    Demand,
    /// An operator wants it.
    Operator,
}

/// Why containers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownReason {
    /// It idled for the whole cooldown.
    Idle,
    /// There are more than the maximum, and it idles.
    AboveMaximum,
    /// It was drained, and idles now or had its grace.
    Drained,
    /// An operator wants it.
    Operator,
}

impl UpReason {
    /// As events say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllOverloaded => "all_overloaded",
            Self::BelowMinimum => "below_minimum",
            Self::Demand => "demand",
            Self::Operator => "operator",
        }
    }
}

impl DownReason {
    /// As events say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::AboveMaximum => "above_maximum",
            Self::Drained => "drained",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for UpReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A container that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// Which.
    pub id: ContainerId,
    /// Why.
    pub reason: DownReason,
}

/// What follows for a pool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Containers to be added: how many, and why.
    pub up: Option<(u32, UpReason)>,
    /// Containers to be taken away, first to go first.
    pub down: Vec<Going>,
    /// Whether every container that takes calls is overloaded and there may be no more of them.
    pub saturated: bool,
}

/// Decides. `drained_since` says since when a draining container is drained. A pool that the runtime has not confirmed is left alone.
///
/// Up: to the minimum; by one when all that take calls are overloaded and there is room; from zero on demand. Down: what is drained,
/// when it idles or has had its grace; what is above the maximum, as it idles; else one that idled for the cooldown, above the minimum.
/// Limits are about the containers that take calls: one that is drained makes room for the one that replaces it.
#[must_use]
pub fn decide(
    situation: &PoolSituation<'_>,
    drained_since: impl Fn(&PoolContainer) -> Option<DateTime<Utc>>,
) -> Decision {
    let PoolSituation { pool, coming, now, .. } = *situation;
    let serving: Vec<&PoolContainer> = serving(pool).collect();
    let count = u32::try_from(serving.len()).unwrap_or(u32::MAX).saturating_add(coming);
    let all_overloaded =
        !serving.is_empty() && serving.iter().all(|container| container.status == ContainerStatus::Overloaded);
    let saturated = !situation.retired && all_overloaded && count >= pool.spec.max;
    if !pool.verified || situation.rests_until.is_some_and(|until| until > now) {
        return Decision { saturated: pool.verified && saturated, ..Decision::default() };
    }
    let up = if situation.retired { None } else { up(situation, count, all_overloaded) };
    let drained = pool.containers.iter().filter(|container| {
        let waited = || drained_since(container).is_some_and(|since| clock::between(since, now) >= DRAIN_GRACE);
        container.status == ContainerStatus::Draining && (rests(pool, container) || waited())
    });
    let mut down: Vec<Going> =
        drained.map(|container| Going { id: container.id.clone(), reason: DownReason::Drained }).collect();
    if !situation.retired && up.is_none() && coming == 0 {
        down.extend(spare(pool, serving, count, now));
    }
    Decision { up, down, saturated }
}

/// The containers that take calls.
pub(super) fn serving(pool: &Pool) -> impl Iterator<Item = &PoolContainer> {
    pool.containers.iter().filter(|container| container.status != ContainerStatus::Draining)
}

fn up(situation: &PoolSituation<'_>, count: u32, all_overloaded: bool) -> Option<(u32, UpReason)> {
    let spec = &situation.pool.spec;
    if count < spec.min {
        Some((spec.min - count, UpReason::BelowMinimum))
    } else if count == 0 && situation.demand && spec.max > 0 {
        Some((1, UpReason::Demand))
    } else if all_overloaded && situation.coming == 0 && count < spec.max {
        Some((1, UpReason::AllOverloaded))
    } else {
        None
    }
}

fn spare(pool: &Pool, mut serving: Vec<&PoolContainer>, count: u32, now: DateTime<Utc>) -> Vec<Going> {
    serving.retain(|container| container.status == ContainerStatus::Idle && rests(pool, container));
    serving.sort_by(|a, b| a.idle_since.cmp(&b.idle_since).then_with(|| a.name.cmp(&b.name)));
    let spec = &pool.spec;
    if count > spec.max {
        let surplus = (count - spec.max) as usize;
        let going = serving.iter().take(surplus);
        return going.map(|container| Going { id: container.id.clone(), reason: DownReason::AboveMaximum }).collect();
    }
    let cooldown = Duration::try_from_secs_f64(spec.monitoring.cooldown_duration).unwrap_or(Duration::MAX);
    let cooled = |container: &&&PoolContainer| {
        container.idle_since.is_some_and(|since| since <= now && clock::between(since, now) >= cooldown)
    };
    let longest = serving.iter().find(cooled).filter(|_| count > spec.min);
    longest.map(|container| Going { id: container.id.clone(), reason: DownReason::Idle }).into_iter().collect()
}

/// Whether a container is known to be at rest now. One whose load is unknown is not.
fn rests(pool: &Pool, container: &PoolContainer) -> bool {
    let rules = &pool.spec.monitoring;
    let busy = container.memory_percent.is_some_and(|memory| memory >= rules.memory_overload_threshold);
    !busy && container.cpu_percent.is_some_and(|cpu| cpu <= rules.cooldown_cpu_threshold)
}
