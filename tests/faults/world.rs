//! The world that windlass keeps: containers, simulated or real, and what can be done to them past windlass.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use windlass::clock;
use windlass::cluster::docker::labels;
use windlass::cluster::simulated::world::World as Simulated;

use crate::docker::{IMAGE, TestCluster};
use crate::plan::Plan;
use crate::proxy::Proxy;

/// A container as somebody sees it who does not ask windlass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Whether it runs.
    pub runs: bool,
}

/// The containers of the cluster by their names.
pub type Containers = BTreeMap<String, Container>;

/// Where the containers are.
pub enum World {
    /// In a file that the replicas share.
    Simulated(PathBuf),
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
        Self::Simulated(data_dir.join("simulated.json"))
    }

    /// The arguments with which the program finds it.
    pub fn arguments(&self, scenario: &Path) -> Vec<String> {
        let settings = match self {
            Self::Simulated(_) => vec![format!("cluster.simulated.scenario={}", scenario.display())],
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
            Self::Simulated(_) => "faults",
            Self::Docker(cluster, _) => &cluster.id,
        }
    }

    /// Every container, ended ones included; `None`: they cannot be seen just now.
    pub fn containers(&self) -> Option<Containers> {
        match self {
            Self::Simulated(file) => {
                let world = simulated(file)?;
                let seen = |container: &windlass::cluster::simulated::world::Container| Container {
                    id: container.id.0.clone(),
                    runs: container.is_alive(),
                };
                Some(world.workers.iter().map(|(name, container)| (name.to_string(), seen(container))).collect())
            }
            Self::Docker(cluster, _) => {
                let filter = format!("label={}={}", labels::CLUSTER, cluster.id);
                let format = "{{.Names}} {{.ID}} {{.State}}";
                let listed = docker(&["ps", "-a", "--no-trunc", "--filter", &filter, "--format", format])?;
                let line = |line: &str| {
                    let mut words = line.split(' ');
                    let (name, id) = (words.next()?.to_owned(), words.next()?.to_owned());
                    // One that is being made or removed is neither here nor there.
                    let state = words.next()?;
                    Some((name, Container { id, runs: matches!(state, "running" | "restarting" | "removing") }))
                };
                Some(listed.lines().filter_map(line).collect())
            }
        }
    }

    /// Whether nothing happens any more that the scenario brings.
    pub fn is_calm(&self, after: std::time::Duration) -> bool {
        match self {
            Self::Simulated(file) => simulated(file).is_some_and(|world| world.elapsed(clock::now()) > after),
            Self::Docker(..) => true,
        }
    }

    /// Removes a container, as `docker rm -f` does.
    pub fn remove(&self, name: &str) {
        match self {
            Self::Simulated(file) => change(file, |world| world.workers.retain(|other, _| other.as_str() != name)),
            Self::Docker(..) => {
                docker(&["rm", "-f", "-v", name]);
            }
        }
    }

    /// Ends a container, as `docker stop` or a crash does.
    pub fn end(&self, name: &str) {
        match self {
            Self::Simulated(file) => change(file, |world| {
                for (_, container) in world.workers.iter_mut().filter(|(other, _)| other.as_str() == name) {
                    container.exit_code = Some(137);
                }
            }),
            Self::Docker(..) => {
                docker(&["kill", name]);
            }
        }
    }

    /// From now on nobody gets an answer, or does again.
    pub fn silence(&self, silent: bool) {
        match self {
            // What is no file cannot be read: an error of the world, not an empty world.
            Self::Simulated(file) => {
                let lock = lock(file);
                if silent && file.is_file() {
                    fs::rename(file, away(file)).unwrap();
                    fs::create_dir(file).unwrap();
                } else if !silent && file.is_dir() {
                    fs::remove_dir(file).unwrap();
                    fs::rename(away(file), file).unwrap();
                }
                drop(lock);
            }
            Self::Docker(_, proxy) => proxy.close(silent),
        }
    }
}

fn away(file: &Path) -> PathBuf {
    file.with_extension("away")
}

fn simulated(file: &Path) -> Option<Simulated> {
    // While nobody gets an answer, it goes on elsewhere.
    let text = fs::read(file).or_else(|_| fs::read(away(file))).ok()?;
    serde_json::from_slice(&text).ok()
}

/// As windlass locks it: whoever holds this is alone with the world.
fn lock(file: &Path) -> fs::File {
    let lock = fs::File::options().create(true).append(true).open(file.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    lock
}

fn change(file: &Path, change: impl FnOnce(&mut Simulated)) {
    let _alone = lock(file);
    let file = if file.is_dir() { away(file) } else { file.to_owned() };
    let Some(mut world) = simulated(&file) else { return };
    change(&mut world);
    let draft = file.with_extension("changed");
    fs::write(&draft, serde_json::to_vec(&world).unwrap()).unwrap();
    fs::rename(draft, file).unwrap();
}

/// The docker command line; `None` where it failed.
fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().expect("the docker command line");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
