//! `windlass protect` and `windlass unprotect`: a worker is kept from being scaled away.

use clap::Args as ClapArgs;
use windlass::model::{Action, WorkerName};

use super::{Reason, order};
use crate::cli::Context;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;

/// Which, why.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The worker
    worker: WorkerName,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// Gives the command.
pub async fn run(context: &Context, args: Args, protect: bool) -> Result<(), Failure> {
    let worker = args.worker;
    let action = if protect { Action::Protect { worker } } else { Action::Unprotect { worker } };
    order(context, action, &args.reason.reason, args.form.json).await
}
