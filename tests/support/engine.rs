//! Engines of a test's own: on a Redis of its own, with a simulated or a real cluster.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::docker::TestCluster;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use windlass::clock;
use windlass::cluster::{self, Cluster};
use windlass::config::{ClusterKind, Config, Span};
use windlass::engine::{Engine, Parts, Standing};
use windlass::handlers::{self, Handler, operator};
use windlass::model::{Action, Actor, Command, ContainerState, Direction, Event, EventType, ReplicaId, State};
use windlass::pools::Board;
use windlass::store::{Address, Keys, Store, StoreError};
use windlass::{bus, viewer};

/// Longer than anything takes on a slow machine; nothing waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A configuration in which things happen quickly.
pub fn brisk(cluster: &str) -> Config {
    let mut config = Config::default();
    config.cluster.id = cluster.parse().unwrap();
    config.autoscaler.check_interval = Span::millis(300);
    config.autoscaler.cooldowns.scale_up = Span::seconds(30);
    config.autoscaler.cooldowns.scale_down = Span::seconds(30);
    config.autoscaler.windows.underutilization = Span::seconds(2);
    config.workers.stop_timeout = Span::seconds(1);
    config.workers.ready_timeout = Span::seconds(20);
    config.leader.lease = Span::seconds(1);
    config
}

/// Connects to a Redis by its URL.
pub async fn connect(url: &str, config: &Config) -> Store {
    let address = Address::new(url, None, None, Duration::from_secs(2)).unwrap();
    let keys = Keys::new(&config.cluster.id, &config.autoscaler.events.event_bus.stream_name);
    Store::connect(address, keys).await.unwrap()
}

/// An engine that runs in the test's process.
pub struct RunningEngine {
    pub store: Store,
    pub cluster: Cluster,
    pub standing: watch::Receiver<Standing>,
    pub pools: Board,
    config: Arc<Config>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl RunningEngine {
    /// Starts one.
    pub async fn start(url: &str, config: &Config, data_dir: &Path) -> Self {
        Self::start_with(url, config, data_dir, Vec::new()).await
    }

    /// Starts one with further handlers.
    pub async fn start_with(url: &str, config: &Config, data_dir: &Path, more: Vec<Arc<dyn Handler>>) -> Self {
        let store = connect(url, config).await;
        let cluster = cluster::connect(config, data_dir).unwrap();
        let config = Arc::new(config.clone());
        let parts = Parts {
            config: config.clone(),
            store: store.clone(),
            server: None,
            cluster: cluster.clone(),
            replica: ReplicaId(format!("test:{}", clock::fresh_id(clock::now()))),
            data_dir: Some(data_dir.to_owned()),
            handlers: handlers::enabled(&config).into_iter().chain(more).collect(),
            clock: clock::Clock::system(),
        };
        let stop = CancellationToken::new();
        let (engine, standing) = Engine::new(parts);
        let pools = engine.pools();
        let task = tokio::spawn(engine.run(stop.clone()));
        Self { store, cluster, standing, pools, config, stop, task }
    }

    /// Stops it cleanly.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends it in the middle of whatever it does: nothing is released or written any more.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Gives a command; the event that answers it.
    pub async fn command(&self, action: Action) -> Event {
        let now = clock::now();
        let command = Command {
            command_id: clock::fresh_id(now),
            issued_at: now,
            actor: Actor::Person("anna".to_owned()),
            reason: "test".to_owned(),
            action,
        };
        patiently(async || bus::send(&self.store, &command).await).await;
        self.event("the command's answer", |event| operator::answers(event, command.command_id)).await
    }

    /// Waits until it stands as wanted.
    pub async fn stands(&self, what: &str, wanted: impl Fn(&Standing) -> bool) {
        let mut standing = self.standing.clone();
        let found = tokio::time::timeout(PATIENCE, standing.wait_for(|now| wanted(now))).await;
        assert!(found.is_ok(), "{what} did not come: {:?}", self.standing.borrow());
    }

    /// Waits until the cluster has so many live workers, whatever Redis does.
    pub async fn alive(&self, count: usize) {
        let begun = now();
        loop {
            let workers = self.cluster.host.list().await.unwrap();
            if workers.values().filter(|worker| worker.state == ContainerState::Running).count() == count {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{count} workers did not come: {workers:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything that was reported, oldest first.
    pub async fn events(&self) -> Vec<Event> {
        patiently(async || bus::newest(&self.store, 10_000).await).await.0
    }

    /// What is remembered.
    pub async fn state(&self) -> State {
        patiently(async || self.store.snapshot().await).await.state
    }

    /// Waits for an event.
    pub async fn event(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let begun = now();
        loop {
            let events = self.events().await;
            if let Some(event) = events.iter().find(|event| wanted(event)) {
                return event.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come; there were:\n{}", listing(&events));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for an event of a type, later than `after`.
    pub async fn event_after(&self, event_type: EventType, after: Uuid) -> Event {
        self.event(event_type.name(), |event| event.event_type() == event_type && event.event_id > after).await
    }

    /// Waits for the first event of a type.
    pub async fn first(&self, event_type: EventType) -> Event {
        self.event_after(event_type, Uuid::nil()).await
    }

    /// Waits until the state is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&State) -> bool) -> State {
        let begun = now();
        loop {
            let state = self.state().await;
            if wanted(&state) {
                return state;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come: {state:#?}\n{}", listing(&self.events().await));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A connection that was cut is not back at once.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let begun = now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(StoreError::Unavailable(_)) if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The same with real containers.
pub fn docker_config(cluster: &TestCluster) -> Config {
    let mut config = brisk(&cluster.id);
    config.cluster.kind = ClusterKind::Docker;
    config.workers.image = Some(super::docker::IMAGE.to_owned());
    config.workers.name_prefix.clone_from(&cluster.id);
    config
}

/// An operator's scaling.
pub fn scale(direction: Direction, count: u32) -> Action {
    Action::Scale { direction, count, worker: None, honor_cooldown: false }
}

/// The first of each type in order, each caused by the one it should be.
#[track_caller]
pub fn assert_chain(events: &[Event], expected: &[(EventType, Option<EventType>)]) {
    let mut rest = events.iter();
    for (event_type, cause) in expected {
        let event = rest
            .find(|event| event.event_type() == *event_type)
            .unwrap_or_else(|| panic!("{event_type} is missing or out of order in\n{}", listing(events)));
        let found = event.caused_by.and_then(|id| events.iter().find(|event| event.event_id == id));
        assert_eq!(found.map(Event::event_type), *cause, "the cause of {event_type} in\n{}", listing(events));
    }
}

/// Events as lines.
pub fn listing(events: &[Event]) -> String {
    let line = |event: &Event| format!("{} {}", event.event_type(), serde_json::to_string(&event.data).unwrap());
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[allow(clippy::disallowed_methods, reason = "a test's patience is real time")]
fn now() -> Instant {
    Instant::now()
}
