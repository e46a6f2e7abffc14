//! What came of a piece of work, as events.

use super::limits;
use super::work::{Done, Report, Work};
use crate::cluster::ClusterError;
use crate::handlers::{Because, Draft, World};
use crate::model::event::{NodeCreated, NodeDrained, NodeFailed, NodeRemoved};
use crate::model::{OperationWorker, Step};

/// Takes in what came of a piece of work. `false`: nothing yet, it is to be tried again.
pub(super) fn take(report: &Report, world: &World<'_>, draft: &mut Draft) -> bool {
    if report.work.operation().is_none() {
        return swept(report, draft);
    }
    let Some((worker, because)) = subject(&report.work, draft) else {
        // Its operation, or the worker's part in it, has ended meanwhile.
        return true;
    };
    match &report.result {
        Ok(done) => succeeded(&report.work, done, &worker, because, world, draft),
        Err(error) if error.is_transient() => return false,
        Err(error) => failed(&report.work, error, &worker, because, world, draft),
    }
    true
}

/// The worker that the work is about as its operation has it, while there is something to do for it; and why that is done.
fn subject(work: &Work, draft: &Draft) -> Option<(OperationWorker, Because)> {
    let operation = draft.state().operations.get(&work.operation()?)?;
    let worker = operation.workers.iter().find(|worker| worker.name == *work.name())?;
    let because = Because::of(worker.event).within(operation.id).by(operation.actor.clone());
    (!worker.is_finished()).then(|| (worker.clone(), because))
}

fn swept(report: &Report, draft: &mut Draft) -> bool {
    match &report.result {
        Ok(_) => {
            let data = NodeRemoved { node_name: report.work.name().clone(), reason: "dead_container".to_owned() };
            draft.emit(data, Because::default());
            true
        }
        Err(error) => !error.is_transient(),
    }
}

fn succeeded(
    work: &Work,
    done: &Done,
    worker: &OperationWorker,
    because: Because,
    world: &World<'_>,
    draft: &mut Draft,
) {
    let node_name = worker.name.clone();
    match (work, done) {
        (Work::Create { kind, .. }, Done::Created(container)) if worker.step == Step::Allocated => {
            let data = NodeCreated {
                node_name,
                container_id: container.container_id.clone(),
                kind: *kind,
                created_at: container.created_at,
            };
            draft.emit(data, because);
        }
        (Work::Drain { .. }, Done::Drained { evicted_pods }) if worker.step == Step::Chosen => {
            draft.emit(NodeDrained { node_name, evicted_pods: *evicted_pods }, because);
        }
        // Removed once more because a look still showed it: that is no news.
        (Work::Remove { .. }, Done::Removed) if worker.step == Step::Drained => {
            draft.emit(NodeRemoved { node_name, reason: "scale_down".to_owned() }, because);
        }
        (Work::Undo { operation, .. }, Done::Removed) => {
            let undone = because.clone();
            let data =
                NodeFailed { node_name: node_name.clone(), reason: why(work, worker, world, draft), kept: false };
            let failed = draft.emit(data, because);
            let because = Because { caused_by: Some(failed), ..undone }.within(*operation);
            draft.emit(NodeRemoved { node_name, reason: "rolled_back".to_owned() }, because);
        }
        (Work::Drain { .. } | Work::Spare { .. }, Done::Spared) => {
            let (reason, kept) = (why(work, worker, world, draft), is_left(worker, world, draft));
            draft.emit(NodeFailed { node_name, reason, kept }, because);
        }
        _ => {}
    }
}

/// A refusal is final: a worker that was to come does not, one that was to go is spared.
fn failed(
    work: &Work,
    error: &ClusterError,
    worker: &OperationWorker,
    because: Because,
    world: &World<'_>,
    draft: &mut Draft,
) {
    let kept = match work {
        Work::Create { .. } | Work::Undo { .. } | Work::Sweep { .. } => false,
        Work::Drain { .. } | Work::Remove { .. } | Work::Spare { .. } => is_left(worker, world, draft),
    };
    draft.emit(NodeFailed { node_name: worker.name.clone(), reason: error.to_string(), kept }, because);
}

/// Why a worker is rolled back: its operation is, or its time was over.
fn why(work: &Work, worker: &OperationWorker, world: &World<'_>, draft: &Draft) -> String {
    let operation = work.operation().and_then(|id| draft.state().operations.get(&id));
    if operation.is_some_and(|operation| operation.rolling_back) {
        let limits = world.config.autoscaler.limits;
        return format!("it would leave the limits of {} to {} workers", limits.min_nodes, limits.max_nodes);
    }
    limits::overdue(worker.step, world.config)
}

/// Whether there is still a worker to be kept: only a look that began after its latest step can tell that there is none.
fn is_left(worker: &OperationWorker, world: &World<'_>, draft: &Draft) -> bool {
    let recent = world.observation.filter(|seen| worker.since.is_some_and(|since| seen.at > since));
    draft.state().workers.contains_key(&worker.name)
        && recent.is_none_or(|seen| seen.workers.contains_key(&worker.name))
}
