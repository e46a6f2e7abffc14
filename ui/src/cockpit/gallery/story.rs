//! What happened: a morning's events, with their causes.

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
use windlass::model::{Actor, Direction, Event, EventData, Metadata, Origin, WorkerKind, WorkerName};

use super::{ago, container, name};

/// A log being written.
pub struct Log {
    pub now: DateTime<Utc>,
    pub events: VecDeque<Arc<Event>>,
    /// The operation that what is added belongs to.
    pub operation: Option<Uuid>,
}

impl Log {
    pub fn add(
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
            correlation_id: self.operation,
            actor: actor.map_or(Actor::Engine, |person| Actor::Person(person.to_owned())),
        }));
        event_id
    }
}

/// The id of a command: in no log.
const COMMAND: Uuid = Uuid::from_u128(0x0195_9470_ffff_7000_8000_0000_0000_0001);

/// The operations that the story tells of.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The one that is under way at its end.
    pub running: Uuid,
    /// The event that started that.
    pub started_by: Uuid,
    /// The one that restored the minimum.
    pub restored: Uuid,
}

/// A morning on the edge.
pub fn story(log: &mut Log) -> Told {
    calm(log);
    let restored = restored_minimum(log);
    people(log);
    let (running, started_by) = pressure(log);
    Told { running, started_by, restored }
}

fn calm(log: &mut Log) {
    let now = log.now;
    log.add(7500, "windlass", None, None, LeaderElected { replica: "edge-gw-1:812:7f3a".to_owned(), epoch: 12 });
    log.add(
        7498,
        "StateSynchronizer",
        None,
        None,
        ClusterStateSynced { k8s_nodes: Some(2), docker_containers: 2, db_workers: 2, last_sync: ago(now, 7498) },
    );
}

fn people(log: &mut Log) {
    let now = log.now;
    let protected = WorkerProtected { node_name: name("k3s-worker-4"), reason: "database migration".to_owned() };
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
}

/// More is wanted than there is: returns the operation that follows, and what started it.
fn pressure(log: &mut Log) -> (Uuid, Uuid) {
    let now = log.now;
    let worker: fn(&str) -> WorkerName = name;
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
    log.operation = Some(decision);
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
    log.operation = None;
    (decision, started)
}

/// A worker is lost and the minimum restored: a chain of nine events.
fn restored_minimum(log: &mut Log) -> Uuid {
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
    log.operation = Some(restoring);
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
    log.operation = None;
    log.add(
        5388,
        "MinimumNodeEnforcer",
        None,
        Some(completed),
        MinimumNodesRestored { current_workers: 2, min_workers: 2, restore_time: ago(now, 5388) },
    );
    restoring
}
