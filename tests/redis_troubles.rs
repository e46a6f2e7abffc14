//! What can be wrong with a Redis, provoked on a real one: what is said names the cause and what to do, and it is over when the cause is.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use support::engine::{brisk, connect};
use support::redis::TestRedis;
use windlass::bus;
use windlass::clock;
use windlass::handlers::{Because, Draft};
use windlass::model::event::CooldownStarted;
use windlass::model::{Direction, Metadata, State};
use windlass::store::{Address, Committed, Keys, Store, StoreError, Transaction};

const LONGEST: u64 = 10_000;

fn at() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn cooling(seconds: i64) -> Transaction {
    let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() };
    let mut draft = Draft::new(&State::default(), "test", metadata, at());
    let until = at() + TimeDelta::seconds(seconds);
    draft.emit(CooldownStarted { direction: Direction::Up, until, duration: 1.0 }, Because::default());
    let (_, changes, events) = draft.into_parts();
    let id = clock::fresh_id(clock::now());
    let (acknowledgements, dead_letters, settled) = (Vec::new(), Vec::new(), Vec::new());
    Transaction { id, epoch: 0, changes, events, acknowledgements, dead_letters, settled }
}

async fn commit(store: &Store) -> Result<Committed, StoreError> {
    store.commit(&cooling(10), LONGEST).await
}

/// Goes on until it is well again.
async fn recovers(store: &Store) {
    for _ in 0..600 {
        if commit(store).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not recover: {:?}", commit(store).await);
}

/// Goes on until it is refused or fails, and says how.
async fn fails(store: &Store) -> StoreError {
    for _ in 0..600 {
        if let Err(error) = commit(store).await {
            return error;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not fail");
}

#[track_caller]
fn refused(error: &StoreError, advice: &str) {
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains(advice), "{error}");
}

#[track_caller]
fn unavailable(error: &StoreError, advice: &str) {
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains(advice), "{error}");
}

async fn store(redis: &TestRedis) -> Store {
    connect(&redis.url(), &brisk("c1")).await
}

async fn try_connect(url: &str, username: Option<&str>, password: Option<&str>) -> Result<Store, StoreError> {
    let config = brisk("c1");
    let keys = Keys::new(&config.cluster.id, &config.autoscaler.events.event_bus.stream_name);
    let address = Address::new(url, username, password, Duration::from_secs(2)).unwrap();
    Store::connect(address, keys).await
}

#[tokio::test]
async fn nobody_there() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix://{}/none.sock", folder.path().display());
    for url in [socket.as_str(), "redis://127.0.0.1:1"] {
        let error = try_connect(url, None, None).await.err().unwrap();
        unavailable(&error, "start Redis there, or correct `redis.url`");
    }
}

#[tokio::test]
async fn killed_and_started_again() {
    let mut redis = TestRedis::durable();
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    redis.kill();
    let error = fails(&store).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    redis.restart();
    recovers(&store).await;
}

#[tokio::test]
async fn a_password_that_is_wrong_missing_or_changed() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    redis.command(&["CONFIG", "SET", "requirepass", "secret"]);
    let cut = std::process::Command::new("redis-cli")
        .args([
            "-s",
            &redis.socket().display().to_string(),
            "-a",
            "secret",
            "CLIENT",
            "KILL",
            "TYPE",
            "normal",
            "SKIPME",
            "yes",
        ])
        .output()
        .unwrap();
    assert!(cut.status.success());
    let mut error = fails(&store).await;
    for _ in 0..100 {
        if matches!(error, StoreError::Refused(_)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        error = fails(&store).await;
    }
    refused(&error, "correct `redis.username` and `redis.password`");
    for password in [None, Some("wrong")] {
        let store = match try_connect(&redis.url(), None, password).await {
            Ok(store) => fails(&store).await,
            Err(error) => error,
        };
        refused(&store, "correct `redis.username` and `redis.password`");
    }
    let store = try_connect(&redis.url(), None, Some("secret")).await.unwrap();
    commit(&store).await.unwrap();

    // The connection is cut while the password is another one for a while.
    let admin = |command: &[&str], password: &str| {
        let socket = redis.socket().display().to_string();
        let done = std::process::Command::new("redis-cli").args(["-s", &socket, "-a", password]).args(command).status();
        assert!(done.unwrap().success());
    };
    admin(&["CONFIG", "SET", "requirepass", "other"], "secret");
    admin(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"], "other");
    let replica = windlass::model::ReplicaId("a".to_owned());
    let lease = Duration::from_mins(1);
    let mut refusals = 0;
    while refusals < 3 {
        let error = store.acquire_lease(&replica, lease).await.unwrap_err();
        refusals += usize::from(matches!(error, StoreError::Refused(_)));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    admin(&["CONFIG", "SET", "requirepass", "secret"], "other");
    for _ in 0..600 {
        if store.acquire_lease(&replica, lease).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not come back: {:?}", commit(&store).await);
}

#[tokio::test]
async fn a_user_without_permission() {
    let redis = TestRedis::start();
    redis.command(&["ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+@connection", "+ping"]);
    let error = match try_connect(&redis.url(), Some("reader"), Some("secret")).await {
        Ok(store) => commit(&store).await.unwrap_err(),
        Err(error) => error,
    };
    refused(&error, "ACL SETUSER");
}

#[tokio::test]
async fn a_read_only_replica() {
    let (primary, redis) = (TestRedis::start(), TestRedis::start());
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    // The primary listens on no port, so the replica only knows that it is one.
    drop(primary);
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    refused(&fails(&store).await, "point `redis.url` at the primary");
    let state = store.snapshot().await.unwrap().state;
    assert!(state.cooldowns.up.is_some(), "reading goes on");
    redis.command(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    let error = store.snapshot().await.unwrap_err();
    unavailable(&error, "primary");
    redis.command(&["REPLICAOF", "NO", "ONE"]);
    recovers(&store).await;
}

#[tokio::test]
async fn no_disk_to_save_to() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    redis.command(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "yes", "save", "3600 1"]);
    // A folder in the place of the file that a save writes.
    std::fs::create_dir(redis.dir().join("dump.rdb")).unwrap();
    std::fs::write(redis.dir().join("dump.rdb/full"), "").unwrap();
    redis.command(&["BGSAVE"]);
    refused(&fails(&store).await, "free space there");
    redis.command(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]);
    recovers(&store).await;
}

#[tokio::test]
async fn no_answer_in_time() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    unavailable(&fails(&store).await, "no answer within `redis.timeout`");
    redis.command(&["CLIENT", "UNPAUSE"]);
    recovers(&store).await;
    redis.pause();
    unavailable(&fails(&store).await, "no answer within `redis.timeout`");
    redis.resume();
    recovers(&store).await;
    let socket = redis.socket();
    let asleep = std::thread::spawn(move || support::redis::ask(&socket, &["DEBUG", "SLEEP", "4"]));
    fails_or_passes(&store).await;
    let _ = asleep.join().unwrap();
    recovers(&store).await;
}

/// `DEBUG` may be turned off: then there is nothing to see.
async fn fails_or_passes(store: &Store) {
    for _ in 0..20 {
        if let Err(error) = commit(store).await {
            return unavailable(&error, "no answer within `redis.timeout`");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn it_is_still_reading_its_data() {
    let mut redis = TestRedis::with(&["--enable-debug-command", "yes"]);
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    redis.command(&["DEBUG", "POPULATE", "3000", "filler", "100"]);
    redis.command(&["SAVE"]);
    // A millisecond a key, and an answer to others now and then.
    redis.restart_with(&["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"]);
    let mut said = fails(&store).await;
    for _ in 0..200 {
        if said.to_string().contains("LOADING") {
            break;
        }
        said = store.snapshot().await.err().unwrap_or(said);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unavailable(&said, "this passes by itself");
    recovers(&store).await;
}

/// Windlass talks to one node: the one that holds the slot of its keys, which all have the same tag.
#[tokio::test]
async fn a_node_of_a_cluster() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let node = || {
        let (port, bus) = (free(), free());
        let arguments = ["--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", &port, "--cluster-port", &bus];
        (TestRedis::with(&arguments), port, bus)
    };
    let ((redis, ..), (other, port, bus)) = (node(), node());
    let store = store(&redis).await;
    unavailable(&fails(&store).await, "cluster check");
    redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    recovers(&store).await;

    redis.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    let id = other.command(&["CLUSTER", "MYID"]).lines().nth(1).unwrap().to_owned();
    let slot = redis.command(&["CLUSTER", "KEYSLOT", "{c1}:leader"]).trim().trim_start_matches(':').to_owned();
    redis.command(&["FLUSHALL"]);
    let mut moved = String::new();
    for _ in 0..600 {
        moved = redis.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
        if moved.starts_with("+OK") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(moved.starts_with("+OK"), "{moved}");
    refused(&fails(&store).await, "point `redis.url` at the node that holds the slot");
}

#[tokio::test]
async fn connections_cut_and_scripts_flushed() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    recovers(&store).await;
    redis.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(commit(&store).await.unwrap(), Committed::Done, "scripts are loaded again by themselves");
    store.snapshot().await.unwrap();
}

#[tokio::test]
async fn somebodys_endless_script() {
    let redis = TestRedis::with(&["--lua-time-limit", "50"]);
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    let socket = redis.socket();
    let endless = std::thread::spawn(move || support::redis::ask(&socket, &["EVAL", "while true do end", "0"]));
    unavailable(&fails(&store).await, "SCRIPT KILL");
    redis.command(&["SCRIPT", "KILL"]);
    let _ = endless.join().unwrap();
    recovers(&store).await;
}

#[tokio::test]
async fn too_many_clients() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    redis.command(&["CONFIG", "SET", "maxclients", "1"]);
    let error = match try_connect(&redis.url(), None, None).await {
        Ok(other) => fails(&other).await,
        Err(error) => error,
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    recovers(&store).await;
}

#[tokio::test]
async fn a_stream_that_is_gone() {
    let redis = TestRedis::start();
    let store = store(&redis).await;
    let reader = windlass::model::ReplicaId("a".to_owned());
    let events = store.keys().events();
    let (mut consumer, _) = bus::Consumer::join(&store, events, "NodeManager", &reader).await.unwrap();
    redis.command(&["FLUSHALL"]);
    unavailable(&consumer.next().await.unwrap_err(), "it is made anew");
}

/// At every margin up to the limit: what is written is written whole, what is refused leaves nothing, and reading goes on.
#[tokio::test]
async fn at_every_margin_of_memory_state_and_log_agree() {
    let redis = TestRedis::with(&["--maxmemory-policy", "noeviction"]);
    let store = store(&redis).await;
    commit(&store).await.unwrap();
    let used = || -> u64 {
        let info = redis.command(&["INFO", "memory"]);
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
        line.trim().parse().unwrap()
    };
    let (mut done, mut refused, mut events) = (0, 0, 1);
    let mut known = 10;
    for step in 0..120_i64 {
        // From far too little to enough, and around the limit in small steps.
        let limit = used().saturating_add_signed((step % 40 - 20) * 256);
        redis.command(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
        match store.commit(&cooling(100 + step), LONGEST).await {
            Ok(_) => {
                done += 1;
                events += 1;
                known = 100 + step;
            }
            Err(StoreError::OutOfMemory) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        let state = store.snapshot().await.unwrap().state;
        assert_eq!(state.cooldowns.up, Some(at() + TimeDelta::seconds(known)), "at a margin of {step}");
        assert_eq!(bus::newest(&store, 1000).await.unwrap().0.len(), events, "at a margin of {step}");
    }
    assert!(done > 0 && refused > 0, "{done} done, {refused} refused");
}
