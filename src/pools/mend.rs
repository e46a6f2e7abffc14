//! A pool's record that cannot be read is moved aside, reported, and made anew from what runs and what is configured.

use super::journal::{Journal, SOURCE};
use crate::clock;
use crate::handlers::Because;
use crate::model::damage::{Flaw, Lost, Problem, Spot};
use crate::model::event::ValueQuarantined;
use crate::store::pools::{PoolProblem, PoolProblemKind};
use crate::store::{Mending, Store, StoreError, Transaction};

/// What windlass does without it.
const CONSEQUENCE: &str = "the pool is kept as it is configured; containers that run are adopted by their labels, their idle clocks begin anew";

/// Moves these records aside and says so, in one transaction of this epoch's leader.
pub(super) async fn set_aside(
    store: &Store,
    journal: &Journal,
    problems: &[PoolProblem],
    longest: u64,
) -> Result<(), StoreError> {
    let Some(epoch) = journal.epoch() else { return Ok(()) };
    let now = clock::now();
    let mut mending = Mending::new(now);
    let mut events = Vec::new();
    for found in problems {
        tracing::error!(problem = %found, "a pool's record cannot be read; it is set aside");
        let flaw = match found.kind {
            PoolProblemKind::ForeignType => Flaw::ForeignType,
            PoolProblemKind::Damaged => Flaw::Damaged,
            PoolProblemKind::NewerSchema => Flaw::NewerSchema,
        };
        let problem = Problem::new(found.key.clone(), Spot::Whole, flaw, found.error.clone(), Lost::Nothing);
        let data = ValueQuarantined {
            key: found.key.clone(),
            field: None,
            moved_to: mending.set_aside(store.keys(), &problem),
            problem: format!("{flaw}: {}", found.error),
            consequence: CONSEQUENCE.to_owned(),
        };
        events.push(journal.event_from(SOURCE, data, Because::default(), now));
    }
    let transaction = Transaction::new(clock::fresh_id(now), epoch, Vec::new(), events);
    store.mend(&mending, &transaction, longest).await.map(|_| ())
}
