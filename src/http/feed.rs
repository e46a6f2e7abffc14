//! What happens, as it happens: one reader of the event stream for the whole server. It feeds the counters, and the commands that
//! wait for their answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use super::metrics::Fold;
use crate::bus::{self, Follower};
use crate::model::Event;
use crate::store::{Store, StoreError};

/// How long one read waits.
const WAIT: Duration = Duration::from_secs(2);
/// After a failure.
const RETRY: Duration = Duration::from_millis(500);

/// Where the stream ends now; `None`: Redis does not answer.
pub(super) async fn end(store: &Store) -> Option<String> {
    bus::newest(store, 1).await.ok().map(|(_, position)| position)
}

/// Follows the stream from a position on, or from when Redis answers first. An outage of Redis misses nothing: it is read on from
/// where it was.
pub(super) async fn follow(
    store: Store,
    mut position: Option<String>,
    mut fold: Fold,
    events: broadcast::Sender<Arc<[Event]>>,
) -> Infallible {
    loop {
        let error = match read(&store, &mut position, &mut fold, &events).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        tracing::debug!(%error, "the event stream cannot be read");
        tokio::time::sleep(RETRY).await;
    }
}

async fn read(
    store: &Store,
    position: &mut Option<String>,
    fold: &mut Fold,
    events: &broadcast::Sender<Arc<[Event]>>,
) -> Result<Infallible, StoreError> {
    let mut from = match position.take() {
        Some(known) => known,
        None => bus::newest(store, 1).await?.1,
    };
    *position = Some(from.clone());
    let mut follower = Follower::new(store, vec![(store.keys().events(), from.clone())], WAIT).await?;
    loop {
        let entries = follower.next(WAIT).await?;
        let Some(last) = entries.last() else { continue };
        from.clone_from(&last.id);
        *position = Some(from.clone());
        let mut batch = Vec::with_capacity(entries.len());
        for entry in &entries {
            if let Ok(event) = entry.event() {
                fold.apply(&event);
                batch.push(event);
            } else {
                fold.unreadable();
            }
        }
        // Nobody may be waiting.
        let _ = events.send(Arc::from(batch));
    }
}
