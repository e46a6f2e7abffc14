//! Everything that is remembered, read at one moment. It is read whatever state it is in: what cannot be read is named.

mod hashes;

use std::sync::LazyLock;

use redis::{Script, Value};
use serde::Deserialize;

use super::records::{self, Records};
use super::schema::Kind;
use super::{Keys, Store, StoreError};
use crate::model::damage::{Flaw, Lost, Problem, Spot};
use crate::model::state::{EnforcerStats, OptimalStats, PerDirection, ScalingStats, SyncStats};
use crate::model::{
    ConditionKey, Direction, EngineInfo, LeaderInfo, Observation, Operation, ReplicaId, State, Verdict,
};
use uuid::Uuid;

static SNAPSHOT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/snapshot.lua")));

/// All of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The state: what of it can be read.
    pub state: State,
    /// What was last seen.
    pub observation: Option<Observation>,
    /// What was last concluded.
    pub verdict: Option<Verdict>,
    /// What the leading engine said of itself.
    pub engine: Option<EngineInfo>,
    /// Who holds the lease.
    pub leader: Option<LeaderInfo>,
    /// What cannot be read, or was moved aside and is not reported yet.
    pub problems: Vec<Problem>,
}

/// A worker in the index: its name, its record's type, the record.
type FoundWorker = (Vec<u8>, String, Value);
/// The index's type, the workers, the other keys' types and values, the webhook books' keys and types.
type Answer = (String, Vec<FoundWorker>, Vec<(String, Value)>, Vec<(String, String)>);

impl Store {
    /// What is wrong with what is remembered, now.
    pub async fn problems(&self) -> Result<Vec<Problem>, StoreError> {
        Ok(self.snapshot().await?.problems)
    }

    /// Reads everything. A key that does not exist is empty; a value that cannot be read is a problem, never "empty" and never an error.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let keys = self.keys();
        let names = value_keys(keys);
        let mut invocation = SNAPSHOT.prepare_invoke();
        invocation.key(keys.worker_names());
        for key in &names {
            invocation.key(key);
        }
        invocation.arg(keys.worker_prefix()).arg(keys.webhook_prefix());
        let (index, workers, values, books): Answer = invocation.invoke_async(&mut self.connection()).await?;
        Ok(read(keys, &index, workers, Records::new(names.into_iter().zip(values)), &books))
    }
}

fn read(
    keys: &Keys,
    index: &str,
    workers: Vec<FoundWorker>,
    mut records: Records,
    books: &[(String, String)],
) -> Snapshot {
    records.expect(&keys.worker_names(), index, "set", &Lost::Index);
    for (key, found) in books {
        let wanted = if key.ends_with(":delivered") { "zset" } else { "hash" };
        records.expect(key, found, wanted, &Lost::Books);
    }
    records.only_type(&keys.events(), "stream", &Lost::Events);
    records.only_type(&keys.commands(), "stream", &Lost::Commands);
    records.only_type(&keys.dead_letters(), "stream", &Lost::DeadLetters);
    records.only_type(&keys.retries(), "hash", &Lost::Books);
    records.only_type(&keys.webhooks(), "set", &Lost::Books);
    reported_by_the_lease(&keys.unreported(), &mut records);
    let epoch = records.number(&keys.epoch(), &Lost::Lease);
    let leader = records.plain::<String>(&keys.leader(), &Lost::Lease);
    Snapshot {
        leader: leader.map(|replica| LeaderInfo { replica: ReplicaId(replica), epoch }),
        observation: records.record(&keys.observation(), Kind::Observation, &Lost::Picture),
        verdict: records.record(&keys.verdict(), Kind::Verdict, &Lost::Picture),
        engine: records.record(&keys.engine(), Kind::Engine, &Lost::Picture),
        state: State {
            workers: workers.into_iter().filter_map(|found| hashes::worker(keys, found, &mut records)).collect(),
            ..state(keys, &mut records)
        },
        problems: records.into_problems(),
    }
}

fn state(keys: &Keys, records: &mut Records) -> State {
    State {
        worker_counter: records.number(&keys.worker_counter(), &Lost::Counter),
        permanent: records.json(&keys.permanent_workers(), &Lost::Permanent).unwrap_or_default(),
        cooldowns: PerDirection {
            up: records.plain(&keys.cooldown(Direction::Up), &Lost::Cooldown(Direction::Up)),
            down: records.plain(&keys.cooldown(Direction::Down), &Lost::Cooldown(Direction::Down)),
        },
        holds: PerDirection {
            up: hashes::hold(keys, Direction::Up, records),
            down: hashes::hold(keys, Direction::Down, records),
        },
        operations: records
            .by_field::<Uuid, Operation>(&keys.active_operations(), Kind::Operation, |field| {
                Lost::Operation(field.and_then(|field| records::parse(field).ok()))
            })
            .into_iter()
            .map(|(_, operation)| (operation.id, operation))
            .collect(),
        operation_history: records.history(&keys.operation_history(), Kind::OperationRecord),
        conditions: records
            .by_field::<ConditionKey, _>(&keys.conditions(), Kind::Condition, |_| Lost::Condition)
            .into_iter()
            .collect(),
        scaling: ScalingStats {
            last_time: records.time(&keys.scaling_last_time()),
            count: PerDirection {
                up: records.number(&keys.scaling_count_up(), &Lost::Count),
                down: records.number(&keys.scaling_count_down(), &Lost::Count),
            },
            history: records.history(&keys.scaling_history(), Kind::ScalingEntry),
        },
        sync: SyncStats {
            last_time: records.time(&keys.sync_last_time()),
            history: records.history(&keys.sync_history(), Kind::SyncEntry),
        },
        optimal: OptimalStats {
            last_emission: records.time(&keys.last_optimal_state_emission()),
            last_time: records.time(&keys.optimal_last_time()),
            periods: records.history(&keys.optimal_periods(), Kind::OptimalPeriod),
        },
        enforcer: EnforcerStats {
            last_check: records.time(&keys.enforcer_last_check()),
            violations: records.number(&keys.enforcer_violations(), &Lost::Count),
            enforcements: records.number(&keys.enforcer_enforcements(), &Lost::Count),
        },
        ..State::default()
    }
}

/// A note that the lease script leaves of what it has moved aside.
#[derive(Deserialize)]
struct Note {
    key: String,
    to: String,
    problem: String,
    flaw: Flaw,
}

fn reported_by_the_lease(key: &str, records: &mut Records) {
    for note in records.entries(key, &Lost::Lease) {
        match serde_json::from_slice::<Note>(&note) {
            Ok(Note { key, to, problem, flaw }) => {
                records.flawed(&key, Spot::Moved { note, to }, (flaw, problem), Lost::Lease);
            }
            Err(error) => records.flawed(key, Spot::Entry(note), records::damaged(error), Lost::Lease),
        }
    }
}

/// Every key but the index, in the order in which the script is to answer; the webhook targets' last.
fn value_keys(keys: &Keys) -> Vec<String> {
    let mut names: Vec<String> = vec![
        keys.worker_counter(),
        keys.permanent_workers(),
        keys.last_optimal_state_emission(),
        keys.optimal_last_time(),
        keys.optimal_periods(),
        keys.scaling_last_time(),
        keys.scaling_count_up(),
        keys.scaling_count_down(),
        keys.scaling_history(),
        keys.sync_last_time(),
        keys.sync_history(),
        keys.active_operations(),
        keys.operation_history(),
        keys.enforcer_last_check(),
        keys.enforcer_violations(),
        keys.enforcer_enforcements(),
        keys.conditions(),
        keys.observation(),
        keys.verdict(),
        keys.engine(),
        keys.leader(),
        keys.epoch(),
        keys.unreported(),
        keys.events(),
        keys.commands(),
        keys.dead_letters(),
        keys.retries(),
    ];
    for direction in Direction::BOTH {
        names.extend([keys.cooldown(direction), keys.hold(direction)]);
    }
    names.push(keys.webhooks());
    names
}
