//! What a snapshot found, value by value. What cannot be read becomes a [`Problem`] that names it; everything else is read all the same.

use std::collections::HashMap;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use redis::Value;
use serde::de::DeserializeOwned;

use super::schema::{self, Kind};
use crate::model::damage::{Flaw, Lost, Problem, Spot, excerpt};

/// A hash as Redis has it, in bytes: what is damaged need not be text.
pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// What was found under the keys, and what is wrong with it.
pub(super) struct Records {
    found: HashMap<String, (String, Value)>,
    problems: Vec<Problem>,
}

impl Records {
    /// From keys with their types and values.
    pub(super) fn new(found: impl IntoIterator<Item = (String, (String, Value))>) -> Self {
        Self { found: found.into_iter().collect(), problems: Vec::new() }
    }

    /// What is wrong.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Notes what is wrong.
    pub(super) fn flawed(&mut self, key: &str, spot: Spot, (flaw, problem): (Flaw, String), lost: Lost) {
        self.problems.push(Problem::new(key.to_owned(), spot, flaw, problem, lost));
    }

    /// Notes a key that is not of the type that is expected; whether it is (or does not exist).
    pub(super) fn expect(&mut self, key: &str, found: &str, wanted: &str, lost: &Lost) -> bool {
        let right = found == wanted || found == "none";
        if !right {
            self.flawed(key, Spot::Whole, foreign(wanted, found), lost.clone());
        }
        right
    }

    /// The type of a key whose value is not read here.
    pub(super) fn only_type(&mut self, key: &str, wanted: &str, lost: &Lost) {
        if let Some((found, _)) = self.found.remove(key) {
            self.expect(key, &found, wanted, lost);
        }
    }

    fn take(&mut self, key: &str, wanted: &str, lost: &Lost) -> Option<Value> {
        let (found, value) = self.found.remove(key)?;
        (self.expect(key, &found, wanted, lost) && found != "none").then_some(value)
    }

    fn bytes(&mut self, key: &str, lost: &Lost) -> Option<Vec<u8>> {
        self.take(key, "string", lost).and_then(bytes)
    }

    /// A hash; empty where there is none.
    pub(super) fn hash(&mut self, key: &str, lost: &Lost) -> Fields {
        self.take(key, "hash", lost).map(fields).unwrap_or_default()
    }

    /// A list's entries.
    pub(super) fn entries(&mut self, key: &str, lost: &Lost) -> Vec<Vec<u8>> {
        let items = match self.take(key, "list", lost) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        items.into_iter().filter_map(bytes).collect()
    }

    /// A plain value: a number, a time.
    pub(super) fn plain<T: FromStr<Err: ToString>>(&mut self, key: &str, lost: &Lost) -> Option<T> {
        let value = self.bytes(key, lost)?;
        parse(&value).map_err(|wrong| self.flawed(key, Spot::Whole, wrong, lost.clone())).ok()
    }

    /// A counter; 0 where there is none.
    pub(super) fn number(&mut self, key: &str, lost: &Lost) -> u64 {
        self.plain(key, lost).unwrap_or(0)
    }

    /// A time.
    pub(super) fn time(&mut self, key: &str) -> Option<DateTime<Utc>> {
        self.plain(key, &Lost::Time)
    }

    /// A JSON value without a version, as the seeds have it.
    pub(super) fn json<T: DeserializeOwned>(&mut self, key: &str, lost: &Lost) -> Option<T> {
        let value = self.bytes(key, lost)?;
        let read = serde_json::from_slice(&value);
        read.map_err(|error| self.flawed(key, Spot::Whole, damaged(error), lost.clone())).ok()
    }

    /// A record in a key of its own.
    pub(super) fn record<T: DeserializeOwned>(&mut self, key: &str, kind: Kind, lost: &Lost) -> Option<T> {
        let value = self.bytes(key, lost)?;
        schema::read(kind, &value).map_err(|wrong| self.flawed(key, Spot::Whole, wrong, lost.clone())).ok()
    }

    /// A history; entries that cannot be read are left out.
    pub(super) fn history<C: FromIterator<T>, T: DeserializeOwned>(&mut self, key: &str, kind: Kind) -> C {
        let entries = self.entries(key, &Lost::History);
        let read = entries.into_iter().filter_map(|entry| {
            let read = schema::read(kind, &entry);
            read.map_err(|wrong| self.flawed(key, Spot::Entry(entry), wrong, Lost::History)).ok()
        });
        read.collect()
    }

    /// Records in the fields of a hash, each under the name of its field. `lost` says of a field (`None`: of all) what it was.
    pub(super) fn by_field<K, T>(&mut self, key: &str, kind: Kind, lost: impl Fn(Option<&[u8]>) -> Lost) -> Vec<(K, T)>
    where
        K: FromStr<Err: ToString>,
        T: DeserializeOwned,
    {
        let fields = self.hash(key, &lost(None));
        let read = fields.into_iter().filter_map(|(field, value)| {
            let read = parse(&field).and_then(|name| Ok((name, schema::read(kind, &value)?)));
            read.map_err(|wrong| {
                let lost = lost(Some(&field));
                self.flawed(key, Spot::Field(field), wrong, lost);
            })
            .ok()
        });
        read.collect()
    }
}

pub(super) fn foreign(wanted: &str, found: &str) -> (Flaw, String) {
    (Flaw::ForeignType, format!("a {wanted} is expected, it is a {found}"))
}

pub(super) fn damaged(error: impl std::fmt::Display) -> (Flaw, String) {
    (Flaw::Damaged, error.to_string())
}

/// A value that is text and can be parsed.
pub(super) fn parse<T: FromStr<Err: ToString>>(value: &[u8]) -> Result<T, (Flaw, String)> {
    let said = |error: String| damaged(format_args!("`{}`: {error}", excerpt(value)));
    let text = std::str::from_utf8(value).map_err(|error| said(error.to_string()))?;
    text.parse().map_err(|error: T::Err| said(error.to_string()))
}

/// The bytes of a string.
pub(super) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// The fields of a flat hash.
pub(super) fn fields(value: Value) -> Fields {
    let Value::Array(items) = value else {
        return Vec::new();
    };
    let mut items = items.into_iter().filter_map(bytes);
    let mut fields = Vec::new();
    while let (Some(field), Some(value)) = (items.next(), items.next()) {
        fields.push((field, value));
    }
    fields
}
