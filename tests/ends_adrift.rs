//! The program is ended while it has no Redis, by SIGKILL and by SIGTERM: the next one records what happened until then, and log and state agree.

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;
#[path = "support/redis.rs"]
mod redis;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use windlass::cluster::{self, Cluster};
use windlass::config::Config;

use program::{Engine, Home, until};
use redis::TestRedis;

const CONFIG: &str = "
cluster:
  id: adrift
  kind: simulated
  simulated: { scenario: quiet }
autoscaler:
  check_interval: 300ms
leader:
  lease: 1s
";

struct Place {
    redis: TestRedis,
    home: Home,
}

impl Place {
    fn new() -> Self {
        let (redis, home) = (TestRedis::durable(), Home::new());
        fs::write(home.path("windlass.yaml"), CONFIG).expect("a configuration");
        Self { redis, home }
    }

    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let redis = format!("unix://{}", self.redis.socket().display());
        let config = self.home.path("windlass.yaml").display().to_string();
        let more = ["--config".to_owned(), config, "--redis-url".to_owned(), redis];
        words.iter().map(|&word| word.to_owned()).chain(more).collect()
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let arguments = self.arguments(words);
        self.home.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn run(&self, words: &[&str]) -> program::Ended {
        self.command(words).output().expect("the program starts").into()
    }

    fn start(&self) -> Engine {
        let log = fs::File::options().create(true).append(true).open(self.home.path("engine.log")).expect("a log");
        let mut command = self.command(&["run"]);
        Engine(command.stdout(std::process::Stdio::null()).stderr(log).spawn().expect("the engine starts"))
    }

    fn leads(&self) {
        until("the engine leads and two workers are ready", || {
            let ended = self.run(&["status", "--json"]);
            ended.code == Some(0) && {
                let status = ended.json();
                status["leader"]["replica"].is_string() && status["workers"]["ready"] == 2
            }
        });
    }

    /// The simulated cluster, as one who stands outside finds it.
    fn cluster(&self) -> Cluster {
        let mut config = Config::default();
        config.cluster.id = "adrift".parse().expect("a name");
        config.cluster.simulated.scenario = Some("quiet".to_owned());
        cluster::connect(&config, &self.home.path("data")).expect("the cluster")
    }

    fn files(&self) -> Vec<PathBuf> {
        let found = fs::read_dir(self.home.path("data/outbox")).map(|entries| {
            entries
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| path.extension() != Some("new".as_ref()))
        });
        found.map(Iterator::collect).unwrap_or_default()
    }

    /// What the doctor says of what lies there.
    fn doctor(&self) -> (String, String) {
        let checks = self.run(&["doctor", "--json"]).json();
        let outbox =
            checks.as_array().expect("a list").iter().find(|check| check["name"] == "outbox").expect("a check");
        (outbox["status"].as_str().unwrap_or_default().to_owned(), outbox.to_string())
    }

    fn events(&self) -> Vec<Value> {
        self.run(&["events", "--json", "-n", "10000"]).expect(0).json_lines()
    }
}

async fn ends_by(signal: &str, code: Option<i32>) {
    let mut place = Place::new();
    let mut engine = place.start();
    place.leads();
    assert_eq!(place.doctor().0, "ok");
    place.redis.kill();
    until("it is without Redis", || place.files().len() == 1);
    let cluster = place.cluster();
    let worker = cluster.host.list().await.expect("the workers").into_keys().next().expect("a worker");
    cluster.host.remove(&worker).await.expect("it goes");
    let file = place.files().remove(0);
    let says = |word: &str| fs::read_to_string(&file).is_ok_and(|text| text.contains(word));
    until("a worker is made in its place", || says("ScalingActionCompleted"));
    let (status, text) = place.doctor();
    assert!(status == "warning" && text.contains("a windlass that runs"), "{text}");
    assert_eq!(engine.end(signal), code);
    let (status, text) = place.doctor();
    assert!(status == "warning" && text.contains("start windlass with its Redis"), "{text}");

    place.redis.restart();
    let mut next = place.start();
    let named = |event: &Value, name: &str| event["event_type"] == name;
    until("it is recorded", || place.events().iter().any(|event| named(event, "StoreRestored")));
    until("the file goes", || place.files().is_empty());
    place.leads();
    let events = place.events();
    let ids: std::collections::HashSet<String> = events.iter().map(|event| event["event_id"].to_string()).collect();
    assert_eq!(ids.len(), events.len(), "an event is there twice: {events:#?}");
    for name in ["NodeUnexpectedlyLost", "StoreDegraded", "StoreRestored"] {
        assert_eq!(events.iter().filter(|event| named(event, name)).count(), 1, "{name}: {events:#?}");
    }
    let place_of = |name: &str| events.iter().rposition(|event| named(event, name));
    assert!(place_of("NodeUnexpectedlyLost") < place_of("LeaderElected"), "{events:#?}");
    let restored = &events[place_of("StoreRestored").expect("it was found")]["data"];
    assert!(restored["events_kept"].as_u64() > Some(3) && restored["events_dropped"] == 0, "{restored}");
    place.run(&["events", "replay"]).expect(0);
    assert_eq!(place.doctor().0, "ok");
    assert_eq!(next.end("-TERM"), Some(0));
}

#[tokio::test]
async fn by_sigkill() {
    ends_by("-KILL", None).await;
}

#[tokio::test]
async fn by_sigterm() {
    ends_by("-TERM", Some(0)).await;
}

#[test]
fn what_was_set_aside_is_named_too() {
    let place = Place::new();
    fs::create_dir_all(place.home.path("data/outbox")).expect("a folder");
    let head =
        r#"{"schema":1,"cluster":"adrift","replica":"a:1:b","epoch":3,"since":"2026-03-01T12:00:00Z","error":"gone"}"#;
    fs::write(place.home.path("data/outbox/adrift-a_1_b-3.jsonl.abandoned"), format!("{head}\n")).expect("a file");
    let (status, text) = place.doctor();
    assert!(status == "warning" && text.contains("0 events") && text.contains("another replica led"), "{text}");
    fs::write(place.home.path("data/outbox/adrift-a_1_b-3.jsonl.abandoned"), head.replace(":1,", ":2,"))
        .expect("a file");
    let (status, text) = place.doctor();
    assert!(status == "warning" && text.contains("schema 2") && text.contains("move the file away"), "{text}");
}
