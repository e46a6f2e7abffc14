//! What is to be done outside, derived from what is recorded and what is seen; and the doing of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::kind_of;
use crate::clock;
use crate::cluster::{Cluster, ClusterError, CreatedWorker, WorkerRequest};
use crate::model::{ContainerState, Direction, Observation, State, Step, WorkerKind, WorkerName};

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
    /// Empty a worker that is to go.
    Drain {
        /// For this operation.
        operation: Uuid,
        /// Which.
        name: WorkerName,
    },
    /// Remove a worker that is empty.
    Remove {
        /// For this operation.
        operation: Uuid,
        /// Which.
        name: WorkerName,
    },
    /// Take back what was made of a worker that did not become ready in time.
    Undo {
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
            | Self::Undo { operation, .. } => Some(*operation),
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
}

/// A piece of work with what came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The work.
    pub work: Work,
    /// What came of it.
    pub result: Result<Done, ClusterError>,
}

/// What is due now. `leading_since`: a new leader gives what it found the whole time to become ready.
#[must_use]
pub fn due(
    state: &State,
    seen: Option<&Observation>,
    permanent: &[WorkerName],
    ready_timeout: Duration,
    leading_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<Work> {
    let mut work = Vec::new();
    for operation in state.operations.values().filter(|operation| operation.started_by.is_some()) {
        let deadline = clock::after(operation.decided_at.max(leading_since), ready_timeout);
        for worker in &operation.workers {
            let (operation, name) = (operation.id, worker.name.clone());
            match worker.step {
                Step::Allocated | Step::Created if now >= deadline => work.push(Work::Undo { operation, name }),
                Step::Allocated => {
                    let kind = kind_of(&name, permanent);
                    work.push(Work::Create { operation, name, kind });
                }
                Step::Chosen => work.push(Work::Drain { operation, name }),
                Step::Drained => work.push(Work::Remove { operation, name }),
                Step::Created | Step::Ready | Step::Removed | Step::Failed => {}
            }
        }
    }
    work.extend(seen.into_iter().flat_map(|seen| dead(state, seen)).map(|name| Work::Sweep { name }));
    work
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

/// Whether an operation waits for a worker to become ready, so that looking often pays.
#[must_use]
pub fn awaits_readiness(state: &State) -> bool {
    let up = state.operations.values().filter(|operation| operation.direction == Direction::Up);
    up.flat_map(|operation| &operation.workers).any(|worker| worker.step == Step::Created)
}

/// Does it.
pub async fn perform(work: Work, cluster: Cluster) -> Report {
    let result = match &work {
        Work::Create { operation, name, kind } => {
            let request = WorkerRequest { name: name.clone(), kind: *kind, operation: *operation };
            cluster.host.create(&request).await.map(Done::Created)
        }
        Work::Drain { name, .. } => match &cluster.scheduler {
            Some(scheduler) => scheduler.drain(name).await.map(|evicted| Done::Drained { evicted_pods: Some(evicted) }),
            None => Ok(Done::Drained { evicted_pods: None }),
        },
        Work::Remove { name, .. } | Work::Undo { name, .. } | Work::Sweep { name } => {
            cluster.host.remove(name).await.map(|()| Done::Removed)
        }
    };
    Report { work, result }
}
