//! Webhooks on a real Redis, a real engine and real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::engine::{RunningEngine, brisk};
use support::hook::{Answer, Hook, Request};
use support::redis::TestRedis;
use windlass::bus::dead_letters;
use windlass::bus::webhooks::{self, TargetHealth};
use windlass::config::{AlertFormat, Config, Span, TargetConfig};
use windlass::model::{Action, EventData, EventType, LogPosition, Scope, Severity};
use windlass::store::Store;

fn with(targets: Vec<TargetConfig>) -> Config {
    let mut config = brisk("c1");
    config.autoscaler.events.alerts.targets = targets;
    config
}

fn is(request: &Request, event_type: EventType) -> bool {
    request.json()["event_type"] == event_type.name()
}

fn hold() -> Action {
    Action::Hold { scope: Scope::Up, seconds: 600 }
}

async fn health(store: &Store, name: &str) -> TargetHealth {
    let all = webhooks::health(store).await.unwrap();
    all.into_iter().find(|target| target.name.as_str() == name).expect("the target is known")
}

/// Failed requests in a row; none where the target is not known yet.
async fn failures(store: &Store, name: &str) -> u64 {
    let all = webhooks::health(store).await.unwrap();
    all.iter().find(|target| target.name.as_str() == name).map_or(0, |target| target.consecutive_failures)
}

async fn until(what: &str, wanted: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if wanted().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come");
}

#[tokio::test]
async fn a_target_that_hangs_delays_neither_another_one_nor_the_engine() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let (dead, alive) = (Hook::answering(&[]).await, Hook::answering(&[]).await);
    dead.then(Answer::Hang);
    let config = with(vec![dead.target("dead"), alive.target("alive")]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::MinimumNodesRestored).await;
    engine.first(EventType::ClusterStateSynced).await;
    alive.told("the violation", |told| is(told, EventType::MinimumNodesViolation)).await;
    let held = engine.command(hold()).await;
    let told = alive.told("the hold", |told| is(told, EventType::HoldPlaced)).await;
    assert_eq!(told.id(), held.event_id.to_string());
    assert_eq!(told.headers["idempotency-key"], told.id());
    assert_eq!(told.json(), serde_json::to_value(&held).unwrap(), "the event as on the stream");
    assert!(alive.requests().iter().all(|told| !is(told, EventType::ClusterStateSynced)), "below its severity");

    until("two failures", async || failures(&engine.store, "dead").await >= 2).await;
    let ill = health(&engine.store, "dead").await;
    assert_eq!((ill.delivered, ill.last_success), (0, None));
    assert!(ill.next_attempt.is_some() && ill.waiting.unwrap() >= 2, "{ill:?}");
    assert!(ill.last_error.as_ref().unwrap().contains("no answer within"), "{ill:?}");
    let first = dead.requests()[0].id().to_owned();
    assert!(dead.requests().iter().all(|told| told.id() == first), "one after the other, in order");

    dead.then(Answer::Drip);
    dead.told("the hold, once it is back", |told| is(told, EventType::HoldPlaced)).await;
    until("its health", async || health(&engine.store, "dead").await.consecutive_failures == 0).await;
    engine.stop().await;
}

#[tokio::test]
async fn five_hundred_forever_ends_in_the_dead_letters_and_not_in_a_storm() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let (one, other) = (Hook::answering(&[]).await, Hook::answering(&[]).await);
    one.then(Answer::Status(500));
    other.then(Answer::Status(400));
    let mut first = one.target("one");
    first.tries = 2;
    let mut second = other.target("other");
    (second.min_severity, second.types) = (None, vec![EventType::EventDeadLettered]);
    let config = with(vec![first, second]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let dead = engine.first(EventType::EventDeadLettered).await;
    let EventData::EventDeadLettered(data) = &dead.data else { panic!("{dead:?}") };
    assert_eq!((data.handler.as_str(), data.tries), ("AlertManager:one", 2));
    assert!(data.error.starts_with("it answers 500") && !data.error.contains("s3cret"), "{}", data.error);
    let violation = engine.first(EventType::MinimumNodesViolation).await;
    assert_eq!((data.event.clone(), dead.caused_by), (violation.event_id.to_string(), Some(violation.event_id)));

    until("the other's refusal", async || health(&engine.store, "other").await.dropped >= 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let events = engine.events().await;
    let about = |handler: &str| {
        let of = |data: &EventData| matches!(data, EventData::EventDeadLettered(data) if data.handler == handler);
        events.iter().filter(|event| of(&event.data)).count()
    };
    assert_eq!(about("AlertManager:other"), 0, "that one could not be told of the other is not told again");
    assert!(one.requests().iter().all(|told| !is(told, EventType::EventDeadLettered)), "nor to the one that caused it");

    // It is back, and an operator has the event delivered after all; nobody else hears of it again.
    one.then(Answer::Status(200));
    let letters = dead_letters::list(&engine.store, None, 100).await.unwrap();
    let letter = letters.letters.iter().find(|letter| letter.text.contains(&data.event)).unwrap();
    let retried = engine.command(Action::DeadLetterRetry { entry: letter.entry.clone() }).await;
    assert_eq!(
        (retried.event_type(), retried.actor.to_string()),
        (EventType::EventDeadLetterRetried, "anna".to_owned())
    );
    let before = one.requests().len();
    one.told("the violation again", |told| told.id() == data.event && one.requests().len() > before).await;
    until("the delivery", async || health(&engine.store, "one").await.delivered >= 1).await;
    assert_eq!(dead_letters::show(&engine.store, &letter.entry).await.unwrap(), None);
    let again = engine.command(Action::DeadLetterRetry { entry: letter.entry.clone() }).await;
    assert!(matches!(&again.data, EventData::CommandRefused(no) if no.reason == "dead_letter"), "{again:?}");
    let violations = engine.events().await.iter().filter(|event| event.event_id == violation.event_id).count();
    assert_eq!(violations, 1, "it is in the log once");
    engine.stop().await;
}

#[tokio::test]
async fn who_asks_for_time_gets_it_and_a_refusal_is_final() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let busy = Hook::answering(&[Answer::Wait(429, 3), Answer::Status(200), Answer::Elsewhere]).await;
    let config = with(vec![busy.target("busy")]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    until("the first failure", async || failures(&engine.store, "busy").await == 1).await;
    let rests = health(&engine.store, "busy").await;
    let rest = rests.next_attempt.unwrap() - rests.last_failure.unwrap();
    assert!(rest >= chrono::TimeDelta::seconds(3), "{rests:?}");
    until("the delivery", async || health(&engine.store, "busy").await.delivered == 1).await;
    assert_eq!(busy.requests()[0].id(), busy.requests()[1].id());

    engine.command(hold()).await;
    // The second event is the one that is redirected, whichever it is; none is followed.
    let dead = engine.first(EventType::EventDeadLettered).await;
    assert!(matches!(&dead.data, EventData::EventDeadLettered(data) if data.tries == 1 && data.error.contains("307")));
    assert!(busy.requests().iter().all(|told| told.path == "/hooks/s3cretpath"), "redirects are not followed");
    engine.stop().await;
}

#[tokio::test]
async fn requests_are_signed_and_carry_secrets_from_files() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let hook = Hook::answering(&[]).await;
    std::fs::write(folder.path().join("key"), "hunter2\n").unwrap();
    std::fs::write(folder.path().join("token"), "Bearer t0ken\n").unwrap();
    let mut target = hook.target("signed");
    target.hmac_secret_file = Some(folder.path().join("key"));
    target.header_files.insert("authorization".to_owned(), folder.path().join("token"));
    target.headers.insert("x-team".to_owned(), "infra".to_owned());
    target.format = AlertFormat::Slack;
    let engine = RunningEngine::start(&redis.url(), &with(vec![target]), folder.path()).await;
    let told = hook.told("anything", |_| true).await;
    assert_eq!((told.headers["authorization"].as_str(), told.headers["x-team"].as_str()), ("Bearer t0ken", "infra"));
    let text = told.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("c1: ") && !text.contains('<'), "{text}");
    let signed = [told.headers["x-windlass-timestamp"].as_bytes(), b".", &told.body].concat();
    assert_eq!(told.headers["x-windlass-signature"], format!("sha256={}", hmac("hunter2", &signed)));
    assert_ne!(told.headers["x-windlass-signature"], format!("sha256={}", hmac("hunter3", &signed)));
    engine.stop().await;
}

/// HMAC-SHA256 as RFC 2104 writes it.
fn hmac(key: &str, bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key.as_bytes());
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([padded(0x36).as_slice(), bytes].concat());
    let outer = Sha256::digest([padded(0x5c).as_slice(), inner.as_slice()].concat());
    outer.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let test = "a_certificate_that_nobody_vouches_for_is_refused";
    if !there(test, "openssl", "version") {
        return;
    }
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, certificate) = (path("key.pem"), path("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Command::new("openssl")
        .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-key", &key, "-cert", &certificate])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Killed(server);
    let mut target = TargetConfig::new("tls".parse().unwrap(), format!("https://localhost:{port}/"));
    target.allow_private = true;
    let engine = RunningEngine::start(&redis.url(), &with(vec![target]), folder.path()).await;
    until("the refusal", async || {
        let all = webhooks::health(&engine.store).await.unwrap();
        all.iter()
            .any(|target| target.last_error.as_ref().is_some_and(|error| error.contains("invalid peer certificate")))
    })
    .await;
    engine.stop().await;
}

#[tokio::test]
async fn a_crash_between_request_and_acknowledgement_repeats_the_event_and_loses_none() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let hook = Hook::answering(&[]).await;
    let mut target = hook.target("ops");
    (target.min_severity, target.timeout) = (Some(Severity::Info), Span::seconds(30));
    let config = with(vec![target]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    hook.told("agreement", |told| is(told, EventType::ClusterStateSynced)).await;
    // It takes the request and is never heard to have done so.
    hook.then(Answer::Hang);
    let held = engine.command(hold()).await;
    let told = hook.told("the hold", |told| is(told, EventType::HoldPlaced)).await;
    engine.crash().await;

    hook.then(Answer::Status(200));
    let before = hook.requests().len();
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let again =
        hook.told("the hold again", |told| is(told, EventType::HoldPlaced) && hook.requests().len() > before).await;
    assert_eq!((told.id(), again.id()), (again.id(), held.event_id.to_string().as_str()));
    let released = engine.command(Action::Release { scope: Scope::Up }).await;
    hook.told("the release", |told| told.id() == released.event_id.to_string()).await;
    let ids: BTreeSet<String> = hook.requests().iter().map(|told| told.id().to_owned()).collect();
    let missed: Vec<_> = engine
        .events()
        .await
        .into_iter()
        .filter(|event| event.event_id > held.event_id && event.event_id < released.event_id)
        .filter(|event| !ids.contains(&event.event_id.to_string()))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert_eq!(hook.requests().iter().filter(|told| told.id() == held.event_id.to_string()).count(), 2);
    engine.stop().await;
}

#[tokio::test]
async fn what_was_seen_to_be_delivered_is_not_sent_again() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let hook = Hook::answering(&[]).await;
    let mut target = hook.target("ops");
    (target.min_severity, target.types) = (None, vec![EventType::HoldPlaced, EventType::HoldReleased]);
    target.timeout = Span::seconds(30);
    let config = with(vec![target]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    hook.then(Answer::Hang);
    let held = engine.command(hold()).await;
    hook.told("the hold", |told| is(told, EventType::HoldPlaced)).await;
    let store = engine.store.clone();
    engine.crash().await;
    // As if the one before had seen the answer while the next one took the entry over.
    redis::cmd("ZADD")
        .arg(store.keys().webhook_delivered("ops"))
        .arg(1)
        .arg(held.event_id.to_string())
        .exec_async(&mut store.connection())
        .await
        .unwrap();
    hook.then(Answer::Status(200));
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    engine.command(Action::Release { scope: Scope::Up }).await;
    hook.told("the release", |told| is(told, EventType::HoldReleased)).await;
    assert_eq!(hook.requests().iter().filter(|told| is(told, EventType::HoldPlaced)).count(), 1);
    until("all to be acknowledged", async || health(&store, "ops").await.waiting == Some(0)).await;
    engine.stop().await;
}

#[tokio::test]
async fn what_is_replayed_is_sent_again_though_it_was_delivered() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let (hook, other) = (Hook::answering(&[]).await, Hook::answering(&[]).await);
    let targets = [(&hook, "ops"), (&other, "others")].map(|(hook, name)| {
        let mut target = hook.target(name);
        (target.min_severity, target.types) = (None, vec![EventType::HoldPlaced, EventType::HoldReleased]);
        target
    });
    let engine = RunningEngine::start(&redis.url(), &with(targets.to_vec()), folder.path()).await;
    engine.first(EventType::ClusterStateSynced).await;
    let held = engine.command(hold()).await;
    for hook in [&hook, &other] {
        hook.told("the hold", |told| is(told, EventType::HoldPlaced)).await;
    }
    until("the delivery", async || health(&engine.store, "ops").await.delivered == 1).await;
    let from = LogPosition::at(held.timestamp - chrono::TimeDelta::seconds(5));
    let replayed = engine.command(Action::Replay { handler: "AlertManager:ops".to_owned(), from, to: None }).await;
    assert!(matches!(&replayed.data, EventData::EventsReplayed(data) if data.count == 1), "{replayed:?}");
    let of = |hook: &Hook| hook.requests().iter().filter(|told| told.id() == held.event_id.to_string()).count();
    until("it to be sent again", async || of(&hook) == 2).await;
    engine.command(Action::Release { scope: Scope::Up }).await;
    other.told("the release", |told| is(told, EventType::HoldReleased)).await;
    assert_eq!((of(&hook), of(&other)), (2, 1), "nobody else is told again");
    engine.stop().await;
}

#[tokio::test]
async fn private_addresses_are_refused_by_what_they_resolve_to() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let hook = Hook::answering(&[]).await;
    let urls = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"];
    let target = |(number, host): (usize, &&str)| {
        let mut target = hook.target(&format!("t{number}"));
        target.url = format!("http://{host}:{}/", hook.port());
        target.allow_private = false;
        target
    };
    let config = with(urls.iter().enumerate().map(target).collect());
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    for (number, host) in urls.iter().enumerate() {
        let name = format!("t{number}");
        until("a failure", async || {
            webhooks::health(&engine.store)
                .await
                .unwrap()
                .iter()
                .any(|it| it.name.as_str() == name && it.last_error.is_some())
        })
        .await;
        let error = health(&engine.store, &name).await.last_error.unwrap();
        assert!(error.contains("allow_private"), "{host}: {error}");
    }
    assert!(hook.requests().is_empty());
    engine.stop().await;
}

#[tokio::test]
async fn what_waited_too_long_is_not_sent_and_a_target_that_is_gone_is_forgotten() {
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let hook = Hook::answering(&[]).await;
    hook.then(Answer::Hang);
    let mut target = hook.target("late");
    target.give_up_after = Span::seconds(2);
    let config = with(vec![target]);
    let engine = RunningEngine::start(&redis.url(), &config, folder.path()).await;
    let dead = engine.first(EventType::EventDeadLettered).await;
    assert!(
        matches!(&dead.data, EventData::EventDeadLettered(data) if data.error.contains("give_up_after")),
        "{dead:?}"
    );
    let letter = dead_letters::list(&engine.store, None, 1).await.unwrap().letters.remove(0);
    let dropped = engine.command(Action::DeadLetterDrop { entry: letter.entry.clone() }).await;
    assert_eq!(dropped.event_type(), EventType::EventDeadLetterDropped);
    assert_eq!(dead_letters::show(&engine.store, &letter.entry).await.unwrap(), None);
    engine.stop().await;

    let engine = RunningEngine::start(&redis.url(), &with(Vec::new()), folder.path()).await;
    until("it to be forgotten", async || webhooks::health(&engine.store).await.unwrap().is_empty()).await;
    engine.stop().await;
}

/// Whether a program is installed. If not, says so visibly, or fails where that is forbidden.
fn there(test: &str, program: &str, version: &str) -> bool {
    if Command::new(program).arg(version).output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(
        std::env::var("WINDLASS_REQUIRE_REAL").as_deref() != Ok("1"),
        "{test}: {program} is not installed, and WINDLASS_REQUIRE_REAL=1 forbids skipping"
    );
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {program} is not installed");
    false
}

/// A process that goes with the value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Alertmanager {
    _process: Killed,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    /// A real one; `None`, visibly, where it is not installed.
    fn start(test: &str) -> Option<Self> {
        if !there(test, "prometheus-alertmanager", "--version") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("am.yml");
        std::fs::write(&config, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { _process: Killed(child), port, _folder: folder })
    }

    /// The alerts that fire.
    fn firing(&self) -> Vec<serde_json::Value> {
        use std::io::Read as _;
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) else { return Vec::new() };
        let asked = "GET /api/v2/alerts HTTP/1.0\r\nHost: am\r\n\r\n";
        let mut answer = String::new();
        if stream.write_all(asked.as_bytes()).is_err() || stream.read_to_string(&mut answer).is_err() {
            return Vec::new();
        }
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_default()
    }

    fn fires(&self, name: &str) -> Option<serde_json::Value> {
        self.firing().into_iter().find(|alert| alert["labels"]["alertname"] == name)
    }
}

#[tokio::test]
async fn a_real_alertmanager_takes_alerts_that_fire_and_resolve() {
    let Some(server) = Alertmanager::start("a_real_alertmanager_takes_alerts_that_fire_and_resolve") else {
        return;
    };
    let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
    let mut target = TargetConfig::new("am".parse().unwrap(), format!("http://127.0.0.1:{}", server.port));
    (target.format, target.allow_private) = (AlertFormat::Alertmanager, true);
    let engine = RunningEngine::start(&redis.url(), &with(vec![target]), folder.path()).await;
    engine.first(EventType::MinimumNodesRestored).await;
    let held = engine.command(hold()).await;
    until("the hold", async || server.fires("HoldPlaced").is_some()).await;
    let alert = server.fires("HoldPlaced").unwrap();
    let labels = serde_json::json!({"alertname": "HoldPlaced", "severity": "warning", "cluster_id": "c1",
        "region": "local", "direction": "scale_up"});
    assert_eq!(alert["labels"], labels);
    assert_eq!(alert["annotations"]["event_id"], held.event_id.to_string());
    assert!(alert["annotations"]["summary"].as_str().unwrap().contains("held until"), "{alert}");
    assert!(server.fires("MinimumNodesViolation").is_none(), "that has ended: {:?}", server.firing());

    engine.command(Action::Release { scope: Scope::Up }).await;
    until("its end", async || server.fires("HoldPlaced").is_none()).await;
    let state = health(&engine.store, "am").await;
    assert!(state.delivered >= 4 && state.dropped == 0, "{state:?}");
    engine.stop().await;
}
