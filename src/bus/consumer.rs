//! Consumer groups: one per handler, read by the replica that leads.

use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, RedisError, Value};

use super::Entry;
use crate::model::ReplicaId;
use crate::store::{Acknowledgement, Store, StoreError};

/// How many entries are read at a time.
const BATCH: usize = 64;

/// One consumer group's reader.
#[derive(Clone)]
pub struct Consumer {
    store: Store,
    stream: String,
    group: String,
    replica: ReplicaId,
}

impl Consumer {
    /// Joins a group, which is made if there is none yet, and takes over what other replicas have read and not acknowledged: only
    /// the leader reads, so they are gone. A new group begins with what comes next.
    pub async fn join(
        store: &Store,
        stream: String,
        group: &str,
        replica: &ReplicaId,
    ) -> Result<(Self, Vec<Entry>), StoreError> {
        let consumer = Self { store: store.clone(), stream, group: group.to_owned(), replica: replica.clone() };
        let made: Result<Value, RedisError> =
            store.connection().xgroup_create_mkstream(&consumer.stream, group, "$").await;
        match made {
            Err(error) if error.code() != Some("BUSYGROUP") => return Err(error.into()),
            _ => {}
        }
        let claimed = consumer.claim().await?;
        Ok((consumer, claimed))
    }

    async fn claim(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        let mut start = "0-0".to_owned();
        loop {
            let reply: redis::streams::StreamAutoClaimReply = self
                .store
                .connection()
                .xautoclaim_options(
                    &self.stream,
                    &self.group,
                    &self.replica.0,
                    0,
                    &start,
                    redis::streams::StreamAutoClaimOptions::default().count(BATCH),
                )
                .await?;
            entries.extend(reply.claimed.into_iter().map(Entry::from));
            if reply.next_stream_id == "0-0" {
                break;
            }
            start = reply.next_stream_id;
        }
        Ok(entries)
    }

    /// What has come since the last time; does not wait.
    pub async fn next(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(Self::fetch(&self.store, &[], &[self]).await?.pop().unwrap_or_default())
    }

    /// The same for each of several consumers in their order, in one round trip with the acknowledgement of
    /// the entries that call for nothing; does not wait.
    pub async fn fetch(
        store: &Store,
        skipped: &[Acknowledgement],
        consumers: &[&Self],
    ) -> Result<Vec<Vec<Entry>>, StoreError> {
        if consumers.is_empty() && skipped.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for skip in skipped {
            pipeline.xack(&skip.stream, &skip.group, &[&skip.entry]).ignore();
        }
        for consumer in consumers {
            let options = StreamReadOptions::default().group(&consumer.group, &consumer.replica.0).count(BATCH);
            pipeline.xread_options(&[&consumer.stream], &[">"], &options);
        }
        let replies: Vec<Option<StreamReadReply>> = pipeline.query_async(&mut store.connection()).await?;
        let entries = |reply: Option<StreamReadReply>| {
            reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).map(Entry::from).collect()
        };
        Ok(replies.into_iter().map(entries).collect())
    }

    /// The acknowledgement of an entry, to be part of the transaction that deals with it.
    #[must_use]
    pub fn acknowledgement(&self, entry: &str) -> Acknowledgement {
        Acknowledgement { stream: self.stream.clone(), group: self.group.clone(), entry: entry.to_owned() }
    }
}
