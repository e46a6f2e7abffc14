//! Carries decisions out: starts operations, follows their steps, ends them. The steps themselves ([`work`]) are derived from the
//! recorded operations, so whoever leads next goes on where the last one stopped.
//!
//! Up: allocated → created → registered → ready. Down: chosen → drained → removed → confirmed. After the last step of its last worker an
//! operation is recorded: it ends, and stands in the history. Each step has its time ([`limits`]); a worker that does not get through
//! in time is rolled back.

mod end;
mod follow;
pub mod limits;
mod report;
mod resume;
mod start;
pub mod work;

#[cfg(test)]
mod tests;

use uuid::Uuid;

use super::{Draft, Handler, HandlerError, World};
use crate::config::HandlerName;
use crate::model::{Event, EventType, Observation, WorkerKind, WorkerName};
use work::Report;

/// See the module.
pub struct NodeManager;

impl Handler for NodeManager {
    fn name(&self) -> &'static str {
        HandlerName::NodeManager.name()
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[
            EventType::ScaleUpDecision,
            EventType::ScaleDownDecision,
            EventType::AutoScaleUpToMinimum,
            EventType::EmergencyScaleUp,
        ]
    }

    fn on_event(&self, event: &Event, world: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        let decided = event.correlation_id.and_then(|id| draft.state().operations.get(&id)).cloned();
        // A decision of a dry run, or one whose operation was started or ended already.
        match decided.filter(|operation| operation.started_by.is_none()) {
            Some(operation) => start::start(&operation, world, draft),
            None => Ok(()),
        }
    }

    fn on_observation(&self, seen: &Observation, world: &World<'_>, draft: &mut Draft) {
        let running: Vec<_> = draft.state().operations.values().cloned().collect();
        for operation in running {
            follow::follow(&operation, seen, draft);
            end::end(operation.id, world, draft);
        }
    }

    fn on_time(&self, world: &World<'_>, draft: &mut Draft) {
        if !world.config.autoscaler.dry_run {
            start::give_up_unheard(world, draft);
        }
    }
}

impl NodeManager {
    /// A new leader takes over what it found. `elected`: the event of its beginning. To be called once, before anything is heard.
    pub fn take_over(&self, elected: Uuid, world: &World<'_>, draft: &mut Draft) {
        resume::take_over(elected, world, draft);
    }

    /// What came of a piece of work. `false`: nothing yet, it is to be tried again.
    #[must_use]
    pub fn on_report(&self, report: &Report, world: &World<'_>, draft: &mut Draft) -> bool {
        let settled = report::take(report, world, draft);
        if let Some(operation) = report.work.operation() {
            end::end(operation, world, draft);
        }
        settled
    }
}

/// Permanent or dynamic, by the configuration.
#[must_use]
pub fn kind_of(name: &WorkerName, permanent: &[WorkerName]) -> WorkerKind {
    if permanent.contains(name) { WorkerKind::Permanent } else { WorkerKind::Dynamic }
}
