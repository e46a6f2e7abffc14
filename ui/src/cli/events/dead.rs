//! `windlass events dead`: the events that a handler gave up, looked at and worked off.

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand};
use serde::Serialize;
use windlass::bus::dead_letters::{self, Letter};
use windlass::clock;
use windlass::model::{Action, Event};
use windlass::store::Store;
use windlass_ui::describe::describe;
use windlass_ui::format;

use crate::cli::Context;
use crate::cli::actor::actor;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;
use crate::cli::memory::with_store;
use crate::cli::orders::answer::tell_all;
use crate::cli::orders::{Reason, give, require_leader};
use crate::cli::screen::{Tone, note};
use crate::cli::table::{Cell, Table};

/// How many are listed where nobody says.
const USUAL: usize = 100;
/// How many are read at a time where all are wanted.
const PAGE: usize = 1000;

/// What is done with them.
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the dead letters, newest first
    List(List),
    /// Show one with its event and the whole error
    Show(Show),
    /// Give dead letters to their handlers again, to nobody else
    Retry(Letters),
    /// Discard dead letters
    Drop(Letters),
}

/// How many.
#[derive(Debug, ClapArgs)]
struct List {
    /// At most so many of the newest
    #[arg(short = 'n', long, value_name = "N", default_value_t = USUAL)]
    number: usize,
    #[command(flatten)]
    form: Form,
}

/// Which one.
#[derive(Debug, ClapArgs)]
struct Show {
    /// The dead letter, as `list` names it
    entry: String,
    #[command(flatten)]
    form: Form,
}

/// Which ones, why.
#[derive(Debug, ClapArgs)]
struct Letters {
    /// The dead letters, as `list` names them
    #[arg(value_name = "ENTRY", required_unless_present = "all")]
    entries: Vec<String>,
    /// All that there are now
    #[arg(long, conflicts_with = "entries")]
    all: bool,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// One dead letter as `--json` has it.
#[derive(Debug, Serialize)]
struct Document<'a> {
    entry: &'a str,
    at: DateTime<Utc>,
    handler: &'a str,
    error: &'a str,
    tries: u32,
    source: &'a str,
    event: Option<Event>,
    text: &'a str,
}

impl<'a> From<&'a Letter> for Document<'a> {
    fn from(letter: &'a Letter) -> Self {
        Self {
            entry: &letter.entry,
            at: letter.at,
            handler: &letter.handler,
            error: &letter.error,
            tries: letter.tries,
            source: &letter.source,
            event: letter.event(),
            text: &letter.text,
        }
    }
}

/// Does it.
pub async fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    with_store(&context.settings, async |store| match &args.command {
        None => list(context, store, &args.list).await,
        Some(Command::List(args)) => list(context, store, args).await,
        Some(Command::Show(args)) => show(context, store, args).await,
        Some(Command::Retry(letters)) => {
            work_off(context, store, letters, |entry| Action::DeadLetterRetry { entry }).await
        }
        Some(Command::Drop(letters)) => {
            work_off(context, store, letters, |entry| Action::DeadLetterDrop { entry }).await
        }
    })
    .await
}

async fn list(context: &Context, store: &Store, args: &List) -> Result<(), Failure> {
    let page = dead_letters::list(store, None, args.number).await?;
    let screen = context.screen;
    if args.form.json {
        screen.document(&page.letters.iter().map(Document::from).collect::<Vec<_>>())?;
    } else if page.letters.is_empty() {
        screen.line("no dead letters")?;
    } else {
        let now = clock::now();
        let mut table = Table::new(&["ENTRY", ">AGE", "HANDLER", ">TRIES", "EVENT", "ERROR"]);
        for letter in &page.letters {
            table.row(vec![
                Cell::new(&letter.entry, Tone::Strong),
                format::age(letter.at, now).into(),
                (&letter.handler).into(),
                letter.tries.into(),
                letter.event().map_or_else(|| "unreadable".to_owned(), |event| event.event_type().to_string()).into(),
                Cell::new(letter.error.lines().next().unwrap_or_default(), Tone::Bad),
            ]);
        }
        table.print(screen)?;
    }
    let older = page.total.saturating_sub(page.letters.len() as u64);
    if older > 0 {
        note(format_args!("{older} more: -n {} lists all", page.total));
    }
    Ok(())
}

async fn show(context: &Context, store: &Store, args: &Show) -> Result<(), Failure> {
    let Some(letter) = dead_letters::show(store, &args.entry).await? else {
        return Err(Failure::Failed(format!(
            "there is no dead letter {} (any more); `windlass events dead` lists them",
            args.entry
        )));
    };
    if args.form.json {
        return context.screen.document(&Document::from(&letter));
    }
    let event = letter.event();
    let what = event.as_ref().map_or_else(
        || "it cannot be read as an event: it can only be dropped".to_owned(),
        |event| format!("{} {}: {}", event.event_type(), event.event_id, describe(&event.data)),
    );
    let mut table = Table::new(&["", ""]);
    for (name, text) in [
        ("entry", letter.entry),
        ("given up", format!("{} ago", format::age(letter.at, clock::now()))),
        ("handler", letter.handler),
        ("tries", letter.tries.to_string()),
        ("error", letter.error),
        ("event", what),
        ("from", format!("entry {} of the event stream", letter.source)),
        ("text", letter.text),
    ] {
        table.row(vec![name.into(), text.into()]);
    }
    table.print(context.screen)
}

/// One command for each, whatever comes of the others.
async fn work_off(
    context: &Context,
    store: &Store,
    letters: &Letters,
    action: impl Fn(String) -> Action,
) -> Result<(), Failure> {
    let actor = actor(&context.global, &context.settings)?;
    require_leader(context, store).await?;
    let entries = if letters.all { every(store).await? } else { letters.entries.clone() };
    let mut answers = Vec::new();
    for entry in entries {
        let given = give(context, store, actor.clone(), action(entry), &letters.reason.reason).await;
        match given {
            Ok((answer, _)) => answers.push(answer),
            Err(failure) => {
                // What was done already is not left untold.
                tell_all(&answers, context.screen, letters.form.json).ok();
                return Err(failure);
            }
        }
    }
    if answers.is_empty() && !letters.form.json {
        return context.screen.line("no dead letters");
    }
    tell_all(&answers, context.screen, letters.form.json)
}

/// Those that there are now, oldest first.
async fn every(store: &Store) -> Result<Vec<String>, Failure> {
    let mut entries = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let page = dead_letters::list(store, before.as_deref(), PAGE).await?;
        entries.extend(page.letters.into_iter().map(|letter| letter.entry));
        before = page.older;
        if before.is_none() {
            entries.reverse();
            return Ok(entries);
        }
    }
}
