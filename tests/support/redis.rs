//! A redis-server of a test's own, on a unix socket in a temporary directory; gone when it is dropped.
#![allow(dead_code, reason = "each test uses its part of this")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A redis-server of a test's own.
pub struct TestRedis {
    dir: tempfile::TempDir,
    arguments: Vec<String>,
    child: Child,
    killed: bool,
}

impl TestRedis {
    /// Starts one that keeps nothing on disk.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with an append-only file, so that [`TestRedis::kill`] and [`TestRedis::restart`] keep the data.
    pub fn durable() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts one with more arguments (`--maxmemory 2mb`).
    pub fn with(arguments: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("windlass-redis-").tempdir().expect("a temporary directory");
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = spawn(dir.path(), &arguments);
        let redis = Self { dir, arguments, child, killed: false };
        redis.wait();
        redis
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// Its URL for redis-rs.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.killed = true;
    }

    /// Whether it was killed and not started again: then there is nothing that a signal could reach.
    pub const fn is_killed(&self) -> bool {
        self.killed
    }

    /// Kills it where it still runs, and starts it again on the same data.
    pub fn restart(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        self.child = spawn(self.dir.path(), &self.arguments);
        self.killed = false;
        self.wait();
    }

    /// Kills it, and starts it again with more arguments, without waiting until it answers.
    pub fn restart_with(&mut self, more: &[&str]) {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        let arguments: Vec<String> =
            self.arguments.iter().cloned().chain(more.iter().map(|&word| word.into())).collect();
        self.child = spawn(self.dir.path(), &arguments);
        self.killed = false;
    }

    /// Stops it in its tracks: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// One command with plain words, its answer as the wire has it (`+PONG`, `:1`, `$5`, …).
    pub fn command(&self, words: &[&str]) -> String {
        ask(&self.socket(), words).expect("the server answers")
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} failed");
    }

    fn wait(&self) {
        for _ in 0..1000 {
            if ask(&self.socket(), &["PING"]).is_ok_and(|answer| answer.starts_with("+PONG")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let log = std::fs::read_to_string(self.dir.path().join("redis.log")).unwrap_or_default();
        panic!("the server does not answer; its log:\n{log}");
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `redis-server`, or else `valkey-server`.
pub fn program() -> &'static str {
    let there = |program: &str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    ["redis-server", "valkey-server"]
        .into_iter()
        .find(|program| there(program))
        .expect("redis-server or valkey-server must be installed: `make setup` does that")
}

/// Sends one command to a socket and returns the first part of the answer.
pub fn ask(socket: &Path, words: &[&str]) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "*{}\r\n", words.len())?;
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len())?;
    }
    let mut answer = [0; 8192];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

fn spawn(dir: &Path, arguments: &[String]) -> Child {
    Command::new(program())
        .current_dir(dir)
        .args(["--port", "0", "--unixsocket", "redis.sock", "--unixsocketperm", "700", "--save", ""])
        .args(["--daemonize", "no", "--logfile", "redis.log"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts")
}
