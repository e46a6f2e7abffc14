//! Keeps the lease while this replica leads, and tells until when that is certain.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock;
use crate::model::ReplicaId;
use crate::store::Store;

/// What became of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// It is somebody else's, or nobody's.
    Taken,
    /// Redis did not extend it before it ended.
    RunOut,
}

/// Until when the lease is held, by the monotonic clock of this process: whoever was stopped and goes on finds out by asking, before it
/// asks Redis.
#[derive(Debug, Clone)]
pub(super) struct Held {
    until: watch::Receiver<Option<Instant>>,
}

impl Held {
    /// Whether it is certain that nobody else has it.
    pub(super) fn is_certain(&self) -> bool {
        self.until.borrow().is_some_and(|until| clock::monotonic() < until)
    }
}

/// Renews the lease at a third of its time, until it is dropped or the lease is somebody else's.
pub(super) struct LeaseKeeper {
    held: Held,
    task: JoinHandle<()>,
}

impl LeaseKeeper {
    /// Starts, with a lease that was asked for at `asked`.
    pub(super) fn start(store: Store, replica: ReplicaId, lease: Duration, asked: Instant) -> Self {
        let (sender, until) = watch::channel(Some(asked + lease));
        let task = tokio::spawn(async move { keep(&store, &replica, lease, &sender).await });
        Self { held: Held { until }, task }
    }

    /// Until when it is held.
    pub(super) fn held(&self) -> Held {
        self.held.clone()
    }

    /// Waits until the lease is lost.
    pub(super) async fn lost(&mut self) -> Lost {
        loop {
            let until = *self.held.until.borrow_and_update();
            let Some(until) = until.filter(|_| !self.task.is_finished()) else { return Lost::Taken };
            if clock::monotonic() >= until {
                return Lost::RunOut;
            }
            tokio::select! {
                _ = self.held.until.changed() => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Goes on while Redis does not answer; returns when it answers that the lease is not this replica's.
async fn keep(store: &Store, replica: &ReplicaId, lease: Duration, until: &watch::Sender<Option<Instant>>) {
    let mut tick = tokio::time::interval(lease / 3);
    // What was missed while the process was stopped is not caught up with.
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    let mut is_well = true;
    loop {
        tick.tick().await;
        let asked = clock::monotonic();
        let failed = match tokio::time::timeout(lease / 2, store.renew_lease(replica, lease)).await {
            Ok(Ok(true)) => {
                let _ = until.send(Some(asked + lease));
                is_well = true;
                continue;
            }
            Ok(Ok(false)) => {
                let _ = until.send(None);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "Redis did not answer in time".to_owned(),
        };
        if std::mem::replace(&mut is_well, false) {
            tracing::warn!(error = failed, "the lease could not be renewed");
        }
    }
}
