//! The whole engine, killed with SIGKILL again and again in the middle of whatever it does: every event must have its effect exactly
//! once. `WINDLASS_SEED` repeats a run's choices (not the moments at which the machine gets to them).
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

#[path = "support/dice.rs"]
mod dice;
#[path = "support/ledger.rs"]
mod ledger;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test uses its part of this")]
mod program;
#[path = "support/redis.rs"]
mod redis;

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;
use windlass::bus::{self, Follower};
use windlass::clock;
use windlass::model::{Action, Actor, Command, Direction, Event, EventType, Scope, WorkerName};
use windlass::store::{Address, Keys, Store};

use dice::Dice;
use ledger::Ledger;
use program::{Engine, Home};
use redis::TestRedis;

/// How often the engine is killed, besides the first one.
const KILLS: usize = 19;
/// How long the log is at the end, at least.
const EVENTS: u64 = 10_000;
/// So many commands wait for their answer at the most: the commands' stream keeps a thousand, and what it has forgotten nobody answers.
const UNANSWERED: usize = 256;

/// Load that goes up and down, and workers that crash or fall ill, all within seconds.
const SCENARIO: &str = "
name: kills
description: everything at once
loop_after: 16s
startup: 150ms
drain: 100ms
phases:
  - { at: 0s, cpu_demand: 0.9, memory_demand: 0.9, step: true }
  - { at: 3s, cpu_demand: 5.5, memory_demand: 2.0, step: true }
  - { at: 7s, cpu_demand: 0.3, memory_demand: 0.4, step: true }
  - { at: 12s, cpu_demand: 1.4, memory_demand: 1.4, pending: { count: 5, per_worker: 3, deployments: [shop] } }
incidents:
  - { at: 5s, crash: 1 }
  - { at: 9s, unhealthy: { count: 1, for: 2s } }
  - { at: 13s, crash: 2 }
";

const CONFIG: &str = "
cluster:
  id: kills
  kind: simulated
autoscaler:
  check_interval: 300ms
  limits: { min_nodes: 2, max_nodes: 8 }
  cooldowns: { scale_up: 1s, scale_down: 1s }
  windows: { underutilization: 1s }
  enforcement: { min_violation_check_interval: 1s }
  events:
    event_bus: { max_stream_length: 1000000 }
leader:
  lease: 500ms
log:
  level: warn
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_events_and_twenty_kills_and_every_event_has_its_effect_once() {
    let mut dice = Dice::seeded("kills");
    let place = Place::new();
    let store = place.connect().await;
    let log = Log::follow(&store).await;
    // Nobody answers what was asked for before there ever was an engine: the group that hears commands begins with the first one.
    let mut first = place.start();
    log.reaches(1, &mut first).await;
    drop(first);
    let pump = Pump::start(store.clone(), log.answered.clone(), dice.fork());

    let mut goals: Vec<u64> = (0..KILLS).map(|_| dice.below(EVENTS)).collect();
    goals.sort_unstable();
    for goal in goals {
        let mut engine = place.start();
        log.reaches(goal, &mut engine).await;
        tokio::time::sleep(Duration::from_millis(dice.below(700))).await;
        // `Child::kill` is SIGKILL; an engine that had ended by itself would have been no proof.
        assert_eq!(engine.0.try_wait().unwrap(), None, "the engine must run until it is killed");
        println!("killed after {} events", *log.length.borrow());
        drop(engine);
    }
    let mut engine = place.start();
    log.reaches(EVENTS, &mut engine).await;
    let mut commands = pump.stop().await;
    commands.push(hold_everything(&store).await);
    rest(&store, &log, &commands).await;
    assert_eq!(engine.end("-TERM"), Some(0));

    let events = log.read_to_its_end(&store).await;
    let state = store.snapshot().await.unwrap().state;
    assert_eq!(store.inspect().await.unwrap().dead_letters, 0);
    let number = |event_type| events.iter().filter(|event| event.event_type() == event_type).count();
    println!(
        "{} commands, {} events, {} leaders, {} scaled, {} failed, {} lost, {} enforced",
        commands.len(),
        events.len(),
        number(EventType::LeaderElected),
        number(EventType::ScalingActionCompleted),
        number(EventType::ScalingActionFailed),
        number(EventType::NodeUnexpectedlyLost),
        number(EventType::AutoScaleUpToMinimum) + number(EventType::EmergencyScaleUp),
    );
    assert!(number(EventType::ScalingActionCompleted) > 0, "scaling must have gone on meanwhile");
    Ledger { events: &events, commands: &commands, state: &state }.balance();
}

/// Nothing new is begun any more; what was begun ends, every command is answered, and every handler has heard everything.
async fn rest(store: &Store, log: &Log, commands: &[Command]) {
    let mut waited = Patience::new("all comes to rest");
    loop {
        let look = store.inspect().await.unwrap();
        let state = store.snapshot().await.unwrap().state;
        let groups: Vec<_> = look.events.groups.iter().chain(&look.commands.groups).collect();
        let heard = !groups.is_empty() && groups.iter().all(|group| group.pending == 0 && group.lag == Some(0));
        if heard && state.operations.is_empty() && log.answered.borrow().len() == commands.len() {
            return;
        }
        waited.a_little(|| format!("{look:?} {:?}", state.operations)).await;
    }
}

async fn hold_everything(store: &Store) -> Command {
    let command = command(Action::Hold { scope: Scope::All, seconds: 3600 });
    bus::send(store, &command).await.unwrap();
    command
}

fn command(action: Action) -> Command {
    let now = clock::now();
    Command {
        command_id: clock::fresh_id(now),
        issued_at: now,
        actor: Actor::Person("anna".to_owned()),
        reason: "test".to_owned(),
        action,
    }
}

/// Where it all happens: a Redis that forgets nothing it has confirmed, and a home for the program.
struct Place {
    redis: TestRedis,
    home: Home,
}

impl Place {
    fn new() -> Self {
        let (redis, home) = (TestRedis::durable(), Home::new());
        std::fs::write(home.path("scenario.yaml"), SCENARIO).unwrap();
        std::fs::write(home.path("windlass.yaml"), CONFIG).unwrap();
        Self { redis, home }
    }

    async fn connect(&self) -> Store {
        let address = Address::new(&self.redis.url(), None, None, Duration::from_secs(20)).unwrap();
        Store::connect(address, Keys::new(&"kills".parse().unwrap(), "autoscaler_events")).await.unwrap()
    }

    /// Starts the program; it runs until it is killed or dropped.
    fn start(&self) -> Engine {
        let log = std::fs::File::options().create(true).append(true).open(self.home.path("engine.log")).unwrap();
        let redis = format!("unix://{}", self.redis.socket().display());
        let scenario = format!("cluster.simulated.scenario={}", self.home.path("scenario.yaml").display());
        let config = self.home.path("windlass.yaml").display().to_string();
        let arguments = ["run", "--config", &config, "--redis-url", &redis, "--set", &scenario];
        let mut command = self.home.command(&arguments);
        Engine(command.stdout(Stdio::null()).stderr(log).spawn().expect("the engine starts"))
    }
}

/// The log as it grows.
struct Log {
    events: Arc<Mutex<Vec<Event>>>,
    length: watch::Receiver<u64>,
    /// The commands that something was said to.
    answered: watch::Receiver<HashSet<Uuid>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Log {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Log {
    async fn follow(store: &Store) -> Self {
        let wait = Duration::from_secs(1);
        let mut follower = Follower::new(store, vec![(store.keys().events(), "0-0".to_owned())], wait).await.unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let (length_sender, length) = watch::channel(0);
        let (answered_sender, answered) = watch::channel(HashSet::new());
        let kept = events.clone();
        let task = tokio::spawn(async move {
            loop {
                let new: Vec<Event> = follower.next(wait).await.unwrap().iter().map(|e| e.event().unwrap()).collect();
                let operators = new.iter().filter(|event| event.source == "operator");
                let causes: Vec<Uuid> = operators.filter_map(|event| event.caused_by).collect();
                answered_sender.send_modify(|answered| answered.extend(causes));
                let mut kept = kept.lock().unwrap();
                kept.extend(new);
                length_sender.send_replace(kept.len() as u64);
            }
        });
        Self { events, length, answered, task }
    }

    async fn reaches(&self, length: u64, engine: &mut Engine) {
        let mut waited = Patience::new("the log grows");
        while *self.length.borrow() < length {
            assert_eq!(engine.0.try_wait().unwrap(), None, "the engine must not end by itself");
            waited.a_little(|| format!("{} of {length} events", *self.length.borrow())).await;
        }
    }

    async fn read_to_its_end(&self, store: &Store) -> Vec<Event> {
        let length = store.inspect().await.unwrap().events.length;
        let mut waited = Patience::new("the log is read");
        while *self.length.borrow() < length {
            waited.a_little(String::new).await;
        }
        self.events.lock().unwrap().clone()
    }
}

/// Operators without number, who want this and that.
struct Pump {
    enough: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Vec<Command>>,
}

impl Pump {
    fn start(store: Store, answered: watch::Receiver<HashSet<Uuid>>, mut dice: Dice) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let stopped = enough.clone();
        let task = tokio::spawn(async move {
            let mut given: Vec<Command> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                if given.len() - answered.borrow().len() >= UNANSWERED {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
                let command = command(wish(&mut dice));
                bus::send(&store, &command).await.unwrap();
                given.push(command);
            }
            given
        });
        Self { enough, task }
    }

    async fn stop(self) -> Vec<Command> {
        self.enough.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

/// Something that an operator may want; some of it is refused.
fn wish(dice: &mut Dice) -> Action {
    let scope = dice.one_of(&[Scope::Up, Scope::Down, Scope::All, Scope::All]);
    let worker = |dice: &mut Dice| WorkerName::numbered("k3s-worker", 1 + dice.below(60)).unwrap();
    match dice.below(100) {
        0..35 => Action::Hold { scope, seconds: 600 },
        35..75 => Action::Release { scope },
        75..80 => Action::Protect { worker: worker(dice) },
        80..85 => Action::Unprotect { worker: worker(dice) },
        85..97 => {
            let direction = dice.one_of(&Direction::BOTH);
            let count = 1 + dice.below(2) as u32;
            Action::Scale { direction, count, worker: None, honor_cooldown: dice.below(4) == 0 }
        }
        97 => Action::Hold { scope, seconds: 0 },
        _ => Action::Reconcile,
    }
}

/// Waits between looks, and gives up in the end.
struct Patience {
    what: &'static str,
    looks: usize,
}

impl Patience {
    const LONGEST: usize = 6000;

    const fn new(what: &'static str) -> Self {
        Self { what, looks: 0 }
    }

    async fn a_little(&mut self, found: impl FnOnce() -> String) {
        self.looks += 1;
        assert!(self.looks < Self::LONGEST, "not in good time: {}; {}", self.what, found());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
