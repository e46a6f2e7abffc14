//! `windlass reconcile`: state and cluster are compared now.

use clap::Args as ClapArgs;
use windlass::model::Action;

use super::{Reason, order};
use crate::cli::Context;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;

/// Why.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// Gives the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    order(context, Action::Reconcile, &args.reason.reason, args.form.json).await
}
