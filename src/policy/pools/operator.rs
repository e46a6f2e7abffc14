//! What an operator may do to a pool by hand: everything but leave its limits, or act on a pool that the runtime has not confirmed.

use super::decide::serving;
use crate::model::{ContainerId, ContainerStatus, FunctionName, Pool, PoolContainer};
use crate::policy::operator::Refusal;

/// A pool, and what is under way in it.
#[derive(Debug, Clone, Copy)]
pub struct PoolState<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// Containers that are being made.
    pub coming: u32,
}

fn refuse<T>(reason: &'static str, detail: String) -> Result<T, Refusal> {
    Err(Refusal { reason, detail })
}

/// The pool of a function among those that are kept; a refusal names these.
pub fn known<'a>(
    function: &FunctionName,
    mut pools: impl Iterator<Item = PoolState<'a>> + Clone,
) -> Result<PoolState<'a>, Refusal> {
    let names = pools.clone().map(|state| state.pool.spec.function.to_string()).collect::<Vec<_>>();
    match pools.find(|state| state.pool.spec.function == *function) {
        Some(state) => Ok(state),
        None => refuse("pool", format!("there is no pool {function}; {}", list(&names))),
    }
}

/// The pools that there are, in words.
#[must_use]
pub fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no pools are kept: add them under pools.functions".to_owned();
    }
    format!("the pools are {}", names.join(", "))
}

/// Whether `count` containers may be added.
pub fn scale_up(state: &PoolState<'_>, count: u32) -> Result<u32, Refusal> {
    common(state, Some(count))?;
    let (now, max) = (count_of(state), state.pool.spec.max);
    if now.saturating_add(count) > max {
        let room = max.saturating_sub(now);
        return refuse(
            "limit",
            format!("{now} + {count} is more than the pool's maximum of {max}; {room} may be added"),
        );
    }
    Ok(count)
}

/// Which containers go when `count` are taken away: idle ones first (the longest idle before the others), then the least loaded, and
/// last those whose load is unknown.
pub fn scale_down(state: &PoolState<'_>, count: u32) -> Result<Vec<ContainerId>, Refusal> {
    common(state, Some(count))?;
    let mut serving: Vec<&PoolContainer> = serving(state.pool).collect();
    if serving.is_empty() {
        return refuse("container", "the pool has no container that could be taken away".to_owned());
    }
    let (now, min) = (u32::try_from(serving.len()).unwrap_or(u32::MAX), state.pool.spec.min);
    if now < min.saturating_add(count) {
        let spare = now.saturating_sub(min);
        return refuse("limit", format!("{now} - {count} is less than the pool's minimum of {min}; {spare} may go"));
    }
    serving.sort_by(|a, b| {
        let idle = |container: &PoolContainer| container.status != ContainerStatus::Idle;
        let since = |container: &PoolContainer| container.idle_since.map_or(i64::MAX, |since| since.timestamp_millis());
        let cpu = |container: &PoolContainer| container.cpu_percent.unwrap_or(f64::INFINITY);
        (idle(a), since(a)).cmp(&(idle(b), since(b))).then_with(|| cpu(a).total_cmp(&cpu(b)))
    });
    Ok(serving.iter().take(count as usize).map(|container| container.id.clone()).collect())
}

/// Which container is drained: by its name, or by the beginning of its id where that is one container's alone.
pub fn drain(state: &PoolState<'_>, wanted: &str) -> Result<ContainerId, Refusal> {
    common(state, None)?;
    let containers = &state.pool.containers;
    let by_id = || containers.iter().filter(|container| !wanted.is_empty() && container.id.0.starts_with(wanted));
    let found = match containers.iter().find(|container| container.name == wanted) {
        Some(container) => Some(container),
        None if by_id().count() > 1 => {
            return refuse("container", format!("{wanted:?} begins the id of several containers: write more of it"));
        }
        None => by_id().next(),
    };
    let Some(container) = found else {
        let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
        let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        return refuse("container", format!("pool {} has no container {wanted:?}; {there}", state.pool.spec.function));
    };
    if container.status == ContainerStatus::Draining {
        return refuse("container", format!("{} is drained already", container.name));
    }
    Ok(container.id.clone())
}

/// Whether a pool is to be woken.
pub fn wake(state: &PoolState<'_>) -> Result<u32, Refusal> {
    common(state, None)?;
    match count_of(state) {
        0 if state.pool.spec.max == 0 => refuse("limit", "the pool's maximum is 0".to_owned()),
        0 => Ok(1),
        1 => refuse("awake", "the pool has a container already, or one is being made".to_owned()),
        count => refuse("awake", format!("the pool has {count} containers already")),
    }
}

fn common(state: &PoolState<'_>, count: Option<u32>) -> Result<(), Refusal> {
    if count == Some(0) {
        return refuse("invalid", "0 containers: give a number of at least 1".to_owned());
    }
    if !state.pool.verified {
        return refuse(
            "cluster_unknown",
            "the container runtime does not answer, so nobody knows what runs; try again when it does".to_owned(),
        );
    }
    Ok(())
}

/// Those that take calls, and those that come.
fn count_of(state: &PoolState<'_>) -> u32 {
    u32::try_from(serving(state.pool).count()).unwrap_or(u32::MAX).saturating_add(state.coming)
}
