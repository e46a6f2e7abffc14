//! What the benches are made of: a Redis of their own, an engine that runs, and a cluster that does as it is told.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use windlass::clock;
use windlass::cluster::{Cluster, ClusterError, CreatedWorker, WorkerHost, WorkerRequest};
use windlass::config::{Config, Span};
use windlass::engine::{Engine, Parts};
use windlass::handlers::{self, Handler};
use windlass::model::{
    Actor, ContainerId, ContainerState, Event, EventData, EventType, Health, Metadata, ObservedWorker, ReplicaId,
    WorkerName,
};
use windlass::store::{Address, Keys, Store};

use crate::Outcome;

/// The configuration of the benches: the defaults, but no pauses between actions.
pub fn config() -> Config {
    let mut config = Config::default();
    config.autoscaler.cooldowns.scale_up = Span::seconds(0);
    config.autoscaler.cooldowns.scale_down = Span::seconds(0);
    config.autoscaler.steps.up = 1;
    config.autoscaler.events.event_bus.max_stream_length = 100_000;
    config
}

/// Connects to a Redis by its URL.
pub async fn connect(url: &str, config: &Config) -> Result<Store, Box<dyn Error>> {
    let address = Address::new(url, None, None, Duration::from_secs(10))?;
    let keys = Keys::new(&config.cluster.id, &config.autoscaler.events.event_bus.stream_name);
    Ok(Store::connect(address, keys).await?)
}

/// An event as the engine writes it.
pub fn event(data: impl Into<EventData>) -> Event {
    let now = clock::now();
    Event {
        event_id: clock::fresh_id(now),
        timestamp: now,
        source: "bench".to_owned(),
        data: data.into(),
        metadata: Metadata { cluster_id: Config::default().cluster.id, region: "local".to_owned() },
        caused_by: Some(clock::fresh_id(now)),
        correlation_id: None,
        actor: Actor::Engine,
    }
}

/// An engine that runs.
pub struct Running {
    pub store: Store,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts one on a cluster, with further handlers, and waits until it leads and is at rest.
    pub async fn start(url: &str, host: Arc<Host>, more: Vec<Arc<dyn Handler>>) -> Result<Self, Box<dyn Error>> {
        let config = Arc::new(config());
        let store = connect(url, &config).await?;
        let (engine, _) = Engine::new(Parts {
            data_dir: None,
            handlers: handlers::enabled(&config).into_iter().chain(more).collect(),
            clock: clock::Clock::system(),
            store: store.clone(),
            server: None,
            cluster: Cluster { host, scheduler: None, pools: None },
            replica: ReplicaId("bench".to_owned()),
            config,
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(engine.run(stop.clone()));
        let running = Self { store, stop, task };
        while !running.is_at_rest().await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(running)
    }

    /// Whether the minimum is there and nothing is under way.
    pub async fn is_at_rest(&self) -> Result<bool, Box<dyn Error>> {
        let state = self.store.snapshot().await?.state;
        Ok(state.operations.is_empty() && state.workers.len() == 2)
    }

    /// The epoch in which it leads.
    pub async fn epoch(&self) -> Result<u64, Box<dyn Error>> {
        Ok(self.store.leader().await?.ok_or("nobody leads")?.epoch)
    }

    /// Stops it.
    pub async fn stop(self) -> Outcome {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

/// A cluster without latency: what is told of it is prepared, and when a worker was asked for is noted.
pub struct Host {
    seen: Mutex<Seen>,
    changed: Notify,
    asked: mpsc::UnboundedSender<Duration>,
}

#[derive(Default)]
struct Seen {
    workers: BTreeMap<WorkerName, ObservedWorker>,
    pressure: bool,
    /// When pressure was first told of.
    told: Option<Instant>,
}

impl Host {
    /// An empty one; for every worker that pressure called for, the time from the look that showed the pressure.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Duration>) {
        let (asked, times) = mpsc::unbounded_channel();
        (Arc::new(Self { seen: Mutex::default(), changed: Notify::new(), asked }), times)
    }

    /// From now on there is pressure, until a worker is asked for.
    pub fn press(&self) {
        self.seen().pressure = true;
        self.changed.notify_one();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl WorkerHost for Host {
    fn name(&self) -> &'static str {
        "bench"
    }

    async fn list(&self) -> Result<BTreeMap<WorkerName, ObservedWorker>, ClusterError> {
        let mut seen = self.seen();
        let cpu = if seen.pressure { 95.0 } else { 55.0 };
        let mut workers = seen.workers.clone();
        for worker in workers.values_mut() {
            worker.cpu_percent = Some(cpu);
        }
        if seen.pressure && seen.told.is_none() {
            seen.told = Some(Instant::now());
        }
        Ok(workers)
    }

    async fn create(&self, request: &WorkerRequest) -> Result<CreatedWorker, ClusterError> {
        let mut seen = self.seen();
        seen.pressure = false;
        if let Some(told) = seen.told.take() {
            let _ = self.asked.send(told.elapsed());
        }
        let (container_id, created_at) = (ContainerId(format!("bench-{}", request.name)), clock::now());
        let worker = ObservedWorker {
            name: request.name.clone(),
            container_id: container_id.clone(),
            kind: request.kind,
            created_at,
            state: ContainerState::Running,
            health: Health::Ready,
            cpu_percent: None,
            memory_percent: Some(50.0),
            node: None,
        };
        seen.workers.insert(request.name.clone(), worker);
        Ok(CreatedWorker { container_id, created_at, adopted: false })
    }

    async fn remove(&self, name: &WorkerName) -> Result<(), ClusterError> {
        self.seen().workers.remove(name);
        Ok(())
    }

    async fn changed(&self) -> Result<(), ClusterError> {
        self.changed.notified().await;
        Ok(())
    }
}

/// The type that no handler of windlass's own subscribes to.
pub const UNHEARD: EventType = EventType::StoreDegraded;
