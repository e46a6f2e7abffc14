//! Commands about function pools: what they come to, or why they are refused. They are answered by whoever keeps the pools, when the
//! containers exist or are gone.

use chrono::{DateTime, Utc};

use super::refuse_stale;
use crate::model::event::CommandRefused;
use crate::model::{Action, Command, ContainerId, Direction, FunctionName};
use crate::policy::operator::Refusal;
use crate::policy::pools::UpReason;
use crate::policy::pools::operator::{PoolState, drain, known, scale_down, scale_up, wake};

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// So many containers are made.
    Up(u32, UpReason),
    /// These containers go.
    Down(Vec<ContainerId>),
    /// This container gets no more calls, and goes when it idles.
    Drain(ContainerId),
}

/// What a command about a pool comes to.
pub fn judge<'a>(
    command: &Command,
    pools: impl Iterator<Item = PoolState<'a>> + Clone,
    dry_run: bool,
    now: DateTime<Utc>,
) -> Result<(FunctionName, Wanted), Refusal> {
    refuse_stale(command, now)?;
    let Some(function) = command.action.pool() else {
        return Err(Refusal { reason: "invalid", detail: format!("{} is not about a pool", command.action.name()) });
    };
    let state = known(function, pools)?;
    if dry_run {
        let detail = "this windlass runs dry: it decides and reports, and changes nothing".to_owned();
        return Err(Refusal { reason: "dry_run", detail });
    }
    let wanted = match &command.action {
        Action::PoolScale { direction: Direction::Up, count, .. } => {
            Wanted::Up(scale_up(&state, *count)?, UpReason::Operator)
        }
        Action::PoolScale { direction: Direction::Down, count, .. } => Wanted::Down(scale_down(&state, *count)?),
        Action::PoolDrain { container, .. } => Wanted::Drain(drain(&state, container)?),
        _ => Wanted::Up(wake(&state)?, UpReason::Demand),
    };
    Ok((function.clone(), wanted))
}

/// The answer to a command that is refused.
#[must_use]
pub fn refused(command: &Command, refusal: &Refusal) -> CommandRefused {
    CommandRefused {
        command: command.action.name().to_owned(),
        reason: refusal.reason.to_owned(),
        detail: refusal.detail.clone(),
    }
}
