//! Health, metrics, documents and commands over HTTP, on a real Redis with an engine of a simulated cluster.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

#[path = "http/client.rs"]
mod client;
#[path = "http/fuzz.rs"]
mod fuzz;
#[path = "http/metrics.rs"]
mod metrics;
mod support;

use std::cell::RefCell;
use std::time::Duration;

use client::{OPERATOR, Request, TestServer, VIEWER, listening, with_tokens};
use fuzz::{Api, Tally};
use proptest::test_runner::{Config as Cases, TestCaseError, TestRunner};
use serde_json::{Value, json};
use support::engine::{RunningEngine, brisk, connect};
use support::redis::TestRedis;
use windlass::config::Config;
use windlass::http::{self, HttpError};
use windlass::model::{EventData, EventType, ReplicaId};
use windlass::viewer;

/// Everything that a test of a healthy cluster needs.
struct Stage {
    redis: TestRedis,
    engine: RunningEngine,
    server: TestServer,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set(config: &Config) -> Self {
        let (redis, folder) = (TestRedis::start(), tempfile::tempdir().unwrap());
        let engine = RunningEngine::start(&redis.url(), config, folder.path()).await;
        // The counters begin where the server does: after the first workers were made.
        engine.first(EventType::ClusterStateSynced).await;
        let server = TestServer::start(config, &connect(&redis.url(), config).await).await.ready().await;
        Self { redis, engine, server, _folder: folder }
    }

    async fn clear(self) {
        self.server.stop().await;
        self.engine.stop().await;
    }
}

fn scale_up(more: &Value) -> Value {
    let mut command = json!({"command": "scale", "direction": "scale_up", "count": 1, "reason": "a busy evening"});
    command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    command
}

#[tokio::test]
async fn documents_say_what_the_cockpit_shows() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    let get = async |path: &str| stage.server.get(path, Some(VIEWER)).await.json();
    let status = stage
        .server
        .until("/api/v1/status", Some(VIEWER), |reply| reply.json()["cpu_percent"].is_number())
        .await
        .json();
    assert_eq!((&status["cluster_id"], &status["store"]), (&json!("c1"), &json!("up")));
    assert_eq!(status["workers"], json!({"current": 2, "ready": 2, "expected": 2, "min": 2, "max": 6}));
    assert!(status["cooldowns"]["scale_down"]["remaining_seconds"].is_u64(), "{status}");

    let workers = get("/api/v1/workers").await;
    let worker = workers[0].as_object().unwrap();
    let fields: Vec<&str> = worker.keys().map(String::as_str).collect();
    let wanted = ["age_seconds", "container_id", "cpu_percent", "kind", "memory_percent", "name", "node", "status"];
    assert_eq!(fields, wanted);
    assert_eq!(workers.as_array().unwrap().len(), 2);

    let history = get("/api/v1/history").await;
    assert_eq!(history["operations"][0]["outcome"], "completed");
    assert_eq!(history["scaling"]["count"]["up"], 1);
    let config = get("/api/v1/config").await;
    assert_eq!(config["cluster"]["id"], "c1");
    assert_eq!(config["http"]["tokens"][0]["name"], "anna");
    stage.clear().await;
}

#[tokio::test]
async fn events_are_chosen_by_their_query() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    let get = async |query: &str| stage.server.get(&format!("/api/v1/events{query}"), Some(VIEWER)).await;
    let all = stage.engine.events().await;
    let listed = get("?limit=10000").await.json();
    assert!(listed.as_array().unwrap().len() >= all.len().min(5));
    assert_eq!(listed[0], serde_json::to_value(&all[0]).unwrap());

    let two = get("?limit=2").await.json();
    assert_eq!(two.as_array().unwrap().len(), 2);
    let some = get("?type=NodeCreated&type=NodeReady").await.json();
    assert_eq!(some.as_array().unwrap().len(), 4, "{some}");
    let critical = get("?severity=critical").await.json();
    assert!(
        critical.as_array().unwrap().iter().all(|event| event["event_type"] == "MinimumNodesViolation"),
        "{critical}"
    );
    let name = some[0]["data"]["node_name"].as_str().unwrap();
    let about = get(&format!("?worker={name}&type=NodeReady")).await.json();
    assert_eq!(about.as_array().unwrap().len(), 1);
    assert_eq!(get("?since=2100-01-01T00:00:00Z").await.json(), json!([]));
    assert_eq!(get("?since=1h").await.json().as_array().unwrap().len(), listed.as_array().unwrap().len().min(100));

    let wrong = get("?limit=0&type=Nope&severity=bad&worker=A&since=soon&limt=3&limit=1").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "invalid_query"));
    for words in [
        "limit: found \"0\"; allowed: a whole number from 1 to 10000",
        "type: found \"Nope\"; allowed: OptimalStateTrigger",
        "severity: found \"bad\"; allowed: info, warning, critical",
        "worker name \"A\" is not allowed",
        "since: found \"soon\"; allowed: write a length of time",
        "limt: there is no such parameter",
        "limit: it is there twice",
    ] {
        assert!(wrong.message().contains(words), "{words} is not in {}", wrong.message());
    }
    stage.clear().await;
}

#[tokio::test]
async fn commands_are_answered_when_the_leader_has_taken_or_refused_them() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    let taken = stage.server.command(&scale_up(&json!({}))).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let answer = taken.json();
    assert_eq!((&answer["outcome"], &answer["command"]), (&json!("taken"), &json!("scale")));
    let decision = stage.engine.first(EventType::ScaleUpDecision).await;
    assert_eq!(answer["operation_id"], json!(decision.correlation_id));
    assert_eq!(answer["event"]["event_id"], json!(decision.event_id));
    assert_eq!(decision.caused_by.map(|id| json!(id)), Some(answer["command_id"].clone()));
    assert_eq!(decision.actor.to_string(), "anna", "the actor is the token's holder");
    assert!(matches!(&decision.data, EventData::ScaleUpDecision(data) if data.reason == "a busy evening"));

    let refused = stage.server.command(&scale_up(&json!({"count": 50}))).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "limit"), "{refused:?}");
    assert!(refused.message().contains("more than the maximum of 6"), "{}", refused.message());
    assert_eq!(refused.json()["answer"]["outcome"], "refused");
    assert_eq!(refused.json()["answer"]["events"][0]["event_type"], "CommandRefused");

    let held = stage
        .server
        .command(&json!({"command": "hold", "scope": "all", "seconds": 600, "reason": "audit"}))
        .await
        .json();
    assert_eq!(held["holds"].as_array().unwrap().len(), 2, "{held}");
    let status =
        stage.server.until("/api/v1/status", Some(VIEWER), |reply| reply.json()["holds"]["scale_up"].is_object()).await;
    assert_eq!(status.json()["holds"]["scale_up"]["actor"], "anna");
    let refused = stage.server.command(&scale_up(&json!({}))).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "hold"), "{refused:?}");
    stage.clear().await;
}

#[tokio::test]
async fn a_command_with_an_id_of_its_own_is_carried_out_once() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    let command = scale_up(&json!({"command_id": "0192c7a0-0000-7000-8000-00000000000a"}));
    let both = tokio::join!(stage.server.command(&command), stage.server.command(&command));
    let third = stage.server.command(&command).await;
    for reply in [&both.0, &both.1, &third] {
        assert_eq!((reply.status, reply.json()), (200, both.0.json()), "{reply:?}");
    }
    let decisions =
        stage.engine.events().await.into_iter().filter(|event| event.event_type() == EventType::ScaleUpDecision);
    assert_eq!(decisions.count(), 1);
    let other = stage
        .server
        .command(&scale_up(&json!({"command_id": "0192c7a0-0000-7000-8000-00000000000a", "count": 2})))
        .await;
    assert_eq!((other.status, other.code().as_str()), (422, "command_id_reused"));
    stage.clear().await;
}

#[tokio::test]
async fn a_command_that_makes_no_sense_is_told_what_is_allowed() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    for (body, status, words) in [
        ("{", 400, "the body is no JSON"),
        ("[]", 422, "command: found nothing; allowed: one of dead_letter_drop, dead_letter_retry, hold, pool_drain"),
        (r#"{"command": "scal"}"#, 422, r#"command: found "scal"; allowed: one of dead_letter_drop"#),
        (
            r#"{"command": "scale", "direction": "scale_up", "count": 1}"#,
            422,
            "reason: found nothing; allowed: 1 to 500",
        ),
        (
            r#"{"command": "reconcile", "reason": "  "}"#,
            422,
            "reason: found \"  \"; allowed: 1 to 500 printable characters",
        ),
        (
            r#"{"command": "reconcile", "reason": "x", "actor": "bert"}"#,
            422,
            "actor: there is no such field here; there are",
        ),
        (
            r#"{"command": "hold", "scope": "all", "seconds": 0, "reason": "x"}"#,
            422,
            "seconds: found 0; allowed: a whole number, 1",
        ),
        (r#"{"command": "protect", "worker": "A B", "reason": "x"}"#, 422, "worker: found \"A B\""),
        (r#"{"command": "protect", "worker": "counter", "reason": "x"}"#, 422, "not `counter`"),
        (
            r#"{"command": "reconcile", "reason": "x", "command_id": "7"}"#,
            422,
            "command_id: found \"7\"; allowed: a UUID",
        ),
        (r#"{"command": "scale", "direction": "scale_up", "count": 5000000000, "reason": "x"}"#, 422, "5000000000"),
    ] {
        let reply = stage.server.post(body.as_bytes(), Some(OPERATOR)).await;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert!(reply.message().contains(words), "{body}\n  expected {words}\n  found    {}", reply.message());
    }
    let large = stage.server.post(&vec![b' '; 100_000], Some(OPERATOR)).await;
    assert_eq!((large.status, large.code().as_str()), (413, "body_too_large"));
    let form = Request {
        method: "POST".into(),
        path: "/api/v1/commands".into(),
        token: Some(OPERATOR.into()),
        body: Some(("application/x-www-form-urlencoded".into(), b"command=reconcile".to_vec())),
        host: None,
    };
    assert_eq!(stage.server.ask(&form).await.status, 415, "a web page's form is no command");
    assert!(
        stage.engine.events().await.iter().all(|event| event.actor.to_string() != "anna"),
        "nothing has reached the leader"
    );
    stage.clear().await;
}

#[tokio::test]
async fn each_token_opens_what_its_role_allows() {
    let stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    let server = &stage.server;
    for path in ["/healthz", "/readyz", "/api/v1/openapi.json"] {
        assert_eq!(server.get(path, None).await.status, 200, "{path}");
    }
    for path in ["/metrics", "/api/v1/status", "/api/v1/workers", "/api/v1/events", "/api/v1/history", "/api/v1/config"]
    {
        let without = server.get(path, None).await;
        assert_eq!(
            (without.status, without.header("www-authenticate")),
            (401, Some(r#"Bearer realm="windlass""#)),
            "{path}"
        );
        let wrong = server.get(path, Some("anna-s-secret-tokem")).await;
        assert_eq!((wrong.status, wrong.code().as_str()), (401, "token_unknown"), "{path}");
        assert!(wrong.header("www-authenticate").unwrap().contains("invalid_token"));
        for token in [VIEWER, OPERATOR] {
            let reply = server.get(path, Some(token)).await;
            assert_eq!(reply.status, 200, "{path}: {reply:?}");
            assert!(!reply.body.contains(VIEWER) && !reply.body.contains(OPERATOR), "{path} tells a secret");
        }
    }
    let command = json!({"command": "reconcile", "reason": "x"}).to_string();
    assert_eq!(server.post(command.as_bytes(), None).await.status, 401);
    let viewer = server.post(command.as_bytes(), Some(VIEWER)).await;
    assert_eq!((viewer.status, viewer.code().as_str()), (403, "role_too_low"));
    assert_eq!(server.post(command.as_bytes(), Some(OPERATOR)).await.status, 200);
    stage.clear().await;
}

#[tokio::test]
async fn without_tokens_reading_is_open_on_loopback_and_commands_are_not() {
    let stage = Stage::set(&listening(&brisk("c1"))).await;
    assert_eq!(stage.server.get("/api/v1/status", None).await.status, 200);
    let command = json!({"command": "reconcile", "reason": "x"}).to_string();
    let refused = stage.server.post(command.as_bytes(), Some("whatever-it-may-be")).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "no_tokens"));
    assert!(refused.message().contains("WINDLASS_HTTP_TOKEN"), "{}", refused.message());
    let foreign =
        Request { path: "/api/v1/config".into(), host: Some("rebound.example:9464".into()), ..Request::default() };
    assert_eq!(stage.server.ask(&foreign).await.code(), "foreign_host");

    let mut config = listening(&brisk("c1"));
    config.http.listen = Some("0.0.0.0:0".to_owned());
    let store = connect(&stage.redis.url(), &config).await;
    let serve = async |config: Config| {
        let stop = tokio_util::sync::CancellationToken::new();
        let views = viewer::follow(store.clone(), config.cluster.id.clone(), stop.clone());
        http::serve(config.into(), store.clone(), views, None, None, stop).await
    };
    assert!(matches!(serve(config.clone()).await, Err(HttpError::Exposed(_))));
    config.http.listen = Some(stage.server.address.to_string());
    assert!(matches!(serve(config.clone()).await, Err(HttpError::Listen { .. })));
    config.http.listen = None;
    assert!(matches!(serve(config).await, Ok(None)));
    stage.clear().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_usual_form() {
    let stage = Stage::set(&listening(&brisk("c1"))).await;
    let nothing = stage.server.get("/api/v1/nothing", None).await;
    assert_eq!((nothing.status, nothing.code().as_str()), (404, "not_found"));
    for (method, path, allowed) in [("DELETE", "/api/v1/status", "GET,HEAD"), ("GET", "/api/v1/commands", "POST")] {
        let request = Request { method: method.into(), path: path.into(), ..Request::default() };
        let reply = stage.server.ask(&request).await;
        assert_eq!((reply.status, reply.code().as_str()), (405, "method_not_allowed"), "{reply:?}");
        assert_eq!(reply.header("allow"), Some(allowed), "{reply:?}");
    }
    stage.clear().await;
}

#[tokio::test]
async fn without_a_leader_nothing_is_sent_and_nobody_is_ready() {
    let redis = TestRedis::start();
    let config = with_tokens(&brisk("c1"));
    let store = connect(&redis.url(), &config).await;
    let server = TestServer::start(&config, &store).await;
    let unready = server.until("/readyz", None, |reply| reply.json()["reasons"] == json!(["no_leader"])).await;
    assert_eq!(unready.status, 503);
    assert_eq!(server.get("/healthz", None).await.status, 200);
    let refused = server.command(&json!({"command": "reconcile", "reason": "x"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "no_leader"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(redis.command(&["EXISTS", &store.keys().commands()]).trim(), ":0");
    server.stop().await;
}

#[tokio::test]
async fn a_leader_that_does_not_answer_is_told_as_that() {
    let redis = TestRedis::start();
    let config = with_tokens(&brisk("c1"));
    let store = connect(&redis.url(), &config).await;
    store.acquire_lease(&ReplicaId("hangs".to_owned()), Duration::from_secs(600)).await.unwrap();
    let server = TestServer::start(&config, &store).await.ready().await;
    let reply = server.command(&json!({"command": "reconcile", "reason": "x"})).await;
    assert_eq!((reply.status, reply.code().as_str()), (504, "no_answer"), "{reply:?}");
    server.stop().await;
}

#[tokio::test]
async fn without_redis_what_is_old_is_not_told_as_new() {
    let mut stage = Stage::set(&with_tokens(&brisk("c1"))).await;
    stage.redis.kill();
    let unready = stage.server.until("/readyz", None, |reply| reply.status == 503).await;
    assert_eq!(unready.json(), json!({"ready": false, "reasons": ["store_down"]}));
    assert_eq!(stage.server.get("/healthz", None).await.status, 200);
    let status = stage.server.get("/api/v1/status", Some(VIEWER)).await;
    assert_eq!((status.status, &status.json()["store"]), (200, &json!("down")));
    let workers = stage.server.get("/api/v1/workers", Some(VIEWER)).await;
    assert_eq!((workers.status, workers.code().as_str()), (503, "store_down"));
    assert!(workers.header("retry-after").is_some());
    let metrics = stage.server.get("/metrics", Some(VIEWER)).await;
    assert_eq!((metrics.status, metrics.metric("windlass_store_up")), (200, Some(0.0)));
    assert!(!metrics.body.contains("windlass_workers"), "{}", metrics.body);
    let refused = stage.server.command(&json!({"command": "reconcile", "reason": "x"})).await;
    assert_eq!(refused.status, 503, "{refused:?}");

    stage.redis.restart();
    stage.server.until("/readyz", None, |reply| reply.status == 200).await;
    assert_eq!(stage.server.command(&json!({"command": "reconcile", "reason": "x"})).await.status, 200);
    stage.clear().await;
}

/// Anything is sent to everything; every answer is one that the document has, and none is a fault of the server's.
#[test]
fn whatever_is_asked_every_answer_is_a_documented_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stage = runtime.block_on(Stage::set(&with_tokens(&brisk("c1"))));
    let api = Api::new(runtime.block_on(stage.server.get("/api/v1/openapi.json", None)).json());
    let tally = RefCell::new(Tally::new());
    let mut runner = TestRunner::new(Cases { cases: 500, failure_persistence: None, ..Cases::default() });
    let outcome = runner.run(&api.requests(), |(path, request)| {
        let reply = runtime.block_on(stage.server.ask(&request));
        *tally.borrow_mut().entry((path.clone(), reply.status)).or_default() += 1;
        api.judge(&path, &request.method, &reply).map_err(TestCaseError::fail)?;
        if reply.status >= 500 {
            return Err(TestCaseError::fail(format!("a healthy server answers {}: {}", reply.status, reply.body)));
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{}", error.to_string().lines().next().unwrap_or_default());
    }
    // A fuzz that only ever hears "no" has shown nothing.
    let tally = tally.into_inner();
    for status in [200, 401, 403, 409, 413, 422] {
        assert!(
            tally.contains_key(&("/api/v1/commands".to_owned(), status)),
            "commands never answered {status}: {tally:?}"
        );
    }
    for (path, status) in [("/api/v1/events", 200), ("/api/v1/events", 400), ("/api/v1/status", 200), ("/metrics", 200)]
    {
        assert!(tally.contains_key(&(path.to_owned(), status)), "{path} never answered {status}: {tally:?}");
    }
    runtime.block_on(stage.clear());
}
