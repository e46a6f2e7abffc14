//! What the manager is told from outside: operators' commands, and the pools that a program wants.

use tokio::sync::oneshot;

use super::PoolError;
use crate::model::{Action, Command, FunctionName, PoolSpec};
use crate::policy::operator::Refusal;
use crate::store::Acknowledgement;

/// What is wanted.
pub(super) enum Order {
    /// An operator's command.
    Command(Box<Answering>),
    /// A pool is to be kept, and to be this.
    Ensure(Box<PoolSpec>, oneshot::Sender<Result<(), PoolError>>),
    /// Nothing: whoever asks wants to know when the pools are kept and shown.
    Ready(oneshot::Sender<Result<(), PoolError>>),
    /// A pool is to be kept no longer: its containers go.
    Remove(FunctionName, oneshot::Sender<Result<(), PoolError>>),
}

/// A command, and who waits for its answer.
pub(super) struct Answering {
    /// The command.
    pub command: Command,
    /// The entry of the stream that it came by; the event that answers it acknowledges it.
    pub acknowledgement: Option<Acknowledgement>,
    /// Whoever gave it in this process; told the names of the containers that came or went.
    pub reply: Option<oneshot::Sender<Result<Vec<String>, Refusal>>>,
}

impl Answering {
    /// Why a person wants a pool to be scaled, in their own words; `None`: no person does.
    pub(super) fn said(answering: Option<&Self>) -> Option<String> {
        let command = &answering?.command;
        let by_hand = matches!(command.action, Action::PoolScale { .. }) && !command.reason.is_empty();
        by_hand.then(|| command.reason.clone())
    }

    /// Tells whoever gave it in this process.
    pub(super) fn tell(&mut self, answer: Result<Vec<String>, Refusal>) {
        if let Some(reply) = self.reply.take() {
            // Nobody may be waiting any more.
            let _ = reply.send(answer);
        }
    }
}
