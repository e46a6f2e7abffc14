//! Situations, made in a line.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::config::AutoscalerConfig;
use crate::model::{
    Actor, Condition, ConditionKey, ContainerId, ContainerState, Direction, Health, Hold, Observation, ObservedWorker,
    Operation, OperationRecord, OperationWorker, Origin, Outcome, PendingPods, State, Step, Worker, WorkerKind,
    WorkerName, WorkerStatus,
};
use crate::policy::Situation;

pub fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub fn name(number: u64) -> WorkerName {
    WorkerName::numbered("w", number).unwrap()
}

/// A situation that can be changed field by field.
#[derive(Debug, Clone)]
pub struct Scene {
    pub state: State,
    pub observation: Option<Observation>,
    pub rules: AutoscalerConfig,
    pub now: DateTime<Utc>,
}

impl Scene {
    /// `count` ready dynamic workers, the later ones younger, at this CPU and memory; limits 2 to 6.
    pub fn new(count: u64, cpu: Option<f64>, memory: Option<f64>) -> Self {
        let now = noon();
        let mut state = State { worker_counter: count, ..State::default() };
        let mut workers = BTreeMap::new();
        for number in 1..=count {
            let created_at = now - TimeDelta::hours(10) + TimeDelta::minutes(i64::try_from(number).unwrap());
            let id = ContainerId(format!("{number:064}"));
            state.workers.insert(
                name(number),
                Worker {
                    name: name(number),
                    kind: WorkerKind::Dynamic,
                    status: WorkerStatus::Ready,
                    created_at,
                    container_id: id.clone(),
                    protected: None,
                    last_seen: created_at,
                },
            );
            workers.insert(
                name(number),
                ObservedWorker {
                    name: name(number),
                    container_id: id,
                    kind: WorkerKind::Dynamic,
                    created_at,
                    state: ContainerState::Running,
                    health: Health::Ready,
                    cpu_percent: cpu,
                    memory_percent: memory,
                    node: None,
                },
            );
        }
        let observation = Observation { at: now, workers, pending: None, nodes: None };
        Self { state, observation: Some(observation), rules: AutoscalerConfig::default(), now }
    }

    pub fn low_since(mut self, seconds: i64) -> Self {
        let condition = Condition {
            since: self.now - TimeDelta::seconds(seconds),
            last_seen: self.now,
            event: Some(Uuid::nil()),
            reported_at: Some(self.now),
            detail: String::new(),
        };
        self.state.conditions.insert(ConditionKey::Underutilized, condition);
        self
    }

    pub fn cooling(mut self, direction: Direction, seconds: i64) -> Self {
        *self.state.cooldowns.get_mut(direction) = Some(self.now + TimeDelta::seconds(seconds));
        self
    }

    pub fn held(mut self, direction: Direction) -> Self {
        *self.state.holds.get_mut(direction) = Some(Hold {
            direction,
            until: self.now + TimeDelta::minutes(30),
            actor: Actor::Person("anna".to_owned()),
            reason: "deploy".to_owned(),
            placed_at: self.now,
        });
        self
    }

    pub fn pending(mut self, count: u32, workers_needed: u32) -> Self {
        if let Some(seen) = &mut self.observation {
            seen.pending =
                Some(PendingPods { count, waiting_seconds: 10.0, deployments: vec!["app".to_owned()], workers_needed });
        }
        self
    }

    pub fn permanent(mut self, number: u64) -> Self {
        self.state.permanent.push(name(number));
        self.state.workers.get_mut(&name(number)).unwrap().kind = WorkerKind::Permanent;
        self
    }

    pub fn unhealthy(mut self, number: u64) -> Self {
        self.observation.as_mut().unwrap().workers.get_mut(&name(number)).unwrap().health = Health::Unhealthy;
        self
    }

    /// A scale-up that was decided and not started.
    pub fn scaling_up(mut self, count: u32) -> Self {
        let operation = self.operation(Direction::Up, count);
        self.state.operations.insert(operation.id, operation);
        self
    }

    /// A scale-up of which these workers of the state have come so far.
    pub fn starting(mut self, step: Step, numbers: &[u64]) -> Self {
        self.working(Direction::Up, step, numbers);
        self
    }

    /// A scale-down that takes these workers.
    pub fn scaling_down(mut self, numbers: &[u64]) -> Self {
        self.working(Direction::Down, Step::Chosen, numbers);
        self
    }

    /// Operations of a direction that ended, the latest now and the others before it.
    pub fn ended(mut self, direction: Direction, outcomes: &[Outcome]) -> Self {
        for outcome in outcomes {
            let operation = self.operation(direction, 1);
            let record = OperationRecord { operation, outcome: *outcome, ended_at: self.now, error: None };
            self.state.operation_history.push_front(record);
        }
        self
    }

    fn working(&mut self, direction: Direction, step: Step, numbers: &[u64]) {
        let mut operation = self.operation(direction, u32::try_from(numbers.len()).unwrap());
        let worker = |number: &u64| OperationWorker::at(name(*number), step, self.now, operation.id);
        operation.workers = numbers.iter().map(worker).collect();
        operation.started_by = Some(operation.id);
        self.state.operations.insert(operation.id, operation);
    }

    fn operation(&self, direction: Direction, count: u32) -> Operation {
        let number = self.state.operations.len() + self.state.operation_history.len();
        let id = Uuid::from_u128(7 + u128::try_from(number).unwrap());
        Operation {
            id,
            direction,
            origin: Origin::Rules,
            actor: Actor::Engine,
            reason: "test".to_owned(),
            count,
            workers: Vec::new(),
            previous_workers: self.state.worker_count(),
            decided_at: self.now,
            decided_by: id,
            started_by: None,
            rolling_back: false,
        }
    }

    pub fn situation(&self) -> Situation<'_> {
        Situation {
            state: &self.state,
            observation: self.observation.as_ref(),
            rules: &self.rules,
            remembered: true,
            now: self.now,
        }
    }
}
