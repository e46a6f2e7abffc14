//! What it costs to ask whom to call, while somebody ranks the containers anew all the time; beside a scan of the same containers behind
//! a lock, in the same run.
//!
//! `cargo bench -p windlass --bench balance`
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::error::Error;
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::DateTime;
use windlass::model::pool::MonitoringConfig;
use windlass::model::{ContainerId, ContainerStatus, Pool, PoolContainer, PoolSpec};
use windlass::pools::Board;

/// Containers in the pool.
const CONTAINERS: u8 = 100;
/// Calls in one measurement.
const CALLS: u32 = 20_000;
/// Measurements.
const ROUNDS: usize = 200;
/// The writer rests this long between two rankings: a hundred times less than a manager does.
const WRITES_EVERY: Duration = Duration::from_millis(2);

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` asks only whether it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let pool = pool()?;
    println!("whom to call: {CONTAINERS} containers, a writer every {WRITES_EVERY:?}, {ROUNDS} x {CALLS} calls");

    let board = Board::default();
    board.show(vec![pool.clone()]);
    let ours = beside(
        |turn| board.show(vec![shifted(&pool, turn)]),
        || {
            black_box(board.healthiest(black_box("hello")));
        },
    );

    let locked = RwLock::new(pool.clone());
    let theirs = beside(
        |turn| *locked.write().unwrap_or_else(PoisonError::into_inner) = shifted(&pool, turn),
        || {
            let pool = locked.read().unwrap_or_else(PoisonError::into_inner);
            black_box(scan(black_box(&pool)));
        },
    );
    ours.print("healthiest (windlass)", &theirs);
    theirs.print("read lock + scan (baseline)", &theirs);
    let ratio = theirs.median / ours.median;
    println!("  windlass needs 1/{ratio:.0} of the time; wanted: below 200 ns, it is {:.0} ns", ours.median);
    Ok(())
}

/// What one call took, in nanoseconds, over the measurements.
struct Cost {
    median: f64,
    worst: f64,
    writes: u64,
}

impl Cost {
    fn print(&self, name: &str, baseline: &Self) {
        let Self { median, worst, writes } = self;
        let ratio = median / baseline.median;
        println!(
            "  {name:<30} median {median:>8.1} ns ({ratio:>5.3}x)   worst round {worst:>8.1} ns   {writes} writes meanwhile"
        );
    }
}

/// Measures reads beside a thread that writes.
fn beside(write: impl Fn(u64) + Send + Sync, read: impl Fn()) -> Cost {
    let (stop, writes) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                write(writes.fetch_add(1, Ordering::Relaxed));
                std::thread::sleep(WRITES_EVERY);
            }
        });
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let begun = Instant::now();
                for _ in 0..CALLS {
                    read();
                }
                begun.elapsed().as_nanos() as f64 / f64::from(CALLS)
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        rounds.sort_by(f64::total_cmp);
        Cost { median: rounds[ROUNDS / 2], worst: rounds[ROUNDS - 1], writes: writes.load(Ordering::Relaxed) }
    })
}

/// The least loaded healthy container's address, as one would look for it.
fn scan(pool: &Pool) -> Option<(IpAddr, u16)> {
    let healthy = pool.containers.iter().filter(|container| container.status == ContainerStatus::Healthy);
    let load = |container: &&PoolContainer| container.cpu_percent.unwrap_or(f64::INFINITY);
    let best = healthy.min_by(|a, b| load(a).total_cmp(&load(b)))?;
    Some((best.address?, best.port))
}

fn pool() -> Result<Pool, Box<dyn Error>> {
    let spec = PoolSpec {
        function: "hello".parse()?,
        image: "hello:1".to_owned(),
        port: 8080,
        min: 0,
        max: u32::from(CONTAINERS),
        monitoring: MonitoringConfig::default(),
    };
    let containers = (0..CONTAINERS).map(|number| PoolContainer {
        id: ContainerId(format!("{number:064x}")),
        name: format!("c-hello-{number}"),
        address: Some(IpAddr::from([10, 0, 0, number])),
        port: 8080,
        status: if number % 10 == 0 { ContainerStatus::Overloaded } else { ContainerStatus::Healthy },
        cpu_percent: Some(f64::from(number * 7 % 64) + 5.5),
        memory_percent: Some(20.0),
        last_active: DateTime::UNIX_EPOCH,
        idle_since: None,
    });
    Ok(Pool { spec, containers: containers.collect(), verified: true, last_updated: DateTime::UNIX_EPOCH })
}

/// The pool a look later: other containers are the least loaded.
fn shifted(pool: &Pool, turn: u64) -> Pool {
    let mut pool = pool.clone();
    let by = turn as usize % pool.containers.len();
    let loads: Vec<_> = pool.containers.iter().map(|container| container.cpu_percent).collect();
    for (index, container) in pool.containers.iter_mut().enumerate() {
        container.cpu_percent = loads[(index + by) % loads.len()];
    }
    pool
}
