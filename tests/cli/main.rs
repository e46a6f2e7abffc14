//! The program as an operator uses it: real processes, the own Redis, the simulated cluster.

#[path = "../support/program.rs"]
mod program;
#[path = "../support/redis.rs"]
mod redis;

mod commands;
mod engines;
mod events;
mod facts;
mod pools;
mod usage;

use program::{Ended, Home};
use serde_json::Value;

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
