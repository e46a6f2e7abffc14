//! Bringing the server up: adopting the one that runs, or starting one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal};

use super::data_dir::DataDir;
use super::probe::{Probe, probe};
use super::{PAUSE, ServerError, ServerOptions};
use crate::clock::Stopwatch;

/// Returns when our server answers: one that runs, or one that it starts. The caller holds the lock.
pub(super) async fn bring_up(
    options: &ServerOptions,
    data_dir: &DataDir,
    socket: &Path,
) -> Result<MultiplexedConnection, ServerError> {
    let waited = Stopwatch::start();
    let mut started: Option<Started> = None;
    let mut asked_to_end = false;
    loop {
        let mut patience = options.patience;
        let trouble = match probe(socket, data_dir.path()).await {
            Probe::Ready(connection) => return Ok(connection),
            Probe::Foreign(found) => return Err(ServerError::Foreign { socket: socket.to_owned(), found }),
            Probe::Loading => {
                patience = options.loading_patience;
                "it is still reading its data".to_owned()
            }
            Probe::Mute(error) => error.to_string(),
            Probe::Absent(error) => {
                match (data_dir.claim_life()?, &started) {
                    (Some(_), Some(started)) => return Err(started.died(data_dir)),
                    (Some(life), None) => started = Some(start(options, data_dir, life)?),
                    // A server lives that nobody can reach: its socket was removed. It may also be just starting or ending.
                    (None, None) if !asked_to_end && waited.elapsed() > options.patience / 3 => {
                        asked_to_end = true;
                        end(data_dir);
                    }
                    (None, _) => {}
                }
                error.to_string()
            }
        };
        if waited.elapsed() > patience {
            return Err(ServerError::NoAnswer {
                pid: data_dir.pid(),
                socket: socket.to_owned(),
                waited: patience,
                error: trouble,
                log: data_dir.log_tail(started.map_or(0, |started| started.log_from)),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A server that this process has started.
struct Started {
    program: PathBuf,
    /// The log's length before: what follows is this server's.
    log_from: u64,
}

impl Started {
    /// Why it has ended, from its log.
    fn died(&self, data_dir: &DataDir) -> ServerError {
        let log = data_dir.log_tail(self.log_from);
        let bad_file = ["Bad file format", "Unexpected end of file", "Unrecoverable error reading", "AOF loading"];
        if !bad_file.iter().any(|sign| log.contains(sign)) {
            return ServerError::Died { program: self.program.clone(), log_file: data_dir.log(), log };
        }
        let valkey = self.program.file_name().is_some_and(|name| name == "valkey-server");
        // Redis 7 keeps several files and a list of them; before, it was one.
        let several = data_dir.path().join("appendonlydir").is_dir();
        ServerError::Damaged {
            data_dir: data_dir.path().to_owned(),
            checker: if valkey { "valkey-check-aof" } else { "redis-check-aof" },
            file: if several { "appendonlydir/appendonly.aof.manifest" } else { "appendonly.aof" },
            log,
        }
    }
}

/// Starts a server that outlives this process. `life` is the proof that no other one is there, and becomes the server's.
fn start(options: &ServerOptions, data_dir: &DataDir, life: File) -> Result<Started, ServerError> {
    let program = options.programs.find()?;
    data_dir.remove_leftovers();
    data_dir.write_config(options.maxmemory)?;
    data_dir.rotate_log();
    let log_from = data_dir.log_length();
    // What it says before it has opened its log (a mistake in the configuration, say) belongs there too.
    let log = File::options().create(true).append(true).open(data_dir.log());
    let log = log.map_err(ServerError::io("open", &data_dir.log()))?;
    let copy = log.try_clone().map_err(ServerError::io("open", &data_dir.log()))?;
    let mut server = tokio::process::Command::new(&program)
        .arg("redis.conf")
        .current_dir(data_dir.path())
        .stdin(Stdio::from(life))
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(copy))
        .process_group(0)
        .spawn()
        .map_err(ServerError::io("start", &program))?;
    tracing::info!(program = %program.display(), data_dir = %data_dir.path().display(), "started a server");
    // An ended child stays a zombie until somebody has asked for it.
    tokio::spawn(async move {
        if let Ok(status) = server.wait().await {
            tracing::info!(%status, "the server has ended");
        }
    });
    Ok(Started { program, log_from })
}

/// Asks a server that cannot be reached to end; it writes everything to disk first.
fn end(data_dir: &DataDir) {
    let pid = data_dir.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        tracing::warn!(%pid, "the server lives, but nobody can reach it: it is asked to end, and started again");
        if let Err(error) = rustix::process::kill_process(pid, Signal::TERM) {
            tracing::warn!(%pid, %error, "the server could not be asked to end");
        }
    }
}
