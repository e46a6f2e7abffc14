//! The documents that command line and HTTP both give out, so that both say the same: made from a [`View`], unknown is null.

mod answer;
mod events;
mod history;
mod pools;
mod status;
mod workers;

use crate::clock;
use crate::model::{Observation, View};

pub use answer::{CommandAnswer, CommandOutcome, PlacedHold};
pub use events::{EventFilter, Since};
pub use history::History;
pub use pools::{PoolContainerLine, PoolLine, PoolsReport};
pub use status::{
    CooldownLeft, HoldLeft, PerDirection, RedisLine, ReplicaLine, RunningOperation, Status, VerdictLine, WorkerCounts,
};
pub use workers::{WorkerLine, natural, workers};

/// What is older than this is no measurement of now, however seldom the cluster is looked at.
const STALE_SECONDS: f64 = 30.0;

/// What was last seen, while it still tells how things are: measurements of a time when an engine ran are not those of now.
#[must_use]
pub fn fresh(view: &View) -> Option<&Observation> {
    view.leader.as_ref()?;
    let seen = view.observation.as_deref()?;
    let interval = view.engine.as_ref().map_or(0.0, |engine| engine.check_interval);
    let age = clock::between(seen.at, view.at).as_secs_f64();
    (age <= f64::max(STALE_SECONDS, 3.0 * interval)).then_some(seen)
}
