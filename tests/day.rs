//! Seed 000, "nothing crucial only in memory": a day of simulated life under a clock that is set by hand, with the real Redis and the real
//! leader. Afterwards every key of the seed is there; and a leader that is replaced after every step decides as one that never is.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::AsyncCommands as _;
use support::engine::{brisk, connect, scale};
use support::redis::TestRedis;
use windlass::clock::{self, Clock};
use windlass::cluster;
use windlass::config::{Config, Span};
use windlass::engine::{Parts, Stepped};
use windlass::model::state::HISTORY_LENGTH;
use windlass::model::{Action, Actor, Command, Direction, Event, EventType, ReplicaId, Scope};
use windlass::{bus, handlers};

const MINUTE: Duration = Duration::from_secs(60);
const STEPS: u32 = 24 * 60;

/// An hour in which everything happens, 24 times.
const HOUR: &str = "
name: hour
loop_after: 60m
startup: 90s
drain: 1s
phases:
  - { at: 0m, cpu_demand: 1.0, memory_demand: 1.1, step: true }
  - { at: 8m, cpu_demand: 2.2, memory_demand: 1.5, step: true }
  - { at: 16m, cpu_demand: 2.0, memory_demand: 1.6, step: true, pending: { count: 5, per_worker: 3, deployments: [checkout] } }
  - { at: 26m, cpu_demand: 0.4, memory_demand: 0.5, step: true }
  - { at: 50m, cpu_demand: 1.0, memory_demand: 1.1, step: true }
incidents:
  - { at: 5m, crash: 1 }
  - { at: 12m, unhealthy: { count: 1, for: 4m } }
  - { at: 19m, unreachable: { for: 3m } }
  - { at: 24m, crash: 1 }
  - { at: 47m, crash: 2 }
  - { at: 52m, failing_start: { for: 3m, refuse: true } }
  - { at: 53m, crash: { worker: youngest } }
  - { at: 57m, stray: 1 }
";

/// What operators do, by the minute of the day.
fn orders(minute: u32) -> Vec<Action> {
    match minute {
        100 => vec![Action::Hold { scope: Scope::Up, seconds: 1200 }],
        110 => vec![Action::Release { scope: Scope::Up }],
        200 => vec![Action::Protect { worker: "k3s-worker-1".parse().unwrap() }],
        320 => vec![Action::Unprotect { worker: "k3s-worker-1".parse().unwrap() }],
        400 => vec![scale(Direction::Up, 1), scale(Direction::Up, 99)],
        415 => vec![scale(Direction::Down, 1)],
        500 => vec![Action::Hold { scope: Scope::Down, seconds: 1800 }],
        600 => vec![Action::Reconcile],
        // One that ends shortly before midnight, one that is under way then, and a hold that lasts.
        1436 => vec![Action::Hold { scope: Scope::Down, seconds: 3600 }, scale(Direction::Up, 1)],
        1440 => vec![scale(Direction::Up, 1)],
        _ => Vec::new(),
    }
}

fn rules(folder: &Path) -> Config {
    let scenario = folder.join("hour.yaml");
    std::fs::write(&scenario, HOUR).unwrap();
    let mut config = brisk("c1");
    config.cluster.simulated.scenario = Some(scenario.display().to_string());
    config.workers.permanent = vec!["core-1".parse().unwrap()];
    config.workers.ready_timeout = Span::seconds(1800);
    config.leader.lease = Span::seconds(30);
    let rules = &mut config.autoscaler;
    rules.check_interval = Span::seconds(60);
    rules.windows.underutilization = Span::seconds(120);
    rules.cooldowns.scale_up = Span::seconds(180);
    rules.cooldowns.scale_down = Span::seconds(240);
    rules.steps.down = 2;
    rules.enforcement.min_violation_check_interval = Span::seconds(60);
    config
}

struct Day {
    redis: TestRedis,
    config: Config,
    folder: tempfile::TempDir,
    clock: Clock,
    began: DateTime<Utc>,
}

impl Day {
    fn new() -> Self {
        let began = "2026-03-02T00:00:00Z".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { redis: TestRedis::start(), config: rules(folder.path()), folder, clock: Clock::by_hand(began), began }
    }

    async fn parts(&self) -> Parts {
        Parts {
            config: Arc::new(self.config.clone()),
            store: connect(&self.redis.url(), &self.config).await,
            server: None,
            cluster: cluster::connect_on(self.clock.clone(), &self.config, self.folder.path()).unwrap(),
            replica: ReplicaId(format!("test:{}", clock::fresh_id(clock::now()))),
            data_dir: None,
            handlers: handlers::enabled(&self.config),
            clock: self.clock.clone(),
        }
    }

    /// Lives it to its end; with `restarts`, every step is another leader's, who has read everything from Redis.
    async fn live(&self, restarts: bool) -> Vec<Event> {
        let mut parts = self.parts().await;
        let mut minute = 0;
        while minute < STEPS {
            let mut engine = Stepped::begin(&parts).await.unwrap();
            loop {
                minute += 1;
                self.clock.advance(MINUTE);
                for action in orders(minute) {
                    bus::send(&parts.store, &self.command(action)).await.unwrap();
                }
                engine.step().await.unwrap();
                if restarts || minute == STEPS {
                    break;
                }
            }
            engine.retire().await.unwrap();
            if restarts {
                parts = self.parts().await;
            }
        }
        bus::newest(&parts.store, 100_000).await.unwrap().0
    }

    fn command(&self, action: Action) -> Command {
        let issued_at = self.clock.now();
        let actor = Actor::Person("anna".to_owned());
        Command { command_id: clock::fresh_id(issued_at), issued_at, actor, reason: "test".to_owned(), action }
    }
}

/// An event without what is another at every run: ids, and who leads.
fn decision(event: &Event) -> Option<String> {
    if matches!(event.event_type(), EventType::LeaderElected | EventType::OperationResumed) {
        return None;
    }
    let mut data = serde_json::to_value(&event.data).unwrap();
    if let Some(data) = data["data"].as_object_mut() {
        data.remove("container_id");
    }
    Some(format!("{} {} {} {}", event.timestamp, event.source, event.actor, data))
}

#[tokio::test]
async fn a_leader_replaced_after_every_step_decides_as_one_that_never_is() {
    let (one, other) = (Day::new(), Day::new());
    let (steady, restarted) = tokio::join!(one.live(false), other.live(true));
    let types: BTreeSet<_> = steady.iter().map(|event| event.event_type().name()).collect();
    for wanted in [
        EventType::ScaleUpDecision,
        EventType::ScaleDownDecision,
        EventType::AutoScaleUpToMinimum,
        EventType::EmergencyScaleUp,
        EventType::ResourcePressureAlert,
        EventType::PendingPodsDetected,
        EventType::OptimalStateEnded,
        EventType::ScalingActionCompleted,
        EventType::ScalingActionFailed,
        EventType::NodeAdopted,
        EventType::ClusterUnreachable,
        EventType::NodeHealthRestored,
        EventType::CommandRefused,
        EventType::HoldExpired,
    ] {
        assert!(types.contains(wanted.name()), "the day has no {wanted}: {types:?}");
    }
    assert!(!types.contains(EventType::StateDrifted.name()), "what a leader knows is what it wrote");
    let (steady, restarted): (Vec<_>, Vec<_>) =
        (steady.iter().filter_map(decision).collect(), restarted.iter().filter_map(decision).collect());
    for (index, (without, with)) in steady.iter().zip(&restarted).enumerate() {
        let before = &steady[index.saturating_sub(12)..index];
        assert_eq!(without, with, "the first difference, after\n{}", before.join("\n"));
    }
    assert_eq!(steady.len(), restarted.len());
}

#[tokio::test]
async fn after_a_day_every_key_of_the_seed_is_there() {
    let day = Day::new();
    let events = day.live(false).await;
    let store = connect(&day.redis.url(), &day.config).await;
    let mut redis = store.connection();
    let key = |name: &str| format!("{{c1}}:{name}");
    let end = day.clock.now();
    let within = |what: &str, text: &str| {
        let at: DateTime<Utc> = text.parse().unwrap_or_else(|error| panic!("{what} is no time: {text:?}: {error}"));
        assert!(day.began < at && at <= end, "{what}: {at}");
    };
    // The type of each by the seed's list, and what stands there.
    for (name, wanted) in [
        ("cooldown:scale_up", "string"),
        ("cooldown:scale_down", "string"),
        ("handler:optimal_state:last_time", "string"),
        ("handler:optimal_state:periods", "list"),
        ("handler:scaling:last_time", "string"),
        ("handler:scaling:count:up", "string"),
        ("handler:scaling:count:down", "string"),
        ("handler:scaling:history", "list"),
        ("handler:sync:last_time", "string"),
        ("handler:sync:history", "list"),
        ("async_scaling:active_operations", "hash"),
        ("async_scaling:operation_history", "list"),
        ("min_enforcer:last_check", "string"),
        ("min_enforcer:violations_count", "string"),
        ("min_enforcer:enforcements_count", "string"),
        ("autoscaler:last_optimal_state_emission", "string"),
        ("autoscaler:permanent_workers", "string"),
        ("workers:counter", "string"),
        ("workers:core-1", "hash"),
    ] {
        let found: String = redis::cmd("TYPE").arg(key(name)).query_async(&mut redis).await.unwrap();
        assert_eq!(found, wanted, "{name}");
    }
    for name in ["cooldown:scale_up", "cooldown:scale_down"] {
        let until: DateTime<Utc> = redis.get::<_, String>(key(name)).await.unwrap().parse().unwrap();
        assert!(until > end && until < end + chrono::TimeDelta::minutes(10), "{name}: {until}");
    }
    for name in [
        "handler:optimal_state:last_time",
        "handler:scaling:last_time",
        "handler:sync:last_time",
        "min_enforcer:last_check",
        "autoscaler:last_optimal_state_emission",
    ] {
        within(name, &redis.get::<_, String>(key(name)).await.unwrap());
    }
    let count = |event_type| events.iter().filter(|event| event.event_type() == event_type).count() as u64;
    let ups: u64 = redis.get(key("handler:scaling:count:up")).await.unwrap();
    let downs: u64 = redis.get(key("handler:scaling:count:down")).await.unwrap();
    assert!(ups >= 24 && downs >= 24, "{ups} {downs}");
    assert_eq!(ups + downs, count(EventType::ScalingActionCompleted));
    let violations: u64 = redis.get(key("min_enforcer:violations_count")).await.unwrap();
    assert!(violations >= 24 && violations <= count(EventType::MinimumNodesViolation), "{violations}");
    let enforcements: u64 = redis.get(key("min_enforcer:enforcements_count")).await.unwrap();
    assert_eq!(enforcements, count(EventType::AutoScaleUpToMinimum) + count(EventType::EmergencyScaleUp));
    let counter: u64 = redis.get(key("workers:counter")).await.unwrap();
    assert!(counter >= 48, "{counter}");
    let permanent: String = redis.get(key("autoscaler:permanent_workers")).await.unwrap();
    assert_eq!(permanent, r#"["core-1"]"#);

    for (name, time, all) in [
        ("handler:optimal_state:periods", "to", count(EventType::OptimalStateEnded)),
        ("handler:scaling:history", "at", ups + downs),
        ("handler:sync:history", "at", count(EventType::ClusterStateSynced)),
        ("async_scaling:operation_history", "ended_at", ups + downs + count(EventType::ScalingActionFailed)),
    ] {
        let lines: Vec<String> = redis.lrange(key(name), 0, -1).await.unwrap();
        assert_eq!(
            lines.len(),
            usize::min(all as usize, HISTORY_LENGTH),
            "{name}: capped at {HISTORY_LENGTH} of {all}"
        );
        let times = lines.iter().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line[time].as_str().unwrap().to_owned()
        });
        let times: Vec<_> = times.inspect(|text| within(name, text)).collect();
        assert!(times.is_sorted_by(|one, next| one >= next), "{name}: newest first");
    }
    let ended = count(EventType::ScalingActionFailed) + ups + downs;
    assert!(ended as usize > HISTORY_LENGTH, "a list has reached its cap: {ended}");

    let active: HashMap<String, String> = redis.hgetall(key("async_scaling:active_operations")).await.unwrap();
    assert_eq!(active.len(), 1, "{active:?}");
    let (id, operation) = active.iter().next().unwrap();
    let operation: serde_json::Value = serde_json::from_str(operation).unwrap();
    assert_eq!(operation["id"], serde_json::json!(id));
    within("decided_at", operation["decided_at"].as_str().unwrap());

    let names: Vec<String> = redis.smembers(key("workers:names")).await.unwrap();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let fields: HashMap<String, String> = redis.hgetall(key(&format!("workers:{name}"))).await.unwrap();
        let permanent = name == "core-1";
        assert_eq!(fields["permanent"], permanent.to_string());
        assert_eq!(fields["type"], if permanent { "permanent" } else { "dynamic" });
        within("created_at", &fields["created_at"]);
    }
}
