//! One entry of a stream, before it is understood.

use redis::streams::StreamId;
use serde::de::DeserializeOwned;

use crate::model::{Command, Event};

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its position in the stream.
    pub id: String,
    /// The JSON in its one field; `None`: there is no such field.
    pub json: Option<String>,
}

impl From<StreamId> for Entry {
    fn from(entry: StreamId) -> Self {
        let json = entry.get("event").or_else(|| entry.get("command"));
        Self { id: entry.id, json }
    }
}

impl Entry {
    /// The event in it.
    pub fn event(&self) -> Result<Event, String> {
        self.parse()
    }

    /// The command in it.
    pub fn command(&self) -> Result<Command, String> {
        self.parse()
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        let json = self.json.as_deref().ok_or("the entry has no field `event` or `command`")?;
        serde_json::from_str(json).map_err(|error| error.to_string())
    }
}
