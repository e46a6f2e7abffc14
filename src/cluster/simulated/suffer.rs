//! What the world's workers suffer when something goes wrong. Pure.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::incident::{Crash, Target, Trouble};
use super::noise::hash;
use super::world::World;
use crate::clock::after;
use crate::model::{WorkerKind, WorkerName};

/// What the kernel's `kill -9` leaves as an exit code.
const KILLED: i64 = 137;

impl World {
    /// Takes in something that goes wrong at a moment.
    pub(super) fn suffer(&mut self, trouble: &Trouble, at: DateTime<Utc>) {
        match trouble {
            Trouble::Crash(crash) => {
                for name in self.victims(crash, at) {
                    if let Some(worker) = self.workers.get_mut(&name) {
                        worker.exit_code = Some(KILLED);
                    }
                }
            }
            Trouble::Unhealthy(sickness) => {
                let until = after(at, sickness.lasts.get());
                let salt = at.timestamp_millis().cast_unsigned();
                let mut healthy: Vec<_> = self.workers.iter_mut().filter(|(_, worker)| worker.is_ready(at)).collect();
                healthy.sort_by_key(|(name, _)| hash(self.seed, name.as_str(), salt));
                for (_, worker) in healthy.into_iter().take(sickness.count as usize) {
                    worker.unhealthy_until = Some(until);
                }
            }
            Trouble::Stray(count) => {
                for _ in 0..*count {
                    self.stray(at);
                }
            }
            // They are looked up: when a worker is made, and when somebody asks.
            Trouble::SlowStart(_) | Trouble::FailingStart(_) | Trouble::Unreachable(_) => {}
        }
    }

    /// A container that nobody made. Windlass never allocates its name: no number it counts begins with a zero.
    fn stray(&mut self, at: DateTime<Utc>) {
        let first = self.made.wrapping_add(1);
        let mut names = (first..).filter_map(|number| format!("stray-0{number}").parse::<WorkerName>().ok());
        // The name may be a permanent worker's.
        if let Some(name) = names.find(|name| !self.workers.contains_key(name)) {
            let container = self.container(&name, WorkerKind::Dynamic, Uuid::nil(), at);
            self.workers.insert(name, container);
        }
    }

    /// The workers that a crash takes: of those that lived at that moment.
    fn victims(&self, crash: &Crash, at: DateTime<Utc>) -> Vec<WorkerName> {
        let mut alive: Vec<_> =
            self.workers.iter().filter(|(_, worker)| worker.is_alive() && worker.created_at <= at).collect();
        // Made at the same moment: the higher number is the younger.
        alive.sort_by_key(|(name, worker)| {
            Reverse((worker.created_at, name.number(), hash(self.seed, name.as_str(), 0)))
        });
        let names = || alive.iter().map(|(name, _)| (*name).clone());
        match crash {
            Crash::Youngest(count) => names().take(*count as usize).collect(),
            Crash::One { worker: Target::Youngest } => names().take(1).collect(),
            Crash::One { worker: Target::Oldest } => names().next_back().into_iter().collect(),
            Crash::One { worker: Target::Random } => {
                let salt = at.timestamp_millis().cast_unsigned();
                names().min_by_key(|name| hash(self.seed, name.as_str(), salt)).into_iter().collect()
            }
            Crash::One { worker: Target::Named(wanted) } => names().filter(|name| name == wanted).collect(),
        }
    }
}
