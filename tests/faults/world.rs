//! The world that windlass keeps: workers and the containers of pools, simulated or real, and what can be done to them past windlass.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use windlass::clock;
use windlass::cluster::docker::labels;
use windlass::cluster::simulated::world::World as Simulated;

use crate::docker::{FUNCTION_IMAGE, FUNCTION_PORT, IMAGE, TestCluster};
use crate::file::SharedFile;
use crate::functions::{PoolContainer, PoolContainers, SimulatedPools};
use crate::plan::Plan;
use crate::proxy::Proxy;

/// A worker's container as somebody sees it who does not ask windlass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Whether it runs.
    pub runs: bool,
}

/// The workers' containers of the cluster by their names.
pub type Containers = BTreeMap<String, Container>;

/// Everything that is there at a moment.
#[derive(Debug, Default)]
pub struct Sight {
    /// The workers' containers.
    pub workers: Containers,
    /// The pools'.
    pub pools: PoolContainers,
}

/// Where the containers are.
pub enum World {
    /// In files that the replicas share: workers, pools.
    Simulated(SharedFile, SimulatedPools),
    /// In a real Docker daemon, reached through a socket that can be closed.
    Docker(TestCluster, Proxy),
}

impl World {
    /// The world of a plan; a simulated one lives in `data_dir`.
    pub fn new(plan: &Plan, data_dir: &Path) -> Self {
        if plan.docker {
            let proxy = Proxy::start(&data_dir.join("docker.sock"), &crate::docker::socket());
            return Self::Docker(TestCluster::new(), proxy);
        }
        std::fs::create_dir_all(data_dir).unwrap();
        let file = |name: &str| SharedFile::new(data_dir.join(name));
        Self::Simulated(file("simulated.json"), SimulatedPools::new(file("simulated-pools.json")))
    }

    /// The arguments with which the program finds it.
    pub fn arguments(&self, scenario: &Path) -> Vec<String> {
        let settings = match self {
            Self::Simulated(..) => vec![format!("cluster.simulated.scenario={}", scenario.display())],
            Self::Docker(cluster, proxy) => vec![
                "cluster.kind=docker".to_owned(),
                format!("cluster.docker.host=unix://{}", proxy.path().display()),
                "cluster.docker.timeout=2s".to_owned(),
                format!("workers.image={IMAGE}"),
                format!("workers.name_prefix={}", cluster.id),
                "workers.stop_timeout=1s".to_owned(),
            ],
        };
        settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect()
    }

    /// The cluster's id.
    pub fn cluster(&self) -> &str {
        match self {
            Self::Simulated(..) => "faults",
            Self::Docker(cluster, _) => &cluster.id,
        }
    }

    /// Every container, ended ones included; `None`: they cannot be seen just now.
    pub fn look(&self) -> Option<Sight> {
        match self {
            Self::Simulated(file, pools) => {
                let world: Simulated = file.read()?;
                let seen = |container: &windlass::cluster::simulated::world::Container| Container {
                    id: container.id.0.clone(),
                    runs: container.is_alive(),
                };
                let workers = world.workers.iter().map(|(name, container)| (name.to_string(), seen(container)));
                Some(Sight { workers: workers.collect(), pools: pools.containers() })
            }
            Self::Docker(cluster, _) => {
                let filter = format!("label={}={}", labels::CLUSTER, cluster.id);
                let format = format!("{{{{.Names}}}} {{{{.ID}}}} {{{{.State}}}} {{{{.Label {:?}}}}}", labels::POOL);
                let listed = docker(&["ps", "-a", "--no-trunc", "--filter", &filter, "--format", &format])?;
                let mut sight = Sight::default();
                listed.lines().for_each(|line| sight.take(line));
                Some(sight)
            }
        }
    }

    /// Whether nothing happens any more that the scenario brings.
    pub fn is_calm(&self, after: std::time::Duration) -> bool {
        match self {
            Self::Simulated(file, _) => file.read().is_some_and(|world: Simulated| world.elapsed(clock::now()) > after),
            Self::Docker(..) => true,
        }
    }

    /// Removes a worker's container, as `docker rm -f` does.
    pub fn remove(&self, name: &str) {
        match self {
            Self::Simulated(file, _) => {
                file.change(|world: &mut Simulated| world.workers.retain(|other, _| other.as_str() != name));
            }
            Self::Docker(..) => {
                docker(&["rm", "-f", "-v", name]);
            }
        }
    }

    /// Ends a worker's container, as `docker stop` or a crash does.
    pub fn end(&self, name: &str) {
        match self {
            Self::Simulated(file, _) => file.change(|world: &mut Simulated| {
                for (_, container) in world.workers.iter_mut().filter(|(other, _)| other.as_str() == name) {
                    container.exit_code = Some(137);
                }
            }),
            Self::Docker(..) => {
                docker(&["kill", name]);
            }
        }
    }

    /// Adds a container to a pool by hand, where there is none of that name: windlass finds it by its labels.
    pub fn add_to_pool(&self, function: &str, name: &str) {
        match self {
            Self::Simulated(_, pools) => pools.add(function, name),
            Self::Docker(cluster, _) => {
                let label = |name: &str, value: &str| format!("{name}={value}");
                let labels = [
                    label(labels::CLUSTER, &cluster.id),
                    label(labels::POOL, function),
                    label(labels::PORT, &FUNCTION_PORT.to_string()),
                ];
                let mut words = vec!["run", "-d", "--name", name];
                words.extend(labels.iter().flat_map(|label| ["--label", label.as_str()]));
                words.push(FUNCTION_IMAGE);
                docker(&words);
            }
        }
    }

    /// Removes a pool's container.
    pub fn remove_of_pool(&self, name: &str) {
        match self {
            Self::Simulated(_, pools) => pools.remove(name),
            Self::Docker(..) => self.remove(name),
        }
    }

    /// Ends a pool's container; `aged`, where that can be had: as one that was made long ago.
    pub fn end_of_pool(&self, name: &str, aged: bool) {
        match self {
            Self::Simulated(_, pools) => pools.end(name, aged),
            Self::Docker(..) => self.end(name),
        }
    }

    /// How much a function is called from now on, in percent of what one container can do; nobody calls a real one.
    pub fn call(&self, function: &str, percent: f64) {
        if let Self::Simulated(_, pools) = self {
            pools.call(function, percent);
        }
    }

    /// From now on nobody gets an answer, or does again.
    pub fn silence(&self, silent: bool) {
        match self {
            Self::Simulated(file, pools) => {
                file.hide(silent);
                pools.hide(silent);
            }
            Self::Docker(_, proxy) => proxy.close(silent),
        }
    }
}

impl Sight {
    /// A line of `docker ps`: name, id, state, pool.
    fn take(&mut self, line: &str) {
        let mut words = line.split(' ').map(str::to_owned);
        let (Some(name), Some(id), Some(state)) = (words.next(), words.next(), words.next()) else { return };
        // One that is being made or removed is neither here nor there.
        let runs = matches!(state.as_str(), "running" | "restarting" | "removing");
        match words.next().filter(|function| !function.is_empty()) {
            None => drop(self.workers.insert(name, Container { id, runs })),
            Some(function) => drop(self.pools.insert(name, PoolContainer { id, function, runs, is_old: None })),
        }
    }
}

/// The docker command line; `None` where it failed.
fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().expect("the docker command line");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
