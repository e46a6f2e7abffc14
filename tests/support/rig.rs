//! The leader's loop by hand, for histories of which every step is chosen: the real handlers and the real policy on a real Redis, and a
//! cluster that is a map.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use windlass::bus::{Consumer, Pending, replay};
use windlass::clock;
use windlass::config::Config;
use windlass::handlers::node_manager::NodeManager;
use windlass::handlers::node_manager::work::{self, Report};
use windlass::handlers::{self, Draft, Handler, World, operator};
use windlass::model::{
    Action, ContainerState, Direction, EventType, Health, Metadata, Observation, PendingPods, ReplicaId, Scope, State,
    WorkerName,
};
use windlass::store::{Acknowledgement, Committed, Store, Transaction};

pub use super::containers::Outcome;
use super::containers::{Containers, wanted};
use super::engine::{brisk, connect};
use super::redis::TestRedis;

/// What may happen next.
#[derive(Debug, Clone)]
pub enum Step {
    /// The cluster is looked at, under this load.
    Look { cpu: Option<u8>, memory: Option<u8>, pending: Option<u8> },
    /// All goes well for so many rounds, under this load.
    Rounds { count: u8, load: u8 },
    /// It is to be looked at and does not answer.
    Outage,
    /// Time passes.
    Tick(u16),
    /// A container dies (`gone`: it disappears).
    Kill { which: u8, gone: bool },
    /// A container's health changes.
    Ail { which: u8, health: Health },
    /// An operator wants something.
    Command(Wish),
    /// What is due is done; `how`: what comes of it.
    Work(Outcome),
    /// Handlers hear of what happened; the process dies after so many entries, if that many are there.
    Hear { dies_after: Option<u8> },
    /// Another configuration.
    Reconfigure { permanent: bool, dry_run: bool },
}

#[derive(Debug, Clone)]
pub enum Wish {
    Scale(Direction, u32),
    Hold(Scope, u64),
    Release(Scope),
    Protect(u8, bool),
    Reconcile,
}

/// Any step.
pub fn step() -> impl Strategy<Value = Step> {
    let load = || proptest::option::weighted(0.9, prop_oneof![0_u8..25, 25_u8..80, 86_u8..100]);
    let pending = proptest::option::weighted(0.7, prop_oneof![3 => Just(0_u8), 1 => 1_u8..4]);
    let direction = || prop_oneof![Just(Direction::Up), Just(Direction::Down)];
    let scope = || prop_oneof![Just(Scope::Up), Just(Scope::Down), Just(Scope::All)];
    let wish = prop_oneof![
        3 => (direction(), 0_u32..4).prop_map(|(direction, count)| Wish::Scale(direction, count)),
        1 => (scope(), 0_u64..40).prop_map(|(scope, seconds)| Wish::Hold(scope, seconds)),
        1 => scope().prop_map(Wish::Release),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(which, on)| Wish::Protect(which, on)),
        1 => Just(Wish::Reconcile),
    ];
    let outcome = prop_oneof![4 => Just(Outcome::Done), 1 => Just(Outcome::Refused), 1 => Just(Outcome::Unavailable)];
    let health = prop_oneof![2 => Just(Health::Ready), 1 => Just(Health::Unhealthy), 1 => Just(Health::Starting)];
    prop_oneof![
        8 => (load(), load(), pending).prop_map(|(cpu, memory, pending)| Step::Look { cpu, memory, pending }),
        8 => (1_u8..6, prop_oneof![2 => Just(5_u8), 1 => Just(50), 1 => Just(95)])
            .prop_map(|(count, load)| Step::Rounds { count, load }),
        1 => Just(Step::Outage),
        4 => (1_u16..40).prop_map(Step::Tick),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(which, gone)| Step::Kill { which, gone }),
        1 => (any::<u8>(), health).prop_map(|(which, health)| Step::Ail { which, health }),
        3 => wish.prop_map(Step::Command),
        6 => outcome.prop_map(Step::Work),
        8 => proptest::option::weighted(0.25, 0_u8..12).prop_map(|dies_after| Step::Hear { dies_after }),
        1 => (any::<bool>(), proptest::bool::weighted(0.2)).prop_map(|(permanent, dry_run)| Step::Reconfigure { permanent, dry_run }),
    ]
}

/// A handler with what it reads.
pub struct Seat {
    handler: std::sync::Arc<dyn Handler>,
    consumer: Consumer,
    left: VecDeque<Pending>,
}

/// The leader's loop, by hand: every step is chosen, and time is a parameter.
pub struct Rig {
    pub store: Store,
    pub config: Config,
    epoch: u64,
    pub state: State,
    observation: Option<Observation>,
    seats: Vec<Seat>,
    containers: Containers,
    lives: u32,
    pub now: DateTime<Utc>,
}

impl Rig {
    pub async fn new(redis: &TestRedis) -> Self {
        redis.command(&["FLUSHALL"]);
        let mut config = brisk("c1");
        config.autoscaler.limits.max_nodes = 5;
        config.autoscaler.windows.underutilization = windlass::config::Span::seconds(20);
        config.autoscaler.check_interval = windlass::config::Span::seconds(20);
        let store = connect(&redis.url(), &config).await;
        let mut rig = Self {
            store,
            config,
            epoch: 0,
            state: State::default(),
            observation: None,
            seats: Vec::new(),
            containers: Containers::none(),
            lives: 0,
            now: "2026-03-01T12:00:00.123456Z".parse().unwrap(),
        };
        rig.live().await;
        rig
    }

    /// Begins anew with what is remembered.
    async fn live(&mut self) {
        self.lives += 1;
        let replica = ReplicaId(format!("life-{}", self.lives));
        let key = self.store.keys().leader();
        ::redis::cmd("DEL").arg(key).exec_async(&mut self.store.connection()).await.unwrap();
        self.epoch = self.store.acquire_lease(&replica, std::time::Duration::from_secs(600)).await.unwrap().unwrap();
        self.state = self.store.snapshot().await.unwrap().state;
        self.observation = None;
        self.seats.clear();
        for handler in handlers::all() {
            let stream = self.store.keys().events();
            let (consumer, left) = Consumer::join(&self.store, stream, handler.name(), &replica).await.unwrap();
            assert_eq!(left.lost, []);
            self.seats.push(Seat { handler, consumer, left: left.pending.into() });
        }
    }

    pub async fn step(&mut self, step: &Step) {
        self.now += TimeDelta::milliseconds(1_001);
        match step {
            Step::Look { cpu, memory, pending } => self.look(*cpu, *memory, *pending).await,
            Step::Rounds { count, load } => {
                for _ in 0..*count {
                    self.now += TimeDelta::seconds(12);
                    self.ask(None, |handler, world, draft| handler.on_time(world, draft)).await;
                    self.look(Some(*load), Some(*load), Some(0)).await;
                    self.hear(None).await;
                    self.work(Outcome::Done).await;
                }
            }
            Step::Outage => self.ask(None, |handler, world, draft| handler.on_outage("no answer", world, draft)).await,
            Step::Tick(seconds) => {
                self.now += TimeDelta::seconds((*seconds).into());
                self.ask(None, |handler, world, draft| handler.on_time(world, draft)).await;
            }
            Step::Kill { which, gone } => {
                if let Some(name) = self.pick(*which) {
                    if *gone {
                        self.containers.remove(&name);
                    } else if let Some(container) = self.containers.get_mut(&name) {
                        container.state = ContainerState::Exited { code: Some(137) };
                    }
                }
            }
            Step::Ail { which, health } => {
                if let Some(container) = self.pick(*which).and_then(|name| self.containers.get_mut(&name)) {
                    container.health = *health;
                }
            }
            Step::Command(wish) => self.command(wish).await,
            Step::Work(outcome) => self.work(*outcome).await,
            Step::Hear { dies_after } => self.hear(*dies_after).await,
            Step::Reconfigure { permanent, dry_run } => {
                let names: &[&str] = if *permanent { &["k3s-worker-1", "edge-1"] } else { &[] };
                self.config.workers.permanent = names.iter().map(|name| name.parse().unwrap()).collect();
                self.config.autoscaler.dry_run = *dry_run;
            }
        }
    }

    fn pick(&self, which: u8) -> Option<WorkerName> {
        let count = self.containers.len();
        (count > 0).then(|| self.containers.keys().nth(usize::from(which) % count).cloned()).flatten()
    }

    async fn look(&mut self, cpu: Option<u8>, memory: Option<u8>, pending: Option<u8>) {
        let mut workers = BTreeMap::clone(&self.containers);
        for container in workers.values_mut() {
            (container.cpu_percent, container.memory_percent) = (cpu.map(f64::from), memory.map(f64::from));
        }
        let pending = pending.map(|count| PendingPods {
            count: count.into(),
            waiting_seconds: 3.7,
            deployments: vec!["app".to_owned()],
            workers_needed: count.into(),
        });
        let seen = Observation { at: self.now, workers, pending, nodes: None };
        let previous = self.observation.replace(seen.clone());
        self.ask(previous.as_ref(), |handler, world, draft| handler.on_observation(&seen, world, draft)).await;
    }

    async fn ask(&mut self, previous: Option<&Observation>, ask: impl Fn(&dyn Handler, &World<'_>, &mut Draft)) {
        for index in 0..self.seats.len() {
            let handler = self.seats[index].handler.as_ref();
            let mut draft = self.draft(handler.name());
            ask(handler, &World { previous, ..self.world() }, &mut draft);
            self.commit(draft, None).await;
        }
    }

    async fn command(&mut self, wish: &Wish) {
        let action = match wish {
            Wish::Scale(direction, count) => {
                Action::Scale { direction: *direction, count: *count, worker: None, honor_cooldown: false }
            }
            Wish::Hold(scope, seconds) => Action::Hold { scope: *scope, seconds: *seconds },
            Wish::Release(scope) => Action::Release { scope: *scope },
            Wish::Protect(which, on) => {
                let worker = self.pick(*which).unwrap_or_else(|| "nobody".parse().unwrap());
                if *on { Action::Protect { worker } } else { Action::Unprotect { worker } }
            }
            Wish::Reconcile => Action::Reconcile,
        };
        let command = wanted(action, self.now);
        let mut draft = self.draft(operator::SOURCE);
        assert_eq!(operator::apply(&command, &operator::Found::default(), &self.world(), &mut draft), []);
        self.commit(draft, None).await;
    }

    async fn work(&mut self, outcome: Outcome) {
        let config = &self.config;
        if config.autoscaler.dry_run {
            return;
        }
        let due = work::due(&self.state, self.observation.as_ref(), config, DateTime::UNIX_EPOCH);
        for work in due {
            let result = self.containers.work(&work, outcome, self.now);
            let mut draft = self.draft(NodeManager.name());
            let _ = NodeManager.on_report(&Report { work, result }, &self.world(), &mut draft);
            self.commit(draft, None).await;
        }
    }

    /// Handlers hear until there is nothing left; or the process dies first.
    async fn hear(&mut self, dies_after: Option<u8>) {
        let mut left = dies_after;
        loop {
            let mut heard = false;
            for index in 0..self.seats.len() {
                let mut entries = Vec::new();
                while let Some(pending) = self.seats[index].left.pop_front() {
                    entries.extend(self.seats[index].consumer.again(&pending.id).await.unwrap());
                }
                entries.extend(self.seats[index].consumer.next().await.unwrap().entries);
                for entry in entries {
                    heard = true;
                    if left == Some(0) {
                        self.live().await;
                        return;
                    }
                    left = left.map(|left| left - 1);
                    let seat = &self.seats[index];
                    let event = entry.event().unwrap();
                    let mut draft = self.draft(seat.handler.name());
                    if seat.handler.subscribes().contains(&event.event_type()) {
                        seat.handler.on_event(&event, &self.world(), &mut draft).unwrap();
                    }
                    let acknowledgement = seat.consumer.acknowledgement(&entry.id);
                    self.commit(draft, Some(acknowledgement)).await;
                }
            }
            if !heard {
                return;
            }
        }
    }

    fn world(&self) -> World<'_> {
        World {
            config: &self.config,
            observation: self.observation.as_ref(),
            previous: None,
            remembered: true,
            now: self.now,
        }
    }

    fn draft(&self, source: &'static str) -> Draft {
        let metadata = Metadata { cluster_id: "c1".parse().unwrap(), region: "here".to_owned() };
        Draft::new(&self.state, source, metadata, self.now)
    }

    async fn commit(&mut self, draft: Draft, acknowledgement: Option<Acknowledgement>) {
        if draft.is_empty() && acknowledgement.is_none() {
            return;
        }
        let (state, changes, events) = draft.into_parts();
        let transaction = Transaction {
            id: clock::fresh_id(self.now),
            epoch: self.epoch,
            changes,
            events,
            acknowledgements: acknowledgement.into_iter().collect(),
            dead_letters: Vec::new(),
            settled: Vec::new(),
        };
        assert_eq!(self.store.commit(&transaction, 1_000_000).await.unwrap(), Committed::Done);
        self.state = state;
    }

    /// The log, the store and the memory say the same.
    pub async fn check(&self) -> BTreeSet<EventType> {
        let log = replay::read(&self.store, None, None).await.unwrap();
        let folded = replay::facts(&replay::fold(&log));
        let stored = self.store.snapshot().await.unwrap().state;
        assert_eq!(stored, self.state, "store and memory, all of it");
        let facts = replay::facts(&stored);
        assert_eq!(folded, facts, "log and store differ in {:?}", windlass::model::parts::differences(&folded, &facts));
        log.iter().map(windlass::model::Event::event_type).collect()
    }
}
