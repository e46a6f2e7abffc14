//! Applies operators' commands. Every command ends in an event that names the person and what came of it.

pub mod pools;
mod replay;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Because, Draft, World, alert_manager};
use crate::bus::dead_letters::Letter;
use crate::bus::replay::Logged;
use crate::clock;
use crate::model::command::STALE_AFTER;
use crate::model::event::{
    CommandRefused, EventDeadLetterDropped, EventDeadLetterRetried, HoldPlaced, HoldReleased, ReconcileRequested,
    ScaleDownDecision, ScaleUpDecision, WorkerProtected, WorkerUnprotected,
};
use crate::model::{Action, Command, Direction, Event, EventType, Origin, Scope, WorkerName, words};
use crate::policy::operator::{self, Refusal};
use crate::store::Settled;

/// The source of the events.
pub const SOURCE: &str = "operator";

/// Whether an event answers a command. The command's id alone does not tell: what was begun for it names it as its cause as well, and a
/// client may make any id up.
#[must_use]
pub fn answers(event: &Event, command: Uuid) -> bool {
    event.caused_by == Some(command) && event.source == SOURCE
}

/// What a command is about, as it was found in the streams.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The dead letter it names, where there is one.
    pub letter: Option<Letter>,
    /// The events of the span it names: one more than may be replayed at once where there are more.
    pub span: Vec<Logged>,
    /// What the handler it names hears of; `None`: it names none that runs, or a webhook target.
    pub subscribes: Option<&'static [EventType]>,
}

/// Applies a command, or refuses it. The answer is what goes back on the stream and which dead letters are settled.
pub fn apply(command: &Command, found: &Found, world: &World<'_>, draft: &mut Draft) -> Vec<Settled> {
    accept(command, found, world, draft).unwrap_or_else(|refusal| {
        let data = CommandRefused {
            command: command.action.name().to_owned(),
            reason: refusal.reason.to_owned(),
            detail: refusal.detail,
        };
        draft.emit(data, because(command));
        Vec::new()
    })
}

fn because(command: &Command) -> Because {
    Because::of(command.command_id).by(command.actor.clone())
}

fn accept(command: &Command, found: &Found, world: &World<'_>, draft: &mut Draft) -> Result<Vec<Settled>, Refusal> {
    refuse_stale(command, world.now)?;
    match &command.action {
        Action::Scale { direction: Direction::Up, count, honor_cooldown, .. } => {
            scale_up(command, *count, *honor_cooldown, world, draft)?;
        }
        Action::Scale { direction: Direction::Down, count, worker, honor_cooldown } => {
            scale_down(command, *count, worker.as_ref(), *honor_cooldown, world, draft)?;
        }
        Action::Hold { scope, seconds } => hold(command, *scope, *seconds, world, draft)?,
        Action::Release { scope } => release(command, *scope, draft)?,
        Action::Protect { worker } => protect(command, worker, true, draft)?,
        Action::Unprotect { worker } => protect(command, worker, false, draft)?,
        Action::Reconcile => {
            draft.emit(ReconcileRequested { reason: command.reason.clone() }, because(command));
        }
        Action::DeadLetterRetry { entry } => {
            return retry(command, letter(entry, found)?, world, draft).map(|settled| vec![settled]);
        }
        Action::DeadLetterDrop { entry } => return Ok(vec![drop_letter(command, letter(entry, found)?, draft)]),
        // Whoever keeps the pools answers these; they only come here where nobody does.
        Action::PoolScale { .. } | Action::PoolDrain { .. } | Action::PoolWake { .. } => {
            let detail = "nobody keeps the pools in this process; its log tells why".to_owned();
            return Err(Refusal { reason: "pool", detail });
        }
        Action::Replay { handler, .. } => return replay::replay(command, handler, found, world, draft),
    }
    Ok(Vec::new())
}

/// A command that nobody waits for any more is not carried out.
fn refuse_stale(command: &Command, now: DateTime<Utc>) -> Result<(), Refusal> {
    let age = clock::between(command.issued_at, now);
    if age > STALE_AFTER {
        let detail =
            format!("it was given {} ago; give it again if it is still wanted", words::seconds(age.as_secs_f64()));
        return Err(Refusal { reason: "stale", detail });
    }
    Ok(())
}

fn letter<'a>(entry: &str, found: &'a Found) -> Result<&'a Letter, Refusal> {
    found.letter.as_ref().ok_or_else(|| {
        let detail = format!("there is no dead letter {entry} (any more); `windlass events dead list` lists them");
        Refusal { reason: "dead_letter", detail }
    })
}

/// The event goes back on the stream for its handler alone.
fn retry(command: &Command, letter: &Letter, world: &World<'_>, draft: &mut Draft) -> Result<Settled, Refusal> {
    let handler = &letter.handler;
    let refuse = |detail| Err(Refusal { reason: "dead_letter", detail });
    if handler == SOURCE {
        return refuse("it is a command, not an event: give the command again".to_owned());
    }
    let Some(event) = letter.event() else {
        return refuse("it cannot be read as an event, and that will not change: drop it".to_owned());
    };
    if !alert_manager::listeners(world.config).contains(handler) {
        return refuse(format!("{handler} does not run (autoscaler.events): nobody would deal with it"));
    }
    let data = EventDeadLetterRetried {
        entry: letter.entry.clone(),
        handler: handler.clone(),
        event: event.event_id.to_string(),
        reason: command.reason.clone(),
    };
    draft.emit(data, because(command));
    Ok(Settled::Retried { entry: letter.entry.clone(), event: letter.text.clone(), handler: handler.clone() })
}

fn drop_letter(command: &Command, letter: &Letter, draft: &mut Draft) -> Settled {
    let data = EventDeadLetterDropped {
        entry: letter.entry.clone(),
        handler: letter.handler.clone(),
        event: letter.event().map(|event| event.event_id.to_string()).unwrap_or_default(),
        reason: command.reason.clone(),
    };
    draft.emit(data, because(command));
    Settled::Dropped { entry: letter.entry.clone() }
}

fn scale_up(
    command: &Command,
    count: u32,
    honor_cooldown: bool,
    world: &World<'_>,
    draft: &mut Draft,
) -> Result<(), Refusal> {
    operator::scale_up(&world.situation(draft.state()), count, honor_cooldown)?;
    let data = ScaleUpDecision {
        count,
        current_workers: draft.state().worker_count(),
        target_workers: draft.state().workers_expected() + count,
        origin: Origin::Operator,
        reason: command.reason.clone(),
        dry_run: false,
    };
    draft.emit(data, because(command).within(clock::fresh_id(world.now)));
    Ok(())
}

fn scale_down(
    command: &Command,
    count: u32,
    named: Option<&WorkerName>,
    honor_cooldown: bool,
    world: &World<'_>,
    draft: &mut Draft,
) -> Result<(), Refusal> {
    let workers = operator::scale_down(&world.situation(draft.state()), count, named, honor_cooldown)?;
    let current = draft.state().worker_count();
    let data = ScaleDownDecision {
        current_workers: current,
        target_workers: current.saturating_sub(u32::try_from(workers.len()).unwrap_or(u32::MAX)),
        node_names: workers,
        origin: Origin::Operator,
        reason: command.reason.clone(),
        dry_run: false,
    };
    draft.emit(data, because(command).within(clock::fresh_id(world.now)));
    Ok(())
}

fn hold(command: &Command, scope: Scope, seconds: u64, world: &World<'_>, draft: &mut Draft) -> Result<(), Refusal> {
    let longest = world.config.autoscaler.holds.max_duration;
    if seconds == 0 || seconds > longest.get().as_secs() {
        let detail = format!("{seconds} s: a hold lasts from 1 s to {longest} (autoscaler.holds.max_duration)");
        return Err(Refusal { reason: "invalid", detail });
    }
    let until = clock::after(world.now, std::time::Duration::from_secs(seconds));
    for direction in scope.directions() {
        let data = HoldPlaced { direction: *direction, until, reason: command.reason.clone() };
        draft.emit(data, because(command));
    }
    Ok(())
}

fn release(command: &Command, scope: Scope, draft: &mut Draft) -> Result<(), Refusal> {
    let held: Vec<_> =
        scope.directions().iter().filter(|direction| draft.state().holds.get(**direction).is_some()).collect();
    if held.is_empty() {
        return Err(Refusal { reason: "hold", detail: format!("there is no hold on {scope} to release") });
    }
    for direction in held {
        draft.emit(HoldReleased { direction: *direction, reason: command.reason.clone() }, because(command));
    }
    Ok(())
}

fn protect(command: &Command, worker: &WorkerName, on: bool, draft: &mut Draft) -> Result<(), Refusal> {
    let Some(known) = draft.state().workers.get(worker) else {
        let detail = format!("there is no worker {worker}; `windlass workers` lists them");
        return Err(Refusal { reason: "worker", detail });
    };
    let (node_name, reason) = (worker.clone(), command.reason.clone());
    match (on, known.protected.is_some()) {
        (true, _) => draft.emit(WorkerProtected { node_name, reason }, because(command)),
        (false, true) => draft.emit(WorkerUnprotected { node_name, reason }, because(command)),
        (false, false) => {
            return Err(Refusal { reason: "worker", detail: format!("{worker} is not protected") });
        }
    };
    Ok(())
}
