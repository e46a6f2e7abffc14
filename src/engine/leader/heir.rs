//! What a process that ended without Redis left in its outbox's file: whoever leads next on the same data records it, before it writes anything
//! else, or sets it aside.
//!
//! Nothing is recorded twice, and nothing on a state that has moved on:
//! - Whoever leads says so in `autoscaler:engine` before it writes events. As long as the file's replica stands there, nobody has written
//!   since but the file's own process, and heirs that came no further than recording.
//! - An heir holds the newest epoch before it reads the log. Whoever had begun to record under an older one, an heir that was overtaken or
//!   the file's own process that has come back, is refused from then on, so what the log has by now is all that they wrote; that is left out.
//! - The file of a process that lives is locked, and is not touched: that process finds out by itself who leads, and records or abandons
//!   (two replicas of one machine may share a data directory). Where a file system has no locks, the two points above are enough: at worst
//!   the last events of a process that lives are not recorded.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::engine::outbox::{Outbox, written};
use crate::engine::spill::{Found, Left, look};
use crate::engine::{Parts, outage};
use crate::handlers::Draft;
use crate::store::{Snapshot, Store, StoreError};

/// What was recorded of others' outboxes.
pub(super) struct Inheritance {
    since: DateTime<Utc>,
    error: String,
    kept: u64,
    dropped: u64,
    heard: HashSet<(usize, Uuid)>,
    files: Vec<Left>,
}

impl Inheritance {
    /// Records what was left on a snapshot that was just read under this epoch, which follows. `None`: nothing was.
    pub(super) async fn take(parts: &Parts, epoch: u64, snapshot: &mut Snapshot) -> Result<Option<Self>, StoreError> {
        let mut inherited: Option<Self> = None;
        for left in readable(parts).await {
            let led_last = snapshot.engine.as_ref().map(|engine| &engine.replica);
            if led_last == Some(&left.head.replica) && left.head.epoch < epoch {
                let one = Self::record(parts, epoch, snapshot, left).await?;
                match &mut inherited {
                    None => inherited = Some(one),
                    Some(all) => all.join(one),
                }
            } else {
                set_aside(&parts.store, left).await?;
            }
        }
        Ok(inherited)
    }

    async fn record(parts: &Parts, epoch: u64, snapshot: &mut Snapshot, left: Left) -> Result<Self, StoreError> {
        let mut outbox = Outbox::left(&left, parts.handlers.iter().map(|handler| handler.name()).collect());
        let longest = parts.config.autoscaler.events.event_bus.max_stream_length;
        outbox.record(&parts.store, epoch, &mut snapshot.state, longest).await?;
        let (kept, dropped) = (outbox.kept(), outbox.dropped());
        let (path, replica, since) = (left.path.display(), &left.head.replica, &left.head.since);
        tracing::info!(%path, %replica, %since, kept, dropped, "recorded what a process left that ended without Redis");
        if left.is_torn {
            tracing::warn!(%path, "its last line was cut off when the process ended");
        }
        Ok(Self {
            since: left.head.since,
            error: left.head.error.clone(),
            kept,
            dropped,
            heard: outbox.take_heard(),
            files: vec![left],
        })
    }

    fn join(&mut self, other: Self) {
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.heard.extend(other.heard);
        self.files.extend(other.files);
    }

    /// What handlers had dealt with: they are not told again.
    pub(super) fn take_heard(&mut self) -> HashSet<(usize, Uuid)> {
        std::mem::take(&mut self.heard)
    }

    /// Reports the outage, in which nobody was left to report it.
    pub(super) fn report(&self, draft: &mut Draft) {
        outage::report(draft, self.error.clone(), self.since, (self.kept, self.dropped));
    }

    /// All of it is recorded and reported: the files go.
    pub(super) fn settle(self) {
        for left in self.files {
            left.remove();
        }
    }
}

/// The files that can be read and that nobody writes any more. They are read beside the loop: they may be long.
async fn readable(parts: &Parts) -> Vec<Left> {
    let (Some(data_dir), cluster) = (parts.data_dir.clone(), parts.config.cluster.id.clone()) else {
        return Vec::new();
    };
    let shown = data_dir.display().to_string();
    let found = match tokio::task::spawn_blocking(move || look(&data_dir, &cluster)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(data_dir = shown, %error, "it is unknown whether events of a time without Redis wait there");
            return Vec::new();
        }
        Err(_) => return Vec::new(),
    };
    let mut readable = Vec::new();
    for found in found {
        match found {
            Found::Left(left) => readable.push(*left),
            Found::InUse(path) => {
                tracing::debug!(path = %path.display(), "another process that lives keeps events there");
            }
            Found::Unreadable(path, why) => {
                tracing::warn!(path = %path.display(), why, "events that wait to be recorded cannot be read; the file stays as it is");
            }
        }
    }
    readable
}

/// Nobody records it any more. One whose recording was interrupted just before it was removed is in the log already, and goes.
async fn set_aside(store: &Store, left: Left) -> Result<(), StoreError> {
    let written = written(store, left.all().count()).await?;
    if left.all().all(|event| written.contains(&event.event_id)) {
        left.remove();
    } else {
        left.abandon();
    }
    Ok(())
}
