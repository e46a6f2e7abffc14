//! The faults themselves: each is done, lasts for a random while, and is undone.

use std::sync::Arc;
use std::time::Duration;

use windlass::clock;
use windlass::store::Store;

use crate::dice::Dice;
use crate::fault::Fault;
use crate::life::{lose_one, lose_one_of_pool};
use crate::place::Place;
use crate::record::Record;
use crate::witness::Witness;

/// What a fault needs to know.
pub struct Scene<'a> {
    /// Where.
    pub place: &'a Arc<Place>,
    /// A look at what is remembered.
    pub store: &'a Store,
    /// What was seen.
    pub record: &'a Record,
    /// Who sees the epochs.
    pub witness: &'a Witness,
    /// The lease of the replicas.
    pub lease: Duration,
    /// Whether one replica is all there is, and nothing else befalls it: then it has to act without Redis.
    pub sole: bool,
    /// Whether Redis is started anew meanwhile: that ends whatever else kept it from being used.
    pub restarts: bool,
}

/// Sleeps for a random while.
pub async fn a_while(dice: &mut Dice, shortest: u64, longest: u64) {
    tokio::time::sleep(Duration::from_millis(shortest + dice.below(longest - shortest))).await;
}

impl Scene<'_> {
    /// Does it, and undoes it after a while.
    pub async fn inject(&self, fault: Fault, mut dice: Dice) {
        let begun = clock::now();
        self.befall(fault, &mut dice).await;
        if fault.is_outage() && (fault == Fault::RedisKilled || !self.restarts) {
            self.record.with(|seen| seen.outages.push((begun, clock::now())));
        }
    }

    async fn befall(&self, fault: Fault, dice: &mut Dice) {
        match fault {
            Fault::Killed | Fault::Stopped | Fault::Frozen => self.leader(fault, dice).await,
            Fault::AllKilled => {
                self.place.replicas().iter_mut().for_each(crate::replica::Replica::kill);
                a_while(dice, 1, 2000).await;
                self.place.start_all();
            }
            Fault::RedisKilled => {
                self.place.redis().kill();
                a_while(dice, 1, 3000).await;
                self.is_protected(dice).await;
                self.place.redis().restart();
            }
            Fault::RedisFrozen if dice.below(2) == 0 => {
                let seconds = format!("{}.{}", dice.below(3), 2 + dice.below(8));
                // It answers when it wakes up.
                let place = self.place.clone();
                let _ = tokio::task::spawn_blocking(move || place.tell(&["DEBUG", "SLEEP", &seconds])).await;
            }
            Fault::RedisFrozen => {
                self.place.redis().pause();
                a_while(dice, 300, 4000).await;
                self.is_protected(dice).await;
                self.place.redis().resume();
            }
            Fault::RedisPaused => {
                let (length, what) = (300 + dice.below(3000), dice.one_of(&["ALL", "WRITE"]));
                self.surely(&["CLIENT", "PAUSE", &length.to_string(), what]).await;
                tokio::time::sleep(Duration::from_millis(length)).await;
            }
            Fault::RedisFull => {
                self.surely(&["CONFIG", "SET", "maxmemory", "1"]).await;
                a_while(dice, 300, 3000).await;
                self.surely(&["CONFIG", "SET", "maxmemory", "0"]).await;
            }
            Fault::RedisReadOnly => {
                self.surely(&["REPLICAOF", "127.0.0.1", "1"]).await;
                a_while(dice, 300, 3000).await;
                self.surely(&["REPLICAOF", "NO", "ONE"]).await;
            }
            Fault::ScriptsFlushed => self.again_and_again(&["SCRIPT", "FLUSH"], dice).await,
            Fault::ConnectionsCut => self.again_and_again(&["CLIENT", "KILL", "TYPE", "normal"], dice).await,
            Fault::PasswordChanged => {
                self.surely(&["CONFIG", "SET", "requirepass", "another"]).await;
                self.place.set_password(Some("another"));
                self.surely(&["CLIENT", "KILL", "TYPE", "normal"]).await;
                a_while(dice, 300, 3000).await;
                self.surely(&["CONFIG", "SET", "requirepass", ""]).await;
                self.place.set_password(None);
            }
            Fault::RedisEmptied => self.empty(dice).await,
            Fault::ValueForeign => crate::foreign::place_one(self, dice).await,
            Fault::RuntimeSilent => {
                self.silence(true).await;
                a_while(dice, 300, 4000).await;
                self.silence(false).await;
            }
            Fault::WorkersRemoved | Fault::WorkersEnded => {
                for _ in 0..=dice.below(3) {
                    lose_one(self.place, self.record, dice, fault == Fault::WorkersRemoved);
                    a_while(dice, 1, 100).await;
                }
            }
            Fault::PoolContainersLost => {
                for _ in 0..=dice.below(3) {
                    let remove = dice.below(2) == 0;
                    lose_one_of_pool(self.place, self.record, dice, remove);
                    a_while(dice, 1, 300).await;
                }
            }
            Fault::OwnRedisKilled => self.own_redis(dice).await,
            Fault::Together => {}
        }
    }

    /// Without Redis, a sole replica restores the minimum: all workers but one are taken away, and there must be two again before Redis is
    /// back.
    async fn is_protected(&self, dice: &mut Dice) {
        if !self.sole || dice.below(2) == 0 {
            return;
        }
        let running = || self.record.with(|seen| seen.containers.values().filter(|container| container.runs).count());
        while running() > 1 {
            lose_one(self.place, self.record, dice, true);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        for _ in 0..600 {
            if running() >= 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.record.with(|seen| seen.wrong.push("a sole replica did not restore the minimum without Redis".to_owned()));
    }

    /// Something befalls the leader; where nobody leads, any of them. In the end all run.
    pub async fn leader(&self, fault: Fault, dice: &mut Dice) {
        let count = self.place.replicas().len() as u64;
        let index = match self.place.leader(self.store).await {
            Some(index) => index,
            None => dice.below(count) as usize,
        };
        match fault {
            Fault::Killed => self.place.replicas()[index].kill(),
            Fault::Stopped => {
                self.place.replicas()[index].signal("-TERM");
                for _ in 0..600 {
                    if self.place.replicas()[index].has_stopped() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            _ => {
                let lease = self.lease.as_millis() as u64;
                self.place.replicas()[index].signal("-STOP");
                a_while(dice, lease + 100, lease * 5 / 2).await;
                self.place.replicas()[index].signal("-CONT");
            }
        }
        a_while(dice, 1, 1500).await;
        self.place.start_all();
    }

    /// The server, windlass, or one after the other: whatever is left starts the rest again.
    async fn own_redis(&self, dice: &mut Dice) {
        let which = dice.one_of(&["server", "windlass", "server, windlass", "windlass, server"]);
        self.record.with(|seen| seen.notes.push(format!("killed: {which}")));
        for what in which.split(", ") {
            if what == "server" {
                // Otherwise what it has confirmed may wait in its memory for a slow disk, up to two seconds long.
                self.surely(&["CONFIG", "SET", "appendfsync", "always"]).await;
                self.place.redis().kill();
            } else {
                self.place.replicas().iter_mut().for_each(crate::replica::Replica::kill);
            }
            a_while(dice, 1, 400).await;
        }
        a_while(dice, 1, 1500).await;
        self.place.start_all();
    }

    /// Everything is gone. What was written until then is recorded first, so that nobody is blamed for what the log told.
    async fn empty(&self, dice: &mut Dice) {
        self.place.replicas().iter().for_each(|replica| replica.signal("-STOP"));
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.record.catch_up(self.store).await;
        if dice.below(2) == 0 {
            self.surely(&["FLUSHALL"]).await;
        } else {
            let mut redis = self.place.redis();
            redis.kill();
            let _ = std::fs::remove_dir_all(redis.dir().join("appendonlydir"));
            redis.restart();
        }
        self.forget();
        self.place.replicas().iter().for_each(|replica| replica.signal("-CONT"));
    }

    /// What was written until now is no longer in the log.
    pub fn forget(&self) {
        self.witness.begin_anew();
        self.record.with(|seen| {
            seen.lost = seen.events.len();
            seen.commands.iter_mut().for_each(|(_, confirmed)| *confirmed = false);
        });
    }

    async fn silence(&self, silent: bool) {
        let place = self.place.clone();
        tokio::task::spawn_blocking(move || place.world.silence(silent)).await.unwrap();
    }

    async fn again_and_again(&self, words: &[&str], dice: &mut Dice) {
        for _ in 0..=dice.below(5) {
            self.surely(words).await;
            a_while(dice, 1, 300).await;
        }
    }

    /// Says something to Redis until it has heard it: it may be suffering from something else at the same time.
    pub async fn surely(&self, words: &[&str]) -> String {
        let mut last = String::new();
        for _ in 0..300 {
            let (place, words) = (self.place.clone(), words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            let telling = move || place.tell(&words.iter().map(String::as_str).collect::<Vec<_>>());
            // It may be silent for as long as another fault of this round lasts, which has to go on to its end.
            match tokio::task::spawn_blocking(telling).await.unwrap() {
                Ok(answer) => return answer,
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("Redis cannot be told: {last}");
    }
}
