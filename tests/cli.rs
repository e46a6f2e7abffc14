//! The program as an operator uses it: real processes, the own Redis, the simulated cluster.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

#[path = "support/program.rs"]
mod program;

use program::{Ended, Home, runs, signal, until};

fn worker_names(home: &Home) -> Vec<String> {
    let workers = home.demo(&["workers", "--json"]).expect(0).json();
    let name = |worker: &Value| worker["name"].as_str().expect("a name").to_owned();
    workers.as_array().expect("a list").iter().map(name).collect()
}

fn event_types(home: &Home) -> Vec<String> {
    let events = home.demo(&["events", "--json", "-n", "1000"]).expect(0).json_lines();
    events.iter().map(|event| event["event_type"].as_str().expect("a type").to_owned()).collect()
}

fn mentions(ended: &Ended, words: &[&str]) {
    for word in words {
        assert!(ended.err.contains(word), "{word:?} is missing in:\n{}", ended.err);
    }
}

#[test]
fn wrong_usage_exits_2_and_starts_nothing() {
    let home = Home::new();
    let cases: [(&[&str], &str); 12] = [
        (&["nonsense"], "nonsense"),
        (&["scale"], "DIRECTION"),
        (&["scale", "sideways"], "up, down"),
        (&["scale", "up", "0"], "0"),
        (&["scale", "up", "--worker", "w-1"], "--worker"),
        (&["scale", "down", "2", "--worker", "w-1"], "--worker"),
        (&["scale", "up", "--actor", "engine"], "engine"),
        (&["hold", "up"], "--reason"),
        (&["hold", "up", "--reason", " "], "say why"),
        (&["events", "--type", "Nope"], "NodeRemoved"),
        (&["status", "--set", "no-equals-sign"], "PATH=VALUE"),
        (&["demo", "--redis-url", "redis://localhost"], "--redis-url"),
    ];
    for (arguments, word) in cases {
        let ended = home.run(arguments).expect(2);
        mentions(&ended, &[word]);
    }
    assert!(!home.path("data").exists(), "a mistake in the usage must not start a server");
}

#[test]
fn a_cockpit_without_a_terminal_says_what_to_use_instead() {
    let home = Home::new();
    for arguments in [&[][..], &["attach"], &["demo"]] {
        mentions(&home.run(arguments).expect(2), &["terminal", "windlass run", "windlass status"]);
    }
    assert!(!home.path("data").exists());
}

#[test]
fn the_configuration_is_printed_checked_and_explained() {
    let home = Home::new();
    let default = home.run(&["config", "default"]).expect(0).out;
    let file = home.path("good.yaml");
    fs::write(&file, default).expect("a file");
    let file = file.to_str().expect("a path");
    assert!(home.run(&["config", "check", file]).expect(0).out.contains("in order"));
    assert_eq!(home.run(&["config", "schema"]).expect(0).json()["title"], "windlass configuration");

    let bad = home.path("bad.yaml");
    fs::write(&bad, "autoscaler:\n  limits:\n    min_nodes: two\n    max_knots: 3\n").expect("a file");
    let bad = bad.to_str().expect("a path");
    mentions(&home.run(&["config", "check", bad]).expect(1), &["bad.yaml:3", "min_nodes", "bad.yaml:4", "max_knots"]);
    mentions(&home.run(&["status", "--config", bad]).expect(1), &["bad.yaml:3", "bad.yaml:4"]);
    mentions(&home.run(&["config", "check", "/no/such/file"]).expect(1), &["/no/such/file"]);

    let mut show = home.command(&["config", "show", "--cluster", "edge", "--set", "autoscaler.limits.max_nodes=9"]);
    let show =
        Ended::from(show.env("WINDLASS_REDIS_URL", "redis://me:hunter2@example.org/").output().expect("it runs"));
    let shown = show.expect(0);
    assert!(!shown.out.contains("hunter2"), "{}", shown.out);
    assert_eq!(shown.json()["cluster"]["id"], "edge");
    assert_eq!(shown.json()["autoscaler"]["limits"]["max_nodes"], 9);
    assert!(home.run(&["completions", "bash"]).expect(0).out.contains("windlass"));
}

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
fn a_reader_that_goes_away_is_no_fault() {
    let home = Home::new();
    let mut child = home.command(&["config", "default"]).spawn().expect("it starts");
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().expect("it ends")).expect(0);
    assert!(ended.err.is_empty(), "{}", ended.err);
}

#[test]
fn the_second_engine_follows_and_takes_over_at_once() {
    let home = Home::new();
    let mut first = home.engine();
    let server = home.server().expect("a server");
    let mut second = home.another_engine();
    let log = || fs::read_to_string(home.path("engine.log")).unwrap_or_default();
    until("the second one follows", || log().contains("this replica follows"));
    assert_eq!(home.server(), Some(server), "one server is enough");
    let replica = home.demo(&["status", "--json"]).json()["leader"]["replica"].clone();
    assert!(replica.as_str().is_some_and(|replica| replica.contains(&format!(":{}:", first.pid()))), "{replica}");

    assert_eq!(first.end("-TERM"), Some(0));
    until("the second one leads", || log().contains("this replica leads"));
    assert!(runs(server), "the server stays for the second one");
    assert_eq!(worker_names(&home).len(), 2);
    assert_eq!(second.end("-INT"), Some(0));
    assert!(!runs(server), "the last one out stops the server");
}

#[test]
fn after_a_kill_the_next_engine_adopts_the_server_and_remembers() {
    let home = Home::new();
    let mut first = home.engine();
    home.demo(&["hold", "down", "--for", "1h", "--reason", "remember me"]).expect(0);
    let server = home.server().expect("a server");
    let names = worker_names(&home);
    first.end("-KILL");
    assert!(runs(server), "a kill leaves the server");

    // A command that prints facts would be the last one out, and stop the server: only the engine is started here.
    let mut second = home.another_engine();
    let log = || fs::read_to_string(home.path("engine.log")).unwrap_or_default();
    until("the second one leads", || log().contains("this replica leads"));
    assert_eq!(home.server(), Some(server), "the server is adopted");
    assert_eq!(worker_names(&home), names);
    assert_eq!(home.demo(&["status", "--json"]).json()["holds"]["scale_down"]["reason"], "remember me");
    assert_eq!(second.end("-TERM"), Some(0));
    assert!(!runs(server));
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

#[test]
fn function_pools_are_listed_and_commanded() {
    let home = Home::new();
    let none = home.demo(&["pools", "--json"]).expect(0).json();
    assert_eq!(none, serde_json::json!({ "pools": [] }));
    assert!(home.demo(&["pools"]).expect(0).out.contains("no function pools"));
    mentions(&home.demo(&["pools", "hello"]).expect(1), &["no pool hello", "pools.functions"]);
    mentions(&home.demo(&["pools", "scale", "hello", "up"]).expect(1), &["no engine is running", "windlass run"]);
    for (arguments, word) in [
        (&["pools", "scale", "hello"][..], "DIRECTION"),
        (&["pools", "scale", "hello", "sideways"], "up, down"),
        (&["pools", "scale", "hello", "up", "0"], "0"),
        (&["pools", "scale", "Two_Words", "up"], "function name"),
        (&["pools", "drain", "hello"], "CONTAINER"),
        (&["pools", "drain", "hello", " "], "windlass pools FUNCTION"),
    ] {
        mentions(&home.demo(arguments).expect(2), &[word]);
    }
    let _engine = home.engine();
    let before = event_types(&home).iter().filter(|event| *event == "CommandRefused").count();
    for arguments in [&["scale", "nobody", "up", "2"][..], &["drain", "nobody", "nothing"], &["wake", "nobody"]] {
        let arguments: Vec<&str> = ["pools"].into_iter().chain(arguments.iter().copied()).collect();
        mentions(&home.demo(&arguments).expect(3), &["refused", "nobody"]);
    }
    let after = event_types(&home).iter().filter(|event| *event == "CommandRefused").count();
    assert_eq!(after - before, 3, "a refusal is an event as well");
}

#[test]
fn pool_commands_are_carried_out_and_refused() {
    let home = Home::new();
    let _engine = home.engine();
    let containers = |function: &str| -> Vec<String> {
        let told = home.demo(&["pools", function, "--json"]).expect(0).json();
        let name = |container: &Value| container["name"].as_str().expect("a name").to_owned();
        told["pools"][0]["containers"].as_array().expect("a list").iter().map(name).collect()
    };
    until("the minimum of the demo's pool is there", || {
        let pools = home.demo(&["pools", "--json"]).expect(0).json();
        pools["pools"].as_array().is_some_and(|pools| pools.len() == 2) && !containers("resize").is_empty()
    });

    let woken = home.demo(&["pools", "wake", "transcode", "--reason", "a look"]).expect(0);
    assert!(woken.out.contains("pool transcode scaled up 0 → 1"), "{}", woken.out);
    mentions(&home.demo(&["pools", "wake", "transcode"]).expect(3), &["refused", "has a container already"]);
    mentions(&home.demo(&["pools", "scale", "transcode", "up", "3"]).expect(3), &["refused", "maximum of 2", "limit"]);
    mentions(&home.demo(&["pools", "scale", "resize", "down", "9", "-y"]).expect(3), &["minimum of 1", "limit"]);

    // The rules go on meanwhile, and may have used the room: then there is less to ask for, never another answer.
    let mut told = Value::Null;
    until("there is room for one more", || {
        let ended = home.demo(&["pools", "scale", "resize", "up", "1", "--reason", "a sale", "--json"]);
        assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
        told = ended.json();
        ended.code == Some(0)
    });
    assert_eq!((&told["outcome"], &told["event"]["event_type"]), (&"taken".into(), &"PoolScaledUp".into()));
    assert_eq!((&told["event"]["actor"], &told["event"]["data"]["reason"]), (&"tester".into(), &"a sale".into()));

    mentions(&home.demo(&["pools", "drain", "resize", "nothing"]).expect(3), &["refused", "nothing"]);
    let mut drained = String::new();
    until("one that is still there is drained", || {
        let Some(name) = containers("resize").pop() else { return false };
        let ended = home.demo(&["pools", "drain", "resize", &name, "--reason", "it is old"]);
        drained.clone_from(&name);
        ended.code == Some(0) && ended.out.contains(&format!("{name} of pool resize gets no more calls: it is old"))
    });
    let events =
        home.demo(&["events", "--json", "-n", "1000", "--type", "PoolContainerDraining"]).expect(0).json_lines();
    assert_eq!((&events[0]["data"]["container"], &events[0]["actor"]), (&drained.into(), &"tester".into()));
}
