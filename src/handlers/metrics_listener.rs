//! Turns observations into events: edges, not levels. A condition that lasts is one event when it starts, one when it ends, and a
//! reminder in between.

use std::time::Duration;

use super::{Because, Draft, Handler, HandlerError, World};
use crate::clock;
use crate::config::HandlerName;
use crate::model::event::{
    NodeHealthDegraded, NodeHealthRestored, OptimalStateEnded, OptimalStateTrigger, PendingPodsCleared,
    PendingPodsDetected, ResourcePressureAlert, ResourcePressureEnded, UnderutilizationEnded, UnderutilizationWarning,
};
use crate::model::{
    Change, Condition, ConditionKey, ContainerState, Event, EventData, EventType, Health, Observation, WorkerName,
    WorkerStatus, fold,
};
use crate::policy::conditions;

/// See the module.
pub struct MetricsListener;

impl Handler for MetricsListener {
    fn name(&self) -> &'static str {
        HandlerName::MetricsListener.name()
    }

    fn subscribes(&self) -> &'static [EventType] {
        &[]
    }

    fn on_event(&self, _: &Event, _: &World<'_>, _: &mut Draft) -> Result<(), HandlerError> {
        Ok(())
    }

    fn on_observation(&self, seen: &Observation, world: &World<'_>, draft: &mut Draft) {
        draft.note(Change::RecordObservation(Box::new(seen.clone())));
        pressure(seen, world, draft);
        pending(seen, world, draft);
        underutilization(seen, world, draft);
        optimal(seen, world, draft);
        health(seen, world, draft);
    }
}

/// What a condition does at this look: `holds` is `None` where that is unknown, and then nothing is concluded.
struct Edge<'a> {
    key: ConditionKey,
    holds: Option<bool>,
    /// How long it must last before it is reported.
    after: Duration,
    world: &'a World<'a>,
}

impl Edge<'_> {
    fn step(
        self,
        draft: &mut Draft,
        starts: impl FnOnce(&Condition, &Draft) -> EventData,
        ends: impl FnOnce(&Condition, &Draft) -> Option<EventData>,
    ) {
        let now = draft.now();
        let rules = &self.world.config.autoscaler;
        let known = draft.state().conditions.get(&self.key).cloned();
        match (self.holds, known) {
            (None, _) | (Some(false), None) => {}
            (Some(false), Some(known)) => match ends(&known, draft).filter(|_| known.event.is_some()) {
                Some(end) => {
                    draft.emit(end, Because::of(known.event));
                }
                None => draft.end(&self.key),
            },
            (Some(true), known) => {
                let condition = fold::seen(known.as_ref(), now, conditions::longest_break(rules));
                let lasted = clock::between(condition.since, now) >= self.after;
                let reminder = rules.events.reminder_interval.get();
                let due = match condition.reported_at {
                    None => lasted,
                    Some(at) => clock::between(at, now) >= reminder,
                };
                let cause = condition.event;
                draft.note(Change::PutCondition(self.key, condition.clone()));
                if due {
                    let start = starts(&condition, draft);
                    draft.emit(start, Because::of(cause));
                }
            }
        }
    }
}

fn pressure(seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    let rules = &world.config.autoscaler;
    let high = !conditions::pressure(seen, &rules.thresholds).is_empty();
    // What is high is known to be; that nothing is high is known only where both are.
    let known = high || (seen.cpu_avg().is_some() && seen.memory_avg().is_some());
    let edge =
        Edge { key: ConditionKey::Pressure, holds: known.then_some(high), after: rules.windows.pressure.get(), world };
    let (cpu_avg, memory_avg) = (seen.cpu_avg(), seen.memory_avg());
    edge.step(
        draft,
        |_, draft| {
            ResourcePressureAlert {
                cpu_avg,
                memory_avg,
                workers: draft.state().worker_count(),
                max_workers: rules.limits.max_nodes,
            }
            .into()
        },
        |known, draft| Some(ResourcePressureEnded { cpu_avg, memory_avg, duration: lasted(known, draft) }.into()),
    );
}

fn pending(seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    let threshold = world.config.autoscaler.thresholds.pending_pods;
    let edge = Edge {
        key: ConditionKey::PendingPods,
        holds: seen.pending.as_ref().map(|pending| pending.count >= threshold),
        after: Duration::ZERO,
        world,
    };
    let pending = seen.pending.clone();
    edge.step(
        draft,
        |_, _| {
            let pending = pending.unwrap_or(crate::model::PendingPods {
                count: 0,
                waiting_seconds: 0.0,
                deployments: Vec::new(),
                workers_needed: 0,
            });
            PendingPodsDetected {
                pending_count: pending.count,
                waiting_time: pending.waiting_seconds,
                affected_deployments: pending.deployments,
                workers_needed: pending.workers_needed,
            }
            .into()
        },
        |known, draft| Some(PendingPodsCleared { duration: lasted(known, draft) }.into()),
    );
}

fn is_low(seen: &Observation, world: &World<'_>) -> Option<bool> {
    let known = seen.cpu_avg().is_some() && seen.memory_avg().is_some();
    known.then(|| conditions::is_low(seen, &world.config.autoscaler.thresholds))
}

fn underutilization(seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    let rules = &world.config.autoscaler;
    let workers = draft.state().worker_count();
    let edge = Edge {
        key: ConditionKey::Underutilized,
        holds: is_low(seen, world).map(|low| low && workers > rules.limits.min_nodes),
        after: rules.windows.underutilization.get(),
        world,
    };
    let (cpu_avg, memory_avg) = (seen.cpu_avg(), seen.memory_avg());
    edge.step(
        draft,
        |known, draft| {
            let duration = lasted(known, draft);
            UnderutilizationWarning { workers, min_workers: rules.limits.min_nodes, cpu_avg, memory_avg, duration }
                .into()
        },
        |known, draft| {
            Some(UnderutilizationEnded { workers, cpu_avg, memory_avg, duration: lasted(known, draft) }.into())
        },
    );
}

fn optimal(seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    let rules = &world.config.autoscaler;
    let workers = draft.state().worker_count();
    let edge = Edge {
        key: ConditionKey::Optimal,
        holds: is_low(seen, world).map(|low| low && workers == rules.limits.min_nodes && workers > 0),
        after: Duration::ZERO,
        world,
    };
    let (cpu_avg, memory_avg) = (seen.cpu_avg(), seen.memory_avg());
    edge.step(
        draft,
        |_, _| {
            OptimalStateTrigger {
                active: true,
                current_workers: workers,
                min_workers: rules.limits.min_nodes,
                cpu_avg,
                memory_avg,
            }
            .into()
        },
        |known, draft| {
            Some(
                OptimalStateEnded {
                    current_workers: workers,
                    min_workers: rules.limits.min_nodes,
                    since: known.since,
                    duration: lasted(known, draft),
                }
                .into(),
            )
        },
    );
}

fn health(seen: &Observation, world: &World<'_>, draft: &mut Draft) {
    let judged: Vec<(WorkerName, bool, &'static str)> = seen
        .alive()
        .filter(|container| {
            draft
                .state()
                .workers
                .get(&container.name)
                .is_some_and(|worker| matches!(worker.status, WorkerStatus::Ready | WorkerStatus::Unhealthy))
        })
        .map(|container| {
            let status = match (&container.state, container.health) {
                (ContainerState::Paused, _) => "Paused",
                (ContainerState::Restarting, _) => "Restarting",
                (_, Health::Unhealthy) => "NotReady",
                _ => "",
            };
            (container.name.clone(), !status.is_empty(), status)
        })
        .collect();
    for (name, degraded, status) in judged {
        let edge =
            Edge { key: ConditionKey::Unhealthy(name.clone()), holds: Some(degraded), after: Duration::ZERO, world };
        edge.step(
            draft,
            |_, draft| {
                NodeHealthDegraded { node_name: name.clone(), status: status.to_owned(), last_check: draft.now() }
                    .into()
            },
            |known, draft| Some(NodeHealthRestored { node_name: name.clone(), duration: lasted(known, draft) }.into()),
        );
    }
}

fn lasted(known: &Condition, draft: &Draft) -> f64 {
    clock::between(known.since, draft.now()).as_secs_f64()
}
