//! A pool as the manager keeps it: the pool, and what is under way in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock;
use crate::cluster::pools::ObservedPoolContainer;
use crate::handlers::Because;
use crate::model::event::PoolConfigured;
use crate::model::{ClusterId, ContainerId, ContainerStatus, Event, FunctionName, Pool, PoolContainer, PoolSpec};
use crate::policy::backoff;
use crate::policy::pools::operator::PoolState;
use crate::policy::pools::{DownReason, PoolSituation};

/// After a failure a pool rests this long, doubling up to [`LONGEST_REST`].
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(300);

/// A container that ends sooner than this has failed to start; one that lives longer has come to be.
pub(super) const SETTLED: Duration = Duration::from_secs(30);

/// A pool, and what is under way in it.
#[derive(Debug)]
pub(super) struct Kept {
    /// The pool.
    pub pool: Pool,
    /// The names of the containers that are being made.
    pub coming: BTreeSet<String>,
    /// The containers that are to go.
    pub leaving: BTreeMap<ContainerId, Leaving>,
    /// Somebody wants to call the function.
    pub demand: bool,
    /// It is no longer wanted.
    pub retired: bool,
    /// Failures in a row.
    pub failures: u32,
    /// The rules make and take nothing before this.
    pub rests_until: Option<DateTime<Utc>>,
    /// Since when it is saturated, and the event that says so.
    pub saturated: Option<(DateTime<Utc>, Uuid)>,
    /// Its containers changed then: a look that began before shows the past.
    pub changed_at: DateTime<Utc>,
    /// Its record in Redis is not what it should be.
    pub dirty: bool,
    /// What is to be reported with the next writing of its record.
    pub news: Vec<Event>,
}

/// A container that is to go.
#[derive(Debug, Clone)]
pub(super) struct Leaving {
    /// Why.
    pub reason: DownReason,
    /// What led to it.
    pub because: Because,
    /// Since when it gets no calls.
    pub since: DateTime<Utc>,
    /// Whether it is being removed.
    pub under_way: bool,
}

impl Kept {
    /// A pool in which nothing is under way.
    pub(super) const fn new(pool: Pool) -> Self {
        Self {
            pool,
            coming: BTreeSet::new(),
            leaving: BTreeMap::new(),
            demand: false,
            retired: false,
            failures: 0,
            rests_until: None,
            saturated: None,
            changed_at: DateTime::<Utc>::MIN_UTC,
            dirty: false,
            news: Vec::new(),
        }
    }

    /// A pool that has no container yet.
    pub(super) fn empty(spec: PoolSpec, now: DateTime<Utc>) -> Self {
        let mut kept = Self::new(Pool { spec, containers: Vec::new(), verified: false, last_updated: now });
        kept.dirty = true;
        kept
    }

    /// Its function.
    pub(super) const fn function(&self) -> &FunctionName {
        &self.pool.spec.function
    }

    /// What an operator's command is judged on.
    pub(super) fn state(&self) -> PoolState<'_> {
        PoolState { pool: &self.pool, coming: self.coming() }
    }

    /// What the rules decide on.
    pub(super) fn situation(&self, now: DateTime<Utc>) -> PoolSituation<'_> {
        PoolSituation {
            pool: &self.pool,
            coming: self.coming(),
            demand: self.demand,
            retired: self.retired,
            rests_until: self.rests_until,
            now,
        }
    }

    /// How many containers are being made.
    pub(super) fn coming(&self) -> u32 {
        u32::try_from(self.coming.len()).unwrap_or(u32::MAX)
    }

    /// How many containers it has.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.pool.containers.len()).unwrap_or(u32::MAX)
    }

    /// Its record is to be written.
    pub(super) fn touch(&mut self, now: DateTime<Utc>) {
        self.pool.last_updated = now;
        self.dirty = true;
    }

    /// Its containers are others now.
    pub(super) fn change(&mut self, now: DateTime<Utc>) {
        self.changed_at = now;
        self.touch(now);
    }

    /// Takes a running container in. One that is known by its id stays as it is.
    pub(super) fn take_in(&mut self, seen: &ObservedPoolContainer, now: DateTime<Utc>) {
        if self.pool.containers.iter().any(|known| known.id == seen.id) {
            return;
        }
        self.pool.containers.push(PoolContainer {
            id: seen.id.clone(),
            name: seen.name.clone(),
            address: seen.address,
            port: seen.port,
            status: ContainerStatus::Healthy,
            cpu_percent: None,
            memory_percent: None,
            last_active: now,
            idle_since: None,
        });
        self.pool.containers.sort_by(|a, b| a.name.cmp(&b.name));
        self.change(now);
    }

    /// Lets a container go from memory.
    pub(super) fn let_go(&mut self, id: &ContainerId, now: DateTime<Utc>) {
        self.pool.containers.retain(|known| known.id != *id);
        self.leaving.remove(id);
        self.change(now);
    }

    /// A container gets no more calls, and goes.
    pub(super) fn dismiss(&mut self, id: &ContainerId, reason: DownReason, because: Because, now: DateTime<Utc>) {
        if let Some(container) = self.pool.containers.iter_mut().find(|known| known.id == *id)
            && container.status != ContainerStatus::Draining
        {
            container.status = ContainerStatus::Draining;
            self.touch(now);
        }
        self.leaving.entry(id.clone()).or_insert(Leaving { reason, because, since: now, under_way: false });
    }

    /// What is drained and was not drained by this manager is drained from now on.
    pub(super) fn note_draining(&mut self, now: DateTime<Utc>) {
        let draining = self.pool.containers.iter().filter(|known| known.status == ContainerStatus::Draining);
        for container in draining {
            self.leaving.entry(container.id.clone()).or_insert_with(|| Leaving {
                reason: DownReason::Drained,
                because: Because::default(),
                since: now,
                under_way: false,
            });
        }
    }

    /// The first `count` names that no container of this name's pool has: `{cluster}-{function}-{number}`. Deterministic, so that what
    /// a leader made and could not record is found under the name that the next one would give; with the cluster's name, because
    /// clusters share a Docker daemon.
    pub(super) fn free_names(&self, cluster: &ClusterId, listed: &BTreeSet<String>, count: u32) -> Vec<String> {
        let taken = |name: &String| {
            listed.contains(name)
                || self.coming.contains(name)
                || self.pool.containers.iter().any(|known| known.name == *name)
        };
        let names = (1_u64..).map(|number| format!("{cluster}-{}-{number}", self.function()));
        names.filter(|name| !taken(name)).take(count as usize).collect()
    }

    /// Something failed: when it is tried again.
    pub(super) fn failed(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.failures = self.failures.saturating_add(1);
        let until = clock::after(now, backoff::doubled(FIRST_REST, LONGEST_REST, self.failures));
        self.rests_until = Some(until);
        until
    }

    /// What is kept is working.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
        self.rests_until = None;
    }

    /// Takes on what it is meant to be; the event to report if that is news.
    pub(super) fn configure(&mut self, spec: &PoolSpec, now: DateTime<Utc>) -> Option<PoolConfigured> {
        self.retired = false;
        if self.pool.spec == *spec {
            return None;
        }
        self.pool.spec = spec.clone();
        self.touch(now);
        Some(self.configured())
    }

    /// That this is what it is meant to be.
    pub(super) fn configured(&self) -> PoolConfigured {
        let spec = &self.pool.spec;
        PoolConfigured {
            function: spec.function.clone(),
            image: spec.image.clone(),
            min_containers: spec.min,
            max_containers: spec.max,
        }
    }
}
