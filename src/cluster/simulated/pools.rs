//! Pools of containers that nobody has to run: their load follows from a seed and the time, and is shared out among them.
//!
//! They live in a file of their own beside the simulated workers, so that a restart finds them again.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::file::{Kept, Touched, WorldFile};
use super::noise::{hash, wave};
use super::{NAME, refused, unavailable};
use crate::clock;
use crate::cluster::ClusterError;
use crate::cluster::pools::{Load, ObservedPoolContainer, PoolContainerRequest, PoolHost};
use crate::model::{ContainerId, FunctionName};

/// The form of the file.
const VERSION: u32 = 1;

/// As with a real container, the first reading has no earlier one to be compared with.
const FIRST_READING: Duration = Duration::from_millis(500);

/// A function is called in a wave that comes again after this long, and is quiet for the second half of it.
const PERIOD_MILLIS: i64 = 90_000;

/// The height of the waves, in percent of what one container can do: at least so much, and up to twice as much more.
const LEAST_PEAK: f64 = 100.0;

/// The containers of all simulated pools.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct PoolWorld {
    version: u32,
    /// How many containers were ever made: ids and addresses follow from it.
    made: u32,
    containers: BTreeMap<String, Container>,
    /// Functions whose calls are set by hand, in percent of what one container can do.
    #[serde(default)]
    demands: BTreeMap<FunctionName, f64>,
    /// Whether nobody answers.
    #[serde(default)]
    silent: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Container {
    function: FunctionName,
    id: ContainerId,
    address: IpAddr,
    port: u16,
    created_at: DateTime<Utc>,
    running: bool,
    #[serde(default)]
    ordered_by: Option<Uuid>,
}

impl Kept for PoolWorld {
    const FILE_NAME: &'static str = "simulated-pools.json";
    const VERSION: u32 = VERSION;
}

/// The simulated containers of pools.
pub struct SimulatedPools {
    file: Arc<WorldFile<PoolWorld>>,
    seed: u64,
}

impl SimulatedPools {
    /// In `data_dir`, with calls that follow from `seed`. Nothing is read or written there yet.
    #[must_use]
    pub fn new(data_dir: &Path, seed: u64) -> Self {
        Self { file: Arc::new(WorldFile::new(data_dir)), seed }
    }

    async fn access<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut PoolWorld, DateTime<Utc>) -> (T, Touched) + Send + 'static,
    ) -> Result<T, ClusterError> {
        let file = Arc::clone(&self.file);
        let access = move || {
            let (answer, _) = file.access(Some(PoolWorld::default), |world| {
                if world.silent {
                    return (None, Touched::No);
                }
                let (answer, touched) = change(world, clock::now());
                (Some(answer), touched)
            })?;
            answer.ok_or_else(|| unavailable("connection refused: it was made silent"))
        };
        let done = tokio::task::spawn_blocking(access).await;
        done.unwrap_or_else(|error| Err(unavailable(format!("the access was cut off: {error}"))))
    }
}

impl PoolWorld {
    fn create(
        &mut self,
        request: &PoolContainerRequest,
        now: DateTime<Utc>,
    ) -> Result<ObservedPoolContainer, ClusterError> {
        self.version = VERSION;
        if let Some(known) = self.containers.get_mut(&request.name) {
            if known.function != request.function {
                return Err(refused(format!(
                    "the name {} is taken by a container of {}",
                    request.name, known.function
                )));
            }
            known.running = true;
            return Ok(known.observed(&request.name));
        }
        self.made += 1;
        let [_, _, high, low] = self.made.to_be_bytes();
        let container = Container {
            function: request.function.clone(),
            id: ContainerId(format!("{:016x}{:08x}", hash(1, &request.name, 0), self.made)),
            address: IpAddr::from([10, 89, high, low]),
            port: request.port,
            created_at: now,
            running: true,
            ordered_by: request.ordered_by,
        };
        let observed = container.observed(&request.name);
        self.containers.insert(request.name.clone(), container);
        Ok(observed)
    }

    /// What each of these uses: the calls of its function, shared by all that run.
    fn load(&self, ids: &[ContainerId], seed: u64, now: DateTime<Utc>) -> HashMap<ContainerId, Load> {
        let running = || self.containers.iter().filter(|(_, container)| container.running);
        let read = running().filter(|(_, container)| {
            ids.contains(&container.id) && clock::between(container.created_at, now) >= FIRST_READING
        });
        read.map(|(name, container)| {
            let function = &container.function;
            let share = running().filter(|(_, other)| other.function == *function).count().max(1) as f64;
            let demand = self.demands.get(function).copied().unwrap_or_else(|| demand(function, seed, now));
            let cpu = (demand / share).clamp(0.0, 100.0);
            // Nobody is called exactly as often as the others; one that is not called does nothing.
            let cpu = (cpu * (1.0 + 0.04 * wave(seed, name, 11, now))).clamp(0.0, 100.0);
            let memory = 18.0 + cpu * 0.25 + 2.0 * wave(seed, name, 12, now);
            (container.id.clone(), Load { cpu_percent: Some(cpu), memory_percent: Some(memory) })
        })
        .collect()
    }
}

impl Container {
    fn observed(&self, name: &str) -> ObservedPoolContainer {
        ObservedPoolContainer {
            function: self.function.clone(),
            id: self.id.clone(),
            name: name.to_owned(),
            running: self.running,
            address: self.running.then_some(self.address),
            port: self.port,
            created_at: self.created_at,
            ordered_by: self.ordered_by,
        }
    }
}

/// How much a function is called, in percent of what one container can do: a wave, then quiet.
fn demand(function: &FunctionName, seed: u64, now: DateTime<Utc>) -> f64 {
    let phase = (hash(seed, function.as_str(), 7) % PERIOD_MILLIS.unsigned_abs()).cast_signed();
    let along = (now.timestamp_millis() + phase).rem_euclid(PERIOD_MILLIS) as f64 / PERIOD_MILLIS as f64;
    if along >= 0.5 {
        return 0.0;
    }
    let peak = LEAST_PEAK * (1.0 + 2.0 * (hash(seed, function.as_str(), 8) % 100) as f64 / 100.0);
    (along * 2.0 * std::f64::consts::PI).sin() * peak
}

#[async_trait]
impl PoolHost for SimulatedPools {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn list(&self) -> Result<Vec<ObservedPoolContainer>, ClusterError> {
        self.access(|world, _| {
            (world.containers.iter().map(|(name, container)| container.observed(name)).collect(), Touched::No)
        })
        .await
    }

    async fn load(&self, ids: &[ContainerId]) -> HashMap<ContainerId, Load> {
        let (ids, seed) = (ids.to_vec(), self.seed);
        self.access(move |world, now| (world.load(&ids, seed, now), Touched::No)).await.unwrap_or_default()
    }

    async fn create(&self, request: &PoolContainerRequest) -> Result<ObservedPoolContainer, ClusterError> {
        let request = request.clone();
        self.access(move |world, now| (world.create(&request, now), Touched::Yes)).await?
    }

    async fn remove(&self, id: &ContainerId) -> Result<(), ClusterError> {
        let id = id.clone();
        self.access(move |world, _| (world.containers.retain(|_, container| container.id != id), Touched::Yes)).await
    }
}

/// Takes a container away as `docker rm -f` would, without windlass's doing: for tests and demonstrations. Blocks for the access to
/// the file.
///
/// # Errors
/// Refused if there is no such container.
pub fn kill(data_dir: &Path, name: &str) -> Result<(), ClusterError> {
    let found = by_hand(data_dir, |world| world.containers.remove(name).is_some())?;
    if found { Ok(()) } else { Err(refused(format!("there is no simulated container {name}"))) }
}

/// Sets how much a function is called from now on, in percent of what one container can do; `None`: in waves again.
///
/// # Errors
/// Unavailable if the file cannot be used.
pub fn call(data_dir: &Path, function: &FunctionName, percent: Option<f64>) -> Result<(), ClusterError> {
    by_hand(data_dir, |world| {
        match percent {
            Some(percent) => world.demands.insert(function.clone(), percent),
            None => world.demands.remove(function),
        };
    })
}

/// Makes the runtime silent, as one that is down is, or lets it answer again.
///
/// # Errors
/// Unavailable if the file cannot be used.
pub fn silence(data_dir: &Path, silent: bool) -> Result<(), ClusterError> {
    by_hand(data_dir, |world| world.silent = silent)
}

fn by_hand<T>(data_dir: &Path, change: impl FnOnce(&mut PoolWorld) -> T) -> Result<T, ClusterError> {
    let file = WorldFile::<PoolWorld>::new(data_dir);
    let fresh = || PoolWorld { version: VERSION, ..PoolWorld::default() };
    file.access(Some(fresh), |world| (change(world), Touched::Yes)).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str) -> PoolContainerRequest {
        PoolContainerRequest {
            function: "hello".parse().unwrap(),
            name: name.to_owned(),
            image: "hello:1".to_owned(),
            port: 8080,
            ordered_by: None,
        }
    }

    #[tokio::test]
    async fn containers_stay_for_the_next_process_and_exist_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = SimulatedPools::new(folder.path(), 1);
        let made = first.create(&request("hello-1")).await.unwrap();
        assert_eq!(first.create(&request("hello-1")).await.unwrap(), made);
        let other = first.create(&request("hello-2")).await.unwrap();
        assert_ne!((made.address, &made.id), (other.address, &other.id));

        let second = SimulatedPools::new(folder.path(), 1);
        assert_eq!(second.list().await.unwrap(), [made.clone(), other]);
        second.remove(&made.id).await.unwrap();
        second.remove(&made.id).await.unwrap();
        assert_eq!(first.list().await.unwrap().len(), 1);
        silence(folder.path(), true).unwrap();
        assert!(matches!(first.list().await, Err(ClusterError::Unavailable { .. })));
        assert!(first.load(&[made.id]).await.is_empty());
    }

    #[test]
    fn load_is_shared_and_unknown_at_first() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let later = clock::after(now, FIRST_READING);
        let mut world = PoolWorld::default();
        let one = world.create(&request("hello-1"), now).unwrap().id;
        world.demands.insert("hello".parse().unwrap(), 90.0);
        let cpu = |world: &PoolWorld, at| {
            world.load(std::slice::from_ref(&one), 1, at).get(&one).and_then(|load| load.cpu_percent)
        };
        assert_eq!(cpu(&world, now), None);
        assert!(cpu(&world, later).is_some_and(|cpu| (85.0..=95.0).contains(&cpu)));
        world.create(&request("hello-2"), now).unwrap();
        assert!(cpu(&world, later).is_some_and(|cpu| (42.0..=48.0).contains(&cpu)));
        world.demands.insert("hello".parse().unwrap(), 0.0);
        assert_eq!(cpu(&world, later), Some(0.0));
    }

    #[test]
    fn by_itself_a_function_is_called_in_waves() {
        let function: FunctionName = "hello".parse().unwrap();
        let at = |second: i64| DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap();
        let course: Vec<f64> = (0..90).map(|second| demand(&function, 1, at(second))).collect();
        assert!(course.iter().filter(|demand| **demand <= 0.0).count() >= 44);
        assert!(course.iter().copied().fold(0.0, f64::max) > 95.0);
        let again: Vec<f64> = (90..180).map(|second| demand(&function, 1, at(second))).collect();
        assert!(course.iter().zip(&again).all(|(one, other)| (one - other).abs() < 1e-6));
    }
}
