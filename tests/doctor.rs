//! `windlass doctor` on things that are really broken: it names each, says what to do, ends in any case, and changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use serde_json::Value;

#[path = "support/docker.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod docker;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;
#[path = "support/redis.rs"]
mod redis;

use program::{Ended, Home};
use redis::TestRedis;

/// What the doctor says.
struct Told {
    ended: Ended,
    checks: Vec<Value>,
}

impl Told {
    fn of(ended: Ended) -> Self {
        let checks = ended.json().as_array().expect("a list").clone();
        Self { ended, checks }
    }

    /// The exit code goes with the worst of the checks.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        let problems: Vec<&Value> = self.checks.iter().filter(|check| check["status"] == "problem").collect();
        assert_eq!(self.ended.code, Some(code), "{problems:#?}\n{}", self.ended.err);
        assert_eq!(problems.is_empty(), code == 0, "{problems:#?}");
        self
    }

    /// A check with this name and status says these words, and what to do where something is to be done.
    #[track_caller]
    fn says(self, name: &str, status: &str, words: &[&str]) -> Self {
        let fits = |check: &&Value| {
            let text = format!("{} {}", check["found"].as_str().unwrap_or_default(), check["remedy"]);
            check["name"] == name && check["status"] == status && words.iter().all(|word| text.contains(word))
        };
        let found = self.checks.iter().find(fits);
        let found = found.unwrap_or_else(|| panic!("no {name} that is {status} with {words:?} in {:#?}", self.checks));
        assert_eq!(found["remedy"].is_null(), status == "ok", "{found}");
        self
    }
}

/// The doctor on a cluster of the test's Redis.
fn on(home: &Home, redis: &TestRedis, more: &[&str]) -> Told {
    let url = format!("unix://{}", redis.socket().display());
    let mut arguments = vec!["doctor", "--json", "--redis-url", &url, "--cluster", "ill"];
    arguments.extend(more);
    Told::of(home.run(&arguments))
}

/// A server that keeps what it is given, as it should be.
fn sound() -> TestRedis {
    TestRedis::durable()
}

#[test]
fn everything_is_looked_at_where_all_is_well() {
    let home = Home::new();
    let _engine = home.engine();
    let told = Told::of(home.demo(&["doctor", "--json"])).exits(0);
    let names: Vec<&str> = told.checks.iter().filter_map(|check| check["name"].as_str()).collect();
    for name in [
        "configuration",
        "data directory",
        "data disk",
        "log directory",
        "outbox",
        "redis program",
        "redis",
        "redis version",
        "redis role",
        "eviction policy",
        "persistence",
        "latency",
        "clock",
        "redis memory",
        "quarantine",
        "leader",
        "replicas",
        "state",
        "streams",
        "dead letters",
        "cluster",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let told = told.says("leader", "ok", &["epoch 1", "since"]).says("replicas", "ok", &["1 engine"]);
    told.says("persistence", "ok", &["AOF"]).says("state", "ok", &["2 workers"]);
    let text = home.demo(&["doctor"]).expect(0).out;
    assert!(text.contains("✓ ok") && text.contains("latency"), "{text}");
}

#[test]
fn nothing_is_made_and_nothing_is_started() {
    let home = Home::new();
    Told::of(home.demo(&["doctor", "--json"]))
        .exits(0)
        .says("redis", "ok", &["does not run"])
        .says("redis program", "ok", &["version"])
        .says("data directory", "ok", &["not made yet"])
        .says("leader", "warning", &["no engine", "windlass run"]);
    assert!(!home.path("data").exists());
    assert_eq!(home.server(), None);
}

#[test]
fn a_look_writes_nothing() {
    let redis = sound();
    redis.command(&["SET", "{ill}:leader", "elsewhere:7:abcd", "PX", "600000"]);
    redis.command(&["XADD", "{ill}:autoscaler_events", "*", "event", "{}"]);
    let changes = || {
        let info = redis.command(&["INFO", "persistence"]);
        info.lines().find(|line| line.starts_with("rdb_changes_since_last_save:")).expect("a line").to_owned()
    };
    let before = changes();
    on(&Home::new(), &redis, &[]).exits(0).says("leader", "ok", &["elsewhere"]);
    assert_eq!(changes(), before);
    redis.command(&["SET", "one", "more"]);
    assert_ne!(changes(), before, "otherwise the above would prove nothing");
}

#[test]
fn a_wrong_password_is_told() {
    let home = Home::new();
    let redis = sound();
    redis.command(&["CONFIG", "SET", "requirepass", "right"]);
    let url = format!("unix://{}", redis.socket().display());
    let asked = |password: Option<&str>| {
        let mut command = home.command(&["doctor", "--json", "--redis-url", &url]);
        password.map(|password| command.env("WINDLASS_REDIS_PASSWORD", password));
        Told::of(Ended::from(command.output().expect("it runs")))
    };
    asked(None).exits(1).says("redis", "problem", &["password"]);
    let wrong = asked(Some("wrong-and-secret")).exits(1).says("redis", "problem", &["password"]);
    assert!(!wrong.ended.out.contains("wrong-and-secret"));
    asked(Some("right")).exits(0).says("redis version", "ok", &[]);
}

#[test]
fn a_read_only_replica_is_told_with_its_main_server() {
    let redis = sound();
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    on(&Home::new(), &redis, &[]).exits(1).says(
        "redis role",
        "problem",
        &["read-only replica of 127.0.0.1:1", "does not hear", "redis.url"],
    );
}

#[test]
fn what_loses_state_is_told() {
    let home = Home::new();
    let forgetful = TestRedis::start();
    on(&home, &forgetful, &[]).exits(0).says("persistence", "warning", &["no AOF", "appendonly yes"]);
    let redis = sound();
    on(&home, &redis, &[]).exits(0).says("persistence", "ok", &["before an answer"]);
    redis.command(&["CONFIG", "SET", "appendfsync", "no"]);
    on(&home, &redis, &[]).exits(0).says("persistence", "warning", &["appendfsync everysec"]);
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    on(&home, &redis, &[]).exits(1).says("eviction policy", "problem", &["allkeys-lru", "noeviction"]);
}

#[test]
fn memory_that_runs_out_is_told_before_and_after() {
    let home = Home::new();
    let redis = sound();
    redis.command(&["SETRANGE", "filler", "8000000", "x"]);
    let used = |redis: &TestRedis| {
        let info = redis.command(&["INFO", "memory"]);
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a line").trim().to_owned();
        line.parse::<u64>().expect("a number")
    };
    let max = |bytes: u64| redis.command(&["CONFIG", "SET", "maxmemory", &bytes.to_string()]);
    max(used(&redis) * 2);
    on(&home, &redis, &[]).exits(0).says("redis memory", "ok", &[" %)"]);
    max(used(&redis) * 20 / 19);
    on(&home, &redis, &[]).exits(0).says("redis memory", "warning", &["when it is full", "CONFIG SET maxmemory"]);
    max(used(&redis) / 2);
    on(&home, &redis, &[]).exits(1).says("redis memory", "problem", &["every write is refused"]);
}

#[test]
fn a_lease_that_nobody_keeps_is_told() {
    let home = Home::new();
    let redis = sound();
    on(&home, &redis, &[]).exits(0).says("leader", "warning", &["no engine is running"]);
    let mut ended = Command::new("true").spawn().expect("a process");
    ended.wait().expect("it ends");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host");
    let replica = format!("{}:{}:abcd", host.trim(), ended.id());
    redis.command(&["SET", "{ill}:leader", &replica, "PX", "60000"]);
    on(&home, &redis, &[]).exits(0).says("leader", "warning", &["whose process has gone", &replica]);
    redis.command(&["SET", "{ill}:leader", "elsewhere:7:abcd"]);
    on(&home, &redis, &[]).exits(1).says("leader", "problem", &["never ends", "DEL '{ill}:leader'"]);
}

#[test]
fn streams_that_pile_up_and_values_that_were_moved_aside_are_told() {
    let home = Home::new();
    let redis = sound();
    redis.command(&["XGROUP", "CREATE", "{ill}:autoscaler_events", "NodeManager", "0", "MKSTREAM"]);
    let flood = "for i = 1, 1500 do redis.call('XADD', KEYS[1], '*', 'event', '{}') end return 0";
    redis.command(&["EVAL", flood, "1", "{ill}:autoscaler_events"]);
    redis.command(&["XADD", "{ill}:autoscaler_events:dead", "*", "event", "{}"]);
    on(&home, &redis, &[])
        .exits(0)
        .says("streams", "warning", &["NodeManager", "1500 unread"])
        .says("dead letters", "warning", &["1 event", "events dead"])
        .says("quarantine", "ok", &["nothing was moved aside"]);
    redis.command(&["SET", "{ill}:quarantine:workers:w-1:17", "{}"]);
    redis.command(&["SET", "{other}:quarantine:workers:w-1:17", "{}"]);
    on(&home, &redis, &[]).exits(0).says("quarantine", "warning", &["1 value", "{ill}:quarantine:workers:w-1:17"]);
    redis.command(&["DEL", "{ill}:quarantine:workers:w-1:17"]);
    redis.command(&["SET", "{ill}:workers:counter", "many"]);
    redis.command(&["LPUSH", "{ill}:autoscaler:pool:resize", "no record"]);
    on(&home, &redis, &[]).exits(0).says(
        "quarantine",
        "warning",
        &["2 values cannot be read", "{ill}:workers:counter", "{ill}:autoscaler:pool:resize"],
    );
}

#[test]
fn what_accepts_and_does_not_answer_is_given_up() {
    let home = Home::new();
    let redis = sound();
    redis.pause();
    on(&home, &redis, &["--set", "redis.timeout=300ms"]).exits(1).says("redis", "problem", &[]);
    redis.resume();
    let socket = home.path("mute.sock");
    let _mute = UnixListener::bind(&socket).expect("a socket");
    let host = format!("cluster.docker.host=unix://{}", socket.display());
    let docker = ["--set", "cluster.kind=docker", "--set", "workers.image=any", "--set", &host];
    on(&home, &redis, &[&docker[..], &["--set", "cluster.docker.timeout=300ms"]].concat()).exits(1).says(
        "docker",
        "problem",
        &["start Docker"],
    );
    // A limit of its own holds where the configuration allows more than anybody waits for.
    on(&home, &redis, &[&docker[..], &["--set", "cluster.docker.timeout=5m"]].concat()).exits(1).says(
        "cluster",
        "problem",
        &["no answer within"],
    );
}

#[test]
fn docker_that_is_not_there_is_told() {
    let home = Home::new();
    let redis = sound();
    let host = format!("cluster.docker.host=unix://{}", home.path("nobody.sock").display());
    let told = on(&home, &redis, &["--set", "cluster.kind=docker", "--set", "workers.image=any", "--set", &host]);
    told.exits(1).says("docker", "problem", &["nobody.sock", "cluster.docker.host"]).says("redis version", "ok", &[]);
}

#[test]
fn what_docker_lacks_is_told() {
    if !docker::available("what_docker_lacks_is_told") {
        return;
    }
    docker::ensure_image();
    let home = Home::new();
    let redis = sound();
    let file = home.path("windlass.yaml");
    let write = |image: &str, network: &str, function: &str| {
        let text = format!(
            "cluster:\n  id: ill\n  kind: docker\nworkers:\n  image: {image}\n  network: {network}\n  mounts: [/no/such/folder:/data]\n\
             pools:\n  network: {network}\n  functions:\n    - {{name: hello, image: {function}, port: 80}}\n    \
             - {{name: twin, image: {function}, port: 80}}\n"
        );
        fs::write(&file, text).expect("a file");
    };
    let config = file.to_str().expect("a path").to_owned();
    write("windlass-doctor-no-such:1", "windlass-doctor-no-such", "windlass-doctor-no-function:1");
    on(&home, &redis, &["--config", &config])
        .exits(1)
        .says("docker", "ok", &["API 1."])
        .says("worker image", "problem", &["windlass-doctor-no-such:1", "docker pull"])
        .says("worker network", "problem", &["windlass-doctor-no-such", "docker network create"])
        .says("worker mounts", "warning", &["/no/such/folder"])
        .says("pool image", "problem", &["windlass-doctor-no-function:1", "hello, twin", "pools.functions"])
        .says("pool network", "problem", &["windlass-doctor-no-such", "pools.network"]);
    write(docker::IMAGE, "bridge", docker::IMAGE);
    on(&home, &redis, &["--config", &config])
        .exits(0)
        .says("worker image", "ok", &[])
        .says("worker network", "ok", &["bridge"])
        .says("pool image", "ok", &["hello, twin"])
        .says("pool network", "ok", &[]);
}

#[test]
fn what_everybody_can_read_is_told() {
    let home = Home::new();
    let redis = sound();
    redis.command(&["CONFIG", "SET", "requirepass", "hunter2"]);
    let file = home.path("password");
    fs::write(&file, "hunter2").expect("a file");
    let open =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    open(&file, 0o644);
    let password = format!("redis.password_file={}", file.display());
    let told = on(&home, &redis, &["--set", &password]).exits(0).says("secrets", "warning", &["chmod o=", "password"]);
    assert!(!told.ended.out.contains("hunter2"));
    open(&file, 0o600);
    fs::create_dir(home.path("data")).expect("a folder");
    open(&home.path("data"), 0o755);
    on(&home, &redis, &["--set", &password]).exits(0).says("secrets", "ok", &["1 file"]).says(
        "data directory",
        "warning",
        &["chmod 700"],
    );
}

#[test]
fn a_doubtful_configuration_is_a_warning_and_a_wrong_one_a_problem() {
    let home = Home::new();
    let redis = sound();
    on(&home, &redis, &["--set", "redis.timeout=4s", "--set", "autoscaler.limits.max_nodes=2"])
        .exits(0)
        .says("configuration", "ok", &[])
        .says("configuration", "warning", &["nothing is ever scaled"])
        .says("configuration", "warning", &["one slow answer"]);
    on(&home, &redis, &["--set", "autoscaler.limits.min_nodes=many"]).exits(1).says(
        "configuration",
        "problem",
        &["min_nodes"],
    );
}
