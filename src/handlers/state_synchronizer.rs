//! Keeps the state and the cluster the same: notices what went, takes over what is there, and says when both agree.

use uuid::Uuid;

use super::{Because, Draft, Handler, HandlerError, World};
use crate::clock;
use crate::config::HandlerName;
use crate::model::event::{
    ClusterReachable, ClusterStateSynced, ClusterUnreachable, CooldownStarted, NodeAdopted, NodeUnexpectedlyLost,
    PermanentWorkersChanged, StateAdopted,
};
use crate::model::{Change, Condition, ConditionKey, Direction, Event, EventType, Observation, WorkerKind};
use crate::policy::reconcile::{self, Difference};

/// See the module.
pub struct StateSynchronizer;

impl Handler for StateSynchronizer {
    fn name(&self) -> &'static str {
        HandlerName::StateSynchronizer.name()
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[
            EventType::ScalingActionCompleted,
            EventType::ScalingActionFailed,
            EventType::MinimumNodesRestored,
            EventType::NodeAdopted,
            EventType::ReconcileRequested,
        ]
    }

    fn on_event(&self, event: &Event, _: &World<'_>, draft: &mut Draft) -> Result<(), HandlerError> {
        expect_sync(draft, event.event_id);
        Ok(())
    }

    fn on_observation(&self, seen: &Observation, world: &World<'_>, draft: &mut Draft) {
        reachable_again(world, draft);
        permanent_workers(world, draft);
        let difference = reconcile::difference(draft.state(), seen);
        if difference.is_empty() {
            synced(seen, world, draft);
        } else {
            adopt_the_world(&difference, seen, world, draft);
            take_over(&difference, world, draft);
        }
    }

    fn on_outage(&self, error: &str, world: &World<'_>, draft: &mut Draft) {
        if !draft.state().conditions.contains_key(&ConditionKey::Unreachable) {
            let cluster = world.config.cluster.kind.name().to_owned();
            draft.emit(ClusterUnreachable { cluster, error: error.to_owned() }, Because::default());
        }
    }
}

/// From now on agreement is news again; `cause` is what made it so.
fn expect_sync(draft: &mut Draft, cause: Uuid) {
    let now = draft.now();
    draft.note(Change::PutCondition(
        ConditionKey::Synced,
        Condition { since: now, last_seen: now, event: None, reported_at: None, detail: cause.to_string() },
    ));
}

fn reachable_again(world: &World<'_>, draft: &mut Draft) {
    if let Some(outage) = draft.state().conditions.get(&ConditionKey::Unreachable).cloned() {
        let duration = clock::between(outage.since, draft.now()).as_secs_f64();
        let cluster = world.config.cluster.kind.name().to_owned();
        draft.emit(ClusterReachable { cluster, duration }, Because::of(outage.event));
    }
}

fn permanent_workers(world: &World<'_>, draft: &mut Draft) {
    let configured = &world.config.workers.permanent;
    if configured != &draft.state().permanent {
        draft.emit(PermanentWorkersChanged { node_names: configured.clone() }, Because::default());
    }
}

/// What is wanted is at least the minimum: fewer workers are no agreement, however well they are remembered.
fn synced(seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    if draft.state().worker_count() < world.config.autoscaler.limits.min_nodes {
        return;
    }
    let known = draft.state().conditions.get(&ConditionKey::Synced);
    if !draft.state().operations.is_empty() || known.is_some_and(|known| known.event.is_some()) {
        return;
    }
    let cause = known.and_then(|known| known.detail.parse().ok());
    let data = ClusterStateSynced {
        k8s_nodes: seen.nodes,
        docker_containers: u32::try_from(seen.alive().count()).unwrap_or(u32::MAX),
        db_workers: draft.state().worker_count(),
        last_sync: draft.now(),
    };
    draft.emit(data, Because::of(cause));
}

/// Nothing is remembered, and workers run: Redis has lost its data, or windlass starts beside a cluster that was there before. Their
/// numbers are not given again, and nothing is scaled away before a full cooldown is over.
fn adopt_the_world(difference: &Difference, seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    if difference.found.is_empty() || !reconcile::remembers_nothing(draft.state()) {
        return;
    }
    let data = StateAdopted {
        workers: u32::try_from(difference.found.len()).unwrap_or(u32::MAX),
        worker_counter: reconcile::highest_number(&world.config.workers.name_prefix, draft.state(), Some(seen)),
        reason: "nothing is remembered of this cluster: Redis lost its data, or this is a first start".to_owned(),
    };
    let adopted = draft.emit(data, Because::default());
    let rest = world.config.autoscaler.cooldowns.scale_down;
    let until = clock::after(draft.now(), rest.get());
    let cooldown = CooldownStarted { direction: Direction::Down, until, duration: rest.as_secs_f64() };
    draft.emit(cooldown, Because::of(adopted));
}

fn take_over(difference: &Difference, world: &World<'_>, draft: &mut Draft) {
    let lost_together = u32::try_from(difference.lost.len()).unwrap_or(u32::MAX);
    for lost in &difference.lost {
        // The last look at which it was still there.
        let last_seen = world
            .previous
            .filter(|before| before.workers.contains_key(&lost.worker.name))
            .map_or(lost.worker.last_seen, |before| before.at.max(lost.worker.last_seen));
        let data = NodeUnexpectedlyLost {
            node_name: lost.worker.name.clone(),
            last_seen,
            cause: lost.cause.to_owned(),
            exit_code: lost.exit_code,
            container_id: lost.worker.container_id.clone(),
            lost_together,
        };
        let id = draft.emit(data, Because::default());
        expect_sync(draft, id);
    }
    for found in &difference.found {
        let permanent = world.config.workers.permanent.contains(&found.name);
        let data = NodeAdopted {
            node_name: found.name.clone(),
            container_id: found.container_id.clone(),
            kind: if permanent { WorkerKind::Permanent } else { found.kind },
            created_at: found.created_at,
        };
        draft.emit(data, Because::default());
    }
}
