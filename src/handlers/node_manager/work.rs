//! What is to be done outside, derived from what is recorded and what is seen; and the doing of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{kind_of, limits};
use crate::clock;
use crate::cluster::{Cluster, ClusterError, CreatedWorker, WorkerRequest};
use crate::config::Config;
use crate::model::{ContainerState, Observation, Operation, OperationWorker, State, Step, WorkerKind, WorkerName};

/// One thing to be done outside. Each may be done twice without harm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Work {
    /// Make and start a worker, or adopt the one that is there.
    Create {
        /// For this operation.
        operation: Uuid,
        /// Under this name.
        name: WorkerName,
        /// As this kind.
        kind: WorkerKind,
    },
    /// Empty a worker that is to go; where that is not done in time, let it take work again.
    Drain {
        /// For this operation.
        operation: Uuid,
        /// Which.
        name: WorkerName,
        /// When the time for it is over.
        until: DateTime<Utc>,
    },
    /// Remove a worker that is empty, or one that is still there after its removal.
    Remove {
        /// For this operation.
        operation: Uuid,
        /// Which.
        name: WorkerName,
    },
    /// Take back what was made of a worker that did not get through a step in time.
    Undo {
        /// For this operation.
        operation: Uuid,
        /// Which.
        name: WorkerName,
    },
    /// Let a worker take work again that was to go and did not in time.
    Spare {
        /// For this operation.
        operation: Uuid,
        /// Which.
        name: WorkerName,
    },
    /// Remove the dead container of a dynamic worker that was lost.
    Sweep {
        /// Which.
        name: WorkerName,
    },
}

impl Work {
    /// The operation it belongs to.
    #[must_use]
    pub const fn operation(&self) -> Option<Uuid> {
        match self {
            Self::Create { operation, .. }
            | Self::Drain { operation, .. }
            | Self::Remove { operation, .. }
            | Self::Undo { operation, .. }
            | Self::Spare { operation, .. } => Some(*operation),
            Self::Sweep { .. } => None,
        }
    }

    /// The worker it is about.
    #[must_use]
    pub const fn name(&self) -> &WorkerName {
        match self {
            Self::Create { name, .. }
            | Self::Drain { name, .. }
            | Self::Remove { name, .. }
            | Self::Undo { name, .. }
            | Self::Spare { name, .. }
            | Self::Sweep { name } => name,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// There is a container.
    Created(CreatedWorker),
    /// It is empty.
    Drained {
        /// Pods that were evicted; `None` without a scheduler.
        evicted_pods: Option<u32>,
    },
    /// There is no container any more.
    Removed,
    /// It takes work again.
    Spared,
}

/// A piece of work with what came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The work.
    pub work: Work,
    /// What came of it.
    pub result: Result<Done, ClusterError>,
}

/// What is due now. A worker's time for a step is over when a look that began after it does not show the step done: a cluster that
/// does not answer lets nobody's time run out. `leading_since`: a new leader gives what it found the whole time for the step it is at.
#[must_use]
pub fn due(state: &State, seen: Option<&Observation>, config: &Config, leading_since: DateTime<Utc>) -> Vec<Work> {
    let mut work = Vec::new();
    for operation in state.operations.values().filter(|operation| operation.started_by.is_some()) {
        for worker in operation.workers.iter().filter(|worker| !worker.is_finished()) {
            let Some(deadline) = limits::deadline(operation, worker, config, leading_since) else { continue };
            let overdue = operation.rolling_back || seen.is_some_and(|seen| seen.at >= deadline);
            let next = if overdue { back(operation, worker) } else { on(operation, worker, seen, config, deadline) };
            work.extend(next);
        }
    }
    work.extend(seen.into_iter().flat_map(|seen| dead(state, seen)).map(|name| Work::Sweep { name }));
    work
}

/// The next thing to be done for a worker.
fn on(
    operation: &Operation,
    worker: &OperationWorker,
    seen: Option<&Observation>,
    config: &Config,
    until: DateTime<Utc>,
) -> Option<Work> {
    let (operation, name) = (operation.id, worker.name.clone());
    match worker.step {
        Step::Allocated => {
            let kind = kind_of(&name, &config.workers.permanent);
            Some(Work::Create { operation, name, kind })
        }
        Step::Chosen => Some(Work::Drain { operation, name, until }),
        Step::Drained => Some(Work::Remove { operation, name }),
        Step::Removed if is_still_there(worker, seen) => Some(Work::Remove { operation, name }),
        _ => None,
    }
}

/// What takes back what was done for a worker. A removal is not taken back: what is still there stays, and that must be known first.
fn back(operation: &Operation, worker: &OperationWorker) -> Option<Work> {
    let (operation, name) = (operation.id, worker.name.clone());
    match worker.step {
        Step::Allocated | Step::Created | Step::Registered => Some(Work::Undo { operation, name }),
        Step::Chosen | Step::Drained | Step::Removed => Some(Work::Spare { operation, name }),
        Step::Ready | Step::Confirmed | Step::Failed => None,
    }
}

/// Whether a look that began after its removal shows it.
fn is_still_there(worker: &OperationWorker, seen: Option<&Observation>) -> bool {
    let since = |seen: &&Observation| worker.since.is_some_and(|since| seen.at > since);
    seen.filter(since).is_some_and(|seen| seen.workers.contains_key(&worker.name))
}

/// Containers of dynamic workers that ended and whose loss is recorded. A permanent worker's container is kept: it is started again.
fn dead<'a>(state: &'a State, seen: &'a Observation) -> impl Iterator<Item = WorkerName> + 'a {
    seen.workers
        .values()
        .filter(|container| matches!(container.state, ContainerState::Exited { .. }))
        .filter(|container| container.kind == WorkerKind::Dynamic && !state.permanent.contains(&container.name))
        .filter(|container| !state.workers.contains_key(&container.name))
        .filter(|container| state.operation_of(&container.name).is_none())
        .map(|container| container.name.clone())
}

/// Whether an operation waits for what a look shows, so that looking often pays.
#[must_use]
pub fn awaits_look(state: &State) -> bool {
    let workers = state.operations.values().flat_map(|operation| &operation.workers);
    let awaits = |step| matches!(step, Step::Created | Step::Registered | Step::Removed);
    workers.filter(|worker| !worker.is_finished()).any(|worker| awaits(worker.step))
}

/// Does it, from `now` on.
pub async fn perform(work: Work, cluster: Cluster, now: DateTime<Utc>) -> Report {
    let result = match &work {
        Work::Create { operation, name, kind } => {
            let request = WorkerRequest { name: name.clone(), kind: *kind, operation: *operation };
            cluster.host.create(&request).await.map(Done::Created)
        }
        Work::Drain { name, until, .. } => drain(&cluster, name, clock::between(now, *until)).await,
        Work::Spare { name, .. } => spare(&cluster, name).await,
        Work::Remove { name, .. } => match cluster.host.remove(name).await {
            Ok(()) => Ok(Done::Removed),
            // It stays, so it is to take work again.
            Err(error) if !error.is_transient() => spare(&cluster, name).await.and(Err(error)),
            Err(error) => Err(error),
        },
        Work::Undo { name, .. } | Work::Sweep { name } => cluster.host.remove(name).await.map(|()| Done::Removed),
    };
    Report { work, result }
}

async fn drain(cluster: &Cluster, name: &WorkerName, longest: Duration) -> Result<Done, ClusterError> {
    let Some(scheduler) = &cluster.scheduler else {
        return Ok(Done::Drained { evicted_pods: None });
    };
    match tokio::time::timeout(longest, scheduler.drain(name)).await {
        Ok(drained) => drained.map(|evicted| Done::Drained { evicted_pods: Some(evicted) }),
        Err(_) => spare(cluster, name).await,
    }
}

async fn spare(cluster: &Cluster, name: &WorkerName) -> Result<Done, ClusterError> {
    match &cluster.scheduler {
        Some(scheduler) => scheduler.spare(name).await.map(|()| Done::Spared),
        None => Ok(Done::Spared),
    }
}
