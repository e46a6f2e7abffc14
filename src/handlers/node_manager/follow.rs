//! What a look tells of the workers on their way.

use crate::clock;
use crate::handlers::{Because, Draft};
use crate::model::event::{NodeFailed, NodeReady, NodeRegistered, NodeRemovalConfirmed};
use crate::model::{ContainerState, Health, Observation, ObservedWorker, Operation, OperationWorker, Step};
use uuid::Uuid;

/// Takes the steps of an operation that a look shows. A look that began before a worker came to its step says nothing of it.
pub(super) fn follow(operation: &Operation, seen: &Observation, draft: &mut Draft) {
    for worker in operation.workers.iter().filter(|worker| !worker.is_finished()) {
        if worker.since.is_some_and(|since| seen.at <= since) {
            continue;
        }
        match worker.step {
            Step::Created | Step::Registered => come(operation, worker, seen, draft),
            Step::Removed if !seen.workers.contains_key(&worker.name) => {
                let because = because(operation, worker.event);
                draft.emit(NodeRemovalConfirmed { node_name: worker.name.clone() }, because);
            }
            _ => {}
        }
    }
}

/// A created worker registers when it is seen running, and is ready when it takes work: one look may show both. One whose container has
/// gone or ended is a failure.
fn come(operation: &Operation, worker: &OperationWorker, seen: &Observation, draft: &mut Draft) {
    let Some(container) = seen.workers.get(&worker.name) else {
        fail(operation, worker, "its container disappeared while it started".to_owned(), draft);
        return;
    };
    if let ContainerState::Exited { code } = container.state {
        let code = code.map_or_else(String::new, |code| format!(" with code {code}"));
        fail(operation, worker, format!("its container ended{code} while it started"), draft);
        return;
    }
    let mut cause = worker.event;
    let node_name = worker.name.clone();
    if worker.step == Step::Created && is_registered(container, seen) {
        cause = draft.emit(NodeRegistered { node_name: node_name.clone() }, because(operation, cause));
    }
    if container.state == ContainerState::Running && container.health == Health::Ready {
        let duration = clock::between(container.created_at, draft.now()).as_secs_f64();
        draft.emit(NodeReady { node_name, duration }, because(operation, cause));
    }
}

/// Where a scheduler answered, its node has joined; otherwise its running is all that can be told. What takes work has joined.
fn is_registered(container: &ObservedWorker, seen: &Observation) -> bool {
    let joined = seen.nodes.is_none() || container.node.is_some() || container.health == Health::Ready;
    container.state == ContainerState::Running && joined
}

fn fail(operation: &Operation, worker: &OperationWorker, reason: String, draft: &mut Draft) {
    draft.emit(NodeFailed { node_name: worker.name.clone(), reason, kept: false }, because(operation, worker.event));
}

fn because(operation: &Operation, cause: Uuid) -> Because {
    Because::of(cause).within(operation.id).by(operation.actor.clone())
}
