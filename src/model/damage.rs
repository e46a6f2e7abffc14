//! What is wrong with what is remembered: values that are not windlass's, are damaged, or come from a newer windlass.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Direction, WorkerName};

/// What kind of wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The key is of a type that windlass never writes there.
    ForeignType,
    /// It has the right type and cannot be understood.
    Damaged,
    /// Its schema is newer than this windlass knows.
    NewerSchema,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ForeignType => "foreign type",
            Self::Damaged => "damaged",
            Self::NewerSchema => "newer schema",
        })
    }
}

/// Which part of a key is wrong. Parts are bytes: what is damaged need not be text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Spot {
    /// All of it.
    Whole,
    /// All of a worker's record, and with it the worker's name in the index.
    Record(WorkerName),
    /// A field of a hash.
    Field(Vec<u8>),
    /// An entry of a list.
    Entry(Vec<u8>),
    /// A member of a set.
    Member(Vec<u8>),
    /// Nothing any more: the lease script has moved it aside already, and this note says so.
    Moved {
        /// The note as it stands in the list of what is not reported yet.
        note: Vec<u8>,
        /// Where the value stands now.
        to: String,
    },
}

/// What cannot be read any more: it decides what windlass does without it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lost {
    /// The last number given to a worker.
    Counter,
    /// The index of the workers' records.
    Index,
    /// One name in that index.
    IndexedName,
    /// A worker.
    Worker(WorkerName),
    /// Who protects a worker, and why.
    Protection(WorkerName),
    /// The names that scaling never removes.
    Permanent,
    /// A direction's cooldown.
    Cooldown(Direction),
    /// An operator's block.
    Hold(Direction),
    /// A running operation; `None`: which one cannot be told.
    Operation(Option<Uuid>),
    /// The clock of a condition, or of all of them.
    Condition,
    /// An entry of a history, or the whole of it.
    History,
    /// A count for statistics.
    Count,
    /// When something was last done.
    Time,
    /// A picture that is made anew at every look: observation, verdict, what the leader says of itself.
    Picture,
    /// The event stream.
    Events,
    /// The stream of commands.
    Commands,
    /// The dead letters.
    DeadLetters,
    /// The books of deliveries and retries.
    Books,
    /// Who leads, or the epoch.
    Lease,
    /// Nothing of windlass's: it stood where windlass was about to write for the first time.
    Nothing,
}

/// One value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Problem {
    /// Its key.
    pub key: String,
    /// The field, list entry or member, where only a part of the key is wrong; shortened where it is long.
    pub field: Option<String>,
    /// What kind of wrong.
    pub flaw: Flaw,
    /// What is wrong, in words.
    pub problem: String,
    /// Which part of the key, exactly.
    #[serde(skip)]
    #[schemars(skip)]
    pub spot: Spot,
    /// What it was.
    #[serde(skip)]
    #[schemars(skip)]
    pub lost: Lost,
}

/// So much of a damaged value is shown.
const SHOWN: usize = 60;

/// The beginning of a value, readable whatever it holds.
#[must_use]
pub fn excerpt(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let mut shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { '.' } else { c }).collect();
    if text.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

impl Problem {
    /// A problem with a part of a key.
    #[must_use]
    pub fn new(key: String, spot: Spot, flaw: Flaw, problem: String, lost: Lost) -> Self {
        let field = match &spot {
            Spot::Whole | Spot::Record(_) | Spot::Moved { .. } => None,
            Spot::Field(part) | Spot::Entry(part) | Spot::Member(part) => Some(excerpt(part)),
        };
        Self { key, field, flaw, problem, spot, lost }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{} [{field}]: {} ({})", self.key, self.problem, self.flaw),
            None => write!(f, "{}: {} ({})", self.key, self.problem, self.flaw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_shown_readably_and_not_whole() {
        assert_eq!(excerpt(b"\xff\x00\x1b[31m"), "\u{fffd}..[31m");
        assert_eq!(excerpt("x".repeat(100).as_bytes()).chars().count(), SHOWN + 1);
    }
}
