//! Events a second through the fenced transaction, beside bare pipelined XADDs of the same bytes.

use std::error::Error;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use windlass::clock;
use windlass::model::event::ResourcePressureAlert;
use windlass::model::{Event, ReplicaId};
use windlass::store::{Store, Transaction};

use crate::Outcome;
use crate::redis::TestRedis;
use crate::rig;

/// Events per measurement.
const EVENTS: usize = 20_000;
/// Measurements of each; the median counts.
const ROUNDS: usize = 5;
/// XADDs in one of the bare pipelines.
const PIPELINE: usize = 100;
/// Pipelines under way at once.
const PIPELINES: usize = 8;
/// Transactions under way at once: as many events as the bare pipelines have, within reason.
const MOST_UNDER_WAY: usize = 256;
const BATCHES: [usize; 3] = [1, 10, 100];
const LONGEST: u64 = 100_000;

/// Measures and prints.
pub async fn run() -> Outcome {
    let redis = TestRedis::start();
    let store = rig::connect(&redis.url(), &rig::config()).await?;
    let replica = ReplicaId("bench".to_owned());
    let epoch = store.acquire_lease(&replica, Duration::from_secs(600)).await?.ok_or("somebody else leads")?;
    let data = ResourcePressureAlert { cpu_avg: Some(86.5), memory_avg: Some(61.2), workers: 3, max_workers: 10 };
    let events: Vec<Event> = (0..EVENTS).map(|_| rig::event(data.clone())).collect();
    let bytes: Vec<String> = events.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let size = bytes.iter().map(String::len).sum::<usize>() / EVENTS;

    let mut raw = Vec::new();
    let mut committed = BATCHES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        raw.push(bare(&store, &bytes).await?);
        for (batch, times) in BATCHES.iter().zip(&mut committed) {
            times.push(through_commit(&store, epoch, &events, *batch).await?);
        }
    }
    let raw = rate(raw);
    println!("publish: {EVENTS} events of {size} bytes, median of {ROUNDS} rounds");
    println!("  {:<44} {raw:>9.0} events/s   1.00", format!("bare XADD, pipelines of {PIPELINE}"));
    for (batch, times) in BATCHES.iter().zip(committed) {
        let rate = rate(times);
        println!("  {:<44} {rate:>9.0} events/s   {:.2}", format!("Store::commit, {batch} a transaction"), rate / raw);
    }
    Ok(())
}

fn rate(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| EVENTS as f64 / time.as_secs_f64())
}

/// The same words that the transaction's script says.
async fn bare(store: &Store, bytes: &[String]) -> Result<Duration, Box<dyn Error>> {
    let key = store.keys().events();
    let begun = Instant::now();
    stream::iter(bytes.chunks(PIPELINE))
        .map(|chunk| {
            let (key, mut connection) = (&key, store.connection());
            async move {
                let mut pipeline = ::redis::pipe();
                for json in chunk {
                    let command = pipeline.cmd("XADD").arg(key).arg("MAXLEN").arg("~").arg(LONGEST);
                    command.arg("*").arg("event").arg(json).ignore();
                }
                pipeline.query_async::<()>(&mut connection).await
            }
        })
        .buffer_unordered(PIPELINES)
        .try_collect::<()>()
        .await?;
    Ok(begun.elapsed())
}

async fn through_commit(store: &Store, epoch: u64, events: &[Event], batch: usize) -> Result<Duration, Box<dyn Error>> {
    let under_way = (PIPELINE * PIPELINES / batch).clamp(PIPELINES, MOST_UNDER_WAY);
    let begun = Instant::now();
    stream::iter(events.chunks(batch))
        .map(|chunk| async move {
            let transaction = transaction(epoch, chunk.to_vec());
            store.commit(&transaction, LONGEST).await.map(|_| ())
        })
        .buffer_unordered(under_way)
        .try_collect::<()>()
        .await?;
    Ok(begun.elapsed())
}

/// A transaction that only publishes.
pub fn transaction(epoch: u64, events: Vec<Event>) -> Transaction {
    Transaction::new(clock::fresh_id(clock::now()), epoch, Vec::new(), events)
}
