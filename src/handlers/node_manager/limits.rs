//! How long a worker may take for a step.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock;
use crate::config::{Config, Span};
use crate::model::{Operation, OperationWorker, Step};

/// How long a worker at this step may take for the next one, and what is said of one that takes longer. `None`: there is no next one.
fn limit(step: Step, config: &Config) -> Option<(Span, &'static str)> {
    let timeouts = &config.autoscaler.operations.timeouts;
    Some(match step {
        Step::Allocated => (timeouts.create, "it was not created"),
        Step::Created => (timeouts.register, "it was not registered"),
        Step::Registered => (config.workers.ready_timeout, "it was not ready"),
        Step::Chosen => (timeouts.drain, "it was not drained"),
        Step::Drained => (timeouts.remove, "it was not removed"),
        Step::Removed => (timeouts.confirm, "its container was still there"),
        Step::Ready | Step::Confirmed | Step::Failed => return None,
    })
}

/// When the time for a worker's next step is over. A new leader (`leading_since`) gives what it found the whole time for that step once
/// more: what went on meanwhile nobody saw.
#[must_use]
pub fn deadline(
    operation: &Operation,
    worker: &OperationWorker,
    config: &Config,
    leading_since: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let (span, _) = limit(worker.step, config)?;
    Some(clock::after(worker.since.unwrap_or(operation.decided_at).max(leading_since), span.get()))
}

/// Why a worker that is at this step is rolled back.
#[must_use]
pub fn overdue(step: Step, config: &Config) -> String {
    match limit(step, config) {
        Some((span, what)) if step == Step::Removed => format!("{what} {span} after its removal"),
        Some((span, what)) => format!("{what} within {span}"),
        None => "its time was over".to_owned(),
    }
}

/// How long a decision may wait until it is started.
#[must_use]
pub fn start(config: &Config) -> Duration {
    config.autoscaler.operations.timeouts.create.get()
}
