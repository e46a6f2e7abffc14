//! One entry of a stream, before it is understood.

use redis::streams::StreamId;
use serde::de::DeserializeOwned;

use crate::model::{Command, Event};

/// One entry.
///
/// A dead letter that is retried, and an event that is replayed, goes back on the event stream for one handler only: under the field
/// `again` instead of `event`, with that handler's name in `for`. It has a handler's pending list, its tries and its acknowledgement
/// like any entry; for the other handlers and for those who read the log it is not there, so nothing happens twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its position in the stream.
    pub id: String,
    /// The JSON in its one field; `None`: there is no such field.
    pub json: Option<String>,
    /// The one handler it is for; `None`: everybody.
    pub addressee: Option<String>,
}

impl From<StreamId> for Entry {
    fn from(entry: StreamId) -> Self {
        let json = ["event", "command", "again"].iter().find_map(|field| entry.get(field));
        let addressee = entry.get("for");
        Self { id: entry.id, json, addressee }
    }
}

impl Entry {
    /// The event in it, as an entry of the log: what is put back for one handler is none.
    pub fn event(&self) -> Result<Event, String> {
        match &self.addressee {
            Some(handler) => Err(format!("it is on the stream a second time, for {handler} alone")),
            None => self.parse(),
        }
    }

    /// The event in it, as a handler reads it; `None`: it is another handler's.
    #[must_use]
    pub fn event_for(&self, handler: &str) -> Option<Result<Event, String>> {
        match &self.addressee {
            Some(addressee) if addressee != handler => None,
            _ => Some(self.parse()),
        }
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
