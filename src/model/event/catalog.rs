//! The catalog of all events: name, severity, when it happens, and its data with units. The types, the documentation table and the
//! schemas come from this one list.
#![allow(clippy::doc_markdown, reason = "these words are shown in tables and schemas as they are")]

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::model::{ContainerId, Direction, FunctionName, Origin, WorkerKind, WorkerName};

macro_rules! catalog {
    ($(
        $(#[doc = $when:literal])+
        $severity:ident $name:ident { $( $(#[doc = $doc:literal])+ $(#[serde($($serde:tt)+)])? $field:ident : $ty:ty ),* $(,)? }
    )+) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum EventType { $( $(#[doc = $when])+ $name, )+ }

        impl EventType {
            /// Every type, in the catalog's order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name as on the stream.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// When it happens.
            #[must_use]
            pub const fn when(self) -> &'static str {
                match self { $(Self::$name => concat!($($when),+),)+ }
            }

            /// The names of its data fields, with what they mean.
            #[must_use]
            pub const fn fields(self) -> &'static [(&'static str, &'static str)] {
                match self { $(Self::$name => &[$((stringify!($field), concat!($($doc),+))),*],)+ }
            }
        }

        /// What happened, with its data.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "event_type", content = "data")]
        pub enum EventData { $( $(#[doc = $when])+ $name($name), )+ }

        impl EventData {
            /// Its type.
            #[must_use]
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name,)+ }
            }
        }

        $(
            $(#[doc = $when])+
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct $name { $( $(#[doc = $doc])+ $(#[serde($($serde)+)])? pub $field: $ty, )* }

            impl From<$name> for EventData {
                fn from(data: $name) -> Self { Self::$name(data) }
            }
        )+
    };
}

catalog! {
    // ---- seed 002, core events
    /// The worker count reaches the minimum and resources are underutilized; or a scale-down is decided that leads there.
    Info OptimalStateTrigger {
        /// whether the state is reached; false: it will be with the scale-down that is being decided
        active: bool,
        /// workers now
        current_workers: u32,
        /// the minimum
        min_workers: u32,
        /// mean CPU, percent
        cpu_avg: Option<f64>,
        /// mean memory, percent
        memory_avg: Option<f64>,
    }
    /// The optimal state is left: resources are used again, or the worker count is no longer the minimum.
    Info OptimalStateEnded {
        /// workers now
        current_workers: u32,
        /// the minimum
        min_workers: u32,
        /// since when the state had held
        since: DateTime<Utc>,
        /// how long it lasted, seconds
        duration: f64,
    }
    /// A scale-up or scale-down has ended well.
    Info ScalingActionCompleted {
        /// scale_up or scale_down
        action: Direction,
        /// workers added or removed
        count: u32,
        /// workers before
        previous_workers: u32,
        /// workers now
        new_workers: u32,
        /// from decision to end, seconds
        duration: f64,
    }
    /// The cluster's actual state matches the stored one again (after a change, a reconciliation, or a difference).
    Info ClusterStateSynced {
        /// ready Kubernetes nodes; null where no Kubernetes is attached
        k8s_nodes: Option<u32>,
        /// live worker containers
        docker_containers: u32,
        /// workers in the state
        db_workers: u32,
        /// when it was compared
        last_sync: DateTime<Utc>,
    }

    // ---- seed 002, resource events
    /// Above the minimum, CPU and memory have been below their lower thresholds over the whole window.
    Warning UnderutilizationWarning {
        /// workers now
        workers: u32,
        /// the minimum
        min_workers: u32,
        /// mean CPU, percent
        cpu_avg: Option<f64>,
        /// mean memory, percent
        memory_avg: Option<f64>,
        /// how long, seconds
        duration: f64,
    }
    /// Underutilization has ended.
    Info UnderutilizationEnded {
        /// workers now
        workers: u32,
        /// mean CPU, percent
        cpu_avg: Option<f64>,
        /// mean memory, percent
        memory_avg: Option<f64>,
        /// how long it lasted, seconds
        duration: f64,
    }
    /// CPU or memory is above its upper threshold.
    Warning ResourcePressureAlert {
        /// mean CPU, percent
        cpu_avg: Option<f64>,
        /// mean memory, percent
        memory_avg: Option<f64>,
        /// workers now
        workers: u32,
        /// the maximum
        max_workers: u32,
    }
    /// CPU and memory are below their upper thresholds again.
    Info ResourcePressureEnded {
        /// mean CPU, percent
        cpu_avg: Option<f64>,
        /// mean memory, percent
        memory_avg: Option<f64>,
        /// how long it lasted, seconds
        duration: f64,
    }
    /// Pods are pending that no node has room for.
    Warning PendingPodsDetected {
        /// how many
        pending_count: u32,
        /// how long the oldest has waited, seconds
        waiting_time: f64,
        /// the deployments they belong to
        affected_deployments: Vec<String>,
        /// how many workers a packing of them needs
        workers_needed: u32,
    }
    /// No pod is pending any more.
    Info PendingPodsCleared {
        /// how long it lasted, seconds
        duration: f64,
    }

    // ---- seed 002, node lifecycle
    /// A node fails its health check or is NotReady.
    Warning NodeHealthDegraded {
        /// which
        node_name: WorkerName,
        /// NotReady, Unhealthy or Paused
        status: String,
        /// when it was looked at
        last_check: DateTime<Utc>,
    }
    /// A degraded node is healthy again.
    Info NodeHealthRestored {
        /// which
        node_name: WorkerName,
        /// how long it was degraded, seconds
        duration: f64,
    }
    /// A node disappears without a scale-down.
    Critical NodeUnexpectedlyLost {
        /// which
        node_name: WorkerName,
        /// when it was last seen running
        last_seen: DateTime<Utc>,
        /// container_removed, container_exited or container_replaced
        cause: String,
        /// the exit code, where there is one
        exit_code: Option<i64>,
        /// its container
        container_id: ContainerId,
        /// how many were found lost at the same look, this one included
        lost_together: u32,
    }
    /// A worker container of this cluster is found that the state does not know: it is taken over.
    Info NodeAdopted {
        /// which
        node_name: WorkerName,
        /// its container
        container_id: ContainerId,
        /// permanent or dynamic
        kind: WorkerKind,
        /// when its container was created
        created_at: DateTime<Utc>,
    }
    /// A worker's container exists.
    Info NodeCreated {
        /// which
        node_name: WorkerName,
        /// its container
        container_id: ContainerId,
        /// permanent or dynamic
        kind: WorkerKind,
        /// when its container was created
        created_at: DateTime<Utc>,
    }
    /// A new worker's container has been seen running; where Kubernetes is attached, its node has registered.
    Info NodeRegistered {
        /// which
        node_name: WorkerName,
    }
    /// A new worker takes work.
    Info NodeReady {
        /// which
        node_name: WorkerName,
        /// from creation to readiness, seconds
        duration: f64,
    }
    /// A worker that is to go is empty.
    Info NodeDrained {
        /// which
        node_name: WorkerName,
        /// pods that were evicted; null where no Kubernetes is attached
        evicted_pods: Option<u32>,
    }
    /// A worker's container is gone by windlass's doing.
    Info NodeRemoved {
        /// which
        node_name: WorkerName,
        /// scale_down or rolled_back
        reason: String,
    }

    /// A look at the cluster shows that a removed worker's container is gone.
    Info NodeRemovalConfirmed {
        /// which
        node_name: WorkerName,
    }

    // ---- seed 002, minimum enforcement
    /// Fewer workers than the minimum.
    Critical MinimumNodesViolation {
        /// workers now
        current_workers: u32,
        /// the minimum
        min_workers: u32,
        /// since when
        violation_time: DateTime<Utc>,
    }
    /// The minimum is being restored.
    Warning AutoScaleUpToMinimum {
        /// workers now
        current_workers: u32,
        /// the minimum
        min_workers: u32,
        /// workers to be added
        scale_up_count: u32,
        /// minimum_violation
        reason: String,
    }
    /// The minimum is reached again.
    Info MinimumNodesRestored {
        /// workers now
        current_workers: u32,
        /// the minimum
        min_workers: u32,
        /// when
        restore_time: DateTime<Utc>,
    }
    /// Several nodes were lost together.
    Critical EmergencyScaleUp {
        /// how many
        lost_count: u32,
        /// workers left
        remaining_workers: u32,
        /// the minimum
        min_workers: u32,
        /// workers to be added
        emergency_scale: u32,
    }

    // ---- decisions
    /// Workers are to be added: by the rules or by an operator.
    Info ScaleUpDecision {
        /// how many
        count: u32,
        /// workers now
        current_workers: u32,
        /// workers after it
        target_workers: u32,
        /// rules or operator
        origin: Origin,
        /// why
        reason: String,
        /// whether it is only reported and not carried out
        dry_run: bool,
    }
    /// Workers are to be taken away: by the rules or by an operator.
    Info ScaleDownDecision {
        /// which, first to go first
        node_names: Vec<WorkerName>,
        /// workers now
        current_workers: u32,
        /// workers after it
        target_workers: u32,
        /// rules or operator
        origin: Origin,
        /// why
        reason: String,
        /// whether it is only reported and not carried out
        dry_run: bool,
    }
    /// A scale-down is wanted and cannot happen.
    Warning ScaleDownBlocked {
        /// the gate that blocks: pending_pods, cooldown, hold, ...
        reason: String,
        /// in words
        detail: String,
        /// pending pods; null: unknown
        pending_count: Option<u32>,
        /// workers now
        workers: u32,
        /// the minimum
        min_workers: u32,
    }
    /// A scale-up is wanted and cannot happen.
    Warning ScaleUpBlocked {
        /// the gate that blocks: limit, cooldown, hold, ...
        reason: String,
        /// in words
        detail: String,
        /// workers now
        workers: u32,
        /// the maximum
        max_workers: u32,
        /// whether it is the restoring of the minimum that is blocked
        enforcement: bool,
    }

    // ---- operations
    /// Names are allocated and containers are being made.
    Info ScaleUpStarted {
        /// the workers to come
        node_names: Vec<WorkerName>,
        /// `workers:counter` after it
        worker_counter: u64,
        /// workers before
        previous_workers: u32,
    }
    /// Workers are being drained and removed.
    Info ScaleDownStarted {
        /// the workers to go
        node_names: Vec<WorkerName>,
        /// workers before
        previous_workers: u32,
    }
    /// An operation could not do all that it set out to do.
    Critical ScalingActionFailed {
        /// scale_up or scale_down
        action: Direction,
        /// why
        reason: String,
        /// workers that were undone or spared
        rolled_back: Vec<WorkerName>,
        /// workers before
        previous_workers: u32,
        /// workers now
        new_workers: u32,
        /// from decision to end, seconds
        duration: f64,
    }
    /// A worker of an operation failed; what was made of it is undone.
    Warning NodeFailed {
        /// which
        node_name: WorkerName,
        /// why
        reason: String,
        /// whether it stays in the state (a spared worker does)
        kept: bool,
    }

    /// A new leader takes over an operation that another one left, and finishes it or rolls it back.
    Info OperationResumed {
        /// scale_up or scale_down
        action: Direction,
        /// finish or roll_back
        resolution: String,
        /// how far each of its workers had come: allocated, created, ...
        steps: Vec<String>,
        /// when it was decided
        decided_at: DateTime<Utc>,
    }

    // ---- cooldowns and holds
    /// A direction cools down.
    Info CooldownStarted {
        /// scale_up or scale_down
        direction: Direction,
        /// until when
        until: DateTime<Utc>,
        /// how long, seconds
        duration: f64,
    }
    /// A cooldown is over.
    Info CooldownEnded {
        /// scale_up or scale_down
        direction: Direction,
    }
    /// An operator blocks a direction.
    Warning HoldPlaced {
        /// scale_up or scale_down
        direction: Direction,
        /// until when
        until: DateTime<Utc>,
        /// why
        reason: String,
    }
    /// An operator ends a block.
    Info HoldReleased {
        /// scale_up or scale_down
        direction: Direction,
        /// why
        reason: String,
    }
    /// A block has come to its end.
    Info HoldExpired {
        /// scale_up or scale_down
        direction: Direction,
        /// who had placed it
        placed_by: String,
    }

    // ---- operators
    /// A command was not carried out.
    Warning CommandRefused {
        /// scale, hold, ...
        command: String,
        /// what refuses: limit, hold, cooldown, worker, stale, invalid, ...
        reason: String,
        /// in words, with what to do
        detail: String,
    }
    /// An operator keeps a worker from being scaled away.
    Info WorkerProtected {
        /// which
        node_name: WorkerName,
        /// why
        reason: String,
    }
    /// A worker may be scaled away again.
    Info WorkerUnprotected {
        /// which
        node_name: WorkerName,
        /// why
        reason: String,
    }
    /// An operator asked for a comparison of state and cluster; ClusterStateSynced follows.
    Info ReconcileRequested {
        /// why
        reason: String,
    }

    // ---- windlass itself
    /// A replica holds the lease.
    Info LeaderElected {
        /// which
        replica: String,
        /// the lease's epoch
        epoch: u64,
    }
    /// The configured permanent workers differ from the remembered ones.
    Info PermanentWorkersChanged {
        /// their names
        node_names: Vec<WorkerName>,
    }
    /// The cluster does not answer; nothing is concluded from that.
    Critical ClusterUnreachable {
        /// docker, kubernetes, simulated
        cluster: String,
        /// what it said
        error: String,
    }
    /// The cluster answers again.
    Info ClusterReachable {
        /// docker, kubernetes, simulated
        cluster: String,
        /// how long it did not, seconds
        duration: f64,
    }
    /// Redis could not be used for a while (reported when it is back).
    Critical StoreDegraded {
        /// what it said
        error: String,
        /// since when
        since: DateTime<Utc>,
    }
    /// Redis is back.
    Info StoreRestored {
        /// how long it was away, seconds
        duration: f64,
        /// events that happened meanwhile, kept and written now
        #[serde(default)]
        events_kept: u64,
        /// events that happened meanwhile and could not be kept or written
        #[serde(default)]
        events_dropped: u64,
    }
    /// Nothing is remembered (Redis came back empty), or the worker counter cannot be read: what runs is taken over as it is, nothing is
    /// deleted, and no name is given twice.
    Critical StateAdopted {
        /// how many workers were found
        workers: u32,
        /// `workers:counter` after it: no name is given twice
        worker_counter: u64,
        /// why nothing was remembered, as far as is known
        reason: String,
    }
    /// What stands in Redis is not what the leader wrote there: somebody changed it past windlass, or Redis evicted it. What is missing is
    /// written again; what was changed counts.
    Warning StateDrifted {
        /// what was missing and is written again: keys, or fields of keys, without the cluster's tag
        restored: Vec<String>,
        /// what is another and counts from now on: parts of the state
        accepted: Vec<String>,
    }
    /// A value under one of windlass's keys is not windlass's, is damaged, or comes from a newer windlass: it is moved aside, whole.
    Critical ValueQuarantined {
        /// where it stood
        key: String,
        /// the field or list entry, where it is only a part of the key
        field: Option<String>,
        /// where it stands now
        moved_to: String,
        /// what is wrong with it
        problem: String,
        /// what windlass does without it
        consequence: String,
    }
    /// A handler could not deal with an event after all its tries; the event is on the dead-letter stream.
    Critical EventDeadLettered {
        /// which handler
        handler: String,
        /// the event's id
        event: String,
        /// what it said
        error: String,
        /// how often it was tried
        tries: u32,
    }
    /// An operator gives a dead-lettered event to its handler again; no other handler sees it a second time.
    Info EventDeadLetterRetried {
        /// the dead letter
        entry: String,
        /// which handler
        handler: String,
        /// the event's id; empty where it cannot be read
        event: String,
        /// why
        reason: String,
    }
    /// An operator discards a dead-lettered event.
    Warning EventDeadLetterDropped {
        /// the dead letter
        entry: String,
        /// which handler
        handler: String,
        /// the event's id; empty where it cannot be read
        event: String,
        /// why
        reason: String,
    }
    /// An operator gives events of the log to one handler again; no other handler sees them a second time.
    Warning EventsReplayed {
        /// which handler
        handler: String,
        /// how many
        count: usize,
        /// when the first of them happened
        from: DateTime<Utc>,
        /// when the last of them happened
        to: DateTime<Utc>,
        /// why
        reason: String,
    }
    /// Entries were trimmed from the stream before a handler had dealt with them (see `max_stream_length`).
    Critical EventsLost {
        /// which handler
        handler: String,
        /// how many; null: some, and it is not known how many
        count: Option<u64>,
    }

    // ---- function pools (seed 001)
    /// A pool is kept that was not kept before, or its settings changed.
    Info PoolConfigured {
        /// which
        function: FunctionName,
        /// what its containers are made of
        image: String,
        /// at least so many containers
        min_containers: u32,
        /// at most so many
        max_containers: u32,
    }
    /// A pool is no longer kept: it left the configuration, and its containers are gone.
    Info PoolRemoved {
        /// which
        function: FunctionName,
        /// why
        reason: String,
    }
    /// Containers were added to a pool.
    Info PoolScaledUp {
        /// which
        function: FunctionName,
        /// containers before
        previous_containers: u32,
        /// containers now
        new_containers: u32,
        /// the new ones' names
        container_names: Vec<String>,
        /// all_overloaded, below_minimum, demand, adopted (it ran, and was not remembered), or why an operator wanted it
        reason: String,
    }
    /// Containers of a pool were taken away.
    Info PoolScaledDown {
        /// which
        function: FunctionName,
        /// containers before
        previous_containers: u32,
        /// containers now
        new_containers: u32,
        /// the names of those that went
        container_names: Vec<String>,
        /// idle, above_maximum, drained, or why an operator wanted it
        reason: String,
    }
    /// A container of a pool gets no more calls. A drained one goes when it idles; one that a command takes away goes at once.
    Info PoolContainerDraining {
        /// which
        function: FunctionName,
        /// its name
        container: String,
        /// why
        reason: String,
    }
    /// A container of a pool could not be made or removed; it is tried again later and later.
    Warning PoolScalingFailed {
        /// which
        function: FunctionName,
        /// scale_up or scale_down
        action: Direction,
        /// what was said
        error: String,
        /// when it is tried again
        retry_at: DateTime<Utc>,
    }
    /// A container of a pool disappeared without windlass's doing.
    Warning PoolContainerLost {
        /// which
        function: FunctionName,
        /// its name
        container: String,
        /// container_removed or container_exited
        cause: String,
    }
    /// Every container of a pool is overloaded and the pool is at its maximum.
    Warning PoolSaturated {
        /// which
        function: FunctionName,
        /// containers now
        containers: u32,
        /// the maximum
        max_containers: u32,
    }
    /// A saturated pool has a container again that is not overloaded, or room for another.
    Info PoolSaturationEnded {
        /// which
        function: FunctionName,
        /// how long it lasted, seconds
        duration: f64,
    }
    /// What is remembered of the pools was compared with the runtime after a start.
    Info PoolsRecovered {
        /// pools that are kept
        pools: u32,
        /// their containers
        containers: u32,
        /// containers that were remembered and are gone
        gone: u32,
        /// containers that run and were not remembered
        adopted: u32,
        /// how long it took, seconds
        duration: f64,
    }
    /// The runtime does not answer: the pools stay as they are remembered, unverified.
    Warning PoolsUnverified {
        /// pools
        pools: u32,
        /// what it said
        error: String,
    }
}
