//! `windlass why`: the latest verdict, gate by gate; `windlass why EVENT`: what led to an event.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use serde::Serialize;
use windlass::model::{Conclusion, Direction, Event, Gate, Verdict};
use windlass::viewer::EVENTS_KEPT;
use windlass_ui::cockpit::chain::{Chain, Root};
use windlass_ui::describe::describe;
use windlass_ui::format;

use super::Context;
use super::events::{short_id, tone};
use super::facts::{self, Form};
use super::failure::Failure;
use super::screen::Tone;
use super::table::{Cell, Table};
use super::verdict::{blocking, number, sentence, words};

/// What is asked about.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// An event: its id, the beginning or end of it as `windlass events` shows it, or `last`. Without one: the latest verdict
    #[arg(value_name = "EVENT")]
    event: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// `why --json`.
#[derive(Debug, Serialize)]
struct Document<'a> {
    at: DateTime<Utc>,
    #[serde(flatten)]
    conclusion: &'a Conclusion,
    dry_run: bool,
    up: Vec<GateLine<'a>>,
    down: Vec<GateLine<'a>>,
}

#[derive(Debug, Serialize)]
struct GateLine<'a> {
    #[serde(flatten)]
    gate: &'a Gate,
    /// Whether it is what stands in the way of something wanted.
    blocking: bool,
    /// Until it may change by itself; null: not known.
    clears_in_seconds: Option<f64>,
}

/// Prints it.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.event {
        Some(wanted) => causes(context, &wanted, args.form).await,
        None => latest(context, args.form).await,
    }
}

async fn latest(context: &Context, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, 0).await?;
    let verdict = view.verdict.as_deref();
    if form.json {
        return context.screen.document(&verdict.map(|verdict| document(verdict, view.at)));
    }
    let Some(verdict) = verdict else {
        return context.screen.line("nothing was concluded yet");
    };
    let screen = context.screen;
    screen.line(screen.paint(Tone::Strong, sentence(verdict, view.at)))?;
    screen.line(screen.paint(Tone::Faint, format_args!("concluded {} ago", format::age(verdict.at, view.at))))?;
    for direction in Direction::BOTH {
        screen.line("")?;
        screen.line(format_args!("scale {direction}"))?;
        gates(verdict.gates(direction), view.at).print(screen)?;
    }
    Ok(())
}

fn document(verdict: &Verdict, now: DateTime<Utc>) -> Document<'_> {
    let of = |direction: Direction| {
        let gates = verdict.gates(direction);
        let first = blocking(gates);
        gates
            .iter()
            .enumerate()
            .map(|(place, gate)| GateLine {
                gate,
                blocking: first == Some(place),
                clears_in_seconds: gate.clears_at.map(|at| seconds_until(at, now)),
            })
            .collect()
    };
    Document {
        at: verdict.at,
        conclusion: &verdict.conclusion,
        dry_run: verdict.dry_run,
        up: of(Direction::Up),
        down: of(Direction::Down),
    }
}

fn seconds_until(at: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    windlass::clock::between(now, at).as_secs_f64()
}

fn gates(gates: &[Gate], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["", "GATE", ">VALUE", ">BOUND", "", "CLEARS IN"]);
    let first = blocking(gates);
    for (place, gate) in gates.iter().enumerate() {
        let (mark, tone) = match (gate.passed, gate.gate.is_wish()) {
            (true, _) => ("  ✓ yes", Tone::Good),
            (false, true) => ("  ○ not wanted", Tone::Faint),
            (false, false) if first == Some(place) => ("  ✗ blocks", Tone::Bad),
            (false, false) => ("  ✗ no", Tone::Warn),
        };
        let clears = gate.clears_at.filter(|at| *at > now).map_or_else(String::new, |at| format::left(at, now));
        table.row(vec![
            Cell::new(mark, tone),
            words(gate.gate).into(),
            number(gate.value, gate.unit).into(),
            number(gate.bound, gate.unit).into(),
            gate.detail.as_str().into(),
            clears.into(),
        ]);
    }
    table
}

async fn causes(context: &Context, wanted: &str, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, EVENTS_KEPT).await?;
    let event = find(&view.events, wanted)?;
    let chain = Chain::of(event, &view.events);
    let links = chain.links.get(..=chain.own).unwrap_or_default();
    if form.json {
        let events: Vec<&Event> = links.iter().map(|link| link.event.as_ref()).collect();
        return context.screen.document(&events);
    }
    let screen = context.screen;
    let indent = match &chain.root {
        Root::Itself => 0,
        Root::Command(person) => {
            screen.line(screen.paint(Tone::Person, format_args!("a command by {person}")))?;
            1
        }
        Root::Older(id) => {
            screen.line(screen.paint(Tone::Faint, format_args!("{id}, which the log no longer holds")))?;
            1
        }
    };
    for link in links {
        let event = &link.event;
        let ago = format!("{:>6} ago", format::age(event.timestamp, view.at));
        screen.line(format_args!(
            "{}{} {}  {}  {}",
            "  ".repeat(link.depth + indent),
            screen.paint(tone(event.severity()), event.event_type()),
            describe(&event.data),
            screen.paint(Tone::Faint, ago.trim_start()),
            screen.paint(Tone::Faint, short_id(event)),
        ))?;
    }
    Ok(())
}

/// The event with this id, or the only one whose id begins or ends like this.
fn find<'a>(events: &'a VecDeque<Arc<Event>>, wanted: &str) -> Result<&'a Arc<Event>, Failure> {
    if wanted == "last" {
        return events.back().ok_or_else(|| Failure::failed("there is no event yet"));
    }
    let wanted = wanted.to_ascii_lowercase();
    if wanted.len() < 4 || !wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Failure::Usage(format!(
            "{wanted:?} is not an event: give its id or at least 4 characters of its beginning or end, or `last`"
        )));
    }
    let mut found = events.iter().filter(|event| {
        let id = event.event_id.to_string();
        id.starts_with(&wanted) || id.ends_with(&wanted)
    });
    match (found.next(), found.next()) {
        (Some(event), None) => Ok(event),
        (Some(_), Some(_)) => {
            Err(Failure::Usage(format!("several events have an id that begins or ends with {wanted}: give more of it")))
        }
        (None, _) => Err(Failure::failed(format_args!(
            "there is no event {wanted} among the newest {}; `windlass events` lists them with their ids",
            format::count(events.len() as u64)
        ))),
    }
}
