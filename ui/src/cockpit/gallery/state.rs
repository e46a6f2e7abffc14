//! What is remembered: workers, cooldowns, a hold, an operation under way and some that have ended.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use windlass::model::{
    Actor, Direction, Hold, Operation, OperationRecord, OperationWorker, Origin, Outcome, State, Step,
};

use super::story::Told;
use super::workers::workers;
use super::{ago, name};

pub fn state(now: DateTime<Utc>, told: Told) -> State {
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
    let operation = told.running;
    let running = Operation {
        id: operation,
        direction: Direction::Up,
        origin: Origin::Rules,
        actor: Actor::Engine,
        reason: "7 pods pending".to_owned(),
        count: 2,
        workers: vec![
            OperationWorker::at(name("k3s-worker-9"), Step::Created, ago(now, 24), operation),
            OperationWorker::at(name("k3s-worker-10"), Step::Allocated, ago(now, 26), operation),
        ],
        previous_workers: 6,
        decided_at: ago(now, 26),
        decided_by: operation,
        started_by: Some(told.started_by),
        rolling_back: false,
    };
    state.operation_history = history(now, &running, told.restored);
    state.operations.insert(operation, running);
    state
}

fn history(now: DateTime<Utc>, like: &Operation, restored: Uuid) -> VecDeque<OperationRecord> {
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
    let mut minimum = record(5389, 11, Direction::Up, 1, None, "minimum violation", None);
    minimum.operation.id = restored;
    minimum.operation.origin = Origin::Minimum;
    [
        record(1790, 22, Direction::Up, 1, Some("ben"), "load test", None),
        record(3605, 61, Direction::Down, 1, None, "CPU and memory low", Some("eviction refused: budget of checkout")),
        minimum,
        record(9_840, 48, Direction::Down, 2, None, "CPU and memory low for 5m03s", None),
    ]
    .into()
}
