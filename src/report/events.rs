//! Which events somebody wants to see.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Span;
use crate::model::event::describe::workers_of;
use crate::model::{Event, EventType, Severity, WorkerName};

/// Since when: a length of time, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// Then.
    At(DateTime<Utc>),
}

impl Since {
    /// The moment it means.
    #[must_use]
    pub fn moment(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => TimeDelta::from_std(ago)
                .ok()
                .and_then(|ago| now.checked_sub_signed(ago))
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = text.parse::<Span>() {
            return Ok(Self::Ago(span.get()));
        }
        DateTime::parse_from_rfc3339(text)
            .map(|at| Self::At(at.to_utc()))
            .map_err(|_| "write a length of time (90, 10m, 2h) or a moment (2026-01-31T08:00:00Z)".to_owned())
    }
}

/// Which events pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only of these types; empty: of any.
    pub types: Vec<EventType>,
    /// Only of this severity or a higher one.
    pub severity: Option<Severity>,
    /// Only about this worker.
    pub worker: Option<WorkerName>,
    /// Only since then.
    pub since: Option<DateTime<Utc>>,
}

impl EventFilter {
    /// Whether an event passes.
    #[must_use]
    pub fn passes(&self, event: &Event) -> bool {
        (self.types.is_empty() || self.types.contains(&event.event_type()))
            && self.severity.is_none_or(|least| event.severity() >= least)
            && self.since.is_none_or(|since| event.timestamp >= since)
            && self.worker.as_ref().is_none_or(|worker| workers_of(&event.data).contains(worker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_length_or_a_moment() {
        assert_eq!("10m".parse(), Ok(Since::Ago(Duration::from_secs(600))));
        let at: DateTime<Utc> = "2026-01-31T08:00:00Z".parse().unwrap();
        assert_eq!("2026-01-31T09:00:00+01:00".parse(), Ok(Since::At(at)));
        assert_eq!(Since::Ago(Duration::from_secs(60)).moment(at), at - TimeDelta::seconds(60));
        assert_eq!(Since::Ago(Duration::MAX).moment(at), DateTime::<Utc>::MIN_UTC);
        assert!("yesterday".parse::<Since>().is_err());
    }
}
