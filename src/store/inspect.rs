//! A closer look at the server, for whoever checks whether all is well: its clock, and who lags behind on the streams.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::AsyncCommands;
use redis::streams::{StreamInfoGroupsReply, StreamInfoStreamReply};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Store, StoreError};
use crate::clock;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Inspection {
    /// How far the server's clock is ahead of ours, in milliseconds; half a round trip exact.
    pub clock_ahead_ms: i64,
    /// The event stream.
    pub events: StreamLook,
    /// The command stream.
    pub commands: StreamLook,
    /// Events that no handler could deal with.
    pub dead_letters: u64,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StreamLook {
    /// Entries in it.
    pub length: u64,
    /// Its consumer groups.
    pub groups: Vec<GroupLook>,
}

/// One consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GroupLook {
    /// Its name: the handler's.
    pub name: String,
    /// Entries that were read and are not dealt with yet.
    pub pending: u64,
    /// Entries that were not read yet; `None`: the server cannot tell (before Redis 7, or after a deletion).
    pub lag: Option<u64>,
    /// How often it was given an entry again.
    pub retries: u64,
}

impl Store {
    /// Takes a closer look.
    pub async fn inspect(&self) -> Result<Inspection, StoreError> {
        let mut connection = self.connection();
        let before = clock::now();
        let (seconds, micros): (u64, u32) = redis::cmd("TIME").query_async(&mut connection).await?;
        let after = clock::now();
        let keys = self.keys();
        Ok(Inspection {
            clock_ahead_ms: ahead(server_time(seconds, micros), before, after),
            events: self.look_at(&keys.events()).await?,
            commands: self.look_at(&keys.commands()).await?,
            dead_letters: connection.xlen(keys.dead_letters()).await?,
        })
    }

    async fn look_at(&self, stream: &str) -> Result<StreamLook, StoreError> {
        let mut connection = self.connection();
        // XINFO refuses a stream that does not exist yet.
        if !connection.exists::<_, bool>(stream).await? {
            return Ok(StreamLook { length: 0, groups: Vec::new() });
        }
        let length = connection.xlen(stream).await?;
        let (newest, reply): (StreamInfoStreamReply, StreamInfoGroupsReply) =
            redis::pipe().atomic().xinfo_stream(stream).xinfo_groups(stream).query_async(&mut connection).await?;
        let retries: HashMap<String, u64> = connection.hgetall(self.keys().retries()).await?;
        let groups = reply.groups.into_iter().map(|group| GroupLook {
            retries: retries.get(&group.name).copied().unwrap_or(0),
            name: group.name,
            pending: group.pending as u64,
            // A Redis that has read its append-only file again no longer knows how much a group has read, and counts too much.
            lag: if group.last_delivered_id == newest.last_generated_id {
                Some(0)
            } else {
                group.lag.map(|lag| lag as u64)
            },
        });
        Ok(StreamLook { length, groups: groups.collect() })
    }
}

fn server_time(seconds: u64, micros: u32) -> DateTime<Utc> {
    clock::after(DateTime::<Utc>::UNIX_EPOCH, Duration::new(seconds, 0) + Duration::from_micros(u64::from(micros)))
}

/// Held against the middle of the round trip.
fn ahead(server: DateTime<Utc>, before: DateTime<Utc>, after: DateTime<Utc>) -> i64 {
    let middle = before + TimeDelta::milliseconds((after - before).num_milliseconds()) / 2;
    (server - middle).num_milliseconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_held_against_the_middle_of_the_round_trip() {
        let before = server_time(1_000, 0);
        let after = server_time(1_002, 0);
        assert_eq!(ahead(server_time(1_001, 0), before, after), 0);
        assert_eq!(ahead(server_time(1_003, 500_000), before, after), 2_500);
        assert_eq!(ahead(server_time(999, 0), before, after), -2_000);
    }
}
