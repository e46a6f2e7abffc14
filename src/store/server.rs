//! The embedded default: a Redis of windlass's own, on a private socket, with its data in a directory.
//!
//! The first windlass starts it, every other one on the same directory shares it, the last one out stops it. It is a process of its
//! own, in a process group of its own: neither Ctrl-C nor a SIGKILL of windlass takes it down, and the next windlass adopts it.

mod clients;
mod data_dir;
mod error;
mod launch;
mod probe;
mod program;
mod socket;

use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;

pub use clients::client_name;
pub use error::ServerError;
pub use program::ProgramSearch;
pub use socket::short_dirs;

use crate::clock::Stopwatch;
use crate::config::Bytes;
use data_dir::DataDir;
use launch::bring_up;
use probe::{Probe, probe};

/// Between two looks at a server that is starting or stopping.
const PAUSE: Duration = Duration::from_millis(20);

/// What a private server needs to know.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where the data is; made where there is nothing yet.
    pub data_dir: PathBuf,
    /// The memory limit of a server that is started. One that runs already keeps its own.
    pub maxmemory: Bytes,
    /// Where the program is looked for.
    pub programs: ProgramSearch,
    /// Where a short way to the socket may be made, when its own path is too long.
    pub short_dirs: Vec<PathBuf>,
    /// How long a server has to answer, or to stop, before that is an error. One that is still reading its data gets longer.
    pub patience: Duration,
    /// How long reading the data may take.
    pub loading_patience: Duration,
}

impl ServerOptions {
    /// The usual: the program from PATH, 15 seconds to answer, 10 minutes to read the data.
    #[must_use]
    pub fn new(data_dir: &Path, maxmemory: Bytes) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            maxmemory,
            programs: ProgramSearch::on_path(std::env::var_os("PATH").as_deref()),
            short_dirs: short_dirs(std::env::var_os("XDG_RUNTIME_DIR")),
            patience: Duration::from_secs(15),
            loading_patience: Duration::from_secs(600),
        }
    }
}

/// What became of the server when its user left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// It was stopped, all data on disk.
    Stopped,
    /// It runs on for these other processes.
    LeftTo(Vec<u32>),
}

/// Who answers on a data directory's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// Our server.
    Ours,
    /// A server that does not answer yet, or not any more; what was said.
    Busy(String),
    /// A server with other data; its directory, or why it does not tell.
    Foreign(String),
    /// Nobody.
    Nobody,
}

/// A server of windlass's own. Dropping it leaves the server running; [`PrivateServer::close`] is the clean way out.
pub struct PrivateServer {
    options: ServerOptions,
    data_dir: DataDir,
    socket: PathBuf,
    /// A connection that tells other processes that this one is here, from the moment the server was found.
    presence: Mutex<MultiplexedConnection>,
}

impl PrivateServer {
    /// Finds or starts the server of a data directory, with the usual options.
    pub async fn open(data_dir: &Path, maxmemory: Bytes) -> Result<Self, ServerError> {
        Self::open_with(ServerOptions::new(data_dir, maxmemory)).await
    }

    /// Finds or starts the server of a data directory.
    pub async fn open_with(options: ServerOptions) -> Result<Self, ServerError> {
        let data_dir = DataDir::create(&options.data_dir)?;
        let _lock = data_dir.lock(options.loading_patience).await?;
        let (socket, _) = socket::reach(data_dir.path(), &options.short_dirs)?;
        let presence = Mutex::new(bring_up(&options, &data_dir, &socket).await?);
        Ok(Self { options, data_dir, socket, presence })
    }

    /// Who answers on the socket of a data directory. No directory is made and no server started; at most the short way to a socket
    /// whose path is too long.
    pub async fn sight(data_dir: &Path) -> Sighting {
        let Ok(data_dir) = data_dir.canonicalize() else { return Sighting::Nobody };
        let Ok((socket, _)) = socket::reach(&data_dir, &short_dirs(std::env::var_os("XDG_RUNTIME_DIR"))) else {
            return Sighting::Nobody;
        };
        match probe(&socket, &data_dir).await {
            Probe::Ready(_) => Sighting::Ours,
            Probe::Loading => Sighting::Busy("it is reading its data".to_owned()),
            Probe::Mute(error) => Sighting::Busy(error.to_string()),
            Probe::Foreign(found) => Sighting::Foreign(found),
            Probe::Absent(_) => Sighting::Nobody,
        }
    }

    /// Makes sure that the server runs: for when a connection has failed. Starts it again on the same data if it is gone; whichever
    /// process comes first does so.
    pub async fn ensure_running(&self) -> Result<(), ServerError> {
        let _lock = self.data_dir.lock(self.options.loading_patience).await?;
        // The short way may have been cleaned away with other old things in its directory.
        socket::reach(self.data_dir.path(), &self.options.short_dirs)?;
        *self.presence.lock().await = bring_up(&self.options, &self.data_dir, &self.socket).await?;
        Ok(())
    }

    /// Leaves. The last process out stops the server, which then has everything on disk.
    pub async fn close(self) -> Result<Closed, ServerError> {
        let _lock = self.data_dir.lock(self.options.patience).await?;
        match probe(&self.socket, self.data_dir.path()).await {
            Probe::Ready(mut connection) => {
                let others = others(&mut connection).await.map_err(|error| self.not_stopped(&error))?;
                if !others.is_empty() {
                    return Ok(Closed::LeftTo(others));
                }
                self.stop(&mut connection).await?;
            }
            // It is gone already, and there is nothing to stop.
            Probe::Absent(_) if self.data_dir.claim_life()?.is_some() => {}
            Probe::Absent(error) | Probe::Mute(error) => return Err(self.not_stopped(&error)),
            Probe::Loading => return Err(self.not_stopped(&"it is reading its data")),
            Probe::Foreign(found) => return Err(ServerError::Foreign { socket: self.socket, found }),
        }
        self.data_dir.remove_leftovers();
        if let (_, Some(short)) = socket::reach(self.data_dir.path(), &self.options.short_dirs)? {
            socket::remove(&short);
        }
        Ok(Closed::Stopped)
    }

    /// The socket, by a path short enough to connect to.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The server's URL for redis-rs: `redis+unix://…`.
    #[must_use]
    pub fn url(&self) -> String {
        socket::url(&self.socket)
    }

    /// Where the data is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    async fn stop(&self, connection: &mut MultiplexedConnection) -> Result<(), ServerError> {
        let asked: Result<(), RedisError> = redis::cmd("SHUTDOWN").query_async(connection).await;
        // A server that obeys closes the connection; one that refuses (it cannot write its file, say) answers why. A timeout may be a
        // slow disk: the process tells.
        if let Err(error) = asked
            && matches!(error.kind(), redis::ErrorKind::Server(_) | redis::ErrorKind::Extension)
        {
            return Err(self.not_stopped(&error));
        }
        let waited = Stopwatch::start();
        while self.data_dir.claim_life()?.is_none() {
            if waited.elapsed() > self.options.patience {
                return Err(self.not_stopped(&format!("its process is still there after {:?}", self.options.patience)));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    fn not_stopped(&self, error: &impl ToString) -> ServerError {
        ServerError::NotStopped {
            socket: self.socket.clone(),
            error: error.to_string(),
            log: self.data_dir.log_tail(0),
        }
    }
}

/// The other processes that use the server.
async fn others(connection: &mut MultiplexedConnection) -> Result<Vec<u32>, RedisError> {
    let list: String = redis::cmd("CLIENT").arg("LIST").query_async(connection).await?;
    Ok(clients::others(&list, std::process::id(), clients::is_alive))
}
