//! Consumer groups: one per handler, read by the replica that leads.
//!
//! Redis counts how often an entry was delivered; that is the number of its tries, and it survives a crash. An entry that is read has
//! one, each further try adds one ([`Consumer::again`]); that an entry waits in a reader that dies adds none.

use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::streams::{
    StreamClaimReply, StreamInfoGroupsReply, StreamInfoStreamReply, StreamPendingCountReply, StreamPendingId,
    StreamReadOptions, StreamReadReply,
};
use redis::{AsyncCommands, Script, Value};

use super::Entry;
use crate::model::ReplicaId;
use crate::store::{Acknowledgement, Store, StoreError};

/// How many entries are read at a time.
const BATCH: usize = 64;
/// How many pending entries are listed at a time.
const LISTED: usize = 1000;

/// Who has left an entry alone for so long does nothing with it any more, in milliseconds.
const STRANDED_MS: &str = "5000";

static JOIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/group_join.lua")));

static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/groups_read.lua")));

static RECOUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/group_recount.lua")));

/// One consumer group's reader.
#[derive(Clone)]
pub struct Consumer {
    store: Store,
    stream: String,
    group: String,
    replica: ReplicaId,
    /// Whether there may be more to read than was read: only then something may be trimmed before it is read.
    behind: bool,
}

/// An entry that was read by somebody who did not finish with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its position in the stream.
    pub id: String,
    /// How often it was tried, at most.
    pub tries: u32,
}

impl From<StreamPendingId> for Pending {
    fn from(entry: StreamPendingId) -> Self {
        Self { id: entry.id, tries: u32::try_from(entry.times_delivered).unwrap_or(u32::MAX) }
    }
}

/// Entries that were trimmed from the stream before the group had dealt with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How many; `None`: some, and Redis does not know how many.
    pub count: Option<u64>,
}

impl Loss {
    /// So many; `None` where that is none.
    #[must_use]
    pub fn of(count: u64) -> Option<Self> {
        (count > 0).then_some(Self { count: Some(count) })
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Batch {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// What was trimmed before it could be read.
    pub lost: Option<Loss>,
}

/// What is left in a group by those who read it before.
#[derive(Debug, Default)]
pub struct Left {
    /// Read, and not acknowledged; oldest first.
    pub pending: Vec<Pending>,
    /// What was trimmed before it was dealt with.
    pub lost: Vec<Loss>,
}

impl Consumer {
    /// Joins a group, which is made if there is none yet, and takes over what other replicas have read and not acknowledged: only
    /// the leader reads, so they are gone. A new group begins with what comes next.
    pub async fn join(
        store: &Store,
        stream: String,
        group: &str,
        replica: &ReplicaId,
    ) -> Result<(Self, Left), StoreError> {
        let consumer =
            Self { store: store.clone(), stream, group: group.to_owned(), replica: replica.clone(), behind: false };
        // What operators ask for before the first engine runs is answered, if only by a refusal.
        let from = if group == super::COMMAND_GROUP { "0" } else { "$" };
        JOIN.key(&consumer.stream).arg(group).arg(from).invoke_async::<Value>(&mut store.connection()).await?;
        let trimmed = consumer.claim().await?;
        let pending = consumer.pending().await?;
        let unread = consumer.unread_loss().await?;
        if unread.is_none() {
            // A Redis that has read its append-only file has forgotten how much the group has read (it writes XCLAIM in it, without that
            // number): the lag would be too large for ever.
            consumer.recount().await?;
        }
        let lost = Loss::of(trimmed).into_iter().chain(unread).collect();
        Ok((consumer, Left { pending, lost }))
    }

    /// Takes over every pending entry without counting that as a try; how many of them were trimmed.
    async fn claim(&self) -> Result<u64, StoreError> {
        let (mut trimmed, mut start) = (0, "0-0".to_owned());
        loop {
            let (next, _, deleted): (String, Vec<String>, Vec<String>) = redis::cmd("XAUTOCLAIM")
                .arg(&self.stream)
                .arg(&self.group)
                .arg(&self.replica.0)
                .arg(0)
                .arg(&start)
                .arg("COUNT")
                .arg(LISTED)
                .arg("JUSTID")
                .query_async(&mut self.store.connection())
                .await?;
            trimmed += deleted.len() as u64;
            if next == "0-0" {
                return Ok(trimmed);
            }
            start = next;
        }
    }

    async fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        let (mut pending, mut start) = (Vec::new(), "-".to_owned());
        loop {
            let reply: StreamPendingCountReply =
                self.store.connection().xpending_count(&self.stream, &self.group, &start, "+", LISTED).await?;
            let Some(last) = reply.ids.last() else {
                return Ok(pending);
            };
            start = format!("({}", last.id);
            pending.extend(reply.ids.into_iter().map(Pending::from));
        }
    }

    /// What another reader has read and left alone for a while: one that was stopped while it waited for entries is given those that
    /// come, and does nothing with them when it finds that it no longer leads.
    pub async fn stranded(&self) -> Result<Vec<Pending>, StoreError> {
        let reply: StreamPendingCountReply = redis::cmd("XPENDING")
            .arg(&self.stream)
            .arg(&self.group)
            .arg(&["IDLE", STRANDED_MS, "-", "+"])
            .arg(LISTED)
            .query_async(&mut self.store.connection())
            .await?;
        let others = reply.ids.into_iter().filter(|entry| entry.consumer != self.replica.0);
        Ok(others.map(Pending::from).collect())
    }

    /// What is gone from the stream beyond the last entry that was read.
    async fn unread_loss(&self) -> Result<Option<Loss>, StoreError> {
        let (groups, stream): (StreamInfoGroupsReply, StreamInfoStreamReply) = redis::pipe()
            .atomic()
            .cmd("XINFO")
            .arg("GROUPS")
            .arg(&self.stream)
            .cmd("XINFO")
            .arg("STREAM")
            .arg(&self.stream)
            .query_async(&mut self.store.connection())
            .await?;
        let Some(group) = groups.groups.into_iter().find(|group| group.name == self.group) else {
            return Ok(None);
        };
        let all_unread = position(&stream.first_entry.id) > position(&group.last_delivered_id);
        if !all_unread || stream.length == 0 {
            return Ok(None);
        }
        Ok(match group.lag {
            Some(lag) => Loss::of((lag as u64).saturating_sub(stream.length as u64)),
            None => Some(Loss { count: None }),
        })
    }

    /// A loss is reported: it is not counted again.
    pub async fn loss_reported(&self) -> Result<(), StoreError> {
        self.recount().await
    }

    /// Tells Redis where the group really is.
    async fn recount(&self) -> Result<(), StoreError> {
        RECOUNT.key(&self.stream).arg(&self.group).invoke_async::<Value>(&mut self.store.connection()).await?;
        Ok(())
    }

    /// What has come since the last time; does not wait.
    pub async fn next(&mut self) -> Result<Batch, StoreError> {
        let options = self.options();
        let mut connection = self.store.connection();
        self.read(&mut connection, &options).await
    }

    /// What has come since the last time; waits for it up to `wait`, on a connection that allows for that.
    pub async fn wait(&mut self, connection: &mut MultiplexedConnection, wait: Duration) -> Result<Batch, StoreError> {
        let options = self.options().block(wait.as_millis() as usize);
        self.read(connection, &options).await
    }

    fn options(&self) -> StreamReadOptions {
        StreamReadOptions::default().group(&self.group, &self.replica.0).count(BATCH)
    }

    async fn read<C: ConnectionLike + AsyncCommands>(
        &mut self,
        connection: &mut C,
        options: &StreamReadOptions,
    ) -> Result<Batch, StoreError> {
        let lost = if self.behind { self.unread_loss().await? } else { None };
        let reply: Option<StreamReadReply> = connection.xread_options(&[&self.stream], &[">"], options).await?;
        Ok(self.batch(reply, lost))
    }

    fn batch(&mut self, reply: Option<StreamReadReply>, lost: Option<Loss>) -> Batch {
        let entries: Vec<_> =
            reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).map(Entry::from).collect();
        self.behind = entries.len() == BATCH;
        Batch { entries, lost }
    }

    /// What has come since the last time, for each of several consumers in their order, in one round trip with the acknowledgement of the
    /// entries that call for nothing; does not wait. Only the newest leader reads: a replica that was stopped and goes on must not take
    /// entries away from the one that leads by now.
    pub async fn fetch(
        store: &Store,
        epoch: u64,
        skipped: &[Acknowledgement],
        consumers: &mut [&mut Self],
    ) -> Result<Vec<Batch>, StoreError> {
        if consumers.is_empty() && skipped.is_empty() {
            return Ok(Vec::new());
        }
        let mut losses = Vec::new();
        for consumer in consumers.iter_mut() {
            losses.push(if consumer.behind { consumer.unread_loss().await? } else { None });
        }
        let mut script = READ.key(store.keys().epoch());
        let reader = consumers.first().map_or("", |consumer| consumer.replica.0.as_str());
        script.arg(epoch).arg(reader).arg(BATCH).arg(skipped.len());
        for skip in skipped {
            script.arg(&skip.stream).arg(&skip.group).arg(&skip.entry);
        }
        for consumer in consumers.iter() {
            script.key(&consumer.stream).arg(&consumer.group);
        }
        let (word, answer): (String, Value) = script.invoke_async(&mut store.connection()).await?;
        if word == "fenced" {
            return Err(StoreError::Fenced {
                ours: epoch,
                newest: redis::from_redis_value(answer).unwrap_or(u64::MAX),
            });
        }
        let odd = |error: redis::ParsingError| StoreError::Unavailable(format!("an answer is not understood: {error}"));
        let replies: Vec<Option<StreamReadReply>> = redis::from_redis_value(answer).map_err(odd)?;
        let batches = consumers.iter_mut().zip(replies).zip(losses);
        Ok(batches.map(|((consumer, reply), lost)| consumer.batch(reply, lost)).collect())
    }

    /// A pending entry for another try, which is counted before it begins; `None`: it was trimmed.
    pub async fn again(&self, id: &str) -> Result<Option<Entry>, StoreError> {
        let reply: StreamClaimReply =
            self.store.connection().xclaim(&self.stream, &self.group, &self.replica.0, 0, &[id]).await?;
        let entry = reply.ids.into_iter().next().map(Entry::from);
        if entry.is_some() {
            let key = self.store.keys().retries();
            self.store.connection().hincr::<_, _, _, u64>(key, &self.group, 1).await?;
        }
        Ok(entry)
    }

    /// Acknowledges entries that call for nothing.
    pub async fn skip(&self, entries: &[String]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.store.connection().xack::<_, _, _, u64>(&self.stream, &self.group, entries).await?;
        Ok(())
    }

    /// The acknowledgement of an entry, to be part of the transaction that deals with it.
    #[must_use]
    pub fn acknowledgement(&self, entry: &str) -> Acknowledgement {
        Acknowledgement { stream: self.stream.clone(), group: self.group.clone(), entry: entry.to_owned() }
    }
}

/// A stream position as its two numbers, so that positions compare.
fn position(id: &str) -> (u64, u64) {
    let (time, number) = id.split_once('-').unwrap_or((id, "0"));
    (time.parse().unwrap_or(0), number.parse().unwrap_or(0))
}
