//! Recovery of 10,000 pools with 50,000 containers, beside the seed's way of doing it, on the same Redis and the same daemon.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use windlass::clock;
use windlass::cluster::docker::pools::DockerPools;
use windlass::cluster::pools::PoolHost as _;
use windlass::config::{ClusterKind, Config, Span};
use windlass::model::pool::PersistedPoolState;
use windlass::model::{Change, ReplicaId};
use windlass::pools::recover::recover;
use windlass::store::pools::BATCH;
use windlass::store::{Address, Keys, Store, Transaction};

use crate::daemon::{Daemon, inspected, listing};
use crate::population::{CLUSTER, CONTAINERS, Container, POOLS, pool};
use crate::redis::TestRedis;
use crate::{Outcome, seeds_way};

/// Measurements of windlass's way; the median counts. The seed's way is measured once, between them.
const ROUNDS: usize = 5;
/// Records in one transaction.
const WRITTEN: usize = 500;

/// Measures and prints.
pub async fn run() -> Outcome {
    let redis = TestRedis::start();
    let daemon = Daemon::start().await?;
    let mut config = Config::default();
    config.cluster.id = CLUSTER.parse()?;
    config.cluster.kind = ClusterKind::Docker;
    config.cluster.docker.host = Some(format!("unix://{}", daemon.socket()));
    config.cluster.docker.timeout = Span::seconds(60);
    let address = Address::new(&redis.url(), None, None, Duration::from_secs(30))?;
    let keys = Keys::new(&config.cluster.id, &config.autoscaler.events.event_bus.stream_name);
    let store = Store::connect(address, keys).await?;
    remember(&store).await?;
    let docker = seeds_way::connect(&daemon.socket())?;
    let docker = docker.negotiate_version().await?;

    let (mut times, mut own) = (Vec::new(), Vec::new());
    let mut seed = Duration::ZERO;
    for round in 0..ROUNDS {
        // A windlass that has just started: nothing is known of the daemon.
        let host = DockerPools::new(&config)?;
        let (begun, used) = (Instant::now(), processor_time()?);
        let recovered = recover(&store, &host, &[], BATCH, clock::now()).await?;
        times.push(begun.elapsed());
        own.push(processor_time()?.saturating_sub(used));
        let (kept, gone) = (recovered.containers(), recovered.gone.len());
        if !recovered.verified() || (kept, gone) != expected() {
            return Err(format!("windlass kept {kept}, missed {gone}: {:?}", recovered.unverified).into());
        }
        if round == ROUNDS / 2 {
            let begun = Instant::now();
            let running = seeds_way::recover(&store, &docker).await?;
            seed = begun.elapsed();
            let ids = |pool: &windlass::model::Pool| -> Vec<String> {
                pool.containers.iter().map(|container| container.id.0.clone()).collect()
            };
            let ours: BTreeSet<String> = recovered.pools.iter().flat_map(ids).collect();
            if ours != running.into_iter().map(|container| container.id).collect() {
                return Err("the two ways do not find the same".into());
            }
        }
    }
    let (mut records, mut listings) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        store.load_pools(BATCH).await?;
        records.push(begun.elapsed());
        let begun = Instant::now();
        DockerPools::new(&config)?.list().await?;
        listings.push(begun.elapsed());
    }
    print(seed, median(times), median(own), [median(records), median(listings)]);
    Ok(())
}

fn print(seed: Duration, whole: Duration, own: Duration, [records, listings]: [Duration; 2]) {
    let (kept, gone) = expected();
    println!(
        "recovery: {POOLS} pools with {CONTAINERS} containers, {gone} of them gone; both ways keep the same {kept}"
    );
    let (listing, inspect) = (listing().len(), inspected(Container(1)).len());
    let (megabytes, kilobytes, line) = (listing as f64 / 1e6, inspect as f64 / 1e3, listing / kept);
    println!("  the daemon's listing is {megabytes:.1} MB ({line} bytes a container), an inspect {kilobytes:.1} KB");
    let row = |name: &str, time: Duration, more: &str| {
        println!("  {name:<64} {:>9.0} ms   {more}", time.as_secs_f64() * 1000.0);
    };
    row("the seed's way: a GET a pool, an inspect a container, 50 at once", seed, "1.0x");
    let ratio = seed.as_secs_f64() / whole.as_secs_f64();
    row(
        &format!("windlass: batches of {BATCH} and one listing, median of {ROUNDS}"),
        whole,
        &format!("{ratio:.1}x faster (promised: 20x)"),
    );
    row("  of that the processor time of windlass's own process", own, "(promised: below 1 s)");
    row("  the records alone, without the listing", records, "");
    row("  the listing alone, without the records", listings, "");
}

/// Containers that are kept, and those that are gone.
fn expected() -> (usize, usize) {
    let kept = Container::running().count();
    (kept, CONTAINERS - kept)
}

/// Writes the records as the leader does.
async fn remember(store: &Store) -> Outcome {
    let replica = ReplicaId("bench".to_owned());
    let epoch = store.acquire_lease(&replica, Duration::from_secs(600)).await?.ok_or("somebody else leads")?;
    let numbers: Vec<usize> = (0..POOLS).collect();
    for chunk in numbers.chunks(WRITTEN) {
        let record = |number: &usize| Ok(Change::PutPool(Box::new(PersistedPoolState::from(&pool(*number)?))));
        let transaction = Transaction::new(
            clock::fresh_id(clock::now()),
            epoch,
            chunk.iter().map(record).collect::<Result<_, Box<dyn Error>>>()?,
            Vec::new(),
        );
        store.commit(&transaction, 1_000).await?;
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// What this process has used of all processors so far, in its own code and in the kernel: Linux keeps it for each thread, in
/// nanoseconds.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread that has just ended has no books any more.
        let Ok(books) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += books.split(' ').next().ok_or("no books")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
