//! A synthetic picture in which everything is going on at once: for screenshots, tests and benches.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use windlass::model::event::{
    AutoScaleUpToMinimum, ClusterStateSynced, CommandRefused, CooldownStarted, HoldPlaced, LeaderElected,
    MinimumNodesRestored, MinimumNodesViolation, NodeCreated, NodeHealthDegraded, NodeReady, NodeUnexpectedlyLost,
    PendingPodsDetected, ResourcePressureAlert, ScaleUpDecision, ScaleUpStarted, ScalingActionCompleted,
    WorkerProtected,
};
use windlass::model::{
    Actor, Conclusion, ContainerId, ContainerState, Direction, EngineInfo, Event, EventData, Gate, GateKind, Health,
    Hold, LeaderInfo, Limits, MemoryFinding, Metadata, Observation, ObservedWorker, Operation, OperationRecord,
    OperationWorker, Origin, Outcome, PendingPods, Protection, RedisReport, ReplicaId, State, Step, Thresholds, Unit,
    Verdict, View, Worker, WorkerKind, WorkerName, WorkerStatus,
};

/// The picture at a fixed moment.
#[must_use]
pub fn view() -> View {
    view_at(DateTime::from_timestamp(1_773_480_413, 0).unwrap_or_default())
}

/// The picture as if it were taken at `now`.
#[must_use]
pub fn view_at(now: DateTime<Utc>) -> View {
    let mut view = View::empty(name("edge-berlin"), now);
    let mut log = Log { now, events: VecDeque::new() };
    let operation = story(&mut log);
    view.leader = Some(LeaderInfo { replica: ReplicaId("edge-gw-1:812:7f3a".to_owned()), epoch: 12 });
    view.engine = Some(EngineInfo {
        replica: ReplicaId("edge-gw-1:812:7f3a".to_owned()),
        version: "0.1.0".to_owned(),
        cluster: "docker".to_owned(),
        dry_run: false,
        limits: Limits { min_nodes: 2, max_nodes: 8 },
        thresholds: Thresholds::default(),
        check_interval: 5.0,
        cooldown_up: 60.0,
        cooldown_down: 300.0,
        max_hold: 604_800.0,
        leading_since: ago(now, 7_500),
    });
    view.state = Arc::new(state(now, operation));
    view.observation = Some(Arc::new(observation(now, 0)));
    view.verdict = Some(Arc::new(verdict(now)));
    view.events = Arc::new(log.events);
    view.redis = Some(Arc::new(redis(now)));
    view
}

/// The observation so many looks before the last: for the sparklines.
#[must_use]
pub fn earlier_observation(now: DateTime<Utc>, looks: u32) -> Observation {
    observation(ago(now, i64::from(looks) * 5), looks)
}

/// So many workers: for benches.
#[must_use]
pub fn many_workers(now: DateTime<Utc>, count: u64) -> (State, Observation) {
    let mut state = State::default();
    let mut seen = Observation { workers: std::collections::BTreeMap::default(), ..observation(now, 0) };
    for number in 1..=count {
        let text = format!("k3s-worker-{number}");
        let worker = worker(now, &text, WorkerKind::Dynamic, WorkerStatus::Ready, 60 * number as i64);
        seen.workers.insert(
            worker.name.clone(),
            observed(&worker, Some((number % 100) as f64), Some((number * 7 % 100) as f64)),
        );
        state.workers.insert(worker.name.clone(), worker);
    }
    (state, seen)
}

/// So many events, one after another: for benches and for what depends on a long log.
#[must_use]
pub fn many_events(count: u64) -> VecDeque<Arc<Event>> {
    let now = view().at;
    let mut log = Log { now, events: VecDeque::new() };
    while log.events.len() < count as usize {
        story(&mut log);
    }
    log.events.truncate(count as usize);
    log.events
}

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap_or_else(|error| unreachable!("{text:?} is a valid name: {error:?}"))
}

fn ago(now: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    now - TimeDelta::seconds(seconds)
}

fn container(text: &str) -> ContainerId {
    // Any id will do, but the same one for the same name.
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ContainerId(format!("{hash:016x}{:016x}", hash.rotate_left(29)).repeat(2))
}

struct Log {
    now: DateTime<Utc>,
    events: VecDeque<Arc<Event>>,
}

impl Log {
    fn add(
        &mut self,
        seconds_ago: i64,
        source: &str,
        actor: Option<&str>,
        cause: Option<Uuid>,
        data: impl Into<EventData>,
    ) -> Uuid {
        let event_id = Uuid::from_u128(0x0195_9470_0000_7000_8000_0000_0000_0000 + self.events.len() as u128 + 1);
        self.events.push_back(Arc::new(Event {
            event_id,
            timestamp: ago(self.now, seconds_ago),
            source: source.to_owned(),
            data: data.into(),
            metadata: Metadata { cluster_id: name("edge-berlin"), region: "eu-central".to_owned() },
            caused_by: cause,
            correlation_id: None,
            actor: actor.map_or(Actor::Engine, |person| Actor::Person(person.to_owned())),
        }));
        event_id
    }
}

/// The id of a command: in no log.
const COMMAND: Uuid = Uuid::from_u128(0x0195_9470_ffff_7000_8000_0000_0000_0001);

/// A morning on the edge; returns the operation that is under way at its end.
fn story(log: &mut Log) -> Uuid {
    let now = log.now;
    let worker: fn(&str) -> WorkerName = name;
    log.add(7500, "windlass", None, None, LeaderElected { replica: "edge-gw-1:812:7f3a".to_owned(), epoch: 12 });
    log.add(
        7498,
        "StateSynchronizer",
        None,
        None,
        ClusterStateSynced { k8s_nodes: Some(2), docker_containers: 2, db_workers: 2, last_sync: ago(now, 7498) },
    );
    restored_minimum(log);
    let protected = WorkerProtected { node_name: worker("k3s-worker-4"), reason: "database migration".to_owned() };
    log.add(2460, "windlass", Some("anna"), Some(COMMAND), protected);
    log.add(
        1325,
        "windlass",
        Some("anna"),
        Some(COMMAND),
        HoldPlaced {
            direction: Direction::Down,
            until: now + TimeDelta::seconds(475),
            reason: "deploy freeze until the release is out".to_owned(),
        },
    );
    log.add(
        1240,
        "windlass",
        Some("ben"),
        Some(COMMAND),
        CommandRefused {
            command: "scale".to_owned(),
            reason: "hold".to_owned(),
            detail: "anna holds scaling down for 21m more (deploy freeze until the release is out); release it first"
                .to_owned(),
        },
    );
    log.add(
        310,
        "MetricsListener",
        None,
        None,
        NodeHealthDegraded {
            node_name: worker("k3s-worker-6"),
            status: "NotReady".to_owned(),
            last_check: ago(now, 310),
        },
    );
    let pending = log.add(
        48,
        "MetricsListener",
        None,
        None,
        PendingPodsDetected {
            pending_count: 7,
            waiting_time: 21.0,
            affected_deployments: vec!["checkout".to_owned(), "search".to_owned()],
            workers_needed: 2,
        },
    );
    log.add(
        43,
        "MetricsListener",
        None,
        None,
        ResourcePressureAlert { cpu_avg: Some(83.4), memory_avg: Some(61.2), workers: 6, max_workers: 8 },
    );
    let decision = log.add(
        26,
        "ScalingDecisionEngine",
        None,
        Some(pending),
        ScaleUpDecision {
            count: 2,
            current_workers: 6,
            target_workers: 8,
            origin: Origin::Rules,
            reason: "7 pods pending".to_owned(),
            dry_run: false,
        },
    );
    let started = log.add(
        26,
        "NodeManager",
        None,
        Some(decision),
        ScaleUpStarted {
            node_names: vec![worker("k3s-worker-9"), worker("k3s-worker-10")],
            worker_counter: 10,
            previous_workers: 6,
        },
    );
    log.add(
        24,
        "NodeManager",
        None,
        Some(started),
        NodeCreated {
            node_name: worker("k3s-worker-9"),
            container_id: container("k3s-worker-9"),
            kind: WorkerKind::Dynamic,
            created_at: ago(now, 24),
        },
    );
    decision
}

/// A worker is lost and the minimum restored: a chain of nine events.
fn restored_minimum(log: &mut Log) {
    let now = log.now;
    let worker: fn(&str) -> WorkerName = name;
    let lost = log.add(
        5400,
        "StateSynchronizer",
        None,
        None,
        NodeUnexpectedlyLost {
            node_name: worker("k3s-worker-3"),
            last_seen: ago(now, 5402),
            cause: "container_exited".to_owned(),
            exit_code: Some(137),
            lost_together: 1,
            container_id: container("k3s-worker-3"),
        },
    );
    let violation = log.add(
        5400,
        "MinimumNodeEnforcer",
        None,
        Some(lost),
        MinimumNodesViolation { current_workers: 1, min_workers: 2, violation_time: ago(now, 5400) },
    );
    let restoring = log.add(
        5400,
        "MinimumNodeEnforcer",
        None,
        Some(violation),
        AutoScaleUpToMinimum {
            current_workers: 1,
            min_workers: 2,
            scale_up_count: 1,
            reason: "minimum_violation".to_owned(),
        },
    );
    let started = log.add(
        5399,
        "NodeManager",
        None,
        Some(restoring),
        ScaleUpStarted { node_names: vec![worker("k3s-worker-7")], worker_counter: 7, previous_workers: 1 },
    );
    let created = log.add(
        5398,
        "NodeManager",
        None,
        Some(started),
        NodeCreated {
            node_name: worker("k3s-worker-7"),
            container_id: container("k3s-worker-7"),
            kind: WorkerKind::Dynamic,
            created_at: ago(now, 5398),
        },
    );
    let ready = log.add(
        5389,
        "NodeManager",
        None,
        Some(created),
        NodeReady { node_name: worker("k3s-worker-7"), duration: 9.2 },
    );
    let completed = log.add(
        5389,
        "NodeManager",
        None,
        Some(ready),
        ScalingActionCompleted { action: Direction::Up, count: 1, previous_workers: 1, new_workers: 2, duration: 11.4 },
    );
    log.add(
        5389,
        "NodeManager",
        None,
        Some(completed),
        CooldownStarted { direction: Direction::Up, until: ago(now, 5329), duration: 60.0 },
    );
    log.add(
        5388,
        "MinimumNodeEnforcer",
        None,
        Some(completed),
        MinimumNodesRestored { current_workers: 2, min_workers: 2, restore_time: ago(now, 5388) },
    );
}

fn worker(now: DateTime<Utc>, text: &str, kind: WorkerKind, status: WorkerStatus, age: i64) -> Worker {
    Worker {
        name: name(text),
        kind,
        status,
        created_at: ago(now, age),
        container_id: container(text),
        protected: None,
        last_seen: ago(now, 2),
    }
}

fn workers(now: DateTime<Utc>) -> Vec<Worker> {
    use WorkerKind::{Dynamic, Permanent};
    use WorkerStatus::{Draining, Ready, Starting, Unhealthy};
    let protection = Protection {
        actor: Actor::Person("anna".to_owned()),
        reason: "database migration".to_owned(),
        since: ago(now, 2460),
    };
    vec![
        worker(now, "k3s-edge", Permanent, Ready, 273_600),
        worker(now, "k3s-worker-1", Permanent, Ready, 273_540),
        Worker { protected: Some(protection), ..worker(now, "k3s-worker-4", Dynamic, Ready, 11_220) },
        worker(now, "k3s-worker-6", Dynamic, Unhealthy, 7_020),
        worker(now, "k3s-worker-7", Dynamic, Ready, 5_398),
        worker(now, "k3s-worker-8", Dynamic, Draining, 1_812),
        worker(now, "k3s-worker-9", Dynamic, Starting, 24),
    ]
}

fn state(now: DateTime<Utc>, operation: Uuid) -> State {
    let mut state =
        State { worker_counter: 10, permanent: vec![name("k3s-edge"), name("k3s-worker-1")], ..State::default() };
    state.workers = workers(now).into_iter().map(|worker| (worker.name.clone(), worker)).collect();
    state.cooldowns.up = Some(now + TimeDelta::milliseconds(33_400));
    state.cooldowns.down = Some(now + TimeDelta::seconds(161));
    state.holds.down = Some(Hold {
        direction: Direction::Down,
        until: now + TimeDelta::seconds(475),
        actor: Actor::Person("anna".to_owned()),
        reason: "deploy freeze until the release is out".to_owned(),
        placed_at: ago(now, 1325),
    });
    let running = Operation {
        id: operation,
        direction: Direction::Up,
        origin: Origin::Rules,
        actor: Actor::Engine,
        reason: "7 pods pending".to_owned(),
        count: 2,
        workers: vec![
            OperationWorker { name: name("k3s-worker-9"), step: Step::Created, event: operation },
            OperationWorker { name: name("k3s-worker-10"), step: Step::Allocated, event: operation },
        ],
        previous_workers: 6,
        decided_at: ago(now, 26),
        decided_by: operation,
        started_by: None,
    };
    state.operation_history = history(now, &running);
    state.operations.insert(operation, running);
    state
}

fn history(now: DateTime<Utc>, like: &Operation) -> VecDeque<OperationRecord> {
    let record = |end: i64, took: i64, direction, count, actor: Option<&str>, reason: &str, error: Option<&str>| {
        OperationRecord {
            operation: Operation {
                id: Uuid::from_u128(end.unsigned_abs().into()),
                direction,
                origin: if actor.is_some() { Origin::Operator } else { Origin::Rules },
                actor: actor.map_or(Actor::Engine, |person| Actor::Person(person.to_owned())),
                reason: reason.to_owned(),
                count,
                workers: Vec::new(),
                decided_at: ago(now, end + took),
                ..like.clone()
            },
            outcome: if error.is_some() { Outcome::Failed } else { Outcome::Completed },
            ended_at: ago(now, end),
            error: error.map(ToOwned::to_owned),
        }
    };
    [
        record(1790, 22, Direction::Up, 1, Some("ben"), "load test", None),
        record(3605, 61, Direction::Down, 1, None, "CPU and memory low", Some("eviction refused: budget of checkout")),
        record(5389, 11, Direction::Up, 1, None, "minimum violation", None),
        record(9_840, 48, Direction::Down, 2, None, "CPU and memory low for 5m 3s", None),
    ]
    .into()
}

fn observed(worker: &Worker, cpu_percent: Option<f64>, memory_percent: Option<f64>) -> ObservedWorker {
    ObservedWorker {
        name: worker.name.clone(),
        container_id: worker.container_id.clone(),
        kind: worker.kind,
        created_at: worker.created_at,
        state: ContainerState::Running,
        health: match worker.status {
            WorkerStatus::Starting => Health::Starting,
            WorkerStatus::Unhealthy => Health::Unhealthy,
            WorkerStatus::Ready | WorkerStatus::Draining => Health::Ready,
        },
        cpu_percent,
        memory_percent,
        node: Some(worker.name.to_string()),
    }
}

/// Load rises towards the present: the further back, the less.
fn observation(at: DateTime<Utc>, looks: u32) -> Observation {
    let wave = f64::from(looks).mul_add(-0.9, 8.0 * (f64::from(looks) / 3.0).sin());
    let load = |percent: f64, share: f64| Some(wave.mul_add(share, percent).clamp(1.0, 100.0));
    let loads = [
        (load(71.0, 1.0), load(58.2, 0.3)),
        (load(88.4, 1.0), load(63.0, 0.3)),
        (load(76.1, 1.0), load(87.9, 0.3)),
        (load(97.2, 1.0), load(49.5, 0.3)),
        (load(92.8, 1.0), load(71.4, 0.3)),
        (load(54.6, 1.0), load(33.8, 0.3)),
        (None, None),
    ];
    let workers = workers(at);
    Observation {
        at,
        workers: workers
            .iter()
            .zip(loads)
            .map(|(worker, (cpu, memory))| (worker.name.clone(), observed(worker, cpu, memory)))
            .collect(),
        pending: Some(PendingPods {
            count: 7,
            waiting_seconds: 69.0,
            deployments: vec!["checkout".to_owned(), "search".to_owned()],
            workers_needed: 2,
        }),
        nodes: Some(6),
    }
}

fn verdict(now: DateTime<Utc>) -> Verdict {
    let gate = |gate, passed, detail: &str| Gate {
        gate,
        passed,
        value: None,
        bound: None,
        unit: Unit::None,
        detail: detail.to_owned(),
        clears_at: None,
    };
    let measured = |kind, passed, value: Option<f64>, bound, unit, detail: &str| Gate {
        value,
        bound: Some(bound),
        unit,
        ..gate(kind, passed, detail)
    };
    let until = |seconds: i64| Some(now + TimeDelta::seconds(seconds));
    Verdict {
        at: ago(now, 2),
        conclusion: Conclusion::Blocked {
            direction: Direction::Up,
            by: GateKind::Cooldown,
            detail: "cooling down for 34s more".to_owned(),
            clears_at: until(34),
        },
        up: vec![
            measured(GateKind::Demand, true, Some(80.0), 80.0, Unit::Percent, "7 pods pending"),
            gate(GateKind::Observation, true, "the cluster answers"),
            measured(GateKind::Limit, true, Some(7.0), 8.0, Unit::Count, "7 of at most 8 workers"),
            gate(GateKind::Hold, true, "no hold"),
            Gate {
                clears_at: until(34),
                ..measured(GateKind::Cooldown, false, Some(34.0), 60.0, Unit::Seconds, "cooling down for 34s more")
            },
            measured(GateKind::Operations, false, Some(1.0), 0.0, Unit::Count, "scaling up by 2 is under way (25 %)"),
            measured(
                GateKind::Healthy,
                true,
                Some(14.3),
                45.0,
                Unit::Percent,
                "1 of 7 workers unhealthy: k3s-worker-6",
            ),
        ],
        down: vec![
            measured(GateKind::CpuLow, false, Some(80.0), 30.0, Unit::Percent, "CPU 80 % not below 30 %"),
            measured(GateKind::MemoryLow, false, Some(60.6), 40.0, Unit::Percent, "memory 61 % not below 40 %"),
            measured(GateKind::Window, false, Some(0.0), 300.0, Unit::Seconds, "not underutilized"),
            measured(GateKind::Limit, true, Some(7.0), 2.0, Unit::Count, "7 workers, at least 2"),
            gate(GateKind::Observation, true, "the cluster answers"),
            measured(GateKind::NothingPending, false, Some(7.0), 0.0, Unit::Count, "7 pods pending"),
            measured(
                GateKind::Healthy,
                false,
                Some(14.3),
                0.0,
                Unit::Percent,
                "1 of 7 workers unhealthy: k3s-worker-6",
            ),
            Gate { clears_at: until(475), ..gate(GateKind::Hold, false, "held by anna: deploy freeze") },
            Gate {
                clears_at: until(161),
                ..measured(GateKind::Cooldown, false, Some(161.0), 300.0, Unit::Seconds, "cooling down for 2m 41s more")
            },
            measured(GateKind::Operations, false, Some(1.0), 0.0, Unit::Count, "scaling up by 2 is under way (25 %)"),
            gate(GateKind::Candidate, true, "k3s-worker-7 would go first"),
        ],
        dry_run: false,
    }
}

fn redis(now: DateTime<Utc>) -> RedisReport {
    RedisReport {
        at: ago(now, 1),
        server: "redis".to_owned(),
        version: "7.0.15".to_owned(),
        used_bytes: 13_002_342,
        peak_bytes: 19_293_798,
        max_bytes: Some(256 << 20),
        rss_bytes: 25_165_824,
        fragmentation_ratio: Some(1.93),
        fragmentation_bytes: Some(12_163_482),
        allocator_ratio: Some(1.08),
        allocator_bytes: Some(1_040_187),
        policy: "noeviction".to_owned(),
        evicted_keys: 0,
        keys: 1_204,
        stream_entries: 9_812,
        aof: true,
        persistence_ok: true,
        clients: 4,
        latency_ms: 0.3,
        findings: vec![MemoryFinding {
            warning: true,
            what: "the operating system holds 11.6M more than is used, since a peak".to_owned(),
            remedy: "MEMORY PURGE gives it back".to_owned(),
        }],
    }
}
