//! What an operator wants: sent to the leader, answered by an event, told to the operator.

pub mod hold;
pub mod protect;
pub mod reconcile;
pub mod release;
pub mod scale;

pub mod answer;
pub mod asking;
mod hearing;

use std::time::Duration;

use clap::{Args, ValueEnum};
use windlass::bus;
use windlass::clock;
use windlass::handlers::operator;
use windlass::model::{Action, Actor, Command, Direction, Scope};
use windlass::store::Store;

use super::Context;
use super::actor::actor;
use super::failure::Failure;
use super::memory::with_store;
use answer::Answer;
use hearing::Hearing;

/// A leader that lives answers well within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// A reason that may be left out.
#[derive(Debug, Args)]
pub struct Reason {
    /// Why: it stays in the log with your name
    #[arg(long, value_name = "TEXT", default_value = "manual", value_parser = words)]
    pub reason: String,
}

/// A reason is more than blanks.
fn words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why, in a few words".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// A direction of scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// More
    Up,
    /// Fewer
    Down,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Up => Self::Up,
            Way::Down => Self::Down,
        }
    }
}

/// One direction of scaling, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ways {
    /// Scaling up
    Up,
    /// Scaling down
    Down,
    /// Both
    All,
}

impl From<Ways> for Scope {
    fn from(ways: Ways) -> Self {
        match ways {
            Ways::Up => Self::Up,
            Ways::Down => Self::Down,
            Ways::All => Self::All,
        }
    }
}

/// Gives a command and tells what came of it.
pub async fn order(context: &Context, action: Action, reason: &str, json: bool) -> Result<(), Failure> {
    let actor = actor(&context.global, &context.settings)?;
    with_store(&context.settings, async |store| {
        let (answer, _) = give(context, store, actor, action, reason).await?;
        answer.tell(context.screen, json)
    })
    .await
}

/// Without a leader nothing is commanded.
pub async fn require_leader(context: &Context, store: &Store) -> Result<(), Failure> {
    match store.leader().await? {
        Some(_) => Ok(()),
        None => Err(Failure::Failed(format!(
            "no engine is running for cluster {}: start one with `windlass run`",
            context.settings.cluster()
        ))),
    }
}

/// Gives a command; the leader's answer, and where to hear what follows from it. Without a leader nothing is sent.
pub async fn give(
    context: &Context,
    store: &Store,
    actor: Actor,
    action: Action,
    reason: &str,
) -> Result<(Answer, Hearing), Failure> {
    require_leader(context, store).await?;
    let cluster = context.settings.cluster();
    // From before the command on, so that the answer cannot be missed.
    let mut hearing = Hearing::begin(store).await?;
    let now = clock::now();
    let command =
        Command { command_id: clock::fresh_id(now), issued_at: now, actor, reason: reason.to_owned(), action };
    bus::send(store, &command).await?;
    let id = command.command_id;
    let heard = tokio::time::timeout(PATIENCE, hearing.until(|event| operator::answers(event, id))).await;
    let Ok(events) = heard else {
        return Err(Failure::Failed(format!(
            "no answer from the engine of cluster {cluster} within {} s. The command ({id}) is on the stream: an engine that comes \
             back within a minute of it still carries it out, later it is refused as stale. `windlass status` tells who leads",
            PATIENCE.as_secs()
        )));
    };
    Ok((Answer::new(command, events?), hearing))
}
