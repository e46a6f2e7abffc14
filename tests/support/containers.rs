//! A cluster that is a map: what the rigs of the black-box tests and of the node manager's own tests have in the place of Docker.
//! Apart from that the rigs differ: one hears and commits through a real Redis, the other has neither store nor `await`, so that
//! thousands of interleavings take seconds.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use windlass::clock;
use windlass::cluster::{ClusterError, CreatedWorker};
use windlass::handlers::node_manager::work::{Done, Work};
use windlass::model::{Action, Actor, Command, ContainerId, ContainerState, Health, ObservedWorker, WorkerName};

/// What comes of a piece of work.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    Done,
    Refused,
    Unavailable,
}

/// The containers, by worker.
#[derive(Debug)]
pub struct Containers {
    there: BTreeMap<WorkerName, ObservedWorker>,
    made: u64,
    /// Whether a new one takes work at once.
    pub ready_at_once: bool,
}

impl Containers {
    /// None.
    pub fn none() -> Self {
        Self { there: BTreeMap::new(), made: 0, ready_at_once: true }
    }

    /// Does a piece of work, or fails at it.
    pub fn work(&mut self, work: &Work, outcome: Outcome, now: DateTime<Utc>) -> Result<Done, ClusterError> {
        match outcome {
            Outcome::Done => Ok(self.perform(work, now)),
            Outcome::Refused => Err(ClusterError::Refused { cluster: "test", error: "no".to_owned() }),
            Outcome::Unavailable => Err(ClusterError::Unavailable { cluster: "test", error: "later".to_owned() }),
        }
    }

    fn perform(&mut self, work: &Work, now: DateTime<Utc>) -> Done {
        match work {
            Work::Create { name, kind, .. } => {
                self.made += 1;
                let container = self.there.entry(name.clone()).or_insert(ObservedWorker {
                    name: name.clone(),
                    container_id: ContainerId(format!("{:064}", self.made)),
                    kind: *kind,
                    created_at: now,
                    state: ContainerState::Running,
                    health: if self.ready_at_once { Health::Ready } else { Health::Starting },
                    cpu_percent: None,
                    memory_percent: None,
                    node: None,
                });
                let (container_id, created_at) = (container.container_id.clone(), container.created_at);
                Done::Created(CreatedWorker { container_id, created_at, adopted: false })
            }
            Work::Drain { .. } => Done::Drained { evicted_pods: Some(3) },
            Work::Spare { .. } => Done::Spared,
            Work::Remove { name, .. } | Work::Undo { name, .. } | Work::Sweep { name } => {
                self.there.remove(name);
                Done::Removed
            }
        }
    }
}

impl Deref for Containers {
    type Target = BTreeMap<WorkerName, ObservedWorker>;

    fn deref(&self) -> &Self::Target {
        &self.there
    }
}

impl DerefMut for Containers {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.there
    }
}

/// An action as an operator wants it.
pub fn wanted(action: Action, now: DateTime<Utc>) -> Command {
    Command {
        command_id: clock::fresh_id(now),
        issued_at: now,
        actor: Actor::Person("anna".to_owned()),
        reason: "test".to_owned(),
        action,
    }
}
