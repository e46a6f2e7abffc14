//! Hearing what follows from a command.

use std::time::Duration;

use windlass::bus::{self, Follower};
use windlass::model::Event;
use windlass::store::Store;

use crate::cli::failure::Failure;

/// How long one read waits.
const WAIT: Duration = Duration::from_secs(1);
/// Without a leader for this long nobody goes on with an operation.
const PATIENCE: u32 = 15;

/// The event stream from one moment on.
pub struct Hearing {
    store: Store,
    follower: Follower,
    /// Heard and not asked for yet.
    heard: Vec<Event>,
}

impl Hearing {
    /// Begins to listen: from now on nothing is missed.
    pub async fn begin(store: &Store) -> Result<Self, Failure> {
        let (_, position) = bus::newest(store, 1).await?;
        let follower = Follower::new(store, vec![(store.keys().events(), position)], WAIT).await?;
        Ok(Self { store: store.clone(), follower, heard: Vec::new() })
    }

    /// Waits for events of a kind; all of them that came together. The others are kept for the next question.
    pub async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Result<Vec<Event>, Failure> {
        loop {
            let found: Vec<Event> = self.heard.extract_if(.., |event| wanted(event)).collect();
            if !found.is_empty() {
                return Ok(found);
            }
            self.listen().await?;
        }
    }

    /// As [`Hearing::until`], for as long as somebody leads; `None`: nobody does.
    pub async fn until_abandoned(&mut self, wanted: impl Fn(&Event) -> bool) -> Result<Option<Vec<Event>>, Failure> {
        let mut alone = 0;
        loop {
            let found: Vec<Event> = self.heard.extract_if(.., |event| wanted(event)).collect();
            if !found.is_empty() {
                return Ok(Some(found));
            }
            if self.listen().await? == 0 {
                alone = if self.store.leader().await?.is_none() { alone + 1 } else { 0 };
                if alone >= PATIENCE {
                    return Ok(None);
                }
            }
        }
    }

    async fn listen(&mut self) -> Result<usize, Failure> {
        let entries = self.follower.next(WAIT).await?;
        let count = entries.len();
        self.heard.extend(entries.into_iter().filter_map(|entry| entry.event().ok()));
        Ok(count)
    }
}
