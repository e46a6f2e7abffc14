//! What must be so once a cluster has come to rest, whatever was done to it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use windlass::bus::replay;
use windlass::clock;
use windlass::model::{Command, Event, EventData, EventType};
use windlass::store::Store;

use crate::fault::Fault;
use crate::ledger::{Ledger, operations};
use crate::place::Place;
use crate::plan::Plan;
use crate::pools;
use crate::record::{Record, Seen};
use crate::settle;
use crate::witness::Witness;

/// What was begun before an outage has come to its end after so long.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// Everything at once; what is broken, each in a line.
pub async fn broken(plan: &Plan, place: &Place, store: &Store, record: &Record, witness: &Witness) -> Vec<String> {
    let mut wrong = Vec::new();
    record.catch_up(store).await;
    let state = store.snapshot().await.map(|snapshot| snapshot.state);
    let audit = replay::audit(store, None, None).await;
    let loaded = store.load_pools(settle::BATCH).await;
    match (&state, &loaded, place.world.look()) {
        (Ok(state), Ok(loaded), Some(sight)) => {
            wrong.extend(settle::difference(state, &sight.workers));
            wrong.extend(pools::difference(loaded, &sight.pools));
            wrong.extend(tokio::task::block_in_place(|| pools::picks(place, loaded)));
        }
        (state, loaded, sight) => {
            let errors = (state.as_ref().err(), loaded.as_ref().err());
            wrong.push(format!("nothing can be seen: {errors:?} {sight:?}"));
        }
    }
    // What a replica was about to do when it was frozen it does when it goes on.
    let is_frozen = plan.faults.contains(&Fault::Frozen);
    let frozen = if is_frozen { Duration::from_millis(plan.lease * 5 / 2) } else { Duration::ZERO };
    record.with(|seen| {
        epochs(&seen.events, &mut wrong);
        ends(&seen.events, plan.loses_data(), &mut wrong);
        answers(seen, &mut wrong);
        removals(seen, &mut wrong);
        outages(seen, &mut wrong);
        wrong.extend(pools::broken(seen, plan.loses_data(), UNDER_WAY + frozen));
        wrong.append(&mut seen.wrong);
        if plan.loses_data() {
            return;
        }
        drifts(&seen.events, &mut wrong);
        match &audit {
            Ok(audit) if audit.whole && audit.differences.is_empty() => {}
            other => wrong.push(format!("the log does not give the stored state: {other:?}")),
        }
        if let Ok(state) = &state {
            let commands: Vec<Command> =
                seen.commands.iter().filter(|(_, confirmed)| *confirmed).map(|(command, _)| command.clone()).collect();
            balance(&Ledger { events: &seen.events, commands: &commands, state }, &mut wrong);
        }
    });
    wrong.extend(witness.seen().wrong);
    wrong.extend(place.replicas().iter().flat_map(|replica| replica.wrong_ends.clone()));
    for (file, log) in place.logs() {
        let panics = log.lines().filter(|line| line.contains("panicked"));
        wrong.extend(panics.map(|line| format!("{}: {line}", file.display())));
    }
    wrong
}

/// Every election has a higher epoch than the one before.
fn epochs(events: &[Event], wrong: &mut Vec<String>) {
    let mut newest = 0;
    for event in events {
        if let EventData::LeaderElected(data) = &event.data {
            if data.epoch <= newest {
                wrong.push(format!("epoch {} is given out after epoch {newest}", data.epoch));
            }
            newest = newest.max(data.epoch);
        }
    }
}

/// Where nobody else writes, Redis holds what the leader wrote.
fn drifts(events: &[Event], wrong: &mut Vec<String>) {
    let drifted = events.iter().filter(|event| event.event_type() == EventType::StateDrifted);
    wrong.extend(drifted.map(|event| format!("Redis did not hold what was written: {:?}", event.data)));
}

/// Every operation that was decided has ended once; where what was remembered of it may be gone, at most once.
fn ends(events: &[Event], is_cut: bool, wrong: &mut Vec<String>) {
    for (id, [decided, started, ended]) in operations(events) {
        let once = decided == 1 && started <= 1 && (ended == 1 || is_cut && ended == 0);
        if !once {
            wrong.push(format!("operation {id}: decided {decided}, started {started}, ended {ended} times"));
        }
    }
}

/// Nobody is answered twice. (That everybody is answered is what rest means.)
fn answers(seen: &Seen, wrong: &mut Vec<String>) {
    for (command, _) in &seen.commands {
        let of = |event: &&Event| settle::is_answer(event, command.command_id);
        let kinds: Vec<EventType> = seen.events.iter().filter(of).map(Event::event_type).collect();
        let distinct: BTreeSet<&EventType> = kinds.iter().collect();
        if distinct.len() < kinds.len() || kinds.len() > 1 {
            wrong.push(format!("a command is answered more than once: {command:?} by {kinds:?}"));
        }
    }
}

/// No container that ran has gone but by the harness, or by an operation that the log tells of.
fn removals(seen: &Seen, wrong: &mut Vec<String>) {
    let told: BTreeSet<&str> = seen
        .events
        .iter()
        .flat_map(|event| match &event.data {
            EventData::NodeRemoved(data) => vec![data.node_name.as_str()],
            EventData::ScaleDownStarted(data) if seen.lost > 0 => {
                data.node_names.iter().map(windlass::model::WorkerName::as_str).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    for (name, id) in &seen.vanished {
        if !seen.ours.contains(id) && !told.contains(name.as_str()) {
            wrong.push(format!("{name} ({id}) ran and was removed, and nothing in the log tells why"));
        }
    }
}

/// While Redis could not be used, nothing was removed but what had been begun before.
fn outages(seen: &Seen, wrong: &mut Vec<String>) {
    for event in &seen.events {
        let within = |(begun, ended): &(DateTime<Utc>, DateTime<Utc>)| {
            event.timestamp > clock::after(*begun, UNDER_WAY) && event.timestamp < *ended
        };
        if let EventData::NodeRemoved(data) = &event.data
            && data.reason != "dead_container"
            && seen.outages.iter().any(within)
        {
            wrong.push(format!("{} was removed at {} while Redis could not be used", data.node_name, event.timestamp));
        }
    }
}

fn balance(ledger: &Ledger<'_>, wrong: &mut Vec<String>) {
    let balanced = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ledger.balance()));
    if let Err(panic) = balanced {
        let text = panic.downcast_ref::<String>().cloned();
        wrong.push(text.unwrap_or_else(|| "the books do not balance".to_owned()));
    }
}
