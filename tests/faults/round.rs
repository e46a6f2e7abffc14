//! One round: a cluster that lives, a fault at a random moment, rest, and the check.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::dice::Dice;
use crate::fault::Fault;
use crate::functions::FUNCTIONS;
use crate::inject::{Scene, a_while};
use crate::invariants;
use crate::life::{Life, call};
use crate::place::Place;
use crate::plan::Plan;
use crate::record::Record;
use crate::settle::settle;
use crate::witness::Witness;

/// What came of a round.
#[derive(Debug)]
pub struct Outcome {
    /// How long the cluster took to come to rest after each fault.
    pub settled: Vec<Duration>,
    /// Replicas that became leader.
    pub leaders: usize,
    /// Writes that Redis accepted, and writes of old epochs that it refused.
    pub writes: (u64, u64),
    /// What was broken.
    pub wrong: Vec<String>,
    /// Where everything is kept that may tell why.
    pub kept: Option<PathBuf>,
}

/// Plays a round in a runtime of its own; what panics in it is broken as well.
pub fn play(plan: &Plan, dice: Dice) -> Outcome {
    let (plan, mut dice) = (plan.clone(), dice);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(round(&plan, &mut dice))
    });
    thread.join().unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        Outcome {
            settled: Vec::new(),
            leaders: 0,
            writes: (0, 0),
            wrong: vec![format!("the round ended: {text}")],
            kept: None,
        }
    })
}

async fn round(plan: &Plan, dice: &mut Dice) -> Outcome {
    let place = Arc::new(Place::new(plan, dice));
    let witness = Witness::watch(place.socket().to_owned());
    if plan.is_self_served() {
        place.start_all();
    }
    let store = place.connect().await;
    let record = Arc::new(Record::begin(&place, &store));
    place.start_all();
    let mut outcome = Outcome { settled: Vec::new(), leaders: 0, writes: (0, 0), wrong: Vec::new(), kept: None };
    for _ in 0..600 {
        if record.with(|seen| !seen.events.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..plan.repeats {
        let scene = Scene {
            place: &place,
            store: &store,
            record: &record,
            witness: &witness,
            lease: Duration::from_millis(plan.lease),
            sole: plan.replicas == 1 && plan.faults.len() == 1,
            restarts: plan.faults.contains(&Fault::RedisKilled),
        };
        outcome.wrong = trial(plan, &scene, &record, dice, &mut outcome.settled).await;
        if !outcome.wrong.is_empty() {
            break;
        }
    }
    if outcome.wrong.is_empty() {
        outcome.wrong = leave(&place).await;
    }
    let seen = witness.seen();
    outcome.writes = (seen.accepted, seen.refused);
    outcome.leaders = record.with(|seen| {
        seen.events.iter().filter(|event| event.event_type() == windlass::model::EventType::LeaderElected).count()
    });
    if !outcome.wrong.is_empty() {
        outcome.kept = Some(keep(plan, &place, &record));
    }
    outcome
}

/// Life, the faults at a random moment of it, rest, and what is broken then.
async fn trial(
    plan: &Plan,
    scene: &Scene<'_>,
    record: &Arc<Record>,
    dice: &mut Dice,
    settled: &mut Vec<Duration>,
) -> Vec<String> {
    let life = Life::begin(scene.place.clone(), scene.store.clone(), record.clone(), dice.fork());
    a_while(dice, 1, 3000).await;
    let faults: Vec<_> = plan.faults.iter().map(|fault| scene.inject(*fault, dice.fork())).collect();
    futures::future::join_all(faults).await;
    a_while(dice, 1, 500).await;
    life.end().await;
    // Nobody calls any more: every pool shrinks to its minimum.
    for (function, ..) in FUNCTIONS {
        call(scene.place, function, 0.0);
    }
    match settle(scene.place, scene.store, record).await {
        Ok(time) => {
            settled.push(time);
            invariants::broken(plan, scene.place, scene.store, record, scene.witness).await
        }
        Err(unrest) => {
            let mut wrong = vec![unrest];
            wrong.extend(scene.place.replicas().iter().flat_map(|replica| replica.wrong_ends.clone()));
            wrong
        }
    }
}

/// All leave in order.
async fn leave(place: &Place) -> Vec<String> {
    place.replicas().iter().for_each(|replica| replica.signal("-TERM"));
    for _ in 0..600 {
        if place
            .replicas()
            .iter_mut()
            .map(crate::replica::Replica::has_stopped)
            .fold(true, |all, stopped| all & stopped)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut replicas = place.replicas();
    let lasting = replicas.iter().filter(|replica| replica.pid().is_some());
    let mut wrong: Vec<String> = lasting.map(|replica| format!("replica {} does not stop", replica.number)).collect();
    wrong.extend(replicas.iter_mut().flat_map(|replica| std::mem::take(&mut replica.wrong_ends)));
    wrong
}

fn keep(plan: &Plan, place: &Place, record: &Record) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}-{}", plan.fault.name(), plan.seed));
    place.keep(&folder);
    let lines: Vec<String> =
        record.with(|seen| seen.events.iter().map(|event| serde_json::to_string(event).unwrap()).collect());
    let _ = std::fs::write(folder.join("events.jsonl"), lines.join("\n"));
    let others = record.with(|seen| {
        format!(
            "notes: {:#?}\ncommands: {:#?}\nours: {:#?}\nvanished: {:#?}\npools came: {:#?}\npools went: {:#?}\noutages: {:#?}",
            seen.notes, seen.commands, seen.ours, seen.vanished, seen.pools_came, seen.pools_went, seen.outages
        )
    });
    let _ = std::fs::write(folder.join("seen.txt"), others);
    folder
}
