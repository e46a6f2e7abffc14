//! The simulated world: its workers, and what becomes of them. Pure: seed, scenario, start and `now` decide everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::file::Kept;
use super::scenario::{Arrivals, Happening, Scenario, Start};
use crate::clock::{after, between};
use crate::cluster::{CreatedWorker, WorkerRequest};
use crate::model::{ContainerId, WorkerKind, WorkerName};

/// The form of the world's file.
pub const VERSION: u32 = 1;

/// What a program that gives up leaves as an exit code.
const FAILURE: i64 = 1;

/// A worker that does not come to be gives up after this long, or half-way to its readiness where that is sooner.
const GIVES_UP_AFTER: Duration = Duration::from_secs(1);

/// A world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// [`VERSION`].
    pub version: u32,
    /// The seed of everything that varies.
    pub seed: u64,
    /// When the scenario began.
    pub started_at: DateTime<Utc>,
    /// What has happened up to here is done, and happens no second time.
    pub applied_until: Option<DateTime<Utc>>,
    /// How many containers were ever made: the source of their ids.
    pub made: u64,
    /// The containers.
    pub workers: BTreeMap<WorkerName, Container>,
    /// Pods that wait for room.
    pub waiting: Option<Waiting>,
    /// What happens.
    pub scenario: Scenario,
}

/// A simulated container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its id.
    pub id: ContainerId,
    /// Permanent or dynamic.
    pub kind: WorkerKind,
    /// The operation that made it.
    pub operation: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it takes work.
    pub ready_at: DateTime<Utc>,
    /// When it ends with an error, where its start is to fail.
    #[serde(default)]
    pub fails_at: Option<DateTime<Utc>>,
    /// Its exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// Until when its health check fails.
    pub unhealthy_until: Option<DateTime<Utc>>,
}

/// Pods that came when there was no room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// When they came.
    pub since: DateTime<Utc>,
    /// How many workers were ready then: more of them make room.
    pub ready_then: u32,
    /// The pods.
    pub arrivals: Arrivals,
}

impl Container {
    /// Whether it runs.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        self.exit_code.is_none()
    }

    /// Whether its health check fails.
    #[must_use]
    pub fn is_unhealthy(&self, now: DateTime<Utc>) -> bool {
        self.unhealthy_until.is_some_and(|until| now < until)
    }

    /// Whether it takes work.
    #[must_use]
    pub fn is_ready(&self, now: DateTime<Utc>) -> bool {
        self.is_alive() && now >= self.ready_at && !self.is_unhealthy(now)
    }
}

impl Kept for World {
    const FILE_NAME: &'static str = "simulated.json";
    const VERSION: u32 = VERSION;
}

impl World {
    /// An empty world in which `scenario` begins now.
    #[must_use]
    pub const fn new(seed: u64, scenario: Scenario, now: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            seed,
            started_at: now,
            applied_until: None,
            made: 0,
            workers: BTreeMap::new(),
            waiting: None,
            scenario,
        }
    }

    /// Begins another scenario, or the same with another seed, with the workers that are there. Returns whether it is another one.
    pub fn play(&mut self, seed: u64, scenario: &Scenario, now: DateTime<Utc>) -> bool {
        if self.seed == seed && self.scenario == *scenario {
            return false;
        }
        self.seed = seed;
        self.scenario = scenario.clone();
        self.started_at = now;
        self.applied_until = None;
        self.waiting = None;
        true
    }

    /// Takes in what happened until now, each thing exactly once. Returns whether anything did.
    pub fn advance(&mut self, now: DateTime<Utc>) -> bool {
        if now < self.started_at || self.applied_until.is_some_and(|done| now <= done) {
            return false;
        }
        let scenario = self.scenario.clone();
        let since = self.applied_until.map(|done| between(self.started_at, done));
        let happenings = scenario.happenings(since, between(self.started_at, now));
        let mut changed = !happenings.is_empty();
        for (elapsed, happening) in &happenings {
            let at = after(self.started_at, *elapsed);
            // In the order of time: what ended before a moment is not there to suffer at it.
            changed |= self.give_up(at);
            match happening {
                Happening::Phase(phase) => {
                    self.waiting = phase
                        .pending
                        .clone()
                        .filter(|arrivals| arrivals.count > 0)
                        .map(|arrivals| Waiting { since: at, ready_then: self.ready(at), arrivals });
                }
                Happening::Incident(incident) => self.suffer(&incident.what, at),
            }
            self.applied_until = Some(at);
        }
        self.give_up(now) || changed
    }

    /// Ends the workers whose start has failed until `at`. Returns whether there were any.
    fn give_up(&mut self, at: DateTime<Utc>) -> bool {
        let mut any = false;
        for worker in self.workers.values_mut().filter(|worker| worker.is_alive()) {
            if worker.fails_at.is_some_and(|fails_at| fails_at <= at) {
                worker.exit_code = Some(FAILURE);
                any = true;
            }
        }
        any
    }

    /// Makes a worker, or starts the one of that name again.
    ///
    /// # Errors
    /// Why it is refused, where the scenario wants that.
    pub fn create(&mut self, request: &WorkerRequest, now: DateTime<Utc>) -> Result<CreatedWorker, String> {
        let elapsed = self.elapsed(now);
        let startup = self.scenario.startup(elapsed);
        let start = self.scenario.start(elapsed);
        let refusal =
            format!("{} cannot be started: failing_start of the scenario {:?}", request.name, self.scenario.name);
        let ready_at = after(now, startup);
        let fails_at = (start == Start::Fails).then(|| after(now, GIVES_UP_AFTER.min(startup / 2)));
        if let Some(known) = self.workers.get_mut(&request.name) {
            if !known.is_alive() {
                if start == Start::Refused {
                    return Err(refusal);
                }
                (known.exit_code, known.unhealthy_until) = (None, None);
                (known.ready_at, known.fails_at) = (ready_at, fails_at);
            }
            return Ok(CreatedWorker { container_id: known.id.clone(), created_at: known.created_at, adopted: true });
        }
        if start == Start::Refused {
            return Err(refusal);
        }
        let running = self.container(&request.name, request.kind, request.operation, now);
        let created = CreatedWorker { container_id: running.id.clone(), created_at: now, adopted: false };
        self.workers.insert(request.name.clone(), Container { ready_at, fails_at, ..running });
        Ok(created)
    }

    /// A new container, ready at once, that is not in the world yet.
    pub(super) fn container(
        &mut self,
        name: &WorkerName,
        kind: WorkerKind,
        operation: Uuid,
        now: DateTime<Utc>,
    ) -> Container {
        self.made = self.made.wrapping_add(1);
        Container {
            id: container_id(self.seed, self.made, name),
            kind,
            operation,
            created_at: now,
            ready_at: now,
            fails_at: None,
            exit_code: None,
            unhealthy_until: None,
        }
    }

    /// Takes a worker away. Returns whether there was one.
    pub fn remove(&mut self, name: &WorkerName) -> bool {
        self.workers.remove(name).is_some()
    }

    /// How many workers take work.
    #[must_use]
    pub fn ready(&self, now: DateTime<Utc>) -> u32 {
        u32::try_from(self.workers.values().filter(|worker| worker.is_ready(now)).count()).unwrap_or(u32::MAX)
    }

    /// When something changes by itself after `now`.
    #[must_use]
    pub fn next_instant(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let happening = self.scenario.next_happening(self.elapsed(now)).map(|elapsed| after(self.started_at, elapsed));
        let alive = self.workers.values().filter(|worker| worker.is_alive());
        let turns = alive.flat_map(|worker| [Some(worker.ready_at), worker.unhealthy_until, worker.fails_at]).flatten();
        turns.chain(happening).filter(|at| *at > now).min()
    }

    /// How long the scenario has been going on.
    #[must_use]
    pub fn elapsed(&self, now: DateTime<Utc>) -> Duration {
        between(self.started_at, now)
    }
}

/// 64 hexadecimal digits, as Docker has them.
fn container_id(seed: u64, number: u64, name: &WorkerName) -> ContainerId {
    let digest = Sha256::digest(format!("{seed}/{number}/{name}"));
    ContainerId(digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
