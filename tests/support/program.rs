//! The built program in a home of a test's own: nothing of the user who runs the tests is read or written.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it said beside that.
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ended {
    /// It must have ended like this.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The document it printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}; stdout:\n{}\nstderr:\n{}", self.out, self.err))
    }

    /// The objects it printed, one a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

/// A home directory with a data directory in it; gone with its server when the test ends, however it ends.
pub struct Home(tempfile::TempDir);

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("windlass-cli-").tempdir().expect("a temporary directory"))
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with its arguments, in this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WINDLASS_") {
                command.env_remove(name);
            }
        }
        for (name, place) in [("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")] {
            command.env(name, self.path(place));
        }
        command.env("XDG_DATA_HOME", self.path("share")).env("USER", "tester").env_remove("NO_COLOR");
        command.args(arguments).arg("--data-dir").arg(self.path("data"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the program starts").into()
    }

    /// Runs the program on the demo's cluster to its end.
    pub fn demo(&self, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        all.extend(["--cluster", "demo"]);
        self.run(&all)
    }

    /// Starts the demo's engine on a quiet cluster, and waits until it leads and the minimum is there.
    pub fn engine(&self) -> Engine {
        let engine = self.another_engine();
        until("the engine leads and two workers are ready", || {
            let status = self.demo(&["status", "--json"]).json();
            status["leader"]["replica"].is_string() && status["workers"]["ready"] == 2
        });
        engine
    }

    /// Starts the demo's engine and does not wait.
    pub fn another_engine(&self) -> Engine {
        let log = fs::File::create(self.path("engine.log")).expect("a log");
        let mut command = self.command(&["demo", "--headless", "--scenario", "quiet"]);
        Engine(command.stdout(Stdio::null()).stderr(log).spawn().expect("the engine starts"))
    }

    /// Says something to the own server of a running engine, past the program.
    pub fn redis(&self, words: &[&str]) {
        let mut socket = UnixStream::connect(self.path("data/redis.sock")).expect("the server's socket");
        let lengths = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let told = std::iter::once(format!("*{}\r\n", words.len())).chain(lengths).collect::<Vec<_>>().concat();
        socket.write_all(told.as_bytes()).expect("it can be told");
        let mut answer = [0; 1];
        socket.read_exact(&mut answer).expect("it answers");
        assert_ne!(answer[0], b'-', "the server refuses {words:?}");
    }

    /// The own server's process, as it wrote it down.
    pub fn server(&self) -> Option<u32> {
        fs::read_to_string(self.path("data/redis.pid")).ok()?.trim().parse().ok()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(pid) = self.server().filter(|pid| runs(*pid)) {
            signal("-KILL", pid);
        }
    }
}

/// An engine that runs; killed when it is dropped.
pub struct Engine(pub Child);

impl Engine {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends it a signal and waits for its end; its exit code.
    pub fn end(&mut self, name: &str) -> Option<i32> {
        signal(name, self.pid());
        let mut ended = None;
        until("the engine has ended", || {
            ended = self.0.try_wait().expect("its status");
            ended.is_some()
        });
        ended.and_then(|status| status.code())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is so.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a test's deadline is on the monotonic clock")]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Sends a signal.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, "--", &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill {name} {pid} failed");
}

/// Whether a process lives; one that nobody has buried yet does not.
pub fn runs(pid: u32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().expect("ps");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}
