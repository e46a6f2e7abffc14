//! The fault table: windlass's own program, one or three replicas of it, on a Redis of its own and a world of containers, in the middle
//! of ordinary life. Something goes wrong at a random moment; then all must come to rest, and nothing may be lost or done twice.
//!
//! `make soak ROUNDS=1000` plays random rounds and sums them up; a round that fails is printed as the command that repeats it (its
//! choices, not the moments at which the machine gets to them).
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/docker.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod docker;
#[path = "../support/ledger.rs"]
mod ledger;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;
#[path = "../support/redis.rs"]
mod redis;

mod ask;
mod fault;
mod file;
mod foreign;
mod functions;
mod inject;
mod invariants;
mod life;
mod place;
mod plan;
mod pools;
mod proxy;
mod record;
mod replica;
mod round;
mod server;
mod settle;
mod tally;
mod tell;
mod witness;
mod world;

use fault::Fault;
use plan::Plan;

/// Rounds that are played at the same time: most of a round is waiting.
const JOBS: usize = 4;

#[test]
fn one_of_each_fault_breaks_nothing() {
    let plans = (41..).zip(Fault::ALL).map(|(seed, fault)| Plan::of(seed, Some(fault), false)).collect();
    passes(&tally::play_all(plans, JOBS));
}

#[test]
fn forty_takeovers_break_nothing() {
    let fault = |seed: u64| [Fault::Killed, Fault::Frozen, Fault::Killed, Fault::Stopped][seed as usize % 4];
    let three = |seed| Some(Plan::of(seed, Some(fault(seed)), false)).filter(|(plan, _)| plan.replicas == 3);
    passes(&tally::play_all((100..).filter_map(three).take(12).collect(), JOBS));
}

#[test]
fn with_real_containers_nothing_breaks_either() {
    if !docker::available("with_real_containers_nothing_breaks_either") {
        return;
    }
    let faults = [
        Fault::RuntimeSilent,
        Fault::WorkersRemoved,
        Fault::WorkersEnded,
        Fault::PoolContainersLost,
        Fault::Killed,
        Fault::RedisEmptied,
    ];
    passes(&tally::play_all(faults.iter().map(|fault| Plan::of(7, Some(*fault), true)).collect(), 2));
}

/// `make soak`.
#[test]
#[ignore = "as long as you like: make soak ROUNDS=1000 [SEED=…] [FAULT=…] [DOCKER=1] [JOBS=…]"]
fn soak() {
    let given = |name: &str| std::env::var(format!("SOAK_{name}")).ok().filter(|text| !text.is_empty());
    let number = |name: &str| {
        given(name).map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text}: a number is wanted")))
    };
    let first = number("SEED").unwrap_or_else(|| windlass::clock::now().timestamp_millis().cast_unsigned());
    let only = given("FAULT").map(|name| {
        let names = || Fault::ALL.map(Fault::name).join(", ");
        Fault::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .unwrap_or_else(|| panic!("FAULT={name}: one of {}", names()))
    });
    let rounds = number("ROUNDS").unwrap_or(100);
    let docker = given("DOCKER").is_some();
    println!("{rounds} rounds from SEED={first}");
    let plans = (0..rounds).map(|round| Plan::of(first.wrapping_add(round), only, docker)).collect();
    passes(&tally::play_all(plans, number("JOBS").map_or(JOBS, |jobs| jobs as usize)));
}

fn passes(tally: &tally::Tally) {
    println!("\n{}", tally.table());
    assert!(tally.failures.is_empty(), "{} rounds failed:\n{}", tally.failures.len(), tally.failures.join("\n"));
}
