//! The steps, and what becomes of a worker that does not get through one in time.

use super::super::work::{Done, Report, Work};
use super::rig::{Outcome, Rig, config};
use crate::model::{
    ContainerState, Direction, EventData, EventType, Health, Outcome as Ended, State, Step, WorkerName, WorkerStatus,
};
use crate::policy::backoff;

fn only(state: &State) -> (WorkerName, Step) {
    let worker = &state.operations.values().next().unwrap().workers[0];
    (worker.name.clone(), worker.step)
}

/// An operation by hand that is started, with its first piece of work due.
fn begun(direction: Direction) -> Rig {
    let mut rig = Rig::settled(config());
    if direction == Direction::Down {
        rig.scale(Direction::Up, 1);
        rig.settle();
    }
    rig.scale(direction, 1);
    rig.hear(usize::MAX);
    rig
}

/// Passes so many seconds after which the cluster is looked at.
fn wait(rig: &mut Rig, seconds: i64) {
    rig.pass(seconds);
    rig.look(50, 0);
}

fn failure(rig: &Rig) -> String {
    match &rig.latest(EventType::ScalingActionFailed).data {
        EventData::ScalingActionFailed(data) => data.reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_comes_step_by_step() {
    let mut rig = begun(Direction::Up);
    rig.containers.ready_at_once = false;
    let id = *rig.state.operations.keys().next().unwrap();
    assert_eq!(only(&rig.state).1, Step::Allocated);
    rig.work(0, Outcome::Done);
    assert_eq!(only(&rig.state).1, Step::Created);
    rig.look(50, 0);
    assert_eq!(only(&rig.state).1, Step::Registered);
    assert_eq!(rig.due(), []);
    rig.containers.values_mut().for_each(|container| container.health = Health::Ready);
    rig.look(50, 0);
    assert!(rig.state.operations.is_empty());
    assert_eq!(
        rig.told(id),
        [
            EventType::ScaleUpDecision,
            EventType::ScaleUpStarted,
            EventType::NodeCreated,
            EventType::NodeRegistered,
            EventType::NodeReady,
            EventType::ScalingActionCompleted,
        ]
    );
    let record = &rig.state.operation_history[0];
    assert_eq!((record.operation.id, record.outcome), (id, Ended::Completed));
}

#[test]
fn a_worker_goes_step_by_step_and_only_a_later_look_confirms_it() {
    let mut rig = begun(Direction::Down);
    let id = *rig.state.operations.keys().next().unwrap();
    rig.work(0, Outcome::Done);
    assert_eq!(only(&rig.state).1, Step::Drained);
    rig.work(0, Outcome::Done);
    assert_eq!(only(&rig.state).1, Step::Removed);
    assert_eq!(rig.due(), [], "it waits for a look");
    rig.look(50, 0);
    assert_eq!(
        rig.told(id),
        [
            EventType::ScaleDownDecision,
            EventType::ScaleDownStarted,
            EventType::NodeDrained,
            EventType::NodeRemoved,
            EventType::NodeRemovalConfirmed,
            EventType::ScalingActionCompleted,
        ]
    );
}

#[test]
fn a_container_that_cannot_be_made_in_time_is_given_up() {
    let mut rig = begun(Direction::Up);
    rig.work(0, Outcome::Unavailable);
    wait(&mut rig, 30);
    assert!(matches!(rig.due()[..], [Work::Create { .. }]));
    wait(&mut rig, 31);
    assert!(matches!(rig.due()[..], [Work::Undo { .. }]));
    rig.work(0, Outcome::Done);
    assert_eq!(failure(&rig), "1 of 1 workers failed: k3s-worker-3: it was not created within 1m");
    assert_eq!(rig.state.worker_count(), 2);
}

#[test]
fn a_container_that_never_runs_is_removed() {
    let mut rig = begun(Direction::Up);
    rig.work(0, Outcome::Done);
    let (name, _) = only(&rig.state);
    let container = rig.containers.get_mut(&name).unwrap();
    (container.state, container.health) = (ContainerState::Created, Health::Starting);
    wait(&mut rig, 61);
    rig.work(0, Outcome::Done);
    assert_eq!(failure(&rig), "1 of 1 workers failed: k3s-worker-3: it was not registered within 1m");
    assert!(!rig.containers.contains_key(&name) && !rig.state.workers.contains_key(&name));
}

#[test]
fn a_worker_that_never_becomes_ready_is_removed_and_the_next_tries_rest_longer_until_one_succeeds() {
    let mut rig = begun(Direction::Up);
    rig.containers.ready_at_once = false;
    let mut pauses = Vec::new();
    for attempt in 3.. {
        rig.work(0, Outcome::Done);
        wait(&mut rig, 1);
        assert_eq!(only(&rig.state).1, Step::Registered);
        wait(&mut rig, 121);
        assert!(matches!(rig.due()[..], [Work::Undo { .. }]));
        rig.work(0, Outcome::Done);
        assert_eq!(failure(&rig), format!("1 of 1 workers failed: k3s-worker-{attempt}: it was not ready within 2m"));
        let failed = rig.latest(EventType::NodeFailed).event_id;
        let removed = rig.latest(EventType::NodeRemoved);
        assert_eq!(removed.caused_by, Some(failed), "what was made of it is taken back");
        assert_eq!(rig.containers.len(), 2);
        let backoff = rig.config.autoscaler.operations.backoff;
        pauses.push((backoff::until(&rig.state, Direction::Up, &backoff).unwrap() - rig.now).num_seconds());
        if pauses.len() == 3 {
            break;
        }
        // An operator may try again at once.
        rig.scale(Direction::Up, 1);
        rig.hear(usize::MAX);
    }
    assert_eq!(pauses, [5, 10, 20]);
    rig.containers.ready_at_once = true;
    rig.scale(Direction::Up, 1);
    rig.settle();
    assert_eq!(rig.state.worker_count(), 3);
    assert_eq!(backoff::until(&rig.state, Direction::Up, &rig.config.autoscaler.operations.backoff), None);
}

#[test]
fn nobodys_time_runs_out_while_the_cluster_does_not_answer() {
    let mut rig = begun(Direction::Up);
    rig.containers.ready_at_once = false;
    rig.work(0, Outcome::Done);
    rig.look(50, 0);
    rig.pass(3600);
    assert_eq!(rig.due(), []);
    rig.containers.values_mut().for_each(|container| container.health = Health::Ready);
    rig.look(50, 0);
    assert_eq!(rig.state.operation_history[0].outcome, Ended::Completed);
    assert_eq!(rig.state.worker_count(), 3);
}

#[test]
fn a_worker_that_cannot_be_drained_in_time_is_spared() {
    let mut rig = begun(Direction::Down);
    let (name, _) = only(&rig.state);
    wait(&mut rig, 299);
    rig.work(0, Outcome::Unavailable);
    wait(&mut rig, 2);
    assert!(matches!(rig.due()[..], [Work::Spare { .. }]));
    rig.work(0, Outcome::Done);
    assert_eq!(failure(&rig), format!("1 of 1 workers failed: {name}: it was not drained within 5m"));
    assert_eq!(rig.state.workers[&name].status, WorkerStatus::Ready);
    assert!(rig.containers.contains_key(&name));
}

#[test]
fn a_worker_that_cannot_be_removed_in_time_is_spared() {
    let mut rig = begun(Direction::Down);
    let (name, _) = only(&rig.state);
    rig.work(0, Outcome::Done);
    rig.work(0, Outcome::Unavailable);
    wait(&mut rig, 61);
    rig.work(0, Outcome::Done);
    assert_eq!(failure(&rig), format!("1 of 1 workers failed: {name}: it was not removed within 1m"));
    assert_eq!(rig.state.workers[&name].status, WorkerStatus::Ready);
}

#[test]
fn a_spared_worker_that_is_gone_is_not_kept() {
    let mut rig = begun(Direction::Down);
    let (name, _) = only(&rig.state);
    rig.containers.remove(&name);
    rig.look(50, 0);
    rig.work(0, Outcome::Refused);
    assert!(matches!(&rig.latest(EventType::NodeFailed).data, EventData::NodeFailed(data) if !data.kept));
    assert!(!rig.state.workers.contains_key(&name));
}

#[test]
fn what_is_still_there_after_its_removal_is_removed_again_and_taken_over_when_that_does_not_help() {
    let mut rig = begun(Direction::Down);
    let (name, _) = only(&rig.state);
    let container = rig.containers[&name].clone();
    rig.work(0, Outcome::Done);
    rig.work(0, Outcome::Done);
    rig.containers.insert(name.clone(), container.clone());
    rig.look(50, 0);
    assert_eq!(only(&rig.state).1, Step::Removed);
    assert!(matches!(rig.due()[..], [Work::Remove { .. }]));
    rig.work(0, Outcome::Done);
    let removals = rig.events.iter().filter(|event| event.event_type() == EventType::NodeRemoved).count();
    assert_eq!(removals, 1, "once more is no news");
    assert_eq!(rig.due(), []);

    rig.containers.insert(name.clone(), container);
    wait(&mut rig, 61);
    rig.work(0, Outcome::Done);
    assert_eq!(
        failure(&rig),
        format!("1 of 1 workers failed: {name}: its container was still there 1m after its removal")
    );
    rig.look(50, 0);
    assert_eq!(rig.latest(EventType::NodeAdopted).caused_by, None);
    assert!(rig.state.workers.contains_key(&name), "nothing is left that nobody knows");
}

#[test]
fn what_comes_too_late_changes_nothing() {
    let mut rig = begun(Direction::Down);
    let due = rig.due();
    rig.work(0, Outcome::Refused);
    assert!(rig.state.operations.is_empty());
    let (state, told) = (rig.state.clone(), rig.events.len());
    rig.report(&Report { work: due[0].clone(), result: Ok(Done::Drained { evicted_pods: Some(3) }) });
    assert_eq!((rig.state, rig.events.len()), (state, told));
}
