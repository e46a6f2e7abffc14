//! What was last measured of the pools: a measurement, written beside the transactions, so that followers and cockpits can rank and show.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{BATCH, PIPELINE};
use crate::model::Pool;
use crate::model::pool::POOL_TTL;
use crate::model::pool_record::PoolLoads;
use crate::store::schema::json;
use crate::store::{Store, StoreError};

impl Store {
    /// Writes what was measured of these pools at `at`; the others' stay as they are. It is not fenced: of two that measure, both are
    /// right.
    pub async fn write_pool_loads(&self, pools: &[Pool], at: DateTime<Utc>) -> Result<(), StoreError> {
        let key = self.keys().pool_loads();
        for chunk in pools.chunks(PIPELINE) {
            let mut write = redis::cmd("HSET");
            write.arg(&key);
            for pool in chunk {
                write.arg(pool.spec.function.as_str()).arg(json(&key, &PoolLoads::of(pool, at))?);
            }
            write.query_async::<()>(&mut self.connection()).await.map_err(|error| of_type(&key, error))?;
        }
        redis::cmd("EXPIRE").arg(&key).arg(POOL_TTL.as_secs()).query_async::<()>(&mut self.connection()).await?;
        Ok(())
    }

    /// Reads what was last measured, by function. What cannot be read is left out: it is measured again soon.
    pub async fn read_pool_loads(&self) -> Result<HashMap<String, PoolLoads>, StoreError> {
        let key = self.keys().pool_loads();
        let read = redis::cmd("HGETALL").arg(&key).query_async(&mut self.connection()).await;
        let fields: HashMap<String, Vec<u8>> = match read.map_err(|error| of_type(&key, error)) {
            Ok(fields) => fields,
            Err(StoreError::Foreign { error, .. }) => {
                tracing::debug!(%key, error, "no loads of the pools");
                return Ok(HashMap::new());
            }
            Err(error) => return Err(error),
        };
        let parsed = fields.into_iter().map(|(function, text)| Some((function, serde_json::from_slice(&text).ok()?)));
        Ok(parsed.flatten().collect())
    }

    /// The pools as a cockpit or a follower sees them: what is remembered, with what was last measured.
    pub async fn read_pools_for_view(&self, now: DateTime<Utc>) -> Result<Vec<Pool>, StoreError> {
        let (loaded, loads) = tokio::try_join!(self.load_pools(BATCH), self.read_pool_loads())?;
        let mut pools = loaded.pools;
        for pool in &mut pools {
            if let Some(loads) = loads.get(pool.spec.function.as_str()) {
                pool.measure(loads, now);
            }
        }
        Ok(pools)
    }
}

fn of_type(key: &str, error: redis::RedisError) -> StoreError {
    match error.code() {
        Some("WRONGTYPE") => StoreError::Foreign { key: key.to_owned(), error: error.to_string() },
        _ => error.into(),
    }
}
