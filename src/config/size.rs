//! An amount of memory as an operator writes it: bytes, or `256mb`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of memory. Units are powers of 1024, as in Redis's and Docker's own options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u64);

const UNITS: [(&str, u64); 4] = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10), ("b", 1)];

impl Bytes {
    /// So many MiB.
    #[must_use]
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// In bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = UNITS.into_iter().find(|(_, size)| self.0.is_multiple_of(*size)).unwrap_or(("b", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an amount of memory: write bytes or a whole number with kb, mb or gb");
        let lower = text.trim().to_ascii_lowercase();
        let split = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
        let (digits, unit) = lower.split_at(split);
        let unit = unit.trim().trim_end_matches('b').trim_end_matches('i');
        let size = match unit {
            "" => 1,
            "k" => 1 << 10,
            "m" => 1 << 20,
            "g" => 1 << 30,
            _ => return Err(wrong()),
        };
        digits.parse::<u64>().ok().and_then(|count| count.checked_mul(size)).map(Self).ok_or_else(wrong)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Count(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Count(count) => Ok(Self(count)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "an amount of memory: bytes, or a whole number with kb, mb or gb (\"256mb\")",
            "x-allowed": "an amount of memory: bytes, or a whole number with kb, mb or gb (256mb)",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"^\s*[0-9]+\s*([kKmMgG]?[iI]?[bB]?)\s*$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!("256mb".parse(), Ok(Bytes::mebibytes(256)));
        assert_eq!("256MiB".parse(), Ok(Bytes::mebibytes(256)));
        assert_eq!("1g".parse::<Bytes>().map(Bytes::get), Ok(1 << 30));
        assert_eq!(Bytes::mebibytes(1024).to_string(), "1gb");
        assert!("12x".parse::<Bytes>().is_err());
        assert!("mb".parse::<Bytes>().is_err());
    }
}
