//! From a line of Docker's container listing to a worker as seen. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bollard::models::{ContainerSummary, ContainerSummaryHealthStatusEnum as HealthStatus, ContainerSummaryStateEnum};
use chrono::DateTime;

use super::labels;
use crate::model::{ContainerId, ContainerState, Health, ObservedWorker, WorkerName};

/// The workers of a listing, without measurements. Of two containers with the label of the same worker (one was renamed by hand and
/// made again) the live one counts, then the newer one.
pub(super) fn workers(containers: Vec<ContainerSummary>) -> BTreeMap<WorkerName, ObservedWorker> {
    let mut workers = BTreeMap::new();
    for found in containers.into_iter().filter_map(worker) {
        match workers.entry(found.name.clone()) {
            Entry::Vacant(free) => {
                free.insert(found);
            }
            Entry::Occupied(mut known) => {
                let rank = |worker: &ObservedWorker| (worker.is_alive(), worker.created_at);
                if rank(&found) > rank(known.get()) {
                    known.insert(found);
                }
            }
        }
    }
    workers
}

/// One container; `None` where it lacks an id or a worker's name.
fn worker(container: ContainerSummary) -> Option<ObservedWorker> {
    let labels = container.labels.unwrap_or_default();
    let id = container.id?;
    let Some(name) = labels.get(labels::WORKER).and_then(|name| name.parse::<WorkerName>().ok()) else {
        tracing::warn!(container = %id, "a container of this cluster has no valid label `{}`: left alone", labels::WORKER);
        return None;
    };
    let status = container.status.unwrap_or_default();
    let state = state(container.state, &status);
    let health = match state {
        ContainerState::Running if container.state == Some(ContainerSummaryStateEnum::STOPPING) => Health::Unhealthy,
        ContainerState::Running => checked(container.health.and_then(|health| health.status), &status),
        ContainerState::Created => Health::Starting,
        ContainerState::Paused | ContainerState::Restarting | ContainerState::Exited { .. } => Health::Unhealthy,
    };
    Some(ObservedWorker {
        kind: labels::kind(&labels),
        created_at: container.created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default(),
        container_id: ContainerId(id),
        state,
        health,
        cpu_percent: None,
        memory_percent: None,
        node: None,
        name,
    })
}

fn state(state: Option<ContainerSummaryStateEnum>, status: &str) -> ContainerState {
    use ContainerSummaryStateEnum as Docker;
    match state {
        Some(Docker::RUNNING | Docker::STOPPING) => ContainerState::Running,
        Some(Docker::PAUSED) => ContainerState::Paused,
        Some(Docker::RESTARTING) => ContainerState::Restarting,
        Some(Docker::EXITED | Docker::REMOVING | Docker::DEAD) => ContainerState::Exited { code: exit_code(status) },
        // A daemon that does not tell the state still tells "Up 3 seconds" or "Exited (1) …".
        Some(Docker::EMPTY) | None if status.starts_with("Exited") => {
            ContainerState::Exited { code: exit_code(status) }
        }
        Some(Docker::EMPTY) | None if status.starts_with("Up") => ContainerState::Running,
        Some(Docker::CREATED | Docker::EMPTY) | None => ContainerState::Created,
    }
}

/// `Exited (137) 5 seconds ago` gives 137.
fn exit_code(status: &str) -> Option<i64> {
    status.strip_prefix("Exited (")?.split_once(')')?.0.parse().ok()
}

/// The health check of a running container. Daemons before API 1.52 tell it only in the status text.
fn checked(health: Option<HealthStatus>, status: &str) -> Health {
    match health {
        Some(HealthStatus::UNHEALTHY) => Health::Unhealthy,
        Some(HealthStatus::STARTING) => Health::Starting,
        Some(HealthStatus::NONE | HealthStatus::EMPTY) | None if status.ends_with("(unhealthy)") => Health::Unhealthy,
        Some(HealthStatus::NONE | HealthStatus::EMPTY) | None if status.ends_with("(health: starting)") => {
            Health::Starting
        }
        Some(HealthStatus::HEALTHY | HealthStatus::NONE | HealthStatus::EMPTY) | None => Health::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkerKind;

    fn container(name: &str, state: ContainerSummaryStateEnum, status: &str) -> ContainerSummary {
        ContainerSummary {
            id: Some(format!("{name}-{status}")),
            created: Some(1_700_000_000),
            state: Some(state),
            status: Some(status.to_owned()),
            labels: Some(
                [(labels::WORKER, name), (labels::KIND, "dynamic")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ),
            ..ContainerSummary::default()
        }
    }

    fn seen(state: ContainerSummaryStateEnum, status: &str) -> (ContainerState, Health) {
        let worker = worker(container("w-1", state, status)).unwrap();
        (worker.state, worker.health)
    }

    #[test]
    fn state_and_health_are_read_from_the_listing() {
        use ContainerSummaryStateEnum as Docker;
        assert_eq!(seen(Docker::RUNNING, "Up 3 seconds"), (ContainerState::Running, Health::Ready));
        assert_eq!(
            seen(Docker::RUNNING, "Up 1 second (health: starting)"),
            (ContainerState::Running, Health::Starting)
        );
        assert_eq!(seen(Docker::RUNNING, "Up 1 hour (healthy)"), (ContainerState::Running, Health::Ready));
        assert_eq!(seen(Docker::RUNNING, "Up 1 hour (unhealthy)"), (ContainerState::Running, Health::Unhealthy));
        assert_eq!(seen(Docker::PAUSED, "Up 1 hour (Paused)"), (ContainerState::Paused, Health::Unhealthy));
        assert_eq!(seen(Docker::CREATED, "Created"), (ContainerState::Created, Health::Starting));
        assert_eq!(
            seen(Docker::EXITED, "Exited (137) 5 seconds ago"),
            (ContainerState::Exited { code: Some(137) }, Health::Unhealthy)
        );
        assert_eq!(seen(Docker::DEAD, "Dead"), (ContainerState::Exited { code: None }, Health::Unhealthy));
    }

    #[test]
    fn of_two_containers_of_one_worker_the_live_one_counts() {
        use ContainerSummaryStateEnum as Docker;
        let dead = container("w-1", Docker::EXITED, "Exited (0) 1 second ago");
        let live = container("w-1", Docker::RUNNING, "Up 1 hour");
        for order in [vec![dead.clone(), live.clone()], vec![live, dead]] {
            let workers = workers(order);
            assert_eq!(workers.len(), 1);
            assert_eq!(workers["w-1"].state, ContainerState::Running);
        }
    }

    #[test]
    fn a_container_that_does_not_tell_its_kind_is_permanent() {
        let mut silent = container("w-1", ContainerSummaryStateEnum::RUNNING, "Up");
        silent.labels.as_mut().unwrap().remove(labels::KIND);
        assert_eq!(worker(silent).unwrap().kind, WorkerKind::Permanent);
    }

    #[test]
    fn a_container_without_a_workers_name_is_left_alone() {
        let mut nameless = container("Not A Name", ContainerSummaryStateEnum::RUNNING, "Up");
        assert!(worker(nameless.clone()).is_none());
        nameless.labels = None;
        assert!(worker(nameless).is_none());
    }
}
