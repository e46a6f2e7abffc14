use proptest::prelude::*;

use super::build::{Scene, name};
use crate::model::{Conclusion, Direction, Origin, Outcome, Step};
use crate::policy::minimum::{Enforcement, emergency_count, enforcement};
use crate::policy::{evaluate, operator};

prop_compose! {
    fn scene()(
        workers in 0_u64..12,
        cpu in proptest::option::weighted(0.8, 0.0..100.0_f64),
        memory in proptest::option::weighted(0.8, 0.0..100.0_f64),
        min in 0_u32..5,
        spread in 0_u32..6,
        steps in (1_u32..5, 1_u32..5),
        low_since in proptest::option::of(0_i64..900),
        pending in proptest::option::of((0_u32..9, 0_u32..9)),
        cooling in (proptest::option::of(-60_i64..60), proptest::option::of(-60_i64..60)),
        held in (prop::bool::weighted(0.2), prop::bool::weighted(0.2)),
        permanent in proptest::collection::vec(1_u64..12, 0..4),
        unhealthy in proptest::collection::vec(1_u64..12, 0..3),
        coming in proptest::collection::vec(1_u32..4, 0..3),
        going in proptest::collection::vec(1_u64..12, 0..3),
        starting in proptest::option::weighted(0.2, 1_u64..12),
        failures in 0_usize..3,
        blind in prop::bool::weighted(0.1),
    ) -> Scene {
        let mut scene = Scene::new(workers, cpu, memory);
        scene.rules.limits.min_nodes = min;
        scene.rules.limits.max_nodes = (min + spread).max(1);
        scene.rules.steps.up = steps.0;
        scene.rules.steps.down = steps.1;
        if let Some(seconds) = low_since {
            scene = scene.low_since(seconds);
        }
        if let Some((count, needed)) = pending {
            scene = scene.pending(count, needed);
        }
        for (direction, cooling) in [(Direction::Up, cooling.0), (Direction::Down, cooling.1)] {
            if let Some(seconds) = cooling {
                scene = scene.cooling(direction, seconds);
            }
        }
        for (direction, held) in [(Direction::Up, held.0), (Direction::Down, held.1)] {
            if held {
                scene = scene.held(direction);
            }
        }
        for number in permanent.into_iter().filter(|number| *number <= workers) {
            scene = scene.permanent(number);
        }
        for number in unhealthy.into_iter().filter(|number| *number <= workers) {
            scene = scene.unhealthy(number);
        }
        for count in coming {
            scene = scene.scaling_up(count);
        }
        let mut going: Vec<_> = going.into_iter().filter(|number| *number <= workers).collect();
        going.dedup();
        if !going.is_empty() {
            scene = scene.scaling_down(&going);
        }
        if let Some(number) = starting.filter(|number| *number <= workers && !going.contains(number)) {
            scene = scene.starting(Step::Registered, &[number]);
        }
        scene = scene.ended(Direction::Up, &vec![Outcome::Failed; failures]);
        if blind {
            scene.observation = None;
        }
        scene
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_outside_the_limits(scene in scene()) {
        let limits = scene.rules.limits;
        match evaluate(&scene.situation()).conclusion {
            Conclusion::ScaleUp { count, .. } => {
                prop_assert!(count > 0);
                prop_assert!(scene.state.workers_expected() + count <= limits.max_nodes);
            }
            Conclusion::ScaleDown { workers, .. } => {
                prop_assert!(!workers.is_empty());
                prop_assert!(scene.state.workers_settled() >= limits.min_nodes + u32::try_from(workers.len()).unwrap());
            }
            _ => {}
        }
        if let Enforcement::Restore { count } = enforcement(&scene.situation()) {
            prop_assert!(count > 0 && scene.state.workers_settled() + count <= limits.min_nodes);
            prop_assert!(scene.state.workers_expected() + count <= limits.max_nodes);
        }
    }

    #[test]
    fn never_a_permanent_or_protected_worker(scene in scene()) {
        if let Conclusion::ScaleDown { workers, .. } = evaluate(&scene.situation()).conclusion {
            for worker in workers {
                prop_assert!(!scene.state.permanent.contains(&worker));
                prop_assert!(scene.state.workers[&worker].is_removable());
            }
        }
    }

    #[test]
    fn no_action_under_a_hold_or_in_a_cooldown(scene in scene()) {
        let resting = |direction| {
            scene.state.hold(direction, scene.now).is_some() || scene.state.cooldown(direction, scene.now).is_some()
        };
        match evaluate(&scene.situation()).conclusion {
            Conclusion::ScaleUp { .. } => prop_assert!(!resting(Direction::Up)),
            Conclusion::ScaleDown { .. } => prop_assert!(!resting(Direction::Down)),
            _ => {}
        }
        if scene.state.hold(Direction::Up, scene.now).is_some() {
            let kept = !matches!(enforcement(&scene.situation()), Enforcement::Restore { .. });
            prop_assert!(kept, "a hold on up stops even the minimum");
        }
    }

    #[test]
    fn the_rules_begin_nothing_beside_an_operation_but_what_is_lacking(scene in scene()) {
        let operations = &scene.state.operations;
        match evaluate(&scene.situation()).conclusion {
            Conclusion::ScaleUp { count, .. } if !operations.is_empty() => {
                prop_assert!(operations.values().all(|operation| operation.direction == Direction::Up));
                prop_assert!(operations.len() < 3);
                let pending = scene.observation.as_ref().and_then(|seen| seen.pending.as_ref()).unwrap();
                prop_assert!(count + scene.state.capacity_coming() <= pending.workers_needed.max(1));
            }
            Conclusion::ScaleDown { .. } => prop_assert!(operations.is_empty()),
            _ => {}
        }
        if operations.len() >= 3 {
            let restore = matches!(enforcement(&scene.situation()), Enforcement::Restore { .. });
            prop_assert!(!restore);
            prop_assert!(operator::scale_up(&scene.situation(), 1, false).is_err());
            prop_assert!(operator::scale_down(&scene.situation(), 1, None, false).is_err());
        }
    }

    #[test]
    fn last_in_first_out(scene in scene()) {
        if let Conclusion::ScaleDown { workers, .. } = evaluate(&scene.situation()).conclusion {
            let youngest_left = scene
                .state
                .workers
                .values()
                .filter(|worker| worker.is_removable() && !workers.contains(&worker.name))
                .map(|worker| worker.created_at)
                .max();
            let oldest_going = workers.iter().map(|name| scene.state.workers[name].created_at).min();
            prop_assert!(youngest_left <= oldest_going);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_verdict(scene in scene()) {
        prop_assert_eq!(evaluate(&scene.situation()), evaluate(&scene.clone().situation()));
    }

    #[test]
    fn what_is_unknown_takes_nobody_away(scene in scene(), victim in 1_u64..12, memory in any::<bool>()) {
        let mut scene = scene;
        if let Some(seen) = scene.observation.as_mut().and_then(|seen| seen.workers.get_mut(&name(victim))) {
            if memory { seen.memory_percent = None } else { seen.cpu_percent = None }
            let conclusion = evaluate(&scene.situation()).conclusion;
            prop_assert!(!matches!(conclusion, Conclusion::ScaleDown { .. }), "{:?}", conclusion);
        }
    }

    #[test]
    fn a_verdict_shows_every_gate_and_blocks_by_one_that_failed(scene in scene()) {
        let verdict = evaluate(&scene.situation());
        prop_assert_eq!((verdict.up.len(), verdict.down.len()), (7, 11));
        match &verdict.conclusion {
            Conclusion::Blocked { direction, by, .. } => {
                prop_assert!(verdict.gates(*direction).iter().any(|gate| gate.gate == *by && !gate.passed));
            }
            Conclusion::ScaleUp { .. } => prop_assert!(verdict.up.iter().all(|gate| gate.passed)),
            Conclusion::ScaleDown { .. } => prop_assert!(verdict.down.iter().all(|gate| gate.passed)),
            Conclusion::Steady { .. } => {}
        }
    }

    #[test]
    fn an_operator_never_leaves_the_limits_either(scene in scene(), count in 0_u32..9, named in proptest::option::of(1_u64..12)) {
        let limits = scene.rules.limits;
        if operator::scale_up(&scene.situation(), count, false).is_ok() {
            prop_assert!(scene.state.workers_expected() + count <= limits.max_nodes);
            prop_assert!(scene.state.hold(Direction::Up, scene.now).is_none());
        }
        let named = named.map(name);
        if let Ok(workers) = operator::scale_down(&scene.situation(), count, named.as_ref(), false) {
            let going = u32::try_from(workers.len()).unwrap();
            prop_assert!(scene.state.workers_staying() >= limits.min_nodes + going);
            prop_assert!(scene.state.workers_settled() >= scene.state.workers_staying());
            prop_assert!(workers.iter().all(|name| !scene.state.permanent.contains(name)));
        }
    }

    #[test]
    fn an_emergency_stays_below_the_maximum(scene in scene(), lost in 0_u32..12) {
        let count = emergency_count(&scene.situation(), lost);
        let room = scene.rules.limits.max_nodes.saturating_sub(scene.state.workers_expected());
        prop_assert!(count <= room);
        prop_assert!(scene.state.operations.values().all(|operation| operation.origin != Origin::Emergency));
    }
}
