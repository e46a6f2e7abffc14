//! The work on containers: several pools at once, each piece a batch of one pool, a few containers at a time.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::licence::Licence;
use super::orders::Answering;
use crate::cluster::ClusterError;
use crate::cluster::pools::{ObservedPoolContainer, PoolContainerRequest, PoolHost};
use crate::handlers::Because;
use crate::model::{ContainerId, FunctionName};
use crate::policy::pools::{DownReason, UpReason};

/// So many containers are made or removed at a time, over all pools: more only make a Docker daemon slower.
pub(super) const AT_ONCE: usize = 8;

/// What was done, and what came of it.
pub(super) enum Report {
    /// Containers were to be made.
    Made {
        /// For which function.
        function: FunctionName,
        /// Why.
        reason: UpReason,
        /// What led to it.
        because: Because,
        /// Who waits for the answer.
        answering: Option<Answering>,
        /// By name.
        results: Vec<(String, Result<ObservedPoolContainer, ClusterError>)>,
    },
    /// Containers were to be removed.
    Removed {
        /// Of which function.
        function: FunctionName,
        /// Why.
        reason: DownReason,
        /// What led to it.
        because: Because,
        /// Who waits for the answer.
        answering: Option<Answering>,
        /// By id.
        results: Vec<(ContainerId, Result<(), ClusterError>)>,
    },
    /// What is left of containers that have ended was to be removed.
    Swept,
}

/// The hands: the runtime, and how many containers may be worked on at a time.
#[derive(Clone)]
pub(super) struct Hands {
    /// Asked right before each piece of work: the process may have been stopped since it was decided.
    pub licence: Licence,
    host: Arc<dyn PoolHost>,
    room: Arc<Semaphore>,
}

impl Hands {
    /// For a runtime.
    pub(super) fn new(host: Arc<dyn PoolHost>, licence: Licence) -> Self {
        Self { licence, host, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Makes containers.
    pub(super) async fn make(
        self,
        requests: Vec<PoolContainerRequest>,
    ) -> Vec<(String, Result<ObservedPoolContainer, ClusterError>)> {
        let one = |request: PoolContainerRequest| async {
            // The semaphore is never closed.
            let _permit = self.room.acquire().await.ok();
            let made = match self.licence.demand(self.host.name()) {
                Ok(()) => self.host.create(&request).await,
                Err(error) => Err(error),
            };
            (request.name, made)
        };
        stream::iter(requests).map(one).buffered(AT_ONCE).collect().await
    }

    /// Removes containers.
    pub(super) async fn remove(self, ids: Vec<ContainerId>) -> Vec<(ContainerId, Result<(), ClusterError>)> {
        let one = |id: ContainerId| async {
            let _permit = self.room.acquire().await.ok();
            let removed = match self.licence.demand(self.host.name()) {
                Ok(()) => self.host.remove(&id).await,
                Err(error) => Err(error),
            };
            (id, removed)
        };
        stream::iter(ids).map(one).buffered(AT_ONCE).collect().await
    }

    /// Removes what is left of containers that have ended.
    pub(super) async fn sweep(self, ids: Vec<ContainerId>) {
        for (id, removed) in self.remove(ids).await {
            if let Err(error) = removed {
                tracing::warn!(container = %id, %error, "an ended container could not be removed; it is tried again");
            }
        }
    }
}
