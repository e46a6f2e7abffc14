//! Events as alerts of Alertmanager's API v2. What lasts fires until its end event comes, with the same labels; what happens at one moment
//! fires until Alertmanager's own `resolve_timeout`.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::model::event::describe::describe;
use crate::model::{Direction, Event, EventData, EventType, WorkerName};

/// What lasts and is not reported again fires for this long at the most, should its end not be heard of.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A condition that is reported again may miss two reports.
const REPORTS: u32 = 3;

/// The body of `POST /api/v2/alerts` for an event.
pub(super) fn alerts(event: &Event, reminder: Duration) -> Value {
    let event_type = event.event_type();
    let mut alert = json!({
        "labels": labels(event, event_type.ends().unwrap_or(event_type), subject(&event.data).as_ref()),
        "annotations": {"summary": describe(&event.data), "event_id": event.event_id.to_string()},
    });
    match (event_type.ends(), firing_until(event, reminder)) {
        (Some(_), _) => alert["endsAt"] = time(event.timestamp),
        (None, until) => {
            alert["startsAt"] = time(event.timestamp);
            if let Some(until) = until {
                alert["endsAt"] = time(until);
            }
        }
    }
    let mut alerts = vec![alert];
    // A worker that is gone is not degraded any more, and no event says so.
    if let EventData::NodeUnexpectedlyLost(lost) = &event.data {
        let labels = labels(event, EventType::NodeHealthDegraded, Some(&Subject::Node(&lost.node_name)));
        alerts.push(json!({"labels": labels, "endsAt": time(event.timestamp)}));
    }
    Value::Array(alerts)
}

/// What an alert is about, beside the cluster.
enum Subject<'a> {
    Node(&'a WorkerName),
    Direction(Direction),
    Handler(&'a str),
}

fn subject(data: &EventData) -> Option<Subject<'_>> {
    use EventData as E;
    Some(match data {
        E::NodeHealthDegraded(data) => Subject::Node(&data.node_name),
        E::NodeHealthRestored(data) => Subject::Node(&data.node_name),
        E::NodeUnexpectedlyLost(data) => Subject::Node(&data.node_name),
        E::NodeFailed(data) => Subject::Node(&data.node_name),
        E::WorkerProtected(data) => Subject::Node(&data.node_name),
        E::WorkerUnprotected(data) => Subject::Node(&data.node_name),
        E::HoldPlaced(data) => Subject::Direction(data.direction),
        E::HoldReleased(data) => Subject::Direction(data.direction),
        E::HoldExpired(data) => Subject::Direction(data.direction),
        E::CooldownStarted(data) => Subject::Direction(data.direction),
        E::CooldownEnded(data) => Subject::Direction(data.direction),
        E::ScalingActionFailed(data) => Subject::Direction(data.action),
        E::EventDeadLettered(data) => Subject::Handler(&data.handler),
        E::EventsLost(data) => Subject::Handler(&data.handler),
        _ => return None,
    })
}

/// The alert's identity: the end of something has the labels of its beginning. Alertmanager refuses empty ones.
fn labels(event: &Event, name: EventType, subject: Option<&Subject<'_>>) -> Map<String, Value> {
    let subject = match subject {
        Some(Subject::Node(name)) => Some(("node_name", name.to_string())),
        Some(Subject::Direction(direction)) => Some(("direction", direction.key().to_owned())),
        Some(Subject::Handler(handler)) => Some(("handler", (*handler).to_owned())),
        None => None,
    };
    [
        ("alertname", name.name().to_owned()),
        ("severity", name.severity().to_string()),
        ("cluster_id", event.metadata.cluster_id.to_string()),
        ("region", event.metadata.region.clone()),
    ]
    .into_iter()
    .chain(subject)
    .filter(|(_, value)| !value.is_empty())
    .map(|(label, value)| (label.to_owned(), value.into()))
    .collect()
}

fn firing_until(event: &Event, reminder: Duration) -> Option<DateTime<Utc>> {
    let is_reminded = matches!(
        event.event_type(),
        EventType::OptimalStateTrigger
            | EventType::UnderutilizationWarning
            | EventType::ResourcePressureAlert
            | EventType::PendingPodsDetected
            | EventType::NodeHealthDegraded
            | EventType::MinimumNodesViolation
    );
    match &event.data {
        EventData::HoldPlaced(data) => Some(data.until),
        EventData::CooldownStarted(data) => Some(data.until),
        _ if is_reminded => Some(clock::after(event.timestamp, reminder.saturating_mul(REPORTS))),
        data => data.event_type().lasts().then(|| clock::after(event.timestamp, LONGEST)),
    }
}

fn time(at: DateTime<Utc>) -> Value {
    at.to_rfc3339_opts(SecondsFormat::Millis, true).into()
}
