//! docs/JSON.md against what the program prints: every field that is printed is on the page with its type, and every field on the page
//! is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;

use program::{Home, until};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/JSON.md");

/// One table of the page: paths and their types.
type Table = BTreeMap<String, String>;

/// The page, and which of its fields were seen.
struct Page {
    tables: BTreeMap<String, Table>,
    seen: BTreeSet<(String, String)>,
}

impl Page {
    fn read() -> Self {
        let text = fs::read_to_string(PAGE).expect("docs/JSON.md");
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        let mut section = String::new();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                title.clone_into(&mut section);
            } else if let Some(row) = line.strip_prefix("| `") {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                let path = cells[0].trim_end_matches('`').to_owned();
                let twice = tables.entry(section.clone()).or_default().insert(path.clone(), cells[1].to_owned());
                assert!(twice.is_none(), "{section}: {path} is there twice");
            }
        }
        Self { tables, seen: BTreeSet::new() }
    }

    /// A printed document; each item of a list is one.
    #[track_caller]
    fn holds(&mut self, section: &str, printed: &Value) {
        match printed {
            Value::Array(items) => items.iter().for_each(|item| self.fields(section, "", item)),
            document => self.fields(section, "", document),
        }
    }

    #[track_caller]
    fn fields(&mut self, section: &str, prefix: &str, object: &Value) {
        let object = object.as_object().unwrap_or_else(|| panic!("{section}: {prefix} is no object: {object}"));
        for (name, value) in object {
            let path = format!("{prefix}{name}");
            let of_page = self.tables.get(section).and_then(|table| table.get(&path)).cloned();
            let of_page = of_page.unwrap_or_else(|| panic!("{section}: {path} is not on the page: {value}"));
            let kind = of_page.trim_end_matches(", sometimes");
            let (kind, may_be_null) = kind.strip_suffix(" or null").map_or((kind, false), |kind| (kind, true));
            self.seen.insert((section.to_owned(), path.clone()));
            if !(value.is_null() && may_be_null) {
                assert!(
                    self.fits(section, &path, kind, value),
                    "{section}: {path} is {of_page:?}, and this was printed: {value}"
                );
            }
        }
    }

    #[track_caller]
    fn fits(&mut self, section: &str, path: &str, kind: &str, value: &Value) -> bool {
        if let Some(item) = kind.strip_prefix("list of ") {
            let items = value.as_array();
            return items.is_some_and(|items| items.iter().all(|value| self.fits(section, path, item, value)));
        }
        match kind {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" | "bytes" => value.is_i64() || value.is_u64(),
            "number" | "seconds" | "percent" => value.is_number(),
            "time" => value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok()),
            "id" => value.as_str().is_some_and(|text| uuid::Uuid::parse_str(text).is_ok()),
            "data" => value.is_object(),
            "event" => {
                self.fields("events", "", value);
                true
            }
            "object" => {
                self.fields(section, &format!("{path}."), value);
                true
            }
            "list" => {
                let Some(items) = value.as_array() else { return false };
                for item in items {
                    self.fields(section, &format!("{path}[]."), item);
                }
                true
            }
            other => panic!("{section}: {path} has the type {other:?}, which the page does not explain"),
        }
    }

    /// What no document had is not there, or has another name now.
    fn is_exhausted(&self) {
        let missing: Vec<String> = self
            .tables
            .iter()
            .flat_map(|(section, table)| table.iter().map(move |(path, kind)| (section, path, kind)))
            .filter(|(_, _, kind)| !kind.ends_with(", sometimes"))
            .filter(|(section, path, _)| !self.seen.contains(&((*section).clone(), (*path).clone())))
            .map(|(section, path, _)| format!("{section}: {path}"))
            .collect();
        assert!(missing.is_empty(), "on the page, and never printed: {missing:#?}");
    }
}

#[test]
fn the_page_says_what_is_printed() {
    const ORDERS: &str = "scale, hold, release, protect, unprotect, reconcile, events dead retry and drop, events replay --handler, \
                          pools scale, drain and wake";
    let home = Home::new();
    let mut page = Page::read();
    // Without an engine most things are null.
    page.holds("status", &home.demo(&["status", "--json"]).expect(0).json());
    let _engine = home.engine();
    let orders: [(&[&str], i32); 9] = [
        (&["hold", "all", "--for", "5m", "--reason", "a test"], 0),
        (&["scale", "up"], 3),
        (&["release", "up"], 0),
        (&["scale", "up", "--wait"], 0),
        (&["reconcile"], 0),
        (&["protect", "k3s-worker-3", "--reason", "a test"], 0),
        (&["unprotect", "k3s-worker-3"], 0),
        (&["hold", "up", "--for", "5m", "--reason", "a test"], 0),
        (&["release", "all"], 0),
    ];
    for (order, code) in orders {
        let arguments: Vec<&str> = order.iter().copied().chain(["--json"]).collect();
        page.holds(ORDERS, &home.demo(&arguments).expect(code).json());
        page.holds("status", &home.demo(&["status", "--json"]).expect(0).json());
    }
    let mut ways = ["up", "down"].into_iter().cycle();
    until("an operation is seen with its workers", || {
        // On a slow machine one may be over before it is looked at: then there is another.
        home.demo(&["scale", ways.next().expect("a way")]);
        let status = home.demo(&["status", "--json"]).expect(0).json();
        page.holds("status", &status);
        status["operations"][0]["workers"][0].is_object() && status["verdict"].is_object()
    });
    page.holds("workers", &home.demo(&["workers", "--json"]).expect(0).json());
    page.holds("why", &home.demo(&["why", "--json"]).expect(0).json());
    page.holds("events", &home.demo(&["why", "last", "--json"]).expect(0).json());
    page.holds("events", &Value::Array(home.demo(&["events", "--json"]).expect(0).json_lines()));
    home.redis(&["XADD", "{demo}:autoscaler_events", "*", "event", "garbage"]);
    until("it is given up", || {
        let dead = home.demo(&["events", "dead", "--json"]).expect(0).json();
        page.holds("events dead", &dead);
        dead[0].is_object()
    });
    page.holds(ORDERS, &home.demo(&["events", "dead", "drop", "--all", "--json"]).expect(0).json());
    page.holds("events replay", &home.demo(&["events", "replay", "--json"]).expect(0).json());
    let feed = ["events", "replay", "--handler", "NodeManager", "--dry-run", "--json"];
    page.holds("events replay --handler --dry-run", &home.demo(&feed).expect(0).json());
    let replay = ["events", "replay", "--handler", "StateSynchronizer", "--from", "10m", "--json"];
    page.holds(ORDERS, &home.demo(&replay).expect(0).json());
    home.redis(&["SET", "{demo}:autoscaler:pool:documented", &pool()]);
    page.holds("pools", &home.demo(&["pools", "--json"]).expect(0).json());
    let one = home.demo(&["pools", "documented", "--json"]).expect(0).json();
    assert_eq!((one["pools"].as_array().map(Vec::len), &one["pools"][0]["min"]), (Some(1), &1.into()));
    page.holds("pools", &one);
    for order in [&["scale", "nobody", "up"][..], &["drain", "nobody", "nothing"], &["wake", "nobody"]] {
        let arguments: Vec<&str> = ["pools"].into_iter().chain(order.iter().copied()).chain(["--json"]).collect();
        page.holds(ORDERS, &home.demo(&arguments).expect(3).json());
    }
    page.holds("redis", &home.demo(&["redis", "--json"]).expect(0).json());
    page.holds("redis keys", &home.demo(&["redis", "keys", "--json"]).expect(0).json());
    page.holds("doctor", &home.demo(&["doctor", "--json"]).expect(0).json());
    page.is_exhausted();
}

/// A pool as it is remembered.
fn pool() -> String {
    let config = serde_json::json!({
        "cpu_overload_threshold": 70.0,
        "memory_overload_threshold": 70.0,
        "cooldown_cpu_threshold": 5.0,
        "cooldown_duration": 30.0,
        "poll_interval": 2.0,
    });
    let container = |name: &str, idle: Option<i64>| {
        serde_json::json!({
            "id": format!("{name}-id"),
            "name": name,
            "container_port": 8080,
            "status": if idle.is_some() { "Idle" } else { "Healthy" },
            "last_active_unix": 1_700_000_000,
            "idle_since_unix": idle,
        })
    };
    let pool = serde_json::json!({
        "schema": 1,
        "function_name": "documented",
        "containers": [container("documented-1", None), container("documented-2", Some(1_700_000_000))],
        "min_containers": 1,
        "max_containers": 4,
        "config": config,
        "last_updated": 1_700_000_000,
        "image": "example/documented:1",
        "port": 8080,
    });
    pool.to_string()
}
