//! What the leader answered, and how it is told.

use chrono::SecondsFormat;
use uuid::Uuid;
use windlass::clock;
use windlass::model::{Command, Event, EventData};
use windlass::report::{CommandAnswer, CommandOutcome};
use windlass_ui::describe::describe;
use windlass_ui::format;

use crate::cli::failure::Failure;
use crate::cli::screen::{Screen, Tone, note};

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

    /// Prints it; what was refused or failed is a failure as well.
    pub fn tell(&self, screen: Screen, json: bool) -> Result<(), Failure> {
        let document = self.document();
        if json {
            screen.document(&document)?;
        } else {
            print(screen, &document)?;
        }
        verdict(&document)
    }

    fn document(&self) -> CommandAnswer {
        let Command { command_id, action, .. } = &self.command;
        CommandAnswer::new(*command_id, action, self.events.clone(), self.ended_by.clone())
    }
}

/// Prints the answers to several commands, with `json` as one list; those that were refused are a failure.
pub fn tell_all(answers: &[Answer], screen: Screen, json: bool) -> Result<(), Failure> {
    let documents: Vec<CommandAnswer> = answers.iter().map(Answer::document).collect();
    if json {
        screen.document(&documents)?;
    } else {
        documents.iter().try_for_each(|document| print(screen, document))?;
    }
    let mut failures: Vec<Failure> = documents.iter().filter_map(|document| verdict(document).err()).collect();
    let last = failures.pop();
    failures.iter().filter_map(Failure::message).for_each(|message| note(format_args!("windlass: {message}")));
    last.map_or(Ok(()), Err)
}

fn print(screen: Screen, answer: &CommandAnswer) -> Result<(), Failure> {
    if answer.outcome == CommandOutcome::Refused {
        return Ok(());
    }
    answer.events.iter().try_for_each(|event| screen.line(told(event)))?;
    match &answer.ended_by {
        Some(event) if answer.outcome == CommandOutcome::Completed => {
            screen.line(screen.paint(Tone::Good, describe(&event.data)))
        }
        _ => Ok(()),
    }
}

fn verdict(answer: &CommandAnswer) -> Result<(), Failure> {
    let reason = answer.reason.as_deref().unwrap_or("unknown");
    match answer.outcome {
        CommandOutcome::Taken | CommandOutcome::Completed => Ok(()),
        CommandOutcome::Failed => Err(Failure::Failed(format!("the operation has failed: {reason}"))),
        CommandOutcome::Refused => {
            let detail = answer.detail.as_deref().unwrap_or("no reason was given");
            Err(Failure::Refused(format!("{detail} ({})", reason.replace('_', " "))))
        }
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
