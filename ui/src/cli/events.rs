//! `windlass events`: what happened, and with `-f` what happens.

mod dead;
mod replay;
mod schema;

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand};
use windlass::bus::{self, Follower};
use windlass::clock;
use windlass::model::{Event, EventType, Severity, WorkerName};
use windlass::report::{EventFilter, Since};
use windlass::store::{Store, StoreError};
use windlass::viewer::EVENTS_KEPT;
use windlass_ui::describe::describe;
use windlass_ui::format;

use super::Context;
use super::facts::Form;
use super::failure::Failure;
use super::memory::with_store;
use super::screen::{Screen, Tone, note};
use super::table::{Cell, Table};

/// How long a read of the stream waits.
const WAIT: Duration = Duration::from_secs(2);
/// Between two attempts while Redis does not answer.
const RETRY: Duration = Duration::from_millis(500);
/// How many are shown where nobody says.
const USUAL: usize = 20;

/// Which events.
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Go on and print what happens; ends with Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// At most so many of the newest [default: 20, or all of them with --since]
    #[arg(short = 'n', long, value_name = "N")]
    number: Option<usize>,
    /// Only of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type)]
    types: Vec<EventType>,
    /// Only of this severity or a higher one
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    /// Only about this worker
    #[arg(long, value_name = "NAME")]
    worker: Option<WorkerName>,
    /// Only since then: a length of time (10m) or a moment (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// Print the JSON Schema of the events, or of one type; needs no Redis
    #[arg(long, value_name = "TYPE", num_args = 0..=1, value_parser = event_type)]
    #[arg(conflicts_with_all = ["follow", "number", "types", "severity", "worker", "since"])]
    schema: Option<Vec<EventType>>,
    #[command(flatten)]
    form: Form,
}

/// What else is done with events.
#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the events that a handler gave up, and work them off
    Dead(dead::Args),
    /// Read the log again: hold it against the state, or give it to a handler
    Replay(replay::Args),
}

impl Args {
    /// The type whose schema is asked for in place of events; empty: all of them.
    #[must_use]
    pub fn schema(&self) -> Option<&[EventType]> {
        self.schema.as_deref()
    }
}

pub use schema::print as print_schema;

/// Prints them, oldest first.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match &args.command {
        Some(Command::Dead(args)) => return dead::run(context, args).await,
        Some(Command::Replay(args)) => return replay::run(context, args).await,
        None => {}
    }
    let done = with_store(&context.settings, async |store| print(context, &args, store).await).await;
    match done {
        // Ctrl-C is how one stops following.
        Err(Failure::Interrupted) if args.follow => Ok(()),
        done => done,
    }
}

async fn print(context: &Context, args: &Args, store: &Store) -> Result<(), Failure> {
    let now = clock::now();
    let filter = EventFilter {
        types: args.types.clone(),
        severity: args.severity,
        worker: args.worker.clone(),
        since: args.since.map(|since| since.moment(now)),
    };
    let (events, position) = bus::newest(store, EVENTS_KEPT).await?;
    if store.leader().await?.is_none() {
        let cluster = context.settings.cluster();
        note(format_args!("no engine is running for cluster {cluster}; this is what Redis remembers"));
    }
    let mut events: Vec<Event> = events.into_iter().filter(|event| filter.passes(event)).collect();
    let number = args.number.unwrap_or(if args.since.is_some() { usize::MAX } else { USUAL });
    events.drain(..events.len().saturating_sub(number));
    if args.form.json {
        events.iter().try_for_each(|event| context.screen.object(event))?;
    } else if args.follow {
        events.iter().try_for_each(|event| line(context.screen, event))?;
    } else if events.is_empty() {
        context.screen.line("no events")?;
    } else {
        table(&events, now).print(context.screen)?;
    }
    if !args.follow {
        return Ok(());
    }
    follow(store, position, async |event| match () {
        () if !filter.passes(event) => Ok(()),
        () if args.form.json => context.screen.object(event),
        () => line(context.screen, event),
    })
    .await
}

/// Tells of every event from a position on, whatever Redis does meanwhile.
async fn follow(
    store: &Store,
    mut position: String,
    tell: impl AsyncFn(&Event) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut away = false;
    loop {
        let streams = vec![(store.keys().events(), position.clone())];
        let lost: StoreError = match Follower::new(store, streams, WAIT).await {
            Err(error) => error,
            Ok(mut follower) => {
                away = false;
                loop {
                    match follower.next(WAIT).await {
                        Err(error) => break error,
                        Ok(entries) => {
                            for entry in entries {
                                if let Ok(event) = entry.event() {
                                    tell(&event).await?;
                                }
                                position = entry.id;
                            }
                        }
                    }
                }
            }
        };
        if !away {
            note(format_args!("{lost}; trying again until it does"));
            away = true;
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn table(events: &[Event], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&[">AGE", "SEVERITY", "EVENT", "ID", "BY", "WHAT"]);
    for event in events {
        table.row(vec![
            format::age(event.timestamp, now).into(),
            Cell::new(event.severity(), tone(event.severity())),
            Cell::new(event.event_type(), tone(event.severity())),
            Cell::new(short_id(event), Tone::Faint),
            event.actor.to_string().into(),
            describe(&event.data).into(),
        ]);
    }
    table
}

fn line(screen: Screen, event: &Event) -> Result<(), Failure> {
    let tone = tone(event.severity());
    screen.line(format_args!(
        "{}  {}  {}  {}  {}",
        screen.paint(Tone::Faint, event.timestamp.format("%H:%M:%SZ")),
        screen.paint(tone, format_args!("{:<8}", event.severity())),
        screen.paint(tone, format_args!("{:<24}", event.event_type())),
        screen.paint(Tone::Faint, short_id(event)),
        describe(&event.data),
    ))
}

/// The end of an event's id: its beginning is the time, which many share.
#[must_use]
pub fn short_id(event: &Event) -> String {
    let id = event.event_id.simple().to_string();
    id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

/// The tone of a severity.
#[must_use]
pub const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Plain,
        Severity::Warning => Tone::Warn,
        Severity::Critical => Tone::Bad,
    }
}

fn event_type(text: &str) -> Result<EventType, String> {
    text.parse().map_err(|error| {
        let known: Vec<&str> = EventType::ALL.iter().map(|known| known.name()).collect();
        format!("{error}; there are {}", known.join(", "))
    })
}

fn severity(text: &str) -> Result<Severity, String> {
    [Severity::Info, Severity::Warning, Severity::Critical]
        .into_iter()
        .find(|severity| severity.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| "there are info, warning and critical".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood_in_any_case() {
        assert_eq!(severity("Warning"), Ok(Severity::Warning));
        assert_eq!(event_type("noderemoved"), Ok(EventType::NodeRemoved));
        assert!(event_type("Nope").unwrap_err().contains("NodeRemoved"));
    }
}
