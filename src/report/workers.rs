//! The workers, one line each.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::Serialize;

use super::fresh;
use crate::clock;
use crate::model::{Observation, View, Worker, WorkerKind, WorkerName, WorkerStatus};

/// One worker. Unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WorkerLine<'a> {
    /// Its name; also its container's.
    pub name: &'a WorkerName,
    /// Permanent or dynamic.
    pub kind: WorkerKind,
    /// Where it is in its life.
    pub status: WorkerStatus,
    /// CPU in percent of its limit.
    pub cpu_percent: Option<f64>,
    /// Memory in percent of its limit.
    pub memory_percent: Option<f64>,
    /// Since its container was created.
    pub age_seconds: u64,
    /// Its container's whole id.
    pub container_id: &'a str,
    /// The Kubernetes node that runs in it.
    pub node: Option<&'a str>,
}

/// The workers, sorted by name, numbers as numbers.
#[must_use]
pub fn workers(view: &View) -> Vec<WorkerLine<'_>> {
    let seen = fresh(view);
    let mut workers: Vec<&Worker> = view.state.workers.values().collect();
    workers.sort_by(|a, b| natural(a.name.as_str(), b.name.as_str()));
    workers.into_iter().map(|worker| line(worker, seen, view)).collect()
}

fn line<'a>(worker: &'a Worker, seen: Option<&'a Observation>, view: &View) -> WorkerLine<'a> {
    let measured = seen.and_then(|seen| seen.workers.get(&worker.name));
    WorkerLine {
        name: &worker.name,
        kind: worker.kind,
        status: worker.status,
        cpu_percent: measured.and_then(|worker| worker.cpu_percent),
        memory_percent: measured.and_then(|worker| worker.memory_percent),
        age_seconds: clock::between(worker.created_at, view.at).as_secs(),
        container_id: &worker.container_id.0,
        node: measured.and_then(|worker| worker.node.as_deref()),
    }
}

/// Compares names so that `worker-9` comes before `worker-10`.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let digits = text.len() - text.bytes().rev().take_while(u8::is_ascii_digit).count();
        (text[..digits].to_owned(), text[digits..].parse::<u64>().ok())
    };
    split(a).cmp(&split(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_as_numbers() {
        assert_eq!(natural("w-9", "w-10"), Ordering::Less);
        assert_eq!(natural("a-2", "b-1"), Ordering::Less);
        assert_eq!(natural("edge", "edge-1"), Ordering::Less);
        assert_eq!(natural("w-1", "w-01"), "w-1".cmp("w-01"));
    }
}
