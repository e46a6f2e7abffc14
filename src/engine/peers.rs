//! The other replicas: this one says that it runs, and counts the others.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::model::ReplicaId;
use crate::store::Store;

/// How many other replicas were running when Redis last told.
#[derive(Debug, Clone)]
pub(super) struct Others(watch::Receiver<Option<u32>>);

impl Others {
    /// Where it is known that there are none.
    pub(super) fn none() -> Self {
        let (_, receiver) = watch::channel(Some(0));
        Self(receiver)
    }

    /// How many there were; `None`: Redis never told.
    pub(super) fn count(&self) -> Option<u32> {
        *self.0.borrow()
    }
}

/// Says that this replica runs, for as long as it is not dropped.
pub(super) struct Peers {
    others: Others,
    task: JoinHandle<()>,
}

impl Peers {
    /// Starts.
    pub(super) fn start(store: Store, replica: ReplicaId, lease: Duration) -> Self {
        let (sender, receiver) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(lease / 3);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                // That Redis cannot be used is reported elsewhere; who was there before counts as being there.
                if let Ok(others) = store.announce_replica(&replica, lease).await {
                    let _ = sender.send(Some(others));
                }
            }
        });
        Self { others: Others(receiver), task }
    }

    /// The count.
    pub(super) fn others(&self) -> Others {
        self.others.clone()
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.task.abort();
    }
}
