//! The Redis server of a round: one that is given to windlass, or the one that windlass runs for itself.

use std::path::{Path, PathBuf};

use crate::program::{runs, signal};
use crate::redis::TestRedis;

/// See the module.
pub enum Server {
    /// Started by the harness.
    Given(TestRedis),
    /// Started by windlass, in its data directory.
    Own(PathBuf),
}

impl Server {
    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        match self {
            Self::Given(redis) => redis.socket(),
            Self::Own(dir) => dir.join("redis.sock"),
        }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        match self {
            Self::Given(redis) => redis.dir(),
            Self::Own(dir) => dir,
        }
    }

    /// SIGKILL, where it runs.
    pub fn kill(&mut self) {
        match self {
            Self::Given(redis) => redis.kill(),
            Self::Own(dir) => {
                let pid = std::fs::read_to_string(dir.join("redis.pid")).ok();
                let pid = pid.and_then(|pid| pid.trim().parse().ok());
                if let Some(pid) = pid.filter(|pid| runs(*pid)) {
                    signal("-KILL", pid);
                }
            }
        }
    }

    /// Starts it again on its data; windlass's own is started by windlass.
    pub fn restart(&mut self) {
        if let Self::Given(redis) = self {
            redis.restart();
        }
    }

    /// Stops it in its tracks. One that something else has killed meanwhile has none.
    pub fn pause(&self) {
        if let Self::Given(redis) = self
            && !redis.is_killed()
        {
            redis.pause();
        }
    }

    /// Lets it go on.
    pub fn resume(&self) {
        if let Self::Given(redis) = self
            && !redis.is_killed()
        {
            redis.resume();
        }
    }
}
