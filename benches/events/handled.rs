//! From publish to handled, one event at a time, through an engine that runs; beside a raw round trip over a stream.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::AsyncCommands as _;
use ::redis::streams::{StreamReadOptions, StreamReadReply};
use tokio::sync::mpsc;
use windlass::bus::Follower;
use windlass::clock;
use windlass::handlers::{Because, Draft, Handler, HandlerError, World};
use windlass::model::event::{StoreDegraded, StoreRestored};
use windlass::model::{Event, EventType};
use windlass::store::Store;

use crate::Outcome;
use crate::numbers::Times;
use crate::publish::transaction;
use crate::redis::TestRedis;
use crate::rig::{self, Host, Running, UNHEARD};

const ROUNDS: usize = 2_000;
/// Not counted: connections are opened and scripts are loaded.
const WARM_UP: usize = 50;
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Measures and prints.
pub async fn run() -> Outcome {
    let redis = TestRedis::start();
    let (host, _times) = Host::new();
    let (entered, mut entries) = mpsc::unbounded_channel();
    let handler: Arc<dyn Handler> = Arc::new(Stopwatch { entered });
    let engine = Running::start(&redis.url(), host, vec![handler]).await?;
    let epoch = engine.epoch().await?;
    let mut follower =
        Follower::new(&engine.store, vec![(engine.store.keys().events(), "$".to_owned())], LONGEST_WAIT).await?;
    // It must wait before the first event is published.
    follower.next(Duration::from_millis(1)).await?;

    let raw = raw(&engine.store).await?;
    let (mut heard, mut effects) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + WARM_UP {
        let event = rig::event(StoreDegraded { error: "bench".to_owned(), since: clock::now() });
        let id = event.event_id;
        let begun = Instant::now();
        engine.store.commit(&transaction(epoch, vec![event]), 100_000).await?;
        let effect = effect_of(id, &mut follower).await?.duration_since(begun);
        let entry: Instant = entries.recv().await.ok_or("the handler is gone")?;
        if round >= WARM_UP {
            heard.push(entry.duration_since(begun));
            effects.push(effect);
        }
    }
    engine.stop().await?;
    println!("one event at a time: {ROUNDS} rounds");
    let raw = Times::of(raw);
    raw.print("raw: XADD, XREADGROUP BLOCK, XACK", &raw);
    Times::of(heard).print("publish to the handler's entry", &raw);
    Times::of(effects).print("publish to its effect, read from the log", &raw);
    Ok(())
}

/// When what the handler emitted because of an event was read by somebody who waited for it.
async fn effect_of(id: uuid::Uuid, follower: &mut Follower) -> Result<Instant, Box<dyn Error>> {
    loop {
        for entry in follower.next(LONGEST_WAIT).await? {
            if entry.event()?.caused_by == Some(id) {
                return Ok(Instant::now());
            }
        }
    }
}

/// Notes when it is entered, and answers.
struct Stopwatch {
    entered: mpsc::UnboundedSender<Instant>,
}

impl Handler for Stopwatch {
    fn name(&self) -> &'static str {
        "Stopwatch"
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[UNHEARD]
    }

    fn on_event(&self, event: &Event, _: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        let _ = self.entered.send(Instant::now());
        draft.emit(StoreRestored { duration: 0.0, events_kept: 0, events_dropped: 0 }, Because::of(event.event_id));
        Ok(())
    }
}

/// The least that any consumer group costs: an entry of the same bytes, read by somebody who waits, and acknowledged.
async fn raw(store: &Store) -> Result<Vec<Duration>, Box<dyn Error>> {
    const STREAM: &str = "bench:raw";
    const GROUP: &str = "bench";
    let json = serde_json::to_string(&rig::event(StoreDegraded { error: "bench".to_owned(), since: clock::now() }))?;
    store.connection().xgroup_create_mkstream::<_, _, _, ()>(STREAM, GROUP, "$").await?;
    let mut reader = store.address().blocking(LONGEST_WAIT).await?;
    let (done, mut handled) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let options = StreamReadOptions::default().group(GROUP, "bench").block(LONGEST_WAIT.as_millis() as usize);
        loop {
            let reply: Option<StreamReadReply> = reader.xread_options(&[STREAM], &[">"], &options).await?;
            for entry in reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
                reader.xack::<_, _, _, ()>(STREAM, GROUP, &[entry.id]).await?;
                if done.send(Instant::now()).is_err() {
                    return Ok::<_, ::redis::RedisError>(());
                }
            }
        }
    });
    let mut times = Vec::new();
    for round in 0..ROUNDS + WARM_UP {
        let begun = Instant::now();
        store.connection().xadd::<_, _, _, _, ()>(STREAM, "*", &[("event", &json)]).await?;
        let at: Instant = handled.recv().await.ok_or("the reader is gone")?;
        if round >= WARM_UP {
            times.push(at.duration_since(begun));
        }
    }
    task.abort();
    Ok(times)
}
