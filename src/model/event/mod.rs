//! Events: something that happened, in the structure of seed 002 plus `caused_by`, `correlation_id` and `actor`.

mod catalog;
pub mod describe;
mod lasting;
pub mod schema;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Actor, ClusterId};
pub use catalog::*;

/// How much an event matters to the person on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// Capacity or data is at risk.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// Where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The region its operator gave it.
    pub region: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// `UUIDv7`.
    pub event_id: Uuid,
    /// When it happened, UTC.
    pub timestamp: DateTime<Utc>,
    /// The part of windlass that reports it.
    pub source: String,
    /// `event_type` and `data`.
    #[serde(flatten)]
    pub data: EventData,
    /// Where.
    pub metadata: Metadata,
    /// The event or command that led to it.
    pub caused_by: Option<Uuid>,
    /// The operation it belongs to.
    pub correlation_id: Option<Uuid>,
    /// Who did it.
    pub actor: Actor,
}

impl Event {
    /// What happened.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.data.event_type()
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.event_type().severity()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EventType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|event_type| event_type.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("unknown event type {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_seeds_structure() {
        let event = Event {
            event_id: Uuid::nil(),
            timestamp: "2025-12-16T11:20:00Z".parse().unwrap(),
            source: "metrics_listener".to_owned(),
            data: EventData::OptimalStateTrigger(OptimalStateTrigger {
                active: true,
                current_workers: 2,
                min_workers: 2,
                cpu_avg: Some(15.0),
                memory_avg: None,
            }),
            metadata: Metadata { cluster_id: "cluster-1".parse().unwrap(), region: "us-west-2".to_owned() },
            caused_by: None,
            correlation_id: None,
            actor: Actor::Engine,
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "event_id": "00000000-0000-0000-0000-000000000000",
                "event_type": "OptimalStateTrigger",
                "timestamp": "2025-12-16T11:20:00Z",
                "source": "metrics_listener",
                "data": {"active": true, "current_workers": 2, "min_workers": 2, "cpu_avg": 15.0, "memory_avg": null},
                "metadata": {"cluster_id": "cluster-1", "region": "us-west-2"},
                "caused_by": null,
                "correlation_id": null,
                "actor": "engine"
            })
        );
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
