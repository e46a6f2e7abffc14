//! What the leader answered, and how it is told.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use uuid::Uuid;
use windlass::clock;
use windlass::model::{Action, Command, Direction, Event, EventData};
use windlass_ui::describe::describe;
use windlass_ui::format;

use crate::cli::failure::Failure;
use crate::cli::screen::{Screen, Tone};

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
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
#[derive(Debug, Serialize)]
struct Hold {
    id: Uuid,
    direction: Direction,
    until: DateTime<Utc>,
}

/// One document with all that came of a command.
#[derive(Debug, Serialize)]
struct Document<'a> {
    command_id: Uuid,
    command: &'static str,
    outcome: Outcome,
    operation_id: Option<Uuid>,
    /// What refuses: `limit`, `hold`, ...; or why the operation failed.
    reason: Option<&'a str>,
    detail: Option<&'a str>,
    holds: Vec<Hold>,
    /// The first event that answers.
    event: Option<&'a Event>,
    /// All events that answer: holding both directions has two.
    events: &'a [Event],
    /// The event that ended the operation, where that was waited for.
    ended_by: Option<&'a Event>,
}

/// The leader's answer to a command.
pub struct Answer {
    command: Command,
    events: Vec<Event>,
    ended_by: Option<Event>,
}

impl Answer {
    /// The events that a command caused.
    #[must_use]
    pub const fn new(command: Command, events: Vec<Event>) -> Self {
        Self { command, events, ended_by: None }
    }

    /// The operation that was begun.
    #[must_use]
    pub fn operation(&self) -> Option<Uuid> {
        self.events.iter().find_map(|event| event.correlation_id)
    }

    /// The operation has ended.
    pub fn ended(&mut self, by: Event) {
        self.ended_by = Some(by);
    }

    /// How far it has come.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.refusal().is_some() {
            return Outcome::Refused;
        }
        match self.ended_by.as_ref().map(|event| &event.data) {
            Some(EventData::ScalingActionFailed(_)) => Outcome::Failed,
            Some(_) => Outcome::Completed,
            None => Outcome::Taken,
        }
    }

    fn refusal(&self) -> Option<(&str, &str)> {
        self.events.iter().find_map(|event| match &event.data {
            EventData::CommandRefused(data) => Some((data.reason.as_str(), data.detail.as_str())),
            _ => None,
        })
    }

    fn failure(&self) -> Option<&str> {
        match &self.ended_by.as_ref()?.data {
            EventData::ScalingActionFailed(data) => Some(&data.reason),
            _ => None,
        }
    }

    /// Prints it; what was refused or failed is a failure as well.
    pub fn tell(&self, screen: Screen, json: bool) -> Result<(), Failure> {
        if json {
            screen.document(&self.document())?;
        } else if self.refusal().is_none() {
            self.events.iter().try_for_each(|event| screen.line(told(event)))?;
            if let Some(event) = self.ended_by.as_ref().filter(|_| self.failure().is_none()) {
                screen.line(screen.paint(Tone::Good, describe(&event.data)))?;
            }
        }
        if let Some((reason, detail)) = self.refusal() {
            return Err(Failure::Refused(format!("{} ({})", detail, reason.replace('_', " "))));
        }
        match self.failure() {
            Some(reason) => Err(Failure::Failed(format!("the operation has failed: {reason}"))),
            None => Ok(()),
        }
    }

    fn document(&self) -> Document<'_> {
        let refusal = self.refusal();
        Document {
            command_id: self.command.command_id,
            command: Action::name(&self.command.action),
            outcome: self.outcome(),
            operation_id: self.operation(),
            reason: refusal.map(|(reason, _)| reason).or_else(|| self.failure()),
            detail: refusal.map(|(_, detail)| detail),
            holds: self.holds(),
            event: self.events.first(),
            events: &self.events,
            ended_by: self.ended_by.as_ref(),
        }
    }

    fn holds(&self) -> Vec<Hold> {
        let hold = |event: &Event| match &event.data {
            EventData::HoldPlaced(data) => {
                Some(Hold { id: event.event_id, direction: data.direction, until: data.until })
            }
            _ => None,
        };
        self.events.iter().filter_map(hold).collect()
    }
}

/// What was taken, and the id by which it goes on.
fn told(event: &Event) -> String {
    let what = describe(&event.data);
    match (&event.data, event.correlation_id) {
        (EventData::HoldPlaced(data), _) => {
            let left = format::left(data.until, clock::now());
            let until = data.until.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("{what}\nhold {}, until {until} ({left})", event.event_id)
        }
        (_, Some(operation)) => format!("{what}\noperation {operation}"),
        (_, None) => what,
    }
}
