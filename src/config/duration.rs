//! A length of time as an operator writes it: `10` (seconds, as in seed 002) or `"5m"`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }

    /// In seconds.
    #[must_use]
    pub const fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }
}

/// As it is written in a configuration, to the millisecond. What the engine and the cockpit say about lengths of time is worded by
/// [`crate::model::words`].
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not a duration: write seconds (90) or a number with its unit (500ms, 30s, 5m, 2h, 1d)")
        };
        if let Ok(seconds) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| wrong());
        }
        humantime::parse_duration(text).map(Self).map_err(|_| wrong())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Seconds(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) => seconds.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a duration: seconds (90) or a number with its unit (\"500ms\", \"30s\", \"5m\", \"2h\", \"1d\")",
            "x-allowed": "a duration: seconds (90) or whole numbers with their units (500ms, 30s, 5m, 2h, 1d)",
            "type": ["number", "string"],
            "minimum": 0,
            "pattern": r"^\s*([0-9]+(\.[0-9]+)?|([0-9]+\s*(ms|s|sec|secs|m|min|mins|h|hr|hrs|d|day|days|w|weeks?|[a-z]+)\s*)+)\s*$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units_are_both_understood() {
        assert_eq!("90".parse(), Ok(Span::seconds(90)));
        assert_eq!("0.5".parse(), Ok(Span::millis(500)));
        assert_eq!("5m".parse(), Ok(Span::seconds(300)));
        assert!("-3".parse::<Span>().is_err());
        assert!("soon".parse::<Span>().is_err());
    }
}
