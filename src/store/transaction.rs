//! The one way to change what is remembered: state, log and acknowledgement together or not at all.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use redis::{Script, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Keys, Mending, Store, StoreError, schema, write};
use crate::model::{Change, Event};

/// Longer than any retry of a transaction whose outcome is unknown.
const MARK_STAYS: Duration = Duration::from_secs(120);

static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/lua/commit.lua")));

/// A stream entry that is dealt with by a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The stream's key.
    pub stream: String,
    /// The consumer group.
    pub group: String,
    /// The entry.
    pub entry: String,
}

/// What changes together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// Makes a retry harmless.
    pub id: Uuid,
    /// The writer's lease epoch.
    pub epoch: u64,
    /// What changes in the state. A transaction that is kept in a file is without them: its events make them again, on the state of then.
    #[serde(skip)]
    pub changes: Vec<Change>,
    /// What is appended to the log.
    pub events: Vec<Event>,
    /// What is dealt with by it.
    pub acknowledgements: Vec<Acknowledgement>,
    /// What goes to the dead-letter stream: (entry's JSON, handler, error, tries).
    pub dead_letters: Vec<DeadLetter>,
    /// What becomes of dead letters, and what of the log is given to a handler again.
    pub settled: Vec<Settled>,
}

impl Transaction {
    /// Changes with the events that report them, and nothing that they deal with.
    #[must_use]
    pub const fn new(id: Uuid, epoch: u64, changes: Vec<Change>, events: Vec<Event>) -> Self {
        Self { id, epoch, changes, events, acknowledgements: Vec::new(), dead_letters: Vec::new(), settled: Vec::new() }
    }
}

/// What becomes of a dead letter (`entry` is its position on the dead-letter stream), or of an event of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// It goes back on the event stream, for its handler alone.
    Retried {
        /// Which.
        entry: String,
        /// The event as it stood on the stream.
        event: String,
        /// Its handler.
        handler: String,
    },
    /// An event of the log goes on the stream once more, for one handler alone.
    Replayed {
        /// The event as it stood on the stream.
        event: String,
        /// The handler.
        handler: String,
    },
    /// It is discarded.
    Dropped {
        /// Which.
        entry: String,
    },
}

/// An event that a handler could not deal with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event as it stood on the stream.
    pub event: String,
    /// Its stream entry.
    pub entry: String,
    /// Who could not.
    pub handler: String,
    /// What it said.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
}

/// What came of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is written.
    Done,
    /// It was written already, by an attempt whose answer was lost.
    Again,
    /// What it acknowledges was dealt with already: nothing was written.
    Handled,
}

impl Store {
    /// Writes a transaction, or nothing at all.
    pub async fn commit(&self, transaction: &Transaction, max_stream_length: u64) -> Result<Committed, StoreError> {
        self.write(transaction, &Mending::default(), max_stream_length).await
    }

    pub(super) async fn write(
        &self,
        transaction: &Transaction,
        mending: &Mending,
        max_stream_length: u64,
    ) -> Result<Committed, StoreError> {
        let keys = self.keys();
        let mut commands = commands(keys, transaction, max_stream_length)?;
        commands.extend(mending.commands(keys));
        let mut invocation = COMMIT.prepare_invoke();
        invocation.key(keys.epoch()).key(keys.transaction(transaction.id));
        let stream = keys.events();
        let mut written: BTreeSet<&String> = commands.iter().map(|command| &command[1]).collect();
        if !transaction.events.is_empty() {
            written.insert(&stream);
        }
        written.extend(mending.moves().iter().flat_map(|moved| [&moved.from, &moved.to]));
        for key in written {
            invocation.key(key);
        }
        invocation.arg(transaction.epoch).arg(MARK_STAYS.as_millis() as u64);
        invocation.arg(transaction.acknowledgements.len());
        for acknowledgement in &transaction.acknowledgements {
            invocation.arg(&acknowledgement.stream).arg(&acknowledgement.group).arg(&acknowledgement.entry);
        }
        invocation.arg(mending.moves().len());
        for moved in mending.moves() {
            invocation.arg(moved.what).arg(&moved.from).arg(&moved.to).arg(&moved.which);
        }
        invocation.arg(&stream).arg(max_stream_length).arg(transaction.events.len());
        for event in &transaction.events {
            invocation.arg(schema::json(&stream, event)?);
        }
        for command in &commands {
            invocation.arg(command.len());
            for word in command {
                invocation.arg(word);
            }
        }
        let answer: Vec<Value> = invocation.invoke_async(&mut self.connection()).await?;
        let words: Vec<String> = answer.iter().filter_map(|value| redis::from_redis_value_ref(value).ok()).collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["done"] => Ok(Committed::Done),
            ["again"] => Ok(Committed::Again),
            ["handled"] => Ok(Committed::Handled),
            ["fenced", newest] => {
                Err(StoreError::Fenced { ours: transaction.epoch, newest: newest.parse().unwrap_or(u64::MAX) })
            }
            ["wrongtype", key, wanted, found] => Err(StoreError::Foreign {
                key: (*key).to_owned(),
                error: format!("a {wanted} is expected, it is a {found}"),
            }),
            ["taken", key] => Err(StoreError::Foreign {
                key: (*key).to_owned(),
                error: "something stands where a value was to be moved; another place is taken at the next attempt"
                    .to_owned(),
            }),
            other => Err(StoreError::Unavailable(format!("unexpected answer to a transaction: {other:?}"))),
        }
    }
}

fn commands(keys: &Keys, transaction: &Transaction, max_stream_length: u64) -> Result<Vec<Vec<String>>, StoreError> {
    let mut commands = Vec::new();
    for change in &transaction.changes {
        write::commands(keys, change, &mut commands)?;
    }
    let append = |stream: String, fields: &[(&str, String)]| {
        let mut command: Vec<String> =
            ["XADD", &stream, "MAXLEN", "~", &max_stream_length.to_string(), "*"].map(str::to_owned).to_vec();
        for (name, value) in fields {
            command.extend([(*name).to_owned(), value.clone()]);
        }
        command
    };
    for letter in &transaction.dead_letters {
        let fields = [
            ("event", letter.event.clone()),
            ("entry", letter.entry.clone()),
            ("handler", letter.handler.clone()),
            ("error", letter.error.clone()),
            ("tries", letter.tries.to_string()),
        ];
        commands.push(append(keys.dead_letters(), &fields));
    }
    for settled in &transaction.settled {
        if let Settled::Retried { entry, .. } | Settled::Dropped { entry } = settled {
            commands.push(["XDEL", &keys.dead_letters(), entry].map(str::to_owned).to_vec());
        }
        if let Settled::Retried { event, handler, .. } | Settled::Replayed { event, handler } = settled {
            commands.push(append(keys.events(), &[("again", event.clone()), ("for", handler.clone())]));
        }
    }
    Ok(commands)
}
