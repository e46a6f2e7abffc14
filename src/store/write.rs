//! A change as Redis commands. Each is an assignment, a capped push or a count, so that the script can run them blindly.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::schema::{self, Kind, json};
use super::{Keys, StoreError};
use crate::model::pool::POOL_TTL;
use crate::model::state::HISTORY_LENGTH;
use crate::model::{Change, Worker};

/// Times in Redis: RFC 3339, UTC, with microseconds, so that what is read back is what was written.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Appends the commands of a change.
pub(super) fn commands(keys: &Keys, change: &Change, out: &mut Vec<Vec<String>>) -> Result<(), StoreError> {
    let mut push = |words: &[&str]| out.push(words.iter().map(|word| (*word).to_owned()).collect());
    match change {
        Change::PutWorker(worker) => put_worker(keys, worker, out)?,
        Change::RemoveWorker(name) => {
            push(&["DEL", &keys.worker(name), "hash"]);
            push(&["SREM", &keys.worker_names(), name.as_str()]);
        }
        Change::SetWorkerCounter(counter) => push(&["SET", &keys.worker_counter(), &counter.to_string()]),
        Change::SetPermanent(names) => {
            let key = keys.permanent_workers();
            push(&["SET", &key, &json(&key, names)?]);
        }
        Change::SetCooldown(direction, Some(until)) => push(&["SET", &keys.cooldown(*direction), &time(*until)]),
        Change::SetCooldown(direction, None) => push(&["DEL", &keys.cooldown(*direction), "string"]),
        Change::PutHold(hold) => {
            let (until, placed_at) = (time(hold.until), time(hold.placed_at));
            let actor = hold.actor.to_string();
            let schema = Kind::Hold.current().to_string();
            push(&[
                "HSET",
                &keys.hold(hold.direction),
                schema::FIELD,
                &schema,
                "until",
                &until,
                "actor",
                &actor,
                "reason",
                &hold.reason,
                "placed_at",
                &placed_at,
            ]);
        }
        Change::ClearHold(direction) => push(&["DEL", &keys.hold(*direction), "hash"]),
        Change::PutOperation(operation) => {
            let key = keys.active_operations();
            push(&["HSET", &key, &operation.id.to_string(), &schema::write(Kind::Operation, &key, operation)?]);
        }
        Change::EndOperation(record) => {
            push(&["HDEL", &keys.active_operations(), &record.operation.id.to_string()]);
            capped(Kind::OperationRecord, keys.operation_history(), record, out)?;
        }
        Change::CountScaling(entry) => {
            push(&["SET", &keys.scaling_last_time(), &time(entry.at)]);
            push(&["INCR", &keys.scaling_count(entry.action)]);
            capped(Kind::ScalingEntry, keys.scaling_history(), entry, out)?;
        }
        Change::RecordSync(entry) => {
            push(&["SET", &keys.sync_last_time(), &time(entry.at)]);
            capped(Kind::SyncEntry, keys.sync_history(), entry, out)?;
        }
        Change::RecordOptimal(at) => {
            push(&["SET", &keys.last_optimal_state_emission(), &time(*at)]);
            push(&["SET", &keys.optimal_last_time(), &time(*at)]);
        }
        Change::RecordOptimalPeriod(period) => capped(Kind::OptimalPeriod, keys.optimal_periods(), period, out)?,
        Change::CountViolation => push(&["INCR", &keys.enforcer_violations()]),
        Change::CountEnforcement => push(&["INCR", &keys.enforcer_enforcements()]),
        Change::SetEnforcerCheck(at) => push(&["SET", &keys.enforcer_last_check(), &time(*at)]),
        Change::PutCondition(name, condition) => {
            let key = keys.conditions();
            push(&["HSET", &key, &name.to_string(), &schema::write(Kind::Condition, &key, condition)?]);
        }
        Change::ClearCondition(name) => push(&["HDEL", &keys.conditions(), &name.to_string()]),
        Change::RecordObservation(observation) => {
            let key = keys.observation();
            push(&["SET", &key, &schema::write(Kind::Observation, &key, observation)?]);
        }
        Change::RecordVerdict(verdict) => {
            let key = keys.verdict();
            push(&["SET", &key, &schema::write(Kind::Verdict, &key, verdict)?]);
        }
        Change::PutPool(record) => {
            let key = keys.pool(&record.function_name);
            push(&["SET", &key, &json(&key, record)?, "EX", &POOL_TTL.as_secs().to_string()]);
        }
        Change::RemovePool(function) => {
            push(&["DEL", &keys.pool(function.as_str())]);
            push(&["HDEL", &keys.pool_loads(), function.as_str()]);
        }
        Change::SetPoolMetadata(metadata) => {
            let key = keys.pool_metadata();
            push(&["SET", &key, &json(&key, metadata)?, "EX", &POOL_TTL.as_secs().to_string()]);
        }
    }
    Ok(())
}

fn put_worker(keys: &Keys, worker: &Worker, out: &mut Vec<Vec<String>>) -> Result<(), StoreError> {
    let key = keys.worker(&worker.name);
    let permanent = worker.kind == crate::model::WorkerKind::Permanent;
    let protected = worker.protected.as_ref().map(|protection| json(&key, protection)).transpose()?;
    out.push(
        [
            "HSET",
            &key,
            schema::FIELD,
            &Kind::Worker.current().to_string(),
            "permanent",
            if permanent { "true" } else { "false" },
            "type",
            &worker.kind.to_string(),
            "status",
            &worker.status.to_string(),
            "created_at",
            &time(worker.created_at),
            "container_id",
            &worker.container_id.0,
            "last_seen",
            &time(worker.last_seen),
            "protected",
            &protected.unwrap_or_default(),
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    out.push(["SADD", &keys.worker_names(), worker.name.as_str()].map(str::to_owned).to_vec());
    Ok(())
}

fn capped<T: Serialize>(kind: Kind, key: String, entry: &T, out: &mut Vec<Vec<String>>) -> Result<(), StoreError> {
    let entry = schema::write(kind, &key, entry)?;
    out.push(vec!["LPUSH".to_owned(), key.clone(), entry]);
    out.push(vec!["LTRIM".to_owned(), key, "0".to_owned(), (HISTORY_LENGTH - 1).to_string()]);
    Ok(())
}
