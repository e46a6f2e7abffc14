//! Who takes the next call: from memory, without a lock for those who ask.
//!
//! Every look ranks the containers anew and puts the ranking in place of the old one; a call only takes the next of the best. Those
//! whose load is within [`BAND`] of the least are equally good and take turns: measurements are seconds old, and a stampede to the one
//! that was least loaded then would make it the most loaded now.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering as Memory};

use arc_swap::ArcSwap;

use crate::model::{ContainerId, ContainerStatus, FunctionName, Pool, PoolContainer};

/// Loads that differ by less than this, in percentage points, count as equal.
pub const BAND: f64 = 5.0;

/// Where a function can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The function.
    pub function: FunctionName,
    /// The container's id.
    pub id: ContainerId,
    /// The container's name.
    pub container: String,
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// How it was doing at the last look.
    pub status: ContainerStatus,
}

impl Endpoint {
    /// Address and port.
    #[must_use]
    pub const fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// As a URL, with brackets where the address needs them.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.socket())
    }

    /// Whether it was only chosen because every other one is overloaded too.
    #[must_use]
    pub const fn is_last_resort(&self) -> bool {
        matches!(self.status, ContainerStatus::Overloaded)
    }
}

/// The pools as they are in memory, and who takes the next call of each. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Board {
    shown: Arc<ArcSwap<Shown>>,
}

#[derive(Debug, Default)]
struct Shown {
    pools: Arc<Vec<Pool>>,
    best: HashMap<FunctionName, Best>,
}

/// The equally good containers of a function; none if there is nobody to call.
#[derive(Debug, Default)]
struct Best {
    endpoints: Vec<Arc<Endpoint>>,
    turn: AtomicUsize,
}

impl Board {
    /// Who takes the next call of a function: the least loaded that is healthy, else one that idles, else, as a last resort, one that
    /// is overloaded; never one that is drained. `None`: there is no such pool, or nobody in it that could be called.
    #[must_use]
    pub fn healthiest(&self, function: &str) -> Option<Arc<Endpoint>> {
        self.shown.load().best.get(function)?.next()
    }

    /// The pools, by name.
    #[must_use]
    pub fn pools(&self) -> Arc<Vec<Pool>> {
        Arc::clone(&self.shown.load().pools)
    }

    /// Puts these pools in place of those shown. There is one writer.
    pub fn show(&self, pools: Vec<Pool>) {
        let before = self.shown.load();
        let best = pools.iter().map(|pool| {
            let function = pool.spec.function.clone();
            // The turn goes on where it was, or the first would be called more often than the others.
            let turn = before.best.get(&function).map_or(0, |best| best.turn.load(Memory::Relaxed));
            (function, Best { endpoints: best(pool), turn: AtomicUsize::new(turn) })
        });
        let best = best.collect();
        self.shown.store(Arc::new(Shown { pools: Arc::new(pools), best }));
    }
}

impl Best {
    fn next(&self) -> Option<Arc<Endpoint>> {
        match self.endpoints.as_slice() {
            [] => None,
            [only] => Some(Arc::clone(only)),
            several => several.get(self.turn.fetch_add(1, Memory::Relaxed) % several.len()).cloned(),
        }
    }
}

/// The equally good containers of a pool, by name.
fn best(pool: &Pool) -> Vec<Arc<Endpoint>> {
    let callable = |container: &&PoolContainer| container.address.is_some() && rank(container.status).is_some();
    let mut candidates: Vec<&PoolContainer> = pool.containers.iter().filter(callable).collect();
    let Some(least) = candidates.iter().copied().min_by(|a, b| compare(a, b)) else { return Vec::new() };
    let equal = |other: &PoolContainer| match (load(least), load(other)) {
        (Some(least), Some(other)) => other - least < BAND,
        (None, None) => true,
        _ => false,
    };
    let status = least.status;
    candidates.retain(|container| container.status == status && equal(container));
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    candidates.into_iter().filter_map(|container| endpoint(pool, container)).collect()
}

fn endpoint(pool: &Pool, container: &PoolContainer) -> Option<Arc<Endpoint>> {
    Some(Arc::new(Endpoint {
        function: pool.spec.function.clone(),
        id: container.id.clone(),
        container: container.name.clone(),
        address: container.address?,
        port: container.port,
        status: container.status,
    }))
}

/// Lower is better; `None`: never.
const fn rank(status: ContainerStatus) -> Option<u8> {
    match status {
        ContainerStatus::Healthy => Some(0),
        ContainerStatus::Idle => Some(1),
        ContainerStatus::Overloaded => Some(2),
        ContainerStatus::Draining => None,
    }
}

/// What is fuller, CPU or memory, says how loaded it is. With unknown CPU it is unknown.
fn load(container: &PoolContainer) -> Option<f64> {
    let cpu = container.cpu_percent?;
    Some(container.memory_percent.map_or(cpu, |memory| cpu.max(memory)))
}

/// Better ones first; of the same status, those whose load is unknown come after those whose load is known.
fn compare(a: &PoolContainer, b: &PoolContainer) -> Ordering {
    let known = |container| load(container).unwrap_or(f64::INFINITY);
    rank(a.status).cmp(&rank(b.status)).then_with(|| known(a).total_cmp(&known(b)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;

    use super::*;
    use crate::model::PoolSpec;
    use crate::model::pool::MonitoringConfig;

    use ContainerStatus::{Draining, Healthy, Idle, Overloaded};

    fn container(number: u8, status: ContainerStatus, cpu: Option<f64>) -> PoolContainer {
        PoolContainer {
            id: ContainerId(format!("id-{number}")),
            name: format!("f-{number}"),
            address: Some(IpAddr::from([10, 0, 0, number])),
            port: 80,
            status,
            cpu_percent: cpu,
            memory_percent: Some(1.0),
            last_active: DateTime::UNIX_EPOCH,
            idle_since: None,
        }
    }

    fn board(containers: Vec<PoolContainer>) -> Board {
        let spec = PoolSpec {
            function: "f".parse().unwrap(),
            image: "i".to_owned(),
            port: 80,
            min: 0,
            max: 9,
            monitoring: MonitoringConfig::default(),
        };
        let board = Board::default();
        board.show(vec![Pool { spec, containers, verified: true, last_updated: DateTime::UNIX_EPOCH }]);
        board
    }

    /// Who took each of twelve calls, and how many.
    fn called(containers: Vec<PoolContainer>) -> BTreeMap<String, u32> {
        let board = board(containers);
        let mut calls = BTreeMap::new();
        for _ in 0..12 {
            let name = board.healthiest("f").map_or_else(|| "nobody".to_owned(), |found| found.container.clone());
            *calls.entry(name).or_default() += 1;
        }
        calls
    }

    fn calls(wanted: &[(&str, u32)]) -> BTreeMap<String, u32> {
        wanted.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn the_least_loaded_healthy_one_then_the_idle_then_the_overloaded() {
        let (hot, cold) = (container(3, Overloaded, Some(71.0)), container(4, Idle, Some(0.0)));
        let healthy =
            vec![container(1, Healthy, Some(60.0)), container(2, Healthy, Some(30.0)), hot.clone(), cold.clone()];
        assert_eq!(called(healthy), calls(&[("f-2", 12)]));
        assert_eq!(called(vec![hot.clone(), cold, container(5, Draining, Some(0.0))]), calls(&[("f-4", 12)]));
        assert_eq!(called(vec![hot, container(6, Overloaded, Some(99.0))]), calls(&[("f-3", 12)]));
        assert_eq!(called(vec![container(5, Draining, Some(0.0))]), calls(&[("nobody", 12)]));
        assert_eq!(
            called(vec![PoolContainer { address: None, ..container(1, Healthy, Some(1.0)) }]),
            calls(&[("nobody", 12)])
        );
    }

    #[test]
    fn equally_good_ones_share() {
        let near = vec![
            container(1, Healthy, Some(30.0)),
            container(2, Healthy, Some(34.9)),
            container(3, Healthy, Some(35.0)),
        ];
        assert_eq!(called(near), calls(&[("f-1", 6), ("f-2", 6)]));
        let unknown = vec![container(1, Healthy, None), container(2, Healthy, None), container(3, Healthy, None)];
        assert_eq!(called(unknown), calls(&[("f-1", 4), ("f-2", 4), ("f-3", 4)]));
        let one_is_known = vec![container(1, Healthy, None), container(2, Healthy, Some(69.0))];
        assert_eq!(called(one_is_known), calls(&[("f-2", 12)]), "what is unknown is not zero");
    }

    #[test]
    fn full_memory_counts_as_much_as_a_busy_cpu() {
        let full = PoolContainer { memory_percent: Some(65.0), ..container(1, Healthy, Some(10.0)) };
        assert_eq!(called(vec![full, container(2, Healthy, Some(50.0))]), calls(&[("f-2", 12)]));
    }

    #[test]
    fn the_turn_goes_on_when_the_ranking_is_made_anew() {
        let containers = vec![container(1, Healthy, Some(9.0)), container(2, Healthy, Some(9.0))];
        let board = board(containers);
        let mut calls = BTreeMap::<String, u32>::new();
        for _ in 0..10 {
            let name = board.healthiest("f").map(|found| found.container.clone());
            *calls.entry(name.unwrap()).or_default() += 1;
            board.show(board.pools().to_vec());
        }
        assert_eq!(calls.into_values().collect::<Vec<_>>(), [5, 5]);
        assert_eq!(board.healthiest("g"), None);
    }

    #[test]
    fn addresses_are_written_as_urls_want_them() {
        let mut one = container(1, Healthy, None);
        one.address = Some("fd00::1".parse().unwrap());
        let found = board(vec![one]).healthiest("f").unwrap();
        assert_eq!(found.url(), "http://[fd00::1]:80");
    }
}
