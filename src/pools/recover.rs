//! After a start (seed 001): what is remembered of the pools, held against one listing of the runtime.
//!
//! A listing is proof that a container is gone; an error is not. Nothing is removed here: what has ended, and what nobody knows, is
//! named for the runtime of the pools to deal with.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::cluster::ClusterError;
use crate::cluster::pools::{ObservedPoolContainer, PoolHost};
use crate::model::pool::{POOL_SCHEMA, PersistedPoolState, PersistenceMetadata};
use crate::model::{Change, ContainerStatus, FunctionName, Pool, PoolContainer, PoolSpec};
use crate::store::pools::{LoadedPools, PoolProblem};
use crate::store::{Store, StoreError};

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// The pools that are remembered or configured, by name.
    pub pools: Vec<Pool>,
    /// Containers that were remembered and are gone.
    pub gone: Vec<Gone>,
    /// Containers of these pools that run and were not remembered: they are in `pools` now.
    pub adopted: Vec<ObservedPoolContainer>,
    /// Containers of these pools that have ended and still lie about: to be removed.
    pub ended: Vec<ObservedPoolContainer>,
    /// Containers of pools that nobody knows: left alone.
    pub unknown: Vec<ObservedPoolContainer>,
    /// Pools that are configured and were not remembered.
    pub fresh: Vec<FunctionName>,
    /// Pools that are remembered and not configured.
    pub unconfigured: Vec<FunctionName>,
    /// Records that cannot be read: to be moved aside before `changes` are written.
    pub problems: Vec<PoolProblem>,
    /// Why the runtime could not be asked: the pools are as they are remembered. `None`: it was.
    pub unverified: Option<ClusterError>,
    /// What is to be written: the pools that are not as they are remembered, and the metadata.
    pub changes: Vec<Change>,
}

/// A container that was remembered and is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Gone {
    /// Its pool.
    pub function: FunctionName,
    /// What was remembered of it.
    pub container: PoolContainer,
    /// How it went.
    pub cause: GoneCause,
}

/// How a container went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneCause {
    /// It has ended, and is still there.
    Exited,
    /// It is not there any more.
    Removed,
}

impl GoneCause {
    /// As events name it: `container_exited`, `container_removed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exited => "container_exited",
            Self::Removed => "container_removed",
        }
    }
}

impl Recovered {
    /// Whether the runtime has confirmed what is remembered.
    #[must_use]
    pub const fn verified(&self) -> bool {
        self.unverified.is_none()
    }

    /// Containers in the pools.
    #[must_use]
    pub fn containers(&self) -> usize {
        self.pools.iter().map(|pool| pool.containers.len()).sum()
    }
}

/// Reads the records, `batch` at a time, and the listing, both at once, and merges them. To be called by whoever leads: a record that an
/// earlier leader wrote was then written before the listing, and its container is in it.
pub async fn recover(
    store: &Store,
    host: &dyn PoolHost,
    configured: &[PoolSpec],
    batch: usize,
    now: DateTime<Utc>,
) -> Result<Recovered, StoreError> {
    let (loaded, listing) = tokio::join!(store.load_pools(batch), host.list());
    Ok(merge(loaded?, configured, listing, now))
}

/// Merges what is remembered, what is configured, and what the runtime lists. Pure.
#[must_use]
pub fn merge(
    loaded: LoadedPools,
    configured: &[PoolSpec],
    listing: Result<Vec<ObservedPoolContainer>, ClusterError>,
    now: DateTime<Utc>,
) -> Recovered {
    let LoadedPools { pools: remembered, outdated, problems, metadata } = loaded;
    let mut recovered = Recovered { problems, ..Recovered::default() };
    let mut changed = outdated;
    let mut pools: BTreeMap<FunctionName, Pool> =
        remembered.into_iter().map(|pool| (pool.spec.function.clone(), pool)).collect();

    let known: BTreeSet<&FunctionName> = configured.iter().map(|spec| &spec.function).collect();
    recovered.unconfigured = pools.keys().filter(|function| !known.contains(function)).cloned().collect();
    for spec in configured {
        match pools.get_mut(&spec.function) {
            Some(pool) if pool.spec == *spec => continue,
            Some(pool) => pool.spec = spec.clone(),
            None => {
                recovered.fresh.push(spec.function.clone());
                let pool = Pool { spec: spec.clone(), containers: Vec::new(), verified: false, last_updated: now };
                pools.insert(spec.function.clone(), pool);
            }
        }
        changed.insert(spec.function.clone());
    }

    match listing {
        Ok(listing) => {
            let mut listed: HashMap<FunctionName, Vec<ObservedPoolContainer>> = HashMap::with_capacity(pools.len());
            for container in listing {
                match listed.get_mut(&container.function) {
                    Some(others) => others.push(container),
                    None => drop(listed.insert(container.function.clone(), vec![container])),
                }
            }
            for (function, pool) in &mut pools {
                if verify(pool, listed.remove(function).unwrap_or_default(), &mut recovered, now) {
                    changed.insert(function.clone());
                }
            }
            recovered.unknown = listed.into_values().flatten().collect();
            recovered.unknown.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Err(error) => recovered.unverified = Some(error),
    }

    for function in &changed {
        if let Some(pool) = pools.get_mut(function) {
            pool.last_updated = now;
            recovered.changes.push(Change::PutPool(Box::new(PersistedPoolState::from(&*pool))));
        }
    }
    let told = about(&recovered, metadata.as_ref(), pools.len(), now);
    if metadata.as_ref() != Some(&told) {
        recovered.changes.push(Change::SetPoolMetadata(told));
    }
    recovered.pools = pools.into_values().collect();
    recovered
}

/// Holds one pool against the listing of its containers; whether it differs from what is remembered.
fn verify(pool: &mut Pool, listed: Vec<ObservedPoolContainer>, recovered: &mut Recovered, now: DateTime<Utc>) -> bool {
    let mut listed: BTreeMap<String, ObservedPoolContainer> =
        listed.into_iter().map(|container| (container.id.0.clone(), container)).collect();
    let mut differs = false;
    for mut container in std::mem::take(&mut pool.containers) {
        let found = listed.remove(&container.id.0);
        let cause = match found {
            Some(found) if found.running => {
                differs |= container.name != found.name || container.port != found.port;
                container.name = found.name;
                container.port = found.port;
                container.address = found.address;
                pool.containers.push(container);
                continue;
            }
            Some(found) => {
                recovered.ended.push(found);
                GoneCause::Exited
            }
            None => GoneCause::Removed,
        };
        differs = true;
        recovered.gone.push(Gone { function: pool.spec.function.clone(), container, cause });
    }
    for found in listed.into_values() {
        if found.running {
            differs = true;
            pool.containers.push(adopted(&found, now));
            recovered.adopted.push(found);
        } else {
            recovered.ended.push(found);
        }
    }
    pool.containers.sort_by(|one, other| one.name.cmp(&other.name));
    pool.verified = true;
    differs
}

/// A container that nobody remembers: nothing is known of it but that it runs.
fn adopted(found: &ObservedPoolContainer, now: DateTime<Utc>) -> PoolContainer {
    PoolContainer {
        id: found.id.clone(),
        name: found.name.clone(),
        address: found.address,
        port: found.port,
        status: ContainerStatus::Healthy,
        cpu_percent: None,
        memory_percent: None,
        last_active: now,
        idle_since: None,
    }
}

/// The metadata: a cleanup took place only if the runtime was asked.
fn about(
    recovered: &Recovered,
    before: Option<&PersistenceMetadata>,
    total_pools: usize,
    now: DateTime<Utc>,
) -> PersistenceMetadata {
    let last_cleanup =
        if recovered.verified() { now.timestamp() } else { before.map_or(0, |metadata| metadata.last_cleanup) };
    PersistenceMetadata { version: POOL_SCHEMA.to_string(), last_cleanup, total_pools }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ContainerId;
    use crate::model::pool::MonitoringConfig;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn spec(function: &str) -> PoolSpec {
        PoolSpec {
            function: function.parse().unwrap(),
            image: "image:1".to_owned(),
            port: 8080,
            min: 0,
            max: 5,
            monitoring: MonitoringConfig::default(),
        }
    }

    fn listed(function: &str, number: u32, running: bool) -> ObservedPoolContainer {
        ObservedPoolContainer {
            function: function.parse().unwrap(),
            id: ContainerId(format!("id-{function}-{number}")),
            name: format!("{function}-{number}"),
            running,
            address: running.then_some([10, 0, 0, 7].into()),
            port: 8080,
            created_at: at(-100),
            ordered_by: None,
        }
    }

    fn remembered(function: &str, numbers: &[u32]) -> Pool {
        let container = |number: &u32| PoolContainer {
            status: ContainerStatus::Idle,
            address: None,
            idle_since: Some(at(-50)),
            ..adopted(&listed(function, *number, true), at(-60))
        };
        let containers = numbers.iter().map(container).collect();
        Pool { spec: spec(function), containers, verified: false, last_updated: at(-10) }
    }

    fn loaded(pools: Vec<Pool>) -> LoadedPools {
        let metadata = PersistenceMetadata {
            version: "1".to_owned(),
            last_cleanup: at(-10).timestamp(),
            total_pools: pools.len(),
        };
        LoadedPools { pools, metadata: Some(metadata), ..LoadedPools::default() }
    }

    fn unreachable() -> ClusterError {
        ClusterError::Unavailable { cluster: "docker", error: "it is gone fishing".to_owned() }
    }

    fn names(pool: &Pool) -> Vec<&str> {
        pool.containers.iter().map(|container| container.name.as_str()).collect()
    }

    /// The functions whose records are written.
    fn written(recovered: &Recovered) -> Vec<&str> {
        let record = |change: &'_ Change| match change {
            Change::PutPool(record) => Some(record.function_name.clone()),
            _ => None,
        };
        let names: Vec<String> = recovered.changes.iter().filter_map(record).collect();
        recovered
            .pools
            .iter()
            .map(|pool| pool.spec.function.as_str())
            .filter(|name| names.iter().any(|n| n == name))
            .collect()
    }

    #[test]
    fn what_runs_is_kept_what_is_proved_gone_goes_and_what_was_not_remembered_is_adopted() {
        let listing = vec![
            listed("a", 1, true),
            listed("a", 2, false),
            listed("a", 4, true),
            listed("a", 5, false),
            listed("stranger", 1, true),
        ];
        let recovered = merge(loaded(vec![remembered("a", &[1, 2, 3])]), &[spec("a")], Ok(listing), at(0));
        let pool = &recovered.pools[0];
        assert_eq!((names(pool), pool.verified, pool.last_updated), (vec!["a-1", "a-4"], true, at(0)));
        let kept = &pool.containers[0];
        assert_eq!((kept.status, kept.idle_since), (ContainerStatus::Idle, Some(at(-50))), "its clock goes on");
        assert_eq!(kept.address, Some([10, 0, 0, 7].into()));
        let gone: Vec<_> = recovered.gone.iter().map(|gone| (gone.container.name.as_str(), gone.cause)).collect();
        assert_eq!(gone, [("a-2", GoneCause::Exited), ("a-3", GoneCause::Removed)]);
        assert_eq!(recovered.adopted, [listed("a", 4, true)]);
        assert_eq!(recovered.ended, [listed("a", 2, false), listed("a", 5, false)]);
        assert_eq!(recovered.unknown, [listed("stranger", 1, true)], "left alone");
        assert_eq!(written(&recovered), ["a"]);
        let told = PersistenceMetadata { version: "1".to_owned(), last_cleanup: at(0).timestamp(), total_pools: 1 };
        assert_eq!(recovered.changes.last(), Some(&Change::SetPoolMetadata(told)));
    }

    #[test]
    fn a_runtime_that_does_not_answer_takes_nothing_away_and_nothing_is_written() {
        let before = loaded(vec![remembered("a", &[1, 2]), remembered("b", &[])]);
        let recovered = merge(before.clone(), &[spec("a"), spec("b")], Err(unreachable()), at(0));
        assert_eq!(recovered.pools, before.pools);
        assert!(!recovered.verified() && recovered.pools.iter().all(|pool| !pool.verified));
        assert!(recovered.gone.is_empty() && recovered.changes.is_empty(), "{:?}", recovered.changes);
    }

    #[test]
    fn only_what_differs_is_written() {
        let pools = vec![remembered("a", &[1]), remembered("b", &[1]), remembered("c", &[1]), remembered("d", &[1])];
        let listing = ["a", "b", "c", "d"].map(|function| listed(function, 1, true)).to_vec();
        let mut before = loaded(pools);
        before.outdated.insert("b".parse().unwrap());
        let wider = PoolSpec { max: 9, ..spec("c") };
        let configured = [spec("a"), spec("b"), wider.clone(), spec("new")];
        let recovered = merge(before, &configured, Ok(listing), at(0));
        assert_eq!(written(&recovered), ["b", "c", "new"]);
        assert_eq!(recovered.pools[2].spec, wider, "the configuration wins");
        assert_eq!(recovered.fresh, ["new".parse().unwrap()]);
        assert_eq!(recovered.unconfigured, ["d".parse().unwrap()], "and d is kept all the same");
        assert_eq!(names(&recovered.pools[3]), ["d-1"]);
    }

    #[test]
    fn a_configured_pool_whose_record_was_lost_finds_its_containers_again() {
        let recovered = merge(LoadedPools::default(), &[spec("a")], Ok(vec![listed("a", 3, true)]), at(0));
        assert_eq!(names(&recovered.pools[0]), ["a-3"]);
        assert_eq!((recovered.adopted.len(), recovered.containers()), (1, 1));
    }

    proptest! {
        /// Whatever was remembered and whatever is there: what runs is in the pool, and nothing else.
        #[test]
        fn after_a_listing_the_pool_is_what_runs(
            known in proptest::collection::btree_set(0_u32..8, 0..8),
            there in proptest::collection::btree_map(0_u32..8, any::<bool>(), 0..8),
        ) {
            let numbers: Vec<u32> = known.iter().copied().collect();
            let listing = there.iter().map(|(number, running)| listed("a", *number, *running)).collect();
            let before = loaded(vec![remembered("a", &numbers)]);
            let recovered = merge(before, &[spec("a")], Ok(listing), at(0));
            let runs = |number: &u32| there.get(number) == Some(&true);
            let name = |number: u32| format!("a-{number}");
            let expected: Vec<String> = there.keys().copied().filter(runs).map(name).collect();
            prop_assert_eq!(names(&recovered.pools[0]), expected);
            prop_assert_eq!(recovered.gone.len(), known.iter().filter(|number| !runs(number)).count());
            prop_assert_eq!(recovered.adopted.len(), there.keys().filter(|number| runs(number) && !known.contains(number)).count());
            prop_assert_eq!(recovered.ended.len(), there.values().filter(|running| !**running).count());
            let differs = !recovered.gone.is_empty() || !recovered.adopted.is_empty();
            prop_assert_eq!(!written(&recovered).is_empty(), differs);
        }
    }
}
