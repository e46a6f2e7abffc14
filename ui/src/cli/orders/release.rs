//! `windlass release`: a hold is ended by hand.

use clap::Args as ClapArgs;
use windlass::model::Action;

use super::{Reason, Ways, order};
use crate::cli::Context;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;

/// What, why.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What is free again
    scope: Ways,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// Gives the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let action = Action::Release { scope: args.scope.into() };
    order(context, action, &args.reason.reason, args.form.json).await
}
