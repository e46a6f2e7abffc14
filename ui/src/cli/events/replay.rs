//! `windlass events replay`: the log read again: held against the state, tried on a handler, or given to it for real.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use serde::Serialize;
use windlass::bus::replay::{self, Audit};
use windlass::clock;
use windlass::config::HandlerName;
use windlass::handlers::feed::{Fed, Meal, feed};
use windlass::handlers::{self, Handler};
use windlass::model::{Action, Event, LogPosition};
use windlass::report::Since;
use windlass::store::Store;
use windlass_ui::describe::describe;
use windlass_ui::format;

use crate::cli::Context;
use crate::cli::actor::actor;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::memory::with_store;
use crate::cli::orders::{Reason, give};
use crate::cli::screen::{Screen, Tone, note};
use crate::cli::settings;

/// Which events, and who gets them. With `--dry-run`, which every command has, the handler does nothing with them.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// From here on: a length of time (10m), a moment (RFC 3339) or an entry of the stream [default: all that is kept]
    #[arg(long, value_name = "WHERE", value_parser = edge)]
    from: Option<Edge>,
    /// Up to here, the same way [default: the newest]
    #[arg(long, value_name = "WHERE", value_parser = edge)]
    to: Option<Edge>,
    /// Give them to this handler again; with --dry-run only tell what it would report
    #[arg(long, value_name = "NAME")]
    handler: Option<String>,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// An end of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edge {
    Time(Since),
    Entry(LogPosition),
}

impl Edge {
    fn position(&self, now: DateTime<Utc>) -> LogPosition {
        match self {
            Self::Time(since) => LogPosition::at(since.moment(now)),
            Self::Entry(position) => position.clone(),
        }
    }
}

fn edge(text: &str) -> Result<Edge, String> {
    if let Ok(since) = text.parse::<Since>() {
        return Ok(Edge::Time(since));
    }
    text.parse().map(Edge::Entry).map_err(|_| {
        "write a length of time (90, 10m, 2h), a moment (2026-01-31T08:00:00Z) or an entry of the stream (1763648327000-0)"
            .to_owned()
    })
}

/// The comparison as `--json` has it.
#[derive(Debug, Serialize)]
struct Comparison<'a> {
    events: usize,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    whole: bool,
    equal: bool,
    compared: &'a [&'static str],
    differences: &'a [&'static str],
}

/// One event that was fed, as `--json` has it.
#[derive(Debug, Serialize)]
struct Feeding<'a> {
    event: &'a Event,
    emits: &'a [Event],
    error: Option<&'a str>,
}

/// Does it.
pub async fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let now = clock::now();
    let from = args.from.as_ref().map(|edge| edge.position(now));
    let to = args.to.as_ref().map(|edge| edge.position(now));
    match (&args.handler, from) {
        (None, from) => {
            let audit = async |store: &Store| Ok(replay::audit(store, from.as_ref(), to.as_ref()).await?);
            let audit = with_store(&context.settings, audit).await?;
            tell(context.screen, &audit, args.form.json, to.is_some())
        }
        (Some(name), from) if context.global.dry_run => try_on(context, named(name)?.as_ref(), from, to, args).await,
        (Some(_), None) => Err(Failure::Usage(
            "--from is needed to give events to a handler for real: say from where on; --dry-run only tells what it would report"
                .to_owned(),
        )),
        (Some(handler), Some(from)) => {
            let actor = actor(&context.global, &context.settings)?;
            let action = Action::Replay { handler: handler.clone(), from, to };
            with_store(&context.settings, async |store| {
                let (answer, _) = give(context, store, actor, action, &args.reason.reason).await?;
                answer.tell(context.screen, args.form.json)
            })
            .await
        }
    }
}

/// Says what came of the comparison; over the whole log a difference is a failure.
fn tell(screen: Screen, audit: &Audit, json: bool, ends_early: bool) -> Result<(), Failure> {
    let equal = audit.differences.is_empty();
    if json {
        let Audit { events, first, last, whole, compared, differences } = audit;
        let (events, first, last, whole) = (*events, *first, *last, *whole);
        screen.document(&Comparison { events, first, last, whole, equal, compared, differences })?;
    } else {
        let count = format::plural(audit.events as u64, "event");
        screen.line(match (audit.first, audit.last) {
            (Some(first), Some(last)) => format!("{count}, {} to {}", stamp(first), stamp(last)),
            _ => count,
        })?;
        if ends_early {
            screen.line("not compared: what is stored is the state of now; leave --to out to compare it")?;
        } else if !audit.whole {
            let parts = if audit.compared.is_empty() { "nothing".to_owned() } else { audit.compared.join(", ") };
            screen.line(format_args!(
                "these are not all events that ever were: compared is only what they determine by themselves ({parts})"
            ))?;
        }
        for part in &audit.differences {
            screen.line(screen.paint(Tone::Bad, format_args!("differs: {part}")))?;
        }
        if equal && !ends_early {
            screen.line(screen.paint(Tone::Good, "what they give is what is stored"))?;
        }
    }
    if equal || !audit.whole {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "the log gives another state than the one that is stored, in {}. Something else than windlass has written to its keys, or this \
         is a fault in windlass: `windlass reconcile` compares the state with the cluster",
        audit.differences.join(", ")
    )))
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn named(name: &str) -> Result<Arc<dyn Handler>, Failure> {
    let known = || handlers::all().iter().map(|handler| handler.name()).collect::<Vec<_>>().join(", ");
    let found = handlers::all().into_iter().find(|handler| handler.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        Failure::Usage(if name.starts_with(HandlerName::AlertManager.name()) {
            format!("--handler {name}: it reports nothing, it delivers; with --dry-run there are {}", known())
        } else {
            format!("--handler {name}: there is no such handler; there are {}", known())
        })
    })
}

/// Feeds a handler and tells what it would report; nothing is written.
async fn try_on(
    context: &Context,
    handler: &dyn Handler,
    from: Option<LogPosition>,
    to: Option<LogPosition>,
    args: &Args,
) -> Result<(), Failure> {
    // The flag is this command's here: the handler is to report what it would without it.
    let settings = settings::load(&Global { dry_run: false, ..context.global.clone() })?;
    let (before, log, whole) = with_store(&context.settings, async |store| {
        let all = replay::events(store, None, to.as_ref()).await?;
        let log = replay::events(store, from.as_ref(), to.as_ref()).await?;
        let whole = replay::is_whole(store).await?;
        let first = log.first().map(|event| event.event_id);
        let before = all.iter().take_while(|event| Some(event.event_id) != first).cloned().collect::<Vec<_>>();
        Ok((before, log, whole))
    })
    .await?;
    if !whole {
        note(
            "the log no longer reaches back to the first event: what was known at the time is only what the rest of it tells",
        );
    }
    note("what was seen of the cluster is not in the log: a handler that needs it says so, or reports nothing");
    let state = replay::fold(&before);
    let fed = feed(handler, &Meal { config: &settings.config, state: &state, events: &log, observation: None });
    let event = |fed: &Fed| log.iter().find(|event| event.event_id == fed.event);
    let fed: Vec<(&Event, &Fed)> = fed.iter().filter_map(|fed| Some((event(fed)?, fed))).collect();
    let screen = context.screen;
    if args.form.json {
        let document = |(event, fed): &(&'_ Event, &'_ Fed)| {
            serde_json::to_value(Feeding { event, emits: &fed.emits, error: fed.error.as_deref() })
        };
        let documents = fed.iter().map(document).collect::<Result<Vec<_>, _>>().map_err(Failure::failed)?;
        return screen.document(&documents);
    }
    for (event, fed) in &fed {
        super::line(screen, event)?;
        for would in &fed.emits {
            let name = screen.paint(super::tone(would.severity()), would.event_type());
            screen.line(format_args!("    would report {name}: {}", describe(&would.data)))?;
        }
        if let Some(error) = &fed.error {
            screen.line(format_args!("    {}", screen.paint(Tone::Bad, format_args!("would fail: {error}"))))?;
        } else if fed.emits.is_empty() {
            screen.line(format_args!("    {}", screen.paint(Tone::Faint, "would report nothing")))?;
        }
    }
    let count = format::plural(fed.len() as u64, "event");
    screen.line(format_args!("{count} of {} fed to {}; nothing was done", log.len(), handler.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_length_a_moment_or_an_entry() {
        let now = DateTime::from_timestamp_millis(1_000_000).unwrap();
        let position = |text: &str| edge(text).map(|edge| edge.position(now).to_string());
        assert_eq!(position("10m").unwrap(), "400000");
        assert_eq!(position("1970-01-01T00:00:05Z").unwrap(), "5000");
        assert_eq!(position("1763648327000-7").unwrap(), "1763648327000-7");
        assert!(position("yesterday").unwrap_err().contains("1763648327000-0"));
    }
}
