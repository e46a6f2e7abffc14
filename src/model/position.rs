//! Where something stands in the log.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a position is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "position {0:?} is not allowed: write an entry of the stream (1763648327000-0) or a moment (2026-01-31T08:00:00Z)"
)]
pub struct PositionError(String);

/// A place in the event stream: one entry (`1763648327000-0`), or a millisecond with everything appended in it (`1763648327000`). A
/// moment (RFC 3339) is read as its millisecond.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("x-allowed" = "an entry of the event stream (1763648327000-0) or a moment (RFC 3339)"))]
pub struct LogPosition(String);

impl LogPosition {
    /// The millisecond of a moment; nothing is before 1970.
    #[must_use]
    pub fn at(moment: DateTime<Utc>) -> Self {
        Self(moment.timestamp_millis().max(0).to_string())
    }

    /// As Redis has it, for both ends of a range.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for LogPosition {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (time, number) = text.split_once('-').unwrap_or((text, "0"));
        // Not what `parse` takes as well: Redis knows no `+5`.
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok();
        if is_number(time) && is_number(number) {
            return Ok(Self(text.to_owned()));
        }
        DateTime::parse_from_rfc3339(text)
            .map(|moment| Self::at(moment.to_utc()))
            .map_err(|_| PositionError(text.to_owned()))
    }
}

impl TryFrom<String> for LogPosition {
    type Error = PositionError;

    fn try_from(text: String) -> Result<Self, PositionError> {
        text.parse()
    }
}

impl From<LogPosition> for String {
    fn from(position: LogPosition) -> Self {
        position.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_a_millisecond_or_a_moment() {
        for good in ["1763648327000-3", "1763648327000", "0-0"] {
            assert_eq!(good.parse::<LogPosition>().unwrap().as_str(), good);
        }
        let moment: LogPosition = "1970-01-01T01:00:01+01:00".parse().unwrap();
        assert_eq!(moment.as_str(), "1000");
        for bad in ["", "-", "1-", "-1", "+5", "1-2-3", "$", "(1-0", "yesterday", "99999999999999999999"] {
            assert!(bad.parse::<LogPosition>().is_err(), "{bad}");
        }
    }
}
