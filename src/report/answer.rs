//! What came of a command.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::model::{Action, Direction, Event, EventData};

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutcome {
    /// The leader has taken it.
    Taken,
    /// The rules refuse it.
    Refused,
    /// Its operation has ended well.
    Completed,
    /// Its operation has failed.
    Failed,
}

/// A hold that was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlacedHold {
    /// The event that placed it.
    pub id: Uuid,
    /// What it blocks.
    pub direction: Direction,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
}

/// All that came of a command.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CommandAnswer {
    /// The command.
    pub command_id: Uuid,
    /// Its name: scale, hold, ...
    pub command: &'static str,
    /// How far it has come.
    pub outcome: CommandOutcome,
    /// The operation that was begun.
    pub operation_id: Option<Uuid>,
    /// What refuses (limit, hold, cooldown, worker, ...), or why the operation failed.
    pub reason: Option<String>,
    /// The refusal in words, with what to do.
    pub detail: Option<String>,
    /// The holds that were placed.
    pub holds: Vec<PlacedHold>,
    /// The first event that answers.
    pub event: Option<Event>,
    /// All events that answer: holding both directions has two.
    pub events: Vec<Event>,
    /// The event that ended the operation, where that was waited for.
    pub ended_by: Option<Event>,
}

impl CommandAnswer {
    /// The answer that a command's events give. `ended_by` is the end of its operation, where that was waited for.
    #[must_use]
    pub fn new(command_id: Uuid, action: &Action, events: Vec<Event>, ended_by: Option<Event>) -> Self {
        let refusal = events.iter().find_map(|event| match &event.data {
            EventData::CommandRefused(data) => Some((data.reason.clone(), data.detail.clone())),
            _ => None,
        });
        let failure = match ended_by.as_ref().map(|event| &event.data) {
            Some(EventData::ScalingActionFailed(data)) => Some(data.reason.clone()),
            _ => None,
        };
        let outcome = match (&refusal, &failure, &ended_by) {
            (Some(_), ..) => CommandOutcome::Refused,
            (None, Some(_), _) => CommandOutcome::Failed,
            (None, None, Some(_)) => CommandOutcome::Completed,
            (None, None, None) => CommandOutcome::Taken,
        };
        let (reason, detail) = refusal.map_or((failure, None), |(reason, detail)| (Some(reason), Some(detail)));
        Self {
            command_id,
            command: action.name(),
            outcome,
            operation_id: events.iter().find_map(|event| event.correlation_id),
            reason,
            detail,
            holds: events.iter().filter_map(placed).collect(),
            event: events.first().cloned(),
            events,
            ended_by,
        }
    }
}

fn placed(event: &Event) -> Option<PlacedHold> {
    match &event.data {
        EventData::HoldPlaced(data) => {
            Some(PlacedHold { id: event.event_id, direction: data.direction, until: data.until })
        }
        _ => None,
    }
}
