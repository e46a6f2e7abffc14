//! The containers of function pools, as somebody sees them who does not ask windlass.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use windlass::clock;

use crate::docker::{FUNCTION_IMAGE, FUNCTION_PORT};
use crate::file::SharedFile;

/// The pools of every cluster here: name, least and most containers.
pub const FUNCTIONS: [(&str, u32, u32); 2] = [("hello", 1, 3), ("thumbs", 0, 2)];

/// A container that has ended is left there for so long after it was made.
const LEFT_THERE_SECONDS: i64 = 60;

/// A container of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolContainer {
    /// Its id.
    pub id: String,
    /// Its pool.
    pub function: String,
    /// Whether it runs.
    pub runs: bool,
    /// Whether windlass would have taken it away by now, had it ended; `None`: nobody knows when it was made.
    pub is_old: Option<bool>,
}

/// Those of a cluster by their names.
pub type PoolContainers = BTreeMap<String, PoolContainer>;

/// The pools' part of a configuration.
pub fn config() -> String {
    let mut text = "pools:\n  check_interval: 250ms\n  stop_timeout: 1s\n  functions:\n".to_owned();
    for (name, min, max) in FUNCTIONS {
        writeln!(
            text,
            "    - {{ name: {name}, image: \"{FUNCTION_IMAGE}\", port: {FUNCTION_PORT}, min: {min}, max: {max}, \
             cooldown_duration: 1s }}"
        )
        .unwrap();
    }
    text
}

/// The simulated ones.
pub struct SimulatedPools(SharedFile);

impl SimulatedPools {
    /// In this file.
    pub const fn new(file: SharedFile) -> Self {
        Self(file)
    }

    /// All of them; none, where nobody has made any yet.
    pub fn containers(&self) -> PoolContainers {
        let world: Value = self.0.read().unwrap_or_default();
        let containers = world["containers"].as_object().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |(name, container): (String, Value)| {
            let made: Option<DateTime<Utc>> = container["created_at"].as_str().and_then(|made| made.parse().ok());
            let age = made.map(|made| (clock::now() - made).num_seconds());
            let seen = PoolContainer {
                id: text(&container["id"]),
                function: text(&container["function"]),
                runs: container["running"] == json!(true),
                is_old: age.map(|age| age > LEFT_THERE_SECONDS),
            };
            (name, seen)
        };
        containers.into_iter().map(one).collect()
    }

    /// Adds one by hand, where there is none of that name.
    pub fn add(&self, function: &str, name: &str) {
        self.0.change(|world: &mut Value| {
            let made = world["made"].as_u64().unwrap_or_default() + 1;
            let Some(containers) = world["containers"].as_object_mut().filter(|known| !known.contains_key(name)) else {
                return;
            };
            let container = json!({
                "function": function, "id": format!("by-hand-{made}"), "address": format!("10.99.0.{}", made % 250),
                "port": FUNCTION_PORT, "created_at": clock::now(), "running": true,
            });
            containers.insert(name.to_owned(), container);
            world["made"] = json!(made);
        });
    }

    /// Takes one away.
    pub fn remove(&self, name: &str) {
        self.change(|containers| drop(containers.remove(name)));
    }

    /// Ends one. `aged`: as if it had been made long ago, so that what is left of it is to go at once, and nobody takes it for one that
    /// could not start.
    pub fn end(&self, name: &str, aged: bool) {
        self.change(|containers| {
            let Some(container) = containers.get_mut(name) else { return };
            container["running"] = json!(false);
            if aged {
                container["created_at"] = json!(clock::now() - chrono::TimeDelta::seconds(2 * LEFT_THERE_SECONDS));
            }
        });
    }

    /// How much a function is called from now on, in percent of what one container can do.
    pub fn call(&self, function: &str, percent: f64) {
        self.0.change(|world: &mut Value| {
            if !world["demands"].is_object() {
                world["demands"] = json!({});
            }
            world["demands"][function] = json!(percent);
        });
    }

    /// From now on nobody gets an answer, or does again.
    pub fn hide(&self, hidden: bool) {
        self.0.hide(hidden);
    }

    fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) {
        self.0.change(|world: &mut Value| {
            if let Some(containers) = world["containers"].as_object_mut() {
                change(containers);
            }
        });
    }
}
