use super::build::{Scene, name};
use crate::model::{Actor, Conclusion, Direction, GateKind};
use crate::policy::minimum::{Enforcement, enforcement};
use crate::policy::{candidates, evaluate, operator};

fn conclusion(scene: &Scene) -> Conclusion {
    evaluate(&scene.situation()).conclusion
}

fn blocked_by(scene: &Scene) -> Option<(Direction, GateKind)> {
    match conclusion(scene) {
        Conclusion::Blocked { direction, by, .. } => Some((direction, by)),
        _ => None,
    }
}

#[track_caller]
fn adds(scene: &Scene, expected: u32) {
    match conclusion(scene) {
        Conclusion::ScaleUp { count, .. } => assert_eq!(count, expected),
        other => panic!("expected {expected} more workers, got {other:?}"),
    }
}

#[track_caller]
fn takes(scene: &Scene, expected: &[u64]) {
    match conclusion(scene) {
        Conclusion::ScaleDown { workers, .. } => {
            assert_eq!(workers, expected.iter().map(|number| name(*number)).collect::<Vec<_>>());
        }
        other => panic!("expected {expected:?} to go, got {other:?}"),
    }
}

#[track_caller]
fn steady(scene: &Scene) {
    let found = conclusion(scene);
    assert!(matches!(found, Conclusion::Steady { .. }), "{found:?}");
}

#[test]
fn pressure_adds_a_worker_above_the_threshold_only() {
    adds(&Scene::new(3, Some(80.1), Some(50.0)), 1);
    adds(&Scene::new(3, Some(50.0), Some(85.1)), 1);
    steady(&Scene::new(3, Some(80.0), Some(85.0)));
}

#[test]
fn pending_pods_add_what_their_packing_needs_up_to_the_step_and_the_maximum() {
    adds(&Scene::new(3, Some(50.0), Some(50.0)).pending(7, 1), 1);
    adds(&Scene::new(3, Some(50.0), Some(50.0)).pending(7, 5), 2);
    adds(&Scene::new(5, Some(50.0), Some(50.0)).pending(7, 5), 1);
    adds(&Scene::new(3, None, None).pending(1, 1), 1);
    steady(&Scene::new(3, Some(50.0), Some(50.0)).pending(0, 0));
}

#[test]
fn a_pressure_window_must_pass_first() {
    let mut scene = Scene::new(3, Some(90.0), Some(50.0));
    scene.rules.windows.pressure = "30s".parse().unwrap();
    steady(&scene);
}

#[test]
fn what_blocks_a_scale_up_is_named() {
    let hot = || Scene::new(3, Some(90.0), Some(50.0));
    let up = |gate| Some((Direction::Up, gate));
    assert_eq!(blocked_by(&hot().held(Direction::Up)), up(GateKind::Hold));
    assert_eq!(blocked_by(&hot().cooling(Direction::Up, 5)), up(GateKind::Cooldown));
    assert_eq!(blocked_by(&hot().scaling_up(1)), up(GateKind::Operations));
    assert_eq!(blocked_by(&Scene::new(6, Some(90.0), Some(50.0))), up(GateKind::Maximum));
    assert_eq!(blocked_by(&hot().unhealthy(1).unhealthy(2)), up(GateKind::Healthy));
    assert_eq!(blocked_by(&hot().held(Direction::Down).cooling(Direction::Down, 5)), None);
    // Capacity that is coming counts.
    assert_eq!(blocked_by(&Scene::new(5, Some(90.0), Some(50.0)).scaling_up(1)), up(GateKind::Maximum));
}

#[test]
fn idleness_over_the_whole_window_takes_the_youngest() {
    takes(&Scene::new(4, Some(10.0), Some(10.0)).low_since(300), &[4]);
    steady(&Scene::new(4, Some(10.0), Some(10.0)).low_since(299));
    steady(&Scene::new(4, Some(10.0), Some(40.0)).low_since(900));
    steady(&Scene::new(4, Some(30.0), Some(10.0)).low_since(900));
    takes(&Scene::new(4, Some(10.0), Some(10.0)).low_since(300).permanent(4), &[3]);
}

#[test]
fn the_step_down_never_goes_below_the_minimum() {
    let mut scene = Scene::new(4, Some(10.0), Some(10.0)).low_since(300);
    scene.rules.steps.down = 5;
    takes(&scene, &[4, 3]);
    steady(&Scene::new(2, Some(10.0), Some(10.0)).low_since(300));
}

#[test]
fn what_blocks_a_scale_down_is_named() {
    let idle = || Scene::new(4, Some(10.0), Some(10.0)).low_since(300);
    let down = |gate| Some((Direction::Down, gate));
    assert_eq!(blocked_by(&idle().held(Direction::Down)), down(GateKind::Hold));
    assert_eq!(blocked_by(&idle().cooling(Direction::Down, 5)), down(GateKind::Cooldown));
    assert_eq!(blocked_by(&idle().unhealthy(2)), down(GateKind::Healthy));
    assert_eq!(blocked_by(&idle().permanent(1).permanent(2).permanent(3).permanent(4)), down(GateKind::Candidate));
    let mut pending = idle().pending(1, 0);
    pending.rules.thresholds.pending_pods = 5;
    assert_eq!(blocked_by(&pending), down(GateKind::NothingPending));
    let clears_at = match conclusion(&idle().cooling(Direction::Down, 5)) {
        Conclusion::Blocked { clears_at, .. } => clears_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(clears_at, Some(idle().now + chrono::TimeDelta::seconds(5)));
}

#[test]
fn unknown_is_never_read_as_zero() {
    steady(&Scene::new(4, None, Some(10.0)).low_since(900));
    steady(&Scene::new(4, Some(10.0), None).low_since(900));
    let mut one_unknown = Scene::new(4, Some(10.0), Some(10.0)).low_since(900);
    one_unknown.observation.as_mut().unwrap().workers.get_mut(&name(2)).unwrap().cpu_percent = None;
    steady(&one_unknown);
}

#[test]
fn an_old_picture_decides_nothing() {
    let mut scene = Scene::new(4, Some(95.0), Some(95.0));
    scene.now += chrono::TimeDelta::minutes(5);
    assert_eq!(blocked_by(&scene), Some((Direction::Up, GateKind::Observation)));
    scene.observation = None;
    steady(&scene);
}

#[test]
fn a_break_in_the_watching_starts_the_window_anew() {
    let mut scene = Scene::new(4, Some(10.0), Some(10.0)).low_since(600);
    for condition in scene.state.conditions.values_mut() {
        condition.last_seen -= chrono::TimeDelta::minutes(2);
    }
    steady(&scene);
}

#[test]
fn the_minimum_is_restored_cooldown_or_not_but_not_against_a_hold() {
    assert_eq!(enforcement(&Scene::new(2, None, None).situation()), Enforcement::Kept);
    assert_eq!(enforcement(&Scene::new(0, None, None).situation()), Enforcement::Restore { count: 2 });
    let cooling = Scene::new(1, None, None).cooling(Direction::Up, 600);
    assert_eq!(enforcement(&cooling.situation()), Enforcement::Restore { count: 1 });
    assert_eq!(enforcement(&Scene::new(1, None, None).scaling_up(1).situation()), Enforcement::Coming);
    let going = Scene::new(2, None, None).scaling_down(&[2]);
    assert_eq!(
        enforcement(&going.situation()),
        Enforcement::Restore { count: 1 },
        "who is on the way out is no worker"
    );
    let held = enforcement(&Scene::new(1, None, None).held(Direction::Up).situation());
    assert!(matches!(held, Enforcement::Stopped { by: GateKind::Hold, .. }), "{held:?}");
    let mut careful = Scene::new(1, None, None).held(Direction::Up);
    if let Some(hold) = &mut careful.state.holds.up {
        hold.actor = Actor::Engine;
    }
    assert_eq!(enforcement(&careful.situation()), Enforcement::Restore { count: 1 }, "no person placed that hold");
    let mut off = Scene::new(1, None, None);
    off.rules.enforcement.auto_scale_to_min = false;
    assert!(matches!(enforcement(&off.situation()), Enforcement::Stopped { .. }));
    let mut blind = Scene::new(1, None, None);
    blind.observation = None;
    assert!(matches!(enforcement(&blind.situation()), Enforcement::Stopped { by: GateKind::Observation, .. }));
}

#[test]
fn an_operator_overrides_a_cooldown_and_nothing_else() {
    let up = |scene: &Scene, count, honor| operator::scale_up(&scene.situation(), count, honor).map_err(|no| no.reason);
    let scene = Scene::new(3, Some(50.0), Some(50.0));
    assert_eq!(up(&scene, 3, false), Ok(()));
    assert_eq!(up(&scene, 4, false), Err("limit"));
    assert_eq!(up(&scene, 0, false), Err("invalid"));
    assert_eq!(up(&scene.clone().cooling(Direction::Up, 9), 1, false), Ok(()));
    assert_eq!(up(&scene.clone().cooling(Direction::Up, 9), 1, true), Err("cooldown"));
    assert_eq!(up(&scene.clone().held(Direction::Up), 1, false), Err("hold"));

    let down = |scene: &Scene, count, named: Option<u64>| {
        operator::scale_down(&scene.situation(), count, named.map(name).as_ref(), false).map_err(|no| no.reason)
    };
    assert_eq!(down(&scene, 1, None), Ok(vec![name(3)]));
    assert_eq!(down(&scene, 1, Some(1)), Ok(vec![name(1)]));
    assert_eq!(down(&scene, 2, None), Err("limit"));
    assert_eq!(down(&scene, 1, Some(9)), Err("worker"));
    assert_eq!(down(&scene.clone().permanent(1), 1, Some(1)), Err("worker"));
    assert_eq!(down(&scene.clone().held(Direction::Down), 1, None), Err("hold"));
    let mut dry = scene;
    dry.rules.dry_run = true;
    assert_eq!(up(&dry, 1, false), Err("dry_run"));
}

#[test]
fn last_in_first_out_by_age_and_then_by_number() {
    let mut scene = Scene::new(12, None, None);
    let same = scene.now;
    for worker in scene.state.workers.values_mut() {
        worker.created_at = same;
    }
    let first: Vec<_> = candidates(&scene.state).into_iter().take(3).map(|worker| worker.name.clone()).collect();
    assert_eq!(first, [name(12), name(11), name(10)]);
}

#[test]
fn a_cluster_that_does_not_answer_is_no_basis_for_anything() {
    let mut scene = Scene::new(4, Some(95.0), Some(95.0)).low_since(0);
    let silent = scene.state.conditions.values().next().unwrap().clone();
    scene.state.conditions.insert(crate::model::ConditionKey::Unreachable, silent);
    assert_eq!(blocked_by(&scene), Some((Direction::Up, GateKind::Observation)));
    scene.rules.limits.min_nodes = 5;
    assert!(matches!(enforcement(&scene.situation()), Enforcement::Stopped { by: GateKind::Observation, .. }));
}
