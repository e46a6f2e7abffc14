//! The server's directory: its configuration, its log, its locks.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ServerError;
use super::socket::SOCKET;
use crate::clock::Stopwatch;
use crate::config::Bytes;

/// A longer log is set aside before the server starts.
const LONG_LOG: u64 = 1 << 20;

/// How much of the log an error shows, in lines and in bytes.
const TAIL_LINES: usize = 15;
const TAIL_BYTES: u64 = 8 << 10;

/// The directory, canonical: the server names it in the same form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory, for this user alone, where there is none.
    pub(super) fn create(path: &Path) -> Result<Self, ServerError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .and_then(|()| path.canonicalize())
            .map(Self)
            .map_err(ServerError::io("create the directory", path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("redis.log")
    }

    /// Writes the configuration. Paths in it are relative: the server is started in this directory, so that no path needs quoting
    /// and the socket's path cannot be too long.
    pub(super) fn write_config(&self, maxmemory: Bytes) -> Result<(), ServerError> {
        let path = self.0.join("redis.conf");
        fs::write(&path, config_text(maxmemory)).map_err(ServerError::io("write", &path))
    }

    /// Sets a long log aside. Best effort: a log is no reason not to start.
    pub(super) fn rotate_log(&self) {
        if self.log_length() > LONG_LOG {
            let _ = fs::rename(self.log(), self.0.join("redis.log.1"));
        }
    }

    /// The log's length in bytes.
    pub(super) fn log_length(&self) -> u64 {
        self.log().metadata().map_or(0, |meta| meta.len())
    }

    /// The last lines of the log behind `from` bytes.
    pub(super) fn log_tail(&self, from: u64) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(self.log())?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES)).min(length)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let text = match read() {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => return format!("  (no log: {error})"),
        };
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() {
            return "  (the log is empty)".to_owned();
        }
        let tail: Vec<String> =
            lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| format!("  {line}")).collect();
        tail.join("\n")
    }

    /// The process that the server wrote down last. It means something only while a server runs.
    pub(super) fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.0.join("redis.pid")).ok()?.trim().parse().ok()
    }

    /// Removes what an ended server may have left.
    pub(super) fn remove_leftovers(&self) {
        for name in [SOCKET, "redis.pid"] {
            let _ = fs::remove_file(self.0.join(name));
        }
    }

    /// Waits until this process is the only one that starts or stops the server here; until the file is dropped.
    pub(super) async fn lock(&self, patience: Duration) -> Result<File, ServerError> {
        let path = self.0.join("lock");
        let file = open_lock(&path)?;
        let waited = Stopwatch::start();
        loop {
            if try_lock(&file, &path)? {
                return Ok(file);
            }
            if waited.elapsed() > patience {
                return Err(ServerError::Busy { path, waited: patience });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The lock that the server itself holds as long as it lives, or `None` while one lives.
    ///
    /// The server inherits the file as its standard input, so the system releases the lock when the process ends in whatever way.
    /// Unlike a process id, that cannot be stale and cannot mean somebody else's process. It is what keeps a second server from the
    /// same data even when the first one cannot be reached.
    pub(super) fn claim_life(&self) -> Result<Option<File>, ServerError> {
        let path = self.0.join("redis.alive");
        let file = open_lock(&path)?;
        Ok(try_lock(&file, &path)?.then_some(file))
    }
}

fn open_lock(path: &Path) -> Result<File, ServerError> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    opened.map_err(ServerError::io("open", path))
}

fn try_lock(file: &File, path: &Path) -> Result<bool, ServerError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(ServerError::io("lock", path)(error)),
    }
}

/// Only directives that Redis 5 to 8 and Valkey know: an unknown one keeps the server from starting.
fn config_text(maxmemory: Bytes) -> String {
    format!(
        "# Written by windlass at every start of its own server: changes made here are lost.\n\
         # The settings are `redis.maxmemory` and `redis.data_dir` in the configuration of windlass.\n\
         port 0\n\
         unixsocket {SOCKET}\n\
         unixsocketperm 700\n\
         daemonize no\n\
         supervised no\n\
         dir .\n\
         pidfile redis.pid\n\
         logfile redis.log\n\
         loglevel notice\n\
         databases 1\n\
         # Every write is in the file within a second; no snapshots beside it.\n\
         appendonly yes\n\
         appendfsync everysec\n\
         aof-load-truncated yes\n\
         save \"\"\n\
         # State is never thrown away to make room: writes are refused instead, and windlass says so.\n\
         maxmemory {}\n\
         maxmemory-policy noeviction\n",
        maxmemory.get()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tail_is_the_end_and_never_older_than_asked() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        assert!(data.log_tail(0).contains("no log"));
        let lines: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
        fs::write(data.log(), lines.join("\n")).unwrap();
        let tail = data.log_tail(0);
        assert!(tail.contains("line 39") && tail.contains("line 25") && !tail.contains("line 24"), "{tail}");
        assert_eq!(data.log_tail(data.log_length() - 7), "  line 39");
        assert!(data.log_tail(data.log_length()).contains("empty"));
    }

    #[test]
    fn a_long_log_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        fs::write(data.log(), "short").unwrap();
        data.rotate_log();
        assert_eq!(data.log_length(), 5);
        fs::write(data.log(), vec![b'x'; 2 << 20]).unwrap();
        data.rotate_log();
        assert_eq!(data.log_length(), 0);
        assert!(dir.path().join("redis.log.1").exists());
    }

    #[test]
    fn life_can_be_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        let life = data.claim_life().unwrap();
        assert!(life.is_some());
        assert!(data.claim_life().unwrap().is_none());
        drop(life);
        assert!(data.claim_life().unwrap().is_some());
    }

    #[test]
    fn the_directory_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let data = DataDir::create(&base.path().join("a/b")).unwrap();
        assert_eq!(data.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
