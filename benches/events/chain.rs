//! The full chain: a look shows pressure, it is decided, names are allocated, and a container is asked for. The cluster itself takes no
//! time here. Beside it, the least that such a chain could cost: as many raw round trips as it has transactions.

use std::error::Error;
use std::time::{Duration, Instant};

use windlass::bus;
use windlass::clock;
use windlass::model::{Action, Actor, Command, Direction};
use windlass::store::Store;

use crate::Outcome;
use crate::numbers::Times;
use crate::redis::TestRedis;
use crate::rig::{Host, Running};

const ROUNDS: usize = 150;
const WARM_UP: usize = 5;
/// `ResourcePressureAlert`, `ScaleUpDecision` and `ScaleUpStarted` are written one after the other, each because of the one before.
const LINKS: usize = 3;

/// Measures and prints.
pub async fn run() -> Outcome {
    let redis = TestRedis::start();
    let (host, mut asked) = Host::new();
    let engine = Running::start(&redis.url(), host.clone(), Vec::new()).await?;
    let raw = raw(&engine.store).await?;
    let mut times = Vec::new();
    for round in 0..ROUNDS + WARM_UP {
        host.press();
        let time = asked.recv().await.ok_or("the cluster is gone")?;
        if round >= WARM_UP {
            times.push(time);
        }
        scale_down(&engine).await?;
    }
    engine.stop().await?;
    println!("the full chain: {ROUNDS} rounds");
    let raw = Times::of(raw);
    raw.print(&format!("raw: {LINKS} SETs, one after the other"), &raw);
    Times::of(times).print("pressure seen to container create call", &raw);
    Ok(())
}

/// Back to where it began: the worker that came goes again.
async fn scale_down(engine: &Running) -> Outcome {
    loop {
        let state = engine.store.snapshot().await?.state;
        if state.operations.is_empty() && state.workers.len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let now = clock::now();
    let command = Command {
        command_id: clock::fresh_id(now),
        issued_at: now,
        actor: Actor::Person("bench".to_owned()),
        reason: "the next round".to_owned(),
        action: Action::Scale { direction: Direction::Down, count: 1, worker: None, honor_cooldown: false },
    };
    bus::send(&engine.store, &command).await?;
    while !engine.is_at_rest().await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn raw(store: &Store) -> Result<Vec<Duration>, Box<dyn Error>> {
    let mut connection = store.connection();
    let mut times = Vec::new();
    for _ in 0..ROUNDS * 10 {
        let begun = Instant::now();
        for _ in 0..LINKS {
            ::redis::cmd("SET").arg("bench:raw").arg("x").query_async::<()>(&mut connection).await?;
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}
