//! The log gives the state: random histories, driven through the real handlers and the real policy, are committed to a real Redis, and
//! what the log folds to is what is stored.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::BTreeSet;

use chrono::DateTime;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use support::redis::TestRedis;
use support::rig::{Outcome, Rig, Step, Wish, step};
use windlass::bus::replay;
use windlass::handlers::feed::{Meal, feed};
use windlass::handlers::node_manager::NodeManager;
use windlass::model::{Direction, EventData, EventType, Health, Scope, State, WorkerKind};

#[test]
fn the_log_folds_to_what_is_stored_whatever_happens() {
    let redis = TestRedis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let covered = std::cell::RefCell::new(BTreeSet::new());
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    let run = |steps: Vec<Step>| {
        runtime.block_on(async {
            let mut rig = Rig::new(&redis).await;
            for step in &steps {
                rig.step(step).await;
                if matches!(step, Step::Hear { dies_after: Some(_) }) {
                    rig.check().await;
                }
            }
            let reported = rig.check().await;
            covered.borrow_mut().extend(reported);
        });
        Ok(())
    };
    let outcome = TestRunner::new(config).run(&proptest::collection::vec(step(), 10..60), run);
    if let Err(TestError::Fail(reason, steps)) = outcome {
        panic!("{reason}\nsteps: {steps:#?}");
    }
    // A test that never gets anywhere would prove nothing.
    let covered = covered.into_inner();
    assert!(covered.len() > 20 && covered.contains(&EventType::ScalingActionCompleted), "{covered:?}");
}

/// One of each thing that begins and ends.
#[tokio::test]
async fn a_whole_life_folds_to_what_is_stored() {
    let redis = TestRedis::start();
    let mut rig = Rig::new(&redis).await;
    let rounds = |count, load| Step::Rounds { count, load };
    let ail = |health| Step::Ail { which: 0, health };
    let hear = || Step::Hear { dies_after: None };
    let steps = [
        rounds(4, 50),
        ail(Health::Unhealthy),
        rounds(1, 50),
        ail(Health::Ready),
        rounds(1, 50),
        rounds(4, 95),
        Step::Command(Wish::Protect(0, true)),
        Step::Command(Wish::Protect(0, false)),
        rounds(8, 5),
        rounds(6, 5),
        rounds(2, 50),
        Step::Command(Wish::Hold(Scope::Up, 30)),
        Step::Look { cpu: Some(50), memory: Some(50), pending: Some(2) },
        hear(),
        rounds(4, 50),
        Step::Command(Wish::Hold(Scope::All, 30)),
        Step::Command(Wish::Release(Scope::Down)),
        Step::Outage,
        Step::Kill { which: 0, gone: true },
        Step::Kill { which: 0, gone: false },
        rounds(1, 50),
        Step::Hear { dies_after: Some(1) },
        rounds(5, 50),
        Step::Reconfigure { permanent: true, dry_run: false },
        rounds(2, 50),
        Step::Command(Wish::Scale(Direction::Up, 1)),
        hear(),
        Step::Work(Outcome::Refused),
        rounds(1, 50),
    ];
    let mut covered = BTreeSet::new();
    for step in &steps {
        rig.step(step).await;
        covered = rig.check().await;
    }
    for event_type in [
        EventType::OptimalStateEnded,
        EventType::ScalingActionCompleted,
        EventType::ScalingActionFailed,
        EventType::NodeUnexpectedlyLost,
        EventType::NodeHealthRestored,
        EventType::MinimumNodesRestored,
        EventType::ScaleDownStarted,
        EventType::CooldownEnded,
        EventType::HoldExpired,
        EventType::HoldReleased,
        EventType::WorkerUnprotected,
        EventType::PermanentWorkersChanged,
        EventType::ClusterReachable,
        EventType::UnderutilizationEnded,
        EventType::ResourcePressureEnded,
        EventType::PendingPodsCleared,
        EventType::ScaleUpBlocked,
    ] {
        assert!(covered.contains(&event_type), "{event_type} never happened: {covered:?}");
    }
}

#[tokio::test]
async fn fed_again_a_handler_would_do_what_it_did_and_nothing_is_written() {
    let redis = TestRedis::start();
    let mut rig = Rig::new(&redis).await;
    let calm = Step::Look { cpu: Some(50), memory: Some(50), pending: Some(0) };
    for step in [&calm, &Step::Tick(1), &Step::Hear { dies_after: None }, &Step::Work(Outcome::Done), &calm] {
        rig.step(step).await;
    }
    rig.step(&Step::Hear { dies_after: None }).await;
    rig.check().await;
    let log = replay::read(&rig.store, None, None).await.unwrap();
    let (before, kept) = (rig.store.snapshot().await.unwrap(), log.len());
    let meal = Meal { config: &rig.config, state: &State::default(), events: &log, observation: None };
    let fed = feed(&NodeManager, &meal);
    let names = |data: &EventData| match data {
        EventData::ScaleUpStarted(data) => Some(data.node_names.clone()),
        _ => None,
    };
    let did: Vec<_> = log.iter().filter_map(|event| names(&event.data)).collect();
    let would: Vec<_> = fed.iter().flat_map(|fed| &fed.emits).filter_map(|event| names(&event.data)).collect();
    assert_eq!((would, did.len()), (did, 1));
    assert_eq!(rig.store.snapshot().await.unwrap(), before);
    assert_eq!(replay::read(&rig.store, None, None).await.unwrap().len(), kept);
    let first = &log[0];
    let only = replay::read(&rig.store, None, Some(DateTime::UNIX_EPOCH)).await.unwrap();
    assert!(only.is_empty() && first.timestamp < rig.now);
    assert!(rig.state.workers.values().all(|worker| worker.kind == WorkerKind::Dynamic));
}
