//! What is told of a cluster, with an engine and without.

use serde_json::Value;

use super::mentions;
use super::program::{Ended, Home, until};

#[test]
fn facts_are_told_without_an_engine_and_nothing_is_left_running() {
    let home = Home::new();
    let status = home.demo(&["status", "--json"]).expect(0);
    assert_eq!(status.json()["leader"], Value::Null);
    assert_eq!(status.json()["cpu_percent"], Value::Null);
    assert_eq!(status.json()["workers"]["current"], 0);
    mentions(&status, &["no engine is running for cluster demo"]);
    assert_eq!(home.demo(&["workers", "--json"]).expect(0).json(), serde_json::json!([]));
    assert_eq!(home.demo(&["why", "--json"]).expect(0).json(), Value::Null);
    assert!(home.demo(&["events", "--json"]).expect(0).out.is_empty());
    assert!(home.demo(&["redis", "--json"]).expect(0).json()["used_bytes"].is_u64());
    assert!(home.run(&["redis", "keys"]).expect(0).out.contains("workers:counter"));
    let text = home.demo(&["status"]).expect(0).out;
    assert!(text.contains("none: no engine is running") && !text.contains('\x1b'), "{text}");
    assert_eq!(home.server(), None, "the server must be stopped");
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let home = Home::new();
    let away = format!("unix://{}", home.path("nobody.sock").display());
    let ended = home.run(&["doctor", "--json", "--redis-url", &away]).expect(1);
    let problem = |ended: &Ended| {
        let checks = ended.json();
        let problem = checks.as_array().expect("a list").iter().find(|check| check["status"] == "problem").cloned();
        problem.expect("a problem")
    };
    assert_eq!(problem(&ended)["name"], "redis");
    assert!(problem(&ended)["found"].as_str().is_some_and(|found| found.contains("nobody.sock")));
    assert!(problem(&ended)["remedy"].as_str().is_some_and(|remedy| remedy.contains("redis.url")));
    let ended = home.run(&["doctor", "--json", "--set", "autoscaler.limits.min_nodes=many"]).expect(1);
    assert_eq!(problem(&ended)["name"], "configuration");
    mentions(&home.run(&["status", "--redis-url", &away]).expect(1), &["nobody.sock"]);
}

#[test]
fn facts_of_a_running_demo_have_the_documented_fields() {
    let home = Home::new();
    let _engine = home.engine();
    let workers = home.demo(&["workers", "--json"]).expect(0);
    assert!(workers.err.is_empty(), "{}", workers.err);
    let workers = workers.json();
    let fields = ["age_seconds", "container_id", "cpu_percent", "kind", "memory_percent", "name", "node", "status"];
    for worker in workers.as_array().expect("a list") {
        let mut found: Vec<&String> = worker.as_object().expect("an object").keys().collect();
        found.sort();
        assert_eq!(found, fields);
        assert!(worker["age_seconds"].is_u64() && worker["cpu_percent"].is_number(), "{worker}");
        assert!(["permanent", "dynamic"].contains(&worker["kind"].as_str().expect("a kind")));
    }
    let status = home.demo(&["status", "--json"]).expect(0).json();
    for (field, value) in [("min", 2), ("max", 6), ("current", 2)] {
        assert_eq!(status["workers"][field], value, "{field}");
    }
    assert!(status["cpu_percent"].is_number() && status["engine"]["version"].is_string());

    until("a verdict is there", || home.demo(&["why", "--json"]).json()["conclusion"].is_string());
    let why = home.demo(&["why", "--json"]).expect(0).json();
    for gate in why["up"].as_array().expect("gates").iter().chain(why["down"].as_array().expect("gates")) {
        for field in ["gate", "passed", "value", "bound", "unit", "detail", "clears_at", "blocking"] {
            assert!(gate.get(field).is_some(), "{field} is missing in {gate}");
        }
    }
    assert!(home.demo(&["why"]).expect(0).out.contains("scale down"));

    let chain = home.demo(&["why", "last", "--json"]).expect(0).json();
    assert!(!chain.as_array().expect("a list").is_empty());
    let ready = home.demo(&["events", "--type", "nodeready", "--json"]).expect(0).json_lines();
    assert_eq!(ready.len(), 2);
    let id = ready[1]["event_id"].as_str().expect("an id");
    let chain = home.demo(&["why", id, "--json"]).expect(0).json();
    let chain: Vec<_> = chain.as_array().expect("a list").iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(chain.first(), Some(&"MinimumNodesViolation".into()), "{chain:?}");
    assert_eq!(chain.last(), Some(&"NodeReady".into()), "{chain:?}");
    assert!(home.demo(&["why", &id[id.len() - 8..]]).expect(0).out.contains("NodeReady"));
    mentions(&home.demo(&["why", "00000000"]).expect(1), &["windlass events"]);
    home.demo(&["why", "nonsense"]).expect(2);

    let critical = home.demo(&["events", "--severity", "critical", "--json"]).expect(0).json_lines();
    assert!(critical.iter().any(|event| event["event_type"] == "MinimumNodesViolation"), "{critical:?}");
    assert!(critical.iter().all(|event| event["event_type"] != "NodeReady"));
    assert!(home.demo(&["events", "--since", "1970-01-01T00:00:00Z", "--json"]).expect(0).json_lines().len() > 5);
    assert_eq!(home.demo(&["events", "-n", "2"]).expect(0).out.lines().count(), 3, "a heading and two events");
    home.demo(&["doctor"]).expect(0);
}
