//! Events: as their schemas say, followed, given up, and replayed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::program::{Home, signal, until};
use super::{event_types, mentions};

#[test]
fn every_event_of_a_run_is_as_its_schema_says() {
    let home = Home::new();
    let bad = home.run(&["events", "--schema", "Nope"]).expect(2);
    mentions(&bad, &["Nope", "NodeReady"]);
    home.run(&["events", "--schema", "--follow"]).expect(2);
    // A schema is told even where the configuration is broken.
    let all = home.run(&["events", "--schema", "--set", "autoscaler.limits.min_nodes=many"]).expect(0).json();
    let check = |schema: &Value| jsonschema::options().should_validate_formats(true).build(schema).expect("a schema");
    let any = check(&all);

    let _engine = home.engine();
    for arguments in [
        &["scale", "up", "--wait", "--reason", "a load test"][..],
        &["hold", "down", "--for", "10m", "--reason", "a freeze"],
        &["release", "down", "--reason", "over"],
        &["reconcile", "--reason", "to be sure"],
    ] {
        home.demo(arguments).expect(0);
    }
    home.demo(&["scale", "up", "99", "--reason", "too many"]).expect(3);
    let events = home.demo(&["events", "--json", "-n", "1000"]).expect(0).json_lines();
    let mut seen = std::collections::BTreeMap::new();
    for event in &events {
        let name = event["event_type"].as_str().expect("a type").to_owned();
        let schema =
            seen.entry(name.clone()).or_insert_with(|| home.run(&["events", "--schema", &name]).expect(0).json());
        let own = check(schema);
        for (whose, validator) in [("its own", &own), ("the common", &any)] {
            if let Err(error) = validator.validate(event) {
                panic!("{name} is not as {whose} schema says: {error} at {}: {event}", error.instance_path());
            }
        }
        let described = &schema["$defs"][&name]["properties"];
        let fields = event["data"].as_object().expect("data").keys();
        fields.for_each(|field| assert!(described.get(field).is_some(), "{name}: data.{field} is in no schema"));
    }
    for wanted in ["NodeReady", "ScalingActionCompleted", "HoldPlaced", "HoldReleased", "CommandRefused"] {
        assert!(seen.contains_key(wanted), "{wanted} is missing among {:?}", seen.keys());
    }
    // What is wrong is found: otherwise the above would prove nothing.
    let ready = events.iter().find(|event| event["event_type"] == "NodeReady").expect("one is ready");
    for (pointer, wrong) in [
        ("/data/duration", Value::from("9.2s")),
        ("/event_type", Value::from("NodeDrained")),
        ("/timestamp", Value::from("yesterday")),
        ("/event_id", Value::Null),
        ("/actor", Value::from(7)),
    ] {
        let mut event = ready.clone();
        *event.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(!any.is_valid(&event), "{pointer} may be anything");
    }
}

#[test]
fn events_are_followed_until_ctrl_c() {
    let home = Home::new();
    let _engine = home.engine();
    let arguments = ["events", "-f", "-n", "0", "--json", "--type", "HoldPlaced", "--cluster", "demo"];
    let mut follower = home.command(&arguments).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("its output")).lines();
    // It may not listen yet: what it missed is given again until something is heard.
    let (sender, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(lines.next()));
    let mut line = None;
    until("a hold is heard of", || {
        home.demo(&["hold", "up", "--for", "5m", "--reason", "news"]).expect(0);
        line = heard.try_recv().ok().flatten();
        line.is_some()
    });
    let event: Value = serde_json::from_str(&line.expect("a line").expect("text")).expect("an event");
    assert_eq!(event["data"]["reason"], "news");
    signal("-INT", follower.id());
    assert_eq!(follower.wait().expect("it ends").code(), Some(0));
}

#[test]
fn dead_letters_are_listed_shown_retried_and_dropped() {
    let home = Home::new();
    assert_eq!(home.demo(&["events", "dead", "--json"]).expect(0).json(), serde_json::json!([]));
    assert!(home.demo(&["events", "dead"]).expect(0).out.contains("no dead letters"));
    mentions(&home.demo(&["events", "dead", "retry", "1-1"]).expect(1), &["no engine is running"]);
    mentions(&home.run(&["events", "dead", "drop"]).expect(2), &["ENTRY"]);
    home.run(&["events", "dead", "drop", "1-1", "--all"]).expect(2);
    let _engine = home.engine();
    for _ in 0..3 {
        home.redis(&["XADD", "{demo}:autoscaler_events", "*", "event", "garbage"]);
    }
    let letters = || home.demo(&["events", "dead", "list", "--json"]).expect(0).json();
    until("they are given up", || letters().as_array().is_some_and(|letters| letters.len() == 3));
    let letter = letters()[0].clone();
    assert_eq!((&letter["event"], letter["text"].as_str()), (&Value::Null, Some("garbage")));
    let entry = letter["entry"].as_str().expect("an entry");
    assert_eq!(home.demo(&["events", "dead", "show", entry, "--json"]).expect(0).json(), letter);
    let text = home.demo(&["events", "dead"]).expect(0).out;
    assert!(text.contains(entry) && text.contains("unreadable"), "{text}");
    mentions(&home.demo(&["events", "dead", "-n", "2"]).expect(0), &["1 more"]);
    mentions(&home.demo(&["events", "dead", "show", "1-1"]).expect(1), &["no dead letter 1-1"]);

    let refused = home.demo(&["events", "dead", "retry", entry, "1-1", "--json"]).expect(3);
    mentions(&refused, &["cannot be read as an event", "no dead letter 1-1"]);
    let outcomes: Vec<_> =
        refused.json().as_array().expect("a list").iter().map(|answer| answer["outcome"].clone()).collect();
    assert_eq!(outcomes, ["refused", "refused"]);
    let dropped = home.demo(&["events", "dead", "drop", entry, "--reason", "no use"]).expect(0).out;
    assert!(dropped.contains("no use"), "{dropped}");
    let rest = home.demo(&["events", "dead", "drop", "--all", "--json", "--actor", "anna"]).expect(0).json();
    assert_eq!(rest.as_array().expect("a list").len(), 2);
    assert_eq!(rest[0]["event"]["actor"], "anna");
    assert_eq!(letters(), serde_json::json!([]));
    assert_eq!(home.demo(&["events", "dead", "retry", "--all", "--json"]).expect(0).json(), serde_json::json!([]));
}

#[test]
fn the_log_is_replayed_against_the_state_on_a_handler_and_for_real() {
    let home = Home::new();
    let empty = home.demo(&["events", "replay", "--json"]).expect(0).json();
    assert_eq!((&empty["events"], &empty["whole"], &empty["equal"]), (&0.into(), &true.into(), &true.into()));
    mentions(&home.run(&["events", "replay", "--from", "yesterday"]).expect(2), &["length of time"]);
    mentions(&home.demo(&["events", "replay", "--handler", "NodeManager"]).expect(2), &["--from", "--dry-run"]);
    mentions(&home.demo(&["events", "replay", "--handler", "Nobody", "--dry-run"]).expect(2), &["StateSynchronizer"]);
    let mut engine = home.engine();
    let whole = home.demo(&["events", "replay"]).expect(0).out;
    assert!(whole.contains("what they give is what is stored"), "{whole}");
    let part = home.demo(&["events", "replay", "--from", "1s"]).expect(0).out;
    assert!(part.contains("not all events"), "{part}");

    home.demo(&["reconcile", "--reason", "once"]).expect(0);
    let before = event_types(&home).len();
    let fed = home.demo(&["events", "replay", "--handler", "NodeManager", "--dry-run", "--json"]).expect(0).json();
    let fed = fed.as_array().expect("a list");
    let started = |fed: &Value| {
        fed["emits"].as_array().expect("a list").iter().any(|would| would["event_type"] == "ScaleUpStarted")
    };
    assert!(fed.iter().any(started), "{fed:?}");
    assert!(
        !event_types(&home).iter().skip(before).any(|event| event == "ScaleUpStarted" || event == "EventsReplayed")
    );
    let text = home.demo(&["events", "replay", "--handler", "nodemanager", "--dry-run"]).expect(0).out;
    assert!(text.contains("would report ScaleUpStarted") && text.contains("nothing was done"), "{text}");

    let real = ["events", "replay", "--handler", "StateSynchronizer", "--from", "10m", "--reason", "a proof", "--json"];
    let answer = home.demo(&real).expect(0).json();
    assert_eq!((&answer["command"], &answer["event"]["event_type"]), (&"replay".into(), &"EventsReplayed".into()));
    assert_eq!((&answer["event"]["actor"], &answer["event"]["data"]["reason"]), (&"tester".into(), &"a proof".into()));
    mentions(&home.demo(&["events", "replay", "--handler", "Nobody", "--from", "10m"]).expect(3), &["does not run"]);

    home.redis(&["INCR", "{demo}:workers:counter"]);
    let differs = home.demo(&["events", "replay", "--json"]).expect(1);
    assert_eq!(differs.json()["differences"], serde_json::json!(["worker counter"]));
    mentions(&differs, &["worker counter"]);
    home.redis(&["XTRIM", "{demo}:autoscaler_events", "MAXLEN", "=", "3"]);
    assert_eq!(home.demo(&["events", "replay", "--json"]).expect(0).json()["whole"], false);
    engine.end("-TERM");
}
