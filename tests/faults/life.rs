//! Ordinary life: operators who want this and that, and now and then a worker that is removed by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use windlass::bus;
use windlass::clock;
use windlass::model::{Action, Actor, Command, Direction, WorkerName};
use windlass::store::Store;

use crate::dice::Dice;
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
                if dice.below(12) == 0 {
                    lose_one(&place, &record, &mut dice, true);
                } else {
                    give(&store, &record, wish(&mut dice, place.world.cluster())).await;
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
    if running.is_empty() {
        return;
    }
    let (name, id) = running[dice.below(running.len() as u64) as usize].clone();
    // Noted first: whoever looks in between must not take it for windlass's doing.
    record.with(|seen| seen.ours.insert(id));
    if remove {
        place.world.remove(&name);
    } else {
        place.world.end(&name);
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
