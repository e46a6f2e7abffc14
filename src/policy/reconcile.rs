//! Where state and cluster differ.

use crate::model::{ContainerState, Direction, Observation, ObservedWorker, State, Worker, WorkerName, WorkerStatus};

/// A worker that went without our doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// What was remembered of it.
    pub worker: Worker,
    /// `container_removed`, `container_exited` or `container_replaced`.
    pub cause: &'static str,
    /// The exit code, where there is one.
    pub exit_code: Option<i64>,
}

/// The differences.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Difference {
    /// Remembered, and not alive.
    pub lost: Vec<Lost>,
    /// Alive, and not remembered; or remembered as on its way somewhere, by an operation that is not.
    pub found: Vec<ObservedWorker>,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.found.is_empty()
    }
}

/// Whether nothing is remembered of a cluster: at its first start, or because Redis has lost what it had.
#[must_use]
pub fn remembers_nothing(state: &State) -> bool {
    state.workers.is_empty()
        && state.worker_counter == 0
        && state.operations.is_empty()
        && state.operation_history.is_empty()
        && state.sync.last_time.is_none()
}

/// The highest number in any worker's name under a prefix, as far as is remembered or seen; 0 where there is none.
#[must_use]
pub fn highest_number(prefix: &str, state: &State, seen: Option<&Observation>) -> u64 {
    let operations = state.operations.values().chain(state.operation_history.iter().map(|record| &record.operation));
    let names = state
        .workers
        .keys()
        .chain(operations.flat_map(|operation| operation.workers.iter().map(|worker| &worker.name)))
        .chain(seen.into_iter().flat_map(|seen| seen.workers.keys()));
    let numbered = names.filter_map(|name| {
        let number = name.number()?;
        (WorkerName::numbered(prefix, number).ok().as_ref() == Some(name)).then_some(number)
    });
    numbered.max().unwrap_or(0)
}

/// Compares. What an operation is at work on is its own business. A worker remembered since after the observation was begun says
/// nothing either way.
#[must_use]
pub fn difference(state: &State, seen: &Observation) -> Difference {
    let busy = |name: &WorkerName| state.operation_of(name).is_some();
    let lost = state
        .workers
        .values()
        .filter(|worker| worker.last_seen < seen.at && !in_the_making(state, &worker.name))
        .filter_map(|worker| lost(worker, seen.workers.get(&worker.name)))
        .collect();
    let found = seen
        .alive()
        .filter(|container| {
            !busy(&container.name) && (stranded(state, container, seen) || !state.workers.contains_key(&container.name))
        })
        .cloned()
        .collect();
    Difference { lost, found }
}

/// On its way up or down, and no operation knows of it (its record was lost): nobody would ever take it further.
fn stranded(state: &State, container: &ObservedWorker, seen: &Observation) -> bool {
    state.workers.get(&container.name).is_some_and(|worker| {
        matches!(worker.status, WorkerStatus::Starting | WorkerStatus::Draining) && worker.last_seen < seen.at
    })
}

/// Ready workers of a scale-up are workers like others; those on their way up, and all of a scale-down, are not ours to judge.
fn in_the_making(state: &State, name: &WorkerName) -> bool {
    state.operation_of(name).is_some_and(|operation| {
        operation.direction == Direction::Down || operation.step_of(name).is_some_and(|step| !step.is_final())
    })
}

fn lost(worker: &Worker, container: Option<&ObservedWorker>) -> Option<Lost> {
    let (cause, exit_code) = match container {
        None => ("container_removed", None),
        Some(container) => match container.state {
            ContainerState::Exited { code } => ("container_exited", code),
            _ if container.container_id != worker.container_id => ("container_replaced", None),
            _ => return None,
        },
    };
    Some(Lost { worker: worker.clone(), cause, exit_code })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::model::{ContainerId, Health, WorkerKind};

    fn at() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn seen(names: &[&str]) -> Observation {
        let worker = |name: &&str| {
            let name: WorkerName = name.parse().unwrap();
            let container = ObservedWorker {
                name: name.clone(),
                container_id: ContainerId(format!("id-{name}")),
                kind: WorkerKind::Dynamic,
                created_at: at(),
                state: ContainerState::Running,
                health: Health::Ready,
                cpu_percent: None,
                memory_percent: None,
                node: None,
            };
            (name, container)
        };
        let workers: BTreeMap<_, _> = names.iter().map(worker).collect();
        Observation { at: at() + TimeDelta::seconds(5), workers, pending: None, nodes: None }
    }

    fn remembered(status: WorkerStatus) -> State {
        let name: WorkerName = "w-1".parse().unwrap();
        let worker = Worker {
            name: name.clone(),
            kind: WorkerKind::Dynamic,
            status,
            created_at: at(),
            container_id: ContainerId("id-w-1".to_owned()),
            protected: None,
            last_seen: at(),
        };
        State { workers: BTreeMap::from([(name, worker)]), ..State::default() }
    }

    #[test]
    fn a_worker_whose_operation_is_lost_is_taken_over_where_it_stands() {
        for status in [WorkerStatus::Starting, WorkerStatus::Draining] {
            let found = difference(&remembered(status), &seen(&["w-1"])).found;
            assert_eq!(found.len(), 1, "{status}");
        }
        for status in [WorkerStatus::Ready, WorkerStatus::Unhealthy] {
            assert!(difference(&remembered(status), &seen(&["w-1"])).is_empty(), "{status}");
        }
    }

    #[test]
    fn numbers_count_under_their_prefix_only() {
        let state = remembered(WorkerStatus::Ready);
        assert_eq!(highest_number("w", &state, Some(&seen(&["w-7", "edge-2024", "w-07x"]))), 7);
        assert_eq!(highest_number("edge", &state, None), 0);
        assert!(!remembers_nothing(&state) && remembers_nothing(&State::default()));
    }
}
