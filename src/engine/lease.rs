//! Keeps the lease while this replica leads.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::model::ReplicaId;
use crate::store::Store;

/// Renews the lease at a third of its time, until it is dropped or the lease is lost.
pub(super) struct LeaseKeeper {
    lost: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl LeaseKeeper {
    /// Starts.
    pub(super) fn start(store: Store, replica: ReplicaId, lease: Duration) -> Self {
        let (sender, lost) = watch::channel(false);
        let task = tokio::spawn(async move {
            keep(&store, &replica, lease).await;
            let _ = sender.send(true);
        });
        Self { lost, task }
    }

    /// Waits until the lease is lost.
    pub(super) async fn lost(&mut self) {
        // An error means that the task is gone, and the lease with it.
        let _ = self.lost.wait_for(|lost| *lost).await;
    }

    /// Whether it is still held, as far as is known.
    pub(super) fn is_held(&self) -> bool {
        !*self.lost.borrow() && !self.task.is_finished()
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns when the lease is somebody else's, or could not be renewed before it ended. A process that was stopped and goes on finds
/// out here as well: then more than the lease has passed since the last renewal.
async fn keep(store: &Store, replica: &ReplicaId, lease: Duration) {
    let mut tick = tokio::time::interval(lease / 3);
    let mut renewed: Instant = tick.tick().await;
    loop {
        let asked: Instant = tick.tick().await;
        match tokio::time::timeout(lease / 2, store.renew_lease(replica, lease)).await {
            Ok(Ok(true)) => renewed = asked,
            Ok(Ok(false)) => return,
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
            Err(_) => tracing::warn!("the lease could not be renewed in time"),
        }
        if renewed.elapsed() >= lease {
            return;
        }
    }
}
