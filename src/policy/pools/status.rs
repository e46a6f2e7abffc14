//! How a container of a pool is doing, from what it uses.

use chrono::{DateTime, Utc};

use crate::model::pool::MonitoringConfig;
use crate::model::{ContainerStatus, PoolContainer};

/// Takes a measurement in: the load, the status that follows from it (seed 001), and the clocks of idleness and activity. What is
/// unknown changes no status: not knowing is neither idleness nor relief.
pub fn observe(
    container: &mut PoolContainer,
    cpu: Option<f64>,
    memory: Option<f64>,
    rules: &MonitoringConfig,
    now: DateTime<Utc>,
) {
    (container.cpu_percent, container.memory_percent) = (cpu, memory);
    let status = measured(container.status, cpu, memory, rules);
    // A container that is drained stays so; its clocks go on, because it goes when it idles.
    match status {
        ContainerStatus::Idle => {
            container.idle_since.get_or_insert(now);
        }
        _ if cpu.is_some() => {
            container.idle_since = None;
            container.last_active = now;
        }
        _ => {}
    }
    if container.status != ContainerStatus::Draining {
        container.status = status;
    }
}

fn measured(
    known: ContainerStatus,
    cpu: Option<f64>,
    memory: Option<f64>,
    rules: &MonitoringConfig,
) -> ContainerStatus {
    let reaches = |value: Option<f64>, threshold: f64| value.is_some_and(|value| value >= threshold);
    if reaches(cpu, rules.cpu_overload_threshold) || reaches(memory, rules.memory_overload_threshold) {
        return ContainerStatus::Overloaded;
    }
    match (cpu, memory) {
        (None, _) => known,
        // It may be the memory that overloads it.
        (Some(_), None) if known == ContainerStatus::Overloaded => known,
        (Some(cpu), _) if cpu <= rules.cooldown_cpu_threshold => ContainerStatus::Idle,
        (Some(_), _) => ContainerStatus::Healthy,
    }
}
