//! Commands: taken or refused, by the engine alone.

use super::program::Home;
use super::{event_types, mentions, worker_names};

#[test]
fn without_an_engine_nothing_is_commanded() {
    let home = Home::new();
    for arguments in [&["scale", "up"][..], &["hold", "all", "--reason", "x"], &["release", "up"], &["reconcile"]] {
        mentions(&home.demo(arguments).expect(1), &["no engine is running for cluster demo", "windlass run"]);
    }
    let doctor = home.demo(&["doctor", "--json"]).expect(0).json();
    let leader = doctor.as_array().expect("a list").iter().find(|check| check["name"] == "leader").expect("a check");
    assert_eq!(leader["status"], "warning");
    let _engine = home.engine();
    let answers = ["CommandRefused", "ScaleUpDecision", "HoldPlaced", "ReconcileRequested"];
    assert!(!event_types(&home).iter().any(|event| answers.contains(&event.as_str())));
}

#[test]
fn commands_are_taken_or_refused_with_an_id_and_a_reason() {
    let home = Home::new();
    let _engine = home.engine();
    let scaled =
        home.demo(&["scale", "up", "--wait", "--reason", "a test", "--json", "--actor", "anna"]).expect(0).json();
    assert_eq!(scaled["outcome"], "completed");
    assert_eq!(scaled["event"]["actor"], "anna");
    assert_eq!(scaled["event"]["caused_by"], scaled["command_id"]);
    assert_eq!(scaled["ended_by"]["correlation_id"], scaled["operation_id"]);
    let names = worker_names(&home);
    assert_eq!(names.len(), 3, "{names:?}");

    let refused = home.demo(&["scale", "up", "100", "--json"]).expect(3);
    assert_eq!(refused.json()["outcome"], "refused");
    assert_eq!(refused.json()["reason"], "limit");
    mentions(&refused, &["maximum of 6"]);

    let held = home.demo(&["hold", "all", "--for", "5m", "--reason", "deploy", "--json"]).expect(0).json();
    assert_eq!(held["holds"].as_array().expect("holds").len(), 2);
    assert!(held["holds"][0]["id"].is_string() && held["holds"][0]["until"].is_string());
    mentions(&home.demo(&["scale", "up"]).expect(3), &["tester holds", "deploy"]);
    let status = home.demo(&["status", "--json"]).expect(0).json();
    assert_eq!(status["holds"]["scale_down"]["reason"], "deploy");
    assert!(status["holds"]["scale_down"]["remaining_seconds"].as_u64().is_some_and(|left| (1..=300).contains(&left)));
    home.demo(&["release", "all"]).expect(0);
    mentions(&home.demo(&["release", "all"]).expect(3), &["no hold"]);

    let youngest = names.last().expect("a worker").as_str();
    home.demo(&["protect", youngest, "--reason", "mine"]).expect(0);
    mentions(&home.demo(&["scale", "down", "--worker", youngest]).expect(3), &["protected by tester", "mine"]);
    home.demo(&["unprotect", youngest]).expect(0);
    home.demo(&["reconcile"]).expect(0);
    home.demo(&["scale", "down", "--worker", youngest, "--wait"]).expect(0);
    assert!(!worker_names(&home).contains(&youngest.to_owned()));
}
