//! A cluster that needs no containers at all: seeded, deterministic, and full of trouble where its scenario wants that.
//!
//! The world is pure (`world.rs`, `look.rs`); it lives in a file that several processes share, so that what one does the others see.

mod file;
pub mod incident;
mod incident_file;
mod look;
mod noise;
pub mod pools;
pub mod scenario;
pub mod scenario_file;
mod suffer;
pub mod world;

#[cfg(test)]
mod incident_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use self::file::{Stamp, Touched, WorldFile};
use self::scenario::Scenario;
use self::world::World;
use super::{ClusterError, CreatedWorker, Scheduler, WorkerHost, WorkerRequest};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::model::{ObservedWorker, PendingPods, WorkerName};

/// How this adapter is called in messages.
const NAME: &str = "simulated";

/// So often the file is looked at for changes by others: what happens in this world itself is known beforehand.
const POLL: Duration = Duration::from_millis(250);

/// The simulated cluster: its containers, and the scheduler that places work on them.
pub struct Simulated {
    file: Arc<WorldFile<World>>,
    seed: u64,
    scenario: Arc<Scenario>,
    /// Whether the configured scenario is the one that the world plays.
    playing: Arc<AtomicBool>,
    last_look: Mutex<Option<Look>>,
    clock: Clock,
}

/// What is known since the last look.
#[derive(Debug, Clone, Copy)]
struct Look {
    stamp: Option<Stamp>,
    /// When the world changes next by itself.
    next: Option<DateTime<Utc>>,
}

impl Simulated {
    /// For the configured scenario and seed, in `data_dir`. Nothing is read or written there yet.
    ///
    /// # Errors
    /// Refused if the scenario is not known or wrong.
    pub fn new(config: &Config, data_dir: &Path) -> Result<Self, ClusterError> {
        let simulated = &config.cluster.simulated;
        let scenario = scenario_file::load(simulated.scenario.as_deref()).map_err(refused)?;
        Ok(Self {
            file: Arc::new(WorldFile::new(data_dir)),
            seed: simulated.seed,
            scenario: Arc::new(scenario),
            playing: Arc::new(AtomicBool::new(false)),
            last_look: Mutex::new(None),
            clock: Clock::system(),
        })
    }

    /// The same on another clock.
    #[must_use]
    pub fn on(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// One access to the world as it is now. While the scenario wants silence there is no answer; the world goes on all the same.
    async fn access<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut World, DateTime<Utc>) -> (T, Touched) + Send + 'static,
    ) -> Result<(T, Option<Stamp>), ClusterError> {
        let (file, seed, scenario, playing) =
            (Arc::clone(&self.file), self.seed, Arc::clone(&self.scenario), Arc::clone(&self.playing));
        let clock = self.clock.clone();
        let access = move || {
            let now = clock.now();
            file.access(Some(|| World::new(seed, (*scenario).clone(), now)), |world| {
                // Only when a process begins: two with different scenarios must not restart the world in turns.
                let begun = !playing.swap(true, Ordering::Relaxed) && world.play(seed, &scenario, now);
                let happened = world.advance(now);
                let (answer, touched) = if world.scenario.is_unreachable(world.elapsed(now)) {
                    let silent = format!("connection refused: unreachable in the scenario {:?}", world.scenario.name);
                    (Err(unavailable(silent)), Touched::No)
                } else {
                    let (value, touched) = change(world, now);
                    (Ok(value), touched)
                };
                (answer, if begun || happened { Touched::Yes } else { touched })
            })
        };
        let done = tokio::task::spawn_blocking(access).await;
        let (answer, stamp) =
            done.unwrap_or_else(|error| Err(unavailable(format!("the access was cut off: {error}"))))?;
        Ok((answer?, stamp))
    }

    /// An access that only looks, and remembers what it saw.
    async fn look<T: Send + 'static>(
        &self,
        see: impl FnOnce(&World, DateTime<Utc>) -> T + Send + 'static,
    ) -> Result<T, ClusterError> {
        let seen = self.access(|world, now| ((see(world, now), world.next_instant(now)), Touched::No)).await?;
        let ((value, next), stamp) = seen;
        *self.last_look() = Some(Look { stamp, next });
        Ok(value)
    }

    fn last_look(&self) -> MutexGuard<'_, Option<Look>> {
        self.last_look.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl WorkerHost for Simulated {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn list(&self) -> Result<BTreeMap<WorkerName, ObservedWorker>, ClusterError> {
        self.look(World::observe).await
    }

    async fn create(&self, request: &WorkerRequest) -> Result<CreatedWorker, ClusterError> {
        let request = request.clone();
        let (created, _) = self.access(move |world, now| (world.create(&request, now), Touched::Yes)).await?;
        created.map_err(refused)
    }

    async fn remove(&self, name: &WorkerName) -> Result<(), ClusterError> {
        let name = name.clone();
        self.access(move |world, _| ((), if world.remove(&name) { Touched::Yes } else { Touched::No })).await?;
        Ok(())
    }

    async fn changed(&self) -> Result<(), ClusterError> {
        // A caller that has not looked since the last change was told is not told the same again.
        if self.last_look().is_none() {
            self.look(|_, _| ()).await?;
        }
        let Some(Look { stamp, next }) = *self.last_look() else { return Ok(()) };
        loop {
            let now = self.clock.now();
            let left = next.map(|next| clock::between(now, next));
            if left.is_some_and(|left| left.is_zero()) || self.file.stamp() != stamp {
                // What is to be told may be that nobody answers. Forgotten only then: a caller that goes in between is told later.
                let answer = self.access(|_, _| ((), Touched::No)).await;
                *self.last_look() = None;
                return answer.map(|_| ());
            }
            tokio::time::sleep(left.unwrap_or(POLL).min(POLL)).await;
        }
    }
}

#[async_trait]
impl Scheduler for Simulated {
    async fn pending(&self) -> Result<PendingPods, ClusterError> {
        Ok(self.access(|world, now| (world.pending(now), Touched::No)).await?.0)
    }

    async fn ready_nodes(&self) -> Result<u32, ClusterError> {
        Ok(self.access(|world, now| (world.ready(now), Touched::No)).await?.0)
    }

    async fn drain(&self, name: &WorkerName) -> Result<u32, ClusterError> {
        let wanted = name.clone();
        let access = self.access(move |world, _| ((world.pods_on(&wanted), world.scenario.drain), Touched::No)).await?;
        let (pods, takes) = access.0;
        let pods = pods.ok_or_else(|| refused(format!("cannot drain {name}: there is no such node")))?;
        self.clock.sleep(takes.get()).await;
        // Whether it has come to its end is not known where nobody answers by then.
        self.access(|_, _| ((), Touched::No)).await?;
        Ok(pods)
    }
}

/// Takes a worker away as `docker rm -f` would, without windlass's doing: for tests and demonstrations. Blocks for the access to the
/// world's file.
///
/// # Errors
/// Refused if there is no world in `data_dir` or no worker of that name in it.
pub fn kill(data_dir: &Path, name: &WorkerName) -> Result<(), ClusterError> {
    let file = WorldFile::<World>::new(data_dir);
    let (found, _) = file.access(None::<fn() -> World>, |world| {
        let found = world.remove(name);
        (found, if found { Touched::Yes } else { Touched::No })
    })?;
    if found { Ok(()) } else { Err(refused(format!("there is no simulated worker {name}"))) }
}

fn unavailable(error: impl Into<String>) -> ClusterError {
    ClusterError::Unavailable { cluster: NAME, error: error.into() }
}

fn refused(error: impl Into<String>) -> ClusterError {
    ClusterError::Refused { cluster: NAME, error: error.into() }
}
