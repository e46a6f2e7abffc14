//! Where a round happens: a Redis of its own that forgets nothing it has confirmed, a world, and replicas of windlass.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use windlass::store::{Address, Keys, Store};

use crate::dice::Dice;
use crate::plan::Plan;
use crate::program::Home;
use crate::redis::TestRedis;
use crate::replica::Replica;
use crate::server::Server;
use crate::tell::tell;
use crate::world::World;

/// The stream of a cluster that is configured as nothing else says.
const STREAM: &str = "autoscaler_events";

/// See the module.
pub struct Place {
    /// Containers.
    pub world: World,
    redis: Mutex<Server>,
    socket: PathBuf,
    replicas: Mutex<Vec<Replica>>,
    home: Home,
    arguments: Vec<String>,
    password: Mutex<Option<String>>,
}

impl Place {
    /// Everything but the replicas runs.
    pub fn new(plan: &Plan, dice: &mut Dice) -> Self {
        let home = Home::new();
        let world = World::new(plan, &home.path("data"));
        let more = ["--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "local"];
        let redis =
            if plan.is_self_served() { Server::Own(home.path("data")) } else { Server::Given(TestRedis::with(&more)) };
        let (scenario, config) = (home.path("scenario.yaml"), home.path("windlass.yaml"));
        std::fs::write(&scenario, Plan::scenario(dice)).unwrap();
        std::fs::write(&config, plan.config(world.cluster())).unwrap();
        let url = format!("unix://{}", redis.socket().display());
        let mut arguments = ["run", "--config", &config.display().to_string()].map(str::to_owned).to_vec();
        if !plan.is_self_served() {
            arguments.extend(["--redis-url".to_owned(), url]);
        }
        arguments.extend(world.arguments(&scenario));
        let excused = plan.denies_redis();
        let replicas = (1..=plan.replicas).map(|number| Replica::new(number, &home, excused)).collect();
        Self {
            world,
            socket: redis.socket(),
            redis: Mutex::new(redis),
            replicas: Mutex::new(replicas),
            home,
            arguments,
            password: Mutex::new(None),
        }
    }

    /// Redis's socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A look at what is remembered, past windlass.
    pub async fn connect(&self) -> Store {
        let address =
            Address::new(&format!("unix://{}", self.socket.display()), None, None, Duration::from_secs(2)).unwrap();
        let keys = Keys::new(&self.world.cluster().parse().unwrap(), STREAM);
        for _ in 0..600 {
            if let Ok(store) = Store::connect(address.clone(), keys.clone()).await {
                return store;
            }
            // Windlass starts its own.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no Redis to look at");
    }

    /// The server.
    pub fn redis(&self) -> MutexGuard<'_, Server> {
        self.redis.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Says something to the server; what it answers, or why it did not.
    pub fn tell(&self, words: &[&str]) -> Result<String, String> {
        let password = self.password.lock().unwrap().clone();
        let answer = tell(&self.socket, password.as_deref(), words).map_err(|error| format!("{words:?}: {error}"))?;
        if answer.starts_with('-') { Err(format!("{words:?}: {answer}")) } else { Ok(answer) }
    }

    /// The password that the harness itself uses.
    pub fn set_password(&self, password: Option<&str>) {
        *self.password.lock().unwrap() = password.map(str::to_owned);
    }

    /// The replicas.
    pub fn replicas(&self) -> MutexGuard<'_, Vec<Replica>> {
        self.replicas.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts every replica that does not run.
    pub fn start_all(&self) {
        for replica in self.replicas().iter_mut() {
            replica.start(&self.home, &self.arguments);
        }
    }

    /// Sees to it that every replica runs. One that found no Redis to start with is started again, as a service manager would.
    pub fn supervise(&self) {
        for replica in self.replicas().iter_mut() {
            if !replica.check() && replica.wrong_ends.is_empty() {
                replica.start(&self.home, &self.arguments);
            }
        }
    }

    /// The index of the replica that leads, as the lease says.
    pub async fn leader(&self, store: &Store) -> Option<usize> {
        let replica = store.leader().await.ok()??.replica.0;
        let pid: u32 = replica.split(':').nth(1)?.parse().ok()?;
        self.replicas().iter().position(|replica| replica.pid() == Some(pid))
    }

    /// Where the replicas that run answer over HTTP.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.replicas().iter().filter_map(Replica::address).collect()
    }

    /// What the replicas said, all of it.
    pub fn logs(&self) -> Vec<(PathBuf, String)> {
        let files = std::fs::read_dir(self.home.path(".")).into_iter().flatten().flatten().map(|entry| entry.path());
        let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect()
    }

    /// Copies everything that may tell what went wrong.
    pub fn keep(&self, folder: &Path) {
        let _ = std::fs::remove_dir_all(folder);
        let _ = std::fs::create_dir_all(folder);
        for from in [self.home.path("."), self.redis().dir().to_owned()] {
            let _ = std::process::Command::new("cp")
                .arg("-r")
                .arg(from)
                .arg(folder)
                .stderr(std::process::Stdio::null())
                .status();
        }
    }
}
