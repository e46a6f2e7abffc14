//! What a new leader makes of what it finds.

use uuid::Uuid;

use super::rig::{Outcome, Rig, config};
use crate::model::event::OperationResumed;
use crate::model::{Action, Direction, EventData, EventType, Health, Origin, Scope};

fn id(rig: &Rig) -> Uuid {
    *rig.state.operations.keys().next().unwrap()
}

fn resumed(rig: &Rig) -> OperationResumed {
    match &rig.latest(EventType::OperationResumed).data {
        EventData::OperationResumed(data) => data.clone(),
        other => panic!("{other:?}"),
    }
}

fn ended(rig: &Rig, id: Uuid) -> EventType {
    let last = *rig.told(id).last().unwrap();
    assert!(!rig.state.operations.contains_key(&id));
    last
}

#[test]
fn a_decision_whose_event_is_lost_is_started() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    let id = id(&rig);
    rig.take_over(true);
    assert_eq!((resumed(&rig).resolution.as_str(), resumed(&rig).steps), ("finish", Vec::new()));
    assert_eq!(
        rig.told(id),
        [EventType::ScaleUpDecision, EventType::OperationResumed, EventType::ScaleUpStarted],
        "at once"
    );
    rig.settle();
    assert_eq!(ended(&rig, id), EventType::ScalingActionCompleted);
    assert_eq!(rig.state.worker_count(), 3);
}

#[test]
fn a_decision_that_is_still_to_be_heard_is_not_started_twice() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 2);
    let id = id(&rig);
    rig.take_over(false);
    rig.settle();
    assert_eq!(rig.told(id).iter().filter(|kind| **kind == EventType::ScaleUpStarted).count(), 1);
    assert_eq!((ended(&rig, id), rig.state.worker_count()), (EventType::ScalingActionCompleted, 4));
}

#[test]
fn a_hold_stops_what_was_not_started_and_nothing_else() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    let unstarted = id(&rig);
    rig.command(Action::Hold { scope: Scope::Up, seconds: 600 });
    rig.take_over(true);
    assert_eq!(resumed(&rig).resolution, "roll_back");
    assert_eq!(ended(&rig, unstarted), EventType::ScalingActionFailed);

    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    rig.hear(usize::MAX);
    let started = id(&rig);
    rig.command(Action::Hold { scope: Scope::Up, seconds: 600 });
    rig.take_over(true);
    assert_eq!((resumed(&rig).resolution.as_str(), resumed(&rig).steps), ("finish", vec!["allocated".to_owned()]));
    rig.settle();
    assert_eq!(ended(&rig, started), EventType::ScalingActionCompleted);
}

#[test]
fn a_decision_that_is_too_old_is_given_up_but_not_the_minimums() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    let old = id(&rig);
    rig.now += chrono::TimeDelta::seconds(61);
    rig.take_over(true);
    assert_eq!((resumed(&rig).resolution.as_str(), ended(&rig, old)), ("roll_back", EventType::ScalingActionFailed));

    let mut rig = Rig::new(config());
    rig.look(50, 0);
    rig.pass(11);
    let minimum = id(&rig);
    assert_eq!(rig.state.operations[&minimum].origin, Origin::Minimum);
    rig.now += chrono::TimeDelta::hours(1);
    rig.take_over(true);
    assert_eq!(resumed(&rig).resolution, "finish");
    rig.settle();
    assert_eq!(ended(&rig, minimum), EventType::ScalingActionCompleted);
}

#[test]
fn the_rules_decide_anew_whom_to_take_away() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    rig.settle();
    for _ in 0..2 {
        rig.pass(11);
        rig.look(5, 0);
    }
    rig.pass(11);
    rig.look(5, 0);
    let idle = id(&rig);
    assert_eq!(rig.state.operations[&idle].direction, Direction::Down);
    rig.take_over(true);
    assert_eq!((resumed(&rig).resolution.as_str(), ended(&rig, idle)), ("roll_back", EventType::ScalingActionFailed));
    assert_eq!(rig.state.worker_count(), 3);
}

#[test]
fn what_would_leave_limits_that_were_changed_is_taken_back() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 2);
    rig.hear(usize::MAX);
    rig.work(0, Outcome::Done);
    assert_eq!(rig.containers.len(), 3);
    let id = id(&rig);
    rig.config.autoscaler.limits.max_nodes = 3;
    rig.take_over(true);
    assert_eq!(resumed(&rig).resolution, "roll_back");
    assert_eq!(resumed(&rig).steps, ["created", "allocated"]);
    rig.work(0, Outcome::Done);
    rig.work(0, Outcome::Done);
    assert_eq!(ended(&rig, id), EventType::ScalingActionFailed);
    assert_eq!((rig.containers.len(), rig.state.worker_count()), (2, 2));
}

#[test]
fn a_dry_run_leaves_what_it_finds_to_others() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    rig.config.autoscaler.dry_run = true;
    let before = rig.state.clone();
    rig.take_over(true);
    rig.now += chrono::TimeDelta::hours(1);
    rig.pass(1);
    assert_eq!(rig.state.operations, before.operations);
}

#[test]
fn a_new_leader_gives_the_whole_time_for_a_step_once_more_and_no_longer() {
    let mut rig = Rig::settled(config());
    rig.containers.ready_at_once = false;
    rig.scale(Direction::Up, 1);
    rig.hear(usize::MAX);
    rig.work(0, Outcome::Done);
    rig.look(50, 0);
    rig.pass(119);
    rig.take_over(false);
    rig.pass(119);
    rig.look(50, 0);
    assert_eq!(rig.due(), []);
    rig.pass(2);
    rig.look(50, 0);
    assert_eq!(rig.due().len(), 1);
    rig.work(0, Outcome::Done);
    assert!(rig.state.operations.is_empty());
    rig.containers.values_mut().for_each(|container| container.health = Health::Ready);
}

#[test]
fn a_decision_that_nobody_hears_does_not_block_for_ever() {
    let mut rig = Rig::settled(config());
    rig.scale(Direction::Up, 1);
    let id = id(&rig);
    rig.pass(60);
    assert!(rig.state.operations.contains_key(&id));
    rig.pass(1);
    assert_eq!(ended(&rig, id), EventType::ScalingActionFailed);
    rig.hear(usize::MAX);
    assert_eq!(ended(&rig, id), EventType::ScalingActionFailed, "what is heard later starts nothing");
}
