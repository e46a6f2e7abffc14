//! How long nobody leads: the leader of three replicas is killed at a random moment, and a worker with it, so that there is something to
//! decide. From the kill to the next leader, and to its first decision; beside the lease time, which nobody can be faster than after a
//! SIGKILL. Nothing is asserted.
//!
//! `cargo bench -p windlass-ui --bench takeover`; `WINDLASS_TAKEOVERS=20` for a short form.
#![allow(clippy::unwrap_used, reason = "a bench ends where something is not as it should be")]

#[path = "../../tests/support/dice.rs"]
#[allow(dead_code, reason = "the bench uses its part of this")]
mod dice;
#[path = "../../tests/support/program.rs"]
#[allow(dead_code, reason = "the bench uses its part of this")]
mod program;
#[path = "../../tests/support/redis.rs"]
mod redis;

use std::process::Stdio;
use std::time::Duration;

use windlass::bus::Follower;
use windlass::clock::Stopwatch;
use windlass::cluster::simulated;
use windlass::model::{EventType, State, WorkerStatus};
use windlass::store::{Address, Keys, Store};

use dice::Dice;
use program::{Engine, Home};
use redis::TestRedis;

/// How often, unless `WINDLASS_TAKEOVERS` says otherwise.
const TAKEOVERS: usize = 100;
/// Of so many kills one is a clean exit as well, afterwards.
const CLEAN: usize = 5;
const REPLICAS: usize = 3;
/// The default.
const LEASE: Duration = Duration::from_secs(3);
/// What is promised of the first decision, in leases.
const PROMISED: u32 = 2;
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

const SCENARIO: &str = "
name: calm
startup: 50ms
phases:
  - { at: 0s, cpu_demand: 1.0, memory_demand: 1.1 }
";

fn main() {
    // `cargo test --benches` asks only whether it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let given =
        std::env::var("WINDLASS_TAKEOVERS").ok().map(|text| text.parse().expect("WINDLASS_TAKEOVERS is a number"));
    let count: usize = given.unwrap_or(TAKEOVERS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::start().await;
        println!(
            "\n{REPLICAS} replicas, lease {} s (the default){:>18}   ratio to the lease   promised",
            LEASE.as_secs(),
            "s"
        );
        let killed = bench.run("-KILL", count).await;
        table("SIGKILL", &killed, Some(PROMISED));
        table("clean exit", &bench.run("-TERM", count.div_ceil(CLEAN)).await, None);
    });
}

/// From the end of the leader to the election of another, and to its first decision.
type Times = Vec<(Duration, Duration)>;

fn table(how: &str, times: &Times, promised: Option<u32>) {
    let rows = [
        ("the next leader", times.iter().map(|time| time.0).collect::<Vec<_>>()),
        ("its first decision", times.iter().map(|time| time.1).collect()),
    ];
    for (what, mut times) in rows {
        times.sort();
        let count = times.len();
        for (which, time) in [("median", times[count / 2]), ("worst", times[count - 1])] {
            let name = format!("{how} to {what}, {which} of {count}");
            let ratio = time.as_secs_f64() / LEASE.as_secs_f64();
            let promised = promised.map_or_else(String::new, |leases| format!("< {leases}"));
            println!("  {name:<52} {:>6.2} {ratio:>20.2} {promised:>10}", time.as_secs_f64());
        }
    }
}

struct Bench {
    home: Home,
    redis: TestRedis,
    store: Store,
    log: Follower,
    replicas: Vec<Option<Engine>>,
    dice: Dice,
}

impl Bench {
    async fn start() -> Self {
        let (home, redis) = (Home::new(), TestRedis::start());
        std::fs::write(home.path("calm.yaml"), SCENARIO).unwrap();
        let address = Address::new(&redis.url(), None, None, Duration::from_secs(5)).unwrap();
        let store =
            Store::connect(address, Keys::new(&"takeover".parse().unwrap(), "autoscaler_events")).await.unwrap();
        let stream = vec![(store.keys().events(), "0-0".to_owned())];
        let log = Follower::new(&store, stream, Duration::from_secs(1)).await.unwrap();
        let replicas = (0..REPLICAS).map(|_| None).collect();
        let mut bench = Self { home, redis, store, log, replicas, dice: Dice::seeded("takeover") };
        bench.start_all();
        bench.rest().await;
        bench
    }

    fn start_all(&mut self) {
        let redis = format!("unix://{}", self.redis.socket().display());
        let scenario = format!("cluster.simulated.scenario={}", self.home.path("calm.yaml").display());
        let arguments = ["run", "--cluster", "takeover", "--redis-url", &redis, "--set", &scenario];
        for replica in self.replicas.iter_mut().filter(|replica| replica.is_none()) {
            let mut command = self.home.command(&arguments);
            *replica =
                Some(Engine(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("windlass starts")));
        }
    }

    /// Somebody leads, and both workers are ready.
    async fn rest(&mut self) {
        let ready =
            |state: &State| state.workers.values().filter(|worker| worker.status == WorkerStatus::Ready).count();
        let begun = Stopwatch::start();
        loop {
            let snapshot = self.store.snapshot().await.unwrap();
            if snapshot.leader.is_some() && ready(&snapshot.state) >= 2 && snapshot.state.operations.is_empty() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "not at rest: {snapshot:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // What was told until now is not what is waited for.
        while !self.log.next(Duration::from_millis(20)).await.unwrap().is_empty() {}
    }

    async fn run(&mut self, signal: &str, count: usize) -> Times {
        let mut times = Times::new();
        for _ in 0..count {
            self.start_all();
            self.rest().await;
            // Anywhere between two renewals.
            let pause = LEASE.as_millis() as u64 / 2 + self.dice.below(LEASE.as_millis() as u64);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            times.push(self.takeover(signal).await);
        }
        times
    }

    async fn takeover(&mut self, signal: &str) -> (Duration, Duration) {
        let leader = self.store.leader().await.unwrap().expect("somebody leads").replica.0;
        let pid: u32 = leader.split(':').nth(1).and_then(|pid| pid.parse().ok()).expect("host:pid:random");
        let index =
            self.replicas.iter().position(|replica| replica.as_ref().is_some_and(|replica| replica.pid() == pid));
        let mut engine = self.replicas[index.expect("one of ours")].take().unwrap();
        let worker = self.store.snapshot().await.unwrap().state.workers.into_keys().next().expect("a worker");
        let begun = Stopwatch::start();
        if signal == "-KILL" {
            engine.0.kill().unwrap();
        } else {
            program::signal(signal, pid);
        }
        let lose = |home: &Home| simulated::kill(&home.path("data"), &worker).unwrap();
        let is_gone = signal == "-KILL";
        // One that leaves in order may still see what is lost before it goes.
        if is_gone {
            lose(&self.home);
        }
        let (mut elected, mut decided) = (None, None);
        while decided.is_none() {
            for event in
                self.log.next(Duration::from_secs(1)).await.unwrap().iter().filter_map(|entry| entry.event().ok())
            {
                match event.event_type() {
                    EventType::LeaderElected => elected = elected.or(Some(begun.elapsed())),
                    EventType::AutoScaleUpToMinimum => decided = decided.or(Some(begun.elapsed())),
                    _ => continue,
                }
                if !is_gone && decided.is_none() {
                    lose(&self.home);
                }
            }
            assert!(begun.elapsed() < PATIENCE, "nobody decides");
        }
        let _ = engine.0.wait();
        (elected.expect("who decides was elected"), decided.expect("a decision"))
    }
}
