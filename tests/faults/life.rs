//! Ordinary life: operators who want this and that, functions that are called more and less, and now and then a container that is
//! removed or added by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use windlass::bus;
use windlass::clock;
use windlass::model::{Action, Actor, Command, Direction, FunctionName, WorkerName};
use windlass::store::Store;

use crate::ask;
use crate::dice::Dice;
use crate::functions::FUNCTIONS;
use crate::place::Place;
use crate::record::Record;

/// Goes on until it is told to end.
pub struct Life {
    enough: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Life {
    /// Begins.
    pub fn begin(place: Arc<Place>, store: Store, record: Arc<Record>, mut dice: Dice) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let stopped = enough.clone();
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                match dice.below(24) {
                    0..2 => lose_one(&place, &record, &mut dice, true),
                    2 => lose_one_of_pool(&place, &record, &mut dice, true),
                    3..7 => {
                        let (function, ..) = dice.one_of(&FUNCTIONS);
                        // Quiet, neither idle nor overloaded, and more than one or two can do.
                        call(&place, function, dice.one_of(&[0.0, 30.0, 120.0, 300.0]));
                    }
                    7..14 => give(&store, &record, wish_of_pool(&mut dice, place.world.cluster())).await,
                    14 => {
                        let (function, ..) = dice.one_of(&FUNCTIONS);
                        let name = format!("{}-{function}-{}", place.world.cluster(), 1 + dice.below(5));
                        tokio::task::block_in_place(|| place.world.add_to_pool(function, &name));
                    }
                    15 => {
                        let (function, ..) = dice.one_of(&FUNCTIONS);
                        let asked = place.addresses();
                        // Whatever comes of it; one that sleeps is woken by it.
                        let _ =
                            asked.first().and_then(|one| tokio::task::block_in_place(|| ask::endpoint(*one, function)));
                    }
                    _ => give(&store, &record, wish(&mut dice, place.world.cluster())).await,
                }
                tokio::time::sleep(Duration::from_millis(50 + dice.below(300))).await;
            }
        });
        Self { enough, task }
    }

    /// Ends it.
    pub async fn end(self) {
        self.enough.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
    }
}

/// Gives a command; whether Redis has it is not known where it did not say so.
pub async fn give(store: &Store, record: &Record, action: Action) {
    let now = clock::now();
    let command = Command {
        command_id: clock::fresh_id(now),
        issued_at: now,
        actor: Actor::Person("anna".to_owned()),
        reason: "test".to_owned(),
        action,
    };
    let confirmed = bus::send(store, &command).await.is_ok();
    record.with(|seen| seen.commands.push((command, confirmed)));
}

/// Takes a random container away (or ends it), past windlass.
pub fn lose_one(place: &Place, record: &Record, dice: &mut Dice, remove: bool) {
    let running: Vec<(String, String)> = record.with(|seen| {
        let running = seen.containers.iter().filter(|(_, container)| container.runs);
        running.map(|(name, container)| (name.clone(), container.id.clone())).collect()
    });
    let Some(name) = ours(&running, record, dice) else { return };
    // The world may be locked by a replica that is frozen just now: whoever waits for it must not keep the rest from going on.
    tokio::task::block_in_place(|| if remove { place.world.remove(&name) } else { place.world.end(&name) });
}

/// The same with a random container of a pool. One that ends has mostly lived for long: what ends right after its start makes its pool rest.
pub fn lose_one_of_pool(place: &Place, record: &Record, dice: &mut Dice, remove: bool) {
    let running: Vec<(String, String)> = record.with(|seen| {
        let running = seen.pools.iter().filter(|(_, container)| container.runs);
        running.map(|(name, container)| (name.clone(), container.id.clone())).collect()
    });
    let Some(name) = ours(&running, record, dice) else { return };
    let aged = dice.below(5) > 0;
    tokio::task::block_in_place(|| {
        if remove { place.world.remove_of_pool(&name) } else { place.world.end_of_pool(&name, aged) }
    });
}

/// Chooses one of those that run. It is noted at once: whoever looks in between must not take it for windlass's doing.
fn ours(running: &[(String, String)], record: &Record, dice: &mut Dice) -> Option<String> {
    if running.is_empty() {
        return None;
    }
    let (name, id) = running[dice.below(running.len() as u64) as usize].clone();
    record.with(|seen| seen.ours.insert(id));
    Some(name)
}

/// A function is called so much from now on, in percent of what one container can do.
pub fn call(place: &Place, function: &str, percent: f64) {
    tokio::task::block_in_place(|| place.world.call(function, percent));
}

fn wish_of_pool(dice: &mut Dice, cluster: &str) -> Action {
    let (name, ..) = dice.one_of(&FUNCTIONS);
    let function: FunctionName = name.parse().unwrap();
    match dice.below(8) {
        0..4 => {
            let direction = dice.one_of(&Direction::BOTH);
            Action::PoolScale { function, direction, count: 1 + dice.below(2) as u32 }
        }
        4..6 => Action::PoolWake { function },
        _ => Action::PoolDrain { function, container: format!("{cluster}-{name}-{}", 1 + dice.below(3)) },
    }
}

fn wish(dice: &mut Dice, prefix: &str) -> Action {
    let prefix = if prefix == "faults" { "k3s-worker" } else { prefix };
    let worker = WorkerName::numbered(prefix, 1 + dice.below(8)).unwrap();
    match dice.below(10) {
        0..6 => {
            let direction = dice.one_of(&Direction::BOTH);
            Action::Scale {
                direction,
                count: 1 + dice.below(2) as u32,
                worker: None,
                honor_cooldown: dice.below(4) == 0,
            }
        }
        6 => Action::Protect { worker },
        7 => Action::Unprotect { worker },
        _ => Action::Reconcile,
    }
}
