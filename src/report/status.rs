//! The cluster in one document.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::fresh;
use crate::clock;
use crate::model::{
    ClusterId, Conclusion, Direction, EngineInfo, Hold, LeaderInfo, Observation, Operation, ReplicaId, ReplicaSeen,
    StoreHealth, View, WorkerStatus,
};

/// The cluster. Unknown is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Status<'a> {
    /// The cluster.
    pub cluster_id: &'a ClusterId,
    /// When this was read.
    pub at: DateTime<Utc>,
    /// Whether Redis can be used; while it is down, everything else is what was last read.
    #[serde(flatten)]
    pub store: &'a StoreHealth,
    /// What is remembered in Redis and cannot be read: key, what is wrong, and how; everything else here is the rest. Empty when all is well.
    pub problems: Vec<String>,
    /// Who leads; null: nobody, and what follows is what Redis remembers.
    pub leader: Option<&'a LeaderInfo>,
    /// Who runs, the leader among them, by name; null: not read yet. One that was killed stays for some leases.
    pub replicas: Option<Vec<ReplicaLine<'a>>>,
    /// What the leader says of itself.
    pub engine: Option<&'a EngineInfo>,
    /// How many workers.
    pub workers: WorkerCounts,
    /// Mean CPU of the workers, percent.
    pub cpu_percent: Option<f64>,
    /// Mean memory of the workers, percent.
    pub memory_percent: Option<f64>,
    /// Pods that no node has room for.
    pub pending_pods: Option<u32>,
    /// Cooldowns that last.
    pub cooldowns: PerDirection<CooldownLeft>,
    /// Holds that last.
    pub holds: PerDirection<HoldLeft<'a>>,
    /// Running operations.
    pub operations: Vec<RunningOperation<'a>>,
    /// The latest conclusion.
    pub verdict: Option<VerdictLine<'a>>,
    /// Redis's memory.
    pub redis: Option<RedisLine>,
}

/// A replica as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReplicaLine<'a> {
    /// Which.
    pub replica: &'a ReplicaId,
    /// When it last said that it runs.
    pub last_seen: DateTime<Utc>,
    /// Whether it holds the lease.
    pub leads: bool,
}

impl<'a> ReplicaLine<'a> {
    /// The replicas of a view, by name.
    #[must_use]
    pub fn all(view: &'a View) -> Option<Vec<Self>> {
        let line = |seen: &'a ReplicaSeen| Self {
            replica: &seen.replica,
            last_seen: seen.last_seen,
            leads: view.leader.as_ref().is_some_and(|leader| leader.replica == seen.replica),
        };
        view.replicas.as_ref().map(|replicas| replicas.iter().map(line).collect())
    }
}

/// How many workers; `min` and `max` are null until an engine has said them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WorkerCounts {
    /// Now.
    pub current: u32,
    /// Of these, ready.
    pub ready: u32,
    /// Once the operations under way have added theirs.
    pub expected: u32,
    /// Never fewer.
    pub min: Option<u32>,
    /// Never more.
    pub max: Option<u32>,
}

/// One thing per direction; null where there is none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "{T}PerDirection")]
pub struct PerDirection<T> {
    /// For scaling up.
    pub scale_up: Option<T>,
    /// For scaling down.
    pub scale_down: Option<T>,
}

impl<T> PerDirection<T> {
    fn of(get: impl Fn(Direction) -> Option<T>) -> Self {
        Self { scale_up: get(Direction::Up), scale_down: get(Direction::Down) }
    }
}

/// A cooldown that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CooldownLeft {
    /// Until when.
    pub until: DateTime<Utc>,
    /// How long that is.
    pub remaining_seconds: u64,
}

/// A hold that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HoldLeft<'a> {
    /// The hold.
    #[serde(flatten)]
    pub hold: &'a Hold,
    /// Until it ends by itself.
    pub remaining_seconds: u64,
}

/// An operation under way.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunningOperation<'a> {
    /// Its id, once more under the name that events' readers look for.
    pub operation_id: Uuid,
    /// The operation.
    #[serde(flatten)]
    pub operation: &'a Operation,
    /// How far it is, percent.
    pub progress_percent: f64,
    /// Since it was decided.
    pub age_seconds: u64,
}

/// The latest conclusion, without its gates.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VerdictLine<'a> {
    /// When it was given.
    pub at: DateTime<Utc>,
    /// What follows.
    #[serde(flatten)]
    pub conclusion: &'a Conclusion,
}

/// Redis's memory in brief.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct RedisLine {
    /// Bytes in use.
    pub used_bytes: u64,
    /// The limit; null: none is set.
    pub max_bytes: Option<u64>,
    /// Used in percent of the limit.
    pub used_percent: Option<f64>,
    /// Findings that need somebody.
    pub warnings: usize,
}

impl<'a> Status<'a> {
    /// The status that a view shows.
    #[must_use]
    pub fn of(view: &'a View) -> Self {
        let (state, now) = (&view.state, view.at);
        let seen = fresh(view);
        let left = |until| clock::between(now, until).as_secs();
        Self {
            cluster_id: &view.cluster_id,
            at: now,
            store: &view.store,
            problems: view.problems.iter().map(ToString::to_string).collect(),
            leader: view.leader.as_ref(),
            replicas: ReplicaLine::all(view),
            engine: view.engine.as_ref(),
            workers: WorkerCounts::of(view),
            cpu_percent: seen.and_then(Observation::cpu_avg),
            memory_percent: seen.and_then(Observation::memory_avg),
            pending_pods: seen.and_then(|seen| seen.pending.as_ref()).map(|pending| pending.count),
            cooldowns: PerDirection::of(|direction| {
                let until = state.cooldown(direction, now)?;
                Some(CooldownLeft { until, remaining_seconds: left(until) })
            }),
            holds: PerDirection::of(|direction| {
                let hold = state.hold(direction, now)?;
                Some(HoldLeft { hold, remaining_seconds: left(hold.until) })
            }),
            operations: state.operations.values().map(|operation| RunningOperation::of(operation, now)).collect(),
            verdict: view
                .verdict
                .as_deref()
                .map(|verdict| VerdictLine { at: verdict.at, conclusion: &verdict.conclusion }),
            redis: view.redis.as_deref().map(|report| RedisLine {
                used_bytes: report.used_bytes,
                max_bytes: report.max_bytes,
                used_percent: report.used_percent(),
                warnings: report.findings.iter().filter(|finding| finding.warning).count(),
            }),
        }
    }
}

impl WorkerCounts {
    /// The numbers that a view shows.
    #[must_use]
    pub fn of(view: &View) -> Self {
        let limits = view.engine.as_ref().map(|engine| engine.limits);
        let ready = view.state.workers.values().filter(|worker| worker.status == WorkerStatus::Ready).count();
        Self {
            current: view.state.worker_count(),
            ready: u32::try_from(ready).unwrap_or(u32::MAX),
            expected: view.state.workers_expected(),
            min: limits.map(|limits| limits.min_nodes),
            max: limits.map(|limits| limits.max_nodes),
        }
    }
}

impl<'a> RunningOperation<'a> {
    fn of(operation: &'a Operation, now: DateTime<Utc>) -> Self {
        Self {
            operation_id: operation.id,
            operation,
            progress_percent: operation.progress() * 100.0,
            age_seconds: clock::between(operation.decided_at, now).as_secs(),
        }
    }
}
