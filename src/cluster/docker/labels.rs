//! The labels that tie a container to its cluster: what recovery, adoption and removal go by.

use std::collections::HashMap;

use crate::model::{ClusterId, WorkerKind, WorkerName};

/// The cluster that a container belongs to.
pub const CLUSTER: &str = "windlass.cluster";
/// The worker that it is.
pub const WORKER: &str = "windlass.worker";
/// `permanent` or `dynamic`.
pub const KIND: &str = "windlass.kind";
/// The operation that made it.
pub const OPERATION: &str = "windlass.operation";
/// Labels under this prefix are windlass's own.
pub const PREFIX: &str = "windlass.";

/// Whether these labels say: the worker `name` of `cluster`.
pub(super) fn belongs(labels: Option<&HashMap<String, String>>, cluster: &ClusterId, name: &WorkerName) -> bool {
    let says = |key, value| labels.and_then(|labels| labels.get(key)).is_some_and(|found| found == value);
    says(CLUSTER, cluster.as_str()) && says(WORKER, name.as_str())
}

/// What a worker was made as. A container that does not tell counts as permanent: what is not known to be dynamic must not be
/// scaled away.
pub(super) fn kind(labels: &HashMap<String, String>) -> WorkerKind {
    match labels.get(KIND).map(String::as_str) {
        Some("dynamic") => WorkerKind::Dynamic,
        _ => WorkerKind::Permanent,
    }
}

/// A filter for a listing or for events: every one of these labels.
pub(super) fn filter(labels: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), labels.iter().map(|(key, value)| format!("{key}={value}")).collect())])
}
