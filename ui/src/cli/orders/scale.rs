//! `windlass scale`: workers are added or removed by hand.

use clap::Args as ClapArgs;
use windlass::model::{Action, Direction, EventType, WorkerName};
use windlass::policy::candidates;
use windlass::store::Store;
use windlass_ui::format;

use super::asking::{agree, is_asked};
use super::{Reason, Way, give};
use crate::cli::Context;
use crate::cli::actor::actor;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;
use crate::cli::memory::with_store;

/// How many, which, why.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Add or remove
    direction: Way,
    /// How many [default: 1]
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Remove this worker instead of the youngest one
    #[arg(long, value_name = "NAME")]
    worker: Option<WorkerName>,
    #[command(flatten)]
    reason: Reason,
    /// Be refused while the direction cools down, instead of overriding that
    #[arg(long)]
    honor_cooldown: bool,
    /// Return when the operation has ended, not when it is taken
    #[arg(long)]
    wait: bool,
    /// Do not ask before workers are removed
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    form: Form,
}

/// Gives the command, and waits for its end where that is wanted.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let direction = Direction::from(args.direction);
    let count = args.count.unwrap_or(1);
    if args.worker.is_some() && direction == Direction::Up {
        return Err(Failure::Usage("--worker names a worker to remove: `scale up` makes new ones".to_owned()));
    }
    if args.worker.is_some() && count != 1 {
        return Err(Failure::Usage(format!("--worker names one worker, and {count} are to go: leave one of them out")));
    }
    let actor = actor(&context.global, &context.settings)?;
    with_store(&context.settings, async |store| {
        if direction == Direction::Down && is_asked(context, args.yes, args.form) {
            confirm(store, count, args.worker.as_ref()).await?;
        }
        let (worker, honor_cooldown) = (args.worker.clone(), args.honor_cooldown);
        let action = Action::Scale { direction, count, worker, honor_cooldown };
        let (mut answer, mut hearing) = give(context, store, actor, action, &args.reason.reason).await?;
        if let (true, Some(operation)) = (args.wait, answer.operation()) {
            let ends = [EventType::ScalingActionCompleted, EventType::ScalingActionFailed];
            let ended = hearing.until_abandoned(|event| {
                event.correlation_id == Some(operation) && ends.contains(&event.event_type())
            });
            match ended.await?.and_then(|events| events.into_iter().next()) {
                Some(event) => answer.ended(event),
                None => {
                    return Err(Failure::Failed(format!(
                        "no engine is running any more for cluster {}: operation {operation} is remembered, and the next engine \
                         goes on with it",
                        context.settings.cluster()
                    )));
                }
            }
        }
        answer.tell(context.screen, args.form.json)
    })
    .await
}

async fn confirm(store: &Store, count: u32, named: Option<&WorkerName>) -> Result<(), Failure> {
    let state = store.snapshot().await?.state;
    let going: Vec<String> = match named {
        Some(name) => vec![name.to_string()],
        None => candidates(&state).into_iter().take(count as usize).map(|worker| worker.name.to_string()).collect(),
    };
    // Where too few may go, the leader says so better.
    if going.is_empty() {
        return Ok(());
    }
    let (before, workers) = (state.worker_count(), format::plural(going.len() as u64, "worker"));
    let after = before.saturating_sub(u32::try_from(going.len()).unwrap_or(u32::MAX));
    let question = format!("remove {workers} ({}): {before} → {after}. Go on? [y/N] ", going.join(", "));
    agree(question).await
}
