//! Before a leader acts, what cannot be read of what is remembered is set aside, reported, and replaced by the more careful thing.

use crate::clock;
use crate::handlers::{Because, Draft};
use crate::model::State;
use crate::model::damage::{Flaw, Lost, Problem, Spot};
use crate::model::event::ValueQuarantined;
use crate::policy::damage::{self, Consequence};
use crate::store::{Mending, Snapshot, StoreError, Transaction};

use super::Parts;

/// Somebody may go on writing what is not windlass's: after so many attempts, what can be read must do.
const ATTEMPTS: usize = 5;
/// So many values are set aside in one transaction.
const TOGETHER: usize = 100;

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// One that takes over: what cannot be read is known to nobody any more.
    Newcomer,
    /// The leader that wrote it.
    Writer,
}

/// What is remembered, with nothing in it that cannot be read.
pub(super) struct Remembered {
    /// It.
    pub(super) snapshot: Snapshot,
    /// Whether something had to be set aside: workers may run that the state does not know until the cluster was looked at.
    pub(super) was_mended: bool,
}

/// Reads what is remembered. What cannot be read goes into quarantine, and what follows is written beside the event that says so, all at
/// once, fenced by the lease's epoch.
pub(super) async fn remembered(parts: &Parts, epoch: u64, reader: Reader) -> Result<Remembered, StoreError> {
    for attempt in 0..ATTEMPTS {
        let mut snapshot = parts.store.snapshot().await?;
        if snapshot.problems.is_empty() {
            return Ok(Remembered { snapshot, was_mended: attempt > 0 });
        }
        let problems = std::mem::take(&mut snapshot.problems);
        for together in problems.chunks(TOGETHER) {
            snapshot.state = set_aside(parts, epoch, reader, &snapshot, together).await?;
        }
    }
    let snapshot = parts.store.snapshot().await?;
    for problem in &snapshot.problems {
        tracing::error!(%problem, "it was set aside and is there again; windlass goes on without it");
    }
    Ok(Remembered { snapshot, was_mended: true })
}

/// A transaction met a value of a foreign type. What is found on reading everything again is left to that; a value where windlass was about to
/// write for the first time is set aside here. Either way the leader goes on with what Redis then holds: this is why.
pub(super) async fn met(parts: &Parts, epoch: u64, key: String, error: String) -> StoreError {
    match set_stray_aside(parts, epoch, &key, &error).await {
        Ok(()) => StoreError::Foreign { key, error },
        Err(error) => error,
    }
}

async fn set_stray_aside(parts: &Parts, epoch: u64, key: &str, error: &str) -> Result<(), StoreError> {
    let snapshot = parts.store.snapshot().await?;
    if snapshot.problems.iter().any(|problem| problem.key == key) || !key.starts_with(parts.store.keys().prefix()) {
        return Ok(());
    }
    let stray = Problem::new(key.to_owned(), Spot::Whole, Flaw::ForeignType, error.to_owned(), Lost::Nothing);
    set_aside(parts, epoch, Reader::Newcomer, &snapshot, &[stray]).await?;
    Ok(())
}

async fn set_aside(
    parts: &Parts,
    epoch: u64,
    reader: Reader,
    snapshot: &Snapshot,
    problems: &[Problem],
) -> Result<State, StoreError> {
    let now = parts.clock.now();
    let mut draft = Draft::new(&snapshot.state, "engine", parts.config.cluster.metadata(), now);
    let mut mending = Mending::new(now);
    for problem in problems {
        tracing::error!(%problem, "a value cannot be read; it is set aside");
        let moved_to = mending.set_aside(parts.store.keys(), problem);
        let remembered = damage::consequence_for_its_writer(problem).filter(|_| reader == Reader::Writer);
        let careful = || {
            let seen = snapshot.observation.as_ref();
            damage::consequence(problem, draft.state(), seen, &parts.config, now)
        };
        let consequence = remembered.unwrap_or_else(careful);
        report(problem, moved_to, consequence, &mut draft);
        if problem.lost == Lost::Index {
            mending.index(parts.store.recorded_workers().await?);
        }
    }
    let (state, changes, events) = draft.into_parts();
    let transaction = Transaction::new(clock::fresh_id(now), epoch, changes, events);
    let longest = parts.config.autoscaler.events.event_bus.max_stream_length;
    let written = parts.store.mend(&mending, &transaction, longest).await;
    if let Err(StoreError::Unavailable(error)) = written {
        tracing::warn!(error, "a transaction's outcome is unknown; it is repeated");
        parts.store.mend(&mending, &transaction, longest).await?;
    } else {
        written?;
    }
    Ok(state)
}

fn report(problem: &Problem, moved_to: String, consequence: Consequence, draft: &mut Draft) {
    let data = ValueQuarantined {
        key: problem.key.clone(),
        field: problem.field.clone(),
        moved_to,
        problem: format!("{}: {}", problem.flaw, problem.problem),
        consequence: consequence.words,
    };
    let quarantined = draft.emit(data, Because::default());
    for event in consequence.events {
        draft.emit(event, Because::of(quarantined));
    }
}
