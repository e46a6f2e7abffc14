//! Whatever runs at once, in whatever order: never outside the limits, every operation ended once, no orphan, no double.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::rig::{Outcome, Rig, config};
use crate::model::{Direction, EventType, Health};

#[derive(Debug, Clone)]
enum Move {
    Look {
        load: u8,
        pending: u32,
    },
    Pass(i64),
    Hear(usize),
    Work(usize, Outcome),
    Scale(Direction, u32),
    /// Workers that start become ready, or do not any more.
    Ripen(bool),
    TakeOver {
        forgotten: bool,
    },
}

fn step() -> impl Strategy<Value = Move> {
    let outcome = prop_oneof![4 => Just(Outcome::Done), 1 => Just(Outcome::Refused), 1 => Just(Outcome::Unavailable)];
    let load = prop_oneof![Just(5_u8), Just(50), Just(95)];
    let pending = prop_oneof![3 => Just(0_u32), 1 => 1_u32..9];
    prop_oneof![
        6 => (load, pending).prop_map(|(load, pending)| Move::Look { load, pending }),
        3 => (1_i64..90).prop_map(Move::Pass),
        5 => (1_usize..6).prop_map(Move::Hear),
        8 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Move::Work(which, outcome)),
        3 => (prop_oneof![Just(Direction::Up), Just(Direction::Down)], 1_u32..3)
            .prop_map(|(direction, count)| Move::Scale(direction, count)),
        2 => any::<bool>().prop_map(Move::Ripen),
        1 => any::<bool>().prop_map(|forgotten| Move::TakeOver { forgotten }),
    ]
}

fn play(rig: &mut Rig, step: &Move) {
    match step {
        Move::Look { load, pending } => rig.look(*load, *pending),
        Move::Pass(seconds) => rig.pass(*seconds),
        Move::Hear(count) => rig.hear(*count),
        Move::Work(which, outcome) => drop(rig.work(*which, *outcome)),
        Move::Scale(direction, count) => drop(rig.scale(*direction, *count)),
        Move::Ripen(on) => ripen(rig, *on),
        Move::TakeOver { forgotten } => rig.take_over(*forgotten),
    }
}

fn ripen(rig: &mut Rig, on: bool) {
    rig.containers.ready_at_once = on;
    if on {
        rig.containers.values_mut().for_each(|container| container.health = Health::Ready);
    }
}

/// How every operation that was ever decided ended, as the number of its ends.
fn ends(rig: &Rig) -> BTreeMap<uuid::Uuid, u32> {
    let mut ends = BTreeMap::new();
    for event in &rig.events {
        let Some(id) = event.correlation_id else { continue };
        let count = ends.entry(id).or_default();
        if matches!(event.event_type(), EventType::ScalingActionCompleted | EventType::ScalingActionFailed) {
            *count += 1;
        }
    }
    ends
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn never_outside_the_limits_whatever_runs_at_once(steps in proptest::collection::vec(step(), 1..90)) {
        let mut rig = Rig::settled(config());
        let limits = rig.config.autoscaler.limits;
        for step in &steps {
            play(&mut rig, step);
            let (expected, staying) = (rig.state.workers_expected(), rig.state.workers_staying());
            prop_assert!(expected <= limits.max_nodes, "{expected} workers expected after {step:?}");
            prop_assert!(staying >= limits.min_nodes, "{staying} workers stay after {step:?}");
            let there = rig.containers.len();
            prop_assert!((limits.min_nodes as usize..=limits.max_nodes as usize).contains(&there), "{there} after {step:?}");
            prop_assert!(rig.state.operations.len() <= rig.config.autoscaler.operations.max_concurrent as usize);
        }
        ripen(&mut rig, true);
        rig.settle();
        let remembered: Vec<_> = rig.state.workers.keys().collect();
        prop_assert_eq!(remembered, rig.containers.keys().collect::<Vec<_>>(), "no orphan, no ghost");
        for (id, count) in ends(&rig) {
            prop_assert_eq!(count, 1, "{:?}", rig.told(id));
        }
    }
}
