use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::operator::{PoolState, drain, known, scale_down, scale_up, wake};
use super::*;
use crate::clock::after;
use crate::model::pool::MonitoringConfig;
use crate::model::{ContainerId, ContainerStatus, Pool, PoolContainer, PoolSpec};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + seconds)
}

fn container(number: u32, status: ContainerStatus, cpu: Option<f64>, idle_since: Option<i64>) -> PoolContainer {
    PoolContainer {
        id: ContainerId(format!("{number:012}")),
        name: format!("f-{number}"),
        address: None,
        port: 80,
        status,
        cpu_percent: cpu,
        memory_percent: Some(10.0),
        last_active: at(0),
        idle_since: idle_since.map(at),
    }
}

fn pool(min: u32, max: u32, containers: Vec<PoolContainer>) -> Pool {
    let spec = PoolSpec {
        function: "f".parse().unwrap(),
        image: "i".to_owned(),
        port: 80,
        min,
        max,
        monitoring: MonitoringConfig::default(),
    };
    Pool { spec, containers, verified: true, last_updated: at(0) }
}

fn on(pool: &Pool, now: DateTime<Utc>) -> PoolSituation<'_> {
    PoolSituation { pool, coming: 0, demand: false, retired: false, rests_until: None, now }
}

fn decided(pool: &Pool, now: i64) -> Decision {
    decide(&on(pool, at(now)), |_| None)
}

fn going(decision: &Decision) -> Vec<(&str, &str)> {
    decision.down.iter().map(|going| (going.id.0.trim_start_matches('0'), going.reason.name())).collect()
}

use ContainerStatus::{Draining, Healthy, Idle, Overloaded};

#[test]
fn a_status_follows_from_what_is_measured_and_never_from_what_is_not() {
    let rules = MonitoringConfig::default();
    let cases = [
        (Healthy, Some(70.0), Some(10.0), Overloaded),
        (Healthy, Some(69.9), Some(10.0), Healthy),
        (Healthy, Some(10.0), Some(70.0), Overloaded),
        (Healthy, Some(5.0), Some(10.0), Idle),
        (Healthy, Some(5.1), Some(10.0), Healthy),
        (Idle, Some(30.0), Some(10.0), Healthy),
        (Overloaded, Some(1.0), Some(10.0), Idle),
        // Not known: nothing follows, but for an overload that is known.
        (Healthy, None, None, Healthy),
        (Idle, None, None, Idle),
        (Overloaded, None, Some(10.0), Overloaded),
        (Overloaded, Some(1.0), None, Overloaded),
        (Healthy, None, Some(90.0), Overloaded),
        (Idle, Some(90.0), None, Overloaded),
        // Who is drained stays so.
        (Draining, Some(90.0), Some(10.0), Draining),
        (Draining, Some(0.0), Some(10.0), Draining),
    ];
    for (before, cpu, memory, wanted) in cases {
        let mut one = container(1, before, None, None);
        observe(&mut one, cpu, memory, &rules, at(9));
        assert_eq!(one.status, wanted, "{before} with {cpu:?} and {memory:?}");
    }
}

#[test]
fn the_idle_clock_runs_from_the_first_idle_look_and_through_what_is_unknown() {
    let rules = MonitoringConfig::default();
    let mut one = container(1, Healthy, None, None);
    observe(&mut one, Some(50.0), Some(1.0), &rules, at(1));
    assert_eq!((one.idle_since, one.last_active), (None, at(1)));
    observe(&mut one, Some(1.0), Some(1.0), &rules, at(2));
    observe(&mut one, None, None, &rules, at(3));
    observe(&mut one, Some(1.0), Some(1.0), &rules, at(4));
    assert_eq!((one.idle_since, one.last_active), (Some(at(2)), at(1)));
    observe(&mut one, Some(50.0), Some(1.0), &rules, at(5));
    assert_eq!((one.idle_since, one.last_active), (None, at(5)));
}

#[test]
fn up_only_when_all_are_overloaded_and_there_is_room() {
    let hot = |number| container(number, Overloaded, Some(90.0), None);
    let both = pool(1, 3, vec![hot(1), hot(2)]);
    assert_eq!(decided(&both, 0).up, Some((1, UpReason::AllOverloaded)));
    assert_eq!(decide(&PoolSituation { coming: 1, ..on(&both, at(0)) }, |_| None).up, None);
    let one = pool(1, 3, vec![hot(1), container(2, Healthy, Some(50.0), None)]);
    assert_eq!(decided(&one, 0), Decision::default());
    let full = pool(1, 2, vec![hot(1), hot(2)]);
    assert_eq!(decided(&full, 0), Decision { saturated: true, ..Decision::default() });
    // One that is drained takes no calls, and makes room.
    let drained = pool(1, 2, vec![hot(1), container(2, Draining, Some(90.0), None)]);
    assert_eq!(decided(&drained, 0).up, Some((1, UpReason::AllOverloaded)));
}

#[test]
fn to_the_minimum_at_once_and_from_zero_on_demand() {
    assert_eq!(
        decided(&pool(3, 5, vec![container(1, Idle, Some(0.0), None)]), 0).up,
        Some((2, UpReason::BelowMinimum))
    );
    let none = pool(0, 5, vec![]);
    assert_eq!(decided(&none, 0), Decision::default());
    let demand = PoolSituation { demand: true, ..on(&none, at(0)) };
    assert_eq!(decide(&demand, |_| None).up, Some((1, UpReason::Demand)));
    let resting = PoolSituation { rests_until: Some(at(5)), ..demand };
    assert_eq!(decide(&resting, |_| None), Decision::default());
    assert_eq!(decide(&PoolSituation { now: at(5), ..resting }, |_| None).up, Some((1, UpReason::Demand)));
}

#[test]
fn the_longest_idle_goes_first_and_one_at_a_time() {
    let idle = |number, since| container(number, Idle, Some(0.0), Some(since));
    let three = pool(1, 5, vec![idle(1, 5), idle(2, 3), idle(3, 4)]);
    assert_eq!(going(&decided(&three, 32)), []);
    assert_eq!(going(&decided(&three, 33)), [("2", "idle")]);
    assert_eq!(going(&decided(&pool(3, 5, three.containers.clone()), 100)), []);
    let surplus = pool(0, 1, vec![idle(1, 5), idle(2, 3), container(3, Healthy, Some(50.0), None)]);
    assert_eq!(going(&decided(&surplus, 6)), [("2", "above_maximum"), ("1", "above_maximum")]);
}

#[test]
fn what_is_drained_goes_when_it_rests_or_has_had_its_grace() {
    let pool_of = |cpu| pool(0, 2, vec![container(1, Draining, cpu, None)]);
    assert_eq!(going(&decided(&pool_of(Some(1.0)), 1)), [("1", "drained")]);
    for busy in [pool_of(Some(50.0)), pool_of(None)] {
        let when = |seconds| decide(&on(&busy, at(seconds)), |_| Some(at(0)));
        let grace = i64::try_from(DRAIN_GRACE.as_secs()).unwrap();
        assert_eq!(going(&when(grace - 1)), []);
        assert_eq!(going(&when(grace)), [("1", "drained")]);
    }
}

#[test]
fn a_pool_that_is_not_confirmed_is_left_alone() {
    let mut blind = pool(2, 5, vec![container(1, Idle, Some(0.0), Some(0)), container(2, Draining, Some(0.0), None)]);
    blind.verified = false;
    assert_eq!(decided(&blind, 1000), Decision::default());
    let state = PoolState { pool: &blind, coming: 0 };
    assert_eq!(scale_up(&state, 1).unwrap_err().reason, "cluster_unknown");
}

#[test]
fn by_hand_the_idle_go_first_then_the_least_loaded() {
    let containers = vec![
        container(1, Overloaded, Some(90.0), None),
        container(2, Healthy, Some(20.0), None),
        container(3, Healthy, None, None),
        container(4, Idle, Some(1.0), Some(9)),
        container(5, Idle, Some(1.0), Some(3)),
    ];
    let pool = pool(1, 6, containers);
    let state = PoolState { pool: &pool, coming: 1 };
    let names = |count| {
        let ids = scale_down(&state, count).unwrap();
        ids.iter().map(|id| id.0.trim_start_matches('0').to_owned()).collect::<String>()
    };
    assert_eq!(names(4), "5421");
    assert_eq!(scale_down(&state, 5).unwrap_err().detail, "5 - 5 is less than the pool's minimum of 1; 4 may go");
    assert_eq!(scale_up(&state, 1).unwrap_err().detail, "6 + 1 is more than the pool's maximum of 6; 0 may be added");
    assert_eq!(scale_up(&state, 0).unwrap_err().reason, "invalid");
    assert_eq!(wake(&state).unwrap_err().reason, "awake");
    assert_eq!(drain(&state, "f-3").unwrap(), ContainerId("000000000003".to_owned()));
    assert_eq!(drain(&state, "000000000003").unwrap(), ContainerId("000000000003".to_owned()));
    assert!(drain(&state, "0000").unwrap_err().detail.contains("several"));
    assert!(drain(&state, "nope").unwrap_err().detail.contains("it has f-1, f-2, f-3, f-4, f-5"));
    let unknown = known(&"g".parse().unwrap(), std::iter::once(state)).unwrap_err();
    assert_eq!(unknown.detail, "there is no pool g; the pools are f");
}

/// What a function is asked to do at a moment: load in percent of one container; `None`: nothing can be measured.
type Demand = Option<f64>;

fn demands() -> impl Strategy<Value = Vec<Demand>> {
    proptest::collection::vec(proptest::option::weighted(0.8, 0.0..400.0_f64), 1..60)
}

/// Lets a pool live through a course of demands, a look every 5 s; every container that goes is checked as it goes.
fn live(min: u32, max: u32, begins_with: u32, drains: &[usize], demands: &[Demand]) -> Result<Pool, TestCaseError> {
    let mut next = begins_with + 1;
    let mut pool = pool(min, max, (1..=begins_with).map(|n| container(n, Healthy, None, None)).collect());
    for (step, demand) in (0_i64..).zip(demands) {
        let now = at(step * 5);
        if drains.contains(&(step as usize))
            && let Some(first) = pool.containers.iter_mut().find(|container| container.status != Draining)
        {
            first.status = Draining;
        }
        let serving = pool.containers.iter().filter(|container| container.status != Draining).count().max(1);
        let rules = pool.spec.monitoring;
        for container in &mut pool.containers {
            let share = if container.status == Draining { 0.0 } else { 1.0 / serving as f64 };
            let cpu = demand.map(|demand| (demand * share).min(100.0));
            observe(container, cpu, demand.map(|_| 10.0), &rules, now);
        }
        let before = pool.containers.iter().filter(|container| container.status != Draining).count();
        let decision = decide(&on(&pool, now), |_| None);
        for going in &decision.down {
            let index = pool.containers.iter().position(|container| container.id == going.id);
            let container = pool.containers.remove(index.expect("a container of the pool"));
            prop_assert!(matches!(container.status, Idle | Draining), "{container:?}");
            prop_assert!(demand.is_some(), "it went by not knowing");
        }
        let serving = pool.containers.iter().filter(|container| container.status != Draining).count();
        if serving < before {
            prop_assert!(serving as u32 >= min, "{before} to {serving} with a minimum of {min}");
        }
        if let Some((count, _)) = decision.up {
            prop_assert!(before as u32 + count <= max, "{before} + {count} with a maximum of {max}");
            for _ in 0..count {
                pool.containers.push(container(next, Healthy, None, None));
                next += 1;
            }
        }
    }
    Ok(pool)
}

proptest! {
    #[test]
    fn a_pool_settles_within_its_limits(
        min in 0_u32..4, spread in 0_u32..4, begins_with in 0_u32..9,
        drains in proptest::collection::vec(0_usize..60, 0..4), demands in demands(),
    ) {
        let max = (min + spread).max(1);
        let quiet = std::iter::repeat_n(Some(0.0), 120);
        let demands: Vec<Demand> = demands.into_iter().chain(quiet).collect();
        let pool = live(min, max, begins_with, &drains, &demands)?;
        prop_assert_eq!(pool.containers.len() as u32, min, "{:?}", pool);
    }

    #[test]
    fn a_pool_under_load_settles_at_what_the_load_needs(min in 0_u32..3, spread in 0_u32..4, load in 100.0..500.0_f64) {
        let max = (min + spread).max(1);
        let pool = live(min, max, 1, &[], &vec![Some(load); 100])?;
        let count = pool.containers.len() as u32;
        prop_assert!((min..=max).contains(&count));
        let enough = |count: u32| load / f64::from(count) < 70.0;
        prop_assert!(count == max || enough(count), "{count} of {max} for {load}");
    }

    #[test]
    fn not_knowing_takes_nothing_away(begins_with in 1_u32..6, idle_for in 0_i64..1000) {
        let containers = (1..=begins_with).map(|n| container(n, Idle, None, Some(-idle_for))).collect();
        let pool = pool(0, 10, containers);
        prop_assert_eq!(decided(&pool, 0), Decision::default());
        let late = after(at(0), Duration::from_secs(100_000));
        prop_assert_eq!(decide(&on(&pool, late), |_| None), Decision::default());
    }
}
