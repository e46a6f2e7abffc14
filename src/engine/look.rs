//! Looking at the cluster: one listing, and what the scheduler says.

use chrono::{DateTime, Utc};

use crate::cluster::{Cluster, ClusterError};
use crate::model::Observation;

/// Looks. `at` is when the look begins: what happens during it is not yet in it. A scheduler that does not answer leaves pending pods
/// unknown; a host that does not answer is an outage.
pub(super) async fn look(cluster: Cluster, at: DateTime<Utc>) -> Result<Observation, ClusterError> {
    let scheduler = async {
        let Some(scheduler) = &cluster.scheduler else {
            return (None, None);
        };
        let (pending, nodes) = tokio::join!(scheduler.pending(), scheduler.ready_nodes());
        (known("pending pods", pending), known("ready nodes", nodes))
    };
    let (workers, (pending, nodes)) = tokio::join!(cluster.host.list(), scheduler);
    Ok(Observation { at, workers: workers?, pending, nodes })
}

fn known<T>(what: &str, answer: Result<T, ClusterError>) -> Option<T> {
    answer.inspect_err(|error| tracing::warn!(%error, "{what}: unknown")).ok()
}
