//! The labels that tie a container to its cluster: what recovery, adoption and removal go by.

use std::collections::HashMap;

use crate::model::{ClusterId, FunctionName, WorkerKind, WorkerName};

/// The cluster that a container belongs to.
pub const CLUSTER: &str = "windlass.cluster";
/// The worker that it is.
pub const WORKER: &str = "windlass.worker";
/// `permanent` or `dynamic`.
pub const KIND: &str = "windlass.kind";
/// The operation that made it.
pub const OPERATION: &str = "windlass.operation";
/// The function whose pool it is part of.
pub const POOL: &str = "windlass.pool";
/// The port on which it answers.
pub const PORT: &str = "windlass.port";
/// The command that a container of a pool was made for.
pub const COMMAND: &str = "windlass.command";
/// Labels under this prefix are windlass's own.
pub const PREFIX: &str = "windlass.";

/// Whether these labels say: the worker `name` of `cluster`.
pub(super) fn belongs(labels: Option<&HashMap<String, String>>, cluster: &ClusterId, name: &WorkerName) -> bool {
    says(labels, CLUSTER, cluster.as_str()) && says(labels, WORKER, name.as_str())
}

/// The function of `cluster` whose pool these labels name; `None`: not a container of a pool of this cluster.
pub(super) fn pool_of(labels: Option<&HashMap<String, String>>, cluster: &ClusterId) -> Option<FunctionName> {
    let function = labels?.get(POOL)?.parse().ok()?;
    says(labels, CLUSTER, cluster.as_str()).then_some(function)
}

fn says(labels: Option<&HashMap<String, String>>, key: &str, value: &str) -> bool {
    labels.and_then(|labels| labels.get(key)).is_some_and(|found| found == value)
}

/// What a worker was made as. A container that does not tell counts as permanent: what is not known to be dynamic must not be
/// scaled away.
pub(super) fn kind(labels: &HashMap<String, String>) -> WorkerKind {
    match labels.get(KIND).map(String::as_str) {
        Some("dynamic") => WorkerKind::Dynamic,
        _ => WorkerKind::Permanent,
    }
}

/// A filter for a listing or for events: every one of these labels; without a value, whatever the label's value.
pub(super) fn filter(labels: &[(&str, Option<&str>)]) -> HashMap<String, Vec<String>> {
    let term = |(key, value): &(&str, Option<&str>)| match value {
        Some(value) => format!("{key}={value}"),
        None => (*key).to_owned(),
    };
    HashMap::from([("label".to_owned(), labels.iter().map(term).collect())])
}
