//! Versions of what is remembered. Every JSON record and every record that is a hash carries `schema`; one without it is version 0.
//! An older one is upgraded when it is read, step by step; what is written is always the current one. A newer one is not touched.
//!
//! To change a record so that older windlasses' records no longer read as they are: append a function to its kind's table below, put
//! records of the version before it into `tests/data/records/v{n}/`, and let `tests/records.rs` read them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::StoreError;
use crate::model::damage::Flaw;

/// From one version to the next. It says what is wrong where the record cannot be one of that version.
type Upgrade = fn(&mut Map<String, Value>) -> Result<(), String>;

/// The name of the field.
pub(super) const FIELD: &str = "schema";

/// What kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Worker,
    Hold,
    Operation,
    OperationRecord,
    Condition,
    ScalingEntry,
    SyncEntry,
    OptimalPeriod,
    Observation,
    Verdict,
    Engine,
}

impl Kind {
    /// The upgrades from version 0 on; their number is the current version.
    const fn upgrades(self) -> &'static [Upgrade] {
        match self {
            Self::Worker
            | Self::Hold
            | Self::Operation
            | Self::OperationRecord
            | Self::Condition
            | Self::ScalingEntry
            | Self::SyncEntry
            | Self::OptimalPeriod
            | Self::Observation
            | Self::Verdict
            | Self::Engine => &[versioned],
        }
    }

    /// The version that is written.
    pub(super) const fn current(self) -> u32 {
        self.upgrades().len() as u32
    }
}

/// 0 to 1: the version itself is what is new.
#[allow(clippy::unnecessary_wraps, reason = "it stands in a table with those that can fail")]
fn versioned(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    schema: u32,
    #[serde(flatten)]
    record: &'a T,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    schema: u32,
}

/// A record as it is written under `key`.
pub(super) fn write<T: Serialize>(kind: Kind, key: &str, record: &T) -> Result<String, StoreError> {
    json(key, &Versioned { schema: kind.current(), record })
}

/// A record that was written by this or an older windlass.
pub(super) fn read<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, (Flaw, String)> {
    let Version { schema } = serde_json::from_slice(bytes).map_err(damaged)?;
    if schema == kind.current() {
        return serde_json::from_slice(bytes).map_err(damaged);
    }
    let mut record = serde_json::from_slice(bytes).map_err(damaged)?;
    upgrade(kind, schema, &mut record)?;
    serde_json::from_value(Value::Object(record)).map_err(damaged)
}

/// Upgrades a record of version `schema`.
pub(super) fn upgrade(kind: Kind, schema: u32, record: &mut Map<String, Value>) -> Result<(), (Flaw, String)> {
    let upgrades = kind.upgrades();
    let Some(due) = upgrades.get(schema as usize..) else {
        let current = kind.current();
        return Err((Flaw::NewerSchema, format!("it is of schema {schema}, this windlass knows up to {current}")));
    };
    for step in due {
        step(record).map_err(|problem| (Flaw::Damaged, problem))?;
    }
    record.insert(FIELD.to_owned(), kind.current().into());
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> (Flaw, String) {
    (Flaw::Damaged, error.to_string())
}

/// As JSON; `key` names what is written, for the error.
pub(super) fn json<T: Serialize>(key: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Foreign {
        key: key.to_owned(),
        error: format!("cannot be written as JSON: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::OptimalPeriod;

    fn period(schema: &str) -> Vec<u8> {
        format!(r#"{{{schema}"from":"2026-03-01T12:00:00Z","to":"2026-03-01T12:05:00Z"}}"#).into_bytes()
    }

    fn parsed(schema: &str) -> Result<OptimalPeriod, (Flaw, String)> {
        read(Kind::OptimalPeriod, &period(schema))
    }

    #[test]
    fn what_is_written_is_of_the_current_version_and_read_back() {
        let record = parsed("").unwrap();
        let text = write(Kind::OptimalPeriod, "key", &record).unwrap();
        assert!(text.starts_with(r#"{"schema":1,"#), "{text}");
        assert_eq!(read::<OptimalPeriod>(Kind::OptimalPeriod, text.as_bytes()), Ok(record));
    }

    #[test]
    fn an_older_version_is_upgraded_and_a_newer_one_is_refused() {
        assert_eq!(parsed(""), parsed(r#""schema":1,"#));
        assert_eq!(parsed(r#""schema":0,"#), parsed(r#""schema":1,"#));
        assert_eq!(parsed(r#""schema":2,"#).unwrap_err().0, Flaw::NewerSchema);
        for bad in [r#""schema":-1,"#, r#""schema":"one","#, r#""schema":null,"#] {
            assert_eq!(parsed(bad).unwrap_err().0, Flaw::Damaged, "{bad}");
        }
        assert_eq!(read::<OptimalPeriod>(Kind::OptimalPeriod, b"[]").unwrap_err().0, Flaw::Damaged);
    }
}
