//! Quarantine: what cannot be read is moved aside under another key, whole and as it is. Nothing is deleted and nothing overwritten.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::transaction::Committed;
use super::{Keys, Store, StoreError, Transaction};
use crate::model::WorkerName;
use crate::model::damage::{Problem, Spot};

/// So many quarantined keys are listed at the most.
const LISTED: usize = 1000;

/// One value that is moved aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    /// `key`, `field`, `entry`, `member`, `note`: what the script is to move.
    pub what: &'static str,
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// Which field, entry or member.
    pub which: Vec<u8>,
}

/// What is moved aside together with the transaction that reports it and says what is done without it.
#[derive(Debug, Clone, Default)]
pub struct Mending {
    stamp: String,
    moves: Vec<Move>,
    index: Vec<WorkerName>,
}

impl Mending {
    /// Nothing yet. What is moved at `now` bears that time in its key.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { stamp: now.format("%Y%m%dT%H%M%S%.6fZ").to_string(), ..Self::default() }
    }

    /// Moves what a problem names; where to.
    pub fn set_aside(&mut self, keys: &Keys, problem: &Problem) -> String {
        let to = keys.quarantine(&problem.key, &self.stamp);
        let from = problem.key.clone();
        let (what, which) = match &problem.spot {
            Spot::Moved { note, to: there } => {
                let from = keys.unreported();
                self.moves.push(Move { what: "note", from, to: there.clone(), which: note.clone() });
                return there.clone();
            }
            Spot::Whole => ("key", Vec::new()),
            Spot::Record(name) => {
                let index = keys.worker_names();
                let which = name.as_str().as_bytes().to_vec();
                let beside = keys.quarantine(&index, &self.stamp);
                self.moves.push(Move { what: "member", from: index, to: beside, which });
                ("key", Vec::new())
            }
            Spot::Field(field) => ("field", field.clone()),
            Spot::Entry(entry) => ("entry", entry.clone()),
            Spot::Member(member) => ("member", member.clone()),
        };
        self.moves.push(Move { what, from, to: to.clone(), which });
        to
    }

    /// Makes the workers' index anew.
    pub fn index(&mut self, names: Vec<WorkerName>) {
        self.index = names;
    }

    /// What is moved.
    pub(super) fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The commands that make the index anew.
    pub(super) fn commands(&self, keys: &Keys) -> Vec<Vec<String>> {
        let add = |name: &WorkerName| ["SADD", &keys.worker_names(), name.as_str()].map(str::to_owned).to_vec();
        self.index.iter().map(add).collect()
    }
}

/// A value that was moved aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quarantined {
    /// Where it stands.
    pub key: String,
    /// The key where it (or the field, entry or member in it) stood.
    pub from: String,
    /// Its type in Redis.
    pub kind: String,
}

impl Store {
    /// Moves values aside and writes the transaction that reports it, or does nothing at all.
    pub async fn mend(
        &self,
        mending: &Mending,
        transaction: &Transaction,
        max_stream_length: u64,
    ) -> Result<Committed, StoreError> {
        self.write(transaction, mending, max_stream_length).await
    }

    /// What was moved aside, up to a thousand keys. It stays until somebody deletes it.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, StoreError> {
        let prefix = self.keys().quarantine_prefix();
        let mut found = Vec::new();
        let keys = self.scan(&format!("{prefix}*"), LISTED + 1).await?;
        for key in keys.into_iter().filter(|key| *key != self.keys().unreported()).take(LISTED) {
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut self.connection()).await?;
            let stood = key.strip_prefix(&prefix).and_then(|rest| rest.rsplit_once(':')).map_or("", |(from, _)| from);
            found.push(Quarantined { from: format!("{}{stood}", self.keys().prefix()), kind, key });
        }
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    /// The workers that have records, whatever the index says and whatever the records are: to make the index anew.
    pub async fn recorded_workers(&self) -> Result<Vec<WorkerName>, StoreError> {
        let prefix = self.keys().worker_prefix();
        let keys = self.scan(&format!("{prefix}*"), usize::MAX).await?;
        Ok(keys.iter().filter_map(|key| key.strip_prefix(&prefix)?.parse().ok()).collect())
    }

    /// Keys by their beginning, each once. A cluster's id has no character that means something in a pattern.
    async fn scan(&self, pattern: &str, at_most: usize) -> Result<Vec<String>, StoreError> {
        let mut connection = self.connection();
        let mut keys = std::collections::BTreeSet::new();
        let mut cursor = 0_u64;
        loop {
            let (next, found): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(pattern)
                .arg("COUNT")
                .arg(1000)
                .query_async(&mut connection)
                .await?;
            keys.extend(found);
            cursor = next;
            if cursor == 0 || keys.len() >= at_most {
                return Ok(keys.into_iter().collect());
            }
        }
    }
}
