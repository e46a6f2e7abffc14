//! Why the private server cannot be had, and what to do about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the private server cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Neither program is installed.
    #[error(
        "neither redis-server nor valkey-server was found (looked in {looked_in}). Install one:\n  \
         Debian, Ubuntu:  sudo apt-get install redis-server\n  \
         Fedora:          sudo dnf install valkey\n  \
         macOS:           brew install redis\n\
         or set `redis.url` to a Redis that runs already"
    )]
    NoProgram {
        /// The directories, separated by commas.
        looked_in: String,
    },
    /// A file or directory cannot be used.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `create`, `lock`.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another windlass is starting or stopping the server and does not get done.
    #[error(
        "another windlass has held {} for {waited:?}: it is starting or stopping the server there. Wait for it, or end it",
        path.display()
    )]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long this one waited.
        waited: Duration,
    },
    /// The socket's path is too long, and no directory for a short one can be used.
    #[error(
        "the path {} is too long for a socket, and none of these directories can stand in for it: {tried}. \
         Set `redis.data_dir` to a shorter path, or XDG_RUNTIME_DIR to a directory of your own",
        socket.display()
    )]
    NoShortPath {
        /// The path that is too long.
        socket: PathBuf,
        /// Each directory with what is wrong with it.
        tried: String,
    },
    /// Somebody else's server answers on our socket.
    #[error(
        "the server that answers on {} is not windlass's own: its data is in {found}. \
         Stop that server, or set `redis.data_dir` to a directory of its own",
        socket.display()
    )]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// Its directory, or why it does not tell.
        found: String,
    },
    /// The server ended while it was starting.
    #[error("{} ended while it was starting. The end of {}:\n{log}", program.display(), log_file.display())]
    Died {
        /// The program.
        program: PathBuf,
        /// Its log.
        log_file: PathBuf,
        /// The last lines of it.
        log: String,
    },
    /// The server refuses its own data. windlass never deletes data.
    #[error(
        "the server refuses the data in {dir}: it is damaged. Nothing was changed. Make a copy first:\n  \
         cp -a {dir} {dir}.copy\n\
         then cut off what cannot be read, and start windlass again:\n  \
         {checker} --fix {dir}/{file}\n\
         or set `redis.data_dir` to an empty directory to start afresh. The end of {dir}/redis.log:\n{log}",
        dir = data_dir.display()
    )]
    Damaged {
        /// Where the data is.
        data_dir: PathBuf,
        /// `redis-check-aof` or `valkey-check-aof`.
        checker: &'static str,
        /// The file to be checked, within `data_dir`.
        file: &'static str,
        /// The last lines of the log.
        log: String,
    },
    /// A server runs on our data and does not answer in time. It is left alone.
    #[error(
        "the server{} on {} does not answer after {waited:?}: {error}. \
         If it stays like this, end it (its data is kept) and start windlass again. The end of its log:\n{log}",
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        socket.display()
    )]
    NoAnswer {
        /// Its process, where it is known.
        pid: Option<u32>,
        /// Its socket.
        socket: PathBuf,
        /// How long it had.
        waited: Duration,
        /// What the last attempt said.
        error: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server refused to stop; it still runs.
    #[error("the server on {} did not stop: {error}. The end of its log:\n{log}", socket.display())]
    NotStopped {
        /// Its socket.
        socket: PathBuf,
        /// What it said.
        error: String,
        /// The last lines of its log.
        log: String,
    },
}

impl ServerError {
    /// A file error in the form `map_err` wants.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
