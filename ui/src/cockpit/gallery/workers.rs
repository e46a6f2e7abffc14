//! The workers, as they are remembered and as they were seen.

use chrono::{DateTime, Utc};
use windlass::model::{
    Actor, ContainerState, Health, Observation, ObservedWorker, PendingPods, Protection, Worker, WorkerKind,
    WorkerStatus,
};

use super::{ago, container, name};

pub fn worker(now: DateTime<Utc>, text: &str, kind: WorkerKind, status: WorkerStatus, age: i64) -> Worker {
    Worker {
        name: name(text),
        kind,
        status,
        created_at: ago(now, age),
        container_id: container(text),
        protected: None,
        last_seen: ago(now, 2),
    }
}

pub fn workers(now: DateTime<Utc>) -> Vec<Worker> {
    use WorkerKind::{Dynamic, Permanent};
    use WorkerStatus::{Draining, Ready, Starting, Unhealthy};
    let protection = Protection {
        actor: Actor::Person("anna".to_owned()),
        reason: "database migration".to_owned(),
        since: ago(now, 2460),
    };
    vec![
        worker(now, "k3s-edge", Permanent, Ready, 273_600),
        worker(now, "k3s-worker-1", Permanent, Ready, 273_540),
        Worker { protected: Some(protection), ..worker(now, "k3s-worker-4", Dynamic, Ready, 11_220) },
        worker(now, "k3s-worker-6", Dynamic, Unhealthy, 7_020),
        worker(now, "k3s-worker-7", Dynamic, Ready, 5_398),
        worker(now, "k3s-worker-8", Dynamic, Draining, 1_812),
        worker(now, "k3s-worker-9", Dynamic, Starting, 24),
    ]
}

pub fn observed(worker: &Worker, cpu_percent: Option<f64>, memory_percent: Option<f64>) -> ObservedWorker {
    ObservedWorker {
        name: worker.name.clone(),
        container_id: worker.container_id.clone(),
        kind: worker.kind,
        created_at: worker.created_at,
        state: ContainerState::Running,
        health: match worker.status {
            WorkerStatus::Starting => Health::Starting,
            WorkerStatus::Unhealthy => Health::Unhealthy,
            WorkerStatus::Ready | WorkerStatus::Draining => Health::Ready,
        },
        cpu_percent,
        memory_percent,
        node: Some(worker.name.to_string()),
    }
}

/// Load rises towards the present: the further back, the less.
pub fn observation(at: DateTime<Utc>, looks: u32) -> Observation {
    let wave = f64::from(looks).mul_add(-0.9, 8.0 * (f64::from(looks) / 3.0).sin());
    let load = |percent: f64, share: f64| Some(wave.mul_add(share, percent).clamp(1.0, 100.0));
    let loads = [
        (load(71.0, 1.0), load(58.2, 0.3)),
        (load(88.4, 1.0), load(63.0, 0.3)),
        (load(76.1, 1.0), load(87.9, 0.3)),
        (load(97.2, 1.0), load(49.5, 0.3)),
        (load(92.8, 1.0), load(71.4, 0.3)),
        (load(54.6, 1.0), load(33.8, 0.3)),
        (None, None),
    ];
    let workers = workers(at);
    Observation {
        at,
        workers: workers
            .iter()
            .zip(loads)
            .map(|(worker, (cpu, memory))| (worker.name.clone(), observed(worker, cpu, memory)))
            .collect(),
        pending: Some(PendingPods {
            count: 7,
            waiting_seconds: 69.0,
            deployments: vec!["checkout".to_owned(), "search".to_owned()],
            workers_needed: 2,
        }),
        nodes: Some(6),
    }
}
