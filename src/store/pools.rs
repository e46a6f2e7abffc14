//! What is remembered of the function pools (seed 001): a record each, read in parallel batches; and what was last measured of them.
//!
//! Records are written by the fenced transaction only ([`Change::PutPool`](crate::model::Change)); what is here reads them and keeps
//! them alive.

mod loads;

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::{Store, StoreError};
use crate::model::pool::{POOL_SCHEMA, POOL_TTL, PersistedPoolState, PersistenceMetadata};
use crate::model::{FunctionName, Pool};

/// How many records are read at a time where nobody says otherwise (seed 001: `persistence_batch_size`).
pub const BATCH: usize = 50;

/// Batches under way at once: enough to keep server and client busy at the same time.
const AT_ONCE: usize = 8;

/// Keys that one step of a scan looks at: a thousandth of a second of the server's time.
const SCANNED: usize = 1_000;

/// Commands in one pipeline.
const PIPELINE: usize = 500;

/// All records that could be read, and those that could not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadedPools {
    /// The pools as they are remembered: unverified, loads unknown; by name.
    pub pools: Vec<Pool>,
    /// Those of them whose record is of an older version: to be written anew.
    pub outdated: BTreeSet<FunctionName>,
    /// Records that cannot be read. The others are not the worse for it.
    pub problems: Vec<PoolProblem>,
    /// About all pools; `None`: never written.
    pub metadata: Option<PersistenceMetadata>,
}

/// A record that cannot be read: left as it is, for whoever leads to move aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolProblem {
    /// Its key.
    pub key: String,
    /// What kind of problem.
    pub kind: PoolProblemKind,
    /// What is wrong with it.
    pub error: String,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolProblemKind {
    /// The key holds no string.
    ForeignType,
    /// It is not the JSON that is expected, or its values are nonsense.
    Damaged,
    /// A newer windlass wrote it.
    NewerSchema,
}

impl std::fmt::Display for PoolProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.error)
    }
}

impl Store {
    /// Reads every pool: the keys by SCAN, the records `batch` at a time.
    pub async fn load_pools(&self, batch: usize) -> Result<LoadedPools, StoreError> {
        let keys: Vec<String> = self.pool_keys().await?.into_iter().collect();
        let batches: Vec<Vec<String>> = keys.chunks(batch.max(1)).map(<[String]>::to_vec).collect();
        let mut found: Vec<Result<Record, PoolProblem>> =
            stream::iter(batches).map(|batch| self.read_batch(batch)).buffer_unordered(AT_ONCE).try_concat().await?;
        found.sort_by(|one, other| key_of(one).cmp(key_of(other)));
        let mut loaded = LoadedPools::default();
        for record in found {
            match record {
                Ok(record) => {
                    if record.outdated {
                        loaded.outdated.insert(record.pool.spec.function.clone());
                    }
                    loaded.pools.push(record.pool);
                }
                Err(problem) => loaded.problems.push(problem),
            }
        }
        loaded.pools.sort_by(|one, other| one.spec.function.cmp(&other.spec.function));
        match self.read_pool_metadata().await? {
            Ok(metadata) => loaded.metadata = metadata,
            Err(problem) => loaded.problems.push(problem),
        }
        Ok(loaded)
    }

    /// Extends the time to live of these pools' records. Returns those that have no record any more: to be written anew.
    pub async fn refresh_pools(&self, functions: &[FunctionName]) -> Result<Vec<FunctionName>, StoreError> {
        let keys = self.keys();
        let mut connection = self.connection();
        let mut gone = Vec::new();
        for chunk in functions.chunks(PIPELINE) {
            let mut pipeline = redis::pipe();
            for function in chunk {
                pipeline.expire(keys.pool(function.as_str()), POOL_TTL.as_secs().cast_signed());
            }
            let kept: Vec<bool> = pipeline.query_async(&mut connection).await?;
            gone.extend(chunk.iter().zip(kept).filter(|(_, kept)| !kept).map(|(function, _)| function.clone()));
        }
        let mut pipeline = redis::pipe();
        for key in [keys.pool_metadata(), keys.pool_loads()] {
            pipeline.expire(key, POOL_TTL.as_secs().cast_signed()).ignore();
        }
        pipeline.query_async::<()>(&mut connection).await?;
        Ok(gone)
    }

    /// SCAN may name a key twice, and never misses one that was there all the time.
    async fn pool_keys(&self) -> Result<BTreeSet<String>, StoreError> {
        let pattern = format!("{}*", escaped(&self.keys().pool("")));
        let (mut connection, mut keys, mut cursor) = (self.connection(), BTreeSet::new(), 0_u64);
        loop {
            let (next, found): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(SCANNED)
                .query_async(&mut connection)
                .await?;
            keys.extend(found);
            if next == 0 {
                return Ok(keys);
            }
            cursor = next;
        }
    }

    async fn read_batch(&self, keys: Vec<String>) -> Result<Vec<Result<Record, PoolProblem>>, StoreError> {
        let mut connection = self.connection();
        let values: Vec<Option<Vec<u8>>> = redis::cmd("MGET").arg(&keys).query_async(&mut connection).await?;
        let prefix = self.keys().pool("");
        let mut records = Vec::with_capacity(keys.len());
        for (key, value) in keys.iter().zip(values) {
            match value {
                Some(value) => records.push(read(&prefix, key, &value)),
                // MGET says nothing of a key that holds no string, and nothing of one that has just expired.
                None => match self.type_of(key).await?.as_str() {
                    "none" | "string" => {}
                    found => records.push(Err(foreign_type(key, found))),
                },
            }
        }
        Ok(records)
    }

    async fn read_pool_metadata(&self) -> Result<Result<Option<PersistenceMetadata>, PoolProblem>, StoreError> {
        let key = self.keys().pool_metadata();
        match self.type_of(&key).await?.as_str() {
            "none" => return Ok(Ok(None)),
            "string" => {}
            found => return Ok(Err(foreign_type(&key, found))),
        }
        let value: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query_async(&mut self.connection()).await?;
        let read = value.map(|value| serde_json::from_slice(&value)).transpose();
        Ok(read.map_err(|error| damaged(&key, error)))
    }

    async fn type_of(&self, key: &str) -> Result<String, StoreError> {
        Ok(redis::cmd("TYPE").arg(key).query_async(&mut self.connection()).await?)
    }
}

/// A record that was read.
struct Record {
    key: String,
    pool: Pool,
    outdated: bool,
}

fn key_of(record: &Result<Record, PoolProblem>) -> &str {
    match record {
        Ok(record) => &record.key,
        Err(problem) => &problem.key,
    }
}

fn read(prefix: &str, key: &str, value: &[u8]) -> Result<Record, PoolProblem> {
    let record: PersistedPoolState = serde_json::from_slice(value).map_err(|error| unreadable(key, value, error))?;
    if record.schema > POOL_SCHEMA {
        return Err(newer(key, record.schema));
    }
    if key.strip_prefix(prefix) != Some(&record.function_name) {
        return Err(damaged(key, format!("it is about the function {:?}", record.function_name)));
    }
    let outdated = record.schema < POOL_SCHEMA;
    let pool = record.remembered().map_err(|error| damaged(key, error))?;
    Ok(Record { key: key.to_owned(), pool, outdated })
}

/// What a newer windlass wrote may well not be readable at all, and is still not damaged.
fn unreadable(key: &str, value: &[u8], error: serde_json::Error) -> PoolProblem {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    match serde_json::from_slice::<Version>(value) {
        Ok(Version { schema }) if schema > POOL_SCHEMA => newer(key, schema),
        _ => damaged(key, error),
    }
}

fn newer(key: &str, schema: u32) -> PoolProblem {
    let error = format!("its schema is {schema}, this windlass knows up to {POOL_SCHEMA}");
    PoolProblem { key: key.to_owned(), kind: PoolProblemKind::NewerSchema, error }
}

fn damaged(key: &str, error: impl std::fmt::Display) -> PoolProblem {
    PoolProblem { key: key.to_owned(), kind: PoolProblemKind::Damaged, error: error.to_string() }
}

fn foreign_type(key: &str, found: &str) -> PoolProblem {
    let error = format!("a string is expected, it is a {found}");
    PoolProblem { key: key.to_owned(), kind: PoolProblemKind::ForeignType, error }
}

/// A pattern that matches nothing but the text.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
