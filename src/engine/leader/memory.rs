//! How what was drafted is remembered: in Redis, or in memory for as long as that cannot be used.

use super::Leader;
use crate::clock;
use crate::engine::mend;
use crate::handlers::Draft;
use crate::model::{ContainerId, State, WorkerName};
use crate::store::{Acknowledgement, Committed, DeadLetter, Settled, StoreError, Transaction};

impl Leader<'_> {
    /// Writes a draft with the acknowledgement of what caused it.
    pub(super) async fn commit(
        &mut self,
        draft: Draft,
        acknowledgement: Option<Acknowledgement>,
    ) -> Result<(), StoreError> {
        self.write(draft, acknowledgement, Vec::new(), Vec::new()).await
    }

    /// Writes a draft; only then does the state in memory follow. An attempt whose outcome is unknown is repeated once under the same id.
    /// Where Redis cannot be used, the draft is kept and this leader casts off: the only error is that another replica leads.
    pub(super) async fn write(
        &mut self,
        draft: Draft,
        acknowledgement: Option<Acknowledgement>,
        dead_letters: Vec<DeadLetter>,
        settled: Vec<Settled>,
    ) -> Result<(), StoreError> {
        if draft.is_empty() && acknowledgement.is_none() {
            return Ok(());
        }
        let id = clock::fresh_id(draft.now());
        let (state, changes, events) = draft.into_parts();
        let acknowledgements = acknowledgement.into_iter().collect();
        let transaction =
            Transaction { id, epoch: self.epoch, changes, events, acknowledgements, dead_letters, settled };
        if let Some(adrift) = &mut self.adrift {
            adrift.outbox.keep(transaction.events.clone());
            self.follow(state, transaction);
            return Ok(());
        }
        match self.attempt(&transaction).await {
            Ok(Committed::Handled) => {}
            Ok(Committed::Done | Committed::Again) => self.follow(state, transaction),
            Err(StoreError::Fenced { ours, newest }) => return Err(StoreError::Fenced { ours, newest }),
            Err(error) => {
                self.cast_off(&error);
                if let Some(adrift) = &mut self.adrift {
                    adrift.outbox.doubt(transaction.clone());
                }
                self.follow(state, transaction);
            }
        }
        Ok(())
    }

    async fn attempt(&self, transaction: &Transaction) -> Result<Committed, StoreError> {
        let longest = self.parts.config.autoscaler.events.event_bus.max_stream_length;
        match self.parts.store.commit(transaction, longest).await {
            // After the lease's end the answer would come too late for whatever is to be done.
            Err(StoreError::Unavailable(error)) if self.lease.held().is_certain() => {
                tracing::warn!(error, "a transaction's outcome is unknown; it is repeated");
                self.parts.store.commit(transaction, longest).await
            }
            Err(StoreError::Foreign { key, error }) => Err(mend::met(self.parts, self.epoch, key, error).await),
            other => other,
        }
    }

    /// The state in memory follows what was written.
    fn follow(&mut self, state: State, written: Transaction) {
        if !same_workers(&self.state, &state) {
            self.workers_changed = self.parts.clock.now();
        }
        self.state = state;
        self.unheard.written(written.events, &self.parts.handlers);
    }
}

/// Whether two states have the same containers under the same names and the same operations.
fn same_workers(one: &State, other: &State) -> bool {
    fn containers(state: &State) -> impl Iterator<Item = (&WorkerName, &ContainerId)> {
        state.workers.values().map(|worker| (&worker.name, &worker.container_id))
    }
    one.operations.keys().eq(other.operations.keys()) && containers(one).eq(containers(other))
}
