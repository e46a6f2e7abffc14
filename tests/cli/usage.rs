//! How it is called: wrong usage, its configuration, and who reads what it prints.

use std::fs;

use super::mentions;
use super::program::{Ended, Home};

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
fn a_reader_that_goes_away_is_no_fault() {
    let home = Home::new();
    let mut child = home.command(&["config", "default"]).spawn().expect("it starts");
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().expect("it ends")).expect(0);
    assert!(ended.err.is_empty(), "{}", ended.err);
}
