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
