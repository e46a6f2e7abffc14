//! The engine in this process, with its HTTP server where one is configured: started, watched, stopped.

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use windlass::clock;
use windlass::cluster;
use windlass::engine::{Engine, Parts, Standing};
use windlass::handlers;
use windlass::model::{LeaderInfo, ReplicaId};
use windlass::{http, viewer};

use super::failure::Failure;
use super::memory::Memory;
use super::settings::Settings;
use super::signals::Signals;

/// An engine that runs.
pub struct RunningEngine {
    task: JoinHandle<()>,
    stop: CancellationToken,
    /// Where it stands.
    pub standing: watch::Receiver<Standing>,
    /// This replica.
    pub replica: ReplicaId,
}

impl RunningEngine {
    /// Starts it on a memory.
    pub async fn start(settings: &Settings, memory: &Memory) -> Result<Self, Failure> {
        let cluster = cluster::connect(&settings.config, settings.data_dir())?;
        let replica = replica();
        let (engine, standing) = Engine::new(Parts {
            config: settings.config.clone(),
            store: memory.store.clone(),
            server: memory.server(),
            cluster,
            replica: replica.clone(),
            handlers: handlers::enabled(&settings.config),
            data_dir: Some(settings.data_dir.clone()),
            clock: clock::Clock::system(),
        });
        let stop = CancellationToken::new();
        if settings.config.http.listen.is_some() {
            let cluster = settings.config.cluster.id.clone();
            let views = viewer::follow(memory.store.clone(), cluster, stop.clone());
            let (config, store) = (settings.config.clone(), memory.store.clone());
            http::serve(config, store, views, Some(standing.clone()), Some(engine.pools()), stop.clone()).await?;
        }
        let task = tokio::spawn(engine.run(stop.clone()));
        Ok(Self { task, stop, standing, replica })
    }

    /// Waits until it has ended by itself, which it only does by a panic.
    pub async fn ended(&mut self) -> Failure {
        // A task that was joined once must not be polled again.
        match (&mut self.task).await {
            Ok(()) => Failure::failed("the engine has ended by itself"),
            Err(error) => {
                Failure::Failed(format!("the engine has ended by a fault of its own: {error}; the log tells more"))
            }
        }
    }

    /// Stops it: the lease is given up. A signal meanwhile ends the wait, and what is under way is left to the next engine.
    pub async fn stop(self, signals: &mut Signals) -> Result<(), Failure> {
        self.stop.cancel();
        if self.task.is_finished() {
            return Ok(());
        }
        tokio::select! {
            _ = self.task => Ok(()),
            name = signals.next() => {
                Err(Failure::Failed(format!("ended by a second {name}; the next engine goes on with what was under way")))
            }
        }
    }
}

/// This process among those that may keep the same cluster: `host:pid:random`.
fn replica() -> ReplicaId {
    let host = host();
    let id = clock::fresh_id(clock::now()).simple().to_string();
    let random = id.get(id.len().saturating_sub(6)..).unwrap_or_default();
    ReplicaId(format!("{host}:{}:{random}", std::process::id()))
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().replace(':', "-")
}

/// Whether a leader is a process of this machine that has gone: its lease only has to run out.
#[must_use]
pub fn is_gone(leader: &LeaderInfo) -> bool {
    let mut parts = leader.replica.0.split(':');
    let (Some(name), Some(pid)) = (parts.next(), parts.next().and_then(|pid| pid.parse().ok())) else {
        return false;
    };
    let pid = rustix::process::Pid::from_raw(pid);
    let absent = |pid| matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH));
    name == host() && pid.is_some_and(absent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leader(replica: String) -> LeaderInfo {
        LeaderInfo { replica: ReplicaId(replica), epoch: 1 }
    }

    #[test]
    fn only_a_process_of_this_machine_is_known_to_be_gone() {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("it ends");
        assert!(is_gone(&leader(format!("{}:{}:abc", host(), child.id()))));
        assert!(!is_gone(&leader(format!("another-{}:{}:abc", host(), child.id()))));
        assert!(!is_gone(&leader(replica().0)));
        assert!(!is_gone(&leader("whatever".to_owned())));
    }
}
