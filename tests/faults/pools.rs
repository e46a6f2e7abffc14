//! What must be so of the function pools once a cluster has come to rest: records and containers are the same, and the log tells how it
//! came to that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use windlass::clock;
use windlass::model::{ContainerStatus, Event, EventData, Pool};
use windlass::store::pools::LoadedPools;

use crate::ask;
use crate::functions::{FUNCTIONS, PoolContainers};
use crate::place::Place;
use crate::record::Seen;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);
/// So often it is asked.
const TRIES: usize = 400;

/// Where what is remembered and what there is differ, or are not what the configuration asks for when nobody calls.
pub fn difference(loaded: &LoadedPools, there: &PoolContainers) -> Option<String> {
    if let Some(problem) = loaded.problems.first() {
        return Some(format!("a pool's record cannot be read: {problem}"));
    }
    let kept: Vec<&str> = loaded.pools.iter().map(|pool| pool.spec.function.as_str()).collect();
    if kept != FUNCTIONS.map(|(name, ..)| name) {
        return Some(format!("the pools that are remembered are {kept:?}"));
    }
    if let Some((name, orphan)) = there.iter().find(|(_, container)| !kept.contains(&container.function.as_str())) {
        return Some(format!("{name} belongs to no pool that is kept: {orphan:?}"));
    }
    if let Some((name, _)) = there.iter().find(|(_, container)| !container.runs && container.is_old == Some(true)) {
        return Some(format!("{name} has ended long ago and is still there"));
    }
    loaded.pools.iter().zip(FUNCTIONS).find_map(|(pool, (_, min, _))| of_pool(pool, min, there))
}

fn of_pool(pool: &Pool, min: u32, there: &PoolContainers) -> Option<String> {
    let function = pool.spec.function.as_str();
    let running = there.iter().filter(|(_, container)| container.function == function && container.runs);
    let running: BTreeMap<&str, &str> =
        running.map(|(name, container)| (container.id.as_str(), name.as_str())).collect();
    let recorded: BTreeMap<&str, &str> =
        pool.containers.iter().map(|container| (container.id.0.as_str(), container.name.as_str())).collect();
    let names: BTreeSet<&str> = recorded.values().copied().collect();
    if names.len() < pool.containers.len() {
        return Some(format!("pool {function} has two containers of one name or id: {:?}", pool.containers));
    }
    if recorded != running {
        return Some(format!("pool {function} has on record {recorded:?}, and there are {running:?}"));
    }
    if let Some(draining) = pool.containers.iter().find(|one| one.status == ContainerStatus::Draining) {
        return Some(format!("{} is still draining", draining.name));
    }
    let limits = (pool.spec.min, pool.containers.len());
    (limits != (min, min as usize))
        .then(|| format!("pool {function} has {} containers; nobody calls, and its minimum is {min}", limits.1))
}

/// Every replica must tell somebody who is there, wherever there is somebody to be called.
pub fn picks(place: &Place, loaded: &LoadedPools) -> Vec<String> {
    let (mut wrong, count) = (Vec::new(), place.replicas().len());
    // One that has just begun does not listen yet.
    soon(|| place.addresses().len() == count);
    let addresses = place.addresses();
    if addresses.len() < count {
        wrong.push(format!("of {count} replicas only {addresses:?} answer over HTTP"));
    }
    for pool in loaded.pools.iter().filter(|pool| !pool.containers.is_empty()) {
        let function = pool.spec.function.as_str();
        let is_right = |answer: &Option<(u16, Value)>| {
            let told = answer.as_ref().filter(|(status, _)| *status == 200);
            told.is_some_and(|(_, told)| pool.containers.iter().any(|one| told["container"] == one.name.as_str()))
        };
        for address in addresses.iter().copied() {
            // Who follows copies what the leader wrote, a moment later.
            let mut last = None;
            let found = soon(|| {
                last = ask::endpoint(address, function);
                is_right(&last)
            });
            if !found {
                wrong.push(format!("{address} was asked whom to call for {function}, and said {last:?}"));
            }
        }
    }
    wrong
}

fn soon(mut is_so: impl FnMut() -> bool) -> bool {
    (0..TRIES).any(|_| {
        is_so() || {
            std::thread::sleep(PAUSE);
            false
        }
    })
}

/// What is broken, each in a line. `is_cut`: the log does not reach back to the beginning. `under_way`: what was begun before an outage of
/// Redis has ended after so long.
pub fn broken(seen: &Seen, is_cut: bool, under_way: Duration) -> Vec<String> {
    let mut wrong = Vec::new();
    losses(seen, &mut wrong);
    outages(seen, under_way, &mut wrong);
    if !is_cut {
        let told = Told::by(&seen.events);
        comings(seen, &told, &mut wrong);
        balance(seen, &told, &mut wrong);
    }
    wrong
}

/// What the log tells of the containers of pools.
#[derive(Debug, Default)]
struct Told {
    /// The names of those that came.
    came: Vec<String>,
    /// The names of those that went.
    went: Vec<String>,
    /// Those that a leader found when it took over: how many it had no record of, and how many were gone. It tells no names.
    found: (u32, u32),
}

impl Told {
    fn by(events: &[Event]) -> Self {
        let mut told = Self::default();
        for event in events {
            match &event.data {
                EventData::PoolScaledUp(data) => told.came.extend(data.container_names.iter().cloned()),
                EventData::PoolScaledDown(data) => told.went.extend(data.container_names.iter().cloned()),
                EventData::PoolContainerLost(data) => told.went.push(data.container.clone()),
                // After a runtime was silent each is told by itself.
                EventData::PoolsRecovered(data) if event.caused_by.is_none() => {
                    told.found.0 += data.adopted;
                    told.found.1 += data.gone;
                }
                _ => {}
            }
        }
        told
    }
}

/// Nothing is said to be lost that is there.
fn losses(seen: &Seen, wrong: &mut Vec<String>) {
    for event in &seen.events {
        if let EventData::PoolContainerLost(data) = &event.data
            && !seen.pools_went.iter().any(|went| went.name == data.container)
        {
            wrong.push(format!("{} is said to be lost ({}), and never went", data.container, data.cause));
        }
    }
}

/// While Redis could not be used, nothing was removed but what had been begun before.
fn outages(seen: &Seen, under_way: Duration, wrong: &mut Vec<String>) {
    for went in seen.pools_went.iter().filter(|went| !seen.ours.contains(&went.id)) {
        let within = |(begun, ended): &(DateTime<Utc>, DateTime<Utc>)| {
            went.ran_at > clock::after(*begun, under_way) && went.at < *ended
        };
        if seen.outages.iter().any(within) {
            wrong.push(format!("{} ({}) was removed at {} while Redis could not be used", went.name, went.id, went.at));
        }
    }
}

/// Whatever came and went is told. What the harness took away may have been gone before windlass ever saw it, or before anybody could tell.
fn comings(seen: &Seen, told: &Told, wrong: &mut Vec<String>) {
    for (id, name) in &seen.pools_came {
        if told.found.0 == 0 && !told.came.contains(name) && !seen.ours.contains(id) {
            wrong.push(format!("{name} ({id}) came, and nothing in the log tells why"));
        }
    }
    for went in &seen.pools_went {
        if told.found.1 == 0 && !told.went.contains(&went.name) && !seen.ours.contains(&went.id) {
            wrong.push(format!("{} ({}) went, and nothing in the log tells why", went.name, went.id));
        }
    }
}

/// Those that came less those that went are those that are there.
fn balance(seen: &Seen, told: &Told, wrong: &mut Vec<String>) {
    let (adopted, gone) = told.found;
    let (came, went) = (told.came.len() + adopted as usize, told.went.len() + gone as usize);
    let there = seen.pools.values().filter(|container| container.runs).count();
    if came != went + there {
        wrong.push(format!("{came} containers of pools came and {went} went, as the log tells, and {there} are there"));
    }
}
