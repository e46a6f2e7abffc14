//! The records that are hashes (seed 000): workers and holds.

use std::str::FromStr;

use redis::Value;
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::FoundWorker;
use crate::model::damage::{Flaw, Lost, Spot};
use crate::model::{Actor, ContainerId, Direction, Hold, Protection, Worker, WorkerName};
use crate::store::Keys;
use crate::store::records::{self, Fields, Records, damaged, foreign};
use crate::store::schema::{self, Kind};

type Flawed<T> = Result<T, (Flaw, String)>;

/// A hash's fields as text, upgraded to the current version.
struct Record(Map<String, serde_json::Value>);

impl Record {
    fn read(kind: Kind, fields: Fields) -> Flawed<Self> {
        let mut record = Map::new();
        let mut version = 0;
        for (field, value) in fields {
            let field: String = records::parse(&field)?;
            if field == schema::FIELD {
                version = records::parse(&value)?;
            } else {
                record.insert(field, records::parse::<String>(&value)?.into());
            }
        }
        schema::upgrade(kind, version, &mut record)?;
        Ok(Self(record))
    }

    fn text(&self, field: &str) -> Flawed<&str> {
        self.optional(field).ok_or_else(|| damaged(format_args!("the field {field} is missing")))
    }

    fn optional(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(serde_json::Value::as_str)
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, field: &str) -> Flawed<T> {
        let wrong = |(flaw, error): (Flaw, String)| (flaw, format!("the field {field}: {error}"));
        records::parse(self.text(field)?.as_bytes()).map_err(wrong)
    }

    /// One of an enumeration's words.
    fn word<T: DeserializeOwned>(&self, field: &str) -> Flawed<T> {
        let word = serde_json::Value::String(self.text(field)?.to_owned());
        serde_json::from_value(word).map_err(|error| damaged(format_args!("the field {field}: {error}")))
    }
}

/// A worker that the index names.
pub(super) fn worker(keys: &Keys, found: FoundWorker, records: &mut Records) -> Option<(WorkerName, Worker)> {
    let (member, kind, value) = found;
    let name: WorkerName = match records::parse(&member) {
        Ok(name) => name,
        Err(wrong) => {
            records.flawed(&keys.worker_names(), Spot::Member(member), wrong, Lost::IndexedName);
            return None;
        }
    };
    let key = keys.worker(&name);
    if kind == "none" {
        let wrong = damaged(format_args!("there is no record {key}"));
        records.flawed(&keys.worker_names(), Spot::Member(member), wrong, Lost::Worker(name));
        return None;
    }
    let read = if kind == "hash" { read_worker(&name, value) } else { Err(foreign("hash", &kind)) };
    match read {
        Ok((worker, None)) => Some((name, worker)),
        Ok((worker, Some(wrong))) => {
            let lost = Lost::Protection(name.clone());
            records.flawed(&key, Spot::Field(b"protected".to_vec()), wrong, lost);
            Some((name, worker))
        }
        Err(wrong) => {
            records.flawed(&key, Spot::Record(name.clone()), wrong, Lost::Worker(name));
            None
        }
    }
}

/// The worker, and what is wrong with its protection. An operator's word must not vanish: what cannot be read protects.
fn read_worker(name: &WorkerName, value: Value) -> Flawed<(Worker, Option<(Flaw, String)>)> {
    let record = Record::read(Kind::Worker, records::fields(value))?;
    let mut worker = Worker {
        name: name.clone(),
        kind: record.word("type")?,
        status: record.word("status")?,
        created_at: record.parsed("created_at")?,
        container_id: ContainerId(record.text("container_id")?.to_owned()),
        protected: None,
        last_seen: record.parsed("last_seen")?,
    };
    let protected = record.optional("protected").filter(|text| !text.is_empty());
    let wrong = match protected.map(serde_json::from_str::<Protection>) {
        None => None,
        Some(Ok(protection)) => {
            worker.protected = Some(protection);
            None
        }
        Some(Err(error)) => {
            let reason = UNREADABLE_PROTECTION.to_owned();
            worker.protected = Some(Protection { actor: Actor::Engine, reason, since: worker.last_seen });
            Some(damaged(error))
        }
    };
    Ok((worker, wrong))
}

/// Why a worker is protected whose protection cannot be read.
pub(crate) const UNREADABLE_PROTECTION: &str = "it was protected; by whom and why cannot be read any more";

/// The hold on a direction.
pub(super) fn hold(keys: &Keys, direction: Direction, records: &mut Records) -> Option<Hold> {
    let key = keys.hold(direction);
    let fields = records.hash(&key, &Lost::Hold(direction));
    if fields.is_empty() {
        return None;
    }
    match read_hold(direction, fields) {
        Ok(hold) => Some(hold),
        Err(wrong) => {
            records.flawed(&key, Spot::Whole, wrong, Lost::Hold(direction));
            None
        }
    }
}

fn read_hold(direction: Direction, fields: Fields) -> Flawed<Hold> {
    let record = Record::read(Kind::Hold, fields)?;
    Ok(Hold {
        direction,
        until: record.parsed("until")?,
        actor: Actor::from(record.text("actor")?.to_owned()),
        reason: record.text("reason")?.to_owned(),
        placed_at: record.parsed("placed_at")?,
    })
}
