//! The query of `/api/v1/events`: what it may say, and what is wrong with what it says.

use chrono::{DateTime, Utc};
use schemars::SchemaGenerator;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::Problem;
use crate::model::{EventType, Severity, WorkerName};
use crate::report::{EventFilter, Since};
use crate::viewer::EVENTS_KEPT;

/// How many events are listed where nobody says.
const USUAL: usize = 100;

/// Which events, and how many of the newest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventsQuery {
    pub(super) filter: EventFilter,
    pub(super) limit: usize,
}

/// The parameters as the API's description has them.
pub(super) fn parameters(generator: &mut SchemaGenerator) -> Vec<Value> {
    let event_type = generator.subschema_for::<EventType>().to_value();
    let parameter = |name: &str, description: &str, schema: Value| json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema});
    vec![
        parameter(
            "limit",
            "At most so many of the newest.",
            json!({"type": "integer", "minimum": 1, "maximum": EVENTS_KEPT, "default": USUAL}),
        ),
        parameter("type", "Only of this type; may be repeated.", json!({"type": "array", "items": event_type})),
        parameter(
            "severity",
            "Only of this severity or a higher one.",
            generator.subschema_for::<Severity>().to_value(),
        ),
        parameter("worker", "Only about this worker.", generator.subschema_for::<WorkerName>().to_value()),
        parameter(
            "since",
            "Only since then: a length of time (90, 10m, 2h) or a moment (RFC 3339).",
            json!({"type": "string", "examples": ["10m", "2026-01-31T08:00:00Z"]}),
        ),
    ]
}

impl EventsQuery {
    /// Reads the pairs of a query. All that is wrong is told at once.
    pub(super) fn read(pairs: &[(String, String)], now: DateTime<Utc>) -> Result<Self, Problem> {
        let mut query = Self { filter: EventFilter::default(), limit: USUAL };
        let mut mistakes = Vec::new();
        let mut seen = Vec::new();
        for (name, text) in pairs {
            if name != "type" && seen.contains(&name) {
                mistakes.push(format!("{name}: it is there twice; give it once"));
            } else if let Err(mistake) = query.set(name, text, now) {
                mistakes.push(mistake);
            }
            seen.push(name);
        }
        if mistakes.is_empty() { Ok(query) } else { Err(Problem::bad_request("invalid_query", mistakes.join(". "))) }
    }

    fn set(&mut self, name: &str, text: &str, now: DateTime<Utc>) -> Result<(), String> {
        let wrong = |allowed: &str| format!("{name}: found {text:?}; allowed: {allowed}");
        match name {
            "limit" => {
                let limit = text.parse().ok().filter(|limit| (1..=EVENTS_KEPT).contains(limit));
                self.limit = limit.ok_or_else(|| wrong(&format!("a whole number from 1 to {EVENTS_KEPT}")))?;
            }
            "type" => {
                let all = || EventType::ALL.iter().map(|known| known.name()).collect::<Vec<_>>().join(", ");
                self.filter.types.push(text.parse().map_err(|_| wrong(&all()))?);
            }
            "severity" => {
                self.filter.severity = Some(word(text).ok_or_else(|| wrong("info, warning, critical"))?);
            }
            "worker" => {
                self.filter.worker = Some(text.parse::<WorkerName>().map_err(|error| format!("worker: {error}"))?);
            }
            "since" => self.filter.since = Some(text.parse::<Since>().map_err(|how| wrong(&how))?.moment(now)),
            _ => {
                return Err(format!(
                    "{name}: there is no such parameter; there are limit, type, severity, worker and since"
                ));
            }
        }
        Ok(())
    }
}

/// A word that stands for a value.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::String(text.to_owned())).ok()
}
