//! A sentence for every event. The timeline, the toasts, `windlass events`, `windlass why` and the webhooks all say
//! the same.

use crate::model::event::StateDrifted;
use crate::model::words as format;
use crate::model::{EventData, FunctionName, WorkerName};

/// What happened, in one line without a final stop. The most telling words come first: the end may be cut off on a narrow screen.
#[must_use]
#[allow(clippy::too_many_lines, reason = "one line per kind of event: a table, not a procedure")]
pub fn describe(data: &EventData) -> String {
    use EventData as E;
    match data {
        E::OptimalStateTrigger(d) if !d.active => {
            format!("the minimum of {} is the next stop: {}", d.min_workers, load(d.cpu_avg, d.memory_avg))
        }
        E::OptimalStateTrigger(d) => {
            format!("at the minimum of {} and idle: {}", d.min_workers, load(d.cpu_avg, d.memory_avg))
        }
        E::OptimalStateEnded(d) => {
            let workers = number(d.current_workers, "worker");
            format!("no longer at the minimum and idle, after {}: {workers}", format::seconds(d.duration))
        }
        E::ScalingActionCompleted(d) => {
            let (before, after) = (d.previous_workers, d.new_workers);
            format!("scaled {} {before} → {after} in {}", d.action, format::seconds(d.duration))
        }
        E::ClusterStateSynced(d) => {
            let nodes = d.k8s_nodes.map_or_else(String::new, |nodes| format!(", {}", number(nodes, "node")));
            format!("in sync: {}, {}{nodes}", number(d.db_workers, "worker"), number(d.docker_containers, "container"))
        }
        E::UnderutilizationWarning(d) => {
            let lasted = format::seconds(d.duration);
            format!(
                "idle for {lasted}: {}, {} workers (min {})",
                load(d.cpu_avg, d.memory_avg),
                d.workers,
                d.min_workers
            )
        }
        E::UnderutilizationEnded(d) => {
            format!("no longer idle after {}: {}", format::seconds(d.duration), load(d.cpu_avg, d.memory_avg))
        }
        E::ResourcePressureAlert(d) => {
            format!("pressure: {}, {} workers (max {})", load(d.cpu_avg, d.memory_avg), d.workers, d.max_workers)
        }
        E::ResourcePressureEnded(d) => {
            format!("pressure over after {}: {}", format::seconds(d.duration), load(d.cpu_avg, d.memory_avg))
        }
        E::PendingPodsDetected(d) => {
            let from = if d.affected_deployments.is_empty() {
                String::new()
            } else {
                format!(" of {}", d.affected_deployments.join(", "))
            };
            let (pods, need) = (number(d.pending_count, "pod"), number(d.workers_needed, "worker"));
            format!("{pods} pending{from} for {}, need {need}", format::seconds(d.waiting_time))
        }
        E::PendingPodsCleared(d) => format!("no pod pending any more, after {}", format::seconds(d.duration)),
        E::NodeHealthDegraded(d) => format!("{} is {}", d.node_name, d.status),
        E::NodeHealthRestored(d) => {
            format!("{} is healthy again after {}", d.node_name, format::seconds(d.duration))
        }
        E::NodeUnexpectedlyLost(d) => {
            let code = d.exit_code.map_or_else(String::new, |code| format!(" with code {code}"));
            let others =
                if d.lost_together > 1 { format!(", {} lost together", d.lost_together) } else { String::new() };
            format!("{} lost: {}{code}{others}", d.node_name, spaced(&d.cause))
        }
        E::NodeAdopted(d) => format!("{} found and taken over as {}", d.node_name, d.kind),
        E::NodeCreated(d) => format!("{} created, {}, container {}", d.node_name, d.kind, d.container_id),
        E::NodeReady(d) => format!("{} ready after {}", d.node_name, format::seconds(d.duration)),
        E::NodeDrained(d) => match d.evicted_pods {
            Some(pods) => format!("{} is empty, {} evicted", d.node_name, number(pods, "pod")),
            None => format!("{} is empty", d.node_name),
        },
        E::NodeRemoved(d) => format!("{} removed: {}", d.node_name, spaced(&d.reason)),
        E::MinimumNodesViolation(d) => {
            format!("{}, at least {} wanted", number(d.current_workers, "worker"), d.min_workers)
        }
        E::AutoScaleUpToMinimum(d) => {
            format!("restoring the minimum of {}: adding {}", d.min_workers, number(d.scale_up_count, "worker"))
        }
        E::MinimumNodesRestored(d) => {
            format!("minimum of {} restored: {}", d.min_workers, number(d.current_workers, "worker"))
        }
        E::EmergencyScaleUp(d) => {
            let (lost, left) = (number(d.lost_count, "worker"), d.remaining_workers);
            format!("{lost} lost together, {left} left: adding {}", d.emergency_scale)
        }
        E::ScaleUpDecision(d) => {
            format!("{}scale up {} → {}: {}", would(d.dry_run), d.current_workers, d.target_workers, d.reason)
        }
        E::ScaleDownDecision(d) => {
            let (before, after) = (d.current_workers, d.target_workers);
            format!("{}scale down {before} → {after}, {}: {}", would(d.dry_run), names(&d.node_names), d.reason)
        }
        E::ScaleDownBlocked(d) => format!("scale down blocked by {}: {}", spaced(&d.reason), d.detail),
        E::ScaleUpBlocked(d) => format!("scale up blocked by {}: {}", spaced(&d.reason), d.detail),
        E::ScaleUpStarted(d) => format!("making {}", names(&d.node_names)),
        E::ScaleDownStarted(d) => format!("draining {}", names(&d.node_names)),
        E::ScalingActionFailed(d) => {
            let (before, after) = (d.previous_workers, d.new_workers);
            format!("scaling {} failed ({before} → {after}): {}", d.action, d.reason)
        }
        E::NodeFailed(d) => {
            let what = if d.kept { "spared" } else { "undone" };
            format!("{} {what}: {}", d.node_name, d.reason)
        }
        E::CooldownStarted(d) => format!("scale {} cools down for {}", d.direction, format::seconds(d.duration)),
        E::CooldownEnded(d) => format!("scale {} may run again", d.direction),
        E::HoldPlaced(d) => {
            format!("scale {} held until {} UTC: {}", d.direction, d.until.format("%H:%M"), d.reason)
        }
        E::HoldReleased(d) => format!("hold on scale {} released: {}", d.direction, d.reason),
        E::HoldExpired(d) => format!("hold on scale {} by {} has ended", d.direction, d.placed_by),
        E::CommandRefused(d) => format!("{} refused ({}): {}", d.command, spaced(&d.reason), d.detail),
        E::WorkerProtected(d) => format!("{} protected: {}", d.node_name, d.reason),
        E::WorkerUnprotected(d) => format!("{} no longer protected: {}", d.node_name, d.reason),
        E::ReconcileRequested(d) => format!("comparison of state and cluster asked for: {}", d.reason),
        E::LeaderElected(d) => format!("{} leads, epoch {}", d.replica, d.epoch),
        E::PermanentWorkersChanged(d) => format!("permanent workers are now {}", names(&d.node_names)),
        E::ClusterUnreachable(d) => format!("{} does not answer: {}", d.cluster, d.error),
        E::ClusterReachable(d) => format!("{} answers again after {}", d.cluster, format::seconds(d.duration)),
        E::StoreDegraded(d) => format!("Redis was unusable from {} UTC: {}", d.since.format("%H:%M:%S"), d.error),
        E::StoreRestored(d) => {
            let kept = if d.events_kept > 0 {
                format!(", {} written now", number(u32::try_from(d.events_kept).unwrap_or(u32::MAX), "event"))
            } else {
                String::new()
            };
            let lost = if d.events_dropped > 0 {
                format!(", {} more could not be kept", d.events_dropped)
            } else {
                String::new()
            };
            format!("Redis is back after {}{kept}{lost}", format::seconds(d.duration))
        }
        E::StateAdopted(d) => {
            format!(
                "{} taken over from the cluster, numbers go on after {}: {}",
                number(d.workers, "worker"),
                d.worker_counter,
                d.reason
            )
        }
        E::StateDrifted(d) => drifted(d),
        E::ValueQuarantined(d) => {
            let field = d.field.as_ref().map_or_else(String::new, |field| format!(" {field}"));
            format!("{}{field} cannot be read and is moved to {}: {}; {}", d.key, d.moved_to, d.problem, d.consequence)
        }
        E::NodeRegistered(d) => format!("{} runs and has registered", d.node_name),
        E::NodeRemovalConfirmed(d) => format!("{} is confirmed to be gone", d.node_name),
        E::OperationResumed(d) => {
            let how = if d.resolution == "roll_back" { "is rolled back" } else { "is finished" };
            format!("a {} that another leader left {how}: {}", d.action, d.steps.join(", "))
        }
        E::PoolConfigured(d) => {
            let (min, max) = (d.min_containers, d.max_containers);
            format!("pool {} is kept: {min} to {max} containers of {}", d.function, d.image)
        }
        E::PoolRemoved(d) => format!("pool {} is no longer kept: {}", d.function, spaced(&d.reason)),
        E::PoolScaledUp(d) => pool_scaled("up", &d.function, d.previous_containers, d.new_containers, &d.reason),
        E::PoolScaledDown(d) => pool_scaled("down", &d.function, d.previous_containers, d.new_containers, &d.reason),
        E::PoolContainerDraining(d) => {
            format!("{} of pool {} gets no more calls: {}", d.container, d.function, d.reason)
        }
        E::PoolScalingFailed(d) => format!("pool {} could not {}: {}", d.function, d.action, d.error),
        E::PoolContainerLost(d) => format!("{} of pool {} lost: {}", d.container, d.function, spaced(&d.cause)),
        E::PoolSaturated(d) => {
            format!("pool {} is saturated: all {} overloaded (max {})", d.function, d.containers, d.max_containers)
        }
        E::PoolSaturationEnded(d) => {
            format!("pool {} is no longer saturated, after {}", d.function, format::seconds(d.duration))
        }
        E::PoolsRecovered(d) => {
            let (pools, containers) = (number(d.pools, "pool"), number(d.containers, "container"));
            format!("{pools} with {containers} recovered: {} gone, {} adopted", d.gone, d.adopted)
        }
        E::PoolsUnverified(d) => format!("{} unverified: {}", number(d.pools, "pool"), d.error),
        E::EventDeadLettered(d) => {
            let tries = if d.tries == 1 { "1 try".to_owned() } else { format!("{} tries", d.tries) };
            format!("{} gave up after {tries}: {}", d.handler, d.error)
        }
        E::EventDeadLetterRetried(d) => format!("dead letter given to {} again: {}", d.handler, d.reason),
        E::EventDeadLetterDropped(d) => format!("dead letter of {} dropped: {}", d.handler, d.reason),
        E::EventsReplayed(d) => {
            let (from, to) = (d.from.format("%H:%M:%S"), d.to.format("%H:%M:%S"));
            let count = format::plural(d.count as u64, "event");
            format!("{count} of {from} to {to} UTC given to {} again: {}", d.handler, d.reason)
        }
        E::EventsLost(d) => {
            let count = d.count.map_or_else(|| "events".to_owned(), |count| format::plural(count, "event"));
            format!("{count} trimmed before {} had dealt with them", d.handler)
        }
    }
}

/// The workers an event names.
#[must_use]
pub fn workers_of(data: &EventData) -> &[WorkerName] {
    use std::slice::from_ref;

    use EventData as E;
    match data {
        E::NodeHealthDegraded(d) => from_ref(&d.node_name),
        E::NodeHealthRestored(d) => from_ref(&d.node_name),
        E::NodeUnexpectedlyLost(d) => from_ref(&d.node_name),
        E::NodeAdopted(d) => from_ref(&d.node_name),
        E::NodeCreated(d) => from_ref(&d.node_name),
        E::NodeRegistered(d) => from_ref(&d.node_name),
        E::NodeReady(d) => from_ref(&d.node_name),
        E::NodeRemovalConfirmed(d) => from_ref(&d.node_name),
        E::NodeDrained(d) => from_ref(&d.node_name),
        E::NodeRemoved(d) => from_ref(&d.node_name),
        E::NodeFailed(d) => from_ref(&d.node_name),
        E::WorkerProtected(d) => from_ref(&d.node_name),
        E::WorkerUnprotected(d) => from_ref(&d.node_name),
        E::ScaleDownDecision(d) => &d.node_names,
        E::ScaleUpStarted(d) => &d.node_names,
        E::ScaleDownStarted(d) => &d.node_names,
        E::ScalingActionFailed(d) => &d.rolled_back,
        E::PermanentWorkersChanged(d) => &d.node_names,
        _ => &[],
    }
}

/// A decision of a dry run is one that is not carried out.
const fn would(dry_run: bool) -> &'static str {
    if dry_run { "would " } else { "" }
}

fn load(cpu: Option<f64>, memory: Option<f64>) -> String {
    let known = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.0}%"));
    format!("cpu {}, mem {}", known(cpu), known(memory))
}

fn number(value: u32, noun: &str) -> String {
    format::plural(u64::from(value), noun)
}

fn pool_scaled(direction: &str, function: &FunctionName, before: u32, after: u32, reason: &str) -> String {
    format!("pool {function} scaled {direction} {before} → {after}: {}", spaced(reason))
}

fn names(names: &[WorkerName]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => one.to_string(),
        [one, two] => format!("{one}, {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

fn spaced(key: &str) -> String {
    key.replace('_', " ")
}

fn drifted(data: &StateDrifted) -> String {
    let restored = || format!("{} missing in Redis, written again", data.restored.join(", "));
    let accepted = || format!("{} changed past windlass, counts from now on", data.accepted.join(", "));
    match (data.restored.is_empty(), data.accepted.is_empty()) {
        (false, true) => restored(),
        (true, _) => accepted(),
        (false, false) => format!("{}; {}", restored(), accepted()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::event::{EventDeadLettered, NodeUnexpectedlyLost, ResourcePressureAlert, ScaleDownDecision};
    use crate::model::{ContainerId, EventType, Origin};

    /// An event of a type, its fields filled in by their names.
    fn filled(event_type: EventType) -> EventData {
        let value = |name: &str| match name {
            "action" | "direction" => json!("scale_down"),
            "node_name" => json!("w-1"),
            "node_names" | "rolled_back" | "affected_deployments" => json!(["w-1"]),
            "origin" => json!("rules"),
            "kind" => json!("permanent"),
            "active" | "enforcement" | "kept" | "dry_run" => json!(true),
            "last_sync" | "last_check" | "last_seen" | "created_at" | "until" | "since" | "violation_time"
            | "restore_time" | "from" | "to" | "retry_at" | "decided_at" => json!("2026-03-14T09:26:53Z"),
            "function" => json!("hello"),
            "container_names" | "steps" | "restored" | "accepted" => json!(["hello-1"]),
            "key" | "field" | "moved_to" | "problem" | "consequence" | "resolution" | "container" | "image" => {
                json!("in_words")
            }
            "status" | "cause" | "reason" | "detail" | "placed_by" | "command" | "replica" | "cluster" | "error"
            | "handler" | "event" | "entry" | "container_id" => json!("in_words"),
            _ => json!(3),
        };
        let data: serde_json::Map<_, _> =
            event_type.fields().iter().map(|(name, _)| ((*name).to_owned(), value(name))).collect();
        serde_json::from_value(json!({"event_type": event_type.name(), "data": data}))
            .unwrap_or_else(|error| panic!("{event_type}: {error}; a new field needs a value above"))
    }

    #[test]
    fn every_event_has_a_sentence_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for event_type in EventType::ALL {
            let sentence = describe(&filled(*event_type));
            assert!(
                sentence.len() > 5 && !sentence.contains('\n') && !sentence.ends_with('.'),
                "{event_type}: {sentence:?}"
            );
            assert!(seen.insert(sentence.clone()), "{event_type} says what another type says: {sentence:?}");
        }
    }

    #[test]
    fn every_event_that_names_workers_is_found_by_them() {
        for event_type in EventType::ALL {
            let names =
                event_type.fields().iter().any(|(name, _)| matches!(*name, "node_name" | "node_names" | "rolled_back"));
            assert_eq!(workers_of(&filled(*event_type)) == [worker(1)], names, "{event_type}");
        }
    }

    fn worker(number: u64) -> WorkerName {
        WorkerName::numbered("w", number).unwrap()
    }

    #[test]
    fn unknown_load_is_said_and_not_zero() {
        let data = ResourcePressureAlert { cpu_avg: None, memory_avg: Some(91.4), workers: 3, max_workers: 6 };
        assert_eq!(describe(&data.into()), "pressure: cpu unknown, mem 91%, 3 workers (max 6)");
    }

    #[test]
    fn a_loss_names_worker_cause_and_code() {
        let data = NodeUnexpectedlyLost {
            node_name: worker(3),
            last_seen: chrono::DateTime::UNIX_EPOCH,
            cause: "container_exited".to_owned(),
            exit_code: Some(137),
            lost_together: 1,
            container_id: ContainerId("abc".to_owned()),
        };
        let data = EventData::from(data);
        assert_eq!(describe(&data), "w-3 lost: container exited with code 137");
        assert_eq!(workers_of(&data), [worker(3)]);
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        let data = ScaleDownDecision {
            node_names: (1..=4).map(worker).collect(),
            current_workers: 6,
            target_workers: 2,
            origin: Origin::Operator,
            reason: "night".to_owned(),
            dry_run: false,
        };
        assert_eq!(describe(&data.into()), "scale down 6 → 2, w-1, w-2 and 2 more: night");
    }

    #[test]
    fn one_try_many_tries() {
        let dead =
            |tries| EventDeadLettered { handler: "NodeManager".into(), event: "x".into(), error: "no".into(), tries };
        assert_eq!(describe(&dead(1).into()), "NodeManager gave up after 1 try: no");
        assert_eq!(describe(&dead(5).into()), "NodeManager gave up after 5 tries: no");
    }
}
