//! A look at the containers of all pools: one listing, their loads, and what follows from both for what is remembered.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::kept::{Kept, SETTLED};
use super::manager::Manager;
use super::work::Report;
use crate::clock;
use crate::cluster::ClusterError;
use crate::cluster::pools::{Load, ObservedPoolContainer, PoolHost};
use crate::handlers::Because;
use crate::model::event::{PoolContainerLost, PoolScaledUp, PoolScalingFailed, PoolsRecovered, PoolsUnverified};
use crate::model::{ContainerId, ContainerStatus, Direction, FunctionName};
use crate::policy::pools::observe;

/// What is left of a container that has ended goes after this long: a container that is being made does not run at once.
const ENDED_STAYS: Duration = Duration::from_secs(60);

/// What was seen.
pub(super) struct Look {
    /// When the look began: what happened during it is not yet in it.
    at: DateTime<Utc>,
    listing: Result<Vec<ObservedPoolContainer>, ClusterError>,
    loads: HashMap<ContainerId, Load>,
}

/// Looks. The loads are those of the containers that were known before; a new one is measured at the next look.
pub(super) async fn look(host: Arc<dyn PoolHost>, ids: Vec<ContainerId>, at: DateTime<Utc>) -> Look {
    let (listing, loads) = tokio::join!(host.list(), host.load(&ids));
    Look { at, listing, loads }
}

/// How many containers were found gone, and how many that nobody remembered.
#[derive(Default)]
struct Differences {
    gone: u32,
    adopted: u32,
}

impl Manager {
    /// Takes a look in.
    pub(super) fn looked(&mut self, seen: Look) {
        let now = clock::now();
        match seen.listing {
            Ok(listing) => {
                let differences = self.compare(listing, seen.at, now);
                self.measure(&seen.loads, now);
                self.verified(&differences, now);
            }
            Err(error) => self.unverified(&error, now),
        }
    }

    /// Nobody answers: nothing is known of now, and nothing follows from that.
    fn unverified(&mut self, error: &ClusterError, now: DateTime<Utc>) {
        for kept in self.pools.values_mut() {
            kept.pool.verified = false;
            for container in &mut kept.pool.containers {
                (container.cpu_percent, container.memory_percent) = (None, None);
            }
        }
        if self.unverified.is_none() {
            tracing::warn!(%error, "the containers of the pools cannot be listed");
            let pools = u32::try_from(self.pools.len()).unwrap_or(u32::MAX);
            let data = PoolsUnverified { pools, error: error.said().to_owned() };
            let event = self.journal.event(data, Because::default(), now);
            self.unverified = Some((now, event.event_id));
            self.news.push(event);
        }
    }

    fn verified(&mut self, differences: &Differences, now: DateTime<Utc>) {
        for kept in self.pools.values_mut() {
            kept.pool.verified = true;
        }
        if let Some((since, cause)) = self.unverified.take() {
            let data = PoolsRecovered {
                pools: u32::try_from(self.pools.len()).unwrap_or(u32::MAX),
                containers: self.pools.values().map(Kept::count).sum(),
                gone: differences.gone,
                adopted: differences.adopted,
                duration: clock::between(since, now).as_secs_f64(),
            };
            self.news.push(self.journal.event(data, Because::of(cause), now));
        }
    }

    fn compare(&mut self, listing: Vec<ObservedPoolContainer>, at: DateTime<Utc>, now: DateTime<Utc>) -> Differences {
        self.listed = listing.iter().map(|seen| seen.name.clone()).collect();
        let mut listed: HashMap<FunctionName, Vec<ObservedPoolContainer>> = HashMap::new();
        for seen in listing {
            listed.entry(seen.function.clone()).or_default().push(seen);
        }
        let (mut differences, mut ended) = (Differences::default(), Vec::new());
        for kept in self.pools.values_mut() {
            let seen = listed.remove(kept.function()).unwrap_or_default();
            // It began before the last change of ours: it may show what is gone and miss what has come.
            if at <= kept.changed_at {
                continue;
            }
            for (name, cause) in lost(kept, &seen, now) {
                differences.gone += 1;
                let function = kept.function().clone();
                let data = PoolContainerLost { function, container: name.clone(), cause: cause.to_owned() };
                kept.news.push(self.journal.event(data, Because::default(), now));
                let born = seen.iter().find(|seen| seen.name == name).map(|seen| seen.created_at);
                if cause == EXITED && born.is_some_and(|born| clock::between(born, now) < SETTLED) {
                    let retry_at = kept.failed(now);
                    let error = format!("{name} ended right after it was made: `docker logs {name}` tells why");
                    let (function, action) = (kept.function().clone(), Direction::Up);
                    let data = PoolScalingFailed { function, action, error, retry_at };
                    kept.news.push(self.journal.event(data, Because::default(), now));
                }
            }
            let before = kept.count();
            let adopted = adopted(kept, &seen, now);
            if !adopted.is_empty() {
                differences.adopted += u32::try_from(adopted.len()).unwrap_or(u32::MAX);
                let data = PoolScaledUp {
                    function: kept.function().clone(),
                    previous_containers: before,
                    new_containers: kept.count(),
                    container_names: adopted,
                    reason: "adopted".to_owned(),
                };
                kept.news.push(self.journal.event(data, Because::default(), now));
            }
            let lives = |seen: &ObservedPoolContainer| seen.running && clock::between(seen.created_at, now) >= SETTLED;
            if kept.failures > 0 && kept.rests_until.is_none_or(|until| until <= now) && seen.iter().any(lives) {
                kept.succeeded();
            }
            let corpses = seen.iter().filter(|seen| {
                let old = clock::between(seen.created_at, now) >= ENDED_STAYS;
                !seen.running && old && !kept.coming.contains(&seen.name) && !kept.leaving.contains_key(&seen.id)
            });
            ended.extend(corpses.map(|seen| seen.id.clone()));
        }
        if !ended.is_empty() && !self.setting.dry_run && !self.journal.is_adrift() {
            let hands = self.hands.clone();
            self.work.spawn(async move {
                hands.sweep(ended).await;
                Report::Swept
            });
        }
        differences
    }

    /// Takes the loads in. What was not measured is unknown.
    fn measure(&mut self, loads: &HashMap<ContainerId, Load>, now: DateTime<Utc>) {
        for kept in self.pools.values_mut() {
            let rules = kept.pool.spec.monitoring;
            let mut changed = false;
            for container in &mut kept.pool.containers {
                let before = (container.status, container.idle_since);
                let load = loads.get(&container.id).copied().unwrap_or_default();
                observe(container, load.cpu_percent, load.memory_percent, &rules, now);
                changed |= before != (container.status, container.idle_since);
            }
            if changed {
                kept.touch(now);
            }
        }
    }
}

const EXITED: &str = "container_exited";
const REMOVED: &str = "container_removed";

/// Takes the containers that the listing proves gone out of memory; their names, and how they went. Of the others, the address is
/// refreshed. What is being removed is gone by windlass's own doing.
fn lost(kept: &mut Kept, seen: &[ObservedPoolContainer], now: DateTime<Utc>) -> Vec<(String, &'static str)> {
    let mut lost = Vec::new();
    let known: Vec<ContainerId> = kept.pool.containers.iter().map(|container| container.id.clone()).collect();
    for id in known {
        if kept.leaving.get(&id).is_some_and(|leaving| leaving.under_way) {
            continue;
        }
        let found = seen.iter().find(|seen| seen.id == id);
        let Some(container) = kept.pool.containers.iter_mut().find(|container| container.id == id) else { continue };
        match found {
            Some(found) if found.running => container.address = found.address,
            found => {
                lost.push((container.name.clone(), if found.is_some() { EXITED } else { REMOVED }));
                kept.let_go(&id, now);
            }
        }
    }
    lost
}

/// Takes the running containers in that nobody remembers; their names.
fn adopted(kept: &mut Kept, seen: &[ObservedPoolContainer], now: DateTime<Utc>) -> Vec<String> {
    let known: BTreeSet<&ContainerId> = kept.pool.containers.iter().map(|container| &container.id).collect();
    let strangers: Vec<_> = seen
        .iter()
        .filter(|seen| seen.running && !known.contains(&seen.id) && !kept.coming.contains(&seen.name))
        .cloned()
        .collect();
    for stranger in &strangers {
        kept.take_in(stranger, now);
    }
    if kept.retired {
        for container in &mut kept.pool.containers {
            container.status = ContainerStatus::Draining;
        }
        kept.note_draining(now);
    }
    strangers.into_iter().map(|stranger| stranger.name).collect()
}
