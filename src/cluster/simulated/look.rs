//! What an observer of the simulated world sees. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::noise::{hash, skew, wave};
use super::world::{Container, World};
use crate::model::{ContainerState, Health, ObservedWorker, PendingPods, WorkerName};

/// Workers differ from each other by so much, as a share of the load.
const UNEVENNESS: f64 = 0.04;

/// A worker whose health check fails takes no work; its system still takes a little. In percent.
const IDLE_CPU: f64 = 3.0;
const IDLE_MEMORY: f64 = 15.0;

impl World {
    /// Every container, with its measurements. The demand is shared by the workers that are ready.
    #[must_use]
    pub fn observe(&self, now: DateTime<Utc>) -> BTreeMap<WorkerName, ObservedWorker> {
        let (cpu, memory) = self.scenario.demand(self.elapsed(now));
        let ready = f64::from(self.ready(now).max(1));
        let load = (cpu / ready * 100.0, memory / ready * 100.0);
        self.workers
            .iter()
            .map(|(name, container)| (name.clone(), self.observe_one(name, container, load, now)))
            .collect()
    }

    fn observe_one(
        &self,
        name: &WorkerName,
        container: &Container,
        (cpu, memory): (f64, f64),
        now: DateTime<Utc>,
    ) -> ObservedWorker {
        let vary = |percent: f64, salt: u64| {
            let apart = skew(self.seed, name.as_str(), salt) + wave(self.seed, name.as_str(), salt + 2, now);
            Some((percent * (1.0 + UNEVENNESS * apart)).clamp(0.0, 100.0))
        };
        let (state, health, cpu_percent, memory_percent) = if let Some(code) = container.exit_code {
            (ContainerState::Exited { code: Some(code) }, Health::Unhealthy, None, None)
        } else if now < container.ready_at {
            // As with a real container, the first reading has no earlier one to be compared with.
            (ContainerState::Running, Health::Starting, None, None)
        } else if container.is_unhealthy(now) {
            (ContainerState::Running, Health::Unhealthy, vary(IDLE_CPU, 0), vary(IDLE_MEMORY, 1))
        } else {
            (ContainerState::Running, Health::Ready, vary(cpu, 0), vary(memory, 1))
        };
        ObservedWorker {
            name: name.clone(),
            container_id: container.id.clone(),
            kind: container.kind,
            created_at: container.created_at,
            state,
            health,
            cpu_percent,
            memory_percent,
            node: Some(name.to_string()),
        }
    }

    /// The pods that wait for room: those that came, less what the workers that became ready since then took, and more where workers were
    /// lost.
    #[must_use]
    pub fn pending(&self, now: DateTime<Utc>) -> PendingPods {
        let none = PendingPods { count: 0, waiting_seconds: 0.0, deployments: Vec::new(), workers_needed: 0 };
        let Some(waiting) = self.waiting.as_ref().filter(|waiting| now >= waiting.since) else { return none };
        let arrivals = &waiting.arrivals;
        let missing = i64::from(waiting.ready_then) - i64::from(self.ready(now));
        let count = i64::from(arrivals.count) + missing * i64::from(arrivals.per_worker);
        let Some(count) = u32::try_from(count).ok().filter(|count| *count > 0) else { return none };
        PendingPods {
            count,
            waiting_seconds: (now - waiting.since).as_seconds_f64(),
            deployments: arrivals.deployments.clone(),
            workers_needed: count.div_ceil(arrivals.per_worker.max(1)),
        }
    }

    /// How many pods a drain of this worker evicts; `None`: there is no such node.
    #[must_use]
    pub fn pods_on(&self, name: &WorkerName) -> Option<u32> {
        self.workers.get(name).filter(|worker| worker.is_alive())?;
        Some(2 + u32::try_from(hash(self.seed, name.as_str(), 5) % 5).unwrap_or(0))
    }
}
