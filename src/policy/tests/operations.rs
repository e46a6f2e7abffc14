//! Several operations at once, and the pause after failures.

use super::build::Scene;
use crate::model::{Conclusion, Direction, Gate, GateKind, Outcome, Step, Verdict};
use crate::policy::minimum::{Enforcement, enforcement};
use crate::policy::{evaluate, operator};

fn verdict(scene: &Scene) -> Verdict {
    evaluate(&scene.situation())
}

fn added(scene: &Scene) -> Option<u32> {
    match verdict(scene).conclusion {
        Conclusion::ScaleUp { count, .. } => Some(count),
        _ => None,
    }
}

fn gate(scene: &Scene, direction: Direction, kind: GateKind) -> Gate {
    verdict(scene).gates(direction).iter().find(|gate| gate.gate == kind).unwrap().clone()
}

fn wide(workers: u64) -> Scene {
    let mut scene = Scene::new(workers, Some(50.0), Some(50.0));
    scene.rules.limits.max_nodes = 20;
    scene
}

#[test]
fn demand_that_grew_adds_what_is_lacking_beside_what_is_coming() {
    assert_eq!(added(&wide(3).pending(7, 2).scaling_up(2)), None, "all of it is coming");
    assert_eq!(added(&wide(3).pending(7, 3).scaling_up(2)), Some(1));
    assert_eq!(added(&wide(3).pending(7, 9).scaling_up(2)), Some(2), "never more than a step at a time");
    // What is made and does not take work yet is still coming, and what only just became ready is not wanted twice.
    assert_eq!(added(&wide(3).pending(7, 2).starting(Step::Registered, &[2, 3])), None);
    assert_eq!(added(&wide(3).pending(7, 2).starting(Step::Ready, &[2, 3])), None);
}

#[test]
fn pressure_is_answered_by_one_operation_in_flight() {
    let mut hot = wide(3);
    for worker in hot.observation.as_mut().unwrap().workers.values_mut() {
        worker.cpu_percent = Some(95.0);
    }
    assert_eq!(added(&hot), Some(1));
    let answered = hot.clone().scaling_up(1);
    assert_eq!(added(&answered), None);
    assert_eq!(gate(&answered, Direction::Up, GateKind::Operations).detail, "scaling up by 1 is under way (0 %)");
}

#[test]
fn no_more_operations_run_than_may() {
    let full = || wide(3).pending(99, 15).scaling_up(1).scaling_up(1).scaling_up(1);
    assert_eq!(added(&full()), None);
    let found = gate(&full(), Direction::Up, GateKind::Operations);
    assert!(!found.passed && found.detail.contains("max_concurrent"), "{found:?}");
    let refused = operator::scale_up(&full().situation(), 1, false).unwrap_err();
    assert_eq!(refused.reason, "operation_in_flight");
    assert!(refused.detail.starts_with("3 operations are under way"), "{}", refused.detail);
    assert_eq!(operator::scale_down(&full().situation(), 1, None, false).unwrap_err().reason, "operation_in_flight");

    let mut more = full();
    more.rules.operations.max_concurrent = 4;
    assert_eq!(added(&more), Some(2));
    assert_eq!(operator::scale_up(&more.situation(), 1, false), Ok(()));

    let mut below = wide(5).scaling_down(&[1]).scaling_down(&[2]).scaling_down(&[3]);
    below.rules.limits.min_nodes = 6;
    let stopped = enforcement(&below.situation());
    assert!(matches!(stopped, Enforcement::Stopped { by: GateKind::Operations, .. }), "{stopped:?}");
}

#[test]
fn the_rules_wait_for_the_other_direction_and_take_away_one_after_the_other() {
    assert_eq!(added(&wide(5).pending(7, 2).scaling_down(&[5])), None);
    let idle = || Scene::new(5, Some(10.0), Some(10.0)).low_since(300);
    assert!(matches!(verdict(&idle()).conclusion, Conclusion::ScaleDown { .. }));
    for busy in [idle().scaling_down(&[5]), idle().starting(Step::Registered, &[5])] {
        let blocked = verdict(&busy).conclusion;
        assert!(matches!(blocked, Conclusion::Blocked { by: GateKind::Operations, .. }), "{blocked:?}");
    }
}

#[test]
fn an_operator_takes_nobody_away_on_the_word_of_what_is_only_coming() {
    let down = |scene: &Scene| operator::scale_down(&scene.situation(), 1, None, false).map_err(|no| no.reason);
    assert_eq!(down(&Scene::new(2, None, None).scaling_up(2)), Err("limit"));
    assert_eq!(down(&Scene::new(3, None, None).starting(Step::Registered, &[3])), Err("limit"));
    assert!(down(&Scene::new(3, None, None).starting(Step::Ready, &[3])).is_ok());
    assert_eq!(down(&Scene::new(3, None, None).scaling_down(&[3])), Err("limit"));
}

#[test]
fn failures_in_a_row_rest_longer_and_longer_and_a_success_ends_that() {
    use Outcome::{Completed, Failed};
    let rest = |outcomes: &[Outcome]| {
        let scene = wide(3).pending(1, 1).ended(Direction::Up, outcomes);
        let found = gate(&scene, Direction::Up, GateKind::Cooldown);
        assert_eq!(found.passed, found.clears_at.is_none());
        let blocked = matches!(verdict(&scene).conclusion, Conclusion::Blocked { by: GateKind::Cooldown, .. });
        assert_eq!(blocked, !found.passed);
        found.clears_at.map_or(0, |until| (until - scene.now).num_seconds())
    };
    let rests: Vec<_> = (0..10).map(|failures| rest(&vec![Failed; failures])).collect();
    assert_eq!(rests, [0, 5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(rest(&[Failed, Failed, Completed]), 0);
    assert_eq!(rest(&[Failed, Completed, Failed]), 5);
}

#[test]
fn the_pause_is_as_configured_for_its_direction_alone_and_the_longer_rest_counts() {
    let mut scene = wide(1).pending(1, 1).ended(Direction::Up, &[Outcome::Failed; 2]);
    scene.rules.operations.backoff.first_pause = "2s".parse().unwrap();
    let found = gate(&scene, Direction::Up, GateKind::Cooldown);
    assert_eq!(found.detail, "the last 2 attempts failed; trying again in 4s");
    assert!(gate(&scene, Direction::Down, GateKind::Cooldown).passed);
    let stopped = enforcement(&scene.situation());
    assert!(matches!(stopped, Enforcement::Stopped { by: GateKind::Cooldown, .. }), "{stopped:?}");
    let cooling = scene.clone().cooling(Direction::Up, 9);
    assert_eq!(gate(&cooling, Direction::Up, GateKind::Cooldown).clears_at, cooling.state.cooldowns.up);
    scene.rules.operations.backoff.longest_pause = "3s".parse().unwrap();
    assert_eq!(
        gate(&scene, Direction::Up, GateKind::Cooldown).detail,
        "the last 2 attempts failed; trying again in 3s"
    );
}
