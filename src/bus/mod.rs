//! Redis Streams: what happened goes out on one, what operators want comes in on another.

mod consumer;
pub mod dead_letters;
mod entry;
mod once;
pub mod replay;
pub mod webhooks;

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, Value};

pub use consumer::{Batch, Consumer, Left, Loss, Pending};
pub use entry::Entry;
pub use once::{Sent, send_once};

use crate::model::{Command, Event};
use crate::store::{Store, StoreError};

/// The commands' stream is worked off at once; this much is kept to look back on.
const COMMANDS_KEPT: usize = 1000;

/// The consumer group that reads commands.
pub const COMMAND_GROUP: &str = "engine";

/// Sends a command to the leader.
pub async fn send(store: &Store, command: &Command) -> Result<(), StoreError> {
    let key = store.keys().commands();
    let text = serde_json::to_string(command)
        .map_err(|error| StoreError::Refused(format!("the command cannot be written: {error}")))?;
    redis::cmd("XADD")
        .arg(key)
        .arg(&["MAXLEN", "~"])
        .arg(COMMANDS_KEPT)
        .arg("*")
        .arg("command")
        .arg(text)
        .query_async::<Value>(&mut store.connection())
        .await?;
    Ok(())
}

/// The newest `count` events, oldest first, and the position after which new ones come.
pub async fn newest(store: &Store, count: usize) -> Result<(Vec<Event>, String), StoreError> {
    let key = store.keys().events();
    let reply: redis::streams::StreamRangeReply = store.connection().xrevrange_count(&key, "+", "-", count).await?;
    let position = reply.ids.first().map_or_else(|| "0-0".to_owned(), |newest| newest.id.clone());
    let mut events: Vec<_> = reply.ids.into_iter().filter_map(|id| Entry::from(id).event().ok()).collect();
    events.reverse();
    Ok((events, position))
}

/// A reader that waits for what is appended to streams, on a connection of its own.
pub struct Follower {
    connection: MultiplexedConnection,
    streams: Vec<String>,
    positions: Vec<String>,
}

impl Follower {
    /// Follows streams from positions on (`$`: from now on). No wait may be longer than `longest`.
    pub async fn new(store: &Store, streams: Vec<(String, String)>, longest: Duration) -> Result<Self, StoreError> {
        let connection = store.address().blocking(longest).await?;
        let (streams, positions) = streams.into_iter().unzip();
        Ok(Self { connection, streams, positions })
    }

    /// Waits up to `wait` for new entries, of any of the streams.
    pub async fn next(&mut self, wait: Duration) -> Result<Vec<Entry>, StoreError> {
        let options = StreamReadOptions::default().count(1000).block(wait.as_millis() as usize);
        let reply: Option<StreamReadReply> =
            self.connection.xread_options(&self.streams, &self.positions, &options).await?;
        let mut entries = Vec::new();
        for stream in reply.into_iter().flat_map(|reply| reply.keys) {
            let position = self.streams.iter().position(|name| *name == stream.key);
            if let (Some(index), Some(last)) = (position, stream.ids.last()) {
                self.positions[index].clone_from(&last.id);
            }
            entries.extend(stream.ids.into_iter().map(Entry::from));
        }
        Ok(entries)
    }
}
