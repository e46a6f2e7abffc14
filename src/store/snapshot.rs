//! Everything that is remembered, read at one moment.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::{Script, Value};
use serde::de::DeserializeOwned;

use super::{Keys, Store, StoreError};
use crate::model::state::{EnforcerStats, OptimalStats, PerDirection, ScalingStats, SyncStats};
use crate::model::{
    Actor, Condition, ConditionKey, ContainerId, Direction, EngineInfo, Hold, LeaderInfo, Observation, Operation,
    ReplicaId, State, Verdict, Worker, WorkerKind, WorkerName,
};

static SNAPSHOT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/snapshot.lua")));

/// A hash as Redis has it.
type Fields = HashMap<String, String>;

/// All of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// What was last seen.
    pub observation: Option<Observation>,
    /// What was last concluded.
    pub verdict: Option<Verdict>,
    /// What the leading engine said of itself.
    pub engine: Option<EngineInfo>,
    /// Who holds the lease.
    pub leader: Option<LeaderInfo>,
}

impl Store {
    /// Reads everything. A key that does not exist is empty; a value that is not ours is an error that names it, never "empty".
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let keys = self.keys();
        let names = value_keys(keys);
        let mut invocation = SNAPSHOT.prepare_invoke();
        invocation.key(keys.worker_names());
        for key in &names {
            invocation.key(key);
        }
        invocation.arg(keys.worker_prefix());
        let (workers, values): (Vec<(String, Fields)>, Vec<Value>) =
            invocation.invoke_async(&mut self.connection()).await?;
        let mut values = Values { found: names.into_iter().zip(values).collect() };
        let epoch = values.number(&keys.epoch())?;
        let leader = values.text(&keys.leader())?.map(|replica| LeaderInfo { replica: ReplicaId(replica), epoch });
        Ok(Snapshot {
            observation: values.json(&keys.observation())?,
            verdict: values.json(&keys.verdict())?,
            engine: values.json(&keys.engine())?,
            leader,
            state: State {
                workers: workers
                    .into_iter()
                    .map(|(name, fields)| worker(keys, &name, &fields))
                    .collect::<Result<_, _>>()?,
                worker_counter: values.number(&keys.worker_counter())?,
                permanent: values.json(&keys.permanent_workers())?.unwrap_or_default(),
                cooldowns: PerDirection {
                    up: values.time(&keys.cooldown(Direction::Up))?,
                    down: values.time(&keys.cooldown(Direction::Down))?,
                },
                holds: PerDirection {
                    up: hold(Direction::Up, &keys.hold(Direction::Up), &mut values)?,
                    down: hold(Direction::Down, &keys.hold(Direction::Down), &mut values)?,
                },
                operations: values
                    .json_hash::<Operation>(&keys.active_operations())?
                    .into_iter()
                    .map(|(_, operation)| (operation.id, operation))
                    .collect(),
                operation_history: values.json_list(&keys.operation_history())?,
                conditions: conditions(keys, &mut values)?,
                scaling: ScalingStats {
                    last_time: values.time(&keys.scaling_last_time())?,
                    count: PerDirection {
                        up: values.number(&keys.scaling_count_up())?,
                        down: values.number(&keys.scaling_count_down())?,
                    },
                    history: values.json_list(&keys.scaling_history())?,
                },
                sync: SyncStats {
                    last_time: values.time(&keys.sync_last_time())?,
                    history: values.json_list(&keys.sync_history())?,
                },
                optimal: OptimalStats {
                    last_emission: values.time(&keys.last_optimal_state_emission())?,
                    last_time: values.time(&keys.optimal_last_time())?,
                    periods: values.json_list(&keys.optimal_periods())?,
                },
                enforcer: EnforcerStats {
                    last_check: values.time(&keys.enforcer_last_check())?,
                    violations: values.number(&keys.enforcer_violations())?,
                    enforcements: values.number(&keys.enforcer_enforcements())?,
                },
            },
        })
    }
}

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
    ];
    for direction in Direction::BOTH {
        names.extend([keys.cooldown(direction), keys.hold(direction)]);
    }
    names
}

fn foreign(key: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Foreign { key: key.to_owned(), error: error.to_string() }
}

fn parse<T: FromStr<Err: ToString>>(key: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| foreign(key, error.to_string()))
}

struct Values {
    found: HashMap<String, Value>,
}

impl Values {
    fn take<T: redis::FromRedisValue>(&mut self, key: &str) -> Result<Option<T>, StoreError> {
        match self.found.remove(key) {
            None | Some(Value::Nil | Value::Boolean(false)) => Ok(None),
            Some(value) => redis::from_redis_value(value).map(Some).map_err(|error| foreign(key, error)),
        }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        self.take(key)
    }

    fn number(&mut self, key: &str) -> Result<u64, StoreError> {
        let text: Option<String> = self.take(key)?;
        text.map_or(Ok(0), |text| parse(key, &text))
    }

    fn time(&mut self, key: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let text: Option<String> = self.take(key)?;
        text.map(|text| parse(key, &text)).transpose()
    }

    fn json<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.take(key)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| foreign(key, error))).transpose()
    }

    fn json_list<T: DeserializeOwned>(&mut self, key: &str) -> Result<VecDeque<T>, StoreError> {
        let texts: Vec<String> = self.take(key)?.unwrap_or_default();
        texts.iter().map(|text| serde_json::from_str(text).map_err(|error| foreign(key, error))).collect()
    }

    fn json_hash<T: DeserializeOwned>(&mut self, key: &str) -> Result<Vec<(String, T)>, StoreError> {
        let texts: HashMap<String, String> = self.take(key)?.unwrap_or_default();
        texts
            .into_iter()
            .map(|(field, text)| {
                let value = serde_json::from_str(&text).map_err(|error| foreign(&format!("{key} {field}"), error))?;
                Ok((field, value))
            })
            .collect()
    }
}

fn conditions(keys: &Keys, values: &mut Values) -> Result<BTreeMap<ConditionKey, Condition>, StoreError> {
    let key = keys.conditions();
    let found = values.json_hash::<Condition>(&key)?;
    found.into_iter().map(|(name, condition)| Ok((parse(&key, &name)?, condition))).collect()
}

fn field<'a>(key: &str, fields: &'a Fields, name: &str) -> Result<&'a str, StoreError> {
    fields.get(name).map(String::as_str).ok_or_else(|| foreign(key, format!("the field {name} is missing")))
}

fn worker(keys: &Keys, name: &str, fields: &Fields) -> Result<(WorkerName, Worker), StoreError> {
    let name: WorkerName = parse(&keys.worker_names(), name)?;
    let key = keys.worker(&name);
    let word =
        |field_name: &str| field(&key, fields, field_name).map(|text| serde_json::Value::String(text.to_owned()));
    let protected = fields.get("protected").filter(|text| !text.is_empty());
    let worker = Worker {
        name: name.clone(),
        kind: serde_json::from_value::<WorkerKind>(word("type")?).map_err(|error| foreign(&key, error))?,
        status: serde_json::from_value(word("status")?).map_err(|error| foreign(&key, error))?,
        created_at: parse(&key, field(&key, fields, "created_at")?)?,
        container_id: ContainerId(field(&key, fields, "container_id")?.to_owned()),
        protected: protected
            .map(|text| serde_json::from_str(text).map_err(|error| foreign(&key, error)))
            .transpose()?,
        last_seen: parse(&key, field(&key, fields, "last_seen")?)?,
    };
    Ok((name, worker))
}

fn hold(direction: Direction, key: &str, values: &mut Values) -> Result<Option<Hold>, StoreError> {
    let fields: Fields = values.take(key)?.unwrap_or_default();
    if fields.is_empty() {
        return Ok(None);
    }
    Ok(Some(Hold {
        direction,
        until: parse(key, field(key, &fields, "until")?)?,
        actor: Actor::from(field(key, &fields, "actor")?.to_owned()),
        reason: field(key, &fields, "reason")?.to_owned(),
        placed_at: parse(key, field(key, &fields, "placed_at")?)?,
    }))
}
