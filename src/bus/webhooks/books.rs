//! The books of a target's deliveries, in Redis: how it is doing, and what it has been told lately.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use redis::streams::StreamInfoGroupsReply;
use redis::{AsyncCommands, Pipeline};

use super::group;
use crate::model::{TargetHealth, TargetName};
use crate::store::{Store, StoreError};

/// So many deliveries are remembered for each target.
const REMEMBERED: isize = 1000;

/// How every target is doing, by name.
pub async fn health(store: &Store) -> Result<Vec<TargetHealth>, StoreError> {
    let mut connection = store.connection();
    let names: BTreeSet<String> = connection.smembers(store.keys().webhooks()).await?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let groups = groups(store).await?;
    let mut targets = Vec::new();
    for name in names.iter().filter_map(|name| name.parse::<TargetName>().ok()) {
        let fields: HashMap<String, String> = connection.hgetall(store.keys().webhook(name.as_str())).await?;
        let time = |field: &str| fields.get(field).and_then(|text| text.parse().ok());
        let number = |field: &str| fields.get(field).and_then(|text| text.parse().ok()).unwrap_or(0);
        let own = groups.groups.iter().find(|known| known.name == group(&name));
        targets.push(TargetHealth {
            last_success: time("last_success"),
            last_failure: time("last_failure"),
            last_error: fields.get("last_error").cloned(),
            consecutive_failures: number("consecutive_failures"),
            next_attempt: time("next_attempt"),
            delivered: number("delivered"),
            dropped: number("dropped"),
            waiting: own.and_then(|group| Some((group.lag? + group.pending) as u64)),
            name,
        });
    }
    Ok(targets)
}

async fn groups(store: &Store) -> Result<StreamInfoGroupsReply, StoreError> {
    let mut connection = store.connection();
    let there: bool = connection.exists(store.keys().events()).await?;
    Ok(if there { connection.xinfo_groups(store.keys().events()).await? } else { StreamInfoGroupsReply::default() })
}

/// Forgets targets that are not configured any more, their groups included.
pub(super) async fn keep_only(store: Store, names: BTreeSet<TargetName>) {
    if let Err(error) = forget_others(&store, &names).await {
        tracing::warn!(%error, "webhook targets that are gone could not be forgotten");
    }
}

async fn forget_others(store: &Store, names: &BTreeSet<TargetName>) -> Result<(), StoreError> {
    let keys = store.keys();
    let mut connection = store.connection();
    let known: BTreeSet<String> = connection.smembers(keys.webhooks()).await?;
    for gone in known.iter().filter_map(|name| name.parse().ok()).filter(|name| !names.contains(name)) {
        tracing::info!(target = %gone, "a webhook target is not configured any more and is forgotten");
        connection.xgroup_destroy::<_, _, u64>(keys.events(), group(&gone)).await?;
        let own = [keys.webhook(gone.as_str()), keys.webhook_delivered(gone.as_str())];
        connection.del::<_, u64>(&own).await?;
        connection.srem::<_, _, u64>(keys.webhooks(), gone.as_str()).await?;
    }
    Ok(())
}

/// The books of one target.
pub(super) struct Books {
    store: Store,
    name: TargetName,
}

impl Books {
    pub(super) fn new(store: Store, name: TargetName) -> Self {
        Self { store, name }
    }

    fn key(&self) -> String {
        self.store.keys().webhook(self.name.as_str())
    }

    /// Opens them: failed requests since the last success, and until when the target is to rest.
    pub(super) async fn open(&self) -> Result<(u32, Option<DateTime<Utc>>), StoreError> {
        let mut connection = self.store.connection();
        connection.sadd::<_, _, u64>(self.store.keys().webhooks(), self.name.as_str()).await?;
        let (failures, until): (Option<u32>, Option<String>) =
            connection.hmget(self.key(), &["consecutive_failures", "next_attempt"]).await?;
        Ok((failures.unwrap_or(0), until.and_then(|text| text.parse().ok())))
    }

    /// Whether a delivery is known to have succeeded.
    pub(super) async fn knows(&self, delivery: &str) -> Result<bool, StoreError> {
        let key = self.store.keys().webhook_delivered(self.name.as_str());
        let at: Option<f64> = self.store.connection().zscore(key, delivery).await?;
        Ok(at.is_some())
    }

    /// A delivery has succeeded: it is remembered, and the entry is done with, together.
    pub(super) async fn delivered(&self, delivery: &str, entry: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let (key, keys) = (self.key(), self.store.keys());
        let remembered = keys.webhook_delivered(self.name.as_str());
        let mut writes = redis::pipe();
        writes.atomic();
        writes.hset_multiple(&key, &[("last_success", time(at)), ("consecutive_failures", "0".to_owned())]);
        writes.hdel(&key, "next_attempt").hincr(&key, "delivered", 1);
        writes.zadd(&remembered, delivery, at.timestamp_millis());
        writes.zremrangebyrank(&remembered, 0, -REMEMBERED - 1);
        writes.xack(keys.events(), group(&self.name), &[entry]);
        self.write(&writes).await
    }

    /// A request has failed; the target rests until `next`.
    pub(super) async fn failed(
        &self,
        error: &str,
        at: DateTime<Utc>,
        next: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let key = self.key();
        let mut writes = redis::pipe();
        writes.atomic();
        writes.hset_multiple(&key, &[("last_failure", time(at)), ("last_error", error.to_owned())]);
        writes.hincr(&key, "consecutive_failures", 1);
        match next {
            Some(next) => writes.hset(&key, "next_attempt", time(next)),
            None => writes.hdel(&key, "next_attempt"),
        };
        self.write(&writes).await
    }

    /// An event was given up.
    pub(super) async fn dropped(&self) -> Result<(), StoreError> {
        self.write(redis::pipe().hincr(self.key(), "dropped", 1)).await
    }

    async fn write(&self, writes: &Pipeline) -> Result<(), StoreError> {
        Ok(writes.query_async::<()>(&mut self.store.connection()).await?)
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
