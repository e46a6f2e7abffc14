//! What is written of the pools: their records, what is to be reported, the metadata, and what was measured.

use std::time::Duration;

use super::journal::Written;
use super::kept::Kept;
use super::manager::Manager;
use crate::clock;
use crate::model::pool::{POOL_SCHEMA, PersistedPoolState, PersistenceMetadata};
use crate::model::{Change, Event, FunctionName};

/// Records written in one transaction.
const WRITTEN_AT_ONCE: usize = 64;
/// Records live for a day and are refreshed far more often than that.
const REFRESH: Duration = Duration::from_secs(60 * 60);

impl Manager {
    /// Writes the records that are not as they should be, with what is to be reported.
    pub(super) async fn save(&mut self) -> Written {
        let due = |kept: &Kept| kept.dirty || !kept.news.is_empty();
        let functions: Vec<FunctionName> =
            self.pools.values().filter(|kept| due(kept)).map(|kept| kept.function().clone()).collect();
        // What a recovery found is in the records and in its event at once, or in neither.
        let mut news = std::mem::take(&mut self.news);
        let mut written = Written::Done;
        if functions.is_empty() && news.is_empty() {
            self.journal.probe().await;
        } else if functions.is_empty() {
            written = self.journal.write(std::mem::take(&mut news), Vec::new(), None).await;
        }
        for chunk in functions.chunks(WRITTEN_AT_ONCE) {
            match self.write(chunk, std::mem::take(&mut news)).await {
                Written::Fenced => return Written::Fenced,
                // One of them is not windlass's: the others are written all the same.
                Written::Foreign(_) => {
                    for function in chunk {
                        if let Written::Foreign(error) = self.write(std::slice::from_ref(function), Vec::new()).await {
                            tracing::error!(%error, %function, "a pool cannot be recorded: what is there is not windlass's");
                            self.unreadable.insert(function.clone());
                        }
                    }
                }
                other => written = other,
            }
        }
        self.tell_metadata().await;
        self.refresh().await;
        written
    }

    /// Writes the records of these pools with what is to be reported of them, behind other events.
    async fn write(&mut self, functions: &[FunctionName], mut events: Vec<Event>) -> Written {
        let mut changes = Vec::new();
        for function in functions {
            let Some(kept) = self.pools.get_mut(function) else { continue };
            events.append(&mut kept.news);
            if kept.dirty && !self.unreadable.contains(function) {
                changes.push(Change::PutPool(Box::new(PersistedPoolState::from(&kept.pool))));
            }
        }
        let written = self.journal.write(events, changes, None).await;
        if written == Written::Done {
            for function in functions {
                if let Some(kept) = self.pools.get_mut(function) {
                    kept.dirty = false;
                }
            }
        }
        written
    }

    /// The record of a pool as it should be; `None`: there is no such pool, or its record is not to be written over.
    pub(super) fn record(&self, function: &FunctionName) -> Option<PersistedPoolState> {
        let kept = self.pools.get(function)?;
        (!self.unreadable.contains(function)).then(|| PersistedPoolState::from(&kept.pool))
    }

    async fn tell_metadata(&mut self) {
        let count = self.pools.len();
        if self.told == Some(count) || (self.told.is_none() && count == 0) || self.journal.is_adrift() {
            return;
        }
        let metadata = PersistenceMetadata {
            version: POOL_SCHEMA.to_string(),
            last_cleanup: clock::now().timestamp(),
            total_pools: count,
        };
        if self.journal.write(Vec::new(), vec![Change::SetPoolMetadata(metadata)], None).await != Written::Adrift {
            self.told = Some(count);
        }
    }

    /// A quiet pool must not vanish: its record's time to live is extended while it lives.
    async fn refresh(&mut self) {
        let Some(store) = self.setting.store.clone() else { return };
        if self.refreshed.elapsed() < REFRESH || self.pools.is_empty() {
            return;
        }
        self.refreshed = clock::monotonic();
        let functions: Vec<FunctionName> = self.pools.keys().cloned().collect();
        match store.refresh_pools(&functions).await {
            Ok(gone) => {
                for function in gone {
                    if let Some(kept) = self.pools.get_mut(&function) {
                        kept.dirty = true;
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the pools' records could not be refreshed; they live for a day"),
        }
    }

    /// Writes what was measured, for followers and cockpits.
    pub(super) async fn measured(&self) {
        let Some(store) = &self.setting.store else { return };
        if self.journal.is_adrift() || self.pools.is_empty() {
            return;
        }
        let pools: Vec<_> = self.pools.values().map(|kept| kept.pool.clone()).collect();
        if let Err(error) = store.write_pool_loads(&pools, clock::now()).await {
            tracing::debug!(%error, "the loads of the pools could not be written");
        }
    }
}
