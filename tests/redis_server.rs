//! The private server with real servers: started, adopted, shared, killed, stopped.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use windlass::config::Bytes;
use windlass::store::server::{Closed, PrivateServer, ProgramSearch, ServerError, ServerOptions};

#[path = "support/redis.rs"]
mod redis_support;

use redis_support::TestRedis;

/// A directory whose server is gone when the test ends, however it ends.
struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("windlass-server-").tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.path().join("redis.pid")).ok()?.trim().parse().ok()
    }

    fn options(&self) -> ServerOptions {
        ServerOptions { patience: Duration::from_secs(10), ..ServerOptions::new(self.path(), Bytes::mebibytes(64)) }
    }

    async fn open(&self) -> PrivateServer {
        PrivateServer::open_with(self.options()).await.unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if let Some(pid) = self.pid()
            && runs(pid)
        {
            kill("-KILL", pid);
        }
    }
}

/// Another process that a connection may claim to belong to.
struct Other(Child);

impl Other {
    fn new() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn connect(server: &PrivateServer) -> redis::aio::MultiplexedConnection {
    redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn set(server: &PrivateServer, key: &str, value: &str) {
    let mut connection = connect(server).await;
    let () = redis::cmd("SET").arg(key).arg(value).query_async(&mut connection).await.unwrap();
}

async fn get(server: &PrivateServer, key: &str) -> Option<String> {
    redis::cmd("GET").arg(key).query_async(&mut connect(server).await).await.unwrap()
}

async fn config(server: &PrivateServer, name: &str) -> String {
    let command = redis::cmd("CONFIG").arg("GET").arg(name).to_owned();
    let (_, value): (String, String) = command.query_async(&mut connect(server).await).await.unwrap();
    value
}

fn runs(pid: u32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn group(pid: u32) -> String {
    let group = Command::new("ps").args(["-o", "pgid=", "-p", &pid.to_string()]).output().unwrap();
    String::from_utf8_lossy(&group.stdout).trim().to_owned()
}

fn kill(signal: &str, pid: u32) {
    Command::new("kill").args([signal, "--", &pid.to_string()]).status().unwrap();
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 10 s: {what}");
}

#[tokio::test]
async fn it_starts_private_and_durable_and_leaves_nothing_behind() {
    let dir = Dir::new();
    let server = dir.open().await;
    let pid = dir.pid().unwrap();
    for (name, value) in [
        ("port", "0"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("save", ""),
        ("maxmemory", "67108864"),
        ("maxmemory-policy", "noeviction"),
    ] {
        assert_eq!(config(&server, name).await, value, "{name}");
    }
    assert_ne!(group(pid), group(std::process::id()), "Ctrl-C in the terminal would reach the server");
    set(&server, "kept", "yes").await;
    assert_eq!(server.close().await.unwrap(), Closed::Stopped);
    assert!(!runs(pid));
    assert!(!dir.path().join("redis.sock").exists() && !dir.path().join("redis.pid").exists());

    let server = dir.open().await;
    assert_eq!(get(&server, "kept").await.as_deref(), Some("yes"));
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_left_is_adopted() {
    let dir = Dir::new();
    drop(dir.open().await); // as a crash does: nobody stops the server
    let pid = dir.pid().unwrap();
    assert!(runs(pid));
    let server = dir.open().await;
    assert_eq!(dir.pid(), Some(pid));
    assert_eq!(server.close().await.unwrap(), Closed::Stopped);
    assert!(!runs(pid));
}

#[tokio::test]
async fn two_that_open_at_once_start_one_server() {
    let dir = Dir::new();
    let (first, second) = tokio::join!(dir.open(), dir.open());
    set(&first, "a", "1").await;
    assert_eq!(get(&second, "a").await.as_deref(), Some("1"));
    let log = fs::read_to_string(dir.path().join("redis.log")).unwrap();
    assert_eq!(log.matches("just started").count(), 1, "{log}");
    drop(second);
    first.close().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_started_again_on_the_same_data() {
    let dir = Dir::new();
    let server = dir.open().await;
    let first = dir.pid().unwrap();
    set(&server, "kept", "yes").await;
    tokio::time::sleep(Duration::from_millis(1200)).await; // the file is synced every second
    kill("-KILL", first);
    until("the server is dead", || !runs(first)).await;

    let (one, two) = tokio::join!(server.ensure_running(), server.ensure_running());
    one.unwrap();
    two.unwrap();
    let second = dir.pid().unwrap();
    assert_ne!(first, second);
    assert_eq!(get(&server, "kept").await.as_deref(), Some("yes"));
    server.ensure_running().await.unwrap(); // nothing to do
    assert_eq!(dir.pid(), Some(second));
    server.close().await.unwrap();
}

#[tokio::test]
async fn it_stays_while_another_process_uses_it() {
    let dir = Dir::new();
    let server = dir.open().await;
    let (pid, other) = (dir.pid().unwrap(), Other::new());
    let mut theirs = connect(&server).await;
    let name = format!("windlass-engine-{}", other.0.id());
    let () = redis::cmd("CLIENT").arg("SETNAME").arg(name).query_async(&mut theirs).await.unwrap();

    assert_eq!(server.close().await.unwrap(), Closed::LeftTo(vec![other.0.id()]));
    assert!(runs(pid));
    let () = redis::cmd("PING").query_async(&mut theirs).await.unwrap();
    drop(theirs);
    // The server hears of a closed connection a moment later.
    for _ in 0..100 {
        if dir.open().await.close().await.unwrap() == Closed::Stopped {
            break;
        }
    }
    assert!(!runs(pid));
}

#[tokio::test]
async fn a_connection_of_a_dead_process_does_not_keep_it() {
    let dir = Dir::new();
    let server = dir.open().await;
    let dead = Other::new();
    let name = format!("windlass-engine-{}", dead.0.id());
    drop(dead);
    let mut theirs = connect(&server).await;
    let () = redis::cmd("CLIENT").arg("SETNAME").arg(name).query_async(&mut theirs).await.unwrap();
    assert_eq!(server.close().await.unwrap(), Closed::Stopped);
}

#[tokio::test]
async fn closing_after_the_server_was_killed_is_no_error() {
    let dir = Dir::new();
    let server = dir.open().await;
    let pid = dir.pid().unwrap();
    kill("-KILL", pid);
    until("the server is dead", || !runs(pid)).await;
    assert_eq!(server.close().await.unwrap(), Closed::Stopped);
    assert!(!dir.path().join("redis.sock").exists());
}

#[tokio::test]
async fn a_long_path_works_and_every_process_meets_at_the_same_server() {
    let dir = Dir::new();
    let data_dir = dir.path().join("a directory ".repeat(4)).join("d".repeat(100));
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    fs::create_dir_all(&one).unwrap();
    fs::create_dir_all(&two).unwrap();
    let options = |short: &PathBuf| ServerOptions {
        data_dir: data_dir.clone(),
        short_dirs: vec![short.clone()],
        ..dir.options()
    };
    let first = PrivateServer::open_with(options(&one)).await.unwrap();
    assert!(first.socket().as_os_str().len() < 104);
    let second = PrivateServer::open_with(options(&two)).await.unwrap();
    assert_ne!(first.socket(), second.socket());
    set(&first, "a", "1").await;
    assert_eq!(get(&second, "a").await.as_deref(), Some("1"));

    // A cleaner of old temporary files takes the short way: it is made again.
    fs::remove_dir_all(first.socket().parent().unwrap().parent().unwrap()).unwrap();
    first.ensure_running().await.unwrap();
    assert_eq!(get(&first, "a").await.as_deref(), Some("1"));
    drop(second);
    assert_eq!(first.close().await.unwrap(), Closed::Stopped);
    assert_eq!(fs::read_dir(&one).unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_program_is_told_with_what_to_do() {
    let (dir, empty) = (Dir::new(), Dir::new());
    let programs = ProgramSearch::new(vec![empty.path().to_owned()]);
    let missing = PrivateServer::open_with(ServerOptions { programs, ..dir.options() }).await;
    assert!(matches!(missing, Err(ServerError::NoProgram { .. })));
}

#[tokio::test]
async fn somebody_elses_server_on_the_socket_is_refused_and_left_alone() {
    let (dir, theirs) = (Dir::new(), TestRedis::start());
    std::os::unix::fs::symlink(theirs.socket(), dir.path().join("redis.sock")).unwrap();
    let error = PrivateServer::open_with(dir.options()).await.err().unwrap();
    assert!(matches!(error, ServerError::Foreign { .. }), "{error}");
    let their_dir = theirs.dir().canonicalize().unwrap();
    assert!(error.to_string().contains(&their_dir.display().to_string()), "{error}");
    assert!(theirs.command(&["PING"]).starts_with("+PONG"));
}

#[tokio::test]
async fn a_server_whose_socket_was_removed_is_stopped_before_another_one_starts() {
    let dir = Dir::new();
    let server = dir.open().await;
    let first = dir.pid().unwrap();
    set(&server, "kept", "yes").await;
    fs::remove_file(dir.path().join("redis.sock")).unwrap();
    server.ensure_running().await.unwrap();
    assert!(!runs(first), "two servers on the same data");
    assert_eq!(get(&server, "kept").await.as_deref(), Some("yes"));
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_is_reported_and_left_alone() {
    let dir = Dir::new();
    drop(dir.open().await);
    let pid = dir.pid().unwrap();
    kill("-STOP", pid);
    let options = ServerOptions { patience: Duration::from_millis(500), ..dir.options() };
    let error = PrivateServer::open_with(options).await.err().unwrap();
    assert!(matches!(&error, ServerError::NoAnswer { pid: Some(named), .. } if *named == pid), "{error}");
    kill("-CONT", pid);
    let server = dir.open().await;
    assert_eq!(dir.pid(), Some(pid));
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_stale_socket_and_pid_file_do_not_matter() {
    let dir = Dir::new();
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("redis.sock")).unwrap());
    let other = Other::new();
    fs::write(dir.path().join("redis.pid"), other.0.id().to_string()).unwrap();
    let server = dir.open().await;
    assert_ne!(dir.pid(), Some(other.0.id()));
    assert!(runs(other.0.id()), "a process that is not ours was ended");
    server.close().await.unwrap();
}

/// The file that is written to, whatever the version of the server.
fn append_only_file(dir: &Path) -> PathBuf {
    let several = dir.join("appendonlydir/appendonly.aof.1.incr.aof");
    if several.exists() { several } else { dir.join("appendonly.aof") }
}

#[tokio::test]
async fn a_torn_last_write_is_cut_off_and_the_rest_is_kept() {
    let dir = Dir::new();
    let server = dir.open().await;
    set(&server, "kept", "yes").await;
    set(&server, "torn", "no").await;
    server.close().await.unwrap();
    let file = fs::File::options().write(true).open(append_only_file(dir.path())).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5).unwrap();
    let server = dir.open().await;
    assert_eq!(get(&server, "kept").await.as_deref(), Some("yes"));
    assert_eq!(get(&server, "torn").await, None);
    server.close().await.unwrap();
}

#[tokio::test]
async fn damaged_data_is_told_and_kept() {
    let dir = Dir::new();
    let server = dir.open().await;
    set(&server, "kept", "yes").await;
    set(&server, "more", "yes").await;
    server.close().await.unwrap();
    let path = append_only_file(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[3..9].copy_from_slice(b"nonono");
    fs::write(&path, &bytes).unwrap();
    let error = PrivateServer::open_with(dir.options()).await.err().unwrap();
    assert!(matches!(error, ServerError::Damaged { .. }), "{error}");
    for part in ["check-aof --fix", "cp -a", "redis.data_dir", "Bad file format"] {
        assert!(error.to_string().contains(part), "{part:?} is missing in: {error}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_log() {
    let dir = Dir::new();
    let options = ServerOptions { maxmemory: Bytes::mebibytes(1), ..dir.options() };
    fs::create_dir_all(dir.path().join("appendonly.aof/in-the-way")).unwrap();
    fs::write(dir.path().join("appendonlydir"), "in the way").unwrap();
    let error = PrivateServer::open_with(options).await.err().unwrap();
    assert!(matches!(error, ServerError::Died { .. }), "{error}");
    assert!(error.to_string().contains("appendonly"), "{error}");
}

/// Not a test: what the next one runs as a process of its own, to be killed.
#[tokio::test]
#[ignore = "run by a_killed_windlass_leaves_its_server_to_the_next_one"]
async fn holder() {
    let Some(dir) = std::env::var_os("WINDLASS_TEST_HOLDER_DIR") else { return };
    let server = PrivateServer::open(Path::new(&dir), Bytes::mebibytes(64)).await.unwrap();
    set(&server, "held", "yes").await;
    fs::write(Path::new(&dir).join("ready"), "").unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
}

#[tokio::test]
async fn a_killed_windlass_leaves_its_server_to_the_next_one() {
    for (signal, to_group) in [("-KILL", false), ("-INT", true)] {
        let dir = Dir::new();
        let mut windlass = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "holder", "--ignored", "--test-threads=1"])
            .env("WINDLASS_TEST_HOLDER_DIR", dir.path())
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the other windlass is ready", || dir.path().join("ready").exists()).await;
        let pid = dir.pid().unwrap();
        // While it lives, it keeps the server.
        let second = dir.open().await;
        assert_eq!(second.close().await.unwrap(), Closed::LeftTo(vec![windlass.id()]));
        // Ctrl-C reaches the whole process group.
        let target = if to_group { format!("-{}", windlass.id()) } else { windlass.id().to_string() };
        Command::new("kill").args([signal, "--", &target]).status().unwrap();
        windlass.wait().unwrap();
        assert!(runs(pid), "{signal} took the server down");
        let server = dir.open().await;
        assert_eq!(dir.pid(), Some(pid));
        assert_eq!(get(&server, "held").await.as_deref(), Some("yes"));
        server.close().await.unwrap();
        assert!(!runs(pid));
    }
}
