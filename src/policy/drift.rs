//! What stands in Redis held against what the leader wrote there: what is missing is written again, what was changed counts.
//!
//! A server that evicts keys (`maxmemory-policy allkeys-*`) or a hand that deletes them must not end a cooldown, a hold or a protection:
//! there are commands for that, and they leave an event. A value that somebody has put there and that can be read is what a restart would
//! read as well.

use crate::model::parts::differences;
use crate::model::{Change, Direction, State};

/// Where Redis and the leader's memory differ.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drift {
    /// What is missing in Redis, by its key (or key and field) without the cluster's tag, and the change that writes it again.
    pub missing: Vec<(String, Change)>,
    /// The parts of the state that are another in Redis, once what is missing is back.
    pub changed: Vec<&'static str>,
}

/// Compares. Statistics and histories decide nothing: of them, what stands there counts.
#[must_use]
pub fn drift(written: &State, found: &State) -> Drift {
    if written == found {
        return Drift::default();
    }
    let missing = missing(written, found);
    let mut whole = found.clone();
    for (_, change) in &missing {
        whole.apply(change);
    }
    Drift { missing, changed: differences(written, &whole) }
}

fn missing(written: &State, found: &State) -> Vec<(String, Change)> {
    let workers = written.workers.iter().filter(|(name, _)| !found.workers.contains_key(*name));
    let workers = workers.map(|(name, worker)| (format!("workers:{name}"), Change::PutWorker(worker.clone())));
    let counter = (found.worker_counter < written.worker_counter)
        .then(|| ("workers:counter".to_owned(), Change::SetWorkerCounter(written.worker_counter)));
    let permanent = (found.permanent.is_empty() && !written.permanent.is_empty())
        .then(|| ("autoscaler:permanent_workers".to_owned(), Change::SetPermanent(written.permanent.clone())));
    let cooldowns = Direction::BOTH.into_iter().filter_map(|direction| {
        let until = written.cooldowns.get(direction).filter(|_| found.cooldowns.get(direction).is_none())?;
        Some((format!("cooldown:{}", direction.key()), Change::SetCooldown(direction, Some(until))))
    });
    let holds = Direction::BOTH.into_iter().filter_map(|direction| {
        let hold = written.holds.get(direction).as_ref().filter(|_| found.holds.get(direction).is_none())?;
        Some((format!("hold:{}", direction.key()), Change::PutHold(hold.clone())))
    });
    let operations = written.operations.values().filter(|operation| !found.operations.contains_key(&operation.id));
    let operations = operations.map(|operation| {
        (format!("async_scaling:active_operations {}", operation.id), Change::PutOperation(operation.clone()))
    });
    let conditions = written.conditions.iter().filter(|(key, _)| !found.conditions.contains_key(*key));
    let conditions = conditions
        .map(|(key, condition)| (format!("conditions {key}"), Change::PutCondition(key.clone(), condition.clone())));
    workers.chain(counter).chain(permanent).chain(cooldowns).chain(holds).chain(operations).chain(conditions).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::model::{Actor, Condition, ConditionKey, Hold, WorkerName};

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn hold(direction: Direction, reason: &str) -> Hold {
        let until = now() + TimeDelta::hours(1);
        Hold { direction, until, actor: Actor::Engine, reason: reason.to_owned(), placed_at: now() }
    }

    fn written() -> State {
        let mut state = State { worker_counter: 7, ..State::default() };
        state.permanent = vec!["k3s-worker-1".parse::<WorkerName>().unwrap()];
        for change in [
            Change::SetCooldown(Direction::Up, Some(now() + TimeDelta::minutes(5))),
            Change::PutHold(hold(Direction::Down, "maintenance")),
            Change::PutCondition(
                ConditionKey::Pressure,
                Condition { since: now(), last_seen: now(), event: None, reported_at: None, detail: String::new() },
            ),
            Change::CountViolation,
        ] {
            state.apply(&change);
        }
        state
    }

    #[test]
    fn the_same_is_no_drift() {
        assert_eq!(drift(&written(), &written()), Drift::default());
    }

    #[test]
    fn what_is_missing_is_written_again_and_gives_what_was_written() {
        let enforcer = written().enforcer;
        let found = State { enforcer, ..State::default() };
        let drift = drift(&written(), &found);
        let keys: Vec<_> = drift.missing.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "workers:counter",
                "autoscaler:permanent_workers",
                "cooldown:scale_up",
                "hold:scale_down",
                "conditions pressure"
            ]
        );
        assert!(drift.changed.is_empty(), "{drift:?}");
        let mut again = found;
        for (_, change) in &drift.missing {
            again.apply(change);
        }
        assert_eq!(again, written());
    }

    #[test]
    fn what_was_changed_counts() {
        let mut found = written();
        found.apply(&Change::PutHold(hold(Direction::Down, "by hand")));
        found.apply(&Change::PutHold(hold(Direction::Up, "by hand as well")));
        found.worker_counter = 9;
        let drift = drift(&written(), &found);
        assert!(drift.missing.is_empty(), "{drift:?}");
        assert_eq!(drift.changed, ["worker counter", "holds"]);
    }

    #[test]
    fn statistics_that_are_gone_are_named_and_left() {
        let mut found = written();
        found.enforcer.violations = 0;
        let drift = drift(&written(), &found);
        assert_eq!((drift.missing.len(), drift.changed), (0, vec!["minimum enforcement statistics"]));
    }
}
